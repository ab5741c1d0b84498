//! Lumberjack version 2, the protocol of Beats and Logstash (`output.logstash`), plain or over TLS.
//!
//! A sender announces a window of events and waits until its last one is acknowledged; the acknowledgement is sent after the sync. A
//! connection that cannot be served is closed unanswered, so that the sender keeps its events and comes back.

pub mod frame;
mod session;

use std::sync::Arc;

use crate::ingest::connections::AcceptError;
use crate::ingest::listener::BoundTcp;
use crate::ingest::listener::Context;
use crate::ingest::lumberjack::session::SessionError;
use crate::ingest::stream;
use crate::ingest::stream::Config;
use crate::ingest::stream::Shared;
use crate::ingest::tls::Security;
use crate::ingest::tls::Wire;
use crate::model::Origin;

/// Serves until cancelled.
///
/// # Errors
/// When the listener fails for good.
pub async fn run(context: Context, bound: BoundTcp, security: Security, config: Config) -> Result<(), AcceptError> {
    stream::serve_all(context, bound, security, config, serve).await
}

async fn serve(shared: Arc<Shared>, stream: Wire, origin: Arc<Origin>) -> Result<(), SessionError> {
    let served = session::run(&shared, stream, origin).await;
    if let Err(SessionError::Frame(_)) = &served {
        shared.account.framing_errors.increment();
    }
    served
}

#[cfg(test)]
mod tests;
