//! Events over HTTP: NDJSON, the bulk API of Elasticsearch, the event collector of Splunk, OTLP. An answer of success is sent
//! only after the WAL has synced.
//!
//! The raw bytes of an event are its document as it stood in the body: a line, the source line of a bulk action, a whole collector object.

pub mod access;
mod body;
mod bulk;
mod collector;
mod lines;
mod otlp;
mod server;
mod submit;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::ingest::account::Account;
use crate::ingest::connections::ConnectionLimits;
use crate::ingest::http::access::Tokens;
use crate::ingest::joining::StreamRules;
use crate::ingest::listener::Context;

pub use bulk::Items;
pub use bulk::work_off;
pub use collector::objects;
pub use lines::lines;
pub use otlp::NotTaken;
pub use otlp::records as otlp_records;
pub use server::run;

/// How an HTTP input behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The input's name in events and counters.
    pub name: String,
    /// Longer documents are kept up to this and marked.
    pub frame_bytes_max: NonZeroUsize,
    /// The longest body, before and after decompression.
    pub body_bytes_max: NonZeroUsize,
    /// Bodies of all requests in memory together; one more is asked to come back.
    pub memory_bytes_max: NonZeroUsize,
    /// Requests worked on at a time; one more is asked to come back.
    pub requests_max: NonZeroUsize,
    /// A body that makes no progress for so long is given up.
    pub body_timeout: Duration,
    /// Who may send; empty lets anyone in, which is refused beyond loopback.
    pub tokens: Tokens,
    pub limits: ConnectionLimits,
    /// Which lines of a request are pieces of one message.
    pub joining: Option<Arc<StreamRules>>,
}

impl Config {
    /// The longest body unless the operator says otherwise.
    pub const BODY_BYTES_DEFAULT: usize = 32 << 20;
    /// The memory for bodies unless the operator says otherwise.
    pub const MEMORY_BYTES_DEFAULT: usize = 256 << 20;
    /// Requests at a time unless the operator says otherwise.
    pub const REQUESTS_DEFAULT: usize = 256;
}

/// Why an HTTP input must not be opened as configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    #[error(
        "input `{input}` listens on `{address}`, beyond loopback, and asks for neither a token nor a client certificate"
    )]
    Open { input: String, address: IpAddr },
    #[error(
        "input `{input}` listens on `{address}`, beyond loopback, without TLS: tokens would cross the network in the clear"
    )]
    Clear { input: String, address: IpAddr },
}

/// Checks that an input beyond loopback speaks TLS and knows its senders.
///
/// # Errors
/// When it does not.
pub fn check_access(
    config: &Config,
    address: IpAddr,
    tls: Option<&crate::ingest::tls::Config>,
) -> Result<(), AccessError> {
    let input = config.name.clone();
    match tls {
        _ if address.to_canonical().is_loopback() => Ok(()),
        None => Err(AccessError::Clear { input, address }),
        Some(tls) if tls.client_ca.is_none() && config.tokens.is_empty() => Err(AccessError::Open { input, address }),
        Some(_) => Ok(()),
    }
}

/// What the handlers share.
struct Shared {
    context: Context,
    account: Account,
    config: Config,
    /// One permit a request.
    requests: Semaphore,
    /// One permit a KiB of body.
    memory: Arc<Semaphore>,
}

fn router(shared: Arc<Shared>) -> Router {
    let access = axum::middleware::from_fn_with_state(Arc::clone(&shared), access::admit);
    Router::new()
        .route("/ingest/ndjson", post(lines::ndjson))
        .route("/v1/logs", post(otlp::logs))
        .route("/_bulk", post(bulk::bulk).put(bulk::bulk))
        .route("/{index}/_bulk", post(bulk::bulk).put(bulk::bulk))
        .route("/services/collector", post(collector::events))
        .route("/services/collector/event", post(collector::events))
        .route("/services/collector/event/1.0", post(collector::events))
        .route("/services/collector/raw", post(lines::collector_raw))
        .route("/services/collector/raw/1.0", post(lines::collector_raw))
        .route("/", get(bulk::version))
        .route("/_license", get(bulk::license))
        .route("/_cluster/health", get(bulk::health))
        .route("/_nodes/http", get(bulk::nodes))
        .route("/_ilm/policy/{name}", get(bulk::acknowledged).put(bulk::acknowledged))
        .route("/_index_template/{name}", get(bulk::acknowledged).put(bulk::acknowledged))
        .route("/_component_template/{name}", get(bulk::acknowledged).put(bulk::acknowledged))
        .route("/_template/{name}", get(bulk::acknowledged).put(bulk::acknowledged))
        .route("/_ingest/pipeline/{name}", get(bulk::acknowledged).put(bulk::acknowledged))
        .layer(access)
        // Load balancers ask for health without a token; it tells nothing.
        .route("/services/collector/health", get(collector::health))
        .route("/services/collector/health/1.0", get(collector::health))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "no such endpoint") })
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

/// An error in the form that all three kinds of client can read.
fn problem(status: StatusCode, reason: &str) -> Response {
    let code = match status {
        StatusCode::UNAUTHORIZED => 3,
        StatusCode::FORBIDDEN => 4,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => 9,
        StatusCode::INTERNAL_SERVER_ERROR => 8,
        _ => 6,
    };
    let kind = if status == StatusCode::TOO_MANY_REQUESTS { "es_rejected_execution_exception" } else { "refused" };
    let body = json!({
        "text": reason,
        "code": code,
        "error": {"type": kind, "reason": reason},
        "status": status.as_u16(),
    });
    let mut response = (status, Json(body)).into_response();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response.headers_mut().insert("retry-after", axum::http::HeaderValue::from_static("5"));
    }
    response
}

#[cfg(test)]
mod tests;
