//! What a successful unsafe request makes invalid: the stored responses for its target, and for those its response names
//! (RFC 9111 section 4.4).
//!
//! Only behaviors with the rules of RFC 9111 do so; CloudFront leaves it to invalidations. Called by
//! `stages::origin_fetch` before the viewer sees the response, so that the viewer's next request finds the change.

use edgeward_cache::{AcceptedCodings, CacheKey, KeyParts};
use edgeward_http_rules::methods;
use edgeward_plan::CachingRules;
use http::{HeaderMap, Method, StatusCode, header};

use crate::exchange::{Exchange, Route};

/// Forgets what the response to the viewer's request makes invalid.
pub(crate) fn after(exchange: &Exchange, status: StatusCode, response: &HeaderMap) {
    if exchange.rules() != CachingRules::Rfc9111 || !methods::invalidates(exchange.method(), status) {
        return;
    }
    let Some(route) = &exchange.route else { return };
    forget(exchange, route, exchange.path(), exchange.query());
    for target in methods::also_invalidated(response, authority(exchange)) {
        forget(exchange, route, target.path(), target.query());
    }
}

/// As the viewer wrote it.
pub(crate) fn authority(exchange: &Exchange) -> &str {
    let host = exchange.request.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    exchange.request.uri.authority().map_or(host.unwrap_or_default(), |authority| authority.as_str())
}

fn forget(exchange: &Exchange, route: &Route, path: &str, query: Option<&str>) {
    let Some(behavior) = route.distribution.behavior(path).filter(|found| found.cache.rules == CachingRules::Rfc9111)
    else {
        return;
    };
    let codings = || AcceptedCodings::possible(&behavior.cache);
    let kinds = [&Method::GET, &Method::OPTIONS].into_iter().flat_map(|method| codings().map(move |of| (method, of)));
    for (method, codings) in kinds {
        exchange.worker.engine.cache.forget(&CacheKey::of(&KeyParts {
            distribution: &route.distribution.id,
            method,
            path,
            query,
            headers: &exchange.request.headers,
            codings,
            policy: &behavior.cache,
        }));
    }
}
