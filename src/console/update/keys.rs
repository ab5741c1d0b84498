//! Keys, clicks and the wheel: from the table to what they do.

pub(super) mod overlays;
pub(super) mod palette;

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::keys::keymap::Action;
use crate::console::keys::keymap::action_for;
use crate::console::look::format::fill;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Scroll;
use crate::console::look::layout::Shape;
use crate::console::look::layout::rows_in;
use crate::console::look::text::Text;
use crate::console::look::theme::Theme;
use crate::console::look::theme::ThemeName;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::overlay::Choice;
use crate::console::model::overlay::CommandsTitle;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::model::search::SearchFocus;
use crate::console::model::search::field;
use crate::console::msg::Cmd;
use crate::console::update::complain;
use crate::console::update::records::audit;
use crate::console::update::records::export;
use crate::console::update::records::files;
use crate::console::update::records::reports;
use crate::console::update::rules;
use crate::console::update::rules::drafts;
use crate::console::update::say;
use crate::console::update::search;
use crate::console::update::sources;
use crate::console::update::triage::alerts;
use crate::console::update::triage::exception;
use crate::console::update::triage::forms;
use crate::console::update::triage::incidents;
use crate::console::view::audit_rows;
use crate::console::view::detail_top_max;
use crate::model::SafeText;
use crate::wire::alert::AlertAction;

/// The longest text put into the clipboard; terminals drop longer ones whole.
const COPY_CHARS_MAX: usize = 50_000;

/// Gives a key to what lies over the screen, to the query, or to the table.
pub(super) fn press(model: &mut Model, key: Key) -> Vec<Cmd> {
    // These two hold even while text is typed.
    match key {
        Key::Ctrl('c' | 'q') => return quit(model),
        Key::Ctrl('l') => return perform(model, Action::Language),
        _ => {}
    }
    if let Some(overlay) = model.overlay.take() {
        return overlays::press(model, overlay, key);
    }
    let is_query = model.screen == Screen::Search && model.search.focus == SearchFocus::Query;
    if let Some(cmds) = is_query.then(|| search::press_query(model, key)).flatten() {
        return cmds;
    }
    // Among the events around an alert `g` goes on to the next entity; Home still leads to the first event.
    if key == Key::Char('g') && model.screen == Screen::Alerts && model.alerts.focus == Pane::Around {
        return alerts::next_entity(model);
    }
    match action_for(model.context(), key) {
        Some(action) => perform(model, action),
        None if model.is_editing() => drafts::press(model, key),
        None => Vec::new(),
    }
}

