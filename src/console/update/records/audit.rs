//! The audit screen: the state of the evidence, checking it, and the entries of the audit log.

use crate::console::look::format::fill;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Shape;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::audit::ENTRIES_MAX;
use crate::console::model::audit::PAGE_ENTRIES;
use crate::console::model::audit::read_filter;
use crate::console::msg::Cmd;
use crate::console::msg::Failure;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::keys;
use crate::console::update::link;
use crate::console::update::say;
use crate::console::view::audit_top_max;
use crate::wire::audit::AuditRequest;
use crate::wire::audit::AuditWindow;
use crate::wire::evidence::AuditEntry;
use crate::wire::evidence::EvidenceState;
use crate::wire::evidence::Verification;
use crate::wire::evidence::VerifyState;

/// Between two readings of the state while nothing is checked.
const STATE_SECONDS: i64 = 5;

/// Says whether the caller may see this screen; asking nonetheless would only be written down as refused.
pub(in crate::console::update) fn may_read(model: &Model) -> bool {
    model.whoami.as_ref().is_none_or(|who| who.role != "analyst")
}

/// Reads everything anew.
pub(in crate::console::update) fn refresh(model: &mut Model) -> Vec<Cmd> {
    if !may_read(model) {
        model.audit.problem = Some(model.text(Text::AuditForbidden).to_owned());
        return Vec::new();
    }
    model.audit.problem = None;
    model.audit.scroll = Default::default();
    model.audit.is_loading = true;
    let window = read_filter(&model.audit.filter);
    vec![ask(model, Slot::Evidence, Request::Evidence), ask(model, Slot::Audit, Request::Audit(window))]
}

/// What is shown of the state keeps up by itself; the entries never move unless asked.
pub(in crate::console::update) fn tick(model: &mut Model) -> Vec<Cmd> {
    let is_due = model.audit.is_verifying() || model.now.as_second() % STATE_SECONDS == 0;
    if !is_due || link::is_away(model) || model.audit.problem.is_some() {
        return Vec::new();
    }
    vec![ask(model, Slot::Evidence, Request::Evidence)]
}

pub(in crate::console::update) fn state_arrived(model: &mut Model, state: EvidenceState) {
    let was_verifying = model.audit.is_verifying();
    model.audit.state = Some(state);
    if was_verifying && !model.audit.is_verifying() {
        tell_outcome(model);
    }
    clamp(model);
}

/// Tells what came of a check that was seen running.
fn tell_outcome(model: &mut Model) {
    let last = model.audit.state.as_ref().and_then(|state| state.verification.as_ref());
    let Some((state, findings)) = last.map(|last| (last.state, last.findings_total)) else { return };
    match state {
        VerifyState::Done if findings == 0 => say(model, model.text(Text::VerifyIntact)),
        VerifyState::Done => {
            let text = fill(model.text(Text::VerifyDamaged), &[&findings.to_string()]);
            complain(model, text);
        }
        VerifyState::Cancelled => say(model, model.text(Text::VerifyCancelled)),
        VerifyState::Failed => complain(model, model.text(Text::VerifyFailed)),
        VerifyState::Running => {}
    }
}

pub(in crate::console::update) fn verify_answered(model: &mut Model, verification: Verification) {
    if let Some(state) = &mut model.audit.state {
        state.verification = Some(verification);
    }
    say(model, model.text(Text::VerifyStarted));
}

pub(in crate::console::update) fn window_arrived(model: &mut Model, slot: Slot, window: AuditWindow) {
    let audit = &mut model.audit;
    (audit.is_loaded, audit.is_loading) = (true, false);
    audit.has_more = window.entries.len() >= PAGE_ENTRIES as usize;
    if slot == Slot::Audit {
        // Who opened an entry meanwhile keeps it, as long as the filter does.
        let open = audit.focused().map(|row| row.number).filter(|_| audit.is_open);
        let kept = open.and_then(|number| window.entries.iter().position(|row| row.number == number));
        audit.rows.clear();
        audit.scroll = Default::default();
        match kept {
            Some(at) => audit.scroll.cursor = at,
            None => (audit.is_open, audit.focus) = (false, Pane::List),
        }
    } else if audit.rows.len() + window.entries.len() > ENTRIES_MAX {
        let dropped = audit.rows.len() / 2;
        audit.rows.drain(..dropped);
        audit.scroll.cursor = audit.scroll.cursor.saturating_sub(dropped);
    }
    audit.rows.extend(window.entries);
    keys::keep_visible(model);
}

