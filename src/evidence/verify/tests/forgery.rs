//! Archives, swapped and cut files, a log rolled back, and keys that changed.

use super::*;
use crate::evidence::sums::Sums;
use crate::ingest::intake::Frame;
use crate::model::Origin;
use crate::wal;
use crate::wal::Wal;
use crate::wal::disk::RealDisk;

/// Events of two seals, rewritten as one archive.
fn archived() -> (tempfile::TempDir, Keeper) {
    let (folder, keeper) = world();
    let (store, _) = Store::open(&folder.path().join("store"), store::Config::default()).expect("a store");
    let later = NOW.plus(std::time::Duration::from_secs(10 * 86_400));
    assert_eq!(store.archive(later, &mut |_| true).expect("rewritten"), 1);
    keeper.look(&store.partitions(), &store.tombstones()).expect("written");
    drop(store);
    (folder, keeper)
}

fn only_partition(data: &Path) -> PathBuf {
    let mut entries = fs::read_dir(data.join("store/partitions")).expect("readable");
    entries.next().expect("one").expect("readable").path()
}

#[test]
fn an_archive_is_right_and_every_flipped_byte_of_it_is_named() {
    let (folder, _keeper) = archived();
    let report = checked(folder.path());
    assert!(report.is_right(), "{}", told(&report));
    assert_eq!((report.partitions, report.records, report.units), (1, 90, 2));
    let partition = only_partition(folder.path());
    assert!(partition.join("archive.bin").is_file());
    let mut random = Random::new(3);
    for path in files_below(&partition) {
        let place = path.strip_prefix(folder.path()).expect("below").display().to_string();
        let right = fs::read(&path).expect("readable");
        for _ in 0..24 {
            let at = usize::try_from(random.below(right.len() as u64)).expect("small");
            let mut flipped = right.clone();
            flipped[at] ^= 1 << random.below(8);
            fs::write(&path, &flipped).expect("written");
            let report = checked(folder.path());
            let is_it = |finding: &Finding| finding.place == place && is_named(finding.offset, at);
            assert!(report.findings.iter().any(is_it), "{place}, byte {at}:\n{}", told(&report));
        }
        fs::write(&path, &right).expect("written");
    }
    assert!(checked(folder.path()).is_right());
}

#[test]
fn other_lines_under_the_same_ids_are_told_by_the_root() {
    for is_archived in [false, true] {
        let (folder, keeper) = if is_archived { archived() } else { world() };
        let forged = tempfile::tempdir().expect("a folder");
        drop(fill_with(forged.path(), 1..=40, "Accepted password"));
        drop(fill_with(forged.path(), 41..=90, "Accepted password"));
        let (ours, theirs) = (only_partition(folder.path()), only_partition(forged.path()));
        fs::remove_dir_all(&ours).expect("removed");
        fs::rename(&theirs, &ours).expect("moved");
        let name = ours.file_name().expect("a name").to_string_lossy().into_owned();
        let sums = Sums::of_folder(&ours).expect("readable");
        fs::write(keeper.places().sums_of(&name), sums.to_bytes()).expect("written");
        let all = told(&checked(folder.path()));
        for expected in [
            "not the sums that the evidence log has",
            "do not give the root of entry 1",
            "do not give the root of entry 3",
        ] {
            assert!(all.contains(expected), "{expected}:\n{all}");
        }
    }
}

