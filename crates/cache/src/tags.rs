//! Cache tags: names that an origin gives to its responses, by which they can be invalidated (guide, invalidation-by-tags,
//! invalidation-specifying-tags).
//!
//! Invariant: a tag belongs to the header field it was read from, so that an invalidation after a change of the field's
//! name does not match what was stored before. Upper and lower case are the same. Called by `invalidation`, and by
//! `proxy` for every response that arrives.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use xxhash_rust::xxh3::Xxh3Default;

/// Tags of one response that count; the others are ignored.
const MOST: usize = 50;
/// Bytes of a tag that counts.
const LONGEST: usize = 256;

/// A tag and the header field it came in, by their hash. Two that share one would be invalidated together, which costs a
/// Miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheTag(pub(crate) u64);

impl CacheTag {
    /// The tag that an invalidation order names: `header:tag`.
    pub(crate) fn qualified(text: &str) -> CacheTag {
        CacheTag::hash(&[text.as_bytes()])
    }

    /// A tag as a response has it in its `header` field.
    pub fn new(header: &HeaderName, tag: &[u8]) -> CacheTag {
        CacheTag::hash(&[header.as_str().as_bytes(), b":", tag])
    }

    fn hash(parts: &[&[u8]]) -> CacheTag {
        let mut hasher = Xxh3Default::new();
        parts.iter().for_each(|part| hasher.update(&part.to_ascii_lowercase()));
        CacheTag(hasher.digest())
    }
}

/// The tags of a response, read from its `header` fields.
pub fn tags_of(headers: &HeaderMap, header: &HeaderName) -> Arc<[CacheTag]> {
    let values = headers.get_all(header).into_iter().map(|line| line.as_bytes());
    let tags = values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    tags.filter(|tag| is_tag(tag)).take(MOST).map(|tag| CacheTag::new(header, tag)).collect()
}

fn is_tag(text: &[u8]) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(lines: &[&[u8]]) -> Arc<[CacheTag]> {
        let name = HeaderName::from_static("cache-tag");
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&name, HeaderValue::from_bytes(line).unwrap());
        }
        tags_of(&headers, &name)
    }

    #[test]
    fn tags_are_the_members_of_the_header_without_white_space_or_case() {
        let expected = ["cache-tag:product:tv", "cache-tag:a\"b*"].map(CacheTag::qualified);
        for lines in [
            &[b"product:tv,a\"b*".as_slice()][..],
            &[b"  Product:TV ,\t, A\"B* "],
            &[b"product:TV", b"a\"b*"],
            &[b"product:tv, two words, \xe9, a\"b*"],
        ] {
            assert_eq!(*found(lines), expected);
        }
        assert_eq!(*found(&[]), []);
    }

    #[test]
    fn a_tag_belongs_to_its_header() {
        assert_eq!(*found(&[b"a"]), [CacheTag::qualified("Cache-Tag:A")]);
        assert_ne!(*found(&[b"a"]), [CacheTag::qualified("x-tag:a")]);
    }

    #[test]
    fn what_is_too_long_or_too_many_is_ignored() {
        let longest = "a".repeat(LONGEST);
        let too_long = "b".repeat(LONGEST + 1);
        assert_eq!(found(&[format!("{too_long},{longest}").as_bytes()]).len(), 1);
        let many: Vec<String> = (0..MOST + 1).map(|n| format!("t{n}")).collect();
        let tags = found(&[many.join(",").as_bytes()]);
        assert_eq!(tags.len(), MOST);
        assert!(!tags.contains(&CacheTag::qualified("cache-tag:t50")));
    }
}
