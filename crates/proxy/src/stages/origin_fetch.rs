//! Stage 5: ask the origin, once for all who wait, and store while streaming.
//!
//! Of the requests for one key the first leads and the others follow (`cache::flights`). The leader's response goes to a
//! task of its own that stores it while every viewer reads along, so that no viewer's pace or departure holds up another.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use edgeward_cache::{
    Arriving, Body as StoredBody, Filling, Flight, FlightOutcome, Freshness, Grace, Joined, Lookup, NewResponse,
    NotStored, Reader, ResponseHead, StaleUse, StoredResponse, Timestamp, Variant, lifetime,
};
use edgeward_http_rules::freshen;
use edgeward_http_rules::freshness::{self, initial_age};
use edgeward_http_rules::range::{self, ByteRange, Wanted};
use edgeward_net::RequestContent;
use edgeward_net::origin::OriginBody;
use edgeward_plan::CachingRules;
use http::response::Parts;
use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body::Body;
use tokio::time::timeout;

use super::cache_lookup::{Incomplete, Lacking, key_parts};
use super::part_fetch::{self, Part, PartFailure, PartSource};
use super::post;
use super::viewer_response::{self, Reply};
use crate::cache_tags;
use crate::compression;
use crate::exchange::Exchange;
use crate::explain::{Facts, Joining, WhyNotStored};
use crate::failover::send;
use crate::invalidation;
use crate::origin_request::Purpose;
use crate::outcome::ResultType;
use crate::refusal::Refusal;
use crate::set_aside::set_aside;
use crate::stored_content::delivery;
use crate::storing::{self, Intake};

/// Guide, quotas: the largest response that is cached, 50 GB. CloudFront answers with an error where its caching is on and
/// passes it on where it is off (RangeGETs); by RFC 9111 it is passed on.
const LARGEST_CONTENT: u64 = 50_000_000_000;

/// Answers a cacheable request for which nothing fresh is stored.
pub(crate) async fn answer(exchange: &Exchange, content: Option<RequestContent>, lacking: Lacking) -> Reply {
    if *exchange.method() == Method::HEAD {
        return answer_head(exchange, content, lacking).await;
    }
    if let Some(incomplete) = &lacking.incomplete {
        match complete(exchange, incomplete).await {
            Ok(reply) => return reply,
            Err(PartFailure::Refused(refusal)) => return Reply::Refused(refusal),
            // Forgotten: from here on it is as if nothing had been stored.
            Err(PartFailure::Changed) => {}
        }
    }
    match take_part(exchange, &lacking).await {
        Some(Turn::Lead(flight)) => lead(exchange, lacking, flight).await,
        Some(Turn::Answered(outcome)) => match follow(exchange, outcome) {
            Some(reply) => reply,
            None => pass(exchange, content).await,
        },
        None => pass(exchange, content).await,
    }
}

/// What a request does about an answer of the origin's that others want too.
enum Turn {
    /// Asks for it.
    Lead(Flight<Refusal>),
    /// Has waited for it.
    Answered(FlightOutcome<Refusal>),
}

/// Leads, or waits until somebody who leads has an answer; `None`: asks for itself alone. A leader that takes too long is given up: one of those who
/// wait asks again, the others wait for that one.
async fn take_part(exchange: &Exchange, lacking: &Lacking) -> Option<Turn> {
    let engine = &exchange.worker.engine;
    let parts = key_parts(exchange)?;
    let mut joined = engine.cache.join(&lacking.key, &parts);
    loop {
        exchange.explain(|facts| facts.joined(Joining::Followed));
        let mut follower = match joined {
            Joined::Leader(flight) => return Some(Turn::Lead(flight)),
            Joined::Follower(_) if exchange.is_personal() => return None,
            Joined::Follower(follower) => follower,
        };
        joined = match timeout(engine.lock_timeout, follower.outcome()).await {
            Ok(Some(outcome)) => return Some(Turn::Answered(outcome)),
            // The leader's viewer hung up before the origin answered.
            Ok(None) => engine.cache.join(&lacking.key, &parts),
            Err(_elapsed) => engine.cache.give_up(&follower, &lacking.key, &parts),
        };
    }
}

