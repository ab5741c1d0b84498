//! Accepts connections up to a limit, runs each in its own task, and ends them all in order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use socket2::SockRef;
use socket2::TcpKeepalive;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinError;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::warn;

use crate::ingest::account::Account;
use crate::ingest::listener::BoundTcp;
use crate::ingest::listener::canonical;

/// How long connections may take to hand in what they have read, once told to stop.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// How long to wait before accepting again when the system has no file descriptor or memory left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Limits of an input that accepts connections.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Connections open at a time; one more is closed at once and counted.
    pub connections_max: NonZeroUsize,
    /// A connection on which nothing arrives for so long is closed.
    pub idle_timeout: Duration,
}

impl Default for ConnectionLimits {
    /// 10,000 connections; an hour of silence, for devices speak rarely and the keep-alive finds the dead ones.
    fn default() -> ConnectionLimits {
        ConnectionLimits {
            connections_max: NonZeroUsize::new(10_000).unwrap_or(NonZeroUsize::MIN),
            idle_timeout: Duration::from_secs(3600),
        }
    }
}

/// Why an input ended before it was told to.
#[derive(Debug, thiserror::Error)]
#[error("input `{input}` on `{address}` stopped accepting connections")]
pub struct AcceptError {
    pub input: String,
    pub address: SocketAddr,
    pub source: io::Error,
}

/// Names an input for [`accept_all`].
pub(crate) struct Door<'a> {
    pub(crate) input: &'a str,
    pub(crate) limits: &'a ConnectionLimits,
    pub(crate) account: &'a Account,
    pub(crate) cancel: &'a CancellationToken,
}

/// Accepts until cancelled; each connection is served by the future that `serve` makes for it.
///
/// The served futures see the same cancellation and have five seconds to end after it.
pub(crate) async fn accept_all<F, S>(bound: BoundTcp, door: Door<'_>, serve: F) -> Result<(), AcceptError>
where
    F: Fn(TcpStream, SocketAddr) -> S,
    S: Future<Output = ()> + Send + 'static,
{
    let address = bound.address;
    let failed = |source| AcceptError { input: door.input.to_owned(), address, source };
    let listener = into_tokio(bound).map_err(failed)?;
    let mut tasks = JoinSet::new();
    let result = loop {
        tokio::select! {
            () = door.cancel.cancelled() => break Ok(()),
            Some(ended) = tasks.join_next() => settle(&door, ended),
            accepted = listener.accept() => match accepted {
                Ok(_) if tasks.len() >= door.limits.connections_max.get() => door.account.refused.increment(),
                Ok((stream, peer)) => {
                    keep_alive(&stream);
                    door.account.connections.add(1);
                    tasks.spawn(serve(stream, canonical(peer)));
                }
                Err(err) if is_passing(&err) => {
                    warn!(input = door.input, error = %err, "connection not accepted");
                    sleep(EXHAUSTED_PAUSE).await;
                }
                Err(err) => break Err(failed(err)),
            },
        }
    };
    drop(listener);
    drain(&door, tasks).await;
    result
}

fn into_tokio(bound: BoundTcp) -> io::Result<TcpListener> {
    bound.socket.set_nonblocking(true)?;
    TcpListener::from_std(bound.socket)
}

async fn drain(door: &Door<'_>, mut tasks: JoinSet<()>) {
    let drained = timeout(DRAIN_TIME, async {
        while let Some(ended) = tasks.join_next().await {
            settle(door, ended);
        }
    });
    if drained.await.is_err() {
        error!(input = door.input, connections = tasks.len(), "connections did not end in time, cut off");
        tasks.shutdown().await;
        door.account.connections.set(0);
    }
}

fn settle(door: &Door<'_>, ended: Result<(), JoinError>) {
    door.account.connections.add(-1);
    if let Err(err) = ended {
        error!(input = door.input, error = %err, "a connection's task failed");
    }
}

/// Errors of `accept` that belong to one connection or pass by themselves: a listener must outlive them.
fn is_passing(err: &io::Error) -> bool {
    use nix::libc;
    let codes =
        [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::ECONNABORTED, libc::EPROTO, libc::EINTR];
    err.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// Lets the kernel find peers that vanished without a word. Without it the idle timeout still does.
fn keep_alive(stream: &TcpStream) {
    let probes =
        TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15)).with_retries(4);
    if let Err(err) = SockRef::from(stream).set_tcp_keepalive(&probes) {
        warn!(error = %err, "no keep-alive on a connection");
    }
}
