//! The forms of triage: closing, notes, escalation. What is typed is kept until the server has it.

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::overlay::CloseForm;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::model::overlay::Target;
use crate::console::msg::Cmd;
use crate::console::update::records::audit;
use crate::console::update::records::export;
use crate::console::update::records::files;
use crate::console::update::records::reports;
use crate::console::update::rules;
use crate::console::update::rules::drafts;
use crate::console::update::search;
use crate::console::update::sources;
use crate::console::update::triage::alerts;
use crate::console::update::triage::incidents;
use crate::wire::alert::AlertAction;
use crate::wire::alert::Disposition;
use crate::wire::incident::IncidentAction;

/// The dispositions in the order of their digits.
pub(crate) const DISPOSITIONS: [(Disposition, Text); 5] = [
    (Disposition::FalsePositive, Text::FalsePositive),
    (Disposition::BenignPositive, Text::BenignPositive),
    (Disposition::TruePositive, Text::TruePositive),
    (Disposition::Duplicate, Text::Duplicate),
    (Disposition::Test, Text::TestDisposition),
];
/// Closing more than this needs their number typed.
const COUNT_FREE_MAX: u64 = 100;

/// Opens the form of closing.
pub(in crate::console::update) fn open_close(model: &mut Model) {
    if let Some(target) = alerts::checked_target(model) {
        model.overlay = Some(Overlay::Close(CloseForm {
            target,
            disposition: None,
            note: Input::default(),
            typed_count: None,
            problem: None,
        }));
    }
}

/// Opens a line for an action on alerts, prefilled.
pub(in crate::console::update) fn open_line(model: &mut Model, purpose: fn(Target) -> Purpose, prefilled: &str) {
    if let Some(target) = alerts::checked_target(model) {
        let input = Input::with(prefilled);
        model.overlay = Some(Overlay::Line { purpose: purpose(target), input, problem: None });
    }
}

/// Opens the form of escalation, the title made of rule and entity.
pub(in crate::console::update) fn open_escalate(model: &mut Model) {
    let title = model.alerts.focused().map(|row| {
        let title = model.lang.choose(&row.title, row.title_vi.as_deref());
        format!("{title} - {}", row.entity)
    });
    open_line(model, Purpose::Escalate, &title.unwrap_or_default());
}

/// Keys of the form of closing.
pub(in crate::console::update) fn press_close(model: &mut Model, mut form: CloseForm, key: Key) -> Vec<Cmd> {
    match key {
        Key::Esc => return Vec::new(),
        Key::Enter => return submit_close(model, form),
        Key::Char(digit @ '1'..='5') if form.disposition.is_none() => {
            let index = digit as usize - '1' as usize;
            form.disposition = DISPOSITIONS.get(index).map(|(disposition, _)| *disposition);
            form.problem = None;
        }
        key => {
            match &mut form.typed_count {
                Some(typed) => typed.press(key),
                // Back to the dispositions by keys no text has: a Backspace too many would let the note's first digit choose.
                None if matches!(key, Key::Up | Key::BackTab) => {
                    form.disposition = None;
                    true
                }
                None if form.disposition.is_some() => form.note.press(key),
                None => false,
            };
        }
    }
    model.overlay = Some(Overlay::Close(form));
    Vec::new()
}

fn submit_close(model: &mut Model, mut form: CloseForm) -> Vec<Cmd> {
    let count = form.target.count();
    let note = form.note.text().trim();
    let problem = match (form.disposition, &form.typed_count) {
        (None, _) => Some(model.text(Text::CloseChoose).to_owned()),
        (Some(_), _) if form.target.needs_note() && note.is_empty() => Some(model.text(Text::NoteNeeded).to_owned()),
        (Some(_), None) if count > COUNT_FREE_MAX => {
            form.typed_count = Some(Input::default());
            Some(fill(model.text(Text::TypeCount), &[&count.to_string()]))
        }
        (Some(_), Some(typed)) if typed.text().trim() != count.to_string() => {
            Some(model.text(Text::WrongCount).to_owned())
        }
        (Some(disposition), _) => {
            let note = (!note.is_empty()).then(|| note.to_owned());
            let target = form.target.clone();
            let action = AlertAction::Close { disposition, note };
            return send(model, Overlay::Close(form), |model| alerts::act(model, &target, action));
        }
    };
    form.problem = problem;
    model.overlay = Some(Overlay::Close(form));
    Vec::new()
}

/// Keys of a line.
pub(in crate::console::update) fn press_line(
    model: &mut Model,
    purpose: Purpose,
    mut input: Input,
    key: Key,
) -> Vec<Cmd> {
    match key {
        Key::Esc => Vec::new(),
        Key::Enter => submit_line(model, purpose, input),
        key => {
            input.press(key);
            model.overlay = Some(Overlay::Line { purpose, input, problem: None });
            Vec::new()
        }
    }
}

