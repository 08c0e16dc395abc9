//! The viewer's content on its way to an origin: counted, its beginning awaited, and cut off where the viewer sends too
//! slowly.
//!
//! Invariant: only time in which the viewer is waited for counts; an origin that reads slowly does not make its viewer
//! look slow. Made by `origin_exchange`.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use edgeward_net::{RequestContent, RequestContentError};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::held_content::{HeldContent, HoldingRoom};

/// How much of a viewer's content has come; shared by the exchange and the content.
#[derive(Debug, Default)]
pub(crate) struct ContentReceived {
    bytes: Arc<AtomicU64>,
    is_too_slow: AtomicBool,
}

impl ContentReceived {
    /// Of a tunnel, which counts by itself and may be as slow as it likes.
    pub(crate) fn counted_by(bytes: Arc<AtomicU64>) -> ContentReceived {
        ContentReceived { bytes, is_too_slow: AtomicBool::new(false) }
    }

    /// So many more have come.
    pub(crate) fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether it was cut off for its rate.
    pub(crate) fn is_too_slow(&self) -> bool {
        self.is_too_slow.load(Ordering::Relaxed)
    }
}

/// How fast viewers must send content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContentPace {
    /// Waiting that every viewer is granted.
    pub(crate) grace: Duration,
    /// Bytes that grant one second more.
    pub(crate) least_rate: u64,
}

impl ContentPace {
    /// How long a viewer that has sent `bytes` may have been waited for altogether.
    fn granted(self, bytes: u64) -> Duration {
        let milliseconds = bytes.saturating_mul(1000) / self.least_rate.max(1);
        self.grace.saturating_add(Duration::from_millis(milliseconds))
    }
}

/// Why a viewer's content ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentFailure {
    /// It broke off, or is not what its framing says.
    #[error(transparent)]
    Broken(#[from] RequestContentError),
    /// It came more slowly than `ContentPace` allows.
    #[error("the viewer sends its content too slowly")]
    TooSlow,
}

/// The content of a request.
pub(crate) struct ViewerContent {
    incoming: Option<RequestContent>,
    received: Option<Arc<ContentReceived>>,
    pace: ContentPace,
    /// Comes before what is `incoming`.
    held: Option<HeldContent>,
    waited: Duration,
    /// Since when the viewer is being waited for.
    waiting_since: Option<Instant>,
    /// Fires at the deadline or before: deadlines only move on, so that a viewer who sends its content in drops does not have
    /// a timer set for each.
    timer: Option<Pin<Box<Sleep>>>,
}

impl ViewerContent {
    pub(crate) fn new(
        incoming: Option<RequestContent>,
        received: Option<Arc<ContentReceived>>,
        pace: ContentPace,
    ) -> ViewerContent {
        let incoming = incoming.filter(|incoming| !incoming.is_end_stream());
        ViewerContent { incoming, received, pace, held: None, waited: Duration::ZERO, waiting_since: None, timer: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.incoming.is_none()
    }

    /// Waits for as much as is to be held of it; the rest follows as it comes.
    ///
    /// # Errors
    /// It ends early.
    pub(crate) async fn hold(&mut self, room: &Arc<HoldingRoom>) -> Result<(), ContentFailure> {
        let awaited = room.awaited(self.size_hint().exact());
        if awaited == 0 {
            return Ok(());
        }
        let mut held = HeldContent::new(Arc::clone(room));
        while held.len() < awaited
            && let Some(piece) = poll_fn(|context| self.poll_incoming(context)).await
        {
            if !held.push(&piece?) {
                break;
            }
        }
        self.held = Some(held);
        Ok(())
    }

    fn poll_incoming(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ContentFailure>>> {
        loop {
            let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
            let Poll::Ready(polled) = Pin::new(incoming).poll_frame(context) else {
                return self.poll_patience(context).map(|failure| Some(Err(failure)));
            };
            if let Some(since) = self.waiting_since.take() {
                self.waited += since.elapsed();
            }
            let frame = match polled {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => frame,
            };
            // Trailers are not forwarded.
            let Ok(data) = frame.into_data() else { continue };
            if let Some(received) = &self.received {
                received.count(data.len());
            }
            return Poll::Ready(Some(Ok(data)));
        }
    }

    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<ContentFailure> {
        let bytes = self.received.as_ref().map_or(0, |received| received.bytes());
        let left = self.pace.granted(bytes).saturating_sub(self.waited);
        let deadline = *self.waiting_since.get_or_insert_with(Instant::now) + left;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            ready!(timer.as_mut().poll(context));
            if timer.deadline() >= deadline {
                break;
            }
            timer.as_mut().reset(deadline);
        }
        if let Some(received) = &self.received {
            received.is_too_slow.store(true, Ordering::Relaxed);
        }
        self.incoming = None;
        Poll::Ready(ContentFailure::TooSlow)
    }
}

impl Body for ViewerContent {
    type Data = Bytes;
    type Error = ContentFailure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ContentFailure>>> {
        match self.held.take() {
            Some(held) => Poll::Ready(Some(Ok(Frame::data(held.into_bytes())))),
            None => self.poll_incoming(context).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, HeldContent::len) as u64;
        let mut hint = self.incoming.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint);
        // Only content of known length is held.
        if let Some(length) = hint.exact() {
            hint.set_exact(length.saturating_add(held));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_come_grants_more_time() {
        let pace = ContentPace { grace: Duration::from_secs(20), least_rate: 500 };
        for (bytes, seconds) in [(0, 20.0), (250, 20.5), (500, 21.0), (500_000, 1020.0)] {
            assert_eq!(pace.granted(bytes), Duration::from_secs_f64(seconds), "{bytes}");
        }
    }
}
