//! Steps of the response, evidence, files, and the figures above the list.

use jiff::SignedDuration;
use serde_json::json;

use crate::console::keys::key::Key;
use crate::console::look::text::Lang;
use crate::console::model::Screen;
use crate::console::model::overlay::Overlay;
use crate::console::msg::Answer;
use crate::console::msg::Failure;
use crate::console::msg::FileWish;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::tests::fixtures::answer;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::full;
use crate::console::tests::fixtures::on;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::row;
use crate::console::tests::fixtures::stream;
use crate::console::tests::fixtures::text_of;
use crate::console::tests::fixtures::typed;
use crate::console::tests::fixtures::wire;
use crate::console::update::update;
use crate::wire::alert::AlertAction;
use crate::wire::incident::IncidentAction;
use crate::wire::stream::StreamMessage;

#[test]
fn a_step_is_ticked_with_two_keys_and_the_tick_taken_back_with_two() {
    for (keys, action) in
        [("t2", AlertAction::Step { step: 2, done: true }), ("t1", AlertAction::Step { step: 1, done: false })]
    {
        let mut model = on(Screen::Alerts);
        let cmds = typed(&mut model, keys);
        let [Request::Act(1, command)] = requests(&cmds)[..] else { panic!("{cmds:?}") };
        assert_eq!((&command.action, command.revision), (&action, None), "others may have ticked meanwhile");
    }
    let mut model = on(Screen::Alerts);
    assert!(requests(&typed(&mut model, "t9")).is_empty(), "there is no ninth step");
    press(&mut model, Key::Enter);
    typed(&mut model, "G");
    let text = text_of(&draw(&model));
    assert!(text.contains("[x] 1 Confirm the login with its owner  (ha 12/08 14:02)"), "{text}");
}

#[test]
fn an_event_is_attached_to_the_incident_of_its_alert() {
    let mut model = on(Screen::Alerts);
    assert!(requests(&typed(&mut model, "v")).is_empty(), "it belongs to none");
    assert!(model.toast.as_ref().is_some_and(|toast| toast.is_error));
    if let Some(detail) = &mut model.alerts.detail {
        detail.incident = Some(7);
    }
    for (keys, event, since) in [("v", 901, "2026-08-12T07:01:08.02Z"), ("rv", 900, "2026-08-12T07:01:01.377Z")] {
        model.alerts.around.scroll.cursor = 0;
        let cmds = typed(&mut model, keys);
        let attached = requests(&cmds).into_iter().find_map(|request| match request {
            Request::ActOnIncident(7, IncidentAction::Attach { q, since, note, .. }) => Some((q, since, note)),
            _ => None,
        });
        let (q, from, note) = attached.unwrap_or_else(|| panic!("{cmds:?}"));
        assert_eq!((q, from.as_deref()), (&format!("longan.id:{event}"), Some(since)));
        assert_eq!(note.as_deref(), Some("ALR-1"));
    }
}

#[test]
fn files_are_written_where_they_are_wanted() {
    let mut model = on(Screen::Alerts);
    typed(&mut model, "jjjm");
    let cmds = typed(&mut model, "w\n");
    let [Request::Write { path, wish: FileWish::Alerts { marked, .. } }] = requests(&cmds)[..] else {
        panic!("{cmds:?}")
    };
    assert_eq!((path.as_str(), marked.as_slice()), ("alerts-20260812-140327.csv", [4].as_slice()));
    let generation = (0..100).find(|generation| model.is_current(Slot::File, *generation)).expect("asked");
    let text = "cannot write `alerts-20260812-140327.csv`: File exists".to_owned();
    let failure = Failure { is_away: false, is_conflict: false, text, hint: None, column: None, owner: None };
    update(&mut model, Msg::Answer { slot: Slot::File, generation, result: Err(failure) });
    assert!(matches!(&model.overlay, Some(Overlay::Line { problem: Some(_), .. })), "another name can be typed");
    press(&mut model, Key::Esc);

    let mut model = on(Screen::Incidents);
    typed(&mut model, "w");
    press(&mut model, Key::Backspace);
    press(&mut model, Key::Backspace);
    let cmds = typed(&mut model, "html\n");
    let [Request::Write { path, wish: FileWish::Report(7, wanted) }] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!((path.as_str(), wanted.form.as_deref()), ("INC-7.html", Some("html")));
    let cmds = typed(&mut model, "W1\n");
    let [Request::Write { path, wish: FileWish::Evidence(7, 1) }] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!(path, "INC-7-evidence-1.tar");
    answer(&mut model, Slot::File, Answer::Written { path: path.clone(), count: 40_960 });
    assert!(model.toast.as_ref().is_some_and(|toast| toast.text.contains("INC-7-evidence-1.tar")));
}

#[test]
fn the_figures_of_the_day_are_asked_for_once_a_minute_where_they_are_shown() {
    let wait = |model: &mut crate::console::model::Model, seconds: i64| {
        let now = model.now.checked_add(SignedDuration::from_secs(seconds)).expect("a time");
        let cmds = update(model, Msg::Tick(now));
        let asked = |request: &Request| match request {
            Request::Triage(period) => period.since.clone(),
            _ => None,
        };
        requests(&cmds).into_iter().find_map(asked)
    };
    let mut model = full(Lang::Vi, (160, 50));
    assert_eq!(wait(&mut model, 1).as_deref(), Some("2026-08-11T17:00:00Z"), "midnight of the zone");
    assert_eq!(wait(&mut model, 30), None);
    assert!(wait(&mut model, 30).is_some());
    let spread = json!({"mean": 100, "median": 1, "p90": 1});
    let level = |raised: u64, untouched: u64| {
        json!({"level": "high", "raised": raised, "untouched": untouched, "closed": 0,
               "to_acknowledge": spread, "to_resolve": null})
    };
    let report = json!({"since": "", "until": "", "levels": [level(3, 1), level(9, 9)], "days": [], "dispositions": [],
                        "rules": [], "analysts": []});
    answer(&mut model, Slot::Today, Answer::Triage(wire(report)));
    let text = text_of(&draw(&model));
    assert!(text.contains("MTTA hôm nay 1m40s  MTTR -  quá SLA 3"), "{text}");
    let mut narrow = full(Lang::Vi, (80, 24));
    assert_eq!(wait(&mut narrow, 1), None);
    assert!(!text_of(&draw(&narrow)).contains("MTTA"));
}

#[test]
fn one_that_was_opened_again_by_a_worse_one_waits_behind_the_list() {
    let mut model = on(Screen::Alerts);
    model.alerts.total = 5;
    let reopened = row(88, "low", 1, "Worse than before", "x");
    stream(&mut model, StreamMessage::Alert { revision: 99, is_new: false, row: wire(reopened) });
    assert!(model.alerts.waiting.contains_key(&88), "the window is the whole list: it belongs into it");
}

#[test]
fn g_goes_on_to_the_next_entity_among_the_events_and_to_the_top_elsewhere() {
    let mut model = on(Screen::Alerts);
    typed(&mut model, "jj");
    typed(&mut model, "g");
    assert_eq!(model.alerts.scroll.cursor, 0);
    let mut model = on(Screen::Alerts);
    typed(&mut model, "r");
    let mut asked = Vec::new();
    for _ in 0..3 {
        let cmds = typed(&mut model, "g");
        asked.extend(requests(&cmds).into_iter().find_map(|request| match request {
            Request::Search(search) => Some(search.q.clone()),
            _ => None,
        }));
    }
    assert_eq!(asked, ["source.ip:\"203.0.113.7\"", "user.name:\"root\"", "host.name:\"srv-1\""]);
}
