//! Reading alerts: windows, single alerts, and what changed since a revision.

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::params;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use std::time::Duration;

use crate::alert::AlertDetail;
use crate::alert::AlertFilter;
use crate::alert::AlertRecord;
use crate::alert::AlertWindow;
use crate::alert::Evidence;
use crate::alert::HistoryEntry;
use crate::alert::IncidentId;
use crate::alert::Precedent;
use crate::alert::Sla;
use crate::alert::StoreError;
use crate::alert::detection::EVENTS_MAX;
use crate::alert::filter::Clause;
use crate::alert::filter::Plan;
use crate::alert::filter::ROWS_MAX;
use crate::alert::record::HISTORY_MAX;
use crate::alert::state::AlertStatus;
use crate::alert::store::from_sql;
use crate::alert::store::row;
use crate::alert::store::steps;
use crate::alert::store::to_sql;
use crate::model::AlertId;
use crate::model::EventId;
use crate::model::RuleLevel;
use crate::model::Timestamp;

/// How far back an alert of the same rule and entity is a precedent.
const PRECEDENT_DAYS: u64 = 30;
const PRECEDENTS_MAX: usize = 20;
/// Event ids told with a row that changed.
pub(super) const EVENTS_TOLD: u32 = 20;

/// What changed after a revision: the latest state of each alert and incident.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    pub alerts: Vec<AlertRecord>,
    pub incidents: Vec<(u64, IncidentId)>,
    /// Everything up to this revision is told; what is after it is to be asked for next.
    pub upto: u64,
    /// The store's revision.
    pub revision: u64,
}

pub(super) fn revision(connection: &Connection) -> Result<u64, StoreError> {
    Ok(from_sql(row::meta(connection, "revision")?))
}

pub(super) fn snapshot(connection: &Connection) -> Result<Option<(EventId, Vec<u8>)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT position, bytes FROM snapshot WHERE only = 1")?;
    let found = statement.query_row([], |row| Ok((EventId(from_sql(row.get(0)?)), row.get(1)?)));
    Ok(found.optional()?)
}

pub(super) fn window(connection: &Connection, filter: &AlertFilter) -> Result<AlertWindow, StoreError> {
    let found = find(connection, filter)?;
    let total = found.total;
    let limit = u64::from(filter.limit.min(ROWS_MAX)).min(total.saturating_sub(filter.offset));
    let ids =
        if limit == 0 { Vec::new() } else { ids_in_order(connection, &found.clause, filter.offset, limit, total)? };
    let rows = ids.into_iter().map(|id| row(connection, id, filter.events)).collect::<Result<_, _>>()?;
    let newest: Option<i64> = connection.query_row("SELECT max(id) FROM alerts", [], |row| row.get(0))?;
    let newest = AlertId(newest.map_or(0, from_sql));
    Ok(AlertWindow { rows, total, newest, revision: revision(connection)? })
}

/// Up to so many rows are looked at one by one rather than searched for in every index: a hundredth of a second. Most
/// alerts are closed, so what is open is nearly always less.
const WALK_MAX: u64 = 20_000;
/// Of a list of which more than one row in so many is admitted, a window is found sooner by walking than by sorting.
const MANY: u64 = 50;

/// How many a filter admits, and the clause by which a window on them is found fastest.
pub(super) struct Found {
    pub(super) clause: Clause,
    pub(super) total: u64,
}

pub(super) fn find(connection: &Connection, filter: &AlertFilter) -> Result<Found, StoreError> {
    let fitting = counts(connection)?.into_iter().filter(|(status, level, _)| filter.admits(*status, *level));
    let listed = fitting.map(|(_, _, count)| count).sum();
    if filter.is_plain() {
        return Ok(Found { clause: filter.clause(Plan::Walk), total: listed });
    }
    let plan = if filter.is_text_search() && listed <= WALK_MAX { Plan::Walk } else { Plan::Search };
    let clause = filter.clause(plan);
    let total = count(connection, &clause)?;
    let is_many = filter.is_text_search() && total.saturating_mul(MANY) > listed;
    let clause = if plan == Plan::Search && is_many { filter.clause(Plan::WalkAndSearch) } else { clause };
    Ok(Found { clause, total })
}

fn count(connection: &Connection, clause: &Clause) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT count(*) FROM alerts{}", clause.sql))?;
    Ok(from_sql(statement.query_row(params_from_iter(&clause.parameters), |row| row.get(0))?))
}

