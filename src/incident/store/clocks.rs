//! The deadlines of incidents as they stand.

use rusqlite::Connection;
use rusqlite::params;

use super::IncidentClock;
use super::IncidentError;
use super::IncidentStore;
use crate::alert::IncidentId;
use crate::alert::store::from_sql;
use crate::alert::store::to_sql;
use crate::model::Timestamp;

/// Deadlines told at once.
const RUNNING_MAX: u32 = 1_000;

/// A deadline of an open incident that nobody has met yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunningClock {
    pub incident: IncidentId,
    pub name: String,
    /// When the incident was known.
    pub known: Timestamp,
    pub due: Timestamp,
}

impl IncidentStore {
    /// Returns the deadlines of incidents, closed ones too, that pass before a time and are not met, the earliest first; 1,000 at most.
    ///
    /// # Errors
    /// When the database fails.
    pub fn clocks_before(&self, before: Timestamp) -> Result<Vec<RunningClock>, IncidentError> {
        self.alerts().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT incidents.id, name, known, due FROM incident_clocks \
                 JOIN incidents ON incidents.id = incident_id \
                 WHERE met IS NULL AND merged_into IS NULL AND due < ?1 ORDER BY due, incidents.id LIMIT ?2",
            )?;
            let rows = statement.query_map(params![before.0, RUNNING_MAX], |row| {
                Ok(RunningClock {
                    incident: IncidentId(from_sql(row.get(0)?)),
                    name: row.get(1)?,
                    known: Timestamp(row.get(2)?),
                    due: Timestamp(row.get(3)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

pub(super) fn read(connection: &Connection, id: IncidentId) -> Result<Vec<IncidentClock>, IncidentError> {
    let mut statement = connection
        .prepare_cached("SELECT name, due, met, waived FROM incident_clocks WHERE incident_id = ?1 ORDER BY place")?;
    let rows = statement.query_map([to_sql(id.0)], |row| {
        let met: Option<i64> = row.get(2)?;
        let (name, due, waived) = (row.get(0)?, Timestamp(row.get(1)?), row.get(3)?);
        Ok(IncidentClock { name, due, met: met.map(Timestamp), waived })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
