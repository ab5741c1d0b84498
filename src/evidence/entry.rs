//! What the entries of the evidence log say, and how a raw record becomes a leaf.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::evidence::log::merkle::Hash;
use crate::evidence::log::merkle::hex;
use crate::evidence::log::merkle::leaf_hash;
use crate::evidence::log::merkle::root;
use crate::evidence::log::merkle::sha256;
use crate::model::EventId;
use crate::model::Timestamp;

/// An entry of the evidence log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Entry {
    /// The first entry, and again whenever the key was replaced: with which key checkpoints are signed from here on.
    Key { key: String },
    /// Raw records that were sealed together.
    Unit(Unit),
    /// A partition was written, and holds these units.
    Partition(Partition),
    /// Retention deleted a partition with these units.
    Deleted(Deleted),
}

/// Raw records that were sealed together: those of one retention class and day between two ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    pub class: String,
    /// Days since 1970-01-01.
    pub day: i32,
    pub first_id: u64,
    pub last_id: u64,
    pub records: u64,
    /// When the oldest and the newest of them were received, nanoseconds since 1970.
    pub received_from: i64,
    pub received_until: i64,
    /// The `@timestamp` of the oldest and the newest event of the partition they were sealed into.
    pub event_from: i64,
    pub event_until: i64,
    /// The Merkle root over the records in order of id.
    pub root: String,
    /// The SHA-256 over the hashes of the records in order of id.
    pub sha256: String,
}

/// A partition as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    pub folder: String,
    pub events: u64,
    /// The numbers of the entries of its units.
    pub units: Vec<u64>,
    /// The SHA-256 of the file with the sums of its files.
    pub sums: String,
}

/// A partition that retention deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    pub folder: String,
    pub class: String,
    pub first_id: u64,
    pub last_id: u64,
    pub events: u64,
    pub units: Vec<u64>,
    /// Nanoseconds since 1970.
    pub deleted: i64,
}

impl Entry {
    /// Returns its members for the log.
    pub fn members(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }

    /// Reads an entry of the log; `None` when it is of a kind this program does not know.
    pub fn read(bytes: &[u8]) -> Option<Entry> {
        serde_json::from_slice(bytes).ok()
    }
}

/// The bytes of a record that are hashed: id and time of receipt (8 bytes each, big-endian), then the line as received.
pub fn record_hash(id: EventId, received: Timestamp, raw: &[u8]) -> Hash {
    let mut data = Vec::with_capacity(16 + raw.len());
    data.extend(id.0.to_be_bytes());
    data.extend(received.0.to_be_bytes());
    data.extend(raw);
    leaf_hash(&data)
}

/// One record of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHash {
    pub id: EventId,
    pub received: Timestamp,
    pub hash: Hash,
}

/// Hashes of the records of a unit, in order of id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitHashes {
    pub root: String,
    pub sha256: String,
}

/// Computes what a unit says of its records; they are in order of id.
pub fn unit_hashes(records: &[RecordHash]) -> UnitHashes {
    let hashes: Vec<Hash> = records.iter().map(|record| record.hash).collect();
    UnitHashes { root: hex(&root(&hashes)), sha256: hex(&sha256(hashes.as_flattened())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_read_back() {
        let entry = Entry::Deleted(Deleted {
            folder: "2026-01-01-standard-3".to_owned(),
            class: "standard".to_owned(),
            first_id: 1,
            last_id: 9,
            events: 9,
            units: vec![1],
            deleted: 5,
        });
        let bytes = Value::Object(entry.members()).to_string();
        assert!(bytes.starts_with("{\"kind\":\"deleted\","), "{bytes}");
        assert_eq!(Entry::read(bytes.as_bytes()), Some(entry));
        assert_eq!(Entry::read(b"{\"kind\":\"later\"}"), None);
    }

    #[test]
    fn a_record_is_hashed_with_its_id_and_time() {
        let base = record_hash(EventId(1), Timestamp(2), b"line");
        for other in [
            record_hash(EventId(2), Timestamp(2), b"line"),
            record_hash(EventId(1), Timestamp(3), b"line"),
            record_hash(EventId(1), Timestamp(2), b"lind"),
        ] {
            assert_ne!(base, other);
        }
        assert_eq!(base, leaf_hash(b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02line"));
    }
}
