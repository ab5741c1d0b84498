//! What auditors do: look at the evidence, have it checked, read the audit log, export with proofs.

use serde_json::json;

use crate::console::keys::key::Key;
use crate::console::look::layout::Pane;
use crate::console::look::text::Lang;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::overlay::Exporting;
use crate::console::model::overlay::Overlay;
use crate::console::msg::Answer;
use crate::console::msg::Cmd;
use crate::console::msg::Failure;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::tests::fixtures::answer;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::full;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::text_of;
use crate::console::tests::fixtures::typed;
use crate::console::tests::fixtures::wire;
use crate::console::update::update;
use crate::wire::audit::AuditRequest;
use crate::wire::export::ExportRequest;

/// Signs the caller in as an auditor.
fn auditor(model: &mut Model) {
    model.whoami = Some(wire(json!({
        "name": "kiem", "role": "auditor", "may_triage": false, "may_administer": false
    })));
}

fn state(verification: serde_json::Value) -> Answer {
    let log = |name: &str, entries: u64| {
        json!({
            "name": name, "origin": format!("longan-7f/{name}"), "entries": entries, "signed": entries - 1,
            "key": "longan-7f+0badc0de+AXlQ", "checkpoint": "x", "signed_at": "2026-08-12T07:03:07Z"
        })
    };
    Answer::Evidence(wire(json!({
        "logs": [log("evidence", 240), log("audit", 813)], "verification": verification,
        "pushes": [{
            "place": "syslog 10.0.0.9:514 tcp", "given": "2026-08-12T00:03:00Z", "behind_since": "2026-08-12T00:04:00Z",
            "late_hours": 6, "error": "connection refused"
        }]
    })))
}

fn running(records: u64) -> serde_json::Value {
    json!({"state": "running", "by": "kiem", "started": "2026-08-12T07:03:20Z", "records": records, "records_total": 120_000})
}

fn damaged() -> serde_json::Value {
    json!({
        "state": "done", "by": "kiem", "started": "2026-08-12T07:03:20Z", "ended": "2026-08-12T07:03:26Z",
        "records": 120_000, "records_total": 120_000, "partitions": 9, "units": 31, "unsealed": 12, "findings_total": 2,
        "findings": [
            {"place": "store/partitions/a-1/raw.bin", "offset": 4711, "what": "this byte was changed", "what_vi": "byte này đã bị đổi"},
            {"place": "store/partitions/a-1", "records": [900, 950], "what": "its records do not give the root of entry 12\u{1b}[2J"}
        ]
    })
}

/// Fills the screen as an auditor sees it.
pub(super) fn audit(model: &mut Model) {
    auditor(model);
    typed(model, "6");
    answer(model, Slot::Evidence, state(damaged()));
    answer(model, Slot::Audit, Answer::Audit(wire(json!({"entries": entries(812, 5)}))));
}

/// Shows a check that is under way.
pub(super) fn audit_running(model: &mut Model) {
    audit(model);
    answer_tick(model, state(running(54_000)));
}

/// Opens an entry with its proof.
pub(super) fn audit_entry(model: &mut Model) {
    audit(model);
    typed(model, "j\n");
    answer(
        model,
        Slot::AuditEntry,
        Answer::AuditEntry(wire(json!({
            "row": entries(812, 5)[1], "entry": "{\"n\":811,\"at\":\"2026-08-12T07:01:00Z\",\"who\":\"an\",\"check\":\"89abcdef\"}",
            "leaf": "ab".repeat(32), "proof": ["cd".repeat(32), "ef".repeat(32)],
            "checkpoint": "longan-7f/audit\n813\nLXEWQrcmsEQBYnyp=\n\n— longan-7f sig=\n"
        }))),
    );
}

fn entries(newest: u64, count: u64) -> Vec<serde_json::Value> {
    let row = |number: u64| {
        let (who, role, action, detail) = match number % 4 {
            0 => ("kiem", "auditor", "audit", "GET /v1/audit?limit=200"),
            1 => ("", "", "refused", "GET /v1/audit: `an` is analyst and may not do this"),
            2 => ("kiem", "auditor", "view", "GET /v1/alerts/1"),
            _ => ("an", "analyst", "search", "GET /v1/search?q=user.name:đ\u{202e}&since=24h"),
        };
        json!({
            "number": number, "at": "2026-08-12T07:01:00Z", "who": who, "role": role, "via": "socket",
            "action": action, "detail": detail
        })
    };
    (0..count).map(|back| row(newest - back)).collect()
}

fn answer_tick(model: &mut Model, state: Answer) {
    let now = model.now.checked_add(jiff::SignedDuration::from_secs(5)).expect("no end of time");
    let now = jiff::Timestamp::from_second(now.as_second() / 5 * 5).expect("a time");
    update(model, Msg::Tick(now));
    answer(model, Slot::Evidence, state);
}

fn ready() -> Model {
    let mut model = full(Lang::En, (80, 24));
    audit(&mut model);
    model
}

#[test]
fn an_analyst_is_told_and_nothing_is_asked() {
    let mut model = full(Lang::Vi, (80, 24));
    assert_eq!(requests(&typed(&mut model, "6")), Vec::<&Request>::new());
    assert!(text_of(&draw(&model)).contains("Chỉ kiểm toán viên"));
    assert_eq!(requests(&typed(&mut model, "v")), Vec::<&Request>::new());
}