/// Does what an action says on the screen that is shown.
pub(super) fn perform(model: &mut Model, action: Action) -> Vec<Cmd> {
    if let Some(cmds) = drafts::perform(model, action) {
        return cmds;
    }
    match action {
        Action::Up => move_by(model, -1),
        Action::Down => move_by(model, 1),
        Action::PageUp => page(model, false),
        Action::PageDown => page(model, true),
        Action::Top => to_end(model, false),
        Action::Bottom => to_end(model, true),
        Action::Open => open(model),
        Action::Back => back(model),
        Action::NextPane => next_pane(model),
        Action::Go(screen) => go(model, screen),
        Action::Refresh => refresh(model),
        Action::Quit => quit(model),
        Action::Undo => alerts::undo(model),
        Action::Related => alerts::related(model),
        Action::MarkAll => {
            model.alerts.all_marked = !model.alerts.all_marked;
            model.alerts.marked.clear();
            Vec::new()
        }
        Action::Mark => alerts::toggle_mark(model),
        Action::Take if model.screen == Screen::Incidents => incidents::take(model),
        Action::Take => act(model, AlertAction::Take),
        Action::Release => act(model, AlertAction::Release),
        Action::Widen => alerts::widen(model, true),
        Action::Narrow => alerts::widen(model, false),
        Action::NextEntity => alerts::next_entity(model),
        Action::TickStep => alerts::choose_step(model),
        Action::Attach if model.screen == Screen::Alerts => alerts::attach(model),
        Action::Attach => incidents::open_line(model, |row| (Purpose::Attach(row.id), String::new())),
        Action::Assign => {
            incidents::open_line(model, |row| (Purpose::Assign(row.id), row.owner.clone().unwrap_or_default()))
        }
        Action::SetClock => incidents::open_deadline(model),
        Action::Phase => incidents::choose_phase(model),
        Action::AddTask => incidents::open_line(model, |row| (Purpose::Task(row.id), String::new())),
        Action::FinishTask => incidents::choose_task(model),
        Action::AddObservable => incidents::open_line(model, |row| (Purpose::Observable(row.id), String::new())),
        Action::EditTitle => {
            incidents::open_line(model, |row| (Purpose::Title(row.id, row.title.clone()), row.title.clone()))
        }
        Action::ChangeLevel => incidents::choose_level(model),
        Action::Merge => incidents::open_line(model, |row| (Purpose::Merge(row.id), String::new())),
        Action::Handover => reports::open_handover(model, None),
        Action::TimeSpan if model.screen == Screen::Reports => reports::other_period(model),
        Action::MeetClock => incidents::choose_clock(model),
        Action::Tail => search::toggle_tail(model),
        Action::Exclude => search::narrow(model, true),
        Action::Copy => copy(model),
        Action::Sort if model.screen == Screen::Rules => rules::sort(model),
        Action::Sort => sources::sort(model),
        Action::Except => exception::open(model),
        Action::Exceptions => rules::show_exceptions(model),
        Action::Coverage => rules::show_coverage(model),
        Action::Backtest => rules::backtest(model),
        Action::EditRule => drafts::edit(model, false),
        Action::EditOutside => drafts::edit(model, true),
        Action::TestRule => drafts::test(model),
        Action::SaveRule => drafts::open_save(model),
        Action::ChangeState => rules::choose_state(model),
        Action::RuleDetail => rules::open(model),
        Action::Revoke => rules::open_revoke(model),
        Action::Mute => sources::open_mute(model),
        Action::Unmute => sources::unmute(model),
        Action::Column => {
            search::toggle_column(model);
            Vec::new()
        }
        Action::CountBy => search::count_by(model),
        Action::OpenSaved => search::open_saved(model),
        Action::Verify => audit::verify(model),
        Action::CancelVerify => audit::cancel(model),
        Action::Pivot if model.screen == Screen::Sources => sources::search(model),
        other => {
            open_overlay(model, other);
            Vec::new()
        }
    }
}

/// The actions that only open something or change how the screen looks.
fn open_overlay(model: &mut Model, action: Action) {
    match action {
        Action::Help | Action::Menu => commands(model, CommandsTitle::Help),
        Action::Palette => commands(model, CommandsTitle::Palette),
        Action::Language => model.lang = model.lang.other(),
        Action::Theme => model.theme = Theme::new(next_theme(model.theme.name)),
        Action::Filter => filter(model),
        Action::Close => forms::open_close(model),
        Action::Escalate => forms::open_escalate(model),
        Action::Reopen => forms::open_line(model, Purpose::Reopen, ""),
        Action::Note => note(model),
        Action::Pivot => pivot(model),
        Action::WriteFile if model.screen == Screen::Incidents => files::open_report(model),
        Action::WriteFile => files::open_alerts(model),
        Action::WriteEvidence => files::choose_evidence(model),
        Action::TimeSpan => model.overlay = Some(Overlay::Choice(Choice::TimeSpan)),
        Action::Export => export::open(model),
        Action::SaveSearch => search::open_save(model),
        // Done in `perform`.
        _ => {}
    }
}

fn pivot(model: &mut Model) {
    if !overlays::open_pivot(model) {
        complain(model, model.text(Text::NothingHere));
    }
}

fn commands(model: &mut Model, title: CommandsTitle) {
    model.overlay = Some(Overlay::Commands { title, input: Input::default(), cursor: 0 });
}

fn next_theme(name: ThemeName) -> ThemeName {
    let place = Theme::NAMES.iter().position(|(_, known)| *known == name).unwrap_or(0);
    Theme::NAMES[(place + 1) % Theme::NAMES.len()].1
}

fn act(model: &mut Model, action: AlertAction) -> Vec<Cmd> {
    match alerts::checked_target(model) {
        Some(target) => alerts::act(model, &target, action),
        None => Vec::new(),
    }
}

fn note(model: &mut Model) {
    if model.screen != Screen::Incidents {
        return forms::open_line(model, Purpose::Note, "");
    }
    match model.incidents.focused().map(|row| row.id) {
        Some(id) => {
            let purpose = Purpose::NoteIncident(id);
            model.overlay = Some(Overlay::Line { purpose, input: Input::default(), problem: None });
        }
        None => complain(model, model.text(Text::NothingHere)),
    }
}

