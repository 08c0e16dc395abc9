//! Stage 4: the cache key, and what is stored for it.

use std::sync::Arc;

use edgeward_cache::{CacheKey, KeyParts, Lookup, StoredResponse};

use crate::exchange::{Exchange, Route};

/// What the cache has for a request.
pub(crate) enum Found {
    /// It answers.
    Fresh(Arc<StoredResponse>),
    /// The origin has to be asked.
    Lacking(Lacking),
    /// Neither looked up nor stored: the method or the policy rules it out.
    NotCacheable,
}

/// A cacheable request without a fresh response.
pub(crate) struct Lacking {
    pub(crate) key: CacheKey,
    /// Expired; the origin may say that it still holds.
    pub(crate) stale: Option<Arc<StoredResponse>>,
}

/// Looks the request up.
pub(crate) fn find(exchange: &Exchange) -> Found {
    let Some(parts) = key_parts(exchange) else { return Found::NotCacheable };
    let key = CacheKey::of(&parts);
    match exchange.worker.engine.cache.find(&key, exchange.received) {
        Lookup::Fresh(stored) => Found::Fresh(stored),
        Lookup::Stale(stored) => Found::Lacking(Lacking { key, stale: Some(stored) }),
        Lookup::Missing(_) => Found::Lacking(Lacking { key, stale: None }),
    }
}

/// What the key is made from; `None` for a request that is not cacheable.
pub(crate) fn key_parts(exchange: &Exchange) -> Option<KeyParts<'_>> {
    let Route { distribution, behavior, .. } = exchange.route.as_ref()?;
    let request = &exchange.request;
    let is_cacheable = behavior.cached_methods.contains(exchange.method()) && behavior.cache.allows_caching();
    is_cacheable.then(|| KeyParts {
        distribution: &distribution.id,
        method: exchange.method(),
        path: exchange.path(),
        query: exchange.query(),
        headers: &request.headers,
        codings: exchange.accepted_codings(),
        policy: &behavior.cache,
    })
}
