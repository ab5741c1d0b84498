//! The shapes dates and times have in logs, each read from a cursor into its parts.
//!
//! A shape reads as far as it is sure: a zone or a year after the time is part of it, a following comma is not.

use crate::model::time::Civil;
use crate::parse::timestamp::cursor::Cursor;
use crate::parse::timestamp::zone;

/// A date and time as written: what the text does not say is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) civil: Civil,
    /// False when `civil.year` is not from the text.
    pub(crate) has_year: bool,
    pub(crate) offset_seconds: Option<i32>,
    /// True for `03/04/2026`, which may be March or April.
    pub(crate) ambiguous: bool,
}

/// A date as written.
#[derive(Clone, Copy)]
struct Date {
    year: Option<i32>,
    month: u8,
    day: u8,
}

/// A time of day as written.
#[derive(Clone, Copy)]
struct Clock {
    hour: u8,
    minute: u8,
    second: u8,
    nanos: u32,
}

fn written(date: Date, clock: Clock, offset_seconds: Option<i32>) -> Written {
    let Clock { hour, minute, second, nanos } = clock;
    let civil =
        Civil { year: date.year.unwrap_or(2000), month: date.month, day: date.day, hour, minute, second, nanos };
    Written { civil, has_year: date.year.is_some(), offset_seconds, ambiguous: false }
}

/// Reads `09:26:53`, `09:26:53.589`, `09:26:53,589`, `9:26:53 PM`, `09:26 AM`.
fn clock(cursor: &mut Cursor<'_>) -> Option<Clock> {
    let hour = cursor.two()?;
    cursor.need(b':')?;
    let minute = cursor.exactly_two()?;
    let second = cursor.attempt(|cursor| cursor.need(b':').and_then(|()| cursor.exactly_two()));
    let nanos = match second {
        Some(_) => fraction(cursor),
        None => 0,
    };
    let half = half_day(cursor);
    // `09:26` alone is too little to be sure of a time.
    if second.is_none() && half.is_none() {
        return None;
    }
    Some(Clock { hour: half.map_or(Some(hour), |half| half.hour(hour))?, minute, second: second.unwrap_or(0), nanos })
}

fn fraction(cursor: &mut Cursor<'_>) -> u32 {
    let read = cursor.attempt(|cursor| match cursor.peek()? {
        b'.' | b',' if cursor.peek_at(1)?.is_ascii_digit() => {
            cursor.skip(1);
            cursor.nanos()
        }
        _ => None,
    });
    read.unwrap_or(0)
}

/// The half of the day a twelve-hour clock means.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum HalfDay {
    Am,
    Pm,
}

impl HalfDay {
    /// Returns the hour of a 24-hour clock; `None` when the hour is none of a twelve-hour clock.
    pub(crate) fn hour(self, hour: u8) -> Option<u8> {
        match (self, hour) {
            (HalfDay::Am, 12) => Some(0),
            (HalfDay::Am, 0..=11) => Some(hour),
            (HalfDay::Pm, 12) => Some(12),
            (HalfDay::Pm, 1..=11) => Some(hour + 12),
            _ => None,
        }
    }
}

/// Reads `AM` or `PM`, in any case, possibly after a space.
pub(crate) fn half_day(cursor: &mut Cursor<'_>) -> Option<HalfDay> {
    cursor.attempt(|cursor| {
        cursor.eat(b' ');
        let half = match cursor.peek()? {
            b'A' | b'a' => HalfDay::Am,
            b'P' | b'p' => HalfDay::Pm,
            _ => return None,
        };
        let is_m = matches!(cursor.peek_at(1), Some(b'M' | b'm'));
        let goes_on = cursor.peek_at(2).is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !is_m || goes_on {
            return None;
        }
        cursor.skip(2);
        Some(half)
    })
}

