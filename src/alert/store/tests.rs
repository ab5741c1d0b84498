//! The store on a real file: grouping, actions, replays, crashes, windows.

use std::sync::Barrier;

use super::*;
use crate::alert::Action;
use crate::alert::Actor;
use crate::alert::AlertStatus;
use crate::alert::Criticality;
use crate::alert::Disposition;
use crate::alert::Known;
use crate::alert::MatchedPart;
use crate::alert::NewDetection;
use crate::alert::StatusFilter;
use crate::alert::filter::Plan;
use crate::model::time::ManualClock;

struct World {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    store: AlertStore,
}

const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let store = AlertStore::open(&folder.path().join(FILE_NAME), Policy::DEFAULT, clock.clone()).unwrap();
        World { folder, clock, store }
    }

    fn reopened(self) -> World {
        let World { folder, clock, store } = self;
        drop(store);
        let store = AlertStore::open(&folder.path().join(FILE_NAME), Policy::DEFAULT, clock.clone()).unwrap();
        World { folder, clock, store }
    }

    fn commit(&self, batch: &[NewDetection]) -> Vec<AlertId> {
        let position = batch.iter().map(NewDetection::trigger).max().unwrap();
        self.store.commit(batch, position, None).unwrap()
    }

    fn history(&self, id: AlertId) -> Vec<String> {
        let history = self.store.detail(id).unwrap().history;
        history
            .into_iter()
            .map(|entry| format!("{} {} {}", entry.who, entry.action, entry.text.unwrap_or_default()))
            .collect()
    }
}

fn detection(rule: &str, entity: &str, event: u64) -> NewDetection {
    NewDetection {
        rule_id: rule.to_owned(),
        title: format!("Title of {rule}"),
        title_vi: Some("Dò mật khẩu".to_owned()),
        level: RuleLevel::Medium,
        tags: vec!["attack.t1110.001".to_owned()],
        entity_field: "source.ip".to_owned(),
        entity: entity.to_owned(),
        host: Some(format!("srv-{event}")),
        event_ids: vec![EventId(event)],
        event_time: Timestamp::from_seconds(1_700_000_000 + event as i64, 0),
        raw: format!("line {event}"),
        parts: vec![MatchedPart {
            field: "message".to_owned(),
            value: "line".to_owned(),
            predicate: "contains 'line'".to_owned(),
            raw_span: Some((0, 4)),
        }],
        ..NewDetection::default()
    }
}

fn at_level(level: RuleLevel, event: u64) -> NewDetection {
    NewDetection { level, ..detection("brute", "203.0.113.7", event) }
}

fn close(disposition: Disposition) -> Action {
    Action::Close { disposition, note: Some("đã xem".to_owned()) }
}

fn all() -> AlertFilter {
    AlertFilter { status: StatusFilter::All, limit: 200, events: 1000, ..AlertFilter::default() }
}

#[test]
fn detections_group_by_rule_and_entity() {
    let world = World::new();
    let changed = world.commit(&[
        detection("brute", "203.0.113.7", 1),
        detection("brute", "203.0.113.8", 2),
        detection("scan", "203.0.113.7", 3),
        detection("brute", "203.0.113.7", 4),
    ]);
    assert_eq!(changed, [AlertId(1), AlertId(2), AlertId(3)]);
    assert_eq!(world.commit(&[detection("brute", "203.0.113.7", 9)]), [AlertId(1)]);
    let row = world.store.row(AlertId(1), 10).unwrap();
    assert_eq!((row.count, row.events.clone()), (3, vec![EventId(9), EventId(4), EventId(1)]));
    assert_eq!((row.first.seconds(), row.last.seconds()), (1_700_000_001, 1_700_000_009));
    assert_eq!((row.host.as_deref(), row.risk, row.tags.len()), (Some("srv-9"), 46, 1));
    let detail = world.store.detail(AlertId(1)).unwrap();
    let lines: Vec<&str> = detail.evidence.iter().map(|evidence| evidence.raw.as_str()).collect();
    assert_eq!(lines, ["line 9", "line 4", "line 1"]);
    assert_eq!(detail.evidence[0].parts[0].raw_span, Some((0, 4)));
    assert_eq!(world.history(AlertId(1)), ["longan raised medium"]);
    assert_eq!(world.store.position().unwrap(), EventId(9));
}

