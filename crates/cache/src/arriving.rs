//! Content while it arrives: one origin connection writes, any number of viewers read, each at its own place.
//!
//! Short content is held whole, so that a reader may join late. Longer content is cut into chunks, and each chunk is held
//! until it is kept: readers that are behind read it from there, and an origin's pace is nobody's but its own. Where
//! chunks cannot be kept, only what the slowest reader has not seen is held and the writer waits for it, so that content
//! of any size passes through a bounded window. Content that ends before its end is `Cut` for every reader.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};

use crate::chunks::{self, CHUNK, Chunk, Chunks, Delivery, Pending};
use crate::stored::{Body, Chunked};
use crate::time::Timestamp;

/// Content longer than this is kept in chunks, in bytes.
pub(crate) const LONGEST_WHOLE: usize = 64 * 1024;
/// How far the writer may be ahead of the slowest reader once nothing is kept.
const WINDOW: usize = 1024 * 1024;
/// A reader this far ahead of what has arrived is better off with an origin request of its own.
const FAR: u64 = 8 * CHUNK;

/// The origin ended the content early; what was sent is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

/// Content that is being received.
#[derive(Debug)]
pub struct Arriving {
    /// Where in the content it begins; a chunk's start.
    first: u64,
    /// Where it ends, as far as that is known.
    end: Option<u64>,
    /// `None`: nothing is kept.
    chunks: Option<Arc<dyn Chunks>>,
    begun: Timestamp,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    /// Contiguous; none crosses the end of a chunk.
    pieces: VecDeque<Piece>,
    /// Sum of the lengths in `pieces`.
    held: usize,
    /// Position of the next byte to arrive.
    position: u64,
    keeping: Keeping,
    /// To be kept even if nobody reads it to the end.
    is_wanted: bool,
    outcome: Option<Result<(), Cut>>,
    /// One slot a reader; `None` is free.
    readers: Vec<Option<Place>>,
    writer: Option<Waker>,
}

#[derive(Debug)]
struct Piece {
    at: u64,
    bytes: Bytes,
}

/// What becomes of the bytes that have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// All are held.
    Whole,
    /// Complete chunks are kept, the rest is held.
    Chunks,
    /// They are held until every reader has seen them.
    Nothing,
}

#[derive(Debug)]
struct Place {
    offset: u64,
    waiting: Option<Waker>,
}

impl Arriving {
    /// All of a content of which nothing has arrived yet. `chunks` is where it is kept if it turns out long; without it
    /// nothing is kept.
    pub fn begin(chunks: Option<Arc<dyn Chunks>>, begun: Timestamp) -> (Arc<Arriving>, Feed) {
        let keeping = if chunks.is_some() { Keeping::Whole } else { Keeping::Nothing };
        Self::new(0, None, chunks, keeping, begun)
    }

    /// The part of a content from `first`, the start of a chunk, up to `end`. Without `chunks` it is not kept.
    pub fn begin_part(
        first: u64,
        end: u64,
        chunks: Option<Arc<dyn Chunks>>,
        begun: Timestamp,
    ) -> (Arc<Arriving>, Feed) {
        let keeping = if chunks.is_some() { Keeping::Chunks } else { Keeping::Nothing };
        Self::new(first, Some(end), chunks, keeping, begun)
    }

    fn new(
        first: u64,
        end: Option<u64>,
        chunks: Option<Arc<dyn Chunks>>,
        keeping: Keeping,
        begun: Timestamp,
    ) -> (Arc<Arriving>, Feed) {
        let progress = Progress {
            pieces: VecDeque::new(),
            held: 0,
            position: first,
            keeping,
            is_wanted: false,
            outcome: None,
            readers: Vec::new(),
            writer: None,
        };
        let content = Arc::new(Arriving { first, end, chunks, begun, progress: Mutex::new(progress) });
        (Arc::clone(&content), Feed { content })
    }

