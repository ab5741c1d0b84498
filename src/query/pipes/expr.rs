//! Expressions of `where`, `eval` and of what is counted: their form, their meaning, and how they are written.
//!
//! A field that is missing makes what is computed from it missing, and a comparison with it false. A list fulfils a
//! comparison when one of its items does. Text is compared with case aside, as the filter does.

use std::cmp::Ordering;
use std::fmt;

use crate::model::Timestamp;
use crate::model::Value;
use crate::query::ast::Cidr;
use crate::query::ast::Number;
use crate::query::ast::Pattern;
use crate::query::glob::Glob;
use crate::query::keyword;
use crate::query::pipes::cell;

/// The longest text an expression makes; what is longer is cut.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Literal(Value<'static>),
    Field(String),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    Matches(Box<Expr>, Pattern),
    Like(Box<Expr>, Glob),
    InNetwork(Cidr, Box<Expr>),
    Call(Function, Vec<Expr>),
}

/// What stands between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    /// Returns the sign.
    pub fn sign(self) -> &'static str {
        match self {
            Operator::Or => "OR",
            Operator::And => "AND",
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
        }
    }
}

macro_rules! functions {
    ($($variant:ident $name:literal $least:literal $most:literal;)*) => {
        /// A function of an expression.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Function { $($variant),* }

        impl Function {
            /// Every function: itself, its name, and how many arguments it takes at least and at most.
            pub const TABLE: &'static [(Function, &'static str, usize, usize)] =
                &[$((Function::$variant, $name, $least, $most)),*];
        }
    };
}

functions! {
    Abs "abs" 1 1;
    Ceil "ceil" 1 1;
    Coalesce "coalesce" 1 16;
    Concat "concat" 1 16;
    Contains "contains" 2 2;
    Date "date" 1 1;
    EndsWith "endswith" 2 2;
    Floor "floor" 1 1;
    Hour "hour" 1 1;
    If "if" 3 3;
    IsNotNull "isnotnull" 1 1;
    IsNull "isnull" 1 1;
    Len "len" 1 1;
    Lower "lower" 1 1;
    Now "now" 0 0;
    Round "round" 1 2;
    StartsWith "startswith" 2 2;
    Substr "substr" 2 3;
    ToNumber "tonumber" 1 1;
    ToString "tostring" 1 1;
    Upper "upper" 1 1;
    Weekday "weekday" 1 1;
}

impl Function {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        Function::TABLE.iter().find(|(function, ..)| *function == self).map_or("", |(_, name, ..)| name)
    }
}

/// Where an expression finds the fields it names.
pub trait Row {
    /// Returns a cell; `None` when there is no such column.
    fn cell(&self, name: &str) -> Option<&Value<'_>>;
}

impl Expr {
    /// Calls `visit` with every field named.
    pub fn for_each_field<'e>(&'e self, visit: &mut dyn FnMut(&'e str)) {
        match self {
            Expr::Literal(_) => {}
            Expr::Field(name) => visit(name),
            Expr::Not(inner)
            | Expr::Negative(inner)
            | Expr::Matches(inner, _)
            | Expr::Like(inner, _)
            | Expr::InNetwork(_, inner) => inner.for_each_field(visit),
            Expr::Binary(_, left, right) => {
                left.for_each_field(visit);
                right.for_each_field(visit);
            }
            Expr::In(inner, items) => {
                inner.for_each_field(visit);
                items.iter().for_each(|item| item.for_each_field(visit));
            }
            Expr::Call(_, arguments) => arguments.iter().for_each(|argument| argument.for_each_field(visit)),
        }
    }

    /// Says whether the expression is true of a row.
    pub fn is_true(&self, row: &dyn Row, now: Timestamp) -> bool {
        self.value(row, now) == Value::Bool(true)
    }

