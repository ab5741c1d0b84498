//! The form of `alerts.sqlite` and the way from each version of it to the next.

use rusqlite::Connection;
use rusqlite::TransactionBehavior;

use crate::alert::store::StoreError;

/// One script a version; a script is never changed once released, only followed by another.
const MIGRATIONS: [&str; 4] =
    [include_str!("schema.sql"), include_str!("cases.sql"), include_str!("triage.sql"), include_str!("shifts.sql")];

/// The version this program writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings a database to the present version, each step whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    check(found)?;
    for (step, script) in (1_i64..).zip(MIGRATIONS).filter(|(step, _)| *step > found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "user_version", step)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Refuses a database that a later program wrote: going on could destroy what we do not know of.
pub(super) fn check(found: i64) -> Result<(), StoreError> {
    if found > VERSION { Err(StoreError::NewerSchema { found, known: VERSION }) } else { Ok(()) }
}

/// Returns the version of a database; 0 when it is empty.
pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