fn filter(model: &mut Model) {
    let present = match model.screen {
        Screen::Search => {
            model.search.focus = SearchFocus::Query;
            return;
        }
        Screen::Sources => &model.sources.filter,
        Screen::Rules => &model.rules.filter,
        Screen::Alerts => &model.alerts.filter_text,
        Screen::Audit => &model.audit.filter,
        Screen::Incidents | Screen::Reports => return,
    };
    let input = Input::with(present);
    model.overlay = Some(Overlay::Line { purpose: Purpose::Filter, input, problem: None });
}

fn quit(model: &mut Model) -> Vec<Cmd> {
    let is_draft = matches!(&model.overlay, Some(Overlay::Line { input, purpose, .. })
        if !input.text().is_empty() && *purpose != Purpose::Filter)
        || matches!(&model.overlay, Some(Overlay::Close(form)) if !form.note.text().is_empty());
    if let Some(draft) = model.rules.draft.as_ref().filter(|draft| draft.is_changed()) {
        let text = fill(model.text(Text::QuitRuleDraft), &[&draft.source.id]);
        complain(model, text);
        return Vec::new();
    }
    if is_draft {
        complain(model, model.text(Text::QuitDraft));
    } else {
        model.must_quit = true;
    }
    Vec::new()
}

fn go(model: &mut Model, screen: Screen) -> Vec<Cmd> {
    model.screen = screen;
    match screen {
        Screen::Alerts => alerts::after_move(model),
        Screen::Incidents if model.incidents.is_stale || !model.incidents.is_loaded => incidents::read_list(model),
        Screen::Incidents => incidents::after_move(model),
        Screen::Search => Vec::new(),
        Screen::Rules | Screen::Sources | Screen::Reports => refresh(model),
        // What was read stays where it was: reading it again is an entry of its own.
        Screen::Audit if model.audit.is_loaded => audit::tick(model),
        Screen::Audit => refresh(model),
    }
}

fn refresh(model: &mut Model) -> Vec<Cmd> {
    match model.screen {
        Screen::Alerts => alerts::show_new(model),
        Screen::Incidents => incidents::read_list(model),
        Screen::Search if model.search.is_tailing => Vec::new(),
        Screen::Search => search::run(model),
        Screen::Rules => rules::refresh(model),
        Screen::Sources => sources::refresh(model),
        Screen::Audit => audit::refresh(model),
        Screen::Reports => reports::refresh(model),
    }
}

fn open(model: &mut Model) -> Vec<Cmd> {
    match model.screen {
        Screen::Alerts => alerts::open(model),
        Screen::Incidents => incidents::open(model),
        Screen::Search => search::open(model),
        Screen::Sources => sources::open(model),
        Screen::Rules => rules::open(model),
        Screen::Audit => audit::open(model),
        _ => Vec::new(),
    }
}

fn back(model: &mut Model) -> Vec<Cmd> {
    match model.screen {
        Screen::Alerts if model.alerts.focus != Pane::List => {
            model.alerts.focus = Pane::List;
            return alerts::after_move(model);
        }
        Screen::Alerts => alerts::clear_marks(model),
        Screen::Incidents => model.incidents.focus = Pane::List,
        Screen::Sources => sources::back(model),
        Screen::Rules => return rules::back(model),
        Screen::Audit => audit::back(model),
        Screen::Search if model.search.is_loading => return search::give_up(model),
        Screen::Search => match model.search.focus {
            SearchFocus::Event => model.search.focus = SearchFocus::Rows,
            SearchFocus::Rows if model.search.is_tailing => return search::stop_tail(model),
            SearchFocus::Rows | SearchFocus::Query => model.search.focus = SearchFocus::Query,
        },
        _ => {}
    }
    Vec::new()
}

fn next_pane(model: &mut Model) -> Vec<Cmd> {
    match model.screen {
        Screen::Alerts => {
            model.alerts.focus = match model.alerts.focus {
                Pane::List => Pane::Detail,
                Pane::Detail => return alerts::related(model),
                Pane::Around => Pane::List,
            };
            return alerts::after_move(model);
        }
        Screen::Incidents => {
            let is_list = model.incidents.focus == Pane::List;
            model.incidents.focus = if is_list { Pane::Detail } else { Pane::List };
        }
        Screen::Search => model.search.focus = SearchFocus::Query,
        Screen::Rules => return rules::next_pane(model),
        Screen::Audit => audit::next_pane(model),
        Screen::Sources => {
            let is_list = model.sources.focus == Pane::List;
            model.sources.focus = if is_list { Pane::Detail } else { Pane::List };
        }
        _ => {}
    }
    Vec::new()
}