    /// Computes the expression; whatever cannot be computed is missing.
    pub fn value(&self, row: &dyn Row, now: Timestamp) -> Value<'static> {
        match self {
            Expr::Literal(value) => value.clone(),
            Expr::Field(name) => row.cell(name).map_or(Value::Null, |value| value.clone().into_owned()),
            Expr::Not(inner) => match inner.value(row, now) {
                Value::Bool(truth) => Value::Bool(!truth),
                _ => Value::Null,
            },
            Expr::Negative(inner) => match cell::number(&inner.value(row, now)) {
                Some(Number::Int(number)) => number.checked_neg().map_or(Value::Null, Value::Int),
                Some(Number::Float(number)) => cell::of_float(-number),
                None => Value::Null,
            },
            Expr::Binary(operator, left, right) => binary(*operator, left, right, row, now),
            Expr::In(inner, items) => {
                let value = inner.value(row, now);
                if value == Value::Null {
                    return Value::Null;
                }
                Value::Bool(
                    items
                        .iter()
                        .any(|item| compared(Operator::Equal, &value, &item.value(row, now)) == Value::Bool(true)),
                )
            }
            Expr::Matches(inner, pattern) => any_text(&inner.value(row, now), |text| pattern.is_found_in(text)),
            Expr::Like(inner, glob) => any_text(&inner.value(row, now), |text| glob.matches(&keyword::normalize(text))),
            Expr::InNetwork(cidr, inner) => any_scalar(&inner.value(row, now), |value| {
                value.as_ip().is_some_and(|address| cidr.contains(address.to_canonical()))
            }),
            Expr::Call(function, arguments) => call(*function, arguments, row, now),
        }
    }
}

fn binary(operator: Operator, left: &Expr, right: &Expr, row: &dyn Row, now: Timestamp) -> Value<'static> {
    let left = left.value(row, now);
    match (operator, &left) {
        (Operator::And, Value::Bool(false)) => return Value::Bool(false),
        (Operator::Or, Value::Bool(true)) => return Value::Bool(true),
        _ => {}
    }
    let right = right.value(row, now);
    match operator {
        Operator::And | Operator::Or => match (&left, &right) {
            (Value::Bool(left), Value::Bool(right)) => {
                Value::Bool(if operator == Operator::And { *left && *right } else { *left || *right })
            }
            // What is unknown does not matter beside what decides.
            (_, Value::Bool(truth)) if *truth == (operator == Operator::Or) => right,
            _ => Value::Null,
        },
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            arithmetic(operator, &left, &right)
        }
        _ => compared(operator, &left, &right),
    }
}

fn compared(operator: Operator, left: &Value<'_>, right: &Value<'_>) -> Value<'static> {
    if let Value::List(items) = left {
        let found: Vec<Value<'static>> = items.iter().map(|item| compared(operator, item, right)).collect();
        return match operator {
            // `!=` means that no item is it.
            Operator::NotEqual => Value::Bool(!found.contains(&Value::Bool(false))),
            _ => Value::Bool(found.contains(&Value::Bool(true))),
        };
    }
    if matches!(left, Value::Null) || matches!(right, Value::Null) {
        return Value::Null;
    }
    let ordering = cell::compare(left, right);
    let truth = match operator {
        Operator::Equal => ordering == Some(Ordering::Equal),
        Operator::NotEqual => ordering != Some(Ordering::Equal),
        Operator::Less => ordering == Some(Ordering::Less),
        Operator::LessOrEqual => ordering.is_some_and(Ordering::is_le),
        Operator::Greater => ordering == Some(Ordering::Greater),
        _ => ordering.is_some_and(Ordering::is_ge),
    };
    Value::Bool(truth)
}

