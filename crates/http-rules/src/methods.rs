//! What a method means to a cache: whether a successful request with it makes stored responses invalid, and which (RFC
//! 9111 section 4.4), and whether a response to POST is what a GET would bring (RFC 9110 section 9.3.3).
//!
//! Invariant: a method that is not known counts as unsafe. Called by `proxy` for requests that pass through.

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::fields;

/// RFC 9110 section 9.2.1.
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Whether a response of `status` to `method` says that what is stored for the target has changed.
pub fn invalidates(method: &Method, status: StatusCode) -> bool {
    !is_safe(method) && (status.is_success() || status.is_redirection())
}

/// Targets beside its own that a response to an unsafe request makes invalid: those in Location and Content-Location, on
/// `authority` alone, so that no site can empty the cache of another. References relative to a path are passed over.
pub fn also_invalidated<'a>(response: &'a HeaderMap, authority: &'a str) -> impl Iterator<Item = Uri> + 'a {
    let named =
        [LOCATION, CONTENT_LOCATION].into_iter().filter_map(|name| response.get(name)?.to_str().ok()?.parse().ok());
    named.filter(move |uri: &Uri| {
        let is_here = uri.authority().is_none_or(|named| named.as_str().eq_ignore_ascii_case(authority));
        is_here && uri.path().starts_with('/')
    })
}

/// Whether Content-Location says that the content is a representation of `target`, an absolute URI: then what answered a
/// POST to it may answer later GETs (RFC 9110 sections 8.7 and 9.3.3). References relative to a path are passed over.
pub fn is_about_target(response: &HeaderMap, target: &Uri) -> bool {
    let named = fields::sole(response, &CONTENT_LOCATION).and_then(|value| value.to_str().ok()?.parse().ok());
    named.is_some_and(|named: Uri| {
        let is_here = named
            .authority()
            .is_none_or(|_| named.authority() == target.authority() && named.scheme() == target.scheme());
        is_here && named.path().starts_with('/') && named.path_and_query() == target.path_and_query()
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    // RFC 9111 section 4.4
    #[test]
    fn a_success_with_an_unsafe_method_invalidates() {
        for (method, status, expected) in [
            ("POST", 200, true),
            ("PUT", 201, true),
            ("DELETE", 204, true),
            ("PATCH", 303, true),
            ("M-SEARCH", 200, true),
            ("POST", 500, false),
            ("PUT", 412, false),
            ("GET", 200, false),
            ("OPTIONS", 200, false),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(invalidates(&method, StatusCode::from_u16(status).unwrap()), expected, "{method} {status}");
        }
    }

    // RFC 9110 section 9.3.3
    #[test]
    fn a_response_is_about_its_target_where_content_location_is_the_same() {
        let target = Uri::from_static("https://site.test:8443/a?b=1");
        for (lines, expected) in [
            (&["/a?b=1"][..], true),
            (&["https://site.test:8443/a?b=1"], true),
            (&["https://SITE.test:8443/a?b=1"], true),
            (&["http://site.test:8443/a?b=1"], false),
            (&["https://site.test/a?b=1"], false),
            (&["https://other.test:8443/a?b=1"], false),
            (&["/a"], false),
            (&["/a?b=2"], false),
            (&["a?b=1"], false),
            (&[""], false),
            (&["/a?b=1", "/a?b=1"], false),
            (&[], false),
        ] {
            let mut response = HeaderMap::new();
            for line in lines {
                response.append(CONTENT_LOCATION, HeaderValue::from_static(line));
            }
            assert_eq!(is_about_target(&response, &target), expected, "{lines:?}");
        }
    }

    #[test]
    fn targets_on_the_same_authority_are_invalidated_too() {
        for (reference, expected) in [
            ("/b?c=1", Some("/b?c=1")),
            ("https://site.test:8443/b", Some("/b")),
            ("https://SITE.test:8443/b", Some("/b")),
            ("https://other.test/b", None),
            ("https://site.test/b", None),
            ("b", None),
            ("", None),
            ("mailto:a@site.test", None),
            ("/\u{7f}", None),
        ] {
            for name in [LOCATION, CONTENT_LOCATION] {
                let Ok(value) = HeaderValue::from_str(reference) else { continue };
                let response = HeaderMap::from_iter([(name, value)]);
                let found: Vec<_> = also_invalidated(&response, "site.test:8443").collect();
                let found: Vec<_> = found.iter().filter_map(|uri| uri.path_and_query()).map(|to| to.as_str()).collect();
                assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{reference}");
            }
        }
    }
}