/// The reply to one who has waited. `None` where the answer is for the leader alone, or for requests that differ in what
/// Vary names.
fn follow(exchange: &Exchange, outcome: FlightOutcome<Refusal>) -> Option<Reply> {
    let reply = match outcome {
        FlightOutcome::Failed(refusal) => return Some(Reply::Refused(refusal)),
        FlightOutcome::NotShared => return None,
        FlightOutcome::Filling(filling) => {
            let reader = reader_of(exchange, &filling)?;
            Reply::Filling(filling, reader, ResultType::Hit)
        }
        FlightOutcome::Stored(stored) if stored.head.variant.answers(&exchange.request.headers) => {
            Reply::stored(stored, ResultType::Hit, exchange.now())
        }
        FlightOutcome::Stored(_) => return None,
    };
    exchange.cache_status.collapsed();
    Some(reply)
}

/// `None` where the response is for requests that differ in what Vary names, or where what the viewer asked for is gone or
/// far from what has arrived.
fn reader_of(exchange: &Exchange, filling: &Filling) -> Option<Reader> {
    let at = match range::wanted(&exchange.request.headers) {
        Some(Wanted::From { first, .. }) => first,
        _ => 0,
    };
    let is_meant = filling.head.variant.answers(&exchange.request.headers) && filling.content.is_near(at);
    // From its beginning: whether the viewer gets a range at all is decided later, by what the head says.
    if is_meant { filling.content.reader(0, delivery(exchange)) } else { None }
}

/// There is no content to store; the next GET fetches it. What is stored may turn out to hold.
async fn answer_head(exchange: &Exchange, content: Option<RequestContent>, lacking: Lacking) -> Reply {
    let asked = exchange.now();
    exchange.explain(|facts| facts.not_stored(WhyNotStored::NoContent));
    let flight = freshening(exchange, &lacking);
    let reply = pass(exchange, content).await;
    let Some(stale) = lacking.stale else { return reply };
    match (&reply, flight) {
        (Reply::Passed(response), Some(flight)) if is_about(response, &stale.stored) => {
            let arrival = Arrival { asked, answered: exchange.now() };
            still_valid(exchange, &stale.stored, response.headers(), arrival, flight)
        }
        _ if reply.status().is_server_error() && stale.stands_in(!matches!(reply, Reply::Refused(_))) => {
            Reply::stored(stale.stored, ResultType::Hit, exchange.now())
        }
        _ => reply,
    }
}

/// The flight in which a HEAD may freshen what is stored, unless somebody asks already. CloudFront does not do so.
fn freshening(exchange: &Exchange, lacking: &Lacking) -> Option<Flight<Refusal>> {
    let parts = key_parts(exchange).filter(|_| exchange.rules() == CachingRules::Rfc9111 && lacking.stale.is_some())?;
    match exchange.worker.engine.cache.join(&lacking.key, &parts) {
        Joined::Leader(flight) => Some(flight),
        Joined::Follower(_) => None,
    }
}

/// RFC 9111 section 4.3.5.
fn is_about(response: &Response<OriginBody>, stored: &StoredResponse) -> bool {
    let statuses = (response.status(), stored.head.status);
    statuses == (StatusCode::OK, StatusCode::OK)
        && freshen::is_same_representation(&stored.head.headers, response.headers())
}

/// Asks the origin in the background whether what is stored still holds, unless somebody asks already.
pub(crate) fn revalidate(exchange: &Exchange, lacking: Lacking) {
    let Some(parts) = key_parts(exchange) else { return };
    if let Joined::Leader(flight) = exchange.worker.engine.cache.join(&lacking.key, &parts) {
        let errand = exchange.errand();
        exchange.explain(|facts| facts.joined(Joining::InBackground));
        tokio::spawn(async move {
            if let Reply::Filling(_, reader, _) = lead(&errand, lacking, flight).await {
                reader.leave_to_store();
            }
        });
    }
}

/// Asks the origin for this viewer alone; nothing is stored, but for what a POST brings for later GETs.
pub(crate) async fn pass(exchange: &Exchange, content: Option<RequestContent>) -> Reply {
    let asked = exchange.now();
    match send(exchange, Purpose::Pass, content).await {
        Ok(response) => {
            invalidation::after(exchange, response.status(), response.headers());
            match post::flight_for_later(exchange, &response) {
                Some(flight) => admit(exchange, response, Arrival { asked, answered: exchange.now() }, flight),
                None => Reply::Passed(Box::new(response)),
            }
        }
        Err(refusal) => Reply::Refused(refusal),
    }
}

