//! The log against a disk that fails in every way; the seed of a failing run is in its message.

mod real;
mod simulation;
mod writer;

use std::sync::Arc;

use bytes::Bytes;

use crate::ingest::intake::Frame;
use crate::model::EventId;
use crate::model::Origin;
use crate::model::Timestamp;
use crate::wal::Config;
use crate::wal::Recovery;
use crate::wal::Wal;
use crate::wal::disk::sim::SimDisk;

fn frame(raw: impl Into<Vec<u8>>) -> Frame {
    let origin = Origin { input: "test".to_owned(), peer: None, identity: None };
    let raw = Bytes::from(raw.into());
    Frame { received: Timestamp(7), origin: Arc::new(origin), truncated: false, raw }
}

fn small() -> Config {
    Config { segment_bytes: 2_000, reserve_bytes: 0 }
}

fn open(disk: &SimDisk) -> (Wal, Recovery) {
    Wal::open(Arc::new(disk.clone()), small(), EventId::ZERO).expect("opens")
}

/// Every event that can be read, with its payload as text.
fn events(wal: &Wal, after: u64) -> Vec<(u64, String)> {
    let envelopes = wal.replay(EventId(after)).filter_map(Result::ok);
    envelopes.map(|envelope| (envelope.id.0, String::from_utf8_lossy(&envelope.raw).into_owned())).collect()
}
