//! Request collapsing: while one request for a key asks the origin, the others wait for its answer.
//!
//! The first to join a key leads; it tells the flight what the origin said, and whoever waits goes on from there. A
//! response that must not be shared sends every follower to the origin by itself. Invariant: a leader that vanishes
//! frees its followers, one of which then leads; one that takes too long is given up by each of them, and the first to do
//! so leads the others on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use ahash::AHashMap;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::filling::Filling;
use crate::invalidation::Generation;
use crate::key::CacheKey;
use crate::stored::StoredResponse;
use crate::tags::CacheTag;

const SHARDS: usize = 64;

/// What a leader found out. `E` is how an origin request fails.
#[derive(Debug, Clone)]
pub enum FlightOutcome<E> {
    /// The response arrives and will be stored: read along.
    Filling(Arc<Filling>),
    /// There is a stored response now.
    Stored(Arc<StoredResponse>),
    /// The response is for the leader alone.
    NotShared,
    /// The origin failed; everybody gets the same error.
    Failed(E),
}

type Shard<E> = Mutex<AHashMap<CacheKey, Arc<Shared<E>>>>;

/// All keys for which an origin request is under way.
#[derive(Debug)]
pub(crate) struct Flights<E> {
    shards: Arc<[Shard<E>]>,
}

#[derive(Debug)]
struct Shared<E> {
    generation: Generation,
    outcome: watch::Sender<Option<FlightOutcome<E>>>,
    /// Changed under the lock of its shard.
    is_overtaken: AtomicBool,
}

/// How a request takes part.
#[derive(Debug)]
pub enum Joined<E> {
    /// It asks the origin.
    Leader(Flight<E>),
    /// It waits.
    Follower(Follower<E>),
}

impl<E: Clone> Flights<E> {
    pub(crate) fn new() -> Flights<E> {
        Flights { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Whether any origin request is under way, its content included.
    pub(crate) fn are_under_way(&self) -> bool {
        self.shards.iter().any(|shard| !shard.lock().is_empty())
    }

    /// Joins the flight for `key`. One that an invalidation has overtaken is left to its own: `generation` begins now.
    pub(crate) fn join(&self, key: &CacheKey, generation: &Generation) -> Joined<E> {
        let mut shard = shard(&self.shards, key).lock();
        if let Some(shared) = shard.get(key).filter(|shared| shared.generation.is_valid()) {
            return Joined::Follower(Follower::of(shared));
        }
        Joined::Leader(self.lead(&mut shard, key, generation))
    }

    /// Joins again for one who has given up `waited`: leads, unless somebody gave the same flight up before. What the
    /// flight brings later still reaches those who are in it, and is stored.
    pub(crate) fn give_up(&self, waited: &Follower<E>, key: &CacheKey, generation: &Generation) -> Joined<E> {
        let mut shard = shard(&self.shards, key).lock();
        match shard.get(key).filter(|shared| shared.generation.is_valid() && !waited.is_in(shared)) {
            Some(shared) => Joined::Follower(Follower::of(shared)),
            None => Joined::Leader(self.lead(&mut shard, key, generation)),
        }
    }

    fn lead(
        &self,
        shard: &mut AHashMap<CacheKey, Arc<Shared<E>>>,
        key: &CacheKey,
        generation: &Generation,
    ) -> Flight<E> {
        let shared = Arc::new(Shared {
            generation: generation.clone(),
            outcome: watch::Sender::new(None),
            is_overtaken: AtomicBool::new(false),
        });
        shard.insert(key.clone(), Arc::clone(&shared));
        Flight { shards: Arc::clone(&self.shards), key: key.clone(), shared }
    }

    /// Runs `store` unless the flight was overtaken; it cannot be in the meantime.
    pub(crate) fn unless_overtaken(&self, flight: &Flight<E>, store: impl FnOnce()) {
        let _held = shard(&self.shards, &flight.key).lock();
        if !flight.shared.is_overtaken.load(Ordering::Relaxed) {
            store();
        }
    }

    /// Runs `forget`, and leaves the flight for `key` to those who are in it: what it brings is not stored.
    pub(crate) fn overtake(&self, key: &CacheKey, forget: impl FnOnce()) {
        let mut shard = shard(&self.shards, key).lock();
        if let Some(shared) = shard.remove(key) {
            shared.is_overtaken.store(true, Ordering::Relaxed);
        }
        forget();
    }
}

fn shard<'a, E>(shards: &'a [Shard<E>], key: &CacheKey) -> &'a Shard<E> {
    #[expect(clippy::indexing_slicing, reason = "the remainder is below the length, which is not 0")]
    &shards[key.hash() as usize % shards.len()]
}

/// The leader's hold on a flight; the key is free again when it is dropped.
#[derive(Debug)]
pub struct Flight<E> {
    shards: Arc<[Shard<E>]>,
    key: CacheKey,
    shared: Arc<Shared<E>>,
}

