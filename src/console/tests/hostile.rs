//! Text written by an attacker in every place a text can stand: nothing that could act reaches a cell.

use serde_json::json;

use crate::console::look::text::Lang;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::msg::Cmd;
use crate::console::msg::EventObject;
use crate::console::msg::Msg;
use crate::console::msg::Slot;
use crate::console::tests::fixtures::answer;
use crate::console::tests::fixtures::detail;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::full;
use crate::console::tests::fixtures::row;
use crate::console::tests::fixtures::typed;
use crate::console::tests::fixtures::wire;
use crate::console::update::update;

fn hostile() -> Vec<String> {
    vec![
        "\x1b[2J\x1b]0;title\x07\u{9b}31m\u{0}\u{8}\r\n\t".to_owned(),
        "abc\u{202e}fdp.exe\u{2066}\u{200b}\u{feff}\u{e0041}".to_owned(),
        format!("e{}", "\u{301}".repeat(5000)),
        "漢字🙂🇻🇳👨\u{200d}👩\u{200d}👧".repeat(200),
        "x".repeat(70_000),
        "\u{301}\u{301}\u{1160}\u{3164}".to_owned(),
    ]
}

/// Replaces every text of a JSON value; times and words with a meaning stay what they are.
fn poison(value: &mut serde_json::Value, text: &str) {
    match value {
        serde_json::Value::String(old) => *old = text.to_owned(),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| poison(item, text)),
        serde_json::Value::Object(members) => {
            let fixed = ["status", "disposition", "phase", "last"];
            members
                .iter_mut()
                .filter(|(name, _)| !fixed.contains(&name.as_str()))
                .for_each(|(_, item)| poison(item, text));
        }
        _ => {}
    }
}

fn poisoned(text: &str, size: (u16, u16)) -> Model {
    let mut model = full(Lang::Vi, size);
    let mut first = row(1, "high", 50, "", "");
    poison(&mut first, text);
    let window = json!({"rows": [first], "total": 1, "revision": 60});
    answer(&mut model, Slot::AlertWindow, crate::console::msg::Answer::Alerts(wire(window)));
    let mut whole = detail(row(1, "high", 50, "", ""));
    poison(&mut whole, text);
    model.alerts.detail = Some(wire(whole));
    let event: EventObject = wire(json!({"@timestamp": text, "host.name": text, text: text, "message": text}));
    model.alerts.around.events = vec![event.clone()];
    model.alerts.around.conditions = vec![(text.to_owned(), text.to_owned())];
    model.search.events = vec![event];
    for incident in &mut model.incidents.rows {
        incident.title = text.to_owned();
        incident.owner = Some(text.to_owned());
        incident.known = text.to_owned();
    }
    if let Some(detail) = &mut model.incidents.detail {
        detail.row.title = text.to_owned();
        detail.timeline[0].text = Some(text.to_owned());
        detail.clocks[0].name = text.to_owned();
        detail.entities[0].value = text.to_owned();
    }
    for source in &mut model.sources.sources {
        source.name = text.to_owned();
        source.parsers = vec![text.to_owned()];
    }
    model.sources.inputs[0].name = text.to_owned();
    model.rules.rows[0].title_vi = Some(text.to_owned());
    model.rules.rows[0].tags = vec![text.to_owned()];
    model.pulse.refusing = Some(text.to_owned());
    if let Some(who) = &mut model.whoami {
        who.name = text.to_owned();
    }
    model
}

fn assert_harmless(model: &Model, what: &str) {
    for cell in draw(model).content() {
        let acts = |c: char| {
            c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
        };
        assert!(!cell.symbol().contains(acts), "{what}: {:?}", cell.symbol());
        assert!(cell.symbol().chars().count() <= 16, "{what}: a cell with too many marks");
    }
}

#[test]
fn nothing_that_could_act_reaches_a_cell() {
    for text in hostile() {
        for size in [(30, 8), (60, 20), (80, 24), (160, 50)] {
            for screen in Screen::ALL {
                for keys in ["", "\n", "r", "p", "b", "c1", "e", "n", "/", "?", "s", "d"] {
                    let mut model = poisoned(&text, size);
                    model.screen = screen;
                    model.search.focus = crate::console::model::search::SearchFocus::Rows;
                    typed(&mut model, keys);
                    update(&mut model, Msg::Paste(text.clone()));
                    assert_harmless(&model, &format!("{screen:?} {keys:?} {size:?}"));
                }
            }
        }
    }
}

#[test]
fn the_clipboard_and_notifications_get_safe_text() {
    for text in hostile() {
        let mut model = poisoned(&text, (80, 24));
        for screen in Screen::ALL {
            model.screen = screen;
            for cmd in typed(&mut model, "y") {
                if let Cmd::Copy(copied) = cmd {
                    assert!(!copied.contains(char::is_control), "{screen:?}");
                }
            }
        }
    }
}