#[test]
fn a_replay_changes_nothing() {
    let world = World::new();
    let batch = [detection("brute", "a", 1), detection("brute", "a", 2), detection("scan", "b", 2)];
    world.commit(&batch);
    let before = (world.store.window(&all()).unwrap(), world.store.revision());
    assert_eq!(world.commit(&batch), []);
    assert_eq!(world.commit(&[detection("brute", "a", 2), detection("brute", "a", 2)]), []);
    assert_eq!((world.store.window(&all()).unwrap(), world.store.revision()), before);
    world.store.act(AlertId(1), &close(Disposition::TruePositive), &Actor::analyst("an"), None).unwrap();
    assert_eq!(world.commit(&batch), [], "not even when the alert was closed since");
    assert_eq!(world.store.window(&all()).unwrap().total, 2);
    assert_eq!(world.commit(&[detection("brute", "a", 7)]), [AlertId(3)], "after a true positive a new alert");
    assert_eq!(world.commit(&batch), [], "not even when the alert was followed by another");
    // The position never goes back.
    world.store.commit(&[], EventId(1), None).unwrap();
    assert_eq!(world.store.position().unwrap(), EventId(7));
}

#[test]
fn what_was_not_committed_is_not_there_and_what_was_is() {
    let world = World::new();
    world.store.commit(&[detection("brute", "a", 1)], EventId(5), Some(b"state at 5")).unwrap();
    let failed: Result<(), StoreError> = world.store.change(|change| {
        change.next_revision();
        change.transaction.execute("UPDATE alerts SET count = 99", [])?;
        Err(StoreError::Damaged { what: "power cut".to_owned() })
    });
    assert!(failed.is_err());
    assert_eq!(world.store.revision(), 1);
    let world = world.reopened();
    assert_eq!(world.store.row(AlertId(1), 0).unwrap().count, 1);
    assert_eq!(world.store.position().unwrap(), EventId(5));
    assert_eq!(world.store.snapshot().unwrap(), Some((EventId(5), b"state at 5".to_vec())));
    world.store.commit(&[], EventId(8), None).unwrap();
    assert_eq!(world.store.snapshot().unwrap().unwrap().0, EventId(5), "a snapshot keeps its own position");
    assert_eq!(world.store.revision(), 1);
    assert_eq!(world.commit(&[detection("brute", "b", 9)]), [AlertId(2)]);
    assert_eq!(world.store.revision(), 2);
}

#[test]
fn a_later_higher_level_raises_the_group() {
    let world = World::new();
    world.commit(&[at_level(RuleLevel::Low, 1)]);
    let seen = world.store.row(AlertId(1), 0).unwrap().revision;
    world.commit(&[at_level(RuleLevel::Low, 2)]);
    world.store.act(AlertId(1), &Action::Take, &Actor::analyst("an"), Some(seen)).expect("a counter is no conflict");
    let seen = world.store.row(AlertId(1), 0).unwrap().revision;
    world.commit(&[at_level(RuleLevel::High, 3)]);
    let row = world.store.row(AlertId(1), 0).unwrap();
    assert_eq!((row.level, row.risk, row.state.status), (RuleLevel::High, 68, AlertStatus::Taken));
    let late = world.store.act(AlertId(1), &close(Disposition::Test), &Actor::analyst("an"), Some(seen));
    assert!(matches!(late, Err(StoreError::Refused(Refusal::ChangedSince { .. }))), "{late:?}");
    let note = Action::Note { text: "xem lại".to_owned() };
    world.store.act(AlertId(1), &note, &Actor::analyst("ha"), Some(seen)).expect("notes only ever add");
    assert_eq!(
        world.history(AlertId(1)),
        ["longan raised low", "an taken ", "longan level_raised low -> high", "ha noted xem lại"]
    );
}

