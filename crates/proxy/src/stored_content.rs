//! The content of a stored response on its way to a viewer, chunk by chunk.
//!
//! A chunk that is there goes out as it lies, one that arrives is read along, one that is missing is fetched for all who
//! miss it. Invariant: what is sent under one head comes from chunks of one representation; where that cannot be had any
//! more, the content is cut and the viewer sees it. Held by `content`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use edgeward_cache::{Chunk, Chunked, Delivery, Pending, Reader, StoredResponse, index_of, start_of};

use crate::content::ContentError;
use crate::exchange::Exchange;
use crate::segments::{Next, Segments};
use crate::stages::part_fetch::{self, PartFailure, PartSource};

/// A part is asked for this often in a row without a byte coming of it.
const ATTEMPTS: u8 = 3;

/// A stored response, or ranges of it, that is being sent.
pub(crate) struct StoredContent {
    stored: Arc<StoredResponse>,
    content: Chunked,
    segments: Segments,
    state: State,
    /// Parts that were asked for since the last byte came.
    asked: u8,
}

enum State {
    /// To look for the next byte.
    Looking,
    /// To send what is left of a chunk that begins at the position.
    Sending(u64, Bytes),
    /// The chunk that begins at the position is being read from disk.
    Reading(u64, Pending<Option<Bytes>>),
    /// The bytes are arriving.
    Following(Reader),
    /// The part is being asked for.
    Fetching(Fetching),
}

type Fetching = Pin<Box<dyn Future<Output = Result<PartSource, PartFailure>> + Send>>;

type Piece = Option<Result<Bytes, ContentError>>;

impl StoredContent {
    /// `reader` is at the place of the first byte, if that is still arriving.
    pub(crate) fn new(
        stored: Arc<StoredResponse>,
        content: Chunked,
        segments: Segments,
        reader: Option<Reader>,
    ) -> StoredContent {
        let state = reader.map_or(State::Looking, State::Following);
        StoredContent { stored, content, segments, state, asked: 0 }
    }

    /// Bytes still to be sent.
    pub(crate) fn left(&self) -> u64 {
        self.segments.left()
    }

    /// The next bytes for the viewer of `exchange`.
    pub(crate) fn poll(&mut self, exchange: &Exchange, context: &mut Context<'_>) -> Poll<Piece> {
        loop {
            let Some(next) = self.segments.next() else { return Poll::Ready(None) };
            let (at, end) = match next {
                Next::Text(text) => return Poll::Ready(Some(Ok(text))),
                Next::Content { at, end } => (at, end),
            };
            match &mut self.state {
                State::Looking => self.state = self.look(exchange, at, end),
                State::Sending(start, chunk) => match part_of(chunk, *start, at) {
                    Some(piece) => {
                        self.asked = 0;
                        return Poll::Ready(Some(Ok(self.segments.take(piece, at, end))));
                    }
                    None => self.state = State::Looking,
                },
                State::Reading(start, reading) => {
                    let (start, read) = (*start, ready!(reading.as_mut().poll(context)));
                    // What cannot be read counts as missing, and is fetched.
                    self.state = read.map_or(State::Looking, |chunk| State::Sending(start, chunk));
                }
                State::Following(reader) => {
                    reader.skip_to(at);
                    match ready!(reader.poll_piece(context)) {
                        Some(Ok(piece)) => {
                            self.asked = 0;
                            return Poll::Ready(Some(Ok(self.segments.take(piece, at, end))));
                        }
                        // The part ends here, or breaks off: what is missing is asked for.
                        Some(Err(_)) | None => self.state = State::Looking,
                    }
                }
                State::Fetching(fetching) => match ready!(fetching.as_mut().poll(context)) {
                    Ok(source) if self.asked < ATTEMPTS => {
                        self.asked += 1;
                        self.state = source.reader().map_or(State::Looking, State::Following);
                    }
                    _ => return Poll::Ready(Some(Err(ContentError::Cut))),
                },
            }
        }
    }

    fn look(&self, exchange: &Exchange, at: u64, end: u64) -> State {
        let (index, delivery) = (index_of(at), delivery(exchange));
        match self.content.chunks.find(index, delivery, exchange.now()) {
            Chunk::Here(chunk) => State::Sending(start_of(index), chunk),
            Chunk::Unread(chunk) => State::Reading(start_of(index), chunk.read()),
            Chunk::Missing => {
                let cache = &exchange.worker.engine.cache;
                match cache.part_reader(self.content.chunks.id(), at, delivery) {
                    Some(reader) => State::Following(reader),
                    None => self.fetch(exchange, at, end),
                }
            }
        }
    }

    fn fetch(&self, exchange: &Exchange, at: u64, end: u64) -> State {
        let (errand, stored, content) = (exchange.errand(), Arc::clone(&self.stored), self.content.clone());
        let fetching = async move { part_fetch::obtain(&errand, &stored, &content, (at, end)).await };
        State::Fetching(Box::pin(fetching))
    }
}

/// The bytes of a chunk from position `at` of the content on.
fn part_of(chunk: &Bytes, start: u64, at: u64) -> Option<Bytes> {
    let skipped = usize::try_from(at.checked_sub(start)?).ok()?;
    (skipped < chunk.len()).then(|| chunk.slice(skipped..))
}

/// How content reaches the viewer of `exchange`.
pub(crate) fn delivery(exchange: &Exchange) -> Delivery {
    if exchange.is_https() { Delivery::Encrypted } else { Delivery::Clear }
}