    /// A reader from `offset`, or `None` when that place is outside or gone.
    pub fn reader(self: &Arc<Arriving>, offset: u64, delivery: Delivery) -> Option<Reader> {
        let mut progress = self.progress.lock();
        let is_gone = progress.keeping == Keeping::Nothing && offset < progress.held_from();
        if offset < self.first || self.end.is_some_and(|end| offset >= end) || is_gone {
            return None;
        }
        let place = Place { offset, waiting: None };
        let free = progress.readers.iter().position(Option::is_none);
        let slot = free.unwrap_or(progress.readers.len());
        match progress.readers.get_mut(slot) {
            Some(reader) => *reader = Some(place),
            None => progress.readers.push(Some(place)),
        }
        Some(Reader { content: Arc::clone(self), slot, delivery, reading: None })
    }

    /// Whether the byte at `offset` has arrived or will before long; an origin that broke off brings nothing more.
    pub fn is_near(&self, offset: u64) -> bool {
        let progress = self.progress.lock();
        let is_inside = self.first <= offset && self.end.is_none_or(|end| offset < end);
        let is_alive = progress.outcome.is_none() || offset < progress.position;
        is_inside && is_alive && offset < progress.position.saturating_add(FAR)
    }
}

impl Progress {
    /// Where the held bytes begin: what lies before has been kept, or was seen by all.
    fn held_from(&self) -> u64 {
        self.pieces.front().map_or(self.position, |piece| piece.at)
    }

    /// The held bytes from `offset` to the end of their piece.
    fn held_at(&self, offset: u64) -> Option<Bytes> {
        let after = self.pieces.partition_point(|piece| piece.at <= offset);
        let piece = self.pieces.get(after.checked_sub(1)?)?;
        let skipped = usize::try_from(offset - piece.at).ok()?;
        (skipped < piece.bytes.len()).then(|| piece.bytes.slice(skipped..))
    }

    fn hold(&mut self, bytes: Bytes) {
        let (at, length) = (self.position, bytes.len());
        self.held += length;
        self.position += length as u64;
        self.pieces.push_back(Piece { at, bytes });
        self.wake_readers();
    }

    fn wake_readers(&mut self) {
        for reader in self.readers.iter_mut().flatten() {
            if let Some(waker) = reader.waiting.take() {
                waker.wake();
            }
        }
    }

    fn has_readers(&self) -> bool {
        self.readers.iter().any(Option::is_some)
    }

    fn has_purpose(&self) -> bool {
        self.has_readers() || (self.is_wanted && self.keeping != Keeping::Nothing)
    }

    fn is_inside_chunk(&self) -> bool {
        self.keeping == Keeping::Chunks && !self.position.is_multiple_of(CHUNK)
    }

    /// Lets go of what lies before `offset`.
    fn drop_before(&mut self, offset: u64) {
        while let Some(piece) = self.pieces.front().filter(|piece| piece.at < offset) {
            self.held -= piece.bytes.len();
            self.pieces.pop_front();
        }
        if let Some(writer) = self.writer.take_if(|_| self.held <= WINDOW) {
            writer.wake();
        }
    }

    /// Lets go of what every reader has seen, where nothing is kept.
    fn drop_seen(&mut self) {
        if self.keeping != Keeping::Nothing {
            return;
        }
        let slowest = self.readers.iter().flatten().map(|reader| reader.offset).min().unwrap_or(u64::MAX);
        while self.pieces.front().is_some_and(|piece| piece.at + piece.bytes.len() as u64 <= slowest) {
            self.held -= self.pieces.pop_front().map_or(0, |piece| piece.bytes.len());
        }
        if let Some(writer) = self.writer.take_if(|_| self.held <= WINDOW) {
            writer.wake();
        }
    }
}

/// The writing end. Dropped without `finish`, it cuts the readers off.
#[derive(Debug)]
pub struct Feed {
    content: Arc<Arriving>,
}

/// What became of content once it was complete.
#[derive(Debug)]
pub enum Fed {
    /// All of it, to be stored.
    Kept(Body),
    /// It passed through.
    Passed,
}

