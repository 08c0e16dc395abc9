//! The cache as the pipeline sees it: find, collapse, store, invalidate.

use std::sync::Arc;

use edgeward_mapped::MappedFiles;
use edgeward_plan::CachingRules;

use crate::arriving::{Arriving, Reader};
use crate::chunks::{Chunks, ContentId, Delivery, MemoryChunks};
use crate::flights::{Flight, Flights, Joined};
use crate::invalidation::{Generation, Invalidations};
use crate::key::{CacheKey, KeyParts};
use crate::parts::{Announcement, JoinedPart, Parts};
use crate::stale::StaleUse;
use crate::store::{Arena, MemoryStore};
use crate::stored::{Chunked, StoredResponse};
use crate::time::Timestamp;

/// What is stored for a key.
#[derive(Debug)]
pub enum Lookup {
    /// It answers without asking the origin.
    Fresh(Arc<StoredResponse>),
    /// It has expired.
    Stale(StaleUse, Arc<StoredResponse>),
    /// Nothing that may be used.
    Missing(Missing),
}

/// Why there is nothing to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Never stored, or evicted.
    NotStored,
    /// An invalidation matched it.
    Invalidated,
}

/// How full the cache is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheUsage {
    /// Number of stored responses.
    pub responses: usize,
    /// Their bytes, keys and bookkeeping included.
    pub bytes: usize,
}

/// Addresses that the arena may use for each byte that the memory store may hold: a slot is rarely full.
const SLOTS_FOR_A_BYTE: u64 = 4;

/// Everything stored on this edge. `E` is how an origin request fails.
#[derive(Debug)]
pub struct Cache<E> {
    store: MemoryStore,
    files: MappedFiles,
    arena: Option<Arc<Arena>>,
    flights: Flights<E>,
    parts: Arc<Parts>,
    invalidations: Invalidations,
}

impl<E: Clone> Cache<E> {
    /// An empty cache that keeps at most `limit` bytes.
    pub fn new(limit: usize) -> Cache<E> {
        let files = MappedFiles::new();
        // Where the system has no memory files, chunks lie on the heap and are copied when they are sent.
        let arena = Arena::new(&files, (limit as u64).saturating_mul(SLOTS_FOR_A_BYTE)).ok().map(Arc::new);
        Cache {
            store: MemoryStore::new(limit),
            files,
            arena,
            flights: Flights::new(),
            parts: Arc::default(),
            invalidations: Invalidations::default(),
        }
    }

    /// What there is for `key` at `now`; `parts` are those the key was made from.
    pub fn find(&self, key: &CacheKey, parts: &KeyParts<'_>, now: Timestamp) -> Lookup {
        let stored = match parts.policy.rules {
            CachingRules::CloudFront => self.store.find(key),
            CachingRules::Rfc9111 => self.store.select(key, parts.headers),
        };
        match stored {
            None => Lookup::Missing(Missing::NotStored),
            Some(stored) if !stored.generation.is_valid() => Lookup::Missing(Missing::Invalidated),
            Some(stored) if stored.freshness.is_fresh(now) => Lookup::Fresh(stored),
            Some(stored) => Lookup::Stale(stored.freshness.when_expired(now), stored),
        }
    }

    /// Takes part in asking the origin for `key`; `parts` are those the key was made from.
    pub fn join(&self, key: &CacheKey, parts: &KeyParts<'_>) -> Joined<E> {
        let log = self.invalidations.log(parts.distribution);
        self.flights.join(key, &Generation::beginning(log, &parts.target()))
    }

    /// Stores a complete response for all who share the flight's key, unless the flight was overtaken.
    pub fn insert(&self, flight: &Flight<E>, response: Arc<StoredResponse>) {
        self.flights.unless_overtaken(flight, || self.store.insert(flight.key(), response));
    }

    /// Removes what is stored for `key`, and whatever is asked for now and arrives later.
    pub fn forget(&self, key: &CacheKey) {
        self.flights.overtake(key, || self.store.forget(key));
    }

    /// Where long content that begins to arrive is kept.
    pub fn new_chunks(&self) -> Arc<dyn Chunks> {
        let id = ContentId(fastrand::u64(..));
        Arc::new(MemoryChunks::new(id, self.store.largest_content(), self.arena.clone()))
    }

    /// Takes part in fetching the part of a stored content that begins with the missing chunk at `offset`; bytes before
    /// `end` are wanted.
    pub fn join_part(&self, content: &Chunked, offset: u64, end: u64, when: (Delivery, Timestamp)) -> JoinedPart {
        self.parts.join(content, offset, end, when)
    }

    /// Lets others read along with a part of a stored content that is arriving.
    pub fn announce_part(&self, id: ContentId, part: Arc<Arriving>) -> Announcement {
        self.parts.announce(id, part)
    }

    /// A reader of the byte at `offset` of a stored content, if it is arriving.
    pub fn part_reader(&self, id: ContentId, offset: u64, delivery: Delivery) -> Option<Reader> {
        self.parts.reader(id, offset, delivery)
    }

    /// Invalidates what `patterns` match in a distribution: from now on nothing filled before is served for them.
    pub fn invalidate(&self, distribution: &str, sequence: u64, patterns: &[String]) {
        self.invalidations.log(distribution).append(sequence, patterns);
    }

    /// The files in which content lies.
    pub fn files(&self) -> &MappedFiles {
        &self.files
    }

    /// How full it is.
    pub fn usage(&self) -> CacheUsage {
        CacheUsage { responses: self.store.responses(), bytes: self.store.bytes() }
    }
}
