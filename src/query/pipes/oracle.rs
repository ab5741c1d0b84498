//! A plain interpreter of pipelines, slow and obvious, that the real one must agree with on random events and pipelines.
//!
//! It knows rows as maps and works each stage over all of them at once, with nothing shared, bound, folded or skipped.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::query::parse_search;
use crate::query::pipes::cell;
use crate::query::pipes::expr;
use crate::query::pipes::run::EventRunner;
use crate::query::pipes::stage::Aggregate;
use crate::query::pipes::stage::Measure;
use crate::query::pipes::stage::Stage;
use crate::query::pipes::tests::NOW;
use crate::query::pipes::tests::limits;

type Row = BTreeMap<String, Value<'static>>;

struct MapRow<'r>(&'r Row);

impl expr::Row for MapRow<'_> {
    fn cell(&self, name: &str) -> Option<&Value<'_>> {
        self.0.get(name)
    }
}

fn get(row: &Row, name: &str) -> Value<'static> {
    row.get(name).cloned().unwrap_or(Value::Null)
}

fn items(value: Value<'static>) -> Vec<Value<'static>> {
    match value {
        Value::List(items) => items.into_iter().filter(|item| *item != Value::Null).collect(),
        Value::Null => Vec::new(),
        scalar => vec![scalar],
    }
}

fn run(stages: &[Stage], mut rows: Vec<Row>) -> Vec<Row> {
    for stage in stages {
        rows = apply(stage, rows);
    }
    rows
}

fn apply(stage: &Stage, rows: Vec<Row>) -> Vec<Row> {
    match stage {
        Stage::Where(expr) => rows.into_iter().filter(|row| expr.is_true(&MapRow(row), NOW)).collect(),
        Stage::Eval(columns) => rows
            .into_iter()
            .map(|mut row| {
                for (name, expr) in columns {
                    let value = expr.value(&MapRow(&row), NOW);
                    row.insert(name.clone(), value);
                }
                row
            })
            .collect(),
        Stage::Head(count) => rows.into_iter().take(*count).collect(),
        Stage::Fields(names) => {
            rows.into_iter().map(|row| names.iter().map(|name| (name.clone(), get(&row, name))).collect()).collect()
        }
        Stage::FieldsWithout(names) => {
            rows.into_iter().map(|row| row.into_iter().filter(|(name, _)| !names.contains(name)).collect()).collect()
        }
        Stage::Rename(pairs) => rows
            .into_iter()
            .map(|mut row| {
                for (from, to) in pairs {
                    let value = row.remove(from).unwrap_or(Value::Null);
                    row.insert(to.clone(), value);
                }
                row
            })
            .collect(),
        Stage::Dedup(names) => {
            let mut seen = BTreeSet::new();
            rows.into_iter()
                .filter(|row| {
                    let values: Vec<Value<'static>> = names.iter().map(|name| get(row, name)).collect();
                    let key: Vec<String> = values.iter().map(|value| value.to_string()).collect();
                    values.iter().any(|value| *value != Value::Null) && seen.insert(key)
                })
                .collect()
        }
        Stage::Sort(keys) => {
            let mut rows = rows;
            rows.sort_by(|left, right| {
                keys.iter().fold(Ordering::Equal, |ordering, key| {
                    let (left, right) = (get(left, &key.name), get(right, &key.name));
                    let missing = (left == Value::Null).cmp(&(right == Value::Null));
                    let found = cell::order(&left, &right);
                    ordering.then(missing).then(if key.is_descending { found.reverse() } else { found })
                })
            });
            rows
        }
        Stage::Stats { aggregates, by } => stats(aggregates, by, &rows),
        Stage::Top { fields, limit, is_rare } => {
            let count = Aggregate { measure: Measure::Count, of: None, name: "count".to_owned() };
            let mut groups = stats(&[count], fields, &rows);
            let has_all = |row: &&Row| fields.iter().all(|name| !items(get(row, name)).is_empty());
            let total = rows.iter().filter(has_all).count();
            let counted = |row: &Row| get(row, "count").as_int().expect("a count");
            groups.sort_by_key(|row| if *is_rare { counted(row) } else { -counted(row) });
            groups.truncate(*limit);
            for row in &mut groups {
                let share = counted(row) as f64 * 100.0 / total.max(1) as f64;
                row.insert("percent".to_owned(), cell::of_float((share * 100.0).round() / 100.0));
            }
            groups
        }
        Stage::Timechart { span, aggregates, by: None, .. } => {
            let span = i64::try_from(span.expect("given").as_nanos()).expect("small");
            let bucket = |row: &Row| match get(row, "@timestamp") {
                Value::Time(time) => Some(time.0.div_euclid(span)),
                _ => None,
            };
            let buckets: BTreeSet<i64> = rows.iter().filter_map(bucket).collect();
            let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else { return Vec::new() };
            (*first..=*last)
                .map(|number| {
                    let inside: Vec<Row> = rows.iter().filter(|row| bucket(row) == Some(number)).cloned().collect();
                    let mut row = stats(aggregates, &[], &inside).pop().expect("one row");
                    row.insert("@timestamp".to_owned(), Value::Time(Timestamp(number * span)));
                    row
                })
                .collect()
        }
        Stage::Timechart { .. } | Stage::FieldSummary => panic!("not in the oracle"),
    }
}

fn stats(aggregates: &[Aggregate], by: &[String], rows: &[Row]) -> Vec<Row> {
    let mut groups: BTreeMap<Vec<String>, (Vec<Value<'static>>, Vec<Row>)> = BTreeMap::new();
    for row in rows {
        let mut combinations: Vec<Vec<Value<'static>>> = vec![Vec::new()];
        for name in by {
            let items = items(get(row, name));
            combinations = combinations
                .iter()
                .flat_map(|begun| items.iter().map(|item| [begun.clone(), vec![item.clone()]].concat()))
                .collect();
        }
        let mut seen = BTreeSet::new();
        for values in combinations {
            let key: Vec<String> = values.iter().map(ToString::to_string).collect();
            if seen.insert(key.clone()) {
                groups.entry(key).or_insert((values, Vec::new())).1.push(row.clone());
            }
        }
    }
    if by.is_empty() && groups.is_empty() {
        groups.insert(Vec::new(), (Vec::new(), Vec::new()));
    }
    let mut made: Vec<(Vec<Value<'static>>, Row)> = groups
        .into_values()
        .map(|(values, rows)| {
            let mut row: Row = by.iter().cloned().zip(values.iter().cloned()).collect();
            for aggregate in aggregates {
                row.insert(aggregate.name.clone(), figure(aggregate, &rows));
            }
            (values, row)
        })
        .collect();
    // Groups are told apart by their text and ordered by their values; the map above has ordered the texts already.
    made.sort_by(|(left, _), (right, _)| {
        left.iter()
            .zip(right)
            .map(|(left, right)| cell::order(left, right))
            .find(|found| found.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    made.into_iter().map(|(_, row)| row).collect()
}

fn figure(aggregate: &Aggregate, rows: &[Row]) -> Value<'static> {
    let Some(of) = &aggregate.of else { return Value::Int(rows.len() as i64) };
    let values: Vec<Value<'static>> =
        rows.iter().map(|row| of.value(&MapRow(row), NOW)).filter(|value| *value != Value::Null).collect();
    let scalars: Vec<Value<'static>> = values.iter().cloned().flat_map(items).collect();
    let numbers: Vec<i64> = scalars.iter().filter_map(Value::as_int).collect();
    match aggregate.measure {
        Measure::Count => Value::Int(values.iter().filter(|value| **value != Value::Bool(false)).count() as i64),
        Measure::Distinct => Value::Int(scalars.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len() as i64),
        Measure::Sum if numbers.is_empty() => Value::Null,
        Measure::Sum => Value::Int(numbers.iter().sum()),
        Measure::Average if numbers.is_empty() => Value::Null,
        Measure::Average => cell::of_float(numbers.iter().sum::<i64>() as f64 / numbers.len() as f64),
        Measure::Min => scalars
            .iter()
            .min_by(|a, b| cell::order(a, b).then(a.to_text().cmp(&b.to_text())))
            .cloned()
            .unwrap_or(Value::Null),
        Measure::Max => scalars
            .iter()
            .max_by(|a, b| cell::order(a, b).then(b.to_text().cmp(&a.to_text())))
            .cloned()
            .unwrap_or(Value::Null),
        Measure::Percentile(share) => {
            let mut sorted = numbers;
            sorted.sort_unstable();
            let rank = (share / 100.0 * sorted.len() as f64).ceil().max(1.0) as usize;
            sorted.get(rank - 1).map_or(Value::Null, |number| Value::Int(*number))
        }
        // Rows come newest first.
        Measure::First => values.last().cloned().unwrap_or(Value::Null),
        Measure::Last => values.first().cloned().unwrap_or(Value::Null),
        Measure::Values => {
            let kept: BTreeMap<String, Value<'static>> =
                scalars.into_iter().rev().map(|value| (value.to_string(), value)).collect();
            let mut list: Vec<Value<'static>> = kept.into_values().collect();
            list.sort_by(cell::order);
            if list.is_empty() { Value::Null } else { Value::List(list) }
        }
    }
}

#[derive(Debug, Clone)]
struct Seed {
    user: Option<&'static str>,
    address: &'static str,
    port: Option<i64>,
    kinds: Vec<&'static str>,
}

fn seed() -> impl Strategy<Value = Seed> {
    let user = prop::option::of(prop::sample::select(vec!["root", "Root", "an.nguyen", "Nguyễn", "7"]));
    let address = prop::sample::select(vec!["10.0.0.1", "10.0.0.10", "10.0.0.9", "2001:db8::1"]);
    let kinds = prop::collection::vec(prop::sample::select(vec!["start", "end", "info"]), 0..3);
    (user, address, prop::option::of(-3..9_i64), kinds).prop_map(|(user, address, port, kinds)| Seed {
        user,
        address,
        port,
        kinds,
    })
}

fn events(seeds: &[Seed]) -> Vec<Event<'static>> {
    seeds
        .iter()
        .zip(0_i64..)
        .map(|(seed, number)| {
            let mut event = Event::new("line", Timestamp(NOW.0 - number * 17_000_000_000));
            event.id = EventId(1_000 - number as u64);
            event.set(ecs::SOURCE_IP, seed.address.parse::<std::net::IpAddr>().expect("address"));
            event.set(ecs::EVENT_TYPE, Value::List(seed.kinds.iter().copied().map(Value::from).collect()));
            seed.user.into_iter().for_each(|user| event.set(ecs::USER_NAME, user));
            seed.port.into_iter().for_each(|port| event.set(ecs::SOURCE_PORT, port));
            event
        })
        .collect()
}

fn row_of(event: &Event<'static>) -> Row {
    let mut row: Row = event.fields.iter().map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect();
    row.insert("@timestamp".to_owned(), Value::Time(event.timestamp));
    row.insert("longan.id".to_owned(), Value::Int(event.id.0 as i64));
    row.insert("event.ingested".to_owned(), Value::Time(event.ingested));
    row.insert("event.original".to_owned(), Value::from("line"));
    row
}

const STAGES: [&str; 27] = [
    "where source.port > 2",
    "where user.name = \"ROOT\" or isnull(user.name)",
    "where not event.type = \"start\"",
    "where event.type != \"end\" and source.ip in (\"10.0.0.1\", \"10.0.0.9\")",
    "eval n = source.port * 2 + 1, odd = n % 4",
    "eval user.name = lower(user.name)",
    "head 5",
    "fields user.name, source.port, @timestamp",
    "fields - source.ip, event.type",
    "rename user.name as who",
    "rename source.port as user.name",
    "dedup user.name",
    "dedup source.ip, event.type",
    "sort -source.port, user.name",
    "sort source.ip, -user.name",
    "sort -@timestamp",
    "stats count() as n, dc(user.name) as u by source.ip",
    "stats count() as n, sum(source.port) as s, avg(source.port) as a, min(user.name), max(user.name) by event.type",
    "stats median(source.port) as m, p90(source.port) as p, count(source.port > 3) as c by user.name, source.ip",
    "stats values(user.name) as v, min(source.ip), max(source.ip)",
    "stats sum(n) as n, count() as c by u",
    "stats values(event.type) as k by source.port",
    "top 2 user.name",
    "rare 3 source.ip, event.type",
    "timechart span=1m count(), dc(user.name) as u",
    "timechart span=30s max(source.port) as m",
    "where n >= 2 | sort -n",
];

fn visible(rows: Vec<Row>) -> Vec<BTreeMap<String, String>> {
    let cells = |row: Row| {
        row.into_iter()
            .filter(|(_, cell)| *cell != Value::Null)
            .map(|(name, cell)| (name, format!("{cell:?}")))
            .collect()
    };
    rows.into_iter().map(cells).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_pipeline_does_what_the_plain_interpreter_does(
        seeds in prop::collection::vec(seed(), 0..30),
        stages in prop::collection::vec(prop::sample::select(STAGES.to_vec()), 1..5),
    ) {
        let text = format!("* | {}", stages.join(" | "));
        let search = parse_search(&text, NOW).map_err(|err| TestCaseError::fail(format!("`{text}`: {err}")))?;
        let events = events(&seeds);
        let mut runner = EventRunner::new(&search.stages, &limits());
        for event in &events {
            if !runner.push(event) {
                break;
            }
        }
        let table = runner.finish();
        let rows: Vec<Row> = table.rows.iter().map(|row| table.columns.iter().cloned().zip(row.iter().cloned()).collect()).collect();
        let expected = run(&search.stages, events.iter().map(row_of).collect());
        prop_assert_eq!(visible(rows), visible(expected), "{}", text);
    }
}
