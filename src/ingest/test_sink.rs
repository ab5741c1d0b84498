//! A stand-in for the WAL: takes submissions, keeps the frames, sends the receipts.

use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::intake::channel;
use crate::ingest::listener::Bound;
use crate::ingest::listener::BoundTcp;
use crate::ingest::listener::Context;
use crate::ingest::listener::Place;
use crate::ingest::listener::bind_tcp;
use crate::model::time::SystemClock;
use crate::telemetry::Registry;

/// Longest wait for anything in a test.
const PATIENCE: Duration = Duration::from_secs(20);

/// The sink's end: what arrived, and the handles to play with.
pub(crate) struct Sink {
    pub(crate) frames: Arc<Mutex<Vec<Frame>>>,
    /// How many frames each submission had.
    pub(crate) batches: Arc<Mutex<Vec<usize>>>,
    pub(crate) refusal: watch::Sender<Option<NotStored>>,
    pub(crate) registry: Registry,
    pub(crate) cancel: CancellationToken,
    /// Receipts are sent while this is true.
    pub(crate) syncing: watch::Sender<bool>,
}

/// Starts a sink on the current runtime and returns the context that feeds it.
pub(crate) fn start() -> (Context, Sink) {
    let (intake, mut outlet) = channel(64);
    let (syncing, mut may_sync) = watch::channel(true);
    let sink = Sink {
        frames: Arc::default(),
        batches: Arc::default(),
        refusal: outlet.refusal.clone(),
        registry: Registry::default(),
        cancel: CancellationToken::new(),
        syncing,
    };
    let context =
        Context { intake, registry: sink.registry.clone(), clock: Arc::new(SystemClock), cancel: sink.cancel.clone() };
    let (frames, batches) = (Arc::clone(&sink.frames), Arc::clone(&sink.batches));
    tokio::spawn(async move {
        while let Some(submission) = outlet.receiver.recv().await {
            batches.lock().expect("not poisoned").push(submission.frames.len());
            frames.lock().expect("not poisoned").extend(submission.frames);
            let waited = may_sync.wait_for(|may| *may).await.is_ok();
            if let Some(receipt) = submission.receipt.filter(|_| waited) {
                // A sender that went away no longer waits for its receipt.
                drop(receipt.send(Ok(())));
            }
        }
    });
    (context, sink)
}

impl Sink {
    /// Returns the frames so far as text, cut ones marked with `…`.
    pub(crate) fn texts(&self) -> Vec<String> {
        let frames = self.frames.lock().expect("not poisoned");
        let mark = |frame: &Frame| if frame.truncated { "…" } else { "" };
        frames.iter().map(|frame| format!("{}{}", frame.raw.escape_ascii(), mark(frame))).collect()
    }

    /// Waits until `count` frames have arrived.
    pub(crate) async fn wait_for(&self, count: usize) {
        until(&format!("{count} frames"), || self.frames.lock().expect("not poisoned").len() >= count).await;
    }

    /// Returns the value of a series of the input `t`.
    pub(crate) fn count(&self, name: &str) -> i64 {
        let samples = self.registry.samples();
        samples.iter().find(|sample| sample.name == name).map_or(0, |sample| sample.value)
    }

    /// Waits until a series has a value.
    pub(crate) async fn wait_for_count(&self, name: &str, value: i64) {
        until(&format!("{name} = {value}"), || self.count(name) == value).await;
    }

    /// Checks that every frame read is accounted for: in the sink, rejected, or dropped.
    pub(crate) fn assert_balanced(&self) {
        let stored = self.frames.lock().expect("not poisoned").len() as i64;
        let rest = self.count("longan_input_rejected_total") + self.count("longan_input_dropped_total");
        assert_eq!(self.count("longan_input_received_total"), stored + rest, "received = stored + rejected + dropped");
    }
}

/// Polls until `done`.
pub(crate) async fn until(what: &str, done: impl Fn() -> bool) {
    let polled = tokio::time::timeout(PATIENCE, async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(polled.await.is_ok(), "timed out waiting for {what}");
}

/// Runs a future that must end in time.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("ended in time")
}

/// Binds a free port on loopback.
pub(crate) fn bound() -> BoundTcp {
    bind_tcp(Place { input: "t", setting: "--t", address: ([127, 0, 0, 1], 0).into() }).expect("bound")
}

/// Connects to a bound listener.
pub(crate) async fn connect<S>(bound: &Bound<S>) -> TcpStream {
    TcpStream::connect(bound.address).await.expect("connected")
}
