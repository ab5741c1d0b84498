//! What the evidence log has said so far: units, partitions, deletions. Pure; the keeper adds to it, the verifier checks by it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::evidence::entry::Deleted;
use crate::evidence::entry::Entry;
use crate::evidence::entry::Partition;
use crate::evidence::entry::Unit;
use crate::model::EventId;
use crate::store::PartitionInfo;
use crate::store::Tombstone;

/// The entries of an evidence log by what they are about.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// By the number of the entry.
    pub units: BTreeMap<u64, Unit>,
    /// By class and day, then by first id.
    by_key: BTreeMap<(String, i32), BTreeMap<u64, u64>>,
    /// The newest entry of each partition, by folder.
    pub partitions: BTreeMap<String, Partition>,
    pub deleted: BTreeMap<String, Deleted>,
    /// Keys named, in order.
    pub keys: Vec<String>,
    /// Entries of kinds that are not known here.
    pub unknown: Vec<u64>,
}

/// The ids of one partition, split over units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// The numbers of known units of which every record is here.
    pub whole: Vec<u64>,
    /// Known units of which only some are here: number, records here.
    pub partial: Vec<(u64, u64)>,
    /// Runs of ids that no unit covers.
    pub unknown: Vec<Vec<EventId>>,
}

impl Ledger {
    /// Takes the next entry.
    pub fn take(&mut self, number: u64, entry: &[u8]) {
        match Entry::read(entry) {
            Some(entry) => self.add(number, entry),
            None => self.unknown.push(number),
        }
    }

    /// Adds an entry under its number.
    pub fn add(&mut self, number: u64, entry: Entry) {
        match entry {
            Entry::Key { key } => self.keys.push(key),
            Entry::Unit(unit) => {
                self.by_key.entry((unit.class.clone(), unit.day)).or_default().insert(unit.first_id, number);
                self.units.insert(number, unit);
            }
            Entry::Partition(partition) => {
                self.partitions.insert(partition.folder.clone(), partition);
            }
            Entry::Deleted(deleted) => {
                self.deleted.insert(deleted.folder.clone(), deleted);
            }
        }
    }

    /// Returns the unit that an id of a class and day falls in.
    pub fn unit_of(&self, class: &str, day: i32, id: EventId) -> Option<(u64, &Unit)> {
        let of_key = self.by_key.get(&(class.to_owned(), day))?;
        let (_, number) = of_key.range(..=id.0).next_back()?;
        let unit = self.units.get(number).filter(|unit| unit.last_id >= id.0)?;
        Some((*number, unit))
    }

    /// Splits the ids of a partition, ascending, over the units.
    pub fn split(&self, info: &PartitionInfo, ids: &[EventId]) -> Split {
        let mut split = Split::default();
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        let mut is_in_run = false;
        for id in ids {
            match self.unit_of(info.class.as_str(), info.day, *id) {
                Some((number, _)) => {
                    *counts.entry(number).or_default() += 1;
                    is_in_run = false;
                }
                None if is_in_run => split.unknown.last_mut().into_iter().for_each(|run| run.push(*id)),
                None => {
                    split.unknown.push(vec![*id]);
                    is_in_run = true;
                }
            }
        }
        for (number, count) in counts {
            if self.units.get(&number).is_some_and(|unit| unit.records == count) {
                split.whole.push(number);
            } else {
                split.partial.push((number, count));
            }
        }
        split
    }

    /// Returns the units that went with a deleted partition.
    ///
    /// A partition that was merged or rewritten and then deleted before anybody looked was never named here. Its units are
    /// those within its bounds that are in no partition there is, as long as they are not more than it held.
    pub fn units_of(&self, tombstone: &Tombstone, there: &[PartitionInfo]) -> Vec<u64> {
        if let Some(partition) = self.partitions.get(&tombstone.folder) {
            return partition.units.clone();
        }
        let mut elsewhere = self.deleted_units();
        for info in there {
            let name = info.folder.file_name().and_then(|name| name.to_str());
            let known = name.and_then(|name| self.partitions.get(name));
            elsewhere.extend(known.into_iter().flat_map(|partition| partition.units.iter().copied()));
        }
        let is_within = |unit: &Unit| {
            unit.class == tombstone.class.as_str()
                && unit.first_id >= tombstone.first_id.0
                && unit.last_id <= tombstone.last_id.0
                && unit.event_from >= tombstone.oldest_ns
                && unit.event_until <= tombstone.newest_ns
        };
        let within = self.units.iter().filter(|(number, unit)| !elsewhere.contains(number) && is_within(unit));
        let (mut numbers, mut records) = (Vec::new(), 0_u64);
        for (number, unit) in within {
            numbers.push(*number);
            records = records.saturating_add(unit.records);
        }
        if records <= tombstone.events { numbers } else { Vec::new() }
    }

    /// Returns the units that retention has deleted.
    pub fn deleted_units(&self) -> BTreeSet<u64> {
        self.deleted.values().flat_map(|deleted| deleted.units.iter().copied()).collect()
    }
}
