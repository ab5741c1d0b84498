//! GELF over TCP, plain or TLS: a NUL ends each message. Nothing is acknowledged; the log's back-pressure stops the reading.

use std::sync::Arc;

use bytes::Bytes;
use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::ingest::connections::AcceptError;
use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::listener::BoundTcp;
use crate::ingest::listener::Context;
use crate::ingest::stream;
use crate::ingest::stream::Config;
use crate::ingest::stream::Shared;
use crate::ingest::tls::Security;
use crate::ingest::tls::Wire;
use crate::model::Origin;

const READ_BYTES: usize = 16 * 1024;

/// Serves until cancelled.
///
/// # Errors
/// When the listener fails for good.
pub async fn run(context: Context, bound: BoundTcp, security: Security, config: Config) -> Result<(), AcceptError> {
    stream::serve_all(context, bound, security, config, serve).await
}

async fn serve(shared: Arc<Shared>, mut stream: Wire, origin: Arc<Origin>) -> Result<(), NotStored> {
    let cancel = shared.context.cancel.clone();
    let mut splitter = Splitter { bytes_max: shared.config.frame_bytes_max.get(), ..Splitter::default() };
    let mut buffer = BytesMut::new();
    loop {
        tokio::select! {
            accepting = shared.context.intake.accepting() => accepting?,
            () = cancel.cancelled() => break,
        }
        buffer.reserve(READ_BYTES);
        let read = tokio::select! {
            () = cancel.cancelled() => break,
            read = timeout(shared.config.limits.idle_timeout, stream.read_buf(&mut buffer)) => read,
        };
        let Ok(Ok(1..)) = read else { break };
        let messages = splitter.feed(&buffer.split().freeze());
        deliver(&shared, &origin, messages).await?;
    }
    let last = splitter.finish();
    deliver(&shared, &origin, last.into_iter().collect()).await
}

async fn deliver(shared: &Shared, origin: &Arc<Origin>, messages: Vec<(Bytes, bool)>) -> Result<(), NotStored> {
    if messages.is_empty() {
        return Ok(());
    }
    let received = shared.context.clock.now();
    let frames = messages.into_iter().map(|(raw, truncated)| {
        shared.account.frame(raw.len(), truncated);
        Frame { received, origin: Arc::clone(origin), truncated, raw }
    });
    let frames: Vec<Frame> = frames.collect();
    let count = frames.len() as u64;
    let delivered = shared.context.intake.deliver(frames).await;
    if delivered.is_err() {
        shared.account.dropped.add(count);
    }
    delivered
}

/// Cuts at NUL; a message longer than the limit is cut, and its rest skipped without being kept.
#[derive(Debug, Default)]
struct Splitter {
    bytes_max: usize,
    pending: Vec<u8>,
    is_over: bool,
}

impl Splitter {
    fn feed(&mut self, chunk: &Bytes) -> Vec<(Bytes, bool)> {
        let mut messages = Vec::new();
        let mut start = 0;
        for end in memchr::memchr_iter(0, chunk) {
            self.keep(chunk.get(start..end).unwrap_or_default());
            messages.extend(self.finish());
            start = end + 1;
        }
        self.keep(chunk.get(start..).unwrap_or_default());
        messages
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.bytes_max.saturating_sub(self.pending.len());
        self.pending.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.is_over |= bytes.len() > room;
    }

    /// Takes what is there as a message; some senders end theirs with a line feed, too.
    fn finish(&mut self) -> Option<(Bytes, bool)> {
        let (mut message, is_over) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.is_over));
        message.truncate(message.trim_ascii_end().len());
        (!message.is_empty()).then(|| (Bytes::from(message), is_over))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::ingest::connections::ConnectionLimits;
    use crate::ingest::test_sink;
    use crate::ingest::test_sink::bound;
    use crate::ingest::test_sink::connect;
    use crate::ingest::test_sink::in_time;

    #[test]
    fn chunks_of_any_size_give_the_same_messages() {
        let text = b"{\"a\":1}\0\0{\"b\":22222222}\n\0{\"c\"";
        for size in 1..text.len() {
            let mut splitter = Splitter { bytes_max: 10, ..Splitter::default() };
            let mut found: Vec<(Bytes, bool)> =
                text.chunks(size).flat_map(|chunk| splitter.feed(&Bytes::copy_from_slice(chunk))).collect();
            found.extend(splitter.finish());
            let shown: Vec<(&[u8], bool)> = found.iter().map(|(raw, is_over)| (&raw[..], *is_over)).collect();
            assert_eq!(shown, [(&b"{\"a\":1}"[..], false), (b"{\"b\":22222", true), (b"{\"c\"", false)], "{size}");
        }
    }

    #[tokio::test]
    async fn messages_of_a_connection_are_stored() {
        let (context, sink) = test_sink::start();
        let bound = bound();
        let mut client = connect(&bound).await;
        let frame_bytes_max = std::num::NonZeroUsize::new(100).expect("not zero");
        let config =
            Config { name: "t".to_owned(), frame_bytes_max, limits: ConnectionLimits::default(), joining: None };
        let task = tokio::spawn(run(context, bound, Security::Plain, config));
        client.write_all(b"{\"a\":1}\0{\"a\":2}\0{\"a\":3}").await.expect("written");
        sink.wait_for(2).await;
        drop(client);
        sink.wait_for(3).await;
        assert_eq!(sink.texts(), [r#"{\"a\":1}"#, r#"{\"a\":2}"#, r#"{\"a\":3}"#]);
        sink.assert_balanced();
        sink.cancel.cancel();
        in_time(task).await.expect("joined").expect("ended well");
    }
}
