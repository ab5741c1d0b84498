//! What makes an incident a case: its tasks, observables and deadlines, corrections, and merging.

use rusqlite::Connection;
use rusqlite::params;

use crate::alert::Actor;
use crate::alert::IncidentId;
use crate::alert::store::Change;
use crate::alert::store::from_sql;
use crate::alert::store::to_sql;
use crate::incident::IncidentAction;
use crate::incident::IncidentPhase;
use crate::incident::IncidentRefusal;
use crate::incident::phase::Changed;
use crate::incident::phase::Edit;
use crate::incident::phase::NewObservable;
use crate::incident::store::IncidentError;
use crate::incident::store::IncidentObservable;
use crate::incident::store::IncidentTask;
use crate::incident::store::TITLE_BYTES_MAX;
use crate::incident::store::clocks;
use crate::incident::store::evidence;
use crate::incident::store::record;
use crate::incident::store::remember;
use crate::incident::store::state;
use crate::model::Timestamp;

/// Tasks one incident may have.
const TASKS_MAX: u32 = 200;
/// Observables one incident may have.
const OBSERVABLES_MAX: u32 = 1_000;
/// Deadlines one incident may have.
const CLOCKS_MAX: u32 = 20;

/// Keeps what an action adds to the case or changes in it; phase and owner are the caller's.
pub(super) fn keep(
    change: &mut Change<'_>,
    id: IncidentId,
    action: &IncidentAction,
    who: &Actor,
) -> Result<(), IncidentError> {
    match action {
        // What it held is elsewhere: opened again it would be a second case without its alerts.
        IncidentAction::Phase { .. } => match merged_into(&change.transaction, id)? {
            Some(into) => Err(IncidentRefusal::Merged(into).into()),
            None => Ok(()),
        },
        IncidentAction::Take | IncidentAction::Note { .. } | IncidentAction::Assign { .. } => Ok(()),
        IncidentAction::MeetClock { name } => meet_clock(change, id, name, None, who),
        IncidentAction::WaiveClock { name, why } => meet_clock(change, id, name.trim(), Some(why.trim()), who),
        IncidentAction::Edit(edit) => correct(change, id, edit),
        IncidentAction::AddTask { text } => add_task(change, id, text.trim(), who),
        IncidentAction::FinishTask { place } => finish_task(change, id, *place, who),
        IncidentAction::AddObservable(new) => add_observable(change, id, new, who),
        IncidentAction::Attach(new) => evidence::add(change, id, new, who),
        IncidentAction::SetClock { name, due, .. } => set_clock(change, id, name.trim(), *due),
        IncidentAction::MergeInto { incident } => merge(change, id, *incident, who),
    }
}

fn meet_clock(
    change: &Change<'_>,
    id: IncidentId,
    name: &str,
    waived: Option<&str>,
    who: &Actor,
) -> Result<(), IncidentError> {
    let met = change.transaction.execute(
        "UPDATE incident_clocks SET met = ?3, met_by = ?4, waived = ?5 \
         WHERE incident_id = ?1 AND name = ?2 AND met IS NULL",
        params![to_sql(id.0), name, change.now.0, who.name, waived],
    )?;
    if met > 0 {
        return Ok(());
    }
    let clocks = clocks::read(&change.transaction, id)?;
    let is_known = clocks.iter().any(|clock| clock.name == name);
    let name = name.to_owned();
    Err(if is_known { IncidentRefusal::ClockMet(name) } else { IncidentRefusal::NoSuchClock(name) }.into())
}

fn set_clock(change: &Change<'_>, id: IncidentId, name: &str, due: Timestamp) -> Result<(), IncidentError> {
    let moved = change.transaction.execute(
        "UPDATE incident_clocks SET due = ?3 WHERE incident_id = ?1 AND name = ?2 AND met IS NULL",
        params![to_sql(id.0), name, due.0],
    )?;
    if moved > 0 {
        return Ok(());
    }
    if clocks::read(&change.transaction, id)?.iter().any(|clock| clock.name == name) {
        return Err(IncidentRefusal::ClockMet(name.to_owned()).into());
    }
    let place = next_place(change, "incident_clocks", id, "clocks", CLOCKS_MAX)?;
    change.transaction.execute(
        "INSERT INTO incident_clocks (incident_id, place, name, due) VALUES (?1, ?2, ?3, ?4)",
        params![to_sql(id.0), place, name, due.0],
    )?;
    Ok(())
}

