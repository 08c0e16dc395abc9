//! The Cache-Control field of a response (RFC 9111 section 5.2, RFC 5861, RFC 8246).
//!
//! Invariant: doubt restricts. A directive that forbids counts even with a stray argument, one that permits does not; a
//! delta-seconds that is no number is 0 (stale, section 4.2.1); of two different values the smaller holds; a field list
//! that cannot be read covers the whole response.
//! Called by `cache` when it admits a response, by `freshness`, and by `targeted`, which reads the same directives elsewhere.

use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName};
use memchr::memchr;

use crate::decimal;
use crate::fields::{self, Members};

/// The directives of a response, over all its Cache-Control lines. Unknown directives are left out (section 5.2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// Freshness lifetime in seconds.
    pub max_age: Option<u64>,
    /// Freshness lifetime in seconds for shared caches; stands before `max_age`.
    pub s_maxage: Option<u64>,
    /// Seconds after which a stale response may no longer be served while it is validated (RFC 5861 section 3).
    pub stale_while_revalidate: Option<u64>,
    /// Seconds of staleness up to which the response may replace an error (RFC 5861 section 4); 0 forbids it.
    pub stale_if_error: Option<u64>,
    /// What must be validated before each reuse.
    pub no_cache: Scope,
    /// What a shared cache must not store.
    pub private: Scope,
    /// The response must not be stored.
    pub no_store: bool,
    /// The response may be stored where that would be forbidden by default.
    pub public: bool,
    /// A stale response must not be reused without validation.
    pub must_revalidate: bool,
    /// As `must_revalidate`, for shared caches only.
    pub proxy_revalidate: bool,
    /// `no_store` may be disregarded by a cache that knows the status code (section 5.2.2.3).
    pub must_understand: bool,
    /// The response will not change while it is fresh (RFC 8246).
    pub immutable: bool,
    /// They come from a field for caches like this one, which leaves Expires no say (`targeted`).
    pub is_targeted: bool,
}

impl CacheControl {
    /// Reads all Cache-Control lines of a response. Allocates only for `no-cache` and `private` with field names.
    pub fn parse(headers: &HeaderMap) -> Self {
        let mut parsed = Self::default();
        for directive in fields::members(headers, &CACHE_CONTROL) {
            parsed.add(directive);
        }
        parsed
    }

    fn add(&mut self, directive: &[u8]) {
        let (name, argument) = split_argument(directive);
        self.set(name, argument);
    }

    /// One directive, its name in any case.
    pub(crate) fn set(&mut self, name: &[u8], argument: Option<&[u8]>) {
        let mut buffer = [0; LONGEST_NAME];
        match lower_case(name, &mut buffer) {
            b"max-age" => tighten(&mut self.max_age, argument),
            b"s-maxage" => tighten(&mut self.s_maxage, argument),
            b"stale-while-revalidate" => tighten(&mut self.stale_while_revalidate, argument),
            b"stale-if-error" => tighten(&mut self.stale_if_error, argument),
            b"no-cache" => self.no_cache.widen(argument),
            b"private" => self.private.widen(argument),
            b"no-store" => self.no_store = true,
            b"must-revalidate" => self.must_revalidate = true,
            b"proxy-revalidate" => self.proxy_revalidate = true,
            b"public" => self.public |= argument.is_none(),
            b"must-understand" => self.must_understand |= argument.is_none(),
            b"immutable" => self.immutable |= argument.is_none(),
            _ => {}
        }
    }
}

/// How much of a response `no-cache` or `private` covers (sections 5.2.2.4 and 5.2.2.7).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// The directive is absent.
    #[default]
    Absent,
    /// The directive covers the whole response.
    Whole,
    /// The directive covers these fields only.
    Fields(Vec<HeaderName>),
}

impl Scope {
    /// Whether the directive covers the whole response.
    pub fn is_whole(&self) -> bool {
        *self == Self::Whole
    }

    /// The fields the directive names; none when it is absent or covers everything.
    pub fn field_names(&self) -> &[HeaderName] {
        match self {
            Self::Fields(names) => names,
            Self::Absent | Self::Whole => &[],
        }
    }

    fn widen(&mut self, argument: Option<&[u8]>) {
        match (&mut *self, argument.and_then(parse_field_names)) {
            (Self::Whole, _) => {}
            (_, None) => *self = Self::Whole,
            (Self::Fields(names), Some(more)) => names.extend(more),
            (Self::Absent, Some(names)) => *self = Self::Fields(names),
        }
    }
}

/// Name and argument. White space before `=` is outside the grammar: the name still counts, its argument is unreadable.
pub(crate) fn split_argument(directive: &[u8]) -> (&[u8], Option<&[u8]>) {
    let Some(equals) = memchr(b'=', directive) else { return (directive, None) };
    let (name, argument) = directive.split_at(equals);
    let trimmed = name.trim_ascii_end();
    let argument = if trimmed.len() == name.len() { fields::after(argument, 1) } else { b"" };
    (trimmed, Some(argument))
}

/// The name in lower case; empty when it is longer than any name known here.
fn lower_case<'b>(name: &[u8], buffer: &'b mut [u8; LONGEST_NAME]) -> &'b [u8] {
    let Some(lowered) = buffer.get_mut(..name.len()) else { return b"" };
    lowered.copy_from_slice(name);
    lowered.make_ascii_lowercase();
    lowered
}

