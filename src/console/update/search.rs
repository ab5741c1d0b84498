//! The search screen: asking, paging, tailing, narrowing by a value, counting.

use crate::console::keys::input::Input;
use crate::console::look::format::condition;
use crate::console::look::format::fill;
use crate::console::look::layout::rows_in;
use crate::console::look::query_words;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::search::COLUMNS_MAX;
use crate::console::model::search::EVENTS_MAX;
use crate::console::model::search::PAGE_EVENTS;
use crate::console::model::search::SPANS;
use crate::console::model::search::SearchFocus;
use crate::console::model::search::plain;
use crate::console::msg::Cmd;
use crate::console::msg::EventObject;
use crate::console::msg::Failure;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::say;
use crate::model::Field;
use crate::model::Timestamp;
use crate::query as language;
use crate::wire::search::HistogramRequest;
use crate::wire::search::SearchPage;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;

mod counts;
mod query;
mod saved;

pub(super) use counts::arrived as counts_arrived;
pub(super) use counts::count_by;
pub(super) use counts::filter_of;
pub(super) use counts::open as open_counts;
pub(super) use query::ask_values;
pub(super) use query::press_query;
pub(super) use query::values_arrived;
pub(super) use saved::arrived as saved_arrived;
pub(super) use saved::open as open_saved;
pub(super) use saved::open_save;
pub(super) use saved::press as press_saved;
pub(super) use saved::submit as submit_saved;
pub(super) use saved::was_saved;

/// Rows of the body that are not events: query, error or cost, histogram, its span.
pub(super) const HEAD_ROWS: u16 = 4;

/// Stands in place of events that a live tail could not take.
const MISSED: &str = "longan.missed";

/// Rows of a table asked for at once.
const TABLE_ROWS: u32 = 5_000;

/// Shows the screen with a query and asks it.
pub(super) fn show(model: &mut Model, query: &str, since: Option<String>, until: Option<String>) -> Vec<Cmd> {
    model.screen = Screen::Search;
    model.search.query = Input::with(query);
    model.search.since = since;
    model.search.until = until;
    run(model)
}

/// Asks the query as it stands.
pub(super) fn run(model: &mut Model) -> Vec<Cmd> {
    let mut cmds = stop_tail(model);
    let search = &mut model.search;
    search.asked = search.query.text().trim().to_owned();
    search.focus = SearchFocus::Rows;
    search.is_loading = true;
    search.has_searched = true;
    search.failure = None;
    search.events.clear();
    search.summary.clear();
    search.table = None;
    search.scroll = Default::default();
    search.next = None;
    search.histogram = None;
    search.asked_at = Some(model.now);
    let histogram = HistogramRequest {
        q: search.asked.clone(),
        since: search.since.clone(),
        until: search.until.clone(),
        buckets: Some(u32::from(model.size.0.clamp(20, 300)) - 2),
    };
    let page = request(model, None);
    let question = if is_piped(&page.q) {
        Request::Table(SearchRequest { limit: Some(TABLE_ROWS), ..page })
    } else {
        Request::Search(page)
    };
    cmds.push(ask(model, Slot::Search, question));
    cmds.push(ask(model, Slot::Histogram, Request::Histogram(histogram)));
    query::remember(model);
    // A page that was still on its way belongs to another query.
    model.next_generation(Slot::SearchMore);
    cmds
}

/// Says whether a query has pipes; one that cannot be read is asked as it is, and the server tells what is wrong.
fn is_piped(text: &str) -> bool {
    language::parse_search(text, Timestamp(0)).is_ok_and(|search| !search.stages.is_empty())
}

pub(super) fn table_arrived(model: &mut Model, table: SearchTable) {
    let search = &mut model.search;
    search.is_loading = false;
    search.failure = None;
    search.explain = Some(table.explain.clone());
    search.table = Some(table);
    search.scroll = Default::default();
    keep_visible(model);
}

/// Asks for the events behind the row under the cursor: the filter, and the fields that the row is counted by.
fn drill(model: &mut Model) -> Vec<Cmd> {
    let search = &model.search;
    let row = search.table.as_ref().and_then(|table| Some((table, table.rows.get(search.scroll.cursor)?)));
    let Some((table, row)) = row else { return Vec::new() };
    let is_known = |name: &str| Field::from_name(name).is_some();
    let conditions: Vec<String> = table
        .columns
        .iter()
        .zip(row)
        .filter(|(name, cell)| is_known(name) && name.as_str() != "@timestamp" && !cell.is_null())
        .map(|(name, cell)| condition(name, &plain(cell)))
        .collect();
    let filter = language::parse_search(&search.asked, Timestamp(0)).map(|search| search.filter.to_string());
    let filter = filter.unwrap_or_default();
    let filter = if filter == "*" { String::new() } else { format!("({filter})") };
    if conditions.is_empty() {
        return Vec::new();
    }
    model.search.query = Input::with(format!("{filter} {}", conditions.join(" ")).trim());
    run(model)
}

