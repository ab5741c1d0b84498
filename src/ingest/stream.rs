//! What the inputs of framed streams (syslog over TCP and TLS, RELP) have in common: configuration, shared state, and the
//! way of a connection from the door, through TLS, to the reader that knows the protocol.

use std::fmt::Display;
use std::future::Future;
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
use crate::ingest::joining::StreamRules;
use crate::ingest::listener::BoundTcp;
use crate::ingest::listener::Context;
use crate::ingest::tls::Security;
use crate::ingest::tls::Wire;
use crate::model::Origin;

/// How an input of framed streams behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The input's name in events and counters.
    pub name: String,
    /// Longer frames are kept up to this and marked.
    pub frame_bytes_max: NonZeroUsize,
    pub limits: ConnectionLimits,
    /// Which frames are pieces of one; only syslog and RELP have any.
    pub joining: Option<Arc<StreamRules>>,
}

/// What the connections of an input share.
pub(crate) struct Shared {
    pub(crate) context: Context,
    pub(crate) account: Account,
    pub(crate) config: Config,
    security: Security,
}

/// Accepts until cancelled; `read` serves each connection, once it is secured, to its end.
///
/// # Errors
/// When the listener fails for good.
pub(crate) async fn serve_all<F, R, E>(
    context: Context,
    bound: BoundTcp,
    security: Security,
    config: Config,
    read: F,
) -> Result<(), AcceptError>
where
    F: Fn(Arc<Shared>, Wire, Arc<Origin>) -> R + Copy + Send + 'static,
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + 'static,
{
    let account = Account::new(&context.registry, &config.name);
    let shared = Arc::new(Shared { context, account, security, config });
    let door = Door {
        input: &shared.config.name,
        limits: &shared.config.limits,
        account: &shared.account,
        cancel: &shared.context.cancel,
    };
    accept_all(bound, door, |stream, peer| serve(Arc::clone(&shared), stream, peer, read)).await
}

async fn serve<F, R, E>(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr, read: F)
where
    F: Fn(Arc<Shared>, Wire, Arc<Origin>) -> R,
    R: Future<Output = Result<(), E>>,
    E: Display,
{
    let secured = tokio::select! {
        () = shared.context.cancel.cancelled() => return,
        secured = shared.security.secure(stream) => secured,
    };
    let (stream, identity) = match secured {
        Ok(secured) => secured,
        Err(err) => {
            shared.account.auth_failures.increment();
            let (input, cause) = (&shared.config.name, std::error::Error::source(&err));
            info!(%input, %peer, error = %err, ?cause, "no TLS connection");
            return;
        }
    };
    let origin = Arc::new(Origin { input: shared.config.name.clone(), peer: Some(peer), identity });
    if let Err(err) = read(Arc::clone(&shared), stream, origin).await {
        debug!(input = %shared.config.name, %peer, error = %err, "connection given up");
    }
}