/// Moves within what has the focus.
fn move_by(model: &mut Model, rows: isize) -> Vec<Cmd> {
    match (model.screen, model.alerts.focus) {
        (Screen::Alerts, Pane::List) => return alerts::move_by(model, rows),
        (Screen::Alerts, Pane::Detail) => {
            let top_max = detail_top_max(model);
            model.alerts.detail_top = model.alerts.detail_top.saturating_add_signed(rows).min(top_max);
        }
        (Screen::Alerts, Pane::Around) => {
            let around = &mut model.alerts.around;
            around.scroll.move_by(rows, around.events.len());
        }
        (Screen::Incidents, _) if model.incidents.focus == Pane::List => {
            model.incidents.scroll.move_by(rows, model.incidents.rows.len());
            return incidents::after_move(model);
        }
        (Screen::Incidents, _) => {
            let top_max = detail_top_max(model);
            model.incidents.detail_top = model.incidents.detail_top.saturating_add_signed(rows).min(top_max);
        }
        (Screen::Search, _) => return search::move_by(model, rows),
        (Screen::Sources, _) if model.sources.focus == Pane::List => {
            model.sources.scroll.move_by(rows, model.sources.shown.len());
            keep_visible(model);
            return sources::after_move(model);
        }
        (Screen::Sources, _) => model.sources.inputs_scroll.move_by(rows, model.sources.inputs.len()),
        (Screen::Rules, _) => return rules::move_by(model, rows),
        (Screen::Reports, _) => reports::move_by(model, rows),
        (Screen::Audit, _) => return audit::move_by(model, rows),
    }
    keep_visible(model);
    Vec::new()
}

fn page(model: &mut Model, down: bool) -> Vec<Cmd> {
    let rows = match model.screen {
        Screen::Alerts => pane_rows(model, model.alerts.focus),
        Screen::Incidents => pane_rows(model, model.incidents.focus),
        Screen::Search => search::page_rows(model),
        Screen::Audit if model.audit.focus == Pane::List => audit_rows(model),
        _ => rows_in(model.layout().body, 1) / 2,
    };
    let rows = isize::try_from(rows.max(2) - 1).unwrap_or(1);
    move_by(model, if down { rows } else { -rows })
}

/// Returns how many rows of a pane are visible.
fn pane_rows(model: &Model, focus: Pane) -> usize {
    let panes = model.layout().panes(focus);
    match focus {
        Pane::List => rows_in(panes.list, 1),
        Pane::Detail => rows_in(panes.detail, 0),
        Pane::Around => rows_in(panes.around, 1),
    }
}

fn to_end(model: &mut Model, end: bool) -> Vec<Cmd> {
    match (model.screen, model.alerts.focus) {
        (Screen::Alerts, Pane::List) if end => alerts::bottom(model),
        (Screen::Alerts, Pane::List) => alerts::top(model),
        // Beyond the end the list itself stops; one short of the limit keeps the sum from overflowing.
        _ => move_by(model, if end { isize::MAX / 2 } else { isize::MIN / 2 }),
    }
}

/// Scrolls every list so that its cursor is visible.
pub(super) fn keep_visible(model: &mut Model) {
    let layout = model.layout();
    let alert_rows = alerts::page_rows(model);
    let around_rows = rows_in(layout.panes(model.alerts.focus).around, 1);
    let incident_rows = rows_in(layout.panes(model.incidents.focus).list, 1);
    let list_rows = rows_in(layout.body, 1);
    let input_rows = (list_rows / if model.sources.is_open { 2 } else { 3 }).max(1);
    let source_rows = if layout.shape == Shape::OnePane { list_rows } else { list_rows.saturating_sub(input_rows + 3) };
    let follow = |scroll: &mut Scroll, len: usize, height: usize| scroll.follow(len, height);
    follow(&mut model.alerts.scroll, model.alerts.rows.len(), alert_rows);
    follow(&mut model.alerts.around.scroll, model.alerts.around.events.len(), around_rows);
    follow(&mut model.incidents.scroll, model.incidents.rows.len(), incident_rows);
    let (rule_list, rule_panel) = model.rules.panes(&layout);
    follow(&mut model.rules.scroll, model.rules.shown.len(), rows_in(rule_list, 1));
    follow(&mut model.rules.exceptions_scroll, model.rules.exceptions.len(), rows_in(rule_panel, 1));
    follow(&mut model.sources.scroll, model.sources.shown.len(), source_rows);
    follow(&mut model.sources.inputs_scroll, model.sources.inputs.len(), input_rows);
    let audit_rows = audit_rows(model);
    follow(&mut model.audit.scroll, model.audit.rows.len(), audit_rows);
    search::keep_visible(model);
    drafts::keep_visible(model);
}