fn counts(connection: &Connection) -> Result<Vec<(AlertStatus, RuleLevel, u64)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT status, level, count FROM alert_counts")?;
    let rows = statement.query_map([], |row| {
        let code: i64 = row.get(0)?;
        let status = usize::try_from(code).ok().and_then(|code| AlertStatus::ALL.get(code)).copied();
        Ok((status.unwrap_or(AlertStatus::New), row::level(row.get(1)?), from_sql(row.get(2)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the ids of a window, in order. Past the middle the list is walked from its end, so that jumping to the
/// last row costs as little as staying at the first.
pub(super) fn ids_in_order(
    connection: &Connection,
    clause: &Clause,
    offset: u64,
    limit: u64,
    total: u64,
) -> Result<Vec<AlertId>, StoreError> {
    debug_assert!(offset.saturating_add(limit) <= total, "a window ends where the list ends");
    let from_end = total.saturating_sub(offset).saturating_sub(limit);
    let is_reversed = from_end < offset;
    let (order, skipped) = if is_reversed { ("ASC", from_end) } else { ("DESC", offset) };
    let sql =
        format!("SELECT id FROM alerts{} ORDER BY risk {order}, last {order}, id {order} LIMIT ? OFFSET ?", clause.sql);
    let mut parameters = clause.parameters.clone();
    parameters.extend([limit, skipped].map(|number| Value::Integer(to_sql(number))));
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(&parameters), |row| Ok(AlertId(from_sql(row.get(0)?))))?;
    let mut ids: Vec<AlertId> = rows.collect::<Result<_, _>>()?;
    if is_reversed {
        ids.reverse();
    }
    Ok(ids)
}

/// Returns the ids that were found, in the order of the list.
pub(super) fn admitted(connection: &Connection, found: &Found) -> Result<Vec<AlertId>, StoreError> {
    let total = found.total;
    if total == 0 { Ok(Vec::new()) } else { ids_in_order(connection, &found.clause, 0, total, total) }
}

pub(super) fn row(connection: &Connection, id: AlertId, events_max: u32) -> Result<AlertRecord, StoreError> {
    let sql = format!("SELECT {} FROM alerts WHERE id = ?1", row::COLUMNS);
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row([to_sql(id.0)], row::record).optional()?;
    let mut record = found.ok_or(StoreError::NoSuchAlert(id))?;
    record.events = events(connection, id, events_max)?;
    Ok(record)
}

fn events(connection: &Connection, id: AlertId, events_max: u32) -> Result<Vec<EventId>, StoreError> {
    if events_max == 0 {
        return Ok(Vec::new());
    }
    let mut statement = connection
        .prepare_cached("SELECT event_id FROM alert_events WHERE alert_id = ?1 ORDER BY event_id DESC LIMIT ?2")?;
    let rows = statement.query_map(params![to_sql(id.0), events_max], |row| Ok(EventId(from_sql(row.get(0)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn detail(connection: &Connection, id: AlertId, now: Timestamp) -> Result<AlertDetail, StoreError> {
    let events_max = u32::try_from(EVENTS_MAX).unwrap_or(u32::MAX);
    let record = row(connection, id, events_max)?;
    let (evidence, history) = (evidence(connection, id)?, history(connection, id)?);
    let (precedents, steps) = (precedents(connection, &record, now)?, steps::read(connection, id)?);
    let mut statement = connection.prepare_cached(
        "SELECT description, description_vi, false_positives, response, response_vi, entities, context \
         FROM alert_details WHERE alert_id = ?1",
    )?;
    Ok(statement.query_row([to_sql(id.0)], |row| {
        Ok(AlertDetail {
            row: record,
            description: row.get(0)?,
            description_vi: row.get(1)?,
            false_positives: row::from_json_text(&row.get::<_, String>(2)?),
            response: row::from_json_text(&row.get::<_, String>(3)?),
            response_vi: row::from_json_text(&row.get::<_, String>(4)?),
            entities: row::from_json_text(&row.get::<_, String>(5)?),
            context: row::from_json_text(&row.get::<_, String>(6)?),
            evidence,
            history,
            precedents,
            steps,
        })
    })?)
}

fn evidence(connection: &Connection, id: AlertId) -> Result<Vec<Evidence>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT event_id, at, raw, parts FROM alert_evidence WHERE alert_id = ?1 ORDER BY event_id DESC",
    )?;
    let rows = statement.query_map([to_sql(id.0)], |row| {
        Ok(Evidence {
            event: EventId(from_sql(row.get(0)?)),
            timestamp: Timestamp(row.get(1)?),
            raw: row.get(2)?,
            parts: row::from_json_text(&row.get::<_, String>(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn history(connection: &Connection, id: AlertId) -> Result<Vec<HistoryEntry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT at, who, action, text FROM alert_history WHERE alert_id = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![to_sql(id.0), HISTORY_MAX as i64], |row| {
        Ok(HistoryEntry { at: Timestamp(row.get(0)?), who: row.get(1)?, action: row.get(2)?, text: row.get(3)? })
    })?;
    let mut entries: Vec<HistoryEntry> = rows.collect::<Result<_, _>>()?;
    entries.reverse();
    Ok(entries)
}

fn precedents(connection: &Connection, of: &AlertRecord, now: Timestamp) -> Result<Vec<Precedent>, StoreError> {
    let since = now.minus(Duration::from_secs(PRECEDENT_DAYS * 86_400));
    let sql = format!(
        "SELECT id, {} FROM alerts INDEXED BY alerts_group WHERE rule_id = ?1 AND entity = ?2 AND entity_field = ?3 \
         AND id <> ?4 AND status = 3 AND closed >= ?5 ORDER BY id DESC LIMIT ?6",
        row::STATE_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = params![of.rule_id, of.entity, of.entity_field, to_sql(of.id.0), since.0, PRECEDENTS_MAX as i64];
    let rows = statement.query_map(parameters, |row| Ok((AlertId(from_sql(row.get(0)?)), row::state(row, 1)?)))?;
    let mut found = Vec::new();
    for read in rows {
        let (id, state) = read?;
        let (Some(closed), Some(disposition)) = (state.closed, state.disposition) else { continue };
        found.push(Precedent {
            id,
            closed: Timestamp(closed),
            disposition,
            owner: state.owner,
            note: state.closing_note,
        });
    }
    Ok(found)
}

pub(super) fn changes_since(connection: &Connection, since: u64, changes_max: u32) -> Result<Changes, StoreError> {
    let revision = revision(connection)?;
    if since >= revision {
        return Ok(Changes { revision, upto: revision, ..Changes::default() });
    }
    let sql = format!("SELECT {} FROM alerts WHERE revision > ?1 ORDER BY revision LIMIT ?2", row::COLUMNS);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![to_sql(since), changes_max], row::record)?;
    let mut alerts: Vec<AlertRecord> = rows.collect::<Result<_, _>>()?;
    let sql = "SELECT revision, id FROM incidents WHERE revision > ?1 ORDER BY revision LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![to_sql(since), changes_max], |row| {
        Ok((from_sql(row.get(0)?), IncidentId(from_sql(row.get(1)?))))
    })?;
    let mut incidents: Vec<(u64, IncidentId)> = rows.collect::<Result<_, _>>()?;
    // A list that is full may go on: nothing beyond its end is told from the other one either.
    let is_full = |length: usize| length >= changes_max as usize;
    let alerts_end = alerts.last().filter(|_| is_full(alerts.len())).map(|last| last.revision);
    let incidents_end = incidents.last().filter(|_| is_full(incidents.len())).map(|(last, _)| *last);
    let upto = revision.min(alerts_end.unwrap_or(u64::MAX)).min(incidents_end.unwrap_or(u64::MAX));
    alerts.retain(|alert| alert.revision <= upto);
    incidents.retain(|(changed, _)| *changed <= upto);
    for alert in &mut alerts {
        alert.events = events(connection, alert.id, EVENTS_TOLD)?;
    }
    Ok(Changes { alerts, incidents, upto, revision })
}

/// Counts the alerts that changed after a revision, up to `count_max`.
pub(super) fn changed_count(connection: &Connection, since: u64, count_max: u32) -> Result<u64, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM (SELECT 1 FROM alerts WHERE revision > ?1 LIMIT ?2)")?;
    Ok(from_sql(statement.query_row(params![to_sql(since), count_max], |row| row.get(0))?))
}

/// Counted no further: a figure that large says all it can.
const OVERDUE_MAX: i64 = 10_000;

/// Counts the alerts nobody has looked at in time.
pub(super) fn overdue(connection: &Connection, now: Timestamp, sla: Sla) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM alerts INDEXED BY alerts_untouched \
         WHERE status = 0 AND level = ?1 AND raised < ?2 LIMIT ?3)",
    )?;
    let mut count = 0;
    for level in RuleLevel::ALL {
        let Some(target) = sla.target(level) else { continue };
        let since = now.minus(target);
        count += from_sql(statement.query_row(params![level as i64, since.0, OVERDUE_MAX], |row| row.get(0))?);
    }
    Ok(count)
}

pub(super) fn open_by_level(connection: &Connection) -> Result<Vec<(RuleLevel, u64)>, StoreError> {
    let counted = counts(connection)?;
    let open = |wanted: RuleLevel| {
        let fits = counted.iter().filter(|(status, level, _)| *status != AlertStatus::Closed && *level == wanted);
        fits.map(|(_, _, count)| count).sum()
    };
    Ok(RuleLevel::ALL.into_iter().rev().map(|level| (level, open(level))).collect())
}

/// Returns the rows of the alerts that belong to an incident, oldest first; `rows_max` at most, and how many there are.
pub(crate) fn members(
    connection: &Connection,
    incident: IncidentId,
    rows_max: u32,
) -> Result<Vec<AlertRecord>, StoreError> {
    let sql = format!("SELECT {} FROM alerts WHERE incident = ?1 ORDER BY id LIMIT ?2", row::COLUMNS);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![to_sql(incident.0), rows_max], row::record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
