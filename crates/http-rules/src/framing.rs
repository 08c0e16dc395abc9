//! How long a message says its content is (RFC 9112 section 6, RFC 9110 section 8.6), and whether that is unambiguous.
//!
//! Invariant: a message that two recipients could delimit in two ways is refused, never repaired; this is what stops
//! request smuggling.
//! Called by `proxy` for every request, before its content is read or its connection reused, and by `net` for every
//! response of an origin.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Version};

use crate::decimal;

/// The declared framing of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Nothing is declared: up to the end of the stream in HTTP/2 and HTTP/3, in HTTP/1 up to the end of the connection
    /// for a response and no content for a request.
    Undeclared,
    /// Content-Length: this many bytes.
    Length(u64),
    /// Chunks of HTTP/1.1.
    Chunked,
}

/// Why a framing was refused. Answer 400, or 502 for a response, and close the connection: where the next message begins
/// is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramingError {
    /// Transfer-Encoding in another version than HTTP/1.1, where it has no meaning (RFC 9112 section 6.1, RFC 9113
    /// section 8.2.2).
    TransferEncodingInVersion,
    /// Transfer-Encoding is not `chunked`, once.
    UnknownTransferCoding,
    /// Both Transfer-Encoding and Content-Length.
    LengthBesideTransferEncoding,
    /// Content-Length is not a number.
    InvalidLength,
    /// Several Content-Length values that differ.
    ConflictingLengths,
}

impl std::fmt::Display for FramingError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::TransferEncodingInVersion => "Transfer-Encoding is allowed in HTTP/1.1 only; leave it out",
            Self::UnknownTransferCoding => "Transfer-Encoding must be chunked, once",
            Self::LengthBesideTransferEncoding => "send either Content-Length or Transfer-Encoding, not both",
            Self::InvalidLength => "Content-Length is not a number",
            Self::ConflictingLengths => "Content-Length was sent with different values; send it once",
        })
    }
}

impl std::error::Error for FramingError {}

/// The framing a message declares. For a response RFC 9112 section 6.3 lets a recipient go by one of two framings, or
/// read unknown codings up to the end of the connection; both are "ought to be handled as an error" there and are here.
pub fn declared(version: Version, headers: &HeaderMap) -> Result<Framing, FramingError> {
    if headers.contains_key(TRANSFER_ENCODING) {
        return chunked(version, headers);
    }
    Ok(content_length(headers)?.map_or(Framing::Undeclared, Framing::Length))
}

/// Leaves one Content-Length line with one value where several agree, so that whoever reads it next has no choice.
///
/// # Errors
/// As [`content_length`].
pub fn unite_lengths(headers: &mut HeaderMap) -> Result<(), FramingError> {
    let is_plain = |value: &HeaderValue| value.as_bytes().iter().all(u8::is_ascii_digit);
    let mut lines = headers.get_all(CONTENT_LENGTH).iter();
    if lines.next().is_none_or(is_plain) && lines.next().is_none() {
        return Ok(());
    }
    if let Some(length) = content_length(headers)? {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(())
}

/// The length that all Content-Length lines and list members agree on (RFC 9110 section 8.6 lets a recipient take equal
/// ones for one).
pub fn content_length(headers: &HeaderMap) -> Result<Option<u64>, FramingError> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH).iter().flat_map(|line| line.as_bytes().split(|&byte| byte == b',')) {
        let value = decimal::exact(value.trim_ascii()).ok_or(FramingError::InvalidLength)?;
        if *length.get_or_insert(value) != value {
            return Err(FramingError::ConflictingLengths);
        }
    }
    Ok(length)
}

