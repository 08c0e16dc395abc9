//! What an expired response may still be used for: while it is validated, and when the origin fails.
//!
//! CloudFront's rules (guide, Expiration) over RFC 5861: an expired response stands in for an origin that fails unless the
//! origin says otherwise. By RFC 9111 section 4.2.4 it does so for an origin that cannot be reached, and for one that
//! answers with an error only where that is allowed. The windows are worked out once, when a response is received. Pure;
//! called at admission and by `Freshness::when_expired`.

use edgeward_http_rules::cache_control::{CacheControl, Scope};
use edgeward_http_rules::targeted;
use edgeward_plan::{CachePolicy, CachingRules};
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
    /// The origin is asked; when it gives no answer at all, this answers.
    IfUnreachable,
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
    /// Served when the origin gives no answer; at least `if_error`.
    pub if_unreachable: u64,
}

impl Grace {
    /// Of a response that is about to be stored. Errors have none, nor has what must be revalidated; a window is at most
    /// the policy's maximum TTL (the guide gives no bound).
    pub fn of(status: StatusCode, headers: &HeaderMap, policy: &CachePolicy) -> Grace {
        let directives = match policy.rules {
            CachingRules::CloudFront => CacheControl::parse(headers),
            CachingRules::Rfc9111 => targeted::governing(headers),
        };
        let is_error = status.is_client_error() || status.is_server_error();
        if is_error || must_be_validated(&directives, policy.rules) {
            return Grace::default();
        }
        let window = |seconds: u64| seconds.min(policy.max_ttl);
        let stated = directives.stale_if_error.map(window);
        let (if_error, if_unreachable) = match policy.rules {
            CachingRules::CloudFront => (u64::MAX, u64::MAX),
            // s-maxage speaks like proxy-revalidate where nothing else is said (section 5.2.2.10).
            CachingRules::Rfc9111 if directives.s_maxage.is_some() => (0, 0),
            CachingRules::Rfc9111 => (0, policy.max_ttl),
        };
        Grace {
            while_revalidate: directives.stale_while_revalidate.map_or(0, window),
            if_error: stated.unwrap_or(if_error),
            if_unreachable: stated.unwrap_or(if_unreachable),
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
        } else if overdue < self.if_unreachable {
            StaleUse::IfUnreachable
        } else {
            StaleUse::Validation
        }
    }
}

fn must_be_validated(directives: &CacheControl, rules: CachingRules) -> bool {
    let is_never_reused_alone = rules == CachingRules::Rfc9111 && directives.no_cache != Scope::Absent;
    directives.must_revalidate || directives.proxy_revalidate || is_never_reused_alone
}

#[cfg(test)]
mod tests {
    use super::{Grace, StaleUse};
    use edgeward_http_rules::Selection;
    use edgeward_plan::{CachePolicy, CachingRules, HeaderSelection};
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    fn grace(rules: CachingRules, status: u16, cache_control: &'static str) -> Grace {
        let policy = CachePolicy {
            min_ttl: 0,
            default_ttl: 60,
            max_ttl: 600,
            gzip: false,
            brotli: false,
            rules,
            headers: HeaderSelection::default(),
            cookies: Selection::default(),
            query_strings: Selection::default(),
        };
        let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static(cache_control))]);
        Grace::of(StatusCode::from_u16(status).unwrap(), &headers, &policy)
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
            let (while_revalidate, if_error) = expected;
            let expected = Grace { while_revalidate, if_error, if_unreachable: if_error };
            assert_eq!(grace(CachingRules::CloudFront, status, cache_control), expected, "{status} {cache_control}");
        }
    }

    // RFC 9111 sections 4.2.4, 5.2.2.10; RFC 5861 sections 3 and 4
    #[test]
    fn by_rfc9111_only_an_origin_without_an_answer_is_stood_in_for_unless_it_allows_more() {
        for (status, cache_control, expected) in [
            (200, "max-age=1", (0, 0, 600)),
            (200, "max-age=1, must-revalidate", (0, 0, 0)),
            (200, "max-age=1, proxy-revalidate", (0, 0, 0)),
            (200, "max-age=1, no-cache", (0, 0, 0)),
            (200, "no-cache=\"a\"", (0, 0, 0)),
            (200, "s-maxage=1", (0, 0, 0)),
            (200, "s-maxage=1, stale-while-revalidate=30", (30, 0, 0)),
            (200, "s-maxage=1, stale-if-error=30", (0, 30, 30)),
            (200, "max-age=1, stale-if-error=30", (0, 30, 30)),
            (404, "max-age=1", (0, 0, 0)),
        ] {
            let found = grace(CachingRules::Rfc9111, status, cache_control);
            let found = (found.while_revalidate, found.if_error, found.if_unreachable);
            assert_eq!(found, expected, "{status} {cache_control}");
        }
    }

    #[test]
    fn what_an_expired_response_is_used_for_depends_on_its_windows_and_on_a_failed_origin() {
        use StaleUse::{AfterError, IfError, IfUnreachable, Validation, WhileRevalidating};
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
            let grace = Grace { while_revalidate: windows.0, if_error: windows.1, if_unreachable: windows.1 };
            assert_eq!(grace.when(overdue, is_resting), expected, "{windows:?} {overdue} {is_resting}");
        }
        let grace = Grace { while_revalidate: 0, if_error: 5, if_unreachable: 10 };
        assert_eq!([4, 5, 10].map(|overdue| grace.when(overdue, false)), [IfError, IfUnreachable, Validation]);
    }
}
