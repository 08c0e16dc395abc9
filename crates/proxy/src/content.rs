//! The content of a response on its way to the viewer, and the end of the exchange.
//!
//! Holds the exchange until the last byte is handed to the connection or the viewer goes away, counts the bytes, and
//! notes how it ended; dropping it writes the log record.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use edgeward_cache::Reader;
use edgeward_http_rules::hop_by_hop;
use edgeward_net::origin::{Http2Body, OriginBody, OriginError};
use http_body::{Body, Frame, SizeHint};

use crate::exchange::Exchange;
use crate::outcome::Detail;
use crate::segments::{Next, Segments};
use crate::stored_content::StoredContent;

/// Where the bytes come from. Small, since every hit moves one: what is larger is boxed.
pub(crate) enum Source {
    Empty,
    /// A stored response of one piece.
    Whole(Bytes),
    /// A stored response in chunks, or ranges of one.
    Stored(Box<StoredContent>),
    /// A response that is being stored as it arrives.
    Filling(Box<ArrivingContent>),
    /// The origin, with nothing in between.
    Origin(Box<OriginBody>),
    /// The same over HTTP/2, with trailers.
    Streamed(Box<Http2Body>),
}

/// A response that is being received, or the ranges of it that one viewer asked for.
pub(crate) struct ArrivingContent {
    reader: Reader,
    /// `None`: to the end, wherever it is.
    segments: Option<Segments>,
}

impl ArrivingContent {
    pub(crate) fn new(reader: Reader, segments: Option<Segments>) -> ArrivingContent {
        ArrivingContent { reader, segments }
    }

    fn left(&self) -> Option<u64> {
        self.segments.as_ref().map(Segments::left)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ContentError>>> {
        let Some(segments) = &mut self.segments else {
            let piece = std::task::ready!(self.reader.poll_piece(context));
            return Poll::Ready(piece.map(|piece| piece.map_err(|_| ContentError::Cut)));
        };
        let Some(next) = segments.next() else { return Poll::Ready(None) };
        let (at, end) = match next {
            Next::Text(text) => return Poll::Ready(Some(Ok(text))),
            Next::Content { at, end } => (at, end),
        };
        self.reader.skip_to(at);
        match std::task::ready!(self.reader.poll_piece(context)) {
            Some(Ok(piece)) => Poll::Ready(Some(Ok(segments.take(piece, at, end)))),
            // Fewer bytes than the origin's Content-Length promised: the viewer must not take it for the end.
            Some(Err(_)) | None => Poll::Ready(Some(Err(ContentError::Cut))),
        }
    }
}

/// Why content ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    /// The origin broke off, or a part that is missing cannot be had any more.
    #[error("the content ended early")]
    Cut,
    /// The origin gave up its stream, and so does the edge: hyper looks for the code in here.
    #[error("the origin gave up")]
    Reset(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<&OriginError> for ContentError {
    fn from(error: &OriginError) -> ContentError {
        error.as_viewer_reset().map_or(ContentError::Cut, ContentError::Reset)
    }
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

    /// The exchange, which does not end with this content.
    pub(crate) fn release(&mut self) -> Option<Box<Exchange>> {
        self.exchange.take()
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
            Source::Stored(content) => content.left() == 0,
            Source::Filling(content) => content.left() == Some(0),
            Source::Origin(body) => body.is_end_stream(),
            Source::Streamed(body) => body.is_end_stream(),
        }
    }

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ContentError>>> {
        if let Source::Streamed(body) = &mut self.source {
            return poll_streamed(body, context);
        }
        self.poll_data(context).map_ok(Frame::data)
    }

    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ContentError>>> {
        match &mut self.source {
            Source::Empty | Source::Streamed(_) => Poll::Ready(None),
            Source::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.source = Source::Empty;
                Poll::Ready(Some(Ok(bytes)))
            }
            Source::Stored(content) => match &self.exchange {
                Some(exchange) => content.poll(exchange, context),
                None => Poll::Ready(None),
            },
            Source::Filling(content) => content.poll(context),
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
            Some(Ok(frame)) => {
                self.note(frame.data_ref().map_or(0, Bytes::len));
                if self.is_complete() {
                    self.end(None);
                }
                Poll::Ready(Some(Ok(frame)))
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
            Source::Stored(content) => SizeHint::with_exact(content.left()),
            Source::Filling(content) => content.left().map_or_else(SizeHint::default, SizeHint::with_exact),
            Source::Origin(body) => body.size_hint(),
            Source::Streamed(body) => body.size_hint(),
        }
    }
}

/// Trailers lose what concerns the connection to the origin, as every section does.
fn poll_streamed(body: &mut Http2Body, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ContentError>>> {
    let frame = std::task::ready!(Pin::new(body).poll_frame(context));
    Poll::Ready(frame.map(|frame| match frame.map_err(|error| ContentError::from(&error))?.into_trailers() {
        Ok(mut trailers) => {
            hop_by_hop::strip(&mut trailers);
            Ok(Frame::trailers(trailers))
        }
        Err(frame) => Ok(frame),
    }))
}

impl Drop for ResponseContent {
    fn drop(&mut self) {
        let detail = if self.is_complete() { None } else { Some(Detail::ClientCommError) };
        self.end(detail);
    }
}
