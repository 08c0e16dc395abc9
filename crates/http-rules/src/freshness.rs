//! Freshness lifetime and current age of a response (RFC 9111 section 4.2).
//!
//! Invariant: all arithmetic saturates; a clock that went back never makes a response older than it is or younger than
//! its Age field.
//! Called by `cache`: at admission for the lifetime and the initial age, at each lookup for the current age.

use http::header::{AGE, DATE, EXPIRES};
use http::{HeaderMap, HeaderValue};

use crate::cache_control::CacheControl;
use crate::date::parse_http_date;
use crate::decimal;
use crate::fields::{self, Members};
use crate::validators::last_modified;

/// When a response was asked for and when it came, by the local clock in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// When the request that brought the response was sent.
    pub request_time: u64,
    /// When the response's header section arrived.
    pub response_time: u64,
}

/// A freshness lifetime the origin stated itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Seconds, counted from the response's generation (its Date).
    pub seconds: u64,
    /// Where it was stated.
    pub source: LifetimeSource,
}

/// The place of an explicit lifetime, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifetimeSource {
    /// `Cache-Control: s-maxage`.
    SMaxAge,
    /// `Cache-Control: max-age`.
    MaxAge,
    /// The Expires field.
    Expires,
}

/// The response's age in seconds when it arrived: `corrected_initial_age` of section 4.2.3. It never changes, so
/// callers keep it beside the response.
pub fn initial_age(headers: &HeaderMap, exchange: Exchange) -> u64 {
    let date = date_value(headers, exchange.response_time);
    let apparent_age = exchange.response_time.saturating_sub(date);
    let response_delay = exchange.response_time.saturating_sub(exchange.request_time);
    let corrected_age = age_value(headers).saturating_add(response_delay);
    apparent_age.max(corrected_age)
}

/// The response's age in seconds at `now` (section 4.2.3), from what `initial_age` returned.
pub fn current_age(initial_age: u64, exchange: Exchange, now: u64) -> u64 {
    initial_age.saturating_add(now.saturating_sub(exchange.response_time))
}

/// The lifetime the origin stated, by section 4.2.1: `s-maxage`, else `max-age`, else Expires less Date; `None` when it
/// stated none. Where the directives are targeted, Expires has no say (RFC 9213 section 2.2).
pub fn explicit_lifetime(directives: &CacheControl, headers: &HeaderMap, response_time: u64) -> Option<Lifetime> {
    let stated = |seconds, source| Lifetime { seconds, source };
    let expires = || if directives.is_targeted { None } else { expires_lifetime(headers, response_time) };
    directives
        .s_maxage
        .map(|seconds| stated(seconds, LifetimeSource::SMaxAge))
        .or_else(|| directives.max_age.map(|seconds| stated(seconds, LifetimeSource::MaxAge)))
        .or_else(|| expires().map(|seconds| stated(seconds, LifetimeSource::Expires)))
}

/// The lifetime that a cache may guess: a tenth of the time that passed between Last-Modified and Date (section 4.2.2).
/// `None` without a Last-Modified, or with one that is not in the past. Whether the status allows a guess is the
/// caller's business.
pub fn heuristic_lifetime(headers: &HeaderMap, response_time: u64) -> Option<u64> {
    let unchanged_for = date_value(headers, response_time).checked_sub(last_modified(headers)?)?;
    Some(unchanged_for / 10)
}

/// Section 5.3: an Expires that is no date, `0` above all, is in the past. Of several, the earliest holds (section
/// 4.2.1).
fn expires_lifetime(headers: &HeaderMap, response_time: u64) -> Option<u64> {
    let lines = headers.get_all(EXPIRES).iter();
    let earliest = lines.map(|line| parse_http_date(line.as_bytes()).unwrap_or(0)).min()?;
    Some(earliest.saturating_sub(date_value(headers, response_time)))
}

/// RFC 9110 section 6.6.1: a response without a readable Date was generated when it came.
fn date_value(headers: &HeaderMap, response_time: u64) -> u64 {
    headers.get(DATE).and_then(|line| parse_http_date(line.as_bytes())).unwrap_or(response_time)
}

/// Whether Age is absent or what the grammar of section 5.1 asks for: one number. Of two Ages, or of one that cannot be
/// read, nobody knows which cache was wrong; section 4.2.1 encourages taking such a response for stale.
pub fn has_clear_age(headers: &HeaderMap) -> bool {
    let is_number = |line: &HeaderValue| decimal::saturating(line.as_bytes().trim_ascii()).is_some();
    !headers.contains_key(AGE) || fields::sole(headers, &AGE).is_some_and(is_number)
}

