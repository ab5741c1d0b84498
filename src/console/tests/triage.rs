//! Triage by keys: what is sent, where the focus goes, what may not happen.

use serde_json::json;

use crate::console::keys::key::Key;
use crate::console::model::Screen;
use crate::console::model::overlay::Overlay;
use crate::console::msg::Answer;
use crate::console::msg::Cmd;
use crate::console::msg::Failure;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::tests::fixtures::answer;
use crate::console::tests::fixtures::detail;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::events;
use crate::console::tests::fixtures::on;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::row;
use crate::console::tests::fixtures::rows;
use crate::console::tests::fixtures::stream;
use crate::console::tests::fixtures::text_of;
use crate::console::tests::fixtures::typed;
use crate::console::tests::fixtures::wire;
use crate::console::update::update;
use crate::wire::alert::AlertAction;
use crate::wire::alert::Disposition;
use crate::wire::incident::IncidentAction;
use crate::wire::incident::IncidentPhase;
use crate::wire::stream::StreamMessage;

fn sent_action(cmds: &[Cmd]) -> Option<(u64, AlertAction)> {
    requests(cmds).into_iter().find_map(|request| match request {
        Request::Act(id, command) => Some((*id, command.action.clone())),
        _ => None,
    })
}

fn fail(is_conflict: bool, owner: Option<&str>) -> Failure {
    Failure {
        is_away: false,
        is_conflict,
        text: "refused".to_owned(),
        hint: None,
        column: None,
        owner: owner.map(str::to_owned),
    }
}

fn generation_of(cmds: &[Cmd]) -> u64 {
    let generation = |cmd: &Cmd| match cmd {
        Cmd::Ask { slot: Slot::AlertAction, generation, .. } => Some(*generation),
        _ => None,
    };
    cmds.iter().find_map(generation).expect("an action was sent")
}

#[test]
fn three_keys_close_a_medium_alert_and_the_focus_goes_to_the_next() {
    let mut model = on(Screen::Alerts);
    typed(&mut model, "jjj");
    let cmds = typed(&mut model, "c1\n");
    let close = AlertAction::Close { disposition: Disposition::FalsePositive, note: None };
    assert_eq!(sent_action(&cmds), Some((4, close)));
    let mut closed = rows()[3].clone();
    closed["status"] = json!("closed");
    let generation = generation_of(&cmds);
    let result = Ok(Answer::Acted(wire(closed)));
    let cmds = update(&mut model, Msg::Answer { slot: Slot::AlertAction, generation, result });
    assert_eq!(model.alerts.focused().map(|row| row.id), Some(5));
    assert_eq!(requests(&cmds), [&Request::Alert(5)]);
    assert_eq!(model.alerts.total, 127);
    assert_eq!(sent_action(&typed(&mut model, "u")), Some((4, AlertAction::Undo)));
    assert!(sent_action(&typed(&mut model, "u")).is_none(), "undone once");
}

#[test]
fn a_high_or_critical_alert_needs_a_note() {
    let mut model = on(Screen::Alerts);
    assert!(requests(&typed(&mut model, "c3\n")).is_empty());
    assert!(matches!(&model.overlay, Some(Overlay::Close(form)) if form.problem.is_some()));
    let cmds = typed(&mut model, "đã chặn\n");
    let note = Some("đã chặn".to_owned());
    let close = AlertAction::Close { disposition: Disposition::TruePositive, note };
    assert_eq!(sent_action(&cmds), Some((1, close)));
}

#[test]
fn each_key_of_triage_sends_its_action() {
    for (keys, action) in [
        ("a", AlertAction::Take),
        ("z", AlertAction::Release),
        ("nseen\n", AlertAction::Note { text: "seen".to_owned() }),
        ("o\n", AlertAction::Reopen { note: None }),
        (
            "e\n",
            AlertAction::Escalate {
                incident: None,
                title: Some("SSH password guessing, then success - 203.0.113.7".to_owned()),
                note: None,
            },
        ),
    ] {
        let mut model = on(Screen::Alerts);
        assert_eq!(sent_action(&typed(&mut model, keys)), Some((1, action)), "{keys}");
    }
    let mut model = on(Screen::Alerts);
    press(&mut model, Key::Function(4));
    press(&mut model, Key::Ctrl('u'));
    let join = AlertAction::Escalate { incident: Some(7), title: None, note: None };
    assert_eq!(sent_action(&typed(&mut model, "#7\n")), Some((1, join)));
    for key in [Key::Function(2), Key::Function(3), Key::Function(5)] {
        let mut model = on(Screen::Alerts);
        model.alerts.around.events.clear();
        assert!(!press(&mut model, key).is_empty(), "{key}");
    }
}

