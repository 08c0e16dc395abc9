//! What the memory store keeps, and what goes first.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::MemoryStore;
use crate::invalidation::{Generation, Invalidations};
use crate::key::{AcceptedCodings, CacheKey, KeyParts};
use crate::stale::Grace;
use crate::stored::{Body, Freshness, ResponseHead, StoredResponse};
use crate::time::Timestamp;
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
        head: ResponseHead { status: StatusCode::OK, headers: HeaderMap::new(), compressed: None },
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
    assert_eq!(store.find(&key("/a")).map(|found| found.body.len()), Some(2));
    assert_eq!(store.responses(), 1);
}
