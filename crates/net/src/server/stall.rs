//! Notices HTTP/2 streams whose viewer makes no room for their content.
//!
//! Flow control lets a viewer take one response and leave another; only hyper and h2 know which waits for room. It shows
//! all the same: hyper asks a body for more as soon as there is room, so a body that has handed something over and is not
//! asked again waits for its viewer, and one that was asked and had nothing waits for its origin.
//!
//! Invariant: a stream that waits for its origin is never taken for one that waits for its viewer. `service` notes what
//! happens within a turn of a stream's task, `executor` draws the conclusion at its end.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::ViewerLimits;

/// What became of the last poll of a response body in this turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It was not polled.
    Not,
    /// It had nothing, or is over.
    Nothing,
    /// It handed over so many bytes.
    Handed(usize),
}

thread_local! {
    /// Of the stream whose task has its turn on this worker.
    static LAST: Cell<Asked> = const { Cell::new(Asked::Not) };
}

/// Notes a poll of a body.
pub(super) fn note(asked: Asked) {
    LAST.set(asked);
}

/// The patience with one stream.
#[derive(Debug, Default)]
pub(super) struct StallTimer(Option<Pin<Box<Sleep>>>);

impl StallTimer {
    /// A turn of the stream's task begins.
    pub(super) fn begin_turn() {
        LAST.set(Asked::Not);
    }

    /// The turn ended with the stream pending: ready when its viewer has had time enough for what was handed over last.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, limits: &ViewerLimits) -> Poll<()> {
        match LAST.replace(Asked::Not) {
            Asked::Not => {}
            Asked::Nothing => self.0 = None,
            Asked::Handed(bytes) => {
                let milliseconds = (bytes as u64).saturating_mul(1000) / limits.least_rate.max(1);
                let patience = limits.write_timeout.saturating_add(Duration::from_millis(milliseconds));
                self.0 = Some(Box::pin(sleep_until(Instant::now() + patience)));
            }
        }
        self.0.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(cx))
    }
}
