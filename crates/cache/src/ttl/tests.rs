//! CloudFront's TTL rules, case by case (guide, Expiration and HTTPStatusCodes).

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{LifetimeSource, NewResponse, NotStored, lifetime};
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

fn new_response(status: u16, headers: &HeaderMap, error_min_ttl: u64) -> NewResponse<'_> {
    let status = StatusCode::from_u16(status).unwrap();
    NewResponse { status, headers, was_authorized: false, error_min_ttl, at: 1_700_000_000 }
}

type Expected = Result<(u64, LifetimeSource), NotStored>;

fn check(status: u16, ttls: (u64, u64, u64), response: &str, expected: Expected) {
    let policy = policy(ttls.0, ttls.1, ttls.2);
    let found = lifetime(&new_response(status, &headers(response), 10), &policy);
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
        let found = lifetime(&new_response(404, &headers(response), minimum), &policy).unwrap();
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

fn check_rfc9111(status: u16, was_authorized: bool, response: &str, expected: Expected) {
    let policy = CachePolicy { rules: CachingRules::Rfc9111, ..policy(0, 0, 31_536_000) };
    let headers = headers(response);
    let found = lifetime(&NewResponse { was_authorized, ..new_response(status, &headers, 10) }, &policy);
    assert_eq!(found.map(|found| (found.seconds, found.source)), expected, "{status} {response}");
}

// RFC 9111 sections 3, 4.2.1, 4.2.2, 5.2.2
#[test]
fn by_rfc9111_the_origin_decides_with_its_directives_and_the_status_only_where_it_is_silent() {
    use LifetimeSource::{Expires, Heuristic, MaxAge, MaxTtl, NoCache, SMaxAge, UnclearAge};
    const DATED: &str = "date: Tue, 14 Nov 2023 22:13:20 GMT|last-modified: Mon, 13 Nov 2023 22:13:20 GMT";
    let dated = |more: &str| format!("{DATED}|{more}");
    for (status, response, expected) in [
        (200, "cache-control: max-age=9".to_owned(), Ok((9, MaxAge))),
        (200, "cache-control: max-age=9, s-maxage=7".to_owned(), Ok((7, SMaxAge))),
        (200, "cache-control: max-age=99999999999".to_owned(), Ok((31_536_000, MaxTtl))),
        (200, dated("expires: Tue, 14 Nov 2023 22:15:00 GMT"), Ok((100, Expires))),
        (404, "cache-control: max-age=5".to_owned(), Ok((5, MaxAge))),
        (503, "cache-control: max-age=5".to_owned(), Ok((5, MaxAge))),
        (599, "cache-control: max-age=5".to_owned(), Ok((5, MaxAge))),
        (599, "cache-control: max-age=5, must-understand".to_owned(), Err(NotStored::Status)),
        (200, "cache-control: max-age=5, must-understand, no-store".to_owned(), Ok((5, MaxAge))),
        (206, "cache-control: max-age=5".to_owned(), Err(NotStored::Status)),
        (304, "cache-control: max-age=5".to_owned(), Err(NotStored::Status)),
        (503, String::new(), Err(NotStored::Status)),
        (200, String::new(), Err(NotStored::ZeroLifetime)),
        (200, "etag: \"1\"".to_owned(), Ok((0, LifetimeSource::DefaultTtl))),
        (201, "etag: \"1\"".to_owned(), Err(NotStored::Status)),
        (200, dated(""), Ok((8_640, Heuristic))),
        (410, dated(""), Ok((8_640, Heuristic))),
        (502, dated(""), Err(NotStored::Status)),
        (599, dated("cache-control: public"), Ok((8_640, Heuristic))),
        (200, "last-modified: Sat, 01 Jan 2000 00:00:00 GMT".to_owned(), Ok((86_400, Heuristic))),
        (200, "cache-control: no-cache, max-age=9|etag: \"1\"".to_owned(), Ok((0, NoCache))),
        (200, "cache-control: no-cache=\"a\", max-age=9|etag: \"1\"".to_owned(), Ok((0, NoCache))),
        (200, "cache-control: no-cache, max-age=9".to_owned(), Err(NotStored::ZeroLifetime)),
        (200, "cache-control: max-age=0, stale-while-revalidate=5".to_owned(), Ok((0, MaxAge))),
        (200, "cache-control: no-cache, stale-if-error=5".to_owned(), Err(NotStored::ZeroLifetime)),
        (200, "cache-control: no-store, max-age=9".to_owned(), Err(NotStored::NoStore)),
        (200, "cache-control: private, max-age=9".to_owned(), Err(NotStored::Private)),
        (200, "cache-control: private=\"a\", max-age=9".to_owned(), Err(NotStored::Private)),
        (200, "cache-control: max-age=9|age: 1|etag: \"1\"".to_owned(), Ok((9, MaxAge))),
        (200, "cache-control: max-age=9|age: 1, 2|etag: \"1\"".to_owned(), Ok((0, UnclearAge))),
        (200, "cache-control: max-age=9|age: young".to_owned(), Err(NotStored::ZeroLifetime)),
        (200, "cache-control: no-store|cdn-cache-control: max-age=9".to_owned(), Ok((9, MaxAge))),
        (200, dated("expires: Tue, 14 Nov 2023 22:15:00 GMT|surrogate-control: max-age=9"), Ok((9, MaxAge))),
        (200, dated("expires: Tue, 14 Nov 2023 22:15:00 GMT|cdn-cache-control: x"), Ok((8_640, Heuristic))),
        (200, "cache-control: max-age=9|cdn-cache-control: no-store".to_owned(), Err(NotStored::NoStore)),
        (200, "cache-control: max-age=9|vary: foo, *".to_owned(), Err(NotStored::VariesByEverything)),
    ] {
        check_rfc9111(status, false, &response, expected);
    }
}

// RFC 9111 section 3.5
#[test]
fn by_rfc9111_a_response_to_an_authorized_request_is_stored_only_where_it_says_so() {
    for (directive, is_stored) in
        [("max-age=9", false), ("public, max-age=9", true), ("must-revalidate, max-age=9", true), ("s-maxage=9", true)]
    {
        let source = if directive == "s-maxage=9" { LifetimeSource::SMaxAge } else { LifetimeSource::MaxAge };
        let expected = if is_stored { Ok((9, source)) } else { Err(NotStored::Authorized) };
        check_rfc9111(200, true, &format!("cache-control: {directive}"), expected);
    }
}
