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
use crate::limits::{ViewerLimits, ViewerRefusal};

/// Watches one connection.
#[derive(Debug)]
pub(super) struct Watchdog {
    http: Http,
    timer: Pin<Box<Sleep>>,
    is_registered: bool,
    /// Whether there is a parser that a connection which rests can do without, HTTP/1.1 only.
    tells_of_rest: bool,
    rest_is_due: bool,
    /// Where that is shorter than the limit of connections that rest.
    shortest_idle: Option<Duration>,
    last: Observation,
    since: Instant,
    /// Since when there has been neither a request nor a response to write: parts of heads do not change that.
    resting_since: Instant,
}

/// The protocol of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Http {
    /// HTTP/1.1: without a request in progress only another request counts.
    One,
    /// HTTP/2: what is written counts, as flow control may hold back the end of a response whose body is gone already.
    Two,
    /// HTTP/3: as HTTP/2; QUIC's acknowledgements do not count.
    Three,
}

/// What must stay the same for a phase's limit to go on running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Observation {
    phase: Phase,
    requests: u64,
    /// Whatever else counts as progress in this phase; 0 where nothing does.
    progress: u64,
}

impl Observation {
    fn is_resting(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Head)
    }
}

impl Watchdog {
    /// Starts with the first head's limit: a connection that was just accepted owes a request.
    pub(super) fn new(limits: &ViewerLimits, http: Http) -> Self {
        let since = Instant::now();
        Self {
            http,
            timer: Box::pin(sleep_until(since + limits.header_timeout)),
            is_registered: false,
            tells_of_rest: false,
            rest_is_due: false,
            shortest_idle: None,
            last: Observation { phase: Phase::Head, requests: 0, progress: 0 },
            since,
            resting_since: since,
        }
    }

    /// From now on the connection may rest for `idle` at most.
    pub(super) fn hurry(&mut self, idle: Duration) {
        self.shortest_idle = Some(idle);
        let now = Instant::now();
        (self.since, self.resting_since) = (now, now);
        // Looked at when it fires, whatever the connection does by then.
        let soon = self.timer.deadline().min(now + idle);
        self.arm(soon);
    }

    /// There is a parser from now on.
    pub(super) fn wake(&mut self) {
        self.tells_of_rest = true;
        let soon = (Instant::now() + MOMENT).min(self.timer.deadline());
        self.arm(soon);
    }

    /// There is no parser any more.
    pub(super) fn rest(&mut self) {
        self.tells_of_rest = false;
    }

    /// Whether the connection has had no whole request for a moment, and can do without a parser. Told once.
    pub(super) fn takes_rest(&mut self) -> bool {
        std::mem::take(&mut self.rest_is_due)
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
            let deadline = self.deadline(limits);
            if deadline <= now {
                (self.since, self.resting_since) = (now, now);
                self.arm(now + self.limit(limits));
                return Poll::Ready(self.last.phase);
            }
            let rest_begins = self.rest_begins().filter(|_| connection.may_be_parked());
            self.rest_is_due = rest_begins.is_some_and(|begins| begins <= now);
            self.arm(rest_begins.filter(|begins| *begins > now).map_or(deadline, |begins| deadline.min(begins)));
        }
    }

    fn observe(&mut self, connection: &Connection, limits: &ViewerLimits) {
        let seen = self.observation(connection, limits);
        if seen == self.last {
            return;
        }
        self.since = Instant::now();
        let is_same = (seen.requests, seen.progress) == (self.last.requests, self.last.progress);
        let goes_on_resting = is_same && seen.is_resting() && self.last.is_resting();
        if !goes_on_resting {
            self.resting_since = self.since;
        }
        self.last = seen;
        let deadline = self.deadline(limits);
        let deadline = self.rest_begins().map_or(deadline, |begins| deadline.min(begins));
        if deadline < self.timer.deadline() {
            self.arm(deadline);
        }
    }

    fn observation(&self, connection: &Connection, limits: &ViewerLimits) -> Observation {
        let requests = connection.requests();
        let taken = || connection.taken_bytes() / limits.least_progress();
        let (phase, progress) = match connection.phase() {
            Phase::Busy => (Phase::Busy, connection.moves()),
            Phase::Writing => (Phase::Writing, taken()),
            // Until the first request the limit for its head runs on.
            Phase::Idle if requests == 0 => (Phase::Head, 0),
            // Frames of the viewer's do not count: PING would keep it open for ever.
            phase if self.http != Http::One && requests > 0 => (phase, taken()),
            phase => (phase, 0),
        };
        Observation { phase, requests, progress }
    }

    fn deadline(&self, limits: &ViewerLimits) -> Instant {
        let since = if self.last.phase == Phase::Idle { self.resting_since } else { self.since };
        since + self.limit(limits)
    }

    fn rest_begins(&self) -> Option<Instant> {
        (self.tells_of_rest && self.last.is_resting()).then_some(self.since + MOMENT)
    }

    fn limit(&self, limits: &ViewerLimits) -> Duration {
        let limit = limit_of(self.last.phase, limits);
        self.shortest_idle.filter(|_| self.last.phase == Phase::Idle).map_or(limit, |idle| limit.min(idle))
    }

    fn arm(&mut self, deadline: Instant) {
        self.timer.as_mut().reset(deadline);
        self.is_registered = false;
    }
}

