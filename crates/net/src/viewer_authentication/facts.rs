//! What a viewer's certificate says, as CloudFront's header fields and connection log spell it
//! (guide, viewer-mtls-headers).
//!
//! Invariant: visible ASCII alone, whatever the certificate holds, so that every text can be a field value. Pure.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{AttributeTypeAndValue, FromDer, X509Certificate, X509Name};
use x509_parser::time::ASN1Time;

/// Of the leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Pairs of hexadecimal digits with `:` between them.
    pub serial_number: String,
    /// Distinguished name as a string (RFC 2253).
    pub issuer: String,
    /// The same of whom it is for.
    pub subject: String,
    /// `NotBefore=...;NotAfter=...`, ISO 8601.
    pub validity: String,
    /// Hexadecimal digits.
    pub sha256: String,
}

impl CertificateFacts {
    /// `None` for what is no X.509 certificate.
    pub fn read(leaf: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(leaf).ok()?;
        let validity = parsed.validity();
        Some(Self {
            serial_number: hexadecimal(parsed.raw_serial(), ":"),
            issuer: distinguished_name(parsed.issuer()),
            subject: distinguished_name(parsed.subject()),
            validity: format!("NotBefore={};NotAfter={}", moment(validity.not_before), moment(validity.not_after)),
            sha256: hexadecimal(digest(&SHA256, leaf).as_ref(), ""),
        })
    }
}

/// PEM, percent-encoded for a field value.
pub(crate) fn percent_encoded_pem(certificate: &CertificateDer<'_>) -> String {
    let encoded = STANDARD.encode(certificate);
    let mut text = String::with_capacity(encoded.len() + encoded.len() / 8 + 80);
    text.push_str("-----BEGIN%20CERTIFICATE-----%0A");
    for (place, character) in encoded.chars().enumerate() {
        if place > 0 && place % PEM_LINE == 0 {
            text.push_str("%0A");
        }
        match character {
            '+' => text.push_str("%2B"),
            '/' => text.push_str("%2F"),
            '=' => text.push_str("%3D"),
            other => text.push(other),
        }
    }
    text.push_str("%0A-----END%20CERTIFICATE-----%0A");
    text
}

/// A byte sequence of a structured field (RFC 8941 section 3.3.5), as RFC 9440 has certificates.
pub(crate) fn byte_sequence(certificate: &CertificateDer<'_>) -> String {
    format!(":{}:", STANDARD.encode(certificate))
}

fn hexadecimal(bytes: &[u8], between: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

fn moment(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}

/// The last relative name first, `,` between them, `+` between the attributes of one (RFC 2253 section 2).
fn distinguished_name(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> =
        name.iter_rdn().map(|relative| relative.iter().map(attribute).collect::<Vec<_>>().join("+")).collect();
    parts.reverse();
    parts.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let known = ATTRIBUTES.iter().find(|(known, _)| *known == oid);
    match (known, attribute.as_str()) {
        (Some((_, name)), Ok(text)) => format!("{name}={}", escaped(text)),
        // Of a type without a name, or no string: the DER encoding of the value (section 2.4).
        (_, Ok(text)) => format!("{oid}={}", escaped(text)),
        (_, Err(_)) => format!("{oid}=#{}", hexadecimal(attribute.as_slice(), "")),
    }
}

/// Section 2.4: what has a meaning in the string, and what is not visible ASCII, as `\` and two digits.
fn escaped(text: &str) -> String {
    let last = text.len().saturating_sub(1);
    text.bytes().enumerate().fold(String::with_capacity(text.len()), |mut escaped, (place, byte)| {
        let is_edge = byte == b' ' && (place == 0 || place == last);
        match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => escaped.extend(['\\', char::from(byte)]),
            b'#' if place == 0 => escaped.push_str("\\#"),
            _ if is_edge => escaped.push_str("\\ "),
            b' '..=b'~' => escaped.push(char::from(byte)),
            _ => {
                let _a_string_takes_all = write!(escaped, "\\{byte:02X}");
            }
        }
        escaped
    })
}

/// The names of RFC 2253 section 2.3, and that of addresses, as everybody writes them.
const ATTRIBUTES: [(&str, &str); 11] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("2.5.4.5", "serialNumber"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];
/// Characters in a line of PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;
