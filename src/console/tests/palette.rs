//! Words of the palette that take a value: completed as they are typed, asked for once, done with Enter.

use serde_json::json;

use crate::console::keys::key::Key;
use crate::console::look::text::Lang;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::overlay::CommandsTitle;
use crate::console::model::overlay::Overlay;
use crate::console::msg::Answer;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::tests::fixtures::answer;
use crate::console::tests::fixtures::blank;
use crate::console::tests::fixtures::full;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::typed;
use crate::console::tests::fixtures::wire;
use crate::console::update::Row;
use crate::console::update::palette_rows;
use crate::wire::alert::AlertAction;
use crate::wire::alert::Disposition;

fn offered(model: &Model, text: &str) -> Vec<String> {
    let value = |row: Row| match row {
        Row::Value(_, value, _) => Some(value),
        Row::Command(_) | Row::Word(_) => None,
    };
    palette_rows(model, CommandsTitle::Palette, text).into_iter().filter_map(value).collect()
}

fn input(model: &Model) -> &str {
    match &model.overlay {
        Some(Overlay::Commands { input, .. }) => input.text(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_are_offered_in_either_language_without_accents() {
    let model = full(Lang::En, (80, 24));
    for (text, values) in [
        ("rule ssh", &["ssh-guess"][..]),
        ("luat try", &["own-try"]),
        ("Luật  mật khẩu", &[]),
        ("rule ", &["ssh-guess", "own-try"]),
        ("nguồn fw", &["fw-huyen-03"]),
        ("source 1", &["srv-1"]),
        ("user ro", &["root"]),
        ("nguoi dung r", &["root"]),
        ("owner ", &["ha", "an"]),
        ("level c", &["critical"]),
        ("close as dup", &["duplicate"]),
        ("rules ", &[]),
    ] {
        assert_eq!(offered(&model, text).as_slice(), values, "{text}");
    }
    assert_eq!(offered(&full(Lang::Vi, (80, 24)), "luật mat khau"), ["ssh-guess"], "by its title, too");
    let help = palette_rows(&model, CommandsTitle::Help, "rule ssh");
    assert!(help.iter().all(|row| matches!(row, Row::Command(_))), "help lists keys");
}

#[test]
fn tab_completes_and_enter_does_it() {
    let mut model = full(Lang::En, (80, 24));
    typed(&mut model, ":sourc");
    // The screen of that name comes first.
    press(&mut model, Key::Down);
    press(&mut model, Key::Tab);
    assert_eq!(input(&model), "source ");
    typed(&mut model, "fw");
    press(&mut model, Key::Tab);
    assert_eq!(input(&model), "source fw-huyen-03");
    press(&mut model, Key::Enter);
    assert_eq!(model.screen, Screen::Sources);
    assert_eq!(model.sources.focused().map(|row| row.name.as_str()), Some("fw-huyen-03"));
    typed(&mut model, ":rule own\n");
    assert_eq!(model.screen, Screen::Rules);
    assert_eq!(model.rules.focused().map(|row| row.id.as_str()), Some("own-try"));
    let cmds = typed(&mut model, ":user root\n");
    let finds = |request: &&Request| matches!(request, Request::Search(search) if search.q == "user.name:\"root\"");
    assert!(requests(&cmds).iter().any(finds), "{cmds:?}");
    press(&mut model, Key::Esc);
    let cmds = typed(&mut model, ":level hi\n");
    assert!(
        matches!(requests(&cmds).first(), Some(Request::Alerts(filter)) if filter.level_min.as_deref() == Some("high")),
        "{cmds:?}"
    );
    let cmds = typed(&mut model, ":owner ha\n");
    assert!(matches!(requests(&cmds).first(), Some(Request::Alerts(filter)) if filter.owner.as_deref() == Some("ha")));
}

#[test]
fn a_disposition_is_chosen_and_nothing_is_sent_before_enter() {
    let mut model = full(Lang::En, (80, 24));
    assert!(requests(&typed(&mut model, ":close as fal\n")).is_empty());
    let Some(Overlay::Close(form)) = &model.overlay else { panic!("{:?}", model.overlay) };
    assert_eq!(form.disposition, Some(Disposition::FalsePositive));
    let cmds = typed(&mut model, "pentest\n");
    assert!(matches!(requests(&cmds).first(),
        Some(Request::Act(1, command)) if matches!(command.action, AlertAction::Close { .. })));
    // Elsewhere there is nothing to close.
    model.screen = Screen::Reports;
    assert!(offered(&model, "close as ").is_empty());
}

#[test]
fn what_was_never_loaded_is_asked_for_once() {
    let mut model = blank(Lang::En, (80, 24));
    model.screen = Screen::Reports;
    for (word, slot) in [("rule", Slot::Rules), ("source", Slot::Sources), ("user", Slot::Values)] {
        let cmds = typed(&mut model, &format!(":{word} an"));
        assert_eq!(requests(&cmds).len(), 1, "{word}: {cmds:?}");
        assert!(model.is_current(slot, 1));
        press(&mut model, Key::Esc);
    }
    let table = json!({"columns": ["user.name", "count"], "rows": [["an.nguyen", 7]], "explain": {
        "partitions_searched": 1, "partitions_total": 1, "elapsed_us": 1, "partial": null}});
    answer(&mut model, Slot::Values, Answer::Table(Box::new(wire(table))));
    assert_eq!(offered(&model, "user an"), ["an.nguyen"]);
    assert!(typed(&mut model, ":user an").is_empty());
}
