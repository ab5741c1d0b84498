//! The rules screen: the list, what is known of a rule, its states, exceptions, and runs over history.

pub(super) mod drafts;

use crate::console::keys::input::Input;
use crate::console::look::format::fill;
use crate::console::look::layout::Pane;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::draft::Draft;
use crate::console::model::overlay::Choice;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::model::rules::Panel;
use crate::console::model::rules::Rules;
use crate::console::model::rules::STATES;
use crate::console::model::rules::Trial;
use crate::console::msg::Cmd;
use crate::console::msg::Failure;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::keys;
use crate::console::update::link;
use crate::console::update::say;
use crate::console::view::rules_top_max;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::BacktestRequest;
use crate::wire::rule::ExceptionList;
use crate::wire::rule::RevokeRequest;
use crate::wire::rule::RuleDetail;
use crate::wire::rule::StateRequest;
use crate::wire::status::RuleList;

/// Over how much history a rule is run.
const BACKTEST_SINCE: &str = "30d";

pub(super) fn refresh(model: &mut Model) -> Vec<Cmd> {
    model.rules.detail_asked = None;
    let mut cmds = vec![ask(model, Slot::Rules, Request::Rules)];
    if model.rules.panel == Panel::Exceptions {
        cmds.push(ask(model, Slot::Exceptions, Request::Exceptions));
    }
    cmds
}

/// The list came: the cursor stays on the rule it was on.
pub(super) fn arrived(model: &mut Model, list: RuleList) -> Vec<Cmd> {
    let focused = model.rules.focused().map(|row| row.id.clone());
    let rules = &mut model.rules;
    rules.rows = list.rules;
    rules.arrange();
    let place = rules.shown.iter().position(|place| rules.rows.get(*place).map(|row| &row.id) == focused.as_ref());
    if let Some(place) = place.filter(|_| rules.is_loaded) {
        rules.scroll.cursor = place;
    }
    rules.is_loaded = true;
    after_move(model)
}

/// Asks for the detail of the rule under the cursor when it is to be seen.
pub(super) fn after_move(model: &mut Model) -> Vec<Cmd> {
    keys::keep_visible(model);
    let focused = model.rules.focused().map(|row| row.id.clone());
    if focused == model.rules.detail_asked {
        return Vec::new();
    }
    model.rules.detail_asked.clone_from(&focused);
    model.rules.top = 0;
    focused.map(|id| ask(model, Slot::RuleDetail, Request::Rule(id))).into_iter().collect()
}

pub(super) fn detail_arrived(model: &mut Model, detail: Box<RuleDetail>) {
    model.rules.detail = Some(detail);
}

pub(super) fn move_by(model: &mut Model, rows: isize) -> Vec<Cmd> {
    match (model.rules.panel, model.rules.focus) {
        (Panel::Editor, _) => drafts::move_by(model, rows),
        (Panel::Rule, Pane::List) => {
            model.rules.scroll.move_by(rows, model.rules.shown.len());
            return after_move(model);
        }
        (Panel::Exceptions, _) => {
            model.rules.exceptions_scroll.move_by(rows, model.rules.exceptions.len());
            keys::keep_visible(model);
        }
        _ => {
            let top_max = rules_top_max(model);
            model.rules.top = model.rules.top.saturating_add_signed(rows).min(top_max);
        }
    }
    Vec::new()
}

/// Shows the screen with the cursor on a rule; what was being edited is kept for later.
pub(super) fn show_rule(model: &mut Model, id: &str) -> Vec<Cmd> {
    model.screen = Screen::Rules;
    let rules = &mut model.rules;
    rules.is_editing = false;
    (rules.panel, rules.focus, rules.top) = (Panel::Rule, Pane::List, 0);
    let place =
        |rules: &Rules| rules.shown.iter().position(|place| rules.rows.get(*place).is_some_and(|row| row.id == id));
    if place(rules).is_none() {
        // A filter hides it, or the list is still to come.
        rules.filter = if rules.is_loaded { String::new() } else { id.to_owned() };
        rules.arrange();
    }
    rules.scroll.cursor = place(rules).unwrap_or(0);
    let mut cmds = after_move(model);
    cmds.extend(refresh(model));
    cmds
}

