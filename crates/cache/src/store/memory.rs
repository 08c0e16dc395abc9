//! Stored responses in memory, within a limit of bytes.
//!
//! Look-ups touch one shard for reading; the eviction queues are locked only where something is stored. Invariant: the
//! bytes of all responses in the table stay within the limit once `insert` returns.

mod listing;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use hashbrown::HashTable;
use http::HeaderMap;
use parking_lot::{Mutex, RwLock};

use super::s3_fifo::{S3Fifo, Standing, Ticket};
use crate::key::CacheKey;
use crate::stored::StoredResponse;

const SHARDS: usize = 64;
/// S3-FIFO counts no more hits than this.
const MOST_HITS: u8 = 3;
/// One response may take this part of the store.
const LARGEST_SHARE: usize = 4;
/// Responses that share a key; beyond it the oldest goes, so that a Vary with endless values fills nothing.
const MOST_VARIANTS: usize = 32;

/// The memory tier.
#[derive(Debug)]
pub(crate) struct MemoryStore {
    shards: Vec<RwLock<HashTable<Entry>>>,
    queues: Mutex<Queues>,
    limit: usize,
    bytes: AtomicUsize,
    responses: AtomicUsize,
}

#[derive(Debug, Default)]
struct Queues {
    fifo: S3Fifo,
    next_id: u64,
}

#[derive(Debug)]
struct Entry {
    key: CacheKey,
    id: u64,
    size: usize,
    hits: AtomicU8,
    /// The newest.
    response: Arc<StoredResponse>,
    /// Those that answer other requests with this key, newest first.
    others: Vec<Arc<StoredResponse>>,
}

/// What became of a response that was to be stored.
#[derive(Debug)]
pub(crate) struct Inserted {
    pub(crate) is_stored: bool,
    /// What had been hit and had to go for it.
    pub(crate) evicted: Vec<Evicted>,
}

/// Responses that had to go.
#[derive(Debug)]
pub(crate) struct Evicted {
    pub(crate) key: CacheKey,
    pub(crate) response: Arc<StoredResponse>,
    pub(crate) others: Vec<Arc<StoredResponse>>,
}

impl Entry {
    fn note_hit(&self) {
        let hits = self.hits.load(Ordering::Relaxed);
        if hits < MOST_HITS {
            self.hits.store(hits + 1, Ordering::Relaxed);
        }
    }

    fn variants(&self) -> impl Iterator<Item = &Arc<StoredResponse>> {
        std::iter::once(&self.response).chain(&self.others)
    }

    /// One with a Vary that names what the request has, before one that answers everybody (RFC 9111 section 4.1).
    fn answering(&self, request: &HeaderMap) -> Option<&Arc<StoredResponse>> {
        let selected =
            |stored: &&Arc<StoredResponse>| !stored.head.variant.is_any() && stored.head.variant.answers(request);
        self.variants().find(selected).or_else(|| self.variants().find(|stored| stored.head.variant.is_any()))
    }

    /// Whether a response that `new` would replace was asked for later.
    fn has_newer(&self, new: &StoredResponse) -> bool {
        let replaced = self.variants().filter(|stored| stored.head.variant == new.head.variant);
        replaced.into_iter().any(|stored| new.generation.is_older_than(&stored.generation))
    }

    /// Keeps of `before` what answers other requests, within `room` bytes.
    fn take_over(&mut self, before: Entry, room: usize) {
        let now = self.response.freshness.since;
        for stored in std::iter::once(before.response).chain(before.others) {
            let is_full = self.others.len() + 1 >= MOST_VARIANTS || self.size + stored.size() > room;
            if is_full || stored.head.variant.is_any() || stored.head.variant == self.response.head.variant {
                continue;
            }
            // One for everybody leaves the fresh ones to those they are meant for.
            if stored.generation.is_valid() && (!self.response.head.variant.is_any() || stored.freshness.is_fresh(now))
            {
                self.size += stored.size();
                self.others.push(stored);
            }
        }
    }
}

impl MemoryStore {
    pub(crate) fn new(limit: usize) -> MemoryStore {
        MemoryStore {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            queues: Mutex::default(),
            limit,
            bytes: AtomicUsize::new(0),
            responses: AtomicUsize::new(0),
        }
    }

    /// Content longer than this is not taken.
    pub(crate) fn largest_content(&self) -> usize {
        self.limit / LARGEST_SHARE
    }

    pub(crate) fn find(&self, key: &CacheKey) -> Option<Arc<StoredResponse>> {
        let shard = self.shard(key.hash()).read();
        let entry = shard.find(key.hash(), |entry| entry.key == *key)?;
        entry.note_hit();
        Some(Arc::clone(&entry.response))
    }

    /// Whether there is anything for `key`.
    pub(crate) fn has_any(&self, key: &CacheKey) -> bool {
        self.shard(key.hash()).read().find(key.hash(), |entry| entry.key == *key).is_some()
    }

