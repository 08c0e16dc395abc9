//! The content and trailers of a response over HTTP/2, while the request's content goes the other way.
//!
//! Invariant: it ends with `None` only when the origin has ended its stream; anything else is an error. Room for more is
//! made as the viewer takes what is here. The response timeout runs while somebody waits for a frame and nothing moves in
//! either direction, so that neither a slow viewer nor a long upload makes its origin look dead. Dropping it resets the
//! stream (CANCEL), unless both sides have ended.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use http_body::{Body, Frame};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep};

use super::super::admission::Place;
use super::super::{OriginError, OriginTimeouts};
use super::connection::OpenStream;
use super::exchange::{classify, reason_of};
use super::upload::Upload;

/// Streams an origin's content, then its trailers.
#[derive(Debug)]
pub struct Http2Body {
    content: RecvStream,
    progress: Progress,
    silence: Silence,
    /// All end with the body.
    _sending: Sending,
    _stream: OpenStream,
    _place: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Content,
    Trailers,
    Ended,
}

/// The other direction; stops when dropped.
#[derive(Debug)]
pub(super) struct Sending(JoinHandle<()>);

impl Sending {
    pub(super) fn spawn(mut upload: Upload, mut stream: SendStream<Bytes>) -> Self {
        Self(tokio::spawn(async move {
            if let Err(broken) = poll_fn(|cx| upload.poll(cx, &mut stream)).await {
                stream.send_reset(reason_of(&broken));
            }
        }))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How long nothing has moved while somebody waits, and until when everything has to be over.
#[derive(Debug)]
pub(super) struct Silence {
    limit: Duration,
    complete_by: Option<Instant>,
    /// Of the other direction.
    moves: Arc<AtomicU64>,
    seen: u64,
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl Silence {
    /// `moves`: what counts those of the other direction.
    pub(super) fn new(moves: Arc<AtomicU64>, timeouts: &OriginTimeouts) -> Self {
        let OriginTimeouts { response: limit, complete_by, .. } = *timeouts;
        Self { limit, complete_by, moves, seen: 0, timer: None, is_waiting: false }
    }

    /// Ready once nothing has moved for the limit, or the time is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<OriginError> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        loop {
            let moves = self.moves.load(Ordering::Relaxed);
            if !self.is_waiting || moves != self.seen {
                (self.is_waiting, self.seen) = (true, moves);
                let late = Instant::now() + self.limit;
                timer.as_mut().reset(self.complete_by.map_or(late, |complete_by| complete_by.min(late)));
            }
            ready!(timer.as_mut().poll(cx));
            if self.complete_by.is_some_and(|complete_by| complete_by <= Instant::now()) {
                return Poll::Ready(OriginError::CompletionTimeout);
            }
            if self.moves.load(Ordering::Relaxed) == self.seen {
                return Poll::Ready(OriginError::ResponseTimeout);
            }
        }
    }
}

impl Http2Body {
    pub(super) fn new(content: RecvStream, sending: Sending, stream: OpenStream, silence: Silence) -> Self {
        Self { content, progress: Progress::Content, silence, _sending: sending, _stream: stream, _place: None }
    }

    /// Gives up `place` when it is dropped.
    pub(in super::super) fn holding(self, place: Place) -> Self {
        Self { _place: Some(place), ..self }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        if self.progress == Progress::Content {
            if let Some(data) = ready!(self.content.poll_data(cx)).transpose()? {
                // An error: the stream is closed, and with it its window.
                let _closed = self.content.flow_control().release_capacity(data.len());
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            self.progress = Progress::Trailers;
        }
        if self.progress == Progress::Trailers {
            let trailers = ready!(self.content.poll_trailers(cx))?;
            self.progress = Progress::Ended;
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        }
        Poll::Ready(None)
    }
}

impl Body for Http2Body {
    type Data = Bytes;
    type Error = OriginError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, OriginError>>> {
        match self.poll_next(cx) {
            Poll::Pending => self.silence.poll(cx).map(|late| {
                self.progress = Progress::Ended;
                Some(Err(late))
            }),
            Poll::Ready(frame) => {
                self.silence.is_waiting = false;
                if matches!(frame, Some(Err(_))) {
                    self.progress = Progress::Ended;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|error| classify(&error))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.progress == Progress::Ended || self.content.is_end_stream()
    }
}
