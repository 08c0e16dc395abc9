//! The cache tags of what an origin sends, read from the header field that the distribution names.
//!
//! The field itself goes on to viewers like any other: the guide says nothing else. Called by `stages::origin_fetch` and
//! `stages::part_fetch` as soon as the head of a response has arrived.

use std::sync::Arc;

use edgeward_cache::{CacheTag, Generation, tags_of};
use http::{HeaderMap, HeaderName};

use crate::exchange::Exchange;

/// Of a response.
pub(crate) fn of(exchange: &Exchange, headers: &HeaderMap) -> Arc<[CacheTag]> {
    header(exchange).map_or_else(Arc::default, |name| tags_of(headers, name))
}

/// Of a stored response that a 304 updates: those that it had, unless the 304 brings others.
pub(crate) fn of_update(exchange: &Exchange, update: &HeaderMap, stored: &Generation) -> Option<Arc<[CacheTag]>> {
    match header(exchange).filter(|name| update.contains_key(*name)) {
        Some(name) => Some(tags_of(update, name)),
        None => stored.tags().cloned(),
    }
}

fn header(exchange: &Exchange) -> Option<&HeaderName> {
    exchange.route.as_ref()?.distribution.cache_tag_header.as_ref()
}
