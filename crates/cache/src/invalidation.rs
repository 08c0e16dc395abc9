//! Invalidation by numbered patterns: nothing is deleted, a stored response is tested against what came after it.
//!
//! Each distribution has a log of (sequence, pattern). A stored response remembers the sequence that was current when its
//! origin request began. A hit compares two numbers; only when the log has moved on are the newer patterns tried, and the
//! response then remembers how far it was tested. So `/*` over any number of stored responses costs one append, and a
//! response that was being fetched while the invalidation came cannot survive it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::AHashMap;
use parking_lot::RwLock;

use crate::store::TakenOrder;

/// A log keeps at most this many patterns; beyond it the oldest count as having matched everything, which costs Misses
/// and can never serve what was invalidated.
const KEPT: usize = 10_000;

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

#[derive(Debug, Default)]
struct Patterns {
    /// Oldest first.
    numbered: std::collections::VecDeque<(u64, Box<str>)>,
    /// Responses filled before this sequence are invalid whatever they are.
    floor: u64,
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
        patterns.numbered.extend(new.iter().map(|pattern| (sequence, pattern.as_str().into())));
        while patterns.numbered.len() > KEPT {
            if let Some((dropped, _)) = patterns.numbered.pop_front() {
                patterns.floor = dropped;
            }
        }
        // Published after the patterns: whoever sees the new number finds them.
        self.current.store(sequence, Ordering::Release);
    }

    fn current(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }

    fn has_invalidated(&self, since: u64, target: &str) -> bool {
        let patterns = self.patterns.read();
        let newer = patterns.numbered.iter().rev().take_while(|(sequence, _)| *sequence > since);
        since < patterns.floor || newer.into_iter().any(|(_, pattern)| is_match(pattern, target))
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

/// A path matches itself; a trailing `*` matches whatever follows (CloudFront guide, Invalidation).
fn is_match(pattern: &str, target: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => target.starts_with(prefix),
        None => target == pattern,
    }
}

/// Up to which invalidation of its distribution a response is known to be valid.
#[derive(Debug)]
pub struct Generation {
    log: Arc<PatternLog>,
    tested: AtomicU64,
    /// Path, and the query strings of the key.
    target: Box<str>,
}

impl Generation {
    /// Of a response whose origin request begins now.
    pub(crate) fn beginning(log: Arc<PatternLog>, target: &str) -> Generation {
        let tested = AtomicU64::new(log.current());
        Generation { log, tested, target: target.into() }
    }

    /// Of a response of an earlier process, tested up to the sequence `tested`.
    pub(crate) fn restored(log: Arc<PatternLog>, tested: u64, target: &str) -> Generation {
        Generation { log, tested: AtomicU64::new(tested), target: target.into() }
    }

    /// Whether no invalidation since then matches.
    pub fn is_valid(&self) -> bool {
        let tested = self.tested.load(Ordering::Relaxed);
        let current = self.log.current();
        if tested == current {
            return true;
        }
        if self.log.has_invalidated(tested, &self.target) {
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
}

impl Clone for Generation {
    fn clone(&self) -> Generation {
        Generation {
            log: Arc::clone(&self.log),
            tested: AtomicU64::new(self.tested.load(Ordering::Relaxed)),
            target: self.target.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Generation, Invalidations, KEPT, newest};
    use crate::store::TakenOrder;

    #[test]
    fn a_pattern_invalidates_what_it_matches_and_nothing_else() {
        for (pattern, target, valid) in [
            ("/index.html", "/index.html", false),
            ("/index.html", "/index.html?a=1", true),
            ("/index.html*", "/index.html?a=1", false),
            ("/img/*", "/img/a/b.png", false),
            ("/img/*", "/img", true),
            ("/*", "/anything", false),
            ("/Index.html", "/index.html", true),
            ("/a*b", "/axb", true),
        ] {
            let invalidations = Invalidations::default();
            let stored = Generation::beginning(invalidations.log("E1"), target);
            let elsewhere = Generation::beginning(invalidations.log("E2"), target);
            invalidations.log("E1").append(1, &[pattern.to_owned()]);
            assert_eq!(stored.is_valid(), valid, "{pattern} against {target}");
            assert!(elsewhere.is_valid());
        }
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
            log.append(sequence, &["/other".to_owned()]);
        }
        assert!(old.clone().is_valid());
        log.append(KEPT as u64 + 1, &["/other".to_owned()]);
        assert!(!old.is_valid());
    }
}
