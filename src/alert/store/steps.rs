//! The response as a checklist: which step was done, by whom and when.

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use crate::alert::Actor;
use crate::alert::Refusal;
use crate::alert::StoreError;
use crate::alert::detection::cut;
use crate::alert::record::StepDone;
use crate::alert::store::Change;
use crate::alert::store::row;
use crate::alert::store::to_sql;
use crate::model::AlertId;
use crate::model::Timestamp;

/// A step is told in the history up to this length.
const TOLD_BYTES_MAX: usize = 200;

/// Ticks a step, or takes the tick back; whoever comes second is told who was first. Returns what the history tells.
pub(super) fn set(
    change: &Change<'_>,
    id: AlertId,
    step: u32,
    is_done: bool,
    who: &Actor,
) -> Result<String, StoreError> {
    let text = text_of(&change.transaction, id, step)?.ok_or(Refusal::NoSuchStep(step))?;
    let present = of_step(&change.transaction, id, step)?;
    match (is_done, present) {
        (true, Some(done)) => return Err(Refusal::StepDone { step, who: done.who }.into()),
        (false, None) => return Err(Refusal::StepOpen(step).into()),
        (true, None) => change.transaction.execute(
            "INSERT INTO alert_steps (alert_id, step, at, who) VALUES (?1, ?2, ?3, ?4)",
            params![to_sql(id.0), step, change.now.0, who.name],
        )?,
        (false, Some(_)) => change
            .transaction
            .execute("DELETE FROM alert_steps WHERE alert_id = ?1 AND step = ?2", params![to_sql(id.0), step])?,
    };
    Ok(format!("{step}. {}", cut(&text, TOLD_BYTES_MAX)))
}

/// Returns the words of a step, counted from 1.
fn text_of(connection: &Connection, id: AlertId, step: u32) -> Result<Option<String>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT response, response_vi FROM alert_details WHERE alert_id = ?1")?;
    let found = statement.query_row([to_sql(id.0)], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let Some((english, vietnamese)) = found.optional()? else { return Ok(None) };
    let Some(index) = usize::try_from(step).ok().and_then(|step| step.checked_sub(1)) else { return Ok(None) };
    let lists = [english, vietnamese].map(|text| row::from_json_text::<Vec<String>>(&text));
    Ok(lists.iter().find_map(|list| list.get(index).cloned()))
}

fn of_step(connection: &Connection, id: AlertId, step: u32) -> Result<Option<StepDone>, StoreError> {
    Ok(read(connection, id)?.into_iter().find(|done| done.step == step))
}

/// Returns the steps that were done, in their order.
pub(super) fn read(connection: &Connection, id: AlertId) -> Result<Vec<StepDone>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT step, at, who FROM alert_steps WHERE alert_id = ?1 ORDER BY step")?;
    let rows = statement.query_map([to_sql(id.0)], |row| {
        Ok(StepDone { step: row.get(0)?, at: Timestamp(row.get(1)?), who: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
