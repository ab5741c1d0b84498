//! Write-ahead log, store, archive and evidence on one data folder, whose disk fails at a step or loses its power there: afterwards
//! all that was acknowledged is there once, and intact.

mod crash;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::path::PathBuf;
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
use crate::wal::CorruptRecord;
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
    fn open(data: &Path) -> anyhow::Result<Place> {
        let config = store::Config { compaction_fan_in: 2, ..store::Config::default() };
        let (store, report) = Store::open(&data.join("store"), config)?;
        assert_eq!(report.damaged, [], "no partition is unreadable");
        let disk = Arc::new(RealDisk::new(data.join("wal"))?);
        let config = wal::Config { segment_bytes: 2_000, reserve_bytes: 0 };
        let (wal, _) = Wal::open(disk, config, store.checkpoint())?;
        let mut writer = store.writer()?;
        for envelope in wal.replay(store.checkpoint()) {
            match envelope {
                Ok(envelope) => add(&mut writer, &envelope),
                // The gap that a power cut left in a group that was never acknowledged.
                Err(CorruptRecord::Damaged(_)) => {}
                Err(unreadable) => anyhow::bail!("{unreadable:?}"),
            }
        }
        writer.cut()?;
        let (keeper, _) = Keeper::open(data)?;
        Ok(Place { wal, store, writer, keeper })
    }

    /// Takes in a group of events; they are acknowledged when it returns.
    fn take(&mut self) -> io::Result<Vec<u64>> {
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
        Ok(taken.iter().map(|envelope| envelope.id.0).collect())
    }

    fn seal(&mut self) -> Result<(), store::StoreError> {
        self.writer.seal_and_wait()
    }

    fn look(&self) {
        self.keeper.look(&self.store.partitions(), &self.store.tombstones()).expect("written down");
    }

    /// Every acknowledged event is found once, or was deleted and has a tombstone; returns all that are found.
    fn check(&self, acknowledged: &BTreeSet<u64>) -> BTreeSet<u64> {
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
        for id in acknowledged {
            let is_deleted = tombstones.iter().any(|tombstone| {
                let of_time = (tombstone.oldest_ns..=tombstone.newest_ns).contains(&time_of(*id).0);
                let of_ids = (tombstone.first_id.0..=tombstone.last_id.0).contains(id);
                tombstone.class == class_of(*id) && of_time && of_ids
            });
            let expected = if is_deleted { 0 } else { 1 };
            let count = times.get(id).copied().unwrap_or(0);
            assert_eq!(count, expected, "event {id} of {acknowledged:?}, deleted: {is_deleted}");
        }
        assert!(times.values().all(|count| *count == 1), "{times:?}");
        times.into_keys().collect()
    }
}

/// Some are late, for days that may be archived already.
fn time_of(id: u64) -> Timestamp {
    NOW.minus(DAY * u32::try_from(id % 2 * 5).expect("small"))
}

fn add(writer: &mut HotWriter, envelope: &Envelope) {
    let id = envelope.id;
    let text = String::from_utf8(envelope.raw.to_vec()).expect("text");
    let mut event = Event::new(&text, time_of(id.0));
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
        let mut place = Place::open(folder.path()).expect("an empty folder");
        let mut taken: BTreeSet<u64> = place.take().expect("stored").into_iter().collect();
        place.seal().expect("sealed");
        taken.extend(place.take().expect("stored"));
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
        place.check(&taken);
        place.look();
        taken.extend(place.take().expect("stored"));
        place.seal().expect("the disk is well again");
        place.look();
        place.check(&taken);
        assert_eq!(Some(place.store.checkpoint()), taken.last().copied().map(EventId));
        let leftovers = std::fs::read_dir(folder.path().join("store/partitions")).expect("readable");
        let unfinished =
            leftovers.filter_map(Result::ok).any(|it| it.file_name().to_string_lossy().starts_with("new-"));
        assert!(!unfinished, "step {number}: what could not be finished is cleared away");
        drop(place);
        intact(folder.path(), NOW.plus(DAY * 20_000));
        Place::open(folder.path()).expect("it opens").check(&taken);
        number += 1;
    }
    assert!(number > 15 && failures > 10, "{failures} of {number} steps failed a seal");
}
