//! How the store grows, and when the disk will be full: measured events a day and bytes an event, played forward day by day.
//!
//! What counts is what was *received* a day, so that imported history does not look like growth for ever: the median over the
//! days of the last month. Sealed days become archives and archives are deleted in the play as they will be in truth.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::model::Timestamp;
use crate::model::time::NANOS_PER_SECOND;
use crate::model::time::SECONDS_PER_DAY;
use crate::store::error::StoreError;
use crate::store::manifest::RetentionClass;
use crate::store::manifest::Summary;
use crate::store::shared::Shared;

/// The file's name in the store's folder. It may be lost: it is learned anew.
const FILE: &str = "growth.json";
const DAY_NS: i64 = SECONDS_PER_DAY * NANOS_PER_SECOND;
const HOUR_NS: i64 = 3_600 * NANOS_PER_SECOND;
/// Days that are remembered.
const SAMPLES_MAX: usize = 31;
/// As far as is looked ahead.
const HORIZON_DAYS: i32 = 5 * 365;
/// What an archived event is taken to need, as a share of a sealed one, before any was archived.
const ARCHIVE_SHARE_GUESSED: f64 = 0.25;

/// Where events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// In memory.
    Hot,
    Sealed,
    Archive,
}

/// What one class and day takes in one tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierRow {
    pub class: RetentionClass,
    pub tier: Tier,
    /// Days since 1970-01-01, by event time.
    pub day: i32,
    /// When the newest event was received.
    pub received: Timestamp,
    pub events: u64,
    /// On disk; in memory for the hot tier.
    pub bytes: u64,
}

/// How many events of each class had ever been received at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sample {
    at_ns: i64,
    events: BTreeMap<RetentionClass, u64>,
}

/// The samples of the last month: the first of each day, and the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    samples: Vec<Sample>,
}

/// How long each class stays in each tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// Days until it is archived; `None` never is.
    pub archive_days: Option<u32>,
    /// Days until it is deleted; `None` never is.
    pub days: Option<u32>,
}

/// What the play says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forecast {
    /// Events received a day.
    pub events_a_day: u64,
    /// By how much what is on the disk grows in the next day.
    pub bytes_a_day: i64,
    /// When the room is used up; `None` when it is not within five years.
    pub full: Option<Timestamp>,
    /// Over how many seconds the growth was measured.
    pub measured_seconds: u64,
}