/// Reads `2026-03-14T09:26:53.589+07:00`, `2026-03-14 09:26:53,589`, `2026/03/14 09:26:53`, `2026-Mar-14 09:26 AM`,
/// `2026.03.14 09:26:53`, `2026:03:14-09:26:53`.
pub(crate) fn iso(cursor: &mut Cursor<'_>) -> Option<Written> {
    cursor.attempt(|cursor| {
        let year = cursor.year()?;
        let separator = cursor.peek().filter(|byte| matches!(byte, b'-' | b'/' | b'.' | b':'))?;
        cursor.skip(1);
        let month = match cursor.peek()? {
            byte if byte.is_ascii_digit() => cursor.two()?,
            _ => cursor.month_name()?,
        };
        cursor.need(separator)?;
        let day = cursor.two()?;
        match cursor.peek()? {
            b'T' | b't' | b'_' | b':' => cursor.skip(1),
            b'-' => cursor.skip(1),
            _ => {
                if cursor.spaces() == 0 {
                    return None;
                }
            }
        }
        let clock = clock(cursor)?;
        Some(written(Date { year: Some(year), month, day }, clock, zone::read(cursor, true)))
    })
}

/// Reads `20260314T092653Z`, `20260314 09:26:53`, `20260314092653.0Z`.
pub(crate) fn compact(cursor: &mut Cursor<'_>) -> Option<Written> {
    cursor.attempt(|cursor| {
        let digits = cursor.digits_ahead();
        if !matches!(digits, 8 | 14) {
            return None;
        }
        let year = i32::try_from(cursor.number(4, 4)?).ok()?;
        let (month, day) = (cursor.exactly_two()?, cursor.exactly_two()?);
        if digits == 8 && !cursor.eat(b'T') && !cursor.eat(b' ') && !cursor.eat(b'-') {
            return None;
        }
        let hour = cursor.exactly_two()?;
        cursor.eat(b':');
        let minute = cursor.exactly_two()?;
        cursor.eat(b':');
        let second = cursor.exactly_two()?;
        let clock = Clock { hour, minute, second, nanos: fraction(cursor) };
        Some(written(Date { year: Some(year), month, day }, clock, zone::read(cursor, false)))
    })
}

/// Reads `260314 09:26:53`, as MySQL once wrote it.
pub(crate) fn six_digits(cursor: &mut Cursor<'_>) -> Option<Written> {
    cursor.attempt(|cursor| {
        if cursor.digits_ahead() != 6 {
            return None;
        }
        let year = 2000 + i32::from(cursor.exactly_two()?);
        let (month, day) = (cursor.exactly_two()?, cursor.exactly_two()?);
        if cursor.spaces() == 0 {
            return None;
        }
        Some(written(Date { year: Some(year), month, day }, clock(cursor)?, None))
    })
}

/// Reads `Mar 14 09:26:53` and its cousins: the year before or after the time, a fraction, a zone, a comma, a week day.
pub(crate) fn month_first(cursor: &mut Cursor<'_>) -> Option<Written> {
    cursor.attempt(|cursor| {
        let early_year = cursor.attempt(|cursor| {
            let year = cursor.year()?;
            (cursor.spaces() > 0).then_some(year)
        });
        if early_year.is_none() && cursor.attempt(Cursor::weekday).is_some() {
            cursor.eat(b',');
            cursor.spaces();
        }
        let month = cursor.month_name()?;
        if cursor.spaces() == 0 && !cursor.eat(b'-') {
            return None;
        }
        let day = cursor.two()?;
        cursor.eat(b',');
        let year = early_year.or_else(|| {
            cursor.attempt(|cursor| {
                if cursor.spaces() == 0 && !cursor.eat(b'-') {
                    return None;
                }
                cursor.year().filter(|_| cursor.peek() != Some(b':'))
            })
        });
        cursor.eat(b',');
        if cursor.spaces() == 0 {
            return None;
        }
        cursor.attempt(|cursor| {
            (cursor.letters_ahead() == 2 && cursor.rest().starts_with(b"at")).then(|| cursor.skip(3))
        });
        let clock = clock(cursor)?;
        let early_zone = zone::read(cursor, true);
        let year = year.or_else(|| late_year(cursor));
        let offset_seconds = early_zone.or_else(|| zone::read(cursor, true));
        Some(written(Date { year, month, day }, clock, offset_seconds))
    })
}

