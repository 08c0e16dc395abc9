//! Stored responses in memory, within a limit of bytes.
//!
//! Look-ups touch one shard for reading; the eviction queues are locked only where something is stored. Invariant: the
//! bytes of all responses in the table stay within the limit once `insert` returns.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use hashbrown::HashTable;
use parking_lot::{Mutex, RwLock};

use super::s3_fifo::{S3Fifo, Standing, Ticket};
use crate::key::CacheKey;
use crate::stored::StoredResponse;

const SHARDS: usize = 64;
/// S3-FIFO counts no more hits than this.
const MOST_HITS: u8 = 3;
/// One response may take this part of the store.
const LARGEST_SHARE: usize = 4;

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
    response: Arc<StoredResponse>,
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
        let hits = entry.hits.load(Ordering::Relaxed);
        if hits < MOST_HITS {
            entry.hits.store(hits + 1, Ordering::Relaxed);
        }
        Some(Arc::clone(&entry.response))
    }

    /// Stores `response`, unless one is there whose origin request began later.
    pub(crate) fn insert(&self, key: &CacheKey, response: Arc<StoredResponse>) {
        let size = response.size() + key.len();
        let mut queues = self.queues.lock();
        queues.next_id += 1;
        let ticket = Ticket { hash: key.hash(), id: queues.next_id, size };
        let entry = Entry { key: key.clone(), id: ticket.id, size, hits: AtomicU8::new(0), response };
        if self.replace(entry) {
            queues.fifo.admit(ticket);
            self.evict(&mut queues.fifo);
        }
    }

    fn replace(&self, entry: Entry) -> bool {
        let mut shard = self.shard(entry.key.hash()).write();
        let hash = entry.key.hash();
        if let Ok(occupied) = shard.find_entry(hash, |known| known.key == entry.key) {
            if entry.response.generation.is_older_than(&occupied.get().response.generation) {
                return false;
            }
            let (before, _) = occupied.remove();
            self.forget(before.size);
        }
        self.bytes.fetch_add(entry.size, Ordering::Relaxed);
        self.responses.fetch_add(1, Ordering::Relaxed);
        shard.insert_unique(hash, entry, |entry| entry.key.hash());
        true
    }

    fn evict(&self, fifo: &mut S3Fifo) {
        while self.bytes.load(Ordering::Relaxed) > self.limit {
            let Some(victim) = fifo.next_victim(self.limit, |ticket| self.standing(ticket)) else { return };
            self.remove(victim);
        }
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

    fn remove(&self, ticket: Ticket) {
        let mut shard = self.shard(ticket.hash).write();
        if let Ok(occupied) = shard.find_entry(ticket.hash, |entry| entry.id == ticket.id) {
            let (entry, _) = occupied.remove();
            self.forget(entry.size);
        }
    }

    fn forget(&self, size: usize) {
        self.bytes.fetch_sub(size, Ordering::Relaxed);
        self.responses.fetch_sub(1, Ordering::Relaxed);
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
