//! Stored responses and chunks on disk: a log of segments, with its index in memory.
//!
//! Records are appended and never changed; the oldest segment goes when room is needed. Nothing here waits for the disk but
//! what says so. Invariant: what is handed out is what was written, by its checksum; a record that is damaged, cut off by a
//! crash or not readable counts as never stored. After a restart everything that was written is there again.
//!
//! `directory` takes the directory, `frame` is a record, `segment` a file of them, `index` says where what is, `writer` appends and makes room, `recovery`
//! reads what an earlier process left, `journal` keeps invalidation orders. Called by `Cache`.

mod directory;
mod frame;
mod index;
mod journal;
mod recovery;
mod segment;
mod shared;
mod writer;

use std::fs::{DirBuilder, File};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use bytes::Bytes;
use edgeward_mapped::MappedFiles;
use parking_lot::Mutex;
use rustix::fs::FlockOperation;
use tokio::sync::{Semaphore, oneshot};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::chunks::{CHUNK, ContentId, NotKept};
use directory::Secret;
use frame::{Head, Kind, Name, checksum};
use index::{Found, Place};
pub(crate) use journal::{Journal, TakenOrder};
use segment::Segment;
pub use shared::DiskCounters;
use shared::Shared;
use writer::{NewRecord, Order, Writer};

/// Segments are this long where the limit allows, in bytes.
const LONGEST_SEGMENT: u64 = 64 << 20;
/// A segment holds at least a few chunks.
const SHORTEST_SEGMENT: u64 = 4 * CHUNK;
/// Each is an open file and a mapping, of which a process may have 65,530: where the limit is more than 1 TiB, segments are
/// longer.
const MOST_SEGMENTS: u64 = 16_384;
/// The limit is at least so many segments.
const FEWEST_SEGMENTS: u64 = 4;
/// What may wait to be written, in KiB.
const QUEUE: usize = 64 << 10;

/// Where the disk tier is and how much it may take.
#[derive(Debug, Clone)]
pub struct DiskSettings {
    /// Made when it is missing, mode 0700. One process at a time.
    pub directory: PathBuf,
    /// Bytes of all files together; at least 4 MiB.
    pub limit: u64,
}

/// A stored response as it lies on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DiskRecord {
    /// What it is found by.
    pub(crate) key: Bytes,
    /// Which of the responses with this key.
    pub(crate) slot: u64,
    /// Not looked into here.
    pub(crate) meta: Bytes,
    /// Content that lies beside it.
    pub(crate) content: Bytes,
}

/// Why a record is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The queue of the writer is full, or it has stopped.
    Busy,
    /// It is longer than a record may be.
    TooLong,
}

/// A response in a listing.
#[derive(Debug)]
pub(crate) struct DiskListed {
    /// Its key and metadata, without content.
    pub(crate) record: DiskRecord,
    /// Bytes of content beside it.
    pub(crate) content_length: u32,
    /// Times it was read from disk, up to 15.
    pub(crate) hits: u8,
    /// Where it lies; counts up.
    pub(crate) at: u64,
}

/// What is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskUsage {
    /// Number of stored responses.
    pub responses: usize,
    /// Number of chunks.
    pub chunks: usize,
    /// Bytes of all segments.
    pub bytes: u64,
}

/// The disk tier.
#[derive(Debug)]
pub(crate) struct DiskStore {
    shared: Arc<Shared>,
    secret: Secret,
    orders: mpsc::Sender<Order>,
    room: Arc<Semaphore>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Holds the directory for this process.
    lock: File,
}

impl DiskStore {
    /// Opens the tier, with everything that an earlier process wrote.
    ///
    /// # Errors
    /// The directory cannot be made, read or written, or another process has it; the error names it.
    pub(crate) fn open(settings: &DiskSettings, files: &MappedFiles) -> io::Result<DiskStore> {
        let directory = &settings.directory;
        Self::open_in(settings, files)
            .map_err(|error| io::Error::new(error.kind(), format!("disk cache {}: {error}", directory.display())))
    }

