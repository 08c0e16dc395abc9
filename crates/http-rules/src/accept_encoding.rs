//! Which content codings a viewer takes (RFC 9110 section 12.5.3), reduced to the three the edge serves.
//!
//! Invariant: a coding with a weight of 0, or one that cannot be read, is not accepted; the named coding stands before
//! `*`.
//! Called by `proxy` on every request to behaviors that compress, so the values browsers send are compared whole, not
//! parsed.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use crate::fields::{self, Members};

/// The codings accepted. All false also when the field is absent; the cache key tells that case apart by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepted {
    /// `gzip`, or its old name `x-gzip` (section 8.4.1.3).
    pub gzip: bool,
    /// `br`.
    pub brotli: bool,
    /// `zstd` (RFC 8878).
    pub zstd: bool,
}

impl Accepted {
    /// Reads all Accept-Encoding lines of a request; `None` when there is none.
    pub fn parse(request: &HeaderMap) -> Option<Self> {
        let mut lines = request.get_all(ACCEPT_ENCODING).iter();
        let line = lines.next()?;
        Some(match lines.next() {
            None => Self::known(line.as_bytes()).unwrap_or_else(|| Self::of(Members::of(line.as_bytes()))),
            Some(_) => Self::of(fields::members(request, &ACCEPT_ENCODING)),
        })
    }

    /// The values that browsers and command-line clients send.
    fn known(value: &[u8]) -> Option<Self> {
        match value {
            b"gzip, deflate, br, zstd" => Some(Self { gzip: true, brotli: true, zstd: true }),
            b"gzip, deflate, br" | b"br, gzip" | b"br,gzip" => Some(Self { gzip: true, brotli: true, zstd: false }),
            b"gzip, deflate" | b"gzip" | b"deflate, gzip" => Some(Self { gzip: true, ..Self::default() }),
            b"identity" | b"" => Some(Self::default()),
            _ => None,
        }
    }

    fn of<'a>(members: impl Iterator<Item = &'a [u8]>) -> Self {
        let (mut gzip, mut brotli, mut zstd, mut any) = (None, None, None, None);
        for (coding, is_accepted) in members.map(split_weight) {
            if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
                gzip.get_or_insert(is_accepted);
            } else if coding.eq_ignore_ascii_case(b"br") {
                brotli.get_or_insert(is_accepted);
            } else if coding.eq_ignore_ascii_case(b"zstd") {
                zstd.get_or_insert(is_accepted);
            } else if coding == b"*" {
                any.get_or_insert(is_accepted);
            }
        }
        let unless_named = |named: Option<bool>| named.or(any).unwrap_or(false);
        Self { gzip: unless_named(gzip), brotli: unless_named(brotli), zstd: unless_named(zstd) }
    }
}

/// A coding, and whether its weight lets it through.
fn split_weight(member: &[u8]) -> (&[u8], bool) {
    let Some(semicolon) = memchr::memchr(b';', member) else { return (member, true) };
    let (coding, parameter) = member.split_at(semicolon);
    (coding.trim_ascii_end(), is_positive_weight(fields::after(parameter, 1).trim_ascii()))
}

/// Section 12.4.2: `q=` and a number from 0 to 1 with up to three decimals.
fn is_positive_weight(parameter: &[u8]) -> bool {
    let Some(value) = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q=")) else { return false };
    match value {
        b"1" | b"1." | b"1.0" | b"1.00" | b"1.000" => true,
        [b'0', b'.', decimals @ ..] => {
            decimals.len() <= 3
                && decimals.iter().all(u8::is_ascii_digit)
                && decimals.iter().any(|&digit| digit != b'0')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> (bool, bool) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT_ENCODING, line.parse().unwrap());
        }
        let accepted = Accepted::parse(&headers).unwrap_or_default();
        (accepted.gzip, accepted.brotli)
    }

    // RFC 9110 sections 12.4.2, 12.5.3
    #[test]
    fn codings_are_accepted_by_name_wildcard_and_weight() {
        for (lines, gzip, brotli) in [
            (&[][..], false, false),
            (&[""], false, false),
            (&["identity"], false, false),
            (&["gzip, deflate, br, zstd"], true, true),
            (&["gzip, deflate"], true, false),
            (&["GZIP"], true, false),
            (&["x-gzip"], true, false),
            (&["br"], false, true),
            (&["br;q=1.0, gzip;q=0.8, *;q=0.1"], true, true),
            (&["gzip", "br"], true, true),
            (&["*"], true, true),
            (&["*;q=0"], false, false),
            (&["gzip, *;q=0"], true, false),
            (&["gzip;q=0, *"], false, true),
            (&["gzip;q=0"], false, false),
            (&["gzip;q=0.000, br;q=0.001"], false, true),
            (&["gzip ; q=0.5"], true, false),
            (&["gzip;Q=1"], true, false),
            (&["gzip;q=0.0001"], false, false),
            (&["gzip;q=2"], false, false),
            (&["gzip;q=-1"], false, false),
            (&["gzip;q=abc"], false, false),
            (&["gzip;level=9"], false, false),
            (&["gzip;q=0, gzip"], false, false),
            (&["gzipped, brotli"], false, false),
            (&["gzip deflate br"], false, false),
        ] {
            assert_eq!(parse(lines), (gzip, brotli), "{lines:?}");
        }
    }

    // RFC 8878 section 7.2
    #[test]
    fn zstd_is_accepted_as_the_others_are() {
        for (line, expected) in
            [("zstd", true), ("gzip, deflate, br, zstd", true), ("*", true), ("zstd;q=0, *", false), ("gzip", false)]
        {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, line.parse().unwrap())]);
            assert_eq!(Accepted::parse(&headers).unwrap().zstd, expected, "{line}");
        }
    }

    #[test]
    fn the_values_compared_whole_mean_what_the_parser_says() {
        for value in [
            "gzip, deflate, br, zstd",
            "gzip, deflate, br",
            "br, gzip",
            "br,gzip",
            "gzip, deflate",
            "gzip",
            "deflate, gzip",
            "identity",
            "",
        ] {
            assert_eq!(Accepted::known(value.as_bytes()), Some(Accepted::of(Members::of(value.as_bytes()))), "{value}");
        }
    }
}
