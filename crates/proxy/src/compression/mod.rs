//! Which responses the edge compresses, and what that does to their header section. Pure.
//!
//! The rules are those of the CloudFront guide, ServingCompressedFiles. A response is compressed once, while it is
//! received (`storing`), and stored so under the key of the codings its viewers accept: a hit pays nothing. Invariant: a
//! viewer gets only a coding that its request names. What is left as it is has a reason.

mod content_types;
mod encoder;

use edgeward_cache::{AcceptedCodings, Compressed};
use edgeward_http_rules::accept_encoding::Accepted;
use edgeward_http_rules::fields;
use edgeward_http_rules::validators::{EntityTag, entity_tag};
use edgeward_plan::CacheBehavior;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::exchange::Exchange;

pub(crate) use encoder::Encoder;

/// Guide, ServingCompressedFiles: bytes of content.
const LENGTHS: std::ops::RangeInclusive<u64> = 1_000..=10_000_000;

/// A content coding that the edge can apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Brotli,
    /// By our own rules alone.
    Zstd,
}

/// A response as the origin sent it.
pub(crate) struct Candidate<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    /// Of the content, where the origin says it.
    pub(crate) length: Option<u64>,
}

/// Why a response is not compressed for any viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsuited {
    /// Compress is off, the policy names no coding, or it treats Accept-Encoding as any other field.
    NotAsked,
    /// Neither 200, 403 nor 404.
    Status,
    /// The origin has coded it already.
    Coded,
    /// Too short, too long, or of unknown length.
    Length,
    /// Not one of the types that gain from it.
    ContentType,
    /// `Cache-Control: no-transform` (RFC 9111 section 5.2.2.6; the guide does not speak of it).
    NoTransform,
}

/// Whether viewers who accept a coding get the response compressed.
///
/// # Errors
/// The reason is the first that applies, in the order of `Unsuited`.
pub(crate) fn check(candidate: &Candidate<'_>, behavior: &CacheBehavior) -> Result<(), Unsuited> {
    let policy = &behavior.cache;
    let is_normalized = policy.normalizes_codings() && !policy.headers.0.contains(&header::ACCEPT_ENCODING);
    if !behavior.compress || !is_normalized {
        return Err(Unsuited::NotAsked);
    }
    if !matches!(candidate.status, StatusCode::OK | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
        return Err(Unsuited::Status);
    }
    if candidate.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Unsuited::Coded);
    }
    if !candidate.length.is_some_and(|length| LENGTHS.contains(&length)) {
        return Err(Unsuited::Length);
    }
    if !fields::sole(candidate.headers, &header::CONTENT_TYPE).is_some_and(content_types::gains) {
        return Err(Unsuited::ContentType);
    }
    let mut directives = fields::members(candidate.headers, &header::CACHE_CONTROL);
    if directives.any(|directive| directive.eq_ignore_ascii_case(b"no-transform")) {
        return Err(Unsuited::NoTransform);
    }
    Ok(())
}

/// Whether this viewer's response is one that the edge compresses. `length` is that of the whole content.
pub(crate) fn is_applied(exchange: &Exchange, status: StatusCode, headers: &HeaderMap, length: Option<u64>) -> bool {
    let Some(route) = &exchange.route else { return false };
    let candidate = Candidate { status, headers, length };
    preferred(exchange.accepted_codings()).is_some() && check(&candidate, &route.behavior).is_ok()
}

/// Of those that the viewer accepts the one that makes the content smallest: Brotli, zstd, gzip.
pub(crate) fn preferred(accepted: AcceptedCodings) -> Option<Coding> {
    match accepted {
        AcceptedCodings::Of(Accepted { brotli: true, .. }) => Some(Coding::Brotli),
        AcceptedCodings::Of(Accepted { zstd: true, .. }) => Some(Coding::Zstd),
        AcceptedCodings::Of(Accepted { gzip: true, .. }) => Some(Coding::Gzip),
        AcceptedCodings::Of(_) | AcceptedCodings::Absent => None,
    }
}

/// Turns the header section into that of the compressed response; `vary` is not said here.
pub(crate) fn apply(headers: &mut HeaderMap, coding: Coding) -> Compressed {
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(
        header::CONTENT_ENCODING,
        HeaderValue::from_static(match coding {
            Coding::Gzip => "gzip",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
        }),
    );
    Compressed { origin_etag: weaken(headers) }
}

/// Says that another Accept-Encoding gets another response.
pub(crate) fn vary(headers: &mut HeaderMap) {
    let is_said = |name: &[u8]| name == b"*" || name.eq_ignore_ascii_case(b"accept-encoding");
    if !fields::members(headers, &header::VARY).any(is_said) {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

/// Other bytes than the origin's must not carry its strong entity tag. One that is malformed is removed. Returns what
/// the origin sent, when it can be used to ask it again.
fn weaken(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let sent = entity_tag(headers).and_then(|_| headers.get(header::ETAG)).cloned();
    match sent.as_ref().and_then(weak) {
        Some(weak) => drop(headers.insert(header::ETAG, weak)),
        None => drop(headers.remove(header::ETAG)),
    }
    sent
}

/// Makes the fields of a 304 fit the compressed response that they update.
pub(crate) fn refresh(update: &mut HeaderMap, before: Compressed) -> Compressed {
    update.remove(header::CONTENT_ENCODING);
    if update.contains_key(header::VARY) {
        vary(update);
    }
    Compressed { origin_etag: weaken(update).or(before.origin_etag) }
}

fn weak(sent: &HeaderValue) -> Option<HeaderValue> {
    if EntityTag::parse(sent.as_bytes())?.weak {
        return Some(sent.clone());
    }
    HeaderValue::from_bytes(&[b"W/", sent.as_bytes()].concat()).ok()
}

#[cfg(test)]
mod tests;
