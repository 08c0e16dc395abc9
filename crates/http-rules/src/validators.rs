//! Validators: entity tags and modification dates (RFC 9110 section 8.8).
//!
//! Invariant: an entity tag that breaks the grammar is no validator; it matches nothing, not even itself.
//! Called by `conditional`, by `cache` to validate stored responses, and by `proxy` to build conditional requests.

use http::HeaderMap;
use http::header::{DATE, ETAG, LAST_MODIFIED};

use crate::date::parse_http_date;
use crate::fields;

/// An entity tag, borrowed from the field that carried it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag<'a> {
    /// Whether it was marked `W/`.
    pub weak: bool,
    /// The bytes between the quotes. A backslash is an ordinary byte here.
    pub opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// The entity tag that makes up the whole of `value`.
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        Self::split(value).filter(|(_, rest)| rest.is_empty()).map(|(tag, _)| tag)
    }

    /// Section 8.8.3.2: equal, and neither is weak.
    pub fn matches_strongly(&self, other: &EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// Section 8.8.3.2: equal, weak or not.
    pub fn matches_weakly(&self, other: &EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }

    /// The entity tag at the beginning of `value`, and what follows it.
    fn split(value: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, quoted) = value.strip_prefix(b"W/").map_or((false, value), |quoted| (true, quoted));
        let text = quoted.strip_prefix(b"\"")?;
        let length = text.iter().position(|&byte| !is_entity_tag_byte(byte))?;
        let (opaque, rest) = text.split_at(length);
        Some((Self { weak, opaque }, rest.strip_prefix(b"\"")?))
    }
}

/// The entity tags of a list value such as If-None-Match. A comma may be part of a tag; a member that is no entity tag
/// is passed over.
#[derive(Debug, Clone)]
pub struct EntityTags<'a> {
    rest: &'a [u8],
}

impl<'a> EntityTags<'a> {
    /// Reads `value` from its beginning.
    pub fn of(value: &'a [u8]) -> Self {
        Self { rest: value }
    }
}

impl<'a> Iterator for EntityTags<'a> {
    type Item = EntityTag<'a>;

    fn next(&mut self) -> Option<EntityTag<'a>> {
        loop {
            self.rest = self.rest.trim_ascii_start();
            if let Some((tag, rest)) = EntityTag::split(self.rest) {
                let rest = rest.trim_ascii_start();
                if rest.is_empty() || rest.starts_with(b",") {
                    self.rest = fields::after(rest, 1);
                    return Some(tag);
                }
            }
            self.rest = fields::after(self.rest, memchr::memchr(b',', self.rest)? + 1);
        }
    }
}

/// The entity tag of a response; `None` when absent, malformed or sent more than once.
pub fn entity_tag(response: &HeaderMap) -> Option<EntityTag<'_>> {
    EntityTag::parse(fields::sole(response, &ETAG)?.as_bytes())
}

/// The modification date of a response in Unix seconds; `None` when absent, malformed or sent more than once.
pub fn last_modified(response: &HeaderMap) -> Option<u64> {
    parse_http_date(fields::sole(response, &LAST_MODIFIED)?.as_bytes())
}

/// The modification date when it is a strong validator: at least one second before the response's Date (section
/// 8.8.2.2).
pub fn strong_last_modified(response: &HeaderMap) -> Option<u64> {
    let date = parse_http_date(fields::sole(response, &DATE)?.as_bytes())?;
    last_modified(response).filter(|&modified| modified < date)
}

/// `etagc` of section 8.8.3: visible bytes but the quote, and bytes from 128 up.
fn is_entity_tag_byte(byte: u8) -> bool {
    byte == 0x21 || (0x23..=0x7e).contains(&byte) || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9110 section 8.8.3
    #[test]
    fn an_entity_tag_is_quoted_text_with_an_optional_weakness_mark() {
        for (text, tag) in [
            (r#""a""#, Some((false, "a"))),
            (r#"W/"a""#, Some((true, "a"))),
            (r#""""#, Some((false, ""))),
            (r#""a\""#, Some((false, r"a\"))),
            (r#""a,b""#, Some((false, "a,b"))),
            ("\"\u{e9}\"", Some((false, "\u{e9}"))),
            ("a", None),
            ("", None),
            ("\"a", None),
            ("a\"", None),
            (r#"w/"a""#, None),
            (r#"W/ "a""#, None),
            (r#""a b""#, None),
            (r#""a" "#, None),
            (r#""a""b""#, None),
        ] {
            let parsed = EntityTag::parse(text.as_bytes());
            assert_eq!(parsed, tag.map(|(weak, opaque)| EntityTag { weak, opaque: opaque.as_bytes() }), "{text}");
        }
    }

    // RFC 9110 section 8.8.3.2, the table of the RFC
    #[test]
    fn strong_and_weak_comparison_follow_the_table_of_the_rfc() {
        for (one, other, strong, weak) in [
            (r#"W/"1""#, r#"W/"1""#, false, true),
            (r#"W/"1""#, r#"W/"2""#, false, false),
            (r#"W/"1""#, r#""1""#, false, true),
            (r#""1""#, r#""1""#, true, true),
        ] {
            let (one, other) = (EntityTag::parse(one.as_bytes()).unwrap(), EntityTag::parse(other.as_bytes()).unwrap());
            assert_eq!((one.matches_strongly(&other), one.matches_weakly(&other)), (strong, weak));
        }
    }

    #[test]
    fn a_list_of_tags_keeps_commas_inside_tags_and_passes_over_malformed_members() {
        for (value, expected) in [
            (r#""a""#, vec!["a"]),
            (r#""a", W/"b",,"c""#, vec!["a", "b", "c"]),
            (r#""a,b", "c""#, vec!["a,b", "c"]),
            (r#"a, "b""#, vec!["b"]),
            (r#""a" "x", "b""#, vec!["b"]),
            (r#""a b", "c""#, vec!["c"]),
            (r#""a\", "b""#, vec![r"a\", "b"]),
            ("*", vec![]),
            ("", vec![]),
        ] {
            let tags: Vec<_> =
                EntityTags::of(value.as_bytes()).map(|tag| std::str::from_utf8(tag.opaque).unwrap()).collect();
            assert_eq!(tags, expected, "{value}");
        }
    }

    #[test]
    fn a_validator_sent_twice_is_none() {
        let mut headers = HeaderMap::new();
        headers.append(ETAG, r#""a""#.parse().unwrap());
        assert!(entity_tag(&headers).is_some());
        headers.append(ETAG, r#""a""#.parse().unwrap());
        assert!(entity_tag(&headers).is_none());
    }

    // RFC 9110 section 8.8.2.2
    #[test]
    fn a_modification_date_is_strong_when_it_lies_before_the_date_of_the_response() {
        for (date, strong) in
            [("Sun, 06 Nov 1994 08:49:38 GMT", true), ("Sun, 06 Nov 1994 08:49:37 GMT", false), ("x", false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
            headers.insert(DATE, date.parse().unwrap());
            assert_eq!(strong_last_modified(&headers).is_some(), strong, "{date}");
        }
    }
}
