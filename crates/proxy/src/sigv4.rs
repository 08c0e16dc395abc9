//! AWS Signature Version 4 of a request to an S3 origin (origin access control; AWS general reference, "Create a signed
//! AWS API request").
//!
//! Invariant: what is signed is the canonical form a server derives from the decoded path and query, so that any
//! spelling a viewer chose for them (`(` or `%28`) verifies; the request itself goes out as it came.
//! Called by the origin fetch, once for each signed request. Pure but for the signing key, which is kept for its day.

use std::sync::Arc;

use aws_lc_rs::{digest, hmac};
use edgeward_http_rules::date::UtcTime;
use edgeward_http_rules::query::parameters;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use parking_lot::Mutex;
use thiserror::Error;

/// The request to sign, as it will be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnsignedRequest<'a> {
    /// The method.
    pub(crate) method: &'a Method,
    /// The Host field it will carry.
    pub(crate) host: &'a str,
    /// The path, percent-encoded once, with its leading `/`. It is not normalized: to S3, `//` and `..` are part of a
    /// key.
    pub(crate) path: &'a str,
    /// The query string without `?`; empty when there is none.
    pub(crate) query: &'a str,
    /// The other fields. Range, Content-Type and `x-amz-*` are signed, since S3 refuses an `x-amz-*` field outside the
    /// signature.
    pub(crate) headers: &'a HeaderMap,
    /// What is said about the content.
    pub(crate) payload: Payload<'a>,
}

/// What `x-amz-content-sha256` says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Payload<'a> {
    /// `UNSIGNED-PAYLOAD`: the content is protected by TLS alone.
    Unsigned,
    /// The viewer's own `x-amz-content-sha256`, which it must send with a PUT.
    Declared(&'a HeaderValue),
}

/// The fields that make a request signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// Authorization.
    pub(crate) authorization: HeaderValue,
    /// X-Amz-Date.
    pub(crate) date: HeaderValue,
    /// X-Amz-Content-Sha256.
    pub(crate) content_sha256: HeaderValue,
}

impl Signature {
    /// Puts the fields into the request, in place of those that were there.
    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, self.authorization);
        headers.insert(&AMZ_DATE, self.date);
        headers.insert(&AMZ_CONTENT_SHA256, self.content_sha256);
    }
}

/// Credentials that cannot be written into an Authorization field.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "the {0} of the origin's signature is empty or has bytes other than visible ASCII without '/' and ','; correct it"
)]
pub(crate) struct InvalidScope(pub(crate) &'static str);

/// Signs requests with one set of credentials for one region and service.
pub(crate) struct Signer {
    access_key: String,
    secret_key: String,
    region: String,
    service: String,
    day_key: Mutex<Option<DayKey>>,
}

struct DayKey {
    day: String,
    key: Arc<hmac::Key>,
}

impl Signer {
    /// A signer for a region (`us-east-1`) and service (`s3`).
    ///
    /// # Errors
    /// [`InvalidScope`] names the part that could not be part of an Authorization field.
    pub(crate) fn new(access_key: &str, secret_key: &str, region: &str, service: &str) -> Result<Self, InvalidScope> {
        for (name, value) in [("access key", access_key), ("region", region), ("service", service)] {
            let is_sound = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b',';
            if value.is_empty() || !value.bytes().all(is_sound) {
                return Err(InvalidScope(name));
            }
        }
        Ok(Self {
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            day_key: Mutex::new(None),
        })
    }

    /// Signs `request` at a time in Unix seconds. Servers refuse a time more than 15 minutes from theirs.
    pub(crate) fn sign(&self, request: &UnsignedRequest<'_>, unix_seconds: u64) -> Signature {
        let (day, time) = stamps(unix_seconds);
        let content_sha256 = match request.payload {
            Payload::Unsigned => HeaderValue::from_static("UNSIGNED-PAYLOAD"),
            Payload::Declared(value) => value.clone(),
        };
        let (signed_names, canonical) = canonical_request(request, &time, &content_sha256);
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let text =
            format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(digest::digest(&digest::SHA256, &canonical).as_ref()));
        let signature = hex(hmac::sign(&self.signing_key(&day), text.as_bytes()).as_ref());
        let access_key = &self.access_key;
        Signature {
            authorization: field_value(&format!(
                "{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={signed_names}, Signature={signature}"
            )),
            date: field_value(&time),
            content_sha256,
        }
    }

    fn signing_key(&self, day: &str) -> Arc<hmac::Key> {
        let mut kept = self.day_key.lock();
        if let Some(known) = kept.as_ref().filter(|known| known.day == day) {
            return Arc::clone(&known.key);
        }
        let key = Arc::new(self.derive_key(day));
        *kept = Some(DayKey { day: day.to_owned(), key: Arc::clone(&key) });
        key
    }

    fn derive_key(&self, day: &str) -> hmac::Key {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{}", self.secret_key).as_bytes());
        [day, &self.region, &self.service, "aws4_request"]
            .into_iter()
            .fold(secret, |key, part| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref()))
    }
}

