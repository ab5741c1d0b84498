//! Typing a query: earlier ones, and completion of names and values.

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::look::format::fold;
use crate::console::model::Model;
use crate::console::model::completion::CANDIDATES_MAX;
use crate::console::model::completion::Completion;
use crate::console::model::completion::typed_condition;
use crate::console::model::completion::word_of;
use crate::console::model::search::HISTORY_MAX;
use crate::console::model::search::SearchFocus;
use crate::console::model::search::VALUES_OF_MAX;
use crate::console::model::search::plain;
use crate::console::msg::Cmd;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::link;
use crate::console::update::search::give_up;
use crate::console::update::search::run;
use crate::model::Field;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;

/// Keys while the query is typed; `None` when the key is not the query's.
pub(in crate::console::update) fn press_query(model: &mut Model, key: Key) -> Option<Vec<Cmd>> {
    let is_fresh = std::mem::replace(&mut model.search.is_fresh, false);
    if key != Key::Tab {
        model.search.completion = None;
    }
    match key {
        // As everywhere `/` means the query; when nothing was typed yet it is already there.
        Key::Char('/') if is_fresh && model.search.query.text().is_empty() => Some(Vec::new()),
        Key::Enter => Some(run(model)),
        Key::Esc if model.search.is_loading => Some(give_up(model)),
        Key::Tab if !model.search.query.text().is_empty() => Some(complete(model)),
        Key::Up => {
            earlier(model);
            Some(Vec::new())
        }
        Key::Down if model.search.history_at.is_some() => {
            later(model);
            Some(Vec::new())
        }
        Key::Esc | Key::Tab | Key::Down => {
            model.search.focus = SearchFocus::Rows;
            Some(Vec::new())
        }
        _ => model.search.query.press(key).then(Vec::new),
    }
}

/// Remembers a query that was asked, as the newest.
pub(super) fn remember(model: &mut Model) {
    let search = &mut model.search;
    search.history_at = None;
    if search.asked.is_empty() {
        return;
    }
    search.history.retain(|known| *known != search.asked);
    search.history.push(search.asked.clone());
    let over = search.history.len().saturating_sub(HISTORY_MAX);
    search.history.drain(..over);
}

fn earlier(model: &mut Model) {
    let search = &mut model.search;
    let at = search.history_at.unwrap_or(search.history.len());
    let Some(at) = at.checked_sub(1) else { return };
    let Some(query) = search.history.get(at) else { return };
    if search.history_at.is_none() {
        search.draft = search.query.text().to_owned();
    }
    search.query = Input::with(query);
    search.history_at = Some(at);
}

fn later(model: &mut Model) {
    let search = &mut model.search;
    let Some(at) = search.history_at.map(|at| at + 1) else { return };
    match search.history.get(at) {
        Some(query) => {
            search.query = Input::with(query);
            search.history_at = Some(at);
        }
        None => {
            search.query = Input::with(&search.draft);
            search.history_at = None;
        }
    }
}

/// Goes on with the word before the cursor, or with the next offer.
fn complete(model: &mut Model) -> Vec<Cmd> {
    let before = model.search.query.before_cursor().to_owned();
    let word = word_of(&before);
    let mut cmds = Vec::new();
    if model.search.completion.is_none() {
        let candidates = match word.field {
            Some(field) => values(model, field, word.typed),
            None => names(model, word.typed, word.is_piped),
        };
        let known = word.field.filter(|field| candidates.is_empty() && !model.search.values_of.contains_key(*field));
        if let Some(field) = known.filter(|_| !link::is_away(model)) {
            cmds.push(ask_values(model, field));
        }
        let is_waiting = !cmds.is_empty();
        model.search.completion = Some(Completion { start: word.start, candidates, chosen: None, is_waiting });
    }
    step(model, &before);
    cmds
}

fn step(model: &mut Model, before: &str) {
    let search = &mut model.search;
    let Some(completion) = &mut search.completion else { return };
    let typed = before.get(completion.start..).unwrap_or_default();
    if let Some(text) = completion.step(typed) {
        search.query.replace_before(completion.start, &text);
    }
}

/// Names that begin as typed: those of the events that are loaded first, then all that are known.
fn names(model: &Model, typed: &str, is_piped: bool) -> Vec<String> {
    let typed = fold(typed);
    if typed.is_empty() {
        return Vec::new();
    }
    let loaded = model.search.fields().into_iter().map(|(name, _)| name);
    let mut found: Vec<String> = Vec::new();
    for name in loaded.chain(Field::all().map(|field| field.name().to_owned())) {
        if fold(&name).starts_with(&typed) && !found.contains(&name) {
            found.push(name);
        }
        if found.len() >= CANDIDATES_MAX {
            break;
        }
    }
    if is_piped { found } else { found.into_iter().map(|name| format!("{name}:")).collect() }
}

/// Values of a field that begin as typed, the most frequent first.
fn values(model: &Model, field: &str, typed: &str) -> Vec<String> {
    let typed = fold(typed);
    let loaded = model.search.values(field).into_iter().map(|(value, _)| value);
    let told = model.search.values_of.get(field).into_iter().flatten().cloned();
    let mut found: Vec<String> = Vec::new();
    for value in loaded.chain(told) {
        if fold(&value).starts_with(&typed) && !found.contains(&value) {
            found.push(value);
        }
        if found.len() >= CANDIDATES_MAX {
            break;
        }
    }
    found.into_iter().map(|value| typed_condition(field, &value)).collect()
}

/// Asks for the most frequent values of a field in the span that is searched.
pub(in crate::console::update) fn ask_values(model: &mut Model, field: &str) -> Cmd {
    let q = format!("{} | top {CANDIDATES_MAX} {}", super::counts::has_field(field), super::counts::column(field));
    let request = SearchRequest {
        q,
        since: model.search.since.clone(),
        until: model.search.until.clone(),
        limit: Some(u32::try_from(CANDIDATES_MAX).unwrap_or(u32::MAX)),
        cursor: None,
    };
    ask(model, Slot::Values, Request::Table(request))
}

/// The values have come: they are offered when the word is still being typed.
pub(in crate::console::update) fn values_arrived(model: &mut Model, table: &SearchTable) {
    let Some(field) = table.columns.first().cloned() else { return };
    let told = table.rows.iter().filter_map(|row| row.first()).map(plain).collect();
    if model.search.values_of.len() >= VALUES_OF_MAX {
        model.search.values_of.clear();
    }
    model.search.values_of.insert(field.clone(), told);
    if !model.search.completion.as_ref().is_some_and(|completion| completion.is_waiting) {
        return;
    }
    let before = model.search.query.before_cursor().to_owned();
    let word = word_of(&before);
    if word.field == Some(field.as_str()) {
        let candidates = values(model, &field, word.typed);
        model.search.completion = Some(Completion { start: word.start, candidates, chosen: None, is_waiting: false });
        step(model, &before);
    }
}
