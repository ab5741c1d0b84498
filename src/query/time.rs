//! Points in time as people write them in queries and on the command line. Without an offset they are UTC.

use std::time::Duration;

use crate::model::Timestamp;
use crate::model::time::Civil;

/// The span of time a text names: a date is its whole day, a minute its sixty seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Moment {
    fn instant(start: Timestamp) -> Moment {
        Moment { start, end: Timestamp(start.0.saturating_add(1)) }
    }
}

/// Reads `now`, `now-15m`, `now+1h`, `2026-01-31`, `2026-01-31T07:00`, `2026-01-31 07:00:00.5`, each with `Z` or `+07:00` after a time.
pub fn parse_moment(text: &str, now: Timestamp) -> Option<Moment> {
    if let Some(rest) = text.strip_prefix("now") {
        return match rest.as_bytes().first() {
            None => Some(Moment::instant(now)),
            Some(b'-') => parse_duration(rest.get(1..)?).map(|span| Moment::instant(now.minus(span))),
            Some(b'+') => parse_duration(rest.get(1..)?).map(|span| Moment::instant(now.plus(span))),
            Some(_) => None,
        };
    }
    parse_date(text)
}

/// Reads where a search begins or ends: a moment, or a span back from now such as `24h`.
pub fn parse_bound(text: &str, now: Timestamp) -> Option<Timestamp> {
    parse_duration(text).map(|span| now.minus(span)).or_else(|| parse_moment(text, now).map(|moment| moment.start))
}

/// Reads a whole number and a unit: `ms`, `s`, `m`, `h`, `d`, `w`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let unit_ms: u64 = match text.get(digits..)? {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    number.checked_mul(unit_ms).map(Duration::from_millis)
}

/// Reads a date, or a date and a time of day.
pub fn parse_date(text: &str) -> Option<Moment> {
    let mut scan = Scan { rest: text };
    let year = scan.digits(4)?;
    scan.mark(b"-")?;
    let month = scan.digits(2)?;
    scan.mark(b"-")?;
    let day = scan.digits(2)?;
    let mut civil = Civil {
        year: i32::try_from(year).ok()?,
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
    };
    let mut width_nanos: u64 = 86_400_000_000_000;
    let mut offset_seconds = 0;
    if !scan.rest.is_empty() {
        scan.mark(b"Tt ")?;
        civil.hour = u8::try_from(scan.digits(2)?).ok()?;
        scan.mark(b":")?;
        civil.minute = u8::try_from(scan.digits(2)?).ok()?;
        width_nanos = 60_000_000_000;
        if scan.mark(b":").is_some() {
            civil.second = u8::try_from(scan.digits(2)?).ok()?;
            width_nanos = 1_000_000_000;
            if scan.mark(b".,").is_some() {
                (civil.nanos, width_nanos) = scan.fraction()?;
            }
        }
        offset_seconds = scan.offset()?;
    }
    let start = civil.to_timestamp(offset_seconds)?;
    Some(Moment { start, end: start.plus(Duration::from_nanos(width_nanos)) })
}

struct Scan<'t> {
    rest: &'t str,
}

impl Scan<'_> {
    fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.rest.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.rest = self.rest.get(count..)?;
        digits.parse().ok()
    }

    fn mark(&mut self, allowed: &[u8]) -> Option<u8> {
        let byte = *self.rest.as_bytes().first().filter(|byte| allowed.contains(byte))?;
        self.rest = self.rest.get(1..)?;
        Some(byte)
    }

    /// Reads 1 to 9 digits after the point: the nanoseconds, and how many the last digit stands for.
    fn fraction(&mut self) -> Option<(u32, u64)> {
        let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=9).contains(&count) {
            return None;
        }
        let unit = 10_u32.pow(u32::try_from(9 - count).ok()?);
        Some((self.digits(count)?.checked_mul(unit)?, u64::from(unit)))
    }

    /// Reads `Z`, `+07:00`, `+0700` or nothing up to the end.
    fn offset(&mut self) -> Option<i32> {
        if self.rest.is_empty() {
            return Some(0);
        }
        let sign = match self.mark(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return self.rest.is_empty().then_some(0),
        };
        let hours = i32::try_from(self.digits(2)?).ok()?;
        self.mark(b":");
        let minutes = i32::try_from(self.digits(2)?).ok()?;
        let in_range = hours <= 18 && minutes < 60 && self.rest.is_empty();
        in_range.then_some(sign * (hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_written() {
        let now = Timestamp::from_seconds(1_700_000_000, 0);
        let table = [
            ("now", Some("2023-11-14T22:13:20.000Z")),
            ("now-1h", Some("2023-11-14T21:13:20.000Z")),
            ("2024-02-29", Some("2024-02-29T00:00:00.000Z")),
            ("2024-02-29T07:30+07:00", Some("2024-02-29T00:30:00.000Z")),
            ("2024-02-29 07:30:01.25Z", Some("2024-02-29T07:30:01.250Z")),
            ("2024-02-29t07:30:01.25z", Some("2024-02-29T07:30:01.250Z")),
            ("2023-02-29", None),
            ("2024-02-29T", None),
            ("2024-02-29T07:30:01.Z", None),
            ("now-", None),
            ("now-5parsecs", None),
            ("nowadays", None),
            ("12", None),
        ];
        for (text, expected) in table {
            let found = parse_moment(text, now).map(|moment| moment.start.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        let day = parse_moment("2024-02-29", now).expect("a date");
        assert_eq!(day.end.to_string(), "2024-03-01T00:00:00.000Z");
        assert_eq!(parse_bound("24h", now), Some(now.minus(Duration::from_secs(86_400))));
        assert_eq!(parse_bound("99999999999999999999h", now), None);
    }

    #[test]
    fn a_printed_time_reads_back() {
        for nanos in [0, 1, 999_999_999, 1_700_000_000_123_456_000] {
            let time = Timestamp(nanos);
            assert_eq!(parse_moment(&time.to_string(), time).map(|moment| moment.start), Some(time));
        }
    }
}
