//! One connection: HTTP/1.1 with limits on its heads, its idling and its reader.

use std::pin::pin;

use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tower::ServiceExt as _;

use crate::server::access::Arrival;
use crate::server::listen::Server;
use crate::server::listen::stall::StallGuard;

impl Server {
    /// Serves a connection until it ends, breaks a limit, or the server stops.
    pub(super) async fn serve_connection<S>(&self, stream: S, arrival: Arrival)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.shared.limits;
        let service = service_fn(|mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(arrival.clone());
            let request: Request = request.map(axum::body::Body::new);
            self.router.clone().oneshot(request)
        });
        let io = TokioIo::new(StallGuard::new(stream, limits.stall_timeout));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_timeout)
            .max_headers(limits.headers_max)
            .max_buf_size(limits.head_bytes_max)
            .serve_connection(io, service);
        let mut connection = pin!(connection);
        let stop = self.stopping();
        self.connections.add(1);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        self.connections.add(-1);
        if let Err(error) = ended {
            // What peers do wrong is theirs; it is told only to who asks for it.
            tracing::debug!(%error, "API connection ended");
        }
    }
}
