//! The cache as the pipeline sees it: find, collapse, store, invalidate.

use std::io;
use std::sync::Arc;

use edgeward_mapped::MappedFiles;
use edgeward_plan::CachingRules;

use crate::arriving::{Arriving, Reader};
use crate::chunks::{Chunks, ContentId, Delivery, MemoryChunks};
use crate::disk_tier::{self, DiskChunks};
use crate::flights::{Flight, Flights, Follower, Joined};
use crate::invalidation::{self, Generation, Invalidations};
use crate::key::{CacheKey, KeyParts, KeyText};
use crate::listing::{Cursor, Page, Wanted};
use crate::parts::{Announcement, JoinedPart, Parts};
use crate::stale::StaleUse;
use crate::store::{
    Arena, DiskCounters, DiskRecord, DiskSettings, DiskStore, DiskUsage, Evicted, Journal, MemoryStore, TakenOrder,
};
use crate::stored::{Chunked, StoredResponse};
use crate::time::Timestamp;

/// What is stored for a key.
#[derive(Debug)]
pub enum Lookup {
    /// It answers without asking the origin.
    Fresh(Arc<StoredResponse>),
    /// It has expired.
    Stale(StaleUse, Arc<StoredResponse>),
    /// It takes reading the disk: `Cache::recall`.
    OnDisk,
    /// Nothing that may be used.
    Missing(Missing),
}

/// Why there is nothing to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Never stored, or evicted.
    NotStored,
    /// What is stored answers requests that differ in what Vary names.
    OtherVariants,
    /// An invalidation matched it.
    Invalidated,
}

/// How full the cache is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheUsage {
    /// Number of stored responses in memory.
    pub responses: usize,
    /// Their bytes, keys and bookkeeping included.
    pub bytes: usize,
    /// What is on disk, where there is a disk tier.
    pub disk: Option<DiskUsage>,
}

/// How large a cache is, and where.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    /// Bytes that stored responses may take in memory.
    pub memory: usize,
    /// The disk tier; `None` for a cache in memory alone.
    pub disk: Option<DiskSettings>,
}

/// Addresses that the arena may use for each byte that the memory store may hold: a slot is rarely full.
const SLOTS_FOR_A_BYTE: u64 = 4;

/// Everything stored on this edge. `E` is how an origin request fails.
#[derive(Debug)]
pub struct Cache<E> {
    memory: MemoryStore,
    disk: Option<Disk>,
    files: MappedFiles,
    arena: Option<Arc<Arena>>,
    flights: Flights<E>,
    parts: Arc<Parts>,
    invalidations: Invalidations,
}

#[derive(Debug)]
struct Disk {
    store: Arc<DiskStore>,
    journal: Journal,
}

impl<E: Clone> Cache<E> {
    /// A cache with what its disk tier holds.
    ///
    /// # Errors
    /// The directory of the disk tier cannot be used; the error names it.
    pub fn open(settings: &CacheSettings) -> io::Result<Cache<E>> {
        let (files, invalidations) = (MappedFiles::new(), Invalidations::default());
        let disk = settings.disk.as_ref().map(|disk| Disk::open(disk, &files, &invalidations)).transpose()?;
        // Chunks lie on the disk, or else in memory; where the system has no memory files, on the heap.
        let addresses = (settings.memory as u64).saturating_mul(SLOTS_FOR_A_BYTE);
        let arena = if disk.is_none() { Arena::new(&files, addresses).ok().map(Arc::new) } else { None };
        let (memory, flights) = (MemoryStore::new(settings.memory), Flights::new());
        Ok(Cache { memory, disk, files, arena, flights, parts: Arc::default(), invalidations })
    }

    /// What there is for `key` at `now`; `parts` are those the key was made from.
    pub fn find(&self, key: &CacheKey, parts: &KeyParts<'_>, now: Timestamp) -> Lookup {
        if let Some(stored) = self.in_memory(key, parts) {
            return judge(stored, now);
        }
        let Some(disk) = self.disk.as_ref().filter(|disk| disk.store.may_have(key.bytes())) else {
            return self.missing(key, parts);
        };
        match disk.store.load_now(key.bytes()) {
            Some(records) => self.recalled(disk, key, parts, records, now),
            None => Lookup::OnDisk,
        }
    }

