//! Polls tables of PostgreSQL and MySQL or MariaDB: read-only, by a growing id or by a time with an id beside it.
//!
//! One row is one frame, a JSON object. The position moves only with rows that are stored ([`Ledger`](crate::ingest::ledger::Ledger)).
//! Rows that are committed late, behind the position, are looked for in a window and told from those already sent.

mod error;
mod json;
mod mysql;
mod poller;
mod position;
mod postgresql;
mod session;
mod sql;
mod statement;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub use error::DatabaseError;
pub use poller::run;
pub use statement::StatementError;
pub use statement::check_select;

/// Whose protocol and dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Postgresql,
    /// MySQL and MariaDB.
    Mysql,
}

impl Kind {
    /// The word of the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Postgresql => "postgresql",
            Kind::Mysql => "mysql",
        }
    }
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A table or view, with its schema where it needs one; no columns means all.
    Table { name: String, columns: Vec<String> },
    /// A statement that [`check_select`] let pass.
    Select(String),
}

/// In which order rows are read, and how far behind the position late ones are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// By a whole number that grows; `overlap` is in ids.
    Id { column: String, overlap: u64 },
    /// By a time; the id orders rows of the same time.
    Time { column: String, id: String, lateness: Duration },
}

/// How the connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    Off,
    /// The server's certificate must be of an authority in this PEM file, or of the system's, and name the host.
    Verified(Option<PathBuf>),
}

/// A password that no debug output shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// One database input.
#[derive(Debug, Clone)]
pub struct Config {
    /// The input's name in events and counters.
    pub name: String,
    pub kind: Kind,
    /// A host, an address, or the path of a local socket (for PostgreSQL of its folder).
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub password: Password,
    pub tls: Tls,
    pub source: Source,
    pub order: Order,
    /// Whether the rows that are there already are read, too.
    pub is_from_beginning: bool,
    pub poll: Duration,
    pub page_rows: NonZeroUsize,
    /// A longer row is cut and marked.
    pub row_bytes_max: NonZeroUsize,
    pub statement_timeout: Duration,
    /// What times without a zone are meant in.
    pub zone_offset_seconds: i32,
    /// Where positions are kept.
    pub folder: PathBuf,
}

impl Config {
    /// Names what is read, so that a position is never used for something else.
    fn subject(&self) -> String {
        let source = match &self.source {
            Source::Table { name, .. } => format!("table {name}"),
            Source::Select(text) => format!("query {text}"),
        };
        let order = match &self.order {
            Order::Id { column, .. } => column.clone(),
            Order::Time { column, id, .. } => format!("{column}, {id}"),
        };
        format!("{} {} {source} by {order}", self.kind.word(), self.database)
    }
}
