//! Evidence of an incident: bundles that prove themselves, kept with it whatever becomes of the store.

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use crate::alert::Actor;
use crate::alert::IncidentId;
use crate::alert::store::Change;
use crate::alert::store::from_sql;
use crate::alert::store::to_sql;
use crate::incident::IncidentRefusal;
use crate::incident::phase::NewEvidence;
use crate::incident::store::IncidentError;
use crate::incident::store::IncidentEvidence;
use crate::incident::store::IncidentStore;
use crate::model::Timestamp;

/// Bundles one incident may hold.
const BUNDLES_MAX: u32 = 100;
/// The largest bundle that is kept with an incident.
pub const BUNDLE_BYTES_MAX: usize = 16 * 1024 * 1024;

impl IncidentStore {
    /// Returns a bundle as it was attached; `None` when there is none at that place.
    ///
    /// # Errors
    /// When the database fails.
    pub fn bundle(&self, id: IncidentId, place: u32) -> Result<Option<Vec<u8>>, IncidentError> {
        self.alerts().read(|connection| {
            let sql = "SELECT bundle FROM incident_evidence WHERE incident_id = ?1 AND place = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row(params![to_sql(id.0), place], |row| row.get(0)).optional()?)
        })
    }
}

/// Keeps a bundle with an incident.
pub(super) fn add(change: &Change<'_>, id: IncidentId, new: &NewEvidence, who: &Actor) -> Result<(), IncidentError> {
    if new.bundle.len() > BUNDLE_BYTES_MAX {
        return Err(IncidentRefusal::TooLong { what: "the bundle", bytes_max: BUNDLE_BYTES_MAX }.into());
    }
    let place = last_place(&change.transaction, id)? + 1;
    if place > BUNDLES_MAX {
        return Err(IncidentRefusal::Full { what: "bundles", count_max: BUNDLES_MAX }.into());
    }
    let note = new.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    change.transaction.execute(
        "INSERT INTO incident_evidence (incident_id, place, query, note, events, digest, size, added, added_by, bundle) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            to_sql(id.0),
            place,
            new.query,
            note,
            to_sql(new.events),
            new.digest,
            to_sql(new.bundle.len() as u64),
            change.now.0,
            who.name,
            new.bundle,
        ],
    )?;
    Ok(())
}

/// Moves what an incident holds behind what another one holds.
pub(super) fn moved(change: &Change<'_>, from: IncidentId, into: IncidentId) -> Result<(), IncidentError> {
    let behind = last_place(&change.transaction, into)?;
    change.transaction.execute(
        "UPDATE incident_evidence SET incident_id = ?2, place = place + ?3 WHERE incident_id = ?1",
        params![to_sql(from.0), to_sql(into.0), behind],
    )?;
    Ok(())
}

fn last_place(connection: &Connection, id: IncidentId) -> Result<u32, IncidentError> {
    let sql = "SELECT coalesce(max(place), 0) FROM incident_evidence WHERE incident_id = ?1";
    Ok(connection.query_row(sql, [to_sql(id.0)], |row| row.get(0))?)
}

/// Returns what is attached, without the bundles themselves.
pub(super) fn read(connection: &Connection, id: IncidentId) -> Result<Vec<IncidentEvidence>, IncidentError> {
    let mut statement = connection.prepare_cached(
        "SELECT place, query, note, events, digest, size, added, added_by FROM incident_evidence \
         WHERE incident_id = ?1 ORDER BY place",
    )?;
    let rows = statement.query_map([to_sql(id.0)], |row| {
        Ok(IncidentEvidence {
            place: row.get(0)?,
            query: row.get(1)?,
            note: row.get(2)?,
            events: from_sql(row.get(3)?),
            digest: row.get(4)?,
            bytes: from_sql(row.get(5)?),
            added: Timestamp(row.get(6)?),
            added_by: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