impl Growth {
    /// Reads what was measured before; what cannot be read is learned anew.
    pub fn read(store: &Path) -> Growth {
        let bytes = fs::read(store.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes it beside the store.
    ///
    /// # Errors
    /// When the file cannot be written; the old one is there then.
    pub fn write(&self, store: &Path) -> Result<(), StoreError> {
        let (path, temporary) = (store.join(FILE), store.join("growth.json.new"));
        let write = || -> io::Result<()> {
            fs::write(&temporary, serde_json::to_vec(self)?)?;
            fs::rename(&temporary, &path)
        };
        write().map_err(StoreError::io(path.clone()))
    }

    /// Notes how many events of each class have ever been received.
    pub fn note(&mut self, now: Timestamp, events: BTreeMap<RetentionClass, u64>) {
        // A clock that was set back, or a store that was replaced: what was measured before says nothing.
        let is_other = |last: &Sample| {
            last.at_ns > now.0
                || last.events.iter().any(|(class, count)| events.get(class).is_none_or(|now| now < count))
        };
        if self.samples.last().is_some_and(is_other) {
            self.samples.clear();
        }
        let day = |sample: &Sample| Timestamp(sample.at_ns).utc_day();
        // The first of a day stays; behind it only the newest is kept.
        if let [.., before, last] = self.samples.as_slice()
            && day(before) == day(last)
        {
            self.samples.pop();
        }
        self.samples.push(Sample { at_ns: now.0, events });
        let more = self.samples.len().saturating_sub(SAMPLES_MAX);
        self.samples.drain(..more);
    }

    fn measured_ns(&self) -> i64 {
        match self.samples.as_slice() {
            [first, .., last] => last.at_ns.saturating_sub(first.at_ns),
            _ => 0,
        }
    }

    /// Events of a class a day: the median of the days there are, or the mean while there is less than two of them;
    /// `None` before an hour is over.
    fn rate(&self, class: &RetentionClass) -> Option<f64> {
        let count = |sample: &Sample| sample.events.get(class).copied().unwrap_or(0);
        let a_day = |from: &Sample, to: &Sample| {
            count(to).saturating_sub(count(from)) as f64 * DAY_NS as f64 / (to.at_ns - from.at_ns).max(1) as f64
        };
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        let length = last.at_ns - first.at_ns;
        if length < HOUR_NS {
            return None;
        }
        let steps = self.samples.windows(2).filter_map(|pair| match pair {
            [from, to] if to.at_ns - from.at_ns >= DAY_NS / 2 => Some(a_day(from, to)),
            _ => None,
        });
        let mut days: Vec<f64> = steps.collect();
        if days.len() < 2 {
            return Some(a_day(first, last));
        }
        days.sort_by(f64::total_cmp);
        days.get(days.len() / 2).copied()
    }

    /// Plays forward from what there is; `room` is what may still be used. `None` before enough was measured.
    pub fn forecast(
        &self,
        now: Timestamp,
        rows: &[TierRow],
        stay: &dyn Fn(&RetentionClass) -> Stay,
        room: u64,
    ) -> Option<Forecast> {
        let newest = self.samples.last().filter(|_| self.measured_ns() >= HOUR_NS)?;
        let mut classes: Vec<Class<'_>> = Vec::new();
        for class in newest.events.keys() {
            classes.push(Class::of(rows, class, self.rate(class)?, stay(class)));
        }
        let bytes_after = |days: i32| classes.iter().map(|class| class.bytes_after(now, days)).sum::<f64>();
        let today = bytes_after(0);
        let full = (1..=HORIZON_DAYS).find(|days| bytes_after(*days) - today > room as f64);
        let full = full.map(|days| {
            // Within the day as far as the growth of that day goes.
            let (before, after) = (bytes_after(days - 1) - today, bytes_after(days) - today);
            let part = ((room as f64 - before) / (after - before).max(1.0)).clamp(0.0, 1.0);
            now.0.saturating_add(((f64::from(days - 1) + part) * DAY_NS as f64) as i64)
        });
        Some(Forecast {
            events_a_day: classes.iter().map(|class| class.rate).sum::<f64>() as u64,
            bytes_a_day: (bytes_after(1) - today) as i64,
            full: full.map(Timestamp),
            measured_seconds: u64::try_from(self.measured_ns() / NANOS_PER_SECOND).unwrap_or(0),
        })
    }
}

/// One class in the play.
struct Class<'r> {
    rows: Vec<&'r TierRow>,
    rate: f64,
    stay: Stay,
    sealed_bytes: f64,
    archived_bytes: f64,
}

impl<'r> Class<'r> {
    fn of(rows: &'r [TierRow], class: &RetentionClass, rate: f64, stay: Stay) -> Class<'r> {
        let (all, own): (Vec<&TierRow>, Vec<&TierRow>) =
            (rows.iter().collect(), rows.iter().filter(|row| row.class == *class).collect());
        // What the class has not shown yet is taken from the others.
        let each = |tier| bytes_an_event(&own, tier).or_else(|| bytes_an_event(&all, tier));
        let sealed_bytes = each(Tier::Sealed).or_else(|| each(Tier::Hot)).unwrap_or(0.0);
        let archived_bytes = each(Tier::Archive).unwrap_or(sealed_bytes * ARCHIVE_SHARE_GUESSED);
        let rows = own.into_iter().filter(|row| row.tier != Tier::Hot).collect();
        Class { rows, rate, stay, sealed_bytes, archived_bytes }
    }

    /// What it takes on the disk so many days from now.
    fn bytes_after(&self, now: Timestamp, days: i32) -> f64 {
        let today = now.utc_day() + days;
        let is_older = |day: i32, limit: Option<u32>| {
            limit.is_some_and(|limit| i64::from(today) - i64::from(day) > i64::from(limit))
        };
        let there = self.rows.iter().map(|row| {
            if is_older(row.received.utc_day(), self.stay.days) {
                0.0
            } else if row.tier == Tier::Sealed && is_older(row.day, self.stay.archive_days) {
                row.events as f64 * self.archived_bytes
            } else {
                row.bytes as f64
            }
        });
        let days = f64::from(days);
        let kept = self.stay.days.map_or(days, |limit| days.min(f64::from(limit)));
        let sealed = self.stay.archive_days.map_or(kept, |limit| kept.min(f64::from(limit)));
        let comes = self.rate * (sealed * self.sealed_bytes + (kept - sealed) * self.archived_bytes);
        there.sum::<f64>() + comes
    }
}

fn bytes_an_event(rows: &[&TierRow], tier: Tier) -> Option<f64> {
    let of_tier = || rows.iter().filter(|row| row.tier == tier);
    let (events, bytes) = (of_tier().map(|row| row.events).sum::<u64>(), of_tier().map(|row| row.bytes).sum::<u64>());
    (events > 0).then(|| bytes as f64 / events as f64)
}

impl Shared {
    pub(in crate::store) fn tiers(&self) -> Vec<TierRow> {
        let view = self.view();
        let mut rows: BTreeMap<(RetentionClass, Tier, i32), TierRow> = BTreeMap::new();
        let sealed = view
            .sealed
            .iter()
            .map(|piece| (if piece.is_archived() { Tier::Archive } else { Tier::Sealed }, &piece.summary));
        for (tier, summary) in view.hot.iter().map(|piece| (Tier::Hot, &piece.summary)).chain(sealed) {
            let Summary { class, day, events, bytes, newest_ingested_ns, .. } = summary;
            let row = rows.entry((class.clone(), tier, *day)).or_insert_with(|| TierRow {
                class: class.clone(),
                tier,
                day: *day,
                received: Timestamp(*newest_ingested_ns),
                events: 0,
                bytes: 0,
            });
            row.events += events;
            row.bytes += bytes;
            row.received = row.received.max(Timestamp(*newest_ingested_ns));
        }
        rows.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str) -> RetentionClass {
        RetentionClass::new(name)
    }

