//! Stage 7: the response as the viewer gets it.
//!
//! A response is made ready for viewers once, when it arrives (`ready_for_viewers`); what differs from one viewer to the
//! next is written over it here: Age, X-Cache, X-Amz-Cf-Id, Via, and what conditions and ranges select.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use edgeward_cache::{Body, Filling, Reader, ResponseHead, StoredResponse, Timestamp};
use edgeward_http_rules::conditional::{Precondition, evaluate_stored, if_range_holds};
use edgeward_http_rules::date::format_http_date;
use edgeward_http_rules::range::{self, ByteRange, RangeRequest};
use edgeward_http_rules::{hop_by_hop, targeted};
use edgeward_net::origin::{Http2Body, OriginBody};
use edgeward_plan::CachingRules;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body::Body as _;

use super::websocket;
use crate::access_log::section_bytes;
use crate::content::{ArrivingContent, ResponseContent, Source};
use crate::exchange::{Exchange, Outcome};
use crate::explain::{self, EDGEWARD_EXPLAIN, Served};
use crate::origin_request::X_AMZ_CF_ID;
use crate::outcome::{Detail, ResultType};
use crate::refusal::Refusal;
use crate::response_headers::{self, Timing};
use crate::segments::{Next, Segments};
use crate::stored_content::StoredContent;
use crate::vary;

static X_CACHE: HeaderName = HeaderName::from_static("x-cache");
static X_AMZ_CF_POP: HeaderName = HeaderName::from_static("x-amz-cf-pop");
const CLOUDFRONT: HeaderValue = HeaderValue::from_static("CloudFront");

/// Not sent with a 304 (RFC 9110 section 15.4.5).
const CONTENT_FIELDS: [HeaderName; 4] =
    [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE];

/// What answers a request, before conditions and ranges.
pub(crate) enum Reply {
    /// What is stored, as it is at a time; with a reader of its content where that is still arriving.
    Stored(Arc<StoredResponse>, Option<Reader>, ResultType, Timestamp),
    /// A response that still arrives.
    Filling(Arc<Filling>, Reader, ResultType),
    /// The origin's response, for this viewer alone.
    Passed(Box<Response<OriginBody>>),
    /// The same over HTTP/2, trailers included.
    Streamed(Box<Response<Http2Body>>),
    /// An error page of the edge's own.
    Refused(Refusal),
}

impl Reply {
    pub(crate) fn stored(stored: Arc<StoredResponse>, result: ResultType, now: Timestamp) -> Reply {
        Reply::Stored(stored, None, result, now)
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Reply::Stored(stored, ..) => stored.head.status,
            Reply::Filling(filling, ..) => filling.head.status,
            Reply::Passed(response) => response.status(),
            Reply::Streamed(response) => response.status(),
            Reply::Refused(refusal) => refusal.status(),
        }
    }
}

/// The response to the viewer.
pub(crate) fn answer(exchange: Box<Exchange>, reply: Reply) -> Response<ResponseContent> {
    match reply {
        Reply::Stored(stored, reader, result, now) => from_part(exchange, &stored, reader, result, now),
        Reply::Filling(filling, reader, result) => from_filling(exchange, &filling, reader, result),
        Reply::Passed(response) => {
            let length = response.body().size_hint().exact();
            passed(exchange, length, response.map(|body| Source::Origin(Box::new(body))))
        }
        Reply::Streamed(response) => passed(exchange, None, response.map(|body| Source::Streamed(Box::new(body)))),
        Reply::Refused(refusal) => refuse(exchange, refusal),
    }
}

/// Takes from an origin's header section what is not for viewers, and adds what every viewer gets.
pub(crate) fn ready_for_viewers(exchange: &Exchange, headers: &mut HeaderMap) {
    hop_by_hop::strip(headers);
    headers.remove(&EDGEWARD_EXPLAIN);
    if !exchange.forwards_cookies() {
        headers.remove(header::SET_COOKIE);
    }
    if let Some(route) = &exchange.route {
        vary::keep_what_varies(&route.behavior.forwarding.headers, headers);
    }
    let engine = &exchange.worker.engine;
    headers.entry(header::DATE).or_insert_with(|| format_http_date(exchange.now().secs()));
    headers.entry(header::SERVER).or_insert(CLOUDFRONT);
    headers.insert(&X_AMZ_CF_POP, engine.identity.pop.clone());
    // What a hit has; `send` writes over it in place, and the map never grows.
    headers.insert(&X_CACHE, ResultType::Hit.to_header_value());
    headers.insert(&X_AMZ_CF_ID, HeaderValue::from_static("-"));
    headers.insert(header::AGE, HeaderValue::from_static("0"));
    headers.append(header::VIA, engine.identity.via(exchange.request.version).clone());
}

