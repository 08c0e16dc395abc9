//! One line of the access log: the 33 fields of CloudFront's standard logs, in its order (guide, AccessLogs).

use std::net::IpAddr;

use edgeward_cache::Timestamp;
use edgeward_http_rules::date::UtcTime;
use http::{HeaderMap, HeaderName, StatusCode, Version, header};

use super::encode::encode;
use super::recent::RecentValues;
use crate::exchange::{Exchange, Outcome};
use crate::outcome::{Detail, ResultType};

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Appends the record of `exchange`, which ended at `now`, and a line feed.
pub(crate) fn write(exchange: &Exchange, now: Timestamp, prepared: &mut Prepared, line: &mut Vec<u8>) {
    let request = &exchange.request;
    let headers = &request.headers;
    let outcome = exchange.outcome.as_ref();
    let result = outcome.map_or(ResultType::Error, |outcome| outcome.result);
    let detail = outcome.map_or(Detail::ClientHungUpRequest, |outcome| outcome.detail);
    let uri = &request.uri;

    // 1 date, 2 time
    line.extend_from_slice(prepared.dates.of(exchange.received));
    // 3 x-edge-location
    text(exchange.worker.engine.identity.pop.as_bytes(), line);
    // 4 sc-bytes
    number(outcome.map_or(0, |outcome| outcome.head_bytes + outcome.content_bytes), line);
    // 5 c-ip
    address(exchange.connection.viewer.ip(), line);
    // 6 cs-method
    value(request.method.as_str().as_bytes(), line);
    // 7 cs(Host): the distribution's domain name
    value(exchange.route.as_ref().map_or(&[], |route| route.distribution.domain_name.as_bytes()), line);
    // 8 cs-uri-stem
    value(uri.path().as_bytes(), line);
    // 9 sc-status; 000 when the viewer left before the response
    status(outcome, line);
    // 10 cs(Referer), 11 cs(User-Agent)
    field(headers, &header::REFERER, line);
    user_agent(headers, &mut prepared.user_agents, line);
    // 12 cs-uri-query
    value(uri.query().unwrap_or_default().as_bytes(), line);
    // 13 cs(Cookie): only where the distribution's Logging.IncludeCookies asks for it, which no plan does yet
    value(b"", line);
    // 14 x-edge-result-type: an error once the response broke off
    text(final_result(result, detail).as_str().as_bytes(), line);
    // 15 x-edge-request-id
    text(exchange.id.as_bytes(), line);
    // 16 x-host-header
    match uri.authority() {
        Some(authority) => value(authority.as_str().as_bytes(), line),
        None => field(headers, &header::HOST, line),
    }
    // 17 cs-protocol
    text(protocol(exchange, outcome).as_bytes(), line);
    // 18 cs-bytes
    number(request_bytes(exchange), line);
    // 19 time-taken
    seconds(now.nanos_since(exchange.received), line);
    // 20 x-forwarded-for
    field(headers, &X_FORWARDED_FOR, line);
    // 21 ssl-protocol, 22 ssl-cipher
    let tls = exchange.connection.tls.as_ref();
    text(tls.map_or("-", |tls| tls.protocol).as_bytes(), line);
    text(tls.map_or("-", |tls| tls.cipher).as_bytes(), line);
    // 23 x-edge-response-result-type
    text(result.as_str().as_bytes(), line);
    // 24 cs-protocol-version
    text(version(request.version), line);
    // 25 fle-status, 26 fle-encrypted-fields
    value(b"", line);
    value(b"", line);
    // 27 c-port
    number(u64::from(exchange.connection.viewer.port()), line);
    // 28 time-to-first-byte
    seconds(outcome.map_or(now, |outcome| outcome.first_byte).nanos_since(exchange.received), line);
    // 29 x-edge-detailed-result-type
    text(detail.as_str(result).as_bytes(), line);
    // 30 sc-content-type
    value(outcome.and_then(|outcome| outcome.content_type.as_ref()).map_or(&[], |kind| kind.as_bytes()), line);
    // 31 sc-content-len
    optional(outcome.and_then(|outcome| outcome.content_length), line);
    // 32 sc-range-start, 33 sc-range-end
    let range = outcome.and_then(|outcome| outcome.range);
    optional(range.map(|(first, _)| first), line);
    optional(range.map(|(_, last)| last), line);
    if let Some(last_tab) = line.last_mut() {
        *last_tab = b'\n';
    }
}

fn final_result(result: ResultType, detail: Detail) -> ResultType {
    match detail {
        Detail::AbortedOrigin | Detail::ClientCommError | Detail::ClientHungUpRequest => ResultType::Error,
        Detail::Plain | Detail::AcmeChallenge | Detail::Refused(_) => result,
    }
}