fn arithmetic(operator: Operator, left: &Value<'_>, right: &Value<'_>) -> Value<'static> {
    let (Some(left_number), Some(right_number)) = (cell::number(left), cell::number(right)) else {
        let is_text = matches!((left, right), (Value::Text(_), _) | (_, Value::Text(_)));
        let is_missing = matches!(left, Value::Null) || matches!(right, Value::Null);
        return if operator == Operator::Add && is_text && !is_missing { joined(&[left, right]) } else { Value::Null };
    };
    if let (Number::Int(left), Number::Int(right)) = (left_number, right_number) {
        let whole = match operator {
            Operator::Add => left.checked_add(right),
            Operator::Subtract => left.checked_sub(right),
            Operator::Multiply => left.checked_mul(right),
            Operator::Remainder => left.checked_rem(right),
            _ => (left.checked_rem(right) == Some(0)).then(|| left / right),
        };
        if let Some(whole) = whole {
            return Value::Int(whole);
        }
    }
    let (left, right) = (float(left_number), float(right_number));
    cell::of_float(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Remainder => left % right,
        _ => left / right,
    })
}

fn float(number: Number) -> f64 {
    match number {
        Number::Int(number) => number as f64,
        Number::Float(number) => number,
    }
}

fn joined(parts: &[&Value<'_>]) -> Value<'static> {
    let mut text: String = parts.iter().map(|part| part.to_text()).collect();
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    Value::from(text)
}

fn any_scalar(value: &Value<'_>, mut test: impl FnMut(&Value<'_>) -> bool) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::List(items) => Value::Bool(items.iter().any(&mut test)),
        scalar => Value::Bool(test(scalar)),
    }
}

fn any_text(value: &Value<'_>, test: impl Fn(&str) -> bool) -> Value<'static> {
    any_scalar(value, |scalar| test(&scalar.to_text()))
}

fn call(function: Function, arguments: &[Expr], row: &dyn Row, now: Timestamp) -> Value<'static> {
    let argument = |index: usize| arguments.get(index).map_or(Value::Null, |argument| argument.value(row, now));
    match function {
        Function::Now => return Value::Time(now),
        Function::Coalesce => {
            let mut values = (0..arguments.len()).map(argument);
            return values.find(|value| *value != Value::Null).unwrap_or(Value::Null);
        }
        Function::If => return argument(if argument(0) == Value::Bool(true) { 1 } else { 2 }),
        Function::Concat => {
            let values: Vec<Value<'static>> = (0..arguments.len()).map(argument).collect();
            return joined(&values.iter().collect::<Vec<_>>());
        }
        _ => {}
    }
    let first = argument(0);
    match (function, &first) {
        (Function::IsNull, value) => return Value::Bool(*value == Value::Null),
        (Function::IsNotNull, value) => return Value::Bool(*value != Value::Null),
        (_, Value::Null) => return Value::Null,
        _ => {}
    }
    match function {
        Function::Lower => Value::from(first.to_text().to_lowercase()),
        Function::Upper => Value::from(first.to_text().to_uppercase()),
        Function::Len => match &first {
            Value::List(items) => Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX)),
            value => Value::Int(i64::try_from(value.to_text().chars().count()).unwrap_or(i64::MAX)),
        },
        Function::Contains => text_test(&first, &argument(1), |text, part| text.contains(part)),
        Function::StartsWith => text_test(&first, &argument(1), |text, part| text.starts_with(part)),
        Function::EndsWith => text_test(&first, &argument(1), |text, part| text.ends_with(part)),
        Function::Substr => substring(&first.to_text(), &argument(1), &argument(2)),
        Function::ToNumber => cell::number(&first).map_or(Value::Null, |number| match number {
            Number::Int(number) => Value::Int(number),
            Number::Float(number) => cell::of_float(number),
        }),
        Function::ToString => Value::from(first.to_text().into_owned()),
        Function::Hour | Function::Date | Function::Weekday => calendar(function, &first),
        Function::Abs | Function::Ceil | Function::Floor | Function::Round => rounded(function, &first, &argument(1)),
        _ => Value::Null,
    }
}

fn text_test(value: &Value<'_>, part: &Value<'_>, test: impl Fn(&str, &str) -> bool) -> Value<'static> {
    if *part == Value::Null {
        return Value::Null;
    }
    let part = part.to_text();
    let part = keyword::normalize(&part);
    any_text(value, |text| test(&keyword::normalize(text), &part))
}

