//! A rule being edited: fetched, typed or given to the user's editor, checked as it is typed, tried, saved to run in shadow.

use std::time::Duration;

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::keys::keymap::Action;
use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::draft::Draft;
use crate::console::model::draft::inside;
use crate::console::model::overlay::Choice;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::model::rules::Panel;
use crate::console::msg::Cmd;
use crate::console::msg::Failure;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::link;
use crate::console::update::rules;
use crate::console::update::say;
use crate::wire::rule::CheckReport;
use crate::wire::rule::CheckRequest;
use crate::wire::rule::RuleProblem;
use crate::wire::rule::RuleSaveRequest;
use crate::wire::rule::RuleSource;
use crate::wire::rule::TestReport;
use crate::wire::rule::TestRequest;

/// How long nothing is typed before the text is checked.
const CHECK_AFTER: Duration = Duration::from_millis(350);

/// Opens the editor on the rule under the cursor, or on what was edited of it already.
pub(in crate::console::update) fn edit(model: &mut Model, is_outside: bool) -> Vec<Cmd> {
    if model.is_editing() {
        return if is_outside { edit_outside(model) } else { Vec::new() };
    }
    let Some(id) = model.rules.focused().map(|row| row.id.clone()) else {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    };
    if !rules::is_admin(model) {
        return Vec::new();
    }
    if model.rules.focused_draft().is_some() {
        show(model);
        return if is_outside { edit_outside(model) } else { check_if_due(model) };
    }
    if let Some(other) = model.rules.draft.as_ref().filter(|draft| draft.is_changed()) {
        let text = fill(model.text(Text::OtherDraft), &[&other.source.id]);
        complain(model, text);
        return Vec::new();
    }
    model.rules.is_outside = is_outside;
    vec![ask(model, Slot::RuleSource, Request::RuleSource(id))]
}

fn show(model: &mut Model) {
    model.rules.is_editing = true;
    rules::show(model, Panel::Editor);
}

fn edit_outside(model: &mut Model) -> Vec<Cmd> {
    model.rules.draft.as_ref().map(|draft| Cmd::Edit(draft.area.text())).into_iter().collect()
}

/// The text came: the editor opens on it, unless the user has gone elsewhere meanwhile.
pub(in crate::console::update) fn source_arrived(model: &mut Model, source: RuleSource) -> Vec<Cmd> {
    let is_waited_for = model.rules.focused().is_some_and(|row| row.id == source.id);
    if !is_waited_for || model.rules.draft.as_ref().is_some_and(|draft| draft.is_changed()) {
        return Vec::new();
    }
    model.rules.draft = Some(Box::new(Draft::new(source, model.now)));
    show(model);
    if model.rules.is_outside { edit_outside(model) } else { check(model) }
}

/// A key while the text is typed.
pub(in crate::console::update) fn press(model: &mut Model, key: Key) -> Vec<Cmd> {
    let page = text_rows(model);
    let Some(draft) = &mut model.rules.draft else { return Vec::new() };
    let before = draft.area.revision();
    draft.area.press(key, page);
    changed_since(model, before)
}

/// Takes a paste as one step.
pub(in crate::console::update) fn paste(model: &mut Model, text: &str) -> Vec<Cmd> {
    let Some(draft) = &mut model.rules.draft else { return Vec::new() };
    let before = draft.area.revision();
    if !draft.area.paste(text) {
        complain(model, model.text(Text::TooLong));
    }
    changed_since(model, before)
}

/// Takes a step back, or does it again.
pub(in crate::console::update) fn undo(model: &mut Model, is_redo: bool) -> Vec<Cmd> {
    let Some(draft) = &mut model.rules.draft else { return Vec::new() };
    let before = draft.area.revision();
    let is_done = if is_redo { draft.area.redo() } else { draft.area.undo() };
    if !is_done {
        complain(model, model.text(Text::NothingToUndo));
    }
    changed_since(model, before)
}

