//! What each message changes and calls for: pure functions over the model. No I/O, no clock but the model's.

mod answers;
mod keys;
mod link;
mod records;
mod rules;
mod search;
mod sources;
mod triage;

pub(super) use keys::palette::Row;
pub(super) use keys::palette::rows as palette_rows;
pub(super) use records::export::check_command;
pub(super) use triage::forms::DISPOSITIONS;
pub(super) use triage::incidents::LEVELS;
pub(super) use triage::incidents::PHASES;

use std::time::Duration;

use jiff::SignedDuration;

use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::Toast;
use crate::console::msg::Cmd;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::keys::overlays;
use crate::console::update::records::audit;
use crate::console::update::rules::drafts;
use crate::console::update::triage::alerts;
use crate::console::update::triage::figures;
use crate::console::update::triage::presence;

/// How long the outcome of an action stays on the screen.
const TOAST_TIME: SignedDuration = SignedDuration::from_secs(6);
/// Between two readings of the sources while they are shown.
const SOURCES_SECONDS: i64 = 5;

/// Returns what to do first.
pub(super) fn start(model: &mut Model) -> Vec<Cmd> {
    let mut cmds = vec![
        ask(model, Slot::Whoami, Request::Whoami),
        alerts::read_window(model, 0),
        ask(model, Slot::IncidentList, Request::Incidents),
    ];
    cmds.push(link::follow(model, Duration::ZERO));
    cmds
}

/// Changes the model by what happened and returns what is to be done.
pub(super) fn update(model: &mut Model, msg: Msg) -> Vec<Cmd> {
    // A message that changes nothing must not hide that an earlier one did.
    let was_dirty = std::mem::replace(&mut model.is_dirty, true);
    let mut cmds = apply(model, msg);
    cmds.extend(presence::keep(model));
    model.is_dirty |= was_dirty;
    cmds
}

fn apply(model: &mut Model, msg: Msg) -> Vec<Cmd> {
    match msg {
        Msg::Key(key) => {
            model.presence.pressed = model.now;
            keys::press(model, key)
        }
        Msg::Paste(text) => overlays::paste(model, &text),
        Msg::Resize(width, height) => {
            model.size = (width, height);
            keys::keep_visible(model);
            Vec::new()
        }
        Msg::Click(x, y) => keys::click(model, x, y),
        Msg::Wheel(rows) => keys::wheel(model, rows),
        Msg::Tick(now) => tick(model, now),
        Msg::Trouble(what) => {
            complain(model, what);
            Vec::new()
        }
        Msg::Answer { slot, generation, result } => answers::receive(model, slot, generation, result),
        Msg::Stream { generation, message } => link::receive(model, generation, *message),
        Msg::StreamEnded { generation, failure } => link::ended(model, generation, failure),
        Msg::Tailed { generation, events } => search::tailed(model, generation, events),
        Msg::Edited(result) => drafts::edited(model, result),
        Msg::Woken { revision } => drafts::woken(model, revision),
        Msg::Backtested { generation, message } => rules::backtested(model, generation, *message),
        Msg::BacktestEnded { generation, failure } => rules::backtest_ended(model, generation, failure),
        Msg::TailEnded { generation, failure } => search::tail_ended(model, generation, failure),
    }
}

fn tick(model: &mut Model, now: jiff::Timestamp) -> Vec<Cmd> {
    model.is_dirty = model.now.as_second() != now.as_second();
    model.now = now;
    if model.toast.as_ref().is_some_and(|toast| toast.until < now) {
        model.toast = None;
    }
    let mut cmds: Vec<Cmd> = figures::refresh(model).into_iter().collect();
    if !link::is_away(model) && model.alerts.rows.is_empty() && !model.alerts.waiting.is_empty() {
        // Nothing is shown that could move: the first alerts are simply there, those of one second together.
        cmds.extend(alerts::show_new(model));
        return cmds;
    }
    if model.screen == Screen::Sources && now.as_second() % SOURCES_SECONDS == 0 && !link::is_away(model) {
        cmds.extend(sources::refresh(model));
    }
    if model.screen == Screen::Search && model.search.is_tailing && model.is_dirty {
        model.search.summarize();
    }
    if model.screen == Screen::Audit && model.is_dirty {
        cmds.extend(audit::tick(model));
    }
    cmds.extend(drafts::tick(model));
    cmds
}

/// Asks the server, making older answers of the slot stale.
fn ask(model: &mut Model, slot: Slot, request: Request) -> Cmd {
    Cmd::Ask { slot, generation: model.next_generation(slot), request }
}

/// Tells the outcome of an action.
fn say(model: &mut Model, text: impl Into<String>) {
    toast(model, text.into(), false);
}

/// Tells why an action had no outcome.
fn complain(model: &mut Model, text: impl Into<String>) {
    toast(model, text.into(), true);
}

fn toast(model: &mut Model, text: String, is_error: bool) {
    let until = model.now.checked_add(TOAST_TIME).unwrap_or(model.now);
    model.toast = Some(Toast { text, is_error, until });
}
