//! The alerts screen: windows, rows that change in place, detail, events around, and actions.

use serde_json::Value;

use crate::console::look::format;
use crate::console::look::format::fold;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Shape;
use crate::console::look::layout::rows_in;
use crate::console::look::text::Lang;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::alerts::Landing;
use crate::console::model::alerts::Sent;
use crate::console::model::alerts::WAITING_MAX;
use crate::console::model::alerts::WINDOW_ROWS;
use crate::console::model::overlay::Choice;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Target;
use crate::console::model::search::field as search_field;
use crate::console::msg::Cmd;
use crate::console::msg::EventObject;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::keys;
use crate::console::update::link;
use crate::console::update::search;
use crate::console::update::triage::incidents;
use crate::model::AlertId;
use crate::model::RuleLevel;
use crate::wire::alert::AlertAction;
use crate::wire::alert::AlertCommand;
use crate::wire::alert::AlertDetail;
use crate::wire::alert::AlertFilter;
use crate::wire::alert::AlertRow;
use crate::wire::alert::AlertStatus;
use crate::wire::alert::AlertWindow;
use crate::wire::alert::BulkCommand;
use crate::wire::incident::IncidentAction;
use crate::wire::search::HistogramRequest;
use crate::wire::search::SearchRequest;

/// Rows kept above the place a new window is read for, so that going back up is not the next request.
const ROWS_ABOVE: u64 = 100;
/// The widest span around an alert.
const AROUND_MINUTES_MAX: i64 = 24 * 60;
const AROUND_EVENTS: u32 = 500;

/// Returns how many rows of the list are visible.
pub(in crate::console::update) fn page_rows(model: &Model) -> usize {
    rows_in(model.layout().panes(model.alerts.focus).list, 1)
}

/// Reads the window that begins at a place of the whole list.
pub(in crate::console::update) fn read_window(model: &mut Model, offset: u64) -> Cmd {
    model.alerts.offset_asked = offset;
    let filter = AlertFilter { offset, limit: Some(WINDOW_ROWS), ..model.alerts.filter.clone() };
    ask(model, Slot::AlertWindow, Request::Alerts(filter))
}

/// Reads the present window anew, the cursor staying on its alert.
pub(in crate::console::update) fn reread(model: &mut Model) -> Cmd {
    model.alerts.landing = Landing::Stay;
    read_window(model, model.alerts.offset)
}

/// Shows what waits: the beginning of the list, the cursor staying on its alert.
pub(in crate::console::update) fn show_new(model: &mut Model) -> Vec<Cmd> {
    model.alerts.landing = Landing::Stay;
    vec![read_window(model, 0)]
}

pub(in crate::console::update) fn window_arrived(model: &mut Model, window: AlertWindow) -> Vec<Cmd> {
    let asked_offset = model.alerts.offset_asked;
    let focused = model.alerts.focused().map(|row| row.id);
    let alerts = &mut model.alerts;
    alerts.rows = window.rows;
    alerts.total = window.total;
    alerts.newest = window.newest;
    alerts.offset = asked_offset;
    alerts.is_loaded = true;
    let shown = &alerts.rows;
    // What was told while the window was on its way may have come after it was read.
    let is_beyond = |told: u64| asked_offset > 0 || told > window.revision;
    alerts.waiting.retain(|id, told| is_beyond(*told) && !shown.iter().any(|row| row.id == *id));
    let last = alerts.rows.len().saturating_sub(1);
    alerts.scroll.cursor = match std::mem::take(&mut alerts.landing) {
        Landing::Stay => {
            let place = focused.and_then(|id| alerts.rows.iter().position(|row| row.id == id));
            place.unwrap_or(alerts.scroll.cursor).min(last)
        }
        Landing::First => 0,
        Landing::Last => last,
        Landing::Place(place) => usize::try_from(place.saturating_sub(asked_offset)).unwrap_or(last).min(last),
    };
    if model.revision == 0 {
        model.revision = window.revision;
    }
    after_move(model)
}