/// Puts the cursor where was clicked.
pub(in crate::console::update) fn click(model: &mut Model, x: u16, y: u16) {
    let frame = model.rules.panes(&model.layout()).1;
    let Some(draft) = &mut model.rules.draft else { return };
    let text = draft.panes(inside(frame)).text;
    if text.contains((x, y).into()) {
        draft.area.go_to_shown(usize::from(y - text.y), usize::from(x - text.x));
    }
    keep_visible(model);
}

/// Moves by lines, as the wheel does.
pub(in crate::console::update) fn move_by(model: &mut Model, lines: isize) {
    if let Some(draft) = &mut model.rules.draft {
        draft.area.go_by(lines);
    }
    keep_visible(model);
}

/// Scrolls the text so that its cursor is visible.
pub(in crate::console::update) fn keep_visible(model: &mut Model) {
    let frame = model.rules.panes(&model.layout()).1;
    if let Some(draft) = model.rules.draft.as_mut().filter(|_| model.rules.panel == Panel::Editor) {
        let text = draft.panes(inside(frame)).text;
        draft.area.follow(usize::from(text.width), usize::from(text.height));
    }
}

fn text_rows(model: &Model) -> usize {
    let frame = model.rules.panes(&model.layout()).1;
    model.rules.draft.as_ref().map_or(1, |draft| usize::from(draft.panes(inside(frame)).text.height).max(2) - 1)
}

/// What is to be done after a key: a changed text is checked once nothing more is typed.
fn changed_since(model: &mut Model, revision: u64) -> Vec<Cmd> {
    keep_visible(model);
    let now = model.now;
    let Some(draft) = model.rules.draft.as_mut().filter(|draft| draft.area.revision() != revision) else {
        return Vec::new();
    };
    draft.touched = now;
    draft.is_wanted = false;
    vec![Cmd::Wake { after: CHECK_AFTER, revision: draft.area.revision() }]
}

/// Nothing was typed for a while since that revision.
pub(in crate::console::update) fn woken(model: &mut Model, revision: u64) -> Vec<Cmd> {
    model.is_dirty = false;
    let is_present = model.rules.draft.as_ref().is_some_and(|draft| draft.area.revision() == revision);
    if is_present { check_if_due(model) } else { Vec::new() }
}

/// Checks what nobody was asked about yet, as when the server was away.
pub(in crate::console::update) fn tick(model: &mut Model) -> Vec<Cmd> {
    let now = model.now;
    let is_idle = |draft: &Draft| now.duration_since(draft.touched).as_secs() >= 1;
    if model.rules.draft.as_deref().is_some_and(is_idle) { check_if_due(model) } else { Vec::new() }
}

fn check_if_due(model: &mut Model) -> Vec<Cmd> {
    let is_due = model.rules.draft.as_ref().is_some_and(|draft| draft.asked != Some(draft.area.revision()));
    if is_due && !link::is_away(model) { check(model) } else { Vec::new() }
}

fn check(model: &mut Model) -> Vec<Cmd> {
    let Some(draft) = &mut model.rules.draft else { return Vec::new() };
    draft.asked = Some(draft.area.revision());
    let text = draft.area.text();
    vec![ask(model, Slot::RuleCheck, Request::CheckRule(CheckRequest { text }))]
}

pub(in crate::console::update) fn checked(model: &mut Model, report: CheckReport) -> Vec<Cmd> {
    let Some(draft) = &mut model.rules.draft else { return Vec::new() };
    draft.checked = draft.asked;
    // Errors matter most: notes before them must not push them out of sight.
    let is_error = |problem: &RuleProblem| problem.severity == "error";
    if !report.problems.get(draft.problem).is_some_and(is_error) {
        let last = report.problems.len().saturating_sub(1);
        draft.problem = report.problems.iter().position(is_error).unwrap_or(draft.problem.min(last));
    }
    draft.report = Some(report);
    if draft.is_wanted { open_save(model) } else { Vec::new() }
}

/// It could not be checked: asked again when the server answers.
pub(in crate::console::update) fn not_checked(model: &mut Model, failure: &Failure) {
    if let Some(draft) = &mut model.rules.draft {
        draft.is_wanted = false;
        if failure.is_away {
            draft.asked = None;
        }
    }
    if !failure.is_away {
        complain(model, failure.text.clone());
    }
}

