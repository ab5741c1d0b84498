//! `stats`, `top` and `rare`: rows by the values of some columns, and figures over each group.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::model::Timestamp;
use crate::model::Value;
use crate::query::pipes::cell;
use crate::query::pipes::expr::Expr;
use crate::query::pipes::run::Bound;
use crate::query::pipes::run::Columns;
use crate::query::pipes::run::Memory;
use crate::query::pipes::run::TIME;
use crate::query::pipes::run::Table;
use crate::query::pipes::run::accumulate::Accumulator;
use crate::query::pipes::run::accumulate::Place;
use crate::query::pipes::run::bind;
use crate::query::pipes::stage::Aggregate;
use crate::query::pipes::stage::Measure;

/// A row whose lists make more combinations than this counts in the first ones only.
const COMBINATIONS_MAX: usize = 64;

/// A figure with its expression bound to the columns.
pub(super) struct Figure {
    measure: Measure,
    of: Option<Expr>,
    /// The place of the column when the figure is of a column as it stands.
    column: Option<usize>,
    pub(super) name: String,
}

impl Figure {
    pub(super) fn all(aggregates: &[Aggregate], columns: &mut Columns) -> Vec<Figure> {
        aggregates
            .iter()
            .map(|aggregate| {
                let of = aggregate.of.as_ref().map(|of| bind(of, columns));
                let column = match &of {
                    Some(Expr::Field(place)) => place.parse().ok(),
                    _ => None,
                };
                Figure { measure: aggregate.measure, of, column, name: aggregate.name.clone() }
            })
            .collect()
    }

    pub(super) fn accumulator(&self) -> Accumulator {
        Accumulator::new(self.measure)
    }
}

/// A row on its way into a group.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'r> {
    pub(super) row: &'r [Value<'static>],
    /// So many rows are like this one.
    pub(super) times: u32,
    pub(super) place: Place,
    pub(super) now: Timestamp,
}

/// Adds a row to the figures of its group.
pub(super) fn add_row(figures: &[Figure], accumulators: &mut [Accumulator], incoming: Incoming<'_>) -> usize {
    let Incoming { row, times, place, now } = incoming;
    let mut grown = 0;
    for (figure, accumulator) in figures.iter().zip(accumulators) {
        grown += match (&figure.of, figure.column) {
            (None, _) => accumulator.add(None, place, times),
            (Some(_), Some(column)) => accumulator.add(Some(row.get(column).unwrap_or(&Value::Null)), place, times),
            (Some(of), None) => accumulator.add(Some(&of.value(&Bound { row }, now)), place, times),
        };
    }
    grown
}

