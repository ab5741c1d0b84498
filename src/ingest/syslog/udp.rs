//! Syslog over UDP (RFC 5426): one datagram, one frame. An own thread with a large kernel buffer and batched receives;
//! what the kernel dropped all the same is counted.

use std::collections::HashMap;
use std::io;
use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use bytes::BytesMut;
use nix::errno::Errno;
use nix::sys::socket::ControlMessageOwned;
use nix::sys::socket::MsgFlags;
use nix::sys::socket::MultiHeaders;
use nix::sys::socket::SockaddrStorage;
use nix::sys::socket::recvmmsg;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt;
use socket2::SockRef;
use tracing::warn;

use crate::ingest::account::Account;
use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::joining::StreamJoiner;
use crate::ingest::joining::StreamRules;
use crate::ingest::listener::BoundUdp;
use crate::ingest::listener::Context;
use crate::ingest::listener::canonical;
use crate::ingest::syslog::strip_trailer;
use crate::model::Origin;

/// Datagrams taken by one system call.
const BATCH: usize = 64;
/// No datagram is longer than this.
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// How often a thread with nothing to receive looks whether it should stop.
const WAKE_INTERVAL: Duration = Duration::from_millis(100);
/// When stopping, a flood is read for so long.
const DRAIN_TIME: Duration = Duration::from_secs(1);
/// Senders remembered; source addresses can be forged, so the memory is bounded and simply starts anew.
const PEERS_MAX: usize = 10_000;

/// How a syslog UDP input behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The input's name in events and counters.
    pub name: String,
    /// Longer datagrams are kept up to this and marked.
    pub frame_bytes_max: NonZeroUsize,
    /// The kernel's buffer to ask for: what it holds is what survives while we are busy.
    pub receive_buffer_bytes: NonZeroUsize,
    /// Which datagrams are pieces of one message.
    pub joining: Option<Arc<StreamRules>>,
}

impl Config {
    /// The receive buffer unless the operator says otherwise: half a second of 100,000 messages of 300 bytes.
    pub const RECEIVE_BUFFER_BYTES_DEFAULT: NonZeroUsize = match NonZeroUsize::new(16 << 20) {
        Some(bytes) => bytes,
        None => NonZeroUsize::MIN,
    };
}

/// Why the UDP input ended before it was told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UdpError {
    #[error("input `{input}` could not prepare its socket")]
    Prepare { input: String, source: io::Error },
    #[error("input `{input}` stopped receiving")]
    Receive { input: String, source: io::Error },
}

/// Starts the input on a thread of its own, which ends within a moment of the cancellation.
///
/// # Errors
/// When no thread can be had.
pub fn spawn(
    context: Context,
    bound: BoundUdp,
    config: Config,
) -> io::Result<thread::JoinHandle<Result<(), UdpError>>> {
    thread::Builder::new().name("longan-udp".to_owned()).spawn(move || run(&context, &bound, &config))
}

/// Receives until cancelled, blocking the calling thread; then takes what the kernel still holds and ends.
///
/// # Errors
/// When the socket fails for good.
pub fn run(context: &Context, bound: &BoundUdp, config: &Config) -> Result<(), UdpError> {
    let mut receiver = Receiver::new(context, &bound.socket, config)
        .map_err(|source| UdpError::Prepare { input: config.name.clone(), source })?;
    let failed = |source| UdpError::Receive { input: config.name.clone(), source };
    while !context.cancel.is_cancelled() {
        let received = receiver.receive(MsgFlags::MSG_WAITFORONE).map_err(failed)?;
        let received = if let Received::Nothing = received { receiver.hand_in(Vec::new(), false) } else { received };
        match received {
            Received::Log(NotStored::Closed) => return Ok(()),
            Received::Batch | Received::Nothing | Received::Log(_) => {}
        }
    }
    let deadline = Instant::now() + DRAIN_TIME;
    while Instant::now() < deadline {
        let Received::Batch = receiver.receive(MsgFlags::MSG_DONTWAIT).map_err(failed)? else { break };
    }
    receiver.hand_in(Vec::new(), true);
    Ok(())
}

enum Received {
    Batch,
    Nothing,
    /// A batch was received, but could not be handed in.
    Log(NotStored),
}

struct Receiver<'a> {
    context: &'a Context,
    socket: &'a UdpSocket,
    config: &'a Config,
    account: Account,
    buffers: Vec<Vec<u8>>,
    origins: HashMap<SocketAddr, Arc<Origin>>,
    /// The kernel's count of drops when last seen; it wraps.
    kernel_drops: u32,
    /// Where the input joins pieces: the messages that wait for more.
    joiner: Option<StreamJoiner<()>>,
}

/// One received datagram, before its bytes are copied out of the receive buffer.
struct Datagram {
    bytes: usize,
    peer: Option<SocketAddr>,
    truncated: bool,
    kernel_drops: Option<u32>,
}

impl<'a> Receiver<'a> {
    fn new(context: &'a Context, socket: &'a UdpSocket, config: &'a Config) -> io::Result<Receiver<'a>> {
        setsockopt(socket, sockopt::RxqOvfl, &1)?;
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(WAKE_INTERVAL))?;
        let held = enlarge_buffer(socket, config.receive_buffer_bytes.get())?;
        let labels = [("input", config.name.as_str())];
        let gauge = context.registry.gauge("longan_input_receive_buffer_bytes", &labels);
        gauge.set(i64::try_from(held).unwrap_or(i64::MAX));
        // One byte more than the limit is not needed: the kernel itself marks what did not fit.
        let bytes = config.frame_bytes_max.get().min(DATAGRAM_BYTES_MAX);
        Ok(Receiver {
            context,
            socket,
            config,
            account: Account::new(&context.registry, &config.name),
            buffers: vec![vec![0; bytes]; BATCH],
            origins: HashMap::new(),
            kernel_drops: 0,
            joiner: config.joining.clone().map(StreamJoiner::new),
        })
    }

