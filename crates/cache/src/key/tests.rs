//! Which requests share a key.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

use super::{AcceptedCodings, CacheKey, KeyParts};
use edgeward_http_rules::accept_encoding::Accepted;
use edgeward_http_rules::{Selection, SelectionMode};
use edgeward_plan::{CachePolicy, CachingRules, HeaderSelection};

fn policy() -> CachePolicy {
    CachePolicy {
        min_ttl: 0,
        default_ttl: 60,
        max_ttl: 600,
        gzip: true,
        brotli: true,
        rules: CachingRules::CloudFront,
        headers: HeaderSelection(vec![HeaderName::from_static("x-key")]),
        cookies: Selection::new(SelectionMode::Whitelist, ["user"]),
        query_strings: Selection::new(SelectionMode::All, [""; 0]),
    }
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())).fold(
        HeaderMap::new(),
        |mut map, (name, value)| {
            map.append(name, value);
            map
        },
    )
}

fn key(method: &Method, target: &str, lines: &[(&str, &str)]) -> CacheKey {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let (headers, policy) = (headers(lines), policy());
    let codings = AcceptedCodings::of(Version::HTTP_11, &headers, &policy);
    CacheKey::of(&KeyParts { distribution: "E1", method, path, query, headers: &headers, codings, policy: &policy })
}

#[test]
fn requests_that_differ_only_in_what_is_not_selected_share_a_key() {
    let plain = key(&Method::GET, "/a?x=1", &[]);
    assert_eq!(plain, key(&Method::HEAD, "/a?x=1", &[]));
    assert_eq!(plain, key(&Method::GET, "/a?x=1", &[("x-other", "1"), ("cookie", "session=2")]));
}

#[test]
fn whatever_is_selected_makes_another_key() {
    let keys = [
        key(&Method::GET, "/a", &[]),
        key(&Method::OPTIONS, "/a", &[]),
        key(&Method::GET, "/A", &[]),
        key(&Method::GET, "/a?x=1", &[]),
        key(&Method::GET, "/a?x=1&y=2", &[]),
        key(&Method::GET, "/a?y=2&x=1", &[]),
        key(&Method::GET, "/a", &[("x-key", "")]),
        key(&Method::GET, "/a", &[("x-key", "1")]),
        key(&Method::GET, "/a", &[("x-key", "1"), ("x-key", "2")]),
        key(&Method::GET, "/a", &[("x-key", "1, 2")]),
        key(&Method::GET, "/a", &[("cookie", "user=1")]),
        key(&Method::GET, "/a", &[("cookie", "user=2")]),
        key(&Method::GET, "/a", &[("accept-encoding", "gzip")]),
        key(&Method::GET, "/a", &[("accept-encoding", "br")]),
        key(&Method::GET, "/a", &[("accept-encoding", "gzip, br")]),
    ];
    for (first, one) in keys.iter().enumerate() {
        for (second, other) in keys.iter().enumerate() {
            assert_eq!(one == other, first == second, "keys {first} and {second}");
        }
    }
}

#[test]
fn accepted_codings_are_normalised_as_cloudfront_documents() {
    use AcceptedCodings::Absent;
    let of = |gzip, brotli| AcceptedCodings::Of(Accepted { gzip, brotli, zstd: false });
    for (gzip, brotli, sent, expected) in [
        (true, true, Some("gzip, deflate, br, zstd"), of(true, true)),
        (true, true, Some("br"), of(false, true)),
        (true, true, Some("gzip;q=0, br"), of(false, true)),
        (true, false, Some("gzip, br"), of(true, false)),
        (true, true, Some("deflate"), of(false, false)),
        (true, true, None, Absent),
        (false, false, Some("gzip"), Absent),
    ] {
        let policy = CachePolicy { gzip, brotli, ..policy() };
        let lines: Vec<_> = sent.iter().map(|value| ("accept-encoding", *value)).collect();
        let headers = headers(&lines);
        let found = AcceptedCodings::of(Version::HTTP_2, &headers, &policy);
        assert_eq!(found, expected, "{sent:?} with {gzip} {brotli}");
        assert_eq!(AcceptedCodings::of(Version::HTTP_10, &headers, &policy), Absent);
    }
}

// RFC 8878 section 7.2; RFC 9110 section 12.5.3
#[test]
fn our_own_rules_know_zstd_and_tell_no_accept_encoding_from_one_that_takes_nothing() {
    let keys = |rules| {
        let policy = CachePolicy { rules, ..policy() };
        let key = |codings| {
            let parts = KeyParts {
                distribution: "E1",
                method: &Method::GET,
                path: "/a",
                query: None,
                headers: &HeaderMap::new(),
                codings,
                policy: &policy,
            };
            CacheKey::of(&parts).bytes().to_vec()
        };
        let all = AcceptedCodings::possible(&policy).map(key).collect::<std::collections::BTreeSet<_>>();
        let headers = headers(&[("accept-encoding", "gzip, zstd")]);
        (all.len(), AcceptedCodings::of(Version::HTTP_2, &headers, &policy).as_field_value())
    };
    assert_eq!(keys(CachingRules::Rfc9111), (9, Some("zstd,gzip")));
    assert_eq!(keys(CachingRules::CloudFront), (8, Some("gzip")));
    let plain = CachePolicy { gzip: false, brotli: false, ..policy() };
    assert!(AcceptedCodings::possible(&plain).eq([AcceptedCodings::Absent]));
}

#[test]
fn a_key_can_be_read_back() {
    let lines = [("x-key", "1"), ("x-key", "2"), ("cookie", "user=3; other=4"), ("accept-encoding", "br")];
    let text = key(&Method::GET, "/a?x=1&y", &lines).text().unwrap();
    assert_eq!((text.distribution.as_str(), text.target().as_str()), ("E1", "/a?x=1&y"));
    assert_eq!(text.headers, [("x-key".to_owned(), vec!["1".to_owned(), "2".to_owned()])]);
    assert_eq!((text.cookies.as_str(), text.codings, text.is_options), ("user=3", Some("br"), false));
    let plain = key(&Method::OPTIONS, "/a", &[]).text().unwrap();
    assert_eq!((plain.target().as_str(), plain.headers.len(), plain.is_options), ("/a", 0, true));
    assert_eq!((plain.cookies.as_str(), plain.codings), ("", None));
}

#[test]
fn hostile_bytes_are_read_as_far_as_they_go() {
    let lines = vec![("x-key", "1"); 300];
    assert_eq!(key(&Method::GET, "/a", &lines).text().unwrap().path, "/a");
    let whole = key(&Method::GET, "/a?x=1", &[("x-key", "1"), ("cookie", "user=3")]);
    for length in 0..whole.bytes.len() {
        let _no_panic = CacheKey { bytes: whole.bytes[..length].to_vec(), hash: 0 }.text();
    }
}

#[test]
fn a_key_belongs_to_its_distribution_alone() {
    let key = key(&Method::GET, "/a", &[]);
    assert!(key.is_of("E1") && !key.is_of("E") && !key.is_of("E12"));
}