/// Returns where a row stands in time.
pub(super) fn place_of(row: &[Value<'static>], time: Option<usize>, number: i64) -> Place {
    match time.and_then(|time| row.get(time)) {
        // Rows with times come newest first.
        Some(Value::Time(time)) => (time.0, -number),
        _ => (0, number),
    }
}

struct Group {
    values: Vec<Value<'static>>,
    figures: Vec<Accumulator>,
}

/// How the groups become rows.
enum Form {
    Stats,
    Top { limit: usize, is_rare: bool },
}

/// Rows by the values of columns.
pub(super) struct Groups {
    by: Vec<(String, usize)>,
    figures: Vec<Figure>,
    groups: HashMap<Vec<u8>, Group>,
    time: Option<usize>,
    form: Form,
    key: Vec<u8>,
    seen: i64,
    /// Rows that lack one of the columns.
    left_out: u64,
}

impl Groups {
    pub(super) fn stats(aggregates: &[Aggregate], by: &[String], columns: &mut Columns) -> Groups {
        let figures = Figure::all(aggregates, columns);
        Groups::new(figures, by, Form::Stats, columns)
    }

    pub(super) fn top(fields: &[String], limit: usize, is_rare: bool, columns: &mut Columns) -> Groups {
        let is_taken = fields.iter().any(|field| field == "count");
        let name = if is_taken { "rows" } else { "count" }.to_owned();
        let count = Figure { measure: Measure::Count, of: None, column: None, name };
        Groups::new(vec![count], fields, Form::Top { limit, is_rare }, columns)
    }

    fn new(figures: Vec<Figure>, by: &[String], form: Form, columns: &mut Columns) -> Groups {
        let has_time = figures.iter().any(|figure| matches!(figure.measure, Measure::First | Measure::Last));
        Groups {
            by: by.iter().map(|name| (name.clone(), columns.place(name))).collect(),
            figures,
            groups: HashMap::new(),
            time: has_time.then(|| columns.place(TIME)),
            form,
            key: Vec::new(),
            seen: 0,
            left_out: 0,
        }
    }

    pub(super) fn push(&mut self, row: &[Value<'static>], times: u32, now: Timestamp, memory: &mut Memory) {
        self.seen += i64::from(times);
        let cells: Vec<&Value<'static>> =
            self.by.iter().map(|(_, place)| row.get(*place).unwrap_or(&Value::Null)).collect();
        if cells.iter().any(|value| is_missing(value)) {
            self.left_out += u64::from(times);
            return;
        }
        let incoming = Incoming { row, times, place: place_of(row, self.time, self.seen), now };
        let has_list = cells.iter().any(|value| matches!(value, Value::List(_)));
        if !has_list {
            let values = cells;
            self.key.clear();
            values.iter().for_each(|value| cell::push_key(&mut self.key, value));
            add_to(&mut self.groups, &self.key, &values, &self.figures, incoming, memory);
            return;
        }
        // Each item of a list is a value of its own; the same one twice counts once.
        let mut keys = BTreeSet::new();
        for values in combinations(&cells) {
            self.key.clear();
            values.iter().for_each(|value| cell::push_key(&mut self.key, value));
            if keys.insert(self.key.clone()) {
                add_to(&mut self.groups, &self.key, &values, &self.figures, incoming, memory);
            }
        }
    }

    pub(super) fn finish(self) -> Table {
        let Groups { by, figures, groups, form, left_out, seen, .. } = self;
        let mut notes: BTreeSet<String> = BTreeSet::new();
        let mut sorted: Vec<Group> = groups.into_values().collect();
        if by.is_empty() && sorted.is_empty() {
            // A count of nothing is 0, not nothing.
            sorted.push(Group { values: Vec::new(), figures: figures.iter().map(Figure::accumulator).collect() });
        }
        let accumulators = sorted.iter().flat_map(|group| &group.figures);
        notes.extend(accumulators.filter_map(Accumulator::note).map(str::to_owned));
        if left_out > 0 {
            let names: Vec<&str> = by.iter().map(|(name, _)| name.as_str()).collect();
            notes.insert(format!(
                "{left_out} of {seen} rows have no {} and are not in the table",
                names.join(" or no ")
            ));
        }
        sorted.sort_by(|left, right| order_of(&left.values, &right.values));
        let mut columns: Vec<String> = by.into_iter().map(|(name, _)| name).collect();
        columns.extend(figures.into_iter().map(|figure| figure.name));
        let mut rows: Vec<Vec<Value<'static>>> = Vec::with_capacity(sorted.len());
        for Group { mut values, figures } in sorted {
            values.extend(figures.iter().map(Accumulator::value));
            rows.push(values);
        }
        if let Form::Top { limit, is_rare } = form {
            columns.push("percent".to_owned());
            rows = shares(rows, limit, is_rare, seen - i64::try_from(left_out).unwrap_or(seen));
        }
        Table { columns, rows, notes: notes.into_iter().collect(), ..Table::default() }
    }
}

fn is_missing(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.iter().all(|item| *item == Value::Null),
        _ => false,
    }
}

/// Takes the parts of a borrowed [`Groups`], so that its key can be borrowed beside its map.
fn add_to(
    groups: &mut HashMap<Vec<u8>, Group>,
    key: &[u8],
    values: &[&Value<'static>],
    figures: &[Figure],
    incoming: Incoming<'_>,
    memory: &mut Memory,
) {
    let group = match groups.get_mut(key) {
        Some(group) => group,
        None => {
            let values: Vec<Value<'static>> = values.iter().copied().cloned().collect();
            let cells: usize = values.iter().map(cell::bytes_of).sum();
            memory.add(key.len() + cells + figures.len() * size_of::<Accumulator>() + 96);
            let figures = figures.iter().map(Figure::accumulator).collect();
            groups.entry(key.to_vec()).or_insert(Group { values, figures })
        }
    };
    memory.add(add_row(figures, &mut group.figures, incoming));
}

fn combinations<'r>(cells: &[&'r Value<'static>]) -> Vec<Vec<&'r Value<'static>>> {
    let mut all: Vec<Vec<&'r Value<'static>>> = vec![Vec::new()];
    for value in cells {
        let items: Vec<&'r Value<'static>> = match value {
            Value::List(items) => items.iter().filter(|item| **item != Value::Null).collect(),
            scalar => vec![scalar],
        };
        all = all
            .iter()
            .flat_map(|begun| items.iter().map(move |item| begun.iter().copied().chain([*item]).collect()))
            .take(COMBINATIONS_MAX)
            .collect();
    }
    all
}

/// Orders groups by their values; those that compare equal by their text, so that the order is always the same.
fn order_of(left: &[Value<'_>], right: &[Value<'_>]) -> std::cmp::Ordering {
    let pairs = || left.iter().zip(right);
    pairs().map(|(left, right)| cell::order(left, right)).find(|ordering| ordering.is_ne()).unwrap_or_else(|| {
        let texts = pairs().map(|(left, right)| left.to_text().cmp(&right.to_text()));
        texts.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    })
}

/// Orders rows by their count, cuts them, and adds the share of all rows.
fn shares(mut rows: Vec<Vec<Value<'static>>>, limit: usize, is_rare: bool, total: i64) -> Vec<Vec<Value<'static>>> {
    let count = |row: &Vec<Value<'static>>| row.last().and_then(Value::as_int).unwrap_or(0);
    if is_rare {
        rows.sort_by_key(count);
    } else {
        rows.sort_by_key(|row| Reverse(count(row)));
    }
    rows.truncate(limit);
    for row in &mut rows {
        let share = count(row) as f64 * 100.0 / total.max(1) as f64;
        row.push(cell::of_float((share * 100.0).round() / 100.0));
    }
    rows
}
