//! What an edge answers to a certificate authority that asks whose a name is (http-01, RFC 8555 section 8.3).
//!
//! Invariant: tokens and answers hold nothing but what RFC 8555 section 8.3 and 8.1 let them hold, so that a token can be
//! compared with a segment of a path as it is. Called by `plan`; one stage of the proxy asks by host and token.

use std::collections::BTreeMap;

use ahash::AHashMap;
use bytes::Bytes;

/// Answers by host, lower case, then by token.
#[derive(Debug, Default)]
pub struct Challenges(AHashMap<String, AHashMap<String, Bytes>>);

impl Challenges {
    /// What answers for `host` (lower case, without port) to a token.
    pub fn answer(&self, host: &str, token: &str) -> Option<&Bytes> {
        self.0.get(host)?.get(token)
    }

    pub(crate) fn check(document: BTreeMap<String, BTreeMap<String, String>>) -> Result<Challenges, String> {
        let hosts = document.into_iter().map(|(host, answers)| {
            let answers = answers.into_iter().map(|(token, answer)| checked(&host, token, answer));
            Ok((host.to_ascii_lowercase(), answers.collect::<Result<_, String>>()?))
        });
        hosts.collect::<Result<_, String>>().map(Challenges)
    }
}

fn checked(host: &str, token: String, answer: String) -> Result<(String, Bytes), String> {
    if token.is_empty() || !token.bytes().all(is_base64url) {
        return Err(format!("{host}: {token:?} is no token"));
    }
    if answer.is_empty() || !answer.bytes().all(|byte| byte == b'.' || is_base64url(byte)) {
        return Err(format!("{host}: the answer to {token} is no key authorization"));
    }
    Ok((token, answer.into()))
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::Challenges;

    fn check(text: &str) -> Result<Challenges, String> {
        Challenges::check(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_host_has_answers_of_its_own() {
        let challenges =
            check(r#"{"WWW.example.com": {"a_B-1": "a_B-1.key"}, "b.example.com": {"c": "c.key"}}"#).unwrap();
        for (host, token, expected) in [
            ("www.example.com", "a_B-1", Some("a_B-1.key")),
            ("www.example.com", "c", None),
            ("www.example.com", "", None),
            ("b.example.com", "c", Some("c.key")),
            ("example.com", "c", None),
        ] {
            let found = challenges.answer(host, token).map(|answer| answer.as_ref());
            assert_eq!(found, expected.map(str::as_bytes), "{host} {token}");
        }
    }

    #[test]
    fn what_no_authority_sends_is_rejected() {
        for text in [
            r#"{"a": {"": "x"}}"#,
            r#"{"a": {"b/c": "x"}}"#,
            r#"{"a": {"b": ""}}"#,
            r#"{"a": {"b": "x\r\ny"}}"#,
            r#"{"a": {"b": "<x>"}}"#,
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
