//! RELP, the acknowledged protocol of rsyslog and others: a message is answered `200 OK` only after the WAL has synced.
//!
//! Messages that arrive together are submitted together and answered together, in order, so that a window of
//! messages costs one sync. When nothing can be stored, the connection is closed without an answer; the sender keeps its
//! messages and comes back.

pub mod frame;
mod session;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::net::TcpStream;
use tracing::debug;
use tracing::info;

use crate::ingest::account::Account;
use crate::ingest::connections::AcceptError;
use crate::ingest::connections::ConnectionLimits;
use crate::ingest::connections::Door;
use crate::ingest::connections::accept_all;
use crate::ingest::listener::BoundTcp;
use crate::ingest::listener::Context;
use crate::ingest::tls::Security;
use crate::model::Origin;

/// How a RELP input behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The input's name in events and counters.
    pub name: String,
    /// Longer messages are kept up to this and marked.
    pub frame_bytes_max: NonZeroUsize,
    pub limits: ConnectionLimits,
}

/// Serves until cancelled; then answers what was read and ends.
///
/// # Errors
/// When the listener fails for good.
pub async fn run(context: Context, bound: BoundTcp, security: Security, config: Config) -> Result<(), AcceptError> {
    let account = Account::new(&context.registry, &config.name);
    let cancel = context.cancel.clone();
    let door = Door { input: &config.name, limits: &config.limits, account: &account, cancel: &cancel };
    let shared = Arc::new(Shared { context, account: account.clone(), security, config: config.clone() });
    accept_all(bound, door, |stream, peer| serve(Arc::clone(&shared), stream, peer)).await
}

/// What the connections of an input share.
struct Shared {
    context: Context,
    account: Account,
    security: Security,
    config: Config,
}

async fn serve(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let secured = tokio::select! {
        () = shared.context.cancel.cancelled() => return,
        secured = shared.security.secure(stream) => secured,
    };
    let input = shared.config.name.as_str();
    let (stream, identity) = match secured {
        Ok(secured) => secured,
        Err(err) => {
            shared.account.auth_failures.increment();
            info!(input, %peer, error = %err, cause = ?std::error::Error::source(&err), "no TLS connection");
            return;
        }
    };
    let origin = Arc::new(Origin { input: input.to_owned(), peer: Some(peer), identity });
    if let Err(err) = session::run(&shared, stream, origin).await {
        debug!(input, %peer, error = %err, "connection given up");
    }
}

#[cfg(test)]
mod tests;
