//! Running a pipeline: rows are pushed in, and a [`Table`] comes out.
//!
//! The first part, up to and including the first stage that needs all rows, sees the events one by one; what comes after works
//! on its table. Memory is counted as rows and groups are kept; when the limit is reached the pipeline takes no more rows,
//! and the table says so.

mod accumulate;
mod columns;
mod events;
mod groups;
mod rows;
mod sketch;
mod summary;
mod timechart;

use std::time::Duration;

pub use events::EventRunner;
pub use events::NamedRow;
pub use events::cell_of;
use hashbrown::HashSet;

use crate::model::Timestamp;
use crate::model::Value;
use crate::query::pipes::cell;
use crate::query::pipes::expr::Expr;
use crate::query::pipes::expr::Row;
use crate::query::pipes::run::columns::Columns;
use crate::query::pipes::run::groups::Groups;
use crate::query::pipes::run::rows::Rows;
use crate::query::pipes::run::summary::Summary;
use crate::query::pipes::run::timechart::Timechart;
use crate::query::pipes::stage::Aggregate;
use crate::query::pipes::stage::Measure;
use crate::query::pipes::stage::Stage;

/// The column that gives events their time.
pub const TIME: &str = "@timestamp";

/// What a pipeline may use, and what it needs to know.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Memory for rows and groups.
    pub bytes_max: usize,
    /// Rows of the table at the end.
    pub rows_max: usize,
    pub now: Timestamp,
    /// The span of time searched: what a `timechart` without a span goes by.
    pub since: Timestamp,
    pub until: Timestamp,
}

/// How a table is best shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// Rows that are events, or what is left of them.
    #[default]
    Events,
    /// Rows that are groups.
    Groups,
    /// Rows that are spans of time, the first column being the time.
    Chart,
}

/// What a pipeline gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    pub shape: Shape,
    pub columns: Vec<String>,
    /// A row may be shorter than the columns: what is not there is missing.
    pub rows: Vec<Vec<Value<'static>>>,
    /// The width of a row of a chart.
    pub span: Option<Duration>,
    /// What the reader must know: figures that are estimates, rows that were left out.
    pub notes: Vec<String>,
    /// Why it is not the whole answer.
    pub partial: Option<&'static str>,
}

/// Why a table is not the whole answer: its memory is used up.
pub const MEMORY_LIMIT: &str = "memory limit";
/// Why a table is not the whole answer: it has as many rows as it may.
pub const ROW_LIMIT: &str = "row limit";

/// Says what becomes of the row just pushed.
#[derive(Debug, Clone, PartialEq)]
pub enum Flow {
    /// The next row, please.
    More,
    /// No further row makes a difference.
    Enough,
    /// A pipeline without a collecting stage hands the row on.
    Row(Vec<Value<'static>>),
    /// As `Row`, and it is the last.
    LastRow(Vec<Value<'static>>),
}

/// Which columns of the events a pipeline looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Whatever there is.
    Everything,
    Only(Vec<String>),
}

/// Memory that is counted, not measured.
#[derive(Debug)]
struct Memory {
    used: usize,
    max: usize,
}

impl Memory {
    fn add(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
    }

    fn is_spent(&self) -> bool {
        self.used > self.max
    }
}

/// A step that rows go through one by one.
enum Step {
    Where(Expr),
    Eval(Vec<(usize, Expr)>),
    Head {
        left: usize,
    },
    /// The columns are fixed; a row keeps its cells and the table picks them at the end.
    Dedup {
        columns: Vec<usize>,
        seen: HashSet<Vec<u8>>,
    },
}

/// Where the rows go that came through all steps.
enum Sink {
    /// Nowhere: they are handed back.
    Caller,
    Rows(Rows),
    Groups(Groups),
    Timechart(Timechart),
    Summary(Summary),
}

/// Runs the first part of a pipeline.
pub struct Runner {
    columns: Columns,
    steps: Vec<Step>,
    sink: Sink,
    memory: Memory,
    limits: Limits,
    /// The stages after the sink.
    rest: Vec<Stage>,
    shape: Shape,
    partial: Option<&'static str>,
    rows_in: u64,
}

/// A row with the names that a stage knew when it was set up: expressions are bound to places once.
struct Bound<'r> {
    row: &'r [Value<'static>],
}

impl Row for Bound<'_> {
    /// Names are places, written by [`bind`].
    fn cell(&self, name: &str) -> Option<&Value<'_>> {
        self.row.get(name.parse::<usize>().ok()?)
    }
}

