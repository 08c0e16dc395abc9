//! Response headers policies: what is taken from a response and put into it on its way to the viewer (CloudFront guide,
//! understanding-response-headers-policies).
//!
//! Owns their part of the document, its check, and which origins a CORS pattern allows. Names and values are ready to be
//! written: nothing of a policy is put together for a response but Server-Timing. Read by `proxy`.

use http::{HeaderName, HeaderValue};
use serde::Deserialize;

/// A response headers policy.
#[derive(Debug)]
pub struct ResponseHeadersPolicy {
    /// Removed first.
    pub remove: Vec<HeaderName>,
    /// Cross-origin resource sharing.
    pub cors: Option<Cors>,
    /// Security and custom headers.
    pub fields: Vec<PolicyField>,
    /// In how many of a million responses Server-Timing is added; `None` where it is not enabled.
    pub server_timing: Option<u32>,
}

/// What is added to responses to cross-origin requests.
#[derive(Debug)]
pub struct Cors {
    /// Who may read the response.
    pub allow_origins: Vec<OriginPattern>,
    /// Beside Access-Control-Allow-Origin, in answers to preflight requests.
    pub preflight: Vec<(HeaderName, HeaderValue)>,
    /// Beside Access-Control-Allow-Origin, in answers to all other requests.
    pub simple: Vec<(HeaderName, HeaderValue)>,
    /// Whether they replace what the origin sent.
    pub overrides: bool,
}

/// A field that is added.
#[derive(Debug)]
pub struct PolicyField {
    /// Its name.
    pub name: HeaderName,
    /// Its value.
    pub value: HeaderValue,
    /// Whether it replaces the origin's.
    pub overrides: bool,
}

/// Which origins are allowed: `*`, or `[scheme://][*.]host[:port]`. `*.` stands for one label or more.
#[derive(Debug, PartialEq, Eq)]
pub enum OriginPattern {
    /// Every origin.
    Any,
    /// Those with this scheme, if one is given, and this authority.
    Like {
        /// `http` or `https`.
        scheme: Option<String>,
        /// Host and port; with `is_parent` that of a parent domain, from its dot on.
        authority: String,
        /// Whether names below `authority` are meant.
        is_parent: bool,
    },
}

impl OriginPattern {
    fn parse(text: &str) -> OriginPattern {
        if text == "*" {
            return OriginPattern::Any;
        }
        let text = text.to_ascii_lowercase();
        let (scheme, authority) = match text.split_once("://") {
            Some((scheme, authority)) => (Some(scheme.to_owned()), authority),
            None => (None, text.as_str()),
        };
        let parent = authority.strip_prefix('*');
        let authority = parent.unwrap_or(authority).to_owned();
        OriginPattern::Like { scheme, authority, is_parent: parent.is_some() }
    }

    /// Whether `origin`, the value of an Origin field, is one of them.
    pub fn allows(&self, origin: &[u8]) -> bool {
        let OriginPattern::Like { scheme, authority, is_parent } = self else { return true };
        let Ok(origin) = std::str::from_utf8(origin) else { return false };
        let Some((sent_scheme, sent)) = origin.split_once("://") else { return false };
        if scheme.as_ref().is_some_and(|scheme| !scheme.eq_ignore_ascii_case(sent_scheme)) {
            return false;
        }
        let Some(start) = sent.len().checked_sub(authority.len()) else { return false };
        let is_whole_or_below = if *is_parent { start > 0 } else { start == 0 };
        is_whole_or_below && sent.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(authority))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResponseHeadersDocument {
    remove: Vec<String>,
    cors: Option<CorsDocument>,
    fields: Vec<FieldDocument>,
    server_timing: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CorsDocument {
    allow_origins: Vec<String>,
    preflight: Vec<(String, String)>,
    simple: Vec<(String, String)>,
    overrides: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldDocument {
    name: String,
    value: String,
    overrides: bool,
}

impl ResponseHeadersDocument {
    /// An error names the field that is malformed.
    pub(crate) fn check(self) -> Result<ResponseHeadersPolicy, String> {
        let field = |field: FieldDocument| {
            let (name, value) = pair((field.name, field.value))?;
            Ok(PolicyField { name, value, overrides: field.overrides })
        };
        Ok(ResponseHeadersPolicy {
            remove: self.remove.iter().map(|name| header_name(name)).collect::<Result<_, _>>()?,
            cors: self.cors.map(CorsDocument::check).transpose()?,
            fields: self.fields.into_iter().map(field).collect::<Result<_, String>>()?,
            server_timing: self.server_timing,
        })
    }
}

impl CorsDocument {
    fn check(self) -> Result<Cors, String> {
        let pairs = |fields: Vec<(String, String)>| fields.into_iter().map(pair).collect::<Result<_, _>>();
        Ok(Cors {
            allow_origins: self.allow_origins.iter().map(|origin| OriginPattern::parse(origin)).collect(),
            preflight: pairs(self.preflight)?,
            simple: pairs(self.simple)?,
            overrides: self.overrides,
        })
    }
}

fn pair((name, value): (String, String)) -> Result<(HeaderName, HeaderValue), String> {
    let value =
        HeaderValue::from_str(&value).map_err(|_| format!("the value of response header {name:?} is malformed"))?;
    Ok((header_name(&name)?, value))
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("response header name {name:?} is malformed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_allows_the_origins_it_names() {
        for (pattern, origin, is_allowed) in [
            ("*", "https://a.test", true),
            ("*", "null", true),
            ("https://a.test", "https://a.test", true),
            ("https://A.test", "HTTPS://a.TEST", true),
            ("https://a.test", "http://a.test", false),
            ("https://a.test", "https://a.test:8443", false),
            ("https://a.test:8443", "https://a.test:8443", true),
            ("a.test", "http://a.test", true),
            ("a.test", "null", false),
            ("a.test", "https://ba.test", false),
            ("https://*.a.test", "https://b.a.test", true),
            ("https://*.a.test", "https://c.b.a.test", true),
            ("https://*.a.test", "https://a.test", false),
            ("https://*.a.test", "https://.a.test.evil.test", false),
            ("*.a.test", "http://b.a.test", true),
        ] {
            assert_eq!(OriginPattern::parse(pattern).allows(origin.as_bytes()), is_allowed, "{pattern} {origin}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let fields = vec![FieldDocument { name: "x-a".to_owned(), value: "a\nb".to_owned(), overrides: false }];
        let document = ResponseHeadersDocument { remove: Vec::new(), cors: None, fields, server_timing: None };
        assert_eq!(document.check().unwrap_err(), "the value of response header \"x-a\" is malformed");
    }
}
