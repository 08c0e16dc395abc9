//! Byte ranges (RFC 9110 section 14): the Range field resolved against a length, and Content-Range written and read.
//!
//! Invariant: a `ByteRange` that `resolve` returns lies inside the representation; positions never overflow.
//! Called by `proxy` when it answers from a stored response and when it checks a 206 of an origin.

use std::io::Write;

use http::header::RANGE;
use http::{HeaderMap, HeaderValue};

use crate::decimal;
use crate::fields::{self, Members};

/// A range of bytes, both ends included, `first <= last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Position of the first byte, from 0.
    pub first: u64,
    /// Position of the last byte.
    pub last: u64,
}

impl ByteRange {
    /// Number of bytes.
    pub fn length(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

/// What the Range field of a request asks of a representation of known length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeRequest {
    /// There is no Range field.
    None,
    /// One range can be satisfied: 206.
    Single(ByteRange),
    /// More than one range can be satisfied; they ascend and do not overlap: 206 in several parts.
    Several(Vec<ByteRange>),
    /// More than one range can be satisfied, out of order, overlapping or too many: the whole representation is sent
    /// instead (section 14.2; CloudFront guide, RangeGETs).
    Disordered,
    /// No range can be satisfied: 416.
    Unsatisfiable,
    /// Another unit, a broken value or two fields: ignored, as section 14.2 allows. So is a suffix of an empty
    /// representation, which no Content-Range could describe.
    Malformed,
}

/// Resolves the Range field of `request` against a representation of `length` bytes.
pub fn resolve(request: &HeaderMap, length: u64) -> RangeRequest {
    if !request.contains_key(RANGE) {
        return RangeRequest::None;
    }
    let specs = fields::sole(request, &RANGE).and_then(|value| byte_specs(value.as_bytes()));
    specs.and_then(|specs| resolve_specs(specs, length)).unwrap_or(RangeRequest::Malformed)
}

/// The Content-Range of a 206: `bytes 0-9/100`, or `bytes 0-9/*` when the complete length is unknown (section 14.4).
pub fn content_range(range: ByteRange, complete_length: Option<u64>) -> HeaderValue {
    let ByteRange { first, last } = range;
    match complete_length {
        Some(length) => field_value(format_args!("bytes {first}-{last}/{length}")),
        None => field_value(format_args!("bytes {first}-{last}/*")),
    }
}

/// The Content-Range of a 416: `bytes */100`.
pub fn unsatisfied_content_range(complete_length: u64) -> HeaderValue {
    field_value(format_args!("bytes */{complete_length}"))
}

/// A Content-Range that an origin sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// The bytes enclosed; `None` in `bytes */100`.
    pub range: Option<ByteRange>,
    /// The complete length; `None` where the origin wrote `*`.
    pub complete_length: Option<u64>,
}

impl ContentRange {
    /// Reads a field value. `None` when it is malformed, of another unit, or contradicts itself (section 14.4: last
    /// before first, or not before the complete length), in which case the content must not be combined with anything.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (unit, rest) = split_once(value, b' ')?;
        let (range, length) = split_once(rest, b'/')?;
        let range = if range == b"*" { None } else { Some(parse_range(range)?) };
        let complete_length = if length == b"*" { None } else { Some(decimal::exact(length)?) };
        let is_inside = match (range, complete_length) {
            (Some(range), Some(length)) => range.last < length,
            (None, None) => false,
            _ => true,
        };
        (unit.eq_ignore_ascii_case(b"bytes") && is_inside).then_some(Self { range, complete_length })
    }
}

/// The range-specs of a `bytes=` value; units are case-insensitive (section 14.1).
fn byte_specs(value: &[u8]) -> Option<Members<'_>> {
    let (unit, specs) = split_once(value, b'=')?;
    unit.eq_ignore_ascii_case(b"bytes").then(|| Members::of(specs))
}

/// A response has at most this many parts: a viewer must not make much out of a short request (section 17.15).
const MOST_RANGES: usize = 64;

/// `None` when a spec is malformed: then the whole field is ignored.
fn resolve_specs(specs: Members<'_>, length: u64) -> Option<RangeRequest> {
    let mut answer = None;
    for spec in specs {
        answer = Some(match (answer, resolve_spec(spec, length)?) {
            (None, None) => RangeRequest::Unsatisfiable,
            (Some(before), None) => before,
            (Some(RangeRequest::Single(first)), Some(range)) => joined(vec![first], range),
            (Some(RangeRequest::Several(ranges)), Some(range)) => joined(ranges, range),
            (Some(RangeRequest::Disordered), Some(_)) => RangeRequest::Disordered,
            (_, Some(range)) => RangeRequest::Single(range),
        });
    }
    answer
}

