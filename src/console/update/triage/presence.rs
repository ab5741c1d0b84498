//! Telling the others what this console has open, and hearing of them.

use jiff::SignedDuration;

use crate::console::look::layout::Pane;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::presence::Shown;
use crate::console::msg::Cmd;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::link;
use crate::wire::presence::LookRequest;

/// Said again so often: a third of what the server lets it hold.
const RENEW_EVERY: SignedDuration = SignedDuration::from_secs(15);
/// Whoever pressed no key for so long is not looking any more.
const AWAY_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// Returns what is open: a record that has the focus, not the one a cursor rests on.
fn shown(model: &Model) -> Option<Shown> {
    let may_triage = model.whoami.as_ref().is_some_and(|who| who.may_triage);
    if !may_triage || model.now.duration_since(model.presence.pressed) >= AWAY_AFTER {
        return None;
    }
    match model.screen {
        Screen::Alerts if model.alerts.focus != Pane::List => model.alerts.focused().map(|row| Shown::Alert(row.id)),
        Screen::Incidents if model.incidents.focus != Pane::List => {
            model.incidents.focused().map(|row| Shown::Incident(row.id))
        }
        _ => None,
    }
}

/// Tells the server when what is open is another than it was told, or when it is time to say it again.
pub(in crate::console::update) fn keep(model: &mut Model) -> Option<Cmd> {
    if link::is_away(model) {
        return None;
    }
    let shown = shown(model);
    let told = model.presence.told;
    let is_due = told.is_some_and(|(_, at)| model.now.duration_since(at) >= RENEW_EVERY);
    if shown == told.map(|(shown, _)| shown) && !is_due {
        return None;
    }
    model.presence.told = shown.map(|shown| (shown, model.now));
    let mut request = LookRequest { session: model.presence.session.clone(), ..LookRequest::default() };
    match shown {
        Some(Shown::Alert(id)) => request.alert = Some(id),
        Some(Shown::Incident(id)) => request.incident = Some(id),
        None => {}
    }
    Some(ask(model, Slot::Presence, Request::Look(request)))
}