pub(super) fn wheel(model: &mut Model, rows: isize) -> Vec<Cmd> {
    if model.overlay.is_some() { Vec::new() } else { move_by(model, rows) }
}

/// A click on a row of the alert or incident list puts the cursor there; one on a screen's name or a hint does what it says.
pub(super) fn click(model: &mut Model, x: u16, y: u16) -> Vec<Cmd> {
    if model.overlay.is_some() {
        return Vec::new();
    }
    if let Some(action) = crate::console::look::bars::action_at(model, x, y) {
        return perform(model, action);
    }
    if model.is_editing() {
        drafts::click(model, x, y);
        return Vec::new();
    }
    let focus = if model.screen == Screen::Incidents { model.incidents.focus } else { model.alerts.focus };
    let list = model.layout().panes(focus).list;
    let inside = x >= list.left() && x < list.right() && y >= list.top() + 2 && y + 1 < list.bottom();
    if !inside {
        return Vec::new();
    }
    let row = usize::from(y - list.top() - 2);
    match model.screen {
        Screen::Alerts if model.alerts.scroll.top + row < model.alerts.rows.len() => {
            model.alerts.scroll.cursor = model.alerts.scroll.top + row;
            alerts::after_move(model)
        }
        Screen::Incidents if model.incidents.scroll.top + row < model.incidents.rows.len() => {
            model.incidents.scroll.cursor = model.incidents.scroll.top + row;
            incidents::after_move(model)
        }
        _ => Vec::new(),
    }
}

/// Copies what has the focus: a raw line, a value, or the alert in one line.
fn copy(model: &mut Model) -> Vec<Cmd> {
    let text = match model.screen {
        Screen::Alerts => copied_alert(model),
        Screen::Incidents => model.incidents.focused().map(|row| format!("INC-{} {}", row.id, row.title)),
        Screen::Search => match model.search.focus {
            SearchFocus::Event => model.search.focused_field().map(|(_, value)| value),
            SearchFocus::Rows => model.search.focused().and_then(|event| field(event, "event.original")),
            SearchFocus::Query => Some(model.search.query.text().to_owned()),
        },
        Screen::Sources => {
            let place = model.sources.shown.get(model.sources.scroll.cursor);
            place.and_then(|index| model.sources.sources.get(*index)).map(|source| source.name.clone())
        }
        Screen::Rules => model.rules.focused().map(|rule| rule.id.clone()),
        Screen::Audit => {
            let entry = model.audit.focused_entry().filter(|_| model.audit.is_open);
            entry.map(|entry| entry.entry.clone()).or_else(|| model.audit.focused().map(|row| row.detail.clone()))
        }
        Screen::Reports => None,
    };
    match text {
        Some(text) => {
            say(model, model.text(Text::Copied));
            let text: String = text.chars().take(COPY_CHARS_MAX).collect();
            vec![Cmd::Copy(SafeText::new(&text).as_str().to_owned())]
        }
        None => {
            complain(model, model.text(Text::NothingHere));
            Vec::new()
        }
    }
}

fn copied_alert(model: &Model) -> Option<String> {
    if model.alerts.focus == Pane::Around {
        let around = &model.alerts.around;
        return around.events.get(around.scroll.cursor).and_then(|event| field(event, "event.original"));
    }
    let row = model.alerts.focused()?;
    let raw = model.alerts.focused_detail().and_then(|detail| detail.evidence.first()).map(|first| first.raw.as_str());
    Some(format!("ALR-{} {} {} {}", row.id, row.title, row.entity, raw.unwrap_or_default()).trim_end().to_owned())
}