#[test]
fn after_closing_a_group_is_quiet_then_new_and_opens_for_worse() {
    let world = World::new();
    world.commit(&[at_level(RuleLevel::Medium, 1)]);
    world.store.act(AlertId(1), &close(Disposition::FalsePositive), &Actor::analyst("an"), None).unwrap();
    assert_eq!(world.commit(&[at_level(RuleLevel::Medium, 2)]), [AlertId(1)]);
    let row = world.store.row(AlertId(1), 0).unwrap();
    assert_eq!((row.count, row.state.status), (2, AlertStatus::Closed));

    assert_eq!(world.commit(&[at_level(RuleLevel::Critical, 3)]), [AlertId(1)]);
    let row = world.store.row(AlertId(1), 0).unwrap();
    assert_eq!((row.level, row.state.status, row.state.owner), (RuleLevel::Critical, AlertStatus::New, None));
    let undo = world.store.act(AlertId(1), &Action::Undo, &Actor::analyst("an"), None);
    assert!(matches!(undo, Err(StoreError::Refused(Refusal::NothingToUndo { .. }))));

    world.store.act(AlertId(1), &close(Disposition::FalsePositive), &Actor::analyst("an"), None).unwrap();
    world.clock.set(START.plus(Duration::from_secs(3601)));
    assert_eq!(world.commit(&[at_level(RuleLevel::Medium, 4)]), [AlertId(2)]);
    let precedents = world.store.detail(AlertId(2)).unwrap().precedents;
    assert_eq!(precedents.len(), 1);
    assert_eq!((precedents[0].id, precedents[0].note.as_deref()), (AlertId(1), Some("đã xem")));
    world.clock.set(START.plus(Duration::from_secs(31 * 86_400)));
    assert!(world.store.detail(AlertId(2)).unwrap().precedents.is_empty(), "older than 30 days");
}

#[test]
fn of_two_who_take_one_wins_and_the_other_learns_who() {
    let world = World::new();
    let batch: Vec<_> = (1..=20).map(|event| detection("brute", &format!("10.0.0.{event}"), event)).collect();
    world.commit(&batch);
    let start = Barrier::new(2);
    let race = |who: &str| {
        start.wait();
        let who = Actor::analyst(who);
        (1..=20).map(|id| world.store.act(AlertId(id), &Action::Take, &who, None)).collect::<Vec<_>>()
    };
    let (an, ha) = std::thread::scope(|scope| {
        let (an, ha) = (scope.spawn(|| race("an")), scope.spawn(|| race("ha")));
        (an.join().unwrap(), ha.join().unwrap())
    });
    for (an, ha) in an.into_iter().zip(ha) {
        let (winner, owner) = match (an, ha) {
            (Ok(_), Err(StoreError::Refused(Refusal::HeldBy { owner }))) => ("an", owner),
            (Err(StoreError::Refused(Refusal::HeldBy { owner })), Ok(_)) => ("ha", owner),
            other => panic!("both or neither: {other:?}"),
        };
        assert_eq!(owner, winner);
    }
}

#[test]
fn undo_is_a_line_of_history_and_history_cannot_be_rewritten() {
    let world = World::new();
    world.commit(&[at_level(RuleLevel::High, 1)]);
    let an = Actor::analyst("an");
    world.store.act(AlertId(1), &Action::Take, &an, None).unwrap();
    world.store.act(AlertId(1), &close(Disposition::TruePositive), &an, None).unwrap();
    world.commit(&[detection("other", "x", 2)]);
    let row = world.store.act(AlertId(1), &Action::Undo, &an, None).unwrap();
    assert_eq!((row.state.status, row.state.owner.as_deref()), (AlertStatus::Taken, Some("an")));
    assert_eq!(row.state.disposition, None);
    let expected = ["longan raised high", "an taken ", "an closed true_positive: đã xem", "an undone closed"];
    assert_eq!(world.history(AlertId(1)), expected);
    for sql in ["UPDATE alert_history SET who = 'x'", "DELETE FROM alert_history"] {
        let tampered: Result<usize, StoreError> =
            world.store.change(|change| Ok(change.transaction.execute(sql, [])?));
        assert!(tampered.is_err(), "{sql}");
    }
    assert_eq!(world.history(AlertId(1)), expected);
}

