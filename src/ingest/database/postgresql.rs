//! PostgreSQL: the server writes each row as JSON itself, so that every type it has comes out as it means it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use futures_util::StreamExt as _;
use rustls_pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::ChannelBinding;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::tls::TlsConnect;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::task::AbortOnDropHandle;

use crate::ingest::database::Config;
use crate::ingest::database::DatabaseError;
use crate::ingest::database::Tls;
use crate::ingest::database::session::PAGE_BYTES_MAX;
use crate::ingest::database::session::Page;
use crate::ingest::database::session::Row;
use crate::ingest::database::session::order_of;
use crate::ingest::database::sql::Class;
use crate::ingest::database::sql::Column;
use crate::ingest::database::sql::Plan;
use crate::ingest::tls::client_config;

/// A connection with the task that drives it.
pub(super) struct Client {
    client: tokio_postgres::Client,
    _connection: AbortOnDropHandle<()>,
}

impl Client {
    pub(super) async fn open(config: &Config) -> Result<Client, DatabaseError> {
        let mut wanted = tokio_postgres::Config::new();
        wanted.host(&config.host).port(config.port).dbname(&config.database).user(&config.user);
        wanted.application_name("longan");
        if !config.password.0.is_empty() {
            wanted.password(&config.password.0);
        }
        wanted.options(format!(
            "-c default_transaction_read_only=on -c statement_timeout={} -c idle_in_transaction_session_timeout=60000 \
             -c standard_conforming_strings=on -c client_encoding=UTF8 -c datestyle=ISO -c intervalstyle=iso_8601",
            config.statement_timeout.as_millis(),
        ));
        let unreachable = |err: tokio_postgres::Error| match refused(&err) {
            Some(refused) => refused,
            None => DatabaseError::Unreachable(Box::new(err)),
        };
        let (client, connection) = match &config.tls {
            Tls::Off => {
                let (client, connection) =
                    wanted.ssl_mode(SslMode::Disable).connect(NoTls).await.map_err(unreachable)?;
                (client, tokio::spawn(async { drop(connection.await) }))
            }
            Tls::Verified(ca) => {
                let tls = client_config(ca.as_deref()).map_err(|err| DatabaseError::Certificates(Box::new(err)))?;
                let connector = Connector(TlsConnector::from(Arc::new(tls)));
                let (client, connection) =
                    wanted.ssl_mode(SslMode::Require).connect(connector).await.map_err(unreachable)?;
                (client, tokio::spawn(async { drop(connection.await) }))
            }
        };
        let client = Client { client, _connection: AbortOnDropHandle::new(connection) };
        // Whatever the role's own settings say, times are told in the input's zone.
        let zone = format!("SET TIME ZONE INTERVAL '{} seconds'", config.zone_offset_seconds);
        client.client.batch_execute(&zone).await.map_err(lost)?;
        Ok(client)
    }

    pub(super) async fn columns(&mut self, text: &str) -> Result<Vec<Column>, DatabaseError> {
        let statement = self.client.prepare(text).await.map_err(lost)?;
        let columns = statement.columns().iter().map(|column| {
            let type_name = column.type_().name().to_owned();
            Column { name: column.name().to_owned(), class: class_of(&type_name), type_name }
        });
        Ok(columns.collect())
    }

    pub(super) async fn page(&mut self, plan: &Plan, text: &str) -> Result<Page, DatabaseError> {
        let no_parameters: [&str; 0] = [];
        let mut rows = pin!(self.client.query_raw(text, no_parameters).await.map_err(lost)?);
        let mut page = Page::default();
        let mut bytes = 0;
        while let Some(row) = rows.next().await {
            let row = row_of(&row.map_err(lost)?)?;
            bytes += row.document.len();
            page.rows.push(row);
            if bytes >= PAGE_BYTES_MAX {
                page.is_full = true;
                return Ok(page);
            }
        }
        page.is_full = page.rows.len() >= plan.page_rows();
        Ok(page)
    }

    pub(super) async fn text(&mut self, text: &str) -> Result<Option<String>, DatabaseError> {
        let row = self.client.query_one(text, &[]).await.map_err(lost)?;
        row.try_get(0).map_err(lost)
    }
}

fn row_of(row: &tokio_postgres::Row) -> Result<Row, DatabaseError> {
    let text = |index: usize| -> Result<String, DatabaseError> {
        let text: Option<&str> = row.try_get(index).map_err(lost)?;
        Ok(text.ok_or_else(|| DatabaseError::BadRow("its place in the order is NULL".to_owned()))?.to_owned())
    };
    Ok(Row {
        id: text(0)?,
        text: text(1)?,
        order: order_of(&text(2)?)?,
        document: Bytes::from(text(3)?),
        truncated: row.try_get::<_, Option<bool>>(4).map_err(lost)?.unwrap_or(false),
    })
}

fn refused(err: &tokio_postgres::Error) -> Option<DatabaseError> {
    let told = err.as_db_error()?;
    Some(DatabaseError::Refused { code: told.code().code().to_owned(), message: told.message().to_owned() })
}

fn lost(err: tokio_postgres::Error) -> DatabaseError {
    refused(&err).unwrap_or_else(|| DatabaseError::Lost(Box::new(err)))
}

fn class_of(type_name: &str) -> Class {
    match type_name {
        "int2" | "int4" | "int8" => Class::Whole,
        "numeric" | "float4" | "float8" => Class::Number,
        "timestamp" | "timestamptz" => Class::Time,
        "date" => Class::Date,
        "text" | "varchar" | "bpchar" | "xml" => Class::Text,
        "bytea" => Class::Binary,
        "json" | "jsonb" => Class::Json,
        _ => Class::Other,
    }
}

#[derive(Clone)]
struct Connector(TlsConnector);

struct Handshake(TlsConnector, ServerName<'static>);

struct Stream<S>(Box<TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Connector {
    type Stream = Stream<S>;
    type TlsConnect = Handshake;
    type Error = rustls_pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Handshake, Self::Error> {
        Ok(Handshake(self.0.clone(), ServerName::try_from(domain.to_owned())?))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move { Ok(Stream(Box::new(self.0.connect(self.1, stream).await?))) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> tokio_postgres::tls::TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
