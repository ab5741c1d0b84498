//! One test of one field, and whether a value passes it: the meaning the compiled engine must reproduce.

use std::borrow::Cow;
use std::fmt;

use regex::Regex;
use regex::RegexBuilder;

use super::cidr::Cidr;
use super::text::Pattern;
use super::text::Shape;
use super::text::folded;
use crate::model::Timestamp;
use crate::model::Value;

/// Bytes a compiled regular expression may take; the largest in use by the community needs a tenth.
const REGEX_BYTES_MAX: usize = 4 << 20;

/// A test of one field; without a field, of the whole event (a keyword).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Predicate {
    pub field: Option<Box<str>>,
    pub test: Test,
}

/// What is asked of a value. A list passes when one of its items does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Test {
    /// The value's text matches the pattern; letter case counts only when `cased`.
    Text {
        pattern: Pattern,
        cased: bool,
    },
    /// The expression is found somewhere in the value's text.
    Regex(RegexSpec),
    Cidr(Cidr),
    Compare {
        op: CompareOp,
        number: Number,
    },
    /// A part of the value, read as a time, compares so.
    Time {
        part: TimePart,
        op: CompareOp,
        number: i64,
    },
    /// The value relates so to the value of another field.
    Field {
        other: Box<str>,
        part: FieldPart,
        cased: bool,
    },
    /// The field is there, with whatever value.
    Exists,
    /// The field is absent, or explicitly empty.
    Null,
    /// Cannot be met: a placeholder with no list behind it.
    Never,
}

/// A regular expression as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegexSpec {
    pub pattern: String,
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_all: bool,
}

/// An order of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How much of the other field's text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldPart {
    Whole,
    Start,
    End,
    Anywhere,
}

/// A part of a date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimePart {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// A finite number that can be a key.
#[derive(Debug, Clone, Copy)]
pub struct Number(f64);

impl Number {
    /// Takes a number; `None` for infinities and NaN.
    pub fn new(number: f64) -> Option<Number> {
        // Adding zero turns -0 into 0, so that equal numbers have equal bits.
        number.is_finite().then_some(Number(number + 0.0))
    }

    /// Returns the number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Number {}

impl std::hash::Hash for Number {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl CompareOp {
    /// Compares two numbers.
    pub fn holds<N: PartialOrd>(self, left: N, right: N) -> bool {
        match self {
            CompareOp::Equal => left == right,
            CompareOp::Less => left < right,
            CompareOp::LessOrEqual => left <= right,
            CompareOp::Greater => left > right,
            CompareOp::GreaterOrEqual => left >= right,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            CompareOp::Equal => "=",
            CompareOp::Less => "<",
            CompareOp::LessOrEqual => "<=",
            CompareOp::Greater => ">",
            CompareOp::GreaterOrEqual => ">=",
        }
    }
}

impl RegexSpec {
    /// Compiles the expression.
    ///
    /// # Errors
    /// When it is malformed, uses what a linear-time engine cannot do, or is too large.
    pub fn compile(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(&self.pattern)
            .case_insensitive(self.ignore_case)
            .multi_line(self.multi_line)
            .dot_matches_new_line(self.dot_all)
            .size_limit(REGEX_BYTES_MAX)
            .build()
    }
}

impl TimePart {
    /// Returns the part of a time at an offset east of UTC.
    pub fn of(self, time: Timestamp, utc_offset_seconds: i32) -> i64 {
        let local = time.0.saturating_add(i64::from(utc_offset_seconds) * crate::model::time::NANOS_PER_SECOND);
        let civil = Timestamp(local).to_civil();
        match self {
            TimePart::Minute => i64::from(civil.minute),
            TimePart::Hour => i64::from(civil.hour),
            TimePart::Day => i64::from(civil.day),
            TimePart::Week => iso_week(civil.year, civil.month, civil.day),
            TimePart::Month => i64::from(civil.month),
            TimePart::Year => i64::from(civil.year),
        }
    }

    fn name(self) -> &'static str {
        match self {
            TimePart::Minute => "minute",
            TimePart::Hour => "hour",
            TimePart::Day => "day",
            TimePart::Week => "week",
            TimePart::Month => "month",
            TimePart::Year => "year",
        }
    }
}

/// Returns the ISO 8601 week: the one its Thursday's year counts.
fn iso_week(year: i32, month: u8, day: u8) -> i64 {
    use crate::model::time::civil_from_days;
    use crate::model::time::days_from_civil;
    let days = days_from_civil(year, month, day);
    // 1970-01-01 was a Thursday.
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    let (thursday_year, _, _) = civil_from_days(thursday);
    (thursday - days_from_civil(thursday_year, 1, 1)) / 7 + 1
}

/// Returns the text a scalar is compared as; `None` for an explicitly empty value.
pub fn value_text<'v>(value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    match value {
        Value::Null => None,
        other => Some(other.to_text()),
    }
}