#[test]
fn swapped_partitions_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (keeper, _) = Keeper::open(folder.path()).expect("evidence");
    // Three, so that two are of one size class and one is not merged with them.
    for ids in [1..=2, 3..=40] {
        let store = fill(folder.path(), ids);
        keeper.look(&store.partitions(), &store.tombstones()).expect("written");
    }
    assert!(checked(folder.path()).is_right(), "{}", told(&checked(folder.path())));
    let mut partitions: Vec<PathBuf> = fs::read_dir(folder.path().join("store/partitions"))
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .collect();
    partitions.sort();
    let [first, second] = partitions.as_slice() else { panic!("{partitions:?}") };
    let aside = folder.path().join("aside");
    fs::rename(first, &aside).expect("moved");
    fs::rename(second, first).expect("moved");
    fs::rename(&aside, second).expect("moved");
    let report = checked(folder.path());
    for path in [first, second] {
        let place = path.strip_prefix(folder.path()).expect("below").display().to_string();
        assert!(report.findings.iter().any(|one| one.place.starts_with(&place)), "{place}:\n{}", told(&report));
    }
    // The manifest swapped along with them, its check right.
    let path = folder.path().join("store/manifest.json");
    let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
    let names: Vec<serde_json::Value> = (0..2).map(|index| manifest["partitions"][index]["folder"].clone()).collect();
    manifest["partitions"][0]["folder"] = names[1].clone();
    manifest["partitions"][1]["folder"] = names[0].clone();
    manifest.as_object_mut().expect("an object").shift_remove("check");
    fs::write(&path, crate::store::checked::with_check(manifest.to_string().into_bytes())).expect("written");
    assert!(!checked(folder.path()).is_right());
}

#[test]
fn a_file_cut_short_removed_or_added_is_told() {
    let (folder, _keeper) = archived();
    for path in files_below(folder.path()) {
        let place = path.strip_prefix(folder.path()).expect("below").display().to_string();
        if place.ends_with("lock") {
            continue;
        }
        let right = fs::read(&path).expect("readable");
        let kept = fs::metadata(&path).expect("there").permissions();
        for length in [0, 1, right.len() / 2, right.len() - 1] {
            fs::write(&path, &right[..length]).expect("written");
            let report = checked(folder.path());
            // An unfinished checkpoint at the end is what a crash leaves: nobody has seen it.
            // A cut between two is how the log stood before: only a checkpoint from elsewhere tells.
            let first_line = right.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
            let is_between = length > 0 && right[length..].starts_with(first_line);
            let is_told = report.notes.iter().any(|note| note.contains(&place));
            let is_note = place.contains("checkpoints-") && (is_told || is_between);
            // A key or a note without its last newline is the same.
            let is_key = (place.contains("/key") || place.contains("checkpoints-")) && right[length..] == *b"\n";
            assert!(!report.is_right() || is_note || is_key, "{place} cut to {length} bytes");
        }
        // An auditor need not have the secret key.
        fs::remove_file(&path).expect("removed");
        assert!(place == "evidence/key" || !checked(folder.path()).is_right(), "{place} removed");
        fs::write(&path, &right).expect("written");
        fs::set_permissions(&path, kept).expect("as it was");
    }
    let added = only_partition(folder.path()).join("added");
    fs::write(&added, b"x").expect("written");
    assert!(told(&checked(folder.path())).contains("was not there when it was sealed"));
    fs::remove_file(&added).expect("removed");
    assert!(checked(folder.path()).is_right(), "{}", told(&checked(folder.path())));
}

#[test]
fn a_log_rolled_back_is_told_by_the_store_and_by_a_checkpoint_from_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let (keeper, _) = Keeper::open(folder.path()).expect("evidence");
    keeper.look(&fill(folder.path(), 1..=40).partitions(), &[]).expect("written");
    let log = keeper.places().log();
    let old: Vec<(PathBuf, Vec<u8>)> =
        files_below(&log).into_iter().map(|path| (path.clone(), fs::read(&path).expect("readable"))).collect();
    keeper.look(&fill(folder.path(), 41..=90).partitions(), &[]).expect("written");
    let seen = keeper.sign().expect("signed");
    drop(keeper);
    for (path, bytes) in old {
        fs::write(path, bytes).expect("written");
    }
    let alone = checked(folder.path());
    assert!(told(&alone).contains("the evidence log does not know this partition"), "{}", told(&alone));
    let by_seen = checked_by(folder.path(), &Options { key: None, checkpoints: vec![seen] });
    assert!(told(&by_seen).contains("were removed, says the checkpoint from elsewhere"), "{}", told(&by_seen));
}

