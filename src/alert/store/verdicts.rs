//! How analysts judged the alerts of a rule, or about an entity: what noise and precision are worked out from.

use hashbrown::HashMap;
use hashbrown::HashSet;
use rusqlite::Connection;
use rusqlite::Row;
use rusqlite::params;

use crate::alert::AlertReader;
use crate::alert::AlertStore;
use crate::alert::Disposition;
use crate::alert::StoreError;
use crate::alert::store::from_sql;
use crate::alert::store::to_sql;
use crate::model::EventId;
use crate::model::Timestamp;

/// Counts of alerts by how they were closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verdicts {
    pub true_positive: u64,
    pub false_positive: u64,
    pub benign_positive: u64,
    /// Duplicates and tests.
    pub other: u64,
    pub open: u64,
    /// Detections in all of them.
    pub detections: u64,
}

impl Verdicts {
    /// Adds the counts of others.
    pub fn add(&mut self, other: Verdicts) {
        self.true_positive += other.true_positive;
        self.false_positive += other.false_positive;
        self.benign_positive += other.benign_positive;
        self.other += other.other;
        self.open += other.open;
        self.detections += other.detections;
    }

    /// Takes a group of rows: disposition (or none while it is open), alerts, detections.
    fn take(&mut self, disposition: Option<i64>, alerts: u64, detections: u64) {
        let known = disposition.and_then(|code| usize::try_from(code).ok()).and_then(|code| Disposition::ALL.get(code));
        let place = match known {
            None => &mut self.open,
            Some(Disposition::TruePositive) => &mut self.true_positive,
            Some(Disposition::FalsePositive) => &mut self.false_positive,
            Some(Disposition::BenignPositive) => &mut self.benign_positive,
            Some(Disposition::Duplicate | Disposition::Test) => &mut self.other,
        };
        *place += alerts;
        self.detections += detections;
    }
}

/// Alerts told apart for one entity; who has more is known well enough.
const ENTITY_ALERTS_MAX: u32 = 10_000;

fn group(row: &Row<'_>, from: usize) -> rusqlite::Result<(Option<i64>, u64, u64)> {
    Ok((row.get(from)?, from_sql(row.get(from + 1)?), from_sql(row.get(from + 2)?)))
}

fn by_rule(connection: &Connection, since: Timestamp) -> Result<HashMap<String, Verdicts>, StoreError> {
    let sql = "SELECT rule_id, CASE WHEN status = 3 THEN disposition END, count(*), sum(count) FROM alerts \
               WHERE last >= ?1 GROUP BY 1, 2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([since.0], |row| Ok((row.get::<_, String>(0)?, group(row, 1)?)))?;
    let mut found: HashMap<String, Verdicts> = HashMap::new();
    for read in rows {
        let (rule, (disposition, alerts, detections)) = read?;
        found.entry(rule).or_default().take(disposition, alerts, detections);
    }
    Ok(found)
}

fn of_entity(connection: &Connection, field: &str, value: &str) -> Result<Verdicts, StoreError> {
    let sql = "SELECT disposition, count(*), sum(count) FROM (SELECT CASE WHEN status = 3 THEN disposition END AS \
               disposition, count FROM alerts INDEXED BY alerts_entity WHERE entity = ?1 AND entity_field = ?2 LIMIT ?3) \
               GROUP BY 1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![value, field, ENTITY_ALERTS_MAX], |row| group(row, 0))?;
    let mut verdicts = Verdicts::default();
    for read in rows {
        let (disposition, alerts, detections) = read?;
        verdicts.take(disposition, alerts, detections);
    }
    Ok(verdicts)
}

/// Events looked up one by one; what is hidden beyond them changes the answer no more.
const EVENTS_ASKED: usize = 5_000;

fn of_events(connection: &Connection, rule: &str, events: &[EventId]) -> Result<Verdicts, StoreError> {
    let sql = "SELECT a.id, CASE WHEN a.status = 3 THEN a.disposition END, 1, a.count FROM alerts a \
               JOIN alert_events e ON a.id = e.alert_id WHERE a.rule_id = ?1 AND e.event_id = ?2 LIMIT 10";
    let mut statement = connection.prepare_cached(sql)?;
    let mut seen = HashSet::new();
    let mut verdicts = Verdicts::default();
    for event in events.iter().rev().take(EVENTS_ASKED) {
        let rows =
            statement.query_map(params![rule, to_sql(event.0)], |row| Ok((row.get::<_, i64>(0)?, group(row, 1)?)))?;
        for read in rows {
            let (alert, (disposition, alerts, detections)) = read?;
            if seen.insert(alert) {
                verdicts.take(disposition, alerts, detections);
            }
        }
    }
    Ok(verdicts)
}

impl AlertStore {
    /// Returns the verdicts on the alerts of a rule that events are part of.
    ///
    /// # Errors
    /// When the database fails.
    pub fn verdicts_of_events(&self, rule: &str, events: &[EventId]) -> Result<Verdicts, StoreError> {
        self.read(|connection| of_events(connection, rule, events))
    }

    /// Returns the verdicts on every rule's alerts whose last detection is not before `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn verdicts_by_rule(&self, since: Timestamp) -> Result<HashMap<String, Verdicts>, StoreError> {
        self.read(|connection| by_rule(connection, since))
    }

    /// Returns the verdicts on the alerts about an entity, whatever the rule.
    ///
    /// # Errors
    /// When the database fails.
    pub fn verdicts_of_entity(&self, field: &str, value: &str) -> Result<Verdicts, StoreError> {
        self.read(|connection| of_entity(connection, field, value))
    }
}

impl AlertReader {
    /// As [`AlertStore::verdicts_by_rule`].
    ///
    /// # Errors
    /// When the database fails.
    pub fn verdicts_by_rule(&mut self, since: Timestamp) -> Result<HashMap<String, Verdicts>, StoreError> {
        self.read(|connection| by_rule(connection, since))
    }

    /// As [`AlertStore::verdicts_of_entity`].
    ///
    /// # Errors
    /// When the database fails.
    pub fn verdicts_of_entity(&mut self, field: &str, value: &str) -> Result<Verdicts, StoreError> {
        self.read(|connection| of_entity(connection, field, value))
    }
}
