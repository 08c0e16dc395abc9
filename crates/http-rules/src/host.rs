//! The host of a request, from Host or `:authority` (RFC 9110 section 7.2, RFC 9112 section 3.2, RFC 3986 section
//! 3.2.2).
//!
//! Invariant: a `Host` holds no upper case letter, white space, control byte or userinfo, and its name is never empty;
//! so it can be a lookup key and be written to a log or a header as it is.
//! Called by `proxy` for every request, before anything else looks at it. Allocates only when the name has upper case
//! letters.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use http::HeaderMap;
use http::header::HOST;

use crate::decimal;

/// A valid host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host<'a> {
    /// Registered name, IPv4 address, or IPv6 address in brackets; lower case, without the dot that may end a fully
    /// qualified name.
    pub name: Cow<'a, str>,
    /// The port, when one was written.
    pub port: Option<u16>,
}

/// Why a host was refused; each is answered with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostError {
    /// There is no Host field.
    Missing,
    /// There is more than one Host field.
    Repeated,
    /// The name is empty.
    Empty,
    /// The name breaks the grammar, begins or ends with an empty label, is longer than 255 bytes, or is preceded by
    /// userinfo.
    InvalidName,
    /// What follows `:` is no port.
    InvalidPort,
}

impl std::fmt::Display for HostError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "the request has no Host; send exactly one",
            Self::Repeated => "the request has more than one Host; send exactly one",
            Self::Empty => "the host is empty; send the name of the distribution",
            Self::InvalidName => {
                "the host is not a valid name or address; send it without userinfo, spaces or control bytes"
            }
            Self::InvalidPort => "the port of the host is not a number from 0 to 65535",
        })
    }
}

impl std::error::Error for HostError {}

impl<'a> Host<'a> {
    /// Reads the only Host field of a request (RFC 9112 section 3.2: none, several or an invalid one is a 400).
    pub fn of_request(headers: &'a HeaderMap) -> Result<Self, HostError> {
        let mut lines = headers.get_all(HOST).iter();
        let line = lines.next().ok_or(HostError::Missing)?;
        if lines.next().is_some() {
            return Err(HostError::Repeated);
        }
        Self::parse(line.as_bytes())
    }

    /// Reads `host[:port]`.
    pub fn parse(value: &'a [u8]) -> Result<Self, HostError> {
        let text = std::str::from_utf8(value).map_err(|_| HostError::InvalidName)?;
        let (name, port) = split_port(text)?;
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() {
            return Err(HostError::Empty);
        }
        let has_empty_label = name.starts_with('.') || name.ends_with('.');
        let is_valid = is_ip_literal(name) || is_registered_name(name.as_bytes());
        if name.len() > LONGEST_NAME || has_empty_label || !is_valid {
            return Err(HostError::InvalidName);
        }
        Ok(Self { name: lower_case(name), port })
    }
}

/// An empty port, as in `host:`, is no port (RFC 3986 section 3.2.3).
fn split_port(text: &str) -> Result<(&str, Option<u16>), HostError> {
    let bytes = text.as_bytes();
    let name_end = bytes.iter().rposition(|byte| *byte == b']').map_or(0, |bracket| bracket + 1);
    let port = bytes.iter().skip(name_end).position(|byte| *byte == b':');
    let Some(colon) = port else { return Ok((text, None)) };
    let (name, port) = text.split_at(name_end + colon);
    let digits = port.strip_prefix(':').unwrap_or(port);
    if digits.is_empty() {
        return Ok((name, None));
    }
    let port =
        decimal::exact(digits.as_bytes()).and_then(|port| u16::try_from(port).ok()).ok_or(HostError::InvalidPort)?;
    Ok((name, Some(port)))
}

fn is_ip_literal(name: &str) -> bool {
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// `reg-name`: unreserved, sub-delims and percent-encoded bytes. An IPv4 address is one too.
fn is_registered_name(name: &[u8]) -> bool {
    let is_in_order = |byte: &u8| REGISTERED.get(usize::from(*byte)).is_some_and(|is_registered| *is_registered);
    name.iter().all(is_in_order) || is_encoded_name(name)
}

fn is_encoded_name(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        let is_valid = match byte {
            b'%' => [bytes.next(), bytes.next()].iter().all(|digit| digit.is_some_and(u8::is_ascii_hexdigit)),
            byte => is_registered(*byte),
        };
        if !is_valid {
            return false;
        }
    }
    true
}

