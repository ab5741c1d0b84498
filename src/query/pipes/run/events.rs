//! Events as the rows of a pipeline: only the cells it looks at are made.

use crate::model::Event;
use crate::model::EventId;
use crate::model::Field;
use crate::model::Value;
use crate::model::ecs;
use crate::query::pipes::run::Flow;
use crate::query::pipes::run::Limits;
use crate::query::pipes::run::Runner;
use crate::query::pipes::run::Sink;
use crate::query::pipes::run::Table;
use crate::query::pipes::run::Wanted;
use crate::query::pipes::run::counts_equal_rows;
use crate::query::pipes::run::needs_order;
use crate::query::pipes::run::only_charts_time;
use crate::query::pipes::run::wanted;
use crate::query::pipes::stage::Stage;

/// A row handed on by a pipeline that collects none: column names with their cells.
pub type NamedRow = Vec<(String, Value<'static>)>;

/// Runs a pipeline over events.
pub struct EventRunner {
    runner: Runner,
    /// `None` when the pipeline wants whatever there is.
    wanted: Option<Vec<(String, Option<Field>)>>,
    needs_order: bool,
    is_streaming: bool,
    counts_equal_rows: bool,
    only_charts_time: bool,
    handed_back: Vec<Vec<Value<'static>>>,
    rows_max: usize,
    is_cut: bool,
}

impl EventRunner {
    /// Sets up a pipeline.
    pub fn new(stages: &[Stage], limits: &Limits) -> EventRunner {
        let wanted = match wanted(stages) {
            Wanted::Everything => None,
            Wanted::Only(names) => {
                Some(names.into_iter().map(|name| (name.clone(), Field::from_name(&name))).collect::<Vec<_>>())
            }
        };
        let columns: Vec<String> = wanted.iter().flatten().map(|(name, _)| name.clone()).collect();
        EventRunner {
            runner: Runner::new(stages, &columns, limits),
            wanted,
            needs_order: needs_order(stages),
            is_streaming: stages.iter().all(Stage::is_streaming),
            counts_equal_rows: counts_equal_rows(stages),
            only_charts_time: only_charts_time(stages),
            handed_back: Vec::new(),
            rows_max: limits.rows_max,
            is_cut: false,
        }
    }

    /// Says whether events must be pushed newest first.
    pub fn needs_order(&self) -> bool {
        self.needs_order
    }

    /// Says whether rows go through one by one, so that they can be shown as they come.
    pub fn is_streaming(&self) -> bool {
        self.is_streaming
    }

    /// Returns the columns that are looked at, for a pipeline that takes equal rows together ([`EventRunner::push_cells`]).
    pub fn grouped_columns(&self) -> Option<&[(String, Option<Field>)]> {
        self.wanted.as_deref().filter(|_| self.counts_equal_rows)
    }

    /// Returns how far times are told apart when they may be rounded down: all of one span are the same.
    pub fn time_span_ns(&self) -> Option<i64> {
        match &self.runner.sink {
            Sink::Timechart(chart) if self.only_charts_time => Some(chart.span_ns()),
            _ => None,
        }
    }

    /// Takes so many events that have these cells in the [`EventRunner::grouped_columns`]; returns whether more make a difference.
    pub fn push_cells(&mut self, cells: Vec<Value<'static>>, times: u32) -> bool {
        self.runner.push_times(cells, times) == Flow::More
    }

    /// Takes an event and keeps what the pipeline hands on; returns whether more events make a difference.
    pub fn push(&mut self, event: &Event<'_>) -> bool {
        let row = self.row_of(event);
        match self.runner.push(row) {
            Flow::More => true,
            Flow::Enough => false,
            Flow::Row(row) | Flow::LastRow(row) if self.handed_back.len() >= self.rows_max => {
                drop(row);
                self.is_cut = true;
                false
            }
            Flow::Row(row) => {
                self.handed_back.push(row);
                true
            }
            Flow::LastRow(row) => {
                self.handed_back.push(row);
                false
            }
        }
    }

    /// Takes an event and returns the row it became, if any, and whether more events make a difference.
    pub fn push_through(&mut self, event: &Event<'_>) -> (Option<NamedRow>, bool) {
        let row = self.row_of(event);
        let (row, goes_on) = match self.runner.push(row) {
            Flow::More => return (None, true),
            Flow::Enough => return (None, false),
            Flow::Row(row) => (row, true),
            Flow::LastRow(row) => (row, false),
        };
        let cells = self.runner.shown().into_iter().filter_map(|(name, place)| {
            let value = row.get(place).filter(|value| **value != Value::Null)?;
            Some((name, value.clone()))
        });
        (Some(cells.collect()), goes_on)
    }

    /// Returns the table.
    pub fn finish(self) -> Table {
        let mut table = self.runner.finish(self.handed_back);
        if self.is_cut {
            table.notes.push(format!("there are more rows; the first {} are shown", self.rows_max));
            table.partial = table.partial.or(Some(crate::query::pipes::run::ROW_LIMIT));
        }
        table
    }

    fn row_of(&mut self, event: &Event<'_>) -> Vec<Value<'static>> {
        if let Some(wanted) = &self.wanted {
            return wanted.iter().map(|(name, field)| cell_of(event, name, *field)).collect();
        }
        let mut row = Vec::with_capacity(event.fields.len() + 6);
        self.put(&mut row, ecs::TIMESTAMP.name(), Value::Time(event.timestamp));
        for field in
            [ecs::LONGAN_ID, ecs::EVENT_INGESTED, ecs::EVENT_ORIGINAL, ecs::LONGAN_PARSER, ecs::LONGAN_PARSE_ERROR]
        {
            let value = cell_of(event, field.name(), Some(field));
            self.put(&mut row, field.name(), value);
        }
        for (name, value) in &event.fields {
            self.put(&mut row, name.as_str(), value.clone().into_owned());
        }
        row
    }

    fn put(&mut self, row: &mut Vec<Value<'static>>, name: &str, value: Value<'static>) {
        let place = self.runner.column(name);
        if row.len() <= place {
            row.resize(place + 1, Value::Null);
        }
        if let Some(cell) = row.get_mut(place) {
            *cell = value;
        }
    }
}

/// Returns what an event has under a name: its fields, and what is a member of its own.
pub fn cell_of(event: &Event<'_>, name: &str, field: Option<Field>) -> Value<'static> {
    let text = |text: &str| Value::from(text.to_owned());
    match field {
        Some(ecs::TIMESTAMP) => Value::Time(event.timestamp),
        Some(ecs::EVENT_INGESTED) => Value::Time(event.ingested),
        Some(ecs::EVENT_ORIGINAL) => text(event.raw),
        Some(ecs::LONGAN_ID) if event.id == EventId::ZERO => Value::Null,
        Some(ecs::LONGAN_ID) => Value::Int(i64::try_from(event.id.0).unwrap_or(i64::MAX)),
        Some(ecs::LONGAN_PARSER) => event.parser.map_or(Value::Null, text),
        Some(ecs::LONGAN_PARSE_ERROR) => event.failure.map_or(Value::Null, |failure| text(failure.as_str())),
        Some(field) => event.get(field).map_or(Value::Null, |value| value.clone().into_owned()),
        None => event.get_by_name(name).map_or(Value::Null, |value| value.clone().into_owned()),
    }
}
