//! Incidents on a real file: declared, joined, worked on, closed.

use super::*;
use crate::alert::NewDetection;
use crate::alert::Policy;
use crate::incident::Changed;
use crate::incident::Edit;
use crate::incident::NewEvidence;
use crate::incident::NewObservable;
use crate::model::EventId;
use crate::model::time::ManualClock;

const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

fn world() -> (tempfile::TempDir, Arc<AlertStore>, IncidentStore) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let path = folder.path().join("alerts.sqlite");
    let store = Arc::new(AlertStore::open(&path, Policy::DEFAULT, clock).unwrap());
    let batch: Vec<NewDetection> = (1..=3)
        .map(|event| NewDetection {
            rule_id: "brute".to_owned(),
            title: "SSH brute force".to_owned(),
            level: RuleLevel::ALL[event as usize + 1],
            entity: format!("10.0.0.{event}"),
            event_ids: vec![EventId(event)],
            entities: vec![
                Entity { kind: "user".to_owned(), field: "user.name".to_owned(), value: "root".to_owned() },
                Entity { kind: "ip".to_owned(), field: "source.ip".to_owned(), value: format!("10.0.0.{event}") },
            ],
            ..NewDetection::default()
        })
        .collect();
    store.commit(&batch, EventId(3), None).unwrap();
    let incidents = IncidentStore::new(store.clone(), Arc::new(Forms::built_in(0)));
    (folder, store, incidents)
}

fn escalation(alerts: &[u64]) -> Escalation {
    Escalation { alerts: alerts.iter().copied().map(AlertId).collect(), ..Escalation::default() }
}

#[test]
fn an_incident_is_declared_joined_and_closed_with_its_alerts() {
    let (_folder, store, incidents) = world();
    let an = Actor::analyst("an");
    let declared = incidents.escalate(&escalation(&[1]), &an).unwrap();
    assert_eq!((declared.incident, declared.done), (IncidentId(1), vec![AlertId(1)]));
    let join = Escalation { incident: Some(IncidentId(1)), ..escalation(&[3, 1]) };
    let joined = incidents.escalate(&join, &Actor::analyst("ha")).unwrap();
    assert_eq!((joined.done.len(), joined.refused.len()), (1, 1));

    let detail = incidents.detail(IncidentId(1)).unwrap();
    assert_eq!((detail.row.title.as_str(), detail.row.alerts), ("SSH brute force: 10.0.0.1", 2));
    assert_eq!((detail.row.level, detail.row.known), (RuleLevel::Critical, START));
    assert_eq!(detail.entities.len(), 3);
    let due: Vec<u64> = detail.clocks.iter().map(|clock| clock.due.since(START).as_secs() / 3600).collect();
    assert_eq!(due, [0, 24, 72, 72]);
    assert_eq!(detail.row.next_due, Some(START), "what is to be done at once");
    let met = incidents.act(IncidentId(1), &IncidentAction::MeetClock { name: "immediate".to_owned() }, &an).unwrap();
    assert_eq!(met.next_due.map(|due| due.since(START).as_secs() / 3600), Some(24));

    let everything = crate::alert::store::BulkTarget::Filter { filter: Box::default(), expected: 10 };
    let benign = Action::Close { disposition: Disposition::BenignPositive, note: Some("x".to_owned()) };
    let closed = store.act_on_many(&everything, &benign, &an).unwrap();
    assert_eq!((closed.done, closed.refused.len()), (vec![AlertId(2)], 2), "what an incident holds is left to it");
    let running = |hours: u64| {
        let clocks = incidents.clocks_before(START.plus(std::time::Duration::from_secs(hours * 3600 + 1))).unwrap();
        clocks.into_iter().map(|clock| clock.name).collect::<Vec<_>>()
    };
    assert_eq!(running(1), Vec::<String>::new(), "what is met does not run");
    assert_eq!((running(24).len(), running(72).len()), (1, 3));

    let close =
        |note: Option<&str>| IncidentAction::Phase { phase: IncidentPhase::Closed, note: note.map(str::to_owned) };
    let refused = incidents.act(IncidentId(1), &close(None), &an);
    assert!(matches!(refused, Err(IncidentError::Refused(IncidentRefusal::NoteNeeded))));
    let row = incidents.act(IncidentId(1), &close(Some("đã khắc phục")), &an).unwrap();
    let due = row.next_due.map(|due| due.since(START).as_secs() / 3600);
    assert_eq!(
        (row.phase, due),
        (IncidentPhase::Closed, Some(24)),
        "what is owed to others is owed after closing, too"
    );
    for id in [1, 3] {
        let alert = store.row(AlertId(id), 0).unwrap();
        assert_eq!(alert.state.status, AlertStatus::Closed);
        assert_eq!(alert.state.disposition, Some(Disposition::TruePositive));
    }
    let timeline = incidents.detail(IncidentId(1)).unwrap().timeline;
    let words: Vec<String> = timeline.iter().map(|entry| format!("{} {}", entry.who, entry.action)).collect();
    assert_eq!(words, ["an declared", "an joined", "ha joined", "an clock_met", "an phase"]);
    let late = Escalation { incident: Some(IncidentId(1)), ..escalation(&[2]) };
    assert!(matches!(incidents.escalate(&late, &an), Err(IncidentError::Refused(IncidentRefusal::Closed))));
    assert_eq!(incidents.window(true, 0, 10).unwrap().total, 0);
    assert_eq!(incidents.window(false, 0, 10).unwrap().rows.len(), 1);
}

