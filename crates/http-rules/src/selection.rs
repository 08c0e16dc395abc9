//! Which names of query strings or cookies a cache policy selects: none, whitelist, allExcept, all.
//!
//! Invariant: names are compared byte by byte, case included; a cookie name may be a pattern (`*` any bytes, `?` one
//! byte), a query string's never is.
//! Built by `plan` users once for each behavior; read by `query` and `cookies` on every request.

use memchr::memchr2;

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

    fn lists(&self, name: &[u8]) -> bool {
        self.exact.iter().any(|listed| **listed == *name) || self.patterns.iter().any(|pattern| matches(pattern, name))
    }
}

/// Whether the whole of `name` matches. After a mismatch only the last `*` is tried again with one byte more: at most
/// pattern times name steps, never exponential.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut retry = None;
    loop {
        match (pattern, name) {
            ([b'*', rest @ ..], _) => {
                pattern = rest;
                retry = Some((rest, name));
            }
            ([wanted, pattern_rest @ ..], [byte, name_rest @ ..]) if *wanted == b'?' || wanted == byte => {
                (pattern, name) = (pattern_rest, name_rest);
            }
            ([], []) => return true,
            _ => {
                let Some((after_star, [_, name_rest @ ..])) = retry else { return false };
                (pattern, name) = (after_star, name_rest);
                retry = Some((after_star, name_rest));
            }
        }
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
    fn wildcards_are_patterns_only_where_asked_for() {
        assert!(Selection::with_wildcards(SelectionMode::Whitelist, ["user_*"]).selects(b"user_id"));
        assert!(!Selection::with_wildcards(SelectionMode::AllExcept, ["user_*", "a"]).selects(b"user_id"));
        assert!(!Selection::new(SelectionMode::Whitelist, ["user_*"]).selects(b"user_id"));
        assert!(Selection::new(SelectionMode::Whitelist, ["user_*"]).selects(b"user_*"));
    }

    #[test]
    fn a_pattern_matches_the_whole_name() {
        for (pattern, name, is_match) in [
            ("*", "", true),
            ("*", "abc", true),
            ("?", "", false),
            ("?", "a", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*c", "abcc", true),
            ("*b*d", "abcbd", true),
            ("*b*d", "abcbde", false),
            ("a**b", "ab", true),
            ("*ab*ab*", "abab", true),
            ("*ab*ab*", "aba", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn a_hostile_name_costs_no_more_than_pattern_times_name() {
        assert!(!matches("*a".repeat(50).as_bytes(), format!("{}b", "a".repeat(20_000)).as_bytes()));
    }
}
