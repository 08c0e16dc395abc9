//! What the origin connections of all workers share: which addresses are in reach, name servers and what they said,
//! addresses that failed, and how much each origin has to do.
//!
//! Invariant: nothing here belongs to a runtime, so that any worker may use it. One per edge; each [`super::OriginPool`]
//! holds a handle to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ahash::AHashMap;
use parking_lot::Mutex;

use super::admission::Admission;
use super::resolver::{Names, Resolver};
use super::{OriginLimits, Reach};

/// How origins are reached, but for what the plan says of each.
#[derive(Clone, Debug, Default)]
pub struct OriginSettings {
    /// Addresses that origins may have.
    pub reach: Reach,
    /// Name servers in place of the system's; none for those.
    pub name_servers: Vec<SocketAddr>,
    /// What one origin is asked for at once.
    pub limits: OriginLimits,
    /// What time it is, for what is remembered.
    pub clock: MonotonicClock,
}

/// Time since some moment, handed in so that tests may move it.
#[derive(Clone)]
pub struct MonotonicClock(Arc<dyn Fn() -> Duration + Send + Sync>);

/// The shared state; its clones are the same one.
#[derive(Clone, Debug)]
pub struct OriginNetwork(pub(super) Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) reach: Reach,
    pub(super) failed: FailedAddresses,
    pub(super) admission: Admission,
    name_servers: Vec<SocketAddr>,
    names: Arc<Names>,
    clock: MonotonicClock,
}

impl OriginNetwork {
    /// Where nothing is known yet.
    pub fn new(settings: OriginSettings) -> Self {
        let OriginSettings { reach, name_servers, limits, clock } = settings;
        let failed = FailedAddresses { until: Mutex::default(), clock: clock.clone() };
        let admission = Admission::new(limits, clock.clone());
        Self(Arc::new(Shared { reach, failed, admission, name_servers, names: Arc::default(), clock }))
    }

    pub(super) fn resolver(&self) -> Resolver {
        let Shared { names, name_servers, clock, .. } = &*self.0;
        Resolver::new(Arc::clone(names), name_servers.clone(), DNS_TIMEOUT, clock.clone())
    }
}

/// Addresses to which the last connection failed, or came too late.
#[derive(Debug)]
pub(super) struct FailedAddresses {
    until: Mutex<AHashMap<SocketAddr, Duration>>,
    clock: MonotonicClock,
}

impl FailedAddresses {
    /// Whether `address` failed a short while ago: others are better.
    pub(super) fn contains(&self, address: &SocketAddr) -> bool {
        self.until.lock().get(address).is_some_and(|until| self.clock.now() < *until)
    }

    pub(super) fn add(&self, addresses: &[SocketAddr]) {
        let (mut until, now) = (self.until.lock(), self.clock.now());
        if until.len() + addresses.len() > MOST_FAILED {
            until.retain(|_, until| now < *until);
        }
        // Beyond that bound addresses are tried in their order, as if they were new.
        let free = MOST_FAILED.saturating_sub(until.len());
        until.extend(addresses.iter().take(free).map(|address| (*address, now + REMEMBERED)));
    }

    pub(super) fn remove(&self, address: &SocketAddr) {
        self.until.lock().remove(address);
    }
}

impl MonotonicClock {
    /// `now` never goes back.
    pub fn new(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(super) fn now(&self) -> Duration {
        (self.0)()
    }
}

impl Default for MonotonicClock {
    fn default() -> Self {
        let start = Instant::now();
        Self::new(move || start.elapsed())
    }
}

impl std::fmt::Debug for MonotonicClock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MonotonicClock({:?})", self.now())
    }
}

/// Like the system resolver's own for one server.
const DNS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an address that failed is tried last.
const REMEMBERED: Duration = Duration::from_secs(60);
const MOST_FAILED: usize = 8192;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn an_address_that_failed_is_remembered_for_a_minute_or_until_it_works() {
        let seconds = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&seconds);
        let clock = MonotonicClock::new(move || Duration::from_secs(clock.load(Ordering::Relaxed)));
        let failed = FailedAddresses { until: Mutex::default(), clock };
        let [first, second] = [1, 2].map(|port| SocketAddr::from(([192, 0, 2, 1], port)));
        failed.add(&[first, second]);
        assert!(failed.contains(&first) && failed.contains(&second));
        failed.remove(&first);
        assert!(!failed.contains(&first) && failed.contains(&second));
        seconds.store(60, Ordering::Relaxed);
        assert!(!failed.contains(&second));
    }
}
