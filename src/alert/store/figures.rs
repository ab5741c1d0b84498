//! The figures of a period: how much was raised, how soon somebody looked, how soon it was decided, and how it fell out.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::params;

use crate::alert::AlertReader;
use crate::alert::AlertStatus;
use crate::alert::AlertStore;
use crate::alert::Disposition;
use crate::alert::StoreError;
use crate::alert::store::from_sql;
use crate::model::RuleLevel;
use crate::model::Timestamp;

const LEVELS: usize = RuleLevel::ALL.len();
/// Rules and analysts told, the busiest first.
const TOP_MAX: usize = 20;

/// What happened to the alerts that came up in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriageFigures {
    pub since: Timestamp,
    /// The first instant after the period.
    pub until: Timestamp,
    /// Lowest level first, as [`RuleLevel::ALL`].
    pub levels: [LevelFigures; LEVELS],
    /// Days of UTC on which alerts came up, oldest first: days since 1970 and the alerts of each level.
    pub days: Vec<(i32, [u64; LEVELS])>,
    /// As [`Disposition::ALL`].
    pub dispositions: [u64; Disposition::ALL.len()],
    pub rules: Vec<RuleFigures>,
    pub analysts: Vec<AnalystFigures>,
}

/// The alerts of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LevelFigures {
    pub raised: u64,
    /// Of those: not yet taken, escalated or closed.
    pub untouched: u64,
    pub closed: u64,
    /// From coming up to the first who took, escalated or closed it.
    pub to_acknowledge: Option<Spread>,
    /// From coming up to closed.
    pub to_resolve: Option<Spread>,
}

/// The middle and the slow end of some durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    pub mean: Duration,
    pub median: Duration,
    pub p90: Duration,
}

/// The alerts of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFigures {
    pub rule_id: String,
    pub title: String,
    pub title_vi: Option<String>,
    pub raised: u64,
    pub true_positives: u64,
    /// Closed as false or as benign positives.
    pub false_positives: u64,
}

/// What one person did in the period, to alerts of any age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalystFigures {
    pub name: String,
    pub taken: u64,
    pub escalated: u64,
    pub closed: u64,
}

impl AlertStore {
    /// Returns the figures of a period; the work grows with the alerts that came up in it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn figures(&self, since: Timestamp, until: Timestamp) -> Result<TriageFigures, StoreError> {
        self.read(|connection| figures(connection, since, until))
    }
}

impl AlertReader {
    /// Returns the figures of a period, as [`AlertStore::figures`].
    ///
    /// # Errors
    /// When the database fails.
    pub fn figures(&mut self, since: Timestamp, until: Timestamp) -> Result<TriageFigures, StoreError> {
        self.read(|connection| figures(connection, since, until))
    }
}

#[derive(Default)]
struct Sums {
    levels: [LevelFigures; LEVELS],
    acknowledged: [Vec<Duration>; LEVELS],
    resolved: [Vec<Duration>; LEVELS],
    days: BTreeMap<i32, [u64; LEVELS]>,
    dispositions: [u64; Disposition::ALL.len()],
}

struct Seen {
    level: usize,
    status: i64,
    disposition: Option<usize>,
    raised: Timestamp,
    touched: Option<Timestamp>,
    closed: Option<Timestamp>,
}

impl Sums {
    fn add(&mut self, seen: &Seen) {
        let Some(level) = self.levels.get_mut(seen.level) else { return };
        level.raised += 1;
        level.untouched += u64::from(seen.status == AlertStatus::New as i64 && seen.touched.is_none());
        level.closed += u64::from(seen.status == AlertStatus::Closed as i64);
        if let (Some(touched), Some(durations)) = (seen.touched, self.acknowledged.get_mut(seen.level)) {
            durations.push(touched.since(seen.raised));
        }
        if let (Some(closed), Some(durations)) = (seen.closed, self.resolved.get_mut(seen.level)) {
            durations.push(closed.since(seen.raised));
        }
        if let Some(count) = self.days.entry(seen.raised.utc_day()).or_default().get_mut(seen.level) {
            *count += 1;
        }
        if let Some(count) = seen.disposition.and_then(|place| self.dispositions.get_mut(place)) {
            *count += 1;
        }
    }
}