/// Keeps the cursor visible and asks for the detail of the alert it is on.
pub(in crate::console::update) fn after_move(model: &mut Model) -> Vec<Cmd> {
    let height = page_rows(model);
    let alerts = &mut model.alerts;
    alerts.scroll.follow(alerts.rows.len(), height);
    let focused = alerts.focused().map(|row| row.id);
    let mut cmds = Vec::new();
    if focused != alerts.detail_asked {
        alerts.detail_asked = focused;
        alerts.detail_top = 0;
        let minutes = alerts.around.minutes;
        alerts.around = crate::console::model::alerts::Around { minutes, ..Default::default() };
        cmds.extend(focused.map(|id| ask(model, Slot::AlertDetail, Request::Alert(id))));
    }
    cmds.extend(ask_why(model));
    cmds
}

/// Asks for the condition of the alert that is read whole, once: it is worked out anew for each who asks.
fn ask_why(model: &mut Model) -> Option<Cmd> {
    let alerts = &mut model.alerts;
    let id = alerts.focused().map(|row| row.id).filter(|_| alerts.focus == Pane::Detail)?;
    if alerts.why_asked == Some(id) && !matches!(alerts.why, Some(Err(_))) {
        return None;
    }
    (alerts.why_asked, alerts.why) = (Some(id), None);
    Some(ask(model, Slot::AlertWhy, Request::AlertWhy(id)))
}

/// Moves through the list; at the end of the window the next one is read.
pub(in crate::console::update) fn move_by(model: &mut Model, rows: isize) -> Vec<Cmd> {
    let alerts = &mut model.alerts;
    let len = alerts.rows.len();
    let at_end = rows > 0 && alerts.scroll.cursor + 1 >= len;
    let at_start = rows < 0 && alerts.scroll.cursor == 0;
    if at_end && alerts.offset + (len as u64) < alerts.total {
        let place = alerts.offset + len as u64;
        alerts.landing = Landing::Place(place);
        return vec![read_window(model, place.saturating_sub(ROWS_ABOVE))];
    }
    if at_start && alerts.offset > 0 {
        let place = alerts.offset - 1;
        alerts.landing = Landing::Place(place);
        return vec![read_window(model, (place + ROWS_ABOVE).saturating_sub(u64::from(WINDOW_ROWS)))];
    }
    alerts.scroll.move_by(rows, len);
    after_move(model)
}

pub(in crate::console::update) fn top(model: &mut Model) -> Vec<Cmd> {
    if model.alerts.offset > 0 {
        model.alerts.landing = Landing::First;
        return vec![read_window(model, 0)];
    }
    model.alerts.scroll.cursor = 0;
    after_move(model)
}

pub(in crate::console::update) fn bottom(model: &mut Model) -> Vec<Cmd> {
    let alerts = &mut model.alerts;
    if alerts.offset + (alerts.rows.len() as u64) < alerts.total {
        alerts.landing = Landing::Last;
        let offset = alerts.total.saturating_sub(u64::from(WINDOW_ROWS));
        return vec![read_window(model, offset)];
    }
    alerts.scroll.cursor = alerts.rows.len().saturating_sub(1);
    after_move(model)
}

/// An alert was raised or changed: shown rows change in place, others wait behind the list.
pub(in crate::console::update) fn changed(model: &mut Model, revision: u64, is_new: bool, row: AlertRow) -> Vec<Cmd> {
    let alerts = &mut model.alerts;
    if let Some(shown) = alerts.rows.iter_mut().find(|shown| shown.id == row.id) {
        let is_focused = alerts.detail_asked == Some(row.id);
        *shown = row;
        let id = shown.id;
        return if is_focused { vec![ask(model, Slot::AlertDetail, Request::Alert(id))] } else { Vec::new() };
    }
    // One that rose above the end of the window belongs into it as much as a new one does; so does one that was closed
    // and was opened again, where the window is the whole list.
    let is_whole = alerts.rows.len() as u64 >= alerts.total;
    let rose = alerts.rows.last().is_none_or(|last| is_whole || row.risk > last.risk);
    let belongs = is_new || alerts.offset == 0 && rose;
    if belongs && admits(&alerts.filter, &row) && alerts.waiting.len() < WAITING_MAX {
        alerts.waiting.entry(row.id).or_insert(revision);
    }
    Vec::new()
}