#[test]
fn every_flipped_byte_of_the_write_ahead_log_is_told() {
    let (folder, _keeper) = world();
    let disk = std::sync::Arc::new(RealDisk::new(folder.path().join("wal")).expect("a folder"));
    let (mut log, _) = Wal::open(disk, wal::Config::default(), EventId(90)).expect("a log");
    let origin = std::sync::Arc::new(Origin { input: "test".to_owned(), peer: None, identity: None });
    let frame = |text: &'static str| Frame {
        received: NOW,
        origin: std::sync::Arc::clone(&origin),
        truncated: false,
        raw: bytes::Bytes::from_static(text.as_bytes()),
    };
    log.append(["one", "two", "three"].map(frame)).expect("stored");
    log.sync().expect("synced");
    drop(log);
    let path = files_below(&folder.path().join("wal")).into_iter().find(|path| !path.ends_with("lock"));
    let path = path.expect("a segment");
    let place = path.strip_prefix(folder.path()).expect("below").display().to_string();
    let report = checked(folder.path());
    assert!(report.is_right() && report.unsealed == 3, "{}", told(&report));
    let right = fs::read(&path).expect("readable");
    for at in 0..right.len() {
        let mut flipped = right.clone();
        flipped[at] ^= 0x10;
        fs::write(&path, &flipped).expect("written");
        let report = checked(folder.path());
        let near = |told: u64| at as u64 >= told;
        let is_it = |finding: &Finding| finding.place == place && finding.offset.is_some_and(near);
        assert!(report.findings.iter().any(is_it), "byte {at} of {}:\n{}", right.len(), told(&report));
    }
}

#[test]
fn a_changed_key_leaves_older_checkpoints_and_bundles_checkable() {
    let (folder, keeper) = world();
    let old = keeper.signer().verifier().clone();
    drop(keeper);
    fs::remove_file(folder.path().join("evidence/key")).expect("removed");
    let (keeper, _) = Keeper::open(folder.path()).expect("evidence");
    let new = keeper.signer().verifier().clone();
    assert_ne!(old, new);
    keeper.look(&fill(folder.path(), 91..=100).partitions(), &[]).expect("written");
    let by =
        |key: Option<&Verifier>| checked_by(folder.path(), &Options { key: key.cloned(), checkpoints: Vec::new() });
    assert!(by(None).is_right(), "{}", told(&by(None)));
    assert!(by(Some(&new)).is_right(), "the older key's checkpoints are older: {}", told(&by(Some(&new))));
    // Nothing shows that whoever had the old key made the new one.
    let by_old = told(&by(Some(&old)));
    assert!(by_old.contains("a key that came after the one that was given"), "{by_old}");
    // A forger who puts a key of their own before the known one has no newest checkpoint by it.
    let path = folder.path().join("evidence/key.pub");
    fs::write(&path, format!("{new}\n{old}\n")).expect("written");
    fs::remove_file(folder.path().join("evidence/key")).expect("removed");
    let forged = told(&by(Some(&old)));
    assert!(forged.contains("the newest checkpoint is not signed with the key that was given"), "{forged}");
}

#[test]
fn what_was_merged_and_deleted_before_anybody_looked_is_deleted_and_not_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (keeper, _) = Keeper::open(folder.path()).expect("evidence");
    keeper.look(&fill(folder.path(), 1..=40).partitions(), &[]).expect("written");
    // Merged with these, under a name that the log never hears of.
    let store = fill(folder.path(), 41..=90);
    let retention = Retention { default_days: Some(1), days: std::collections::BTreeMap::new() };
    let later = NOW.plus(std::time::Duration::from_secs(3 * 86_400));
    assert_eq!(store.retain(later, &retention).expect("written").len(), 1);
    let young = verify(folder.path(), &Options::default(), later, &mut |_| true).expect("readable");
    assert!(young.is_right(), "{}", told(&young));
    keeper.look(&store.partitions(), &store.tombstones()).expect("written");
    let report = checked(folder.path());
    assert!(report.is_right(), "{}", told(&report));
    assert_eq!((report.partitions, report.deleted_units), (0, 1));
}
