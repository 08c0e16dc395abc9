//! The patterns of the invalidations of one distribution, each with the sequence of the newest order that has it.
//!
//! A question costs one look-up for the whole target, one for each length of a prefix that is there, and one for each tag,
//! however many patterns there are. Invariant: what was dropped to stay within the limit counts as having matched
//! everything. Called by `invalidation`.

use std::collections::{BTreeMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use ahash::AHashMap;

use crate::tags::CacheTag;

/// At most this many patterns are kept; beyond it the oldest count as having matched everything, which costs Misses and
/// can never serve what was invalidated.
pub(crate) const KEPT: usize = 10_000;

/// What one item of an order matches (guide, Invalidation).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pattern {
    /// A path, with its query string.
    Exact(Arc<str>),
    /// `/img/*`: whatever begins so.
    Prefix(Arc<str>),
    /// `#header:tag`.
    Tag(CacheTag),
}

impl Pattern {
    fn parse(text: &str) -> Pattern {
        match (text.strip_prefix('#'), text.strip_suffix('*')) {
            (Some(tag), _) => Pattern::Tag(CacheTag::qualified(tag)),
            (None, Some(prefix)) => Pattern::Prefix(prefix.into()),
            (None, None) => Pattern::Exact(text.into()),
        }
    }
}

/// A response as patterns see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// Path, and the query strings of the key.
    pub(crate) target: &'a str,
    /// `None` while they are not known: then every tag may be its.
    pub(crate) tags: Option<&'a [CacheTag]>,
}

/// The patterns, by kind: key to newest sequence.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    exact: AHashMap<Arc<str>, u64>,
    prefixes: AHashMap<Arc<str>, u64>,
    /// How many prefixes have this length.
    prefix_lengths: BTreeMap<usize, usize>,
    tags: AHashMap<CacheTag, u64>,
    /// Of the newest order with a tag.
    newest_tag: u64,
    /// As they came, the oldest first; those that came again are in it twice.
    numbered: VecDeque<(u64, Pattern)>,
    /// Responses filled before this sequence are invalid whatever they are.
    floor: u64,
}

impl Patterns {
    pub(crate) fn add(&mut self, sequence: u64, text: &str) {
        let pattern = Pattern::parse(text);
        match &pattern {
            Pattern::Exact(path) => drop(self.exact.insert(Arc::clone(path), sequence)),
            Pattern::Prefix(prefix) => {
                if self.prefixes.insert(Arc::clone(prefix), sequence).is_none() {
                    *self.prefix_lengths.entry(prefix.len()).or_default() += 1;
                }
            }
            Pattern::Tag(tag) => {
                self.tags.insert(*tag, sequence);
                self.newest_tag = sequence;
            }
        }
        self.numbered.push_back((sequence, pattern));
        while self.numbered.len() > KEPT {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((sequence, pattern)) = self.numbered.pop_front() else { return };
        let is_newest = match &pattern {
            Pattern::Exact(path) => remove(&mut self.exact, path, sequence),
            Pattern::Prefix(prefix) => {
                let is_newest = remove(&mut self.prefixes, prefix, sequence);
                if is_newest {
                    self.forget_length(prefix.len());
                }
                is_newest
            }
            Pattern::Tag(tag) => remove(&mut self.tags, tag, sequence),
        };
        // One that came again since is still known, and stands for both.
        if is_newest {
            self.floor = sequence;
        }
    }

    fn forget_length(&mut self, length: usize) {
        if let Some(count) = self.prefix_lengths.get_mut(&length) {
            *count -= 1;
            if *count == 0 {
                self.prefix_lengths.remove(&length);
            }
        }
    }

    /// Whether something newer than `since` matches.
    pub(crate) fn match_since(&self, since: u64, subject: Subject<'_>) -> bool {
        let is_newer = |sequence: Option<&u64>| sequence.is_some_and(|sequence| *sequence > since);
        since < self.floor
            || is_newer(self.exact.get(subject.target))
            || self.prefixes_of(subject.target).any(|prefix| is_newer(self.prefixes.get(prefix)))
            || match subject.tags {
                Some(tags) => tags.iter().any(|tag| is_newer(self.tags.get(tag))),
                None => self.newest_tag > since,
            }
    }

    /// The beginnings of `target` that have the length of a prefix.
    fn prefixes_of<'a>(&'a self, target: &'a str) -> impl Iterator<Item = &'a str> {
        self.prefix_lengths.range(..=target.len()).filter_map(|(length, _)| target.get(..*length))
    }
}

/// Removes `key` unless it has a newer sequence than `sequence`; says whether it did.
fn remove<K: Eq + Hash>(map: &mut AHashMap<K, u64>, key: &K, sequence: u64) -> bool {
    let is_newest = map.get(key) == Some(&sequence);
    if is_newest {
        map.remove(key);
    }
    is_newest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(target: &str) -> Subject<'_> {
        Subject { target, tags: Some(&[]) }
    }

