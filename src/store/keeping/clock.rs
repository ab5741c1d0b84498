//! Whether the clock is to be believed when something is about to be deleted because it is old.
//!
//! The manifest remembers the newest time that was believed. Since then no more can have passed than this process has run,
//! and what a server may have been switched off for. A clock that says more has jumped, or says what only a person can
//! confirm: nothing is deleted by it.

use std::time::Duration;
use std::time::Instant;

use crate::model::Timestamp;
use crate::store::error::StoreError;
use crate::store::manifest::Manifest;
use crate::store::manifest::PartitionEntry;
use crate::store::shared::Shared;

/// The remembered time is not written more often than this.
const WRITTEN_EVERY_NS: i64 = 600 * 1_000_000_000;

/// What is thought of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    Believed,
    /// It is further ahead of the time believed last than can have passed.
    Ahead {
        believed: Timestamp,
    },
    /// It is further behind the time believed last than clocks are put right. Nothing is deleted too early by it.
    Behind {
        believed: Timestamp,
    },
}

/// The time believed last, and when that was.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Believed {
    at: Timestamp,
    since: Instant,
}

impl Believed {
    /// Judges a time by how long it is since another one was believed.
    fn judge(&self, now: Timestamp, passed: Duration, jump_max: Duration) -> ClockState {
        if now > self.at.plus(passed).plus(jump_max) {
            ClockState::Ahead { believed: self.at }
        } else if now.plus(jump_max) < self.at && passed < jump_max {
            ClockState::Behind { believed: self.at }
        } else {
            ClockState::Believed
        }
    }
}

impl Shared {
    pub(in crate::store) fn judge_clock(&self, now: Timestamp, jump_max: Duration) -> Result<ClockState, StoreError> {
        let mut believed = self.believed();
        let manifest = self.manifest();
        let known = believed.or_else(|| Some(Believed { at: newest_known(&manifest)?, since: Instant::now() }));
        let state = match known {
            Some(known) => known.judge(now, known.since.elapsed(), jump_max),
            None => ClockState::Believed,
        };
        if state != ClockState::Believed {
            *believed = known;
            return Ok(state);
        }
        // A clock put back a little must not make the time believed go back with it, one that stays back must.
        let at = known.map_or(now, |known| if now.plus(jump_max) < known.at { now } else { now.max(known.at) });
        if manifest.clock_ns.is_none_or(|written| written.abs_diff(at.0) >= WRITTEN_EVERY_NS.unsigned_abs()) {
            self.edit(|manifest| manifest.clock_ns = Some(at.0))?;
        }
        *believed = Some(Believed { at, since: Instant::now() });
        Ok(state)
    }
}

/// The newest time that the manifest has of our own clock.
fn newest_known(manifest: &Manifest) -> Option<Timestamp> {
    let received = manifest.partitions.iter().map(|entry| entry.summary.newest_ingested_ns);
    let deleted = manifest.tombstones.iter().map(|tombstone| tombstone.deleted_ns);
    manifest.clock_ns.or_else(|| received.chain(deleted).max()).map(Timestamp)
}

/// Says when the newest event of a partition was received at the earliest, however wrong the clock was then: ids are given in
/// the order of receipt, so it came after everything with a lower one. Times that are yet to come say nothing.
pub(in crate::store) fn received_no_earlier(entry: &PartitionEntry, manifest: &Manifest, now: Timestamp) -> i64 {
    let partitions = manifest.partitions.iter().map(|one| (one.summary.last_id, one.summary.newest_ingested_ns));
    let deleted = manifest.tombstones.iter().map(|one| (one.last_id, one.received_ns));
    let before = partitions.chain(deleted).filter(|(last_id, at)| *last_id <= entry.summary.last_id && *at <= now.0);
    before.map(|(_, at)| at).max().unwrap_or(entry.summary.newest_ingested_ns).max(entry.summary.newest_ingested_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_jump_is_told_from_time_that_passed() {
        let believed = Believed { at: Timestamp::from_seconds(1_000 * 86_400, 0), since: Instant::now() };
        let judge =
            |days: i64, passed: u32| believed.judge(Timestamp::from_seconds(days * 86_400, 0), DAY * passed, DAY * 7);
        assert_eq!(judge(1_000, 0), ClockState::Believed);
        assert_eq!(judge(1_007, 0), ClockState::Believed, "it may have been switched off for a week");
        assert_eq!(judge(1_008, 0), ClockState::Ahead { believed: believed.at });
        assert_eq!(judge(1_008, 1), ClockState::Believed, "it has run for a day");
        assert_eq!(judge(4_650, 1), ClockState::Ahead { believed: believed.at });
        assert_eq!(judge(993, 0), ClockState::Believed);
        assert_eq!(judge(992, 0), ClockState::Behind { believed: believed.at });
        assert_eq!(judge(900, 7), ClockState::Believed, "a clock that stays back for a week is right");
    }
}
