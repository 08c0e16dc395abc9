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

use super::frame::{ALIGNMENT, HEAD, Head, Kind, Name, checksum, fits};
use super::index::{Found, Place};
use super::segment::{FIRST, Row, Segment, table_length};
use super::shared::Shared;

/// After a failure, writing pauses this long; twice as long after each further one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Removals that may wait for a failing disk.
const MOST_OWED: usize = 65_536;

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
    /// Another process writes from now on: seal the log and drop what is ordered. Answered when that is done.
    Leave(mpsc::Sender<()>),
    /// It does not: write again, from the segment of this number on.
    Resume {
        next_number: u32,
    },
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
    fn removal(hash: u64) -> NewRecord {
        let name = Name { kind: Kind::Removal, hash, tag: 0, index: 0 };
        NewRecord { name, key: Bytes::new(), meta: Bytes::new(), content: Vec::new() }
    }

    /// Whether a record may be so long.
    pub(super) fn fits(&self) -> bool {
        let description = self.key.len() + self.meta.len();
        fits(description as u64, (self.length() - description) as u64)
    }

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
    /// Removals that are still to be written, by hash, the oldest first.
    owed: VecDeque<u64>,
    /// Another process writes.
    has_left: bool,
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
        Writer {
            shared,
            open: None,
            next_number,
            sealed,
            sealed_bytes,
            pause: None,
            owed: VecDeque::new(),
            has_left: false,
        }
    }

    pub(super) fn run(mut self, orders: &mpsc::Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            match order {
                Order::Write { record, number, done, .. } => {
                    let is_written = self.take(&record, number);
                    if let Some(done) = done {
                        // Whoever asked may be gone.
                        let _nobody_waits = done.send(is_written);
                    }
                }
                Order::Remove { hash, number } => self.remove(hash, number),
                Order::Reach(reached) => {
                    let _nobody_waits = reached.send(());
                }
                Order::Leave(left) => {
                    self.stop();
                    self.has_left = true;
                    let _nobody_waits = left.send(());
                }
                Order::Resume { next_number } => {
                    self.next_number = self.next_number.max(next_number);
                    self.has_left = false;
                }
                Order::Stop => break,
            }
        }
        if !self.has_left {
            self.stop();
        }
    }

    fn stop(&mut self) {
        if self.append_owed().is_err() {
            self.shared.counters.io_errors.fetch_add(1, Ordering::Relaxed);
            self.shared.counters.lost_removals.fetch_add(self.owed.len() as u64, Ordering::Relaxed);
        }
        // Unsealed, its records are found by reading it all: slower, not worse.
        let _unsealed = self.seal();
    }

    /// Writes a record and puts it into the index, unless it was taken back. Whether it can be found now.
    fn take(&mut self, record: &NewRecord, number: u64) -> bool {
        let name = &record.name;
        if self.shared.is_taken_back(name.hash, number) {
            return false;
        }
        match self.write(record) {
            // It may have been taken back while it was written.
            Some((place, size)) => {
                self.shared.unless_taken_back(name.hash, number, || self.shared.index.put(name, place, size, 0))
            }
            None => {
                // What it would have replaced is not the newest any more.
                self.shared.index.drop_named(name);
                false
            }
        }
    }

    fn remove(&mut self, hash: u64, number: u64) {
        // In the log it comes after what was ordered before it, and so it does here.
        self.shared.index.drop_responses(hash);
        if self.owed.len() == MOST_OWED && self.owed.pop_front().is_some() {
            self.shared.counters.lost_removals.fetch_add(1, Ordering::Relaxed);
        }
        self.owed.push_back(hash);
        if !self.has_left && !self.is_pausing() && self.append_owed().is_err() {
            self.fail();
        }
        self.shared.removal_is_written(hash, number);
    }

    /// Where the record lies now, and its size; `None`: it is not written.
    fn write(&mut self, record: &NewRecord) -> Option<(Place, u32)> {
        // Removals come first: they must not reach what is written after them.
        let written = match self.has_left || self.is_pausing() {
            false => self.append_owed().and_then(|()| self.append_somehow(record)).map_err(|_failed| self.fail()).ok(),
            true => None,
        };
        match written {
            Some(_) => self.pause = None,
            None => _ = self.shared.counters.dropped_records.fetch_add(1, Ordering::Relaxed),
        }
        written
    }

    fn is_pausing(&self) -> bool {
        self.pause.as_ref().is_some_and(|pause| Instant::now() < pause.until)
    }

    fn fail(&mut self) {
        self.shared.counters.io_errors.fetch_add(1, Ordering::Relaxed);
        let length = self.pause.as_ref().map_or(SHORTEST_PAUSE, |pause| (pause.length * 2).min(LONGEST_PAUSE));
        self.pause = Some(Pause { until: Instant::now() + length, length });
    }

    /// Writes the removals that could not be written yet.
    fn append_owed(&mut self) -> io::Result<()> {
        while let Some(hash) = self.owed.front() {
            self.append_somehow(&NewRecord::removal(*hash))?;
            self.owed.pop_front();
        }
        Ok(())
    }

    /// As `append`; where the disk is fuller than the limit foresaw, the oldest segment goes for it.
    fn append_somehow(&mut self, record: &NewRecord) -> io::Result<(Place, u32)> {
        match self.append(record) {
            Err(error) if error.raw_os_error() == Some(Errno::NOSPC.raw_os_error()) => {
                let mut room = self.room_for_kept();
                let evicted = self.evict(&mut room)?.ok_or(error)?;
                let written = self.append(record);
                self.settle(&[evicted]).and(written)
            }
            written => written,
        }
    }

    fn append(&mut self, record: &NewRecord) -> io::Result<(Place, u32)> {
        let head = record.head();
        let has_room = |open: &OpenSegment| open.has_room(head.payload(), self.shared.segment_length);
        if !self.open.as_ref().is_some_and(has_room) {
            self.turn()?;
        }
        let Some(open) = &mut self.open else { return Err(io::ErrorKind::NotFound.into()) };
        let written = open.append(&head, record.payload());
        self.note_bytes();
        written
    }

    /// Seals the segment that is full and begins another, once there is room for it.
    fn turn(&mut self) -> io::Result<()> {
        self.seal()?;
        let Shared { directory, segment_length, files, .. } = &*self.shared;
        // Before anything is given up for it: where no file can be made, what is there stays.
        let next = Segment::create(directory, self.next_number, *segment_length, files)?;
        self.next_number += 1;
        let mut evicted = Vec::new();
        match self.make_room(&mut evicted) {
            Ok(()) => {
                let segment = self.shared.add_segment(next);
                self.open = Some(OpenSegment { segment, end: FIRST, rows: Vec::new() });
                self.settle(&evicted)
            }
            Err(error) => next.unlink().and(self.settle(&evicted)).and(Err(error)),
        }
    }

    /// Gives up the oldest segments until another one fits below the limit.
    fn make_room(&mut self, evicted: &mut Vec<Evicted>) -> io::Result<()> {
        let mut room = self.room_for_kept();
        while self.bytes() + self.shared.segment_length > self.shared.limit {
            match self.evict(&mut room)? {
                Some(segment) => evicted.push(segment),
                None => break,
            }
        }
        Ok(())
    }

    /// How much of what is given up at once is kept, in bytes.
    fn room_for_kept(&self) -> u64 {
        self.shared.segment_length / 2
    }

    /// Writes again what is kept of segments that were given up, as far as the open one has room, and forgets the rest.
    fn settle(&mut self, evicted: &[Evicted]) -> io::Result<()> {
        let written = evicted.iter().flat_map(|evicted| &evicted.kept).try_for_each(|kept| self.write_again(kept));
        evicted.iter().for_each(|evicted| self.let_go(evicted));
        self.note_bytes();
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

    /// Gives up the oldest segment. What was hit in it is kept, the most often hit first, as far as `room` takes it: it is
    /// found where it lay until it is written again.
    fn evict(&mut self, room: &mut u64) -> io::Result<Option<Evicted>> {
        let Some((segment, length)) = self.sealed.front().cloned() else { return Ok(None) };
        // First: what cannot be given up stays, and stays counted. It is read through the file, which is open.
        segment.unlink()?;
        self.sealed.pop_front();
        self.sealed_bytes -= length;
        let kept = match segment.rows() {
            Ok(rows) if !rows.is_empty() => self.give_up(&segment, &rows, room),
            // Its table could not be written, or not be read: nothing is kept of it.
            _ => {
                self.shared.index.drop_segment(segment.number);
                Vec::new()
            }
        };
        self.shared.counters.evicted_segments.fetch_add(1, Ordering::Relaxed);
        self.note_bytes();
        Ok(Some(Evicted { segment, kept }))
    }

    /// Takes the records of a segment out of the index, but for those that are to be kept, and reads these.
    fn give_up(&self, segment: &Segment, rows: &[Row], room: &mut u64) -> Vec<Kept> {
        let index = &self.shared.index;
        let place = |row: &Row| Place { segment: segment.number, offset: row.offset };
        let standing = |row: &Row| Some((row.name, index.standing(&row.name, place(row))?));
        let mut hit: Vec<_> = rows.iter().filter_map(standing).filter(|(_, found)| found.hits > 0).collect();
        hit.sort_by_key(|(_, found)| std::cmp::Reverse(found.hits));
        let kept: Vec<Kept> = hit.into_iter().filter_map(|(name, found)| keep(segment, name, found, room)).collect();
        let is_kept: AHashSet<u32> = kept.iter().map(|kept| kept.place.offset).collect();
        let dropped = rows.iter().filter(|row| !is_kept.contains(&row.offset));
        dropped.for_each(|row| index.drop_at(&row.name, place(row)));
        kept
    }

    fn write_again(&mut self, kept: &Kept) -> io::Result<()> {
        let (name, index) = (&kept.head.name, &self.shared.index);
        let has_room = |open: &&mut OpenSegment| open.has_room(kept.head.payload(), self.shared.segment_length);
        let Some(open) = self.open.as_mut().filter(has_room) else { return Ok(()) };
        if index.standing(name, kept.place).is_none() {
            // Removed in the meantime.
            return Ok(());
        }
        let (place, size) = open.append(&kept.head, std::iter::once(&kept.payload[..]))?;
        // Older than every removal that is still on its way.
        self.shared.unless_taken_back(name.hash, 0, || index.put(name, place, size, kept.hits / 2));
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
    /// Whether a record with so many bytes of payload fits into the segment, with the table that comes at its end.
    fn has_room(&self, payload: u64, segment_length: u64) -> bool {
        let record = payload + HEAD as u64 + ALIGNMENT + super::frame::PAGE;
        self.end + record + table_length(self.rows.len() + 1) <= segment_length
    }

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
