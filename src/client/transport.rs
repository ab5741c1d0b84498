//! Connections: opened over a Unix socket or TLS, kept for the next call, given up after a while.

use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::client::ClientError;
use crate::client::Endpoint;
use crate::client::endpoint::TlsEndpoint;

/// How long opening a connection may take, the TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections kept; a TLS handshake costs more than a list does.
const IDLE_MAX: usize = 4;

type Body = Full<Bytes>;

/// An open connection and the task that drives it.
#[derive(Debug)]
pub(super) struct Connection {
    sender: http1::SendRequest<Body>,
    _driver: AbortOnDropHandle<()>,
}

/// Opens connections to one endpoint and keeps a few idle ones.
#[derive(Debug)]
pub(super) struct Transport {
    endpoint: Endpoint,
    place: String,
    idle: Mutex<Vec<Connection>>,
}

impl Transport {
    pub(super) fn new(endpoint: Endpoint) -> Transport {
        let place = endpoint.place();
        Transport { endpoint, place, idle: Mutex::new(Vec::new()) }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Returns the bearer token that goes with every request, when there is one.
    pub(super) fn token(&self) -> Option<&str> {
        match &self.endpoint {
            Endpoint::Unix(_) => None,
            Endpoint::Tls(tls) => Some(&tls.token.0),
        }
    }

    /// Sends a request and returns the answer's head, its body still to come, and the connection it comes on.
    ///
    /// A kept connection may have been closed by the server in the meantime; a request that was never sent goes out again on
    /// a new one, once. One that may have been sent does not: an action must not happen twice.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        wait: Duration,
    ) -> Result<(Response<Incoming>, Connection), ClientError> {
        let mut request = request;
        if let Some(mut connection) = self.take_idle() {
            match self.exchange(&mut connection, request, wait).await? {
                Exchange::Answered(response) => return Ok((response, connection)),
                Exchange::NotSent(unsent) => request = unsent,
            }
        }
        let mut connection = self.connect().await?;
        match self.exchange(&mut connection, request, wait).await? {
            Exchange::Answered(response) => Ok((response, connection)),
            Exchange::NotSent(_) => Err(self.away(io::ErrorKind::ConnectionReset.into())),
        }
    }

    async fn exchange(
        &self,
        connection: &mut Connection,
        request: Request<Body>,
        wait: Duration,
    ) -> Result<Exchange, ClientError> {
        let answer = timeout(wait, connection.sender.try_send_request(request)).await.map_err(|_| self.slow(wait))?;
        match answer {
            Ok(response) => Ok(Exchange::Answered(response)),
            Err(mut failure) => match failure.take_message() {
                Some(unsent) => Ok(Exchange::NotSent(unsent)),
                None => Err(self.broken(failure.into_error())),
            },
        }
    }

    /// Keeps a connection whose answer has been read to its end.
    pub(super) fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && !connection.sender.is_closed() {
            idle.push(connection);
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.sender.is_closed());
        idle.pop()
    }

    async fn connect(&self) -> Result<Connection, ClientError> {
        timeout(CONNECT_TIMEOUT, self.open()).await.map_err(|_| self.slow(CONNECT_TIMEOUT))?
    }

    async fn open(&self) -> Result<Connection, ClientError> {
        match &self.endpoint {
            Endpoint::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(|source| self.away(source))?;
                self.handshake(stream).await
            }
            Endpoint::Tls(tls) => {
                let stream = open_tls(tls).await.map_err(|source| self.away(source))?;
                self.handshake(stream).await
            }
        }
    }

    async fn handshake<S>(&self, stream: S) -> Result<Connection, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(|err| self.broken(err))?;
        let driver = tokio::spawn(async move {
            // The failure reaches whoever waits for an answer on this connection; nobody else need hear of it.
            drop(driver.await);
        });
        Ok(Connection { sender, _driver: AbortOnDropHandle::new(driver) })
    }

    pub(super) fn away(&self, source: io::Error) -> ClientError {
        ClientError::Away { place: self.place.clone(), source }
    }

    pub(super) fn slow(&self, waited: Duration) -> ClientError {
        ClientError::Slow { place: self.place.clone(), waited }
    }

    /// Tells a broken connection from an answer that is not HTTP.
    pub(super) fn broken(&self, err: hyper::Error) -> ClientError {
        if err.is_parse() || err.is_parse_status() || err.is_parse_too_large() {
            return ClientError::Protocol { place: self.place.clone(), reason: err.to_string() };
        }
        self.away(io::Error::other(err))
    }
}

/// What became of a request on a connection.
enum Exchange {
    Answered(Response<Incoming>),
    /// The connection was closed before anything of the request went out.
    NotSent(Request<Body>),
}

async fn open_tls(tls: &TlsEndpoint) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let stream = TcpStream::connect((tls.host.as_str(), tls.port)).await?;
    stream.set_nodelay(true)?;
    TlsConnector::from(tls.config.clone()).connect(tls.server_name.clone(), stream).await.map_err(explained)
}

/// Says in words what a self-signed certificate is refused for: `openssl req -x509` makes an authority of it.
fn explained(err: io::Error) -> io::Error {
    const AUTHORITY: &str = "the server shows the certificate of an authority (CA:TRUE), which proves no server; \
                             give it one signed by that authority, or one made with `basicConstraints=CA:FALSE`";
    if err.to_string().contains("CaUsedAsEndEntity") { io::Error::new(err.kind(), AUTHORITY) } else { err }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_shown_as_a_server_is_told_in_words() {
        let refused = explained(io::Error::other("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))"));
        assert!(refused.to_string().contains("basicConstraints=CA:FALSE"), "{refused}");
        assert_eq!(explained(io::Error::other("reset")).to_string(), "reset");
    }
}
