//! When an origin is left alone for a moment: a circuit breaker for connections that fail.
//!
//! Made so that a healthy origin never notices it (docs/adr/0007): only connections that were refused or not answered
//! count, those that failed at the same time count once, and it opens no earlier than a second after the first of them;
//! connections that are open go on being used. While it is open one request at a time tries, after a pause that doubles
//! from one second to ten; the first connection closes it. Pure: the time is passed in. Used by `admission`.

use std::time::Duration;

/// When connections count as failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerRules {
    /// Failures in a row after which it opens; 0: never.
    pub failures: u32,
}

/// What is remembered of the connections to one origin.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    first_failure: Duration,
    last_failure: Duration,
    state: State,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    /// Nobody connects before `until`.
    Open { until: Duration, pause: Duration },
    /// One request tries to connect.
    Probing { pause: Duration },
}

/// How a connection ended, as far as the breaker cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Somebody listens.
    Connected,
    /// Refused, unreachable, or no answer in time.
    Failed,
    /// Nothing can be said: the viewer left, or the edge itself was at fault.
    Unknown,
}

/// Leave to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    began: Duration,
    is_probe: bool,
}

impl Breaker {
    /// Whether a connection may be tried at `now`.
    pub(super) fn begin(&mut self, now: Duration) -> Option<Attempt> {
        let is_probe = match self.state {
            State::Closed => false,
            State::Open { until, pause } if now >= until => {
                self.state = State::Probing { pause };
                true
            }
            State::Open { .. } | State::Probing { .. } => return None,
        };
        Some(Attempt { began: now, is_probe })
    }

    /// Takes in how an attempt ended at `now`.
    pub(super) fn end(&mut self, attempt: Attempt, verdict: Verdict, now: Duration, rules: BreakerRules) {
        match verdict {
            Verdict::Connected => *self = Self::default(),
            Verdict::Failed => self.failed(attempt, now, rules),
            Verdict::Unknown => self.learned_nothing(attempt, now),
        }
    }

    /// Whether there is nothing to remember.
    pub(super) fn is_at_rest(&self) -> bool {
        self.failures == 0 && self.state == State::Closed
    }

    fn failed(&mut self, attempt: Attempt, now: Duration, rules: BreakerRules) {
        if let (true, State::Probing { pause }) = (attempt.is_probe, &self.state) {
            let pause = (*pause * 2).min(LONGEST_PAUSE);
            self.state = State::Open { until: now + pause, pause };
            return;
        }
        // Begun before it was known that others fail: it says nothing new.
        if self.failures > 0 && attempt.began < self.last_failure {
            return;
        }
        if self.failures == 0 {
            self.first_failure = now;
        }
        (self.failures, self.last_failure) = (self.failures.saturating_add(1), now);
        let has_lasted = now.saturating_sub(self.first_failure) >= LEAST_DURATION;
        if rules.failures > 0 && self.failures >= rules.failures && has_lasted && self.state == State::Closed {
            self.state = State::Open { until: now + FIRST_PAUSE, pause: FIRST_PAUSE };
        }
    }

    /// The next request tries in place of a probe.
    fn learned_nothing(&mut self, attempt: Attempt, now: Duration) {
        if let (true, State::Probing { pause }) = (attempt.is_probe, &self.state) {
            self.state = State::Open { until: now, pause: *pause };
        }
    }
}

impl Default for BreakerRules {
    /// Five failures in a row.
    fn default() -> Self {
        Self { failures: 5 }
    }
}

/// A server that restarts may refuse for so long.
const LEAST_DURATION: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BreakerRules = BreakerRules { failures: 3 };

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// One connection after the other fails, at these times.
    fn failing(times: &[u64]) -> Breaker {
        let mut breaker = Breaker::default();
        for time in times {
            let attempt = breaker.begin(at(*time)).unwrap();
            breaker.end(attempt, Verdict::Failed, at(*time), RULES);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_that_last_for_a_second() {
        for (case, times, is_open) in [
            ("too few", &[0, 2000][..], false),
            ("enough", &[0, 500, 1000], true),
            ("too quick", &[0, 10, 20, 30, 999], false),
            ("quick, and still failing later", &[0, 10, 20, 1000], true),
        ] {
            let now = at(*times.last().unwrap());
            assert_eq!(failing(times).begin(now).is_none(), is_open, "{case}");
        }
    }

    #[test]
    fn a_connection_between_failures_starts_the_count_anew() {
        let mut breaker = failing(&[0, 800]);
        let attempt = breaker.begin(at(900)).unwrap();
        breaker.end(attempt, Verdict::Connected, at(900), RULES);
        assert!(breaker.is_at_rest());
        for time in [1000, 1900] {
            let attempt = breaker.begin(at(time)).unwrap();
            breaker.end(attempt, Verdict::Failed, at(time), RULES);
        }
        assert!(breaker.begin(at(2000)).is_some());
    }

    #[test]
    fn failures_at_the_same_time_count_once() {
        let mut breaker = failing(&[0]);
        let attempts: Vec<_> = (0..100).map(|_| breaker.begin(at(10)).unwrap()).collect();
        for attempt in attempts {
            breaker.end(attempt, Verdict::Failed, at(5000), RULES);
        }
        assert!(breaker.begin(at(5000)).is_some());
    }

    #[test]
    fn while_open_one_request_at_a_time_tries_after_a_growing_pause() {
        let mut breaker = failing(&[0, 500, 1000]);
        let mut now = 1000;
        for pause in [1000, 2000, 4000, 8000, 10_000, 10_000] {
            assert!(breaker.begin(at(now + pause - 1)).is_none(), "{pause}");
            now += pause;
            let probe = breaker.begin(at(now)).unwrap();
            assert!(breaker.begin(at(now)).is_none(), "{pause}");
            breaker.end(probe, Verdict::Failed, at(now), RULES);
        }
        now += 10_000;
        let probe = breaker.begin(at(now)).unwrap();
        breaker.end(probe, Verdict::Connected, at(now), RULES);
        assert!(breaker.begin(at(now)).is_some() && breaker.is_at_rest());
    }

    #[test]
    fn a_probe_that_says_nothing_gives_way_to_the_next_one() {
        let mut breaker = failing(&[0, 500, 1000]);
        let probe = breaker.begin(at(2000)).unwrap();
        breaker.end(probe, Verdict::Unknown, at(2001), RULES);
        assert!(breaker.begin(at(2001)).is_some());
    }

    #[test]
    fn without_a_number_of_failures_it_never_opens() {
        let mut breaker = Breaker::default();
        for time in 0..100 {
            let attempt = breaker.begin(at(time * 1000)).unwrap();
            breaker.end(attempt, Verdict::Failed, at(time * 1000), BreakerRules { failures: 0 });
        }
        assert!(breaker.begin(at(100_000)).is_some());
    }
}