fn request(model: &Model, cursor: Option<String>) -> SearchRequest {
    let search = &model.search;
    SearchRequest {
        q: search.asked.clone(),
        since: search.since.clone(),
        until: search.until.clone(),
        limit: Some(PAGE_EVENTS),
        cursor,
    }
}

pub(super) fn page_arrived(model: &mut Model, slot: Slot, page: SearchPage) {
    let search = &mut model.search;
    search.is_loading = false;
    search.failure = None;
    if slot == Slot::Search {
        search.events.clear();
        search.scroll = Default::default();
    } else if search.events.len() + page.events.len() > EVENTS_MAX {
        // The window is full: the older half gives way, so that paging back a little still works.
        let dropped = search.events.len() / 2;
        search.events.drain(..dropped);
        search.scroll.cursor = search.scroll.cursor.saturating_sub(dropped);
        search.scroll.top = search.scroll.top.saturating_sub(dropped);
    }
    search.events.extend(page.events.into_iter().take(EVENTS_MAX));
    search.next = page.next;
    search.explain = Some(page.explain);
    search.summarize();
    keep_visible(model);
}

/// Ends the search that runs: nobody waits for it any more, here or in the server.
pub(super) fn give_up(model: &mut Model) -> Vec<Cmd> {
    model.search.is_loading = false;
    let slots = [Slot::Search, Slot::SearchMore, Slot::Histogram];
    for slot in slots {
        model.next_generation(slot);
    }
    say(model, model.text(Text::SearchGivenUp));
    slots.map(Cmd::GiveUp).to_vec()
}

/// Shows the field under the cursor as a column, or no longer.
pub(super) fn toggle_column(model: &mut Model) {
    let field = model.search.focused_field().map(|(field, _)| field.to_owned());
    let Some(field) = field.filter(|_| model.search.focus == SearchFocus::Event) else {
        return complain(model, model.text(Text::ColumnHint));
    };
    let columns = &mut model.search.columns;
    match columns.iter().position(|known| *known == field) {
        Some(place) => drop(columns.remove(place)),
        None if columns.len() >= COLUMNS_MAX => {
            let text = fill(model.text(Text::ColumnsFull), &[&COLUMNS_MAX.to_string()]);
            return complain(model, text);
        }
        None => columns.push(field),
    }
    let text = fill(model.text(Text::DoneColumn), &[&model.search.columns.join(" ")]);
    say(model, text);
    keep_visible(model);
}

/// A wrong query: the cursor goes to the place the server names.
pub(super) fn failed(model: &mut Model, mut failure: Failure) {
    model.search.is_loading = false;
    // The same reader is here: it says what is wrong in the language of the console.
    let read =
        language::parse_search(&model.search.asked, Timestamp(model.now.as_nanosecond().try_into().unwrap_or(0)));
    if let (Some(column), Err(err)) = (failure.column, read)
        && u32::try_from(err.column) == Ok(column)
    {
        (failure.text, failure.hint) = query_words::told(model.lang, &err);
    }
    if failure.column.is_some() {
        model.search.focus = SearchFocus::Query;
    }
    model.search.failure = Some(failure);
}

pub(super) fn page_rows(model: &Model) -> usize {
    // Chosen columns have a head of their own.
    rows_in(model.layout().body, HEAD_ROWS + u16::from(!model.search.columns.is_empty()))
}

pub(super) fn keep_visible(model: &mut Model) {
    let height = page_rows(model);
    let search = &mut model.search;
    search.scroll.follow(search.row_count(), height);
    let fields = search.focused().map_or(0, |event| event.len());
    search.event_scroll.follow(fields, height);
}

/// Moves through events or fields; at the end of the events the next page is asked for.
pub(super) fn move_by(model: &mut Model, rows: isize) -> Vec<Cmd> {
    let search = &mut model.search;
    let mut cmds = Vec::new();
    if search.focus == SearchFocus::Event {
        let fields = search.focused().map_or(0, |event| event.len());
        search.event_scroll.move_by(rows, fields);
    } else {
        let at_end = rows > 0 && search.scroll.cursor + 1 >= search.row_count();
        search.scroll.move_by(rows, search.row_count());
        if at_end && !search.is_loading && search.next.is_some() {
            search.is_loading = true;
            let cursor = search.next.clone();
            let more = request(model, cursor);
            cmds.push(ask(model, Slot::SearchMore, Request::Search(more)));
        }
    }
    keep_visible(model);
    cmds
}

