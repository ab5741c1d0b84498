//! What a query means for one event: the definition that the index is tested against.

use std::net::IpAddr;
use std::ops::Bound;

use crate::model::Event;
use crate::model::EventId;
use crate::model::Field;
use crate::model::Value;
use crate::model::ecs;
use crate::model::ecs::Kind;
use crate::query::Query;
use crate::query::ast::Expr;
use crate::query::ast::Number;
use crate::query::ast::Part;
use crate::query::ast::Pattern;
use crate::query::ast::Phrase;
use crate::query::ast::Range;
use crate::query::ast::Test;
use crate::query::keyword;
use crate::query::time;
use crate::query::words;
use crate::query::words::Words;

impl Query {
    /// Says whether an event matches.
    pub fn matches(&self, event: &Event<'_>) -> bool {
        matches(self.root(), event)
    }
}

fn matches(expr: &Expr, event: &Event<'_>) -> bool {
    match expr {
        Expr::All => true,
        Expr::And(children) => children.iter().all(|child| matches(child, event)),
        Expr::Or(children) => children.iter().any(|child| matches(child, event)),
        Expr::Not(child) => !matches(child, event),
        Expr::Words(phrase) => any_text(event, &mut |text| phrase.is_found_in(text)),
        Expr::Pattern(pattern) => is_in_line(pattern, event),
        Expr::Field { name, test } => field_matches(name, test, event),
    }
}

/// Says whether a field of an event fulfils a test.
pub fn field_matches(name: &str, test: &Test, event: &Event<'_>) -> bool {
    match (Field::from_name(name), test) {
        (Some(ecs::MESSAGE | ecs::EVENT_ORIGINAL), Test::Words(phrase)) => {
            any_text(event, &mut |text| phrase.is_found_in(text))
        }
        (Some(ecs::MESSAGE | ecs::EVENT_ORIGINAL), Test::Pattern(pattern)) => is_in_line(pattern, event),
        (Some(ecs::TIMESTAMP), test) => test.admits(&Value::Time(event.timestamp), false),
        (Some(ecs::EVENT_INGESTED), test) => test.admits(&Value::Time(event.ingested), false),
        (Some(ecs::EVENT_ORIGINAL), test) => test.admits(&Value::from(event.raw), false),
        (Some(ecs::LONGAN_ID), test) => {
            event.id != EventId::ZERO && i64::try_from(event.id.0).is_ok_and(|id| test.admits(&Value::Int(id), false))
        }
        (Some(ecs::LONGAN_PARSER), test) => event.parser.is_some_and(|parser| test.admits(&Value::from(parser), false)),
        (Some(ecs::LONGAN_PARSE_ERROR), test) => {
            event.failure.is_some_and(|failure| test.admits(&Value::from(failure.as_str()), false))
        }
        (Some(field), test) => event.get(field).is_some_and(|value| test.admits(value, field.kind() == Kind::Text)),
        (None, test) => event.get_by_name(name).is_some_and(|value| test.admits(value, false)),
    }
}

/// Calls `visit` with each text that words are looked for in, until it returns true; returns whether it did.
///
/// These are the line and those text fields that are not a piece of it, such as a message that stood escaped in JSON.
pub fn any_text<'e>(event: &'e Event<'_>, visit: &mut dyn FnMut(&'e str) -> bool) -> bool {
    visit(event.raw)
        || event.fields.iter().any(|(name, value)| {
            matches!(name, crate::model::Name::Known(field) if field.kind() == Kind::Text)
                && any_scalar_text(value, &mut |text| {
                    let is_in_line = event.span_in_raw(text).is_some() || event.raw.contains(text);
                    !is_in_line && visit(text)
                })
        })
}

fn any_scalar_text<'v>(value: &'v Value<'_>, visit: &mut dyn FnMut(&'v str) -> bool) -> bool {
    match value {
        Value::Text(text) => visit(text),
        Value::List(items) => items.iter().filter_map(Value::as_str).any(visit),
        _ => false,
    }
}

