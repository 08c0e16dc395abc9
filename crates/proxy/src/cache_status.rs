//! Cache-Status (RFC 9211): what the cache did with a request, told to whoever debugs it.
//!
//! The stages note what they find in the exchange's `CacheStatus`, and the last one adds the field, behind those of caches
//! nearer to the origin. Only behaviors with our own rules have it; CloudFront says X-Cache. Invariant: nothing of the
//! cache key is told. `fwd=request` never comes: a viewer's Cache-Control has no effect.

use std::fmt::Write;

use edgeward_cache::{Freshness, NotStored, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;

static CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Why a request went on to the origin (section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forwarded {
    /// Nothing is stored for its key.
    UriMiss,
    /// What is stored answers other requests (Vary).
    VaryMiss,
    /// What is stored was invalidated.
    Miss,
    /// What is stored has expired.
    Stale,
    /// A part of what is stored is missing.
    Partial,
    /// Responses to the method are not looked up.
    Method,
    /// The policy stores nothing.
    Bypass,
}

impl Forwarded {
    fn as_str(self) -> &'static str {
        match self {
            Forwarded::UriMiss => "uri-miss",
            Forwarded::VaryMiss => "vary-miss",
            Forwarded::Miss => "miss",
            Forwarded::Stale => "stale",
            Forwarded::Partial => "partial",
            Forwarded::Method => "method",
            Forwarded::Bypass => "bypass",
        }
    }
}

/// What is known so far of one request.
#[derive(Debug, Default)]
pub(crate) struct CacheStatus(Mutex<Course>);

#[derive(Debug, Default)]
struct Course {
    /// Whether something was looked up, and why it did not suffice.
    found: Option<Result<(), Forwarded>>,
    origin_status: Option<StatusCode>,
    is_stored: bool,
    is_collapsed: bool,
    not_stored: Option<NotStored>,
    /// Seconds for which the response stays fresh; less than 0 once it is stale.
    ttl: Option<i64>,
}

impl CacheStatus {
    /// The cache answers; what was noted before does not count.
    pub(crate) fn hit(&self) {
        *self.0.lock() = Course { found: Some(Ok(())), ..Course::default() };
    }

    /// The origin is asked; what was noted before does not count.
    pub(crate) fn forwarded(&self, why: Forwarded) {
        *self.0.lock() = Course { found: Some(Err(why)), ..Course::default() };
    }

    /// The origin answered.
    pub(crate) fn answered(&self, status: StatusCode) {
        self.0.lock().origin_status = Some(status);
    }

    /// The answer to somebody else's request serves this one too.
    pub(crate) fn collapsed(&self) {
        let mut course = self.0.lock();
        (course.is_collapsed, course.is_stored) = (true, true);
    }

    /// Whether the response is stored was decided, `against` it for a reason of its own.
    pub(crate) fn decided(&self, is_stored: bool, against: Option<NotStored>) {
        let mut course = self.0.lock();
        (course.is_stored, course.not_stored) = (is_stored, against);
    }

    /// A response that is stored, or that is being, goes out.
    pub(crate) fn served(&self, freshness: &Freshness, now: Timestamp) {
        // No longer than structured fields can say.
        let seconds = |number: u64| i64::try_from(number).unwrap_or(i64::MAX).min(LARGEST_INTEGER);
        self.0.lock().ttl = Some(seconds(freshness.lifetime) - seconds(freshness.current_age(now)));
    }

    /// Adds the field to a response with `status`. What never came as far as the cache has none.
    pub(crate) fn tell(&self, status: StatusCode, headers: &mut HeaderMap) {
        if let Some(value) = self.0.lock().value(status)
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            headers.append(&CACHE_STATUS, value);
        }
    }
}

/// RFC 9651 section 3.3.1.
const LARGEST_INTEGER: i64 = 999_999_999_999_999;

