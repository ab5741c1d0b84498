//! Legal holds: what they cover stays, whatever its class says, and nothing else does.

use super::*;

fn wanted(query: &str) -> NewHold {
    NewHold {
        query: query.to_owned(),
        since: None,
        until: None,
        why: "case 17".to_owned(),
        by: "an".to_owned(),
        expires: None,
    }
}

pub(super) fn span_hold(since_ns: i64, until_ns: i64) -> NewHold {
    NewHold { since: Some(Timestamp(since_ns)), until: Some(Timestamp(until_ns)), ..wanted("") }
}

/// A store with one partition a user, each of another day.
fn store_of(folder: &Path, users: &[&'static str]) -> Store {
    let (store, _) = Store::open(folder, quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    for (user, id) in users.iter().zip(1..) {
        add(&mut writer, &[Seed { user, day: i64::try_from(id).expect("small"), ..plain(0) }], id);
    }
    writer.seal_and_wait().expect("sealed");
    store
}

fn users_left(store: &Store) -> Vec<String> {
    let hits = store.searcher().search(&parse("*"), &all(100)).expect("searched").hits;
    let mut users: Vec<String> =
        hits.iter().filter_map(|hit| Some(hit.event["user.name"].as_str()?.to_owned())).collect();
    users.sort();
    users
}

const YEARS_LATER: Timestamp = Timestamp(NOW.0 + 800 * DAY_NS);

fn retain(store: &Store) -> Vec<Tombstone> {
    let retention = Retention { default_days: Some(365), days: BTreeMap::new() };
    store.retain(YEARS_LATER, &retention).expect("retained")
}

#[test]
fn what_a_query_names_stays_until_the_hold_is_lifted() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store_of(folder.path(), &["root", "an.nguyen", "binh"]);
    let hold = store.place_hold(wanted("user.name:an.nguyen"), NOW).expect("placed");
    assert_eq!(retain(&store).len(), 2);
    assert_eq!(users_left(&store), ["an.nguyen"]);
    drop(store);
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open again");
    assert_eq!(store.holds(), std::slice::from_ref(&hold), "it survives a restart");
    assert!(retain(&store).is_empty());
    let lifted = store.lift_hold(hold.number, "binh", "closed", YEARS_LATER).expect("lifted");
    assert_eq!(lifted.lifted.map(|lifted| (lifted.by, lifted.why)), Some(("binh".to_owned(), "closed".to_owned())));
    assert_eq!(retain(&store).len(), 1);
    assert!(matches!(store.lift_hold(hold.number, "binh", "again", YEARS_LATER), Err(HoldError::Unknown(1))));
}

#[test]
fn a_hold_covers_what_comes_later_and_what_was_archived() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store_of(folder.path(), &["root"]);
    store.place_hold(wanted("user.name:binh"), NOW).expect("placed");
    let mut writer = store.writer().expect("writer");
    add(&mut writer, &[Seed { user: "binh", day: 5, ..plain(0) }], 2);
    writer.seal_and_wait().expect("sealed");
    assert_eq!(store.archive(YEARS_LATER, &mut |_| true).expect("archived"), 2);
    assert_eq!(retain(&store).len(), 1);
    assert_eq!(users_left(&store), ["binh"]);
}

#[test]
fn a_hold_ends_by_itself_and_not_before() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store_of(folder.path(), &["root", "binh"]);
    let until = |at| NewHold { expires: Some(at), ..wanted("login") };
    store.place_hold(until(Timestamp(YEARS_LATER.0 + 1)), NOW).expect("placed");
    assert!(retain(&store).is_empty());
    store.lift_hold(1, "an", "replaced", NOW).expect("lifted");
    let hold = store.place_hold(until(YEARS_LATER), NOW).expect("placed");
    assert_eq!((hold.number, hold.is_in_force(YEARS_LATER)), (2, false));
    assert_eq!(retain(&store).len(), 2);
}

#[test]
fn a_partition_that_cannot_be_read_is_kept_while_a_hold_may_cover_it() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store_of(folder.path(), &["root"]);
    store.place_hold(wanted("user.name:binh"), NOW).expect("placed");
    let partition = store.partitions()[0].folder.clone();
    drop(store);
    fs::remove_file(partition.join("meta.json")).expect("damaged");
    let (store, report) = Store::open(folder.path(), quick_config()).expect("open again");
    assert_eq!(report.damaged.len(), 1);
    assert!(retain(&store).is_empty());
}

#[test]
fn what_is_no_hold_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store_of(folder.path(), &["root"]);
    let refused = |wanted: NewHold| store.place_hold(wanted, NOW).expect_err("refused").to_string();
    let no_reason = NewHold { why: " ".to_owned(), ..wanted("login") };
    assert_eq!(refused(no_reason), "a hold needs a reason");
    assert_eq!(refused(wanted(" * ")), "a hold needs a query, a source or a span of time");
    assert!(refused(wanted("user.name:(")).starts_with("the query cannot be read: "));
    assert_eq!(refused(span_hold(5, 5)), "the span of time is empty");
    assert_eq!(refused(NewHold { expires: Some(NOW), ..wanted("login") }), "the hold would end before it begins");
    for _ in 0..200 {
        store.place_hold(wanted("login"), NOW).expect("placed");
    }
    assert!(refused(wanted("login")).starts_with("200 holds are in force"));
}

#[test]
fn the_tiers_are_told_apart() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store_of(folder.path(), &["root", "binh"]);
    let before = Timestamp((NOW.0 / DAY_NS - 1) * DAY_NS);
    assert_eq!(store.archive_by(&|_| None, &mut |_| true).expect("nothing to do"), 0);
    assert_eq!(store.archive_by(&|_| Some(before), &mut |_| true).expect("archived"), 1);
    let mut writer = store.writer().expect("writer");
    add(&mut writer, &[plain(0)], 3);
    writer.cut().expect("cut");
    let tiers: Vec<(Tier, u64)> = store.tiers().iter().map(|row| (row.tier, row.events)).collect();
    assert_eq!(tiers, [(Tier::Hot, 1), (Tier::Sealed, 1), (Tier::Archive, 1)]);
    assert!(store.tiers().iter().all(|row| row.bytes > 0));
}
