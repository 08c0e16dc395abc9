//! Unsigned decimal numbers as HTTP fields carry them: ASCII digits and nothing else.
//!
//! Invariant: signs, spaces and an empty text are never a number; `str::parse` would take a leading `+`.
//! Called by every module that reads a count, a length or delta-seconds.

/// The number, or `u64::MAX` when it does not fit (RFC 9111 section 1.2.2: an overflowing delta-seconds counts as the
/// largest integer).
pub(crate) fn saturating(digits: &[u8]) -> Option<u64> {
    is_number(digits).then(|| {
        digits.iter().fold(0u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    })
}

/// The number, or `None` when it does not fit (a length must be exact: RFC 9112 section 6.3).
pub(crate) fn exact(digits: &[u8]) -> Option<u64> {
    if !is_number(digits) {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

fn is_number(digits: &[u8]) -> bool {
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_number() {
        for (text, number) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("", None),
            ("+1", None),
            ("-1", None),
            ("1.5", None),
            ("1 ", None),
            ("٣", None),
        ] {
            assert_eq!(saturating(text.as_bytes()), number, "{text:?}");
            assert_eq!(exact(text.as_bytes()), number, "{text:?}");
        }
    }

    #[test]
    fn a_number_beyond_64_bits_saturates_or_is_refused() {
        assert_eq!(saturating(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(saturating(b"18446744073709551616"), Some(u64::MAX));
        assert_eq!(exact(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(exact(b"18446744073709551616"), None);
    }
}
