//! What a shared cache may store, and for how long it is fresh, by RFC 9111 alone (sections 3 and 4.2).
//!
//! The policy's TTLs only bound what the origin says: errors have no minimum. Invariant: doubt leads to the origin. A
//! directive for named fields (`no-cache="a"`, `private="a"`) is taken for one without names, which section 5.2.2
//! allows, and what must be validated before each use has the lifetime 0. Directives for caches like this one stand in
//! place of Cache-Control and Expires (`targeted`).

use http::{HeaderMap, StatusCode};

use edgeward_http_rules::cache_control::{CacheControl, Scope};
use edgeward_http_rules::freshness::{explicit_lifetime, has_clear_age, heuristic_lifetime};
use edgeward_http_rules::{targeted, vary};
use edgeward_plan::CachePolicy;

use super::{Lifetime, LifetimeSource, NewResponse, NotStored, clamped, from_origin, has_validator};

/// A guess is never longer than this, in seconds: a site that was not touched for years may still be tomorrow.
const LONGEST_GUESS: u64 = 86_400;

pub(super) fn lifetime(response: &NewResponse<'_>, policy: &CachePolicy) -> Result<Lifetime, NotStored> {
    let directives = targeted::governing(response.headers);
    may_store(response, &directives)?;
    let lifetime = freshness(response, &directives, policy);
    if lifetime.seconds == 0 && !has_use_when_stale(&directives, response.headers) {
        return Err(NotStored::ZeroLifetime);
    }
    Ok(lifetime)
}

/// Section 3.
fn may_store(response: &NewResponse<'_>, directives: &CacheControl) -> Result<(), NotStored> {
    if !is_understood(response.status, directives) || !is_storable(response, directives) {
        Err(NotStored::Status)
    } else if directives.no_store && !directives.must_understand {
        Err(NotStored::NoStore)
    } else if directives.private != Scope::Absent {
        Err(NotStored::Private)
    } else if response.was_authorized && !allows_authorized(directives) {
        Err(NotStored::Authorized)
    } else if vary::names_everything(response.headers) {
        Err(NotStored::VariesByEverything)
    } else {
        Ok(())
    }
}

/// Parts and validation results are no responses of their own here; others are stored as they are unless the origin
/// asks that their meaning be known (section 5.2.2.3).
fn is_understood(status: StatusCode, directives: &CacheControl) -> bool {
    let code = status.as_u16();
    let is_known = matches!(code, 200..=205 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505);
    !matches!(code, 100..=199 | 206 | 304) && (is_known || !directives.must_understand)
}

/// The last of the conditions of section 3: the origin says for how long, or the status stands for itself.
fn is_storable(response: &NewResponse<'_>, directives: &CacheControl) -> bool {
    directives.public
        || is_heuristically_cacheable(response.status)
        || explicit_lifetime(directives, response.headers, response.at).is_some()
}

/// Section 3.5.
fn allows_authorized(directives: &CacheControl) -> bool {
    directives.public || directives.must_revalidate || directives.s_maxage.is_some()
}

fn freshness(response: &NewResponse<'_>, directives: &CacheControl, policy: &CachePolicy) -> Lifetime {
    if directives.no_cache != Scope::Absent {
        return Lifetime { seconds: 0, source: LifetimeSource::NoCache };
    }
    if !has_clear_age(response.headers) {
        return Lifetime { seconds: 0, source: LifetimeSource::UnclearAge };
    }
    let stated = explicit_lifetime(directives, response.headers, response.at).map(from_origin);
    let lifetime = stated.or_else(|| {
        let may_guess = directives.public || is_heuristically_cacheable(response.status);
        let seconds = heuristic_lifetime(response.headers, response.at).filter(|_| may_guess)?;
        Some(Lifetime { seconds: seconds.min(LONGEST_GUESS), source: LifetimeSource::Heuristic })
    });
    let default = Lifetime { seconds: policy.default_ttl, source: LifetimeSource::DefaultTtl };
    clamped(lifetime.unwrap_or(default), policy)
}

/// RFC 9110 section 15.1.
fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// What is stale at once is worth storing where it can be validated, or used in the meantime (RFC 5861).
fn has_use_when_stale(directives: &CacheControl, headers: &HeaderMap) -> bool {
    let in_the_meantime = directives.stale_while_revalidate.or(directives.stale_if_error).is_some();
    has_validator(headers) || (in_the_meantime && directives.no_cache == Scope::Absent)
}
