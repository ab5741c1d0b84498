//! The incidents screen: the list, one record, phases, notes and deadlines.

use crate::console::keys::input::Input;
use crate::console::look::format::fill;
use crate::console::look::layout::Pane;
use crate::console::look::layout::rows_in;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::overlay::Choice;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::msg::Cmd;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::link;
use crate::console::update::say;
use crate::wire::incident::Changed;
use crate::wire::incident::IncidentAction;
use crate::wire::incident::IncidentDetail;
use crate::wire::incident::IncidentPhase;
use crate::wire::incident::IncidentRow;
use crate::wire::incident::IncidentWindow;

/// The phases in the order of their digits.
pub(crate) const PHASES: [IncidentPhase; 6] = [
    IncidentPhase::Detect,
    IncidentPhase::Analysis,
    IncidentPhase::Containment,
    IncidentPhase::Eradication,
    IncidentPhase::Recover,
    IncidentPhase::Closed,
];

/// The levels in the order of their digits.
pub(crate) const LEVELS: [&str; 5] = ["critical", "high", "medium", "low", "informational"];

/// Reads what was typed for an incident; nothing when it cannot be what was asked for.
pub(in crate::console::update) fn typed_action(purpose: &Purpose, text: &str) -> Option<IncidentAction> {
    Some(match purpose {
        Purpose::Task(_) => IncidentAction::AddTask { text: text.to_owned() },
        Purpose::Observable(_) => {
            let (seen, note) = match text.split_once(" # ") {
                Some((seen, note)) => (seen, Some(note.trim().to_owned())),
                None => (text, None),
            };
            let (kind, value) = seen.trim().split_once(' ')?;
            IncidentAction::AddObservable { kind: kind.to_owned(), value: value.trim().to_owned(), note }
        }
        Purpose::Title(_, from) => {
            let title = Some(Changed { from: from.clone(), to: text.to_owned() });
            IncidentAction::Edit { title, level: None }
        }
        Purpose::Merge(_) => {
            let number = text.trim_start_matches(|c: char| !c.is_ascii_digit());
            IncidentAction::MergeInto { incident: number.parse().ok()? }
        }
        Purpose::Assign(_) => IncidentAction::Assign { to: (!text.is_empty()).then(|| text.to_owned()) },
        Purpose::Deadline(_) => {
            let mut words = text.splitn(3, char::is_whitespace);
            let (name, due) = (words.next()?, words.next()?);
            let why = words.next().map(str::trim).filter(|why| !why.is_empty())?;
            IncidentAction::SetClock { name: name.to_owned(), due: due.to_owned(), why: why.to_owned() }
        }
        Purpose::PhaseNote(_, phase) => IncidentAction::Phase { phase: *phase, note: Some(text.to_owned()) },
        Purpose::Attach(_) => IncidentAction::Attach { q: text.to_owned(), since: None, until: None, note: None },
        _ => return None,
    })
}

/// Opens a line for the incident under the cursor, prefilled.
pub(in crate::console::update) fn open_line(
    model: &mut Model,
    purpose: impl Fn(&IncidentRow) -> (Purpose, String),
) -> Vec<Cmd> {
    let Some((purpose, text)) = model.incidents.focused().map(purpose) else { return nothing_here(model) };
    model.overlay = Some(Overlay::Line { purpose, input: Input::with(&text), problem: None });
    Vec::new()
}

/// Says whether a phase is entered only with a reason: closing, and opening again.
pub(in crate::console::update) fn needs_note(model: &Model, id: u64, phase: IncidentPhase) -> bool {
    let now = model.incidents.rows.iter().find(|row| row.id == id).map(|row| row.phase);
    phase == IncidentPhase::Closed || now == Some(IncidentPhase::Closed)
}

/// Opens the line for a deadline with the name of the first that is open and not due at once.
pub(in crate::console::update) fn open_deadline(model: &mut Model) -> Vec<Cmd> {
    let open = model
        .incidents
        .focused_detail()
        .and_then(|detail| detail.clocks.iter().find(|one| one.met.is_none() && one.due != detail.row.known));
    let prefilled = open.map(|clock| format!("{} ", clock.name)).unwrap_or_default();
    open_line(model, |row| (Purpose::Deadline(row.id), prefilled.clone()))
}

pub(in crate::console::update) fn choose_level(model: &mut Model) -> Vec<Cmd> {
    match model.incidents.focused().map(|row| (row.id, row.level.clone())) {
        Some((id, level)) => model.overlay = Some(Overlay::Choice(Choice::Level(id, level))),
        None => return nothing_here(model),
    }
    Vec::new()
}