/// Shows the rule under the cursor whole.
pub(super) fn open(model: &mut Model) -> Vec<Cmd> {
    if model.rules.panel == Panel::Rule && model.rules.focused().is_some() {
        model.rules.focus = Pane::Detail;
    }
    Vec::new()
}

/// Back to the list, or to the editor below; a run over history that nobody waits for is ended.
pub(super) fn back(model: &mut Model) -> Vec<Cmd> {
    let is_running = model.rules.panel == Panel::Backtest && model.rules.trial.report.is_none();
    let is_over_editor = model.rules.is_editing && model.rules.draft.is_some();
    if is_over_editor {
        show(model, Panel::Editor);
    } else {
        (model.rules.panel, model.rules.focus, model.rules.top) = (Panel::Rule, Pane::List, 0);
    }
    keys::keep_visible(model);
    if is_running {
        model.rules.trial.generation += 1;
        return vec![Cmd::Backtest { generation: model.rules.trial.generation, request: None }];
    }
    Vec::new()
}

pub(super) fn next_pane(model: &mut Model) -> Vec<Cmd> {
    if model.rules.panel != Panel::Rule {
        return back(model);
    }
    model.rules.focus = if model.rules.focus == Pane::List { Pane::Detail } else { Pane::List };
    keys::keep_visible(model);
    Vec::new()
}

/// Chooses the next order.
pub(super) fn sort(model: &mut Model) -> Vec<Cmd> {
    model.rules.sort = model.rules.sort.next();
    model.rules.arrange();
    model.rules.scroll = Default::default();
    let name = model.text(model.rules.sort.name());
    say(model, fill(model.text(Text::SortedBy), &[name]));
    after_move(model)
}

pub(super) fn show(model: &mut Model, panel: Panel) {
    (model.rules.panel, model.rules.focus, model.rules.top) = (panel, Pane::Detail, 0);
    keys::keep_visible(model);
}

pub(super) fn show_coverage(model: &mut Model) -> Vec<Cmd> {
    show(model, Panel::Coverage);
    Vec::new()
}

pub(super) fn show_exceptions(model: &mut Model) -> Vec<Cmd> {
    show(model, Panel::Exceptions);
    vec![ask(model, Slot::Exceptions, Request::Exceptions)]
}

pub(super) fn exceptions_arrived(model: &mut Model, list: ExceptionList) {
    model.rules.exceptions = list.exceptions;
    // What is in force comes first; each part is newest first already.
    model.rules.exceptions.sort_by_key(|exception| !exception.is_in_force);
    keys::keep_visible(model);
}

/// An exception was made or revoked: what is shown of it is read anew.
pub(super) fn exceptions_changed(model: &mut Model) -> Vec<Cmd> {
    if model.screen == Screen::Rules { refresh(model) } else { Vec::new() }
}

/// Returns the rule that is to be tried, and its text when it is being edited: that is tried, not what runs.
pub(super) fn tried(model: &Model) -> Option<(String, Option<String>)> {
    let is_own = |draft: &&Draft| {
        model.rules.is_editing || model.rules.focused_draft().is_some_and(|own| own.source.id == draft.source.id)
    };
    let Some(draft) = model.rules.draft.as_deref().filter(is_own) else {
        return model.rules.focused().map(|row| (row.id.clone(), None));
    };
    // Its id may have been edited, too.
    let ids = draft.present_report().map(|report| report.rules.as_slice()).unwrap_or_default();
    let id = ids.iter().find(|id| **id == draft.source.id).or(ids.first()).unwrap_or(&draft.source.id);
    Some((id.clone(), Some(draft.area.text())))
}

/// Runs the rule that is edited or under the cursor over history.
pub(super) fn backtest(model: &mut Model) -> Vec<Cmd> {
    let Some((rule, text)) = tried(model) else {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    };
    let row = model.rules.rows.iter().find(|row| row.id == rule);
    let title = row.map_or(rule.as_str(), |row| model.lang.choose(&row.title, row.title_vi.as_deref())).to_owned();
    if let Some(draft) = model.rules.draft.as_mut().filter(|_| text.is_some()) {
        (draft.tried.backtest_of, draft.tried.matches) = (Some(draft.area.revision()), None);
    }
    let request = BacktestRequest { rule, text, since: Some(BACKTEST_SINCE.to_owned()), until: None };
    let generation = model.rules.trial.generation + 1;
    model.rules.trial = Trial { title, generation, ..Trial::default() };
    show(model, Panel::Backtest);
    vec![Cmd::Backtest { generation, request: Some(request) }]
}

