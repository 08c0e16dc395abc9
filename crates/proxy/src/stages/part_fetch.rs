//! Stage 5, for parts: what a viewer's range touches is asked for by itself, and so is a missing part of what is stored.
//!
//! Parts begin and end where chunks do, so that what was fetched for one viewer serves others. Invariant: a part is put to
//! a stored response only where both carry the same strong validator, and a content that has changed in between makes
//! the stored response forgotten. Called by `origin_fetch` and `stored_content`.

use std::sync::Arc;

use edgeward_cache::{
    Arriving, Body, CHUNK, Chunked, Delivery, Feed, Filling, Flight, FlightOutcome, JoinedPart, PartFlight, Reader,
    ResponseHead, StoredResponse, index_of, start_of,
};
use edgeward_http_rules::combine;
use edgeward_http_rules::range::{self, ByteRange, ContentRange, Wanted};
use edgeward_net::origin::OriginBody;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt;

use super::cache_lookup::key_parts;
use super::origin_fetch::{self, Arrival};
use super::viewer_response::{self, Reply};
use crate::cache_tags;
use crate::compression;
use crate::exchange::Exchange;
use crate::failover::send;
use crate::origin_request::Purpose;
use crate::outcome::ResultType;
use crate::refusal::Refusal;
use crate::set_aside::set_aside;
use crate::stored_content::delivery;

/// How often in a row a viewer waits for others to fetch a part before it does so itself.
const PATIENCE: usize = 2;

/// Why a part that is missing cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartFailure {
    /// The origin gave no answer.
    Refused(Refusal),
    /// What the origin has now is something else; the stored response is forgotten.
    Changed,
}

/// The part to ask the origin for when nothing is stored; `None` for all of it. The range of a viewer is widened to whole
/// chunks (guide, RangeGETs). The end of a content of unknown length is found by asking for its beginning.
pub(super) fn wanted(exchange: &Exchange) -> Option<ByteRange> {
    let key = &exchange.route.as_ref()?.behavior.cache.headers.0;
    let is_readable = exchange.request.method == Method::GET && exchange.error_page.is_none();
    if !is_readable || key.contains(&header::RANGE) || key.contains(&header::IF_RANGE) {
        return None;
    }
    match range::wanted(&exchange.request.headers)? {
        Wanted::From { first: 0, last: None } => None,
        Wanted::From { first, last } => Some(ByteRange {
            first: start_of(index_of(first)),
            last: last.map_or(u64::MAX, |last| start_of(index_of(last)).saturating_add(CHUNK - 1)),
        }),
        Wanted::Suffix(_) => Some(ByteRange { first: 0, last: CHUNK - 1 }),
    }
}

/// What is to be done with the answer to a request for a part.
pub(super) enum Part {
    /// It is all there is: admit it as such.
    Whole(Response<OriginBody>),
    /// It is a part.
    Some(NewPart),
    /// It cannot be used: ask again, without a range.
    Unusable,
}

/// A part of a representation that the origin sent.
pub(super) struct NewPart {
    /// The head of the whole.
    parts: Parts,
    body: OriginBody,
    first: u64,
    end: u64,
    length: u64,
}

/// Reads a 206 that answers a request for `asked`.
pub(super) fn read(exchange: &Exchange, asked: ByteRange, response: Response<OriginBody>) -> Part {
    let Some((first, end, length)) = place(&response) else { return Part::Unusable };
    if first != asked.first {
        return Part::Unusable;
    }
    let (mut parts, body) = response.into_parts();
    parts.status = StatusCode::OK;
    parts.headers.remove(header::CONTENT_RANGE);
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if first == 0 && end == length {
        return Part::Whole(Response::from_parts(parts, body));
    }
    // What is stored compressed has to be compressed from its beginning.
    if compression::is_applied(exchange, parts.status, &parts.headers, Some(length)) {
        return Part::Unusable;
    }
    Part::Some(NewPart { parts, body, first, end, length })
}