fn submit_line(model: &mut Model, purpose: Purpose, input: Input) -> Vec<Cmd> {
    let text = input.text().trim().to_owned();
    let form = Overlay::Line { purpose: purpose.clone(), input: input.clone(), problem: None };
    match purpose {
        Purpose::Filter => filter(model, &text),
        Purpose::Mute(input, name) => match sources::read_mute(&text) {
            Some(action) => send(model, form, |model| sources::act(model, input, name, action)),
            None => {
                model.overlay = Some(form);
                let reason = model.text(Text::MuteHint);
                set_problem(model, reason);
                Vec::new()
            }
        },
        Purpose::Note(_)
        | Purpose::NoteIncident(_)
        | Purpose::Task(_)
        | Purpose::Observable(_)
        | Purpose::Title(..)
        | Purpose::Merge(_)
        | Purpose::SaveSearch
        | Purpose::PhaseNote(..)
        | Purpose::Deadline(_)
        | Purpose::Attach(_)
        | Purpose::WriteAlerts
        | Purpose::WriteReport(_)
        | Purpose::WriteEvidence(..)
            if text.is_empty() =>
        {
            let problem = Some(model.text(Text::Note).to_owned());
            model.overlay = Some(Overlay::Line { purpose, input, problem });
            Vec::new()
        }
        Purpose::Note(target) => send(model, form, |model| alerts::act(model, &target, AlertAction::Note { text })),
        Purpose::Reopen(target) => {
            let note = (!text.is_empty()).then_some(text);
            send(model, form, |model| alerts::act(model, &target, AlertAction::Reopen { note }))
        }
        Purpose::Escalate(target) => {
            let action = escalation(&text);
            send(model, form, |model| alerts::act(model, &target, action))
        }
        Purpose::NoteIncident(id) => {
            send(model, form, |model| incidents::act(model, id, IncidentAction::Note { text }))
        }
        Purpose::Revoke(_) | Purpose::RuleState(..) | Purpose::SaveRule if text.is_empty() => {
            model.overlay = Some(form);
            let reason = model.text(Text::ExceptReason);
            set_problem(model, reason);
            Vec::new()
        }
        Purpose::SaveRule => send(model, form, |model| drafts::save(model, text)),
        Purpose::Revoke(id) => send(model, form, |model| rules::revoke(model, id, text)),
        Purpose::RuleState(rule, state) => send(model, form, |model| rules::set_state(model, rule, state, text)),
        Purpose::Export => export::submit(model, &text),
        Purpose::SaveSearch => send(model, form, |model| search::submit_saved(model, &text)),
        Purpose::HandoverNote => reports::open_handover(model, (!text.is_empty()).then_some(text)),
        Purpose::WriteAlerts | Purpose::WriteReport(_) | Purpose::WriteEvidence(..) => {
            send(model, form, |model| files::write(model, &purpose, &text))
        }
        Purpose::Task(id)
        | Purpose::Observable(id)
        | Purpose::Title(id, _)
        | Purpose::Merge(id)
        | Purpose::Assign(id)
        | Purpose::Deadline(id)
        | Purpose::PhaseNote(id, _)
        | Purpose::Attach(id) => match incidents::typed_action(&purpose, &text) {
            Some(action) => send(model, form, |model| incidents::act(model, id, action)),
            None => {
                let hint =
                    if matches!(purpose, Purpose::Deadline(_)) { Text::DeadlineHint } else { Text::ObservableHint };
                let problem = Some(model.text(hint).to_owned());
                model.overlay = Some(Overlay::Line { purpose, input, problem });
                Vec::new()
            }
        },
    }
}

/// Reads `#12` as joining incident 12 and anything else as the title of a new one.
fn escalation(text: &str) -> AlertAction {
    let incident = text.strip_prefix('#').and_then(|number| number.trim().parse().ok());
    let title = (incident.is_none() && !text.is_empty()).then(|| text.to_owned());
    AlertAction::Escalate { incident, title, note: None }
}

/// Sends a form: it is kept as a draft until the answer, and stays open when nothing could be sent.
fn send(model: &mut Model, form: Overlay, act: impl FnOnce(&mut Model) -> Vec<Cmd>) -> Vec<Cmd> {
    let cmds = act(model);
    if cmds.is_empty() {
        model.overlay = Some(form);
        let reason = model.text(Text::ReadOnly);
        set_problem(model, reason);
    } else {
        model.draft = Some(form);
    }
    cmds
}

/// Opens the draft again with the reason it was not taken; a form opened meanwhile is left alone.
pub(in crate::console::update) fn restore_draft(model: &mut Model, reason: &str) {
    if model.overlay.is_none() && model.draft.is_some() {
        model.overlay = model.draft.take();
        set_problem(model, reason);
    }
}

fn set_problem(model: &mut Model, reason: &str) {
    match &mut model.overlay {
        Some(Overlay::Close(form)) => form.problem = Some(reason.to_owned()),
        Some(Overlay::Except(form)) => form.problem = Some(reason.to_owned()),
        Some(Overlay::Line { problem, .. }) => *problem = Some(reason.to_owned()),
        _ => {}
    }
}

/// Sets the filter of the screen that is shown.
fn filter(model: &mut Model, text: &str) -> Vec<Cmd> {
    match model.screen {
        Screen::Sources => {
            model.sources.filter = text.to_owned();
            model.sources.scroll = Default::default();
            model.sources.arrange();
            Vec::new()
        }
        Screen::Rules => {
            model.rules.filter = text.to_owned();
            model.rules.scroll = Default::default();
            model.rules.arrange();
            rules::after_move(model)
        }
        Screen::Audit => audit::filter(model, text),
        _ => alerts::set_filter(model, text),
    }
}
