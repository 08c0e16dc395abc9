//! Which responses are compressed, and what becomes of their header section and content.

use std::io::Read;
use std::sync::Arc;

use edgeward_cache::{AcceptedCodings, Compressed};
use edgeward_http_rules::accept_encoding::Accepted;
use edgeward_plan::{CacheBehavior, Plan};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{Candidate, Coding, Encoder, Unsuited, apply, check, preferred, refresh, vary};

fn behavior(compress: bool, gzip: bool, key_headers: &[&str]) -> Arc<CacheBehavior> {
    let none = r#"{"mode":"none","names":[]}"#;
    let headers = match key_headers {
        [] => none.to_owned(),
        names => format!(r#"{{"mode":"whitelist","names":{names:?}}}"#),
    };
    let document = format!(
        r#"{{"format":1,"sequence":1,"base":null,"default_certificate":null,"distributions":{{"E1":{{
        "arn":"a","domain_name":"d","aliases":[],"enabled":true,"certificate":null,"default_root_object":"","http2":true,"http3":false,
        "error_responses":[],
        "origins":{{"o":{{"kind":"custom","domain_name":"o.test","path":"","protocol":"http-only","http_port":80,
          "https_port":443,"headers":[],"connection_attempts":1,"connection_timeout":1,"response_timeout":1,
          "keepalive_timeout":1,"signing":null}}}},
        "behaviors":[{{"path_pattern":"*","origin":"o","viewer_protocol":"allow-all","allowed_methods":["GET"],
          "cached_methods":["GET"],"compress":{compress},"cache":{{"min_ttl":0,"default_ttl":1,"max_ttl":1,
          "gzip":{gzip},"brotli":false,"rules":"cloudfront","headers":{headers},"cookies":{none},"query_strings":{none}}}}}]}}}}}}"#
    );
    let plan = Plan::default().apply(document.as_bytes()).unwrap();
    Arc::clone(&plan.distribution("E1").unwrap().behaviors[0])
}

fn section(lines: &[(&str, &str)]) -> HeaderMap {
    lines.iter().fold(HeaderMap::new(), |mut headers, (name, value)| {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        headers
    })
}

fn outcome(status: u16, lines: &[(&str, &str)], length: Option<u64>) -> Result<(), Unsuited> {
    let headers = section(lines);
    let candidate = Candidate { status: StatusCode::from_u16(status).unwrap(), headers: &headers, length };
    check(&candidate, &behavior(true, true, &[]))
}

const CSS: (&str, &str) = ("content-type", "text/css");

// Guide, ServingCompressedFiles
#[test]
fn a_response_is_compressed_when_cloudfront_would() {
    use Unsuited::{Coded, ContentType, Length, NoTransform, Status};
    for (status, lines, length, expected) in [
        (200, &[CSS][..], Some(1_000), Ok(())),
        (403, &[CSS], Some(1_000), Ok(())),
        (404, &[CSS], Some(10_000_000), Ok(())),
        (500, &[CSS], Some(1_000), Err(Status)),
        (203, &[CSS], Some(1_000), Err(Status)),
        (206, &[CSS], Some(1_000), Err(Status)),
        (200, &[CSS, ("content-encoding", "gzip")], Some(1_000), Err(Coded)),
        (200, &[CSS, ("content-encoding", "identity")], Some(1_000), Err(Coded)),
        (200, &[CSS], Some(999), Err(Length)),
        (200, &[CSS], Some(10_000_001), Err(Length)),
        (200, &[CSS], None, Err(Length)),
        (200, &[], Some(1_000), Err(ContentType)),
        (200, &[("content-type", "image/png")], Some(1_000), Err(ContentType)),
        (200, &[("content-type", "text/cssx")], Some(1_000), Err(ContentType)),
        (200, &[("content-type", "Text/HTML ; charset=utf-8")], Some(1_000), Ok(())),
        (200, &[("content-type", "application/json;charset=utf-8")], Some(1_000), Ok(())),
        (200, &[("content-type", "")], Some(1_000), Err(ContentType)),
        (200, &[CSS, CSS], Some(1_000), Err(ContentType)),
        (200, &[CSS, ("cache-control", "max-age=1, No-Transform")], Some(1_000), Err(NoTransform)),
    ] {
        assert_eq!(outcome(status, lines, length), expected, "{status} {lines:?} {length:?}");
    }
}

#[test]
fn the_behavior_and_its_policy_must_ask_for_it() {
    let headers = section(&[CSS]);
    for (compress, gzip, key_headers, expected) in [
        (true, true, &[][..], Ok(())),
        (true, true, &["origin"], Ok(())),
        (false, true, &[], Err(Unsuited::NotAsked)),
        (true, false, &[], Err(Unsuited::NotAsked)),
        (true, true, &["accept-encoding"], Err(Unsuited::NotAsked)),
    ] {
        let candidate = Candidate { status: StatusCode::OK, headers: &headers, length: Some(5_000) };
        assert_eq!(check(&candidate, &behavior(compress, gzip, key_headers)), expected);
    }
}

