//! Snapshots of every screen in both languages and sizes, and every size from 1x1 on without a panic.

use ratatui::buffer::Buffer;
use ratatui::style::Color;
use ratatui::style::Modifier;

use crate::console::keys::key::Key;
use crate::console::look::text::Lang;
use crate::console::look::theme::Theme;
use crate::console::look::theme::ThemeName;
use crate::console::model::Link;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::search::SearchFocus;
use crate::console::msg::Answer;
use crate::console::msg::Failure;
use crate::console::msg::Slot;
use crate::console::tests::auditor;
use crate::console::tests::fixtures::answer;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::full;
use crate::console::tests::fixtures::handover;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::text_of;
use crate::console::tests::fixtures::typed;
use crate::console::tests::fixtures::underlined;

/// Brings a model into the state a snapshot shows.
type Prepare = fn(&mut Model);

const VIEWS: &[(&str, Prepare)] = &[
    ("alerts", |_| {}),
    ("alert_detail", |model| drop(press(model, Key::Enter))),
    ("alert_why", crate::console::tests::why::shown),
    ("alert_around", |model| drop(typed(model, "r"))),
    ("alert_close", |model| drop(typed(model, "c1"))),
    ("alert_pivot", |model| drop(typed(model, "p"))),
    ("alert_steps", |model| drop(typed(model, "t"))),
    ("incidents", |model| drop(typed(model, "2"))),
    ("incident_detail", |model| drop(typed(model, "2\n"))),
    ("incident_evidence", |model| drop(typed(model, "2W"))),
    ("incident_file", |model| drop(typed(model, "2w"))),
    ("search", |model| model.screen = Screen::Search),
    ("search_error", |model| {
        model.screen = Screen::Search;
        typed(model, "user.name:(");
        model.search.failure = Some(Failure {
            is_away: false,
            is_conflict: false,
            text: "a parenthesis is not closed".to_owned(),
            hint: Some("add `)`".to_owned()),
            column: Some(11),
            owner: None,
        });
    }),
    ("rules", |model| model.screen = Screen::Rules),
    ("rule_detail", |model| {
        typed(model, "4\n");
        model.rules.detail = Some(Box::new(crate::console::tests::rules::detail()));
    }),
    ("rule_backtest", |model| {
        typed(model, "4");
        press(model, Key::Ctrl('b'));
        crate::console::tests::rules::reported(model);
    }),
    ("rule_exceptions", |model| {
        typed(model, "4x");
        answer(model, Slot::Exceptions, Answer::Exceptions(crate::console::tests::rules::exceptions()));
    }),
    ("rule_coverage", |model| drop(typed(model, "4b"))),
    ("rule_editor", |model| crate::console::tests::editor::shown(model)),
    ("rule_editor_leave", |model| {
        crate::console::tests::editor::shown(model);
        press(model, Key::Esc);
    }),
    ("rule_editor_help", |model| {
        crate::console::tests::editor::shown(model);
        press(model, Key::Function(1));
    }),
    ("except", |model| {
        typed(model, "x");
        answer(model, Slot::ExceptionPreview, Answer::ExceptionPreview(crate::console::tests::rules::preview(0)));
        typed(model, "sao lưu");
    }),
    ("sources", |model| model.screen = Screen::Sources),
    ("source_detail", |model| {
        model.screen = Screen::Sources;
        typed(model, "j\n");
        model.sources.lines = crate::console::tests::fixtures::events();
    }),
    ("audit", auditor::audit),
    ("audit_running", auditor::audit_running),
    ("audit_entry", auditor::audit_entry),
    ("export", |model| {
        model.screen = Screen::Search;
        model.search.focus = SearchFocus::Rows;
        typed(model, "x\n");
        answer(model, Slot::Export, Answer::Exported { path: "/home/kiem/longan-1.tar".to_owned(), bytes: 70_000 });
    }),
    ("reports", |model| model.screen = Screen::Reports),
    ("handover", |model| {
        press(model, Key::Function(12));
        answer(model, Slot::HandoverDraft, Answer::HandoverDraft(handover()));
    }),
    ("help", |model| drop(typed(model, "?"))),
    ("palette", |model| drop(typed(model, ":cảnh"))),
    ("palette_word", |model| drop(typed(model, ":luật ssh"))),
    ("palette_close", |model| drop(typed(model, ":close as "))),
    ("alert_filter", |model| drop(typed(model, "/sev>=high"))),
    ("alert_note", |model| drop(typed(model, "nđã gọi"))),
    ("alert_escalate", |model| drop(typed(model, "e"))),
    ("alert_reopen", |model| drop(typed(model, "o"))),
    ("alert_close_many", |model| drop(typed(model, "*c1 hết\n"))),
    ("alert_marked", |model| drop(typed(model, "mm"))),
    ("away", |model| {
        let since = model.now;
        model.link = Link::Away { since, attempts: 3, reason: "connection refused".to_owned() };
    }),
    ("incident_phase", |model| drop(typed(model, "2s"))),
    ("incident_clock", |model| drop(typed(model, "2d"))),
    ("incident_task_done", |model| drop(typed(model, "2f"))),
    ("incident_level", |model| drop(typed(model, "2l"))),
    ("incident_task", |model| drop(typed(model, "2t"))),
    ("incident_observable", |model| drop(typed(model, "2oip\n"))),
    ("incident_title", |model| drop(typed(model, "2e"))),
    ("incident_merge", |model| drop(typed(model, "2M"))),
    ("search_rows", |model| on_rows(model, "")),
    ("search_event", |model| on_rows(model, "\n")),
    ("search_fields", |model| on_rows(model, "b")),
    ("search_counts", |model| on_rows(model, "b\n")),
    ("search_time", |model| on_rows(model, "t")),
    ("source_mute", |model| drop(typed(model, "5m"))),
    ("source_filter", |model| drop(typed(model, "5/srv"))),
    ("rules_filter", |model| drop(typed(model, "4/ssh"))),
    ("handover_note", |model| {
        press(model, Key::Function(12));
        answer(model, Slot::HandoverDraft, Answer::HandoverDraft(handover()));
        typed(model, "nfw-03");
    }),
];