/// First position, the position after the last, and the length of the whole.
fn place(response: &Response<OriginBody>) -> Option<(u64, u64, u64)> {
    let value = edgeward_http_rules::fields::sole(response.headers(), &header::CONTENT_RANGE)?;
    let ContentRange { range: Some(range), complete_length: Some(length) } = ContentRange::parse(value.as_bytes())?
    else {
        return None;
    };
    Some((range.first, range.last + 1, length))
}

/// Stores the beginnings of a response of which a part has come, or passes the part on where it may not be stored.
/// `None`: it may not, and is not what the viewer asked for.
pub(super) fn admit(exchange: &Exchange, part: NewPart, arrival: Arrival, flight: &Flight<Refusal>) -> Option<Reply> {
    let NewPart { parts: Parts { status, mut headers, .. }, body, first, end, length } = part;
    flight.tag(cache_tags::of(exchange, &headers));
    let lifetime = origin_fetch::storable(exchange, status, &headers, arrival, length);
    let may_combine = combine::strong_validator(&headers).is_some();
    let freshness = arrival.freshness(exchange, status, &headers, lifetime.unwrap_or(0));
    viewer_response::ready_for_viewers(exchange, &mut headers);
    set_aside(exchange, &mut headers);
    let variant = origin_fetch::variant(exchange, &headers);
    let head = ResponseHead { status, headers, compressed: None, variant };
    let cache = &exchange.worker.engine.cache;
    let is_stored = lifetime.is_ok_and(|seconds| seconds > 0) && may_combine;
    exchange.cache_status.decided(is_stored, lifetime.err());
    exchange.explain(|facts| facts.part_decided(lifetime.err(), is_stored));
    let chunks = is_stored.then(|| cache.new_chunks());
    let (arriving, feed) = Arriving::begin_part(first, end, chunks.clone(), arrival.answered);
    let Some(chunks) = chunks else {
        let at = requested(exchange, &head, length).filter(|range| first <= range.first && range.last < end)?.first;
        let reader = arriving.reader(at, delivery(exchange))?;
        flight.tell(FlightOutcome::NotShared);
        tokio::spawn(feed_with(feed, body));
        let filling = Arc::new(Filling { head, freshness, content: arriving });
        return Some(Reply::Filling(filling, reader, ResultType::Miss));
    };
    let announcement = cache.announce_part(chunks.id(), Arc::clone(&arriving));
    let body_of_it = Body::Chunked(Chunked { chunks, length });
    let generation = flight.generation().clone();
    let stored = Arc::new(StoredResponse { head: head.detached(), freshness, generation, body: body_of_it });
    cache.insert(flight, Arc::clone(&stored));
    let at = requested(exchange, &stored.head, length).map_or(first, |range| range.first);
    let reader = announcement.reader(at, delivery(exchange));
    tokio::spawn(async move {
        feed_with(feed, body).await;
        drop(announcement);
    });
    flight.tell(FlightOutcome::Stored(Arc::clone(&stored)));
    Some(Reply::Stored(stored, reader, ResultType::Miss, arrival.answered))
}

/// The range that the viewer gets, if it gets one.
fn requested(exchange: &Exchange, head: &ResponseHead, length: u64) -> Option<ByteRange> {
    match viewer_response::choose(exchange, head, Some(length)) {
        viewer_response::Choice::Range(range) => Some(range),
        _ => None,
    }
}

/// What of a stored response in chunks the viewer needs first, where that is missing.
pub(super) fn lacking(exchange: &Exchange, stored: &StoredResponse, content: &Chunked) -> Option<(u64, u64)> {
    if *exchange.method() == Method::HEAD {
        return None;
    }
    let (at, end) = match viewer_response::choose(exchange, &stored.head, Some(content.length)) {
        viewer_response::Choice::Range(range) => (range.first, range.last + 1),
        viewer_response::Choice::Ranges(ranges) => ranges.first().map(|range| (range.first, range.last + 1))?,
        viewer_response::Choice::All => (0, content.length),
        _ => return None,
    };
    (at < end && !content.chunks.has(index_of(at))).then_some((at, end))
}

