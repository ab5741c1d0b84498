//! Syslog over TCP and TLS (RFC 6587, RFC 5425). Back-pressure is not reading: a full queue or disk slows the senders.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::ingest::connections::AcceptError;
use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::listener::BoundTcp;
use crate::ingest::listener::Context;
use crate::ingest::stream;
use crate::ingest::stream::Shared;
use crate::ingest::syslog::framing::Decoder;
use crate::ingest::syslog::framing::Framed;
use crate::ingest::tls::Security;
use crate::ingest::tls::Wire;
use crate::model::Origin;

/// A quiet connection holds no more buffer than this; thousands of them are normal.
const READ_BYTES_MIN: usize = 2 * 1024;
/// A busy one reads up to this at once.
const READ_BYTES_MAX: usize = 128 * 1024;
/// A frame that only the next byte could confirm is taken when nothing follows for so long.
const HELD_TIME: Duration = Duration::from_secs(1);
/// When stopping, a connection with nothing to read for this long has been read to the end.
const DRAIN_QUIET: Duration = Duration::from_millis(50);
/// When stopping, a sender that never pauses is read for so long.
const DRAIN_TIME: Duration = Duration::from_secs(2);

pub use crate::ingest::stream::Config;

/// Serves until cancelled; then reads what has arrived and ends.
///
/// # Errors
/// When the listener fails for good.
pub async fn run(context: Context, bound: BoundTcp, security: Security, config: Config) -> Result<(), AcceptError> {
    stream::serve_all(context, bound, security, config, serve).await
}

/// What a read gave.
enum Read {
    Bytes,
    /// Nothing for a moment, while a frame is held back that only the next byte could confirm.
    Nothing,
}

/// Why reading stopped.
enum Ended {
    Closed,
    Idle,
    Cancelled,
}

async fn serve(shared: Arc<Shared>, stream: Wire, origin: Arc<Origin>) -> Result<(), NotStored> {
    Session::new(&shared, origin).read_all(stream).await
}

/// One connection's bytes on their way to the intake.
struct Session<'a> {
    shared: &'a Shared,
    origin: Arc<Origin>,
    decoder: Decoder,
    buffer: BytesMut,
    read_bytes: usize,
}

impl<'a> Session<'a> {
    fn new(shared: &'a Shared, origin: Arc<Origin>) -> Session<'a> {
        let decoder = Decoder::new(shared.config.frame_bytes_max);
        Session { shared, origin, decoder, buffer: BytesMut::new(), read_bytes: READ_BYTES_MIN }
    }

    async fn read_all(&mut self, mut stream: impl AsyncRead + Unpin) -> Result<(), NotStored> {
        loop {
            self.may_go_on().await?;
            match self.read(&mut stream).await {
                Ok(Read::Bytes) => self.hand_in_whole(None).await?,
                Ok(Read::Nothing) => {
                    let held = self.decoder.finish(&mut self.buffer);
                    self.hand_in_whole(held).await?;
                }
                Err(Ended::Cancelled) => {
                    self.read_the_rest(&mut stream).await?;
                    break;
                }
                Err(Ended::Closed | Ended::Idle) => break,
            }
        }
        self.hand_in_all().await
    }

    /// Waits while the disk is full or the log failed: senders keep their messages because we do not read them.
    ///
    /// What was read before is kept too, unless the program stops.
    async fn may_go_on(&self) -> Result<(), NotStored> {
        tokio::select! {
            accepting = self.shared.context.intake.accepting() => accepting,
            () = self.shared.context.cancel.cancelled() => Ok(()),
        }
    }

    /// Reads once.
    async fn read(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<Read, Ended> {
        let holds = self.decoder.holds_frame(&self.buffer);
        let patience = if holds { HELD_TIME } else { self.shared.config.limits.idle_timeout };
        let cancel = self.shared.context.cancel.clone();
        self.buffer.reserve(self.read_bytes);
        let read = tokio::select! {
            () = cancel.cancelled() => return Err(Ended::Cancelled),
            read = timeout(patience, stream.read_buf(&mut self.buffer)) => read,
        };
        match read {
            Ok(Ok(bytes)) if bytes > 0 => {
                self.adapt(bytes);
                Ok(Read::Bytes)
            }
            Ok(_) => Err(Ended::Closed),
            Err(_) if holds => Ok(Read::Nothing),
            Err(_) => Err(Ended::Idle),
        }
    }

    /// Reads more at once from who sends much, and gives the memory back when it falls silent.
    fn adapt(&mut self, bytes: usize) {
        if bytes >= self.read_bytes {
            self.read_bytes = (self.read_bytes * 2).min(READ_BYTES_MAX);
        } else if bytes < self.read_bytes / 4 {
            self.read_bytes = (self.read_bytes / 2).max(READ_BYTES_MIN);
        }
    }

    /// Takes in what the kernel has already acknowledged to the sender: nobody else can save it.
    async fn read_the_rest(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<(), NotStored> {
        let deadline = Instant::now() + DRAIN_TIME;
        while Instant::now() < deadline {
            self.buffer.reserve(self.read_bytes);
            match timeout(DRAIN_QUIET, stream.read_buf(&mut self.buffer)).await {
                Ok(Ok(bytes)) if bytes > 0 => self.hand_in_whole(None).await?,
                _ => break,
            }
        }
        Ok(())
    }

    async fn hand_in_whole(&mut self, first: Option<Framed>) -> Result<(), NotStored> {
        let mut frames: Vec<Frame> = first.into_iter().map(|framed| self.stamp(framed)).collect();
        while let Some(framed) = self.decoder.next_frame(&mut self.buffer) {
            frames.push(self.stamp(framed));
        }
        self.deliver(frames).await
    }

    async fn hand_in_all(&mut self) -> Result<(), NotStored> {
        let mut frames = Vec::new();
        while let Some(framed) = self.decoder.finish(&mut self.buffer) {
            frames.push(self.stamp(framed));
        }
        self.deliver(frames).await
    }

    fn stamp(&self, framed: Framed) -> Frame {
        let Framed { raw, truncated } = framed;
        self.shared.account.frame(raw.len(), truncated);
        Frame { received: self.shared.context.clock.now(), origin: Arc::clone(&self.origin), truncated, raw }
    }

    async fn deliver(&mut self, frames: Vec<Frame>) -> Result<(), NotStored> {
        let trouble = self.decoder.take_trouble();
        self.shared.account.framing_errors.add(trouble.framing_errors);
        self.shared.account.skipped_bytes.add(trouble.skipped_bytes);
        if frames.is_empty() {
            return Ok(());
        }
        let count = frames.len() as u64;
        let delivered = match self.may_go_on().await {
            Ok(()) => self.shared.context.intake.deliver(frames).await,
            Err(closed) => Err(closed),
        };
        if delivered.is_err() {
            self.shared.account.dropped.add(count);
        }
        delivered
    }
}

#[cfg(test)]
mod tests;
