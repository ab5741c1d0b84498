//! Alerts in SQLite: one writer, a few readers, every change in one synced transaction with its history.
//!
//! The writer sits behind a mutex; reads go to connections of their own, so that a list is never behind a sync. All
//! of it blocks: callers on an async thread use `spawn_blocking`. Every change of an alert or incident takes the next
//! revision; whoever knows a revision can ask for what changed since, over restarts as well.

mod act;
mod commit;
pub mod figures;
mod read;
mod row;
mod schema;
mod steps;
pub mod verdicts;

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use tokio::sync::watch;

use crate::alert::AlertDetail;
use crate::alert::AlertFilter;
use crate::alert::AlertRecord;
use crate::alert::AlertWindow;
use crate::alert::Policy;
use crate::alert::Refusal;
use crate::alert::Sla;
use crate::model::AlertId;
use crate::model::EventId;
use crate::model::RuleLevel;
use crate::model::Timestamp;
use crate::model::time::Clock;

pub use act::BULK_MAX;
pub use act::BulkOutcome;
pub use act::BulkTarget;
pub(crate) use act::act;
pub use read::Changes;
pub(crate) use read::members;

/// The file's name in the data folder.
pub const FILE_NAME: &str = "alerts.sqlite";

/// Readers kept open for the next read; more are opened when more read at once.
const READERS_KEPT: usize = 4;
/// Pages each of them keeps: what a list of some thousand open alerts needs.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// How long a statement waits for another process (a backup, `longan alerts list`) to let go.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error("cannot open the alerts in `{}`", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("cannot create `{}`", path.display())]
    Create { path: PathBuf, source: std::io::Error },
    #[error("the alerts were written by a later version (schema {found}, this program knows {known})")]
    NewerSchema { found: i64, known: i64 },
    #[error("the alert database failed")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the alert database holds what it should not: {what}")]
    Damaged { what: String },
    #[error("no such alert `{0}`")]
    NoSuchAlert(AlertId),
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("the filter admits {found} alerts, not {expected}")]
    MoreThanExpected { expected: u64, found: u64 },
    #[error("{wanted} alerts at once are more than {BULK_MAX}")]
    TooMany { wanted: u64 },
}

/// The alerts of one data folder, open for writing.
pub struct AlertStore {
    path: PathBuf,
    policy: Policy,
    clock: Arc<dyn Clock>,
    /// Before the writer, so that they are closed before it: the last to close puts the log away, which a reader may not.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Writer>,
    revision: watch::Sender<u64>,
}

struct Writer {
    connection: Connection,
    revision: u64,
}

/// What a change in progress is made with: the transaction, its time, and the revisions it hands out.
pub(crate) struct Change<'c> {
    pub(crate) transaction: Transaction<'c>,
    pub(crate) now: Timestamp,
    revision: u64,
}

impl Change<'_> {
    /// Takes the next revision.
    pub(crate) fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }
}

impl std::fmt::Debug for AlertStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlertStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl AlertStore {
    /// Opens (and, where needed, creates or migrates) the alerts at `path`.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, or was written by a later version.
    pub fn open(path: &Path, policy: Policy, clock: Arc<dyn Clock>) -> Result<AlertStore, StoreError> {
        make_closed(path).map_err(|source| StoreError::Create { path: path.to_owned(), source })?;
        let opened = open_to_write(path);
        let mut connection = opened.map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        schema::migrate(&mut connection)?;
        let revision = read::revision(&connection)?;
        Ok(AlertStore {
            path: path.to_owned(),
            policy,
            clock,
            writer: Mutex::new(Writer { connection, revision }),
            readers: Mutex::new(Vec::new()),
            revision: watch::Sender::new(revision),
        })
    }

