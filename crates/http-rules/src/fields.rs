//! How the value of a field is read out of a field section: as one line, or as the members of a list (RFC 9110 section
//! 5.6.1).
//!
//! Invariant: a comma inside a closed quoted-string never ends a member; a quote that is never closed is an ordinary
//! byte, so that a directive after it still counts (`max-age="5, no-store` must not hide `no-store`).
//! Called by the other modules for every field they read.

use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memchr2;

/// The field's value when it has exactly one line; a singleton field that was sent twice has no trustworthy value (RFC
/// 9110 section 5.5).
pub fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?;
    lines.next().is_none().then_some(first)
}

/// The non-empty members of a list-based field over all its lines, in order, without the white space around them.
pub fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).into_iter().flat_map(|line| Members::of(line.as_bytes()))
}

/// The non-empty members of one list value (RFC 9110 section 5.6.1.2: a recipient ignores empty ones).
#[derive(Debug, Clone)]
pub struct Members<'a> {
    rest: &'a [u8],
    quotes_count: bool,
}

impl<'a> Members<'a> {
    /// Reads `value` from its beginning.
    pub fn of(value: &'a [u8]) -> Self {
        Self { rest: value, quotes_count: true }
    }

    fn member_end(&mut self) -> usize {
        let mut at = 0;
        while let Some(step) = memchr2(b',', b'"', after(self.rest, at)) {
            at += step;
            if self.rest.get(at) == Some(&b',') {
                return at;
            }
            at += 1 + self.quoted_length(at + 1);
        }
        self.rest.len()
    }

    /// Bytes from `start` up to and with the closing quote; 0 when there is none, after which quotes mean nothing in
    /// this value (this also keeps the scan linear on a value full of escaped quotes).
    fn quoted_length(&mut self, start: usize) -> usize {
        let closing = if self.quotes_count { closing_quote(after(self.rest, start)) } else { None };
        self.quotes_count = closing.is_some();
        closing.map_or(0, |offset| offset + 1)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (member, rest) = self.rest.split_at(self.member_end());
            self.rest = after(rest, 1);
            let member = member.trim_ascii();
            if !member.is_empty() {
                return Some(member);
            }
        }
        None
    }
}

/// What follows the first `count` bytes; empty when there are fewer.
pub(crate) fn after(bytes: &[u8], count: usize) -> &[u8] {
    bytes.get(count..).unwrap_or_default()
}

fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(step) = memchr2(b'"', b'\\', after(text, at)) {
        at += step;
        if text.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(value: &str) -> Vec<&str> {
        Members::of(value.as_bytes()).map(|member| std::str::from_utf8(member).unwrap()).collect()
    }

    // RFC 9110 section 5.6.1
    #[test]
    fn a_list_is_split_at_commas_outside_quoted_strings() {
        for (value, expected) in [
            ("", vec![]),
            (" , ,\t,", vec![]),
            ("a", vec!["a"]),
            ("a, b ,,c", vec!["a", "b", "c"]),
            (r#"a="x, y", b"#, vec![r#"a="x, y""#, "b"]),
            (r#"a="x\", y", b"#, vec![r#"a="x\", y""#, "b"]),
            (r#"a="x, b"#, vec![r#"a="x"#, "b"]),
            (r#"a="x\", b"#, vec![r#"a="x\""#, "b"]),
            (r#"a="x\"#, vec![r#"a="x\"#]),
        ] {
            assert_eq!(split(value), expected, "{value}");
        }
    }

    #[test]
    fn a_value_of_escaped_quotes_is_read_in_linear_time() {
        let value = format!("\"{}", "\\\"".repeat(100_000));
        assert_eq!(split(&value).len(), 1);
    }

    #[test]
    fn members_run_over_all_lines_and_a_repeated_line_has_no_sole_value() {
        let mut headers = HeaderMap::new();
        headers.append(http::header::VARY, HeaderValue::from_static("a, b"));
        assert_eq!(sole(&headers, &http::header::VARY).unwrap(), "a, b");
        headers.append(http::header::VARY, HeaderValue::from_static("c"));
        assert_eq!(members(&headers, &http::header::VARY).collect::<Vec<_>>(), [b"a", b"b", b"c"]);
        assert_eq!(sole(&headers, &http::header::VARY), None);
    }
}