    /// As `find`, once `find` has said `OnDisk`.
    pub async fn recall(&self, key: &CacheKey, parts: &KeyParts<'_>, now: Timestamp) -> Lookup {
        let Some(disk) = &self.disk else { return Lookup::Missing(Missing::NotStored) };
        let (store, bytes) = (Arc::clone(&disk.store), key.bytes().to_vec());
        let records = tokio::task::spawn_blocking(move || store.load(&bytes)).await.unwrap_or_default();
        self.recalled(disk, key, parts, records, now)
    }

    fn recalled(
        &self,
        disk: &Disk,
        key: &CacheKey,
        parts: &KeyParts<'_>,
        records: Vec<DiskRecord>,
        now: Timestamp,
    ) -> Lookup {
        let restore = |record| disk_tier::restore(&disk.store, record, &self.invalidations);
        let evicted = self.memory.insert_recalled(key, records.into_iter().filter_map(restore).collect());
        self.keep_on_disk(evicted);
        self.in_memory(key, parts).map_or_else(|| self.missing(key, parts), |stored| judge(stored, now))
    }

    fn missing(&self, key: &CacheKey, parts: &KeyParts<'_>) -> Lookup {
        let may_vary = parts.policy.rules == CachingRules::Rfc9111;
        let is_varied = may_vary && self.memory.has_any(key);
        Lookup::Missing(if is_varied { Missing::OtherVariants } else { Missing::NotStored })
    }

    fn in_memory(&self, key: &CacheKey, parts: &KeyParts<'_>) -> Option<Arc<StoredResponse>> {
        match parts.policy.rules {
            CachingRules::CloudFront => self.memory.find(key),
            CachingRules::Rfc9111 => self.memory.select(key, parts.headers),
        }
    }

    /// Takes part in asking the origin for `key`; `parts` are those the key was made from.
    pub fn join(&self, key: &CacheKey, parts: &KeyParts<'_>) -> Joined<E> {
        let log = self.invalidations.log(parts.distribution);
        self.flights.join(key, &Generation::beginning(log, &parts.target()))
    }

    /// Takes part again for one who has given up `waited`, whose leader takes too long.
    pub fn give_up(&self, waited: &Follower<E>, key: &CacheKey, parts: &KeyParts<'_>) -> Joined<E> {
        let log = self.invalidations.log(parts.distribution);
        self.flights.give_up(waited, key, &Generation::beginning(log, &parts.target()))
    }

    /// Stores a response for all who share the flight's key, unless the flight was overtaken.
    pub fn insert(&self, flight: &Flight<E>, response: Arc<StoredResponse>) {
        self.flights.unless_overtaken(flight, || {
            let inserted = self.memory.insert(flight.key(), Arc::clone(&response));
            if let Some(disk) = self.disk.as_ref().filter(|_| inserted.is_stored) {
                disk_tier::put(&disk.store, flight.key(), &response);
            }
            self.keep_on_disk(inserted.evicted);
        });
    }

    /// As `insert`, in memory alone: what is known for the moment only is not worth writing.
    pub fn insert_for_now(&self, flight: &Flight<E>, response: Arc<StoredResponse>) {
        self.flights.unless_overtaken(flight, || self.keep_on_disk(self.memory.insert(flight.key(), response).evicted));
    }

    /// What was asked for so often that memory kept it may have left the disk long ago.
    fn keep_on_disk(&self, evicted: Vec<Evicted>) {
        let Some(disk) = &self.disk else { return };
        for Evicted { key, response, others } in evicted {
            if !disk.store.may_have(key.bytes()) {
                others.iter().rev().chain([&response]).for_each(|stored| disk_tier::put(&disk.store, &key, stored));
            }
        }
    }

    /// Removes what is stored for `key`, and whatever is asked for now and arrives later.
    pub fn forget(&self, key: &CacheKey) {
        self.flights.overtake(key, || {
            self.memory.forget(key);
            self.disk.iter().for_each(|disk| disk.store.remove(key.bytes()));
        });
    }