#[test]
fn a_bulk_action_does_what_it_can_and_says_what_it_could_not() {
    let world = World::new();
    let mut batch: Vec<_> = (1..=1200).map(|event| detection("noise", &format!("host-{event}"), event)).collect();
    batch.push(at_level(RuleLevel::High, 1201));
    world.commit(&batch);
    world.store.act(AlertId(7), &Action::Take, &Actor::analyst("ha"), None).unwrap();
    let an = Actor::analyst("an");
    let action = Action::Close { disposition: Disposition::BenignPositive, note: None };
    let target = |expected| BulkTarget::Filter { filter: Box::new(AlertFilter::default()), expected };
    let refused = world.store.act_on_many(&target(1200), &action, &an);
    assert!(matches!(refused, Err(StoreError::MoreThanExpected { expected: 1200, found: 1201 })));
    let outcome = world.store.act_on_many(&target(1201), &action, &an).unwrap();
    assert_eq!(outcome.done.len(), 1199);
    let mut refused: Vec<String> = outcome.refused.iter().map(|(id, err)| format!("{id}: {err}")).collect();
    refused.sort();
    assert_eq!(refused, ["ALR-1201: closing an alert of level `high` needs a note", "ALR-7: `ha` holds it"]);
    assert_eq!(world.store.window(&AlertFilter::default()).unwrap().total, 2);
    let ids = BulkTarget::Ids(vec![AlertId(1), AlertId(1), AlertId(99_999)]);
    let outcome = world.store.act_on_many(&ids, &Action::Undo, &an).unwrap();
    assert_eq!((outcome.done, outcome.refused.len()), (vec![AlertId(1)], 1));
}

#[test]
fn what_came_up_after_a_list_was_read_is_not_acted_on() {
    let world = World::new();
    world.commit(&(1..=3).map(|event| detection("noise", &format!("host-{event}"), event)).collect::<Vec<_>>());
    let seen = world.store.window(&AlertFilter::default()).unwrap();
    assert_eq!((seen.total, seen.newest), (3, AlertId(3)));
    world.commit(&[detection("noise", "host-4", 4)]);
    let filter = Box::new(AlertFilter { up_to: Some(seen.newest), ..AlertFilter::default() });
    let action = Action::Close { disposition: Disposition::FalsePositive, note: None };
    let target = BulkTarget::Filter { filter, expected: seen.total };
    let mut outcome = world.store.act_on_many(&target, &action, &Actor::analyst("an")).unwrap();
    outcome.done.sort_unstable();
    assert_eq!(outcome.done, [AlertId(1), AlertId(2), AlertId(3)]);
    assert_eq!(world.store.window(&AlertFilter::default()).unwrap().total, 1);
}

#[test]
fn windows_are_sorted_filtered_and_counted() {
    let world = World::new();
    let mut batch = Vec::new();
    for (index, level) in RuleLevel::ALL.into_iter().cycle().take(50).enumerate() {
        let event = index as u64 + 1;
        batch.push(NewDetection { level, ..detection("scan", &format!("10.6.134.{event}"), event) });
    }
    batch.push(NewDetection { title: "Đăng nhập lạ".to_owned(), ..detection("login", "tranthib", 60) });
    world.commit(&batch);
    let everything = world.store.window(&AlertFilter { limit: 100, ..AlertFilter::default() }).unwrap();
    assert_eq!((everything.total, everything.rows.len()), (51, 51));
    assert!(everything.rows.is_sorted_by_key(|row| std::cmp::Reverse((row.risk, row.last))));
    for offset in [0, 7, 25, 40, 48, 51, 900] {
        let window = world.store.window(&AlertFilter { offset, limit: 5, ..AlertFilter::default() }).unwrap();
        let expected = everything.rows.iter().skip(offset as usize).take(5);
        assert!(window.rows.iter().map(|row| row.id).eq(expected.map(|row| row.id)), "offset {offset}");
    }
    let count = |filter: AlertFilter| {
        let window = world.store.window(&AlertFilter { limit: 1000, ..filter }).unwrap();
        assert_eq!(window.total, window.rows.len() as u64);
        window.total
    };
    let text = |text: &str| AlertFilter { text: Some(text.to_owned()), ..AlertFilter::default() };
    assert_eq!(count(AlertFilter { level_min: Some(RuleLevel::High), ..AlertFilter::default() }), 20);
    assert_eq!(count(text("dang NHAP")), 1);
    assert_eq!(count(text("đăng nhập")), 1);
    assert_eq!(count(text("10.6.134.5")), 2);
    assert_eq!(count(text("do mat khau")), 51);
    assert_eq!(count(text("th")), 1);
    assert_eq!(count(text("\" OR \"")), 0);
    assert_eq!(count(text("")), 51);
    assert_eq!(count(AlertFilter { entity: Some("tranthib".to_owned()), ..AlertFilter::default() }), 1);
    assert_eq!(count(AlertFilter { rule: Some("scan".to_owned()), ..AlertFilter::default() }), 50);
    world.store.act(AlertId(51), &Action::Take, &Actor::analyst("an"), None).unwrap();
    assert_eq!(count(AlertFilter { owner: Some("an".to_owned()), ..AlertFilter::default() }), 1);
    assert_eq!(count(AlertFilter { status: StatusFilter::Only(AlertStatus::Taken), ..AlertFilter::default() }), 1);
    assert_eq!(count(AlertFilter { status: StatusFilter::Only(AlertStatus::Closed), ..AlertFilter::default() }), 0);
    let by_level = world.store.open_by_level().unwrap();
    assert_eq!(by_level[0], (RuleLevel::Critical, 10));
    assert_eq!(by_level.iter().map(|(_, count)| count).sum::<u64>(), 51);
}

