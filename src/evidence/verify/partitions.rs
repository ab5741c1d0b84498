//! Checks the stored records: each file of each partition against its sums, each record against the unit it belongs to.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::evidence::entry::Partition;
use crate::evidence::entry::RecordHash;
use crate::evidence::entry::record_hash;
use crate::evidence::entry::unit_hashes;
use crate::evidence::keeper::name_of;
use crate::evidence::ledger::Ledger;
use crate::evidence::log::merkle::hex;
use crate::evidence::log::merkle::sha256;
use crate::evidence::places::Places;
use crate::evidence::said::Said;
use crate::evidence::said::said;
use crate::evidence::sums::Sums;
use crate::evidence::verify::Progress;
use crate::evidence::verify::Report;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::store::Catalog;
use crate::store::PartitionInfo;
use crate::store::PartitionReader;

/// A partition younger than this may not have reached the log of a running server yet.
const SETTLED_AFTER: std::time::Duration = std::time::Duration::from_secs(60);
/// Progress is told every so many records.
const TOLD_EVERY: u64 = 10_000;
/// So many unreadable records of a partition are named one by one.
const NAMED_MAX: usize = 20;

/// Everything that checking one partition needs.
struct Checking<'c> {
    places: &'c Places,
    ledger: &'c Ledger,
    now: Timestamp,
    report: &'c mut Report,
    progress: &'c mut dyn FnMut(Progress) -> bool,
    records_total: u64,
    /// How often each unit was found in a partition.
    seen: BTreeMap<u64, u64>,
    /// Units of deletions so young that the log may not say anything of them yet.
    just_deleted: Vec<u64>,
    is_stopped: bool,
}

/// One partition under check.
struct Checked<'p> {
    folder: &'p str,
    place: &'p str,
    /// The units that the evidence log says are in it, where it names the partition.
    said: Option<&'p [u64]>,
    is_young: bool,
    /// Something is told of its files already.
    is_told: bool,
}

