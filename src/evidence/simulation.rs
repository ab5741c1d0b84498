//! The disk fails at every step of a seal, once; afterwards all that was acknowledged is there once, and intact.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use bytes::Bytes;

use crate::evidence::Keeper;
use crate::evidence::verify::Options;
use crate::evidence::verify::verify;
use crate::ingest::intake::Frame;
use crate::model::Envelope;
use crate::model::Event;
use crate::model::EventId;
use crate::model::Origin;
use crate::model::Timestamp;
use crate::query;
use crate::store;
use crate::store::HotWriter;
use crate::store::RetentionClass;
use crate::store::Store;
use crate::wal;
use crate::wal::Wal;
use crate::wal::disk::RealDisk;
use crate::wal::disk::power::Watch;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
const GROUP: u64 = 9;

/// Everything that is on one data folder, open.
struct Place {
    wal: Wal,
    store: Store,
    writer: HotWriter,
    keeper: Keeper,
}

fn line(id: u64) -> String {
    format!("event {id} of gate {} {}", id % 4, "x".repeat(usize::try_from(id % 50).expect("small")))
}

/// Every third event is of a class that is kept for one day only.
fn class_of(id: u64) -> RetentionClass {
    RetentionClass::new(if id.is_multiple_of(3) { "short" } else { "standard" })
}

impl Place {
    fn open(data: &Path) -> Place {
        let config = store::Config { compaction_fan_in: 2, ..store::Config::default() };
        let (store, report) = Store::open(&data.join("store"), config).expect("the store opens");
        assert_eq!(report.damaged, [], "no partition is unreadable");
        let disk = Arc::new(RealDisk::new(data.join("wal")).expect("a folder"));
        let config = wal::Config { segment_bytes: 2_000, reserve_bytes: 0 };
        let (wal, _) = Wal::open(disk, config, store.checkpoint()).expect("the log opens");
        let mut writer = store.writer().expect("a writer");
        for envelope in wal.replay(store.checkpoint()) {
            add(&mut writer, &envelope.expect("nothing is damaged"));
        }
        writer.cut().expect("room");
        let (keeper, _) = Keeper::open(data).expect("the evidence opens");
        Place { wal, store, writer, keeper }
    }

    /// Takes in a group of events; they are acknowledged when it returns.
    fn take(&mut self) -> io::Result<u64> {
        let origin = Arc::new(Origin { input: "test".to_owned(), peer: None, identity: None });
        let first = self.wal.last_id().0 + 1;
        let frames = (first..first + GROUP).map(|id| Frame {
            received: NOW,
            origin: Arc::clone(&origin),
            truncated: false,
            raw: Bytes::from(line(id)),
        });
        let taken = self.wal.append(frames).and_then(|taken| self.wal.sync().map(|()| taken));
        let taken = taken.map_err(io::Error::other)?;
        taken.iter().for_each(|envelope| add(&mut self.writer, envelope));
        Ok(self.wal.last_id().0)
    }

    fn seal(&mut self) -> Result<(), store::StoreError> {
        self.writer.seal_and_wait()
    }

    fn look(&self) {
        self.keeper.look(&self.store.partitions(), &self.store.tombstones()).expect("written down");
    }

    /// Every event up to `acknowledged` is found once, or was deleted and has a tombstone.
    fn check(&self, acknowledged: u64) {
        let all = query::parse("*", NOW).expect("a query");
        let options = store::Options { limit: 10_000, ..store::Options::default() };
        let found = self.store.searcher().search(&all, &options).expect("found");
        let mut times: BTreeMap<u64, u64> = BTreeMap::new();
        for hit in &found.hits {
            *times.entry(hit.id.0).or_default() += 1;
            let original = hit.event.get("event.original").and_then(|value| value.as_str());
            assert_eq!(original, Some(line(hit.id.0).as_str()), "event {}", hit.id);
        }
        let tombstones = self.store.tombstones();
        for id in 1..=acknowledged {
            let is_deleted = tombstones.iter().any(|tombstone| {
                tombstone.class == class_of(id) && (tombstone.first_id.0..=tombstone.last_id.0).contains(&id)
            });
            let expected = if is_deleted { 0 } else { 1 };
            let count = times.get(&id).copied().unwrap_or(0);
            assert_eq!(count, expected, "event {id} of {acknowledged}, deleted: {is_deleted}");
        }
        assert!(times.values().all(|count| *count == 1), "{times:?}");
    }
}

fn add(writer: &mut HotWriter, envelope: &Envelope) {
    let id = envelope.id;
    let text = String::from_utf8(envelope.raw.to_vec()).expect("text");
    // Some are late, for days that may be archived already.
    let mut event = Event::new(&text, NOW.minus(DAY * u32::try_from(id.0 % 2 * 5).expect("small")));
    event.id = id;
    event.ingested = envelope.received;
    writer.add_to(&class_of(id.0), &event, &envelope.raw);
}

fn intact(data: &Path, now: Timestamp) {
    let report = verify(data, &Options::default(), now, &mut |_| true).expect("readable");
    assert!(report.is_right(), "{:#?}", report.findings);
}

/// A step that fails once is an error for whoever asked for it, and nothing worse: nothing is lost, and the next seal is right.
#[test]
fn a_disk_that_fails_once_at_any_step_of_a_seal_loses_nothing() {
    let errors = [io::ErrorKind::Other, io::ErrorKind::StorageFull];
    let (mut number, mut failures) = (0, 0);
    loop {
        let folder = tempfile::tempdir().expect("a folder");
        let mut place = Place::open(folder.path());
        place.take().expect("stored");
        place.seal().expect("sealed");
        let last = place.take().expect("stored");
        let left = Arc::new(Mutex::new(Some(number)));
        let watch = Watch::new(&folder.path().join("store"), {
            let (left, kind) = (Arc::clone(&left), errors[number % errors.len()]);
            move |_| {
                let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
                match *left {
                    Some(0) => {
                        *left = None;
                        Err(io::Error::new(kind, "simulated"))
                    }
                    Some(more) => {
                        *left = Some(more - 1);
                        Ok(())
                    }
                    None => Ok(()),
                }
            }
        });
        let sealed = place.seal();
        drop(watch);
        if left.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            break;
        }
        failures += usize::from(sealed.is_err());
        place.check(last);
        place.look();
        let last = place.take().expect("stored");
        place.seal().expect("the disk is well again");
        place.look();
        place.check(last);
        assert_eq!(place.store.checkpoint(), EventId(last));
        let leftovers = std::fs::read_dir(folder.path().join("store/partitions")).expect("readable");
        let unfinished =
            leftovers.filter_map(Result::ok).any(|it| it.file_name().to_string_lossy().starts_with("new-"));
        assert!(!unfinished, "step {number}: what could not be finished is cleared away");
        drop(place);
        intact(folder.path(), NOW.plus(DAY * 20_000));
        Place::open(folder.path()).check(last);
        number += 1;
    }
    assert!(number > 15 && failures > 10, "{failures} of {number} steps failed a seal");
}
