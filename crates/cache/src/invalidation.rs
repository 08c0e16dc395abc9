//! Invalidation by numbered patterns: nothing is deleted, a stored response is tested against what came after it.
//!
//! Each distribution has a log of (sequence, pattern). A stored response remembers the sequence that was current when its
//! origin request began. A hit compares two numbers; only when the log has moved on are the newer patterns tried, and the
//! response then remembers how far it was tested. So `/*` over any number of stored responses costs one append, and a
//! response that was being fetched while the invalidation came cannot survive it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ahash::AHashMap;
use parking_lot::RwLock;

use crate::patterns::{KEPT, Patterns, Subject};
use crate::store::TakenOrder;
use crate::tags::CacheTag;

/// The logs of all distributions.
#[derive(Debug, Default)]
pub(crate) struct Invalidations {
    logs: RwLock<AHashMap<Box<str>, Arc<PatternLog>>>,
}

impl Invalidations {
    /// The log of a distribution, made when it is first asked for.
    pub(crate) fn log(&self, distribution: &str) -> Arc<PatternLog> {
        if let Some(log) = self.logs.read().get(distribution) {
            return Arc::clone(log);
        }
        let new = || Arc::new(PatternLog::of(distribution));
        Arc::clone(self.logs.write().entry(distribution.into()).or_insert_with(new))
    }
}

/// What was invalidated in one distribution.
#[derive(Debug)]
pub(crate) struct PatternLog {
    distribution: Box<str>,
    /// Of the newest pattern; 0 when there is none.
    current: AtomicU64,
    patterns: RwLock<Patterns>,
}

impl PatternLog {
    fn of(distribution: &str) -> PatternLog {
        PatternLog { distribution: distribution.into(), current: AtomicU64::new(0), patterns: RwLock::default() }
    }

    /// Invalidates what `patterns` match and what was filled before `sequence`. An order that was already taken changes
    /// nothing.
    pub(crate) fn append(&self, sequence: u64, new: &[String]) {
        let mut patterns = self.patterns.write();
        if sequence <= self.current.load(Ordering::Relaxed) {
            return;
        }
        new.iter().for_each(|pattern| patterns.add(sequence, pattern));
        // Published after the patterns: whoever sees the new number finds them.
        self.current.store(sequence, Ordering::Release);
    }

    fn current(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }

    fn has_invalidated(&self, since: u64, subject: Subject<'_>) -> bool {
        self.patterns.read().match_since(since, subject)
    }
}

/// The orders of each distribution that a log would keep, the oldest first. What is left out counts as having matched
/// everything.
pub(crate) fn newest(orders: Vec<TakenOrder>) -> Vec<TakenOrder> {
    let mut kept: AHashMap<String, usize> = AHashMap::new();
    let mut newest = Vec::with_capacity(orders.len());
    for mut order in orders.into_iter().rev() {
        let patterns = kept.entry(order.distribution.clone()).or_default();
        if *patterns >= KEPT {
            continue;
        }
        *patterns += order.patterns.len();
        if *patterns >= KEPT {
            order.patterns = vec!["/*".to_owned()];
        }
        newest.push(order);
    }
    newest.reverse();
    newest
}

/// Up to which invalidation of its distribution a response is known to be valid.
#[derive(Debug)]
pub struct Generation {
    log: Arc<PatternLog>,
    tested: AtomicU64,
    /// Path, and the query strings of the key.
    target: Box<str>,
    /// Known once the head of the response has arrived; until then any may be among them.
    tags: OnceLock<Arc<[CacheTag]>>,
}

impl Generation {
    /// Of a response whose origin request begins now.
    pub(crate) fn beginning(log: Arc<PatternLog>, target: &str) -> Generation {
        let tested = AtomicU64::new(log.current());
        Generation { log, tested, target: target.into(), tags: OnceLock::new() }
    }

    /// Of a response of an earlier process, tested up to the sequence `tested`.
    pub(crate) fn restored(log: Arc<PatternLog>, tested: u64, target: &str, tags: Option<Vec<CacheTag>>) -> Generation {
        let tags = tags.map_or_else(OnceLock::new, |tags| OnceLock::from(Arc::from(tags)));
        Generation { log, tested: AtomicU64::new(tested), target: target.into(), tags }
    }

    /// The head of the response has arrived, with these tags. Said once; more changes nothing.
    pub(crate) fn tag(&self, tags: Arc<[CacheTag]>) {
        let _said_before = self.tags.set(tags);
    }

    /// Whether no invalidation since then matches.
    pub fn is_valid(&self) -> bool {
        let tested = self.tested.load(Ordering::Relaxed);
        let current = self.log.current();
        if tested == current {
            return true;
        }
        let subject = Subject { target: &self.target, tags: self.tags().map(|tags| &**tags) };
        if self.log.has_invalidated(tested, subject) {
            return false;
        }
        self.tested.fetch_max(current, Ordering::Relaxed);
        true
    }

