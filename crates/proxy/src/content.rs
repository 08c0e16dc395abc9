//! The content of a response on its way to the viewer, and the end of the exchange.
//!
//! Holds the exchange until the last byte is handed to the connection or the viewer goes away, counts the bytes, and
//! notes how it ended; dropping it writes the log record.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use edgeward_cache::Reader;
use edgeward_net::origin::OriginBody;
use http_body::{Body, Frame, SizeHint};

use crate::exchange::Exchange;
use crate::outcome::Detail;

/// Where the bytes come from. Small, since every hit moves one: what is larger is boxed.
pub(crate) enum Source {
    Empty,
    /// A stored response of one piece.
    Whole(Bytes),
    /// A stored response, or a part of it, in pieces.
    Pieces(Box<Pieces>),
    /// A response that is being stored as it arrives.
    Filling(Box<Window>),
    /// The origin, with nothing in between.
    Origin(Box<OriginBody>),
}

/// Pieces of a stored response.
pub(crate) struct Pieces {
    rest: std::vec::IntoIter<Bytes>,
    /// Bytes still to be sent.
    left: u64,
}

impl Pieces {
    pub(crate) fn new(pieces: Vec<Bytes>) -> Pieces {
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        Pieces { rest: pieces.into_iter(), left }
    }

    fn next(&mut self) -> Option<Bytes> {
        let piece = self.rest.next()?;
        self.left -= piece.len() as u64;
        Some(piece)
    }
}

/// The part of an arriving response that one viewer asked for.
pub(crate) struct Window {
    reader: Reader,
    /// Bytes still to be passed over.
    skip: u64,
    /// Bytes still to be sent; `None`: to the end, wherever it is.
    left: Option<u64>,
}

impl Window {
    pub(crate) fn new(reader: Reader, skip: u64, length: Option<u64>) -> Window {
        Window { reader, skip, left: length }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ContentError>>> {
        loop {
            if self.left == Some(0) {
                return Poll::Ready(None);
            }
            let Some(piece) = std::task::ready!(self.reader.poll_piece(context)) else {
                // Fewer bytes than the origin's Content-Length promised: the viewer must not take it for the end.
                return Poll::Ready(self.left.map(|_| Err(ContentError::Cut)));
            };
            match piece.map(|piece| self.cut(piece)) {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Poll::Ready(Some(Ok(piece))),
                Err(_) => return Poll::Ready(Some(Err(ContentError::Cut))),
            }
        }
    }

    fn cut(&mut self, mut piece: Bytes) -> Bytes {
        let skipped = self.skip.min(piece.len() as u64);
        self.skip -= skipped;
        let _passed_over = piece.split_to(skipped as usize);
        if let Some(left) = &mut self.left {
            piece.truncate((*left).min(piece.len() as u64) as usize);
            *left -= piece.len() as u64;
        }
        piece
    }
}

/// Why content ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    /// The origin broke off.
    #[error("the origin ended the content early")]
    Cut,
}

/// The content of a response.
pub(crate) struct ResponseContent {
    source: Source,
    exchange: Option<Box<Exchange>>,
}

impl ResponseContent {
    pub(crate) fn new(source: Source, exchange: Box<Exchange>) -> ResponseContent {
        let source = match source {
            Source::Whole(bytes) if bytes.is_empty() => Source::Empty,
            source => source,
        };
        ResponseContent { source, exchange: Some(exchange) }
    }

    /// Says what lies behind the result.
    pub(crate) fn set_detail(&mut self, detail: Detail) {
        if let Some(outcome) = self.exchange.as_mut().and_then(|exchange| exchange.outcome.as_mut()) {
            outcome.detail = detail;
        }
    }

    fn note(&mut self, bytes: usize) {
        if let Some(outcome) = self.exchange.as_mut().and_then(|exchange| exchange.outcome.as_mut()) {
            outcome.content_bytes += bytes as u64;
        }
    }

    fn end(&mut self, detail: Option<Detail>) {
        if let Some(detail) = detail {
            self.set_detail(detail);
        }
        // Dropping the exchange writes its record.
        self.exchange = None;
    }

    fn is_complete(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            Source::Whole(_) => false,
            Source::Pieces(pieces) => pieces.left == 0,
            Source::Filling(window) => window.left == Some(0),
            Source::Origin(body) => body.is_end_stream(),
        }
    }

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ContentError>>> {
        match &mut self.source {
            Source::Empty => Poll::Ready(None),
            Source::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.source = Source::Empty;
                Poll::Ready(Some(Ok(bytes)))
            }
            Source::Pieces(pieces) => Poll::Ready(pieces.next().map(Ok)),
            Source::Filling(window) => window.poll(context),
            Source::Origin(body) => loop {
                match std::task::ready!(Pin::new(body.as_mut()).poll_frame(context)) {
                    None => return Poll::Ready(None),
                    Some(Err(_)) => return Poll::Ready(Some(Err(ContentError::Cut))),
                    // Trailers are not forwarded.
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => return Poll::Ready(Some(Ok(data))),
                        Err(_trailers) => {}
                    },
                }
            },
        }
    }
}

impl Body for ResponseContent {
    type Data = Bytes;
    type Error = ContentError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ContentError>>> {
        match std::task::ready!(self.poll_source(context)) {
            Some(Ok(bytes)) => {
                self.note(bytes.len());
                if self.is_complete() {
                    self.end(None);
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(Err(error)) => {
                self.end(Some(Detail::AbortedOrigin));
                Poll::Ready(Some(Err(error)))
            }
            None => {
                self.end(None);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_complete()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Pieces(pieces) => SizeHint::with_exact(pieces.left),
            Source::Filling(window) => window.left.map_or_else(SizeHint::default, SizeHint::with_exact),
            Source::Origin(body) => body.size_hint(),
        }
    }
}

impl Drop for ResponseContent {
    fn drop(&mut self) {
        let detail = if self.is_complete() { None } else { Some(Detail::ClientCommError) };
        self.end(detail);
    }
}