    fn open_in(settings: &DiskSettings, files: &MappedFiles) -> io::Result<DiskStore> {
        let directory = &settings.directory;
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let lock = directory::lock(directory)?;
        let secret = Secret::of_directory(directory)?;
        let longest = LONGEST_SEGMENT.max(settings.limit / MOST_SEGMENTS);
        let segment_length = (settings.limit / 32).clamp(SHORTEST_SEGMENT, longest.min(u32::MAX.into()));
        let limit = settings.limit.max(FEWEST_SEGMENTS * segment_length);
        directory::allow_open_files(limit.div_ceil(segment_length))?;
        let shared = Arc::new(Shared::new(directory.clone(), limit, segment_length, files.clone()));
        if journal::is_damaged(directory)? {
            recovery::discard(&shared)?;
        }
        let recovered = recovery::recover(&shared)?;
        let (orders, receiver) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&shared), recovered.sealed, recovered.next_number);
        let thread = std::thread::Builder::new().name("edge-disk".to_owned()).spawn(move || writer.run(&receiver))?;
        let room = Arc::new(Semaphore::new(QUEUE));
        Ok(DiskStore { shared, secret, orders, room, writer: Mutex::new(Some(thread)), lock })
    }

    /// Whether there may be a response for `key`. No I/O.
    pub(crate) fn may_have(&self, key: &[u8]) -> bool {
        self.shared.index.has_response(self.hash(key))
    }

    /// The responses for `key`, the newest first. Waits for the disk.
    pub(crate) fn load(&self, key: &[u8]) -> Vec<DiskRecord> {
        let places = self.places(self.hash(key));
        places.iter().filter_map(|(found, segment)| self.read_response(found, segment, key)).collect()
    }

    /// The responses with this hash, and the segments they lie in. What is written again meanwhile has another place: then
    /// they are looked up once more.
    fn places(&self, hash: u64) -> Vec<(Found, Arc<Segment>)> {
        let look_up = || {
            let found = self.shared.index.responses(hash).into_iter();
            found.map(|found| Some((found, self.shared.segment(found.place.segment)?))).collect::<Vec<_>>()
        };
        let places = look_up();
        let is_whole = places.iter().all(Option::is_some);
        if is_whole { places } else { look_up() }.into_iter().flatten().collect()
    }

    /// As `load`, where that takes no wait for the disk.
    pub(crate) fn load_now(&self, key: &[u8]) -> Option<Vec<DiskRecord>> {
        let mut records = Vec::new();
        for (found, segment) in self.places(self.hash(key)) {
            let mut bytes = vec![0; found.size as usize];
            if !segment.read_now(&mut bytes, found.place.offset.into()) {
                return None;
            }
            records.extend(self.response(&found, bytes, key));
        }
        Some(records)
    }

    fn read_response(&self, found: &Found, segment: &Segment, key: &[u8]) -> Option<DiskRecord> {
        let mut bytes = vec![0; found.size as usize];
        match segment.read(&mut bytes, found.place.offset.into()) {
            Ok(()) => self.response(found, bytes, key),
            Err(_unreadable) => {
                self.forget_damaged(self.hash(key), found.place);
                None
            }
        }
    }

    /// The response in `bytes`, if it is whole and for `key`. One that is damaged is forgotten.
    fn response(&self, found: &Found, bytes: Vec<u8>, key: &[u8]) -> Option<DiskRecord> {
        let Some((head, record)) = parse_response(bytes) else {
            self.forget_damaged(self.hash(key), found.place);
            return None;
        };
        (record.key == key && head.name.kind == Kind::Response).then_some(record)
    }

    fn forget_damaged(&self, hash: u64, place: Place) {
        self.shared.counters.corrupt_records.fetch_add(1, Ordering::Relaxed);
        self.shared.index.drop_response_at(hash, place);
    }

    /// Orders a response to be written, in the place of the one with its key and slot. Never waits.
    ///
    /// # Errors
    /// It is not written.
    pub(crate) fn put(&self, record: DiskRecord) -> Result<(), NotTaken> {
        let hash = self.hash(&record.key);
        let name = Name { kind: Kind::Response, hash, tag: record.slot, index: 0 };
        let DiskRecord { key, meta, content, .. } = record;
        let taken = self.order(NewRecord { name, key, meta, content: vec![content] });
        if taken.is_err() {
            self.shared.counters.dropped_records.fetch_add(1, Ordering::Relaxed);
            // What it would have replaced is not the newest any more.
            self.shared.index.drop_named(&name);
        }
        taken
    }

    fn order(&self, record: NewRecord) -> Result<(), NotTaken> {
        if !record.fits() {
            return Err(NotTaken::TooLong);
        }
        let room = Arc::clone(&self.room).try_acquire_many_owned(room_for(&record)).map_err(|_| NotTaken::Busy)?;
        let number = self.shared.next_order();
        self.orders.send(Order::Write { record, number, _room: room, done: None }).map_err(|_| NotTaken::Busy)
    }

    /// Removes every response for `key`; none comes back, after a restart neither.
    pub(crate) fn remove(&self, key: &[u8]) {
        let hash = self.hash(key);
        let number = self.shared.begin_removal(hash);
        let was_there = self.shared.index.has_response(hash);
        self.shared.index.drop_responses(hash);
        if was_there || self.room.available_permits() < QUEUE {
            // A writer that has stopped writes nothing that would have to be removed.
            let _stopped = self.orders.send(Order::Remove { hash, number });
        } else {
            self.shared.removal_is_written(hash, number);
        }
    }

    /// Writes a chunk. Waits until there is room in the queue, and until it is written.
    ///
    /// # Errors
    /// It is too long, or the disk fails.
    pub(crate) async fn put_chunk(&self, content: ContentId, index: u32, pieces: Vec<Bytes>) -> Result<(), NotKept> {
        let name = self.chunk_name(content, index);
        let record = NewRecord { name, key: Bytes::new(), meta: Bytes::new(), content: pieces };
        if !record.fits() {
            self.shared.counters.dropped_records.fetch_add(1, Ordering::Relaxed);
            return Err(NotKept);
        }
        let room = Arc::clone(&self.room).acquire_many_owned(room_for(&record)).await.map_err(|_| NotKept)?;
        let (done, written) = oneshot::channel();
        let number = self.shared.next_order();
        let order = Order::Write { record, number, _room: room, done: Some(done) };
        self.orders.send(order).map_err(|_| NotKept)?;
        if written.await.unwrap_or(false) { Ok(()) } else { Err(NotKept) }
    }

    /// Whether there is a chunk. No I/O.
    pub(crate) fn has_chunk(&self, content: ContentId, index: u32) -> bool {
        self.shared.index.has(&self.chunk_name(content, index))
    }

    /// A chunk, at `now`, unix seconds. No I/O.
    pub(crate) fn chunk(self: &Arc<DiskStore>, content: ContentId, index: u32, now: u64) -> Option<DiskChunk> {
        let name = self.chunk_name(content, index);
        let now = u32::try_from(now).unwrap_or(u32::MAX - 1);
        let look_up = || {
            let (found, is_due) = self.shared.index.find(&name, now)?;
            Some((found, is_due, self.shared.segment(found.place.segment)?))
        };
        // As in `places`.
        let (found, is_due, segment) = look_up().or_else(look_up)?;
        Some(DiskChunk { store: Arc::clone(self), segment, name, found, is_due, now })
    }

    /// Tells of every response that lies at `from` or behind it, in order, until `each` breaks off. Waits for the disk.
    pub(crate) fn visit(&self, from: u64, mut each: impl FnMut(DiskListed) -> ControlFlow<()>) {
        for found in self.shared.index.all_responses(from) {
            let listed = self.shared.segment(found.place.segment).and_then(|segment| list(&segment, &found));
            if let Some(listed) = listed
                && each(listed).is_break()
            {
                return;
            }
        }
    }

    /// What is on the disk.
    pub(crate) fn usage(&self) -> DiskUsage {
        let (responses, chunks) = self.shared.index.counts();
        DiskUsage { responses, chunks, bytes: self.shared.bytes.load(Ordering::Relaxed) }
    }

    /// What went wrong so far.
    pub(crate) fn counters(&self) -> &DiskCounters {
        &self.shared.counters
    }

    /// Waits until everything ordered so far is written.
    pub(crate) fn flush(&self) {
        let (reached, wait) = mpsc::channel();
        if self.orders.send(Order::Reach(reached)).is_ok() {
            // A writer that stops meanwhile has written what it could.
            let _stopped = wait.recv();
        }
    }

    /// Writes what was ordered, seals the log and leaves the directory to another process, as `close` does; until `take_back`.
    pub(crate) fn leave(&self) {
        let (left, wait) = mpsc::channel();
        if self.orders.send(Order::Leave(left)).is_ok() {
            // A writer that stops meanwhile leaves as well.
            let _stopped = wait.recv();
        }
        let _unlocked = rustix::fs::flock(&self.lock, FlockOperation::Unlock);
    }

    /// Takes the directory back, and writes again.
    ///
    /// # Errors
    /// Another process has it.
    pub(crate) fn take_back(&self) -> io::Result<()> {
        directory::hold(&self.lock)?;
        let next_number = recovery::next_number(&self.shared)?;
        // A writer that has stopped writes no more.
        let _stopped = self.orders.send(Order::Resume { next_number });
        Ok(())
    }

    /// Writes what was ordered, seals the log and leaves the directory to others. What is stored can still be read.
    pub(crate) fn close(&self) {
        let Some(writer) = self.writer.lock().take() else { return };
        let _ended = self.orders.send(Order::Stop);
        let _panicked = writer.join();
        // Closing the file would do it too, later.
        let _unlocked = rustix::fs::flock(&self.lock, FlockOperation::Unlock);
    }

    /// Names the edge whose directory this is, over its restarts.
    pub(crate) fn identity(&self) -> u128 {
        self.secret.identity
    }

    fn hash(&self, key: &[u8]) -> u64 {
        xxh3_64_with_seed(key, self.secret.seed)
    }

    fn chunk_name(&self, content: ContentId, index: u32) -> Name {
        let mut place = [0; 12];
        let (id, at) = place.split_at_mut(8);
        id.copy_from_slice(&content.0.to_le_bytes());
        at.copy_from_slice(&index.to_le_bytes());
        Name { kind: Kind::Chunk, hash: xxh3_64_with_seed(&place, self.secret.seed), tag: content.0, index }
    }
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        self.close();
    }
}

