//! Keys while something lies over the screen.

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::overlay::Choice;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::model::search::SearchFocus;
use crate::console::msg::Cmd;
use crate::console::update::keys::palette;
use crate::console::update::records::export;
use crate::console::update::records::files;
use crate::console::update::records::reports;
use crate::console::update::rules;
use crate::console::update::rules::drafts;
use crate::console::update::search;
use crate::console::update::triage::alerts;
use crate::console::update::triage::exception;
use crate::console::update::triage::forms;
use crate::console::update::triage::incidents;
use crate::wire::incident::Changed;
use crate::wire::incident::IncidentAction;

/// Gives a key to what lies over the screen.
pub(in crate::console::update) fn press(model: &mut Model, overlay: Overlay, key: Key) -> Vec<Cmd> {
    match overlay {
        Overlay::Close(form) => forms::press_close(model, form, key),
        Overlay::Line { purpose, input, .. } => forms::press_line(model, purpose, input, key),
        Overlay::Choice(choice) => press_choice(model, choice, key),
        Overlay::Saved { rows, cursor } => search::press_saved(model, rows, cursor, key),
        Overlay::Export(state) => export::press(model, state, key),
        Overlay::Handover { draft, top } => reports::press_handover(model, draft, top, key),
        Overlay::Commands { title, input, cursor } => palette::press(model, title, input, cursor, key),
        Overlay::Except(form) => exception::press(model, form, key),
        Overlay::Fields { rows, cursor } => {
            let moved = moved(cursor, rows.len(), key);
            match (key, rows.get(cursor)) {
                (Key::Esc, _) => Vec::new(),
                (Key::Enter | Key::Char('b'), Some((field, _))) => search::open_counts(model, field.clone()),
                _ => {
                    model.overlay = Some(Overlay::Fields { rows, cursor: moved });
                    Vec::new()
                }
            }
        }
        Overlay::Counts { field, rows, cursor, is_whole } => {
            let cursor = moved(cursor, rows.len(), key);
            match (key, rows.get(cursor)) {
                (Key::Esc, _) => Vec::new(),
                (Key::Enter, Some((value, _))) => search::narrow_by(model, &field, value, false),
                (Key::Char('-'), Some((value, _))) => search::narrow_by(model, &field, value, true),
                _ => {
                    model.overlay = Some(Overlay::Counts { field, rows, cursor, is_whole });
                    Vec::new()
                }
            }
        }
    }
}

pub(in crate::console::update) fn moved(cursor: usize, len: usize, key: Key) -> usize {
    let cursor = match key {
        Key::Up | Key::Char('k') => cursor.saturating_sub(1),
        Key::Down | Key::Char('j') => cursor + 1,
        Key::PageUp => cursor.saturating_sub(10),
        Key::PageDown => cursor + 10,
        Key::Home => 0,
        Key::End => len,
        _ => cursor,
    };
    cursor.min(len.saturating_sub(1))
}

fn press_choice(model: &mut Model, choice: Choice, key: Key) -> Vec<Cmd> {
    let digit = match key {
        Key::Esc => return Vec::new(),
        Key::Char(digit @ '1'..='9') => digit as usize - '0' as usize,
        _ => {
            model.overlay = Some(Overlay::Choice(choice));
            return Vec::new();
        }
    };
    match choice {
        Choice::TimeSpan => search::choose_span(model, digit),
        Choice::Pivot(entities) => match entities.get(digit - 1) {
            Some((_, field, value)) => {
                let query = crate::console::look::format::condition(field, value);
                search::show(model, &query, Some("30d".to_owned()), None)
            }
            None => Vec::new(),
        },
        Choice::Step(id, steps) => match steps.get(digit - 1) {
            Some((step, was_done, _)) => alerts::tick_step(model, id, *step, *was_done),
            None => Vec::new(),
        },
        Choice::Evidence(id, attached) => {
            if let Some((place, _)) = attached.get(digit - 1) {
                files::open_evidence(model, id, *place);
            }
            Vec::new()
        }
        Choice::Phase(id) => match incidents::PHASES.get(digit - 1) {
            Some(phase) if incidents::needs_note(model, id, *phase) => {
                let purpose = Purpose::PhaseNote(id, *phase);
                model.overlay = Some(Overlay::Line { purpose, input: Input::default(), problem: None });
                Vec::new()
            }
            Some(phase) => incidents::act(model, id, IncidentAction::Phase { phase: *phase, note: None }),
            None => Vec::new(),
        },
        Choice::Task(id, tasks) => match tasks.get(digit - 1) {
            Some((place, _)) => incidents::act(model, id, IncidentAction::FinishTask { place: *place }),
            None => Vec::new(),
        },
        Choice::Level(id, from) => match incidents::LEVELS.get(digit - 1) {
            Some(to) => {
                let level = Some(Changed { from, to: (*to).to_owned() });
                incidents::act(model, id, IncidentAction::Edit { title: None, level })
            }
            None => Vec::new(),
        },
        Choice::LeaveEditor => drafts::leave_chosen(model, digit),
        Choice::RuleState(rule) => {
            rules::state_chosen(model, rule, digit);
            Vec::new()
        }
        Choice::Clock(id, names) => match names.into_iter().nth(digit - 1) {
            Some(name) => incidents::act(model, id, IncidentAction::MeetClock { name }),
            None => Vec::new(),
        },
    }
}

/// Pasted text goes into whatever is being typed, and nowhere else: it never triggers an action.
pub(in crate::console::update) fn paste(model: &mut Model, text: &str) -> Vec<Cmd> {
    if model.overlay.is_none() && model.is_editing() {
        return drafts::paste(model, text);
    }
    match &mut model.overlay {
        Some(Overlay::Close(form)) if form.disposition.is_some() => {
            form.typed_count.as_mut().unwrap_or(&mut form.note).insert(text);
        }
        Some(Overlay::Except(form)) => form.reason.insert(text),
        Some(Overlay::Line { input, .. } | Overlay::Commands { input, .. }) => input.insert(text),
        Some(_) => {}
        None if model.screen == Screen::Search && model.search.focus == SearchFocus::Query => {
            model.search.query.insert(text);
        }
        None => {}
    }
    Vec::new()
}

/// Opens the pivot over an alert's or incident's entities.
pub(in crate::console::update) fn open_pivot(model: &mut Model) -> bool {
    let entities = match model.screen {
        Screen::Incidents => model.incidents.focused_detail().map(|detail| detail.entities.as_slice()),
        _ => model.alerts.focused_detail().map(|detail| detail.entities.as_slice()),
    };
    let mut rows: Vec<(String, String, String)> = entities
        .unwrap_or_default()
        .iter()
        .map(|entity| (entity.kind.clone(), entity.field.clone(), entity.value.clone()))
        .take(9)
        .collect();
    if rows.is_empty() && model.screen == Screen::Alerts {
        let own = alerts::target(model).and(model.alerts.focused());
        rows.extend(own.map(|row| (String::new(), row.entity_field.clone(), row.entity.clone())));
    }
    let found = !rows.is_empty();
    if found {
        model.overlay = Some(Overlay::Choice(Choice::Pivot(rows)));
    }
    found
}
