//! Incidents in SQLite, in the alerts' file: an escalation is one transaction over both.

mod cases;
mod clocks;
pub mod evidence;

pub use clocks::RunningClock;

use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::Row;
use rusqlite::params;

use crate::alert::Action;
use crate::alert::Actor;
use crate::alert::AlertReader;
use crate::alert::AlertRecord;
use crate::alert::AlertStatus;
use crate::alert::AlertStore;
use crate::alert::Disposition;
use crate::alert::Entity;
use crate::alert::HistoryEntry;
use crate::alert::IncidentId;
use crate::alert::Refusal;
use crate::alert::StoreError;
use crate::alert::store::Change;
use crate::alert::store::act;
use crate::alert::store::from_sql;
use crate::alert::store::members;
use crate::alert::store::to_sql;
use crate::incident::ClockRule;
use crate::incident::Forms;
use crate::incident::IncidentAction;
use crate::incident::IncidentPhase;
use crate::incident::IncidentRefusal;
use crate::incident::phase::IncidentState;
use crate::model::AlertId;
use crate::model::RuleLevel;
use crate::model::Timestamp;

/// Alerts one escalation may take along, and the most an incident shows.
pub const ALERTS_MAX: u32 = 1_000;
/// The latest lines of the timeline told.
const TIMELINE_MAX: i64 = 1_000;
const ENTITIES_MAX: usize = 100;
const TITLE_BYTES_MAX: usize = 512;
const ROWS_MAX: u32 = 2_000;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IncidentError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Refused(#[from] IncidentRefusal),
    #[error("no such incident `{0}`")]
    NoSuchIncident(IncidentId),
    #[error("{wanted} alerts at once are more than {ALERTS_MAX}")]
    TooMany { wanted: usize },
}

impl From<rusqlite::Error> for IncidentError {
    fn from(err: rusqlite::Error) -> IncidentError {
        IncidentError::Store(StoreError::Sqlite(err))
    }
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRecord {
    pub id: IncidentId,
    pub title: String,
    /// The highest level among its alerts when they joined.
    pub level: RuleLevel,
    pub phase: IncidentPhase,
    pub owner: Option<String>,
    /// When it was declared: from then on it is known, and the clocks run.
    pub known: Timestamp,
    pub alerts: u64,
    /// The next deadline that is not met; none once it is closed.
    pub next_due: Option<Timestamp>,
    pub revision: u64,
}

/// A window of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentWindow {
    pub rows: Vec<IncidentRecord>,
    pub total: u64,
}

/// A deadline of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentClock {
    pub name: String,
    pub due: Timestamp,
    /// When it was met, or found not to apply.
    pub met: Option<Timestamp>,
    /// Why it does not apply.
    pub waived: Option<String>,
}

/// Everything about one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentDetail {
    pub row: IncidentRecord,
    /// Oldest first; [`ALERTS_MAX`] at most.
    pub alerts: Vec<AlertRecord>,
    pub entities: Vec<Entity>,
    /// Oldest first.
    pub timeline: Vec<HistoryEntry>,
    pub clocks: Vec<IncidentClock>,
    pub tasks: Vec<IncidentTask>,
    pub observables: Vec<IncidentObservable>,
    pub evidence: Vec<IncidentEvidence>,
    /// Where all of it went.
    pub merged_into: Option<IncidentId>,
}

/// Something to be done in an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentTask {
    /// From 1.
    pub place: u32,
    pub text: String,
    pub added_by: String,
    /// When and by whom it was done, if it was.
    pub done: Option<(Timestamp, String)>,
}

/// Something an analyst noted down as seen in an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentObservable {
    pub kind: String,
    pub value: String,
    pub note: Option<String>,
    pub added: Timestamp,
    pub added_by: String,
}

/// A bundle attached to an incident, without the bundle itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentEvidence {
    /// From 1.
    pub place: u32,
    pub query: String,
    pub note: Option<String>,
    pub events: u64,
    /// SHA-256 of the bundle, hexadecimal.
    pub digest: String,
    pub bytes: u64,
    pub added: Timestamp,
    pub added_by: String,
}

/// What is escalated, and into what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Escalation {
    pub alerts: Vec<AlertId>,
    /// The incident to join; a new one is declared when absent.
    pub incident: Option<IncidentId>,
    /// The title of a new incident; made from the first alert when absent.
    pub title: Option<String>,
    pub note: Option<String>,
    /// The revision the decision was made on.
    pub seen: Option<u64>,
}

/// What became of an escalation.
#[derive(Debug)]
pub struct Escalated {
    pub incident: IncidentId,
    pub done: Vec<AlertId>,
    /// Alerts left alone, with the reason.
    pub refused: Vec<(AlertId, StoreError)>,
}