#[test]
fn an_alert_opened_again_does_not_stay_in_a_closed_incident() {
    let (_folder, store, incidents) = world();
    let an = Actor::analyst("an");
    incidents.escalate(&escalation(&[1, 2]), &an).unwrap();
    let move_to = |phase| IncidentAction::Phase { phase, note: Some("xong".to_owned()) };
    incidents.act(IncidentId(1), &move_to(IncidentPhase::Closed), &an).unwrap();
    let reopen = Action::Reopen { note: Some("tái phát".to_owned()) };
    let opened = store.act(AlertId(1), &reopen, &an, None).unwrap().state;
    assert_eq!((opened.status, opened.incident, opened.owner), (AlertStatus::New, None, None));
    let undone = store.act(AlertId(2), &Action::Undo, &an, None).unwrap().state;
    assert_eq!((undone.status, undone.incident, undone.owner.as_deref()), (AlertStatus::Taken, None, Some("an")));
    let told = store.detail(AlertId(1)).unwrap().history.pop().unwrap().text;
    assert_eq!(told.as_deref(), Some("tái phát (left INC-1, which is closed)"));
    let again = incidents.escalate(&escalation(&[1]), &an).unwrap();
    assert_eq!(again.incident, IncidentId(2), "it can be escalated again");
    // While its incident is open it stays in it.
    let close = Action::Close { disposition: Disposition::TruePositive, note: Some("x".to_owned()) };
    store.act(AlertId(1), &close, &an, None).unwrap();
    let opened = store.act(AlertId(1), &Action::Undo, &an, None).unwrap().state;
    assert_eq!((opened.status, opened.incident), (AlertStatus::Escalated, Some(IncidentId(2))));
}

#[test]
fn an_escalation_changes_both_or_neither() {
    let (_folder, store, incidents) = world();
    store.act(AlertId(2), &Action::Take, &Actor::analyst("ha"), None).unwrap();
    let before = store.revision();
    let refused = incidents.escalate(&escalation(&[2]), &Actor::analyst("an"));
    assert!(matches!(refused, Err(IncidentError::Store(StoreError::Refused(Refusal::HeldBy { .. })))));
    for missing in
        [escalation(&[99]), escalation(&[]), Escalation { incident: Some(IncidentId(9)), ..escalation(&[1]) }]
    {
        assert!(incidents.escalate(&missing, &Actor::analyst("an")).is_err());
    }
    assert_eq!((store.revision(), incidents.window(false, 0, 10).unwrap().total), (before, 0));
}