fn is_in_line(pattern: &Pattern, event: &Event<'_>) -> bool {
    pattern.is_found_in(event.raw)
        || event
            .get(ecs::MESSAGE)
            .is_some_and(|message| any_scalar_text(message, &mut |text| pattern.is_found_in(text)))
}

impl Test {
    /// Says whether a value fulfils the test; `is_text` for the value of a field that is broken into words.
    pub fn admits(&self, value: &Value<'_>, is_text: bool) -> bool {
        match self {
            Test::Exists => keyword::is_present(value),
            Test::Words(phrase) => any_scalar_text(value, &mut |text| phrase.is_found_in(text)),
            Test::Pattern(pattern) if is_text => any_scalar_text(value, &mut |text| pattern.is_found_in(text)),
            _ => keyword::any_form(value, &mut |text| self.accepts(text)),
        }
    }

    /// Says whether a value fulfils the test, given one of its normalized texts; never true for `Exists` and `Words`.
    pub fn accepts(&self, text: &str) -> bool {
        match self {
            Test::Exists | Test::Words(_) => false,
            Test::Equals(wanted) => text == wanted,
            Test::Glob(glob) => glob.matches(text),
            Test::Pattern(pattern) => pattern.is_found_in(text),
            Test::Range(range) => range.contains(text),
            Test::Cidr(cidr) => text.parse().is_ok_and(|address| cidr.contains(address)),
        }
    }
}

impl Range {
    fn contains(&self, text: &str) -> bool {
        match self {
            Range::Number(lower, upper) => {
                Number::from_text(text).is_some_and(|number| is_within(&number, lower, upper))
            }
            Range::Address(lower, upper) => text.parse::<IpAddr>().is_ok_and(|address| {
                let address = address.to_canonical();
                // The two families have no common order.
                let is_of_family = |bound: &Bound<IpAddr>| match bound {
                    Bound::Included(bound) | Bound::Excluded(bound) => bound.is_ipv4() == address.is_ipv4(),
                    Bound::Unbounded => true,
                };
                is_of_family(lower) && is_of_family(upper) && is_within(&address, lower, upper)
            }),
            Range::Text(lower, upper) => {
                is_within(&text, &lower.as_ref().map(String::as_str), &upper.as_ref().map(String::as_str))
            }
            Range::Time { from, until } => time::parse_date(text).is_some_and(|moment| {
                from.is_none_or(|from| moment.start >= from) && until.is_none_or(|until| moment.start < until)
            }),
        }
    }
}

fn is_within<T: PartialOrd>(value: &T, lower: &Bound<T>, upper: &Bound<T>) -> bool {
    let is_above = match lower {
        Bound::Included(bound) => value >= bound,
        Bound::Excluded(bound) => value > bound,
        Bound::Unbounded => true,
    };
    let is_below = match upper {
        Bound::Included(bound) => value <= bound,
        Bound::Excluded(bound) => value < bound,
        Bound::Unbounded => true,
    };
    is_above && is_below
}

impl Part {
    /// Says whether a word of a text (not an address) fits this part.
    pub fn admits(&self, word: &str) -> bool {
        match self {
            Part::Word(wanted) => wanted == word,
            Part::Glob(glob) => glob.matches(word),
        }
    }
}

impl Phrase {
    /// Looks for the parts at successive positions of a text.
    pub fn is_found_in(&self, text: &str) -> bool {
        let mut words = Words::new(text);
        let mut word = String::new();
        // Bit i: parts 0 to i fit the words that end at this position (or the one before).
        let (mut before, mut here, mut position) = (0_u64, 0_u64, 0_u32);
        let last = 1_u64 << (self.parts.len().clamp(1, 64) - 1);
        while let Some((at, kind)) = words.next_into(&mut word) {
            if at != position {
                (before, here, position) = (here, 0, at);
            }
            for (index, part) in self.parts.iter().enumerate().take(64) {
                let continues = index == 0 || before & (1 << (index - 1)) != 0;
                let fits = match (kind, part) {
                    (words::Kind::Address, Part::Glob(_)) => false,
                    _ => part.admits(&word),
                };
                if continues && fits {
                    here |= 1 << index;
                }
            }
            if here & last != 0 {
                return true;
            }
        }
        false
    }
}
