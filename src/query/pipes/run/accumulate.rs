//! One figure of one group, grown row by row; two can be merged into one.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::model::Value;
use crate::query::ast::Number;
use crate::query::pipes::cell;
use crate::query::pipes::run::sketch::Distinct;
use crate::query::pipes::run::sketch::Spread;
use crate::query::pipes::stage::Measure;

/// `values` lists so many at most.
pub(super) const VALUES_MAX: usize = 1_000;

/// What is known so far.
#[derive(Debug, Clone)]
pub(super) enum Accumulator {
    Count(i64),
    Distinct(Distinct),
    Sum(Total),
    Average(Total, u64),
    Min(Option<Value<'static>>),
    Max(Option<Value<'static>>),
    Percentile(f64, Spread),
    First(Option<(Place, Value<'static>)>),
    Last(Option<(Place, Value<'static>)>),
    Values { values: BTreeMap<Vec<u8>, Value<'static>>, is_cut: bool },
}

/// Where a row stands: its time, then its number.
pub(super) type Place = (i64, i64);

/// A sum that stays whole as long as all of it is whole.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Total {
    whole: i128,
    rest: f64,
    has_rest: bool,
    is_any: bool,
}

impl Total {
    fn add(&mut self, number: Number, times: u32) {
        self.is_any = true;
        match number {
            Number::Int(number) => {
                self.whole = self.whole.saturating_add(i128::from(number) * i128::from(times));
            }
            Number::Float(number) => {
                self.rest += number * f64::from(times);
                self.has_rest = true;
            }
        }
    }

    fn merge(&mut self, other: Total) {
        self.whole = self.whole.saturating_add(other.whole);
        self.rest += other.rest;
        self.has_rest |= other.has_rest;
        self.is_any |= other.is_any;
    }

    fn value(self) -> Value<'static> {
        match i64::try_from(self.whole) {
            _ if !self.is_any => Value::Null,
            Ok(whole) if !self.has_rest => Value::Int(whole),
            _ => cell::of_float(self.float()),
        }
    }

    fn float(self) -> f64 {
        self.whole as f64 + self.rest
    }
}

impl Accumulator {
    pub(super) fn new(measure: Measure) -> Accumulator {
        match measure {
            Measure::Count => Accumulator::Count(0),
            Measure::Distinct => Accumulator::Distinct(Distinct::default()),
            Measure::Sum => Accumulator::Sum(Total::default()),
            Measure::Average => Accumulator::Average(Total::default(), 0),
            Measure::Min => Accumulator::Min(None),
            Measure::Max => Accumulator::Max(None),
            Measure::Percentile(share) => Accumulator::Percentile(share, Spread::default()),
            Measure::First => Accumulator::First(None),
            Measure::Last => Accumulator::Last(None),
            Measure::Values => Accumulator::Values { values: BTreeMap::new(), is_cut: false },
        }
    }

    /// Adds what some equal rows have for it; `None` is a count of rows. Returns by how many bytes the memory grew.
    pub(super) fn add(&mut self, value: Option<&Value<'static>>, place: Place, times: u32) -> usize {
        let Some(value) = value else {
            if let Accumulator::Count(count) = self {
                *count += i64::from(times);
            }
            return 0;
        };
        match value {
            Value::Null => 0,
            // A count of a condition counts where it holds; a list counts once, and each of its items is a value.
            Value::Bool(false) if matches!(self, Accumulator::Count(_)) => 0,
            Value::List(items) => match self {
                Accumulator::Count(count) => {
                    *count += i64::from(times);
                    0
                }
                Accumulator::First(_) | Accumulator::Last(_) => self.add_scalar(value, place, times),
                _ => items.iter().map(|item| self.add_scalar(item, place, times)).sum(),
            },
            scalar => self.add_scalar(scalar, place, times),
        }
    }

    fn add_scalar(&mut self, value: &Value<'static>, place: Place, times: u32) -> usize {
        match self {
            Accumulator::Count(count) => *count += i64::from(times),
            Accumulator::Distinct(distinct) => {
                let mut key = Vec::with_capacity(32);
                cell::push_key(&mut key, value);
                return distinct.add(&key);
            }
            Accumulator::Sum(total) => {
                cell::number(value).into_iter().for_each(|number| total.add(number, times));
            }
            Accumulator::Average(total, count) => {
                if let Some(number) = cell::number(value) {
                    total.add(number, times);
                    *count += u64::from(times);
                }
            }
            Accumulator::Min(least) => keep(least, value, Ordering::Less),
            Accumulator::Max(most) => keep(most, value, Ordering::Greater),
            Accumulator::Percentile(_, spread) => {
                if let Some(number) = cell::number(value) {
                    let number = match number {
                        Number::Int(number) => number as f64,
                        Number::Float(number) => number,
                    };
                    return (0..times).map(|_| spread.add(number)).sum();
                }
            }
            Accumulator::First(first) => {
                if first.as_ref().is_none_or(|(have, _)| place < *have) {
                    *first = Some((place, value.clone()));
                }
            }
            Accumulator::Last(last) => {
                if last.as_ref().is_none_or(|(have, _)| place > *have) {
                    *last = Some((place, value.clone()));
                }
            }
            Accumulator::Values { values, is_cut } => {
                let mut key = Vec::with_capacity(32);
                cell::push_key(&mut key, value);
                if values.contains_key(&key) {
                    return 0;
                }
                if values.len() >= VALUES_MAX {
                    *is_cut = true;
                    return 0;
                }
                let grown = key.len() + cell::bytes_of(value) + 64;
                values.insert(key, value.clone());
                return grown;
            }
        }
        0
    }

    pub(super) fn merge(&mut self, other: Accumulator) {
        match (self, other) {
            (Accumulator::Count(mine), Accumulator::Count(theirs)) => *mine += theirs,
            (Accumulator::Distinct(mine), Accumulator::Distinct(theirs)) => mine.merge(theirs),
            (Accumulator::Sum(mine), Accumulator::Sum(theirs)) => mine.merge(theirs),
            (Accumulator::Average(mine, count), Accumulator::Average(theirs, more)) => {
                mine.merge(theirs);
                *count += more;
            }
            (Accumulator::Min(mine), Accumulator::Min(Some(theirs))) => keep(mine, &theirs, Ordering::Less),
            (Accumulator::Max(mine), Accumulator::Max(Some(theirs))) => keep(mine, &theirs, Ordering::Greater),
            (Accumulator::Percentile(_, mine), Accumulator::Percentile(_, theirs)) => mine.merge(theirs),
            (mine @ Accumulator::First(_), Accumulator::First(Some((place, value))))
            | (mine @ Accumulator::Last(_), Accumulator::Last(Some((place, value)))) => {
                mine.add_scalar(&value, place, 1);
            }
            (mine @ Accumulator::Values { .. }, Accumulator::Values { values, .. }) => {
                for value in values.values() {
                    mine.add_scalar(value, (0, 0), 1);
                }
            }
            // The same figure of two groups is of the same kind; an empty one changes nothing.
            _ => {}
        }
    }

    /// Says what the reader must know of the figure.
    pub(super) fn note(&self) -> Option<&'static str> {
        match self {
            Accumulator::Distinct(distinct) if !distinct.is_exact() => {
                Some("dc() above 10,000 different values is an estimate (HyperLogLog, standard error 0.8 %)")
            }
            Accumulator::Percentile(_, spread) if !spread.is_exact() => {
                Some("percentiles over more than 10,000 values are exact to 1 %")
            }
            Accumulator::Values { is_cut: true, .. } => Some("values() lists 1,000 different values at most"),
            _ => None,
        }
    }

    pub(super) fn value(&self) -> Value<'static> {
        match self {
            Accumulator::Count(count) => Value::Int(*count),
            Accumulator::Distinct(distinct) => Value::Int(distinct.count()),
            Accumulator::Sum(total) => total.value(),
            Accumulator::Average(_, 0) => Value::Null,
            Accumulator::Average(total, count) => cell::of_float(total.float() / *count as f64),
            Accumulator::Min(value) | Accumulator::Max(value) => value.clone().unwrap_or(Value::Null),
            Accumulator::Percentile(share, spread) => spread.percentile(*share).map_or(Value::Null, cell::of_float),
            Accumulator::First(found) | Accumulator::Last(found) => {
                found.as_ref().map_or(Value::Null, |(_, value)| value.clone())
            }
            Accumulator::Values { values, .. } if values.is_empty() => Value::Null,
            Accumulator::Values { values, .. } => {
                let mut list: Vec<Value<'static>> = values.values().cloned().collect();
                list.sort_by(cell::order);
                Value::List(list)
            }
        }
    }
}

/// Keeps the value that is less or greater; of those that compare equal, the one whose text is less, so that the order of
/// rows does not matter.
fn keep(have: &mut Option<Value<'static>>, value: &Value<'static>, wanted: Ordering) {
    let is_better = match have.as_ref() {
        None => true,
        Some(have) => match cell::order(value, have) {
            Ordering::Equal => value.to_text() < have.to_text(),
            other => other == wanted,
        },
    };
    if is_better {
        *have = Some(value.clone());
    }
}
