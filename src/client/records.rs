//! Streams of records: one JSON value a line (NDJSON), each line bounded.

use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::client::ClientError;
use crate::client::transport::Connection;
use crate::client::transport::Transport;

/// The longest line read: an event of 64 KiB, every byte escaped, with its fields beside it, fits many times.
pub(super) const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Records as they arrive; dropping it ends the stream.
#[derive(Debug)]
pub struct Records<T> {
    transport: Arc<Transport>,
    body: Incoming,
    /// Bytes received but not handed out; `searched` of them are known to hold no line end.
    buffer: BytesMut,
    searched: usize,
    silence_max: Option<Duration>,
    is_over: bool,
    _connection: Connection,
    record: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Records<T> {
    pub(super) fn new(
        transport: Arc<Transport>,
        body: Incoming,
        connection: Connection,
        silence_max: Option<Duration>,
    ) -> Records<T> {
        Records {
            transport,
            body,
            buffer: BytesMut::new(),
            searched: 0,
            silence_max,
            is_over: false,
            _connection: connection,
            record: PhantomData,
        }
    }

    /// Returns the next record, or `None` when the server has ended the stream.
    ///
    /// Safe to cancel: nothing received is lost.
    ///
    /// # Errors
    /// When the connection breaks, is silent for too long, or a line is too long or no record. The stream is over then.
    pub async fn next(&mut self) -> Option<Result<T, ClientError>> {
        while !self.is_over {
            if let Some(line) = self.take_line() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Some(self.decode(&line));
            }
            if self.buffer.len() > LINE_BYTES_MAX {
                return Some(Err(self.end(format!("a line is longer than {LINE_BYTES_MAX} bytes"))));
            }
            match self.receive().await {
                Ok(true) => {}
                Ok(false) => return self.finish(),
                Err(err) => {
                    self.is_over = true;
                    return Some(Err(err));
                }
            }
        }
        None
    }

    /// Splits the first whole line off the buffer.
    fn take_line(&mut self) -> Option<BytesMut> {
        let Some(end) = memchr::memchr(b'\n', self.buffer.get(self.searched..)?) else {
            self.searched = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.searched + end + 1);
        self.searched = 0;
        Some(line)
    }

    fn decode(&mut self, line: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(line).map_err(|err| self.end(format!("a line is no record: {err}")))
    }

    /// Hands out a last line that the server did not end, then nothing more.
    fn finish(&mut self) -> Option<Result<T, ClientError>> {
        self.is_over = true;
        let rest = self.buffer.split();
        if rest.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        Some(self.decode(&rest))
    }

    /// Waits for bytes; `false` at the end of the stream.
    async fn receive(&mut self) -> Result<bool, ClientError> {
        let frame = match self.silence_max {
            None => self.body.frame().await,
            Some(silence) => timeout(silence, self.body.frame()).await.map_err(|_| self.transport.slow(silence))?,
        };
        match frame {
            None => Ok(false),
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.buffer.extend_from_slice(data);
                }
                Ok(true)
            }
            Some(Err(err)) => Err(self.transport.away(io::Error::other(err))),
        }
    }

    fn end(&mut self, reason: String) -> ClientError {
        self.is_over = true;
        ClientError::Protocol { place: self.transport.place().to_owned(), reason }
    }
}