#[test]
fn brotli_is_preferred_to_zstd_and_zstd_to_gzip() {
    let of = |gzip, brotli, zstd| AcceptedCodings::Of(Accepted { gzip, brotli, zstd });
    for (accepted, coding) in [
        (of(true, true, true), Some(Coding::Brotli)),
        (of(true, true, false), Some(Coding::Brotli)),
        (of(true, false, true), Some(Coding::Zstd)),
        (of(true, false, false), Some(Coding::Gzip)),
        (of(false, false, false), None),
        (AcceptedCodings::Absent, None),
    ] {
        assert_eq!(preferred(accepted), coding);
    }
}

#[test]
fn a_strong_entity_tag_becomes_weak_and_a_malformed_one_goes() {
    for (sent, shown, asked_with) in [
        (&[r#""1""#][..], Some(r#"W/"1""#), Some(r#""1""#)),
        (&[r#"W/"1""#], Some(r#"W/"1""#), Some(r#"W/"1""#)),
        (&["1"], None, None),
        (&[r#""1""#, r#""2""#], None, None),
        (&[], None, None),
    ] {
        let lines: Vec<_> = sent.iter().map(|tag| ("etag", *tag)).chain([("content-length", "9")]).collect();
        let mut headers = section(&lines);
        let compressed = apply(&mut headers, Coding::Gzip);
        assert_eq!(headers.get("etag").map(|tag| tag.to_str().unwrap()), shown, "{sent:?}");
        assert_eq!(compressed.origin_etag.as_ref().map(|tag| tag.to_str().unwrap()), asked_with, "{sent:?}");
        assert_eq!(headers["content-encoding"], "gzip");
        assert!(!headers.contains_key("content-length"));
    }
}

#[test]
fn vary_names_accept_encoding_once() {
    for (before, after) in [
        (&[][..], &["Accept-Encoding"][..]),
        (&["Origin"], &["Origin", "Accept-Encoding"]),
        (&["Origin, accept-encoding"], &["Origin, accept-encoding"]),
        (&["*"], &["*"]),
    ] {
        let mut headers = section(&before.iter().map(|value| ("vary", *value)).collect::<Vec<_>>());
        vary(&mut headers);
        assert!(headers.get_all("vary").iter().eq(after), "{before:?}");
    }
}

#[test]
fn a_304_updates_a_compressed_response_without_undoing_it() {
    let before = Compressed { origin_etag: Some(HeaderValue::from_static("\"1\"")) };
    for (lines, etag, vary, asked_with) in [
        (&[][..], None, &[][..], "\"1\""),
        (&[("etag", "\"1\""), ("vary", "Origin")], Some("W/\"1\""), &["Origin", "Accept-Encoding"], "\"1\""),
        (&[("etag", "\"2\""), ("content-encoding", "gzip")], Some("W/\"2\""), &[], "\"2\""),
        (&[("etag", "2")], None, &[], "\"1\""),
    ] {
        let mut update = section(lines);
        let compressed = refresh(&mut update, before.clone());
        assert_eq!(update.get("etag").map(|tag| tag.to_str().unwrap()), etag, "{lines:?}");
        assert!(update.get_all("vary").iter().eq(vary), "{lines:?}");
        assert_eq!(compressed.origin_etag.unwrap(), asked_with);
        assert!(!update.contains_key("content-encoding"));
    }
}

#[test]
fn compressed_content_is_the_content_whatever_the_pieces() {
    let content: Vec<u8> = (0..300_000_u32).flat_map(|n| (n / 7).to_string().into_bytes()).collect();
    for length in [1_000, 65_537, content.len()] {
        for piece in [997, 16_384] {
            for coding in [Coding::Gzip, Coding::Brotli, Coding::Zstd] {
                let content = &content[..length];
                let packed = compressed(coding, content, piece);
                assert!(unpacked(coding, &packed) == content, "{coding:?} {length} in pieces of {piece}");
                assert!(packed.len() < content.len() / 2, "{coding:?} {length}: {}", packed.len());
            }
        }
    }
}

fn compressed(coding: Coding, content: &[u8], piece: usize) -> Vec<u8> {
    let mut encoder = Encoder::new(coding, content.len() as u64).unwrap();
    let mut out = Vec::new();
    for piece in content.chunks(piece) {
        out.extend_from_slice(&encoder.push(piece).unwrap());
    }
    out.extend_from_slice(&encoder.finish().unwrap());
    out
}

fn unpacked(coding: Coding, packed: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    match coding {
        Coding::Gzip => flate2::read::GzDecoder::new(packed).read_to_end(&mut content).unwrap(),
        Coding::Brotli => brotli::Decompressor::new(packed, 4_096).read_to_end(&mut content).unwrap(),
        Coding::Zstd => zstd::Decoder::new(packed).unwrap().read_to_end(&mut content).unwrap(),
    };
    content
}
