//! Stage 4: the cache key, and what is stored for it.

use std::sync::Arc;

use edgeward_cache::{Body, CacheKey, Chunked, KeyParts, Lookup, Missing, StaleUse, StoredResponse};

use http::Method;

use super::part_fetch;
use crate::cache_status::Forwarded;
use crate::exchange::{Exchange, Route};
use crate::explain::Facts;

/// What the cache has for a request.
pub(crate) enum Found {
    /// It answers.
    Fresh(Arc<StoredResponse>),
    /// It answers, and the origin is to be asked meanwhile.
    Aging(Arc<StoredResponse>, Lacking),
    /// The origin has to be asked.
    Lacking(Lacking),
    /// What is stored has to be read from disk first.
    OnDisk(CacheKey),
    /// Neither looked up nor stored: the method or the policy rules it out.
    NotCacheable,
}

/// A cacheable request without a fresh response.
pub(crate) struct Lacking {
    pub(crate) key: CacheKey,
    /// Expired; the origin may say that it still holds.
    pub(crate) stale: Option<Stale>,
    /// Fresh, but without the part that the viewer needs first.
    pub(crate) incomplete: Option<Incomplete>,
}

impl Lacking {
    fn stale(key: CacheKey, stored: &Arc<StoredResponse>, how: StaleUse) -> Lacking {
        Lacking { key, stale: Some(Stale::new(stored, how)), incomplete: None }
    }
}

/// A stored response of which a part is missing.
pub(crate) struct Incomplete {
    pub(crate) stored: Arc<StoredResponse>,
    pub(crate) content: Chunked,
    /// Position of the first byte, and after the last one, that the viewer needs first.
    pub(crate) lacks: (u64, u64),
}

/// An expired response.
pub(crate) struct Stale {
    pub(crate) stored: Arc<StoredResponse>,
    how: StaleUse,
}

impl Stale {
    fn new(stored: &Arc<StoredResponse>, how: StaleUse) -> Stale {
        Stale { stored: Arc::clone(stored), how }
    }

    /// Whether it answers in place of an origin that fails, by an error or by giving no answer. What was invalidated
    /// meanwhile does not.
    pub(crate) fn stands_in(&self, has_answered: bool) -> bool {
        let is_allowed = match self.how {
            StaleUse::WhileRevalidating | StaleUse::AfterError | StaleUse::IfError => true,
            StaleUse::IfUnreachable => !has_answered,
            StaleUse::Validation => false,
        };
        is_allowed && self.stored.generation.is_valid()
    }
}

/// Looks the request up.
pub(crate) fn find(exchange: &Exchange) -> Found {
    let Some(parts) = key_parts(exchange) else {
        exchange.cache_status.forwarded(why_not_cacheable(exchange));
        exchange.explain(|facts| facts.not_cacheable(exchange));
        return Found::NotCacheable;
    };
    let key = CacheKey::of(&parts);
    let lookup = exchange.worker.engine.cache.find(&key, &parts, exchange.received);
    judge(exchange, key, lookup)
}

fn why_not_cacheable(exchange: &Exchange) -> Forwarded {
    let allows = exchange.route.as_ref().is_some_and(|route| route.behavior.cache.allows_caching());
    if allows { Forwarded::Method } else { Forwarded::Bypass }
}

/// Reads what is stored from disk, where `find` has said `OnDisk`.
pub(crate) async fn recall(exchange: &Exchange, key: CacheKey) -> Found {
    let Some(parts) = key_parts(exchange) else { return Found::NotCacheable };
    let lookup = exchange.worker.engine.cache.recall(&key, &parts, exchange.received).await;
    judge(exchange, key, lookup)
}

fn judge(exchange: &Exchange, key: CacheKey, lookup: Lookup) -> Found {
    exchange.explain(|facts| facts.looked_up(key_parts(exchange).as_ref(), &lookup));
    match lookup {
        Lookup::OnDisk => Found::OnDisk(key),
        Lookup::Fresh(stored) | Lookup::Stale(StaleUse::AfterError, stored) => fresh(exchange, key, stored),
        Lookup::Stale(how, stored) => {
            let lacking = Lacking::stale(key, &stored, how);
            if how == StaleUse::WhileRevalidating {
                exchange.cache_status.hit();
                Found::Aging(stored, lacking)
            } else {
                exchange.cache_status.forwarded(Forwarded::Stale);
                Found::Lacking(lacking)
            }
        }
        Lookup::Missing(why) => {
            exchange.cache_status.forwarded(match why {
                Missing::NotStored => Forwarded::UriMiss,
                Missing::OtherVariants => Forwarded::VaryMiss,
                Missing::Invalidated => Forwarded::Miss,
            });
            Found::Lacking(Lacking { key, stale: None, incomplete: None })
        }
    }
}

fn fresh(exchange: &Exchange, key: CacheKey, stored: Arc<StoredResponse>) -> Found {
    if let Body::Chunked(content) = &stored.body
        && let Some(lacks) = part_fetch::lacking(exchange, &stored, content)
    {
        exchange.cache_status.forwarded(Forwarded::Partial);
        exchange.explain(Facts::lacks_a_part);
        let incomplete = Incomplete { content: content.clone(), stored, lacks };
        return Found::Lacking(Lacking { key, stale: None, incomplete: Some(incomplete) });
    }
    exchange.cache_status.hit();
    Found::Fresh(stored)
}

/// What the key is made from; `None` for a request that is not cacheable.
pub(crate) fn key_parts(exchange: &Exchange) -> Option<KeyParts<'_>> {
    key_parts_as(exchange, exchange.method())
}

/// What the key would be made from if the request had another method.
pub(super) fn key_parts_as<'a>(exchange: &'a Exchange, method: &'a Method) -> Option<KeyParts<'a>> {
    let Route { distribution, behavior, .. } = exchange.route.as_ref()?;
    let request = &exchange.request;
    let is_cacheable = behavior.cached_methods.contains(method) && behavior.cache.allows_caching();
    is_cacheable.then(|| KeyParts {
        distribution: &distribution.id,
        method,
        path: exchange.path(),
        query: exchange.query(),
        headers: &request.headers,
        codings: exchange.accepted_codings(),
        policy: &behavior.cache,
    })
}
