//! One connection to either kind of database, read-only and with a time limit on every step.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use crate::ingest::database::Config;
use crate::ingest::database::DatabaseError;
use crate::ingest::database::Kind;
use crate::ingest::database::mysql;
use crate::ingest::database::postgresql;
use crate::ingest::database::sql;
use crate::ingest::database::sql::Column;
use crate::ingest::database::sql::Plan;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A page is ended early when its rows are so long together.
pub(super) const PAGE_BYTES_MAX: usize = 8 << 20;

/// A row as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: String,
    /// What the order goes by, as the database writes it and as a number.
    pub(super) text: String,
    pub(super) order: i64,
    pub(super) document: Bytes,
    pub(super) truncated: bool,
}

/// Rows in order; `is_full` when there may be more.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    pub(super) is_full: bool,
}

/// An open connection.
pub(super) enum Session {
    Postgresql(postgresql::Client),
    Mysql(Box<mysql::Client>),
}

impl Session {
    /// Connects, and makes the session read-only before anything else.
    pub(super) async fn open(config: &Config) -> Result<Session, DatabaseError> {
        let open = async {
            match config.kind {
                Kind::Postgresql => Ok(Session::Postgresql(postgresql::Client::open(config).await?)),
                Kind::Mysql => Ok(Session::Mysql(Box::new(mysql::Client::open(config).await?))),
            }
        };
        timeout(CONNECT_TIMEOUT, open).await.unwrap_or(Err(DatabaseError::TooSlow(CONNECT_TIMEOUT)))
    }

    /// Asks which columns there are.
    pub(super) async fn columns(&mut self, config: &Config) -> Result<Vec<Column>, DatabaseError> {
        let text = sql::describe(config);
        let limit = patience(config);
        let asked = async {
            match self {
                Session::Postgresql(client) => client.columns(&text).await,
                Session::Mysql(client) => client.columns(&text).await,
            }
        };
        timeout(limit, asked).await.unwrap_or(Err(DatabaseError::TooSlow(limit)))
    }

    /// Reads a page.
    pub(super) async fn page(&mut self, config: &Config, plan: &Plan, text: &str) -> Result<Page, DatabaseError> {
        let limit = patience(config);
        let asked = async {
            match self {
                Session::Postgresql(client) => client.page(plan, text).await,
                Session::Mysql(client) => client.page(plan, text, config).await,
            }
        };
        timeout(limit, asked).await.unwrap_or(Err(DatabaseError::TooSlow(limit)))
    }

    /// Asks for one number.
    pub(super) async fn number(&mut self, config: &Config, text: &str) -> Result<Option<i64>, DatabaseError> {
        let limit = patience(config);
        let asked = async {
            match self {
                Session::Postgresql(client) => client.text(text).await,
                Session::Mysql(client) => client.text(text).await,
            }
        };
        let answer = timeout(limit, asked).await.unwrap_or(Err(DatabaseError::TooSlow(limit)))?;
        Ok(answer.and_then(|text| text.parse().ok()))
    }

    /// Says goodbye.
    pub(super) async fn close(self) {
        if let Session::Mysql(client) = self {
            client.close().await;
        }
    }
}

/// The server ends a statement by itself; this is for a server that no longer answers at all.
fn patience(config: &Config) -> Duration {
    config.statement_timeout + Duration::from_secs(10)
}

/// Reads a number the order goes by.
pub(super) fn order_of(text: &str) -> Result<i64, DatabaseError> {
    text.parse().map_err(|_| DatabaseError::BadRow(format!("`{text}` is no position in the order")))
}
