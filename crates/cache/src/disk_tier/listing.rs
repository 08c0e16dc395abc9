//! Pages of what is on disk and not in memory, in the order in which it lies there.

use std::ops::ControlFlow;

use crate::invalidation::{Generation, Invalidations};
use crate::key::{CacheKey, KeyText};
use crate::listing::{Cursor, Listed, Page, Tier, Wanted};
use crate::record::{Record, RecordedContent};
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
    let generation = Generation::restored(invalidations.log(&distribution), validity.tested, &validity.target);
    Some(Listed {
        key,
        status: head.status,
        headers: head.headers,
        freshness,
        is_valid: generation.is_valid(),
        length: match content {
            RecordedContent::Beside => found.content_length.into(),
            RecordedContent::Chunks { length, .. } => length,
        },
        hits: found.hits,
        tier: Tier::Disk,
    })
}
