//! Cache directives for caches like this one alone: CDN-Cache-Control (RFC 9213) and Surrogate-Control (Edge Architecture
//! Specification, W3C note of 2001-08-04).
//!
//! Invariant: one field governs a response. The first of CDN-Cache-Control, Surrogate-Control and Cache-Control that is
//! valid and says something decides alone; where it is one of the first two, Cache-Control and Expires have no say (RFC
//! 9213 section 2.2). Called by `cache` for policies with our own rules; CloudFront knows neither.

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};

use crate::cache_control::{CacheControl, split_argument};
use crate::decimal;
use crate::fields;

/// Response field for caches of content delivery networks.
pub static CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
/// Response field for surrogates: not for viewers.
pub static SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");
/// Request field: what a surrogate can do, under the token that it is targeted by.
pub static SURROGATE_CAPABILITY: HeaderName = HeaderName::from_static("surrogate-capability");
/// Our SURROGATE_CAPABILITY.
pub const OUR_CAPABILITY: HeaderValue = HeaderValue::from_static("edgeward=\"Surrogate/1.0\"");

/// The token by which Surrogate-Control targets this cache.
const TOKEN: &[u8] = b"edgeward";

/// The directives that govern this cache.
pub fn governing(headers: &HeaderMap) -> CacheControl {
    cdn_cache_control(headers)
        .or_else(|| surrogate_control(headers))
        .map_or_else(|| CacheControl::parse(headers), |directives| CacheControl { is_targeted: true, ..directives })
}

/// `None` where the field is absent, empty or no dictionary (RFC 9213 section 2.2).
fn cdn_cache_control(headers: &HeaderMap) -> Option<CacheControl> {
    if !headers.contains_key(&CDN_CACHE_CONTROL) {
        return None;
    }
    let lines: Vec<&[u8]> = headers.get_all(&CDN_CACHE_CONTROL).iter().map(HeaderValue::as_bytes).collect();
    let dictionary: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().ok()?;
    let mut directives = CacheControl::default();
    for (name, value) in &dictionary {
        with_argument(value, |argument| directives.set(name.as_str().as_bytes(), argument));
    }
    (!dictionary.is_empty()).then_some(directives)
}

/// RFC 9213 section 2.1 says which types stand for which arguments; parameters mean nothing. Any other type is an argument
/// that cannot be read.
fn with_argument(value: &ListEntry, mut set: impl FnMut(Option<&[u8]>)) {
    let ListEntry::Item(Item { bare_item, .. }) = value else { return set(Some(b"")) };
    match bare_item {
        BareItem::Boolean(true) => set(None),
        BareItem::Integer(number) => set(Some(number.to_string().as_bytes())),
        BareItem::Token(token) => set(Some(token.as_str().as_bytes())),
        BareItem::String(text) => set(Some(text.as_str().as_bytes())),
        _ => set(Some(b"")),
    }
}

/// `None` where it says nothing to this cache. What is targeted at it stands before what is meant for every surrogate.
fn surrogate_control(headers: &HeaderMap) -> Option<CacheControl> {
    let (mut for_all, mut for_us) = (Surrogate::default(), Surrogate::default());
    for member in fields::members(headers, &SURROGATE_CONTROL) {
        let mut parts = member.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let directive = parts.next().unwrap_or_default();
        let mut targets = parts.peekable();
        if targets.peek().is_none() {
            for_all.add(directive);
        } else if targets.any(|target| target.eq_ignore_ascii_case(TOKEN)) {
            for_us.add(directive);
        }
    }
    let Surrogate { is_said, directives } = if for_us.is_said { for_us } else { for_all };
    is_said.then_some(directives)
}

#[derive(Default)]
struct Surrogate {
    /// Some directive is one for caches.
    is_said: bool,
    directives: CacheControl,
}

impl Surrogate {
    /// Section 3.3 of the note. `content` asks for processing that is never offered; this edge is remote from the origin.
    fn add(&mut self, directive: &[u8]) {
        let (name, argument) = split_argument(directive);
        if name.eq_ignore_ascii_case(b"no-store") || name.eq_ignore_ascii_case(b"no-store-remote") {
            self.directives.no_store = true;
        } else if name.eq_ignore_ascii_case(b"max-age") {
            self.add_max_age(argument.unwrap_or_default());
        } else {
            return;
        }
        self.is_said = true;
    }