fn tighten(seconds: &mut Option<u64>, argument: Option<&[u8]>) {
    let value = argument.and_then(|text| decimal::saturating(unquoted(text))).unwrap_or(0);
    *seconds = Some(seconds.map_or(value, |known| known.min(value)));
}

/// The names in `"Set-Cookie, X-A"`; `None` when one is no field name or there is none.
fn parse_field_names(argument: &[u8]) -> Option<Vec<HeaderName>> {
    let names: Option<Vec<_>> = Members::of(unquoted(argument)).map(|name| HeaderName::from_bytes(name).ok()).collect();
    names.filter(|names| !names.is_empty())
}

/// Section 5.2: both the token and the quoted-string form of an argument are read. An escape inside the quotes stays,
/// and then is neither digit nor name.
fn unquoted(argument: &[u8]) -> &[u8] {
    argument.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(argument)
}

/// `stale-while-revalidate`.
const LONGEST_NAME: usize = 22;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(lines: &[&'static str]) -> CacheControl {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, HeaderValue::from_static(line));
        }
        CacheControl::parse(&headers)
    }

    fn names(names: &[&'static str]) -> Scope {
        Scope::Fields(names.iter().map(|name| HeaderName::from_static(name)).collect())
    }

    // RFC 9111 sections 1.2.2, 4.2.1, 5.2
    #[test]
    fn max_age_is_the_smallest_number_said_and_zero_when_unreadable() {
        for (lines, seconds) in [
            (&[""][..], None),
            (&["max-age=5"], Some(5)),
            (&["MAX-AGE=5"], Some(5)),
            (&["max-age=\"5\""], Some(5)),
            (&["max-age=007"], Some(7)),
            (&["max-age=5, max-age=5"], Some(5)),
            (&["max-age=9, max-age=5"], Some(5)),
            (&["max-age=5", "public, max-age=9"], Some(5)),
            (&["max-age=99999999999999999999"], Some(u64::MAX)),
            (&["max-age"], Some(0)),
            (&["max-age="], Some(0)),
            (&["max-age=-5"], Some(0)),
            (&["max-age=1.5"], Some(0)),
            (&["max-age=five"], Some(0)),
            (&["max-age =5"], Some(0)),
            (&["max-age= 5"], Some(0)),
            (&["max-age='5'"], Some(0)),
            (&["max-age=\"5"], Some(0)),
            (&["x-max-age=5, max-ages=5"], None),
            (&["x=\"max-age=5\""], None),
        ] {
            assert_eq!(parse(lines).max_age, seconds, "{lines:?}");
        }
    }

    #[test]
    fn every_directive_is_read_in_any_case_from_any_line() {
        let parsed = parse(&[
            "S-MaxAge=1, Stale-While-Revalidate=2, stale-if-ERROR=3, No-Store",
            "PUBLIC, must-revalidate,proxy-revalidate",
            "immutable, must-understand, foo=bar",
        ]);
        let expected = CacheControl {
            s_maxage: Some(1),
            stale_while_revalidate: Some(2),
            stale_if_error: Some(3),
            no_store: true,
            public: true,
            must_revalidate: true,
            proxy_revalidate: true,
            immutable: true,
            must_understand: true,
            ..CacheControl::default()
        };
        assert_eq!(parsed, expected);
    }

    // RFC 9111 sections 5.2.2.4, 5.2.2.7
    #[test]
    fn no_cache_and_private_cover_named_fields_or_everything() {
        for (line, scope) in [
            ("public", Scope::Absent),
            ("no-cache", Scope::Whole),
            ("no-cache=\"Set-Cookie\"", names(&["set-cookie"])),
            ("no-cache=\"Set-Cookie, X-A\"", names(&["set-cookie", "x-a"])),
            ("no-cache=set-cookie", names(&["set-cookie"])),
            ("no-cache=\"set-cookie\", no-cache=\"x-a\"", names(&["set-cookie", "x-a"])),
            ("no-cache=\"set-cookie\", no-cache", Scope::Whole),
            ("no-cache, no-cache=\"set-cookie\"", Scope::Whole),
            ("no-cache=\"\"", Scope::Whole),
            ("no-cache=", Scope::Whole),
            ("no-cache=\"a b\"", Scope::Whole),
            ("no-cache=\"set-cookie", Scope::Whole),
        ] {
            let line = [line];
            assert_eq!(parse(&line).no_cache, scope, "{line:?}");
            let private = line[0].replace("no-cache", "private").leak();
            assert_eq!(parse(&[private]).private, scope, "{private}");
        }
    }

    #[test]
    fn a_forbidding_directive_survives_a_stray_argument_and_a_permitting_one_does_not() {
        let parsed = parse(&["no-store=1, must-revalidate=x, public=1, immutable=1, must-understand=1"]);
        assert_eq!(parsed, CacheControl { no_store: true, must_revalidate: true, ..CacheControl::default() });
    }

    #[test]
    fn an_unclosed_quote_does_not_hide_the_directives_after_it() {
        let parsed = parse(&["max-age=\"3600, no-store"]);
        assert_eq!((parsed.max_age, parsed.no_store), (Some(0), true));
        assert!(!parse(&["ext=\"a, no-store\""]).no_store);
    }
}
