//! The search screen: earlier queries, completion, counts over everything, columns, giving up, a tail that tells its gaps.

use serde_json::json;

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::look::text::Lang;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::overlay::Overlay;
use crate::console::model::search::SearchFocus;
use crate::console::msg::Answer;
use crate::console::msg::Cmd;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::tests::fixtures::answer;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::event;
use crate::console::tests::fixtures::full;
use crate::console::tests::fixtures::on;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::text_of;
use crate::console::tests::fixtures::typed;
use crate::console::tests::fixtures::wire;
use crate::console::update::update;

fn table(field: &str, rows: serde_json::Value) -> Answer {
    Answer::Table(wire(json!({"shape": "groups", "columns": [field, "count", "percent"], "rows": rows})))
}

/// Asks a query and answers with nothing.
fn asked(model: &mut Model, query: &str) {
    model.search.query = Input::with(query);
    model.search.focus = SearchFocus::Query;
    press(model, Key::Enter);
    let page = json!({"events": [], "next": null, "explain": {}});
    answer(model, Slot::Search, Answer::Page(wire(page)));
    model.search.focus = SearchFocus::Query;
}

#[test]
fn earlier_queries_come_back_and_what_was_typed_is_kept() {
    let mut model = on(Screen::Search);
    for query in ["first", "second", "first"] {
        asked(&mut model, query);
    }
    model.search.query = Input::with("draft");
    let mut shown = Vec::new();
    for key in [Key::Up, Key::Up, Key::Up, Key::Down, Key::Down] {
        press(&mut model, key);
        shown.push(model.search.query.text().to_owned());
    }
    assert_eq!(shown, ["first", "second", "second", "first", "draft"]);
    press(&mut model, Key::Down);
    assert_eq!(model.search.focus, SearchFocus::Rows, "below the newest are the events");
}

#[test]
fn a_first_slash_means_the_query_and_a_second_one_is_typed() {
    let mut model = on(Screen::Search);
    typed(&mut model, "/");
    assert_eq!(model.search.query.text(), "");
    typed(&mut model, "/a/");
    assert_eq!(model.search.query.text(), "/a/");
}

#[test]
fn tab_goes_on_with_names_and_values() {
    let mut model = on(Screen::Search);
    typed(&mut model, "user.na");
    press(&mut model, Key::Tab);
    assert_eq!(model.search.query.text(), "user.name:");
    press(&mut model, Key::End);
    typed(&mut model, "r");
    press(&mut model, Key::Tab);
    assert_eq!(model.search.query.text(), "user.name:root", "a value of the events that are loaded");
    typed(&mut model, " | top us");
    press(&mut model, Key::Tab);
    assert!(model.search.query.text().ends_with("| top user"), "{}", model.search.query.text());
    assert!(text_of(&draw(&model)).contains("user.name"), "the offers are shown");
}

#[test]
fn values_that_are_not_loaded_are_asked_for_once() {
    let mut model = on(Screen::Search);
    typed(&mut model, "-process.name:");
    let cmds = press(&mut model, Key::Tab);
    let [Request::Table(request)] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!(
        (request.q.as_str(), request.since.as_deref()),
        ("_exists_:\"process.name\" | top 50 `process.name`", Some("24h"))
    );
    answer(&mut model, Slot::Values, table("process.name", json!([["sshd", 9, 90.0], ["power shell", 1, 10.0]])));
    assert_eq!(model.search.query.text(), "-process.name:sshd");
    press(&mut model, Key::Tab);
    assert_eq!(model.search.query.text(), "-process.name:\"power shell\"");
    model.search.query = Input::with("process.name:x");
    typed(&mut model, "y");
    assert_eq!(press(&mut model, Key::Tab), [], "nothing begins so, and that is known");
    assert!(text_of(&draw(&model)).contains("nothing to offer"));
}

#[test]
fn counting_takes_what_is_loaded_and_then_everything() {
    let mut model = on(Screen::Search);
    asked(&mut model, "a | stats count() by user.name");
    model.search.events = crate::console::tests::fixtures::events();
    model.search.table = None;
    model.search.focus = SearchFocus::Event;
    let place = model.search.events[0].keys().position(|name| name == "user.name").expect("it has one");
    model.search.event_scroll.cursor = place;
    let cmds = typed(&mut model, "b");
    let [Request::Table(request)] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!(request.q, "\"a\" | top 200 `user.name`");
    assert!(text_of(&draw(&model)).contains("over the 2 events loaded"));
    answer(&mut model, Slot::Counts, table("user.name", json!([["an", 5000, 90.0], ["root", 2, 10.0]])));
    let Some(Overlay::Counts { rows, cursor, is_whole, .. }) = &model.overlay else { panic!("{:?}", model.overlay) };
    assert_eq!((rows.len(), rows[0].1, *cursor, *is_whole), (2, 5000, 1, true), "the cursor stays on its value");
    assert!(text_of(&draw(&model)).contains("over all events found"));
    press(&mut model, Key::Enter);
    assert!(model.search.query.text().ends_with("user.name:\"root\""), "{}", model.search.query.text());
}

