//! Syslog over TCP and TLS (RFC 6587, RFC 5425). Back-pressure is not reading: a full queue or disk slows the senders.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout;

use crate::ingest::connections::AcceptError;
use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::joining::StreamJoiner;
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
    /// Nothing, and a frame that waited for more of its pieces is complete.
    Due,
}

/// What becomes of frames that wait for more of their pieces.
#[derive(Clone, Copy)]
enum Waiting {
    /// They wait on.
    GoesOn,
    /// Nothing more comes.
    Ends,
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
    /// Where the input joins pieces: the frames that wait for more.
    joiner: Option<StreamJoiner<()>>,
}

impl<'a> Session<'a> {
    fn new(shared: &'a Shared, origin: Arc<Origin>) -> Session<'a> {
        let decoder = Decoder::new(shared.config.frame_bytes_max);
        let joiner = shared.config.joining.clone().map(StreamJoiner::new);
        Session { shared, origin, decoder, buffer: BytesMut::new(), read_bytes: READ_BYTES_MIN, joiner }
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
                Ok(Read::Due) => self.deliver(Vec::new(), Waiting::GoesOn).await?,
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
        let due = self.joiner.as_ref().and_then(StreamJoiner::due).map(Instant::from_std);
        let is_due = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let cancel = self.shared.context.cancel.clone();
        self.buffer.reserve(self.read_bytes);
        let read = tokio::select! {
            () = cancel.cancelled() => return Err(Ended::Cancelled),
            () = is_due => return Ok(Read::Due),
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
        self.deliver(frames, Waiting::GoesOn).await
    }

    async fn hand_in_all(&mut self) -> Result<(), NotStored> {
        let mut frames = Vec::new();
        while let Some(framed) = self.decoder.finish(&mut self.buffer) {
            frames.push(self.stamp(framed));
        }
        self.deliver(frames, Waiting::Ends).await
    }

    fn stamp(&self, framed: Framed) -> Frame {
        let Framed { raw, truncated } = framed;
        Frame { received: self.shared.context.clock.now(), origin: Arc::clone(&self.origin), truncated, raw }
    }

    /// Puts pieces together where the input does, and counts what is handed in.
    fn join(&mut self, frames: Vec<Frame>, waiting: Waiting) -> Vec<Frame> {
        let account = &self.shared.account;
        let Some(joiner) = &mut self.joiner else {
            frames.iter().for_each(|frame| account.frame(frame.raw.len(), frame.truncated));
            return frames;
        };
        let (now, mut out) = (Instant::now().into_std(), Vec::with_capacity(frames.len()));
        joiner.release_due(now, &mut out);
        frames.into_iter().for_each(|frame| joiner.feed(frame, (), now, &mut out));
        if let Waiting::Ends = waiting {
            joiner.release_all(&mut out);
        }
        out.iter().for_each(|joined| account.joined(joined));
        out.into_iter().map(|joined| joined.frame).collect()
    }

    async fn deliver(&mut self, frames: Vec<Frame>, waiting: Waiting) -> Result<(), NotStored> {
        let frames = self.join(frames, waiting);
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
            // What waits here goes with the connection.
            let waited = self.join(Vec::new(), Waiting::Ends);
            self.shared.account.dropped.add(waited.len() as u64);
        }
        delivered
    }
}

#[cfg(test)]
mod tests;
