//! What the origin is asked: target, header section, and where to send it. Pure but for the signature's time.
//!
//! The origin sees what the behavior forwards (the cache key's values and those of the origin request policy) and what
//! CloudFront itself adds, and nothing else of the viewer's (guide, controlling-origin-requests,
//! RequestAndResponseBehaviorCustomOrigin).

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use edgeward_cache::StoredResponse;
use edgeward_http_rules::range::ByteRange;
use edgeward_http_rules::{combine, cookies, fields, hop_by_hop, query, targeted};
use edgeward_net::origin::{AddressFamilies, OriginAddress, OriginTimeouts};
use edgeward_plan::{CacheBehavior, CachingRules, ForwardedHeaders, IpAddressType, Origin, OriginKind, OriginProtocol};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use crate::exchange::Exchange;
use crate::refusal::Refusal;
use crate::signing;
use crate::stages::{grpc, websocket};

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) static X_AMZ_CF_ID: HeaderName = HeaderName::from_static("x-amz-cf-id");
static X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// Describe the viewer's content, and go with it.
const CONTENT_FIELDS: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE];

/// Reach the origin only where nothing is stored for other viewers.
pub(crate) const CONDITIONS_AND_RANGE: [HeaderName; 6] = [
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
    header::RANGE,
];

/// Guide, quotas: distributions that a request may come through, one being the origin of the other.
const LONGEST_CHAIN: usize = 2;

/// Why the origin is asked.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// To store the response, or the part of it that is named; a stale one may turn out to hold.
    Store(Option<&'a StoredResponse>, Option<ByteRange>),
    /// To put a part to what is stored, unless that has changed.
    Part(&'a StoredResponse, ByteRange),
    /// For this viewer alone.
    Pass,
    /// To speak WebSocket with this viewer.
    Switch,
    /// For this viewer alone, over HTTP/2 and with trailers.
    Grpc,
}

impl Purpose<'_> {
    /// Whether nobody but this viewer gets the answer.
    fn is_for_one(self) -> bool {
        matches!(self, Purpose::Pass | Purpose::Switch | Purpose::Grpc)
    }
}

/// The request to `origin`, without content.
pub(crate) fn build(exchange: &Exchange, origin: &Origin, purpose: Purpose<'_>) -> Result<Request<()>, Refusal> {
    let behavior = &exchange.route.as_ref().ok_or(Refusal::UnknownHost)?.behavior;
    if distributions_passed(&exchange.request.headers) >= LONGEST_CHAIN {
        return Err(Refusal::ChainTooLong);
    }
    let mut request = Request::new(());
    *request.method_mut() = exchange.method().clone();
    *request.uri_mut() = target(exchange, behavior, origin)?;
    let headers = request.headers_mut();
    from_viewer(exchange, behavior, purpose, headers);
    from_edge(exchange, origin, headers)?;
    match purpose {
        Purpose::Store(stale, part) => {
            stale.into_iter().for_each(|stale| validate(stale, headers));
            part.into_iter().for_each(|part| drop(headers.insert(header::RANGE, range_value(part))));
        }
        Purpose::Part(stored, part) => {
            headers.insert(header::RANGE, range_value(part));
            if let Some(validator) = combine::strong_validator(&stored.head.headers) {
                headers.insert(header::IF_RANGE, validator.clone());
            }
        }
        Purpose::Pass => {}
        Purpose::Switch => {
            headers.insert(header::CONNECTION, websocket::UPGRADE);
            headers.insert(header::UPGRADE, websocket::WEBSOCKET);
        }
        Purpose::Grpc => grpc::write(&exchange.request.headers, headers),
    }
    for (name, value) in &origin.headers {
        headers.insert(name, value.clone());
    }
    sign(exchange, origin, &mut request)?;
    Ok(request)
}

fn target(exchange: &Exchange, behavior: &CacheBehavior, origin: &Origin) -> Result<Uri, Refusal> {
    let mut target = Vec::with_capacity(256);
    target.extend_from_slice(origin.path.as_bytes());
    target.extend_from_slice(exchange.path().as_bytes());
    let path = target.len();
    target.push(b'?');
    if let Some(sent) = exchange.query() {
        query::select(sent.as_bytes(), &behavior.forwarding.query_strings, &mut target);
    }
    if target.len() == path + 1 {
        target.truncate(path);
    }
    Uri::try_from(target).map_err(|_| Refusal::InvalidTarget)
}