/// Says whether a filter shows an alert; the server has the last word when the window is read.
fn admits(filter: &AlertFilter, row: &AlertRow) -> bool {
    let status = match filter.status.as_deref() {
        None | Some("open") => row.status != AlertStatus::Closed,
        Some("all") => true,
        Some("new") => row.status == AlertStatus::New,
        Some("taken") => row.status == AlertStatus::Taken,
        Some("escalated") => row.status == AlertStatus::Escalated,
        Some(_) => row.status == AlertStatus::Closed,
    };
    let level = |text: &str| text.parse::<RuleLevel>().unwrap_or_default();
    let text = filter.text.as_deref().map(fold).unwrap_or_default();
    let holds = |wanted: &Option<String>, value: Option<&str>| wanted.is_none() || wanted.as_deref() == value;
    status
        && filter.level_min.as_deref().is_none_or(|least| level(&row.level) >= level(least))
        && [&row.title, &row.rule, &row.entity].into_iter().chain(&row.title_vi).any(|part| fold(part).contains(&text))
        && holds(&filter.owner, row.owner.as_deref())
        && holds(&filter.rule, Some(&row.rule))
        && holds(&filter.entity, Some(&row.entity))
}

/// Reads a filter as typed: `sev>=high is:all owner:an`, the rest being text.
pub(in crate::console::update) fn parse_filter(text: &str) -> AlertFilter {
    let mut filter = AlertFilter::default();
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let value = |prefix: &str| word.strip_prefix(prefix).filter(|rest| !rest.is_empty()).map(str::to_owned);
        if let Some(level) = value("sev>=").or_else(|| value("level:")) {
            filter.level_min = RuleLevel::ALL
                .into_iter()
                .find(|known| known.as_str().starts_with(&level.to_lowercase()))
                .map(|known| known.as_str().to_owned());
        } else if let Some(status) = value("is:") {
            filter.status = Some(status.to_lowercase());
        } else if let Some(owner) = value("owner:") {
            filter.owner = Some(owner);
        } else if let Some(rule) = value("rule:") {
            filter.rule = Some(rule);
        } else if let Some(entity) = value("entity:") {
            filter.entity = Some(entity);
        } else {
            words.push(word);
        }
    }
    if !words.is_empty() {
        filter.text = Some(words.join(" "));
    }
    filter
}

/// Sets the filter and reads the list from its beginning.
pub(in crate::console::update) fn set_filter(model: &mut Model, text: &str) -> Vec<Cmd> {
    let alerts = &mut model.alerts;
    alerts.filter = parse_filter(text);
    alerts.filter_text = text.trim().to_owned();
    alerts.landing = Landing::First;
    alerts.waiting.clear();
    clear_marks(model);
    vec![read_window(model, 0)]
}

pub(in crate::console::update) fn clear_marks(model: &mut Model) {
    model.alerts.marked.clear();
    model.alerts.all_marked = false;
}

pub(in crate::console::update) fn toggle_mark(model: &mut Model) -> Vec<Cmd> {
    let Some(id) = model.alerts.focused().map(|row| row.id) else { return Vec::new() };
    model.alerts.all_marked = false;
    if !model.alerts.marked.remove(&id) {
        model.alerts.marked.insert(id);
    }
    move_by(model, 1)
}