/// KiB in the queue, at least 1.
fn room_for(record: &NewRecord) -> u32 {
    (record.length() / 1024 + 1).min(QUEUE) as u32
}

fn parse_response(bytes: Vec<u8>) -> Option<(Head, DiskRecord)> {
    let head = Head::parse(&bytes)?;
    let mut payload = Bytes::from(bytes).split_off(frame::HEAD);
    if head.payload() != payload.len() as u64 || checksum([&payload[..]]) != head.checksum {
        return None;
    }
    let key = payload.split_to(head.key_length as usize);
    let meta = payload.split_to(head.meta_length as usize);
    Some((head, DiskRecord { key, slot: head.name.tag, meta, content: payload }))
}

/// Key and metadata alone; they are not verified.
fn list(segment: &Segment, found: &Found) -> Option<DiskListed> {
    let mut bytes = vec![0; frame::HEAD];
    segment.read(&mut bytes, found.place.offset.into()).ok()?;
    let head = Head::parse(&bytes)?;
    let mut description = vec![0; (head.key_length + head.meta_length) as usize];
    segment.read(&mut description, u64::from(found.place.offset) + frame::HEAD as u64).ok()?;
    let mut meta = Bytes::from(description);
    let key = meta.split_to(head.key_length as usize);
    let record = DiskRecord { key, slot: head.name.tag, meta, content: Bytes::new() };
    Some(DiskListed { record, content_length: head.content_length, hits: found.hits, at: found.place.number() })
}

