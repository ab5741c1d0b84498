//! GELF over UDP.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use socket2::SockRef;
use tokio::net::UdpSocket;
use tokio::time::MissedTickBehavior;
use tracing::warn;

use crate::ingest::account::Account;
use crate::ingest::gelf::Packed;
use crate::ingest::gelf::chunks::Chunks;
use crate::ingest::gelf::chunks::Taken;
use crate::ingest::gelf::unpack;
use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::listener::BoundUdp;
use crate::ingest::listener::Context;
use crate::ingest::listener::canonical;
use crate::model::Origin;

const DATAGRAM_BYTES_MAX: usize = 65_535;
/// Messages handed in together.
const BATCH: usize = 64;
/// Senders remembered; beyond, the memory starts anew.
const PEERS_MAX: usize = 10_000;
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How a GELF input over UDP behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The input's name in events and counters.
    pub name: String,
    /// Longer messages, unpacked, are kept up to this and marked.
    pub frame_bytes_max: NonZeroUsize,
    /// The kernel's buffer to ask for.
    pub receive_buffer_bytes: NonZeroUsize,
}

/// Why the input ended before it was told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UdpError {
    #[error("input `{input}` stopped receiving")]
    Receive { input: String, source: io::Error },
}

/// Receives until cancelled.
///
/// # Errors
/// When the socket fails for good.
pub async fn run(context: Context, bound: BoundUdp, config: Config) -> Result<(), UdpError> {
    let failed = |source| UdpError::Receive { input: config.name.clone(), source };
    let socket = bound.into_socket();
    if let Err(error) = SockRef::from(&socket).set_recv_buffer_size(config.receive_buffer_bytes.get()) {
        warn!(input = %config.name, %error, "the receive buffer stays as it is");
    }
    socket.set_nonblocking(true).map_err(failed)?;
    let socket = UdpSocket::from_std(socket).map_err(failed)?;
    let mut receiver = Receiver {
        account: Account::new(&context.registry, &config.name),
        context: &context,
        config: &config,
        chunks: Chunks::default(),
        origins: HashMap::new(),
    };
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let first = tokio::select! {
            () = context.cancel.cancelled() => break,
            _ = look.tick() => {
                let count = receiver.chunks.give_up(Instant::now());
                receiver.lose(count);
                continue;
            }
            received = socket.recv_from(&mut datagram) => received,
        };
        let mut frames = Vec::with_capacity(BATCH);
        let mut next = first;
        loop {
            match next {
                Ok((bytes, peer)) => frames.extend(receiver.frame(datagram.get(..bytes).unwrap_or_default(), peer)),
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => break,
                // An ICMP message about something we never sent.
                Err(err) if err.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(err) => return Err(failed(err)),
            }
            if frames.len() >= BATCH {
                break;
            }
            next = socket.try_recv_from(&mut datagram);
        }
        if receiver.deliver(frames).await == Err(NotStored::Closed) {
            break;
        }
    }
    let unfinished = receiver.chunks.clear();
    receiver.lose(unfinished);
    Ok(())
}

struct Receiver<'a> {
    context: &'a Context,
    config: &'a Config,
    account: Account,
    chunks: Chunks,
    origins: HashMap<SocketAddr, Arc<Origin>>,
}

impl Receiver<'_> {
    /// Returns the frame a datagram completes.
    fn frame(&mut self, datagram: &[u8], peer: SocketAddr) -> Option<Frame> {
        let peer = canonical(peer);
        let mut unpacked = Vec::new();
        let bytes_max = self.config.frame_bytes_max.get();
        let packed = match self.chunks.take(peer.ip(), datagram, Instant::now()) {
            Taken::Whole(message) => unpack(message, bytes_max, &mut unpacked),
            Taken::Complete(message) => unpack(&message, bytes_max, &mut unpacked),
            Taken::Waiting => return None,
            Taken::Refused => {
                self.lose(1);
                return None;
            }
        };
        let truncated = match packed {
            Packed::Text { truncated } => truncated,
            // What could be unpacked of it is kept.
            Packed::Broken => {
                self.account.framing_errors.increment();
                true
            }
        };
        if unpacked.is_empty() {
            return None;
        }
        self.account.frame(unpacked.len(), truncated);
        let origin = self.origin(peer);
        Some(Frame { received: self.context.clock.now(), origin, truncated, raw: Bytes::from(unpacked) })
    }

    /// Counts messages that could not be put together.
    fn lose(&self, count: u64) {
        self.account.received.add(count);
        self.account.dropped.add(count);
        self.account.framing_errors.add(count);
    }

    async fn deliver(&self, frames: Vec<Frame>) -> Result<(), NotStored> {
        let count = frames.len() as u64;
        if count == 0 {
            return Ok(());
        }
        let delivered = self.context.intake.deliver(frames).await;
        if delivered.is_err() {
            self.account.dropped.add(count);
        }
        delivered
    }

    fn origin(&mut self, peer: SocketAddr) -> Arc<Origin> {
        if self.origins.len() >= PEERS_MAX && !self.origins.contains_key(&peer) {
            self.origins.clear();
        }
        let new = || Arc::new(Origin { input: self.config.name.clone(), peer: Some(peer), identity: None });
        Arc::clone(self.origins.entry(peer).or_insert_with(new))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use flate2::write::ZlibEncoder;

    use super::*;
    use crate::ingest::listener::Place;
    use crate::ingest::listener::bind_udp;
    use crate::ingest::test_sink;
    use crate::ingest::test_sink::in_time;

    #[tokio::test]
    async fn messages_come_whole_packed_and_in_chunks() {
        let (context, sink) = test_sink::start();
        let bound = bind_udp(Place { input: "t", setting: "--t", address: ([127, 0, 0, 1], 0).into() }).expect("bound");
        let (address, size) = (bound.address, |bytes| NonZeroUsize::new(bytes).expect("not zero"));
        let config = Config { name: "t".to_owned(), frame_bytes_max: size(64), receive_buffer_bytes: size(65_536) };
        let task = tokio::spawn(run(context, bound, config));
        let sender = UdpSocket::bind("127.0.0.1:0").await.expect("bound");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(b"{\"a\":\"gzip\"}").expect("written");
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(b"{\"a\":\"zlib\"}").expect("written");
        let (zlib, mut bomb) = (zlib.finish().expect("packed"), GzEncoder::new(Vec::new(), Compression::best()));
        bomb.write_all(&vec![b'x'; 5_000_000]).expect("written");
        let (half, rest) = zlib.split_at(zlib.len() / 2);
        let chunk = |number: u8, body: &[u8]| [&[0x1e, 0x0f], &[7; 8][..], &[number, 2], body].concat();
        for (nth, datagram) in [
            b"{\"a\":1}".to_vec(),
            gzip.finish().expect("packed"),
            bomb.finish().expect("packed"),
            chunk(9, b""),
            chunk(1, rest),
            chunk(0, half),
        ]
        .into_iter()
        .enumerate()
        {
            sender.send_to(&datagram, address).await.expect("sent");
            // One after the other, so that the order is known.
            sink.wait_for((nth + 1).min(3)).await;
        }
        sink.wait_for(4).await;
        let bomb = format!("{}…", "x".repeat(64));
        assert_eq!(sink.texts(), [r#"{\"a\":1}"#, r#"{\"a\":\"gzip\"}"#, bomb.as_str(), r#"{\"a\":\"zlib\"}"#]);
        assert_eq!(sink.count("longan_input_dropped_total"), 1);
        sink.assert_balanced();
        sink.cancel.cancel();
        in_time(task).await.expect("joined").expect("ended well");
    }
}
