//! Listening sockets: bound first, so that every port is known before any is announced, and run afterwards.

use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::UdpSocket;
use std::sync::Arc;

use nix::sys::resource::Resource;
use nix::sys::resource::getrlimit;
use nix::sys::resource::setrlimit;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio_util::sync::CancellationToken;

use crate::ingest::Intake;
use crate::model::time::Clock;
use crate::telemetry::Registry;

/// Connections the kernel may hold for us until they are accepted.
const BACKLOG: i32 = 1024;

/// What every input is handed: the door to the log, the counters, the clock, and the word to stop.
#[derive(Clone)]
pub struct Context {
    pub intake: Intake,
    pub registry: Registry,
    pub clock: Arc<dyn Clock>,
    /// Cancelled when inputs must stop accepting, hand in what they have read, and end.
    pub cancel: CancellationToken,
}

/// A socket that is bound and not yet read.
#[derive(Debug)]
pub struct Bound<S> {
    pub(crate) socket: S,
    /// The address it got; the port is never 0.
    pub address: SocketAddr,
}

impl<S> Bound<S> {
    /// Returns the socket itself, blocking as it was bound.
    pub fn into_socket(self) -> S {
        self.socket
    }
}

/// A bound TCP listener.
pub type BoundTcp = Bound<TcpListener>;
/// A bound UDP socket.
pub type BoundUdp = Bound<UdpSocket>;

/// Names a listener in errors: which input it is and which flag sets its address.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The input's configured name, such as `syslog_tcp`.
    pub input: &'a str,
    /// What the operator sets it with, such as `--syslog-tcp`.
    pub setting: &'a str,
    pub address: SocketAddr,
}

/// Why an input could not listen.
#[derive(Debug, thiserror::Error)]
#[error("input `{input}` cannot listen on `{address}` (set by `{setting}`)")]
pub struct BindError {
    pub input: String,
    pub setting: String,
    pub address: SocketAddr,
    pub source: io::Error,
}

impl BindError {
    /// Says what to do about it.
    pub fn hint(&self) -> Option<String> {
        let BindError { setting, address, source, .. } = self;
        match source.kind() {
            io::ErrorKind::AddrInUse => Some(format!(
                "another program uses port {}: `ss -lnp` shows which; stop it or give `{setting}` another port",
                address.port()
            )),
            io::ErrorKind::PermissionDenied => Some(format!(
                "ports below 1024 need CAP_NET_BIND_SERVICE: run as the packaged service or give `{setting}` a higher port"
            )),
            io::ErrorKind::AddrNotAvailable => {
                Some(format!("no interface of this machine has the address `{}`", address.ip()))
            }
            _ => None,
        }
    }
}

/// Binds a TCP listener. `[::]` takes IPv4 as well.
///
/// # Errors
/// When the address cannot be had; the error names the input and the setting.
pub fn bind_tcp(place: Place<'_>) -> Result<BoundTcp, BindError> {
    let bind = || {
        let socket = new_socket(place.address, Type::STREAM, Protocol::TCP)?;
        // Without this a restart would fail for a minute, while old connections are in TIME_WAIT.
        socket.set_reuse_address(true)?;
        socket.bind(&place.address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        Ok(Bound { address: listener.local_addr()?, socket: listener })
    };
    bind().map_err(|err| refused(place, err))
}

/// Binds a UDP socket. `[::]` takes IPv4 as well.
///
/// # Errors
/// As [`bind_tcp`].
pub fn bind_udp(place: Place<'_>) -> Result<BoundUdp, BindError> {
    let bind = || {
        let socket = new_socket(place.address, Type::DGRAM, Protocol::UDP)?;
        socket.bind(&place.address.into())?;
        let socket = UdpSocket::from(socket);
        Ok(Bound { address: socket.local_addr()?, socket })
    };
    bind().map_err(|err| refused(place, err))
}

fn new_socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    Ok(socket)
}

fn refused(place: Place<'_>, source: io::Error) -> BindError {
    BindError { input: place.input.to_owned(), setting: place.setting.to_owned(), address: place.address, source }
}

/// Returns the peer as people write it: an IPv4 address stays one although it came through an IPv6 socket.
pub(crate) fn canonical(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}

/// Raises the limit of open files to what the system allows, and returns it: thousands of connections need it.
///
/// # Errors
/// When the system does not tell or set the limit.
pub fn raise_open_files_limit() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: SocketAddr) -> Place<'static> {
        Place { input: "syslog_tcp", setting: "--syslog-tcp", address }
    }

    #[test]
    fn a_port_in_use_names_the_input_and_the_flag() {
        let first = bind_tcp(place("127.0.0.1:0".parse().expect("address"))).expect("bound");
        assert_ne!(first.address.port(), 0);
        let err = bind_tcp(place(first.address)).expect_err("in use");
        assert_eq!(
            err.to_string(),
            format!("input `syslog_tcp` cannot listen on `{}` (set by `--syslog-tcp`)", first.address)
        );
        assert!(err.hint().is_some_and(|hint| hint.contains("another program uses port")), "{err:?}");

        let err = bind_udp(place("192.0.2.7:0".parse().expect("address"))).expect_err("not our address");
        assert_eq!(err.hint().as_deref(), Some("no interface of this machine has the address `192.0.2.7`"));
    }

    #[test]
    fn a_mapped_peer_is_shown_as_ipv4() {
        let mapped: SocketAddr = "[::ffff:10.1.2.3]:514".parse().expect("address");
        assert_eq!(canonical(mapped).to_string(), "10.1.2.3:514");
    }
}
