//! Conditional requests (RFC 9110 section 13, RFC 9111 section 4.3.2).
//!
//! Invariant: a condition that cannot be read never yields a 304 or a 206; If-Match and If-Unmodified-Since then fail,
//! the others do not apply.
//! Called by `cache` for hits and by `proxy` for ranges. The caller asks only when the answer without conditions is a
//! 2xx (section 13.2.1).

use http::header::{DATE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::date::parse_http_date;
use crate::fields;
use crate::validators::{EntityTag, EntityTags, entity_tag, last_modified, strong_last_modified};

/// What the conditions of a request ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// Answer as if there were no conditions.
    Proceed,
    /// Answer 304 (Not Modified).
    NotModified,
    /// Answer 412 (Precondition Failed).
    Failed,
}

/// The conditions as an origin evaluates them, in the order of RFC 9110 section 13.2.2. `selected` is the header
/// section of the selected representation.
pub fn evaluate(method: &Method, request: &HeaderMap, selected: &HeaderMap) -> Precondition {
    let refused = match if_match(request, selected) {
        Some(holds) => !holds,
        None => if_unmodified_since(request, selected) == Some(false),
    };
    if refused { Precondition::Failed } else { validate(method, request, selected, last_modified(selected)) }
}

/// The conditions as a cache evaluates them against a stored response: If-Match and If-Unmodified-Since are the
/// origin's business, and a response without Last-Modified was last modified at its Date (RFC 9111 section 4.3.2).
pub fn evaluate_stored(method: &Method, request: &HeaderMap, stored: &HeaderMap) -> Precondition {
    if !request.contains_key(IF_NONE_MATCH) && !request.contains_key(IF_MODIFIED_SINCE) {
        return Precondition::Proceed;
    }
    let modified = last_modified(stored).or_else(|| parse_http_date(fields::sole(stored, &DATE)?.as_bytes()));
    validate(method, request, stored, modified)
}

/// Whether the Range field counts: there is no If-Range, or its validator is strong and that of `selected` (RFC 9110
/// section 13.1.5).
pub fn if_range_holds(request: &HeaderMap, selected: &HeaderMap) -> bool {
    if !request.contains_key(IF_RANGE) {
        return true;
    }
    let Some(value) = fields::sole(request, &IF_RANGE) else { return false };
    match EntityTag::parse(value.as_bytes()) {
        Some(asked) => entity_tag(selected).is_some_and(|tag| tag.matches_strongly(&asked)),
        None => parse_http_date(value.as_bytes()).is_some_and(|date| strong_last_modified(selected) == Some(date)),
    }
}

fn validate(method: &Method, request: &HeaderMap, selected: &HeaderMap, modified: Option<u64>) -> Precondition {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    match if_none_match(request, selected) {
        Some(true) => Precondition::Proceed,
        Some(false) if is_read => Precondition::NotModified,
        Some(false) => Precondition::Failed,
        None if is_read && if_modified_since(request, modified) == Some(false) => Precondition::NotModified,
        None => Precondition::Proceed,
    }
}

/// Section 13.1.1; `None` when the field is absent, as below.
fn if_match(request: &HeaderMap, selected: &HeaderMap) -> Option<bool> {
    lists_tag(request, &IF_MATCH, selected, EntityTag::matches_strongly)
}

/// Section 13.1.2.
fn if_none_match(request: &HeaderMap, selected: &HeaderMap) -> Option<bool> {
    lists_tag(request, &IF_NONE_MATCH, selected, EntityTag::matches_weakly).map(|listed| !listed)
}

/// Section 13.1.3: not applicable when either date is unreadable or missing.
fn if_modified_since(request: &HeaderMap, modified: Option<u64>) -> Option<bool> {
    let since = parse_http_date(fields::sole(request, &IF_MODIFIED_SINCE)?.as_bytes())?;
    Some(modified? > since)
}

/// Section 13.1.4: as above.
fn if_unmodified_since(request: &HeaderMap, selected: &HeaderMap) -> Option<bool> {
    let since = parse_http_date(fields::sole(request, &IF_UNMODIFIED_SINCE)?.as_bytes())?;
    Some(last_modified(selected)? <= since)
}

fn lists_tag<'a>(
    request: &'a HeaderMap,
    name: &HeaderName,
    selected: &'a HeaderMap,
    matches: fn(&EntityTag<'a>, &EntityTag<'a>) -> bool,
) -> Option<bool> {
    let lines = request.get_all(name);
    lines.iter().next()?;
    let tag = entity_tag(selected);
    let lists = |line| tag.is_some_and(|tag| EntityTags::of(line).any(|listed| matches(&tag, &listed)));
    Some(lines.iter().map(HeaderValue::as_bytes).any(|line| line == b"*" || lists(line)))
}