    /// Runs a change: all of it is synced to disk when this returns, or none of it happened.
    pub(crate) fn change<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        // A panic inside `work` rolled its transaction back; what the mutex guards is whole.
        let mut guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Writer { connection, revision: known } = &mut *guard;
        let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(StoreError::from)?;
        let mut change = Change { transaction, now: self.clock.now(), revision: *known };
        let result = work(&mut change)?;
        let Change { transaction, revision, .. } = change;
        if revision == *known {
            transaction.commit().map_err(StoreError::from)?;
            return Ok(result);
        }
        row::set_meta(&transaction, "revision", to_sql(revision))?;
        transaction.commit().map_err(StoreError::from)?;
        *known = revision;
        // Told while the writer is still held, so that revisions are told in their order.
        self.revision.send_replace(revision);
        Ok(result)
    }

    /// Runs a read on a connection of its own, in one transaction: what it sees is of one moment.
    pub(crate) fn read<T, E: From<StoreError>>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => open_to_read(&self.path)?,
        };
        let result = in_one_moment(&mut connection, work);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_KEPT {
            readers.push(connection);
        }
        result
    }

    /// Returns the receiver that is told of every new revision.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Returns the revision of the last change.
    pub fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    /// Returns the clock alerts are dated by.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the last event whose detections are committed: a replay skips up to and including it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn position(&self) -> Result<EventId, StoreError> {
        self.read(|connection| Ok(EventId(from_sql(row::meta(connection, "position")?))))
    }

    /// Returns the newest snapshot of the correlation state, with the position it was taken at.
    ///
    /// # Errors
    /// When the database fails.
    pub fn snapshot(&self) -> Result<Option<(EventId, Vec<u8>)>, StoreError> {
        self.read(read::snapshot)
    }

    /// Returns a window of the list.
    ///
    /// # Errors
    /// When the database fails.
    pub fn window(&self, filter: &AlertFilter) -> Result<AlertWindow, StoreError> {
        self.read(|connection| read::window(connection, filter))
    }

    /// Returns everything about one alert.
    ///
    /// # Errors
    /// When there is no such alert, or the database fails.
    pub fn detail(&self, id: AlertId) -> Result<AlertDetail, StoreError> {
        let now = self.now();
        self.read(|connection| read::detail(connection, id, now))
    }

    /// Returns one row, with up to `events` of its events.
    ///
    /// # Errors
    /// As [`AlertStore::detail`].
    pub fn row(&self, id: AlertId, events: u32) -> Result<AlertRecord, StoreError> {
        self.read(|connection| read::row(connection, id, events))
    }

    /// Returns what changed after a revision, the latest state of each, in order of revision; `changes_max` at most.
    ///
    /// # Errors
    /// When the database fails.
    pub fn changes_since(&self, revision: u64, changes_max: u32) -> Result<Changes, StoreError> {
        self.read(|connection| read::changes_since(connection, revision, changes_max))
    }

    /// Counts the alerts that changed after a revision, up to `count_max`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn changed_count(&self, revision: u64, count_max: u32) -> Result<u64, StoreError> {
        self.read(|connection| read::changed_count(connection, revision, count_max))
    }

    /// Counts the alerts nobody has looked at in time; what is beyond ten thousand is not counted.
    ///
    /// # Errors
    /// When the database fails.
    pub fn overdue(&self) -> Result<u64, StoreError> {
        let (now, sla) = (self.now(), self.policy.sla);
        self.read(|connection| read::overdue(connection, now, sla))
    }

    /// Returns how soon alerts shall be taken.
    pub fn sla(&self) -> Sla {
        self.policy.sla
    }

    /// Returns how many alerts are open, by level, the worst first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open_by_level(&self) -> Result<Vec<(RuleLevel, u64)>, StoreError> {
        self.read(read::open_by_level)
    }
}

/// The alerts of a data folder, open for reading only: for commands that run with no server.
#[derive(Debug)]
pub struct AlertReader {
    connection: Connection,
}

impl AlertReader {
    /// Opens the alerts at `path` without changing anything.
    ///
    /// # Errors
    /// When the file is not there or cannot be read.
    pub fn open(path: &Path) -> Result<AlertReader, StoreError> {
        let connection = match open_to_read(path) {
            // Whoever may only read the folder cannot make the files a database in use needs. One that was closed in
            // order needs none: nothing is in its log.
            Err(_) if has_no_log(path) => open_unchanging(path)?,
            opened => opened?,
        };
        let found = schema::version(&connection)?;
        schema::check(found)?;
        Ok(AlertReader { connection })
    }

    /// Returns a window of the list.
    ///
    /// # Errors
    /// When the database fails.
    pub fn window(&mut self, filter: &AlertFilter) -> Result<AlertWindow, StoreError> {
        in_one_moment(&mut self.connection, |connection| read::window(connection, filter))
    }

    /// Returns everything about one alert.
    ///
    /// # Errors
    /// When there is no such alert, or the database fails.
    pub fn detail(&mut self, id: AlertId, now: Timestamp) -> Result<AlertDetail, StoreError> {
        in_one_moment(&mut self.connection, |connection| read::detail(connection, id, now))
    }

    /// Runs another module's read of the same file.
    pub(crate) fn read<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        in_one_moment(&mut self.connection, work)
    }
}

fn in_one_moment<T, E: From<StoreError>>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let begun = connection.transaction_with_behavior(TransactionBehavior::Deferred);
    let transaction = begun.map_err(StoreError::from)?;
    let result = work(&transaction)?;
    transaction.commit().map_err(StoreError::from)?;
    Ok(result)
}

fn open_to_write(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
        Ok(connection)
    });
    opened.map_err(|source| StoreError::Open { path: path.to_owned(), source })
}

/// Creates the file closed to others, where it is not there yet: SQLite would leave it to the umask, and raw log lines
/// are in it. Its companions get the same mode from SQLite.
fn make_closed(path: &Path) -> std::io::Result<()> {
    std::fs::OpenOptions::new().append(true).create(true).mode(0o640).open(path).map(drop)
}

fn has_no_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    path.is_file() && !Path::new(&log).try_exists().unwrap_or(true)
}

fn open_unchanging(path: &Path) -> Result<Connection, StoreError> {
    let open_error = |source| StoreError::Open { path: path.to_owned(), source };
    let uri: String = path.to_string_lossy().chars().map(percent_encoded).collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let opened = Connection::open_with_flags(format!("file:{uri}?immutable=1"), flags);
    let connection = opened.map_err(open_error)?;
    // Opening reads nothing: whether this is a database at all comes out here.
    connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).map_err(open_error)?;
    Ok(connection)
}

/// The characters that mean something in a URI file name.
fn percent_encoded(c: char) -> String {
    if matches!(c, '?' | '#' | '%') { format!("%{:02X}", u32::from(c)) } else { c.to_string() }
}

/// SQLite's integers are signed; ours stay far below the sign.
pub(crate) fn to_sql(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The way back; a negative number, which we never write, reads as zero.
pub(crate) fn from_sql(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