/// The names that were signed, joined by `;`, and the canonical request.
fn canonical_request(request: &UnsignedRequest<'_>, time: &str, content_sha256: &HeaderValue) -> (String, Vec<u8>) {
    let fields = canonical_fields(request, time, content_sha256);
    let names = fields.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let mut text = Vec::with_capacity(512);
    text.extend_from_slice(request.method.as_str().as_bytes());
    text.push(b'\n');
    encode(request.path.as_bytes(), Part::Path, &mut text);
    text.push(b'\n');
    text.extend_from_slice(&canonical_query(request.query));
    text.push(b'\n');
    for (name, value) in &fields {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    for part in [b"\n", names.as_bytes(), b"\n", content_sha256.as_bytes()] {
        text.extend_from_slice(part);
    }
    (names, text)
}

/// Names in lower case with canonical values, sorted by name.
fn canonical_fields<'a>(
    request: &UnsignedRequest<'a>,
    time: &str,
    content_sha256: &HeaderValue,
) -> Vec<(&'a str, Vec<u8>)> {
    let mut fields: Vec<_> = request
        .headers
        .keys()
        .filter(|name| is_signed(name))
        .map(|name| (name.as_str(), canonical_value(request.headers, name)))
        .collect();
    fields.push(("host", request.host.as_bytes().to_vec()));
    fields.push((AMZ_DATE.as_str(), time.as_bytes().to_vec()));
    fields.push((AMZ_CONTENT_SHA256.as_str(), content_sha256.as_bytes().to_vec()));
    fields.sort_unstable_by_key(|(name, _)| *name);
    fields
}

/// Whether a field of the request itself is signed; those the signer adds replace the request's own.
fn is_signed(name: &HeaderName) -> bool {
    let is_ours = *name == AMZ_DATE || *name == AMZ_CONTENT_SHA256;
    !is_ours && (*name == RANGE || *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-"))
}

/// All lines joined by commas, without white space around them and with single spaces inside.
fn canonical_value(headers: &HeaderMap, name: &HeaderName) -> Vec<u8> {
    let mut value = Vec::new();
    for (index, line) in headers.get_all(name).iter().enumerate() {
        if index > 0 {
            value.push(b',');
        }
        let words = line.as_bytes().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                value.push(b' ');
            }
            value.extend_from_slice(word);
        }
    }
    value
}

/// Parameters decoded, encoded again by the rules of the signature, and sorted by name, then value. One without `=` has
/// an empty value.
fn canonical_query(query: &str) -> Vec<u8> {
    let mut pairs: Vec<_> = parameters(query.as_bytes())
        .filter(|parameter| !parameter.raw.is_empty())
        .map(|parameter| {
            let value = parameter.raw.get(parameter.name.len() + 1..).unwrap_or_default();
            (encoded(parameter.name), encoded(value))
        })
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| [name, value].join(&b'=')).collect();
    pairs.join(&b'&')
}

fn encoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    encode(text, Part::Query, &mut out);
    out
}

/// Which part of a URL is encoded: `/` stays in a path; `+` is a space in a query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Query,
}

/// Decodes what is percent-encoded and encodes every byte but `A-Z a-z 0-9 - . _ ~`, so that all spellings of one text
/// become one.
fn encode(text: &[u8], part: Part, out: &mut Vec<u8>) {
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, decode_hex(tail)) {
            (b'%', Some(decoded)) => decoded,
            (b'+', _) if part == Part::Query => (b' ', tail),
            _ => (*first, tail),
        };
        rest = tail;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (byte == b'/' && part == Part::Path) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', hex_digit(byte >> 4, b'A'), hex_digit(byte & 15, b'A')]);
        }
    }
}

fn decode_hex(text: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, tail @ ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(high)? << 4 | digit(low)?, tail))
}

/// One hexadecimal digit; `ten` is the letter for 10.
fn hex_digit(nibble: u8, ten: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { ten + (nibble - 10) }
}

/// The day, `20130524`, and the time, `20130524T000000Z`.
fn stamps(unix_seconds: u64) -> (String, String) {
    let UtcTime { year, month, day, hour, minute, second } = UtcTime::from_unix_seconds(unix_seconds);
    let day = format!("{year:04}{month:02}{day:02}");
    let time = format!("{day}T{hour:02}{minute:02}{second:02}Z");
    (day, time)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(hex_digit(nibble, b'a'))).collect()
}

