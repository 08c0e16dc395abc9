//! Host to distribution, path to cache behavior.
//!
//! Path patterns: `*` stands for any run of characters, `/` included; `?` for exactly one; letters are case-sensitive;
//! a leading `/` is optional and means nothing (CloudFront guide, DownloadDistValuesCacheBehavior). Aliases: a wildcard
//! covers every name below it, and the most specific alias wins (guide, CNAMEs).

use std::sync::Arc;

use ahash::AHashMap;
use edgeward_http_rules::glob;

use crate::types::{CacheBehavior, Distribution};

/// A path pattern of a cache behavior.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: Box<str>,
}

impl PathPattern {
    /// The pattern as configured.
    pub fn new(text: &str) -> PathPattern {
        PathPattern { text: text.into() }
    }

    /// Whether `path` (as sent, without query) matches.
    pub fn is_match(&self, path: &str) -> bool {
        glob::matches(without_slash(&self.text).as_bytes(), without_slash(path).as_bytes())
    }

    /// The pattern as configured.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn without_slash(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// Every name that viewers can ask for.
#[derive(Debug, Default, Clone)]
pub(crate) struct Hosts {
    exact: AHashMap<Box<str>, Arc<Distribution>>,
    /// `example.org` for the alias `*.example.org`.
    below: AHashMap<Box<str>, Arc<Distribution>>,
}

impl Hosts {
    pub(crate) fn insert(&mut self, distribution: &Arc<Distribution>) {
        self.exact.insert(distribution.domain_name.as_str().into(), Arc::clone(distribution));
        for alias in &distribution.aliases {
            let (names, name) = match alias.strip_prefix("*.") {
                Some(parent) => (&mut self.below, parent),
                None => (&mut self.exact, alias.as_str()),
            };
            names.insert(name.into(), Arc::clone(distribution));
        }
    }

    /// Takes out the names of `distribution`, but for those that another one has taken over since.
    pub(crate) fn remove(&mut self, distribution: &Arc<Distribution>) {
        let is_own = |found: Option<&Arc<Distribution>>| found.is_some_and(|owner| owner.id == distribution.id);
        if is_own(self.exact.get(distribution.domain_name.as_str())) {
            self.exact.remove(distribution.domain_name.as_str());
        }
        for alias in &distribution.aliases {
            let (names, name) = match alias.strip_prefix("*.") {
                Some(parent) => (&mut self.below, parent),
                None => (&mut self.exact, alias.as_str()),
            };
            if is_own(names.get(name)) {
                names.remove(name);
            }
        }
    }

    /// The distribution for `host` (lower case, without port).
    pub(crate) fn find(&self, host: &str) -> Option<&Arc<Distribution>> {
        self.exact.get(host).or_else(|| self.find_below(host))
    }

    fn find_below(&self, host: &str) -> Option<&Arc<Distribution>> {
        if self.below.is_empty() {
            return None;
        }
        let mut name = host;
        while let Some((_, parent)) = name.split_once('.') {
            if let Some(found) = self.below.get(parent) {
                return Some(found);
            }
            name = parent;
        }
        None
    }
}

impl Distribution {
    /// The first behavior whose pattern matches `path`; the default one matches every path.
    pub fn behavior(&self, path: &str) -> Option<&Arc<CacheBehavior>> {
        let (default, listed) = self.behaviors.split_last()?;
        listed.iter().find(|behavior| behavior.path_pattern.is_match(path)).or(Some(default))
    }
}

#[cfg(test)]
mod tests {
    use super::PathPattern;

    #[test]
    fn path_patterns_match_as_cloudfront_documents() {
        for (pattern, path, expected) in [
            ("*", "/", true),
            ("*", "/any/thing", true),
            ("images/*.jpg", "/images/a.jpg", true),
            ("/images/*.jpg", "/images/a.jpg", true),
            ("images/*.jpg", "/images/2026/11/a.jpg", true),
            ("images/*.jpg", "/images/a.JPG", false),
            ("images/*.jpg", "/other/images/a.jpg", false),
            ("*.jpg", "/images/a.jpg", true),
            ("*.jpg", "/images/a.jpg.txt", false),
            ("a?c", "/abc", true),
            ("a?c", "/a/c", true),
            ("a?c", "/ac", false),
            ("a*b*c", "/aXbYbZc", true),
            ("a*b*c", "/aXcYb", false),
            ("/api/*", "/api/", true),
            ("/api/*", "/api", false),
            ("/api*", "/api", true),
            ("", "/", true),
        ] {
            assert_eq!(PathPattern::new(pattern).is_match(path), expected, "{pattern} against {path}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_matched_in_bounded_time() {
        let pattern = PathPattern::new(&"*a".repeat(120));
        assert!(!pattern.is_match(&format!("/{}b", "a".repeat(8000))));
    }
}
