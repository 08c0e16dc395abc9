//! What of a request may be repeated in an explanation: names, and values that are no secrets.
//!
//! An explanation is read in terminals and pasted into tickets. Invariant: the value of a cookie, a credential, a
//! signature or an origin's custom header is never in one. Pure.

use edgeward_http_rules::{cookies, query};
use http::{HeaderMap, HeaderName, HeaderValue, header};

const REDACTED: &str = "[redacted]";
/// What names of fields and query strings with secrets contain, in lower case.
const SECRETS: [&str; 8] =
    ["authorization", "token", "secret", "api-key", "apikey", "password", "signature", "credential"];
/// Longer texts are cut, in bytes.
const LONGEST: usize = 512;

/// The value of a field, all its lines together.
pub(crate) fn values(name: &HeaderName, headers: &HeaderMap) -> String {
    if is_secret(name.as_str().as_bytes()) {
        return REDACTED.to_owned();
    }
    if *name == header::COOKIE {
        let pairs: Vec<String> = cookie_names(headers).iter().map(|name| format!("{name}={REDACTED}")).collect();
        return cut(pairs.join("; ").as_bytes());
    }
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    cut(&lines.join(&b", "[..]))
}

/// The value of a field that its owner may have meant to be a secret.
pub(crate) fn hidden() -> String {
    REDACTED.to_owned()
}

fn cookie_names(headers: &HeaderMap) -> Vec<String> {
    cookies::cookies(headers).map(|cookie| cut(cookie.name)).collect()
}

/// The parameters of a query string.
pub(crate) fn parameters(query: &[u8]) -> Vec<String> {
    query::parameters(query).map(|parameter| self::parameter(&parameter)).collect()
}

fn parameter(parameter: &query::Parameter<'_>) -> String {
    match is_secret(parameter.name) && parameter.name.len() < parameter.raw.len() {
        true => format!("{}={REDACTED}", cut(parameter.name)),
        false => cut(parameter.raw),
    }
}

/// A target: path and query string.
pub(crate) fn target(path: &str, query: Option<&str>) -> String {
    let path = cut(path.as_bytes());
    match query {
        Some(query) => format!("{path}?{}", cut(parameters(query.as_bytes()).join("&").as_bytes())),
        None => path,
    }
}

fn is_secret(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|secret| name.windows(secret.len()).any(|part| part == secret.as_bytes()))
}

/// At most so much of a text as an explanation has room for; what is not UTF-8 is replaced.
pub(crate) fn cut(text: &[u8]) -> String {
    match text.get(..LONGEST) {
        Some(start) if text.len() > LONGEST => format!("{}...", String::from_utf8_lossy(start)),
        _ => String::from_utf8_lossy(text).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_named_and_not_shown() {
        let lines = [
            ("authorization", "Basic abc", "[redacted]"),
            ("x-amz-security-token", "abc", "[redacted]"),
            ("x-api-key", "abc", "[redacted]"),
            ("cookie", "a=1; session=2", "a=[redacted]; session=[redacted]"),
            ("accept", "text/html", "text/html"),
        ];
        for (name, sent, shown) in lines {
            let name = HeaderName::from_static(name);
            let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static(sent))]);
            assert_eq!(values(&name, &headers), shown);
        }
    }

    #[test]
    fn signatures_in_a_target_are_not_shown() {
        for (query, shown) in [
            (None, "/a"),
            (Some("w=1&X-Amz-Signature=abc&h"), "/a?w=1&X-Amz-Signature=[redacted]&h"),
            (Some("Signature=abc"), "/a?Signature=[redacted]"),
            (Some("token"), "/a?token"),
        ] {
            assert_eq!(target("/a", query), shown);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_str(&"a".repeat(600)).unwrap())]);
        let shown = values(&header::ACCEPT, &headers);
        assert_eq!((shown.len(), shown.ends_with("a...")), (LONGEST + 3, true));
        assert_eq!(cut(b"\xff"), "\u{fffd}");
    }
}