#[test]
fn a_clock_is_met_once() {
    let (_folder, store, incidents) = world();
    let an = Actor::analyst("an");
    incidents.escalate(&escalation(&[1, 2]), &an).unwrap();
    let meet = |name: &str| IncidentAction::MeetClock { name: name.to_owned() };
    let before = store.revision();
    incidents.act(IncidentId(1), &meet("first_notice"), &an).unwrap();
    assert_eq!(incidents.detail(IncidentId(1)).unwrap().clocks[1].met, Some(START));
    let changes = store.changes_since(before, 10).unwrap();
    assert_eq!(changes.incidents, [(before + 1, IncidentId(1))]);
    for (name, refusal) in [
        ("first_notice", IncidentRefusal::ClockMet("first_notice".to_owned())),
        ("tea", IncidentRefusal::NoSuchClock("tea".to_owned())),
    ] {
        let refused = incidents.act(IncidentId(1), &meet(name), &an);
        assert!(matches!(refused, Err(IncidentError::Refused(seen)) if seen == refusal), "{name}");
    }
    assert!(matches!(incidents.detail(IncidentId(2)), Err(IncidentError::NoSuchIncident(IncidentId(2)))));
}

/// Does one action on the first incident, as `an`.
fn do_it(incidents: &IncidentStore, action: IncidentAction) -> Result<IncidentRecord, IncidentError> {
    incidents.act(IncidentId(1), &action, &Actor::analyst("an"))
}