/// A stored response, as it is at `now`.
pub(crate) fn from_stored(
    exchange: Box<Exchange>,
    stored: &Arc<StoredResponse>,
    result: ResultType,
    now: Timestamp,
) -> Response<ResponseContent> {
    from_part(exchange, stored, None, result, now)
}

fn from_part(
    exchange: Box<Exchange>,
    stored: &Arc<StoredResponse>,
    reader: Option<Reader>,
    result: ResultType,
    now: Timestamp,
) -> Response<ResponseContent> {
    let length = stored.body.length();
    exchange.explain(|facts| facts.served(Served::of(&exchange, &stored.head, &stored.freshness, Some(length), now)));
    let mut response = Selected::of(&exchange, &stored.head, Some(length));
    exchange.cache_status.served(&stored.freshness, now);
    match stored.freshness.current_age(now) {
        0 if result == ResultType::Miss => drop(response.headers.remove(header::AGE)),
        age => set_age(&mut response.headers, age),
    }
    let source = match (&response.part, &stored.body) {
        (Part::None, _) => Source::Empty,
        (Part::All, Body::Whole(bytes)) => Source::Whole(bytes.clone()),
        (Part::Range(range), Body::Whole(bytes)) => Source::Whole(slice(bytes, *range)),
        (Part::Ranges(ranges), Body::Whole(bytes)) => Source::Whole(multipart(&exchange, &stored.head, ranges, bytes)),
        (part, Body::Chunked(content)) => {
            let segments = segments(&exchange, &stored.head, part, length);
            Source::Stored(Box::new(StoredContent::new(Arc::clone(stored), content.clone(), segments, reader)))
        }
    };
    send(exchange, response, result, source, now)
}

fn slice(bytes: &Bytes, range: ByteRange) -> Bytes {
    let position = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes.slice(position(range.first)..position(range.last.saturating_add(1)))
}

/// Several ranges of content that lies in one piece.
fn multipart(exchange: &Exchange, head: &ResponseHead, ranges: &[ByteRange], bytes: &Bytes) -> Bytes {
    let mut segments = of_ranges(exchange, head, ranges, bytes.len() as u64);
    let mut joined = Vec::with_capacity(segments.left() as usize);
    while let Some(next) = segments.next() {
        match next {
            Next::Text(text) => joined.extend_from_slice(&text),
            Next::Content { at, end } => {
                let piece = segments.take(slice(bytes, ByteRange { first: at, last: end - 1 }), at, end);
                joined.extend_from_slice(&piece);
            }
        }
    }
    joined.into()
}

/// What is sent of content of `length` bytes.
fn segments(exchange: &Exchange, head: &ResponseHead, part: &Part, length: u64) -> Segments {
    match part {
        Part::None => Segments::of_content(0, 0),
        Part::All => Segments::of_content(0, length),
        Part::Range(range) => Segments::of_content(range.first, range.last + 1),
        Part::Ranges(ranges) => of_ranges(exchange, head, ranges, length),
    }
}

fn of_ranges(exchange: &Exchange, head: &ResponseHead, ranges: &[ByteRange], length: u64) -> Segments {
    Segments::of_ranges(ranges, length, boundary(exchange), head.headers.get(header::CONTENT_TYPE))
}

/// Random, so that no content can have it in itself but by chance.
fn boundary(exchange: &Exchange) -> &str {
    exchange.id.as_str().get(..24).unwrap_or("edgeward")
}

/// A response that still arrives.
fn from_filling(
    exchange: Box<Exchange>,
    filling: &Filling,
    reader: Reader,
    result: ResultType,
) -> Response<ResponseContent> {
    let now = exchange.now();
    let length = filling.head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    exchange.explain(|facts| facts.served(Served::of(&exchange, &filling.head, &filling.freshness, length, now)));
    let mut response = Selected::of(&exchange, &filling.head, length);
    exchange.cache_status.served(&filling.freshness, now);
    match filling.freshness.current_age(now) {
        0 if result == ResultType::Miss => drop(response.headers.remove(header::AGE)),
        age => set_age(&mut response.headers, age),
    }
    let source = match &response.part {
        Part::None => {
            reader.leave_to_store();
            Source::Empty
        }
        part => {
            let segments = length.map(|length| segments(&exchange, &filling.head, part, length));
            Source::Filling(Box::new(ArrivingContent::new(reader, segments)))
        }
    };
    send(exchange, response, result, source, now)
}

