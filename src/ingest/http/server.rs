//! Runs the HTTP input: accepts connections, plain or TLS, and serves requests on them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::ServiceExt;
use tracing::debug;
use tracing::info;

use crate::ingest::account::Account;
use crate::ingest::connections::AcceptError;
use crate::ingest::connections::Door;
use crate::ingest::connections::accept_all;
use crate::ingest::http::Config;
use crate::ingest::http::Shared;
use crate::ingest::http::router;
use crate::ingest::listener::BoundTcp;
use crate::ingest::listener::Context;
use crate::ingest::tls::Security;

/// How long a client may take to send the head of a request, and how long a connection may wait for the next one.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest head of a request.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// How long requests may take once told to stop.
const DRAIN_TIME: Duration = Duration::from_secs(4);

/// The other end of a connection, put beside each of its requests.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// The name in its client certificate.
    pub(super) identity: Option<String>,
}

/// Serves until cancelled; then finishes the requests begun and ends.
///
/// # Errors
/// When the listener fails for good.
pub async fn run(context: Context, bound: BoundTcp, security: Security, config: Config) -> Result<(), AcceptError> {
    let account = Account::new(&context.registry, &config.name);
    let cancel = context.cancel.clone();
    let door = Door { input: &config.name, limits: &config.limits, account: &account, cancel: &cancel };
    let shared = Arc::new(Shared {
        context,
        account: account.clone(),
        config: config.clone(),
        requests: Semaphore::new(config.requests_max.get().min(Semaphore::MAX_PERMITS)),
        memory: Arc::new(Semaphore::new(config.memory_bytes_max.get().div_ceil(1024).min(Semaphore::MAX_PERMITS))),
    });
    let router = router(Arc::clone(&shared));
    accept_all(bound, door, |stream, peer| serve(Arc::clone(&shared), security.clone(), router.clone(), stream, peer))
        .await
}

async fn serve(shared: Arc<Shared>, security: Security, router: Router, stream: TcpStream, address: SocketAddr) {
    let cancel = shared.context.cancel.clone();
    let input = shared.config.name.as_str();
    let secured = tokio::select! {
        () = cancel.cancelled() => return,
        secured = security.secure(stream) => secured,
    };
    let (stream, identity) = match secured {
        Ok(secured) => secured,
        Err(err) => {
            shared.account.auth_failures.increment();
            info!(input, peer = %address, error = %err, cause = ?std::error::Error::source(&err), "no TLS connection");
            return;
        }
    };
    let peer = Peer { address, identity };
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEADER_BYTES_MAX).half_close(true);
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    let served = tokio::select! {
        served = &mut connection => served,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(DRAIN_TIME, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(err) = served {
        debug!(input, peer = %address, error = %err, "connection given up");
    }
}
