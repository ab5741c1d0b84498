//! Who is looking: said when a record is opened, said again, taken back, and shown of the others.

use jiff::SignedDuration;
use serde_json::json;

use crate::console::keys::key::Key;
use crate::console::look::text::Lang;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::msg::Cmd;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::full;
use crate::console::tests::fixtures::on;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::stream;
use crate::console::tests::fixtures::text_of;
use crate::console::tests::fixtures::typed;
use crate::console::tests::fixtures::wire;
use crate::console::update::update;

/// What was said: alert and incident of each word.
fn said(cmds: &[Cmd]) -> Vec<(Option<u64>, Option<u64>)> {
    let look = |request: &Request| match request {
        Request::Look(look) => Some((look.alert, look.incident)),
        _ => None,
    };
    requests(cmds).into_iter().filter_map(look).collect()
}

fn wait(model: &mut Model, seconds: i64) -> Vec<Cmd> {
    let now = model.now.checked_add(SignedDuration::from_secs(seconds)).expect("a time");
    update(model, Msg::Tick(now))
}

#[test]
fn what_is_open_is_told_and_told_again_until_it_is_closed() {
    let mut model = on(Screen::Alerts);
    assert!(said(&typed(&mut model, "jk")).is_empty(), "a cursor that rests on a row opens nothing");
    assert_eq!(said(&press(&mut model, Key::Enter)), [(Some(1), None)]);
    assert!(said(&wait(&mut model, 14)).is_empty());
    assert_eq!(said(&wait(&mut model, 1)), [(Some(1), None)], "the lease is renewed");
    assert_eq!(said(&press(&mut model, Key::Esc)), [(None, None)]);
    assert!(said(&wait(&mut model, 60)).is_empty(), "nothing open needs no renewing");
    typed(&mut model, "2");
    assert_eq!(said(&press(&mut model, Key::Enter)), [(None, Some(7))]);
    assert_eq!(said(&typed(&mut model, "3")), [(None, None)]);
}

#[test]
fn whoever_went_away_or_may_not_triage_is_not_looking() {
    let mut model = on(Screen::Alerts);
    press(&mut model, Key::Enter);
    assert_eq!(said(&wait(&mut model, 10 * 60)), [(None, None)], "no key for ten minutes");
    assert_eq!(said(&press(&mut model, Key::Down)), [(Some(1), None)], "back again");
    let mut model = on(Screen::Alerts);
    if let Some(who) = &mut model.whoami {
        who.may_triage = false;
    }
    assert!(said(&press(&mut model, Key::Enter)).is_empty());
}

#[test]
fn others_are_marked_in_the_list_and_named_in_the_record() {
    for (lang, size, words) in
        [(Lang::Vi, (80, 24), "@ ha␛[2J, hai đang xem"), (Lang::En, (160, 50), "WHO IS LOOKING: ha␛[2J, hai")]
    {
        let mut model = full(lang, size);
        let looking = |who: &str, alert: u64| json!({"who": who, "alert": alert, "incident": null, "since": ""});
        let all = json!([looking("ha\u{1b}[2J", 1), looking("hai", 1), looking("hai", 1), looking("an", 9)]);
        stream(&mut model, wire(json!({"kind": "presence", "looking": all})));
        let text = text_of(&draw(&model));
        assert!(text.contains(">C @"), "{text}");
        assert!(text.contains(words), "{text}");
        assert_eq!(text.matches('@').count(), if size.0 == 80 { 2 } else { 1 }, "{text}");
        stream(&mut model, wire(json!({"kind": "presence", "looking": []})));
        assert!(!text_of(&draw(&model)).contains('@'));
    }
}
