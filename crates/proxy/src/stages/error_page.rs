//! Stage 6: in place of an error, the page that the distribution has for it.
//!
//! The page's path is matched against the cache behaviors like any other, and the page comes out of the cache or from
//! that behavior's origin (guide, GeneratingCustomErrorResponses). Invariant: this happens once for a request; a page
//! that cannot be had answers with its own error.

use std::sync::Arc;

use edgeward_plan::ErrorPage;
use http::StatusCode;

use super::viewer_response::Reply;
use super::{cache_lookup, origin_fetch};
use crate::exchange::{Exchange, PageInstead, Route};
use crate::outcome::{Detail, ResultType};
use crate::viewer_facts;

/// Whether there is a page for `status`.
pub(crate) fn is_wanted(exchange: &Exchange, status: StatusCode) -> bool {
    wanted(exchange, status).is_some()
}

/// `reply`, or the page in its place.
pub(crate) async fn replace(exchange: &mut Exchange, reply: Reply) -> Reply {
    let Some(route) = page_route(exchange, &reply) else { return reply };
    let detail = match reply {
        Reply::Refused(refusal) => Detail::Refused(refusal),
        _ => Detail::Plain,
    };
    if let Reply::Filling(_, reader, _) = reply {
        // The error itself is still stored for its time.
        reader.leave_to_store();
    }
    exchange.set_aside.forget();
    exchange.error_page = Some(PageInstead { status: route.status, detail });
    exchange.explain(|facts| {
        if let Detail::Refused(refusal) = detail {
            facts.refused(refusal);
        }
        facts.replaced(&route.route);
    });
    exchange.route = Some(route.route);
    viewer_facts::state(exchange);
    fetch(exchange).await
}

struct PageRoute {
    route: Route,
    status: StatusCode,
}

fn page_route(exchange: &Exchange, reply: &Reply) -> Option<PageRoute> {
    if matches!(reply, Reply::Refused(refusal) if refusal.closes_connection()) {
        return None;
    }
    let ErrorPage { path, status } = wanted(exchange, reply.status())?;
    let distribution = Arc::clone(&exchange.route.as_ref()?.distribution);
    let behavior = Arc::clone(distribution.behavior(path)?);
    Some(PageRoute { route: Route { distribution, behavior, rewritten_path: Some(path.clone()) }, status: *status })
}

fn wanted(exchange: &Exchange, status: StatusCode) -> Option<&ErrorPage> {
    let distribution = &exchange.route.as_ref()?.distribution;
    // A page may be one with success, which means to an extended CONNECT that a tunnel begins.
    let is_error = status.as_u16() >= 400 && distribution.enabled && !exchange.is_extended_connect();
    if is_error { distribution.error_responses.page(status) } else { None }
}

async fn fetch(exchange: &Exchange) -> Reply {
    let found = match cache_lookup::find(exchange) {
        cache_lookup::Found::OnDisk(key) => cache_lookup::recall(exchange, key).await,
        found => found,
    };
    match found {
        // It was just read; that it has to be again means that the disk cannot be relied on.
        cache_lookup::Found::OnDisk(_) => origin_fetch::pass(exchange, None).await,
        cache_lookup::Found::Fresh(stored) => Reply::stored(stored, ResultType::Hit, exchange.received),
        cache_lookup::Found::Aging(stored, lacking) => {
            origin_fetch::revalidate(exchange, lacking);
            Reply::stored(stored, ResultType::Hit, exchange.received)
        }
        cache_lookup::Found::Lacking(lacking) => origin_fetch::answer(exchange, None, lacking).await,
        cache_lookup::Found::NotCacheable => origin_fetch::pass(exchange, None).await,
    }
}
