//! The dialog of exceptions: `x`, the reason, Enter. What would be hidden is asked for with every change of the scope.

use crate::console::keys::key::Key;
use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::exception::ExceptionForm;
use crate::console::model::exception::Radius;
use crate::console::model::overlay::Overlay;
use crate::console::msg::Cmd;
use crate::console::msg::Failure;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::link;
use crate::console::update::rules;
use crate::console::update::say;
use crate::console::update::triage::alerts;
use crate::wire::rule::ExceptionPreview;
use crate::wire::rule::ExceptionRow;

/// Opens the dialog for the alert under the cursor, its entities as the scope.
pub(in crate::console::update) fn open(model: &mut Model) -> Vec<Cmd> {
    if alerts::checked_target(model).is_none() {
        return Vec::new();
    }
    let Some(row) = model.alerts.focused() else {
        complain(model, model.text(Text::NothingHere));
        return Vec::new();
    };
    // What the alert is about comes first; the rest is offered.
    let mut conditions = vec![(row.entity_field.clone(), row.entity.clone())];
    let entities = model.alerts.focused_detail().map_or(&[][..], |detail| detail.entities.as_slice());
    for entity in entities {
        let condition = (entity.field.clone(), entity.value.clone());
        if !conditions.contains(&condition) {
            conditions.push(condition);
        }
    }
    conditions.retain(|(field, value)| !field.is_empty() && !value.is_empty());
    let title = model.lang.choose(&row.title, row.title_vi.as_deref()).to_owned();
    let form = ExceptionForm::new(row.rule.clone(), title, conditions);
    show(model, form)
}

/// Shows the form and asks what it would hide.
fn show(model: &mut Model, mut form: ExceptionForm) -> Vec<Cmd> {
    let request = form.request();
    (form.is_waiting, form.is_warned, form.problem) = (false, false, None);
    let has_scope = !request.conditions.is_empty();
    form.radius = if has_scope { Radius::Asked } else { Radius::Nothing };
    model.overlay = Some(Overlay::Except(form));
    if has_scope {
        vec![ask(model, Slot::ExceptionPreview, Request::PreviewException(request))]
    } else {
        // An answer that is still under way is about a scope nobody wants any more.
        model.next_generation(Slot::ExceptionPreview);
        Vec::new()
    }
}

/// Keys of the dialog: letters are the reason's; arrows and Tab the scope's; page keys the time's.
pub(in crate::console::update) fn press(model: &mut Model, mut form: ExceptionForm, key: Key) -> Vec<Cmd> {
    let last = form.scope.len().saturating_sub(1);
    match key {
        Key::Esc => return Vec::new(),
        Key::Enter => return submit(model, form),
        Key::Up => form.cursor = form.cursor.saturating_sub(1),
        Key::Down => form.cursor = (form.cursor + 1).min(last),
        Key::Tab => {
            if let Some(scope) = form.scope.get_mut(form.cursor) {
                scope.is_chosen = !scope.is_chosen;
            }
            return show(model, form);
        }
        Key::BackTab | Key::Function(6) => {
            if let Some(scope) = form.scope.get_mut(form.cursor) {
                (scope.comparison, scope.is_chosen) = (scope.next(), true);
            }
            return show(model, form);
        }
        Key::PageUp => form.change_span(true),
        Key::PageDown => form.change_span(false),
        key => {
            form.reason.press(key);
            form.problem = None;
        }
    }
    model.overlay = Some(Overlay::Except(form));
    Vec::new()
}

fn submit(model: &mut Model, mut form: ExceptionForm) -> Vec<Cmd> {
    let hides_true = match &form.radius {
        Radius::Known(preview) => preview.alerts.true_positive,
        _ => 0,
    };
    let problem = if form.reason.text().trim().is_empty() {
        Some(model.text(Text::ExceptReason).to_owned())
    } else if form.radius == Radius::Nothing {
        Some(model.text(Text::ExceptScope).to_owned())
    } else if form.radius == Radius::Asked {
        form.is_waiting = true;
        Some(model.text(Text::ExceptWait).to_owned())
    } else if hides_true > 0 && !form.is_warned {
        form.is_warned = true;
        Some(fill(model.text(Text::ExceptTrue), &[&hides_true.to_string()]))
    } else {
        return send(model, form);
    };
    form.problem = problem;
    model.overlay = Some(Overlay::Except(form));
    Vec::new()
}

fn send(model: &mut Model, mut form: ExceptionForm) -> Vec<Cmd> {
    if link::is_away(model) {
        form.problem = Some(model.text(Text::ReadOnly).to_owned());
        model.overlay = Some(Overlay::Except(form));
        return Vec::new();
    }
    let request = form.request();
    form.is_waiting = false;
    model.draft = Some(Overlay::Except(form));
    vec![ask(model, Slot::ExceptionAction, Request::Except(request))]
}

/// It is known now what would be hidden; whoever pressed Enter already gets what was asked for.
pub(in crate::console::update) fn previewed(model: &mut Model, result: Result<ExceptionPreview, Failure>) -> Vec<Cmd> {
    let Some(Overlay::Except(mut form)) = model.overlay.take_if(|overlay| matches!(overlay, Overlay::Except(_))) else {
        return Vec::new();
    };
    if form.radius != Radius::Asked {
        // Nobody asks any more: the scope is empty now.
        model.overlay = Some(Overlay::Except(form));
        return Vec::new();
    }
    form.radius = match result {
        Ok(preview) => Radius::Known(Box::new(preview)),
        Err(failure) => Radius::Unknown(failure.text),
    };
    form.problem = None;
    if std::mem::take(&mut form.is_waiting) && matches!(form.radius, Radius::Known(_)) {
        return submit(model, form);
    }
    model.overlay = Some(Overlay::Except(form));
    Vec::new()
}

/// An exception is in force, or revoked.
pub(in crate::console::update) fn done(model: &mut Model, row: &ExceptionRow) -> Vec<Cmd> {
    model.draft = None;
    model.fresh_at = model.now;
    let id = format!("EXC-{}", row.id);
    let text = match &row.revoked {
        Some(_) => fill(model.text(Text::DoneRevoked), &[&id]),
        None => fill(model.text(Text::DoneExcepted), &[&id, &format::date(&model.zone, &row.expires)]),
    };
    say(model, text);
    rules::exceptions_changed(model)
}