/// `text` is made of stamps, digits, field names, and of what `Signer::new` checked.
fn field_value(text: &str) -> HeaderValue {
    #[expect(clippy::expect_used, reason = "every part is visible ASCII or a space, so it is a field value")]
    HeaderValue::from_str(text).expect("visible ASCII")
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
static AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
static AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    /// 2013-05-24 00:00:00 UTC, the moment of AWS's examples.
    const THAT_DAY: u64 = 1_369_353_600;
    const EMPTY_SHA256: HeaderValue =
        HeaderValue::from_static("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

    fn section(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn sign(region: &str, target: (&str, &str), headers: &HeaderMap, payload: Payload<'_>) -> String {
        let signer = Signer::new("AKIAIOSFODNN7EXAMPLE", SECRET, region, "s3").unwrap();
        let (path, query) = target;
        let host = "examplebucket.s3.amazonaws.com";
        let request = UnsignedRequest { method: &Method::GET, host, path, query, headers, payload };
        signer.sign(&request, THAT_DAY).authorization.to_str().unwrap().to_owned()
    }

    // Amazon S3 API reference, "Signature Calculations for the Authorization Header": GET object, lifecycle, list.
    #[test]
    fn the_examples_of_the_s3_reference_are_reproduced() {
        let empty = EMPTY_SHA256;
        for (target, headers, names, signature) in [
            (
                ("/test.txt", ""),
                &[("range", "bytes=0-9")][..],
                "host;range;x-amz-content-sha256;x-amz-date",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                ("/", "lifecycle"),
                &[],
                "host;x-amz-content-sha256;x-amz-date",
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                ("/", "max-keys=2&prefix=J"),
                &[],
                "host;x-amz-content-sha256;x-amz-date",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ] {
            assert_eq!(
                sign("us-east-1", target, &section(headers), Payload::Declared(&empty)),
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
                     SignedHeaders={names}, Signature={signature}"
                )
            );
        }
    }

    // The expected signatures are those of botocore's S3SigV4Auth for the same requests.
    #[test]
    fn botocore_signs_the_same_requests_alike() {
        let plain = sign("us-east-1", ("/index.html", ""), &HeaderMap::new(), Payload::Unsigned);
        assert!(plain.ends_with("=96ff8b9bf1caf8dce95704cd132221cfa363ceb3329902f5749b9a60acb58ba8"), "{plain}");
        let target = ("/a//b/../c%20d%2Be%C3%A9%281%29.txt", "b=2&a=%20x&a=1&versionId=");
        let odd = sign("eu-central-1", target, &section(&[("x-amz-meta-a", "one   two")]), Payload::Unsigned);
        assert!(odd.ends_with("=df7c56536684db7749c285cb8e7e519a915f17a6bd1e61767863299e87e555ff"), "{odd}");
    }

    #[test]
    fn every_spelling_of_a_path_and_query_is_signed_alike() {
        let signed = |path, query| sign("us-east-1", (path, query), &HeaderMap::new(), Payload::Unsigned);
        let canonical = signed("/a%20%28b%29~%C3%A9%2B", "a=1%202&b=&c=%2F");
        for (path, query) in [
            ("/a%20(b)%7e%c3%a9+", "c=/&b&a=1+2"),
            ("/%61%20%28b)~\u{e9}%2b", "a=1%202&c=%2f&b="),
            ("/a%20%28b%29~%C3%A9%2B", "&&b&c=/&a=1+2&"),
        ] {
            assert_eq!(signed(path, query), canonical, "{path}?{query}");
        }
        assert_ne!(signed("/%zz", ""), signed("/zz", ""));
        assert_ne!(signed("/a//b", ""), signed("/a/b", ""));
    }

    #[test]
    fn the_signature_replaces_what_the_request_carried() {
        let mut headers = section(&[("x-amz-date", "x"), ("x-amz-content-sha256", "y"), ("authorization", "z")]);
        let signer = Signer::new("A", "S", "us-east-1", "s3").unwrap();
        let request = UnsignedRequest {
            method: &Method::GET,
            host: "h",
            path: "/",
            query: "",
            headers: &headers,
            payload: Payload::Unsigned,
        };
        let signature = signer.sign(&request, THAT_DAY + 86_399);
        assert_eq!(
            signature,
            signer.sign(&UnsignedRequest { headers: &HeaderMap::new(), ..request }, THAT_DAY + 86_399)
        );
        signature.apply(&mut headers);
        assert_eq!(headers.len(), 3);
        assert_eq!(headers["x-amz-date"], "20130524T235959Z");
        assert_eq!(headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
    }

    #[test]
    fn the_key_is_derived_anew_when_the_day_changes() {
        let signer = Signer::new("A", "S", "us-east-1", "s3").unwrap();
        let first = signer.signing_key("20130524");
        assert!(Arc::ptr_eq(&first, &signer.signing_key("20130524")));
        assert!(!Arc::ptr_eq(&first, &signer.signing_key("20130525")));
    }

    #[test]
    fn credentials_that_would_break_the_field_are_refused() {
        for (access_key, region, service, refused) in [
            ("A/B", "r", "s3", Some("access key")),
            ("", "r", "s3", Some("access key")),
            ("A", "r,", "s3", Some("region")),
            ("A", "r", "s 3", Some("service")),
            ("A", "r", "s3", None),
        ] {
            assert_eq!(Signer::new(access_key, "/+ any", region, service).err(), refused.map(InvalidScope));
        }
    }
}
