//! Whether a response may be stored, and for how long it is fresh.
//!
//! The rules here are CloudFront's (guide, Expiration and HTTPStatusCodes): its clamps over RFC 9111. `rfc9111` has those
//! of the RFC alone, for policies that ask for them. A response that is not stored has a reason.

use http::{HeaderMap, StatusCode, header};

use edgeward_http_rules::cache_control::CacheControl;
use edgeward_http_rules::freshness::{self, explicit_lifetime};
use edgeward_plan::{CachePolicy, CachingRules};

mod rfc9111;

/// Why a response is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotStored {
    /// The policy's TTLs are all 0.
    CachingDisabled,
    /// Its status is not one that is stored.
    Status,
    /// `Cache-Control: no-store`.
    NoStore,
    /// `Cache-Control: no-cache`.
    NoCache,
    /// `Cache-Control: private`.
    Private,
    /// Its request carried Authorization, and nothing says that others may have the response.
    Authorized,
    /// `Vary: *`.
    VariesByEverything,
    /// It is stale at once and has no validator to ask the origin with.
    ZeroLifetime,
    /// It is larger than the store takes.
    TooLarge,
    /// Its content ended early.
    Truncated,
}

/// For how long a response is fresh, and who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Freshness lifetime, counted from age 0.
    pub seconds: u64,
    /// Where it comes from.
    pub source: LifetimeSource,
}

/// Where a freshness lifetime comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifetimeSource {
    /// `Cache-Control: s-maxage`.
    SMaxAge,
    /// `Cache-Control: max-age`.
    MaxAge,
    /// `Expires`.
    Expires,
    /// The policy's minimum TTL is greater than what the origin says.
    MinTtl,
    /// The policy's default TTL: the origin says nothing.
    DefaultTtl,
    /// The policy's maximum TTL is less than what the origin says.
    MaxTtl,
    /// The minimum time for which errors are kept.
    ErrorCachingMinTtl,
    /// `Cache-Control: no-cache`: validated before each use.
    NoCache,
    /// `Age` cannot be read, or there are several: taken for stale.
    UnclearAge,
    /// A guess from `Last-Modified`: the origin says nothing.
    Heuristic,
}

/// What is known of a response once its header section has arrived.
#[derive(Debug, Clone, Copy)]
pub struct NewResponse<'a> {
    /// Status code.
    pub status: StatusCode,
    /// Header section as the origin sent it.
    pub headers: &'a HeaderMap,
    /// Whether its request carried Authorization.
    pub was_authorized: bool,
    /// The distribution's ErrorCachingMinTTL for the status, in seconds.
    pub error_min_ttl: u64,
    /// When it arrived, unix seconds.
    pub at: u64,
}

/// The freshness lifetime of a response, or why it is not stored.
///
/// # Errors
/// The reason is the first that applies.
pub fn lifetime(response: &NewResponse<'_>, policy: &CachePolicy) -> Result<Lifetime, NotStored> {
    match policy.rules {
        _ if !policy.allows_caching() => Err(NotStored::CachingDisabled),
        CachingRules::CloudFront => cloudfront(response, policy),
        CachingRules::Rfc9111 => rfc9111::lifetime(response, policy),
    }
}

fn cloudfront(response: &NewResponse<'_>, policy: &CachePolicy) -> Result<Lifetime, NotStored> {
    let NewResponse { status, headers, error_min_ttl, .. } = *response;
    if headers.get_all(header::VARY).iter().any(|value| value.as_bytes() == b"*") && policy.min_ttl == 0 {
        return Err(NotStored::VariesByEverything);
    }
    let directives = CacheControl::parse(headers);
    let explicit = explicit_lifetime(&directives, headers, response.at).map(from_origin);
    match class(status) {
        Class::Stored => successful(&directives, explicit, headers, policy),
        Class::Error => Ok(error(explicit, policy, error_min_ttl)),
        Class::ErrorIfAllowed => match explicit {
            Some(lifetime) if lifetime.source != LifetimeSource::Expires => Ok(error(explicit, policy, error_min_ttl)),
            _ => Err(NotStored::Status),
        },
        Class::Never => Err(NotStored::Status),
    }
}