#[test]
fn every_plan_finds_the_same() {
    let world = World::new();
    let detection = |event: u64| NewDetection {
        level: RuleLevel::ALL[event as usize % 5],
        criticality: if event.is_multiple_of(7) { Criticality::Low } else { Criticality::Critical },
        title: if event.is_multiple_of(3) { "Quét cổng".to_owned() } else { "Đăng nhập lạ".to_owned() },
        ..detection(&format!("rule-{}", event % 4), &format!("10.0.{}.1", event % 30), event)
    };
    world.commit(&(1..=300).map(detection).collect::<Vec<_>>());
    let an = Actor::analyst("an");
    for id in 1..=20 {
        world.store.act(AlertId(id), &Action::Take, &an, None).unwrap();
        if id % 3 == 0 {
            world.store.act(AlertId(id), &close(Disposition::Test), &an, None).unwrap();
        }
    }
    let text = |text: &str| Some(text.to_owned());
    let narrowings = [
        AlertFilter::default(),
        AlertFilter { level_min: Some(RuleLevel::Medium), ..AlertFilter::default() },
        AlertFilter { level_min: Some(RuleLevel::Critical), ..AlertFilter::default() },
        AlertFilter { text: text("quet cong"), ..AlertFilter::default() },
        AlertFilter { text: text("10.0.1"), level_min: Some(RuleLevel::High), ..AlertFilter::default() },
        AlertFilter { text: text("la"), ..AlertFilter::default() },
        AlertFilter { rule: text("rule-2"), ..AlertFilter::default() },
        AlertFilter { rule: text("rule-2"), owner: text("an"), ..AlertFilter::default() },
        AlertFilter { rule: text("rule-2"), entity: text("10.0.2.1"), ..AlertFilter::default() },
        AlertFilter { entity: text("10.0.2.1"), text: text("nhap"), ..AlertFilter::default() },
    ];
    let statuses = [StatusFilter::Open, StatusFilter::All, StatusFilter::Only(AlertStatus::Closed)];
    for (narrowing, status) in narrowings.iter().flat_map(|filter| statuses.map(|status| (filter, status))) {
        let filter = AlertFilter { status, limit: 1000, ..narrowing.clone() };
        let window = world.store.window(&filter).unwrap();
        let expected: Vec<AlertId> = window.rows.iter().map(|row| row.id).collect();
        assert_eq!(window.total, expected.len() as u64);
        assert!(status == StatusFilter::Only(AlertStatus::Closed) || !expected.is_empty(), "{filter:?}");
        for plan in Plan::ALL {
            for offset in [0, expected.len() / 2] {
                let (skipped, left) = (offset as u64, (expected.len() - offset) as u64);
                let found: Result<Vec<AlertId>, StoreError> = world.store.read(|connection| {
                    read::ids_in_order(connection, &filter.clause(plan), skipped, left, window.total)
                });
                assert_eq!(found.unwrap(), expected[offset..], "{plan:?} {filter:?}");
            }
        }
    }
}

