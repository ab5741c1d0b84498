//! Vietnamese typed through an input method into every field there is. The lists match on every kind of field: a new one
//! does not compile until it is among them.

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::exception::ExceptionForm;
use crate::console::model::overlay::CloseForm;
use crate::console::model::overlay::CommandsTitle;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::model::overlay::Target;
use crate::console::model::search::SearchFocus;
use crate::console::msg::Cmd;
use crate::console::msg::Msg;
use crate::console::tests::fixtures::on;
use crate::console::tests::fixtures::press;
use crate::console::update::update;
use crate::wire::alert::Disposition;
use crate::wire::incident::IncidentPhase;

/// What arrives, `<` being Backspace, and the word it is.
const WORDS: [(&str, &str); 7] = [
    ("d<đo<ôi<<ội", "đội"),
    ("truowng<<<<<ường", "trường"),
    ("nguyen<<<<uyên<<<yễn", "nguyễn"),
    ("a\u{202f}<<â", "â"),
    ("kie\u{302}\u{309}m", "kiểm"),
    ("o<o\u{31b}\u{300}", "ờ"),
    ("a<<<<ồn 1", "ồn 1"),
];

fn target() -> Target {
    Target::One { id: 1, revision: 0, needs_note: true }
}

/// Every purpose of a typed line.
fn purposes() -> Vec<Purpose> {
    let all = vec![
        Purpose::Filter,
        Purpose::Note(target()),
        Purpose::Reopen(target()),
        Purpose::Escalate(target()),
        Purpose::NoteIncident(7),
        Purpose::Task(7),
        Purpose::Observable(7),
        Purpose::Title(7, "x".to_owned()),
        Purpose::Merge(7),
        Purpose::Assign(7),
        Purpose::Deadline(7),
        Purpose::PhaseNote(7, IncidentPhase::Closed),
        Purpose::Attach(7),
        Purpose::WriteAlerts,
        Purpose::WriteReport(7),
        Purpose::WriteEvidence(7, 1),
        Purpose::Export,
        Purpose::SaveSearch,
        Purpose::HandoverNote,
        Purpose::Mute("udp".to_owned(), "srv-1".to_owned()),
        Purpose::Revoke(1),
        Purpose::SaveRule,
        Purpose::RuleState("r".to_owned(), "shadow"),
    ];
    for purpose in &all {
        match purpose {
            Purpose::Filter
            | Purpose::Note(_)
            | Purpose::Reopen(_)
            | Purpose::Escalate(_)
            | Purpose::NoteIncident(_)
            | Purpose::Task(_)
            | Purpose::Observable(_)
            | Purpose::Title(..)
            | Purpose::Merge(_)
            | Purpose::Assign(_)
            | Purpose::Deadline(_)
            | Purpose::PhaseNote(..)
            | Purpose::Attach(_)
            | Purpose::WriteAlerts
            | Purpose::WriteReport(_)
            | Purpose::WriteEvidence(..)
            | Purpose::Export
            | Purpose::SaveSearch
            | Purpose::HandoverNote
            | Purpose::Mute(..)
            | Purpose::Revoke(_)
            | Purpose::SaveRule
            | Purpose::RuleState(..) => {}
        }
    }
    all
}

/// Returns what is typed in whatever is open.
fn typed_text(model: &Model) -> Option<String> {
    let text = match &model.overlay {
        Some(Overlay::Line { input, .. } | Overlay::Commands { input, .. }) => Some(input.text()),
        Some(Overlay::Close(form)) => Some(form.typed_count.as_ref().unwrap_or(&form.note).text()),
        Some(Overlay::Except(form)) => Some(form.reason.text()),
        Some(
            Overlay::Choice(_)
            | Overlay::Handover { .. }
            | Overlay::Fields { .. }
            | Overlay::Counts { .. }
            | Overlay::Export(_)
            | Overlay::Saved { .. },
        ) => None,
        None if model.is_editing() => return model.rules.draft.as_ref().map(|draft| draft.area.text()),
        None => Some(model.search.query.text()),
    };
    text.map(str::to_owned)
}

/// Every field, opened.
fn fields() -> Vec<Model> {
    let mut models = Vec::new();
    let mut open = |overlay: Overlay| {
        let mut model = on(Screen::Alerts);
        model.overlay = Some(overlay);
        models.push(model);
    };
    for purpose in purposes() {
        open(Overlay::Line { purpose, input: Input::default(), problem: None });
    }
    for title in [CommandsTitle::Help, CommandsTitle::Palette] {
        open(Overlay::Commands { title, input: Input::default(), cursor: 0 });
    }
    for typed_count in [None, Some(Input::default())] {
        let disposition = Some(Disposition::TruePositive);
        open(Overlay::Close(CloseForm {
            target: target(),
            disposition,
            note: Input::default(),
            typed_count,
            problem: None,
        }));
    }
    let conditions = vec![("source.ip".to_owned(), "10.0.0.1".to_owned())];
    open(Overlay::Except(ExceptionForm::new("r".to_owned(), "R".to_owned(), conditions)));
    let mut query = on(Screen::Search);
    query.search.focus = SearchFocus::Query;
    query.search.query = Input::default();
    models.push(query);
    models.push(crate::console::tests::editor::editing(""));
    models
}

#[test]
fn every_field_takes_what_input_methods_send_and_does_nothing_else() {
    for model in fields() {
        for (sent, word) in WORDS {
            let mut model = model.clone();
            let opened = model.overlay.clone().map(|overlay| std::mem::discriminant(&overlay));
            for c in sent.chars() {
                let key = if c == '<' { Key::Backspace } else { Key::Char(c) };
                let cmds = press(&mut model, key);
                // A text that is checked as it is typed is looked at when nothing more comes.
                let only_waits = cmds.iter().all(|cmd| matches!(cmd, Cmd::Wake { .. }) && model.is_editing());
                assert!(only_waits, "{sent} triggered something in {:?}", model.overlay);
            }
            assert_eq!(typed_text(&model).as_deref(), Some(word), "{sent} in {:?}", model.overlay);
            assert_eq!(model.overlay.as_ref().map(std::mem::discriminant), opened);
            press(&mut model, Key::Ctrl('u'));
            let pasted = update(&mut model, Msg::Paste("ma\u{301}y\r\nq".to_owned()));
            // A line takes the end of one as a blank; a text has lines.
            let wanted = if model.is_editing() { "máy\nq" } else { "máy q" };
            assert!(pasted.is_empty() || model.is_editing());
            assert_eq!(typed_text(&model).as_deref(), Some(wanted));
        }
    }
}

#[test]
fn a_disposition_stays_whatever_is_deleted_from_the_note() {
    let mut model = on(Screen::Alerts);
    for key in [Key::Char('c'), Key::Char('3'), Key::Char('a'), Key::Backspace, Key::Backspace, Key::Char('2')] {
        press(&mut model, key);
    }
    let Some(Overlay::Close(form)) = &model.overlay else { panic!("{:?}", model.overlay) };
    assert_eq!((form.disposition, form.note.text()), (Some(Disposition::TruePositive), "2"));
    press(&mut model, Key::Up);
    press(&mut model, Key::Char('2'));
    let Some(Overlay::Close(form)) = &model.overlay else { panic!("{:?}", model.overlay) };
    assert_eq!((form.disposition, form.note.text()), (Some(Disposition::BenignPositive), "2"));
}
