//! Pages of what is on disk and not in memory, in the order in which it lies there.

use std::ops::ControlFlow;

use crate::invalidation::{Generation, Invalidations};
use crate::key::{CacheKey, KeyText};
use crate::listing::{Cursor, Listed, Page, Tier, Wanted};
use crate::record::{Record, RecordedContent, Validity};
use crate::store::{DiskListed, DiskStore, MemoryStore};

/// Records that one page looks at.
const LOOKED_AT: usize = 100_000;

/// What is `wanted` of the records at `from` and behind it.
pub(crate) fn list(
    disk: &DiskStore,
    (memory, invalidations): (&MemoryStore, &Invalidations),
    wanted: &Wanted<'_, impl Fn(&KeyText) -> bool>,
    from: u64,
) -> Page {
    let mut page = Page::default();
    let mut looked_at = 0;
    disk.visit(from, |found| {
        if looked_at == LOOKED_AT || page.listed.len() == wanted.limit {
            page.next = Some(Cursor::Disk(found.at));
            return ControlFlow::Break(());
        }
        looked_at += 1;
        let key = CacheKey::restored(&found.record.key);
        if key.is_of(wanted.distribution) && !memory.holds(&key, found.record.slot) {
            let text = key.text().filter(&wanted.is_wanted);
            page.listed.extend(text.and_then(|text| listed(text, &found, invalidations)));
        }
        ControlFlow::Continue(())
    });
    page
}

fn listed(key: KeyText, found: &DiskListed, invalidations: &Invalidations) -> Option<Listed> {
    let Record { distribution, head, freshness, validity, content } = Record::decode(&found.record.meta)?;
    let Validity { tested, target, tags } = validity;
    let generation = Generation::restored(invalidations.log(&distribution), tested, &target, tags);
    Some(Listed {
        key,
        status: head.status,
        headers: head.headers,
        freshness,
        is_valid: generation.is_valid(),
        tags: generation.tags().map(|tags| tags.to_vec()).unwrap_or_default(),
        length: match content {
            RecordedContent::Beside => found.content_length.into(),
            RecordedContent::Chunks { length, .. } => length,
        },
        hits: found.hits,
        tier: Tier::Disk,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use bytes::Bytes;
    use edgeward_http_rules::{Selection, SelectionMode};
    use edgeward_mapped::MappedFiles;
    use edgeward_plan::{CachePolicy, CachingRules, HeaderSelection};
    use http::{HeaderMap, Method, StatusCode};

    use super::*;
    use crate::disk_tier::put;
    use crate::key::{AcceptedCodings, KeyParts};
    use crate::stale::Grace;
    use crate::store::DiskSettings;
    use crate::stored::{Body, Freshness, ResponseHead, StoredResponse};
    use crate::time::Timestamp;
    use crate::variant::Variant;

    fn key(distribution: &str, path: &str) -> CacheKey {
        let policy = CachePolicy {
            min_ttl: 0,
            default_ttl: 0,
            max_ttl: 1,
            gzip: false,
            brotli: false,
            rules: CachingRules::CloudFront,
            headers: HeaderSelection::default(),
            cookies: Selection::new(SelectionMode::None, [""; 0]),
            query_strings: Selection::new(SelectionMode::None, [""; 0]),
        };
        let (headers, codings, method) = (HeaderMap::new(), AcceptedCodings::Absent, &Method::GET);
        CacheKey::of(&KeyParts { distribution, method, path, query: None, headers: &headers, codings, policy: &policy })
    }

    fn response(invalidations: &Invalidations, distribution: &str, path: &str) -> Arc<StoredResponse> {
        let grace = Grace::default();
        let since = Timestamp::from_secs(0);
        Arc::new(StoredResponse {
            head: ResponseHead {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                compressed: None,
                variant: Variant::default(),
            },
            freshness: Freshness { since, initial_age: 0, lifetime: 60, grace, resting_until: None },
            generation: Generation::beginning(invalidations.log(distribution), path),
            body: Body::Whole(Bytes::from_static(b"content")),
        })
    }

    fn open(directory: &Path) -> DiskStore {
        DiskStore::open(&DiskSettings { directory: directory.to_owned(), limit: 0 }, &MappedFiles::new()).unwrap()
    }

    #[test]
    fn pages_together_have_what_is_on_disk_alone_once() {
        let directory = tempfile::tempdir().unwrap();
        let (disk, memory, invalidations) =
            (open(directory.path()), MemoryStore::new(1 << 20), Invalidations::default());
        for n in 0..10 {
            for distribution in ["E1", "E2"] {
                let path = format!("/{n}");
                put(&disk, &key(distribution, &path), &response(&invalidations, distribution, &path));
            }
        }
        disk.flush();
        memory.insert(&key("E1", "/3"), response(&invalidations, "E1", "/3"));
        invalidations.log("E1").append(1, &["/4".to_owned()]);
        for limit in [1, 4, 9, 10] {
            let wanted = Wanted { distribution: "E1", is_wanted: |key: &KeyText| key.path != "/5", limit };
            let (mut listed, mut from) = (Vec::new(), Some(0));
            while let Some(at) = from {
                let page = list(&disk, (&memory, &invalidations), &wanted, at);
                assert!(page.listed.len() <= limit);
                listed.extend(page.listed);
                from = page.next.map(|next| match next {
                    Cursor::Disk(at) => at,
                    Cursor::Memory(_) => panic!("memory comes first"),
                });
            }
            let found: Vec<_> = listed.iter().map(|listed| (listed.key.path.as_str(), listed.is_valid)).collect();
            let expected = ["/0", "/1", "/2", "/4", "/6", "/7", "/8", "/9"].map(|path| (path, path != "/4"));
            assert_eq!(found, expected, "{limit}");
            assert!(listed.iter().all(|listed| listed.length == 7 && listed.tier == Tier::Disk));
        }
    }
}