/// Offers the tasks that are open; the first nine have digits.
pub(in crate::console::update) fn choose_task(model: &mut Model) -> Vec<Cmd> {
    let open = model.incidents.focused_detail().map(|detail| {
        let open = detail.tasks.iter().filter(|task| task.done.is_none());
        (detail.row.id, open.map(|task| (task.place, task.text.clone())).take(9).collect::<Vec<_>>())
    });
    match open {
        Some((id, tasks)) if !tasks.is_empty() => {
            model.overlay = Some(Overlay::Choice(Choice::Task(id, tasks)));
            Vec::new()
        }
        _ => nothing_here(model),
    }
}

pub(in crate::console::update) fn read_list(model: &mut Model) -> Vec<Cmd> {
    model.incidents.is_stale = false;
    vec![ask(model, Slot::IncidentList, Request::Incidents)]
}

pub(in crate::console::update) fn list_arrived(model: &mut Model, window: IncidentWindow) -> Vec<Cmd> {
    let incidents = &mut model.incidents;
    let focused = incidents.focused().map(|row| row.id);
    incidents.rows = window.rows;
    incidents.total = window.total;
    incidents.is_loaded = true;
    incidents.is_stale = false;
    let place = focused.and_then(|id| incidents.rows.iter().position(|row| row.id == id));
    incidents.scroll.cursor = place.unwrap_or(incidents.scroll.cursor);
    let cmds = after_move(model);
    match model.incidents.focused_detail().map(|detail| detail.row.id) {
        // The record that is shown stays, and the keys with it, until the newer one has come.
        Some(id) => vec![ask(model, Slot::IncidentDetail, Request::Incident(id))],
        None => cmds,
    }
}

/// Keeps the cursor visible and asks for the record of the incident it is on.
pub(in crate::console::update) fn after_move(model: &mut Model) -> Vec<Cmd> {
    let height = rows_in(model.layout().panes(model.incidents.focus).list, 1);
    let incidents = &mut model.incidents;
    incidents.scroll.follow(incidents.rows.len(), height);
    match incidents.focused().map(|row| row.id) {
        Some(id) if incidents.focused_detail().is_none() => {
            incidents.detail_top = 0;
            vec![ask(model, Slot::IncidentDetail, Request::Incident(id))]
        }
        _ => Vec::new(),
    }
}

pub(in crate::console::update) fn detail_arrived(model: &mut Model, detail: Box<IncidentDetail>) {
    if model.incidents.focused().is_some_and(|row| row.id == detail.row.id) {
        if let Some(row) = model.incidents.rows.get_mut(model.incidents.scroll.cursor) {
            *row = detail.row.clone();
        }
        model.incidents.detail = Some(detail);
    }
}

/// Sends an action on an incident; while nobody answers it says so and sends nothing.
pub(in crate::console::update) fn act(model: &mut Model, id: u64, action: IncidentAction) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    vec![ask(model, Slot::IncidentAction, Request::ActOnIncident(id, action))]
}

/// An action of ours came back: the row changes in place, the record is read anew.
pub(in crate::console::update) fn acted(model: &mut Model, row: IncidentRow) -> Vec<Cmd> {
    model.draft = None;
    let id = row.id;
    if let Some(shown) = model.incidents.rows.iter_mut().find(|shown| shown.id == id) {
        *shown = row;
    }
    let text = fill(model.text(Text::DoneIncident), &[&format!("INC-{id}")]);
    say(model, text);
    vec![ask(model, Slot::IncidentDetail, Request::Incident(id))]
}

pub(in crate::console::update) fn take(model: &mut Model) -> Vec<Cmd> {
    match model.incidents.focused().map(|row| row.id) {
        Some(id) => act(model, id, IncidentAction::Take),
        None => nothing_here(model),
    }
}

pub(in crate::console::update) fn choose_phase(model: &mut Model) -> Vec<Cmd> {
    match model.incidents.focused().map(|row| row.id) {
        Some(id) => model.overlay = Some(Overlay::Choice(Choice::Phase(id))),
        None => drop(nothing_here(model)),
    }
    Vec::new()
}

pub(in crate::console::update) fn choose_clock(model: &mut Model) -> Vec<Cmd> {
    let open = model.incidents.focused_detail().map(|detail| {
        let open = detail.clocks.iter().filter(|clock| clock.met.is_none());
        (detail.row.id, open.map(|clock| clock.name.clone()).take(9).collect::<Vec<_>>())
    });
    match open {
        Some((id, names)) if !names.is_empty() => {
            model.overlay = Some(Overlay::Choice(Choice::Clock(id, names)));
            Vec::new()
        }
        _ => nothing_here(model),
    }
}

fn nothing_here(model: &mut Model) -> Vec<Cmd> {
    complain(model, model.text(Text::NothingHere));
    Vec::new()
}

pub(in crate::console::update) fn open(model: &mut Model) -> Vec<Cmd> {
    if model.incidents.focused().is_some() {
        model.incidents.focus = Pane::Detail;
    }
    Vec::new()
}
