//! Stage 5, for POST: a response that says it is what a GET would bring is stored for later GETs (RFC 9110 section 9.3.3).
//!
//! Only behaviors with the rules of RFC 9111 do so. Invariant: the origin says so itself, by a Content-Location that is the
//! target and a lifetime; a POST always reaches the origin. Called by `origin_fetch`, after what the POST invalidates is
//! gone.

use edgeward_cache::{CacheKey, Flight, Joined};
use edgeward_http_rules::freshness::explicit_lifetime;
use edgeward_http_rules::{methods, targeted};
use edgeward_net::origin::OriginBody;
use edgeward_plan::CachingRules;
use http::{HeaderMap, Method, Response, StatusCode, Uri};

use super::cache_lookup::key_parts_as;
use crate::exchange::Exchange;
use crate::invalidation;
use crate::origin_request::CONDITIONS_AND_RANGE;
use crate::refusal::Refusal;

/// The flight in which the response is stored; `None` where it is for this viewer alone, or somebody asks already.
pub(super) fn flight_for_later(exchange: &Exchange, response: &Response<OriginBody>) -> Option<Flight<Refusal>> {
    if exchange.rules() != CachingRules::Rfc9111 || !is_for_later(exchange, response) {
        return None;
    }
    let parts = key_parts_as(exchange, &Method::GET)?;
    match exchange.worker.engine.cache.join(&CacheKey::of(&parts), &parts) {
        Joined::Leader(flight) => Some(flight),
        Joined::Follower(_) => None,
    }
}

fn is_for_later(exchange: &Exchange, response: &Response<OriginBody>) -> bool {
    *exchange.method() == Method::POST
        && response.status() == StatusCode::OK
        // The origin has seen the conditions; they must not be tried again on its answer.
        && !CONDITIONS_AND_RANGE.iter().any(|name| exchange.request.headers.contains_key(name))
        && target(exchange).is_some_and(|target| methods::is_about_target(response.headers(), &target))
        && states_lifetime(response.headers(), exchange.now().secs())
}

/// As the viewer means it, absolute.
fn target(exchange: &Exchange) -> Option<Uri> {
    let scheme = if exchange.is_https() { "https" } else { "http" };
    let to = exchange.request.uri.path_and_query()?.clone();
    Uri::builder().scheme(scheme).authority(invalidation::authority(exchange)).path_and_query(to).build().ok()
}

fn states_lifetime(response: &HeaderMap, now: u64) -> bool {
    explicit_lifetime(&targeted::governing(response), response, now).is_some_and(|lifetime| lifetime.seconds > 0)
}