fn from_viewer(exchange: &Exchange, behavior: &CacheBehavior, purpose: Purpose<'_>, headers: &mut HeaderMap) {
    let policy = &behavior.cache;
    let end_to_end = without_connection_fields(&exchange.request.headers);
    let viewer = end_to_end.as_ref();
    copy_forwarded(viewer, &behavior.forwarding.headers, headers);
    if policy.normalizes_codings() {
        headers.remove(header::ACCEPT_ENCODING);
    }
    let mut selected = Vec::new();
    cookies::select(viewer, &behavior.forwarding.cookies, &mut selected);
    if let (false, Ok(value)) = (selected.is_empty(), HeaderValue::from_maybe_shared(bytes::Bytes::from(selected))) {
        headers.insert(header::COOKIE, value);
    }
    if exchange.content_received.is_none() {
        // RFC 9110 section 10.1.1: there is nothing to wait for.
        headers.remove(header::EXPECT);
    }
    if let Some(codings) = exchange.accepted_codings().as_field_value().filter(|_| !matches!(purpose, Purpose::Grpc)) {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(codings));
    }
    if !matches!(*exchange.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        CONTENT_FIELDS.iter().for_each(|name| copy(viewer, name, headers));
        copy(viewer, &X_AMZ_CONTENT_SHA256, headers);
        // Removed from GET and HEAD, so that one viewer's authority cannot fetch what others are then served.
        copy(viewer, &header::AUTHORIZATION, headers);
    }
    let is_shared = !purpose.is_for_one() || exchange.error_page.is_some();
    for name in &CONDITIONS_AND_RANGE {
        match is_shared {
            false => copy(viewer, name, headers),
            true if policy.headers.0.contains(name) => {}
            true => drop(headers.remove(name)),
        }
    }
}

fn copy_forwarded(viewer: &HeaderMap, forwarded: &ForwardedHeaders, headers: &mut HeaderMap) {
    match forwarded {
        ForwardedHeaders::Listed(names) => names.iter().for_each(|name| copy(viewer, name, headers)),
        ForwardedHeaders::All { .. } => {
            viewer.keys().filter(|name| forwarded.forwards(name)).for_each(|name| copy(viewer, name, headers));
        }
    }
}

/// RFC 9110 section 7.6.1: what concerns the viewer's connection ends here, whatever the policy selects.
fn without_connection_fields(viewer: &HeaderMap) -> Cow<'_, HeaderMap> {
    let is_affected = viewer.keys().any(hop_by_hop::is_connection_specific);
    if !is_affected {
        return Cow::Borrowed(viewer);
    }
    let mut rest = viewer.clone();
    hop_by_hop::strip(&mut rest);
    Cow::Owned(rest)
}

fn copy(from: &HeaderMap, name: &HeaderName, to: &mut HeaderMap) {
    to.remove(name);
    for value in from.get_all(name) {
        to.append(name, value.clone());
    }
}

fn from_edge(exchange: &Exchange, origin: &Origin, headers: &mut HeaderMap) -> Result<(), Refusal> {
    // The viewer's own, where the behavior forwards it.
    if !headers.contains_key(header::HOST) {
        let host = HeaderValue::from_str(&origin.domain_name).map_err(|_| Refusal::OriginDns)?;
        headers.insert(header::HOST, host);
    }
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static("Amazon CloudFront"));
    // All of them, so that distributions that are each other's origins notice.
    copy(&exchange.request.headers, &header::VIA, headers);
    headers.append(header::VIA, exchange.worker.engine.identity.via(exchange.request.version).clone());
    headers.insert(&X_AMZ_CF_ID, exchange.id.to_header_value());
    headers.insert(&X_FORWARDED_FOR, forwarded_for(exchange));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Keep-Alive"));
    if exchange.rules() == CachingRules::Rfc9111 {
        // In place of what the viewer sent: nobody outside may promise what this edge does to a response.
        headers.insert(&targeted::SURROGATE_CAPABILITY, targeted::OUR_CAPABILITY);
    }
    Ok(())
}