/// Characters count from 1; a negative start counts from the end.
fn substring(text: &str, start: &Value<'_>, length: &Value<'_>) -> Value<'static> {
    let Some(start) = start.as_int() else { return Value::Null };
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let from = if start < 0 { (count + start).max(0) } else { (start - 1).max(0) };
    let length = length.as_int().unwrap_or(count).max(0);
    let (from, length) = (usize::try_from(from).unwrap_or(usize::MAX), usize::try_from(length).unwrap_or(usize::MAX));
    Value::from(text.chars().skip(from).take(length).collect::<String>())
}

fn calendar(function: Function, value: &Value<'_>) -> Value<'static> {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let time = match value {
        Value::Time(time) => Some(*time),
        other => crate::query::time::parse_date(&other.to_text()).map(|moment| moment.start),
    };
    let Some(time) = time else { return Value::Null };
    let civil = time.to_civil();
    match function {
        Function::Hour => Value::Int(i64::from(civil.hour)),
        Function::Date => Value::from(format!("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)),
        _ => {
            let day = usize::try_from(time.utc_day().rem_euclid(7)).unwrap_or(0);
            Value::from(*DAYS.get(day).unwrap_or(&""))
        }
    }
}

fn rounded(function: Function, value: &Value<'_>, digits: &Value<'_>) -> Value<'static> {
    let number = match cell::number(value) {
        Some(Number::Int(number)) if function == Function::Abs => {
            return number.checked_abs().map_or(Value::Null, Value::Int);
        }
        Some(Number::Int(number)) if digits.as_int().is_none_or(|digits| digits >= 0) => return Value::Int(number),
        Some(number) => float(number),
        None => return Value::Null,
    };
    cell::of_float(match function {
        Function::Abs => number.abs(),
        Function::Ceil => number.ceil(),
        Function::Floor => number.floor(),
        _ => {
            let digits = i32::try_from(digits.as_int().unwrap_or(0).clamp(-15, 15)).unwrap_or(0);
            let scale = 10_f64.powi(digits);
            (number * scale).round() / scale
        }
    })
}

/// Writes the expression with parentheses around everything that is composed; it reads back as the same.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Literal(Value::Null) => f.write_str("null"),
            Expr::Literal(Value::Float(number)) => write!(f, "{number:?}"),
            Expr::Literal(value @ (Value::Int(_) | Value::Bool(_))) => write!(f, "{value}"),
            Expr::Literal(value) => write_quoted(f, &value.to_text()),
            Expr::Field(name) => write_name(f, name),
            Expr::Not(inner) => write!(f, "(NOT {inner})"),
            Expr::Negative(inner) => write!(f, "(-{inner})"),
            Expr::Binary(operator, left, right) => write!(f, "({left} {} {right})", operator.sign()),
            Expr::In(inner, items) => {
                write!(f, "({inner} in (")?;
                write_list(f, items)?;
                f.write_str(")")
            }
            Expr::Matches(inner, pattern) => write!(f, "match({inner}, {pattern})"),
            Expr::Like(inner, glob) => {
                write!(f, "like({inner}, ")?;
                // Within quotes only the backslash and the quote are special; the pattern is read again from what remains.
                write_quoted(f, &glob.to_string())?;
                f.write_str(")")
            }
            Expr::InNetwork(cidr, inner) => write!(f, "cidrmatch(\"{cidr}\", {inner})"),
            Expr::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                write_list(f, arguments)
            }
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, items: &[Expr]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
    }
    f.write_str(")")
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes a column's name, in backquotes when it would not be read as one.
pub(in crate::query::pipes) fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let is_plain = name.starts_with(|first: char| first.is_alphabetic() || "@_".contains(first))
        && name.chars().all(|letter| letter.is_alphanumeric() || "@_.".contains(letter));
    let is_word = ["and", "or", "not", "in", "true", "false", "null", "as", "by", "desc", "asc"]
        .iter()
        .any(|word| name.eq_ignore_ascii_case(word));
    if is_plain && !is_word { f.write_str(name) } else { write!(f, "`{name}`") }
}
