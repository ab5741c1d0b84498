//! The account of one input: every frame that came in is counted here until it is in the queue.
//!
//! received = stored + rejected + dropped. What was queued is counted as stored or rejected by the WAL writer; what
//! never reached the queue is counted here, as rejected when the sender was told, as dropped when it was not.

use crate::ingest::joining::Joined;
use crate::telemetry::Counter;
use crate::telemetry::Gauge;
use crate::telemetry::Registry;

/// The counters of one input, labelled with its name. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Account {
    /// Frames read, those included that the kernel dropped before we could.
    pub received: Counter,
    /// Bytes of the frames as kept.
    pub bytes: Counter,
    /// Frames that were longer than the limit and kept only to it.
    pub truncated: Counter,
    /// Lines that became part of the frame of a line before them; they are not counted as frames of their own.
    pub joined: Counter,
    /// Bytes behind the limit that were skipped.
    pub skipped_bytes: Counter,
    /// Frames lost without the sender being told.
    pub dropped: Counter,
    /// Of those, the datagrams that the kernel dropped because our buffer was full.
    pub kernel_dropped: Counter,
    /// Frames refused, with the sender told so.
    pub rejected: Counter,
    /// Places where the framing was wrong and reading went on at the next boundary.
    pub framing_errors: Counter,
    /// Connections open now.
    pub connections: Gauge,
    /// Connections and requests turned away at a limit.
    pub refused: Counter,
    /// Handshakes and logins that failed.
    pub auth_failures: Counter,
}

impl Account {
    /// Registers the counters of the input `name`.
    pub fn new(registry: &Registry, name: &str) -> Account {
        let labels = [("input", name)];
        Account {
            received: registry.counter("longan_input_received_total", &labels),
            bytes: registry.counter("longan_input_bytes_total", &labels),
            truncated: registry.counter("longan_input_truncated_total", &labels),
            joined: registry.counter("longan_input_joined_lines_total", &labels),
            skipped_bytes: registry.counter("longan_input_skipped_bytes_total", &labels),
            dropped: registry.counter("longan_input_dropped_total", &labels),
            kernel_dropped: registry.counter("longan_input_kernel_dropped_total", &labels),
            rejected: registry.counter("longan_input_rejected_total", &labels),
            framing_errors: registry.counter("longan_input_framing_errors_total", &labels),
            connections: registry.gauge("longan_input_connections", &labels),
            refused: registry.counter("longan_input_connections_refused_total", &labels),
            auth_failures: registry.counter("longan_input_auth_failures_total", &labels),
        }
    }

    /// Counts one frame as read.
    pub(crate) fn frame(&self, bytes: usize, truncated: bool) {
        self.received.increment();
        self.bytes.add(bytes as u64);
        if truncated {
            self.truncated.increment();
        }
    }

    /// Counts a frame that may have been put together of several.
    pub(crate) fn joined<T>(&self, joined: &Joined<T>) {
        self.frame(joined.frame.raw.len(), joined.frame.truncated);
        self.joined.add(joined.tags.len().saturating_sub(1) as u64);
    }

    /// Counts datagrams that the kernel dropped: they were sent to us, so they count as received too.
    pub(crate) fn kernel_drops(&self, count: u64) {
        self.received.add(count);
        self.dropped.add(count);
        self.kernel_dropped.add(count);
    }
}