/// Shows the events that were found and presses keys.
fn on_rows(model: &mut Model, keys: &str) {
    model.screen = Screen::Search;
    model.search.focus = SearchFocus::Rows;
    typed(model, keys);
}

/// The languages and sizes that snapshots are taken in.
const SHOTS: [(Lang, (u16, u16)); 4] =
    [(Lang::Vi, (80, 24)), (Lang::En, (80, 24)), (Lang::Vi, (160, 50)), (Lang::En, (160, 50))];

#[test]
fn every_screen_looks_as_it_should() {
    for &(name, prepare) in VIEWS {
        let mut shots = Vec::new();
        for (lang, size) in SHOTS {
            let mut model = full(lang, size);
            prepare(&mut model);
            shots.push(format!("{lang:?} {}x{}\n{}", size.0, size.1, text_of(&draw(&model))));
        }
        insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name, shots.join("\n\n"));
        });
    }
}

#[test]
fn every_screen_is_styled_as_it_should() {
    for &(name, prepare) in VIEWS {
        let mut shots = Vec::new();
        for (lang, size) in SHOTS {
            let mut model = full(lang, size);
            prepare(&mut model);
            shots.push(format!("{lang:?} {}x{}\n{}", size.0, size.1, styles_of(&draw(&model))));
        }
        insta::with_settings!({snapshot_path => "../snapshots/styles", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name, shots.join("\n\n"));
        });
    }
}

/// Writes a letter for the style of each cell, a dot where there is none, and below what each letter is.
fn styles_of(buffer: &Buffer) -> String {
    let mut known: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for cells in buffer.content().chunks(usize::from(buffer.area.width).max(1)) {
        let letters = cells.iter().map(|cell| {
            if (cell.fg, cell.bg, cell.modifier) == (Color::Reset, Color::Reset, Modifier::empty()) {
                return '.';
            }
            let style = format!("{:?} on {:?} {:?}", cell.fg, cell.bg, cell.modifier);
            let place = known.iter().position(|other| *other == style).unwrap_or_else(|| {
                known.push(style);
                known.len() - 1
            });
            ('a'..='z').chain('A'..='Z').nth(place).unwrap_or('?')
        });
        rows.push(letters.collect::<String>().trim_end_matches('.').to_owned());
    }
    let legend = ('a'..='z').chain('A'..='Z').zip(known).map(|(letter, style)| format!("{letter} {style}"));
    rows.into_iter().chain(legend).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_size_panics() {
    for &(name, prepare) in VIEWS {
        for (width, height) in sizes() {
            let mut model = full(Lang::Vi, (80, 24));
            prepare(&mut model);
            model.size = (width, height);
            let buffer = draw(&model);
            assert_eq!((buffer.area.width, buffer.area.height), (width, height), "{name}");
        }
    }
}

fn sizes() -> impl Iterator<Item = (u16, u16)> {
    let small = (1..=90).step_by(5).flat_map(|width| (1..=30).step_by(3).map(move |height| (width, height)));
    small.chain([
        (40, 10),
        (39, 10),
        (79, 23),
        (80, 24),
        (139, 36),
        (140, 36),
        (160, 50),
        (300, 100),
        (1, 100),
        (300, 1),
    ])
}

#[test]
fn the_matched_part_and_the_level_are_marked_by_style() {
    for (_, name) in Theme::NAMES {
        let mut model = full(Lang::En, (160, 50));
        model.theme = Theme::new(name);
        let buffer = draw(&model);
        let marked = underlined(&buffer);
        assert!(marked.contains("Accepted password"), "{name:?}: {marked}");
        let has_colour = buffer.content().iter().any(|cell| cell.fg != Color::Reset);
        assert_eq!(has_colour, name != ThemeName::Mono, "{name:?}");
    }
}

#[test]
fn ascii_means_no_line_drawing() {
    let mut model = full(Lang::En, (160, 50));
    model.ascii = true;
    let text = text_of(&draw(&model));
    assert!(text.is_ascii(), "{text}");
}
