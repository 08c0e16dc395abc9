//! How many requests an origin has at once, and whether a connection to it is tried at all.
//!
//! Invariant: at most [`OriginLimits::requests`] requests are in progress at one origin, at most as many as
//! [`OriginLimits::waiting`] wait for a place, in the order they came, and none longer than the limit; what is held is
//! given back by dropping it. Shared by all workers. Called by `pool` for places, by `connect` for connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ahash::AHashMap;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::breaker::{Attempt, Breaker, BreakerRules, Verdict};
use super::{ConnectFailure, MonotonicClock, OriginAddress, OriginError};

/// What one origin is asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginLimits {
    /// In progress, each on a connection of its own; idle connections come on top.
    pub requests: usize,
    /// Waiting for one of those to end.
    pub waiting: usize,
    /// Longest wait.
    pub wait: Duration,
    /// When connecting is given up for a while.
    pub breaker: BreakerRules,
}

/// All origins that are being asked, or were failing lately.
#[derive(Debug)]
pub(super) struct Admission {
    origins: Mutex<AHashMap<OriginAddress, Arc<Entrance>>>,
    limits: OriginLimits,
    clock: MonotonicClock,
}

/// The way to one origin.
#[derive(Debug)]
pub(super) struct Entrance {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    breaker: Mutex<Breaker>,
    limits: OriginLimits,
    clock: MonotonicClock,
}

/// The place of a request in progress.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// A connection that is being made; tells the breaker how that ended.
pub(super) struct Connecting<'e> {
    entrance: &'e Entrance,
    attempt: Attempt,
    verdict: Verdict,
}

impl Admission {
    pub(super) fn new(limits: OriginLimits, clock: MonotonicClock) -> Self {
        Self { origins: Mutex::default(), limits, clock }
    }

    pub(super) fn entrance(&self, address: &OriginAddress) -> Arc<Entrance> {
        let mut origins = self.origins.lock();
        if let Some(known) = origins.get(address) {
            return Arc::clone(known);
        }
        if origins.len() >= SWEEP_FROM && origins.len().is_power_of_two() {
            origins.retain(|_, entrance| Arc::strong_count(entrance) > 1 || !entrance.breaker.lock().is_at_rest());
        }
        Arc::clone(origins.entry(address.clone()).or_insert_with(|| Arc::new(self.new_entrance())))
    }

    fn new_entrance(&self) -> Entrance {
        Entrance {
            places: Arc::new(Semaphore::new(self.limits.requests)),
            waiting: AtomicUsize::new(0),
            breaker: Mutex::default(),
            limits: self.limits,
            clock: self.clock.clone(),
        }
    }
}

impl Entrance {
    /// Waits for a place.
    pub(super) async fn enter(&self) -> Result<Place, OriginError> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Place { _permit: permit });
        }
        let _waiting = Waiting::begin(self).ok_or(OriginError::Busy)?;
        match timeout(self.limits.wait, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            _ => Err(OriginError::Busy),
        }
    }

    /// Leave to make a connection.
    pub(super) fn connect(&self) -> Result<Connecting<'_>, OriginError> {
        let attempt = self.breaker.lock().begin(self.clock.now()).ok_or(OriginError::GivenUp)?;
        Ok(Connecting { entrance: self, attempt, verdict: Verdict::Unknown })
    }
}

impl Connecting<'_> {
    pub(super) fn ended<T>(mut self, result: &Result<T, OriginError>) {
        self.verdict = verdict(result.as_ref().err());
    }
}

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        let Entrance { breaker, clock, limits, .. } = self.entrance;
        breaker.lock().end(self.attempt, self.verdict, clock.now(), limits.breaker);
    }
}

/// Names that cannot be resolved, addresses out of reach and certificates that do not hold are no reason to leave an
/// origin alone: nothing is waited for, and what is wrong may be the edge's.
fn verdict(error: Option<&OriginError>) -> Verdict {
    match error {
        None => Verdict::Connected,
        Some(OriginError::ConnectTimeout) => Verdict::Failed,
        Some(OriginError::Connect { failure: ConnectFailure::Refused | ConnectFailure::Unreachable, .. }) => {
            Verdict::Failed
        }
        // Somebody answered.
        Some(OriginError::Tls { .. }) => Verdict::Connected,
        Some(_) => Verdict::Unknown,
    }
}

struct Waiting<'e>(&'e Entrance);

impl<'e> Waiting<'e> {
    fn begin(entrance: &'e Entrance) -> Option<Self> {
        let waiting = Self(entrance);
        let before = entrance.waiting.fetch_add(1, Ordering::Relaxed);
        (before < entrance.limits.waiting).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for OriginLimits {
    /// More than an origin can serve at once, less than what would exhaust the edge.
    fn default() -> Self {
        Self { requests: 4096, waiting: 4096, wait: Duration::from_secs(10), breaker: BreakerRules::default() }
    }
}

/// From so many origins on, those at rest are forgotten whenever their number has doubled.
const SWEEP_FROM: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> OriginAddress {
        OriginAddress { port, ..OriginAddress::new("origin.example".into()) }
    }

    fn admission(requests: usize, waiting: usize) -> Admission {
        let limits = OriginLimits { requests, waiting, wait: Duration::from_secs(10), ..OriginLimits::default() };
        Admission::new(limits, MonotonicClock::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_beyond_the_limit_waits_for_a_place() {
        let entrance = admission(1, 1).entrance(&address(1));
        let place = entrance.enter().await.unwrap();
        let waiter = tokio::spawn({
            let entrance = Arc::clone(&entrance);
            async move { entrance.enter().await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert!(matches!(entrance.enter().await, Err(OriginError::Busy)), "the queue is full");
        drop(place);
        waiter.await.unwrap().unwrap();
        assert!(entrance.enter().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_limit() {
        let entrance = admission(1, 1).entrance(&address(1));
        let _place = entrance.enter().await.unwrap();
        for _ in 0..3 {
            assert!(matches!(entrance.enter().await, Err(OriginError::Busy)));
        }
    }

    #[test]
    fn origins_at_rest_are_forgotten() {
        let admission = admission(1, 1);
        let used = admission.entrance(&address(1));
        for port in 2..10_000 {
            drop(admission.entrance(&address(port)));
            assert!(admission.origins.lock().len() <= SWEEP_FROM + 1);
        }
        assert!(Arc::ptr_eq(&used, &admission.entrance(&address(1))));
    }
}