/// The incidents of one data folder.
#[derive(Debug, Clone)]
pub struct IncidentStore {
    store: Arc<AlertStore>,
    forms: Arc<Forms>,
}

impl IncidentStore {
    /// Works on the alerts' file; new incidents get the deadlines of the forms.
    pub fn new(store: Arc<AlertStore>, forms: Arc<Forms>) -> IncidentStore {
        IncidentStore { store, forms }
    }

    /// Returns the alerts the incidents are made of.
    pub(super) fn alerts(&self) -> &AlertStore {
        &self.store
    }

    /// Returns the forms reports are made by.
    pub fn forms(&self) -> &Forms {
        &self.forms
    }

    /// Declares an incident from alerts, or lets them join one.
    ///
    /// # Errors
    /// When not a single alert could be escalated (the first refusal is told, and no incident is declared), the
    /// incident is closed or missing, or the database fails.
    pub fn escalate(&self, escalation: &Escalation, who: &Actor) -> Result<Escalated, IncidentError> {
        if escalation.alerts.len() > ALERTS_MAX as usize {
            return Err(IncidentError::TooMany { wanted: escalation.alerts.len() });
        }
        self.store.change(|change| {
            let incident = match escalation.incident {
                Some(incident) => joinable(change, incident)?,
                None => declare(change, escalation, who, self.forms.clocks())?,
            };
            let action = Action::Escalate { incident, note: escalation.note.clone() };
            let mut escalated = Escalated { incident, done: Vec::new(), refused: Vec::new() };
            for alert in &escalation.alerts {
                match act(change, *alert, &action, who, escalation.seen) {
                    Ok(()) => escalated.done.push(*alert),
                    Err(err @ (StoreError::Refused(_) | StoreError::NoSuchAlert(_))) => {
                        escalated.refused.push((*alert, err));
                    }
                    Err(err) => return Err(err.into()),
                }
            }
            if escalated.done.is_empty() {
                let first = escalated.refused.into_iter().next().map(|(_, err)| err);
                return Err(first.unwrap_or(StoreError::NoSuchAlert(AlertId(0))).into());
            }
            let listed: Vec<String> = escalated.done.iter().take(20).map(AlertId::to_string).collect();
            let more = escalated.done.len().saturating_sub(listed.len());
            let text = if more == 0 { listed.join(", ") } else { format!("{} (+{more})", listed.join(", ")) };
            remember(change, incident, &who.name, "joined", Some(&text))?;
            let level: i64 = change.transaction.query_row(
                "SELECT max(level) FROM alerts WHERE incident = ?1",
                [to_sql(incident.0)],
                |row| row.get(0),
            )?;
            let revision = change.next_revision();
            change.transaction.execute(
                "UPDATE incidents SET level = max(level, ?2), revision = ?3 WHERE id = ?1",
                params![to_sql(incident.0), level, to_sql(revision)],
            )?;
            Ok(escalated)
        })
    }

    /// Does one action on one incident. Closing it closes the alerts that are still escalated, as true positives:
    /// those that turned out otherwise are closed by themselves before.
    ///
    /// # Errors
    /// When there is no such incident, the action is refused, or the database fails.
    pub fn act(&self, id: IncidentId, action: &IncidentAction, who: &Actor) -> Result<IncidentRecord, IncidentError> {
        self.store.change(|change| {
            let state = state(&change.transaction, id)?;
            let applied = state.apply(action, who)?;
            cases::keep(change, id, action, who)?;
            if let Some((word, text)) = &applied.record {
                let revision = change.next_revision();
                let is_closed = applied.state.phase == IncidentPhase::Closed;
                change.transaction.execute(
                    "UPDATE incidents SET phase = ?2, owner = ?3, closed = ?4, revision = ?5 WHERE id = ?1",
                    params![
                        to_sql(id.0),
                        applied.state.phase as i64,
                        applied.state.owner,
                        is_closed.then_some(change.now.0),
                        to_sql(revision),
                    ],
                )?;
                remember(change, id, &who.name, word, text.as_deref())?;
                let is_merged = matches!(action, IncidentAction::MergeInto { .. });
                if is_closed && !is_merged && state.phase != IncidentPhase::Closed {
                    close_alerts(change, id, who)?;
                }
            }
            record(&change.transaction, id)
        })
    }

    /// Returns a window of the list: what is open first, then the newest.
    ///
    /// # Errors
    /// When the database fails.
    pub fn window(&self, is_open_only: bool, offset: u64, limit: u32) -> Result<IncidentWindow, IncidentError> {
        self.store.read(|connection| window(connection, is_open_only, offset, limit))
    }