    /// `600+300`: after 600 seconds it may be served for 300 more before it has to be validated.
    fn add_max_age(&mut self, argument: &[u8]) {
        let mut numbers = argument.splitn(2, |byte| *byte == b'+');
        self.directives.set(b"max-age", numbers.next());
        if let Some(extension) = numbers.next().and_then(decimal::saturating) {
            self.directives.set(b"stale-while-revalidate", Some(extension.to_string().as_bytes()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache_control::Scope;

    fn governing_of(lines: &[(&'static str, &'static str)]) -> CacheControl {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        governing(&headers)
    }

    fn max_age_of(lines: &[(&'static str, &'static str)]) -> (Option<u64>, bool) {
        let directives = governing_of(lines);
        (directives.max_age, directives.is_targeted)
    }

    // RFC 9213 section 2.2
    #[test]
    fn the_first_field_that_says_something_governs_alone() {
        for (lines, expected) in [
            (&[("cache-control", "max-age=1")][..], (Some(1), false)),
            (&[("cdn-cache-control", "max-age=3"), ("cache-control", "max-age=1")], (Some(3), true)),
            (&[("surrogate-control", "max-age=2"), ("cache-control", "max-age=1")], (Some(2), true)),
            (&[("cdn-cache-control", "max-age=3"), ("surrogate-control", "max-age=2")], (Some(3), true)),
            (&[("cdn-cache-control", "public"), ("cache-control", "max-age=1")], (None, true)),
            (&[("cdn-cache-control", ""), ("cache-control", "max-age=1")], (Some(1), false)),
            (&[("cdn-cache-control", "max-age=3,"), ("cache-control", "max-age=1")], (Some(1), false)),
            (&[("cdn-cache-control", "MAX-AGE=3"), ("cache-control", "max-age=1")], (Some(1), false)),
            (&[("cdn-cache-control", "max-age =3"), ("cache-control", "max-age=1")], (Some(1), false)),
            (&[("cdn-cache-control", "max-age=9999999999999999"), ("cache-control", "max-age=1")], (Some(1), false)),
            (&[("cdn-cache-control", ""), ("surrogate-control", "max-age=2")], (Some(2), true)),
            (&[("surrogate-control", "content=\"ESI/1.0\""), ("cache-control", "max-age=1")], (Some(1), false)),
        ] {
            assert_eq!(max_age_of(lines), expected, "{lines:?}");
        }
        assert!(!governing_of(&[("cdn-cache-control", "max-age=3"), ("cache-control", "no-store")]).no_store);
    }

    // RFC 9213 section 2.1
    #[test]
    fn cdn_cache_control_is_a_dictionary_of_the_directives_of_cache_control() {
        for (line, seconds) in [
            ("max-age=3", Some(3)),
            ("max-age=3;foo=bar", Some(3)),
            ("foo, bar=(1 2), max-age=3", Some(3)),
            ("max-age=3, max-age=5", Some(5)),
            ("max-age", Some(0)),
            ("max-age=-3", Some(0)),
            ("max-age=3.5", Some(0)),
            ("max-age=a", Some(0)),
            ("max-age=(3)", Some(0)),
            ("max-age=?0", Some(0)),
        ] {
            assert_eq!(max_age_of(&[("cdn-cache-control", line)]), (seconds, true), "{line}");
        }
        assert_eq!(max_age_of(&[("cdn-cache-control", "foo"), ("cdn-cache-control", "max-age=3")]), (Some(3), true));
        let parsed = governing_of(&[(
            "cdn-cache-control",
            "s-maxage=1, no-store, private=\"x-a\", no-cache, must-revalidate, public=1, stale-if-error=4",
        )]);
        let expected = CacheControl {
            s_maxage: Some(1),
            stale_if_error: Some(4),
            no_store: true,
            private: Scope::Fields(vec![HeaderName::from_static("x-a")]),
            no_cache: Scope::Whole,
            must_revalidate: true,
            is_targeted: true,
            ..CacheControl::default()
        };
        assert_eq!(parsed, expected);
    }

    // Edge Architecture Specification, sections 3.2 and 3.3
    #[test]
    fn surrogate_control_has_a_lifetime_with_an_extension_and_targets() {
        let said = |max_age, extension, no_store| CacheControl {
            max_age,
            stale_while_revalidate: extension,
            no_store,
            is_targeted: true,
            ..CacheControl::default()
        };
        for (line, expected) in [
            ("max-age=600", said(Some(600), None, false)),
            ("MaX-aGe=600", said(Some(600), None, false)),
            ("max-age=600+300", said(Some(600), Some(300), false)),
            ("max-age=600+x", said(Some(600), None, false)),
            ("max-age=99999999999999999999", said(Some(u64::MAX), None, false)),
            ("max-age=x", said(Some(0), None, false)),
            ("max-age", said(Some(0), None, false)),
            ("max-age =600", said(Some(0), None, false)),
            ("foobar, max-age=600, content=\"ESI/1.0;a\"", said(Some(600), None, false)),
            ("no-store", said(None, None, true)),
            ("no-store-remote", said(None, None, true)),
            ("no-store, max-age=600", said(Some(600), None, true)),
            ("max-age=600;edgeward", said(Some(600), None, false)),
            ("max-age=600; a; Edgeward", said(Some(600), None, false)),
            ("no-store, max-age=600;edgeward", said(Some(600), None, false)),
            ("max-age=600;edgeward, max-age=60", said(Some(600), None, false)),
            ("max-age=60, no-store;other", said(Some(60), None, false)),
            ("content=\"x\";edgeward, max-age=60", said(Some(60), None, false)),
        ] {
            assert_eq!(governing_of(&[("surrogate-control", line)]), expected, "{line}");
        }
        for nothing in ["", "foo", "max-age=600;other", "content=\"ESI/1.0\""] {
            assert_eq!(governing_of(&[("surrogate-control", nothing)]), CacheControl::default(), "{nothing}");
        }
    }
}
