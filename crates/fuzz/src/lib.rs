//! What must hold for any bytes: one function for each way in which bytes of others reach an edge.
//!
//! Each takes whatever a fuzzer makes and panics when its property does not hold. `tests/short.rs` runs all of them on
//! a fixed set of mutations in every test run; `make fuzz` runs each under libFuzzer, which looks for new paths by
//! itself (`libfuzzer/`). Both start from the inputs in `seeds/`.
//!
//! A finding: put the input that libFuzzer wrote into `seeds/<target>/`, so that every test run has it from then on.

use edgeward_http_rules::cache_control::CacheControl;
use edgeward_http_rules::date::{format_http_date, parse_http_date};
use edgeward_http_rules::host::Host;
use edgeward_http_rules::range::{self, ContentRange, RangeRequest};
use edgeward_http_rules::{Selection, SelectionMode, cookies, framing, hop_by_hop, query};
use edgeward_plan::{InvalidationOrder, Plan};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, COOKIE, RANGE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

pub use edgeward_net::fuzzing::{frames, requests};

/// Panics when what must hold does not.
pub type Check = fn(&[u8]);

/// All targets, by the name of their folder of seeds.
pub const TARGETS: [(&str, Check); 10] = [
    ("plan", plan),
    ("range", ranges),
    ("content-range", content_range),
    ("cookies", cookies),
    ("query", query_strings),
    ("framing", framing),
    ("host", host),
    ("cache-control", cache_control),
    ("frames", frames),
    ("requests", requests),
];

/// A document of the control plane: a plan or an invalidation. A plan that is taken is taken again.
pub fn plan(data: &[u8]) {
    let _order = InvalidationOrder::parse(data);
    if Plan::default().apply(data).is_ok() {
        assert!(Plan::default().apply(data).is_ok());
    }
}

/// A Range field, and the length of what it is asked of: ranges lie within it, ascend and do not overlap.
pub fn ranges(data: &[u8]) {
    let Some((length, value)) = data.split_first_chunk::<8>() else { return };
    let length = u64::from_le_bytes(*length);
    let request = section(&[(RANGE, value)]);
    let _wanted = range::wanted(&request);
    let ranges = match range::resolve(&request, length) {
        RangeRequest::Single(range) => vec![range],
        RangeRequest::Several(ranges) => ranges,
        _ => return,
    };
    let mut free_from = 0;
    for range in ranges {
        assert!(free_from <= range.first && range.first <= range.last && range.last < length, "{range:?} of {length}");
        free_from = range.last.saturating_add(1);
    }
}

/// A Content-Range of an origin: what is understood can be written, and is understood the same.
pub fn content_range(data: &[u8]) {
    let Some(parsed) = ContentRange::parse(data) else { return };
    let written = match (parsed.range, parsed.complete_length) {
        (Some(range), length) => range::content_range(range, length),
        (None, Some(length)) => range::unsatisfied_content_range(length),
        (None, None) => unreachable!("says nothing"),
    };
    assert_eq!(ContentRange::parse(written.as_bytes()), Some(parsed));
}

/// Cookie lines: what is forwarded can be read back, and nothing is made up.
pub fn cookies(data: &[u8]) {
    let lines: Vec<_> = data.split(|byte| *byte == b'\n').map(|line| (COOKIE, line)).collect();
    let request = section(&lines);
    let all = Selection::new(SelectionMode::All, [""; 0]);
    let mut forwarded = Vec::new();
    cookies::select(&request, &all, &mut forwarded);
    let again = section(&[(COOKIE, &forwarded)]);
    let mut sent: Vec<_> = cookies::cookies(&request).map(|cookie| cookie.raw).collect();
    let mut read: Vec<_> = cookies::cookies(&again).map(|cookie| cookie.raw).collect();
    sent.sort_unstable();
    read.sort_unstable();
    assert_eq!(sent, read);
}

/// A query string: listed names and all others make up the whole.
pub fn query_strings(data: &[u8]) {
    let length = |mode| {
        let mut selected = Vec::new();
        query::select(data, &Selection::new(mode, ["a", "bc"]), &mut selected);
        selected.split(|byte| *byte == b'&').filter(|raw| !raw.is_empty()).count()
    };
    let named = query::parameters(data).filter(|parameter| !parameter.raw.is_empty()).count();
    assert_eq!(length(SelectionMode::Whitelist) + length(SelectionMode::AllExcept), named);
    assert_eq!(length(SelectionMode::All), named);
}

/// A header section, a field a line: what is framed has one framing, and connection-specific fields do not survive.
pub fn framing(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().and_then(|name| HeaderName::from_bytes(name).ok());
        let value = parts.next().and_then(|value| HeaderValue::from_bytes(value.trim_ascii()).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    match framing::declared(Version::HTTP_11, &headers) {
        Ok(framing::Framing::Chunked) => assert!(!headers.contains_key(CONTENT_LENGTH)),
        Ok(framing::Framing::Length(length)) => {
            assert!(framing::unite_lengths(&mut headers).is_ok());
            assert_eq!(framing::content_length(&headers), Ok(Some(length)));
            assert_eq!(headers.get_all(CONTENT_LENGTH).iter().count(), 1);
        }
        Ok(framing::Framing::Undeclared) => assert!(!headers.contains_key(TRANSFER_ENCODING)),
        Err(_) => {}
    }
    hop_by_hop::strip(&mut headers);
    assert!(!headers.keys().any(hop_by_hop::is_connection_specific));
}

/// A Host field: what is taken for a host is taken for the same again.
pub fn host(data: &[u8]) {
    let Ok(host) = Host::parse(data) else { return };
    assert!(!host.name.is_empty() && !host.name.bytes().any(|byte| byte.is_ascii_uppercase() || byte <= b' '));
    assert_eq!(Host::parse(host.name.as_bytes()).map(|again| again.name), Ok(host.name.clone()));
}

/// Cache-Control and a date: no more than that they are read; a date that is written is read the same.
pub fn cache_control(data: &[u8]) {
    let _directives = CacheControl::parse(&section(&[(CACHE_CONTROL, data)]));
    if let Some(seconds) = parse_http_date(data) {
        assert_eq!(parse_http_date(format_http_date(seconds).as_bytes()), Some(seconds));
    }
}

/// The lines that can be field lines.
fn section(lines: &[(HeaderName, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    headers
}