    /// Returns what a shift leaves to the next: incidents that are open, and closed ones with a deadline not met.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn unfinished(&self, limit: u32) -> Result<Vec<IncidentRecord>, IncidentError> {
        let sql = format!(
            "SELECT {COLUMNS} AS next_due FROM incidents WHERE phase < 5 OR next_due IS NOT NULL \
             ORDER BY phase = 5, level DESC, id DESC LIMIT ?1"
        );
        self.store.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([limit], read_record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns one row.
    ///
    /// # Errors
    /// When there is no such incident, or the database fails.
    pub fn row(&self, id: IncidentId) -> Result<IncidentRecord, IncidentError> {
        self.store.read(|connection| record(connection, id))
    }

    /// Returns everything about one incident.
    ///
    /// # Errors
    /// When there is no such incident, or the database fails.
    pub fn detail(&self, id: IncidentId) -> Result<IncidentDetail, IncidentError> {
        self.store.read(|connection| detail(connection, id))
    }
}

/// Returns a window of the list from a file no server has open.
///
/// # Errors
/// When the database fails.
pub fn read_window(
    reader: &mut AlertReader,
    is_open_only: bool,
    offset: u64,
    limit: u32,
) -> Result<IncidentWindow, IncidentError> {
    reader.read(|connection| window(connection, is_open_only, offset, limit))
}

/// Returns everything about one incident from a file no server has open.
///
/// # Errors
/// When there is no such incident, or the database fails.
pub fn read_detail(reader: &mut AlertReader, id: IncidentId) -> Result<IncidentDetail, IncidentError> {
    reader.read(|connection| detail(connection, id))
}

fn joinable(change: &Change<'_>, incident: IncidentId) -> Result<IncidentId, IncidentError> {
    match state(&change.transaction, incident)?.phase {
        IncidentPhase::Closed => Err(IncidentRefusal::Closed.into()),
        _ => Ok(incident),
    }
}

fn declare(
    change: &mut Change<'_>,
    escalation: &Escalation,
    who: &Actor,
    clocks: &[ClockRule],
) -> Result<IncidentId, IncidentError> {
    let first = escalation.alerts.first().copied().unwrap_or(AlertId(0));
    let found = change.transaction.query_row(
        "SELECT title, entity, level FROM alerts WHERE id = ?1",
        [to_sql(first.0)],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?)),
    );
    let (alert_title, entity, level) = found.optional()?.ok_or(StoreError::NoSuchAlert(first))?;
    let given = escalation.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    let title = given.map_or_else(|| format!("{alert_title}: {entity}"), str::to_owned);
    let title = crate::alert::detection::cut(&title, TITLE_BYTES_MAX);
    let revision = change.next_revision();
    change.transaction.execute(
        "INSERT INTO incidents (title, level, phase, owner, known, declared, revision) \
         VALUES (?1, ?2, 0, ?3, ?4, ?4, ?5)",
        params![title, level, who.name, change.now.0, to_sql(revision)],
    )?;
    let id = IncidentId(from_sql(change.transaction.last_insert_rowid()));
    for (place, clock) in (0_i64..).zip(clocks) {
        change.transaction.execute(
            "INSERT INTO incident_clocks (incident_id, place, name, due) VALUES (?1, ?2, ?3, ?4)",
            params![to_sql(id.0), place, clock.name, change.now.plus(clock.duration()).0],
        )?;
    }
    remember(change, id, &who.name, "declared", escalation.note.as_deref())?;
    Ok(id)
}

