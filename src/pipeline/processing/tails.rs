//! Live tails: readers that want to see matching events as they are processed.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::model::Event;
use crate::query::Query;
use crate::server::Offer;
use crate::server::TailSink;

#[derive(Debug)]
struct Tail {
    query: Query,
    sink: TailSink,
}

/// The readers of the live tail. An event that none of them wants costs one comparison of a number when there are none.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Tails {
    count: AtomicUsize,
    tails: Mutex<Vec<Tail>>,
}

impl Tails {
    pub(in crate::pipeline) fn add(&self, query: Query, sink: TailSink) {
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        tails.push(Tail { query, sink });
        self.count.store(tails.len(), Ordering::Release);
    }

    /// Offers an event to every reader whose query admits it.
    pub(in crate::pipeline) fn offer(&self, event: &Event<'_>) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line: Option<Bytes> = None;
        tails.retain(|tail| {
            if !tail.query.matches(event) {
                return tail.sink.is_open();
            }
            let line = line.get_or_insert_with(|| serde_json::to_vec(event).map(Bytes::from).unwrap_or_default());
            tail.sink.offer(line.clone()) != Offer::Gone
        });
        self.count.store(tails.len(), Ordering::Release);
    }
}
