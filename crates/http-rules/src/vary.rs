//! The Vary field: on which request fields a response depends, and when two requests agree in them (RFC 9111 section
//! 4.1).
//!
//! Invariant: requests that agree here may be answered alike. Only what the sections cited call insignificant is passed
//! over: white space around list members, how members are spread over lines, and for three Accept fields their case and
//! order. Called by `cache`.

use http::header::{
    ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE, REFERER, USER_AGENT, VARY,
};
use http::{HeaderMap, HeaderName};

use crate::fields::{self, Members};

/// Whether a member is `*`: no other request is known to get the same response.
pub fn names_everything(response: &HeaderMap) -> bool {
    fields::members(response, &VARY).any(|member| member == b"*")
}

/// The request fields that select the response, each once. What is no field name can be in no request.
pub fn selecting_fields(response: &HeaderMap) -> Vec<HeaderName> {
    let mut names: Vec<_> =
        fields::members(response, &VARY).filter_map(|member| HeaderName::from_bytes(member).ok()).collect();
    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    names
}

/// The value of a selecting field in a form that is the same for all values that mean the same; `None` when the request
/// lacks the field.
pub fn normalized(request: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let mut lines = request.get_all(name).iter().map(|line| line.as_bytes()).peekable();
    lines.peek()?;
    if IS_NO_LIST.contains(name) {
        return Some(lines.map(<[u8]>::trim_ascii).collect::<Vec<_>>().join(&b'\n'));
    }
    let mut members: Vec<&[u8]> = lines.flat_map(Members::of).collect();
    if !HAVE_NO_ORDER.contains(name) {
        return Some(members.join(&b','));
    }
    let mut folded: Vec<Vec<u8>> = members.drain(..).map(<[u8]>::to_ascii_lowercase).collect();
    folded.sort_unstable();
    Some(folded.join(&b','))
}

/// Negotiation by weights and case-insensitive names: neither order nor case means anything (RFC 9110 sections 12.5.2
/// to 12.5.4).
static HAVE_NO_ORDER: [HeaderName; 3] = [ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE];

/// In these a comma is part of the value.
static IS_NO_LIST: [HeaderName; 4] = [AUTHORIZATION, COOKIE, REFERER, USER_AGENT];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn vary(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        lines.iter().for_each(|line| _ = headers.append(VARY, HeaderValue::from_static(line)));
        headers
    }

    // RFC 9111 section 4.1
    #[test]
    fn a_star_among_the_members_names_everything() {
        for (lines, everything) in [
            (&["*"][..], true),
            (&["*, *"], true),
            (&[", *"], true),
            (&["Foo, *"], true),
            (&["", "*"], true),
            (&["Foo"], false),
            (&[], false),
        ] {
            assert_eq!(names_everything(&vary(lines)), everything, "{lines:?}");
        }
    }

    #[test]
    fn selecting_fields_are_named_once_in_any_case_and_order() {
        let names = |line| selecting_fields(&vary(&[line])).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("Foo, bar ,FOO"), ["bar", "foo"]);
        assert_eq!(names("a b, ok"), ["ok"]);
        assert!(names("").is_empty());
    }

    #[test]
    fn values_that_mean_the_same_have_one_form() {
        for (name, one, other, same) in [
            ("foo", &["1, 2"][..], &["1", "2"][..], true),
            ("foo", &["1,2"], &[" 1, 2 "], true),
            ("foo", &["1,2"], &["2,1"], false),
            ("foo", &["a"], &["A"], false),
            ("foo", &["\"a, b\""], &["\"a,b\""], false),
            ("foo", &[""], &[], false),
            ("foo", &[], &[], true),
            ("accept-language", &["en, de"], &["dE , eN"], true),
            ("accept-language", &["en, de;q=0.5"], &["en, de"], false),
            ("accept-encoding", &["gzip, br"], &["br,gzip"], true),
            ("accept", &["text/html, */*"], &["*/*, text/html"], false),
            ("cookie", &["a=1, 2"], &["a=1,2"], false),
            ("user-agent", &["X (like Y, Z)"], &["X (like Y,Z)"], false),
        ] {
            let form = |lines: &[&'static str]| {
                let name = HeaderName::from_static(name);
                let mut headers = HeaderMap::new();
                lines.iter().for_each(|line| _ = headers.append(&name, HeaderValue::from_static(line)));
                normalized(&headers, &name)
            };
            assert_eq!(form(one) == form(other), same, "{name}: {one:?} {other:?}");
        }
    }
}
