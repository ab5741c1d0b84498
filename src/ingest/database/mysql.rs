//! MySQL and MariaDB, over the text protocol: values come as the server writes them.

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::StreamExt as _;
use mysql_async::Conn;
use mysql_async::OptsBuilder;
use mysql_async::SslOpts;
use mysql_async::Value;
use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable as _;

use crate::ingest::database::Config;
use crate::ingest::database::DatabaseError;
use crate::ingest::database::Tls;
use crate::ingest::database::json;
use crate::ingest::database::session::PAGE_BYTES_MAX;
use crate::ingest::database::session::Page;
use crate::ingest::database::session::Row;
use crate::ingest::database::session::order_of;
use crate::ingest::database::sql::Class;
use crate::ingest::database::sql::Column;
use crate::ingest::database::sql::Plan;
use crate::ingest::tls::SYSTEM_AUTHORITIES;

/// The number MySQL has for bytes that are no text.
const BINARY_CHARSET: u16 = 63;
/// Columns of a page before those of the row itself.
const LEADING: usize = 4;

/// An open connection.
pub(super) struct Client {
    connection: Conn,
}

impl Client {
    pub(super) async fn open(config: &Config) -> Result<Client, DatabaseError> {
        let socket = config.host.starts_with('/').then(|| config.host.clone());
        let tls = match &config.tls {
            Tls::Off => None,
            Tls::Verified(ca) => {
                let authorities = ca.clone().unwrap_or_else(|| PathBuf::from(SYSTEM_AUTHORITIES));
                Some(SslOpts::default().with_root_certs(vec![authorities.into()]).with_disable_built_in_roots(true))
            }
        };
        let options = OptsBuilder::default()
            .ip_or_hostname(if socket.is_some() { "localhost" } else { &config.host })
            .tcp_port(config.port)
            .socket(socket)
            .prefer_socket(false)
            .user(Some(&config.user))
            .pass(Some(&config.password.0).filter(|password| !password.is_empty()))
            .db_name(Some(&config.database))
            .ssl_opts(tls)
            .stmt_cache_size(0);
        let connection = Conn::new(options).await.map_err(|err| match refused(&err) {
            Some(refused) => refused,
            None => DatabaseError::Unreachable(Box::new(err)),
        })?;
        let mut client = Client { connection };
        client.prepare_session(config).await?;
        Ok(client)
    }

    async fn prepare_session(&mut self, config: &Config) -> Result<(), DatabaseError> {
        let offset = config.zone_offset_seconds;
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs() / 60);
        let version = self.text("SELECT VERSION()").await?.unwrap_or_default();
        let limit = if version.contains("MariaDB") {
            format!("SET SESSION max_statement_time = {}", config.statement_timeout.as_secs().max(1))
        } else {
            format!("SET SESSION max_execution_time = {}", config.statement_timeout.as_millis())
        };
        for statement in [
            "SET SESSION TRANSACTION READ ONLY".to_owned(),
            "SET NAMES utf8mb4".to_owned(),
            // With this a backslash in a literal is a backslash, as the statements are written.
            "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'".to_owned(),
            format!("SET SESSION time_zone = '{sign}{:02}:{:02}'", minutes / 60, minutes % 60),
            limit,
        ] {
            self.connection.query_drop(statement).await.map_err(lost)?;
        }
        Ok(())
    }

    pub(super) async fn columns(&mut self, text: &str) -> Result<Vec<Column>, DatabaseError> {
        let mut result = self.connection.query_iter(text).await.map_err(lost)?;
        let columns = result.columns_ref().iter().map(|column| Column {
            name: column.name_str().into_owned(),
            class: class_of(column.column_type(), column.character_set()),
            type_name: format!("{:?}", column.column_type()).trim_start_matches("MYSQL_TYPE_").to_ascii_lowercase(),
        });
        let columns = columns.collect();
        while result.next().await.map_err(lost)?.is_some() {}
        Ok(columns)
    }

    pub(super) async fn page(&mut self, plan: &Plan, text: &str, config: &Config) -> Result<Page, DatabaseError> {
        let mut rows = self.connection.query_stream::<mysql_async::Row, _>(text).await.map_err(lost)?;
        let (mut page, mut bytes) = (Page::default(), 0);
        while let Some(row) = rows.next().await {
            let row = row_of(row.map_err(lost)?, plan, config)?;
            // What is over the limit is read to its end: the connection must be left clean for the next page.
            if bytes < PAGE_BYTES_MAX {
                bytes += row.document.len();
                page.rows.push(row);
            } else {
                page.is_full = true;
            }
        }
        page.is_full |= page.rows.len() >= plan.page_rows();
        Ok(page)
    }

    pub(super) async fn text(&mut self, text: &str) -> Result<Option<String>, DatabaseError> {
        let answer: Option<Option<String>> = self.connection.query_first(text).await.map_err(lost)?;
        Ok(answer.flatten())
    }

    pub(super) async fn close(self) {
        // The server notices in any case.
        drop(self.connection.disconnect().await);
    }
}

fn row_of(row: mysql_async::Row, plan: &Plan, config: &Config) -> Result<Row, DatabaseError> {
    let values: Vec<Option<Vec<u8>>> = row.unwrap().into_iter().map(bytes_of).collect();
    let text = |index: usize| match values.get(index) {
        Some(Some(bytes)) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        _ => Err(DatabaseError::BadRow("its place in the order is NULL".to_owned())),
    };
    let rest = values.iter().skip(LEADING).map(Option::as_deref);
    let mut document = Bytes::from(json::object(&plan.columns, rest, config.zone_offset_seconds));
    let is_long = document.len() > config.row_bytes_max.get();
    document.truncate(config.row_bytes_max.get());
    Ok(Row {
        id: text(0)?,
        text: text(1)?,
        order: order_of(&text(2)?)?,
        truncated: is_long || text(3)? != "0",
        document,
    })
}

fn bytes_of(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(bytes),
        // The text protocol has nothing but bytes.
        other => Some(other.as_sql(true).trim_matches('\'').as_bytes().to_vec()),
    }
}

fn refused(err: &mysql_async::Error) -> Option<DatabaseError> {
    match err {
        mysql_async::Error::Server(told) => {
            Some(DatabaseError::Refused { code: told.code.to_string(), message: told.message.clone() })
        }
        _ => None,
    }
}

fn lost(err: mysql_async::Error) -> DatabaseError {
    refused(&err).unwrap_or_else(|| DatabaseError::Lost(Box::new(err)))
}

fn class_of(kind: ColumnType, charset: u16) -> Class {
    use ColumnType::*;
    match kind {
        MYSQL_TYPE_TINY | MYSQL_TYPE_SHORT | MYSQL_TYPE_LONG | MYSQL_TYPE_INT24 | MYSQL_TYPE_LONGLONG
        | MYSQL_TYPE_YEAR => Class::Whole,
        MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL | MYSQL_TYPE_FLOAT | MYSQL_TYPE_DOUBLE => Class::Number,
        MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_DATETIME | MYSQL_TYPE_TIMESTAMP2 | MYSQL_TYPE_DATETIME2 => Class::Time,
        MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => Class::Date,
        MYSQL_TYPE_JSON => Class::Json,
        MYSQL_TYPE_BIT | MYSQL_TYPE_GEOMETRY => Class::Binary,
        MYSQL_TYPE_TIME | MYSQL_TYPE_TIME2 => Class::Other,
        _ if charset == BINARY_CHARSET => Class::Binary,
        _ => Class::Text,
    }
}