    /// Receives one batch and hands it in.
    fn receive(&mut self, flags: MsgFlags) -> io::Result<Received> {
        let datagrams = match self.receive_batch(flags) {
            Ok(datagrams) => datagrams,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(Received::Nothing),
            // An ICMP message about something we never sent, or a moment without memory: neither ends the input.
            Err(Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH) => return Ok(Received::Nothing),
            Err(Errno::ENOBUFS | Errno::ENOMEM) => {
                warn!(input = %self.config.name, "no memory to receive datagrams");
                thread::sleep(WAKE_INTERVAL);
                return Ok(Received::Nothing);
            }
            Err(err) => return Err(err.into()),
        };
        for drops in datagrams.iter().filter_map(|datagram| datagram.kernel_drops) {
            self.account.kernel_drops(u64::from(drops.wrapping_sub(self.kernel_drops)));
            self.kernel_drops = drops;
        }
        let frames = self.frames(&datagrams);
        Ok(self.hand_in(frames, false))
    }

    /// Hands in what was received, and what had waited for more of its pieces; all of that at the end.
    fn hand_in(&mut self, frames: Vec<Frame>, is_end: bool) -> Received {
        let frames = self.join(frames, is_end);
        let count = frames.len() as u64;
        if count == 0 {
            return Received::Batch;
        }
        match self.context.intake.deliver_blocking(frames) {
            Ok(()) => Received::Batch,
            Err(err) => {
                self.account.dropped.add(count);
                Received::Log(err)
            }
        }
    }

    /// Puts pieces together where the input does, and counts what is handed in.
    fn join(&mut self, frames: Vec<Frame>, is_end: bool) -> Vec<Frame> {
        let Some(joiner) = &mut self.joiner else {
            frames.iter().for_each(|frame| self.account.frame(frame.raw.len(), frame.truncated));
            return frames;
        };
        let (now, mut out) = (Instant::now(), Vec::with_capacity(frames.len()));
        joiner.release_due(now, &mut out);
        frames.into_iter().for_each(|frame| joiner.feed(frame, (), now, &mut out));
        if is_end {
            joiner.release_all(&mut out);
        }
        out.iter().for_each(|joined| self.account.joined(joined));
        out.into_iter().map(|joined| joined.frame).collect()
    }

    fn receive_batch(&mut self, flags: MsgFlags) -> Result<Vec<Datagram>, Errno> {
        // The headers are made anew each time: a receive shortens the lengths of address and control buffer in them.
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, Some(nix::cmsg_space!(u32)));
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            self.buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let received = recvmmsg(self.socket.as_raw_fd(), &mut headers, slices.iter_mut(), flags, None)?;
        let datagrams = received.map(|message| Datagram {
            bytes: message.bytes,
            peer: message.address.as_ref().and_then(peer_of),
            truncated: message.flags.contains(MsgFlags::MSG_TRUNC),
            kernel_drops: message.cmsgs().ok().and_then(|mut messages| {
                messages.find_map(|message| match message {
                    ControlMessageOwned::RxqOvfl(drops) => Some(drops),
                    _ => None,
                })
            }),
        });
        Ok(datagrams.collect())
    }

    /// Copies a batch into one allocation that all its frames share.
    fn frames(&mut self, datagrams: &[Datagram]) -> Vec<Frame> {
        let received = self.context.clock.now();
        let mut shared = BytesMut::with_capacity(datagrams.iter().map(|datagram| datagram.bytes).sum());
        let mut frames = Vec::with_capacity(datagrams.len());
        for (index, datagram) in datagrams.iter().enumerate() {
            let Some(bytes) = self.buffers.get(index).and_then(|buffer| buffer.get(..datagram.bytes)) else { continue };
            let content = if datagram.truncated { bytes } else { strip_trailer(bytes) };
            if content.is_empty() {
                continue;
            }
            shared.extend_from_slice(content);
            let raw = shared.split().freeze();
            let origin = self.origin(datagram.peer);
            frames.push(Frame { received, origin, truncated: datagram.truncated, raw });
        }
        frames
    }

    fn origin(&mut self, peer: Option<SocketAddr>) -> Arc<Origin> {
        let new = || Arc::new(Origin { input: self.config.name.clone(), peer, identity: None });
        let Some(peer) = peer else { return new() };
        if self.origins.len() >= PEERS_MAX && !self.origins.contains_key(&peer) {
            self.origins.clear();
        }
        Arc::clone(self.origins.entry(peer).or_insert_with(new))
    }
}

fn peer_of(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::from(*v4));
    let v6 = || address.as_sockaddr_in6().map(|v6| SocketAddr::from(*v6));
    v4.or_else(v6).map(canonical)
}

/// Asks for a kernel buffer past the system's limit where that is allowed, and returns what there is.
fn enlarge_buffer(socket: &UdpSocket, bytes: usize) -> io::Result<usize> {
    if setsockopt(socket, sockopt::RcvBufForce, &bytes).is_err() {
        SockRef::from(socket).set_recv_buffer_size(bytes)?;
    }
    // The kernel doubles what is asked for, to account for its own overhead.
    let held = SockRef::from(socket).recv_buffer_size()? / 2;
    if held < bytes {
        warn!(
            wanted_bytes = bytes,
            held_bytes = held,
            "small UDP receive buffer: bursts may be dropped; raise net.core.rmem_max or grant CAP_NET_ADMIN"
        );
    }
    Ok(held)
}

#[cfg(test)]
mod tests;
