//! The time limits of one viewer connection with one timer that is almost never touched.
//!
//! Resetting a timer for every request costs more than parsing a small one. The watchdog only notes when the connection
//! last changed what it does, and looks at that when its timer fires; the timer moves forward then, and is moved back
//! only when a phase with a shorter limit begins.
//!
//! Invariant: a phase ends within its limit plus the timer's resolution. Polled by `http1`, `http2` and `http3` after each turn.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::{Connection, Phase};
use crate::limits::ViewerLimits;

/// Watches one connection.
#[derive(Debug)]
pub(super) struct Watchdog {
    http: Http,
    timer: Pin<Box<Sleep>>,
    is_registered: bool,
    last: Observation,
    since: Instant,
}

/// The protocol of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Http {
    /// HTTP/1.1: without a request in progress only another request counts.
    One,
    /// HTTP/2: any frame counts, as flow control may hold back the end of a response whose body is gone already.
    Two,
    /// HTTP/3: as HTTP/2; QUIC's acknowledgements do not count.
    Three,
}

/// What must stay the same for a phase's limit to go on running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Observation {
    phase: Phase,
    requests: u64,
    /// 0 where bytes do not count.
    moves: u64,
}

impl Watchdog {
    /// Starts with the first head's limit: a connection that was just accepted owes a request.
    pub(super) fn new(limits: &ViewerLimits, http: Http) -> Self {
        let since = Instant::now();
        Self {
            http,
            timer: Box::pin(sleep_until(since + limits.header_timeout)),
            is_registered: false,
            last: Observation { phase: Phase::Head, requests: 0, moves: 0 },
            since,
        }
    }

    /// Ready with the phase whose limit has passed. Further polls start that limit anew.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, connection: &Connection, limits: &ViewerLimits) -> Poll<Phase> {
        self.observe(connection, limits);
        loop {
            if !self.is_registered {
                // The waker of a task stays the same, so one poll per deadline registers it.
                self.is_registered = true;
                if self.timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            } else if !self.timer.is_elapsed() {
                return Poll::Pending;
            }
            let now = Instant::now();
            let deadline = self.since + limit_of(self.last.phase, limits);
            if deadline <= now {
                self.since = now;
                self.arm(now + limit_of(self.last.phase, limits));
                return Poll::Ready(self.last.phase);
            }
            self.arm(deadline);
        }
    }

    fn observe(&mut self, connection: &Connection, limits: &ViewerLimits) {
        let seen = self.observation(connection);
        if seen == self.last {
            return;
        }
        self.last = seen;
        self.since = Instant::now();
        let deadline = self.since + limit_of(seen.phase, limits);
        if deadline < self.timer.deadline() {
            self.arm(deadline);
        }
    }

    fn observation(&self, connection: &Connection) -> Observation {
        let (requests, moves) = (connection.requests(), connection.moves());
        match connection.phase() {
            Phase::Busy => Observation { phase: Phase::Busy, requests, moves },
            // Until the first request the limit for its head runs on.
            Phase::Idle if requests == 0 => Observation { phase: Phase::Head, requests, moves: 0 },
            Phase::Idle if self.http != Http::One => Observation { phase: Phase::Idle, requests, moves },
            phase => Observation { phase, requests, moves: 0 },
        }
    }

    fn arm(&mut self, deadline: Instant) {
        self.timer.as_mut().reset(deadline);
        self.is_registered = false;
    }
}

fn limit_of(phase: Phase, limits: &ViewerLimits) -> Duration {
    match phase {
        Phase::Idle => limits.idle_timeout,
        Phase::Head => limits.header_timeout,
        Phase::Busy => limits.stall_timeout,
    }
}
