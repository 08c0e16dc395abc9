//! An explanation as the value of a header field: one line of JSON in ASCII, at most 8 KiB.
//!
//! What does not fit goes in the order of how little it is missed, and `cut` names it.

use std::fmt::Write as _;

use http::HeaderValue;

use super::facts::Facts;

/// Bytes; many clients take no longer field lines.
const LARGEST: usize = 8 * 1024;

/// The value of `Edgeward-Explain`; `None` where even the rest does not fit.
pub(super) fn value(facts: &mut Facts) -> Option<HeaderValue> {
    let mut text = written(facts)?;
    while text.len() > LARGEST {
        facts.leave_out()?;
        text = written(facts)?;
    }
    HeaderValue::try_from(text).ok()
}

fn written(facts: &Facts) -> Option<String> {
    serde_json::to_string(facts).ok().map(|text| in_ascii(&text))
}

/// JSON escapes whatever is not printable ASCII; outside of strings there is nothing of the kind.
fn in_ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~') {
            ascii.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String does not fail.
            let _written = write!(ascii, "\\u{unit:04x}");
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ascii_is_escaped() {
        for (text, escaped) in
            [("a~", "a~"), ("\u{e9}", "\\u00e9"), ("\u{1f600}", "\\ud83d\\ude00"), ("\u{7f}", "\\u007f")]
        {
            assert_eq!(in_ascii(text), escaped);
        }
    }
}
