//! One connection: events are gathered, stored, and acknowledged in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::ingest::intake::Frame as Stored;
use crate::ingest::intake::NotStored;
use crate::ingest::lumberjack::frame;
use crate::ingest::lumberjack::frame::Frame;
use crate::ingest::lumberjack::frame::FrameError;
use crate::ingest::stream::Shared;
use crate::ingest::tls::Wire;
use crate::model::Origin;

/// A connection without traffic holds no more buffer than this.
const READ_BYTES: usize = 16 * 1024;
/// A long window is stored and acknowledged in parts.
const GROUP_EVENTS: usize = 2_048;
const GROUP_BYTES: usize = 4 << 20;
/// A sender that does not read its acknowledgements for so long is cut off.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the connection broke")]
    Io(#[from] io::Error),
    #[error("the sender does not read its acknowledgements")]
    SlowReader,
    #[error(transparent)]
    NotStored(#[from] NotStored),
}

/// Serves a connection to its end. What was not acknowledged is not stored: the sender will bring it again.
pub(super) async fn run(shared: &Shared, stream: Wire, origin: Arc<Origin>) -> Result<(), SessionError> {
    let mut session = Session { shared, stream, origin, window: 0, group: Vec::new(), bytes: 0, last: 0, seen: 0 };
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ_BYTES);
        let read = tokio::select! {
            () = shared.context.cancel.cancelled() => return Ok(()),
            read = timeout(shared.config.limits.idle_timeout, session.stream.read_buf(&mut buffer)) => read,
        };
        let Ok(Ok(1..)) = read else { return Ok(()) };
        while let Some(frame) = frame::next(&mut buffer)? {
            session.take(frame).await?;
        }
    }
}

struct Session<'a> {
    shared: &'a Shared,
    stream: Wire,
    origin: Arc<Origin>,
    /// Events announced, and of them those that came.
    window: u32,
    seen: u32,
    group: Vec<Bytes>,
    bytes: usize,
    /// The sequence number of the last event that came.
    last: u32,
}

impl Session<'_> {
    async fn take(&mut self, frame: Frame) -> Result<(), SessionError> {
        match frame {
            Frame::Compressed(packed) => {
                let unpacked = spawn_blocking(move || frame::unpack(&packed)).await.map_err(io::Error::other)??;
                for frame in unpacked {
                    self.take_plain(frame).await?;
                }
                Ok(())
            }
            frame => self.take_plain(frame).await,
        }
    }

    async fn take_plain(&mut self, frame: Frame) -> Result<(), SessionError> {
        match frame {
            Frame::Window(count) => {
                self.window = count;
                self.seen = 0;
            }
            Frame::Json { sequence, document } => {
                self.seen += 1;
                self.last = sequence;
                self.bytes += document.len();
                self.group.push(document);
                if self.seen >= self.window || self.group.len() >= GROUP_EVENTS || self.bytes >= GROUP_BYTES {
                    self.store().await?;
                }
            }
            Frame::Compressed(_) => return Err(FrameError::Packing.into()),
        }
        Ok(())
    }

    /// Stores what was gathered, and acknowledges its last event.
    async fn store(&mut self) -> Result<(), SessionError> {
        self.bytes = 0;
        let received = self.shared.context.clock.now();
        let bytes_max = self.shared.config.frame_bytes_max.get();
        let frames = std::mem::take(&mut self.group).into_iter().map(|mut raw| {
            let truncated = raw.len() > bytes_max;
            raw.truncate(bytes_max);
            self.shared.account.frame(raw.len(), truncated);
            // The documents of a block share its memory: a copy lets the block go.
            Stored { received, origin: Arc::clone(&self.origin), truncated, raw: Bytes::copy_from_slice(&raw) }
        });
        let frames: Vec<Stored> = frames.collect();
        let count = frames.len() as u64;
        let receipt = match self.shared.context.intake.submit(frames).await {
            Ok(receipt) => receipt,
            Err(err) => {
                self.shared.account.rejected.add(count);
                return Err(err.into());
            }
        };
        receipt.synced().await?;
        let [a, b, c, d] = self.last.to_be_bytes();
        let acknowledged = async {
            self.stream.write_all(&[b'2', b'A', a, b, c, d]).await?;
            self.stream.flush().await
        };
        Ok(timeout(WRITE_TIMEOUT, acknowledged).await.map_err(|_| SessionError::SlowReader)??)
    }
}
