//! How a value is written into a log record (developer guide, AccessLogs: URL encoding of field values).
//!
//! Invariant: what is written has no tab, space, line feed or byte from 127 up, and is never empty, so a record always
//! has its columns. Called for every field that a viewer or an origin controls. Most have nothing to encode, which is
//! found out 16 bytes at a time; in the others it looks each byte up in a table and branches on none.

/// Bytes of a value that are encoded at a time, on the stack.
const BLOCK: usize = 128;
const LONGEST: usize = 3;
/// Bytes that are checked at a time.
const BLOCK_OF_CHECK: usize = 16;

/// Appends `value` with its unsafe bytes percent-encoded; `-` when it is empty.
pub(crate) fn encode(value: &[u8], out: &mut Vec<u8>) {
    if value.is_empty() {
        out.push(b'-');
    } else if is_safe(value) {
        out.extend_from_slice(value);
    } else {
        encode_bytes(value, out);
    }
}

/// Whether nothing in it is encoded.
fn is_safe(value: &[u8]) -> bool {
    let (blocks, rest) = value.as_chunks::<BLOCK_OF_CHECK>();
    match value.last_chunk() {
        // The last block overlaps the one before, so that nothing is left over.
        Some(last) => !blocks.iter().any(holds_unsafe) && !holds_unsafe(last),
        None => rest.iter().all(|&byte| ENCODED.get(usize::from(byte)).is_some_and(|encoded| encoded.length == 1)),
    }
}

/// Compiled to vector instructions.
fn holds_unsafe(block: &[u8; BLOCK_OF_CHECK]) -> bool {
    block.iter().fold(false, |found, &byte| found | is_unsafe(byte))
}

fn encode_bytes(value: &[u8], out: &mut Vec<u8>) {
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
        if is_unsafe(byte) {
            Encoded { text: [b'%', hex_digit(byte >> 4), hex_digit(byte & 15)], length: 3 }
        } else {
            Encoded { text: [byte, 0, 0], length: 1 }
        }
    }
}

/// Single comparisons without a branch between them, for `is_safe`.
const fn is_unsafe(byte: u8) -> bool {
    let is_delimiter =
        (byte == b'<') | (byte == b'>') | (byte == b'"') | (byte == b'#') | (byte == b'%') | (byte == b'\'');
    let is_bracket = (byte >= b'{') | ((byte >= b'[') & (byte <= b'`') & (byte != b'_'));
    (byte <= b' ') | is_delimiter | is_bracket
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
            (b"sixteen-bytes-ok\\", "sixteen-bytes-ok%5C"),
            (b"only the last one, of thirty two", "only%20the%20last%20one,%20of%20thirty%20two"),
            (b"sixteen-bytes-ok-and-thirty-two~", "sixteen-bytes-ok-and-thirty-two%7E"),
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
