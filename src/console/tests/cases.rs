//! Working on a case, and handing a shift over.

use crate::console::keys::key::Key;
use crate::console::model::Screen;
use crate::console::model::overlay::Overlay;
use crate::console::msg::Answer;
use crate::console::msg::Failure;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::tests::fixtures::answer;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::handover;
use crate::console::tests::fixtures::on;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::text_of;
use crate::console::tests::fixtures::typed;
use crate::console::update::update;
use crate::wire::incident::Changed;
use crate::wire::incident::IncidentAction;
use crate::wire::incident::IncidentPhase;
use crate::wire::incident::IncidentWindow;

fn changed(from: &str, to: &str) -> Option<Changed> {
    Some(Changed { from: from.to_owned(), to: to.to_owned() })
}

#[test]
fn each_key_of_a_case_sends_what_it_says() {
    let text = |text: &str| text.to_owned();
    let cases = [
        ("tgọi ISP\n", IncidentAction::AddTask { text: text("gọi ISP") }),
        ("f1", IncidentAction::FinishTask { place: 2 }),
        (
            "oip  198.51.100.7\n",
            IncidentAction::AddObservable { kind: text("ip"), value: text("198.51.100.7"), note: None },
        ),
        ("e!\n", IncidentAction::Edit { title: changed("Intrusion on srv-1", "Intrusion on srv-1!"), level: None }),
        (
            "oip 198.51.100.7 # máy C2\n",
            IncidentAction::AddObservable {
                kind: text("ip"), value: text("198.51.100.7"), note: Some(text("máy C2"))
            },
        ),
        ("s6đã khắc phục\n", IncidentAction::Phase { phase: IncidentPhase::Closed, note: Some(text("đã khắc phục")) }),
        ("A\u{8}\u{8}ha\n", IncidentAction::Assign { to: Some(text("ha")) }),
        ("A\u{8}\u{8}\n", IncidentAction::Assign { to: None }),
        (
            "Dnow+24h họ xin thêm\n",
            IncidentAction::SetClock { name: text("first_notice"), due: text("now+24h"), why: text("họ xin thêm") },
        ),
        ("vlongan.id:901\n", IncidentAction::Attach { q: text("longan.id:901"), since: None, until: None, note: None }),
        ("l2", IncidentAction::Edit { title: None, level: changed("critical", "high") }),
        ("MINC-9\n", IncidentAction::MergeInto { incident: 9 }),
    ];
    for (keys, action) in cases {
        let mut model = on(Screen::Incidents);
        let cmds = typed(&mut model, keys);
        assert_eq!(requests(&cmds), [&Request::ActOnIncident(7, action)], "{keys}");
    }
    for (keys, why) in [
        ("s6\n", "closing needs a reason"),
        ("v\n", "no query"),
        ("oip\n", "no value"),
        ("Mnine\n", "no number"),
        ("t\n", "nothing typed"),
    ] {
        let mut model = on(Screen::Incidents);
        let cmds = typed(&mut model, keys);
        assert!(requests(&cmds).is_empty() && model.overlay.is_some(), "{why}: the line stays open");
    }
}

#[test]
fn a_handover_is_signed_with_two_keys_and_only_as_it_was_read() {
    let mut model = on(Screen::Alerts);
    let cmds = press(&mut model, Key::Function(12));
    assert!(matches!(requests(&cmds)[..], [Request::DraftHandover(_)]));
    assert!(requests(&press(&mut model, Key::Enter)).is_empty(), "nothing was read yet");
    answer(&mut model, Slot::HandoverDraft, Answer::HandoverDraft(handover()));
    assert!(!text_of(&draw(&model)).contains('\u{1b}'));
    let cmds = press(&mut model, Key::Enter);
    assert_eq!(requests(&cmds), [&Request::SignHandover(handover())]);

    let failure = Failure {
        is_away: false,
        is_conflict: true,
        text: "the shift was handed over".to_owned(),
        hint: None,
        column: None,
        owner: None,
    };
    let generation = (0..100).find(|generation| model.is_current(Slot::HandoverSign, *generation)).expect("asked");
    update(&mut model, Msg::Answer { slot: Slot::HandoverSign, generation, result: Err(failure) });
    assert!(matches!(&model.overlay, Some(Overlay::Handover { draft: Some(_), .. })), "what was read is not lost");
    assert!(text_of(&draw(&model)).contains("handed over"), "and the reason is told");
}

#[test]
fn a_note_makes_a_new_draft_and_esc_signs_nothing() {
    let mut model = on(Screen::Reports);
    press(&mut model, Key::Function(12));
    answer(&mut model, Slot::HandoverDraft, Answer::HandoverDraft(handover()));
    let cmds = typed(&mut model, "nxem fw-03\n");
    let asked = requests(&cmds);
    assert!(matches!(asked[..], [Request::DraftHandover(wanted)] if wanted.note.as_deref() == Some("xem fw-03")));
    press(&mut model, Key::Esc);
    let cmds = answer(&mut model, Slot::HandoverDraft, Answer::HandoverDraft(handover()));
    assert!(cmds.is_empty() && model.overlay.is_none(), "what was closed does not come back");
}

#[test]
fn the_period_of_the_figures_goes_round() {
    let mut model = on(Screen::Reports);
    let mut shown = Vec::new();
    for _ in 0..4 {
        let cmds = typed(&mut model, "t");
        shown.extend(requests(&cmds).into_iter().filter_map(|request| match request {
            Request::Triage(period) => period.since.clone(),
            _ => None,
        }));
    }
    assert_eq!(shown, ["30d", "365d", "12h", "7d"]);
}

#[test]
fn a_record_stays_while_a_newer_one_is_read() {
    let mut model = on(Screen::Incidents);
    let window = IncidentWindow { rows: model.incidents.rows.clone(), total: 1 };
    let cmds = answer(&mut model, Slot::IncidentList, Answer::Incidents(window));
    assert_eq!(requests(&cmds), [&Request::Incident(7)], "read anew");
    assert!(model.incidents.focused_detail().is_some());
    // A digit chooses a task; without the record it would have changed the screen.
    press(&mut model, Key::Char('f'));
    press(&mut model, Key::Char('1'));
    assert_eq!(model.screen, Screen::Incidents);
}