/// Replaces the field names of an expression by the places of their columns.
fn bind(expr: &Expr, columns: &mut Columns) -> Expr {
    let inner = |expr: &Expr, columns: &mut Columns| Box::new(bind(expr, columns));
    match expr {
        Expr::Literal(value) => Expr::Literal(value.clone()),
        Expr::Field(name) => Expr::Field(columns.place(name).to_string()),
        Expr::Not(of) => Expr::Not(inner(of, columns)),
        Expr::Negative(of) => Expr::Negative(inner(of, columns)),
        Expr::Binary(operator, left, right) => Expr::Binary(*operator, inner(left, columns), inner(right, columns)),
        Expr::In(of, items) => Expr::In(inner(of, columns), items.iter().map(|item| bind(item, columns)).collect()),
        Expr::Matches(of, pattern) => Expr::Matches(inner(of, columns), pattern.clone()),
        Expr::Like(of, glob) => Expr::Like(inner(of, columns), glob.clone()),
        Expr::InNetwork(cidr, of) => Expr::InNetwork(*cidr, inner(of, columns)),
        Expr::Call(function, arguments) => {
            Expr::Call(*function, arguments.iter().map(|argument| bind(argument, columns)).collect())
        }
    }
}

/// Returns the columns of events that a pipeline looks at.
pub fn wanted(stages: &[Stage]) -> Wanted {
    let mut names: Vec<String> = Vec::new();
    let mut made: HashSet<String> = HashSet::new();
    let mut want = |name: &str, made: &HashSet<String>| {
        if !made.contains(name) && !names.iter().any(|have| have == name) {
            names.push(name.to_owned());
        }
    };
    for stage in stages {
        match stage {
            Stage::Where(expr) => expr.for_each_field(&mut |name| want(name, &made)),
            Stage::Eval(columns) => {
                for (name, expr) in columns {
                    expr.for_each_field(&mut |field| want(field, &made));
                    made.insert(name.clone());
                }
            }
            Stage::Stats { aggregates, by } => {
                want_aggregates(aggregates, &mut |name| want(name, &made));
                by.iter().for_each(|name| want(name, &made));
                return Wanted::Only(names);
            }
            Stage::Timechart { aggregates, by, .. } => {
                want(TIME, &made);
                want_aggregates(aggregates, &mut |name| want(name, &made));
                by.iter().for_each(|name| want(name, &made));
                return Wanted::Only(names);
            }
            Stage::Top { fields, .. } => {
                fields.iter().for_each(|name| want(name, &made));
                return Wanted::Only(names);
            }
            Stage::Fields(kept) => {
                kept.iter().for_each(|name| want(name, &made));
                return Wanted::Only(names);
            }
            Stage::Dedup(fields) => fields.iter().for_each(|name| want(name, &made)),
            Stage::Rename(pairs) => {
                for (from, to) in pairs {
                    want(from, &made);
                    made.insert(to.clone());
                }
            }
            Stage::Sort(keys) => keys.iter().for_each(|key| want(&key.name, &made)),
            Stage::Head(_) | Stage::FieldsWithout(_) => {}
            Stage::FieldSummary => return Wanted::Everything,
        }
    }
    Wanted::Everything
}

fn want_aggregates(aggregates: &[Aggregate], want: &mut dyn FnMut(&str)) {
    for aggregate in aggregates {
        if let Some(of) = &aggregate.of {
            of.for_each_field(want);
        }
        if matches!(aggregate.measure, Measure::First | Measure::Last) {
            want(TIME);
        }
    }
}

/// Says whether equal rows can be told by how many there are, in any order: they only go into groups, and no figure of a group
/// goes by which of them came first.
fn counts_equal_rows(stages: &[Stage]) -> bool {
    let is_of_order = |aggregate: &Aggregate| matches!(aggregate.measure, Measure::First | Measure::Last);
    match stages.iter().find(|stage| !stage.is_streaming()) {
        Some(Stage::Stats { aggregates, .. } | Stage::Timechart { aggregates, .. }) => {
            !needs_order(stages) && !aggregates.iter().any(is_of_order)
        }
        Some(Stage::Top { .. }) => !needs_order(stages),
        _ => false,
    }
}

/// Says whether only the chart itself looks at the time of the events.
fn only_charts_time(stages: &[Stage]) -> bool {
    let mut is_used = false;
    let mut visit = |name: &str| is_used |= name == TIME;
    for stage in stages {
        match stage {
            Stage::Where(expr) => expr.for_each_field(&mut visit),
            // What is set or renamed may be the time itself.
            Stage::Eval(_) | Stage::Rename(_) => return false,
            Stage::Timechart { aggregates, by, .. } => {
                aggregates
                    .iter()
                    .filter_map(|aggregate| aggregate.of.as_ref())
                    .for_each(|of| of.for_each_field(&mut visit));
                return !is_used && by.as_deref() != Some(TIME);
            }
            stage if stage.is_streaming() => {}
            _ => return false,
        }
    }
    false
}

