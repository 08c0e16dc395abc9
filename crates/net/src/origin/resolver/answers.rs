//! What is known of names, and for how long: the cache of the resolver.
//!
//! Invariant: an answer is used for its TTL, within bounds; beyond that only while nobody who should know answers
//! (RFC 8767), and never when somebody says that it no longer holds. Pure: the time is passed in. Used by `Resolver`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What a look-up brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Addresses, in the order of the answer, and for how long they hold.
    Found { addresses: Arc<[IpAddr]>, ttl: Duration },
    /// There is no such name, or it has no address of the kind; for how long that holds, where it is said.
    Nothing { ttl: Option<Duration> },
    /// Nobody answered, or not to the question.
    Failed(Arc<str>),
}

/// The last that is known of a name.
#[derive(Debug, Default)]
pub(super) struct Answer {
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    known: Known,
    /// When to ask again.
    expires: Duration,
    /// Until when addresses stand in for an answer that cannot be had.
    usable_until: Duration,
}

/// Addresses; none where there are none.
pub(super) type Known = Result<Arc<[IpAddr]>, Arc<str>>;

impl Answer {
    /// What needs no look-up at `now`.
    pub(super) fn fresh(&self, now: Duration) -> Option<Known> {
        self.last.as_ref().filter(|last| now < last.expires).map(|last| last.known.clone())
    }

    /// What stands in at `now` where a look-up fails.
    pub(super) fn stand_in(&self, now: Duration) -> Option<Arc<[IpAddr]>> {
        let last = self.last.as_ref().filter(|last| now < last.usable_until)?;
        last.known.clone().ok().filter(|addresses| !addresses.is_empty())
    }

    /// Takes in what a look-up brought, and returns what is known now.
    pub(super) fn learn(&mut self, reply: Reply, now: Duration) -> Known {
        let last = match (reply, self.stand_in(now)) {
            (Reply::Found { addresses, ttl }, _) => {
                let expires = now + ttl.clamp(LEAST_TTL, MOST_TTL);
                Last { known: Ok(addresses), expires, usable_until: expires + STALE }
            }
            (Reply::Nothing { ttl }, _) => {
                let expires = now + ttl.unwrap_or(LEAST_TTL).clamp(LEAST_TTL, MOST_NEGATIVE_TTL);
                Last { known: Ok(Arc::default()), expires, usable_until: expires }
            }
            (Reply::Failed(_), Some(addresses)) => {
                let usable_until = self.last.as_ref().map_or(now, |last| last.usable_until);
                Last { known: Ok(addresses), expires: now + RECHECK, usable_until }
            }
            (Reply::Failed(why), None) => Last { known: Err(why), expires: now + FAILURE_TTL, usable_until: now },
        };
        self.last.insert(last).known.clone()
    }

    /// When it is of no more use; the smallest goes first where there are too many.
    pub(super) fn useless_from(&self) -> Duration {
        self.last.as_ref().map_or(Duration::ZERO, |last| last.usable_until.max(last.expires))
    }
}

/// Also of an answer with TTL 0: a burst of connections costs one look-up.
const LEAST_TTL: Duration = Duration::from_secs(1);
/// An origin that moves is found again within an hour, whatever its zone says.
const MOST_TTL: Duration = Duration::from_secs(3600);
/// An origin whose name was made just now is found soon.
const MOST_NEGATIVE_TTL: Duration = Duration::from_secs(30);
/// For so long beyond their TTL addresses stand in (RFC 8767 section 5: one to three days).
const STALE: Duration = Duration::from_secs(86_400);
/// How often servers that do not answer are asked again while addresses stand in (RFC 8767 section 5).
const RECHECK: Duration = Duration::from_secs(30);
/// The same where nothing stands in (RFC 9520 section 3.2: at least one second).
const FAILURE_TTL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;
    const DAY: u64 = 86_400;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn one(address: &str) -> Arc<[IpAddr]> {
        Arc::from([address.parse().unwrap()])
    }

    fn found(seconds: u64) -> Reply {
        Reply::Found { addresses: one("192.0.2.1"), ttl: at(seconds) }
    }

    #[test]
    fn addresses_are_fresh_for_their_ttl_within_bounds() {
        for (ttl, fresh_for) in [(0, 1), (1, 1), (60, 60), (HOUR, HOUR), (DAY, HOUR)] {
            let mut answer = Answer::default();
            assert_eq!(answer.fresh(at(5)), None);
            assert_eq!(answer.learn(found(ttl), at(5)), Ok(one("192.0.2.1")));
            assert_eq!(answer.fresh(at(5 + fresh_for - 1)), Some(Ok(one("192.0.2.1"))), "{ttl}");
            assert_eq!(answer.fresh(at(5 + fresh_for)), None, "{ttl}");
        }
    }

    #[test]
    fn that_there_is_nothing_holds_for_half_a_minute_at_most() {
        for (ttl, fresh_for) in [(None, 1), (Some(0), 1), (Some(10), 10), (Some(DAY), 30)] {
            let mut answer = Answer::default();
            assert_eq!(answer.learn(Reply::Nothing { ttl: ttl.map(at) }, at(0)), Ok(Arc::default()));
            assert_eq!(answer.fresh(at(fresh_for - 1)), Some(Ok(Arc::default())), "{ttl:?}");
            assert_eq!(answer.fresh(at(fresh_for)), None, "{ttl:?}");
        }
    }

    #[test]
    fn expired_addresses_stand_in_for_a_day_while_nobody_answers() {
        let mut answer = Answer::default();
        answer.learn(found(60), at(0)).unwrap();
        for now in [60, 90, 60 + DAY - 1] {
            assert_eq!(answer.learn(Reply::Failed("no server".into()), at(now)), Ok(one("192.0.2.1")), "{now}");
            assert_eq!(answer.fresh(at(now + 29)), Some(Ok(one("192.0.2.1"))), "{now}");
            assert_eq!(answer.fresh(at(now + 30)), None, "{now}");
        }
        let gone = answer.learn(Reply::Failed("no server".into()), at(60 + DAY + 30));
        assert_eq!(gone, Err("no server".into()));
    }

    #[test]
    fn what_no_longer_holds_does_not_stand_in() {
        let mut answer = Answer::default();
        answer.learn(found(60), at(0)).unwrap();
        assert_eq!(answer.learn(Reply::Nothing { ttl: None }, at(61)), Ok(Arc::default()));
        assert_eq!(answer.stand_in(at(61)), None);
        assert_eq!(answer.learn(Reply::Failed("no server".into()), at(70)), Err("no server".into()));
    }

    #[test]
    fn a_failure_without_a_stand_in_is_not_asked_about_again_for_a_second() {
        let mut answer = Answer::default();
        assert_eq!(answer.learn(Reply::Failed("no server".into()), at(0)), Err("no server".into()));
        assert_eq!(answer.fresh(Duration::from_millis(999)), Some(Err("no server".into())));
        assert_eq!(answer.fresh(at(1)), None);
    }
}