/// Reads a scalar as a number.
fn value_number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// Reads a scalar as a time.
fn value_time(value: &Value<'_>) -> Option<Timestamp> {
    match value {
        Value::Time(time) => Some(*time),
        Value::Text(text) => {
            let nanos = text.trim().parse::<jiff::Timestamp>().ok()?.as_nanosecond();
            i64::try_from(nanos).ok().map(Timestamp)
        }
        _ => None,
    }
}

/// Says whether one number compares so with a scalar.
fn compare(value: &Value<'_>, op: CompareOp, number: Number) -> bool {
    value_number(value).is_some_and(|have| op.holds(have, number.get()))
}

impl Test {
    /// Says whether one scalar passes. `Exists`, `Null` and `Field` are about the event and are not decided here.
    pub fn passes(&self, value: &Value<'_>, regex: Option<&Regex>, utc_offset_seconds: i32) -> bool {
        match self {
            Test::Text { pattern, cased: true } => value_text(value).is_some_and(|text| pattern.matches(&text)),
            Test::Text { pattern, cased: false } => {
                value_text(value).is_some_and(|text| pattern.folded().matches(&folded(&text)))
            }
            Test::Regex(_) => regex.is_some_and(|regex| value_text(value).is_some_and(|text| regex.is_match(&text))),
            Test::Cidr(network) => value.as_ip().is_some_and(|address| network.contains(address)),
            Test::Compare { op, number } => compare(value, *op, *number),
            Test::Time { part, op, number } => {
                value_time(value).is_some_and(|time| op.holds(part.of(time, utc_offset_seconds), *number))
            }
            Test::Exists | Test::Null | Test::Field { .. } | Test::Never => false,
        }
    }
}

impl FieldPart {
    /// Relates the text of a field to that of the other field.
    pub fn holds(self, text: &str, other: &str) -> bool {
        match self {
            FieldPart::Whole => text == other,
            FieldPart::Start => text.starts_with(other),
            FieldPart::End => text.ends_with(other),
            FieldPart::Anywhere => text.contains(other),
        }
    }
}

/// Writes the test in words, as it is shown beside what it matched.
impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Text { pattern, cased } => {
                let case = if *cased { " (cased)" } else { "" };
                match pattern.shape() {
                    Shape::Exact(text) => write!(f, "is '{text}'{case}"),
                    Shape::Prefix(text) => write!(f, "starts with '{text}'{case}"),
                    Shape::Suffix(text) => write!(f, "ends with '{text}'{case}"),
                    Shape::Contains(text) => write!(f, "contains '{text}'{case}"),
                    Shape::Glob => write!(f, "is like '{pattern}'{case}"),
                }
            }
            Test::Regex(spec) => write!(f, "matches /{}/", spec.pattern),
            Test::Cidr(network) => write!(f, "is in {network}"),
            Test::Compare { op, number } => write!(f, "{} {}", op.sign(), number.get()),
            Test::Time { part, op, number } => write!(f, "{} {} {number}", part.name(), op.sign()),
            Test::Field { other, part: FieldPart::Whole, .. } => write!(f, "is the value of {other}"),
            Test::Field { other, part: FieldPart::Start, .. } => write!(f, "starts with the value of {other}"),
            Test::Field { other, part: FieldPart::End, .. } => write!(f, "ends with the value of {other}"),
            Test::Field { other, part: FieldPart::Anywhere, .. } => write!(f, "contains the value of {other}"),
            Test::Exists => f.write_str("is present"),
            Test::Null => f.write_str("is absent or empty"),
            Test::Never => f.write_str("is in an unknown list"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_are_those_of_iso_8601() {
        for (date, week) in [((2021, 1, 3), 53), ((2021, 1, 4), 1), ((2024, 12, 30), 1), ((2026, 11, 24), 48)] {
            assert_eq!(iso_week(date.0, date.1, date.2), week, "{date:?}");
        }
    }

    #[test]
    fn the_hour_is_local() {
        // 2026-11-24T19:30:00Z is half past two in the morning in Hà Nội.
        let time = Timestamp::from_seconds(1_795_548_600, 0);
        assert_eq!((TimePart::Hour.of(time, 0), TimePart::Hour.of(time, 7 * 3600)), (19, 2));
        assert_eq!((TimePart::Day.of(time, 0), TimePart::Day.of(time, 7 * 3600)), (24, 25));
    }

    #[test]
    fn numbers_compare_with_text_that_is_one() {
        let ten = Number::new(10.0).expect("finite");
        assert!(compare(&Value::from("12"), CompareOp::Greater, ten));
        assert!(compare(&Value::Int(10), CompareOp::GreaterOrEqual, ten));
        assert!(!compare(&Value::from("12x"), CompareOp::Greater, ten));
        assert!(!compare(&Value::Null, CompareOp::Less, ten));
    }
}