    /// The response for `key` that answers a request with these header fields.
    pub(crate) fn select(&self, key: &CacheKey, request: &HeaderMap) -> Option<Arc<StoredResponse>> {
        let shard = self.shard(key.hash()).read();
        let entry = shard.find(key.hash(), |entry| entry.key == *key)?;
        let stored = entry.answering(request)?;
        entry.note_hit();
        Some(Arc::clone(stored))
    }

    /// Stores `response`, unless one is there in its place whose origin request began later.
    pub(crate) fn insert(&self, key: &CacheKey, response: Arc<StoredResponse>) -> Inserted {
        let size = response.size() + key.len();
        let mut queues = self.queues.lock();
        queues.next_id += 1;
        let id = queues.next_id;
        let entry = Entry { key: key.clone(), id, size, hits: AtomicU8::new(0), response, others: Vec::new() };
        let Some(size) = self.replace(entry) else { return Inserted { is_stored: false, evicted: Vec::new() } };
        queues.fifo.admit(Ticket { hash: key.hash(), id, size });
        Inserted { is_stored: true, evicted: self.evict(&mut queues.fifo) }
    }

    /// Stores responses that were read from disk, the newest first, unless there are some for `key` by now.
    pub(crate) fn insert_recalled(&self, key: &CacheKey, responses: Vec<StoredResponse>) -> Vec<Evicted> {
        if self.shard(key.hash()).read().find(key.hash(), |entry| entry.key == *key).is_some() {
            return Vec::new();
        }
        let oldest_first = responses.into_iter().rev();
        oldest_first.flat_map(|response| self.insert(key, Arc::new(response)).evicted).collect()
    }

    /// The bytes of the entry, others of its key included; `None` where a newer response stays.
    fn replace(&self, mut entry: Entry) -> Option<usize> {
        let mut shard = self.shard(entry.key.hash()).write();
        let hash = entry.key.hash();
        if let Ok(occupied) = shard.find_entry(hash, |known| known.key == entry.key) {
            if occupied.get().has_newer(&entry.response) {
                return None;
            }
            let (before, _) = occupied.remove();
            self.uncount(&before);
            entry.take_over(before, self.largest_content());
        }
        self.bytes.fetch_add(entry.size, Ordering::Relaxed);
        self.responses.fetch_add(1 + entry.others.len(), Ordering::Relaxed);
        let size = entry.size;
        shard.insert_unique(hash, entry, |entry| entry.key.hash());
        Some(size)
    }

    fn evict(&self, fifo: &mut S3Fifo) -> Vec<Evicted> {
        let mut evicted = Vec::new();
        while self.bytes.load(Ordering::Relaxed) > self.limit {
            let Some(victim) = fifo.next_victim(self.limit, |ticket| self.standing(ticket)) else { break };
            let removed = self.remove(victim.ticket).filter(|_| victim.was_hit);
            evicted.extend(removed.map(|Entry { key, response, others, .. }| Evicted { key, response, others }));
        }
        evicted
    }

    fn standing(&self, ticket: Ticket) -> Standing {
        let shard = self.shard(ticket.hash).read();
        let Some(entry) = shard.find(ticket.hash, |entry| entry.id == ticket.id) else { return Standing::Gone };
        match entry.hits.load(Ordering::Relaxed) {
            0 => Standing::Cold,
            hits => {
                entry.hits.store(hits - 1, Ordering::Relaxed);
                Standing::Hit
            }
        }
    }

    fn remove(&self, ticket: Ticket) -> Option<Entry> {
        let mut shard = self.shard(ticket.hash).write();
        let (removed, _) = shard.find_entry(ticket.hash, |entry| entry.id == ticket.id).ok()?.remove();
        self.uncount(&removed);
        Some(removed)
    }

    /// Removes all that is stored for `key`.
    pub(crate) fn forget(&self, key: &CacheKey) {
        let mut shard = self.shard(key.hash()).write();
        if let Ok(occupied) = shard.find_entry(key.hash(), |entry| entry.key == *key) {
            self.uncount(&occupied.remove().0);
        }
    }

    fn uncount(&self, entry: &Entry) {
        self.bytes.fetch_sub(entry.size, Ordering::Relaxed);
        self.responses.fetch_sub(1 + entry.others.len(), Ordering::Relaxed);
    }

    fn shard(&self, hash: u64) -> &RwLock<HashTable<Entry>> {
        // The table inside a shard uses the low bits.
        #[expect(clippy::indexing_slicing, reason = "the remainder is below the length, which is not 0")]
        &self.shards[(hash >> 48) as usize % SHARDS]
    }

    /// Bytes of all stored responses, keys and bookkeeping included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Number of stored responses.
    pub(crate) fn responses(&self) -> usize {
        self.responses.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