/// What CloudFront does with a status (guide, HTTPStatusCodes).
enum Class {
    Stored,
    /// Stored for at least the error caching minimum.
    Error,
    /// As `Error`, but only where the origin gives a max-age or s-maxage.
    ErrorIfAllowed,
    Never,
}

fn class(status: StatusCode) -> Class {
    match status.as_u16() {
        200 | 203 | 204 | 300 | 301 | 302 | 303 | 307 | 308 => Class::Stored,
        404 | 414 | 500 | 501 | 502 | 503 | 504 => Class::Error,
        400 | 403 | 405 | 412 | 415 => Class::ErrorIfAllowed,
        _ => Class::Never,
    }
}

fn from_origin(lifetime: freshness::Lifetime) -> Lifetime {
    let source = match lifetime.source {
        freshness::LifetimeSource::SMaxAge => LifetimeSource::SMaxAge,
        freshness::LifetimeSource::MaxAge => LifetimeSource::MaxAge,
        freshness::LifetimeSource::Expires => LifetimeSource::Expires,
    };
    Lifetime { seconds: lifetime.seconds, source }
}

fn successful(
    directives: &CacheControl,
    explicit: Option<Lifetime>,
    headers: &HeaderMap,
    policy: &CachePolicy,
) -> Result<Lifetime, NotStored> {
    if let Some(reason) = forbidden(directives) {
        // A minimum TTL overrules the origin (guide, Expiration).
        return match policy.min_ttl {
            0 => Err(reason),
            seconds => Ok(Lifetime { seconds, source: LifetimeSource::MinTtl }),
        };
    }
    let lifetime = match explicit {
        Some(lifetime) => clamped(lifetime, policy),
        None => by_default(policy),
    };
    if lifetime.seconds == 0 && !has_validator(headers) { Err(NotStored::ZeroLifetime) } else { Ok(lifetime) }
}

fn has_validator(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED)
}

fn forbidden(directives: &CacheControl) -> Option<NotStored> {
    if directives.no_store {
        Some(NotStored::NoStore)
    } else if directives.no_cache.is_whole() {
        Some(NotStored::NoCache)
    } else if directives.private.is_whole() {
        Some(NotStored::Private)
    } else {
        None
    }
}

fn clamped(lifetime: Lifetime, policy: &CachePolicy) -> Lifetime {
    if lifetime.seconds < policy.min_ttl {
        Lifetime { seconds: policy.min_ttl, source: LifetimeSource::MinTtl }
    } else if lifetime.seconds > policy.max_ttl {
        Lifetime { seconds: policy.max_ttl, source: LifetimeSource::MaxTtl }
    } else {
        lifetime
    }
}

fn by_default(policy: &CachePolicy) -> Lifetime {
    if policy.min_ttl > policy.default_ttl {
        Lifetime { seconds: policy.min_ttl, source: LifetimeSource::MinTtl }
    } else {
        Lifetime { seconds: policy.default_ttl.min(policy.max_ttl), source: LifetimeSource::DefaultTtl }
    }
}

/// Guide, HTTPStatusCodes: the origin may ask for longer than the minimum, up to the policy's maximum.
fn error(explicit: Option<Lifetime>, policy: &CachePolicy, minimum: u64) -> Lifetime {
    let at_most = |lifetime: Lifetime| match lifetime.seconds > policy.max_ttl {
        true => Lifetime { seconds: policy.max_ttl, source: LifetimeSource::MaxTtl },
        false => lifetime,
    };
    match explicit.map(at_most) {
        Some(lifetime) if lifetime.seconds > minimum => lifetime,
        _ => Lifetime { seconds: minimum, source: LifetimeSource::ErrorCachingMinTtl },
    }
}

#[cfg(test)]
mod tests;
