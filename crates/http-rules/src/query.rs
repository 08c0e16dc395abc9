//! Query strings as CloudFront reads them: parameters between `&`, order and case kept, nothing decoded (developer
//! guide, QueryStringParameters).
//!
//! Invariant: what is written is a subsequence of the parameters read, byte for byte; `;` separates nothing.
//! Called by `cache` for the cache key and by `proxy` for the request to the origin.

use memchr::memchr;

use crate::fields;
use crate::selection::{Selection, SelectionMode};

/// A parameter as it stands in the query string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The bytes before the first `=`; all of them when there is none.
    pub name: &'a [u8],
    /// Name, `=` and value.
    pub raw: &'a [u8],
}

/// The parameters of a query string without its `?`. An empty one, as in `a&&b`, has an empty name; an empty query
/// string has none.
pub fn parameters(query: &[u8]) -> impl Iterator<Item = Parameter<'_>> {
    let mut rest = (!query.is_empty()).then_some(query);
    std::iter::from_fn(move || {
        let text = rest?;
        let (raw, from) = text.split_at(memchr(b'&', text).unwrap_or(text.len()));
        rest = (!from.is_empty()).then(|| fields::after(from, 1));
        Some(Parameter { name: raw.split_at(memchr(b'=', raw).unwrap_or(raw.len())).0, raw })
    })
}

/// Appends the selected parameters of `query` to `out`, joined by `&`, without a leading `?`. Nothing is appended when
/// none is selected.
pub fn select(query: &[u8], selection: &Selection, out: &mut Vec<u8>) {
    match selection.mode() {
        SelectionMode::None => {}
        SelectionMode::All => out.extend_from_slice(query),
        SelectionMode::Whitelist | SelectionMode::AllExcept => {
            let mut separator: &[u8] = b"";
            for parameter in parameters(query).filter(|parameter| selection.selects(parameter.name)) {
                out.extend_from_slice(separator);
                out.extend_from_slice(parameter.raw);
                separator = b"&";
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(query: &str, mode: SelectionMode) -> String {
        let mut out = Vec::new();
        select(query.as_bytes(), &Selection::new(mode, ["a", "B"]), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn parameters_are_split_at_ampersands_only() {
        for (query, expected) in [
            ("", vec![]),
            ("a=1;b=2&c", vec![("a", "a=1;b=2"), ("c", "c")]),
            ("a=b=c", vec![("a", "a=b=c")]),
            ("&a&", vec![("", ""), ("a", "a"), ("", "")]),
            ("=x", vec![("", "=x")]),
            ("%61=1", vec![("%61", "%61=1")]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(name, raw)| Parameter { name: name.as_bytes(), raw: raw.as_bytes() }).collect();
            assert_eq!(parameters(query.as_bytes()).collect::<Vec<_>>(), expected, "{query}");
        }
    }

    #[test]
    fn each_mode_keeps_its_parameters_in_order() {
        for (query, whitelist, all_except) in [
            ("", "", ""),
            ("a=1&c=2&B=3&A=4", "a=1&B=3", "c=2&A=4"),
            ("B=3&a=1&a=0", "B=3&a=1&a=0", ""),
            ("a&c", "a", "c"),
            ("c&&d", "", "c&&d"),
            ("aa=1&b=2", "", "aa=1&b=2"),
        ] {
            assert_eq!(selected(query, SelectionMode::None), "", "{query}");
            assert_eq!(selected(query, SelectionMode::Whitelist), whitelist, "{query}");
            assert_eq!(selected(query, SelectionMode::AllExcept), all_except, "{query}");
            assert_eq!(selected(query, SelectionMode::All), query);
        }
    }
}
