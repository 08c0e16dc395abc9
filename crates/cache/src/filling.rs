//! A response while it arrives: one origin connection writes, any number of viewers read from the start.
//!
//! The writer keeps every piece so that a reader may join late, and then hands them over to be stored. When the content
//! turns out larger than the store takes, it keeps only what the slowest reader has not seen yet and waits for it, so
//! that a file of any size passes through a bounded window. A response that ends before its end is `Cut` for every
//! reader and never stored.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::stored::{Body, Freshness, ResponseHead};

/// How far the writer may be ahead of the slowest reader once nothing is stored.
const WINDOW: usize = 1024 * 1024;

/// The origin ended the content early; what was sent is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

/// A response that is being received.
#[derive(Debug)]
pub struct Filling {
    /// Status and header fields.
    pub head: ResponseHead,
    /// As it will be stored.
    pub freshness: Freshness,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    pieces: VecDeque<Bytes>,
    /// Number of pieces dropped from the front.
    dropped: usize,
    /// Sum of the lengths in `pieces`.
    held: usize,
    /// Content larger than this is not stored.
    largest: usize,
    keeps_all: bool,
    /// To be stored even if nobody reads it to the end.
    is_wanted: bool,
    end: Option<Result<(), Cut>>,
    /// One slot a reader; `None` is free.
    readers: Vec<Option<Position>>,
    writer: Option<Waker>,
}

#[derive(Debug)]
struct Position {
    next_piece: usize,
    waiting: Option<Waker>,
}

impl Filling {
    /// A response of which only the head is known. Content beyond `largest` bytes will not be stored.
    pub fn begin(head: ResponseHead, freshness: Freshness, largest: usize) -> (Arc<Filling>, Fill) {
        let progress = Progress {
            pieces: VecDeque::new(),
            dropped: 0,
            held: 0,
            largest,
            keeps_all: true,
            is_wanted: false,
            end: None,
            readers: Vec::new(),
            writer: None,
        };
        let filling = Arc::new(Filling { head, freshness, progress: Mutex::new(progress) });
        (Arc::clone(&filling), Fill { filling })
    }

    /// A reader from the start, or `None` when the start is gone.
    pub fn reader(self: &Arc<Filling>) -> Option<Reader> {
        let mut progress = self.progress.lock();
        if progress.dropped > 0 {
            return None;
        }
        let position = Position { next_piece: 0, waiting: None };
        let free = progress.readers.iter().position(Option::is_none);
        let slot = free.unwrap_or(progress.readers.len());
        match progress.readers.get_mut(slot) {
            Some(reader) => *reader = Some(position),
            None => progress.readers.push(Some(position)),
        }
        Some(Reader { filling: Arc::clone(self), slot })
    }
}

impl Progress {
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
        self.has_readers() || (self.is_wanted && self.keeps_all)
    }

    /// Lets go of what every reader has seen.
    fn drop_seen(&mut self) {
        let slowest = self.readers.iter().flatten().map(|reader| reader.next_piece).min().unwrap_or(usize::MAX);
        while self.dropped < slowest {
            let Some(seen) = self.pieces.pop_front() else { break };
            self.held -= seen.len();
            self.dropped += 1;
        }
        if let Some(writer) = self.writer.take_if(|_| self.held <= WINDOW) {
            writer.wake();
        }
    }
}

/// The writing end of a `Filling`. Dropped without `finish`, it cuts the readers off.
#[derive(Debug)]
pub struct Fill {
    filling: Arc<Filling>,
}

/// What became of a response once its content was complete.
#[derive(Debug)]
pub enum Filled {
    /// All of it, to be stored.
    Whole(Body),
    /// Larger than the store takes: it passed through.
    TooLarge,
}

impl Fill {
    /// Takes the next piece of content. `false`: nobody is left who needs it, the fill may end here.
    pub fn push(&mut self, piece: Bytes) -> bool {
        let mut progress = self.filling.progress.lock();
        progress.held += piece.len();
        progress.pieces.push_back(piece);
        progress.wake_readers();
        if progress.held > progress.largest {
            progress.keeps_all = false;
        }
        if !progress.keeps_all {
            progress.drop_seen();
        }
        progress.has_purpose()
    }

    /// Ready when the writer may go on: always while everything is kept, else when the slowest reader is near enough or
    /// gone.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut progress = self.filling.progress.lock();
        if progress.keeps_all || progress.held <= WINDOW || !progress.has_readers() {
            return Poll::Ready(());
        }
        progress.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// The content is complete.
    pub fn finish(self) -> Filled {
        let mut progress = self.filling.progress.lock();
        progress.end = Some(Ok(()));
        progress.wake_readers();
        if !progress.keeps_all {
            return Filled::TooLarge;
        }
        let pieces: Vec<Bytes> = progress.pieces.iter().cloned().collect();
        drop(progress);
        Filled::Whole(Body::from_pieces(pieces))
    }
}

impl Drop for Fill {
    fn drop(&mut self) {
        let mut progress = self.filling.progress.lock();
        if progress.end.is_none() {
            progress.end = Some(Err(Cut));
            progress.wake_readers();
        }
    }
}

/// One viewer's place in a response that arrives.
#[derive(Debug)]
pub struct Reader {
    filling: Arc<Filling>,
    slot: usize,
}

impl Reader {
    /// The next piece; `None` at the end; `Cut` when there is no proper end.
    pub fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        let mut guard = self.filling.progress.lock();
        let progress = &mut *guard;
        let Some(Some(position)) = progress.readers.get_mut(self.slot) else { return Poll::Ready(None) };
        if let Some(piece) = progress.pieces.get(position.next_piece - progress.dropped) {
            let piece = piece.clone();
            position.next_piece += 1;
            if !progress.keeps_all {
                progress.drop_seen();
            }
            return Poll::Ready(Some(Ok(piece)));
        }
        match progress.end {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(cut)) => Poll::Ready(Some(Err(cut))),
            None => {
                position.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Leaves without reading: the viewer needs no content, but the response is to be stored for others.
    pub fn leave_to_store(self) {
        self.filling.progress.lock().is_wanted = true;
    }

    /// The response it reads.
    pub fn filling(&self) -> &Arc<Filling> {
        &self.filling
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut progress = self.filling.progress.lock();
        if let Some(reader) = progress.readers.get_mut(self.slot) {
            *reader = None;
        }
        if !progress.keeps_all {
            progress.drop_seen();
        }
        if let Some(writer) = progress.writer.take_if(|_| true) {
            writer.wake();
        }
    }
}

#[cfg(test)]
mod tests;
