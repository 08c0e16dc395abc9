//! CloudFront's TTL rules, case by case (guide, Expiration and HTTPStatusCodes).

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{LifetimeSource, NotStored, lifetime};
use edgeward_http_rules::Selection;
use edgeward_plan::{CachePolicy, CachingRules, HeaderSelection};

fn policy(min_ttl: u64, default_ttl: u64, max_ttl: u64) -> CachePolicy {
    CachePolicy {
        min_ttl,
        default_ttl,
        max_ttl,
        gzip: false,
        brotli: false,
        rules: CachingRules::CloudFront,
        headers: HeaderSelection::default(),
        cookies: Selection::default(),
        query_strings: Selection::default(),
    }
}

fn headers(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.split('|').filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

type Expected = Result<(u64, LifetimeSource), NotStored>;

fn check(status: u16, ttls: (u64, u64, u64), response: &str, expected: Expected) {
    let policy = policy(ttls.0, ttls.1, ttls.2);
    let found = lifetime(StatusCode::from_u16(status).unwrap(), &headers(response), &policy, 10, 1_700_000_000);
    assert_eq!(found.map(|found| (found.seconds, found.source)), expected, "{status} {ttls:?} {response}");
}

#[test]
fn an_error_is_kept_for_the_minimum_or_for_longer_where_the_origin_says_so() {
    use LifetimeSource::{ErrorCachingMinTtl, MaxAge, MaxTtl};
    for (minimum, max_ttl, response, expected) in [
        (0, 600, "", (0, ErrorCachingMinTtl)),
        (0, 600, "cache-control: max-age=5", (5, MaxAge)),
        (60, 600, "cache-control: max-age=5", (60, ErrorCachingMinTtl)),
        (60, 600, "cache-control: max-age=900", (600, MaxTtl)),
        (60, 30, "cache-control: max-age=900", (60, ErrorCachingMinTtl)),
    ] {
        let policy = policy(0, 60, max_ttl);
        let found = lifetime(StatusCode::NOT_FOUND, &headers(response), &policy, minimum, 1_700_000_000).unwrap();
        assert_eq!((found.seconds, found.source), expected, "{minimum} {max_ttl} {response}");
    }
}

#[test]
fn the_origins_lifetime_is_clamped_by_the_policy() {
    use LifetimeSource::{DefaultTtl, MaxAge, MaxTtl, MinTtl, SMaxAge};
    for (ttls, response, expected) in [
        ((0, 60, 600), "cache-control: max-age=100", Ok((100, MaxAge))),
        ((0, 60, 600), "cache-control: max-age=100, s-maxage=50", Ok((50, SMaxAge))),
        ((0, 60, 600), "cache-control: max-age=601", Ok((600, MaxTtl))),
        ((200, 200, 600), "cache-control: max-age=100", Ok((200, MinTtl))),
        ((0, 60, 600), "", Ok((60, DefaultTtl))),
        ((120, 60, 600), "", Ok((120, MinTtl))),
        ((0, 0, 0), "cache-control: max-age=100", Err(NotStored::CachingDisabled)),
        ((0, 60, 600), "cache-control: max-age=0", Err(NotStored::ZeroLifetime)),
        ((0, 60, 600), "cache-control: max-age=0|etag: \"1\"", Ok((0, MaxAge))),
    ] {
        check(200, ttls, response, expected);
    }
}

#[test]
fn expires_counts_where_cache_control_says_nothing() {
    use LifetimeSource::{Expires, MaxAge};
    let date = "date: Tue, 14 Nov 2023 22:13:20 GMT";
    let later = "expires: Tue, 14 Nov 2023 22:15:00 GMT";
    check(200, (0, 60, 600), &format!("{date}|{later}"), Ok((100, Expires)));
    check(200, (0, 60, 600), &format!("{date}|{later}|cache-control: max-age=5"), Ok((5, MaxAge)));
    check(200, (0, 60, 600), &format!("{date}|expires: 0|etag: \"1\""), Ok((0, Expires)));
}

#[test]
fn a_minimum_ttl_overrules_no_store_no_cache_and_private() {
    for (directive, reason) in [
        ("no-store", NotStored::NoStore),
        ("no-cache", NotStored::NoCache),
        ("private", NotStored::Private),
        ("private, max-age=300", NotStored::Private),
    ] {
        let response = format!("cache-control: {directive}");
        check(200, (0, 60, 600), &response, Err(reason));
        check(200, (7, 60, 600), &response, Ok((7, LifetimeSource::MinTtl)));
    }
    check(200, (0, 60, 600), "cache-control: no-cache=\"set-cookie\", max-age=9", Ok((9, LifetimeSource::MaxAge)));
}

#[test]
fn a_response_that_varies_by_everything_is_not_stored_without_a_minimum_ttl() {
    check(200, (0, 60, 600), "vary: *|cache-control: max-age=9", Err(NotStored::VariesByEverything));
    check(200, (20, 60, 600), "vary: *|cache-control: max-age=9", Ok((20, LifetimeSource::MinTtl)));
}

#[test]
fn errors_are_kept_ten_seconds_or_as_long_as_the_origin_says() {
    use LifetimeSource::{ErrorCachingMinTtl, MaxAge, MaxTtl};
    for (status, response, expected) in [
        (404, "", Ok((10, ErrorCachingMinTtl))),
        (404, "cache-control: max-age=5", Ok((10, ErrorCachingMinTtl))),
        (404, "cache-control: max-age=50", Ok((50, MaxAge))),
        (404, "cache-control: max-age=5000", Ok((600, MaxTtl))),
        (503, "cache-control: no-store", Ok((10, ErrorCachingMinTtl))),
        (403, "", Err(NotStored::Status)),
        (403, "cache-control: max-age=50", Ok((50, MaxAge))),
        (416, "cache-control: max-age=50", Err(NotStored::Status)),
        (206, "cache-control: max-age=50", Err(NotStored::Status)),
        (302, "cache-control: max-age=50", Ok((50, MaxAge))),
    ] {
        check(status, (0, 60, 600), response, expected);
    }
}
