//! What is on the disk, and where: the part of the disk tier that is in memory.
//!
//! Forty bytes for each record. Invariant: an entry points to a record that was written completely; the newest of a name.
//! Look-ups take one shard's lock for reading. Called by `DiskStore` and by the writer.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};

use hashbrown::HashTable;
use parking_lot::RwLock;

use super::frame::{Kind, Name};

const SHARDS: usize = 64;
const MOST_HITS: u8 = 15;
/// Not since the start.
const NEVER: u32 = 0;
/// What lay in memory when it was written need not be verified at once.
const JUST_WRITTEN: u32 = u32::MAX;
/// Seconds after which content that goes out unread is verified again.
const TRUSTED_FOR: u32 = 60;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) offset: u32,
}

impl Place {
    /// In the order of places.
    pub(super) fn number(self) -> u64 {
        u64::from(self.segment) << 32 | u64::from(self.offset)
    }
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    tag: u64,
    place: Place,
    size: u32,
    /// Of a chunk; `NO_INDEX` for a response.
    index: u32,
    /// When its content was verified, unix seconds; or `NEVER`, or `JUST_WRITTEN`.
    checked: AtomicU32,
    hits: AtomicU8,
}

/// Chunks have smaller ones.
const NO_INDEX: u32 = u32::MAX;

/// A record as the index knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) place: Place,
    /// Of the whole record.
    pub(super) size: u32,
    pub(super) hits: u8,
}

/// All records by their names.
#[derive(Debug)]
pub(super) struct Index {
    shards: Vec<RwLock<HashTable<Entry>>>,
    responses: AtomicUsize,
    chunks: AtomicUsize,
}

impl Entry {
    fn is(&self, name: &Name) -> bool {
        self.hash == name.hash && self.tag == name.tag && self.index == index_of(name)
    }

    fn found(&self) -> Found {
        Found { place: self.place, size: self.size, hits: self.hits.load(Ordering::Relaxed) }
    }

    fn note_hit(&self) {
        let hits = self.hits.load(Ordering::Relaxed);
        if hits < MOST_HITS {
            self.hits.store(hits + 1, Ordering::Relaxed);
        }
    }
}

fn index_of(name: &Name) -> u32 {
    if name.kind == Kind::Chunk { name.index } else { NO_INDEX }
}

impl Index {
    pub(super) fn new() -> Index {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Index { shards, responses: AtomicUsize::new(0), chunks: AtomicUsize::new(0) }
    }

    /// Puts a record in the place of the one with its name.
    pub(super) fn put(&self, name: &Name, place: Place, size: u32, hits: u8) {
        let checked = AtomicU32::new(if name.kind == Kind::Chunk { JUST_WRITTEN } else { NEVER });
        self.insert(name, Found { place, size, hits }, checked);
    }

    /// As `put`, for a record of an earlier process.
    pub(super) fn restore(&self, name: &Name, place: Place, size: u32) {
        self.insert(name, Found { place, size, hits: 0 }, AtomicU32::new(NEVER));
    }

