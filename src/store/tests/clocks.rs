//! Our own clock jumps: nothing is deleted too early by it, and what it said meanwhile does no harm.

use super::*;
use crate::store::ClockState;
use crate::store::Tombstone;

const WEEK: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);

fn day(number: i64) -> Timestamp {
    Timestamp(number * DAY_NS)
}

/// A store that received one event at each time, in this order.
fn received(folder: &std::path::Path, days: &[i64]) -> Store {
    let (store, _) = Store::open(folder, quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    let line = plain(0).line();
    for (id, received) in (1..).zip(days) {
        let mut event = plain(0).event(id, &line);
        (event.timestamp, event.ingested) = (day(*received), day(*received));
        writer.add_to(&RetentionClass::default(), &event, line.as_bytes());
        writer.seal_and_wait().expect("sealed");
    }
    store
}

fn gone(store: &Store, now: i64) -> Vec<u64> {
    let retention = Retention { default_days: Some(90), days: BTreeMap::new() };
    let told = store.retain(day(now), &retention).expect("retained");
    told.iter().map(|Tombstone { first_id, .. }| first_id.0).collect()
}

#[test]
fn a_clock_ten_years_ahead_is_not_believed_until_it_is_confirmed() {
    let folder = tempfile::tempdir().expect("folder");
    let store = received(folder.path(), &[20_000, 20_050]);
    let judge = |store: &Store, number| store.judge_clock(day(number), WEEK).expect("written");
    assert_eq!(judge(&store, 20_050), ClockState::Believed);
    assert_eq!(judge(&store, 23_700), ClockState::Ahead { believed: day(20_050) });
    assert_eq!(judge(&store, 23_701), ClockState::Ahead { believed: day(20_050) }, "and not by saying it again");
    drop(store);
    // Nor by a restart.
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
    assert_eq!(judge(&store, 23_701), ClockState::Ahead { believed: day(20_050) });
    assert_eq!(judge(&store, 20_051), ClockState::Believed, "it was put right");
    assert_eq!(judge(&store, 20_045), ClockState::Believed, "a little back is nothing");
    assert_eq!(judge(&store, 16_400), ClockState::Behind { believed: day(20_051) });
    // The operator says that the server was off for so long.
    let years = std::time::Duration::from_secs(4_000 * 86_400);
    assert_eq!(store.judge_clock(day(23_701), years).expect("written"), ClockState::Believed);
    assert_eq!(judge(&store, 23_702), ClockState::Believed);
}

#[test]
fn an_older_store_is_judged_by_what_it_received_last() {
    let folder = tempfile::tempdir().expect("folder");
    let store = received(folder.path(), &[20_000]);
    assert_eq!(
        store.judge_clock(day(23_700), WEEK).expect("written"),
        ClockState::Ahead { believed: day(20_000) },
        "it never remembered a time"
    );
    let empty = tempfile::tempdir().expect("folder");
    let store = received(empty.path(), &[]);
    assert_eq!(store.judge_clock(day(23_700), WEEK).expect("written"), ClockState::Believed);
}

#[test]
fn what_came_while_the_clock_was_back_is_kept_as_long_as_its_neighbours() {
    let folder = tempfile::tempdir().expect("folder");
    // The second came with a clock ten years back, the third with one ten years ahead.
    let store = received(folder.path(), &[20_000, 16_350, 23_650, 20_010]);
    assert!(gone(&store, 20_080).is_empty(), "the second is younger than the first");
    assert_eq!(gone(&store, 20_091), [1, 2]);
    assert_eq!(gone(&store, 20_101), [4], "a time that is yet to come says nothing of what came after it");
    assert_eq!(ids(&store.searcher(), "*"), [3]);
}
