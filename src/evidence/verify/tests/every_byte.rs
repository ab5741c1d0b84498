//! Every byte of a small place that has one of everything: whichever is flipped, the place is named.
//!
//! In an ordinary run the whole check is made for some bytes of each file, and what it is made of for every byte. With
//! `LONGAN_EVERY_BYTE` set the whole check is made for every byte.

use super::*;
use crate::evidence::audit::AuditLog;
use crate::evidence::audit::Deed;
use crate::evidence::log::Bundle;
use crate::evidence::log::read_bundle;
use crate::evidence::sums::Sums;
use crate::ingest::intake::Frame;
use crate::model::Origin;
use crate::store::NewHold;
use crate::store::RetentionClass;
use crate::wal;
use crate::wal::Wal;
use crate::wal::disk::RealDisk;

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
/// Between two bytes of a file for which an ordinary run makes the whole check.
const STRIDE: usize = 211;

/// A sealed partition, an archived one, one that was deleted, a hold, both logs with several checkpoints, events that wait.
fn everything() -> tempfile::TempDir {
    let (folder, keeper) = world();
    let data = folder.path();
    let (store, _) = Store::open(&data.join("store"), store::Config::default()).expect("a store");
    assert_eq!(store.archive(NOW.plus(DAY * 10), &mut |_| true).expect("rewritten"), 1);
    keeper.look(&store.partitions(), &store.tombstones()).expect("written");
    let mut writer = store.writer().expect("a writer");
    for (class, ids) in [("short", 91..=93), ("standard", 94..=99)] {
        for id in ids {
            let line = format!("<13>Nov 14 22:13:20 gw sshd[{id}]: late");
            let mut event = Event::new(&line, NOW);
            event.id = EventId(id);
            event.ingested = NOW;
            writer.add_to(&RetentionClass::new(class), &event, line.as_bytes());
        }
    }
    writer.seal_and_wait().expect("sealed");
    keeper.look(&store.partitions(), &store.tombstones()).expect("written");
    let days = std::collections::BTreeMap::from([(RetentionClass::new("short"), 1)]);
    let retention = Retention { default_days: None, days };
    assert_eq!(store.retain(NOW.plus(DAY * 2), &retention).expect("written").len(), 1);
    let hold = NewHold {
        query: "late".to_owned(),
        since: None,
        until: None,
        why: "case 17".to_owned(),
        by: "an".to_owned(),
        expires: None,
    };
    store.place_hold(hold, NOW).expect("placed");
    keeper.look(&store.partitions(), &store.tombstones()).expect("written");
    drop((writer, store));
    let audit = AuditLog::open(data).expect("a log");
    for action in ["start", "search", "export"] {
        audit.record(Deed::of_program(NOW, action, "user.name:an")).expect("room");
        audit.sign().expect("signed");
    }
    let disk = std::sync::Arc::new(RealDisk::new(data.join("wal")).expect("a folder"));
    let (mut log, _) = Wal::open(disk, wal::Config::default(), EventId(99)).expect("a log");
    let origin = std::sync::Arc::new(Origin { input: "test".to_owned(), peer: None, identity: None });
    let raw = bytes::Bytes::from_static(b"<13>waits to be sealed");
    log.append([Frame { received: NOW, origin, truncated: false, raw }]).expect("stored");
    log.sync().expect("synced");
    drop(log);
    let report = checked(data);
    assert!(report.is_right(), "{}", told(&report));
    assert_eq!((report.partitions, report.units, report.deleted_units, report.unsealed), (2, 3, 1, 1));
    folder
}

/// Every file but the locks, which hold nothing, with its place and its bytes.
fn files(data: &Path) -> Vec<(PathBuf, String, Vec<u8>)> {
    let named = files_below(data).into_iter().map(|path| {
        let place = path.strip_prefix(data).expect("below").display().to_string();
        let bytes = fs::read(&path).expect("readable");
        (path, place, bytes)
    });
    named.filter(|(_, place, _)| !place.ends_with("lock")).collect()
}

fn flipped(right: &[u8], at: usize) -> Vec<u8> {
    let mut flipped = right.to_vec();
    flipped[at] ^= 1 << (at % 8);
    flipped
}

