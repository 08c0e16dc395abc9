//! The one thread that writes: appends records, seals segments, makes room.
//!
//! Invariant: an index entry is made after its record was written. When the disk fails, records are dropped and counted,
//! and writing pauses for a while; what is on the disk goes on being served. Room is made by giving up the oldest segment:
//! what was hit in it is written again at the head, as far as half a segment takes it, so that a scan passes through and
//! what is asked for stays.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use ahash::AHashSet;
use bytes::Bytes;
use rustix::io::Errno;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::frame::{ALIGNMENT, HEAD, Head, Kind, Name, checksum};
use super::index::{Found, Place};
use super::segment::{FIRST, Row, Segment};
use super::shared::Shared;

/// After a failure, writing pauses this long; twice as long after each further one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What the writer is asked to do.
pub(super) enum Order {
    Write {
        record: NewRecord,
        /// Which of the orders it is: a later removal takes it back.
        number: u64,
        /// Its share of the queue.
        _room: OwnedSemaphorePermit,
        /// Told whether it was written.
        done: Option<oneshot::Sender<bool>>,
    },
    Remove {
        hash: u64,
        number: u64,
    },
    /// Answered when everything before it is done.
    Reach(mpsc::Sender<()>),
    Stop,
}

/// A record that is to be written.
pub(super) struct NewRecord {
    pub(super) name: Name,
    pub(super) key: Bytes,
    pub(super) meta: Bytes,
    pub(super) content: Vec<Bytes>,
}

impl NewRecord {
    pub(super) fn length(&self) -> usize {
        self.key.len() + self.meta.len() + self.content.iter().map(Bytes::len).sum::<usize>()
    }

    fn payload(&self) -> impl Iterator<Item = &[u8]> {
        [&self.key, &self.meta].into_iter().chain(&self.content).map(|piece| &piece[..])
    }

    fn head(&self) -> Head {
        Head {
            name: self.name,
            key_length: self.key.len() as u32,
            meta_length: self.meta.len() as u32,
            content_length: self.content.iter().map(Bytes::len).sum::<usize>() as u32,
            checksum: checksum(self.payload()),
        }
    }
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    open: Option<OpenSegment>,
    next_number: u32,
    /// Sealed segments, the oldest first, with the lengths of their files.
    sealed: VecDeque<(Arc<Segment>, u64)>,
    /// The sum of those.
    sealed_bytes: u64,
    pause: Option<Pause>,
}

/// The segment that is being written.
struct OpenSegment {
    segment: Arc<Segment>,
    end: u64,
    rows: Vec<Row>,
}