/// Returns what an action would act on: all in the filter, the marked, or the alert under the cursor.
pub(in crate::console::update) fn target(model: &Model) -> Option<Target> {
    let alerts = &model.alerts;
    let weighs = |row: &AlertRow| matches!(row.level.as_str(), "high" | "critical");
    if alerts.all_marked {
        let needs_note = alerts.rows.iter().any(weighs);
        return (alerts.total > 0).then_some(Target::Filtered {
            expected: alerts.total,
            newest: alerts.newest,
            needs_note,
        });
    }
    if !alerts.marked.is_empty() {
        // A marked alert that has left the window may weigh anything.
        let weight = |id: &u64| alerts.rows.iter().find(|row| row.id == *id).is_none_or(weighs);
        let needs_note = alerts.marked.iter().any(weight);
        return Some(Target::Many { ids: alerts.marked.iter().copied().collect(), needs_note });
    }
    alerts.focused().map(|row| Target::One { id: row.id, revision: row.revision, needs_note: weighs(row) })
}

/// Returns the target, or says why there is none.
pub(in crate::console::update) fn checked_target(model: &mut Model) -> Option<Target> {
    if let Some(who) = model.whoami.as_ref().filter(|who| !who.may_triage) {
        let text = format::fill(model.text(Text::NotAllowed), &[&who.role]);
        complain(model, text);
        return None;
    }
    let target = target(model);
    if target.is_none() {
        complain(model, model.text(Text::NothingHere));
    }
    target
}

/// Sends an action; while nobody answers it says so and sends nothing.
pub(in crate::console::update) fn act(model: &mut Model, target: &Target, action: AlertAction) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    let sent = sent_for(&action);
    let request = match target {
        Target::One { id, revision, .. } => {
            Request::Act(*id, AlertCommand { action, revision: (*revision > 0).then_some(*revision) })
        }
        Target::Many { ids, .. } => {
            Request::ActOnMany(BulkCommand { action, ids: ids.clone(), filter: None, expected: None })
        }
        Target::Filtered { expected, newest, .. } => {
            let up_to = (*newest > 0).then_some(*newest);
            let filter = Some(AlertFilter { up_to, ..model.alerts.filter.clone() });
            Request::ActOnMany(BulkCommand { action, ids: Vec::new(), filter, expected: Some(*expected) })
        }
    };
    let cmd = ask(model, Slot::AlertAction, request);
    if let Cmd::Ask { generation, .. } = &cmd {
        model.alerts.in_flight.insert(*generation, sent);
    }
    vec![cmd]
}

fn sent_for(action: &AlertAction) -> Sent {
    let (done, can_undo) = match action {
        AlertAction::Take => (Text::DoneTaken, true),
        AlertAction::Release => (Text::DoneReleased, true),
        AlertAction::Close { .. } => (Text::DoneClosed, true),
        AlertAction::Reopen { .. } => (Text::DoneReopened, true),
        AlertAction::Note { .. } => (Text::DoneNoted, false),
        AlertAction::Escalate { .. } => (Text::DoneEscalated, false),
        AlertAction::Step { .. } => (Text::DoneStep, false),
        AlertAction::Undo => (Text::DoneUndone, false),
    };
    Sent { done, can_undo }
}

/// Offers the steps of the response; the first nine have digits.
pub(in crate::console::update) fn choose_step(model: &mut Model) -> Vec<Cmd> {
    let found = model.alerts.focused_detail().map(|detail| {
        let is_done = |step: u32| detail.steps.iter().any(|done| done.step == step);
        let texts = detail.steps_in(model.lang == Lang::Vi).iter();
        let steps = (1u32..).zip(texts).map(|(step, text)| (step, is_done(step), text.clone()));
        (detail.row.id, steps.take(9).collect::<Vec<_>>())
    });
    match found {
        Some((id, steps)) if !steps.is_empty() => {
            model.overlay = Some(Overlay::Choice(Choice::Step(id, steps)));
        }
        _ => complain(model, model.text(Text::NothingHere)),
    }
    Vec::new()
}

/// Ticks a step, or takes the tick back.
pub(in crate::console::update) fn tick_step(model: &mut Model, id: u64, step: u32, was_done: bool) -> Vec<Cmd> {
    let target = Target::One { id, revision: 0, needs_note: false };
    act(model, &target, AlertAction::Step { step, done: !was_done })
}

