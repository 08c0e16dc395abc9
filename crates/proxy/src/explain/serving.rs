//! What a response that answers shows of the decisions made when it came: lifetime and its source, age, compression.
//!
//! They are worked out again from what is kept, so that no stored response carries its history. Where the policy has
//! changed since, the source is not known and not guessed. Pure.

use edgeward_cache::{Freshness, LifetimeSource, NewResponse, ResponseHead, Timestamp, lifetime};
use edgeward_http_rules::cache_control::CacheControl;
use edgeward_http_rules::freshness::explicit_lifetime;
use http::header;
use serde::Serialize;

use super::facts::word;
use crate::compression::{self, Candidate};
use crate::exchange::Exchange;

/// Of the response that answers.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Served {
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<Ttl>,
    /// `edge`: this edge compressed it; `origin`: the origin coded it; else why it is as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<String>,
}

/// A freshness lifetime; all numbers are seconds.
#[derive(Debug, Serialize)]
struct Ttl {
    seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    age: u64,
    min: u64,
    default: u64,
    max: u64,
    /// What the origin said, before the policy's bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin_says: Option<OriginSays>,
}

#[derive(Debug, Serialize)]
struct OriginSays {
    seconds: u64,
    source: String,
}

impl Served {
    /// Of a response that is stored, or is being stored.
    pub(crate) fn of(
        exchange: &Exchange,
        head: &ResponseHead,
        freshness: &Freshness,
        length: Option<u64>,
        now: Timestamp,
    ) -> Served {
        Served { ttl: ttl(exchange, head, freshness, now), compression: compression(exchange, head, length) }
    }
}

fn ttl(exchange: &Exchange, head: &ResponseHead, freshness: &Freshness, now: Timestamp) -> Option<Ttl> {
    let policy = &exchange.route.as_ref()?.behavior.cache;
    let says = explicit_lifetime(&CacheControl::parse(&head.headers), &head.headers, freshness.since.secs());
    Some(Ttl {
        seconds: freshness.lifetime,
        source: source(exchange, head, freshness).map(|source| word(&source)),
        age: freshness.current_age(now),
        min: policy.min_ttl,
        default: policy.default_ttl,
        max: policy.max_ttl,
        origin_says: says.map(|says| OriginSays { seconds: says.seconds, source: word(&says.source) }),
    })
}

fn source(exchange: &Exchange, head: &ResponseHead, freshness: &Freshness) -> Option<LifetimeSource> {
    let again = NewResponse {
        status: head.status,
        headers: &head.headers,
        was_authorized: false,
        error_min_ttl: exchange.error_min_ttl(head.status),
        at: freshness.since.secs(),
    };
    let decided = lifetime(&again, &exchange.route.as_ref()?.behavior.cache).ok()?;
    (decided.seconds == freshness.lifetime).then_some(decided.source)
}

fn compression(exchange: &Exchange, head: &ResponseHead, length: Option<u64>) -> Option<String> {
    if head.compressed.is_some() {
        return Some("edge".to_owned());
    }
    if head.headers.contains_key(header::CONTENT_ENCODING) {
        return Some("origin".to_owned());
    }
    let candidate = Candidate { status: head.status, headers: &head.headers, length };
    let behavior = &exchange.route.as_ref()?.behavior;
    Some(match compression::check(&candidate, behavior) {
        Err(unsuited) => word(&unsuited),
        Ok(()) if compression::preferred(exchange.accepted_codings()).is_none() => "viewer-accepts-none".to_owned(),
        Ok(()) => "edge-was-busy".to_owned(),
    })
}
