//! Deleting what has been kept long enough, and holding what must not be.

use std::collections::BTreeMap;

use crate::model::Timestamp;
use crate::model::time::NANOS_PER_SECOND;
use crate::model::time::SECONDS_PER_DAY;
use crate::store::error::StoreError;
use crate::store::manifest::PartitionEntry;
use crate::store::manifest::RetentionClass;
use crate::store::manifest::Tombstone;
use crate::store::shared::Shared;

/// How many days the events of each class are kept, counted from when they were received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// For classes not named below; `None` keeps for ever.
    pub default_days: Option<u32>,
    pub days: BTreeMap<RetentionClass, u32>,
}

impl Retention {
    fn days_of(&self, class: &RetentionClass) -> Option<u32> {
        self.days.get(class).copied().or(self.default_days)
    }
}

impl Shared {
    pub(super) fn set_hold(&self, from: Timestamp, until: Timestamp, hold: bool) -> Result<usize, StoreError> {
        self.edit(|manifest| {
            let touched = manifest.partitions.iter_mut().filter(|entry| entry.summary.touches(Some(from), Some(until)));
            touched.map(|entry| entry.hold = hold).count()
        })
    }

    pub(super) fn retain(&self, now: Timestamp, retention: &Retention) -> Result<Vec<Tombstone>, StoreError> {
        // The received time counts, not the event's: a device with a wrong clock must not lose its events early, and
        // imported history is kept from its import on.
        let is_over = |entry: &PartitionEntry| {
            let Some(days) = retention.days_of(&entry.summary.class) else { return false };
            let kept_ns = i64::from(days).saturating_mul(SECONDS_PER_DAY * NANOS_PER_SECOND);
            !entry.hold && entry.summary.newest_ingested_ns < now.0.saturating_sub(kept_ns)
        };
        if !self.manifest().partitions.iter().any(is_over) {
            return Ok(Vec::new());
        }
        self.edit(|manifest| {
            let (over, kept): (Vec<_>, Vec<_>) =
                std::mem::take(&mut manifest.partitions).into_iter().partition(is_over);
            manifest.partitions = kept;
            let tombstones: Vec<Tombstone> = over.into_iter().map(|entry| tombstone_of(entry, now)).collect();
            manifest.tombstones.extend(tombstones.iter().cloned());
            tombstones
        })
    }
}

fn tombstone_of(entry: PartitionEntry, now: Timestamp) -> Tombstone {
    Tombstone {
        folder: entry.folder,
        class: entry.summary.class,
        first_id: entry.summary.first_id,
        last_id: entry.summary.last_id,
        oldest_ns: entry.summary.oldest_ns,
        newest_ns: entry.summary.newest_ns,
        events: entry.summary.events,
        deleted_ns: now.0,
    }
}