/// A connection that has switched speaks WebSocket.
fn protocol(exchange: &Exchange, outcome: Option<&Outcome>) -> &'static str {
    let has_switched = outcome.is_some_and(|outcome| match outcome.status {
        StatusCode::SWITCHING_PROTOCOLS => true,
        status => status.is_success() && exchange.is_extended_connect(),
    });
    match (exchange.is_https(), has_switched) {
        (false, false) => "http",
        (true, false) => "https",
        (false, true) => "ws",
        (true, true) => "wss",
    }
}

fn status(outcome: Option<&Outcome>, line: &mut Vec<u8>) {
    text(outcome.map_or("000", |outcome| outcome.status.as_str()).as_bytes(), line);
}

/// As HTTP/1.1 writes the request, and its content.
fn request_bytes(exchange: &Exchange) -> u64 {
    let request = &exchange.request;
    let target = request.uri.path().len() + request.uri.query().map_or(0, |query| query.len() + 1);
    let line = request.method.as_str().len() + target + " HTTP/1.1\r\n\r\n".len() + 1;
    let content = exchange.content_received.as_ref().map_or(0, |received| received.bytes());
    (line + exchange.section_bytes) as u64 + content
}

/// Bytes of a header section as HTTP/1.1 writes it, the empty line aside.
pub(crate) fn section_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

fn version(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_09 | Version::HTTP_10 => b"HTTP/1.0",
        Version::HTTP_11 => b"HTTP/1.1",
        Version::HTTP_2 => b"HTTP/2.0",
        _ => b"HTTP/3.0",
    }
}

/// Written as it is: it holds nothing to encode.
fn text(text: &[u8], line: &mut Vec<u8>) {
    line.extend_from_slice(text);
    line.push(b'\t');
}

/// Encoded.
fn value(value: &[u8], line: &mut Vec<u8>) {
    encode(cut(value), line);
    line.push(b'\t');
}

/// What is longer than any URL may be is cut, so that a hostile request cannot fill the log.
fn cut(value: &[u8]) -> &[u8] {
    const LONGEST: usize = 8_192;
    value.get(..LONGEST).unwrap_or(value)
}

fn user_agent(headers: &HeaderMap, recent: &mut RecentValues, line: &mut Vec<u8>) {
    let agent = headers.get(header::USER_AGENT).map_or(&[][..], |agent| agent.as_bytes());
    recent.encode(cut(agent), line);
    line.push(b'\t');
}

fn field(headers: &HeaderMap, name: &HeaderName, line: &mut Vec<u8>) {
    value(headers.get(name).map_or(&[], |value| value.as_bytes()), line);
}

fn optional(number: Option<u64>, line: &mut Vec<u8>) {
    match number {
        Some(number) => self::number(number, line),
        None => value(b"", line),
    }
}

fn number(number: u64, line: &mut Vec<u8>) {
    digits(number, line);
    line.push(b'\t');
}

fn digits(number: u64, line: &mut Vec<u8>) {
    let mut text = [b'0'; 20];
    let mut rest = number;
    let mut used = 0;
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    line.extend_from_slice(text.get(text.len() - used..).unwrap_or_default());
}

/// Seconds with three digits after the point.
fn seconds(nanos: u64, line: &mut Vec<u8>) {
    let millis = nanos / 1_000_000;
    if millis == 0 {
        // Nearly every hit.
        line.extend_from_slice(b"0.000\t");
        return;
    }
    digits(millis / 1_000, line);
    line.push(b'.');
    padded(millis % 1_000, 100, line);
    line.push(b'\t');
}

fn padded(number: u64, highest: u64, line: &mut Vec<u8>) {
    let mut place = highest;
    while place > 0 {
        line.push(b'0' + (number / place % 10) as u8);
        place /= 10;
    }
}

fn address(address: IpAddr, line: &mut Vec<u8>) {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            for (place, octet) in v4.octets().into_iter().enumerate() {
                if place > 0 {
                    line.push(b'.');
                }
                digits(u64::from(octet), line);
            }
        }
        IpAddr::V6(v6) => line.extend_from_slice(v6.to_string().as_bytes()),
    }
    line.push(b'\t');
}

/// What many records have in common, in the form it has in them.
#[derive(Default)]
pub(crate) struct Prepared {
    dates: DateAndTime,
    user_agents: RecentValues,
}

/// The first two columns, kept for the second they are right for.
#[derive(Default)]
struct DateAndTime {
    second: u64,
    columns: Vec<u8>,
}

impl DateAndTime {
    fn of(&mut self, moment: Timestamp) -> &[u8] {
        if self.columns.is_empty() || self.second != moment.secs() {
            self.second = moment.secs();
            self.columns.clear();
            let utc = UtcTime::from_unix_seconds(self.second);
            padded(utc.year, 1_000, &mut self.columns);
            for (separator, number) in
                [(b'-', utc.month), (b'-', utc.day), (b'\t', utc.hour), (b':', utc.minute), (b':', utc.second)]
            {
                self.columns.push(separator);
                padded(number, 10, &mut self.columns);
            }
            self.columns.push(b'\t');
        }
        &self.columns
    }
}