fn chunked(version: Version, headers: &HeaderMap) -> Result<Framing, FramingError> {
    let mut lines = headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked =
        lines.next().is_some_and(|line| line.as_bytes().eq_ignore_ascii_case(b"chunked")) && lines.next().is_none();
    if version != Version::HTTP_11 {
        Err(FramingError::TransferEncodingInVersion)
    } else if headers.contains_key(CONTENT_LENGTH) {
        Err(FramingError::LengthBesideTransferEncoding)
    } else if is_chunked {
        Ok(Framing::Chunked)
    } else {
        Err(FramingError::UnknownTransferCoding)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::FramingError::{
        ConflictingLengths, InvalidLength, LengthBesideTransferEncoding, TransferEncodingInVersion,
        UnknownTransferCoding,
    };
    use super::*;

    fn section(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).fold(
            HeaderMap::new(),
            |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            },
        )
    }

    fn framing(version: Version, lines: &[(&'static str, &'static str)]) -> Result<Framing, FramingError> {
        declared(version, &section(lines))
    }

    fn values<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn lengths_that_agree_become_one() {
        const CL: &str = "content-length";
        for (lines, expected) in [
            (&[][..], Ok(&[][..])),
            (&[(CL, "5")], Ok(&["5"][..])),
            (&[(CL, "5"), (CL, "5")], Ok(&["5"])),
            (&[(CL, "5, 05")], Ok(&["5"])),
            (&[(CL, "5, 6")], Err(ConflictingLengths)),
            (&[(CL, "5"), (CL, "6")], Err(ConflictingLengths)),
            (&[(CL, "+5")], Err(InvalidLength)),
        ] {
            let mut headers = section(lines);
            let united = unite_lengths(&mut headers);
            assert_eq!(united.map(|()| values(&headers, CL)), expected.map(<[&str]>::to_vec), "{lines:?}");
        }
    }

    // RFC 9112 sections 6.1 to 6.3
    #[test]
    fn only_one_unambiguous_framing_is_accepted() {
        const TE: &str = "transfer-encoding";
        const CL: &str = "content-length";
        for (lines, expected) in [
            (&[][..], Ok(Framing::Undeclared)),
            (&[(CL, "0")], Ok(Framing::Length(0))),
            (&[(CL, "42")], Ok(Framing::Length(42))),
            (&[(CL, "42"), (CL, "42")], Ok(Framing::Length(42))),
            (&[(CL, "42, 42")], Ok(Framing::Length(42))),
            (&[(CL, "042, 42")], Ok(Framing::Length(42))),
            (&[(CL, "42"), (CL, "43")], Err(ConflictingLengths)),
            (&[(CL, "42, 43")], Err(ConflictingLengths)),
            (&[(CL, "")], Err(InvalidLength)),
            (&[(CL, "42,")], Err(InvalidLength)),
            (&[(CL, "+42")], Err(InvalidLength)),
            (&[(CL, "-1")], Err(InvalidLength)),
            (&[(CL, "4 2")], Err(InvalidLength)),
            (&[(CL, "0x2a")], Err(InvalidLength)),
            (&[(CL, "18446744073709551616")], Err(InvalidLength)),
            (&[(TE, "chunked")], Ok(Framing::Chunked)),
            (&[(TE, "Chunked")], Ok(Framing::Chunked)),
            (&[(TE, "chunked"), (CL, "42")], Err(LengthBesideTransferEncoding)),
            (&[(CL, "x"), (TE, "chunked")], Err(LengthBesideTransferEncoding)),
            (&[(TE, "identity"), (CL, "42")], Err(LengthBesideTransferEncoding)),
            (&[(TE, "chunked"), (TE, "chunked")], Err(UnknownTransferCoding)),
            (&[(TE, "chunked, chunked")], Err(UnknownTransferCoding)),
            (&[(TE, "gzip, chunked")], Err(UnknownTransferCoding)),
            (&[(TE, "identity")], Err(UnknownTransferCoding)),
            (&[(TE, "xchunked")], Err(UnknownTransferCoding)),
            (&[(TE, "")], Err(UnknownTransferCoding)),
        ] {
            assert_eq!(framing(Version::HTTP_11, lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn transfer_encoding_belongs_to_http_1_1_alone() {
        for version in [Version::HTTP_10, Version::HTTP_2, Version::HTTP_3] {
            assert_eq!(
                framing(version, &[("transfer-encoding", "chunked")]),
                Err(TransferEncodingInVersion),
                "{version:?}"
            );
            assert_eq!(framing(version, &[("content-length", "1")]), Ok(Framing::Length(1)), "{version:?}");
        }
    }
}