struct Pause {
    until: Instant,
    length: Duration,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, sealed: VecDeque<(Arc<Segment>, u64)>, next_number: u32) -> Writer {
        let sealed_bytes = sealed.iter().map(|(_, length)| length).sum();
        Writer { shared, open: None, next_number, sealed, sealed_bytes, pause: None }
    }

    pub(super) fn run(mut self, orders: &mpsc::Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            match order {
                Order::Write { record, number, done, .. } => {
                    let is_written = !self.shared.is_taken_back(record.name.hash, number) && self.write(&record);
                    // It may have been taken back while it was written.
                    if is_written && self.shared.is_taken_back(record.name.hash, number) {
                        self.shared.index.drop_responses(record.name.hash);
                    }
                    if let Some(done) = done {
                        // Whoever asked may be gone.
                        let _nobody_waits = done.send(is_written);
                    }
                }
                Order::Remove { hash, number } => self.remove(hash, number),
                Order::Reach(reached) => {
                    let _nobody_waits = reached.send(());
                }
                Order::Stop => break,
            }
        }
        // Unsealed, its records are found by reading it all: slower, not worse.
        let _unsealed = self.seal();
    }

    fn remove(&mut self, hash: u64, number: u64) {
        let name = Name { kind: Kind::Removal, hash, tag: 0, index: 0 };
        let record = NewRecord { name, key: Bytes::new(), meta: Bytes::new(), content: Vec::new() };
        if !self.write(&record) {
            // What cannot be noted as removed must not come back: the next start finds the log without it.
            self.shared.counters.lost_removals.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.removal_is_written(hash, number);
    }

    /// Whether the record was written.
    fn write(&mut self, record: &NewRecord) -> bool {
        if self.pause.as_ref().is_some_and(|pause| Instant::now() < pause.until) {
            self.shared.counters.dropped_records.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let written = match self.append(record) {
            Err(error) if error.raw_os_error() == Some(Errno::NOSPC.raw_os_error()) && self.make_room() => {
                self.append(record)
            }
            written => written,
        };
        match written {
            Ok((place, size)) => {
                self.pause = None;
                self.note_bytes();
                if record.name.kind != Kind::Removal {
                    self.shared.index.put(&record.name, place, size, 0);
                }
                true
            }
            Err(_failed) => {
                self.fail();
                false
            }
        }
    }

    fn fail(&mut self) {
        self.shared.counters.io_errors.fetch_add(1, Ordering::Relaxed);
        self.shared.counters.dropped_records.fetch_add(1, Ordering::Relaxed);
        let length = self.pause.as_ref().map_or(SHORTEST_PAUSE, |pause| (pause.length * 2).min(LONGEST_PAUSE));
        self.pause = Some(Pause { until: Instant::now() + length, length });
    }

    /// Gives up the oldest segment where the disk is fuller than the limit foresaw.
    fn make_room(&mut self) -> bool {
        match self.evict() {
            Ok(Some(evicted)) => {
                self.let_go(&evicted);
                true
            }
            _ => false,
        }
    }

    fn append(&mut self, record: &NewRecord) -> io::Result<(Place, u32)> {
        let head = record.head();
        let largest = head.payload() + 2 * super::frame::PAGE;
        if self.open.as_ref().is_none_or(|open| open.end + largest > self.shared.segment_length) {
            self.turn()?;
        }
        let Some(open) = &mut self.open else { return Err(io::ErrorKind::NotFound.into()) };
        open.append(&head, record.payload())
    }

    /// Seals the segment that is full and begins another, once there is room for it.
    fn turn(&mut self) -> io::Result<()> {
        self.seal()?;
        let mut evicted = Vec::new();
        while self.bytes() + self.shared.segment_length > self.shared.limit && !self.sealed.is_empty() {
            evicted.extend(self.evict()?);
        }
        let (directory, files) = (&self.shared.directory, &self.shared.files);
        let segment = Segment::create(directory, self.next_number, self.shared.segment_length, files)?;
        self.next_number += 1;
        let segment = self.shared.add_segment(segment);
        self.open = Some(OpenSegment { segment, end: FIRST, rows: Vec::new() });
        self.note_bytes();
        let written = evicted.iter().flat_map(|evicted| &evicted.kept).try_for_each(|kept| self.write_again(kept));
        evicted.iter().for_each(|evicted| self.let_go(evicted));
        written
    }

    /// Forgets what was not written again of a segment that was given up.
    fn let_go(&self, evicted: &Evicted) {
        evicted.kept.iter().for_each(|kept| self.shared.index.drop_at(&kept.head.name, kept.place));
        self.shared.remove_segment(evicted.segment.number);
    }

    fn seal(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let sealed = open.segment.seal(open.end, &open.rows);
        // Without its table it is read whole at the next start.
        let length = *sealed.as_ref().unwrap_or(&open.end);
        self.sealed_bytes += length;
        self.sealed.push_back((open.segment, length));
        self.note_bytes();
        sealed.map(drop)
    }

    /// Gives up the oldest segment. What was hit in it is kept, the most often hit first, as far as half a segment takes: it
    /// is found where it lay until it is written again.
    fn evict(&mut self) -> io::Result<Option<Evicted>> {
        let Some((segment, length)) = self.sealed.pop_front() else { return Ok(None) };
        self.sealed_bytes -= length;
        let kept = match segment.rows() {
            Ok(rows) if !rows.is_empty() => self.give_up(&segment, &rows),
            // Its table could not be written, or not be read: nothing is kept of it.
            _ => {
                self.shared.index.drop_segment(segment.number);
                Vec::new()
            }
        };
        self.shared.counters.evicted_segments.fetch_add(1, Ordering::Relaxed);
        segment.unlink()?;
        self.note_bytes();
        Ok(Some(Evicted { segment, kept }))
    }

    /// Takes the records of a segment out of the index, but for those that are to be kept, and reads these.
    fn give_up(&self, segment: &Segment, rows: &[Row]) -> Vec<Kept> {
        let index = &self.shared.index;
        let place = |row: &Row| Place { segment: segment.number, offset: row.offset };
        let standing = |row: &Row| Some((row.name, index.standing(&row.name, place(row))?));
        let mut hit: Vec<_> = rows.iter().filter_map(standing).filter(|(_, found)| found.hits > 0).collect();
        hit.sort_by_key(|(_, found)| std::cmp::Reverse(found.hits));
        let mut room = self.shared.segment_length / 2;
        let kept: Vec<Kept> =
            hit.into_iter().filter_map(|(name, found)| keep(segment, name, found, &mut room)).collect();
        let is_kept: AHashSet<u32> = kept.iter().map(|kept| kept.place.offset).collect();
        let dropped = rows.iter().filter(|row| !is_kept.contains(&row.offset));
        dropped.for_each(|row| index.drop_at(&row.name, place(row)));
        kept
    }

    fn write_again(&mut self, kept: &Kept) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if self.shared.index.standing(&kept.head.name, kept.place).is_none() {
            // Removed in the meantime.
            return Ok(());
        }
        let (place, size) = open.append(&kept.head, std::iter::once(&kept.payload[..]))?;
        self.shared.index.put(&kept.head.name, place, size, kept.hits / 2);
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.sealed_bytes + self.open.as_ref().map_or(0, |open| open.end)
    }

    fn note_bytes(&self) {
        self.shared.bytes.store(self.bytes(), Ordering::Relaxed);
    }
}