    fn insert(&self, name: &Name, found: Found, checked: AtomicU32) {
        let Found { place, size, hits } = found;
        let hits = AtomicU8::new(hits);
        let entry = Entry { hash: name.hash, tag: name.tag, place, size, index: index_of(name), checked, hits };
        let mut shard = self.shard(name.hash).write();
        match shard.find_mut(name.hash, |known| known.is(name)) {
            Some(known) => *known = entry,
            None => {
                shard.insert_unique(name.hash, entry, |entry| entry.hash);
                self.counter(name.kind).fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Whether there is a response with this hash.
    pub(super) fn has_response(&self, hash: u64) -> bool {
        self.shard(hash).read().find(hash, |entry| entry.hash == hash && entry.index == NO_INDEX).is_some()
    }

    /// The responses with this hash, the newest first; counts a hit for each.
    pub(super) fn responses(&self, hash: u64) -> Vec<Found> {
        let shard = self.shard(hash).read();
        let entries = shard.iter_hash(hash).filter(|entry| entry.hash == hash && entry.index == NO_INDEX);
        let mut found: Vec<Found> = entries.inspect(|entry| entry.note_hit()).map(Entry::found).collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.place));
        found
    }

    /// A record by its name; with it, whether its content has to be verified at `now`, unix seconds. Counts a hit.
    pub(super) fn find(&self, name: &Name, now: u32) -> Option<(Found, bool)> {
        let shard = self.shard(name.hash).read();
        let entry = shard.find(name.hash, |entry| entry.is(name))?;
        entry.note_hit();
        let checked = entry.checked.load(Ordering::Relaxed);
        if checked == JUST_WRITTEN {
            entry.checked.store(now, Ordering::Relaxed);
        }
        let is_due = checked == NEVER || (checked != JUST_WRITTEN && now.saturating_sub(checked) >= TRUSTED_FOR);
        Some((entry.found(), is_due))
    }

    /// Whether there is a record with this name.
    pub(super) fn has(&self, name: &Name) -> bool {
        self.shard(name.hash).read().find(name.hash, |entry| entry.is(name)).is_some()
    }

    /// Notes that the content at `place` was verified at `now`.
    pub(super) fn note_check(&self, name: &Name, place: Place, now: u32) {
        let shard = self.shard(name.hash).read();
        if let Some(entry) = shard.find(name.hash, |entry| entry.is(name) && entry.place == place) {
            entry.checked.store(now, Ordering::Relaxed);
        }
    }

    /// What is known of the record at `place`, if it is still the one with its name.
    pub(super) fn standing(&self, name: &Name, place: Place) -> Option<Found> {
        let shard = self.shard(name.hash).read();
        shard.find(name.hash, |entry| entry.is(name) && entry.place == place).map(Entry::found)
    }

    /// Forgets the record with this name.
    pub(super) fn drop_named(&self, name: &Name) {
        let mut shard = self.shard(name.hash).write();
        if let Ok(entry) = shard.find_entry(name.hash, |entry| entry.is(name)) {
            entry.remove();
            self.counter(name.kind).fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Forgets the record at `place`, if it is still the one with its name.
    pub(super) fn drop_at(&self, name: &Name, place: Place) {
        let mut shard = self.shard(name.hash).write();
        if let Ok(entry) = shard.find_entry(name.hash, |entry| entry.is(name) && entry.place == place) {
            entry.remove();
            self.counter(name.kind).fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Forgets everything that lies in a segment. Looks at every entry.
    pub(super) fn drop_segment(&self, number: u32) {
        for shard in &self.shards {
            shard.write().retain(|entry| {
                let stays = entry.place.segment != number;
                if !stays {
                    let counter = if entry.index == NO_INDEX { &self.responses } else { &self.chunks };
                    counter.fetch_sub(1, Ordering::Relaxed);
                }
                stays
            });
        }
    }

    /// Forgets the response with this hash at `place`.
    pub(super) fn drop_response_at(&self, hash: u64, place: Place) {
        let mut shard = self.shard(hash).write();
        let is_it = |entry: &Entry| entry.hash == hash && entry.index == NO_INDEX && entry.place == place;
        if let Ok(entry) = shard.find_entry(hash, is_it) {
            entry.remove();
            self.responses.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Forgets every response with this hash.
    pub(super) fn drop_responses(&self, hash: u64) {
        let mut shard = self.shard(hash).write();
        while let Ok(entry) = shard.find_entry(hash, |entry| entry.hash == hash && entry.index == NO_INDEX) {
            entry.remove();
            self.responses.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Where all responses lie whose places are `from` or behind it, in the order of their places, with their hits.
    pub(super) fn all_responses(&self, from: u64) -> Vec<Found> {
        let is_wanted = |entry: &&Entry| entry.index == NO_INDEX && entry.place.number() >= from;
        let of_shard = |shard: &RwLock<HashTable<Entry>>| -> Vec<Found> {
            shard.read().iter().filter(is_wanted).map(Entry::found).collect()
        };
        let mut all: Vec<Found> = self.shards.iter().flat_map(of_shard).collect();
        all.sort_unstable_by_key(|found| found.place);
        all
    }

    /// Number of responses and of chunks.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.responses.load(Ordering::Relaxed), self.chunks.load(Ordering::Relaxed))
    }

    fn counter(&self, kind: Kind) -> &AtomicUsize {
        if kind == Kind::Chunk { &self.chunks } else { &self.responses }
    }

    fn shard(&self, hash: u64) -> &RwLock<HashTable<Entry>> {
        // The table inside a shard uses the other bits.
        #[expect(clippy::indexing_slicing, reason = "the remainder is below the length, which is not 0")]
        &self.shards[(hash >> 48) as usize % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(kind: Kind, hash: u64, tag: u64, index: u32) -> Name {
        Name { kind, hash, tag, index }
    }

    fn place(segment: u32, offset: u32) -> Place {
        Place { segment, offset }
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<Entry>() <= 40, "{}", size_of::<Entry>());
    }

    #[test]
    fn the_newest_record_of_a_name_is_found() {
        let index = Index::new();
        let one = name(Kind::Response, 5, 0, 0);
        index.put(&one, place(1, 0), 10, 0);
        index.put(&one, place(2, 8), 11, 0);
        index.put(&name(Kind::Response, 5, 1, 0), place(1, 64), 12, 0);
        index.put(&name(Kind::Chunk, 5, 0, 0), place(9, 0), 13, 0);
        let places: Vec<Place> = index.responses(5).iter().map(|found| found.place).collect();
        assert_eq!(places, [place(2, 8), place(1, 64)]);
        assert_eq!(index.counts(), (2, 1));
        assert_eq!(index.standing(&one, place(1, 0)), None);
        index.drop_at(&one, place(1, 0));
        assert!(index.has_response(5));
        index.drop_segment(7);
        assert_eq!(index.counts(), (2, 1));
        index.drop_responses(5);
        assert!(!index.has_response(5) && index.has(&name(Kind::Chunk, 5, 0, 0)));
        assert_eq!(index.counts(), (0, 1));
    }

    #[test]
    fn content_is_verified_before_its_first_use_and_again_after_a_minute() {
        let index = Index::new();
        let (old, new) = (name(Kind::Chunk, 1, 1, 0), name(Kind::Chunk, 2, 1, 1));
        index.restore(&old, place(1, 0), 10);
        index.put(&new, place(1, 8), 10, 0);
        let is_due = |name: &Name, now| index.find(name, now).unwrap().1;
        assert!(is_due(&old, 1_000) && is_due(&old, 1_001));
        index.note_check(&old, place(7, 7), 1_001);
        assert!(is_due(&old, 1_001), "it was another that was verified");
        index.note_check(&old, place(1, 0), 1_001);
        for (now, expected) in [(1_001, false), (1_060, false), (1_061, true)] {
            assert_eq!(is_due(&old, now), expected, "{now}");
        }
        assert!(!is_due(&new, 1_000) && !is_due(&new, 1_059) && is_due(&new, 1_060));
    }
}
