//! Fingerprints of a viewer's TLS library, made from its ClientHello.
//!
//! JA3 is the MD5 of five lists of numbers in the viewer's order (Salesforce, 2017); JA4 sorts what some libraries
//! shuffle and says the rest in clear (FoxIO, technical_details/JA4.md; the TLS client part, which is free of patents'
//! licence terms). Both leave GREASE values (RFC 8701) out. Pure. Called by `proxy` for the behaviors that ask.

use std::fmt::Write;

use aws_lc_rs::digest;
use md5::{Digest, Md5};

use crate::client_hello::{ClientHello, Offer, extension};

/// JA3: 32 hexadecimal digits; `None` for a malformed ClientHello.
pub fn ja3(hello: &ClientHello) -> Option<String> {
    Some(hex(&Md5::digest(ja3_text(&hello.offer()?))))
}

/// JA4, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`; `None` for a malformed ClientHello.
pub fn ja4(hello: &ClientHello) -> Option<String> {
    let offer = hello.offer()?;
    let mut suites = without_grease(&offer.cipher_suites);
    let extensions = without_grease(&offer.extensions);
    let server_name = if extensions.contains(&extension::SERVER_NAME) { 'd' } else { 'i' };
    let (version, protocol) = (ja4_version(&offer), ja4_protocol(offer.protocol));
    let (number_of_suites, number_of_extensions) = (suites.len().min(99), extensions.len().min(99));
    suites.sort_unstable();
    let of_suites = ja4_hash(&hex_list(&suites));
    let of_extensions = ja4_hash(&ja4_extensions(extensions, &without_grease(&offer.signature_schemes)));
    Some(format!(
        "t{version}{server_name}{number_of_suites:02}{number_of_extensions:02}{protocol}_{of_suites}_{of_extensions}"
    ))
}

fn ja3_text(offer: &Offer<'_>) -> String {
    let decimal = |values: &[u16]| joined(&without_grease(values), "-", |value| value.to_string());
    let formats = joined(offer.point_formats, "-", |format| format.to_string());
    let (suites, extensions, groups) =
        (decimal(&offer.cipher_suites), decimal(&offer.extensions), decimal(&offer.groups));
    format!("{},{suites},{extensions},{groups},{formats}", offer.legacy_version)
}

/// The newest version on offer.
fn ja4_version(offer: &Offer<'_>) -> &'static str {
    match without_grease(&offer.versions).into_iter().max().unwrap_or(offer.legacy_version) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// First and last character of the first protocol of ALPN, or of its hexadecimal form.
fn ja4_protocol(protocol: Option<&[u8]>) -> String {
    let Some((first, last)) = protocol.and_then(|name| Some((*name.first()?, *name.last()?))) else {
        return "00".to_owned();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(first), char::from(last)].iter().collect();
    }
    format!("{:x}{:x}", first >> 4, last & 15)
}

/// Sorted and without those that the first part tells, then the signature schemes in the viewer's order.
fn ja4_extensions(mut extensions: Vec<u16>, signature_schemes: &[u16]) -> String {
    extensions.retain(|kind| !matches!(*kind, extension::SERVER_NAME | extension::ALPN));
    extensions.sort_unstable();
    let text = hex_list(&extensions);
    if signature_schemes.is_empty() { text } else { format!("{text}_{}", hex_list(signature_schemes)) }
}

/// Twelve hexadecimal digits; zeros for an empty list.
fn ja4_hash(text: &str) -> String {
    if text.is_empty() {
        return "0".repeat(12);
    }
    let mut hash = hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash.truncate(12);
    hash
}

fn hex_list(values: &[u16]) -> String {
    joined(values, ",", |value| format!("{value:04x}"))
}

fn joined<T>(values: &[T], separator: &str, text: impl Fn(&T) -> String) -> String {
    values.iter().map(text).collect::<Vec<_>>().join(separator)
}

fn without_grease(values: &[u16]) -> Vec<u16> {
    let is_grease = |value: u16| value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff;
    values.iter().copied().filter(|value| !is_grease(*value)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _a_string_takes_all = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_hello::tests::{numbers, records};

    fn hello(version: u16, suites: &[u16], extensions: &[(u16, Vec<u8>)]) -> ClientHello {
        ClientHello::in_records(&records(version, suites, extensions, 16_000)).unwrap()
    }

    fn with_length(content: Vec<u8>) -> Vec<u8> {
        [u16::try_from(content.len()).unwrap().to_be_bytes().to_vec(), content].concat()
    }

    /// The examples of JA3's README.
    #[test]
    fn ja3_is_that_of_the_published_examples() {
        let browser = hello(
            769,
            &[47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            &[(0, vec![]), (10, with_length(numbers(&[23, 24, 25]))), (11, vec![1, 0])],
        );
        assert_eq!(ja3(&browser).unwrap(), "ada70206e40642a3e4461f35503241d5");
        let old = hello(769, &[4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], &[]);
        assert_eq!(ja3(&old).unwrap(), "de350869b8c85de67a350c8d186f11e6");
    }

    /// The example of JA4's technical details, with GREASE values and in another order.
    fn chrome() -> ClientHello {
        let suites = [
            0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
            0x009d, 0x002f, 0x0035,
        ];
        let schemes = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
        let extensions = [
            (0x3a3a, vec![]),
            (0x001b, vec![2, 0, 2]),
            (0x0000, vec![]),
            (0x0033, vec![]),
            (0x0010, with_length(b"\x02h2\x08http/1.1".to_vec())),
            (0x4469, vec![]),
            (0x0017, vec![]),
            (0x002d, vec![]),
            (0x000d, with_length(numbers(&schemes))),
            (0x0005, vec![]),
            (0x0023, vec![]),
            (0x0012, vec![]),
            (0x002b, vec![6, 0x4a, 0x4a, 3, 4, 3, 3]),
            (0xff01, vec![]),
            (0x000b, vec![1, 0]),
            (0x000a, with_length(numbers(&[0x4a4a, 29, 23, 24]))),
            (0x0015, vec![]),
            (0x5a5a, vec![]),
        ];
        hello(0x0303, &suites, &extensions)
    }

    #[test]
    fn ja4_is_that_of_the_published_example() {
        assert_eq!(ja4(&chrome()).unwrap(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn ja3_leaves_grease_out() {
        let text = ja3_text(&chrome().offer().unwrap());
        let expected = "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,\
                        27-0-51-16-17513-23-45-13-5-35-18-43-65281-11-10-21,29-23-24,0";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_a_hello_lacks_is_said_by_ja4() {
        assert_eq!(ja4(&hello(0x0301, &[], &[])).unwrap(), "t10i000000_000000000000_000000000000");
        for (protocol, shown) in [
            (&b"http/1.1"[..], "h1"),
            (b"h", "hh"),
            (b"\xab", "ab"),
            (b"\xab\xcd", "ad"),
            (b"2\xff", "3f"),
            (b"", "00"),
        ] {
            assert_eq!(ja4_protocol(Some(protocol)), shown);
        }
        for (version, shown) in [(0x0303, "12"), (0x0302, "11"), (0x0300, "s3"), (0x0002, "s2"), (0xfefd, "00")] {
            assert_eq!(ja4(&hello(version, &[], &[])).unwrap()[1..3], *shown);
        }
    }
}