    fn day(number: i64) -> Timestamp {
        Timestamp(number * DAY_NS)
    }

    fn row(tier: Tier, day_number: i32, events: u64, bytes: u64) -> TierRow {
        TierRow { class: class("a"), tier, day: day_number, received: day(i64::from(day_number)), events, bytes }
    }

    /// A thousand events a day for some days.
    fn steady(days: i64) -> Growth {
        let mut growth = Growth::default();
        for number in 0..=days {
            growth.note(day(number), BTreeMap::from([(class("a"), 1_000 * number as u64)]));
        }
        growth
    }

    fn stay(archive_days: u32, days: u32) -> impl Fn(&RetentionClass) -> Stay {
        move |_| Stay { archive_days: Some(archive_days), days: Some(days) }
    }

    #[test]
    fn a_disk_that_fills_is_told_with_its_day() {
        let rows = [row(Tier::Sealed, 9, 1_000, 100_000), row(Tier::Archive, 1, 1_000, 10_000)];
        // Two days sealed at 100 bytes, then 10: two days of 100,000, then 10,000 a day, but for what is archived.
        let forecast = steady(10).forecast(day(10), &rows, &stay(2, 1_000), 500_000).expect("measured");
        assert_eq!((forecast.events_a_day, forecast.measured_seconds), (1_000, 864_000));
        assert_eq!(forecast.bytes_a_day, 100_000);
        let full = forecast.full.expect("it will be full").utc_day();
        // 200,000 for two sealed days, the row of day 9 shrinks by 90,000, and 39 days of 10,000 are left.
        assert!((48..=52).contains(&full), "{full}");
    }

    #[test]
    fn a_store_that_deletes_as_much_as_comes_is_never_full() {
        let rows = [row(Tier::Archive, 1, 10_000, 100_000), row(Tier::Sealed, 9, 1_000, 100_000)];
        let forecast = steady(10).forecast(day(10), &rows, &stay(2, 30), 4_000_000).expect("measured");
        assert_eq!(forecast.full, None);
        let tight = steady(10).forecast(day(10), &rows, &stay(2, 30), 1_000).expect("measured");
        assert_eq!(tight.full.expect("at once").utc_day(), 10);
    }

    #[test]
    fn one_day_of_imported_history_is_no_growth() {
        let mut growth = Growth::default();
        for number in 0..10_u64 {
            let imported = if number >= 5 { 50_000_000 } else { 0 };
            growth.note(day(number as i64), BTreeMap::from([(class("a"), 1_000 * number + imported)]));
        }
        let rows = [row(Tier::Sealed, 9, 1_000, 100_000)];
        assert_eq!(growth.forecast(day(9), &rows, &stay(2, 30), 1).expect("measured").events_a_day, 1_000);
    }

    #[test]
    fn an_hour_is_waited_for_and_a_clock_set_back_begins_anew() {
        let mut growth = Growth::default();
        let events = |count| BTreeMap::from([(class("a"), count)]);
        growth.note(Timestamp(0), events(0));
        growth.note(Timestamp(HOUR_NS - 1), events(50));
        assert_eq!(growth.forecast(Timestamp(HOUR_NS), &[], &stay(2, 30), 1), None);
        growth.note(Timestamp(2 * HOUR_NS), events(100));
        let forecast = growth.forecast(Timestamp(2 * HOUR_NS), &[], &stay(2, 30), 1).expect("two hours");
        assert_eq!(forecast.events_a_day, 1_200);
        growth.note(Timestamp(HOUR_NS), events(100));
        assert_eq!(growth.samples.len(), 1);
        growth.note(Timestamp(2 * HOUR_NS), events(3));
        assert_eq!(growth.samples.len(), 1, "another store");
    }

    #[test]
    fn what_was_measured_is_read_again_and_damage_is_no_trouble() {
        let folder = tempfile::tempdir().expect("folder");
        let growth = steady(60);
        assert_eq!(growth.samples.len(), SAMPLES_MAX);
        growth.write(folder.path()).expect("written");
        assert_eq!(Growth::read(folder.path()), growth);
        fs::write(folder.path().join(FILE), b"{").expect("damaged");
        assert_eq!(Growth::read(folder.path()), Growth::default());
    }
}