/// RFC 3986 section 2: unreserved and sub-delims.
const fn is_registered(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')')
        || matches!(byte, b'*' | b'+' | b',' | b';' | b'=')
}

static REGISTERED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which checks it")]
        {
            table[byte] = is_registered(byte as u8);
        }
        byte += 1;
    }
    table
};

fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Longer names are not in the DNS (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 255;

#[cfg(test)]
mod tests {
    use super::HostError::{Empty, InvalidName, InvalidPort, Missing, Repeated};
    use super::*;

    // RFC 3986 section 3.2, RFC 9110 section 7.2
    #[test]
    fn a_host_is_a_name_or_an_address_with_an_optional_port() {
        for (value, expected) in [
            ("example.com", Ok(("example.com", None))),
            ("Example.COM:8080", Ok(("example.com", Some(8080)))),
            ("example.com:", Ok(("example.com", None))),
            ("example.com.", Ok(("example.com", None))),
            ("example.com.:80", Ok(("example.com", Some(80)))),
            ("127.0.0.1:80", Ok(("127.0.0.1", Some(80)))),
            ("[::1]:443", Ok(("[::1]", Some(443)))),
            ("[2001:DB8::1]", Ok(("[2001:db8::1]", None))),
            ("a_b-c~%C3%A9", Ok(("a_b-c~%c3%a9", None))),
            ("", Err(Empty)),
            (".", Err(Empty)),
            ("..", Err(InvalidName)),
            ("example.com..", Err(InvalidName)),
            (".example.com", Err(InvalidName)),
            (":80", Err(Empty)),
            ("example.com:65536", Err(InvalidPort)),
            ("example.com:+80", Err(InvalidPort)),
            ("example.com:80:80", Err(InvalidPort)),
            ("::1", Err(InvalidPort)),
            ("user@example.com", Err(InvalidName)),
            ("user:1@example.com", Err(InvalidPort)),
            ("exa mple.com", Err(InvalidName)),
            (" example.com", Err(InvalidName)),
            ("example.com\t", Err(InvalidName)),
            ("example.com/", Err(InvalidName)),
            ("example.com?x", Err(InvalidName)),
            ("example\\.com", Err(InvalidName)),
            ("ex%4", Err(InvalidName)),
            ("ex%zz", Err(InvalidName)),
            ("\u{e9}.com", Err(InvalidName)),
            ("a\0b", Err(InvalidName)),
            ("[::1", Err(InvalidPort)),
            ("::1]", Err(InvalidName)),
            ("[::1]x", Err(InvalidName)),
            ("[::1%25eth0]", Err(InvalidName)),
            ("[v1.a]", Err(InvalidName)),
            ("[]", Err(InvalidName)),
        ] {
            let parsed = Host::parse(value.as_bytes()).map(|host| (host.name.into_owned(), host.port));
            assert_eq!(parsed, expected.map(|(name, port)| (name.to_owned(), port)), "{value:?}");
        }
    }

    #[test]
    fn a_name_longer_than_the_dns_allows_is_refused() {
        assert!(Host::parse("a".repeat(255).as_bytes()).is_ok());
        assert_eq!(Host::parse("a".repeat(256).as_bytes()), Err(InvalidName));
        assert_eq!(Host::parse(b"\xff.com"), Err(InvalidName));
    }

    // RFC 9112 section 3.2
    #[test]
    fn a_request_has_exactly_one_host() {
        let mut headers = HeaderMap::new();
        assert_eq!(Host::of_request(&headers), Err(Missing));
        headers.append(HOST, "example.com".parse().unwrap());
        assert_eq!(Host::of_request(&headers).map(|host| host.port), Ok(None));
        headers.append(HOST, "example.com".parse().unwrap());
        assert_eq!(Host::of_request(&headers), Err(Repeated));
    }

    #[test]
    fn a_lower_case_name_is_borrowed() {
        assert!(matches!(Host::parse(b"example.com:80").unwrap().name, Cow::Borrowed(_)));
    }
}