pub(super) fn backtested(model: &mut Model, generation: u64, message: BacktestMessage) -> Vec<Cmd> {
    let trial = &mut model.rules.trial;
    if trial.generation != generation {
        return Vec::new();
    }
    match message {
        BacktestMessage::Progress(progress) => trial.progress = progress,
        BacktestMessage::Report(report) => {
            if let Some(draft) = &mut model.rules.draft {
                draft.tried.matches = Some(report.matches);
            }
            trial.report = Some(report);
        }
        BacktestMessage::Failed(reason) => trial.problem = Some(reason),
    }
    Vec::new()
}

pub(super) fn backtest_ended(model: &mut Model, generation: u64, failure: Option<Failure>) -> Vec<Cmd> {
    let trial = &mut model.rules.trial;
    if trial.generation == generation && trial.report.is_none() {
        trial.problem = failure.map(|failure| failure.text).or(trial.problem.take());
    }
    Vec::new()
}

pub(super) fn is_admin(model: &mut Model) -> bool {
    let may = model.whoami.as_ref().is_none_or(|who| who.may_administer);
    if !may {
        complain(model, model.text(Text::NotAdmin));
    }
    may
}

/// Offers the states of the rule under the cursor.
pub(super) fn choose_state(model: &mut Model) -> Vec<Cmd> {
    match model.rules.focused().map(|row| row.id.clone()) {
        Some(rule) if is_admin(model) => model.overlay = Some(Overlay::Choice(Choice::RuleState(rule))),
        Some(_) => {}
        None => complain(model, model.text(Text::NothingHere)),
    }
    Vec::new()
}

/// A state was chosen: the reason is asked for.
pub(super) fn state_chosen(model: &mut Model, rule: String, digit: usize) {
    if let Some((state, _)) = digit.checked_sub(1).and_then(|place| STATES.get(place)) {
        let purpose = Purpose::RuleState(rule, state);
        model.overlay = Some(Overlay::Line { purpose, input: Input::default(), problem: None });
    }
}

pub(super) fn set_state(model: &mut Model, rule: String, state: &str, reason: String) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    let request = StateRequest { state: state.to_owned(), reason };
    vec![ask(model, Slot::RuleAction, Request::SetRuleState(rule, request))]
}

pub(super) fn state_changed(model: &mut Model, detail: Box<RuleDetail>) -> Vec<Cmd> {
    model.draft = None;
    let name = STATES.iter().find(|(state, _)| *state == detail.state).map(|(_, name)| model.text(*name));
    let state = name.unwrap_or(&detail.state).to_owned();
    say(model, fill(model.text(Text::DoneState), &[&detail.id, &state]));
    if let Some(row) = model.rules.rows.iter_mut().find(|row| row.id == detail.id) {
        row.state.clone_from(&detail.state);
    }
    model.rules.detail = Some(detail);
    Vec::new()
}

/// Asks why the exception under the cursor is revoked.
pub(super) fn open_revoke(model: &mut Model) -> Vec<Cmd> {
    let focused = model.rules.focused_exception().filter(|exception| exception.is_in_force);
    let Some(id) = focused.filter(|_| model.rules.panel == Panel::Exceptions).map(|exception| exception.id) else {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    };
    if let Some(who) = model.whoami.as_ref().filter(|who| !who.may_triage) {
        let text = fill(model.text(Text::NotAllowed), &[&who.role]);
        complain(model, text);
        return Vec::new();
    }
    model.overlay = Some(Overlay::Line { purpose: Purpose::Revoke(id), input: Input::default(), problem: None });
    Vec::new()
}

pub(super) fn revoke(model: &mut Model, id: u64, reason: String) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    vec![ask(model, Slot::ExceptionAction, Request::RevokeException(id, RevokeRequest { reason }))]
}
