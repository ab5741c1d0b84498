//! The server: takes connections from the local socket and over TLS, and serves them until it is told to stop.

mod connection;
mod socket;
mod stall;

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use std::time::Duration;

use crate::server::Limits;
use crate::server::Services;
use crate::server::access::Arrival;
use crate::server::access::Shared;
use crate::server::routes;
use crate::telemetry::Counter;
use crate::telemetry::Gauge;

pub use socket::ControlSocket;
pub use socket::ListenError;

fn is_tls13(stream: &tokio_rustls::server::TlsStream<tokio::net::TcpStream>) -> bool {
    stream.get_ref().1.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3)
}

/// After a failed accept (too many open files, mostly), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The API of one process; cloning shares it.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
    router: Router,
    connections: Gauge,
    turned_away: Counter,
}

impl Server {
    /// Builds the API.
    pub fn new(services: Services, limits: Limits) -> Server {
        let connections = services.metrics.gauge("longan_api_connections", &[]);
        let turned_away = services.metrics.counter("longan_api_connections_refused_total", &[]);
        let shared = Arc::new(Shared::new(services, limits));
        let router = routes::router(&shared);
        Server { shared, router, connections, turned_away }
    }

    /// Tells the server to stop: no new connections, streams end, requests under way are finished.
    pub fn stop(&self) {
        self.shared.stop.cancel();
    }

    /// Returns the token that tells the server to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.shared.stop.clone()
    }

    /// Serves the local socket until the server is stopped; the caller is whom the kernel says.
    pub async fn serve_local(&self, socket: ControlSocket) {
        let stop = self.stopping();
        let room = Arc::new(Semaphore::new(self.shared.limits.connections_max));
        let mut tasks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = tasks.join_next() => continue,
                accepted = socket.listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    self.accept_failed(&error).await;
                    continue;
                }
            };
            let Ok(permit) = room.clone().try_acquire_owned() else {
                self.turned_away.increment();
                continue;
            };
            let server = self.clone();
            tasks.spawn(async move {
                let arrival = server.local_arrival(&stream).await;
                server.serve_connection(stream, arrival).await;
                drop(permit);
            });
        }
        self.drain(tasks).await;
    }

    /// Serves TLS connections until the server is stopped; the caller shows a token.
    pub async fn serve_tls(&self, listener: TcpListener, config: Arc<rustls::ServerConfig>) {
        let stop = self.stopping();
        let acceptor = TlsAcceptor::from(config);
        let room = Arc::new(Semaphore::new(self.shared.limits.connections_max));
        let mut tasks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = tasks.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    self.accept_failed(&error).await;
                    continue;
                }
            };
            let Ok(permit) = room.clone().try_acquire_owned() else {
                self.turned_away.increment();
                continue;
            };
            let (server, acceptor) = (self.clone(), acceptor.clone());
            tasks.spawn(async move {
                // A lost answer is only slower without it.
                drop(stream.set_nodelay(true));
                let handshake = timeout(server.shared.limits.handshake_timeout, acceptor.accept(stream)).await;
                match handshake {
                    // Inputs may have to speak to old devices; whoever calls the API speaks 1.3.
                    Ok(Ok(stream)) if is_tls13(&stream) => server.serve_connection(stream, Arrival::Network).await,
                    Ok(_) | Err(_) => server.turned_away.increment(),
                }
                drop(permit);
            });
        }
        self.drain(tasks).await;
    }

    /// Asks the kernel who is at the other end, and the policy what they are.
    async fn local_arrival(&self, stream: &UnixStream) -> Arrival {
        let Ok(credentials) = stream.peer_cred() else { return Arrival::Local(None) };
        let peers = self.shared.services.peers.clone();
        // The user database may be on the network.
        let known = tokio::task::spawn_blocking(move || peers.principal(credentials.uid())).await;
        Arrival::Local(known.ok().flatten())
    }

    async fn accept_failed(&self, error: &std::io::Error) {
        tracing::warn!(%error, "cannot accept an API connection");
        sleep(ACCEPT_PAUSE).await;
    }

    async fn drain(&self, mut tasks: JoinSet<()>) {
        let all_done = async { while tasks.join_next().await.is_some() {} };
        if timeout(self.shared.limits.drain, all_done).await.is_err() {
            tracing::warn!(connections = tasks.len(), "API connections were still open at the deadline");
        }
    }
}
