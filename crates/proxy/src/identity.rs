//! How this edge names itself, and how it names each request.

use bytes::Bytes;
use http::{HeaderValue, Version};

/// The fields that are the same on every response of an edge.
#[derive(Debug)]
pub(crate) struct EdgeIdentity {
    /// `X-Amz-Cf-Pop`, also `x-edge-location` in the log.
    pub(crate) pop: HeaderValue,
    via: [HeaderValue; 4],
}

impl EdgeIdentity {
    /// `node` is what tells this edge's Via from that of others: 128 random bits.
    pub(crate) fn new(pop: &str, node: u128) -> Result<EdgeIdentity, http::header::InvalidHeaderValue> {
        let via = |version| HeaderValue::from_str(&format!("{version} {node:032x}.cloudfront.net (CloudFront)"));
        Ok(EdgeIdentity { pop: HeaderValue::from_str(pop)?, via: [via("1.0")?, via("1.1")?, via("2.0")?, via("3.0")?] })
    }

    /// `Via` for a message received in `version` (RFC 9110 section 7.6.3).
    pub(crate) fn via(&self, version: Version) -> &HeaderValue {
        let [http10, http11, http2, http3] = &self.via;
        match version {
            Version::HTTP_09 | Version::HTTP_10 => http10,
            Version::HTTP_11 => http11,
            Version::HTTP_2 => http2,
            _ => http3,
        }
    }

    /// Whether `value` is what `via` gives for some version.
    pub(crate) fn is_own_via(&self, value: &HeaderValue) -> bool {
        self.via.contains(value)
    }
}

/// `X-Amz-Cf-Id`: 54 characters of base64url and `==`, unique to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId([u8; 56]);

impl RequestId {
    pub(crate) fn random() -> RequestId {
        let mut text = [0; 56];
        fastrand::fill(&mut text);
        text = text.map(character);
        let [.., first_pad, second_pad] = &mut text;
        (*first_pad, *second_pad) = (b'=', b'=');
        RequestId(text)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Of a kind that no HPACK table is to hold (RFC 7541 section 7.1.3): an id never comes again, and would push out
    /// of the table what does.
    pub(crate) fn to_header_value(self) -> HeaderValue {
        let value = HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&self.0));
        let mut value = value.unwrap_or_else(|_| HeaderValue::from_static("invalid"));
        value.set_sensitive(true);
        value
    }
}

/// The character of base64url for the low six bits. Without a table, so that many are made at a time.
fn character(random: u8) -> u8 {
    match random & 63 {
        letter @ 0..26 => b'A' + letter,
        letter @ 26..52 => b'a' + (letter - 26),
        digit @ 52..62 => b'0' + (digit - 52),
        62 => b'-',
        _ => b'_',
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestId, character};

    #[test]
    fn six_bits_give_each_character_of_base64url_once() {
        let all: Vec<u8> = (64..128).map(character).collect();
        assert_eq!(all, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    }

    #[test]
    fn request_ids_look_like_cloudfronts_and_differ() {
        let ids: std::collections::BTreeSet<String> =
            (0..1_000).map(|_| RequestId::random().as_str().to_owned()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|id| id.len() == 56 && id.ends_with("==")));
    }

    #[test]
    fn request_ids_take_no_place_in_a_table_of_what_comes_again() {
        let value = RequestId::random().to_header_value();
        assert!(value.is_sensitive() && value.len() == 56);
    }
}
