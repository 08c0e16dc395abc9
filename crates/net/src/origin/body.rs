//! The content of an origin's response.
//!
//! Invariant: it ends with `None` only when it is complete as its framing says; anything else is an error, so that a
//! truncated response can never be taken for a whole one. The response timeout runs only while somebody waits for a
//! frame, so a slow viewer does not make its origin look slow.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::exchange::io_error;
use super::pool::Lease;
use super::{OriginError, OriginTimeouts};

/// Streams an origin's content; gives its connection back to the pool at the end.
#[derive(Debug)]
pub struct OriginBody {
    content: Incoming,
    lease: Option<Lease>,
    response_timeout: Duration,
    complete_by: Option<Instant>,
    /// Made at the first wait: content that is already there needs none.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl OriginBody {
    pub(super) fn new(content: Incoming, lease: Lease, timeouts: &OriginTimeouts) -> Self {
        let OriginTimeouts { response: response_timeout, complete_by, .. } = *timeouts;
        let lease = Some(lease);
        let mut body = Self { content, lease, response_timeout, complete_by, timer: None, is_waiting: false };
        body.give_back_at_end();
        body
    }

    /// Reads what is left where that is little, so that the connection can serve again; else closes it.
    pub async fn discard(mut self) {
        let mut left = WORTH_READING;
        let reading = async {
            while self.size_hint().lower() <= left
                && let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await
            {
                left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
            }
        };
        // Whatever it ended with: only content that was read whole has given its connection back.
        let _elapsed = timeout(PATIENCE, reading).await;
    }

    fn give_back_at_end(&mut self) {
        if self.content.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }

    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.response_timeout)));
        if !self.is_waiting {
            let late = Instant::now() + self.response_timeout;
            timer.as_mut().reset(self.complete_by.map_or(late, |complete_by| complete_by.min(late)));
            self.is_waiting = true;
        }
        timer.as_mut().poll(cx)
    }

    /// Closes the connection: nothing more can come of it.
    fn fail(&mut self, error: OriginError) -> Poll<Option<Result<Frame<Bytes>, OriginError>>> {
        self.lease = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for OriginBody {
    type Data = Bytes;
    type Error = OriginError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, OriginError>>> {
        match Pin::new(&mut self.content).poll_frame(cx) {
            Poll::Pending if self.poll_timeout(cx).is_ready() => {
                let is_last = self.complete_by.is_some_and(|complete_by| complete_by <= Instant::now());
                self.fail(if is_last { OriginError::CompletionTimeout } else { OriginError::ResponseTimeout })
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Err(error))) => self.fail(classify(&error)),
            Poll::Ready(Some(Ok(frame))) => {
                self.is_waiting = false;
                self.give_back_at_end();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                if let Some(lease) = self.lease.take() {
                    lease.give_back();
                }
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

fn classify(error: &hyper::Error) -> OriginError {
    let kind = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::UnexpectedEof) => OriginError::Truncated,
        // hyper's chunk decoder reports malformed chunks so.
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            OriginError::InvalidResponse(error.to_string().into())
        }
        _ => OriginError::Read(io_error(error)),
    }
}

/// Bytes that are cheaper to read than a new connection is to make.
const WORTH_READING: u64 = 64 * 1024;
/// How long to read what nobody wants.
const PATIENCE: Duration = Duration::from_secs(1);