impl<E> Flight<E> {
    /// Tells everybody who waits, and everybody who joins until the flight is dropped.
    pub fn tell(&self, outcome: FlightOutcome<E>) {
        self.shared.outcome.send_replace(Some(outcome));
    }

    /// The key all of them asked for.
    pub fn key(&self) -> &CacheKey {
        &self.key
    }

    /// The head of the response has arrived, with these tags. Said once; more changes nothing.
    pub fn tag(&self, tags: Arc<[CacheTag]>) {
        self.shared.generation.tag(tags);
    }

    /// Which invalidations the leader's origin request came after.
    pub fn generation(&self) -> &Generation {
        &self.shared.generation
    }
}

impl<E> Drop for Flight<E> {
    fn drop(&mut self) {
        let mut shard = shard(&self.shards, &self.key).lock();
        if shard.get(&self.key).is_some_and(|current| Arc::ptr_eq(current, &self.shared)) {
            shard.remove(&self.key);
        }
    }
}

/// A request that waits for the leader's answer.
#[derive(Debug)]
pub struct Follower<E> {
    /// Not kept alive by those who wait: they are to notice when the leader is gone.
    flight: Weak<Shared<E>>,
    outcome: watch::Receiver<Option<FlightOutcome<E>>>,
}

impl<E: Clone> Follower<E> {
    fn of(shared: &Arc<Shared<E>>) -> Follower<E> {
        Follower { flight: Arc::downgrade(shared), outcome: shared.outcome.subscribe() }
    }

    fn is_in(&self, shared: &Arc<Shared<E>>) -> bool {
        std::ptr::eq(self.flight.as_ptr(), Arc::as_ptr(shared))
    }

    /// What the leader found out; `None` when it vanished without a word, then join again.
    pub async fn outcome(&mut self) -> Option<FlightOutcome<E>> {
        let told = self.outcome.wait_for(Option::is_some).await.ok()?;
        told.clone()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::{Flights, Joined};
    use crate::invalidation::{Generation, Invalidations};
    use crate::key::{AcceptedCodings, CacheKey, KeyParts};
    use edgeward_http_rules::Selection;
    use edgeward_plan::{CachePolicy, CachingRules, HeaderSelection};

    fn key() -> CacheKey {
        let policy = CachePolicy {
            min_ttl: 0,
            default_ttl: 0,
            max_ttl: 1,
            gzip: false,
            brotli: false,
            rules: CachingRules::Rfc9111,
            headers: HeaderSelection::default(),
            cookies: Selection::default(),
            query_strings: Selection::default(),
        };
        let (headers, codings, method) = (HeaderMap::new(), AcceptedCodings::Absent, &Method::GET);
        let (distribution, path, query) = ("E1", "/a", None);
        CacheKey::of(&KeyParts { distribution, method, path, query, headers: &headers, codings, policy: &policy })
    }

    // RFC 9111 section 4.4
    #[test]
    fn what_an_overtaken_flight_brings_is_not_stored_and_nobody_joins_it() {
        let (flights, key) = (Flights::<()>::new(), key());
        let generation = Generation::beginning(Invalidations::default().log("E1"), "/a");
        let lead = || match flights.join(&key, &generation) {
            Joined::Leader(flight) => Some(flight),
            Joined::Follower(_) => None,
        };
        let is_stored = |flight| {
            let mut is_stored = false;
            flights.unless_overtaken(flight, || is_stored = true);
            is_stored
        };
        let overtaken = lead().unwrap();
        assert!(is_stored(&overtaken) && lead().is_none());
        flights.overtake(&key, || {});
        let next = lead().unwrap();
        assert!(!is_stored(&overtaken) && is_stored(&next));
        drop(overtaken);
        assert!(lead().is_none(), "the next one flies on");
    }

    #[test]
    fn of_those_who_give_up_a_leader_the_first_leads_and_the_others_follow_it() {
        let (flights, key) = (Flights::<()>::new(), key());
        let generation = Generation::beginning(Invalidations::default().log("E1"), "/a");
        let follow = |joined| match joined {
            Joined::Follower(follower) => Some(follower),
            Joined::Leader(_) => None,
        };
        let slow = flights.join(&key, &generation);
        let first = follow(flights.join(&key, &generation)).unwrap();
        let second = follow(flights.join(&key, &generation)).unwrap();
        let next = flights.give_up(&first, &key, &generation);
        assert!(matches!(next, Joined::Leader(_)));
        let still = follow(flights.give_up(&second, &key, &generation)).unwrap();
        drop(slow);
        let late = follow(flights.join(&key, &generation)).unwrap();
        assert!(std::ptr::eq(still.flight.as_ptr(), late.flight.as_ptr()), "whoever comes later joins the next one");
    }
}