#[test]
fn many_are_closed_with_their_number_typed() {
    let mut model = on(Screen::Alerts);
    let cmds = typed(&mut model, "*c2\n");
    assert!(requests(&cmds).is_empty(), "critical ones among them need a note");
    assert!(requests(&typed(&mut model, "pentest\n")).is_empty(), "128 need their number");
    assert!(requests(&typed(&mut model, "12\n")).is_empty(), "a wrong number");
    let cmds = typed(&mut model, "8\n");
    let [Request::ActOnMany(command)] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!((command.expected, command.filter.is_some(), command.ids.len()), (Some(128), true, 0));
    let mut model = on(Screen::Alerts);
    typed(&mut model, "jjjmm");
    let cmds = typed(&mut model, "c5\n");
    let [Request::ActOnMany(command)] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!(command.ids, [4, 5]);
}

#[test]
fn a_conflict_says_who_has_it_and_keeps_the_note() {
    let mut model = on(Screen::Alerts);
    let cmds = typed(&mut model, "c3my words\n");
    let result = Err(fail(true, Some("ha")));
    let generation = generation_of(&cmds);
    let cmds = update(&mut model, Msg::Answer { slot: Slot::AlertAction, generation, result });
    assert!(model.toast.as_ref().is_some_and(|toast| toast.text.contains("ha") && toast.is_error));
    assert!(matches!(&model.overlay, Some(Overlay::Close(form)) if form.note.text() == "my words"));
    assert!(requests(&cmds).iter().any(|request| matches!(request, Request::Alerts(_))));
}

#[test]
fn the_list_never_moves_unless_asked() {
    let mut model = on(Screen::Alerts);
    typed(&mut model, "jj");
    let order = |model: &crate::console::model::Model| model.alerts.rows.iter().map(|row| row.id).collect::<Vec<_>>();
    let mut raised = rows()[3].clone();
    raised["risk"] = json!(99);
    raised["count"] = json!(1000);
    stream(&mut model, StreamMessage::Alert { revision: 60, is_new: false, row: wire(raised) });
    for id in 100..114 {
        let new = wire(row(id, "critical", 99, "new", "x"));
        stream(&mut model, StreamMessage::Alert { revision: id, is_new: true, row: new });
    }
    assert_eq!(order(&model), [1, 2, 3, 4, 5]);
    assert_eq!(model.alerts.rows[3].count, 1000, "the row changed in place");
    assert_eq!(model.alerts.waiting.len(), 14);
    assert_eq!(model.alerts.scroll.cursor, 2);
    let cmds = press(&mut model, Key::Function(5));
    assert!(matches!(requests(&cmds)[..], [Request::Alerts(_)]));
    let mut all = vec![row(100, "critical", 99, "new", "x")];
    all.extend(rows());
    answer(&mut model, Slot::AlertWindow, Answer::Alerts(wire(json!({"rows": all, "total": 142, "revision": 200}))));
    assert_eq!(model.alerts.focused().map(|row| row.id), Some(3), "the cursor stays on its alert");
    assert!(model.alerts.waiting.is_empty());
}

#[test]
fn what_is_told_while_the_list_is_on_its_way_waits_behind_it() {
    let mut model = on(Screen::Alerts);
    let raise = |model: &mut crate::console::model::Model, id| {
        let new = wire(row(id, "low", 5, "new", "x"));
        stream(model, StreamMessage::Alert { revision: id, is_new: true, row: new });
    };
    raise(&mut model, 100);
    press(&mut model, Key::Function(5));
    // Read at revision 105, told of 110 before it arrives.
    raise(&mut model, 110);
    let window = json!({"rows": rows(), "total": 143, "revision": 105});
    answer(&mut model, Slot::AlertWindow, Answer::Alerts(wire(window)));
    assert_eq!(model.alerts.waiting.keys().copied().collect::<Vec<_>>(), [110]);
}

#[test]
fn stale_answers_are_dropped() {
    let mut model = on(Screen::Alerts);
    typed(&mut model, "j");
    typed(&mut model, "k");
    let stale = Msg::Answer {
        slot: Slot::AlertDetail,
        generation: 1,
        result: Ok(Answer::Alert(wire(detail(rows()[4].clone())))),
    };
    let before = model.alerts.detail.clone();
    update(&mut model, stale);
    assert_eq!(model.alerts.detail, before);
    let unknown = Msg::Answer { slot: Slot::AlertAction, generation: 999, result: Err(fail(false, None)) };
    assert!(update(&mut model, unknown).is_empty());
    assert!(model.toast.is_none());
}

#[test]
fn pivots_related_and_windows_ask_for_what_they_show() {
    let mut model = on(Screen::Alerts);
    let cmds = typed(&mut model, "p1");
    let [Request::Search(search), Request::Histogram(_)] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!((search.q.as_str(), model.screen), ("source.ip:\"203.0.113.7\"", Screen::Search));

    let mut model = on(Screen::Alerts);
    typed(&mut model, "r");
    let cmds = typed(&mut model, "+");
    let [Request::Search(search), Request::Histogram(_)] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!(search.q, "host.name:\"srv-1\"");
    assert_eq!(search.since.as_deref(), Some("2026-08-12T06:51:09Z"));
    assert_eq!(search.until.as_deref(), Some("2026-08-12T07:11:09Z"));

    let mut model = on(Screen::Alerts);
    let cmds = typed(&mut model, "G");
    let [Request::Alerts(filter)] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    assert_eq!(filter.limit, Some(500));
    typed(&mut model, "/sev>=high is:all ssh\n");
    assert_eq!(model.alerts.filter.level_min.as_deref(), Some("high"));
    assert_eq!(
        (model.alerts.filter.status.as_deref(), model.alerts.filter.text.as_deref()),
        (Some("all"), Some("ssh"))
    );
}