#[test]
fn a_check_is_started_followed_and_its_outcome_told() {
    let mut model = ready();
    let cmds = typed(&mut model, "v");
    assert_eq!(requests(&cmds), [&Request::Verify]);
    answer(&mut model, Slot::VerifyAction, Answer::Verifying(wire(running(0))));
    assert!(model.audit.is_verifying());
    let second = model.now.checked_add(jiff::SignedDuration::from_secs(1)).expect("no end of time");
    assert_eq!(requests(&update(&mut model, Msg::Tick(second))), [&Request::Evidence], "each second while it runs");
    answer(&mut model, Slot::Evidence, state(running(60_000)));
    assert!(text_of(&draw(&model)).contains("50 %"), "{}", text_of(&draw(&model)));
    assert_eq!(requests(&typed(&mut model, "z")), [&Request::CancelVerify]);
    answer_tick(&mut model, state(damaged()));
    assert!(model.toast.as_ref().is_some_and(|toast| toast.is_error && toast.text.contains('2')), "{:?}", model.toast);
    let text = text_of(&draw(&model));
    assert!(text.contains("raw.bin, byte 4711: this byte was changed"), "{text}");
    assert!(text.contains("records 900 to 950"), "{text}");
    assert_eq!(requests(&typed(&mut model, "z")), Vec::<&Request>::new(), "nothing runs");
}

#[test]
fn the_entries_stay_until_asked_for_anew_and_older_ones_follow() {
    let mut model = ready();
    answer(&mut model, Slot::Audit, Answer::Audit(wire(json!({"entries": entries(812, 200)}))));
    assert_eq!(requests(&typed(&mut model, "1")).len(), 0);
    let again: Vec<_> = typed(&mut model, "6");
    assert!(!requests(&again).iter().any(|request| matches!(request, Request::Audit(_))));
    let cmds = typed(&mut model, "Gj");
    let [Request::Audit(AuditRequest { before: Some(613), .. })] = requests(&cmds)[..] else { panic!("{cmds:?}") };
    answer(&mut model, Slot::AuditMore, Answer::Audit(wire(json!({"entries": entries(612, 50)}))));
    assert_eq!((model.audit.rows.len(), model.audit.has_more, model.audit.scroll.cursor), (250, false, 199));
    let cmds = typed(&mut model, "/who:an what:search root\n");
    let wanted = AuditRequest {
        who: Some("an".to_owned()),
        action: Some("search".to_owned()),
        text: Some("root".to_owned()),
        limit: Some(200),
        ..AuditRequest::default()
    };
    assert_eq!(requests(&cmds), [&Request::Evidence, &Request::Audit(wanted)]);
}

#[test]
fn an_entry_is_opened_with_its_proof_and_closed() {
    let mut model = ready();
    let cmds = typed(&mut model, "j\n");
    assert_eq!(requests(&cmds), [&Request::AuditEntry(811)]);
    let mut model = full(Lang::En, (120, 30));
    audit_entry(&mut model);
    assert!(text_of(&draw(&model)).contains("89abcdef"));
    assert_eq!(typed(&mut model, "y").len(), 1, "the entry's bytes can be copied");
    press(&mut model, Key::Tab);
    typed(&mut model, "jjjjjjjjjjjjjjjjjjjjjjjjj");
    assert_eq!(model.audit.focus, Pane::Detail);
    press(&mut model, Key::Esc);
    assert!(!model.audit.is_open && model.audit.detail_top == 0);
}

#[test]
fn an_export_takes_the_keys_it_is_promised_to_take() {
    let mut model = full(Lang::En, (80, 24));
    typed(&mut model, "3/user.name:root\nt3");
    typed(&mut model, "x");
    let Some(Overlay::Line { input, .. }) = &model.overlay else { panic!("{:?}", model.overlay) };
    assert_eq!(input.text(), "longan-20260812-140327.tar");
    let cmds = press(&mut model, Key::Enter);
    let request = ExportRequest { q: "user.name:root".to_owned(), since: Some("30d".to_owned()), until: None };
    let path = "longan-20260812-140327.tar".to_owned();
    assert_eq!(requests(&cmds), [&Request::Export { request, path }]);
    answer(&mut model, Slot::Export, Answer::Exported { path: "/home/kiem/a b.tar".to_owned(), bytes: 2000 });
    let text = text_of(&draw(&model));
    assert!(text.contains("2 KiB written") && text.contains("longan verify '/home/kiem/a b.tar'"), "{text}");
    assert!(matches!(typed(&mut model, "y")[..], [Cmd::Copy(_)]));
    assert_eq!(model.screen, Screen::Search);
}

#[test]
fn an_export_that_fails_keeps_its_path_and_one_given_up_is_forgotten() {
    let mut model = full(Lang::En, (80, 24));
    typed(&mut model, "3");
    model.search.query = crate::console::keys::input::Input::with("a | stats count() by user.name");
    press(&mut model, Key::Enter);
    typed(&mut model, "x");
    let cmds = press(&mut model, Key::Enter);
    let Some(Cmd::Ask { slot, generation, request: Request::Export { request, .. } }) = cmds.first() else {
        panic!("{cmds:?}")
    };
    assert_eq!(request.q, "\"a\"", "the events behind the table");
    let failure = Failure {
        is_away: false,
        is_conflict: false,
        text: "File exists".to_owned(),
        hint: None,
        column: None,
        owner: None,
    };
    update(&mut model, Msg::Answer { slot: *slot, generation: *generation, result: Err(failure) });
    assert!(matches!(&model.overlay, Some(Overlay::Line { problem: Some(_), .. })), "{:?}", model.overlay);
    press(&mut model, Key::Enter);
    assert!(matches!(model.overlay, Some(Overlay::Export(Exporting::Running { .. }))));
    assert_eq!(press(&mut model, Key::Esc), [Cmd::GiveUp(Slot::Export)]);
    assert_eq!(model.overlay, None);
}