/// A chunk on disk. It stays readable as long as this lives, whatever becomes of its segment.
#[derive(Debug)]
pub(crate) struct DiskChunk {
    store: Arc<DiskStore>,
    segment: Arc<Segment>,
    name: Name,
    found: Found,
    is_due: bool,
    now: u32,
}

impl DiskChunk {
    /// Whether it has to be read, and so verified, before it may be sent as it lies.
    pub(crate) fn needs_check(&self) -> bool {
        self.is_due
    }

    /// Its pages, to be sent as they lie.
    pub(crate) fn mapped(&self) -> Bytes {
        let (start, length) = self.place();
        self.segment.mapped(start, length)
    }

    /// Reads and verifies it. Waits for the disk.
    pub(crate) fn read(&self) -> Option<Bytes> {
        let mut record = vec![0; self.found.size as usize];
        match self.segment.read(&mut record, self.found.place.offset.into()) {
            Ok(()) => self.verified(record),
            Err(_unreadable) => self.forget(),
        }
    }

    /// Reads it where that takes no wait; verifies it if that is due. `None`: it would have to wait.
    pub(crate) fn read_now(&self) -> Option<Option<Bytes>> {
        if self.is_due {
            let mut record = vec![0; self.found.size as usize];
            let is_read = self.segment.read_now(&mut record, self.found.place.offset.into());
            return is_read.then(|| self.verified(record));
        }
        let (start, length) = self.place();
        let mut content = vec![0; length];
        self.segment.read_now(&mut content, start).then(|| Some(content.into()))
    }

    fn verified(&self, record: Vec<u8>) -> Option<Bytes> {
        let offset = u64::from(self.found.place.offset);
        let head =
            Head::parse(&record).filter(|head| head.name == self.name && head.size(offset) == record.len() as u64);
        let content = head.map(|head| (head, Bytes::from(record).split_off(head.gap(offset) as usize)));
        match content.filter(|(head, content)| checksum([&content[..]]) == head.checksum) {
            Some((_, content)) => {
                self.store.shared.index.note_check(&self.name, self.found.place, self.now);
                Some(content)
            }
            None => self.forget(),
        }
    }

    /// It counts as missing from now on.
    fn forget(&self) -> Option<Bytes> {
        self.store.shared.counters.corrupt_records.fetch_add(1, Ordering::Relaxed);
        self.store.shared.index.drop_at(&self.name, self.found.place);
        None
    }

    fn place(&self) -> (u64, usize) {
        let offset = u64::from(self.found.place.offset);
        let start = (offset + frame::HEAD as u64).next_multiple_of(frame::PAGE);
        (start, (offset + u64::from(self.found.size) - start) as usize)
    }
}

#[cfg(test)]
mod tests;
