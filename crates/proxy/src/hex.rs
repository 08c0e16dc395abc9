//! Secrets as hexadecimal digits. Pure.

/// The bytes that `digits` stand for; `None` for what are no pairs of hexadecimal digits.
pub(crate) fn bytes(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}
