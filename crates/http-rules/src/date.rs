//! Dates on the wire: HTTP-date (RFC 9110 section 5.6.7) to and from Unix seconds, and the UTC calendar for log and
//! signature stamps.
//!
//! Invariant: a text that is not one of the three HTTP-date forms, names the wrong day of the week, or lies before 1970
//! is no date at all.
//! Called by `freshness`, `conditional`, and by `proxy` for Date fields, log records and signatures.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use httpdate::HttpDate;

/// Unix seconds of an IMF-fixdate, an RFC 850 date or an asctime date.
///
/// Upper and lower case are read alike (RFC 9111 section 4.2), and no zone but GMT.
///
/// A two-digit year below 70 is in this century, any other in the last one. The RFC's sliding rule (at most 50 years
/// ahead) needs a clock; the fixed one gives the same answer for every date a living server can mean.
pub fn parse_http_date(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    let date: HttpDate = text.parse().or_else(|_| in_usual_case(text).parse()).ok()?;
    Some(SystemTime::from(date).duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// `SUN, 06 nov` as `Sun, 06 Nov`, and the zone in capitals.
fn in_usual_case(text: &str) -> String {
    let mut is_first = true;
    let usual = text.chars().map(|letter| {
        let begins_word = std::mem::replace(&mut is_first, !letter.is_ascii_alphabetic());
        if begins_word { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
    });
    usual.collect::<String>().replace("Gmt", "GMT")
}

/// The IMF-fixdate of a time in Unix seconds, as a field value. Times after the year 9999 become its last second.
/// Allocates; callers on the hit path keep the value for the second.
pub fn format_http_date(unix_seconds: u64) -> HeaderValue {
    let time = UNIX_EPOCH + Duration::from_secs(unix_seconds.min(LAST_SECOND_OF_9999));
    #[expect(clippy::expect_used, reason = "an IMF-fixdate is visible ASCII, so it is a field value")]
    HeaderValue::try_from(HttpDate::from(time).to_string()).expect("visible ASCII")
}

/// A moment in the UTC calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UtcTime {
    /// 1970 to 9999.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
}

impl UtcTime {
    /// The calendar time of Unix seconds; times after the year 9999 become its last second.
    pub fn from_unix_seconds(unix_seconds: u64) -> Self {
        let seconds = unix_seconds.min(LAST_SECOND_OF_9999);
        let (year, month, day) = civil_date(seconds / 86_400);
        Self { year, month, day, hour: seconds / 3600 % 24, minute: seconds / 60 % 60, second: seconds % 60 }
    }
}

/// Year, month and day of a number of days since 1970-01-01, by Hinnant's `civil_from_days`: years begin in March, so
/// that the leap day comes last.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_FROM_YEAR_ZERO;
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

const LAST_SECOND_OF_9999: u64 = 253_402_300_799;
/// From 0000-03-01 to 1970-01-01.
const DAYS_FROM_YEAR_ZERO: u64 = 719_468;
/// Days in 400 years.
const DAYS_PER_ERA: u64 = 146_097;

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9110 section 5.6.7; the moment is the RFC's own example.
    #[test]
    fn all_three_forms_of_http_date_are_read() {
        for (text, seconds) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Sunday, 06-Nov-33 08:49:37 GMT", Some(2_014_879_777)),
            ("Thu, 29 Feb 2024 00:00:00 GMT", Some(1_709_164_800)),
            ("Mon, 06 Nov 1994 08:49:37 GMT", None),
            ("Thu, 30 Feb 2024 00:00:00 GMT", None),
            ("SUN, 06 nov 1994 08:49:37 gMT", Some(784_111_777)),
            ("sunday, 06-NOV-94 08:49:37 GMT", Some(784_111_777)),
            ("sun nov  6 08:49:37 1994", Some(784_111_777)),
            ("Sun, 06 Nov 1994 08:49:37 UTC", None),
            ("Sun, 06 Nov 1994 25:49:37 GMT", None),
            ("Wed, 31 Dec 1969 23:59:59 GMT", None),
            ("Sun, 06 Nov 0000 08:49:37 GMT", None),
            ("0", None),
            ("", None),
            ("Sünday", None),
        ] {
            assert_eq!(parse_http_date(text.as_bytes()), seconds, "{text}");
        }
    }

    #[test]
    fn a_time_is_written_as_imf_fixdate() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(format_http_date(seconds), text);
        }
    }

    #[test]
    fn the_calendar_agrees_with_http_date_on_every_day_of_two_eras() {
        for day in 0..2 * DAYS_PER_ERA {
            let seconds = day * 86_400 + 3 * 3600 + 4 * 60 + 5;
            let utc = UtcTime::from_unix_seconds(seconds);
            let text = format_http_date(seconds);
            let (day, year) = (format!(", {:02} ", utc.day), format!(" {:04} 03:04:05 GMT", utc.year));
            assert!(
                text.to_str().unwrap().contains(&day) && text.to_str().unwrap().ends_with(&year),
                "{text:?} {utc:?}"
            );
            assert_eq!((utc.hour, utc.minute, utc.second), (3, 4, 5));
        }
    }

    #[test]
    fn months_are_counted_from_one() {
        for (seconds, year, month, day) in
            [(0, 1970, 1, 1), (951_782_400, 2000, 2, 29), (951_868_800, 2000, 3, 1), (1_735_689_599, 2024, 12, 31)]
        {
            let utc = UtcTime::from_unix_seconds(seconds);
            assert_eq!((utc.year, utc.month, utc.day), (year, month, day));
        }
    }
}