#[cfg(test)]
mod tests {
    use super::Precondition::{Failed, NotModified, Proceed};
    use super::*;

    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn section(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn strong() -> HeaderMap {
        section(&[("etag", "\"a\""), ("last-modified", MODIFIED), ("date", AFTER)])
    }

    fn weak() -> HeaderMap {
        section(&[("etag", "W/\"a\""), ("last-modified", MODIFIED), ("date", MODIFIED)])
    }

    // RFC 9110 sections 13.1 and 13.2.2
    #[test]
    fn an_origin_evaluates_all_conditions_in_order() {
        for (request, get, put) in [
            (&[][..], Proceed, Proceed),
            (&[("if-match", "\"a\"")], Proceed, Proceed),
            (&[("if-match", "\"b\"")], Failed, Failed),
            (&[("if-match", "*")], Proceed, Proceed),
            (&[("if-match", "W/\"a\"")], Failed, Failed),
            (&[("if-match", "a")], Failed, Failed),
            (&[("if-match", "\"a\""), ("if-unmodified-since", BEFORE)], Proceed, Proceed),
            (&[("if-match", "\"a\""), ("if-none-match", "\"a\"")], NotModified, Failed),
            (&[("if-unmodified-since", MODIFIED)], Proceed, Proceed),
            (&[("if-unmodified-since", BEFORE)], Failed, Failed),
            (&[("if-unmodified-since", "x")], Proceed, Proceed),
            (&[("if-none-match", "\"a\"")], NotModified, Failed),
            (&[("if-none-match", "W/\"a\"")], NotModified, Failed),
            (&[("if-none-match", "\"b\", \"a\"")], NotModified, Failed),
            (&[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")], NotModified, Failed),
            (&[("if-none-match", "*")], NotModified, Failed),
            (&[("if-none-match", "\"b\""), ("if-modified-since", AFTER)], Proceed, Proceed),
            (&[("if-none-match", "a"), ("if-modified-since", AFTER)], Proceed, Proceed),
            (&[("if-modified-since", MODIFIED)], NotModified, Proceed),
            (&[("if-modified-since", AFTER)], NotModified, Proceed),
            (&[("if-modified-since", BEFORE)], Proceed, Proceed),
            (&[("if-modified-since", "x")], Proceed, Proceed),
            (&[("if-modified-since", AFTER), ("if-modified-since", AFTER)], Proceed, Proceed),
        ] {
            let request = section(request);
            assert_eq!(evaluate(&Method::GET, &request, &strong()), get, "GET {request:?}");
            assert_eq!(evaluate(&Method::HEAD, &request, &strong()), get, "HEAD {request:?}");
            assert_eq!(evaluate(&Method::PUT, &request, &strong()), put, "PUT {request:?}");
        }
    }

    // RFC 9111 section 4.3.2
    #[test]
    fn a_cache_leaves_the_origins_conditions_alone_and_takes_date_for_a_missing_last_modified() {
        let dated = section(&[("date", MODIFIED)]);
        for (request, selected, expected) in [
            (("if-match", "\"b\""), strong(), Proceed),
            (("if-unmodified-since", BEFORE), strong(), Proceed),
            (("if-none-match", "\"a\""), weak(), NotModified),
            (("if-none-match", "\"a\""), dated.clone(), Proceed),
            (("if-modified-since", MODIFIED), dated.clone(), NotModified),
            (("if-modified-since", BEFORE), dated, Proceed),
            (("if-modified-since", MODIFIED), HeaderMap::new(), Proceed),
        ] {
            let request = section(&[request]);
            assert_eq!(evaluate_stored(&Method::GET, &request, &selected), expected, "{request:?} {selected:?}");
        }
    }

    // RFC 9110 section 13.1.5
    #[test]
    fn if_range_holds_for_the_same_strong_validator_only() {
        assert!(if_range_holds(&HeaderMap::new(), &HeaderMap::new()));
        for (value, with_strong, with_weak) in [
            ("\"a\"", true, false),
            ("W/\"a\"", false, false),
            ("\"b\"", false, false),
            ("*", false, false),
            ("\"a\", \"b\"", false, false),
            (MODIFIED, true, false),
            (BEFORE, false, false),
            (AFTER, false, false),
            ("x", false, false),
        ] {
            let request = section(&[("if-range", value)]);
            assert_eq!(if_range_holds(&request, &strong()), with_strong, "{value}");
            assert_eq!(if_range_holds(&request, &weak()), with_weak, "{value}");
        }
    }
}
