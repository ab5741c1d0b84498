//! How cells are compared, grouped and turned into numbers.
//!
//! The kinds have one order: numbers (also those written as text), addresses, times, other text, lists by their first item;
//! what is missing comes last.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use crate::model::Timestamp;
use crate::model::Value;
use crate::query::ast::Number;
use crate::query::keyword;

/// A cell as it is compared.
enum Class<'v> {
    Number(Number),
    Address(IpAddr),
    Time(Timestamp),
    Text(Cow<'v, str>),
    Missing,
}

impl Class<'_> {
    fn rank(&self) -> u8 {
        match self {
            Class::Number(_) => 0,
            Class::Address(_) => 1,
            Class::Time(_) => 2,
            Class::Text(_) => 3,
            Class::Missing => 4,
        }
    }
}

fn class_of<'v>(value: &'v Value<'_>) -> Class<'v> {
    match value {
        Value::Null => Class::Missing,
        Value::Bool(truth) => Class::Text(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Value::Int(number) => Class::Number(Number::Int(*number)),
        Value::Float(number) if number.is_finite() => Class::Number(Number::Float(*number)),
        Value::Float(_) => Class::Missing,
        Value::Ip(address) => Class::Address(address.to_canonical()),
        Value::Time(time) => Class::Time(*time),
        Value::Text(text) => class_of_text(text),
        Value::List(items) => items.first().map_or(Class::Missing, class_of),
    }
}

fn class_of_text(text: &str) -> Class<'_> {
    let begins_as_number = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    if begins_as_number && let Some(number) = Number::from_text(text) {
        return Class::Number(number);
    }
    let may_be_address = text.starts_with(|first: char| first.is_ascii_hexdigit() || first == ':');
    if may_be_address && let Ok(address) = text.parse::<IpAddr>() {
        return Class::Address(address.to_canonical());
    }
    Class::Text(keyword::normalize(text))
}

fn compare_classes(left: &Class<'_>, right: &Class<'_>) -> Ordering {
    match (left, right) {
        (Class::Number(left), Class::Number(right)) => left.partial_cmp(right).unwrap_or(Ordering::Equal),
        (Class::Address(left), Class::Address(right)) => left.cmp(right),
        (Class::Time(left), Class::Time(right)) => left.cmp(right),
        (Class::Text(left), Class::Text(right)) => left.cmp(right),
        (left, right) => left.rank().cmp(&right.rank()),
    }
}

/// The order that `sort`, `min` and `max` go by; case aside, what is missing last.
pub fn order(left: &Value<'_>, right: &Value<'_>) -> Ordering {
    compare_classes(&class_of(left), &class_of(right))
}

/// Compares two scalars as `where` does: `None` when one is missing or they are of kinds that have no order.
pub fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    let (left, right) = (class_of(left), class_of(right));
    match (&left, &right) {
        (Class::Missing, _) | (_, Class::Missing) => None,
        (Class::Time(time), Class::Text(text)) => {
            Some(time.cmp(&crate::query::time::parse_date(text.to_uppercase().trim())?.start))
        }
        (Class::Text(_), Class::Time(_)) => Some(compare_classes(&right, &left).reverse()),
        _ if left.rank() == right.rank() => Some(compare_classes(&left, &right)),
        _ => None,
    }
}

/// Returns a cell as a number: numbers, text that is one, and the seconds of a time.
pub fn number(value: &Value<'_>) -> Option<Number> {
    match class_of(value) {
        Class::Number(number) => Some(number),
        Class::Time(time) => Some(Number::Float(time.0 as f64 / 1e9)),
        _ => None,
    }
}

/// Returns a number as a cell, whole where it is whole.
pub fn of_float(number: f64) -> Value<'static> {
    if !number.is_finite() {
        Value::Null
    } else if number.fract() == 0.0 && number.abs() < 9.0e15 {
        Value::Int(number as i64)
    } else {
        Value::Float(number)
    }
}

/// Appends what makes two cells the same group: their text, exactly as written.
pub fn push_key(key: &mut Vec<u8>, value: &Value<'_>) {
    use std::io::Write as _;
    match value {
        Value::Text(text) => key.extend_from_slice(text.as_bytes()),
        // Writing to memory cannot fail.
        other => drop(write!(key, "{other}")),
    }
    key.push(0xff);
}

/// Returns about how much memory a cell takes.
pub fn bytes_of(value: &Value<'_>) -> usize {
    let own = size_of::<Value<'_>>();
    match value {
        Value::Text(text) => own + text.len(),
        Value::List(items) => own + items.iter().map(bytes_of).sum::<usize>(),
        _ => own,
    }
}
