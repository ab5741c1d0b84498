//! Counting by a field: over the events that are loaded at once, then over all that the query finds.

use crate::console::look::format::condition;
use crate::console::model::Model;
use crate::console::model::overlay::Overlay;
use crate::console::model::search::SearchFocus;
use crate::console::model::search::plain;
use crate::console::msg::Cmd;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::link;
use crate::model::Timestamp;
use crate::query;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;

/// Values asked for at once.
const VALUES_ASKED: u32 = 200;

/// Counts by the field under the cursor, or lets one be chosen.
pub(in crate::console::update) fn count_by(model: &mut Model) -> Vec<Cmd> {
    let field = match model.search.focus {
        SearchFocus::Event => model.search.focused_field().map(|(field, _)| field.to_owned()),
        SearchFocus::Query | SearchFocus::Rows => None,
    };
    match field {
        Some(field) => open(model, field),
        None => {
            model.overlay = Some(Overlay::Fields { rows: model.search.fields(), cursor: 0 });
            Vec::new()
        }
    }
}

/// Shows what the loaded events have, and asks for all; of a live tail there is nothing more than what is loaded.
pub(in crate::console::update) fn open(model: &mut Model, field: String) -> Vec<Cmd> {
    let rows = model.search.values(&field);
    let mut cmds = Vec::new();
    if !model.search.is_tailing && !link::is_away(model) {
        let request = SearchRequest {
            q: format!("{} | top {VALUES_ASKED} {}", filter_of(&model.search.asked), column(&field)),
            since: model.search.since.clone(),
            until: model.search.until.clone(),
            limit: Some(VALUES_ASKED),
            cursor: None,
        };
        cmds.push(ask(model, Slot::Counts, Request::Table(request)));
    }
    model.overlay = Some(Overlay::Counts { field, rows, cursor: 0, is_whole: false });
    cmds
}

/// The counts over everything take the place of those over a part, the cursor on the value it was on.
pub(in crate::console::update) fn arrived(model: &mut Model, table: &SearchTable) {
    let Some(Overlay::Counts { field, rows, cursor, is_whole }) = &mut model.overlay else { return };
    let value = rows.get(*cursor).map(|(value, _)| value.clone());
    let is_it = table.columns.first() == Some(field);
    if !is_it {
        return;
    }
    let count = |row: &Vec<serde_json::Value>| {
        let count = row.get(1)?.as_u64()?;
        Some((plain(row.first()?), usize::try_from(count).ok()?))
    };
    *rows = table.rows.iter().filter_map(count).collect();
    *cursor = value.and_then(|value| rows.iter().position(|(known, _)| *known == value)).unwrap_or(0);
    *is_whole = table.explain.partial.is_none();
}

/// Returns the filter of a query, without its pipes.
pub(in crate::console::update) fn filter_of(asked: &str) -> String {
    let piped = query::parse_search(asked, Timestamp(0)).ok().filter(|parsed| !parsed.stages.is_empty());
    piped.map_or_else(|| asked.to_owned(), |parsed| parsed.filter.to_string())
}

/// Writes a field as a column of a pipe.
pub(super) fn column(field: &str) -> String {
    format!("`{}`", field.replace('`', ""))
}

/// Writes the condition that an event has a field.
pub(super) fn has_field(field: &str) -> String {
    condition("_exists_", field)
}