pub(in crate::console::update) fn entry_arrived(model: &mut Model, entry: AuditEntry) {
    model.audit.entry = Some(entry);
    clamp(model);
}

pub(in crate::console::update) fn failed(model: &mut Model, failure: Failure) {
    model.audit.is_loading = false;
    model.audit.problem = Some(failure.text);
}

pub(in crate::console::update) fn filter(model: &mut Model, text: &str) -> Vec<Cmd> {
    model.audit.filter = text.to_owned();
    refresh(model)
}

/// Moves through the entries, or through what is above them.
pub(in crate::console::update) fn move_by(model: &mut Model, rows: isize) -> Vec<Cmd> {
    if model.audit.focus != Pane::List {
        model.audit.detail_top = model.audit.detail_top.saturating_add_signed(rows);
        clamp(model);
        return Vec::new();
    }
    let audit = &mut model.audit;
    let at_end = rows > 0 && audit.scroll.cursor + 1 >= audit.rows.len();
    let before = audit.scroll.cursor;
    audit.scroll.move_by(rows, audit.rows.len());
    let has_moved = audit.scroll.cursor != before;
    keys::keep_visible(model);
    let mut cmds = if has_moved && model.audit.is_open { read_entry(model) } else { Vec::new() };
    if at_end && model.audit.has_more && !model.audit.is_loading {
        model.audit.is_loading = true;
        let before = model.audit.rows.last().map(|row| row.number);
        let older = AuditRequest { before, ..read_filter(&model.audit.filter) };
        cmds.push(ask(model, Slot::AuditMore, Request::Audit(older)));
    }
    cmds
}

fn clamp(model: &mut Model) {
    let top_max = audit_top_max(model);
    model.audit.detail_top = model.audit.detail_top.min(top_max);
}

/// Opens the entry under the cursor with its proof.
pub(in crate::console::update) fn open(model: &mut Model) -> Vec<Cmd> {
    if model.audit.focused().is_none() {
        return Vec::new();
    }
    model.audit.is_open = true;
    if model.layout().shape == Shape::OnePane {
        model.audit.focus = Pane::Detail;
    }
    read_entry(model)
}

fn read_entry(model: &mut Model) -> Vec<Cmd> {
    model.audit.detail_top = 0;
    match model.audit.focused().map(|row| row.number) {
        Some(number) => vec![ask(model, Slot::AuditEntry, Request::AuditEntry(number))],
        None => Vec::new(),
    }
}

pub(in crate::console::update) fn back(model: &mut Model) {
    model.audit.focus = Pane::List;
    model.audit.is_open = false;
    model.audit.detail_top = 0;
    keys::keep_visible(model);
}

pub(in crate::console::update) fn next_pane(model: &mut Model) {
    model.audit.focus = if model.audit.focus == Pane::List { Pane::Detail } else { Pane::List };
}

/// Starts a check of everything stored.
pub(in crate::console::update) fn verify(model: &mut Model) -> Vec<Cmd> {
    act(model, Request::Verify)
}

/// Ends the check that runs.
pub(in crate::console::update) fn cancel(model: &mut Model) -> Vec<Cmd> {
    if !model.audit.is_verifying() {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    }
    act(model, Request::CancelVerify)
}

fn act(model: &mut Model, request: Request) -> Vec<Cmd> {
    if !may_read(model) {
        complain(model, model.text(Text::AuditForbidden));
        return Vec::new();
    }
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    vec![ask(model, Slot::VerifyAction, request)]
}