#[test]
fn only_the_latest_events_are_kept_and_the_count_is_exact() {
    let world = World::new();
    let flood: Vec<_> = (1..=2500).map(|event| detection("brute", "a", event)).collect();
    world.commit(&flood[..700]);
    world.commit(&flood[700..]);
    let row = world.store.row(AlertId(1), 5000).unwrap();
    assert_eq!((row.count, row.events.len()), (2500, 1000));
    assert_eq!((row.events[0], row.events[999]), (EventId(2500), EventId(1501)));
    let detail = world.store.detail(AlertId(1)).unwrap();
    assert_eq!((detail.evidence.len(), detail.evidence[0].event), (20, EventId(2500)));
    assert_eq!(world.commit(&flood[1600..]), []);
}

#[test]
fn what_changed_can_be_asked_for_after_a_restart() {
    let world = World::new();
    world.commit(&[detection("a", "x", 1), detection("b", "x", 2)]);
    let seen = world.store.revision();
    let mut told = world.store.subscribe();
    world.commit(&[detection("a", "x", 3), detection("c", "x", 4)]);
    assert!(told.has_changed().unwrap());
    assert_eq!(*told.borrow_and_update(), 4);
    let world = world.reopened();
    let changes = world.store.changes_since(seen, 100).unwrap();
    let ids: Vec<(u64, bool)> = changes.alerts.iter().map(|row| (row.id.0, row.born > seen)).collect();
    assert_eq!((ids, changes.upto, changes.revision), (vec![(1, false), (3, true)], 4, 4));
    let cut = world.store.changes_since(0, 2).unwrap();
    assert_eq!((cut.alerts.len(), cut.upto), (2, 3));
    assert_eq!(world.store.changes_since(cut.upto, 2).unwrap().alerts.len(), 1);
    assert_eq!(world.store.changed_count(0, 2).unwrap(), 2);
    assert_eq!(world.store.changed_count(2, 100).unwrap(), 2);
    assert!(world.store.changes_since(4, 2).unwrap().alerts.is_empty());
}

#[test]
fn a_reader_needs_no_server_and_a_later_schema_is_refused() {
    let world = World::new();
    world.commit(&[detection("a", "x", 1)]);
    let path = world.folder.path().join(FILE_NAME);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o007, 0, "closed to others");
    let mut reader = AlertReader::open(&path).unwrap();
    assert_eq!(reader.window(&all()).unwrap().total, 1);
    world.commit(&[detection("b", "x", 2)]);
    assert_eq!(reader.window(&all()).unwrap().total, 2);
    drop(reader);
    drop(world.store);
    assert!(has_no_log(&path), "closed in order, the file is all there is");
    assert_eq!(open_unchanging(&path).and_then(|connection| read::window(&connection, &all())).unwrap().total, 2);
    assert_eq!(AlertReader::open(&path).unwrap().window(&all()).unwrap().total, 2);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(AlertReader::open(&path), Err(StoreError::NewerSchema { found: 99, .. })));
    let later = AlertStore::open(&path, Policy::DEFAULT, world.clock.clone());
    assert!(matches!(later, Err(StoreError::NewerSchema { found: 99, .. })));
    assert!(matches!(AlertReader::open(&world.folder.path().join("none")), Err(StoreError::Open { .. })));
    let garbage = world.folder.path().join("garbage.sqlite");
    std::fs::write(&garbage, [b'x'; 8192]).unwrap();
    assert!(matches!(AlertReader::open(&garbage), Err(StoreError::Open { .. })));
    let clock = Arc::new(ManualClock::at(START));
    assert!(matches!(AlertStore::open(&garbage, Policy::DEFAULT, clock), Err(StoreError::Open { .. })));
}