/// The origin's response, for this viewer alone.
fn passed(exchange: Box<Exchange>, length: Option<u64>, response: Response<Source>) -> Response<ResponseContent> {
    let now = exchange.now();
    let (mut parts, source) = response.into_parts();
    let age = parts.headers.get(header::AGE).cloned();
    ready_for_viewers(&exchange, &mut parts.headers);
    match age {
        Some(age) => drop(parts.headers.insert(header::AGE, age)),
        None => drop(parts.headers.remove(header::AGE)),
    }
    let response = Selected { status: parts.status, headers: parts.headers, part: Part::All, length };
    send(exchange, response, ResultType::Miss, source, now)
}

/// The end of HTTP on the viewer's connection, with the fields of the origin's; and the exchange, which goes on.
pub(crate) fn switching(
    exchange: Box<Exchange>,
    mut headers: HeaderMap,
) -> (Response<ResponseContent>, Option<Box<Exchange>>) {
    let now = exchange.now();
    ready_for_viewers(&exchange, &mut headers);
    headers.remove(header::AGE);
    let status = if exchange.is_extended_connect() {
        // RFC 8441 section 5: the stream itself is what is switched, and nothing has to be proved.
        headers.remove(header::SEC_WEBSOCKET_ACCEPT);
        StatusCode::OK
    } else {
        headers.insert(header::CONNECTION, websocket::UPGRADE);
        headers.insert(header::UPGRADE, websocket::WEBSOCKET);
        StatusCode::SWITCHING_PROTOCOLS
    };
    let response = Selected { status, headers, part: Part::None, length: None };
    let mut response = send(exchange, response, ResultType::Miss, Source::Empty, now);
    let exchange = response.body_mut().release();
    (response, exchange)
}

/// CloudFront's error page.
fn refuse(exchange: Box<Exchange>, refusal: Refusal) -> Response<ResponseContent> {
    let now = exchange.now();
    let (mut headers, page) = error_page(&exchange, refusal, now);
    exchange.explain(|facts| facts.refused(refusal));
    if refusal.closes_connection() && exchange.request.version <= http::Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let response = Selected { status: refusal.status(), headers, part: Part::All, length: Some(page.len() as u64) };
    let mut response = send(exchange, response, ResultType::Error, Source::Whole(page.into()), now);
    response.body_mut().set_detail(Detail::Refused(refusal));
    response
}

/// Header section and content of CloudFront's error page.
pub(crate) fn error_page(exchange: &Exchange, refusal: Refusal, now: Timestamp) -> (HeaderMap, String) {
    (own_headers(exchange, now), refusal.page(exchange.id.as_str()))
}

/// What a certificate authority asks for, to be kept by nobody.
pub(crate) fn challenge(exchange: Box<Exchange>, content: Bytes) -> Response<ResponseContent> {
    let now = exchange.now();
    exchange.explain(|facts| facts.challenged());
    let mut headers = own_headers(&exchange, now);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let response = Selected { status: StatusCode::OK, headers, part: Part::All, length: Some(content.len() as u64) };
    let mut response = send(exchange, response, ResultType::Generated, Source::Whole(content), now);
    response.body_mut().set_detail(Detail::AcmeChallenge);
    response
}

/// To https.
pub(crate) fn redirect(exchange: Box<Exchange>, status: StatusCode) -> Response<ResponseContent> {
    let Some(location) = https_location(&exchange) else { return refuse(exchange, Refusal::InvalidHost) };
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>CloudFront</center>\r\n</body>\r\n</html>\r\n"
    );
    let now = exchange.now();
    let mut headers = own_headers(&exchange, now);
    headers.insert(header::LOCATION, location);
    let response = Selected { status, headers, part: Part::All, length: Some(page.len() as u64) };
    send(exchange, response, ResultType::Redirect, Source::Whole(page.into()), now)
}

