//! Pages of what is in memory, in the order of shard and hash.

use std::sync::atomic::Ordering;

use super::{Entry, MemoryStore, SHARDS};
use crate::key::{CacheKey, KeyText};
use crate::listing::{Cursor, Listed, Page, Wanted};

impl MemoryStore {
    /// Of the keys after the one with the hash `after`.
    pub(crate) fn list(&self, wanted: &Wanted<'_, impl Fn(&KeyText) -> bool>, after: Option<u64>) -> Page {
        let first = after.map_or(0, shard_of);
        let mut found: Vec<(u64, Vec<Listed>)> = Vec::new();
        for (index, shard) in self.shards.iter().enumerate().skip(first) {
            let passed = after.filter(|hash| shard_of(*hash) == index);
            let begin = found.len();
            let entries = shard.read();
            let entries = entries.iter().filter(|entry| passed.is_none_or(|hash| entry.key.hash() > hash));
            let of_distribution = entries.filter(|entry| entry.key.is_of(wanted.distribution));
            found.extend(
                of_distribution.filter_map(|entry| Some((entry.key.hash(), listed(entry, &wanted.is_wanted)?))),
            );
            if let Some(new) = found.get_mut(begin..) {
                new.sort_by_key(|(hash, _)| *hash);
            }
            if found.len() > wanted.limit {
                break;
            }
        }
        let has_more = found.len() > wanted.limit;
        found.truncate(wanted.limit);
        let next = found.last().filter(|_| has_more).map(|(hash, _)| Cursor::Memory(*hash));
        Page { listed: found.into_iter().flat_map(|(_, listed)| listed).collect(), next }
    }

    /// Whether a variant of `key` is here; no hit.
    pub(crate) fn holds(&self, key: &CacheKey, variant: u64) -> bool {
        let shard = self.shard(key.hash()).read();
        let entry = shard.find(key.hash(), |entry| entry.key == *key);
        entry.is_some_and(|entry| entry.variants().any(|stored| stored.head.variant.number() == variant))
    }
}

fn listed(entry: &Entry, is_wanted: &impl Fn(&KeyText) -> bool) -> Option<Vec<Listed>> {
    let key = entry.key.text().filter(is_wanted)?;
    let hits = entry.hits.load(Ordering::Relaxed);
    Some(entry.variants().map(|stored| Listed::in_memory(key.clone(), stored, hits)).collect())
}

fn shard_of(hash: u64) -> usize {
    (hash >> 48) as usize % SHARDS
}
