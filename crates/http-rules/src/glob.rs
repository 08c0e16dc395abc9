//! The wildcards of path patterns, cookie names and signed resources: `*` and `?`, nothing else.
//!
//! Invariant: time is bounded by the product of both lengths, whatever the pattern. Called by `selection` and by `plan`.

/// Whether the whole of `name` matches `pattern`: `*` stands for any bytes, `?` for one. After a mismatch only the last `*` is tried again with one byte more: at most
/// pattern times name steps, never exponential.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
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