    /// Whether this response's origin request began before `other`'s.
    pub(crate) fn is_older_than(&self, other: &Generation) -> bool {
        self.tested.load(Ordering::Relaxed) < other.tested.load(Ordering::Relaxed)
    }

    /// Up to which sequence it was tested.
    pub(crate) fn tested(&self) -> u64 {
        self.tested.load(Ordering::Relaxed)
    }

    /// Whose response it is.
    pub(crate) fn distribution(&self) -> &str {
        &self.log.distribution
    }

    /// The path, and the query strings of the key.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The tags of the response; `None` while its head has not arrived.
    pub fn tags(&self) -> Option<&Arc<[CacheTag]>> {
        self.tags.get()
    }
}

impl Clone for Generation {
    fn clone(&self) -> Generation {
        Generation {
            log: Arc::clone(&self.log),
            tested: AtomicU64::new(self.tested.load(Ordering::Relaxed)),
            target: self.target.clone(),
            tags: self.tags.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Generation, Invalidations, KEPT, newest};
    use crate::store::TakenOrder;
    use crate::tags::CacheTag;

    #[test]
    fn a_pattern_invalidates_what_it_matches_in_its_distribution() {
        for (pattern, valid) in [("/a", false), ("/*", false), ("/b", true), ("#cache-tag:x", true)] {
            let invalidations = Invalidations::default();
            let stored = Generation::beginning(invalidations.log("E1"), "/a");
            stored.tag(Arc::default());
            let elsewhere = Generation::beginning(invalidations.log("E2"), "/a");
            invalidations.log("E1").append(1, &[pattern.to_owned()]);
            assert_eq!(stored.is_valid(), valid, "{pattern}");
            assert!(elsewhere.is_valid());
        }
    }

    #[test]
    fn a_tag_that_was_invalidated_before_the_head_arrived_counts() {
        let invalidations = Invalidations::default();
        let flying = Generation::beginning(invalidations.log("E1"), "/a");
        invalidations.log("E1").append(1, &["#cache-tag:tv".to_owned()]);
        assert!(!flying.is_valid(), "whoever joins now asks for itself");
        let (tagged, other) = (flying.clone(), flying);
        tagged.tag([CacheTag::qualified("cache-tag:tv")].into());
        other.tag([CacheTag::qualified("cache-tag:radio")].into());
        assert!(!tagged.is_valid() && other.is_valid());
        let again = Generation::beginning(invalidations.log("E1"), "/a");
        again.tag(Arc::clone(tagged.tags().unwrap()));
        assert!(again.is_valid());
    }

    #[test]
    fn what_is_fetched_after_an_invalidation_is_valid() {
        let invalidations = Invalidations::default();
        invalidations.log("E1").append(1, &["/*".to_owned()]);
        let stored = Generation::beginning(invalidations.log("E1"), "/a");
        assert!(stored.is_valid());
        invalidations.log("E1").append(2, &["/b".to_owned()]);
        assert!(stored.is_valid() && stored.is_valid());
        invalidations.log("E1").append(3, &["/a".to_owned()]);
        assert!(!stored.is_valid() && !stored.is_valid());
    }

    #[test]
    fn of_many_orders_the_newest_are_kept_and_the_last_of_them_stands_for_the_rest() {
        let order = |sequence, patterns: usize| TakenOrder {
            distribution: "E1".to_owned(),
            sequence,
            patterns: vec!["/a".to_owned(); patterns],
        };
        assert_eq!(newest(vec![order(1, 1), order(2, 1)]), [order(1, 1), order(2, 1)]);
        let kept = newest(vec![order(1, 1), order(2, 1), order(3, KEPT - 1)]);
        let everything = TakenOrder { patterns: vec!["/*".to_owned()], ..order(2, 0) };
        assert_eq!(kept, [everything, order(3, KEPT - 1)]);
    }

    #[test]
    fn an_order_taken_twice_counts_once() {
        let invalidations = Invalidations::default();
        invalidations.log("E1").append(5, &["/a".to_owned()]);
        let stored = Generation::beginning(invalidations.log("E1"), "/a");
        invalidations.log("E1").append(5, &["/a".to_owned()]);
        assert!(stored.is_valid());
    }

    #[test]
    fn beyond_the_limit_old_patterns_count_as_matching_everything() {
        let invalidations = Invalidations::default();
        let log = invalidations.log("E1");
        let old = Generation::beginning(invalidations.log("E1"), "/kept");
        for sequence in 1..=KEPT as u64 {
            log.append(sequence, &[format!("/{sequence}")]);
        }
        assert!(old.clone().is_valid());
        log.append(KEPT as u64 + 1, &["/0".to_owned()]);
        assert!(!old.is_valid());
    }
}