/// Answers from what is stored once the part that the viewer needs first is arriving.
async fn complete(exchange: &Exchange, incomplete: &Incomplete) -> Result<Reply, PartFailure> {
    let Incomplete { stored, content, lacks } = incomplete;
    let source = part_fetch::obtain(exchange, stored, content, *lacks).await?;
    let result = if matches!(source, PartSource::Fetched(_)) { ResultType::Miss } else { ResultType::Hit };
    Ok(Reply::Stored(Arc::clone(stored), source.reader(), result, exchange.now()))
}

async fn lead(exchange: &Exchange, lacking: Lacking, flight: Flight<Refusal>) -> Reply {
    let engine = &exchange.worker.engine;
    let asked = engine.clock.now();
    // Whoever led before may have stored it between our look-up and our joining.
    let found = key_parts(exchange).map(|parts| engine.cache.find(flight.key(), &parts, asked));
    if let Some(Lookup::Fresh(stored) | Lookup::Stale(StaleUse::AfterError, stored)) = found
        && !part_fetch::is_lacking(exchange, &stored)
    {
        flight.tell(FlightOutcome::Stored(Arc::clone(&stored)));
        exchange.cache_status.hit();
        return Reply::stored(stored, ResultType::Hit, asked);
    }
    exchange.explain(|facts| facts.joined(Joining::Led));
    let stale = lacking.stale.as_ref();
    let stored = stale.map(|stale| &*stale.stored).filter(|_| !exchange.is_personal());
    let part = part_fetch::wanted(exchange);
    let sent = send(exchange, Purpose::Store(stored, part), None).await;
    if let (Some(status), Some(stale)) = (failure(&sent), stale.filter(|stale| stale.stands_in(sent.is_ok()))) {
        return stand_in(exchange, &stale.stored, status, flight);
    }
    let response = match sent {
        Ok(response) => response,
        Err(refusal) => {
            keep_failure(exchange, refusal, &flight);
            flight.tell(FlightOutcome::Failed(refusal));
            return Reply::Refused(refusal);
        }
    };
    let arrival = Arrival { asked, answered: engine.clock.now() };
    match (lacking.stale, part) {
        (Some(stale), _) if response.status() == StatusCode::NOT_MODIFIED => {
            still_valid(exchange, &stale.stored, response.headers(), arrival, flight)
        }
        (_, Some(part)) if response.status() == StatusCode::PARTIAL_CONTENT => {
            admit_part(exchange, part, response, arrival, flight).await
        }
        (_, part) => {
            ignore_range_too(exchange, part, response.status());
            admit(exchange, response, arrival, flight)
        }
    }
}

/// Where the origin answers a request for a part with everything, so does CloudFront, this once (guide, RangeGETs).
fn ignore_range_too(exchange: &Exchange, asked: Option<ByteRange>, status: StatusCode) {
    let is_ignored = asked.is_some() && status == StatusCode::OK && exchange.rules() == CachingRules::CloudFront;
    exchange.range_is_ignored.store(is_ignored, Ordering::Relaxed);
}

/// What answers a request for a part. Where it cannot be used the origin is asked again, as if there were no parts.
async fn admit_part(
    exchange: &Exchange,
    asked: ByteRange,
    response: Response<OriginBody>,
    arrival: Arrival,
    flight: Flight<Refusal>,
) -> Reply {
    match part_fetch::read(exchange, asked, response) {
        Part::Whole(response) => admit(exchange, response, arrival, flight),
        Part::Some(part) => match part_fetch::admit(exchange, part, arrival, &flight) {
            Some(reply) => reply,
            None => {
                flight.tell(FlightOutcome::NotShared);
                drop(flight);
                pass(exchange, None).await
            }
        },
        Part::Unusable => match send(exchange, Purpose::Store(None, None), None).await {
            Ok(response) => {
                let arrival = Arrival { answered: exchange.now(), ..arrival };
                admit(exchange, response, arrival, flight)
            }
            Err(refusal) => {
                flight.tell(FlightOutcome::Failed(refusal));
                Reply::Refused(refusal)
            }
        },
    }
}

/// How the origin failed, where it did: an answer of 5xx, or none.
fn failure(sent: &Result<Response<OriginBody>, Refusal>) -> Option<StatusCode> {
    match sent {
        Ok(response) => Some(response.status()).filter(StatusCode::is_server_error),
        Err(refusal) => refusal.is_failed_origin().then(|| refusal.status()),
    }
}

