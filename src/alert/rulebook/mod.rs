//! What people decided about rules: exceptions, the state each rule is in, the versions there were; who, when and why.
//!
//! In a file of its own beside the alerts. What the processing thread asks for every detection is kept in memory; counts of
//! what was hidden are written with the next commit of alerts.

mod exception;
mod lifecycle;

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use hashbrown::HashMap;
use rusqlite::Connection;
use rusqlite::TransactionBehavior;
use rusqlite::params;

use crate::alert::StoreError;
use crate::model::Timestamp;
use crate::model::time::Clock;

pub use exception::Comparison;
pub use exception::Condition;
pub use exception::Exception;
pub use exception::ExceptionId;
pub use exception::Hidden;
pub use exception::NewException;
pub use exception::Suppressed;
pub use lifecycle::Change;
pub use lifecycle::RuleState;
pub use lifecycle::StateChange;
pub use lifecycle::Version;
pub use lifecycle::VersionNote;

/// The file's name in the data folder.
pub const FILE_NAME: &str = "rules.sqlite";

const VERSION: i64 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest reason taken.
const REASON_BYTES_MAX: usize = 2_048;

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleBookError {
    #[error("{0}")]
    Refused(String),
    #[error("no such exception `{0}`")]
    NoSuchException(ExceptionId),
    #[error("the rule book was written by a later version ({0})")]
    Newer(i64),
    #[error("the rule book failed")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the rule book cannot be made")]
    Store(#[from] StoreError),
}

/// What became of a detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is raised.
    Raise,
    /// The rule is in shadow: counted, not raised.
    Shadow,
    /// The rule is a draft or retired.
    Off,
    /// An exception hides it.
    Hidden(ExceptionId),
}

/// The rule book of one data folder.
pub struct RuleBook {
    connection: Mutex<Connection>,
    clock: Arc<dyn Clock>,
    in_force: Mutex<Arc<InForce>>,
    waiting: Mutex<Waiting>,
}

/// What is asked for every detection.
#[derive(Debug, Default)]
struct InForce {
    states: HashMap<String, RuleState>,
    exceptions: Vec<Exception>,
}

/// What is to be written with the next commit.
#[derive(Debug, Default)]
struct Waiting {
    shadow: HashMap<(String, i32), u64>,
    hidden: Vec<Hidden>,
}

impl std::fmt::Debug for RuleBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleBook").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RuleBook {
    /// Opens (and, where needed, creates) the rule book at `path`.
    ///
    /// # Errors
    /// When the file cannot be opened or was written by a later version.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<RuleBook, RuleBookError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > VERSION {
            return Err(RuleBookError::Newer(found));
        }
        if found == 0 {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
            transaction.execute_batch(include_str!("rules.sql"))?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        }
        let book = RuleBook {
            connection: Mutex::new(connection),
            clock,
            in_force: Mutex::new(Arc::new(InForce::default())),
            waiting: Mutex::new(Waiting::default()),
        };
        book.refresh()?;
        Ok(book)
    }

    /// Takes what is in force into memory anew.
    fn refresh(&self) -> Result<(), RuleBookError> {
        let connection = lock(&self.connection);
        let states = lifecycle::states(&connection)?;
        let mut exceptions = exception::list(&connection, None)?;
        exceptions.retain(|exception| exception.revoked.is_none());
        let in_force = InForce { states, exceptions };
        *lock(&self.in_force) = Arc::new(in_force);
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Decides what becomes of a detection of a rule. `has` says which values the detection's event has under a name.
    pub fn judge(
        &self,
        rule: &str,
        default: RuleState,
        event: u64,
        entity: &str,
        has: &dyn Fn(&str) -> Vec<String>,
    ) -> Verdict {
        let in_force = Arc::clone(&lock(&self.in_force));
        let now = self.now();
        match in_force.states.get(rule).copied().unwrap_or(default) {
            RuleState::Draft | RuleState::Retired => return Verdict::Off,
            RuleState::Shadow => {
                *lock(&self.waiting).shadow.entry((rule.to_owned(), now.utc_day())).or_default() += 1;
                return Verdict::Shadow;
            }
            RuleState::Live => {}
        }
        let hides = |exception: &&Exception| exception.hides(rule, now, has);
        let Some(exception) = in_force.exceptions.iter().find(hides) else { return Verdict::Raise };
        lock(&self.waiting).hidden.push(Hidden {
            exception: exception.id,
            event,
            rule: rule.to_owned(),
            at: now,
            entity: entity.to_owned(),
        });
        Verdict::Hidden(exception.id)
    }

    /// Says whether something waits to be written.
    pub fn has_waiting(&self) -> bool {
        let waiting = lock(&self.waiting);
        !waiting.hidden.is_empty() || !waiting.shadow.is_empty()
    }

    /// Writes what was counted since the last time.
    ///
    /// # Errors
    /// When the database fails; the counts are kept for the next time.
    pub fn flush(&self) -> Result<(), RuleBookError> {
        let mut waiting = lock(&self.waiting);
        if waiting.hidden.is_empty() && waiting.shadow.is_empty() {
            return Ok(());
        }
        let mut connection = lock(&self.connection);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for ((rule, day), matches) in &waiting.shadow {
            let sql =
                "INSERT INTO shadow VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET matches = matches + excluded.matches";
            let matches = i64::try_from(*matches).unwrap_or(i64::MAX);
            transaction.prepare_cached(sql)?.execute(params![rule, day, matches])?;
        }
        for hidden in &waiting.hidden {
            exception::keep(&transaction, hidden)?;
        }
        transaction.commit()?;
        *waiting = Waiting::default();
        Ok(())
    }
}

/// Trims a reason; there must be one.
fn checked_reason(reason: &str) -> Result<String, RuleBookError> {
    let reason = reason.trim();
    match reason.len() {
        0 => Err(RuleBookError::Refused("a reason is needed".to_owned())),
        length if length > REASON_BYTES_MAX => {
            Err(RuleBookError::Refused(format!("the reason is longer than {REASON_BYTES_MAX} bytes")))
        }
        _ => Ok(reason.to_owned()),
    }
}

fn remember(
    connection: &Connection,
    rule: &str,
    at: Timestamp,
    who: &str,
    action: &str,
    text: Option<&str>,
) -> Result<(), RuleBookError> {
    connection
        .prepare_cached("INSERT INTO history (rule_id, at, who, action, text) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![rule, at.0, who, action, text])?;
    Ok(())
}

#[cfg(test)]
mod tests;
