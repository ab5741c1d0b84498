//! Queries with pipes: from the request to the pipeline, and from its table to the API's.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::model::Timestamp;
use crate::model::Value;
use crate::query::Search;
use crate::query::pipes::run::EventRunner;
use crate::query::pipes::run::Limits;
use crate::query::pipes::run::Shape;
use crate::query::pipes::run::Table;
use crate::server::services::EventObject;
use crate::store::Explain;
use crate::store::Options;
use crate::store::Searcher;
use crate::wire::search::SearchExplain;
use crate::wire::search::SearchTable;
use crate::wire::search::TableShape;

/// Rows of a table unless the request says otherwise, and at most.
const ROWS: u32 = 10_000;
const ROWS_MAX: u32 = 100_000;

/// Returns what a pipeline may use over what is searched.
pub(super) fn limits(
    limit: Option<u32>,
    options: &Options,
    searcher: &Searcher,
    now: Timestamp,
    bytes_max: usize,
) -> Limits {
    let (oldest, newest) = searcher.time_span().unwrap_or((now, now));
    Limits {
        bytes_max,
        rows_max: limit.unwrap_or(ROWS).min(ROWS_MAX) as usize,
        now,
        since: options.since.unwrap_or(oldest).max(oldest),
        until: options.until.unwrap_or(newest).min(newest.max(now)),
    }
}

/// Turns a table into the API's form.
pub(super) fn wire_of(search: &Search, table: Table, explain: &Explain, mut cost: SearchExplain) -> SearchTable {
    let Table { shape, columns, rows, span, mut notes, partial } = table;
    let stopped = explain.partial.as_deref().filter(|reason| *reason != "cancelled");
    if let Some(reason) = stopped.filter(|reason| *reason == "deadline") {
        notes.push(format!(
            "the {reason} ended the search after {} events: the figures cover those alone",
            explain.events_read
        ));
    }
    cost.partial = cost.partial.or(partial.map(str::to_owned));
    let cells = |row: Vec<Value<'static>>| row.into_iter().map(|cell| json_of(&cell)).collect();
    SearchTable {
        shape: match shape {
            Shape::Events => TableShape::Events,
            Shape::Groups => TableShape::Groups,
            Shape::Chart => TableShape::Chart,
        },
        columns,
        rows: rows.into_iter().map(cells).collect(),
        span_ms: span.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        notes,
        plan: plan_of(search),
        explain: cost,
    }
}

/// Writes the query as it was read.
fn plan_of(search: &Search) -> Vec<String> {
    std::iter::once(search.filter.to_string()).chain(search.stages.iter().map(ToString::to_string)).collect()
}

/// Turns a row of a table into an object without its empty cells.
pub(super) fn object_of(columns: &[String], row: Vec<serde_json::Value>) -> EventObject {
    columns.iter().cloned().zip(row).filter(|(_, cell)| !cell.is_null()).collect()
}

pub(super) fn json_of(cell: &Value<'_>) -> serde_json::Value {
    // A cell is plain: it always becomes JSON.
    serde_json::to_value(cell).unwrap_or_default()
}

/// Hands each row of a pipeline that collects none to `emit` as it comes.
pub(super) fn stream_event(
    runner: &mut EventRunner,
    event: &crate::model::Event<'_>,
    emit: &mut dyn FnMut(&EventObject) -> bool,
) -> bool {
    let (row, goes_on) = runner.push_through(event);
    let is_read = row.is_none_or(|row| {
        let object: EventObject = row.into_iter().map(|(name, cell)| (name, json_of(&cell))).collect();
        emit(&object)
    });
    goes_on && is_read
}

/// A flag that nobody has set.
pub(super) fn never() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}