/// The same URL over https; where the viewer named a port, the one this edge serves https on.
fn https_location(exchange: &Exchange) -> Option<HeaderValue> {
    let uri = &exchange.request.uri;
    let host = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => exchange.request.headers.get(header::HOST)?.to_str().ok()?,
    };
    let authority: http::uri::Authority = host.parse().ok()?;
    let port = exchange.worker.engine.https_port.get().filter(|_| authority.port().is_some());
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    HeaderValue::from_str(&format!("https://{}{port}{target}", authority.host())).ok()
}

/// The fields of a response that the edge makes up itself.
fn own_headers(exchange: &Exchange, now: Timestamp) -> HeaderMap {
    let engine = &exchange.worker.engine;
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(header::SERVER, CLOUDFRONT);
    headers.insert(header::DATE, format_http_date(now.secs()));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    headers.insert(header::VIA, engine.identity.via(exchange.request.version).clone());
    headers.insert(&X_AMZ_CF_POP, engine.identity.pop.clone());
    headers
}

/// What conditions and ranges leave of a response.
struct Selected {
    status: StatusCode,
    headers: HeaderMap,
    part: Part,
    /// Of the content that is sent, as far as it is known.
    length: Option<u64>,
}

enum Part {
    None,
    All,
    Range(ByteRange),
    Ranges(Vec<ByteRange>),
}

/// What a viewer gets of a response.
pub(crate) enum Choice {
    /// All of it; also where it has no content.
    All,
    /// Its head alone: the viewer has it already.
    NotModified,
    /// An error: a precondition does not hold.
    Failed,
    /// One range.
    Range(ByteRange),
    /// Several.
    Ranges(Vec<ByteRange>),
    /// An error: no range can be satisfied.
    Unsatisfiable,
}

/// What conditions and ranges of the request leave of a response whose content is `length` bytes long.
pub(crate) fn choose(exchange: &Exchange, head: &ResponseHead, length: Option<u64>) -> Choice {
    let request = &exchange.request;
    if head.status != StatusCode::OK || exchange.error_page.is_some() {
        return Choice::All;
    }
    match evaluate_stored(&request.method, &request.headers, &head.headers) {
        Precondition::Proceed => {}
        Precondition::NotModified => return Choice::NotModified,
        Precondition::Failed => return Choice::Failed,
    }
    let is_ranged = request.method == Method::GET
        && request.headers.contains_key(header::RANGE)
        && !exchange.range_is_ignored.load(Ordering::Relaxed);
    let Some(whole) = length.filter(|_| is_ranged && if_range_holds(&request.headers, &head.headers)) else {
        return Choice::All;
    };
    match range::resolve(&request.headers, whole) {
        RangeRequest::Single(range) => Choice::Range(range),
        RangeRequest::Several(ranges) => Choice::Ranges(ranges),
        RangeRequest::Unsatisfiable => Choice::Unsatisfiable,
        RangeRequest::None | RangeRequest::Disordered | RangeRequest::Malformed => Choice::All,
    }
}

impl Selected {
    fn of(exchange: &Exchange, head: &ResponseHead, length: Option<u64>) -> Selected {
        let mut headers = head.headers.clone();
        // A response is stored with the Via of the viewer that caused it; an origin's own Via stands before it.
        let identity = &exchange.worker.engine.identity;
        if let Some(via) = headers.get_mut(header::VIA).filter(|via| identity.is_own_via(via)) {
            *via = identity.via(exchange.request.version).clone();
        }
        let selected = |status, headers, part, length| Selected { status, headers, part, length };
        if head.status == StatusCode::NO_CONTENT {
            return selected(head.status, headers, Part::None, None);
        }
        match choose(exchange, head, length) {
            Choice::All => selected(head.status, headers, Part::All, length),
            Choice::NotModified => {
                CONTENT_FIELDS.iter().for_each(|name| drop(headers.remove(name)));
                selected(StatusCode::NOT_MODIFIED, headers, Part::None, None)
            }
            Choice::Failed => {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
                selected(StatusCode::PRECONDITION_FAILED, headers, Part::None, Some(0))
            }
            Choice::Range(range) => {
                headers.insert(header::CONTENT_RANGE, range::content_range(range, length));
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.length()));
                selected(StatusCode::PARTIAL_CONTENT, headers, Part::Range(range), Some(range.length()))
            }
            Choice::Ranges(ranges) => {
                let sent = of_ranges(exchange, head, &ranges, length.unwrap_or(0)).left();
                headers.insert(header::CONTENT_TYPE, multipart_type(boundary(exchange)));
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(sent));
                selected(StatusCode::PARTIAL_CONTENT, headers, Part::Ranges(ranges), Some(sent))
            }
            Choice::Unsatisfiable => {
                headers.insert(header::CONTENT_RANGE, range::unsatisfied_content_range(length.unwrap_or(0)));
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
                selected(StatusCode::RANGE_NOT_SATISFIABLE, headers, Part::None, Some(0))
            }
        }
    }
}