#[test]
fn the_whole_check_names_a_flipped_byte_wherever_it_is() {
    let folder = everything();
    let stride = if std::env::var_os("LONGAN_EVERY_BYTE").is_some() { 1 } else { STRIDE };
    let (mut kinds, mut bytes) = (0, 0);
    for (path, place, right) in files(folder.path()) {
        kinds += 1;
        for at in (kinds % stride..right.len()).step_by(stride) {
            bytes += 1;
            fs::write(&path, flipped(&right, at)).expect("written");
            let report = checked(folder.path());
            let is_it = |finding: &Finding| finding.place == place && is_named(finding.offset, at);
            assert!(report.findings.iter().any(is_it), "{place}, byte {at} of {}:\n{}", right.len(), told(&report));
        }
        fs::write(&path, &right).expect("written");
    }
    assert!(kinds > 25 && bytes > 80, "{bytes} bytes of {kinds} files");
    assert!(checked(folder.path()).is_right(), "{}", told(&checked(folder.path())));
}

#[test]
fn no_byte_of_a_partition_or_of_its_sums_is_without_a_sum() {
    let folder = everything();
    let all = files(folder.path());
    let (mut bytes, mut vague) = (0, 0);
    for (_, place, sums) in all.iter().filter(|(_, place, _)| place.starts_with("evidence/sums/")) {
        let partition = place.replace("evidence/sums/", "store/partitions/");
        let read = Sums::read(sums).expect("right");
        for at in 0..sums.len() {
            let told = Sums::read(&flipped(sums, at)).expect_err("a byte was changed");
            assert!(told.is_none_or(|told| told == at), "{place}, byte {at}: {told:?}");
            vague += usize::from(told.is_none());
        }
        let of_partition = all.iter().filter(|(_, place, _)| place.starts_with(&format!("{partition}/")));
        for (path, place, right) in of_partition {
            let name = path.file_name().expect("a name").to_string_lossy();
            let expected = read.files.iter().find(|sums| sums.name == name).unwrap_or_else(|| panic!("{place}"));
            for at in 0..right.len() {
                let found = expected.compare(flipped(right, at).as_slice()).expect("readable");
                let told = found.unwrap_or_else(|| panic!("{place}, byte {at}")).offset;
                assert!(is_named(Some(told), at), "{place}, byte {at}: {told}");
                vague += usize::from(told != at as u64);
            }
            bytes += right.len();
        }
    }
    assert!(bytes > 5_000 && vague < bytes / 500, "{vague} of {bytes}");
}

#[test]
fn no_byte_of_manifest_logs_and_keys_is_without_a_check() {
    let folder = everything();
    let places = Places::of(folder.path());
    let keys = key::verifiers(&places.folder()).expect("readable");
    let mut seen = std::collections::BTreeSet::new();
    for (path, place, right) in files(folder.path()) {
        let name = place.rsplit('/').next().unwrap_or_default();
        for at in 0..right.len() {
            let changed = flipped(&right, at);
            if name == "manifest.json" {
                let told = checked::check(&changed);
                assert!(matches!(told, Checked::Changed(named) if named.is_none_or(|named| named == at)), "{told:?}");
            } else if name.starts_with("entries-") {
                let Bundle { fault, .. } = read_bundle(0, &changed);
                let told = fault.unwrap_or_else(|| panic!("{place}, byte {at}")).offset;
                assert!(is_named(Some(told), at), "{place}, byte {at}: {told}");
            } else if name.starts_with("checkpoints-") || name.starts_with("key") {
                fs::write(&path, &changed).expect("written");
                let mut report = Report::default();
                let believed = read_keys(&places, &Options::default(), &mut report).believed;
                for (folder, name, log) in
                    [(places.log(), "evidence/log", "evidence"), (places.audit(), "evidence/audit", "audit")]
                {
                    // What a changed key file says is told; the signatures are looked at by the right ones.
                    let verifiers = if place.contains("/key") { &keys } else { &believed };
                    let check = LogCheck { folder, name, log, verifiers, pinned: None, later: &[] };
                    check.check(&Options::default(), &mut report, &mut |_, _| {}).expect("readable");
                }
                assert!(report.findings.iter().any(|one| one.place == place), "{place}, byte {at}: {}", told(&report));
            } else {
                continue;
            }
            seen.insert(place.clone());
        }
        fs::write(&path, &right).expect("written");
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}