/// Attaches an event to the alert's incident: the one under the cursor, else the newest of the alert itself.
pub(in crate::console::update) fn attach(model: &mut Model) -> Vec<Cmd> {
    let Some(detail) = model.alerts.focused_detail() else {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    };
    let Some(incident) = detail.incident else {
        complain(model, model.text(Text::NoIncidentYet));
        return Vec::new();
    };
    let around = &model.alerts.around;
    let under_cursor = around.events.get(around.scroll.cursor).filter(|_| model.alerts.focus == Pane::Around);
    let found = match under_cursor {
        Some(event) => event.get("longan.id").and_then(Value::as_u64).zip(search_field(event, "@timestamp")),
        None => detail.evidence.first().map(|evidence| (evidence.event, evidence.timestamp.clone())),
    };
    let span = found.and_then(|(event, at)| Some((event, format::seconds_around(&at, 1)?)));
    let Some((event, (since, until))) = span else {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    };
    let note = Some(AlertId(detail.row.id).to_string());
    let action =
        IncidentAction::Attach { q: format!("longan.id:{event}"), since: Some(since), until: Some(until), note };
    incidents::act(model, incident, action)
}

/// Takes back the last action: an action of its own, recorded as such.
pub(in crate::console::update) fn undo(model: &mut Model) -> Vec<Cmd> {
    let ids = model.alerts.undoable.clone();
    let target = match ids.as_slice() {
        [] => {
            complain(model, model.text(Text::NothingToUndo));
            return Vec::new();
        }
        [id] => Target::One { id: *id, revision: 0, needs_note: false },
        _ => Target::Many { ids, needs_note: false },
    };
    let cmds = act(model, &target, AlertAction::Undo);
    if !cmds.is_empty() {
        model.alerts.undoable.clear();
    }
    cmds
}

/// Puts a row that our own action changed where it belongs: gone when closed, back when reopened.
pub(in crate::console::update) fn settle(model: &mut Model, row: AlertRow) -> Vec<Cmd> {
    let alerts = &mut model.alerts;
    let place = alerts.rows.iter().position(|shown| shown.id == row.id);
    let belongs = admits(&alerts.filter, &row);
    alerts.waiting.remove(&row.id);
    alerts.marked.remove(&row.id);
    match (place, belongs) {
        (Some(place), true) => {
            alerts.rows[place] = row;
            // What is known of it is old now.
            alerts.detail_asked = alerts.detail_asked.filter(|_| place != alerts.scroll.cursor);
        }
        (Some(place), false) => {
            alerts.rows.remove(place);
            alerts.total = alerts.total.saturating_sub(1);
            if place < alerts.scroll.cursor {
                alerts.scroll.cursor -= 1;
            }
        }
        (None, true) => {
            let place = alerts.scroll.cursor.min(alerts.rows.len());
            alerts.rows.insert(place, row);
            alerts.total += 1;
        }
        (None, false) => {}
    }
    after_move(model)
}

/// A detail arrived: its entities say what "around" means, and a wide screen shows it at once.
pub(in crate::console::update) fn detail_arrived(model: &mut Model, detail: Box<AlertDetail>) -> Vec<Cmd> {
    if model.alerts.focused().is_none_or(|row| row.id != detail.row.id) {
        return Vec::new();
    }
    let is_first = model.alerts.around.conditions.is_empty();
    model.alerts.around.conditions = conditions(&detail);
    if let Some(row) = model.alerts.rows.get_mut(model.alerts.scroll.cursor) {
        *row = detail.row.clone();
    }
    model.alerts.detail = Some(detail);
    let is_shown = model.layout().shape == Shape::Wide || model.alerts.focus == Pane::Around;
    if is_first && is_shown && model.screen == Screen::Alerts { read_around(model) } else { Vec::new() }
}

