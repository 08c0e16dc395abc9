//! What an expired response may still be used for: while it is validated, and when the origin fails.
//!
//! CloudFront's rules (guide, Expiration) over RFC 5861 and RFC 9111 section 4.2.4: an expired response stands in for an
//! origin that fails unless the origin says otherwise. The windows are worked out once, when a response is received.
//! Pure; called at admission and by `Freshness::when_expired`.

use edgeward_http_rules::cache_control::CacheControl;
use edgeward_plan::CachePolicy;
use http::{HeaderMap, StatusCode};

/// What an expired response is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleUse {
    /// It answers, and the origin is asked meanwhile whether it still holds.
    WhileRevalidating,
    /// It answers: the origin failed a moment ago and is not asked yet.
    AfterError,
    /// The origin is asked; when it fails, this answers.
    IfError,
    /// The origin is asked; nothing else answers.
    Validation,
}

/// For how long after its freshness lifetime a response may be used, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grace {
    /// Served at once while it is validated.
    pub while_revalidate: u64,
    /// Served when the origin fails.
    pub if_error: u64,
}

impl Grace {
    /// Of a response that is about to be stored. Errors have none, nor has what must be revalidated; a window is at most
    /// the policy's maximum TTL (the guide gives no bound).
    pub fn of(status: StatusCode, headers: &HeaderMap, policy: &CachePolicy) -> Grace {
        let directives = CacheControl::parse(headers);
        let is_error = status.is_client_error() || status.is_server_error();
        if is_error || directives.must_revalidate || directives.proxy_revalidate {
            return Grace::default();
        }
        let window = |seconds: u64| seconds.min(policy.max_ttl);
        Grace {
            while_revalidate: directives.stale_while_revalidate.map_or(0, window),
            if_error: directives.stale_if_error.map_or(u64::MAX, window),
        }
    }

    /// What is possible `overdue` seconds after the freshness lifetime; `is_resting` while a failed origin is not asked.
    pub(crate) fn when(self, overdue: u64, is_resting: bool) -> StaleUse {
        if overdue < self.if_error && is_resting {
            StaleUse::AfterError
        } else if overdue < self.while_revalidate {
            StaleUse::WhileRevalidating
        } else if overdue < self.if_error {
            StaleUse::IfError
        } else {
            StaleUse::Validation
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Grace, StaleUse};
    use edgeward_http_rules::Selection;
    use edgeward_plan::{CachePolicy, CachingRules, HeaderSelection};
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    fn grace(status: u16, cache_control: &'static str) -> (u64, u64) {
        let policy = CachePolicy {
            min_ttl: 0,
            default_ttl: 60,
            max_ttl: 600,
            gzip: false,
            brotli: false,
            rules: CachingRules::CloudFront,
            headers: HeaderSelection::default(),
            cookies: Selection::default(),
            query_strings: Selection::default(),
        };
        let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static(cache_control))]);
        let grace = Grace::of(StatusCode::from_u16(status).unwrap(), &headers, &policy);
        (grace.while_revalidate, grace.if_error)
    }

    // RFC 5861 sections 3 and 4; guide, Expiration
    #[test]
    fn windows_come_from_the_directives_and_are_at_most_the_maximum_ttl() {
        for (status, cache_control, expected) in [
            (200, "", (0, u64::MAX)),
            (200, "max-age=1", (0, u64::MAX)),
            (301, "max-age=1", (0, u64::MAX)),
            (200, "no-cache", (0, u64::MAX)),
            (200, "stale-while-revalidate=30", (30, u64::MAX)),
            (200, "stale-while-revalidate=9999", (600, u64::MAX)),
            (200, "stale-if-error=0", (0, 0)),
            (200, "stale-if-error=20, stale-while-revalidate=10", (10, 20)),
            (200, "stale-if-error=9999", (0, 600)),
            (200, "stale-while-revalidate=30, must-revalidate", (0, 0)),
            (200, "stale-if-error=30, proxy-revalidate", (0, 0)),
            (404, "stale-if-error=30, stale-while-revalidate=30", (0, 0)),
            (503, "", (0, 0)),
        ] {
            assert_eq!(grace(status, cache_control), expected, "{status} {cache_control}");
        }
    }

    #[test]
    fn what_an_expired_response_is_used_for_depends_on_its_windows_and_on_a_failed_origin() {
        use StaleUse::{AfterError, IfError, Validation, WhileRevalidating};
        for (windows, overdue, is_resting, expected) in [
            ((10, 20), 0, false, WhileRevalidating),
            ((10, 20), 9, false, WhileRevalidating),
            ((10, 20), 10, false, IfError),
            ((10, 20), 19, false, IfError),
            ((10, 20), 20, false, Validation),
            ((10, 20), 0, true, AfterError),
            ((10, 20), 19, true, AfterError),
            ((10, 20), 20, true, Validation),
            ((10, 0), 5, true, WhileRevalidating),
            ((0, 0), 0, false, Validation),
            ((0, u64::MAX), 1 << 60, false, IfError),
        ] {
            let grace = Grace { while_revalidate: windows.0, if_error: windows.1 };
            assert_eq!(grace.when(overdue, is_resting), expected, "{windows:?} {overdue} {is_resting}");
        }
    }
}