fn figures(connection: &Connection, since: Timestamp, until: Timestamp) -> Result<TriageFigures, StoreError> {
    let mut sums = Sums::default();
    let mut statement = connection.prepare_cached(
        "SELECT level, status, disposition, raised, (SELECT min(at) FROM alert_history \
         WHERE alert_id = alerts.id AND action IN ('taken', 'escalated', 'closed')), closed \
         FROM alerts WHERE raised >= ?1 AND raised < ?2",
    )?;
    let mut rows = statement.query(params![since.0, until.0])?;
    while let Some(row) = rows.next()? {
        let time = |value: Option<i64>| value.map(Timestamp);
        sums.add(&Seen {
            level: usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX),
            status: row.get(1)?,
            disposition: row.get::<_, Option<i64>>(2)?.and_then(|place| usize::try_from(place).ok()),
            raised: Timestamp(row.get(3)?),
            touched: time(row.get(4)?),
            closed: time(row.get(5)?),
        });
    }
    let mut levels = sums.levels;
    for (level, (acknowledged, resolved)) in levels.iter_mut().zip(sums.acknowledged.into_iter().zip(sums.resolved)) {
        level.to_acknowledge = spread(acknowledged);
        level.to_resolve = spread(resolved);
    }
    Ok(TriageFigures {
        since,
        until,
        levels,
        days: sums.days.into_iter().collect(),
        dispositions: sums.dispositions,
        rules: rules(connection, since, until)?,
        analysts: analysts(connection, since, until)?,
    })
}

fn spread(mut durations: Vec<Duration>) -> Option<Spread> {
    let last = durations.len().checked_sub(1)?;
    durations.sort_unstable();
    let count = u32::try_from(durations.len()).unwrap_or(u32::MAX);
    let at = |per_cent: usize| durations.get(last * per_cent / 100).copied().unwrap_or_default();
    Some(Spread { mean: durations.iter().sum::<Duration>() / count, median: at(50), p90: at(90) })
}

fn rules(connection: &Connection, since: Timestamp, until: Timestamp) -> Result<Vec<RuleFigures>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT rule_id, max(title), max(title_vi), count(*), total(disposition = ?3), \
         total(disposition IN (?4, ?5)) FROM alerts WHERE raised >= ?1 AND raised < ?2 \
         GROUP BY rule_id ORDER BY count(*) DESC, rule_id LIMIT ?6",
    )?;
    let codes = [Disposition::TruePositive, Disposition::FalsePositive, Disposition::BenignPositive]
        .map(|disposition| disposition as i64);
    let bounds = params![since.0, until.0, codes[0], codes[1], codes[2], TOP_MAX as i64];
    let rows = statement.query_map(bounds, |row| {
        Ok(RuleFigures {
            rule_id: row.get(0)?,
            title: row.get(1)?,
            title_vi: row.get(2)?,
            raised: from_sql(row.get(3)?),
            true_positives: row.get::<_, f64>(4)? as u64,
            false_positives: row.get::<_, f64>(5)? as u64,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn analysts(connection: &Connection, since: Timestamp, until: Timestamp) -> Result<Vec<AnalystFigures>, StoreError> {
    // What the engine itself notes has no name among people: it raises, and raising is none of these.
    let mut statement = connection.prepare_cached(
        "SELECT who, total(action = 'taken'), total(action = 'escalated'), total(action = 'closed') \
         FROM alert_history WHERE at >= ?1 AND at < ?2 AND action IN ('taken', 'escalated', 'closed') \
         GROUP BY who ORDER BY count(*) DESC, who LIMIT ?3",
    )?;
    let rows = statement.query_map(params![since.0, until.0, TOP_MAX as i64], |row| {
        let count = |place| Ok::<u64, rusqlite::Error>(row.get::<_, f64>(place)? as u64);
        Ok(AnalystFigures { name: row.get(0)?, taken: count(1)?, escalated: count(2)?, closed: count(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests;
