//! The reports screen, and handing a shift over: the draft is read before it is signed.

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::look::format::fill;
use crate::console::look::text::Lang;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::msg::Cmd;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::link;
use crate::console::update::say;
use crate::console::view::handover_top_max;
use crate::console::view::reports_top_max;
use crate::wire::report::DraftRequest;
use crate::wire::report::Handover;
use crate::wire::report::HandoverDraft;
use crate::wire::report::Period;

/// Asks for all the screen shows.
pub(in crate::console::update) fn refresh(model: &mut Model) -> Vec<Cmd> {
    let period = Period { since: Some(model.reports.since().to_owned()), until: None };
    vec![
        ask(model, Slot::Status, Request::Status),
        ask(model, Slot::Triage, Request::Triage(period)),
        ask(model, Slot::Handovers, Request::Handovers),
    ]
}

/// Shows the next period.
pub(in crate::console::update) fn other_period(model: &mut Model) -> Vec<Cmd> {
    model.reports.period += 1;
    model.reports.triage = None;
    refresh(model)
}

pub(in crate::console::update) fn move_by(model: &mut Model, rows: isize) {
    let top_max = reports_top_max(model);
    model.reports.top = model.reports.top.saturating_add_signed(rows).min(top_max);
}

/// Opens the handover and asks for its draft.
pub(in crate::console::update) fn open_handover(model: &mut Model, note: Option<String>) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    if model.whoami.as_ref().is_some_and(|who| !who.may_triage) {
        complain(model, model.text(Text::NotAllowed));
        return Vec::new();
    }
    model.overlay = Some(Overlay::Handover { draft: None, top: 0 });
    let language = match model.lang {
        Lang::Vi => "vi",
        Lang::En => "en",
    };
    let wanted = DraftRequest { language: Some(language.to_owned()), note };
    vec![ask(model, Slot::HandoverDraft, Request::DraftHandover(wanted))]
}

/// Keys while the handover is read.
pub(in crate::console::update) fn press_handover(
    model: &mut Model,
    draft: Option<HandoverDraft>,
    top: usize,
    key: Key,
) -> Vec<Cmd> {
    let rows: isize = match key {
        Key::Esc => return Vec::new(),
        Key::Char('n') => {
            let purpose = Purpose::HandoverNote;
            model.overlay = Some(Overlay::Line { purpose, input: Input::default(), problem: None });
            return Vec::new();
        }
        // What nobody could read yet is not signed.
        Key::Enter if draft.is_none() => 0,
        Key::Enter => return draft.map_or_else(Vec::new, |draft| sign(model, draft, top)),
        Key::Up | Key::Char('k') => -1,
        Key::Down | Key::Char('j') => 1,
        Key::PageUp => -10,
        Key::PageDown => 10,
        _ => 0,
    };
    let top_max = draft.as_ref().map_or(0, |draft| handover_top_max(model, draft));
    model.overlay = Some(Overlay::Handover { draft, top: top.saturating_add_signed(rows).min(top_max) });
    Vec::new()
}

fn sign(model: &mut Model, draft: HandoverDraft, top: usize) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        model.overlay = Some(Overlay::Handover { draft: Some(draft), top });
        return Vec::new();
    }
    model.draft = Some(Overlay::Handover { draft: Some(draft.clone()), top });
    vec![ask(model, Slot::HandoverSign, Request::SignHandover(draft))]
}

/// The draft came; when the overlay was closed meanwhile it is not opened again.
pub(in crate::console::update) fn draft_arrived(model: &mut Model, arrived: HandoverDraft) {
    if let Some(Overlay::Handover { draft, .. }) = &mut model.overlay {
        *draft = Some(arrived);
    }
}

pub(in crate::console::update) fn signed(model: &mut Model, handover: Handover) {
    model.draft = None;
    let text = fill(model.text(Text::HandoverSigned), &[&handover.id.to_string()]);
    say(model, text);
    model.reports.handovers.insert(0, handover);
}