/// Returns field and value of each entity of an alert, hosts first, then what the alert is about.
fn conditions(detail: &AlertDetail) -> Vec<(String, String)> {
    let hosts = detail.entities.iter().filter(|entity| entity.kind == "host");
    let others = detail.entities.iter().filter(|entity| entity.kind != "host");
    let own = (detail.row.entity_field.clone(), detail.row.entity.clone());
    let mut all: Vec<(String, String)> = hosts.map(|entity| (entity.field.clone(), entity.value.clone())).collect();
    all.push(own);
    all.extend(others.map(|entity| (entity.field.clone(), entity.value.clone())));
    let mut seen = std::collections::HashSet::new();
    all.retain(|condition| !condition.0.is_empty() && seen.insert(condition.clone()));
    all
}

/// Returns query, since and until of the events around the alert under the cursor.
pub(in crate::console::update) fn around_query(model: &Model) -> Option<(String, String, String)> {
    let around = &model.alerts.around;
    let (field, value) = around.conditions.get(around.chosen)?;
    let (since, until) = format::around(&model.alerts.focused()?.last, around.minutes)?;
    Some((format::condition(field, value), since, until))
}

/// Asks for the events around the alert under the cursor.
pub(in crate::console::update) fn read_around(model: &mut Model) -> Vec<Cmd> {
    let Some((q, since, until)) = around_query(model) else { return Vec::new() };
    model.alerts.around.is_loading = true;
    model.alerts.around.problem = None;
    let (since, until) = (Some(since), Some(until));
    let search = SearchRequest {
        q: q.clone(),
        since: since.clone(),
        until: until.clone(),
        limit: Some(AROUND_EVENTS),
        cursor: None,
    };
    let histogram = HistogramRequest { q, since, until, buckets: Some(60) };
    vec![
        ask(model, Slot::Around, Request::Search(search)),
        ask(model, Slot::AroundHistogram, Request::Histogram(histogram)),
    ]
}

/// Puts the cursor of the events around on the newest that the alert itself is about.
pub(in crate::console::update) fn focus_own_event(model: &mut Model) {
    let own = model.alerts.focused().and_then(|row| row.events.first().copied());
    let is_own = |event: &EventObject| own.is_some() && event.get("longan.id").and_then(Value::as_u64) == own;
    let around = &mut model.alerts.around;
    around.scroll.cursor = around.events.iter().position(is_own).unwrap_or(0);
    keys::keep_visible(model);
}

/// Widens or narrows the span around the alert.
pub(in crate::console::update) fn widen(model: &mut Model, wider: bool) -> Vec<Cmd> {
    let minutes = &mut model.alerts.around.minutes;
    *minutes = if wider { (*minutes * 2).min(AROUND_MINUTES_MAX) } else { (*minutes / 2).max(1) };
    read_around(model)
}

pub(in crate::console::update) fn next_entity(model: &mut Model) -> Vec<Cmd> {
    let around = &mut model.alerts.around;
    around.chosen = (around.chosen + 1) % around.conditions.len().max(1);
    read_around(model)
}

/// Shows the events around the alert, the focus on them.
pub(in crate::console::update) fn related(model: &mut Model) -> Vec<Cmd> {
    if model.alerts.focused().is_none() {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    }
    model.alerts.focus = Pane::Around;
    if model.alerts.around.events.is_empty() { read_around(model) } else { Vec::new() }
}

/// Opens what has the focus: the detail from the list, the search from the events around.
pub(in crate::console::update) fn open(model: &mut Model) -> Vec<Cmd> {
    match model.alerts.focus {
        Pane::List => {
            if model.alerts.focused().is_some() {
                model.alerts.focus = Pane::Detail;
            }
            ask_why(model).into_iter().collect()
        }
        Pane::Detail => related(model),
        Pane::Around => match around_query(model) {
            Some((q, since, until)) => search::show(model, &q, Some(since), Some(until)),
            None => Vec::new(),
        },
    }
}