fn joined(mut ranges: Vec<ByteRange>, next: ByteRange) -> RangeRequest {
    let ascends = ranges.last().is_none_or(|before| before.last < next.first);
    if !ascends || ranges.len() >= MOST_RANGES {
        return RangeRequest::Disordered;
    }
    ranges.push(next);
    RangeRequest::Several(ranges)
}

/// The one range that a request asks for, of a representation whose length is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// From a position on; `last` is included, `None` for the end.
    From {
        /// Position of the first byte.
        first: u64,
        /// Position of the last byte.
        last: Option<u64>,
    },
    /// This many bytes at the end.
    Suffix(u64),
}

/// The range that `request` asks for; `None` when it asks for none, for several, or is malformed.
pub fn wanted(request: &HeaderMap) -> Option<Wanted> {
    let mut specs = byte_specs(fields::sole(request, &RANGE)?.as_bytes())?;
    let (first, last) = split_once(specs.next()?, b'-')?;
    if specs.next().is_some() {
        return None;
    }
    if first.is_empty() {
        return decimal::saturating(last).map(Wanted::Suffix);
    }
    let first = decimal::saturating(first)?;
    let last = if last.is_empty() { None } else { Some(decimal::saturating(last)?) };
    last.is_none_or(|last| first <= last).then_some(Wanted::From { first, last })
}

/// Section 14.1.2. The outer `None`: malformed; the inner: cannot be satisfied.
fn resolve_spec(spec: &[u8], length: u64) -> Option<Option<ByteRange>> {
    let (first, last) = split_once(spec, b'-')?;
    if first.is_empty() {
        return suffix(decimal::saturating(last)?, length);
    }
    let first = decimal::saturating(first)?;
    let last = if last.is_empty() { u64::MAX } else { decimal::saturating(last)? };
    if last < first {
        return None;
    }
    Some((first < length).then(|| ByteRange { first, last: last.min(length - 1) }))
}

fn suffix(count: u64, length: u64) -> Option<Option<ByteRange>> {
    match (count, length) {
        (0, _) => Some(None),
        (_, 0) => None,
        _ => Some(Some(ByteRange { first: length.saturating_sub(count), last: length - 1 })),
    }
}

fn parse_range(text: &[u8]) -> Option<ByteRange> {
    let (first, last) = split_once(text, b'-')?;
    let range = ByteRange { first: decimal::exact(first)?, last: decimal::exact(last)? };
    (range.first <= range.last).then_some(range)
}

fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let (before, from) = text.split_at(memchr::memchr(separator, text)?);
    Some((before, fields::after(from, 1)))
}