/// Answers with what has expired, and by CloudFront's rules lets the origin rest for the error caching minimum (guide,
/// Expiration).
fn stand_in(exchange: &Exchange, stale: &StoredResponse, status: StatusCode, flight: Flight<Refusal>) -> Reply {
    exchange.explain(Facts::stood_in);
    let now = exchange.now();
    let resting_until = match exchange.rules() {
        CachingRules::CloudFront => Some(now.plus_secs(exchange.error_min_ttl(status))),
        CachingRules::Rfc9111 => None,
    };
    let stored = Arc::new(StoredResponse {
        head: stale.head.clone(),
        freshness: Freshness { resting_until, ..stale.freshness },
        generation: stale.generation.clone(),
        body: stale.body.clone(),
    });
    exchange.worker.engine.cache.insert_for_now(&flight, Arc::clone(&stored));
    flight.tell(FlightOutcome::Stored(Arc::clone(&stored)));
    Reply::stored(stored, ResultType::Hit, now)
}

/// Stores the page for an origin that failed, so that it is not asked again for the error caching minimum (guide,
/// HTTPStatusCodes; RFC 9111 has none). The page goes on naming the request that found out: its log record says what
/// was wrong.
fn keep_failure(exchange: &Exchange, refusal: Refusal, flight: &Flight<Refusal>) {
    if !refusal.is_failed_origin() || exchange.rules() == CachingRules::Rfc9111 {
        return;
    }
    let now = exchange.now();
    let (headers, page) = viewer_response::error_page(exchange, refusal, now);
    let head = ResponseHead { status: refusal.status(), headers, compressed: None, variant: Variant::default() };
    let lifetime = exchange.error_min_ttl(head.status);
    let freshness = Freshness { since: now, initial_age: 0, lifetime, grace: Grace::default(), resting_until: None };
    flight.tag(Arc::default());
    let generation = flight.generation().clone();
    let stored = StoredResponse { head, freshness, generation, body: StoredBody::Whole(page.into()) };
    exchange.worker.engine.cache.insert_for_now(flight, Arc::new(stored));
    exchange.explain(|facts| facts.decided(None));
}

/// When a response was asked for, and when its head arrived.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    asked: Timestamp,
    pub(super) answered: Timestamp,
}

impl Arrival {
    fn response<'a>(self, exchange: &Exchange, status: StatusCode, headers: &'a HeaderMap) -> NewResponse<'a> {
        let was_authorized = exchange.request.headers.contains_key(header::AUTHORIZATION);
        let error_min_ttl = exchange.error_min_ttl(status);
        NewResponse { status, headers, was_authorized, error_min_ttl, at: self.answered.secs() }
    }

    pub(super) fn freshness(
        self,
        exchange: &Exchange,
        status: StatusCode,
        headers: &HeaderMap,
        lifetime: u64,
    ) -> Freshness {
        let policy = exchange.route.as_ref().map(|route| &route.behavior.cache);
        let grace = policy.map_or_else(Grace::default, |policy| Grace::of(status, headers, policy));
        let response_time = self.answered.secs();
        // The delay in whole seconds that passed, not of the clock: 2 ms around the turn of a second are none.
        let request_time = response_time.saturating_sub(self.answered.secs_since(self.asked));
        let exchange = freshness::Exchange { request_time, response_time };
        let initial_age = initial_age(headers, exchange);
        Freshness { since: self.answered, initial_age, lifetime, grace, resting_until: None }
    }
}

/// The origin said 304: the stored response is fresh again, with the new fields (RFC 9111 sections 3.2, 4.3.4).
fn still_valid(
    exchange: &Exchange,
    stale: &StoredResponse,
    update: &HeaderMap,
    arrival: Arrival,
    flight: Flight<Refusal>,
) -> Reply {
    cache_tags::of_update(exchange, update, &stale.generation).into_iter().for_each(|tags| flight.tag(tags));
    let mut headers = stale.head.headers.clone();
    let mut update = update.clone();
    viewer_response::ready_for_viewers(exchange, &mut update);
    update.remove(header::CONTENT_LENGTH);
    update.remove(header::VIA);
    if exchange.rules() == CachingRules::Rfc9111 {
        freshen::keep_content_fields(&headers, &mut update);
    }
    let compressed = stale.head.compressed.clone().map(|before| compression::refresh(&mut update, before));
    for name in update.keys() {
        headers.remove(name);
    }
    headers.extend(update);
    set_aside(exchange, &mut headers);
    let policy = exchange.route.as_ref().map(|route| &route.behavior.cache);
    let decision = policy.map_or(Err(NotStored::CachingDisabled), |policy| {
        lifetime(&arrival.response(exchange, stale.head.status, &headers), policy)
    });
    let freshness =
        arrival.freshness(exchange, stale.head.status, &headers, decision.map_or(0, |lifetime| lifetime.seconds));
    let head = ResponseHead { status: stale.head.status, variant: variant(exchange, &headers), headers, compressed };
    let stored = Arc::new(StoredResponse {
        head: head.detached(),
        freshness,
        generation: flight.generation().clone(),
        body: stale.body.clone(),
    });
    exchange.cache_status.decided(decision.is_ok(), decision.err());
    exchange.explain(|facts| facts.decided(decision.err()));
    if decision.is_ok() {
        exchange.worker.engine.cache.insert(&flight, Arc::clone(&stored));
        flight.tell(FlightOutcome::Stored(Arc::clone(&stored)));
    } else {
        flight.tell(FlightOutcome::NotShared);
    }
    Reply::stored(stored, ResultType::RefreshHit, arrival.answered)
}