/// Compare-and-set: two who correct the same value see each other's instead of overwriting it.
fn correct(change: &Change<'_>, id: IncidentId, edit: &Edit) -> Result<(), IncidentError> {
    let now = record(&change.transaction, id)?;
    if edit.title.is_none() && edit.level.is_none() {
        return Err(IncidentRefusal::Empty { what: "the correction" }.into());
    }
    if let Some(title) = &edit.title {
        let to = title.to.trim();
        if to.is_empty() {
            return Err(IncidentRefusal::Empty { what: "the title" }.into());
        }
        if to.len() > TITLE_BYTES_MAX {
            return Err(IncidentRefusal::TooLong { what: "the title", bytes_max: TITLE_BYTES_MAX }.into());
        }
        is_as_seen("the title", title, &now.title, Clone::clone)?;
        let sql = "UPDATE incidents SET title = ?2 WHERE id = ?1";
        change.transaction.execute(sql, params![to_sql(id.0), to])?;
    }
    if let Some(level) = &edit.level {
        is_as_seen("the level", level, &now.level, |level| level.as_str().to_owned())?;
        let sql = "UPDATE incidents SET level = ?2 WHERE id = ?1";
        change.transaction.execute(sql, params![to_sql(id.0), level.to as i64])?;
    }
    Ok(())
}

fn is_as_seen<T: PartialEq>(
    what: &'static str,
    changed: &Changed<T>,
    theirs: &T,
    told: impl Fn(&T) -> String,
) -> Result<(), IncidentRefusal> {
    if changed.from == *theirs {
        return Ok(());
    }
    let (seen, yours, theirs) = (told(&changed.from), told(&changed.to), told(theirs));
    Err(IncidentRefusal::ChangedSince { what, seen, yours, theirs })
}

fn add_task(change: &Change<'_>, id: IncidentId, text: &str, who: &Actor) -> Result<(), IncidentError> {
    let place = next_place(change, "incident_tasks", id, "tasks", TASKS_MAX)?;
    change.transaction.execute(
        "INSERT INTO incident_tasks (incident_id, place, text, added, added_by) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![to_sql(id.0), place, text, change.now.0, who.name],
    )?;
    Ok(())
}

fn finish_task(change: &Change<'_>, id: IncidentId, place: u32, who: &Actor) -> Result<(), IncidentError> {
    let done = change.transaction.execute(
        "UPDATE incident_tasks SET done = ?3, done_by = ?4 WHERE incident_id = ?1 AND place = ?2 AND done IS NULL",
        params![to_sql(id.0), place, change.now.0, who.name],
    )?;
    if done > 0 {
        return Ok(());
    }
    let is_known = tasks(&change.transaction, id)?.iter().any(|task| task.place == place);
    Err(if is_known { IncidentRefusal::TaskDone(place) } else { IncidentRefusal::NoSuchTask(place) }.into())
}

/// Adds an observable; one that is known gets the new note, when there is one.
fn add_observable(change: &Change<'_>, id: IncidentId, new: &NewObservable, who: &Actor) -> Result<(), IncidentError> {
    let count: u32 = change.transaction.query_row(
        "SELECT count(*) FROM incident_observables WHERE incident_id = ?1",
        [to_sql(id.0)],
        |row| row.get(0),
    )?;
    if count >= OBSERVABLES_MAX {
        return Err(IncidentRefusal::Full { what: "observables", count_max: OBSERVABLES_MAX }.into());
    }
    let note = new.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    change.transaction.execute(
        "INSERT INTO incident_observables (incident_id, kind, value, note, added, added_by) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET note = coalesce(excluded.note, note)",
        params![to_sql(id.0), new.kind.trim(), new.value.trim(), note, change.now.0, who.name],
    )?;
    Ok(())
}

