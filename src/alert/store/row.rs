//! How an alert becomes a row and a row an alert.

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::Row;
use rusqlite::params;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::alert::AlertRecord;
use crate::alert::AlertStatus;
use crate::alert::Criticality;
use crate::alert::Disposition;
use crate::alert::IncidentId;
use crate::alert::StoreError;
use crate::alert::state::Alert;
use crate::alert::state::Record;
use crate::alert::state::State;
use crate::alert::store::from_sql;
use crate::alert::store::to_sql;
use crate::model::AlertId;
use crate::model::RuleLevel;
use crate::model::Timestamp;

/// The columns of a record, in the order [`record`] reads them.
pub(super) const COLUMNS: &str = "id, rule_id, title, title_vi, level, risk, status, owner, disposition, closed, \
     closing_note, incident, entity, entity_field, host, count, first, last, raised, revision, decided, born, tags";

/// Reads a record; its events are added by the caller.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<AlertRecord> {
    Ok(AlertRecord {
        id: AlertId(from_sql(row.get(0)?)),
        rule_id: row.get(1)?,
        title: row.get(2)?,
        title_vi: row.get(3)?,
        level: level(row.get(4)?),
        risk: u8::try_from(row.get::<_, i64>(5)?).unwrap_or(0),
        state: state(row, 6)?,
        entity: row.get(12)?,
        entity_field: row.get(13)?,
        host: row.get(14)?,
        count: from_sql(row.get(15)?),
        first: Timestamp(row.get(16)?),
        last: Timestamp(row.get(17)?),
        raised: Timestamp(row.get(18)?),
        revision: from_sql(row.get(19)?),
        decided: from_sql(row.get(20)?),
        born: from_sql(row.get(21)?),
        tags: from_json_text(&row.get::<_, String>(22)?),
        events: Vec::new(),
    })
}

/// The columns of the state, in the order [`state`] reads them.
pub(super) const STATE_COLUMNS: &str = "status, owner, disposition, closed, closing_note, incident";

/// Reads the state from six columns starting at `from`.
pub(super) fn state(row: &Row<'_>, from: usize) -> rusqlite::Result<State> {
    let disposition: Option<i64> = row.get(from + 2)?;
    let incident: Option<i64> = row.get(from + 5)?;
    Ok(State {
        status: by_code(&AlertStatus::ALL, row.get(from)?).unwrap_or(AlertStatus::New),
        owner: row.get(from + 1)?,
        disposition: disposition.and_then(|code| by_code(&Disposition::ALL, code)),
        closed: row.get(from + 3)?,
        closing_note: row.get(from + 4)?,
        incident: incident.map(|id| IncidentId(from_sql(id))),
    })
}

/// Reads what the state machine needs, and the revision of the last decision.
pub(super) fn machine(connection: &Connection, id: AlertId) -> Result<Option<(Alert, u64)>, StoreError> {
    let sql = format!("SELECT {STATE_COLUMNS}, level, undoable, decided FROM alerts WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row([to_sql(id.0)], |row| {
        let undoable: Option<String> = row.get(7)?;
        let alert = Alert {
            level: level(row.get(6)?),
            state: state(row, 0)?,
            undoable: undoable.and_then(|text| serde_json::from_str(&text).ok()),
        };
        Ok((alert, from_sql(row.get(8)?)))
    });
    Ok(found.optional()?)
}

/// An alert that is opened again while its incident is closed is free again: nobody works on that incident any more.
/// Returns the incident that was left.
pub(super) fn leave_closed_incident(
    connection: &Connection,
    state: &mut State,
) -> Result<Option<IncidentId>, StoreError> {
    let Some(incident) = state.incident.filter(|_| state.status != AlertStatus::Closed) else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT 1 FROM incidents WHERE id = ?1 AND closed IS NOT NULL")?;
    if !statement.exists([to_sql(incident.0)])? {
        return Ok(None);
    }
    state.incident = None;
    state.status = if state.owner.is_some() { AlertStatus::Taken } else { AlertStatus::New };
    Ok(Some(incident))
}

/// Writes the state an action led to, under a new revision.
pub(super) fn set_machine(
    connection: &Connection,
    id: AlertId,
    alert: &Alert,
    revision: u64,
    decided: u64,
) -> Result<(), StoreError> {
    let state = &alert.state;
    let undoable = alert.undoable.as_ref().map(to_json_text).transpose()?;
    connection
        .prepare_cached(
            "UPDATE alerts SET status = ?2, owner = ?3, disposition = ?4, closed = ?5, closing_note = ?6, \
             incident = ?7, undoable = ?8, revision = ?9, decided = ?10 WHERE id = ?1",
        )?
        .execute(params![
            to_sql(id.0),
            state.status as i64,
            state.owner,
            state.disposition.map(|disposition| disposition as i64),
            state.closed,
            state.closing_note,
            state.incident.map(|incident| to_sql(incident.0)),
            undoable,
            to_sql(revision),
            to_sql(decided),
        ])?;
    Ok(())
}

/// Adds a line to an alert's history.
pub(super) fn remember(
    connection: &Connection,
    id: AlertId,
    at: Timestamp,
    who: &str,
    record: &Record,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO alert_history (alert_id, at, who, action, text) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![to_sql(id.0), at.0, who, record.action, record.text])?;
    Ok(())
}

/// Reads a number kept by name; 0 when it was never set.
pub(super) fn meta(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Keeps a number by name.
pub(super) fn set_meta(connection: &Connection, name: &str, value: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO meta VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value")?
        .execute(params![name, value])?;
    Ok(())
}

/// Reads a level's code; an unknown one, from a later version, is the highest: better looked at than hidden.
pub(super) fn level(code: i64) -> RuleLevel {
    by_code(&RuleLevel::ALL, code).unwrap_or(RuleLevel::Critical)
}

/// Reads a criticality's code.
pub(super) fn criticality(code: i64) -> Criticality {
    const ALL: [Criticality; 4] = [Criticality::Low, Criticality::Normal, Criticality::High, Criticality::Critical];
    by_code(&ALL, code).unwrap_or_default()
}

fn by_code<T: Copy>(all: &[T], code: i64) -> Option<T> {
    usize::try_from(code).ok().and_then(|index| all.get(index)).copied()
}

/// Writes a list or structure as the text of one column.
pub(super) fn to_json_text<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|err| StoreError::Damaged { what: err.to_string() })
}

/// Reads such a column; what cannot be read is as good as empty, never a reason to hide the alert.
pub(super) fn from_json_text<T: DeserializeOwned + Default>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_default()
}
