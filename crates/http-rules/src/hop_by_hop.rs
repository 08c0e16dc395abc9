//! Connection-specific fields (RFC 9110 section 7.6.1, RFC 9111 section 3.1): what a message must lose before it is
//! forwarded or stored.
//!
//! Invariant: a sender cannot use Connection to remove the fields that route, frame or restrict a message, nor write such
//! a field in a way that only the next server takes for one.
//! Called by `proxy` on requests to origins and on responses from them.

use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName};

use crate::fields;

/// Whether the field concerns one connection or one proxy only, whatever Connection says, or may be taken for one that
/// does.
pub fn is_connection_specific(name: &HeaderName) -> bool {
    CONNECTION_SPECIFIC.contains(name) || is_look_alike(name)
}

/// Removes all connection-specific fields, their look-alikes, and those that Connection names. Allocates only when there
/// are look-alikes or Connection names any.
pub fn strip(headers: &mut HeaderMap) {
    let named = fields::members(headers, &CONNECTION).filter_map(named_field);
    let look_alikes = headers.keys().filter(|name| is_look_alike(name)).cloned();
    let more: Vec<HeaderName> = named.chain(look_alikes).collect();
    for name in CONNECTION_SPECIFIC.iter().chain(&more) {
        headers.remove(name);
    }
}

/// Whether a server that reads `_` as `-` in names, as those behind CGI (RFC 3875 section 4.1.18) do, takes the field
/// for one that frames the message or concerns the connection.
fn is_look_alike(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    if !name.contains(&b'_') {
        return false;
    }
    let reads_as = |meant: &HeaderName| {
        let meant = meant.as_str().as_bytes();
        let is_same = |(byte, meant): (&u8, &u8)| byte == meant || (*byte == b'_' && *meant == b'-');
        name.len() == meant.len() && name.iter().zip(meant).all(is_same)
    };
    reads_as(&CONTENT_LENGTH) || CONNECTION_SPECIFIC.iter().any(reads_as)
}

/// The field a connection option names: none for `close`, and none for fields meant for every recipient, which section
/// 7.6.1 forbids as options.
fn named_field(option: &[u8]) -> Option<HeaderName> {
    if option.eq_ignore_ascii_case(b"close") || option.eq_ignore_ascii_case(b"keep-alive") {
        return None;
    }
    HeaderName::from_bytes(option).ok().filter(|name| !MEANT_FOR_ALL.contains(name))
}

static CONNECTION_SPECIFIC: [HeaderName; 11] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// Without these a message would be routed, delimited, decoded or cached differently from what its sender and ours
/// agreed on.
static MEANT_FOR_ALL: [HeaderName; 6] =
    [HOST, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_ENCODING, CONTENT_TYPE, CACHE_CONTROL];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn stripped(lines: &[(&'static str, &'static str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        strip(&mut headers);
        let mut left: Vec<_> = headers.keys().map(ToString::to_string).collect();
        left.sort();
        left
    }

    // RFC 9110 section 7.6.1
    #[test]
    fn connection_specific_fields_and_those_connection_names_are_removed() {
        for (lines, left) in [
            (&[("connection", "keep-alive"), ("keep-alive", "timeout=5"), ("x-a", "1")][..], vec!["x-a"]),
            (&[("te", "trailers"), ("trailer", "x"), ("upgrade", "h2c"), ("transfer-encoding", "chunked")], vec![]),
            (&[("proxy-connection", "close"), ("proxy-authorization", "x"), ("proxy-authenticate", "y")], vec![]),
            (&[("connection", "X-A, x-b"), ("x-a", "1"), ("x-b", "2"), ("x-c", "3")], vec!["x-c"]),
            (&[("connection", "x-a"), ("connection", "x-b"), ("x-a", "1"), ("x-b", "2")], vec![]),
            (&[("connection", "x-a"), ("x-a", "1"), ("x-a", "2")], vec![]),
            (
                &[("connection", "host, cache-control, content-length"), ("host", "a"), ("cache-control", "no-store")],
                vec!["cache-control", "host"],
            ),
            (&[("connection", "a b, , (x)"), ("x-a", "1")], vec!["x-a"]),
            (
                &[("content_length", "5"), ("transfer_encoding", "x"), ("proxy_connection", "x"), ("x_a", "1")],
                vec!["x_a"],
            ),
        ] {
            assert_eq!(stripped(lines), left, "{lines:?}");
        }
    }

    #[test]
    fn end_to_end_fields_are_not_connection_specific() {
        assert!(is_connection_specific(&TE) && is_connection_specific(&HeaderName::from_static("keep-alive")));
        assert!(!is_connection_specific(&HOST) && !is_connection_specific(&CACHE_CONTROL));
    }
}
