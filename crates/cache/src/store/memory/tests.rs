//! What the memory store keeps, and what goes first.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::{MOST_VARIANTS, MemoryStore};
use crate::invalidation::{Generation, Invalidations};
use crate::key::{AcceptedCodings, CacheKey, KeyParts, KeyText};
use crate::listing::{Cursor, Wanted};
use crate::stale::Grace;
use crate::stored::{Body, Freshness, ResponseHead, StoredResponse};
use crate::time::Timestamp;
use crate::variant::Variant;
use edgeward_http_rules::Selection;
use edgeward_plan::{CachePolicy, CachingRules, HeaderSelection};

fn key(path: &str) -> CacheKey {
    let policy = CachePolicy {
        min_ttl: 0,
        default_ttl: 0,
        max_ttl: 1,
        gzip: false,
        brotli: false,
        rules: CachingRules::CloudFront,
        headers: HeaderSelection::default(),
        cookies: Selection::default(),
        query_strings: Selection::default(),
    };
    let headers = HeaderMap::new();
    let codings = AcceptedCodings::Absent;
    let method = &Method::GET;
    let parts = KeyParts { distribution: "E1", method, path, query: None, headers: &headers, codings, policy: &policy };
    CacheKey::of(&parts)
}

fn response(invalidations: &Invalidations, path: &str, len: usize) -> Arc<StoredResponse> {
    Arc::new(StoredResponse {
        head: ResponseHead {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            compressed: None,
            variant: Variant::default(),
        },
        freshness: Freshness {
            since: Timestamp::from_secs(0),
            initial_age: 0,
            lifetime: 60,
            grace: Grace::default(),
            resting_until: None,
        },
        generation: Generation::beginning(invalidations.log("E1"), path),
        body: Body::Whole(Bytes::from(vec![0; len])),
    })
}

#[test]
fn the_bytes_stay_within_the_limit() {
    let (store, invalidations) = (MemoryStore::new(100_000), Invalidations::default());
    for n in 0..1_000 {
        let path = format!("/{n}");
        store.insert(&key(&path), response(&invalidations, &path, n % 3_000));
        assert!(store.bytes() <= 100_000);
    }
    assert!(store.responses() > 20);
}

#[test]
fn a_scan_does_not_flush_what_is_asked_for_again() {
    let (store, invalidations) = (MemoryStore::new(200_000), Invalidations::default());
    let popular: Vec<String> = (0..20).map(|n| format!("/popular/{n}")).collect();
    for path in &popular {
        store.insert(&key(path), response(&invalidations, path, 1_000));
    }
    for n in 0..5_000 {
        let path = format!("/scan/{n}");
        store.insert(&key(&path), response(&invalidations, &path, 1_000));
        if n % 20 == 0 {
            popular.iter().for_each(|path| drop(store.find(&key(path))));
        }
    }
    assert!(popular.iter().all(|path| store.find(&key(path)).is_some()));
}

#[test]
fn a_response_that_was_asked_for_earlier_does_not_replace_a_newer_one() {
    let (store, invalidations) = (MemoryStore::new(100_000), Invalidations::default());
    let before = response(&invalidations, "/a", 1);
    invalidations.log("E1").append(1, &["/a".to_owned()]);
    store.insert(&key("/a"), response(&invalidations, "/a", 2));
    store.insert(&key("/a"), before);
    assert_eq!(store.find(&key("/a")).map(|found| found.body.length()), Some(2));
    assert_eq!(store.responses(), 1);
}

fn request(foo: &str) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("foo"), HeaderValue::from_str(foo).unwrap())])
}

/// A response of `len` bytes that arrived at `second`, for requests with the field `foo`, or for everybody.
fn variant(invalidations: &Invalidations, foo: Option<&str>, second: u64, len: usize) -> Arc<StoredResponse> {
    let vary = HeaderMap::from_iter([(header::VARY, HeaderValue::from_static("foo"))]);
    let mut stored = Arc::into_inner(response(invalidations, "/a", len)).unwrap();
    stored.head.variant = foo.map_or_else(Variant::default, |foo| Variant::of(&vary, &request(foo)));
    stored.freshness.since = Timestamp::from_secs(second);
    Arc::new(stored)
}