fn close_alerts(change: &mut Change<'_>, id: IncidentId, who: &Actor) -> Result<(), IncidentError> {
    let escalated = AlertStatus::Escalated as i64;
    let ids: Vec<i64> = {
        let mut statement =
            change.transaction.prepare_cached("SELECT id FROM alerts WHERE incident = ?1 AND status = ?2")?;
        let rows = statement.query_map(params![to_sql(id.0), escalated], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    // The incident's owner decides for all of it, whoever holds the single alert.
    let who = Actor { name: who.name.clone(), may_override: true };
    let action = Action::Close { disposition: Disposition::TruePositive, note: Some(format!("{id} closed")) };
    for alert in ids {
        match act(change, AlertId(from_sql(alert)), &action, &who, None) {
            Ok(()) | Err(StoreError::Refused(Refusal::Closed)) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Ok(())
}

fn remember(
    change: &Change<'_>,
    id: IncidentId,
    who: &str,
    action: &str,
    text: Option<&str>,
) -> Result<(), IncidentError> {
    change
        .transaction
        .prepare_cached(
            "INSERT INTO incident_history (incident_id, at, who, action, text) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![to_sql(id.0), change.now.0, who, action, text])?;
    Ok(())
}

fn phase(code: i64) -> IncidentPhase {
    let found = usize::try_from(code).ok().and_then(|code| IncidentPhase::ALL.get(code)).copied();
    found.unwrap_or(IncidentPhase::Detect)
}

fn state(connection: &Connection, id: IncidentId) -> Result<IncidentState, IncidentError> {
    let mut statement = connection.prepare_cached("SELECT phase, owner FROM incidents WHERE id = ?1")?;
    let found =
        statement.query_row([to_sql(id.0)], |row| Ok(IncidentState { phase: phase(row.get(0)?), owner: row.get(1)? }));
    found.optional()?.ok_or(IncidentError::NoSuchIncident(id))
}

const COLUMNS: &str = "id, title, level, phase, owner, known, revision, \
     (SELECT count(*) FROM alerts WHERE alerts.incident = incidents.id), \
     (SELECT min(due) FROM incident_clocks WHERE incident_id = incidents.id AND met IS NULL AND incidents.merged_into IS NULL)";

fn read_record(row: &Row<'_>) -> rusqlite::Result<IncidentRecord> {
    let level: i64 = row.get(2)?;
    let level = usize::try_from(level).ok().and_then(|code| RuleLevel::ALL.get(code)).copied();
    Ok(IncidentRecord {
        id: IncidentId(from_sql(row.get(0)?)),
        title: row.get(1)?,
        level: level.unwrap_or(RuleLevel::Critical),
        phase: phase(row.get(3)?),
        owner: row.get(4)?,
        known: Timestamp(row.get(5)?),
        revision: from_sql(row.get(6)?),
        alerts: from_sql(row.get(7)?),
        next_due: row.get::<_, Option<i64>>(8)?.map(Timestamp),
    })
}

fn record(connection: &Connection, id: IncidentId) -> Result<IncidentRecord, IncidentError> {
    let sql = format!("SELECT {COLUMNS} FROM incidents WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row([to_sql(id.0)], read_record);
    found.optional()?.ok_or(IncidentError::NoSuchIncident(id))
}

fn window(
    connection: &Connection,
    is_open_only: bool,
    offset: u64,
    limit: u32,
) -> Result<IncidentWindow, IncidentError> {
    let filter = if is_open_only { "WHERE phase < 5" } else { "" };
    let total: i64 = connection.query_row(&format!("SELECT count(*) FROM incidents {filter}"), [], |row| row.get(0))?;
    let sql =
        format!("SELECT {COLUMNS} FROM incidents {filter} ORDER BY phase = 5, level DESC, id DESC LIMIT ?1 OFFSET ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![limit.min(ROWS_MAX), to_sql(offset)], read_record)?;
    Ok(IncidentWindow { rows: rows.collect::<Result<_, _>>()?, total: from_sql(total) })
}

fn detail(connection: &Connection, id: IncidentId) -> Result<IncidentDetail, IncidentError> {
    Ok(IncidentDetail {
        row: record(connection, id)?,
        alerts: members(connection, id, ALERTS_MAX)?,
        entities: entities(connection, id)?,
        timeline: timeline(connection, id)?,
        clocks: clocks::read(connection, id)?,
        tasks: cases::tasks(connection, id)?,
        observables: cases::observables(connection, id)?,
        evidence: evidence::read(connection, id)?,
        merged_into: cases::merged_into(connection, id)?,
    })
}

fn entities(connection: &Connection, id: IncidentId) -> Result<Vec<Entity>, IncidentError> {
    let mut statement = connection.prepare_cached(
        "SELECT entities FROM alert_details JOIN alerts ON alerts.id = alert_id WHERE incident = ?1 ORDER BY alert_id",
    )?;
    let rows = statement.query_map([to_sql(id.0)], |row| row.get::<_, String>(0))?;
    let mut found: Vec<Entity> = Vec::new();
    for text in rows {
        let of_alert: Vec<Entity> = serde_json::from_str(&text?).unwrap_or_default();
        for entity in of_alert {
            if found.len() < ENTITIES_MAX && !found.contains(&entity) {
                found.push(entity);
            }
        }
    }
    Ok(found)
}

fn timeline(connection: &Connection, id: IncidentId) -> Result<Vec<HistoryEntry>, IncidentError> {
    let mut statement = connection.prepare_cached(
        "SELECT at, who, action, text FROM incident_history WHERE incident_id = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![to_sql(id.0), TIMELINE_MAX], |row| {
        Ok(HistoryEntry { at: Timestamp(row.get(0)?), who: row.get(1)?, action: row.get(2)?, text: row.get(3)? })
    })?;
    let mut entries: Vec<HistoryEntry> = rows.collect::<Result<_, _>>()?;
    entries.reverse();
    Ok(entries)
}

#[cfg(test)]
mod tests;