/// Whether a part that the viewer needs first is missing.
pub(super) fn is_lacking(exchange: &Exchange, stored: &StoredResponse) -> bool {
    matches!(&stored.body, Body::Chunked(content) if lacking(exchange, stored, content).is_some())
}

/// How a viewer gets a part.
pub(crate) enum PartSource {
    /// It is there already.
    Stored,
    /// Others are fetching it.
    Shared(Reader),
    /// It is being fetched for this viewer.
    Fetched(Reader),
}

impl PartSource {
    /// A reader of it, unless it is there already.
    pub(crate) fn reader(self) -> Option<Reader> {
        match self {
            PartSource::Stored => None,
            PartSource::Shared(reader) | PartSource::Fetched(reader) => Some(reader),
        }
    }
}

/// Sees to it that the part of a stored content that begins at `at`, of which bytes before `end` are wanted, is there or
/// arriving.
pub(crate) async fn obtain(
    exchange: &Exchange,
    stored: &StoredResponse,
    content: &Chunked,
    (at, end): (u64, u64),
) -> Result<PartSource, PartFailure> {
    let delivery = delivery(exchange);
    for _ in 0..PATIENCE {
        if content.chunks.has(index_of(at)) {
            return Ok(PartSource::Stored);
        }
        match exchange.worker.engine.cache.join_part(content, at, end, (delivery, exchange.now())) {
            JoinedPart::Leader(flight) => {
                return fetch(exchange, stored, flight, (at, delivery)).await.map(PartSource::Fetched);
            }
            JoinedPart::Follower(mut reader) => {
                if reader.ready().await.is_ok() {
                    return Ok(PartSource::Shared(reader));
                }
            }
        }
    }
    Err(PartFailure::Refused(Refusal::OriginRead))
}

async fn fetch(
    exchange: &Exchange,
    stored: &StoredResponse,
    flight: PartFlight,
    (at, delivery): (u64, Delivery),
) -> Result<Reader, PartFailure> {
    let PartFlight { first, end, feed, announcement } = flight;
    let purpose = Purpose::Part(stored, ByteRange { first, last: end - 1 });
    let response = send(exchange, purpose, None).await.map_err(PartFailure::Refused)?;
    if !is_of(stored, first, end, &response) {
        if let Some(parts) = key_parts(exchange) {
            exchange.worker.engine.cache.forget(&edgeward_cache::CacheKey::of(&parts));
        }
        return Err(PartFailure::Changed);
    }
    let reader = announcement.reader(at, delivery).ok_or(PartFailure::Changed)?;
    tokio::spawn(async move {
        feed_with(feed, response.into_body()).await;
        drop(announcement);
    });
    Ok(reader)
}

/// Whether the response brings the bytes of the stored representation that were asked for.
fn is_of(stored: &StoredResponse, first: u64, end: u64, response: &Response<OriginBody>) -> bool {
    response.status() == StatusCode::PARTIAL_CONTENT
        && place(response) == Some((first, end, stored.body.length()))
        && combine::may_combine(&stored.head.headers, &with_date(response.headers(), &stored.head.headers))
}

/// A 206 may leave out the Date that makes a modification date strong: then that of the stored response counts.
fn with_date(part: &HeaderMap, stored: &HeaderMap) -> HeaderMap {
    let mut fields = part.clone();
    if let (false, Some(date)) = (part.contains_key(header::DATE), stored.get(header::DATE)) {
        fields.insert(header::DATE, date.clone());
    }
    fields
}

/// Ends early when the origin breaks off or nobody needs the rest.
async fn feed_with(mut feed: Feed, mut body: OriginBody) {
    loop {
        feed.ready().await;
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data()
                    && !feed.push(piece).await
                {
                    return;
                }
            }
            Some(Err(_broken)) => return,
            None => break,
        }
    }
    feed.finish().await;
}
