//! The token that lets a viewer see explanations: `1.<distribution>.<expiry>.<HMAC-SHA256 of what stands before, hex>`.
//!
//! The control plane makes tokens for those who may read the distribution's configuration; this edge only checks them.
//! Invariant: the comparison takes the same time wherever two signatures differ. Pure; called by `explain`.

use aws_lc_rs::hmac;
use serde::Deserialize;

use crate::hex;

/// What is signed begins with it, so that no signature made for another purpose counts.
const PURPOSE: &[u8] = b"edgeward-explain:";
/// No token is longer, in bytes.
const LONGEST: usize = 256;
/// Bytes: as long as the digest.
const KEY_LENGTH: usize = 32;

/// The key that tokens are signed with: 64 hexadecimal digits.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct ExplainKey(hmac::Key);

impl TryFrom<String> for ExplainKey {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<ExplainKey, &'static str> {
        let bytes = hex::bytes(digits.as_bytes()).filter(|bytes| bytes.len() == KEY_LENGTH);
        let bytes = bytes.ok_or("64 hexadecimal digits are expected")?;
        Ok(ExplainKey(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }
}

impl std::fmt::Debug for ExplainKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ExplainKey(..)")
    }
}

impl ExplainKey {
    /// The id of the distribution that `token` is for, where it holds at `now`, in unix seconds.
    pub(super) fn verify<'a>(&self, token: &'a [u8], now: u64) -> Option<&'a str> {
        let text = std::str::from_utf8(token).ok().filter(|text| text.len() <= LONGEST)?;
        let (signed, signature) = text.rsplit_once('.')?;
        let signature = hex::bytes(signature.as_bytes())?;
        hmac::verify(&self.0, &[PURPOSE, signed.as_bytes()].concat(), &signature).ok()?;
        let (distribution, expiry) = signed.strip_prefix("1.")?.rsplit_once('.')?;
        (now < expiry.parse().ok()?).then_some(distribution)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also in tests/unit/services/edgeward/test_explain_token.py: both sides agree on it.
    const TOKEN: &str = "1.E1EXAMPLE.1700000060.3a7016e525ed894a9889afdb9e68f5c8636c2adcb14b19d6e181db3709700fc1";

    fn key(digit: &str) -> ExplainKey {
        ExplainKey::try_from(digit.repeat(64)).unwrap()
    }

    #[test]
    fn a_token_holds_until_it_expires_and_no_other_does() {
        let tampered = TOKEN.replace("E1EXAMPLE", "E2EXAMPLE");
        let prolonged = TOKEN.replace("1700000060", "1800000060");
        let version = TOKEN.replacen('1', "2", 1);
        for (key, token, now, holds) in [
            (key("a"), TOKEN, 1_700_000_059, true),
            (key("a"), TOKEN, 1_700_000_060, false),
            (key("b"), TOKEN, 1_700_000_000, false),
            (key("a"), &tampered, 1_700_000_000, false),
            (key("a"), &prolonged, 1_700_000_000, false),
            (key("a"), &version, 1_700_000_000, false),
            (key("a"), TOKEN.get(..40).unwrap(), 1_700_000_000, false),
            (key("a"), "", 0, false),
            (key("a"), "1.E1EXAMPLE.1700000060.", 0, false),
            (key("a"), &"a".repeat(300), 0, false),
        ] {
            assert_eq!(key.verify(token.as_bytes(), now), holds.then_some("E1EXAMPLE"), "{token} at {now}");
        }
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        for (digits, is_key) in [("0f".repeat(32), true), ("0".repeat(63), false), ("g".repeat(64), false)] {
            assert_eq!(ExplainKey::try_from(digits).is_ok(), is_key);
        }
        assert_eq!(format!("{:?}", key("a")), "ExplainKey(..)");
    }
}