#[test]
fn searching_narrows_counts_pages_and_tails() {
    let mut model = on(Screen::Search);
    let cmds = typed(&mut model, "user.name:root\n");
    assert!(matches!(requests(&cmds)[..], [Request::Search(_), Request::Histogram(_)]));
    let page = json!({"events": events(), "next": "2", "explain": {"partitions_searched": 1, "partitions_total": 9, "elapsed_us": 4000, "partial": null}});
    answer(&mut model, Slot::Search, Answer::Page(wire(page)));
    typed(&mut model, "j");
    let more = typed(&mut model, "j");
    let [Request::Search(search)] = requests(&more)[..] else { panic!("{more:?}") };
    assert_eq!(search.cursor.as_deref(), Some("2"));
    assert_eq!(model.search.values("source.ip"), [("203.0.113.7".to_owned(), 2)]);
    typed(&mut model, "\njj");
    typed(&mut model, "-");
    assert_eq!(model.search.asked, "user.name:root -host.name:\"srv-1\"");
    let cmds = typed(&mut model, "t3");
    let Some(Request::Search(search)) = requests(&cmds).first().copied() else { panic!("{cmds:?}") };
    assert_eq!(search.since.as_deref(), Some("30d"));
    let cmds = typed(&mut model, "l");
    assert!(matches!(cmds[..], [Cmd::Tail { request: Some(_), .. }]));
    let generation = model.search.tail_generation;
    for _ in 0..3000 {
        update(&mut model, Msg::Tailed { generation, events: events() });
    }
    assert_eq!((model.search.events.len(), model.search.scroll.cursor), (2000, 1999));
    typed(&mut model, "k");
    update(&mut model, Msg::Tailed { generation, events: events() });
    assert_eq!(model.search.scroll.cursor, 1996, "paused: the view stays on its event");
    assert!(matches!(press(&mut model, Key::Esc)[..], [Cmd::Tail { request: None, .. }]));
    update(&mut model, Msg::Tailed { generation, events: events() });
    assert_eq!(model.search.events.len(), 2000);
}

#[test]
fn a_query_with_pipes_shows_a_table_that_drills_down() {
    let mut model = on(Screen::Search);
    let cmds = typed(&mut model, "failed | top source.ip\n");
    assert!(matches!(requests(&cmds)[..], [Request::Table(_), Request::Histogram(_)]), "{cmds:?}");
    let table = json!({
        "shape": "groups", "columns": ["source.ip", "count", "percent"],
        "rows": [["203.0.113.7", 40, 80.0], ["\u{1b}[2J", 10, 20.0]], "notes": ["1 of 51 rows has no source.ip"],
        "explain": {"partitions_searched": 1, "partitions_total": 9, "elapsed_us": 4000, "partial": null}
    });
    answer(&mut model, Slot::Search, Answer::Table(wire(table)));
    let shown = text_of(&draw(&model));
    for part in ["source.ip", "203.0.113.7 40", "1 of 51 rows", "2/2"] {
        let place = if part == "2/2" {
            typed(&mut model, "j");
            text_of(&draw(&model))
        } else {
            shown.clone()
        };
        assert!(place.contains(part), "{part}: {place}");
    }
    typed(&mut model, "k\n");
    assert_eq!(model.search.asked, "(\"failed\") source.ip:\"203.0.113.7\"");
    assert!(model.search.table.is_none());
}

#[test]
fn incidents_are_taken_noted_and_moved_on() {
    for (keys, action) in [
        ("a", IncidentAction::Take),
        ("s4", IncidentAction::Phase { phase: IncidentPhase::Eradication, note: None }),
        ("nchecked\n", IncidentAction::Note { text: "checked".to_owned() }),
        ("d2", IncidentAction::MeetClock { name: "immediate".to_owned() }),
    ] {
        let mut model = on(Screen::Incidents);
        let cmds = typed(&mut model, keys);
        assert_eq!(requests(&cmds), [&Request::ActOnIncident(7, action)], "{keys}");
    }
}

#[test]
fn an_auditor_may_look_but_not_act() {
    let mut model = on(Screen::Alerts);
    if let Some(who) = &mut model.whoami {
        who.may_triage = false;
    }
    for keys in ["a", "c1\n", "e\n", "n"] {
        // To read an alert whole is to look.
        let cmds = typed(&mut model, keys);
        assert!(requests(&cmds).iter().all(|request| matches!(request, Request::AlertWhy(_))), "{keys}");
        assert!(model.overlay.is_none());
    }
}
