//! Time formats by name or by pattern, as packs write them.

use crate::model::time::Civil;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;
use crate::parse::timestamp::Cursor;
use crate::parse::timestamp::Reading;
use crate::parse::timestamp::Unit;
use crate::parse::timestamp::shape;
use crate::parse::timestamp::shape::HalfDay;
use crate::parse::timestamp::shape::Order;
use crate::parse::timestamp::shape::Written;
use crate::parse::timestamp::zone;

/// A compiled time format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeFormat {
    /// Whatever [`timestamp::detect`] knows.
    Any,
    /// `iso`: RFC 3339 and its relatives, year first.
    Iso,
    /// `iso_utc`: the same, in UTC where no zone is written: what W3C logs mean.
    IsoUtc,
    /// `syslog`: `Mar 14 09:26:53` and its cousins with a year, a zone or a week day.
    Syslog,
    /// `clf`: `14/Mar/2026:09:26:53 +0700` and other shapes with the day before a month's name.
    Clf,
    /// `us`: `03/14/2026 09:26:53 AM`.
    MonthFirst,
    /// `eu`: `14/03/2026 09:26:53`.
    DayFirst,
    /// `epoch` (by the number of digits), `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`.
    Epoch(EpochUnit),
    /// A pattern of `strftime` letters.
    Pattern(Pattern),
}

/// The unit of an epoch format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochUnit(Option<Unit>);

/// The compiled steps of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Box<[Step]>);

/// Why a time format was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    #[error("unknown time format `{0}`")]
    UnknownName(String),
    #[error("unknown letter `%{0}` in a time pattern")]
    UnknownLetter(char),
    #[error("a time pattern ends in the middle of a letter")]
    Unfinished,
    #[error("a time pattern needs month and day, or `%s`")]
    NoDate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Literal(u8),
    Spaces,
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    DayOfYear,
    Weekday,
    Hour,
    HalfDayHour,
    Minute,
    Second,
    Fraction,
    DottedFraction,
    HalfDay,
    Zone,
    ZoneName,
    Epoch,
}

const NAMES: [&str; 13] = [
    "any", "iso", "iso_utc", "rfc3339", "syslog", "clf", "us", "eu", "epoch", "epoch_s", "epoch_ms", "epoch_us",
    "epoch_ns",
];

impl TimeFormat {
    /// The names [`TimeFormat::compile`] knows besides patterns, for hints.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// Compiles a name, or a pattern (which is what contains a `%`).
    ///
    /// # Errors
    /// When the name or a letter is unknown, or the pattern cannot make a time.
    pub fn compile(text: &str) -> Result<TimeFormat, FormatError> {
        Ok(match text {
            "any" => TimeFormat::Any,
            "iso" | "rfc3339" => TimeFormat::Iso,
            "iso_utc" => TimeFormat::IsoUtc,
            "syslog" => TimeFormat::Syslog,
            "clf" => TimeFormat::Clf,
            "us" => TimeFormat::MonthFirst,
            "eu" => TimeFormat::DayFirst,
            "epoch" => TimeFormat::Epoch(EpochUnit(None)),
            "epoch_s" => TimeFormat::Epoch(EpochUnit(Some(Unit::Seconds))),
            "epoch_ms" => TimeFormat::Epoch(EpochUnit(Some(Unit::Millis))),
            "epoch_us" => TimeFormat::Epoch(EpochUnit(Some(Unit::Micros))),
            "epoch_ns" => TimeFormat::Epoch(EpochUnit(Some(Unit::Nanos))),
            pattern if pattern.contains('%') => TimeFormat::Pattern(Pattern::compile(pattern)?),
            unknown => return Err(FormatError::UnknownName(unknown.to_owned())),
        })
    }

    /// Says whether a time in this format can begin with a byte; false is sure.
    pub(crate) fn may_begin_with(&self, byte: u8) -> bool {
        match self {
            TimeFormat::Any => timestamp::may_begin_time(byte),
            TimeFormat::Syslog | TimeFormat::Clf => byte.is_ascii_alphanumeric(),
            TimeFormat::Pattern(Pattern(steps)) => steps.first().is_none_or(|first| first.may_begin_with(byte)),
            TimeFormat::Iso
            | TimeFormat::IsoUtc
            | TimeFormat::MonthFirst
            | TimeFormat::DayFirst
            | TimeFormat::Epoch(_) => byte.is_ascii_digit(),
        }
    }

