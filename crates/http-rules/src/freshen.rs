//! How a stored response takes over the fields of a newer one without content: a 304, or the response to a HEAD (RFC 9111
//! sections 3.2, 4.3.4 and 4.3.5).
//!
//! Invariant: what describes the stored content stays with it. Section 3.2 lets a cache leave such fields out where they
//! would break the response: a new Content-Encoding over old bytes makes them unreadable. Called by `proxy`.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName};

/// Removes from `update` what describes the content of `stored`.
pub fn keep_content_fields(stored: &HeaderMap, update: &mut HeaderMap) {
    OF_THE_CONTENT.iter().for_each(|name| drop(update.remove(name)));
    if stored.contains_key(ETAG) {
        update.remove(ETAG);
    }
}

/// Whether the response to a HEAD may be one to the same representation: validators and length that both have agree.
pub fn is_same_representation(stored: &HeaderMap, head: &HeaderMap) -> bool {
    [ETAG, LAST_MODIFIED, CONTENT_LENGTH].iter().all(|name| match (stored.get(name), head.get(name)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    })
}

static OF_THE_CONTENT: [HeaderName; 4] =
    [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderName::from_static("content-md5")];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        lines.iter().map(field).collect()
    }

    // RFC 9111 section 3.2
    #[test]
    fn what_describes_the_stored_content_is_not_updated() {
        let mut update = headers(&[
            ("content-encoding", "br"),
            ("content-length", "9"),
            ("content-range", "bytes 0-1/2"),
            ("content-md5", "x"),
            ("content-type", "text/css"),
            ("etag", "\"2\""),
            ("x-a", "1"),
        ]);
        let mut first = update.clone();
        keep_content_fields(&headers(&[("etag", "\"1\"")]), &mut update);
        assert_eq!(update, headers(&[("content-type", "text/css"), ("x-a", "1")]));
        keep_content_fields(&HeaderMap::new(), &mut first);
        assert_eq!(first, headers(&[("content-type", "text/css"), ("etag", "\"2\""), ("x-a", "1")]));
    }

    // RFC 9111 section 4.3.5
    #[test]
    fn a_head_speaks_of_the_same_representation_unless_validators_or_length_differ() {
        let stored = headers(&[("etag", "\"1\""), ("content-length", "5")]);
        for (head, same) in [
            (&[][..], true),
            (&[("etag", "\"1\""), ("content-length", "5")], true),
            (&[("last-modified", "x")], true),
            (&[("etag", "\"2\"")], false),
            (&[("etag", "\"1\""), ("content-length", "6")], false),
        ] {
            assert_eq!(is_same_representation(&stored, &headers(head)), same, "{head:?}");
        }
    }
}