impl Course {
    fn value(&self, status: StatusCode) -> Option<String> {
        let mut value = String::from("edgeward");
        match self.found? {
            Ok(()) => value.push_str("; hit"),
            Err(why) => {
                value.push_str("; fwd=");
                value.push_str(why.as_str());
                self.write_forwarding(status, &mut value);
            }
        }
        if let Some(ttl) = self.ttl {
            // Writing to a text does not fail.
            let _ = write!(value, "; ttl={ttl}");
        }
        if let Some(reason) = self.not_stored {
            value.push_str("; detail=");
            value.push_str(word(reason));
        }
        Some(value)
    }

    /// The status of the origin's answer is said where it is not that of the response (section 2.3).
    fn write_forwarding(&self, status: StatusCode, value: &mut String) {
        if let Some(origin) = self.origin_status.filter(|origin| *origin != status) {
            let _ = write!(value, "; fwd-status={}", origin.as_u16());
        }
        for (is_said, parameter) in [(self.is_stored, "; stored"), (self.is_collapsed, "; collapsed")] {
            value.push_str(if is_said { parameter } else { "" });
        }
    }
}

fn word(reason: NotStored) -> &'static str {
    match reason {
        NotStored::CachingDisabled => "caching-disabled",
        NotStored::Status => "status",
        NotStored::NoStore => "no-store",
        NotStored::NoCache => "no-cache",
        NotStored::Private => "private",
        NotStored::Authorized => "authorized",
        NotStored::VariesByEverything => "varies-by-everything",
        NotStored::ZeroLifetime => "zero-lifetime",
        NotStored::TooLarge => "too-large",
        NotStored::Truncated => "truncated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeward_cache::Grace;

    /// Status of the response, the field, and what the stages noted.
    type Case = (u16, &'static str, fn(&CacheStatus));

    const NOW: Timestamp = Timestamp::from_secs(9);

    fn told(status: u16, note: impl Fn(&CacheStatus)) -> Vec<String> {
        let course = CacheStatus::default();
        note(&course);
        let mut headers = HeaderMap::from_iter([(CACHE_STATUS.clone(), HeaderValue::from_static("origin; hit"))]);
        course.tell(StatusCode::from_u16(status).unwrap(), &mut headers);
        headers.get_all(&CACHE_STATUS).iter().skip(1).map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    fn fresh_for(lifetime: u64, age: u64) -> Freshness {
        let grace = Grace::default();
        Freshness { since: Timestamp::from_secs(9), initial_age: age, lifetime, grace, resting_until: None }
    }

    // RFC 9211 sections 2 and 4
    #[test]
    fn the_field_says_what_the_cache_did() {
        let cases: [Case; 8] = [
            (200, "edgeward; hit; ttl=40", |course| {
                course.hit();
                course.served(&fresh_for(60, 20), NOW);
            }),
            (200, "edgeward; hit; ttl=-5", |course| {
                course.hit();
                course.served(&fresh_for(15, 20), NOW);
            }),
            (200, "edgeward; fwd=uri-miss; stored; ttl=999999999999999", |course| {
                course.forwarded(Forwarded::UriMiss);
                course.answered(StatusCode::OK);
                course.decided(true, None);
                course.served(&fresh_for(u64::MAX, 0), NOW);
            }),
            (200, "edgeward; fwd=stale; fwd-status=304; stored; ttl=60", |course| {
                course.forwarded(Forwarded::Stale);
                course.answered(StatusCode::NOT_MODIFIED);
                course.decided(true, None);
                course.served(&fresh_for(60, 0), NOW);
            }),
            (200, "edgeward; fwd=uri-miss; detail=no-store", |course| {
                course.forwarded(Forwarded::UriMiss);
                course.answered(StatusCode::OK);
                course.decided(false, Some(NotStored::NoStore));
            }),
            (200, "edgeward; fwd=vary-miss; stored; collapsed", |course| {
                course.forwarded(Forwarded::VaryMiss);
                course.collapsed();
            }),
            (502, "edgeward; fwd=method", |course| course.forwarded(Forwarded::Method)),
            (200, "edgeward; hit", |course| {
                course.forwarded(Forwarded::Partial);
                course.hit();
            }),
        ];
        for (status, expected, note) in cases {
            assert_eq!(told(status, note), [expected]);
        }
        assert!(told(403, |_| {}).is_empty());
    }
}