/// How long a connection keeps its parser without a whole request: the next of a burst would need it again.
const MOMENT: Duration = Duration::from_millis(100);

fn limit_of(phase: Phase, limits: &ViewerLimits) -> Duration {
    match phase {
        Phase::Idle => limits.idle_timeout,
        Phase::Head => limits.header_timeout,
        Phase::Writing => limits.write_timeout,
        Phase::Busy => limits.stall_timeout,
    }
}

/// What it means that the limit of a phase has passed: nothing bad where the viewer only kept a connection in reserve.
pub(super) fn refusal_of(phase: Phase) -> Option<ViewerRefusal> {
    match phase {
        Phase::Idle => None,
        Phase::Head => Some(ViewerRefusal::SlowHead),
        Phase::Writing => Some(ViewerRefusal::SlowReading),
        Phase::Busy => Some(ViewerRefusal::Stalled),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::task::Waker;

    use tokio::time::advance;

    use super::*;

    struct Watched {
        watchdog: Watchdog,
        connection: Arc<Connection>,
        limits: ViewerLimits,
    }

    fn watched() -> Watched {
        let (limits, nowhere) = (ViewerLimits::default(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let connection = Arc::new(Connection::new(nowhere, nowhere, None, &limits));
        Watched { watchdog: Watchdog::new(&limits, Http::One), connection, limits }
    }

    impl Watched {
        async fn after(&mut self, time: Duration) -> (Poll<Phase>, bool) {
            advance(time).await;
            // The timer counts in milliseconds.
            advance(Duration::from_millis(1)).await;
            self.now()
        }

        fn now(&mut self) -> (Poll<Phase>, bool) {
            let polled = self.watchdog.poll(&mut Context::from_waker(Waker::noop()), &self.connection, &self.limits);
            (polled, self.watchdog.takes_rest())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rest_is_told_of_once_a_moment_after_the_last_request_and_not_without_a_parser() {
        let mut watched = watched();
        assert_eq!(watched.after(10 * MOMENT).await, (Poll::Pending, false));
        watched.watchdog.wake();
        let request = watched.connection.begin_request();
        assert_eq!(watched.after(10 * MOMENT).await, (Poll::Pending, false));
        drop(request);
        assert_eq!(watched.now(), (Poll::Pending, false));
        assert_eq!(watched.after(MOMENT).await, (Poll::Pending, true));
        watched.watchdog.rest();
        assert_eq!(watched.after(10 * MOMENT).await, (Poll::Pending, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_parser_that_gets_only_parts_of_a_head_is_let_go_again_and_again() {
        let mut watched = watched();
        for _ in 0..3 {
            watched.watchdog.wake();
            assert_eq!(watched.after(MOMENT).await, (Poll::Pending, true));
            watched.watchdog.rest();
            assert_eq!(watched.after(MOMENT).await, (Poll::Pending, false));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn limits_run_on_however_often_the_parser_is_let_go() {
        let mut watched = watched();
        let limit = watched.limits.header_timeout;
        advance(limit / 2).await;
        watched.watchdog.wake();
        assert_eq!(watched.after(MOMENT).await, (Poll::Pending, true));
        watched.watchdog.rest();
        assert_eq!(watched.after(limit / 2).await, (Poll::Ready(Phase::Head), false));
        let mut watched = self::watched();
        watched.watchdog.wake();
        drop(watched.connection.begin_request());
        assert_eq!(watched.now(), (Poll::Pending, false));
        assert_eq!(watched.after(MOMENT).await, (Poll::Pending, true));
        watched.watchdog.rest();
        let left = watched.limits.idle_timeout - MOMENT;
        assert_eq!(watched.after(left - 10 * MOMENT).await, (Poll::Pending, false));
        assert_eq!(watched.after(10 * MOMENT).await, (Poll::Ready(Phase::Idle), false));
    }
}
