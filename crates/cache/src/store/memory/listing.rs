//! Pages of what is in memory, in the order of shard and hash.

use std::sync::atomic::Ordering;

use super::{Entry, MemoryStore, SHARDS};
use crate::key::KeyText;
use crate::listing::{Cursor, Listed, Page};

impl MemoryStore {
    /// At most `limit` keys of `distribution` that `is_wanted`, those after `after`.
    pub(crate) fn list(
        &self,
        distribution: &str,
        is_wanted: impl Fn(&KeyText) -> bool,
        after: Option<Cursor>,
        limit: usize,
    ) -> Page {
        let first = after.map_or(0, |cursor| shard_of(cursor.0));
        let mut found: Vec<(u64, Vec<Listed>)> = Vec::new();
        for (index, shard) in self.shards.iter().enumerate().skip(first) {
            let passed = after.filter(|cursor| shard_of(cursor.0) == index);
            let begin = found.len();
            let entries = shard.read();
            let entries = entries.iter().filter(|entry| passed.is_none_or(|cursor| entry.key.hash() > cursor.0));
            let of_distribution = entries.filter(|entry| entry.key.is_of(distribution));
            found.extend(of_distribution.filter_map(|entry| Some((entry.key.hash(), listed(entry, &is_wanted)?))));
            if let Some(new) = found.get_mut(begin..) {
                new.sort_by_key(|(hash, _)| *hash);
            }
            if found.len() > limit {
                break;
            }
        }
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(|(hash, _)| Cursor(*hash));
        Page { listed: found.into_iter().flat_map(|(_, listed)| listed).collect(), next }
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