fn multipart_type(boundary: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("multipart/byteranges; boundary={boundary}"))
        .unwrap_or(HeaderValue::from_static("multipart/byteranges"))
}

/// Writes what differs from request to request and lets the response go.
fn send(
    mut exchange: Box<Exchange>,
    selected: Selected,
    result: ResultType,
    source: Source,
    now: Timestamp,
) -> Response<ResponseContent> {
    let Selected { status: found, mut headers, part, length } = selected;
    // A page that is not there answers with its own error (guide, GeneratingCustomErrorResponses).
    let status = exchange.error_page.as_ref().filter(|_| found.is_success()).map_or(found, |page| page.status);
    let is_error = status.is_client_error() || status.is_server_error() || exchange.error_page.is_some();
    // What an error came out of, cache or origin, does not show (guide, AccessLogs, x-edge-result-type).
    let result = if is_error { ResultType::Error } else { result };
    if result != ResultType::Hit {
        headers.insert(&X_CACHE, result.to_header_value());
    }
    headers.insert(&X_AMZ_CF_ID, exchange.id.to_header_value());
    offer_http3(&exchange, &mut headers);
    exchange.set_aside.put_back(&mut headers);
    if exchange.rules() == CachingRules::Rfc9111 {
        exchange.cache_status.tell(status, &mut headers);
        // Stored with the response, for when it is validated; meant for surrogates, not for viewers.
        headers.remove(&targeted::SURROGATE_CONTROL);
    }
    follow_policy(&exchange, result, &mut headers);
    explain::tell(&exchange, status, result, &mut headers);
    exchange.outcome = Some(Outcome {
        status,
        result,
        detail: exchange.error_page.as_ref().map_or(Detail::Plain, |page| page.detail),
        content_type: headers.get(header::CONTENT_TYPE).cloned(),
        content_length: length,
        range: if let Part::Range(range) = part { Some((range.first, range.last)) } else { None },
        head_bytes: ("HTTP/1.1 200 OK\r\n\r\n".len() + section_bytes(&headers)) as u64,
        content_bytes: 0,
        first_byte: now,
    });
    let source = if exchange.request.method == Method::HEAD { Source::Empty } else { source };
    let mut response = Response::new(ResponseContent::new(source, exchange));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Viewers over TLS learn where HTTP/3 is, in place of what the origin says of itself (RFC 7838 section 3).
fn offer_http3(exchange: &Exchange, headers: &mut HeaderMap) {
    let has_http3 = exchange.route.as_ref().is_some_and(|route| route.distribution.http3);
    if has_http3
        && exchange.connection.tls.is_some()
        && let Some(alt_svc) = exchange.worker.engine.alt_svc.get()
    {
        headers.insert(header::ALT_SVC, alt_svc.clone());
    }
}

/// The response headers policy of the behavior. A redirect to https comes before any behavior's response.
fn follow_policy(exchange: &Exchange, result: ResultType, headers: &mut HeaderMap) {
    let Some(policy) = exchange.route.as_ref().and_then(|route| route.behavior.response_headers.as_ref()) else {
        return;
    };
    if result == ResultType::Redirect {
        return;
    }
    let (request, now) = (&exchange.request, exchange.now());
    let timing = Timing {
        result,
        pop: &exchange.worker.engine.identity.pop,
        request_id: exchange.id.as_str(),
        first_byte_after: now.nanos_since(exchange.received) / 1_000_000,
        draw: fastrand::u32(..1_000_000),
    };
    response_headers::apply(policy, &request.method, &request.headers, headers, timing);
    headers.entry(header::DATE).or_insert_with(|| format_http_date(now.secs()));
    headers.entry(header::SERVER).or_insert(CLOUDFRONT);
}

fn set_age(headers: &mut HeaderMap, age: u64) {
    headers.insert(header::AGE, HeaderValue::from(age));
}