/// Goes to the next problem after the cursor, from the last to the first again.
pub(in crate::console::update) fn next_problem(model: &mut Model) {
    let Some(draft) = &mut model.rules.draft else { return };
    let place = |line: u32, column: u32| {
        let from_zero = |number: u32| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        (from_zero(line), from_zero(column))
    };
    let cursor = draft.area.cursor();
    let before = draft.area.lines().get(cursor.line).and_then(|line| line.get(..cursor.byte)).unwrap_or_default();
    let present = (cursor.line, before.chars().count());
    let places: Vec<(usize, usize)> =
        draft.problems().iter().map(|problem| place(problem.line, problem.column)).collect();
    // Several problems at one place are gone through one after the other.
    let same =
        places.get(draft.problem + 1).filter(|next| **next == present && places.get(draft.problem) == Some(next));
    let next = match same {
        Some(_) => Some(draft.problem + 1),
        None => places.iter().position(|place| *place > present).or((!places.is_empty()).then_some(0)),
    };
    match next.and_then(|next| places.get(next).map(|place| (next, *place))) {
        Some((next, (line, letter))) => {
            draft.problem = next;
            draft.area.go_to(line, letter);
            keep_visible(model);
        }
        None => say(model, model.text(Text::DraftFine)),
    }
}

/// The user's own editor has ended: what is in the file now takes the place of the text, as one step.
pub(in crate::console::update) fn edited(model: &mut Model, result: Result<String, String>) -> Vec<Cmd> {
    let Some(draft) = &mut model.rules.draft else { return Vec::new() };
    match result {
        Ok(text) => {
            let before = draft.area.revision();
            if text != draft.area.text() && !draft.area.replace_all(&text) {
                complain(model, model.text(Text::TooLong));
            }
            let is_changed = model.rules.draft.as_ref().is_some_and(|draft| draft.is_changed());
            if !is_changed {
                say(model, model.text(Text::NothingEdited));
            }
            drop(changed_since(model, before));
            check_if_due(model)
        }
        Err(reason) => {
            let text = fill(model.text(Text::EditorFailed), &[&reason]);
            complain(model, text);
            check_if_due(model)
        }
    }
}

/// Runs the cases of the rule that is edited or under the cursor.
pub(in crate::console::update) fn test(model: &mut Model) -> Vec<Cmd> {
    let Some((rule, text)) = rules::tried(model) else {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    };
    if let Some(draft) = model.rules.draft.as_mut().filter(|_| text.is_some()) {
        (draft.tried.test_of, draft.tried.tested) = (Some(draft.area.revision()), None);
    }
    model.rules.tests = None;
    rules::show(model, Panel::Tests);
    vec![ask(model, Slot::RuleTest, Request::TestRule(TestRequest { rule, text }))]
}

pub(in crate::console::update) fn tested(model: &mut Model, report: TestReport) {
    if let Some(draft) = &mut model.rules.draft {
        draft.tested(&report);
    }
    model.rules.tests = Some(report);
}

/// The cases could not be run: the text itself is told to be wrong.
pub(in crate::console::update) fn not_tested(model: &mut Model, failure: Failure) {
    if model.rules.panel == Panel::Tests && model.rules.is_editing {
        rules::show(model, Panel::Editor);
    }
    complain(model, failure.text);
}

