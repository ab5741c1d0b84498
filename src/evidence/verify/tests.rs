//! Flips, removals and forgeries of every kind of file, each of which is named.

mod every_byte;
mod forgery;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use super::*;
use crate::evidence::Keeper;
use crate::model::Event;
use crate::model::EventId;
use crate::store;
use crate::store::Retention;
use crate::store::Store;
use crate::wal::disk::sim::Random;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);

/// A data folder with sealed events in it.
pub(in crate::evidence) fn fill(data: &Path, ids: std::ops::RangeInclusive<u64>) -> Store {
    fill_with(data, ids, "Failed password")
}

fn fill_with(data: &Path, ids: std::ops::RangeInclusive<u64>, words: &str) -> Store {
    let config = store::Config { compaction_fan_in: 2, ..store::Config::default() };
    let (store, _) = Store::open(&data.join("store"), config).expect("a store");
    let mut writer = store.writer().expect("a writer");
    for id in ids {
        let line = format!("<13>Nov 14 22:13:20 gw sshd[{id}]: {words} for an from 10.0.0.{}", id % 250);
        let mut event = Event::new(&line, Timestamp(NOW.0 + i64::try_from(id).expect("small")));
        event.id = EventId(id);
        event.ingested = Timestamp(NOW.0 + 5);
        let raw = if id % 3 == 0 { [line.as_bytes(), b"\xff"].concat() } else { line.clone().into_bytes() };
        writer.add_with_raw(&event, &raw);
    }
    writer.seal_and_wait().expect("sealed");
    drop(writer);
    store
}

fn checked(data: &Path) -> Report {
    checked_by(data, &Options::default())
}

fn checked_by(data: &Path, options: &Options) -> Report {
    let later = NOW.plus(std::time::Duration::from_secs(86_400 * 365 * 40));
    let report = verify(data, options, later, &mut |_| true).expect("readable");
    for finding in &report.findings {
        assert!(!finding.what_vi.is_empty() && finding.what_vi != finding.what, "in both languages: {finding:?}");
    }
    assert_eq!(report.notes.len(), report.notes_vi.len());
    report
}

/// Two seals, then a partition merged from them.
fn world() -> (tempfile::TempDir, Keeper) {
    let folder = tempfile::tempdir().expect("a folder");
    let (keeper, _) = Keeper::open(folder.path()).expect("evidence");
    for ids in [1..=40, 41..=90] {
        let store = fill(folder.path(), ids);
        keeper.look(&store.partitions(), &store.tombstones()).expect("written");
    }
    (folder, keeper)
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Says whether a place that was told is the byte, or the beginning of what the byte is in: an entry, a block, a note, a file.
/// Now and then two single bytes explain a CRC32C equally well, and then neither is named.
fn is_named(told: Option<u64>, at: usize) -> bool {
    const BLOCK: u64 = 4096;
    told.is_none_or(|told| (told..told + BLOCK).contains(&(at as u64)))
}

fn told(report: &Report) -> String {
    report.findings.iter().map(|one| format!("{one:?}\n")).collect()
}

#[test]
fn a_store_is_right_before_and_after_its_partitions_are_merged() {
    let (folder, keeper) = world();
    let report = checked(folder.path());
    assert!(report.is_right(), "{}", told(&report));
    assert_eq!((report.partitions, report.records, report.units, report.unsealed), (1, 90, 2, 0));
    let ledger = keeper.ledger();
    assert_eq!(ledger.units.values().map(|unit| unit.records).collect::<Vec<_>>(), [40, 50]);
    assert_eq!(report.logs.first().map(|log| (log.entries, log.signed)), Some((5, 5)));
}

#[test]
fn a_partition_merged_before_anybody_looked_is_one_unit() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(fill(folder.path(), 1..=10));
    drop(fill(folder.path(), 11..=20));
    let (keeper, _) = Keeper::open(folder.path()).expect("evidence");
    let added = keeper.look_at_folder(&folder.path().join("store")).expect("written");
    assert_eq!((added.units, added.partitions), (1, 1));
    let again = keeper.look_at_folder(&folder.path().join("store")).expect("nothing new");
    assert_eq!((again.units, again.partitions), (0, 0));
    assert!(checked(folder.path()).is_right());
}

#[test]
fn a_flipped_byte_of_any_file_is_named() {
    let (folder, keeper) = world();
    drop(keeper);
    let (mut kinds, mut random) = (0, Random::new(8));
    for path in files_below(folder.path()) {
        let place = path.strip_prefix(folder.path()).expect("below").display().to_string();
        if place.ends_with("lock") {
            continue;
        }
        kinds += 1;
        let right = fs::read(&path).expect("readable");
        // What a signature covers is named as a whole; everything else to the byte.
        let is_signed = place.contains("checkpoints-") || place.contains("/key");
        for turn in 0..16 {
            // Both ends, where heads and checks are, and places in between.
            let at = match turn {
                0..=2 => turn,
                3..=5 => right.len() - 1 - turn + 3,
                _ => usize::try_from(random.below(right.len() as u64)).expect("small"),
            };
            let mut flipped = right.clone();
            flipped[at] ^= 1 << random.below(8);
            fs::write(&path, &flipped).expect("written");
            let report = checked(folder.path());
            let named = report
                .findings
                .iter()
                .any(|finding| finding.place == place && (is_signed || is_named(finding.offset, at)));
            assert!(named, "{place}, byte {at}:\n{}", told(&report));
        }
        fs::write(&path, &right).expect("written");
    }
    assert!(kinds >= 12, "{kinds}");
    assert!(checked(folder.path()).is_right(), "{}", told(&checked(folder.path())));
}