pub(super) fn check(
    places: &Places,
    catalog: &Catalog,
    ledger: &Ledger,
    now: Timestamp,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> io::Result<()> {
    let records_total = catalog.partitions.iter().map(|info| info.events).sum();
    let mut checking = Checking {
        places,
        ledger,
        now,
        report,
        progress,
        records_total,
        seen: BTreeMap::new(),
        just_deleted: Vec::new(),
        is_stopped: false,
    };
    for info in &catalog.partitions {
        checking.partition(info)?;
        if checking.is_stopped {
            checking
                .report
                .note(("the check was ended before it had seen everything", "việc kiểm bị dừng trước khi xem hết"));
            return Ok(());
        }
    }
    checking.tombstones(catalog);
    // A running server may have merged partitions since the manifest was read: what is gone then is no removal.
    let is_same =
        Catalog::read(&places.store()).ok().flatten().is_some_and(|later| later.partitions == catalog.partitions);
    if is_same {
        checking.missing_units();
    } else {
        checking.report.note((
            "partitions were merged during the check: run it again to count every unit",
            "có phân vùng được gộp trong lúc kiểm: hãy chạy lại để đếm đủ mọi đơn vị",
        ));
    }
    Ok(())
}

impl Checking<'_> {
    fn partition(&mut self, info: &PartitionInfo) -> io::Result<()> {
        let Some(name) = name_of(&info.folder) else { return Ok(()) };
        let place = format!("store/partitions/{name}");
        if !info.folder.try_exists()? {
            if self.is_still_listed(info) {
                self.report.find(&place, ("the folder is gone", "thư mục đã mất")).partition = Some(name);
            }
            return Ok(());
        }
        self.report.partitions += 1;
        let Some(known) = self.ledger.partitions.get(&name) else {
            let is_young = self.not_in_the_log(info, &place, &name)?;
            self.records(info, &Checked { folder: &name, place: &place, said: None, is_young, is_told: !is_young });
            return Ok(());
        };
        let is_told = !self.files(info, known, &place)?;
        let said = Some(known.units.as_slice());
        self.records(info, &Checked { folder: &name, place: &place, said, is_young: false, is_told });
        Ok(())
    }

    /// Reads the manifest once more: a running server may have replaced the partition.
    fn is_still_listed(&self, info: &PartitionInfo) -> bool {
        let later = Catalog::read(&self.places.store()).ok().flatten();
        later.is_none_or(|later| later.partitions.iter().any(|one| one.folder == info.folder))
    }

    /// Says whether it is too young to be known: a running server, or one that was just killed, has not written it down.
    fn not_in_the_log(&mut self, info: &PartitionInfo, place: &str, name: &str) -> io::Result<bool> {
        let written = fs::metadata(&info.folder)?.modified()?;
        let age = written.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let is_young = self.now.0.saturating_sub(i64::try_from(age.as_nanos()).unwrap_or(i64::MAX))
            < i64::try_from(SETTLED_AFTER.as_nanos()).unwrap_or(i64::MAX);
        if is_young {
            self.report.note(said!(
                "{place}: just written, the evidence log does not say anything of it yet",
                "{place}: vừa được ghi, nhật ký bằng chứng chưa nói gì về nó",
            ));
        } else {
            let what = ("the evidence log does not know this partition", "nhật ký bằng chứng không biết phân vùng này");
            let finding = self.report.find(place, what);
            finding.records = Some((info.first_id.0, info.last_id.0));
            finding.partition = Some(name.to_owned());
        }
        Ok(is_young)
    }

    /// Compares the files with their sums; says whether all are right.
    fn files(&mut self, info: &PartitionInfo, known: &Partition, place: &str) -> io::Result<bool> {
        let path = self.places.sums_of(&known.folder);
        let sums_place = format!("evidence/sums/{}", known.folder);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                let what = ("the sums of the partition are gone", "tệp tổng kiểm của phân vùng đã mất");
                self.report.find(&sums_place, what).partition = Some(known.folder.clone());
                return Ok(true);
            }
            Err(err) => return Err(err),
        };
        let sums = match Sums::read(&bytes) {
            Ok(sums) if hex(&sha256(&bytes)) == known.sums => sums,
            Ok(_) => {
                let what = (
                    "these are not the sums that the evidence log has",
                    "đây không phải các tổng kiểm mà nhật ký bằng chứng ghi",
                );
                self.report.find(&sums_place, what);
                return Ok(true);
            }
            Err(at) => {
                self.report.find(&sums_place, super::changed(at)).offset = at.map(|at| at as u64);
                return Ok(true);
            }
        };
        let changed = sums.compare_folder(&info.folder)?;
        for one in &changed {
            let finding = self.report.find(format!("{place}/{}", one.name), one.what.clone());
            finding.offset = Some(one.offset);
            finding.partition = Some(known.folder.clone());
        }
        Ok(changed.is_empty())
    }

    /// Compares the records with their units. Those of a partition merged or rewritten a moment ago are known already.
    fn records(&mut self, info: &PartitionInfo, checked: &Checked<'_>) {
        let read = PartitionReader::open(info).and_then(|reader| Ok((reader.ids()?, reader)));
        let (ids, reader) = match read {
            Ok(read) => read,
            Err(err) => return self.cannot(info, checked, &err.to_string()),
        };
        let split = self.ledger.split(info, &ids);
        for run in split.unknown.iter().filter(|_| !checked.is_young) {
            let range = run.first().zip(run.last()).map(|(first, last)| (first.0, last.0));
            let count = run.len();
            let what = said!(
                "{count} records are here that were never sealed",
                "có {count} bản ghi ở đây chưa từng được niêm phong",
            );
            self.found(checked, what, range);
        }
        for (number, count) in &split.partial {
            let range = self.range_of(*number);
            let records = self.ledger.units.get(number).map_or(0, |unit| unit.records);
            let what = said!(
                "entry {number} says {records} records, and {count} are here",
                "mục {number} ghi {records} bản ghi, ở đây có {count}",
            );
            self.found(checked, what, range);
        }
        let mut units = split.whole.clone();
        units.extend(split.partial.iter().map(|(number, _)| *number));
        units.sort_unstable();
        let mut said = checked.said.map_or_else(|| units.clone(), <[u64]>::to_vec);
        said.sort_unstable();
        if units != said && split.unknown.is_empty() {
            let what = said!(
                "it holds units {units:?}, and the evidence log says {said:?}",
                "nó giữ các đơn vị {units:?}, còn nhật ký bằng chứng ghi {said:?}",
            );
            self.found(checked, what, None);
        }
        for number in units {
            *self.seen.entry(number).or_default() += 1;
        }
        self.bounds(info, &split.whole, split.partial.is_empty() && split.unknown.is_empty(), checked.folder);
        let hashes = self.hashes(&reader, checked);
        self.roots(&hashes, &split.whole, checked);
    }

    /// What cannot be opened is told once: the sums have named the place when they could.
    fn cannot(&mut self, info: &PartitionInfo, checked: &Checked<'_>, reason: &str) {
        for number in checked.said.unwrap_or_default() {
            *self.seen.entry(*number).or_default() += 1;
        }
        if !checked.is_told {
            let range = Some((info.first_id.0, info.last_id.0));
            self.found(checked, said!("it cannot be opened: {reason}", "không mở được: {reason}"), range);
        }
    }

    fn found(&mut self, checked: &Checked<'_>, what: Said, records: Option<(u64, u64)>) {
        let finding = self.report.find(checked.place, what);
        finding.partition = Some(checked.folder.to_owned());
        finding.records = records;
    }

    fn range_of(&self, number: u64) -> Option<(u64, u64)> {
        self.ledger.units.get(&number).map(|unit| (unit.first_id, unit.last_id))
    }

    /// What the manifest says of the partition must follow from its units.
    fn bounds(&mut self, info: &PartitionInfo, units: &[u64], is_whole: bool, folder: &str) {
        let units: Vec<_> = units.iter().filter_map(|number| self.ledger.units.get(number)).collect();
        if !is_whole || units.is_empty() {
            return;
        }
        let expected = (
            units.iter().map(|unit| unit.first_id).min(),
            units.iter().map(|unit| unit.last_id).max(),
            units.iter().map(|unit| unit.event_from).min(),
            units.iter().map(|unit| unit.event_until).max(),
            units.iter().map(|unit| unit.records).sum::<u64>(),
        );
        let said = (Some(info.first_id.0), Some(info.last_id.0), Some(info.oldest.0), Some(info.newest.0), info.events);
        if expected != said {
            let what = (
                "the manifest says other ids, times or numbers of this partition than were sealed",
                "bản kê ghi số hiệu, thời gian hoặc số lượng của phân vùng này khác với khi niêm phong",
            );
            self.report.find("store/manifest.json", what).partition = Some(folder.to_owned());
        }
    }

    fn hashes(&mut self, reader: &PartitionReader, checked: &Checked<'_>) -> Vec<RecordHash> {
        let mut records = Vec::new();
        let mut unreadable: Vec<EventId> = Vec::new();
        let mut done = self.report.records;
        let (total, mut goes_on) = (self.records_total, true);
        let progress = &mut *self.progress;
        let read = reader.each_raw(&mut |id, received, raw| {
            match raw {
                Ok(raw) => records.push(RecordHash { id, received, hash: record_hash(id, received, raw) }),
                Err(_) => unreadable.push(id),
            }
            done += 1;
            if done.is_multiple_of(TOLD_EVERY) {
                goes_on = progress(Progress { records: done, records_total: total });
            }
            goes_on
        });
        self.report.records = done;
        self.is_stopped = !goes_on;
        if let Err(err) = read {
            let what = said!("its records cannot be read: {err}", "không đọc được các bản ghi của nó: {err}");
            self.found(checked, what, None);
        }
        unreadable.sort_unstable();
        for id in unreadable.iter().take(NAMED_MAX) {
            let what = ("this record cannot be read", "không đọc được bản ghi này");
            self.found(checked, what.into(), Some((id.0, id.0)));
        }
        if let (Some(first), Some(last)) = (unreadable.get(NAMED_MAX), unreadable.last()) {
            let count = unreadable.len() - NAMED_MAX;
            let what = said!("{count} more records cannot be read", "{count} bản ghi nữa không đọc được");
            self.found(checked, what, Some((first.0, last.0)));
        }
        records.sort_unstable_by_key(|record| record.id);
        records
    }

    fn roots(&mut self, records: &[RecordHash], units: &[u64], checked: &Checked<'_>) {
        if self.is_stopped {
            return;
        }
        for number in units {
            let Some(unit) = self.ledger.units.get(number) else { continue };
            let start = records.partition_point(|record| record.id.0 < unit.first_id);
            let end = records.partition_point(|record| record.id.0 <= unit.last_id);
            let hashes = unit_hashes(records.get(start..end).unwrap_or_default());
            if hashes.root != unit.root || hashes.sha256 != unit.sha256 {
                let what = said!(
                    "its records do not give the root of entry {number}: a record was changed",
                    "các bản ghi của nó không cho ra gốc Merkle của mục {number}: có bản ghi đã bị đổi",
                );
                self.found(checked, what, Some((unit.first_id, unit.last_id)));
            }
            self.report.units += 1;
        }
    }

    /// What retention deleted must stand in both places.
    fn tombstones(&mut self, catalog: &Catalog) {
        for tombstone in &catalog.tombstones {
            let said = self.ledger.deleted.get(&tombstone.folder);
            let is_same = said.is_some_and(|said| {
                (said.first_id, said.last_id, said.events, said.deleted)
                    == (tombstone.first_id.0, tombstone.last_id.0, tombstone.events, tombstone.deleted_ns)
            });
            let age = self.now.0.saturating_sub(tombstone.deleted_ns);
            let is_young = age < i64::try_from(SETTLED_AFTER.as_nanos()).unwrap_or(i64::MAX);
            let is_excused = said.is_none() && is_young;
            if is_excused {
                self.just_deleted.extend(self.ledger.units_of(tombstone, &catalog.partitions));
            }
            if !is_same && !is_excused {
                let what = (
                    "a deletion in the manifest is not what the evidence log says of it",
                    "một lần xoá trong bản kê không đúng như nhật ký bằng chứng ghi",
                );
                self.report.find("store/manifest.json", what).partition = Some(tombstone.folder.clone());
            }
        }
        let lacks = |catalog: &Catalog, folder: &str| catalog.tombstones.iter().all(|one| one.folder != *folder);
        for folder in self.ledger.deleted.keys().filter(|folder| lacks(catalog, folder)) {
            // A running server may have deleted it since the manifest was read.
            if Catalog::read(&self.places.store()).ok().flatten().is_none_or(|later| lacks(&later, folder)) {
                let what = (
                    "the manifest lacks a deletion that the evidence log has",
                    "bản kê thiếu một lần xoá mà nhật ký bằng chứng có",
                );
                self.report.find("store/manifest.json", what).partition = Some(folder.clone());
            }
        }
    }

    /// Every unit is in exactly one partition, unless retention deleted it.
    fn missing_units(&mut self) {
        let deleted = self.ledger.deleted_units();
        self.report.deleted_units = deleted.len() as u64;
        for (number, unit) in &self.ledger.units {
            let count = self.seen.get(number).copied().unwrap_or(0);
            let what = match count {
                0 if !deleted.contains(number) && !self.just_deleted.contains(number) => {
                    let records = unit.records;
                    said!(
                        "{records} records that were sealed (entry {number}) are in no partition",
                        "{records} bản ghi đã niêm phong (mục {number}) không còn trong phân vùng nào",
                    )
                }
                2.. => said!(
                    "the records of entry {number} are in {count} partitions",
                    "các bản ghi của mục {number} nằm trong {count} phân vùng",
                ),
                _ => continue,
            };
            self.report.find("store/partitions", what).records = Some((unit.first_id, unit.last_id));
        }
        orphans(&self.places.store().join("partitions"), self.report, self.ledger);
    }
}

/// Folders that are in the log and not in the manifest are leftovers of a merge; others were put there.
fn orphans(folder: &Path, report: &mut Report, ledger: &Ledger) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_known = ledger.partitions.contains_key(&name) || name.starts_with("new-");
        if !is_known
            && !report.notes.iter().any(|note| note.contains(&name))
            && report.findings.iter().all(|one| one.partition.as_ref() != Some(&name))
        {
            report.note(said!(
                "store/partitions/{name}: neither the manifest nor the evidence log names it",
                "store/partitions/{name}: cả bản kê lẫn nhật ký bằng chứng đều không nêu nó",
            ));
        }
    }
}