    #[test]
    fn a_pattern_matches_paths_or_tags() {
        let tags = [CacheTag::qualified("cache-tag:tv"), CacheTag::qualified("cache-tag:a*")];
        for (pattern, target, is_match) in [
            ("/index.html", "/index.html", true),
            ("/index.html", "/index.html?a=1", false),
            ("/index.html*", "/index.html?a=1", true),
            ("/img/*", "/img/a/b.png", true),
            ("/img/*", "/img", false),
            ("/img/*", "/img/", true),
            ("/*", "/anything", true),
            ("/Index.html", "/index.html", false),
            ("/a*b", "/axb", false),
            ("/ä*", "/äb", true),
            ("/x*", "/äb", false),
            ("#cache-tag:tv", "/a", true),
            ("#Cache-Tag:TV", "/a", true),
            ("#cache-tag:t", "/a", false),
            ("#cache-tag:t*", "/a", false),
            ("#cache-tag:a*", "/a", true),
            ("#x-tag:tv", "/a", false),
        ] {
            let mut patterns = Patterns::default();
            patterns.add(1, pattern);
            let subject = Subject { target, tags: Some(&tags) };
            assert_eq!(patterns.match_since(0, subject), is_match, "{pattern} against {target}");
            assert!(!patterns.match_since(1, subject), "{pattern} is not newer");
        }
    }

    #[test]
    fn while_the_tags_of_a_response_are_not_known_every_tag_may_be_its() {
        let mut patterns = Patterns::default();
        let unknown = Subject { target: "/a", tags: None };
        patterns.add(1, "/b");
        assert!(!patterns.match_since(0, unknown));
        patterns.add(2, "#cache-tag:tv");
        assert!(patterns.match_since(1, unknown) && !patterns.match_since(2, unknown));
    }

    #[test]
    fn a_question_costs_a_look_up_for_each_length_of_a_prefix_and_not_for_each_pattern() {
        let mut patterns = Patterns::default();
        for n in 0..KEPT as u64 / 2 {
            patterns.add(n + 1, &format!("/path/{n:05}"));
            patterns.add(n + 1, &format!("/prefix/{n:05}/*"));
        }
        assert!(!patterns.match_since(0, subject("/prefix/none/of/them")));
        assert_eq!(patterns.prefixes_of("/prefix/none/of/them").count(), 1);
        assert!(patterns.match_since(0, subject("/prefix/00001/a")));
    }

    #[test]
    fn what_is_dropped_counts_as_having_matched_everything_unless_it_came_again() {
        let mut patterns = Patterns::default();
        patterns.add(1, "/again");
        patterns.add(2, "/again");
        for n in 3..=KEPT as u64 + 1 {
            patterns.add(n, &format!("/{n}*"));
        }
        assert!(!patterns.match_since(0, subject("/kept")), "the first came again");
        assert!(patterns.match_since(1, subject("/again")));
        patterns.add(KEPT as u64 + 2, "/again");
        assert!(!patterns.match_since(1, subject("/kept")), "so did the second");
        patterns.add(KEPT as u64 + 3, "/other");
        assert!(patterns.match_since(2, subject("/kept")) && !patterns.match_since(3, subject("/kept")));
        assert_eq!(patterns.prefix_lengths.values().sum::<usize>(), patterns.prefixes.len());
    }
}
