//! Points in time: nanoseconds since 1970-01-01T00:00:00Z, and the clock they are read from.

use std::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Seconds in a UTC day.
pub const SECONDS_PER_DAY: i64 = 86_400;

/// A point in time, in nanoseconds since the Unix epoch, UTC; from the year 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A date and time of day without a zone, as devices write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    /// 0 to 60: a leap second counts as the first of the next minute.
    pub second: u8,
    pub nanos: u32,
}

impl Timestamp {
    /// Builds a time from whole seconds and nanoseconds; saturates at the ends of the range.
    pub fn from_seconds(seconds: i64, nanos: u32) -> Timestamp {
        Timestamp(seconds.saturating_mul(NANOS_PER_SECOND).saturating_add(i64::from(nanos)))
    }

    /// Builds a time from milliseconds; saturates at the ends of the range.
    pub fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis.saturating_mul(1_000_000))
    }

    /// Returns whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// Returns whole milliseconds since the epoch, rounded down.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns the UTC day the time falls in, as days since 1970-01-01.
    pub fn utc_day(self) -> i32 {
        i32::try_from(self.seconds().div_euclid(SECONDS_PER_DAY)).unwrap_or(0)
    }

    /// Adds a duration, saturating.
    pub fn plus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// Subtracts a duration, saturating.
    pub fn minus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// Returns how long before this time `earlier` was; zero when it was later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Splits the time into its UTC date and time of day.
    pub fn to_civil(self) -> Civil {
        let seconds = self.seconds();
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        Civil {
            year,
            month,
            day,
            hour: (second_of_day / 3600) as u8,
            minute: (second_of_day / 60 % 60) as u8,
            second: (second_of_day % 60) as u8,
            nanos: self.0.rem_euclid(NANOS_PER_SECOND) as u32,
        }
    }
}

impl Civil {
    /// Returns the time this date means at an offset of `offset_seconds` east of UTC, or `None` when there is no such date.
    pub fn to_timestamp(self, offset_seconds: i32) -> Option<Timestamp> {
        let month_days = match self.month {
            2 if is_leap(self.year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let in_range = (1..=month_days).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60
            && i64::from(self.nanos) < NANOS_PER_SECOND
            && (1678..=2261).contains(&self.year);
        in_range.then(|| {
            let seconds = days_from_civil(self.year, self.month, self.day) * SECONDS_PER_DAY
                + i64::from(self.hour) * 3600
                + i64::from(self.minute) * 60
                + i64::from(self.second)
                - i64::from(offset_seconds);
            Timestamp::from_seconds(seconds, self.nanos)
        })
    }
}

/// Says whether a year of the Gregorian calendar has a 29th of February.
pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Counts the days from 1970-01-01 to a Gregorian date (the date is not checked).
pub fn days_from_civil(year: i32, month: u8, day: u8) -> i64 {
    let shifted_year = i64::from(year) - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Returns the Gregorian year, month and day that lie `days` after 1970-01-01.
pub fn civil_from_days(days: i64) -> (i32, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u8;
    ((year_of_era + era * 400) as i32 + i32::from(month <= 2), month, day)
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC with as many fraction digits (3, 6 or 9) as the value needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second, nanos } = self.to_civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match nanos {
            n if n % 1_000_000 == 0 => write!(f, ".{:03}Z", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, ".{:06}Z", n / 1_000),
            n => write!(f, ".{n:09}Z"),
        }
    }
}

/// Where the time comes from: the system, or a test's own hand.
pub trait Clock: Send + Sync {
    /// Returns the present time.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// A clock that only moves when told to.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Starts a clock that stands at `now`.
    pub fn at(now: Timestamp) -> ManualClock {
        ManualClock(AtomicI64::new(now.0))
    }

    /// Sets the clock, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_days_both_ways() {
        for days in [-719_468, -1, 0, 59, 60, 10_957, 11_016, 20_000, 47_482] {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days, "{year}-{month}-{day}");
        }
        assert_eq!(civil_from_days(19_782), (2024, 2, 29));
    }

    #[test]
    fn a_time_prints_as_rfc_3339() {
        assert_eq!(Timestamp::from_seconds(1_700_000_000, 0).to_string(), "2023-11-14T22:13:20.000Z");
        assert_eq!(Timestamp::from_seconds(1_700_000_000, 120_000).to_string(), "2023-11-14T22:13:20.000120Z");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn no_such_date_is_none() {
        let leap_day = Civil { year: 2024, month: 2, day: 29, hour: 7, minute: 0, second: 0, nanos: 0 };
        assert_eq!(leap_day.to_timestamp(7 * 3600).map(|t| t.to_string()).as_deref(), Some("2024-02-29T00:00:00.000Z"));
        assert_eq!(Civil { year: 2023, ..leap_day }.to_timestamp(0), None);
        assert_eq!(Civil { hour: 24, ..leap_day }.to_timestamp(0), None);
    }
}
