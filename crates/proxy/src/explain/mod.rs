//! Why a request was answered as it was: what each stage decided, told to those who may know it.
//!
//! A viewer asks with `Edgeward-Debug` and a token of the control plane's (`token`); what the stages note (`facts`) comes
//! back in `Edgeward-Explain` as one line of JSON. Invariant: nothing is noted, and nothing allocated, for any other
//! request; neither field ever reaches a cache key, an origin or the store. Called by `pipeline` and by every stage.

mod facts;
mod field;
pub(crate) mod redact;
mod serving;
mod token;

use std::sync::atomic::Ordering;

use edgeward_cache::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;

pub(crate) use facts::{Facts, Joining, WhyNotStored, word};
pub(crate) use serving::Served;
pub use token::ExplainKey;

use crate::engine::Engine;
use crate::exchange::Exchange;
use crate::outcome::ResultType;

static EDGEWARD_DEBUG: HeaderName = HeaderName::from_static("edgeward-debug");
pub(crate) static EDGEWARD_EXPLAIN: HeaderName = HeaderName::from_static("edgeward-explain");

/// What is known of a request that is to be explained.
#[derive(Debug)]
pub(crate) struct Explanation {
    /// Whose requests the token is for.
    distribution: String,
    facts: Mutex<Facts>,
}

/// Takes the debug field out of a request; where it holds a token of this moment, the request will be explained.
pub(crate) fn asked_for(engine: &Engine, request: &mut HeaderMap, now: Timestamp) -> Option<Box<Explanation>> {
    let token = request.remove(&EDGEWARD_DEBUG)?;
    let verified = engine.explain_key.as_ref()?.verify(token.as_bytes(), now.secs());
    if verified.is_none() {
        refuse(engine);
    }
    let distribution = verified?.to_owned();
    Some(Box::new(Explanation { distribution, facts: Mutex::default() }))
}

/// Nothing tells the viewer apart from one that did not ask.
fn refuse(engine: &Engine) {
    engine.explain_tokens_refused.fetch_add(1, Ordering::Relaxed);
}

/// Notes where the request belongs. A token for another distribution explains nothing.
pub(crate) fn routed(exchange: &mut Exchange) {
    let (Some(explanation), Some(route)) = (&exchange.explanation, &exchange.route) else { return };
    if explanation.distribution == *route.distribution.id {
        explanation.facts.lock().routed(route);
    } else {
        refuse(&exchange.worker.engine);
        exchange.explanation = None;
    }
}

/// Writes the explanation into the response that is about to go out.
pub(crate) fn tell(exchange: &Exchange, status: StatusCode, result: ResultType, response: &mut HeaderMap) {
    exchange.explain(|facts| {
        facts.answered(exchange, status, result);
        response.insert(&EDGEWARD_EXPLAIN, field::value(facts).unwrap_or(HeaderValue::from_static("{}")));
    });
}

impl Exchange {
    /// Lets `note` write down what was decided, where somebody wants to know it.
    pub(crate) fn explain(&self, note: impl FnOnce(&mut Facts)) {
        if let Some(explanation) = &self.explanation {
            note(&mut explanation.facts.lock());
        }
    }
}