/// Section 5.1: the first member counts, the others are discarded; what is no number is ignored.
fn age_value(headers: &HeaderMap) -> u64 {
    let first = headers.get(AGE).map(HeaderValue::as_bytes).and_then(|line| Members::of(line).next());
    first.and_then(decimal::saturating).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    // RFC 9111 section 4.2.1
    #[test]
    fn an_age_is_clear_where_it_is_one_number() {
        for (lines, is_clear) in [
            (&[][..], true),
            (&[("age", "0")], true),
            (&[("age", " 30 ")], true),
            (&[("age", "99999999999999999999")], true),
            (&[("age", "")], false),
            (&[("age", "-30")], false),
            (&[("age", "30.0")], false),
            (&[("age", "0, 30")], false),
            (&[("age", "30;a=b")], false),
            (&[("age", "0"), ("age", "0")], false),
        ] {
            assert_eq!(has_clear_age(&section(lines)), is_clear, "{lines:?}");
        }
    }

    /// Sun, 06 Nov 1994 08:49:37 GMT
    const T: u64 = 784_111_777;
    const DATE_T: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const DATE_T_PLUS_60: &str = "Sun, 06 Nov 1994 08:50:37 GMT";

    fn section(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).fold(
            HeaderMap::new(),
            |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            },
        )
    }

    // RFC 9111 section 4.2.3
    #[test]
    fn the_initial_age_is_the_larger_of_apparent_age_and_age_plus_delay() {
        for (lines, request_time, response_time, age) in [
            (&[][..], T, T, 0),
            (&[], T, T + 3, 3),
            (&[("date", DATE_T)], T + 10, T + 10, 10),
            (&[("date", DATE_T), ("age", "30")], T + 9, T + 10, 31),
            (&[("date", DATE_T_PLUS_60)], T, T, 0),
            (&[("date", "nonsense")], T, T + 1, 1),
            (&[("age", "30"), ("age", "90")], T, T, 30),
            (&[("age", "30, 90")], T, T, 30),
            (&[("age", "abc, 90")], T, T, 0),
            (&[("age", "-7")], T, T, 0),
            (&[("age", "7.5")], T, T, 0),
            (&[("age", "99999999999999999999")], T, T + 1, u64::MAX),
            (&[("age", "5")], T + 9, T, 5),
        ] {
            assert_eq!(initial_age(&section(lines), Exchange { request_time, response_time }), age, "{lines:?}");
        }
    }

    #[test]
    fn the_current_age_grows_with_the_time_held_and_ignores_a_clock_that_went_back() {
        let exchange = Exchange { request_time: T, response_time: T + 1 };
        for (initial, now, age) in [(5, T + 1, 5), (5, T + 11, 15), (5, T - 100, 5), (u64::MAX, T + 9, u64::MAX)] {
            assert_eq!(current_age(initial, exchange, now), age);
        }
    }

    // RFC 9111 section 4.2.2
    #[test]
    fn a_guess_is_a_tenth_of_the_time_without_change() {
        for (lines, guess) in [
            (&[][..], None),
            (&[("last-modified", "x"), ("date", DATE_T)], None),
            (&[("last-modified", DATE_T), ("date", DATE_T_PLUS_60)], Some(6)),
            (&[("last-modified", DATE_T)], Some(1)),
            (&[("last-modified", DATE_T), ("date", DATE_T)], Some(0)),
            (&[("last-modified", DATE_T_PLUS_60), ("date", DATE_T)], None),
        ] {
            assert_eq!(heuristic_lifetime(&section(lines), T + 10), guess, "{lines:?}");
        }
    }

    // RFC 9111 sections 4.2.1, 5.3
    #[test]
    fn the_explicit_lifetime_comes_from_s_maxage_then_max_age_then_expires() {
        use LifetimeSource::{Expires, MaxAge, SMaxAge};
        for (lines, lifetime) in [
            (&[][..], None),
            (&[("cache-control", "s-maxage=1, max-age=2"), ("expires", DATE_T_PLUS_60)], Some((1, SMaxAge))),
            (&[("cache-control", "max-age=2"), ("expires", DATE_T_PLUS_60)], Some((2, MaxAge))),
            (&[("cache-control", "max-age=x"), ("expires", DATE_T_PLUS_60)], Some((0, MaxAge))),
            (&[("expires", DATE_T_PLUS_60), ("date", DATE_T)], Some((60, Expires))),
            (&[("expires", DATE_T_PLUS_60)], Some((50, Expires))),
            (&[("expires", DATE_T_PLUS_60), ("date", "nonsense")], Some((50, Expires))),
            (&[("expires", DATE_T), ("date", DATE_T_PLUS_60)], Some((0, Expires))),
            (&[("expires", "0")], Some((0, Expires))),
            (&[("expires", "")], Some((0, Expires))),
            (&[("expires", DATE_T_PLUS_60), ("expires", "-1")], Some((0, Expires))),
            (&[("expires", DATE_T_PLUS_60), ("expires", DATE_T_PLUS_60)], Some((50, Expires))),
        ] {
            let headers = section(lines);
            let found = explicit_lifetime(&CacheControl::parse(&headers), &headers, T + 10);
            assert_eq!(found, lifetime.map(|(seconds, source)| Lifetime { seconds, source }), "{lines:?}");
        }
    }
}