/// Saves what was edited, once it is known to be right. One that raises alerts now would not any more: that is asked for.
pub(in crate::console::update) fn open_save(model: &mut Model) -> Vec<Cmd> {
    if !rules::is_admin(model) {
        return Vec::new();
    }
    let is_away = link::is_away(model);
    let Some(draft) = model.rules.draft.as_mut().filter(|draft| draft.is_changed()) else {
        complain(model, model.text(Text::NothingEdited));
        return Vec::new();
    };
    if is_away {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    let Some(report) = draft.present_report() else {
        draft.is_wanted = true;
        say(model, model.text(Text::DraftChecking));
        return check_if_due(model);
    };
    let is_right = report.is_right;
    draft.is_wanted = false;
    if !is_right {
        complain(model, model.text(Text::DraftErrors));
        return Vec::new();
    }
    let id = draft.source.id.clone();
    let reason = reason(model);
    let is_live = |row: &crate::wire::status::RuleRow| row.id == id && matches!(row.state.as_str(), "live" | "");
    if model.rules.rows.iter().any(is_live) {
        let input = Input::with(&reason);
        model.overlay = Some(Overlay::Line { purpose: Purpose::SaveRule, input, problem: None });
        return Vec::new();
    }
    save(model, reason)
}

/// Says in a line what was changed and how it fared, for the rule's history.
fn reason(model: &Model) -> String {
    let Some(draft) = &model.rules.draft else { return String::new() };
    let (added, gone) = draft.lines_changed();
    let mut text = fill(model.text(Text::EditedLines), &[&added.to_string(), &gone.to_string()]);
    let (tested, matches) = draft.trials();
    if let Some((passed, all)) = tested {
        text.push_str(&fill(model.text(Text::EditedCases), &[&passed.to_string(), &all.to_string()]));
    }
    if let Some(matches) = matches {
        text.push_str(&fill(model.text(Text::EditedMatches), &[&matches.to_string()]));
    }
    text
}

pub(in crate::console::update) fn save(model: &mut Model, reason: String) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    let Some(draft) = &mut model.rules.draft else { return Vec::new() };
    draft.sent = Some(draft.area.revision());
    let request = RuleSaveRequest {
        path: draft.source.path.clone(),
        text: draft.area.text(),
        version: Some(draft.source.version.clone()),
        state: Some("shadow".to_owned()),
        reason,
    };
    vec![ask(model, Slot::RuleSave, Request::SaveRule(request))]
}

/// The server has it. What was typed since stays, as a change of what was saved.
pub(in crate::console::update) fn saved(model: &mut Model, source: RuleSource) -> Vec<Cmd> {
    model.draft = None;
    let text = fill(model.text(Text::DoneRuleSaved), &[&source.path]);
    say(model, text);
    let is_newer = |draft: &Draft| draft.sent != Some(draft.area.revision());
    if let Some(draft) = model.rules.draft.as_mut().filter(|draft| is_newer(draft)) {
        draft.source = RuleSource { id: draft.source.id.clone(), ..source };
        return rules::refresh(model);
    }
    let mut cmds = leave(model);
    model.rules.draft = None;
    cmds.extend(rules::refresh(model));
    cmds
}

/// Leaves the editor; what was changed is asked about first.
pub(in crate::console::update) fn back(model: &mut Model) -> Vec<Cmd> {
    if model.rules.draft.as_ref().is_some_and(|draft| draft.is_changed()) {
        model.overlay = Some(Overlay::Choice(Choice::LeaveEditor));
        return Vec::new();
    }
    model.rules.draft = None;
    leave(model)
}

fn leave(model: &mut Model) -> Vec<Cmd> {
    model.rules.is_editing = false;
    rules::back(model)
}

/// What shall become of the changes was chosen.
pub(in crate::console::update) fn leave_chosen(model: &mut Model, digit: usize) -> Vec<Cmd> {
    match digit {
        1 => open_save(model),
        2 => {
            let text = model.rules.draft.take().map(|draft| fill(model.text(Text::DraftDropped), &[&draft.source.id]));
            say(model, text.unwrap_or_default());
            leave(model)
        }
        3 => {
            say(model, model.text(Text::DraftKept));
            leave(model)
        }
        _ => {
            model.overlay = Some(Overlay::Choice(Choice::LeaveEditor));
            Vec::new()
        }
    }
}

/// Does what the table says for a key while the text is typed.
pub(in crate::console::update) fn perform(model: &mut Model, action: Action) -> Option<Vec<Cmd>> {
    if !model.is_editing() {
        return None;
    }
    Some(match action {
        Action::Undo => undo(model, false),
        Action::Redo => undo(model, true),
        Action::Back => back(model),
        Action::NextProblem => {
            next_problem(model);
            Vec::new()
        }
        _ => return None,
    })
}