    /// Where long content that begins to arrive is kept.
    pub fn new_chunks(&self) -> Arc<dyn Chunks> {
        let id = ContentId(fastrand::u64(..));
        match &self.disk {
            Some(disk) => Arc::new(DiskChunks::new(Arc::clone(&disk.store), id)),
            None => Arc::new(MemoryChunks::new(id, self.memory.largest_content(), self.arena.clone())),
        }
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
    ///
    /// # Errors
    /// The order holds, but is not on the disk yet: after a restart it would not. It is to be sent again.
    pub fn invalidate(&self, distribution: &str, sequence: u64, patterns: &[String]) -> io::Result<()> {
        self.invalidations.log(distribution).append(sequence, patterns);
        // Also one that came before: it may be sent again because it could not be noted.
        self.disk.as_ref().map_or(Ok(()), |disk| disk.note(distribution, sequence, patterns))
    }

    /// The files in which content lies.
    pub fn files(&self) -> &MappedFiles {
        &self.files
    }

    /// Some of what is `wanted`, from `from` on. May wait for the disk.
    pub fn list(&self, wanted: &Wanted<'_, impl Fn(&KeyText) -> bool>, from: Option<Cursor>) -> Page {
        let after = match (from, &self.disk) {
            (Some(Cursor::Disk(at)), Some(disk)) => {
                return disk_tier::list(&disk.store, (&self.memory, &self.invalidations), wanted, at);
            }
            (Some(Cursor::Disk(_)), None) => return Page::default(),
            (Some(Cursor::Memory(hash)), _) => Some(hash),
            (None, _) => None,
        };
        let mut page = self.memory.list(wanted, after);
        if page.next.is_none() && self.disk.is_some() {
            page.next = Some(Cursor::Disk(0));
        }
        page
    }

    /// How full it is.
    pub fn usage(&self) -> CacheUsage {
        let disk = self.disk.as_ref().map(|disk| disk.store.usage());
        CacheUsage { responses: self.memory.responses(), bytes: self.memory.bytes(), disk }
    }

    /// What went wrong on the disk.
    pub fn disk_counters(&self) -> Option<&DiskCounters> {
        self.disk.as_ref().map(|disk| disk.store.counters())
    }

    /// Names this edge over its restarts, where it has a disk tier.
    pub fn identity(&self) -> Option<u128> {
        self.disk.as_ref().map(|disk| disk.store.identity())
    }

    /// Whether responses are arriving that may be stored.
    pub fn is_filling(&self) -> bool {
        self.flights.are_under_way() || self.parts.are_arriving()
    }

    /// Waits until everything stored so far is on the disk.
    pub fn flush(&self) {
        self.disk.iter().for_each(|disk| disk.store.flush());
    }

    /// Writes what is to be written and leaves the disk tier to another process. What lies there can still be read; nothing is
    /// written any more, and invalidations are noted by the other one.
    pub fn leave_disk(&self) {
        self.disk.iter().for_each(|disk| {
            disk.store.leave();
            disk.journal.leave();
        });
    }

    /// Takes the disk tier back, as it was.
    ///
    /// # Errors
    /// Another process has it, or the journal of invalidations cannot be written.
    pub fn take_disk_back(&self) -> io::Result<()> {
        self.disk.as_ref().map_or(Ok(()), |disk| {
            disk.store.take_back()?;
            disk.journal.take_back()
        })
    }

    /// Writes what is to be written and leaves the disk tier to others.
    pub fn close(&self) {
        self.disk.iter().for_each(|disk| disk.store.close());
    }
}

fn judge(stored: Arc<StoredResponse>, now: Timestamp) -> Lookup {
    if !stored.generation.is_valid() {
        Lookup::Missing(Missing::Invalidated)
    } else if stored.freshness.is_fresh(now) {
        Lookup::Fresh(stored)
    } else {
        Lookup::Stale(stored.freshness.when_expired(now), stored)
    }
}

impl Disk {
    fn open(settings: &DiskSettings, files: &MappedFiles, invalidations: &Invalidations) -> io::Result<Disk> {
        let store = Arc::new(DiskStore::open(settings, files)?);
        let (journal, orders) = Journal::open(&settings.directory, invalidation::newest)?;
        for order in orders {
            invalidations.log(&order.distribution).append(order.sequence, &order.patterns);
        }
        Ok(Disk { store, journal })
    }

    fn note(&self, distribution: &str, sequence: u64, patterns: &[String]) -> io::Result<()> {
        let (distribution, patterns) = (distribution.to_owned(), patterns.to_vec());
        self.journal.append(&TakenOrder { distribution, sequence, patterns })
    }
}
