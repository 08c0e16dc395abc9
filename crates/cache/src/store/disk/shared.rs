//! What look-ups and the writer of the disk tier share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::AHashMap;
use edgeward_mapped::MappedFiles;
use parking_lot::{Mutex, RwLock};

use super::index::Index;
use super::segment::Segment;

/// What went wrong, and what had to go, since the start.
#[derive(Debug, Default)]
pub struct DiskCounters {
    /// Records that were not written: the disk failed, or the queue was full.
    pub dropped_records: AtomicU64,
    /// Writes that failed.
    pub io_errors: AtomicU64,
    /// Records that were read and were not what had been written, or could not be read.
    pub corrupt_records: AtomicU64,
    /// Segments given up to make room.
    pub evicted_segments: AtomicU64,
    /// Segments removed at the start, because the journal of invalidations was damaged.
    pub discarded_segments: AtomicU64,
    /// Removals that could not be written; until the next start they hold all the same.
    pub lost_removals: AtomicU64,
    /// Files in the directory that are no segments of this format; they were set aside.
    pub foreign_files: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) directory: PathBuf,
    pub(super) limit: u64,
    pub(super) segment_length: u64,
    pub(super) files: MappedFiles,
    pub(super) index: Index,
    pub(super) counters: DiskCounters,
    /// Of all segments.
    pub(super) bytes: AtomicU64,
    segments: RwLock<BTreeMap<u32, Arc<Segment>>>,
    /// Removals on their way to the disk: what was ordered before them must not be indexed after them.
    removals: Mutex<AHashMap<u64, u64>>,
    orders: AtomicU64,
}

impl Shared {
    pub(super) fn new(directory: PathBuf, limit: u64, segment_length: u64, files: MappedFiles) -> Shared {
        Shared {
            directory,
            limit,
            segment_length,
            files,
            index: Index::new(),
            counters: DiskCounters::default(),
            bytes: AtomicU64::new(0),
            segments: RwLock::default(),
            removals: Mutex::default(),
            // What is older than all orders has the number 0.
            orders: AtomicU64::new(1),
        }
    }

    pub(super) fn segment(&self, number: u32) -> Option<Arc<Segment>> {
        self.segments.read().get(&number).cloned()
    }

    pub(super) fn add_segment(&self, segment: Segment) -> Arc<Segment> {
        let segment = Arc::new(segment);
        self.segments.write().insert(segment.number, Arc::clone(&segment));
        segment
    }

    pub(super) fn remove_segment(&self, number: u32) {
        self.segments.write().remove(&number);
    }

    pub(super) fn next_order(&self) -> u64 {
        self.orders.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes back what was ordered for `hash` so far.
    pub(super) fn begin_removal(&self, hash: u64) -> u64 {
        let mut removals = self.removals.lock();
        let number = self.next_order();
        removals.insert(hash, number);
        number
    }

    /// Whether a removal of `hash` came after the order with `number`.
    pub(super) fn is_taken_back(&self, hash: u64, number: u64) -> bool {
        self.removals.lock().get(&hash).is_some_and(|removal| number < *removal)
    }

    /// Does `act` unless a removal of `hash` came after the order with `number`. No removal begins meanwhile.
    pub(super) fn unless_taken_back(&self, hash: u64, number: u64, act: impl FnOnce()) -> bool {
        let removals = self.removals.lock();
        let is_taken_back = removals.get(&hash).is_some_and(|removal| number < *removal);
        if !is_taken_back {
            act();
        }
        !is_taken_back
    }

    pub(super) fn removal_is_written(&self, hash: u64, number: u64) {
        let mut removals = self.removals.lock();
        if removals.get(&hash) == Some(&number) {
            removals.remove(&hash);
        }
    }
}