pub(super) fn open(model: &mut Model) -> Vec<Cmd> {
    match model.search.focus {
        SearchFocus::Query => run(model),
        SearchFocus::Rows if model.search.table.is_some() => drill(model),
        SearchFocus::Rows if model.search.focused().is_some() => {
            model.search.focus = SearchFocus::Event;
            model.search.event_scroll = Default::default();
            Vec::new()
        }
        SearchFocus::Rows => run(model),
        SearchFocus::Event => narrow(model, false),
    }
}

/// Adds the value under the cursor to the query, or excludes it, and asks again.
pub(super) fn narrow(model: &mut Model, exclude: bool) -> Vec<Cmd> {
    let Some((field, value)) = model.search.focused_field().map(|(field, value)| (field.to_owned(), value)) else {
        return Vec::new();
    };
    if model.search.focus != SearchFocus::Event {
        return Vec::new();
    }
    narrow_by(model, &field, &value, exclude)
}

pub(super) fn narrow_by(model: &mut Model, field: &str, value: &str, exclude: bool) -> Vec<Cmd> {
    let sign = if exclude { "-" } else { "" };
    let query = format!("{} {sign}{}", model.search.query.text().trim(), condition(field, value));
    model.search.query = Input::with(query.trim());
    run(model)
}

pub(super) fn choose_span(model: &mut Model, digit: usize) -> Vec<Cmd> {
    let Some(span) = digit.checked_sub(1).and_then(|index| SPANS.get(index)) else { return Vec::new() };
    model.search.since = span.map(str::to_owned);
    model.search.until = None;
    run(model)
}

/// Starts or stops following new events.
pub(super) fn toggle_tail(model: &mut Model) -> Vec<Cmd> {
    if model.search.is_tailing {
        return stop_tail(model);
    }
    let search = &mut model.search;
    search.asked = search.query.text().trim().to_owned();
    search.is_tailing = true;
    search.has_searched = true;
    search.is_loading = false;
    search.focus = SearchFocus::Rows;
    search.failure = None;
    search.events.clear();
    search.table = None;
    search.scroll = Default::default();
    search.next = None;
    search.explain = None;
    search.histogram = None;
    search.tail_generation += 1;
    search.missed = 0;
    let request = SearchRequest { q: search.asked.clone(), ..SearchRequest::default() };
    let generation = search.tail_generation;
    for slot in [Slot::Search, Slot::SearchMore, Slot::Histogram] {
        model.next_generation(slot);
    }
    vec![Cmd::Tail { generation, request: Some(request) }]
}

pub(super) fn stop_tail(model: &mut Model) -> Vec<Cmd> {
    if !model.search.is_tailing {
        return Vec::new();
    }
    model.search.is_tailing = false;
    model.search.tail_generation += 1;
    vec![Cmd::Tail { generation: model.search.tail_generation, request: None }]
}

/// New events: the view follows them only while the cursor is on the last one.
pub(super) fn tailed(model: &mut Model, generation: u64, mut events: Vec<EventObject>) -> Vec<Cmd> {
    let search = &mut model.search;
    if generation != search.tail_generation {
        return Vec::new();
    }
    // A line that is no event says how many found no room: that they are missing must be seen.
    events.retain(|event| {
        let missed = event.get(MISSED).and_then(serde_json::Value::as_u64);
        search.missed = search.missed.saturating_add(missed.unwrap_or(0));
        missed.is_none()
    });
    let follows = search.scroll.cursor + 1 >= search.events.len() && search.focus != SearchFocus::Event;
    search.events.extend(events);
    let over = search.events.len().saturating_sub(EVENTS_MAX);
    search.events.drain(..over);
    search.scroll.cursor = search.scroll.cursor.saturating_sub(over);
    search.scroll.top = search.scroll.top.saturating_sub(over);
    if follows {
        search.scroll.cursor = search.events.len().saturating_sub(1);
    }
    keep_visible(model);
    Vec::new()
}

pub(super) fn tail_ended(model: &mut Model, generation: u64, failure: Option<Failure>) -> Vec<Cmd> {
    if generation == model.search.tail_generation {
        model.search.is_tailing = false;
        if let Some(failure) = failure {
            failed(model, failure);
        }
    }
    Vec::new()
}