    /// Reads a time at the beginning of a text.
    pub(super) fn read(&self, text: &str, context: Context) -> Option<Reading> {
        let mut cursor = Cursor::new(text);
        let written = match self {
            TimeFormat::Any => return timestamp::detect(text, context),
            TimeFormat::Epoch(EpochUnit(unit)) => return timestamp::epoch(&mut cursor, *unit),
            TimeFormat::Iso => shape::iso(&mut cursor).or_else(|| shape::compact(&mut cursor)),
            TimeFormat::IsoUtc => shape::iso(&mut cursor)
                .map(|written| Written { offset_seconds: written.offset_seconds.or(Some(0)), ..written }),
            TimeFormat::Syslog => shape::month_first(&mut cursor),
            TimeFormat::Clf => shape::day_first(&mut cursor),
            TimeFormat::MonthFirst => shape::numbers(&mut cursor, Order::MonthFirst),
            TimeFormat::DayFirst => shape::numbers(&mut cursor, Order::DayFirst),
            TimeFormat::Pattern(pattern) => return pattern.read(&mut cursor, context),
        };
        timestamp::resolve(written?, cursor.at(), context)
    }
}

impl Step {
    fn may_begin_with(self, byte: u8) -> bool {
        match self {
            Step::Literal(literal) => byte == literal,
            Step::Spaces => matches!(byte, b' ' | b'\t'),
            Step::MonthName | Step::Weekday => byte.is_ascii_alphabetic(),
            Step::Day | Step::Hour | Step::HalfDayHour => byte.is_ascii_digit() || matches!(byte, b' ' | b'\t'),
            Step::DottedFraction | Step::HalfDay | Step::Zone | Step::ZoneName => true,
            Step::Year
            | Step::ShortYear
            | Step::Month
            | Step::DayOfYear
            | Step::Minute
            | Step::Second
            | Step::Fraction
            | Step::Epoch => byte.is_ascii_digit(),
        }
    }
}

impl Pattern {
    fn compile(pattern: &str) -> Result<Pattern, FormatError> {
        let mut steps = Vec::new();
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '%' => {
                    let letter = letters.next().ok_or(FormatError::Unfinished)?;
                    push_letter(&mut steps, letter, &mut letters)?;
                }
                ' ' | '\t' => steps.push(Step::Spaces),
                other => steps.extend(other.encode_utf8(&mut [0; 4]).bytes().map(Step::Literal)),
            }
        }
        let has = |step| steps.contains(&step);
        let has_month = has(Step::Month) || has(Step::MonthName);
        if has(Step::Epoch) || has(Step::DayOfYear) || (has_month && has(Step::Day)) {
            return Ok(Pattern(steps.into()));
        }
        Err(FormatError::NoDate)
    }

    fn read(&self, cursor: &mut Cursor<'_>, context: Context) -> Option<Reading> {
        let mut parts = Parts::default();
        for step in &self.0 {
            parts.take(*step, cursor)?;
        }
        match parts.epoch {
            Some(reading) => Some(Reading { consumed: cursor.at(), ..reading }),
            None => timestamp::resolve(parts.into_written()?, cursor.at(), context),
        }
    }
}