#[test]
fn foreign_text_is_cut_and_never_panics() {
    let world = World::new();
    let nasty = "\u{0}\"'\u{202e}đ".repeat(40_000);
    let hostile = NewDetection {
        rule_id: nasty.clone(),
        title: nasty.clone(),
        entity: nasty.clone(),
        raw: nasty.clone(),
        parts: vec![
            MatchedPart {
                field: nasty.clone(),
                value: nasty.clone(),
                predicate: nasty,
                raw_span: Some((0, 70_000))
            };
            200
        ],
        ..detection("x", "y", 1)
    };
    world.commit(&[hostile]);
    let detail = world.store.detail(AlertId(1)).unwrap();
    assert!(detail.evidence[0].raw.len() <= 64 * 1024);
    assert_eq!(detail.evidence[0].parts.len(), 64);
    assert_eq!(detail.evidence[0].parts[0].raw_span, None);
    assert!(detail.row.entity.len() <= 4096, "{}", detail.row.entity.len());
}

#[test]
fn a_step_is_ticked_once_and_says_by_whom() {
    let world = World::new();
    let response = vec!["Hỏi chủ máy".to_owned(), "Chặn địa chỉ".to_owned()];
    let known = Known { field: "longan.asset.unit".to_owned(), value: "Sở Y tế".to_owned() };
    let detection = NewDetection { response, context: vec![known.clone()], ..detection("brute", "a", 1) };
    world.commit(&[detection]);
    let (an, ha) = (Actor::analyst("an"), Actor::analyst("ha"));
    let step = |step, is_done| Action::Step { step, is_done };
    let revision = world.store.row(AlertId(1), 0).unwrap().revision;
    world.store.act(AlertId(1), &Action::Take, &ha, None).unwrap();
    // Whoever holds it: steps are worked through together, and no decision made meanwhile is contradicted.
    world.store.act(AlertId(1), &step(2, true), &an, Some(revision)).unwrap();
    for (action, who, refusal) in [
        (step(2, true), &ha, Refusal::StepDone { step: 2, who: "an".to_owned() }),
        (step(1, false), &ha, Refusal::StepOpen(1)),
        (step(0, true), &ha, Refusal::NoSuchStep(0)),
        (step(3, true), &ha, Refusal::NoSuchStep(3)),
    ] {
        let refused = world.store.act(AlertId(1), &action, who, None);
        assert!(matches!(refused, Err(StoreError::Refused(found)) if found == refusal), "{action:?}");
    }
    let detail = world.store.detail(AlertId(1)).unwrap();
    let done: Vec<(u32, &str)> = detail.steps.iter().map(|done| (done.step, done.who.as_str())).collect();
    assert_eq!((done, detail.context), (vec![(2, "an")], vec![known]));
    world.store.act(AlertId(1), &step(2, false), &ha, None).unwrap();
    let detail = world.store.detail(AlertId(1)).unwrap();
    assert!(detail.steps.is_empty());
    let told: Vec<_> =
        detail.history.iter().rev().take(2).map(|entry| (entry.action.as_str(), entry.text.as_deref())).collect();
    assert_eq!(told, [("step_open", Some("2. Chặn địa chỉ")), ("step_done", Some("2. Chặn địa chỉ"))]);
}

#[test]
fn what_nobody_looked_at_in_time_is_counted() {
    let world = World::new();
    let levels =
        [(1, RuleLevel::Critical), (2, RuleLevel::Critical), (3, RuleLevel::High), (4, RuleLevel::Informational)];
    let batch = levels.map(|(event, level)| NewDetection { level, ..detection("brute", &event.to_string(), event) });
    world.commit(&batch);
    assert_eq!(world.store.overdue().unwrap(), 0);
    world.clock.set(START.plus(Duration::from_secs(16 * 60)));
    assert_eq!(world.store.overdue().unwrap(), 2, "critical ones have a quarter of an hour");
    world.store.act(AlertId(1), &Action::Take, &Actor::analyst("an"), None).unwrap();
    world.clock.set(START.plus(Duration::from_secs(2 * 3600)));
    assert_eq!(world.store.overdue().unwrap(), 2, "one is looked at, a high one waits too long by now");
    world.clock.set(START.plus(Duration::from_secs(30 * 86_400)));
    assert_eq!(world.store.overdue().unwrap(), 2, "what is informational may wait");
}