/// Moves what an incident holds into another; its own timeline stays with it and names where the rest went.
fn merge(change: &mut Change<'_>, from: IncidentId, into: IncidentId, who: &Actor) -> Result<(), IncidentError> {
    if from == into {
        return Err(IncidentRefusal::MergeIntoItself.into());
    }
    if state(&change.transaction, into)?.phase == IncidentPhase::Closed {
        return Err(IncidentRefusal::Closed.into());
    }
    let (from_sql, into_sql) = (to_sql(from.0), to_sql(into.0));
    let alerts: Vec<i64> = {
        let mut statement = change.transaction.prepare_cached("SELECT id FROM alerts WHERE incident = ?1")?;
        let rows = statement.query_map([from_sql], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    for alert in alerts {
        let revision = to_sql(change.next_revision());
        let sql = "UPDATE alerts SET incident = ?2, revision = ?3 WHERE id = ?1";
        change.transaction.execute(sql, params![alert, into_sql, revision])?;
    }
    move_tasks(change, from, into)?;
    evidence::moved(change, from, into)?;
    let transaction = &change.transaction;
    transaction.execute(
        "INSERT INTO incident_observables (incident_id, kind, value, note, added, added_by) \
         SELECT ?2, kind, value, note, added, added_by FROM incident_observables WHERE incident_id = ?1 \
         ON CONFLICT DO NOTHING",
        params![from_sql, into_sql],
    )?;
    // It has been known since the earlier of the two, and is as grave as the graver.
    let revision = change.next_revision();
    change.transaction.execute(
        "UPDATE incidents SET known = min(known, (SELECT known FROM incidents WHERE id = ?1)), \
         level = max(level, (SELECT level FROM incidents WHERE id = ?1)), revision = ?3 WHERE id = ?2",
        params![from_sql, into_sql, to_sql(revision)],
    )?;
    change.transaction.execute(
        "UPDATE incident_clocks SET due = min(due, coalesce((SELECT due FROM incident_clocks AS other \
         WHERE other.incident_id = ?1 AND other.name = incident_clocks.name), due)) \
         WHERE incident_id = ?2 AND met IS NULL",
        params![from_sql, into_sql],
    )?;
    change.transaction.execute("UPDATE incidents SET merged_into = ?2 WHERE id = ?1", params![from_sql, into_sql])?;
    remember(change, into, &who.name, "merged", Some(&from.to_string()))
}

fn move_tasks(change: &Change<'_>, from: IncidentId, into: IncidentId) -> Result<(), IncidentError> {
    let moving = tasks(&change.transaction, from)?;
    let Some(last) = moving.len().checked_sub(1) else { return Ok(()) };
    let first = next_place(change, "incident_tasks", into, "tasks", TASKS_MAX)?;
    if usize::try_from(first).unwrap_or(usize::MAX).saturating_add(last) > TASKS_MAX as usize {
        return Err(IncidentRefusal::Full { what: "tasks", count_max: TASKS_MAX }.into());
    }
    change.transaction.execute(
        "INSERT INTO incident_tasks (incident_id, place, text, added, added_by, done, done_by) \
         SELECT ?2, place + ?3 - 1, text, added, added_by, done, done_by FROM incident_tasks WHERE incident_id = ?1",
        params![to_sql(from.0), to_sql(into.0), first],
    )?;
    Ok(())
}

/// Returns the place after the last one of a list of an incident; the table's name is the program's own.
fn next_place(
    change: &Change<'_>,
    table: &'static str,
    id: IncidentId,
    what: &'static str,
    count_max: u32,
) -> Result<u32, IncidentError> {
    let sql = format!("SELECT coalesce(max(place), 0) + 1 FROM {table} WHERE incident_id = ?1");
    let place: u32 = change.transaction.query_row(&sql, [to_sql(id.0)], |row| row.get(0))?;
    if place > count_max { Err(IncidentRefusal::Full { what, count_max }.into()) } else { Ok(place) }
}

pub(super) fn tasks(connection: &Connection, id: IncidentId) -> Result<Vec<IncidentTask>, IncidentError> {
    let mut statement = connection.prepare_cached(
        "SELECT place, text, added_by, done, done_by FROM incident_tasks WHERE incident_id = ?1 ORDER BY place",
    )?;
    let rows = statement.query_map([to_sql(id.0)], |row| {
        let (done, by): (Option<i64>, Option<String>) = (row.get(3)?, row.get(4)?);
        let done = done.map(|done| (Timestamp(done), by.unwrap_or_default()));
        Ok(IncidentTask { place: row.get(0)?, text: row.get(1)?, added_by: row.get(2)?, done })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn observables(connection: &Connection, id: IncidentId) -> Result<Vec<IncidentObservable>, IncidentError> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, value, note, added, added_by FROM incident_observables WHERE incident_id = ?1 \
         ORDER BY added, kind, value",
    )?;
    let rows = statement.query_map([to_sql(id.0)], |row| {
        let added = Timestamp(row.get(3)?);
        Ok(IncidentObservable {
            kind: row.get(0)?,
            value: row.get(1)?,
            note: row.get(2)?,
            added,
            added_by: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn merged_into(connection: &Connection, id: IncidentId) -> Result<Option<IncidentId>, IncidentError> {
    let mut statement = connection.prepare_cached("SELECT merged_into FROM incidents WHERE id = ?1")?;
    let into: Option<i64> = statement.query_row([to_sql(id.0)], |row| row.get(0))?;
    Ok(into.map(|into| IncidentId(from_sql(into))))
}
