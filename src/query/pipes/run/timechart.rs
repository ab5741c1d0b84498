//! `timechart`: figures over equal spans of time, one column a series; the smaller series are folded into one.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use hashbrown::HashMap;

use crate::model::Timestamp;
use crate::model::Value;
use crate::query::pipes::cell;
use crate::query::pipes::run::Columns;
use crate::query::pipes::run::Limits;
use crate::query::pipes::run::Memory;
use crate::query::pipes::run::ROW_LIMIT;
use crate::query::pipes::run::TIME;
use crate::query::pipes::run::Table;
use crate::query::pipes::run::accumulate::Accumulator;
use crate::query::pipes::run::groups::Figure;
use crate::query::pipes::run::groups::Incoming;
use crate::query::pipes::run::groups::add_row;
use crate::query::pipes::run::groups::place_of;
use crate::query::pipes::stage::Aggregate;

/// A chart has no more rows than this; the newest are shown.
const BUCKETS_MAX: i64 = 10_000;
/// Rows that a chart without a span aims at.
const BUCKETS_AIM: i64 = 100;
/// The name of the series that the smaller ones are folded into.
const OTHER: &str = "other";
/// What events without the field count in.
const NONE: &str = "none";

/// Spans that people read easily, in seconds.
const SPANS: [i64; 18] =
    [1, 5, 10, 15, 30, 60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000];

struct Series {
    name: String,
    rows: u64,
    /// Figures by the number of the bucket.
    buckets: HashMap<i64, Vec<Accumulator>>,
}

/// Rows by time and series.
pub(super) struct Timechart {
    span_ns: i64,
    figures: Vec<Figure>,
    time: usize,
    by: Option<usize>,
    limit: usize,
    series: Vec<Series>,
    places: HashMap<Vec<u8>, usize>,
    key: Vec<u8>,
    seen: i64,
    without_time: u64,
}