/// How many distributions the request has come through, by Via (RFC 9110 section 7.6.3).
fn distributions_passed(viewer: &HeaderMap) -> usize {
    fields::members(viewer, &header::VIA).filter(|hop| hop.ends_with(b".cloudfront.net (CloudFront)")).count()
}

/// What the viewer sent, and the viewer's address.
fn forwarded_for(exchange: &Exchange) -> HeaderValue {
    let address = exchange.connection.viewer.ip().to_canonical().to_string();
    let mut hops: Vec<&[u8]> =
        exchange.request.headers.get_all(&X_FORWARDED_FOR).iter().map(HeaderValue::as_bytes).collect();
    hops.push(address.as_bytes());
    HeaderValue::from_bytes(&hops.join(&b", "[..])).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// To the end, where the last position is the greatest there is.
fn range_value(part: ByteRange) -> HeaderValue {
    let ByteRange { first, last } = part;
    let text = if last == u64::MAX { format!("bytes={first}-") } else { format!("bytes={first}-{last}") };
    HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).unwrap_or(HeaderValue::from_static("bytes=0-"))
}

/// RFC 9111 section 4.3.1.
fn validate(stale: &StoredResponse, headers: &mut HeaderMap) {
    let stored = &stale.head.headers;
    let etag = match &stale.head.compressed {
        Some(compressed) => compressed.origin_etag.as_ref(),
        None => stored.get(header::ETAG),
    };
    for (validator, condition) in
        [(etag, header::IF_NONE_MATCH), (stored.get(header::LAST_MODIFIED), header::IF_MODIFIED_SINCE)]
    {
        if let Some(value) = validator {
            headers.insert(condition, value.clone());
        }
    }
}

fn sign(exchange: &Exchange, origin: &Origin, request: &mut Request<()>) -> Result<(), Refusal> {
    let Some(rules) = origin.signing.as_ref().filter(|rules| signing::is_signed(rules, request.headers())) else {
        return Ok(());
    };
    let engine = &exchange.worker.engine;
    let identity = engine.s3.as_ref().ok_or(Refusal::NoSigningIdentity)?;
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    identity.sign(request, &host, rules, &engine.clock).map_err(|_| Refusal::NoSigningIdentity)
}

/// Where S3 origins are, in place of the addresses of their domain names.
#[derive(Debug, Clone)]
pub(crate) struct S3Endpoint {
    pub(crate) address: SocketAddr,
}

/// Where to connect for `origin`, and how long to wait.
pub(crate) fn address(
    origin: &Origin,
    viewer_is_https: bool,
    s3: Option<&S3Endpoint>,
) -> (OriginAddress, OriginTimeouts) {
    let host = Arc::clone(&origin.domain_name);
    let tls = match origin.protocol {
        OriginProtocol::HttpOnly => false,
        OriginProtocol::HttpsOnly => true,
        OriginProtocol::MatchViewer => viewer_is_https,
    };
    let address = match s3.filter(|_| origin.kind == OriginKind::S3) {
        Some(endpoint) => {
            let (port, connect_to) = (endpoint.address.port(), Some(endpoint.address));
            OriginAddress { port, connect_to, ..OriginAddress::new(host) }
        }
        None => {
            let port = if tls { origin.https_port } else { origin.http_port };
            OriginAddress { tls, port, families: families(origin.ip_address_type), ..OriginAddress::new(host) }
        }
    };
    let timeouts = OriginTimeouts {
        attempts: origin.connection_attempts,
        connect: origin.connection_timeout,
        response: origin.response_timeout,
        keepalive: origin.keepalive_timeout,
        complete_by: None,
    };
    (address, timeouts)
}

fn families(addresses: IpAddressType) -> AddressFamilies {
    match addresses {
        IpAddressType::Ipv4 => AddressFamilies::Ipv4,
        IpAddressType::Ipv6 => AddressFamilies::Ipv6,
        IpAddressType::Dualstack => AddressFamilies::Dualstack,
    }
}