/// Says whether the rows must come newest first; otherwise any order gives the same table.
pub fn needs_order(stages: &[Stage]) -> bool {
    let mut before = stages.iter().take_while(|stage| stage.is_streaming());
    stages.iter().all(Stage::is_streaming) || before.any(Stage::needs_order)
}

impl Runner {
    /// Sets up a pipeline over rows of these columns; events that have other columns bring them with [`Runner::column`].
    pub fn new(stages: &[Stage], columns: &[String], limits: &Limits) -> Runner {
        Runner::of_columns(stages, Columns::of_table(columns), Shape::Events, limits)
    }

    fn of_columns(stages: &[Stage], mut columns: Columns, shape: Shape, limits: &Limits) -> Runner {
        let streaming = stages.iter().take_while(|stage| stage.is_streaming()).count();
        let (before, after) = stages.split_at(streaming);
        let steps = before.iter().filter_map(|stage| step(stage, &mut columns)).collect();
        let (sink, shape, rest) = match after.split_first() {
            None => (Sink::Caller, shape, &[][..]),
            Some((stage, rest)) => {
                let (sink, shape, rest) = sink(stage, rest, shape, &mut columns, limits);
                (sink, shape, rest)
            }
        };
        let memory = Memory { used: 0, max: limits.bytes_max };
        Runner {
            columns,
            steps,
            sink,
            memory,
            limits: limits.clone(),
            rest: rest.to_vec(),
            shape,
            partial: None,
            rows_in: 0,
        }
    }

    /// Returns the place of an event's field among the cells of a row, making it when it is new.
    pub fn column(&mut self, name: &str) -> usize {
        self.columns.input(name)
    }

    /// Takes a row: its cells at the places of their columns.
    pub fn push(&mut self, row: Vec<Value<'static>>) -> Flow {
        self.push_times(row, 1)
    }

    /// Takes so many rows like this one, for a pipeline that makes groups of them and has no use for their order.
    fn push_times(&mut self, mut row: Vec<Value<'static>>, times: u32) -> Flow {
        self.rows_in += u64::from(times);
        let mut is_last = false;
        for step in &mut self.steps {
            match step {
                Step::Where(expr) => {
                    if !expr.is_true(&Bound { row: &row }, self.limits.now) {
                        return Flow::More;
                    }
                }
                Step::Eval(columns) => {
                    for (place, expr) in columns {
                        let value = expr.value(&Bound { row: &row }, self.limits.now);
                        put(&mut row, *place, value);
                    }
                }
                Step::Head { left } => {
                    if *left == 0 {
                        return Flow::Enough;
                    }
                    *left -= 1;
                    is_last |= *left == 0;
                }
                Step::Dedup { columns, seen } => {
                    let mut key = Vec::new();
                    let cells = columns.iter().map(|place| row.get(*place).unwrap_or(&Value::Null));
                    let is_there = cells.fold(false, |is_there, value| {
                        cell::push_key(&mut key, value);
                        is_there || *value != Value::Null
                    });
                    if !is_there || seen.contains(&key) {
                        return Flow::More;
                    }
                    self.memory.add(key.len() + 48);
                    seen.insert(key);
                }
            }
        }
        match &mut self.sink {
            Sink::Caller => {
                if self.memory.is_spent() {
                    self.partial = Some(MEMORY_LIMIT);
                    is_last = true;
                }
                return if is_last { Flow::LastRow(row) } else { Flow::Row(row) };
            }
            Sink::Rows(rows) => rows.push(row, &mut self.memory),
            Sink::Groups(groups) => groups.push(&row, times, self.limits.now, &mut self.memory),
            Sink::Timechart(chart) => chart.push(&row, times, self.limits.now, &mut self.memory),
            Sink::Summary(summary) => summary.push(&row, &mut self.memory),
        }
        if self.memory.is_spent() {
            self.partial = Some(MEMORY_LIMIT);
            return Flow::Enough;
        }
        if is_last { Flow::Enough } else { Flow::More }
    }

    /// Picks the shown cells of a row that was handed back.
    pub fn shown(&self) -> Vec<(String, usize)> {
        self.columns.shown()
    }

    /// Returns the table; `handed_back` are the rows that [`Runner::push`] gave back, for a pipeline that collects none itself.
    pub fn finish(self, handed_back: Vec<Vec<Value<'static>>>) -> Table {
        let Runner { columns, sink, limits, rest, shape, partial, rows_in, .. } = self;
        let mut table = match sink {
            Sink::Caller => picked(&columns, handed_back),
            Sink::Rows(rows) => picked(&columns, rows.finish()),
            Sink::Groups(groups) => groups.finish(),
            Sink::Timechart(chart) => chart.finish(),
            Sink::Summary(summary) => summary.finish(&columns.shown(), rows_in),
        };
        table.shape = shape;
        table.partial = table.partial.or(partial);
        if partial == Some(MEMORY_LIMIT) {
            table.notes.push(format!(
                "the memory limit of {} MiB was reached after {rows_in} events: the figures cover those alone",
                limits.bytes_max >> 20
            ));
        }
        if rest.is_empty() { cut(table, &limits) } else { go_on(table, &rest, &limits) }
    }
}

