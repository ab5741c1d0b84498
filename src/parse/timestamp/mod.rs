//! Times as logs write them, read into a [`Timestamp`]: known shapes by detection, named formats and patterns for packs.
//!
//! No allocation, no zone database: offsets are numbers, and what a text leaves out (year, zone) is inferred and marked.

mod cursor;
mod format;
mod shape;
mod zone;

#[cfg(test)]
mod tests;

pub use format::FormatError;
pub use format::TimeFormat;

pub(crate) use cursor::Cursor;

use crate::model::Timestamp;
use crate::model::time::Civil;
use crate::parse::timestamp::shape::Order;
use crate::parse::timestamp::shape::Written;

/// What a time did not say and we supplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inferred {
    /// The year is the one that puts the time nearest to when it was received.
    pub year: bool,
    /// The zone is the input's, not the text's.
    pub zone: bool,
    /// Day and month could be read either way round; the reading nearest to when it was received was taken.
    pub order: bool,
}

impl Inferred {
    /// Returns the value of `longan.time.inferred` for each thing inferred, in a fixed order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [(self.year, "year"), (self.zone, "zone"), (self.order, "order")]
            .into_iter()
            .filter_map(|(is_inferred, name)| is_inferred.then_some(name))
    }
}

/// What reading needs to supply what a text leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// When our clock said the line arrived.
    pub received: Timestamp,
    /// The zone of the input, in seconds east of UTC.
    pub zone_offset_seconds: i32,
}

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub time: Timestamp,
    /// How many bytes of the text it took; always at a character boundary.
    pub consumed: usize,
    pub inferred: Inferred,
}

/// How far a device's clock may be ahead of ours before a date without a year is taken for last year's.
const FUTURE_DAYS_MAX: i64 = 3;

/// Reads a time at the beginning of `text` in a given format; what follows it is left.
pub fn read(text: &str, format: &TimeFormat, context: Context) -> Option<Reading> {
    format.read(text, context)
}

/// Reads a time at the beginning of `text` in whatever shape it has; what follows it is left.
pub fn detect(text: &str, context: Context) -> Option<Reading> {
    let mut cursor = Cursor::new(text);
    let bracketed = cursor.eat(b'[');
    let reading = detect_at(&mut cursor, context)?;
    let consumed = cursor.at() + usize::from(bracketed && cursor.eat(b']'));
    Some(Reading { consumed, ..reading })
}

/// Reads a time that is the whole of `text` but for space around it.
pub fn detect_whole(text: &str, context: Context) -> Option<Reading> {
    let text = text.trim_ascii();
    detect(text, context).filter(|reading| reading.consumed == text.len())
}

/// Says whether [`detect`] can read a time that begins with a byte; false is sure.
pub(crate) fn may_begin_time(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'['
}

fn detect_at(cursor: &mut Cursor<'_>, context: Context) -> Option<Reading> {
    let written = match cursor.peek()? {
        byte if byte.is_ascii_digit() => match cursor.digits_ahead() {
            4 => shape::iso(cursor).or_else(|| shape::month_first(cursor)),
            1 | 2 => shape::day_first(cursor).or_else(|| shape::numbers(cursor, Order::Either)),
            6 => shape::six_digits(cursor),
            8 | 14 => shape::compact(cursor),
            _ => return epoch(cursor, None),
        },
        byte if byte.is_ascii_alphabetic() => shape::month_first(cursor).or_else(|| shape::day_first(cursor)),
        _ => None,
    };
    resolve(written?, cursor.at(), context)
}

/// Reads the time of a syslog header: the shapes that occur there, and no others.
pub(crate) fn in_header(cursor: &mut Cursor<'_>, context: Context) -> Option<Reading> {
    let written = match cursor.peek()? {
        byte if byte.is_ascii_digit() => match cursor.digits_ahead() {
            4 => shape::iso(cursor).or_else(|| shape::month_first(cursor)),
            1 | 2 => shape::day_first(cursor).or_else(|| shape::numbers(cursor, Order::Either)),
            _ => None,
        },
        byte if byte.is_ascii_alphabetic() => shape::month_first(cursor).or_else(|| shape::day_first(cursor)),
        _ => None,
    };
    resolve(written?, cursor.at(), context)
}

/// The unit of a count since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

/// Reads a count since 1970; without a unit, the number of digits tells it.
pub(crate) fn epoch(cursor: &mut Cursor<'_>, unit: Option<Unit>) -> Option<Reading> {
    let before = *cursor;
    let digits = cursor.digits_ahead();
    let unit = unit.or(match digits {
        9 | 10 => Some(Unit::Seconds),
        13 => Some(Unit::Millis),
        16 => Some(Unit::Micros),
        19 => Some(Unit::Nanos),
        _ => None,
    })?;
    if digits == 0 || digits > 19 {
        return None;
    }
    let whole =
        cursor.rest().iter().take(digits).try_fold(0i64, |sum, digit| {
            sum.checked_mul(10).and_then(|sum| sum.checked_add(i64::from(digit - b'0')))
        })?;
    cursor.skip(digits);
    let fraction = cursor.attempt(|cursor| {
        let has_fraction = cursor.eat(b'.') || (unit == Unit::Seconds && cursor.eat(b','));
        has_fraction.then(|| cursor.nanos()).flatten()
    });
    let fraction = i64::from(fraction.unwrap_or(0));
    let nanos_per_unit = match unit {
        Unit::Seconds => 1_000_000_000,
        Unit::Millis => 1_000_000,
        Unit::Micros => 1_000,
        Unit::Nanos => 1,
    };
    let nanos = whole.checked_mul(nanos_per_unit)?.checked_add(fraction / (1_000_000_000 / nanos_per_unit))?;
    Some(Reading { time: Timestamp(nanos), consumed: cursor.at() - before.at(), inferred: Inferred::default() })
}

/// Turns a written time into a point in time, supplying what it leaves out.
pub(crate) fn resolve(written: Written, consumed: usize, context: Context) -> Option<Reading> {
    let offset = written.offset_seconds.unwrap_or(context.zone_offset_seconds);
    let time = match written.has_year {
        false => infer_year(written.civil, offset, context.received)?,
        true if written.ambiguous => nearest_order(written.civil, offset, context.received)?,
        true => written.civil.to_timestamp(offset)?,
    };
    let is_ambiguous = written.ambiguous && written.civil.day != written.civil.month;
    let inferred = Inferred { year: !written.has_year, zone: written.offset_seconds.is_none(), order: is_ambiguous };
    Some(Reading { time, consumed, inferred })
}

/// Takes the latest year that does not put the time more than some days into the future.
fn infer_year(civil: Civil, offset_seconds: i32, received: Timestamp) -> Option<Timestamp> {
    let latest = received.0.saturating_add(FUTURE_DAYS_MAX * 86_400 * 1_000_000_000);
    let this_year = received.to_civil().year;
    // Eight years back: a 29th of February needs up to that, across a year like 2100.
    (0..=9)
        .filter_map(|back| Civil { year: this_year + 1 - back, ..civil }.to_timestamp(offset_seconds))
        .find(|time| time.0 <= latest)
}

/// Of the two readings of an ambiguous date takes the one nearer to when it was received.
fn nearest_order(civil: Civil, offset_seconds: i32, received: Timestamp) -> Option<Timestamp> {
    let swapped = Civil { month: civil.day, day: civil.month, ..civil };
    let candidates = [civil.to_timestamp(offset_seconds), swapped.to_timestamp(offset_seconds)];
    candidates.into_iter().flatten().min_by_key(|time| time.0.abs_diff(received.0))
}
