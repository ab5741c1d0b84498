//! Deleting what has been kept long enough, but for what is held.

use std::collections::BTreeMap;

use crate::model::Timestamp;
use crate::model::time::NANOS_PER_SECOND;
use crate::model::time::SECONDS_PER_DAY;
use crate::store::error::StoreError;
use crate::store::keeping::clock::received_no_earlier;
use crate::store::keeping::hold::Hold;
use crate::store::manifest::Manifest;
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
    /// Returns how long a class is kept.
    pub fn days_of(&self, class: &RetentionClass) -> Option<u32> {
        self.days.get(class).copied().or(self.default_days)
    }

    // The received time counts, not the event's: a device with a wrong clock must not lose its events early, and
    // imported history is kept from its import on.
    fn is_over(&self, entry: &PartitionEntry, manifest: &Manifest, now: Timestamp) -> bool {
        let Some(days) = self.days_of(&entry.summary.class) else { return false };
        let kept_ns = i64::from(days).saturating_mul(SECONDS_PER_DAY * NANOS_PER_SECOND);
        let before = now.0.saturating_sub(kept_ns);
        // Nor must events be lost that came while our own clock was back.
        entry.summary.newest_ingested_ns < before && received_no_earlier(entry, manifest, now) < before
    }
}

impl Shared {
    pub(in crate::store) fn retain(&self, now: Timestamp, retention: &Retention) -> Result<Vec<Tombstone>, StoreError> {
        let manifest = self.manifest();
        let over: Vec<PartitionEntry> =
            manifest.partitions.iter().filter(|entry| retention.is_over(entry, &manifest, now)).cloned().collect();
        let held = self.held(&over, &manifest.holds, now);
        let going: Vec<&str> =
            over.iter().map(|entry| entry.folder.as_str()).filter(|folder| !held.contains(folder)).collect();
        if going.is_empty() {
            return Ok(Vec::new());
        }
        self.edit(|manifest_now| {
            // A hold placed while this was being looked into may cover what is about to go: next time, then.
            if is_more_held(&manifest.holds, manifest_now) {
                return Vec::new();
            }
            let (over, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut manifest_now.partitions)
                .into_iter()
                .partition(|entry| going.contains(&entry.folder.as_str()));
            manifest_now.partitions = kept;
            let tombstones: Vec<Tombstone> =
                over.into_iter().map(|entry| tombstone_of(entry, now, retention)).collect();
            manifest_now.tombstones.extend(tombstones.iter().cloned());
            tombstones
        })
    }
}

fn is_more_held(looked_at: &[Hold], manifest: &Manifest) -> bool {
    manifest.holds.iter().any(|hold| !looked_at.iter().any(|known| known.number == hold.number))
}

fn tombstone_of(entry: PartitionEntry, now: Timestamp, retention: &Retention) -> Tombstone {
    let days = retention.days_of(&entry.summary.class).unwrap_or_default();
    Tombstone {
        why: format!("class {} is kept {days} days from receipt", entry.summary.class),
        folder: entry.folder,
        class: entry.summary.class,
        first_id: entry.summary.first_id,
        last_id: entry.summary.last_id,
        oldest_ns: entry.summary.oldest_ns,
        newest_ns: entry.summary.newest_ns,
        received_ns: entry.summary.newest_ingested_ns,
        events: entry.summary.events,
        bytes: entry.summary.bytes,
        deleted_ns: now.0,
    }
}
