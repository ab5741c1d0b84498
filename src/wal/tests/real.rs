//! The log on a real file system.

use std::sync::Arc;

use super::events;
use super::frame;
use super::small;
use crate::model::EventId;
use crate::wal::Wal;
use crate::wal::WalError;
use crate::wal::disk::LockError;
use crate::wal::disk::RealDisk;

fn open(folder: &std::path::Path, keep_after: u64) -> Result<Wal, WalError> {
    let disk = Arc::new(RealDisk::new(folder).expect("usable folder"));
    Wal::open(disk, small(), EventId(keep_after)).map(|(wal, _)| wal)
}

#[test]
fn events_survive_on_a_real_disk_until_released() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("deep/wal");
    let mut wal = open(&path, 0).expect("opens");
    for number in 1..=100 {
        wal.append([frame(format!("line {number} {}", "x".repeat(80)))]).expect("appended");
        wal.sync().expect("synced");
    }
    drop(wal);
    let mut wal = open(&path, 0).expect("opens again");
    assert_eq!(events(&wal, 0).len(), 100);
    assert!(wal.segment_count() > 3);
    let (before, bytes) = (wal.segment_count(), wal.bytes_on_disk());
    wal.release(EventId(60)).expect("released");
    assert!(wal.segment_count() < before && wal.bytes_on_disk() < bytes);
    assert_eq!(events(&wal, 60).len(), 40);
    assert_eq!(events(&wal, 60).first().map(|event| event.0), Some(61));
    wal.release(EventId(100)).expect("released");
    drop(wal);
    let mut wal = open(&path, 0).expect("opens a third time");
    let next = wal.append([frame("after")]).expect("appended");
    assert_eq!(next[0].id, EventId(101), "ids go on although all was released");
    drop(wal);
    let wal = open(&path, 5_000).expect("opens a fourth time");
    assert_eq!(wal.last_id(), EventId(5_000), "what the store knows counts too");
}

#[test]
fn two_logs_never_share_a_folder() {
    let folder = tempfile::tempdir().expect("folder");
    let wal = open(folder.path(), 0).expect("opens");
    let err = open(folder.path(), 0).expect_err("is taken");
    let WalError::Lock { source: source @ LockError::Held(_), .. } = &err else { panic!("{err:?}") };
    assert_eq!(source.to_string(), format!("in use by process {}", std::process::id()));
    drop(wal);
    open(folder.path(), 0).expect("is free again");
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("folder");
    let name = crate::wal::segment::SegmentName { first: EventId(1), epoch: 1, salt: 9 };
    let mut header = crate::wal::segment::header(&name, 0);
    header.truncate(crate::wal::segment::HEADER_BYTES - 4);
    header[8..12].copy_from_slice(&9u32.to_le_bytes());
    header.extend_from_slice(&crc32c::crc32c(&header).to_le_bytes());
    std::fs::write(folder.path().join(name.file_name()), header).expect("written");
    let err = open(folder.path(), 0).expect_err("is newer");
    assert!(err.to_string().ends_with("has format version 9, which this program does not know"), "{err}");
}
