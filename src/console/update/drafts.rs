//! A rule being edited: fetched, given to the user's editor, checked, tried, saved to run in shadow.

use crate::console::keys::input::Input;
use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::model::rules::Draft;
use crate::console::model::rules::Panel;
use crate::console::msg::Cmd;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::link;
use crate::console::update::rules;
use crate::console::update::say;
use crate::wire::rule::CheckReport;
use crate::wire::rule::CheckRequest;
use crate::wire::rule::RuleSaveRequest;
use crate::wire::rule::RuleSource;
use crate::wire::rule::TestRequest;

/// Opens the editor on the rule under the cursor, or on what was edited of it already.
pub(super) fn edit(model: &mut Model) -> Vec<Cmd> {
    let Some(id) = model.rules.focused().map(|row| row.id.clone()) else {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    };
    if !rules::is_admin(model) {
        return Vec::new();
    }
    match model.rules.focused_draft() {
        Some(draft) => vec![Cmd::Edit(draft.text.clone())],
        None => vec![ask(model, Slot::RuleSource, Request::RuleSource(id))],
    }
}

pub(super) fn source_arrived(model: &mut Model, source: RuleSource) -> Vec<Cmd> {
    let text = source.text.clone();
    model.rules.draft = Some(Box::new(Draft { text: text.clone(), source, report: None }));
    vec![Cmd::Edit(text)]
}

/// The editor has ended: what changed is checked, and nothing else is done with it yet.
pub(super) fn edited(model: &mut Model, result: Result<String, String>) -> Vec<Cmd> {
    let Some(draft) = &mut model.rules.draft else { return Vec::new() };
    match result {
        Ok(text) if text == draft.source.text => {
            model.rules.draft = None;
            say(model, model.text(Text::NothingEdited));
            Vec::new()
        }
        Ok(text) => {
            draft.text.clone_from(&text);
            draft.report = None;
            rules::show(model, Panel::Draft);
            vec![ask(model, Slot::RuleCheck, Request::CheckRule(CheckRequest { text }))]
        }
        Err(reason) => {
            let text = fill(model.text(Text::EditorFailed), &[&reason]);
            complain(model, text);
            Vec::new()
        }
    }
}

pub(super) fn checked(model: &mut Model, report: CheckReport) {
    if let Some(draft) = &mut model.rules.draft {
        draft.report = Some(report);
    }
}

/// Runs the cases of the rule under the cursor, with what was edited of it.
pub(super) fn test(model: &mut Model) -> Vec<Cmd> {
    let Some(rule) = model.rules.focused().map(|row| row.id.clone()) else {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    };
    let text = model.rules.focused_draft().map(|draft| draft.text.clone());
    model.rules.tests = None;
    rules::show(model, Panel::Tests);
    vec![ask(model, Slot::RuleTest, Request::TestRule(TestRequest { rule, text }))]
}

/// Asks why what was edited is saved.
pub(super) fn open_save(model: &mut Model) -> Vec<Cmd> {
    if !rules::is_admin(model) {
        return Vec::new();
    }
    let right = model.rules.draft.as_ref().map(|draft| draft.report.as_ref().is_some_and(|report| report.is_right));
    match right {
        Some(true) => {
            model.overlay = Some(Overlay::Line { purpose: Purpose::SaveRule, input: Input::default(), problem: None });
        }
        Some(false) => complain(model, model.text(Text::DraftErrors)),
        None => complain(model, model.text(Text::NothingEdited)),
    }
    Vec::new()
}

pub(super) fn save(model: &mut Model, reason: String) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    let Some(draft) = &model.rules.draft else { return Vec::new() };
    let request = RuleSaveRequest {
        path: draft.source.path.clone(),
        text: draft.text.clone(),
        version: Some(draft.source.version.clone()),
        state: Some("shadow".to_owned()),
        reason,
    };
    vec![ask(model, Slot::RuleSave, Request::SaveRule(request))]
}

pub(super) fn saved(model: &mut Model, source: &RuleSource) -> Vec<Cmd> {
    (model.draft, model.rules.draft) = (None, None);
    let text = fill(model.text(Text::DoneRuleSaved), &[&source.path]);
    say(model, text);
    let mut cmds = rules::back(model);
    cmds.extend(rules::refresh(model));
    cmds
}