fn push_letter(steps: &mut Vec<Step>, letter: char, letters: &mut std::str::Chars<'_>) -> Result<(), FormatError> {
    let colon = Step::Literal(b':');
    let step = match letter {
        'Y' => Step::Year,
        'y' => Step::ShortYear,
        'm' => Step::Month,
        'b' | 'B' | 'h' => Step::MonthName,
        'd' | 'e' => Step::Day,
        'j' => Step::DayOfYear,
        'a' | 'A' => Step::Weekday,
        'H' | 'k' => Step::Hour,
        'I' | 'l' => Step::HalfDayHour,
        'M' => Step::Minute,
        'S' => Step::Second,
        'f' | 'N' => Step::Fraction,
        'p' | 'P' => Step::HalfDay,
        'z' => Step::Zone,
        'Z' => Step::ZoneName,
        's' => Step::Epoch,
        '%' => Step::Literal(b'%'),
        '.' => match letters.next() {
            Some('f') => Step::DottedFraction,
            other => return Err(FormatError::UnknownLetter(other.unwrap_or('.'))),
        },
        'F' => {
            let dash = Step::Literal(b'-');
            steps.extend([Step::Year, dash, Step::Month, dash, Step::Day]);
            return Ok(());
        }
        'T' => {
            steps.extend([Step::Hour, colon, Step::Minute, colon, Step::Second]);
            return Ok(());
        }
        'R' => {
            steps.extend([Step::Hour, colon, Step::Minute]);
            return Ok(());
        }
        unknown => return Err(FormatError::UnknownLetter(unknown)),
    };
    steps.push(step);
    Ok(())
}

/// What the steps of a pattern have read so far.
#[derive(Default)]
struct Parts {
    year: Option<i32>,
    month: u8,
    day: u8,
    day_of_year: Option<u32>,
    hour: u8,
    half_day: Option<HalfDay>,
    minute: u8,
    second: u8,
    nanos: u32,
    offset_seconds: Option<i32>,
    epoch: Option<Reading>,
}

impl Parts {
    fn take(&mut self, step: Step, cursor: &mut Cursor<'_>) -> Option<()> {
        match step {
            Step::Literal(byte) => cursor.need(byte)?,
            Step::Spaces => {
                if cursor.spaces() == 0 {
                    return None;
                }
            }
            Step::Year => self.year = Some(i32::try_from(cursor.number(4, 4)?).ok()?),
            Step::ShortYear => {
                let short = i32::from(cursor.exactly_two()?);
                self.year = Some(if short < 70 { 2000 + short } else { 1900 + short });
            }
            Step::Month => self.month = cursor.two()?,
            Step::MonthName => self.month = cursor.month_name()?,
            Step::Day => {
                cursor.spaces();
                self.day = cursor.two()?;
            }
            Step::DayOfYear => self.day_of_year = Some(cursor.number(1, 3)?),
            Step::Weekday => cursor.weekday()?,
            Step::Hour | Step::HalfDayHour => {
                cursor.spaces();
                self.hour = cursor.two()?;
            }
            Step::Minute => self.minute = cursor.exactly_two()?,
            Step::Second => self.second = cursor.exactly_two()?,
            Step::Fraction => self.nanos = cursor.nanos()?,
            Step::DottedFraction => {
                if cursor.eat(b'.') || cursor.eat(b',') {
                    self.nanos = cursor.nanos()?;
                }
            }
            Step::HalfDay => self.half_day = Some(shape::half_day(cursor)?),
            Step::Zone => self.offset_seconds = Some(zone::read(cursor, false)?),
            Step::ZoneName => {
                self.offset_seconds = zone::read(cursor, false);
                if self.offset_seconds.is_none() {
                    cursor.skip(cursor.letters_ahead());
                }
            }
            Step::Epoch => self.epoch = Some(timestamp::epoch(cursor, Some(Unit::Seconds))?),
        }
        Some(())
    }

    fn into_written(self) -> Option<Written> {
        let hour = match self.half_day {
            Some(half) => half.hour(self.hour)?,
            None => self.hour,
        };
        let (month, day) = match (self.day_of_year, self.year) {
            (Some(day), Some(year)) => month_and_day(year, day)?,
            (Some(_), None) => return None,
            (None, _) => (self.month, self.day),
        };
        let Parts { minute, second, nanos, offset_seconds, .. } = self;
        let civil = Civil { year: self.year.unwrap_or(2000), month, day, hour, minute, second, nanos };
        Some(Written { civil, has_year: self.year.is_some(), offset_seconds, ambiguous: false })
    }
}

fn month_and_day(year: i32, day_of_year: u32) -> Option<(u8, u8)> {
    let first = crate::model::time::days_from_civil(year, 1, 1);
    let (same_year, month, day) = crate::model::time::civil_from_days(first + i64::from(day_of_year) - 1);
    (same_year == year && day_of_year > 0).then_some((month, day))
}
