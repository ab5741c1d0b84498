//! Random work by detections and people, restarts and replays in between: whatever happens, the history alone tells how
//! each alert came to stand where it stands, and the kept counts are those of the rows.

use super::*;
use crate::alert::Action;
use crate::alert::Actor;
use crate::alert::AlertStatus;
use crate::alert::Disposition;
use crate::alert::IncidentId;
use crate::alert::NewDetection;
use crate::alert::StatusFilter;
use crate::model::time::ManualClock;

const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

fn detection(random: &mut fastrand::Rng, event: u64) -> NewDetection {
    NewDetection {
        rule_id: format!("rule-{}", random.u8(0..3)),
        title: "Dò mật khẩu".to_owned(),
        level: RuleLevel::ALL[random.usize(0..5)],
        entity: format!("10.0.0.{}", random.u8(0..4)),
        event_ids: vec![EventId(event)],
        event_time: START,
        ..NewDetection::default()
    }
}

fn action(random: &mut fastrand::Rng) -> Action {
    let note = random.bool().then(|| "ghi chú".to_owned());
    match random.u8(0..9) {
        0 | 1 => Action::Take,
        2 => Action::Release,
        3 | 4 => Action::Close { disposition: Disposition::ALL[random.usize(0..5)], note },
        5 => Action::Reopen { note },
        6 => Action::Note { text: "ghi chú".to_owned() },
        7 => Action::Escalate { incident: IncidentId(1), note },
        _ => Action::Undo,
    }
}

/// Works out where an alert stands from its history.
fn told_by(history: &[crate::alert::HistoryEntry]) -> (AlertStatus, Option<String>) {
    let mut now = (AlertStatus::New, None);
    let mut before = now.clone();
    let mut is_in_incident = false;
    for entry in history {
        let kept = now.clone();
        let free = if is_in_incident { AlertStatus::Escalated } else { AlertStatus::New };
        match entry.action.as_str() {
            "raised" | "level_raised" | "noted" => continue,
            "taken" => {
                let status = if now.0 == AlertStatus::New { AlertStatus::Taken } else { now.0 };
                now = (status, Some(entry.who.clone()));
            }
            "released" => now = (if now.0 == AlertStatus::Taken { AlertStatus::New } else { now.0 }, None),
            "closed" => now = (AlertStatus::Closed, now.1.or_else(|| Some(entry.who.clone()))),
            "reopened" => now = (free, None),
            "escalated" => {
                is_in_incident = true;
                now = (AlertStatus::Escalated, now.1.or_else(|| Some(entry.who.clone())));
            }
            "undone" => now = before.clone(),
            other => panic!("an action nobody knows: {other}"),
        }
        before = kept;
    }
    now
}

/// Status and level, and how many alerts have them.
type Count = ((i64, i64), i64);

fn check(store: &AlertStore, seed: u64) {
    let all = AlertFilter { status: StatusFilter::All, limit: 2000, ..AlertFilter::default() };
    let window = store.window(&all).unwrap();
    let mut counted = std::collections::BTreeMap::new();
    for row in &window.rows {
        *counted.entry((row.state.status as i64, row.level as i64)).or_insert(0_i64) += 1;
        let detail = store.detail(row.id).unwrap();
        let (status, owner) = told_by(&detail.history);
        assert_eq!(
            (row.state.status, &row.state.owner),
            (status, &owner),
            "seed {seed}, {}: {:?}",
            row.id,
            detail.history
        );
        assert_eq!(row.state.status == AlertStatus::Closed, row.state.disposition.is_some(), "seed {seed}");
        assert!(row.revision <= store.revision() && row.decided <= row.revision && row.born <= row.decided);
    }
    assert_eq!(window.total, window.rows.len() as u64, "seed {seed}");
    let kept: Result<Vec<Count>, StoreError> = store.read(|connection| {
        let mut statement = connection.prepare("SELECT status, level, count FROM alert_counts WHERE count > 0")?;
        let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    });
    assert_eq!(kept.unwrap(), counted.into_iter().collect::<Vec<_>>(), "seed {seed}");
}

#[test]
fn history_and_counts_tell_the_truth_whatever_happens() {
    for seed in 0..5 {
        let mut random = fastrand::Rng::with_seed(seed);
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let open = || AlertStore::open(&folder.path().join(FILE_NAME), Policy::DEFAULT, clock.clone()).unwrap();
        let mut store = open();
        let mut committed: Vec<NewDetection> = Vec::new();
        for step in 0..150 {
            match random.u8(0..10) {
                0..4 => {
                    let start = committed.len() as u64;
                    let batch: Vec<_> = (0..random.u64(1..6)).map(|n| detection(&mut random, start + n + 1)).collect();
                    store.commit(&batch, EventId(start + batch.len() as u64), None).unwrap();
                    committed.extend(batch);
                }
                4 => {
                    // A replay of something that was committed before.
                    let from = random.usize(0..=committed.len());
                    let revision = store.revision();
                    let changed = store.commit(&committed[from..], EventId(0), None).unwrap();
                    assert_eq!((changed, store.revision()), (vec![], revision), "seed {seed}, step {step}");
                }
                5 => clock.set(clock.now().plus(Duration::from_secs(random.u64(0..4000)))),
                6 if step % 5 == 0 => {
                    drop(store);
                    store = open();
                }
                _ => {
                    let who = ["an", "ha", "chief"][random.usize(0..3)];
                    let who = Actor { name: who.to_owned(), may_override: who == "chief" };
                    // Refusals are part of it.
                    drop(store.act(AlertId(random.u64(1..20)), &action(&mut random), &who, None));
                }
            }
        }
        check(&store, seed);
        let detections: u64 = store
            .read(|connection| {
                Ok::<_, StoreError>(
                    connection.query_row("SELECT sum(count) FROM alerts", [], |row| row.get(0)).map(from_sql)?,
                )
            })
            .unwrap();
        assert_eq!(detections, committed.len() as u64, "each detection is counted once, seed {seed}");
    }
}