// RFC 9111 section 4.1
#[test]
fn variants_of_one_key_stand_side_by_side_and_replace_their_own_kind() {
    let (store, invalidations) = (MemoryStore::new(100_000), Invalidations::default());
    let found = |foo: &str| store.select(&key("/a"), &request(foo)).map(|stored| stored.body.length());
    for (foo, len) in [("1", 10), ("2", 20), ("1", 11)] {
        store.insert(&key("/a"), variant(&invalidations, Some(foo), 0, len));
    }
    assert_eq!(["1", "2", "3"].map(found), [Some(11), Some(20), None]);
    assert_eq!(store.responses(), 2);
    store.forget(&key("/a"));
    assert_eq!((found("1"), store.responses(), store.bytes()), (None, 0, 0));
}

#[test]
fn a_response_for_everybody_leaves_fresh_variants_to_theirs_and_gives_way_to_any() {
    let (store, invalidations) = (MemoryStore::new(100_000), Invalidations::default());
    let found = |foo: &str| store.select(&key("/a"), &request(foo)).map(|stored| stored.body.length());
    store.insert(&key("/a"), variant(&invalidations, Some("old"), 0, 5));
    store.insert(&key("/a"), variant(&invalidations, Some("1"), 50, 10));
    store.insert(&key("/a"), variant(&invalidations, None, 70, 99));
    assert_eq!(["1", "2", "old"].map(found), [Some(10), Some(99), Some(99)]);
    store.insert(&key("/a"), variant(&invalidations, Some("2"), 71, 20));
    assert_eq!(["1", "2", "old"].map(found), [Some(10), Some(20), None]);
}

#[test]
fn variants_of_one_key_are_bounded_in_number_and_bytes() {
    for (len, most) in [(1, MOST_VARIANTS), (10_000, 2)] {
        let (store, invalidations) = (MemoryStore::new(100_000), Invalidations::default());
        for n in 0..10_000 {
            store.insert(&key("/a"), variant(&invalidations, Some(&n.to_string()), 0, len));
            assert!(store.bytes() <= 100_000);
        }
        assert_eq!(store.responses(), most);
        assert!(store.select(&key("/a"), &request("9999")).is_some());
        store.insert(&key("/b"), response(&invalidations, "/b", 1));
        assert_eq!(store.responses(), most + 1);
    }
}

#[test]
fn pages_together_have_every_key_of_the_distribution_once() {
    let (store, invalidations) = (MemoryStore::new(1 << 20), Invalidations::default());
    for n in 0..500 {
        let path = format!("/{n}");
        store.insert(&key(&path), response(&invalidations, &path, 10));
    }
    for limit in [1, 7, 499, 500, 501] {
        let (mut paths, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = store.list(&Wanted { distribution: "E1", is_wanted: |_: &KeyText| true, limit }, after);
            assert!(page.listed.len() <= limit);
            paths.extend(page.listed.into_iter().map(|listed| listed.key.path));
            pages += 1;
            let Some(Cursor::Memory(hash)) = page.next else { break };
            after = Some(hash);
        }
        paths.sort();
        paths.dedup();
        assert_eq!((paths.len(), pages), (500, 500_usize.div_ceil(limit)), "{limit}");
    }
    let elsewhere = Wanted { distribution: "E2", is_wanted: |_: &KeyText| true, limit: 10 };
    assert!(store.list(&elsewhere, None).listed.is_empty());
}

#[test]
fn a_page_has_what_is_wanted_with_all_its_variants() {
    let (store, invalidations) = (MemoryStore::new(1 << 20), Invalidations::default());
    for language in ["de", "fr"] {
        store.insert(&key("/a"), variant(&invalidations, Some(language), 0, 10));
    }
    store.insert(&key("/b"), response(&invalidations, "/b", 10));
    store.find(&key("/b"));
    invalidations.log("E1").append(1, &["/b".to_owned()]);
    let listed = |path| {
        let is_wanted = |key: &KeyText| key.path == path;
        store.list(&Wanted { distribution: "E1", is_wanted, limit: 10 }, None).listed
    };
    assert_eq!(listed("/a").len(), 2);
    let found = listed("/b");
    assert_eq!(
        found.iter().map(|listed| (listed.length, listed.hits, listed.is_valid)).collect::<Vec<_>>(),
        [(10, 1, false)]
    );
}
