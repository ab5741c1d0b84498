//! What a search is asked and what it answers.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::time::Instant;

use serde_json::Map;

use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;

/// Where, how much and how long to search.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The first instant of interest.
    pub since: Option<Timestamp>,
    /// The first instant after it.
    pub until: Option<Timestamp>,
    /// Events wanted.
    pub limit: usize,
    /// Go on after this event: `next` of the page before.
    pub cursor: Option<(Timestamp, EventId)>,
    pub deadline: Option<Instant>,
    /// Set by whoever wants the search to end.
    pub cancel: Option<Arc<AtomicBool>>,
}

/// What a search did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explain {
    pub partitions_searched: u64,
    pub partitions_total: u64,
    /// Events read in full because the index alone could not decide.
    pub events_verified: u64,
    /// Events read, to decide or to be shown or counted by their values.
    pub events_read: u64,
    /// Bytes of the records read.
    pub bytes_read: u64,
    pub elapsed: Duration,
    /// Why the result is only a beginning.
    pub partial: Option<String>,
}

/// One event found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub id: EventId,
    pub timestamp: Timestamp,
    /// The flat ECS object, as `longan search` prints it.
    pub event: Map<String, serde_json::Value>,
    /// The bytes as received, where they are not the UTF-8 of `event.original`.
    pub raw: Option<Vec<u8>>,
}

/// A page of events, newest first; of the same time, the highest id first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SearchResult {
    pub hits: Vec<Hit>,
    /// The cursor of the next page; `None` when there is none.
    pub next: Option<(Timestamp, EventId)>,
    pub explain: Explain,
}

/// How many events match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Count {
    pub count: u64,
    pub explain: Explain,
}

/// How many events match in each of equal spans of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    pub since: Timestamp,
    pub until: Timestamp,
    /// Width of a bucket.
    pub bucket: Duration,
    pub counts: Vec<u64>,
    pub explain: Explain,
}

impl Hit {
    /// Makes what is told of an event.
    pub(super) fn of(event: &Event<'_>, exact: Option<&[u8]>) -> Hit {
        let object = match serde_json::to_value(event) {
            Ok(serde_json::Value::Object(object)) => object,
            // Serializing an event cannot fail: its keys are texts and its values plain.
            _ => Map::new(),
        };
        Hit { id: event.id, timestamp: event.timestamp, event: object, raw: exact.map(<[u8]>::to_vec) }
    }
}