impl OpenSegment {
    fn append<'a>(&mut self, head: &Head, payload: impl Iterator<Item = &'a [u8]>) -> io::Result<(Place, u32)> {
        const PADDING: [u8; 2 * super::frame::PAGE as usize] = [0; 2 * super::frame::PAGE as usize];
        let offset = self.end;
        let written_head = head.write();
        let gap = (head.gap(offset) - HEAD as u64) as usize;
        let mut pieces: Vec<&[u8]> = vec![&written_head, PADDING.get(..gap).unwrap_or_default()];
        payload.for_each(|piece| pieces.push(piece));
        self.segment.write(offset, &pieces)?;
        let size = head.size(offset);
        self.end = (offset + size).next_multiple_of(ALIGNMENT);
        let row = Row { name: head.name, offset: offset as u32, size: size as u32 };
        self.rows.push(row);
        Ok((Place { segment: self.segment.number, offset: row.offset }, row.size))
    }
}

/// A segment that was given up.
struct Evicted {
    segment: Arc<Segment>,
    kept: Vec<Kept>,
}

/// A record that outlives its segment.
struct Kept {
    head: Head,
    /// Where it lay.
    place: Place,
    payload: Vec<u8>,
    hits: u8,
}

/// Reads the record, if it is whole and there is room for it.
fn keep(segment: &Segment, name: Name, found: Found, room: &mut u64) -> Option<Kept> {
    let rest = room.checked_sub(u64::from(found.size))?;
    let mut record = vec![0; found.size as usize];
    segment.read(&mut record, found.place.offset.into()).ok()?;
    let head = Head::parse(&record).filter(|head| head.name == name)?;
    let payload = record.split_off(head.gap(found.place.offset.into()) as usize);
    if checksum([&payload[..]]) != head.checksum {
        return None;
    }
    *room = rest;
    Some(Kept { head, place: found.place, payload, hits: found.hits })
}