impl Timechart {
    pub(super) fn new(
        span: Option<Duration>,
        aggregates: &[Aggregate],
        by: Option<&str>,
        limit: usize,
        columns: &mut Columns,
        limits: &Limits,
    ) -> Timechart {
        let chosen = || {
            let searched = limits.until.0.saturating_sub(limits.since.0).max(0);
            let least = searched / BUCKETS_AIM;
            let seconds = SPANS.into_iter().find(|seconds| seconds * 1_000_000_000 >= least);
            seconds.unwrap_or(2_592_000) * 1_000_000_000
        };
        let span_ns = span.map_or_else(chosen, |span| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)).max(1);
        Timechart {
            span_ns,
            figures: Figure::all(aggregates, columns),
            time: columns.place(TIME),
            by: by.map(|name| columns.place(name)),
            limit,
            series: Vec::new(),
            places: HashMap::new(),
            key: Vec::new(),
            seen: 0,
            without_time: 0,
        }
    }

    /// Returns the width of a row: times are told apart only so far.
    pub(super) fn span_ns(&self) -> i64 {
        self.span_ns
    }

    pub(super) fn push(&mut self, row: &[Value<'static>], times: u32, now: Timestamp, memory: &mut Memory) {
        self.seen += i64::from(times);
        let Some(Value::Time(time)) = row.get(self.time) else {
            self.without_time += u64::from(times);
            return;
        };
        let bucket = time.0.div_euclid(self.span_ns);
        let incoming = Incoming { row, times, place: place_of(row, Some(self.time), self.seen), now };
        let value = self.by.map(|by| row.get(by).unwrap_or(&Value::Null));
        let items: Vec<&Value<'static>> = match value {
            None => vec![&Value::Null],
            Some(Value::List(items)) if !items.is_empty() => items.iter().collect(),
            Some(scalar) => vec![scalar],
        };
        for item in items {
            self.key.clear();
            cell::push_key(&mut self.key, item);
            let index = match self.places.get(&self.key) {
                Some(index) => *index,
                None => {
                    let name = if *item == Value::Null { NONE.to_owned() } else { item.to_text().into_owned() };
                    memory.add(2 * name.len() + 160);
                    self.series.push(Series { name, rows: 0, buckets: HashMap::new() });
                    self.places.insert(self.key.clone(), self.series.len() - 1);
                    self.series.len() - 1
                }
            };
            let Some(series) = self.series.get_mut(index) else { continue };
            series.rows += u64::from(times);
            let figures = &self.figures;
            let accumulators = series.buckets.entry(bucket).or_insert_with(|| {
                memory.add(figures.len() * size_of::<Accumulator>() + 48);
                figures.iter().map(Figure::accumulator).collect()
            });
            memory.add(add_row(figures, accumulators, incoming));
        }
    }

    pub(super) fn finish(self) -> Table {
        let Timechart { span_ns, figures, by, limit, mut series, without_time, .. } = self;
        let mut notes: BTreeSet<String> = BTreeSet::new();
        if without_time > 0 {
            notes.insert(format!("{without_time} rows have no {TIME} and are not in the chart"));
        }
        series.sort_by(|left, right| (Reverse(left.rows), &left.name).cmp(&(Reverse(right.rows), &right.name)));
        fold(&mut series, limit, &mut notes);
        let accumulators = series.iter().flat_map(|series| series.buckets.values()).flatten();
        notes.extend(accumulators.filter_map(Accumulator::note).map(str::to_owned));
        let mut columns = vec![TIME.to_owned()];
        for figure in &figures {
            match (by, figures.len()) {
                (None, _) => columns.push(figure.name.clone()),
                (Some(_), 1) => columns.extend(series.iter().map(|series| series.name.clone())),
                (Some(_), _) => columns.extend(series.iter().map(|series| format!("{}: {}", figure.name, series.name))),
            }
        }
        let buckets = || series.iter().flat_map(|series| series.buckets.keys().copied());
        let (oldest, newest) = (buckets().min().unwrap_or(0), buckets().max().unwrap_or(-1));
        let first = oldest.max(newest.saturating_sub(BUCKETS_MAX - 1));
        let partial = (first > oldest).then_some(ROW_LIMIT);
        if partial.is_some() {
            notes.insert(format!(
                "the chart has more than {BUCKETS_MAX} rows, and the newest are shown: choose a wider span"
            ));
        }
        let empty: Vec<Value<'static>> = figures.iter().map(|figure| figure.accumulator().value()).collect();
        let rows = (first..=newest).map(|bucket| row_of(bucket, span_ns, &series, &empty, by.is_none())).collect();
        let span = Some(Duration::from_nanos(u64::try_from(span_ns).unwrap_or(1)));
        Table { columns, rows, notes: notes.into_iter().collect(), span, partial, ..Table::default() }
    }
}

fn row_of(
    bucket: i64,
    span_ns: i64,
    series: &[Series],
    empty: &[Value<'static>],
    is_single: bool,
) -> Vec<Value<'static>> {
    let mut row = vec![Value::Time(Timestamp(bucket.saturating_mul(span_ns)))];
    for (index, nothing) in empty.iter().enumerate() {
        let value = |series: &Series| {
            let accumulator = series.buckets.get(&bucket).and_then(|figures| figures.get(index));
            accumulator.map_or_else(|| nothing.clone(), Accumulator::value)
        };
        row.extend(series.iter().map(value));
        if is_single && series.is_empty() {
            row.push(nothing.clone());
        }
    }
    row
}

/// Folds all series after the first ones into one at the end.
fn fold(series: &mut Vec<Series>, limit: usize, notes: &mut BTreeSet<String>) {
    if series.len() <= limit {
        return;
    }
    let folded = series.split_off(limit);
    notes.insert(format!("{} smaller series are folded into `{OTHER}`", folded.len()));
    let mut other = Series { name: OTHER.to_owned(), rows: 0, buckets: HashMap::new() };
    for one in folded {
        other.rows += one.rows;
        for (bucket, figures) in one.buckets {
            match other.buckets.get_mut(&bucket) {
                Some(have) => have.iter_mut().zip(figures).for_each(|(have, figure)| have.merge(figure)),
                None => drop(other.buckets.insert(bucket, figures)),
            }
        }
    }
    series.push(other);
}
