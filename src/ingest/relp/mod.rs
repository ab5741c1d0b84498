//! RELP, the acknowledged protocol of rsyslog and others: a message is answered `200 OK` only after the WAL has synced.
//!
//! Messages that arrive together are submitted together and answered together, in order, so that a window of
//! messages costs one sync. When nothing can be stored, the connection is closed without an answer; the sender keeps its
//! messages and comes back.

pub mod frame;
mod session;

use crate::ingest::connections::AcceptError;
use crate::ingest::listener::BoundTcp;
use crate::ingest::listener::Context;
use crate::ingest::stream;
use crate::ingest::tls::Security;

pub use crate::ingest::stream::Config;

/// Serves until cancelled; then answers what was read and ends.
///
/// # Errors
/// When the listener fails for good.
pub async fn run(context: Context, bound: BoundTcp, security: Security, config: Config) -> Result<(), AcceptError> {
    stream::serve_all(context, bound, security, config, session::run).await
}

#[cfg(test)]
mod tests;
