//! Why an alert was raised, as a tree: asked for when the record is read whole, and told otherwise when it cannot be.

use serde_json::json;

use crate::console::keys::key::Key;
use crate::console::look::text::Lang;
use crate::console::model::Model;
use crate::console::msg::Answer;
use crate::console::msg::Failure;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::tests::fixtures::RAW;
use crate::console::tests::fixtures::answer;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::full;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::text_of;
use crate::console::tests::fixtures::underlined;
use crate::console::tests::fixtures::wire;
use crate::console::update::update;

fn why() -> crate::wire::why::AlertWhy {
    let span = |text: &str| {
        let start = RAW.find(text).expect("in the line");
        json!([start, start + text.len()])
    };
    let test = |field: &str, wants: &str, value: Option<&str>, holds: bool| {
        let why = if value.is_none() { json!("the event has no `user.name`") } else { json!("the value is another") };
        json!({"join": "test", "holds": holds, "test": {"field": field, "wants": wants, "value": value,
               "raw_span": if holds { span("root") } else { json!(null) }, "why": if holds { json!(null) } else { why }}})
    };
    wire(json!({"event": 901, "rule": {
        "id": "rule-1", "title": "SSH password guessing, then success", "matches": true,
        "correlation": {"kind": "temporal_ordered", "timespan_seconds": 600, "bounds": "each of 2 rules, in order",
            "group_by": [{"field": "source.ip", "value": "203.0.113.7"}], "unknown": ["gone-rule"],
            "rules": [
                {"id": "guess", "title": "Guessing", "matches": false},
                {"id": "success", "title": "Login", "matches": true, "condition": {
                    "join": "all", "holds": true, "parts": [
                        {"name": "ok", "join": "any", "holds": true, "more": 12, "parts": [
                            test("user.name", "is 'root'", Some("root"), true)]},
                        {"join": "not", "holds": true, "parts": [test("source.ip", "in 10.0.0.0/8", Some("203.0.113.7\u{1b}[2J"), false)]},
                        test("user.target.name", "exists", None, true)
                    ]}}
            ]}
    }}))
}

/// The record read whole, with its tree.
pub(super) fn shown(model: &mut Model) {
    press(model, Key::Enter);
    answer(model, Slot::AlertWhy, Answer::Why(Box::new(why())));
}

/// Opens the alert under the cursor; says whether its tree was asked for.
fn opens(model: &mut Model) -> bool {
    let cmds = press(model, Key::Enter);
    requests(&cmds).iter().any(|request| matches!(request, Request::AlertWhy(1)))
}

#[test]
fn it_is_asked_for_once_when_the_record_is_read_whole() {
    let mut model = full(Lang::En, (160, 50));
    assert!(requests(&press(&mut model, Key::Down)).iter().all(|request| !matches!(request, Request::AlertWhy(_))));
    press(&mut model, Key::Up);
    assert!(opens(&mut model));
    answer(&mut model, Slot::AlertWhy, Answer::Why(Box::new(why())));
    press(&mut model, Key::Esc);
    assert!(!opens(&mut model), "it is there already");
}

#[test]
fn the_tree_says_what_holds_and_marks_the_line() {
    let mut model = full(Lang::En, (160, 50));
    let detail = crate::console::tests::fixtures::detail(crate::console::tests::fixtures::rows()[0].clone());
    answer(&mut model, Slot::AlertDetail, Answer::Alert(wire(detail)));
    shown(&mut model);
    let buffer = draw(&model);
    let text = text_of(&buffer);
    for line in [
        "temporal_ordered within 600 s",
        "- Guessing",
        "+ ok: one of 13",
        "+ user.name is 'root'  = root",
        "and 12 more",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains('\u{1b}'));
    let marked = underlined(&buffer);
    assert!(marked.contains("root"), "{marked}");
}

#[test]
fn without_a_tree_what_matched_is_told_all_the_same() {
    let mut model = full(Lang::En, (160, 50));
    press(&mut model, Key::Enter);
    let generation = (0..100).find(|generation| model.is_current(Slot::AlertWhy, *generation)).expect("asked");
    let text = "no rule `rule-1`".to_owned();
    let failure = Failure { is_away: false, is_conflict: false, text, hint: None, column: None, owner: None };
    update(&mut model, Msg::Answer { slot: Slot::AlertWhy, generation, result: Err(failure) });
    let text = text_of(&draw(&model));
    assert!(
        text.contains("message contains 'Accepted password'") && text.contains("cannot be shown as a tree: no rule"),
        "{text}"
    );
    // Asked again when it is opened again.
    press(&mut model, Key::Esc);
    assert!(opens(&mut model));
}
