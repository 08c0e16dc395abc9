//! How a value is written into a log record (developer guide, AccessLogs: URL encoding of field values).
//!
//! Invariant: what is written has no tab, space, line feed or byte from 127 up, and is never empty, so a record always
//! has its columns. Called for every field that a viewer or an origin controls: it looks each byte up in a table and
//! branches on none, since a user agent has something to encode at every word.

/// Bytes of a value that are encoded at a time, on the stack.
const BLOCK: usize = 128;
const LONGEST: usize = 3;

/// Appends `value` with its unsafe bytes percent-encoded; `-` when it is empty.
pub(crate) fn encode(value: &[u8], out: &mut Vec<u8>) {
    if value.is_empty() {
        out.push(b'-');
    }
    for block in value.chunks(BLOCK) {
        let mut text = [0; BLOCK * LONGEST];
        let mut length = 0;
        for &byte in block {
            let Encoded { text: encoded, length: added } = ENCODED.get(usize::from(byte)).unwrap_or(&Encoded::NONE);
            if let Some(place) = text.get_mut(length..length + LONGEST) {
                place.copy_from_slice(encoded);
            }
            length += usize::from(*added);
        }
        out.extend_from_slice(text.get(..length).unwrap_or_default());
    }
}

/// What stands for a byte: itself or `%` and two hex digits, of which `length` count.
#[derive(Clone, Copy)]
struct Encoded {
    text: [u8; LONGEST],
    length: u8,
}

impl Encoded {
    const NONE: Encoded = Encoded { text: [0; LONGEST], length: 0 };

    const fn of(byte: u8) -> Encoded {
        let is_safe = !matches!(byte, 0..=32 | 127..)
            && !matches!(byte, b'<' | b'>' | b'"' | b'#' | b'%' | b'{' | b'}' | b'|')
            && !matches!(byte, b'\\' | b'^' | b'~' | b'[' | b']' | b'`' | b'\'');
        if is_safe {
            Encoded { text: [byte, 0, 0], length: 1 }
        } else {
            Encoded { text: [b'%', hex_digit(byte >> 4), hex_digit(byte & 15)], length: 3 }
        }
    }
}

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'A' + (nibble - 10) }
}

const fn encoded_bytes() -> [Encoded; 256] {
    let mut table = [Encoded::NONE; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which checks it")]
        {
            table[byte] = Encoded::of(byte as u8);
        }
        byte += 1;
    }
    table
}

static ENCODED: [Encoded; 256] = encoded_bytes();

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: &[u8]) -> String {
        let mut out = Vec::new();
        encode(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn unsafe_bytes_are_percent_encoded_and_nothing_becomes_a_hyphen() {
        for (value, expected) in [
            (&b""[..], "-"),
            (b"-", "-"),
            (b"/img/a.png", "/img/a.png"),
            (b"Mozilla/5.0 (X11; Linux)", "Mozilla/5.0%20(X11;%20Linux)"),
            (b"a\tb\nc\0", "a%09b%0Ac%00"),
            (b"\x7f\x80\xff", "%7F%80%FF"),
            (b"%20", "%2520"),
            (b"<>\"#%{}|\\^~[]`'", "%3C%3E%22%23%25%7B%7D%7C%5C%5E%7E%5B%5D%60%27"),
            (b"!$&()*+,-./:;=?@_azAZ09", "!$&()*+,-./:;=?@_azAZ09"),
        ] {
            assert_eq!(encoded(value), expected);
        }
    }

    #[test]
    fn no_byte_can_break_a_record() {
        let all: Vec<u8> = (0..=255).collect();
        assert!(encoded(&all).bytes().all(|byte| byte.is_ascii_graphic()));
    }
}