/// Reads the year that follows the time in ` 2026 `: four digits from 1970 on, and no more of a word.
fn late_year(cursor: &mut Cursor<'_>) -> Option<i32> {
    cursor.attempt(|cursor| {
        cursor.need(b' ')?;
        let year = cursor.year().filter(|year| (1970..2100).contains(year))?;
        // `2001:db8::1` after the time is a host, not a year.
        let ends = match cursor.peek() {
            None => true,
            Some(b':') => !cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b':'),
            Some(byte) => !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'.' | b'_' | b'/'),
        };
        ends.then_some(year)
    })
}

/// Reads `14/Mar/2026:09:26:53 +0700`, `14-Mar-2026 09:26:53.589`, `14 Mar 2026 09:26:53`, `Sat, 14 Mar 2026 09:26:53 GMT`.
pub(crate) fn day_first(cursor: &mut Cursor<'_>) -> Option<Written> {
    cursor.attempt(|cursor| {
        if cursor.attempt(Cursor::weekday).is_some() {
            cursor.eat(b',');
            cursor.spaces();
        }
        let day = cursor.two()?;
        let separator = cursor.peek().filter(|byte| matches!(byte, b'/' | b'-' | b' ' | b'.'))?;
        cursor.skip(1);
        let month = cursor.month_name()?;
        cursor.need(separator)?;
        let year = match cursor.digits_ahead() {
            4 => cursor.year()?,
            2 => 2000 + i32::from(cursor.two()?),
            _ => return None,
        };
        if !cursor.eat(b':') && !cursor.eat(b',') && cursor.peek() != Some(b' ') {
            return None;
        }
        cursor.spaces();
        let clock = clock(cursor)?;
        Some(written(Date { year: Some(year), month, day }, clock, zone::read(cursor, true)))
    })
}

/// Which number of `03/14/2026` is the month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    MonthFirst,
    DayFirst,
    /// Whatever makes a date; marked as ambiguous when both do.
    Either,
}

/// Reads `03/14/2026 09:26:53 AM`, `14/03/2026:09:26:53 GMT`, `14-03-2026 09:26:53`, `14.03.2026 09:26:53`.
pub(crate) fn numbers(cursor: &mut Cursor<'_>, order: Order) -> Option<Written> {
    cursor.attempt(|cursor| {
        let first = cursor.two()?;
        let separator = cursor.peek().filter(|byte| matches!(byte, b'/' | b'-' | b'.'))?;
        cursor.skip(1);
        let second = cursor.two()?;
        cursor.need(separator)?;
        let year = match cursor.digits_ahead() {
            4 => cursor.year()?,
            2 => 2000 + i32::from(cursor.two()?),
            _ => return None,
        };
        // NetScaler joins date and time by a colon, and then writes the day first.
        let joined = cursor.eat(b':');
        cursor.eat(b',');
        if !joined && cursor.spaces() == 0 && !cursor.eat(b'-') && !cursor.eat(b'T') {
            return None;
        }
        let clock = clock(cursor)?;
        let offset_seconds = zone::read(cursor, true);
        let month_first = match order {
            Order::MonthFirst => true,
            Order::DayFirst => false,
            Order::Either => second > 12 || (first <= 12 && !joined && separator == b'/'),
        };
        let (month, day) = if month_first { (first, second) } else { (second, first) };
        let date = Date { year: Some(year), month, day };
        let ambiguous = order == Order::Either && !joined && first <= 12 && second <= 12;
        Some(Written { ambiguous, ..written(date, clock, offset_seconds) })
    })
}
