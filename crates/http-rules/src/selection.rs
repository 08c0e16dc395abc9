//! Which names of query strings or cookies a cache policy selects: none, whitelist, allExcept, all.
//!
//! Invariant: names are compared byte by byte, case included; a cookie name may be a pattern (`*` any bytes, `?` one
//! byte), a query string's never is.
//! Built by `plan` users once for each behavior; read by `query` and `cookies` on every request.

use memchr::memchr2;

use crate::glob;

/// The four modes of a cache policy (CloudFront API, `CookieBehavior` and `QueryStringBehavior`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SelectionMode {
    /// No name is selected.
    #[default]
    None,
    /// The listed names are selected.
    Whitelist,
    /// Every name but the listed ones is selected.
    AllExcept,
    /// Every name is selected.
    All,
}

/// A mode with its names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    mode: SelectionMode,
    exact: Vec<Box<[u8]>>,
    patterns: Vec<Box<[u8]>>,
}

impl Selection {
    /// A selection by exact names.
    pub fn new<N: AsRef<[u8]>>(mode: SelectionMode, names: impl IntoIterator<Item = N>) -> Self {
        let exact = names.into_iter().map(|name| name.as_ref().into()).collect();
        Self { mode, exact, patterns: Vec::new() }
    }

    /// A selection whose names with `*` or `?` are patterns (`ForwardedValues.Cookies.WhitelistedNames`).
    pub fn with_wildcards<N: AsRef<[u8]>>(mode: SelectionMode, names: impl IntoIterator<Item = N>) -> Self {
        let (patterns, exact) = names
            .into_iter()
            .map(|name| Box::<[u8]>::from(name.as_ref()))
            .partition(|name| memchr2(b'*', b'?', name).is_some());
        Self { mode, exact, patterns }
    }

    /// The mode.
    pub fn mode(&self) -> SelectionMode {
        self.mode
    }

    /// Whether `name` is selected.
    pub fn selects(&self, name: &[u8]) -> bool {
        match self.mode {
            SelectionMode::None => false,
            SelectionMode::Whitelist => self.lists(name),
            SelectionMode::AllExcept => !self.lists(name),
            SelectionMode::All => true,
        }
    }

    /// What this selection or `other` selects. Where one excepts names that the other lists by pattern, those that match
    /// are no longer excepted.
    pub fn union(&self, other: &Selection) -> Selection {
        use SelectionMode::{All, AllExcept, None, Whitelist};
        match (self.mode, other.mode) {
            (None, _) | (_, All) => other.clone(),
            (_, None) | (All, _) => self.clone(),
            (Whitelist, Whitelist) => Selection {
                mode: Whitelist,
                exact: [self.exact.as_slice(), &other.exact].concat(),
                patterns: [self.patterns.as_slice(), &other.patterns].concat(),
            },
            (Whitelist, AllExcept) => other.union(self),
            (AllExcept, _) => Selection {
                mode: AllExcept,
                exact: self.exact.iter().filter(|name| !other.selects(name)).cloned().collect(),
                patterns: self.patterns.iter().filter(|pattern| !other.selects(pattern)).cloned().collect(),
            },
        }
    }

    fn lists(&self, name: &[u8]) -> bool {
        self.exact.iter().any(|listed| **listed == *name)
            || self.patterns.iter().any(|pattern| glob::matches(pattern, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_selects_its_names_case_included() {
        for (mode, listed, other_case, unlisted) in [
            (SelectionMode::None, false, false, false),
            (SelectionMode::Whitelist, true, false, false),
            (SelectionMode::AllExcept, false, true, true),
            (SelectionMode::All, true, true, true),
        ] {
            let selection = Selection::new(mode, ["lang", "size"]);
            assert_eq!(
                (selection.selects(b"size"), selection.selects(b"Size"), selection.selects(b"siz")),
                (listed, other_case, unlisted),
                "{mode:?}"
            );
        }
    }

    #[test]
    fn a_union_selects_what_either_selects() {
        let selections = [
            Selection::new(SelectionMode::None, [""; 0]),
            Selection::new(SelectionMode::Whitelist, ["a", "b"]),
            Selection::with_wildcards(SelectionMode::Whitelist, ["c*"]),
            Selection::new(SelectionMode::AllExcept, ["a", "c1"]),
            Selection::new(SelectionMode::AllExcept, ["b", "c1", "d"]),
            Selection::new(SelectionMode::All, [""; 0]),
        ];
        for one in &selections {
            for other in &selections {
                for name in ["a", "b", "c", "c1", "d", "e"] {
                    let name = name.as_bytes();
                    let expected = one.selects(name) || other.selects(name);
                    assert_eq!(one.union(other).selects(name), expected, "{one:?} {other:?} {name:?}");
                }
            }
        }
    }

    #[test]
    fn wildcards_are_patterns_only_where_asked_for() {
        assert!(Selection::with_wildcards(SelectionMode::Whitelist, ["user_*"]).selects(b"user_id"));
        assert!(!Selection::with_wildcards(SelectionMode::AllExcept, ["user_*", "a"]).selects(b"user_id"));
        assert!(!Selection::new(SelectionMode::Whitelist, ["user_*"]).selects(b"user_id"));
        assert!(Selection::new(SelectionMode::Whitelist, ["user_*"]).selects(b"user_*"));
    }
}