/// Runs the stages after a table.
fn go_on(table: Table, stages: &[Stage], limits: &Limits) -> Table {
    let columns = Columns::of_table(&table.columns);
    let mut runner = Runner::of_columns(stages, columns, table.shape, limits);
    let mut handed_back = Vec::new();
    for row in table.rows {
        match runner.push(row) {
            Flow::More => {}
            Flow::Enough => break,
            Flow::Row(row) => handed_back.push(row),
            Flow::LastRow(row) => {
                handed_back.push(row);
                break;
            }
        }
    }
    let mut next = runner.finish(handed_back);
    next.span = if next.shape == Shape::Chart { next.span.or(table.span) } else { None };
    next.partial = table.partial.or(next.partial);
    let mut notes = table.notes;
    notes.append(&mut next.notes);
    Table { notes, ..next }
}

fn cut(mut table: Table, limits: &Limits) -> Table {
    if table.rows.len() > limits.rows_max {
        table.notes.push(format!("{} rows were found, and the first {} are shown", table.rows.len(), limits.rows_max));
        table.rows.truncate(limits.rows_max);
        table.partial = table.partial.or(Some(ROW_LIMIT));
    }
    table
}

fn picked(columns: &Columns, rows: Vec<Vec<Value<'static>>>) -> Table {
    let shown = columns.shown();
    let is_plain = shown.len() == columns.count && shown.iter().zip(0..).all(|((_, place), index)| *place == index);
    let rows = if is_plain { rows } else { rows.into_iter().map(|row| pick(row, &shown)).collect() };
    Table { columns: shown.into_iter().map(|(name, _)| name).collect(), rows, ..Table::default() }
}

/// Takes the cells at some places of a row, in that order.
fn pick(row: Vec<Value<'static>>, shown: &[(String, usize)]) -> Vec<Value<'static>> {
    let take = |(_, place): &(String, usize)| row.get(*place).map_or(Value::Null, Value::clone);
    shown.iter().map(take).collect()
}

fn put(row: &mut Vec<Value<'static>>, place: usize, value: Value<'static>) {
    if row.len() <= place {
        row.resize(place + 1, Value::Null);
    }
    if let Some(slot) = row.get_mut(place) {
        *slot = value;
    }
}

/// Sets up a stage that rows go through one by one; `None` for one that only names columns.
fn step(stage: &Stage, columns: &mut Columns) -> Option<Step> {
    match stage {
        Stage::Where(expr) => Some(Step::Where(bind(expr, columns))),
        Stage::Eval(assigned) => Some(Step::Eval(
            assigned
                .iter()
                .map(|(name, expr)| {
                    let bound = bind(expr, columns);
                    (columns.set(name), bound)
                })
                .collect(),
        )),
        Stage::Head(count) => Some(Step::Head { left: *count }),
        Stage::Dedup(names) => {
            let columns = names.iter().map(|name| columns.place(name)).collect();
            Some(Step::Dedup { columns, seen: HashSet::new() })
        }
        Stage::Fields(names) => {
            columns.show(names);
            None
        }
        Stage::FieldsWithout(names) => {
            columns.hide(names);
            None
        }
        Stage::Rename(pairs) => {
            pairs.iter().for_each(|(from, to)| columns.rename(from, to));
            None
        }
        _ => None,
    }
}

fn sink<'s>(
    stage: &Stage,
    rest: &'s [Stage],
    shape: Shape,
    columns: &mut Columns,
    limits: &Limits,
) -> (Sink, Shape, &'s [Stage]) {
    match stage {
        Stage::Sort(keys) => {
            let keys = keys.iter().map(|key| (columns.place(&key.name), key.is_descending)).collect();
            // Only the first rows of the order are kept when nobody asks for the others.
            let keep = match rest.first() {
                Some(Stage::Head(count)) => Some(*count),
                _ => None,
            };
            (Sink::Rows(Rows::new(keys, keep)), shape, rest)
        }
        Stage::Stats { aggregates, by } => (Sink::Groups(Groups::stats(aggregates, by, columns)), Shape::Groups, rest),
        Stage::Top { fields, limit, is_rare } => {
            (Sink::Groups(Groups::top(fields, *limit, *is_rare, columns)), Shape::Groups, rest)
        }
        Stage::Timechart { span, aggregates, by, limit } => {
            let chart = Timechart::new(*span, aggregates, by.as_deref(), *limit, columns, limits);
            (Sink::Timechart(chart), Shape::Chart, rest)
        }
        // Everything else is a step.
        _ => (Sink::Summary(Summary::default()), Shape::Groups, rest),
    }
}
