//! Cookies of a request (RFC 6265 section 4.2.1), as CloudFront keys and forwards them: sorted by name, case kept
//! (developer guide, Cookies).
//!
//! Invariant: what is written can be parsed back to the same cookies; a malformed pair is dropped, its neighbors stay.
//! Called by `cache` for the cache key and by `proxy` for the request to the origin.

use http::HeaderMap;
use http::header::COOKIE;
use memchr::memchr;

use crate::fields;
use crate::selection::{Selection, SelectionMode};

/// One cookie of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie<'a> {
    /// The bytes before the first `=`, never empty.
    pub name: &'a [u8],
    /// Name, `=` and value.
    pub raw: &'a [u8],
}

impl<'a> Cookie<'a> {
    /// Reads one `name=value`. Names and values beyond the RFC's grammar that browsers send all the same (brackets,
    /// quotes, commas, inner spaces, bytes from 128 up) are kept; no name, white space in the name or control bytes
    /// make the pair malformed.
    fn parse(pair: &'a [u8]) -> Option<Self> {
        let raw = pair.trim_ascii();
        let (name, _) = raw.split_at(memchr(b'=', raw)?);
        let is_sound = !name.is_empty() && !name.contains(&b' ') && !raw.iter().any(u8::is_ascii_control);
        is_sound.then_some(Self { name, raw })
    }
}

/// The well-formed cookies over all Cookie lines (HTTP/2 may send one line for each: RFC 9113 section 8.2.3), in the
/// order sent.
pub fn cookies(request: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
    request
        .get_all(COOKIE)
        .into_iter()
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b';'))
        .filter_map(Cookie::parse)
}

/// Appends the selected cookies to `out`, sorted by name and joined by `"; "`; cookies of one name keep their order.
/// Nothing is appended when none is selected. Allocates only when some are.
pub fn select(request: &HeaderMap, selection: &Selection, out: &mut Vec<u8>) {
    if selection.mode() == SelectionMode::None {
        return;
    }
    let mut selected: Vec<_> = cookies(request).filter(|cookie| selection.selects(cookie.name)).collect();
    selected.sort_by_key(|cookie| cookie.name);
    let mut separator: &[u8] = b"";
    for cookie in selected {
        out.extend_from_slice(separator);
        out.extend_from_slice(cookie.raw);
        separator = b"; ";
    }
}

/// The value of the first cookie called `name`, without quotes removed.
pub fn value<'a>(request: &'a HeaderMap, name: &[u8]) -> Option<&'a [u8]> {
    let cookie = cookies(request).find(|cookie| cookie.name == name)?;
    Some(fields::after(cookie.raw, name.len() + 1))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn request(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers
    }

    fn selected(lines: &[&'static str], selection: &Selection) -> String {
        let mut out = Vec::new();
        select(&request(lines), selection, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cookies_are_sorted_by_name_over_all_lines_and_malformed_ones_are_dropped() {
        let all = Selection::new(SelectionMode::All, [""; 0]);
        for (lines, expected) in [
            (&[][..], ""),
            (&[""], ""),
            (&["b=2; a=1"], "a=1; b=2"),
            (&["b=2", "a=1;c=3"], "a=1; b=2; c=3"),
            (&["a=2; a=1"], "a=2; a=1"),
            (&["a=2; A=1"], "A=1; a=2"),
            (&["b=2; nonsense; =x; a=1; ;"], "a=1; b=2"),
            (&["a b=1; c=2"], "c=2"),
            (&["a\tb=1; c=2\t3; d=4"], "d=4"),
            (&["  a=1  ;b=x y"], "a=1; b=x y"),
            (&["a=; b=x=y; c=\"q\""], "a=; b=x=y; c=\"q\""),
            (&["a[0]=1; b=\u{e9}"], "a[0]=1; b=\u{e9}"),
        ] {
            assert_eq!(selected(lines, &all), expected, "{lines:?}");
        }
    }

    #[test]
    fn each_mode_keeps_its_cookies() {
        for (mode, expected) in [
            (SelectionMode::None, ""),
            (SelectionMode::Whitelist, "id=1; user_a=3; user_b=2"),
            (SelectionMode::AllExcept, "ID=4"),
            (SelectionMode::All, "ID=4; id=1; user_a=3; user_b=2"),
        ] {
            let selection = Selection::with_wildcards(mode, ["user_*", "id"]);
            assert_eq!(selected(&["user_b=2; ID=4; user_a=3; id=1"], &selection), expected, "{mode:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_name() {
        let request = request(&["a=1; b=2", "b=3"]);
        assert_eq!((value(&request, b"b"), value(&request, b"c")), (Some(&b"2"[..]), None));
    }
}