#[test]
fn what_is_removed_is_missed() {
    let (folder, keeper) = world();
    let partition = fs::read_dir(folder.path().join("store/partitions")).expect("readable").next();
    let partition = partition.expect("one").expect("readable").path();
    let removals: [(&str, PathBuf); 4] = [
        ("the folder is gone", partition.clone()),
        ("the sums of the partition are gone", keeper.places().sums()),
        ("removed, says the checkpoint here", keeper.places().log().join("entries-000000000")),
        ("no checkpoint is signed", keeper.places().log().join("checkpoints-000000000")),
    ];
    for (expected, path) in removals {
        let away = folder.path().join("away");
        fs::rename(&path, &away).expect("moved");
        let report = checked(folder.path());
        assert!(told(&report).contains(expected), "{expected}:\n{}", told(&report));
        fs::rename(&away, &path).expect("moved back");
    }
    assert!(checked(folder.path()).is_right());
}

#[test]
fn a_partition_taken_out_of_the_manifest_is_missed_and_one_deleted_by_retention_is_not() {
    let (folder, keeper) = world();
    let (store, _) = Store::open(&folder.path().join("store"), store::Config::default()).expect("a store");
    let retention = Retention { default_days: Some(1), days: std::collections::BTreeMap::new() };
    let later = NOW.plus(std::time::Duration::from_secs(3 * 86_400));
    assert_eq!(store.retain(later, &retention).expect("written").len(), 1);
    drop(store);
    let unsaid = checked(folder.path());
    assert!(told(&unsaid).contains("is not what the evidence log says"), "{}", told(&unsaid));
    keeper.look_at_folder(&folder.path().join("store")).expect("written");
    let report = checked(folder.path());
    assert!(report.is_right(), "{}", told(&report));
    assert_eq!((report.partitions, report.deleted_units), (0, 2));

    // The same without a tombstone is a removal.
    let path = folder.path().join("store/manifest.json");
    let text = fs::read_to_string(&path).expect("readable");
    let mut manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    manifest["tombstones"] = serde_json::json!([]);
    manifest.as_object_mut().expect("an object").shift_remove("check");
    fs::write(&path, crate::store::checked::with_check(manifest.to_string().into_bytes())).expect("written");
    let report = checked(folder.path());
    assert!(told(&report).contains("lacks a deletion"), "{}", told(&report));
}

#[test]
fn records_that_were_replaced_with_all_their_sums_are_told_by_the_root() {
    let (folder, keeper) = world();
    // A forger rewrites the partition whole, with the sums to it: the same ids, another line.
    let forged = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(forged.path().join("store")).expect("made");
    drop(fill(forged.path(), 2..=91));
    let ours = fs::read_dir(folder.path().join("store/partitions")).expect("readable").next();
    let ours = ours.expect("one").expect("readable").path();
    let theirs = fs::read_dir(forged.path().join("store/partitions")).expect("readable").next();
    let theirs = theirs.expect("one").expect("readable").path();
    fs::remove_dir_all(&ours).expect("removed");
    fs::rename(&theirs, &ours).expect("moved");
    let name = ours.file_name().expect("a name").to_string_lossy().into_owned();
    let sums = crate::evidence::sums::Sums::of_folder(&ours).expect("readable");
    fs::write(keeper.places().sums_of(&name), sums.to_bytes()).expect("written");
    let report = checked(folder.path());
    let all = told(&report);
    for expected in ["not the sums that the evidence log has", "never sealed", "entry 1 says 40 records, and 39"] {
        assert!(all.contains(expected), "{expected}:\n{all}");
    }
}

#[test]
fn a_history_written_anew_is_told_by_a_key_or_a_checkpoint_from_elsewhere() {
    let (folder, keeper) = world();
    let seen = keeper.sign().expect("signed");
    let pinned = keeper.signer().verifier().clone();
    drop(keeper);
    let by = |options: Options| checked_by(folder.path(), &options);
    assert!(by(Options { key: Some(pinned.clone()), checkpoints: vec![seen.clone()] }).is_right());

    fs::remove_dir_all(folder.path().join("evidence")).expect("removed");
    let gone = by(Options { checkpoints: vec![seen.clone()], ..Options::default() });
    assert!(told(&gone).contains("the log is gone"), "{}", told(&gone));

    let (keeper, _) = Keeper::open(folder.path()).expect("evidence");
    keeper.look_at_folder(&folder.path().join("store")).expect("written");
    assert!(checked(folder.path()).is_right(), "alone it cannot be told");
    let other_key = by(Options { key: Some(pinned), checkpoints: Vec::new() });
    assert!(told(&other_key).contains("not among this folder's"), "{}", told(&other_key));
    let other_log = by(Options { checkpoints: vec![seen], ..Options::default() });
    assert!(told(&other_log).contains("not of this log's key"), "{}", told(&other_log));
}

#[test]
fn entries_in_another_order_are_told() {
    let (folder, keeper) = world();
    let path = keeper.places().log().join("entries-000000000");
    drop(keeper);
    let bytes = fs::read(&path).expect("readable");
    let length = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]])) + 2;
    let (first, second) = (length(0), length(length(0)));
    let swapped = [&bytes[first..first + second], &bytes[..first], &bytes[first + second..]].concat();
    fs::write(&path, swapped).expect("written");
    assert!(told(&checked(folder.path())).contains("another entry stands where number 0 should"));
    assert!(Keeper::open(folder.path()).is_err(), "and it is not gone on with");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("still there");
}
