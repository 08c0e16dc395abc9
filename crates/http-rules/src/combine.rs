//! Which parts of a representation may be put together (RFC 9110 section 15.3.7.3, RFC 9111 section 3.4).
//!
//! Invariant: only a strong validator that both carry vouches for two parts being of the same bytes. Called by `proxy`
//! before it stores a part and before it adds one to what is stored.

use http::header::{ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};

use crate::fields;
use crate::validators::{entity_tag, strong_last_modified};

/// The strong validator of a response, as If-Range takes it (RFC 9110 section 13.1.5). `None`: parts of it cannot be
/// combined.
pub fn strong_validator(response: &HeaderMap) -> Option<&HeaderValue> {
    match entity_tag(response) {
        Some(tag) if !tag.weak => fields::sole(response, &ETAG),
        Some(_) => None,
        None => strong_last_modified(response).and_then(|_| fields::sole(response, &LAST_MODIFIED)),
    }
}

/// Whether both carry the same strong validator.
pub fn may_combine(stored: &HeaderMap, part: &HeaderMap) -> bool {
    match (entity_tag(stored), entity_tag(part)) {
        (Some(one), Some(other)) => one.matches_strongly(&other),
        (None, None) => strong_last_modified(stored).is_some_and(|date| strong_last_modified(part) == Some(date)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    const MODIFIED: (&str, &str) = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    const LATER: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:38 GMT");
    const AT_ONCE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        lines.iter().map(field).collect()
    }

    // RFC 9110 sections 8.8.1, 13.1.5
    #[test]
    fn an_entity_tag_without_weakness_or_else_an_old_enough_date_is_strong() {
        for (lines, expected) in [
            (&[("etag", "\"1\"")][..], Some("\"1\"")),
            (&[("etag", "\"1\""), MODIFIED, LATER], Some("\"1\"")),
            (&[("etag", "W/\"1\""), MODIFIED, LATER], None),
            (&[MODIFIED, LATER], Some(MODIFIED.1)),
            (&[MODIFIED, AT_ONCE], None),
            (&[MODIFIED], None),
            (&[("etag", "unquoted")], None),
            (&[], None),
        ] {
            let headers = headers(lines);
            assert_eq!(strong_validator(&headers).map(|value| value.to_str().unwrap()), expected, "{lines:?}");
        }
    }

    // RFC 9110 section 15.3.7.3
    #[test]
    fn parts_with_the_same_strong_validator_may_be_combined() {
        for (one, other, expected) in [
            (&[("etag", "\"1\"")][..], &[("etag", "\"1\"")][..], true),
            (&[("etag", "\"1\"")], &[("etag", "\"2\"")], false),
            (&[("etag", "W/\"1\"")], &[("etag", "W/\"1\"")], false),
            (&[("etag", "\"1\"")], &[], false),
            (&[], &[], false),
            (&[MODIFIED, LATER], &[MODIFIED, LATER], true),
            (&[MODIFIED, LATER], &[MODIFIED, AT_ONCE], false),
            (&[MODIFIED, LATER], &[("etag", "\"1\""), MODIFIED, LATER], false),
        ] {
            assert_eq!(may_combine(&headers(one), &headers(other)), expected, "{one:?} {other:?}");
        }
    }
}