/// Stores the response while the viewer reads it, or passes it on where it may not be stored.
fn admit(exchange: &Exchange, response: Response<OriginBody>, arrival: Arrival, flight: Flight<Refusal>) -> Reply {
    flight.tag(cache_tags::of(exchange, response.headers()));
    let length = response.body().size_hint().lower();
    let lifetime = storable(exchange, response.status(), response.headers(), arrival, length);
    exchange.cache_status.decided(lifetime.is_ok(), lifetime.err());
    let lifetime = match lifetime {
        Ok(lifetime) => lifetime,
        Err(reason) => {
            exchange.explain(|facts| facts.decided(Some(reason)));
            if reason == NotStored::TooLarge && exchange.rules() == CachingRules::CloudFront {
                flight.tell(FlightOutcome::Failed(Refusal::OriginContentTooLarge));
                return Reply::Refused(Refusal::OriginContentTooLarge);
            }
            flight.tell(FlightOutcome::NotShared);
            drop(flight);
            return Reply::Passed(Box::new(response));
        }
    };
    exchange.explain(|facts| facts.decided(None));
    let (Parts { status, mut headers, .. }, body) = response.into_parts();
    let freshness = arrival.freshness(exchange, status, &headers, lifetime);
    viewer_response::ready_for_viewers(exchange, &mut headers);
    set_aside(exchange, &mut headers);
    let variant = variant(exchange, &headers);
    let mut head = ResponseHead { status, headers, compressed: None, variant };
    let compression = storing::begin_compression(exchange, &mut head, body.size_hint().exact());
    let (arriving, feed) = Arriving::begin(Some(exchange.worker.engine.cache.new_chunks()), arrival.answered);
    let intake = Intake::new(feed, compression);
    let Some(reader) = arriving.reader(0, delivery(exchange)) else { return Reply::Refused(Refusal::OriginRead) };
    let filling = Arc::new(Filling { head, freshness, content: arriving });
    // What is stale at once may be validated, but not shared: whoever waits asks for itself (guide,
    // RequestAndResponseBehaviorCustomOrigin, simultaneous requests).
    flight.tell(match lifetime {
        0 => FlightOutcome::NotShared,
        _ => FlightOutcome::Filling(Arc::clone(&filling)),
    });
    tokio::spawn(storing::store(Arc::clone(&exchange.worker), flight, Arc::clone(&filling), intake, body));
    Reply::Filling(filling, reader, ResultType::Miss)
}

/// For how long a response with at least `length` bytes of content is fresh, in seconds.
pub(super) fn storable(
    exchange: &Exchange,
    status: StatusCode,
    headers: &HeaderMap,
    arrival: Arrival,
    length: u64,
) -> Result<u64, NotStored> {
    let policy = &exchange.route.as_ref().ok_or(NotStored::CachingDisabled)?.behavior.cache;
    let lifetime = lifetime(&arrival.response(exchange, status, headers), policy)?;
    if length > LARGEST_CONTENT { Err(NotStored::TooLarge) } else { Ok(lifetime.seconds) }
}

/// By CloudFront's rules a response answers all that share its key, whatever its Vary says.
pub(super) fn variant(exchange: &Exchange, headers: &HeaderMap) -> Variant {
    let Some(policy) = exchange.route.as_ref().map(|route| &route.behavior.cache) else { return Variant::default() };
    match policy.rules {
        CachingRules::CloudFront => Variant::default(),
        CachingRules::Rfc9111 if policy.normalizes_codings() => {
            Variant::of(headers, &exchange.request.headers).without(&header::ACCEPT_ENCODING)
        }
        CachingRules::Rfc9111 => Variant::of(headers, &exchange.request.headers),
    }
}