fn refusal(done: Result<IncidentRecord, IncidentError>) -> IncidentRefusal {
    match done {
        Err(IncidentError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_case_keeps_tasks_and_observables() {
    let (_folder, _store, incidents) = world();
    incidents.escalate(&escalation(&[1]), &Actor::analyst("an")).unwrap();
    for text in [" chặn IP tại tường lửa ", "đổi mật khẩu"] {
        do_it(&incidents, IncidentAction::AddTask { text: text.to_owned() }).unwrap();
    }
    do_it(&incidents, IncidentAction::FinishTask { place: 1 }).unwrap();
    let observable = |value: &str, note: Option<&str>| {
        let (value, note) = (value.to_owned(), note.map(str::to_owned));
        IncidentAction::AddObservable(NewObservable { kind: "ip".to_owned(), value, note })
    };
    do_it(&incidents, observable("203.0.113.7", Some("máy chủ điều khiển"))).unwrap();
    do_it(&incidents, observable(" 203.0.113.7", None)).unwrap();

    let detail = incidents.detail(IncidentId(1)).unwrap();
    let tasks: Vec<(u32, &str, bool)> =
        detail.tasks.iter().map(|task| (task.place, task.text.as_str(), task.done.is_some())).collect();
    assert_eq!(tasks, [(1, "chặn IP tại tường lửa", true), (2, "đổi mật khẩu", false)]);
    assert_eq!(detail.observables.len(), 1, "the same one is kept once");
    assert_eq!(detail.observables[0].note.as_deref(), Some("máy chủ điều khiển"), "and its note stays");
    let words: Vec<&str> = detail.timeline.iter().skip(2).map(|entry| entry.action.as_str()).collect();
    assert_eq!(words, ["task_added", "task_added", "task_done", "observable_added", "observable_added"]);

    assert_eq!(refusal(do_it(&incidents, IncidentAction::FinishTask { place: 1 })), IncidentRefusal::TaskDone(1));
    assert_eq!(refusal(do_it(&incidents, IncidentAction::FinishTask { place: 7 })), IncidentRefusal::NoSuchTask(7));
    let empty = IncidentAction::AddTask { text: " ".to_owned() };
    assert_eq!(refusal(do_it(&incidents, empty)), IncidentRefusal::Empty { what: "the task" });
    let long = IncidentAction::AddTask { text: "x".repeat(5_000) };
    assert!(matches!(refusal(do_it(&incidents, long)), IncidentRefusal::TooLong { .. }));
    for _ in 0..198 {
        do_it(&incidents, IncidentAction::AddTask { text: "x".to_owned() }).unwrap();
    }
    let full = do_it(&incidents, IncidentAction::AddTask { text: "x".to_owned() });
    assert_eq!(refusal(full), IncidentRefusal::Full { what: "tasks", count_max: 200 });
}

#[test]
fn a_correction_is_made_only_on_what_was_seen() {
    let (_folder, _store, incidents) = world();
    incidents.escalate(&escalation(&[1]), &Actor::analyst("an")).unwrap();
    let title = |from: &str, to: &str| {
        let title = Some(Changed { from: from.to_owned(), to: to.to_owned() });
        IncidentAction::Edit(Edit { title, level: None })
    };
    let level = |from, to| IncidentAction::Edit(Edit { title: None, level: Some(Changed { from, to }) });
    do_it(&incidents, title("SSH brute force: 10.0.0.1", "Dò mật khẩu máy chủ cổng")).unwrap();
    assert_eq!(
        refusal(do_it(&incidents, title("SSH brute force: 10.0.0.1", "khác"))),
        IncidentRefusal::ChangedSince {
            what: "the title",
            seen: "SSH brute force: 10.0.0.1".to_owned(),
            yours: "khác".to_owned(),
            theirs: "Dò mật khẩu máy chủ cổng".to_owned(),
        }
    );
    let row = do_it(&incidents, level(RuleLevel::Medium, RuleLevel::Low)).unwrap();
    assert_eq!((row.level, row.title.as_str()), (RuleLevel::Low, "Dò mật khẩu máy chủ cổng"));
    let stale = do_it(&incidents, level(RuleLevel::Medium, RuleLevel::High));
    assert!(matches!(refusal(stale), IncidentRefusal::ChangedSince { what: "the level", .. }));
    assert!(matches!(refusal(do_it(&incidents, title("x", " "))), IncidentRefusal::Empty { .. }));
    let nothing = IncidentAction::Edit(Edit::default());
    assert!(matches!(refusal(do_it(&incidents, nothing)), IncidentRefusal::Empty { .. }));
}

#[test]
fn deadlines_are_moved_and_added_with_a_reason() {
    let (_folder, _store, incidents) = world();
    incidents.escalate(&escalation(&[1]), &Actor::analyst("an")).unwrap();
    let due = START.plus(std::time::Duration::from_secs(600));
    let set = |name: &str, why: &str| IncidentAction::SetClock { name: name.to_owned(), due, why: why.to_owned() };
    do_it(&incidents, set("first_notice", "cục yêu cầu sớm hơn")).unwrap();
    do_it(&incidents, set("gửi báo cáo tỉnh", "chỉ đạo của UBND")).unwrap();
    let clocks = incidents.detail(IncidentId(1)).unwrap().clocks;
    assert_eq!((clocks[1].due, clocks[4].name.as_str()), (due, "gửi báo cáo tỉnh"));
    assert!(matches!(refusal(do_it(&incidents, set("first_notice", " "))), IncidentRefusal::Empty { .. }));
    do_it(&incidents, IncidentAction::MeetClock { name: "first_notice".to_owned() }).unwrap();
    let waive = |why: &str| IncidentAction::WaiveClock { name: "personal_data".to_owned(), why: why.to_owned() };
    assert!(matches!(refusal(do_it(&incidents, waive(" "))), IncidentRefusal::Empty { .. }));
    do_it(&incidents, waive("không có dữ liệu cá nhân")).unwrap();
    let waived = incidents.detail(IncidentId(1)).unwrap().clocks.remove(3);
    assert_eq!((waived.met, waived.waived.as_deref()), (Some(START), Some("không có dữ liệu cá nhân")));
    let met = do_it(&incidents, set("first_notice", "x"));
    assert_eq!(refusal(met), IncidentRefusal::ClockMet("first_notice".to_owned()));
}

#[test]
fn one_incident_goes_into_another_with_all_it_holds() {
    let (_folder, store, incidents) = world();
    let an = Actor::analyst("an");
    incidents.escalate(&escalation(&[3]), &an).unwrap();
    incidents.escalate(&escalation(&[1, 2]), &an).unwrap();
    let task = |text: &str| IncidentAction::AddTask { text: text.to_owned() };
    do_it(&incidents, task("của một")).unwrap();
    incidents.act(IncidentId(2), &task("của hai"), &an).unwrap();
    let merge = |into| IncidentAction::MergeInto { incident: IncidentId(into) };
    assert_eq!(refusal(do_it(&incidents, merge(1))), IncidentRefusal::MergeIntoItself);
    assert!(matches!(do_it(&incidents, merge(9)), Err(IncidentError::NoSuchIncident(IncidentId(9)))));
    let stranger = incidents.act(IncidentId(1), &merge(2), &Actor::analyst("ha"));
    assert_eq!(refusal(stranger), IncidentRefusal::HeldBy { owner: "an".to_owned() });

    let row = do_it(&incidents, merge(2)).unwrap();
    assert_eq!((row.phase, row.alerts), (IncidentPhase::Closed, 0));
    let into = incidents.detail(IncidentId(2)).unwrap();
    assert_eq!((into.row.alerts, into.row.level), (3, RuleLevel::Critical));
    assert_eq!(into.tasks.iter().map(|task| task.text.as_str()).collect::<Vec<_>>(), ["của hai", "của một"]);
    assert_eq!(into.timeline.last().map(|entry| entry.action.as_str()), Some("merged"));
    assert_eq!(incidents.detail(IncidentId(1)).unwrap().merged_into, Some(IncidentId(2)));
    let alert = store.row(AlertId(3), 0).unwrap();
    assert_eq!((alert.state.status, alert.state.incident), (AlertStatus::Escalated, Some(IncidentId(2))));
    assert_eq!(refusal(do_it(&incidents, task("muộn"))), IncidentRefusal::Closed);
    let reopen = IncidentAction::Phase { phase: IncidentPhase::Analysis, note: Some("x".to_owned()) };
    assert_eq!(refusal(do_it(&incidents, reopen)), IncidentRefusal::Merged(IncidentId(2)));
}

#[test]
fn evidence_is_kept_with_its_case_and_goes_with_it() {
    let (_folder, _store, incidents) = world();
    let an = Actor::analyst("an");
    for alert in [1, 2] {
        incidents.escalate(&escalation(&[alert]), &an).unwrap();
    }
    let attach = |bundle: &[u8]| {
        IncidentAction::Attach(NewEvidence {
            query: "longan.id:7".to_owned(),
            note: Some("  ".to_owned()),
            events: 1,
            digest: "ab".repeat(32),
            bundle: bundle.to_vec(),
        })
    };
    for (id, bundle) in [(1, b"one".as_slice()), (2, b"two"), (1, b"three")] {
        incidents.act(IncidentId(id), &attach(bundle), &an).unwrap();
    }
    let large = attach(&vec![0; evidence::BUNDLE_BYTES_MAX + 1]);
    let refused = incidents.act(IncidentId(1), &large, &an);
    assert!(matches!(refused, Err(IncidentError::Refused(IncidentRefusal::TooLong { .. }))));
    let detail = incidents.detail(IncidentId(1)).unwrap();
    let told = detail.evidence.iter().map(|one| (one.place, one.bytes, one.note.as_deref(), one.added_by.as_str()));
    assert_eq!(told.collect::<Vec<_>>(), [(1, 3, None, "an"), (2, 5, None, "an")]);
    assert!(detail.timeline.last().unwrap().text.as_deref().unwrap().starts_with("longan.id:7 (1, sha256 abab"));

    incidents.act(IncidentId(1), &IncidentAction::MergeInto { incident: IncidentId(2) }, &an).unwrap();
    let kept = [1, 2, 3, 4].map(|place| incidents.bundle(IncidentId(2), place).unwrap());
    assert_eq!(kept, [Some(b"two".to_vec()), Some(b"one".to_vec()), Some(b"three".to_vec()), None]);
    let closed = incidents.act(IncidentId(1), &attach(b"late"), &an);
    assert!(matches!(closed, Err(IncidentError::Refused(IncidentRefusal::Closed))));
}

#[test]
fn a_shift_leaves_closed_incidents_with_open_deadlines_to_the_next() {
    let (_folder, _store, incidents) = world();
    let an = Actor::analyst("an");
    incidents.escalate(&escalation(&[1]), &an).unwrap();
    let close = IncidentAction::Phase { phase: IncidentPhase::Closed, note: Some("xong".to_owned()) };
    do_it(&incidents, close).unwrap();
    let unfinished = || incidents.unfinished(10).unwrap().len();
    for name in ["immediate", "first_notice", "cause_and_fix"] {
        do_it(&incidents, IncidentAction::MeetClock { name: name.to_owned() }).unwrap();
        assert_eq!(unfinished(), 1, "{name}");
    }
    let why = "không có dữ liệu cá nhân".to_owned();
    do_it(&incidents, IncidentAction::WaiveClock { name: "personal_data".to_owned(), why }).unwrap();
    assert_eq!(unfinished(), 0);
}