#[test]
fn a_search_that_takes_long_is_told_and_given_up() {
    let mut model = on(Screen::Search);
    typed(&mut model, "/x/");
    press(&mut model, Key::Enter);
    let later = model.now.checked_add(jiff::SignedDuration::from_secs(3)).expect("no end of time");
    update(&mut model, Msg::Tick(later));
    assert!(text_of(&draw(&model)).contains("3 s, Esc gives up"), "{}", text_of(&draw(&model)));
    let cmds = press(&mut model, Key::Esc);
    assert_eq!(cmds, [Slot::Search, Slot::SearchMore, Slot::Histogram].map(Cmd::GiveUp));
    assert!(!model.search.is_loading);
    press(&mut model, Key::Esc);
    assert_eq!(model.search.focus, SearchFocus::Query, "and then Esc goes back as ever");
}

#[test]
fn columns_are_chosen_from_an_event_and_kept() {
    let mut model = full(Lang::En, (160, 50));
    model.screen = Screen::Search;
    model.search.focus = SearchFocus::Rows;
    typed(&mut model, "+");
    assert_eq!(model.search.columns.len(), 0, "a field is chosen in an event");
    press(&mut model, Key::Enter);
    let place = model.search.events[0].keys().position(|name| name == "source.ip").expect("it has one");
    model.search.event_scroll.cursor = place;
    typed(&mut model, "+");
    press(&mut model, Key::Esc);
    let text = text_of(&draw(&model));
    assert!(text.lines().any(|line| line.contains("203.0.113.7") && line.contains("srv-1 Accepted")), "{text}");
    asked(&mut model, "again");
    assert_eq!(model.search.columns, ["source.ip"]);
    model.search.events = crate::console::tests::fixtures::events();
    model.search.focus = SearchFocus::Event;
    model.search.event_scroll.cursor = place;
    typed(&mut model, "+");
    assert_eq!(model.search.columns.len(), 0);
}

#[test]
fn a_tail_tells_what_it_missed() {
    let mut model = on(Screen::Search);
    model.search.focus = SearchFocus::Rows;
    typed(&mut model, "l");
    let generation = model.search.tail_generation;
    let events = vec![event(1, 1, "one"), wire(json!({"longan.missed": 120})), event(2, 2, "two")];
    update(&mut model, Msg::Tailed { generation, events });
    assert_eq!((model.search.events.len(), model.search.missed), (2, 120));
    assert!(text_of(&draw(&model)).contains("120 events missed"), "{}", text_of(&draw(&model)));
}

#[test]
fn a_search_is_saved_listed_run_and_deleted() {
    let mut model = on(Screen::Search);
    asked(&mut model, "user.name:root AND a");
    model.search.focus = SearchFocus::Rows;
    typed(&mut model, "s");
    assert_eq!(requests(&press(&mut model, Key::Enter)), Vec::<&Request>::new(), "a name is needed");
    let cmds = typed(&mut model, "+root logins\n");
    let [Request::SaveSearch(request)] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!((request.name.as_str(), request.shared, request.since.as_deref()), ("root logins", true, Some("24h")));
    assert_eq!(request.q, "user.name:root AND a");
    answer(&mut model, Slot::SearchAction, Answer::SearchSaved(wire(json!({"name": "root logins"}))));
    assert!(model.toast.as_ref().is_some_and(|toast| toast.text == "Saved root logins"));

    assert_eq!(requests(&typed(&mut model, "o")), [&Request::SavedSearches]);
    let list = json!({"searches": [
        {"name": "mine", "owner": "an", "q": "a", "since": "7d"},
        {"name": "theirs", "owner": "ha", "shared": true, "q": "b\u{1b}[2J"}
    ]});
    answer(&mut model, Slot::Saved, Answer::Saved(wire(list.clone())));
    assert!(text_of(&draw(&model)).contains("+ha"), "{}", text_of(&draw(&model)));
    typed(&mut model, "j");
    assert_eq!(requests(&press(&mut model, Key::Delete)), Vec::<&Request>::new(), "it is another's");
    typed(&mut model, "k");
    let cmds = press(&mut model, Key::Delete);
    assert!(matches!(requests(&cmds)[..], [Request::DeleteSearch(_)]), "{cmds:?}");
    answer(&mut model, Slot::Saved, Answer::Saved(wire(list)));
    let cmds = press(&mut model, Key::Enter);
    let [Request::Search(search), Request::Histogram(_)] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!((search.q.as_str(), search.since.as_deref()), ("a", Some("7d")));
}