/// Without a `String` between: the longest text has 20 + 1 + 20 + 1 + 20 digits and marks after the unit.
fn field_value(text: std::fmt::Arguments<'_>) -> HeaderValue {
    let mut buffer = [0u8; 72];
    let mut rest = buffer.as_mut_slice();
    let fits = rest.write_fmt(text).is_ok();
    let unused = rest.len();
    debug_assert!(fits, "72 bytes hold three 64-bit numbers");
    let written = buffer.get(..buffer.len() - unused).unwrap_or_default();
    #[expect(clippy::expect_used, reason = "digits and the marks of Content-Range are visible ASCII")]
    HeaderValue::from_bytes(written).expect("visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::RangeRequest::{Disordered, Malformed, Several, Single, Unsatisfiable};
    use super::*;

    fn resolve_value(value: &str, length: u64) -> RangeRequest {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, value.parse().unwrap());
        resolve(&headers, length)
    }

    fn single(first: u64, last: u64) -> RangeRequest {
        Single(ByteRange { first, last })
    }

    fn several(ranges: &[(u64, u64)]) -> RangeRequest {
        Several(ranges.iter().map(|&(first, last)| ByteRange { first, last }).collect())
    }

    // RFC 9110 sections 14.1.1, 14.1.2, 14.2
    #[test]
    fn a_range_is_resolved_against_the_length() {
        for (value, answer) in [
            ("bytes=0-0", single(0, 0)),
            ("bytes=0-499", single(0, 99)),
            ("bytes=10-", single(10, 99)),
            ("bytes=-10", single(90, 99)),
            ("bytes=-1000", single(0, 99)),
            ("bytes=99-", single(99, 99)),
            ("BYTES=0-9", single(0, 9)),
            ("bytes= 0-9 ,", single(0, 9)),
            ("bytes=0-99999999999999999999999", single(0, 99)),
            ("bytes=100-", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=200-300, -0", Unsatisfiable),
            ("bytes=0-9, 20-29", several(&[(0, 9), (20, 29)])),
            ("bytes=0-9,20-29,-1", several(&[(0, 9), (20, 29), (99, 99)])),
            ("bytes=20-29, 0-9", Disordered),
            ("bytes=0-9, 9-10", Disordered),
            ("bytes=0-9, 5-6, 20-21", Disordered),
            ("bytes=0-9, 200-", single(0, 9)),
            ("bytes=200-, 0-9", single(0, 9)),
            ("bytes=0-9, 200-, 20-29", several(&[(0, 9), (20, 29)])),
            ("bytes=9-0", Malformed),
            ("bytes=0-9, 9-0", Malformed),
            ("bytes=", Malformed),
            ("bytes=,", Malformed),
            ("bytes", Malformed),
            ("bytes=-", Malformed),
            ("bytes=a-b", Malformed),
            ("bytes=0-+9", Malformed),
            ("bytes=0 - 9", Malformed),
            ("bytes =0-9", Malformed),
            ("items=0-9", Malformed),
            ("bytes=--5", Malformed),
            ("bytes=0-9-5", Malformed),
        ] {
            assert_eq!(resolve_value(value, 100), answer, "{value}");
        }
    }

    #[test]
    fn more_parts_than_a_viewer_has_use_for_are_answered_whole() {
        let specs = |count: usize| (0..count).map(|n| format!("{n}-{n}")).collect::<Vec<_>>().join(",");
        assert!(matches!(resolve_value(&format!("bytes={}", specs(64)), 100), Several(ranges) if ranges.len() == 64));
        assert_eq!(resolve_value(&format!("bytes={}", specs(65)), 100), Disordered);
    }

    #[test]
    fn one_range_can_be_read_before_the_length_is_known() {
        let from = |first, last| Some(Wanted::From { first, last });
        for (value, expected) in [
            ("bytes=5-9", from(5, Some(9))),
            ("bytes=5-", from(5, None)),
            ("bytes=-5", Some(Wanted::Suffix(5))),
            ("bytes=9-5", None),
            ("bytes=0-1,3-4", None),
            ("bytes=x", None),
            ("items=0-1", None),
        ] {
            let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(value))]);
            assert_eq!(wanted(&headers), expected, "{value}");
        }
        assert_eq!(wanted(&HeaderMap::new()), None);
    }

    #[test]
    fn an_empty_representation_has_no_satisfiable_range() {
        for (value, answer) in [("bytes=0-", Unsatisfiable), ("bytes=-0", Unsatisfiable), ("bytes=-5", Malformed)] {
            assert_eq!(resolve_value(value, 0), answer, "{value}");
        }
    }

    #[test]
    fn no_range_field_asks_for_nothing_and_two_are_ignored() {
        let mut headers = HeaderMap::new();
        assert_eq!(resolve(&headers, 100), RangeRequest::None);
        headers.append(RANGE, HeaderValue::from_static("bytes=0-9"));
        headers.append(RANGE, HeaderValue::from_static("bytes=0-9"));
        assert_eq!(resolve(&headers, 100), Malformed);
    }

    // RFC 9110 section 14.4
    #[test]
    fn content_range_is_written() {
        let most = ByteRange { first: u64::MAX, last: u64::MAX };
        let number = u64::MAX;
        assert_eq!(content_range(ByteRange { first: 0, last: 9 }, Some(100)), "bytes 0-9/100");
        assert_eq!(content_range(ByteRange { first: 0, last: 9 }, None), "bytes 0-9/*");
        assert_eq!(content_range(most, Some(number)), format!("bytes {number}-{number}/{number}"));
        assert_eq!(unsatisfied_content_range(100), "bytes */100");
        assert_eq!((ByteRange { first: 0, last: 9 }.length(), most.length()), (10, 1));
    }

    #[test]
    fn content_range_is_read_unless_it_contradicts_itself() {
        let read = |range: Option<(u64, u64)>, complete_length| {
            Some(ContentRange { range: range.map(|(first, last)| ByteRange { first, last }), complete_length })
        };
        for (value, expected) in [
            ("bytes 0-9/100", read(Some((0, 9)), Some(100))),
            ("bytes 0-9/*", read(Some((0, 9)), None)),
            ("bytes */100", read(None, Some(100))),
            ("bytes */*", None),
            ("bytes 9-0/100", None),
            ("bytes 0-100/100", None),
            ("bytes 0-9", None),
            ("bytes=0-9/100", None),
            ("items 0-9/100", None),
            ("bytes 0-99999999999999999999/*", None),
        ] {
            assert_eq!(ContentRange::parse(value.as_bytes()), expected, "{value}");
        }
    }
}