impl Feed {
    /// Takes the next bytes. `false`: nobody is left who needs them, the feed may end here. Of a part, the chunk that has
    /// begun to arrive is worth its rest.
    pub async fn push(&mut self, mut bytes: Bytes) -> bool {
        if let Some(end) = self.content.end {
            let room = end.saturating_sub(self.progress().position);
            bytes.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        }
        // Of those who have read it all and left while its last chunk was being kept, it is kept nevertheless.
        let had_purpose = self.progress().has_purpose();
        while !bytes.is_empty() {
            let position = self.progress().position;
            let room = (CHUNK - position % CHUNK).min(bytes.len() as u64);
            self.progress().hold(bytes.split_to(room as usize));
            self.keep_up().await;
        }
        let mut progress = self.progress();
        progress.drop_seen();
        had_purpose || (self.content.end.is_some() && progress.is_inside_chunk())
    }

    /// Ready when the writer may go on: always while bytes are kept, else when the slowest reader is near enough or gone.
    pub async fn ready(&mut self) {
        poll_fn(|context| {
            let mut progress = self.content.progress.lock();
            if progress.keeping != Keeping::Nothing || progress.held <= WINDOW || !progress.has_readers() {
                return Poll::Ready(());
            }
            progress.writer = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The content is complete. A part that did not reach its end is `Cut` all the same.
    pub async fn finish(self) -> Fed {
        if self.content.end.is_some_and(|end| self.progress().position < end) {
            return Fed::Passed;
        }
        if self.progress().keeping == Keeping::Chunks && !self.progress().pieces.is_empty() {
            self.keep_chunk().await;
        }
        let mut progress = self.progress();
        progress.outcome = Some(Ok(()));
        progress.wake_readers();
        match (progress.keeping, &self.content.chunks) {
            (Keeping::Whole, _) => Fed::Kept(Body::Whole(whole(&progress))),
            (Keeping::Chunks, Some(chunks)) if self.content.end.is_none() => {
                Fed::Kept(Body::Chunked(Chunked { chunks: Arc::clone(chunks), length: progress.position }))
            }
            _ => Fed::Passed,
        }
    }

    /// Keeps the chunk that has just become complete, if one has.
    async fn keep_up(&mut self) {
        let is_full = {
            let mut progress = self.progress();
            if progress.keeping == Keeping::Whole && progress.held > LONGEST_WHOLE {
                progress.keeping = Keeping::Chunks;
            }
            progress.keeping == Keeping::Chunks && progress.position.is_multiple_of(CHUNK)
        };
        if is_full {
            self.keep_chunk().await;
        }
    }

    /// Keeps what is held as the chunk it lies in; where that fails, nothing is kept from now on.
    async fn keep_chunk(&self) {
        let Some(chunks) = &self.content.chunks else { return };
        let (at, pieces) = {
            let progress = self.progress();
            (progress.held_from(), progress.pieces.iter().map(|piece| piece.bytes.clone()).collect())
        };
        let kept = chunks.keep(chunks::index_of(at), pieces).await;
        let mut progress = self.progress();
        match kept {
            Ok(()) => {
                let position = progress.position;
                progress.drop_before(position);
            }
            Err(_) => progress.keeping = Keeping::Nothing,
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.content.progress.lock()
    }
}

fn whole(progress: &Progress) -> Bytes {
    let pieces: Vec<Bytes> = progress.pieces.iter().map(|piece| piece.bytes.clone()).collect();
    chunks::joined(&pieces, progress.held)
}

impl Drop for Feed {
    fn drop(&mut self) {
        let mut progress = self.progress();
        if progress.outcome.is_none() {
            progress.outcome = Some(Err(Cut));
            progress.wake_readers();
        }
    }
}

/// One viewer's place in content that arrives.
pub struct Reader {
    content: Arc<Arriving>,
    slot: usize,
    delivery: Delivery,
    /// A kept chunk that is being read from disk, and where it begins.
    reading: Option<(u64, Pending<Option<Bytes>>)>,
}

/// What a reader does next.
enum Turn {
    Give(Bytes),
    /// The byte there is kept already.
    FromChunk(u64),
    Wait,
    End(Option<Cut>),
}

impl Reader {
    /// The next bytes; `None` at the end; `Cut` when there is no proper end.
    pub fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        loop {
            if let Some((start, reading)) = &mut self.reading {
                let start = *start;
                let read = std::task::ready!(reading.as_mut().poll(context));
                self.reading = None;
                return Poll::Ready(Some(read.and_then(|chunk| self.take_from(&chunk, start)).ok_or(Cut)));
            }
            match self.turn(context) {
                Turn::Give(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Turn::End(cut) => return Poll::Ready(cut.map(Err)),
                Turn::Wait => return Poll::Pending,
                Turn::FromChunk(offset) => {
                    let index = chunks::index_of(offset);
                    let start = chunks::start_of(index);
                    match self.find(index) {
                        Chunk::Here(chunk) => {
                            return Poll::Ready(Some(self.take_from(&chunk, start).ok_or(Cut)));
                        }
                        Chunk::Unread(chunk) => self.reading = Some((start, chunk.read())),
                        // Evicted before it was read: the store is too small for what is asked of it.
                        Chunk::Missing => return Poll::Ready(Some(Err(Cut))),
                    }
                }
            }
        }
    }

    /// Ready once a byte can be read: `Err` when none will come.
    pub async fn ready(&mut self) -> Result<(), Cut> {
        poll_fn(|context| {
            let mut progress = self.content.progress.lock();
            let Some(Some(place)) = progress.readers.get_mut(self.slot) else { return Poll::Ready(Err(Cut)) };
            let offset = place.offset;
            place.waiting = Some(context.waker().clone());
            match progress.outcome {
                _ if offset < progress.position => Poll::Ready(Ok(())),
                Some(outcome) => Poll::Ready(outcome),
                None => Poll::Pending,
            }
        })
        .await
    }

    fn turn(&mut self, context: &Context<'_>) -> Turn {
        let mut guard = self.content.progress.lock();
        let progress = &mut *guard;
        let held_from = progress.held_from();
        let Some(Some(place)) = progress.readers.get(self.slot) else { return Turn::End(None) };
        let offset = place.offset;
        if let Some(bytes) = progress.held_at(offset) {
            progress.move_reader(self.slot, bytes.len());
            return Turn::Give(bytes);
        }
        if offset < held_from {
            return Turn::FromChunk(offset);
        }
        match progress.outcome {
            Some(outcome) => Turn::End(outcome.err()),
            None => {
                if let Some(Some(place)) = progress.readers.get_mut(self.slot) {
                    place.waiting = Some(context.waker().clone());
                }
                Turn::Wait
            }
        }
    }

    fn find(&self, index: u32) -> Chunk {
        match &self.content.chunks {
            Some(chunks) => chunks.find(index, self.delivery, self.content.begun),
            None => Chunk::Missing,
        }
    }

    /// What this reader has not seen of a chunk that begins at `start`.
    fn take_from(&mut self, chunk: &Bytes, start: u64) -> Option<Bytes> {
        let mut progress = self.content.progress.lock();
        let offset = progress.readers.get(self.slot)?.as_ref()?.offset;
        let skipped = usize::try_from(offset.checked_sub(start)?).ok()?;
        let bytes = (skipped < chunk.len()).then(|| chunk.slice(skipped..))?;
        progress.move_reader(self.slot, bytes.len());
        Some(bytes)
    }

    /// Passes over what lies before `offset`; a place already passed is not gone back to.
    pub fn skip_to(&mut self, offset: u64) {
        let mut progress = self.content.progress.lock();
        if let Some(Some(place)) = progress.readers.get_mut(self.slot) {
            place.offset = place.offset.max(offset);
        }
        progress.drop_seen();
    }

    /// Leaves without reading: the viewer needs no content, but the response is to be stored for others.
    pub fn leave_to_store(self) {
        self.content.progress.lock().is_wanted = true;
    }
}

impl Progress {
    fn move_reader(&mut self, slot: usize, by: usize) {
        if let Some(Some(place)) = self.readers.get_mut(slot) {
            place.offset += by as u64;
        }
        self.drop_seen();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut progress = self.content.progress.lock();
        if let Some(reader) = progress.readers.get_mut(self.slot) {
            *reader = None;
        }
        progress.drop_seen();
        if let Some(writer) = progress.writer.take() {
            writer.wake();
        }
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reader").field("slot", &self.slot).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
