//! Makes a bundle.

use std::collections::BTreeMap;
use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Map;
use serde_json::Value;

use crate::evidence::bundle;
use crate::evidence::bundle::About;
use crate::evidence::bundle::LogEntry;
use crate::evidence::bundle::LogProof;
use crate::evidence::bundle::Record;
use crate::evidence::bundle::UnitProof;
use crate::evidence::bundle::cover;
use crate::evidence::bundle::tar;
use crate::evidence::entry::RecordHash;
use crate::evidence::entry::Unit;
use crate::evidence::entry::record_hash;
use crate::evidence::keeper::KeepError;
use crate::evidence::keeper::Keeper;
use crate::evidence::keeper::name_of;
use crate::evidence::ledger::Ledger;
use crate::evidence::log::merkle::Hash;
use crate::evidence::log::merkle::from_hex;
use crate::evidence::log::merkle::gaps;
use crate::evidence::log::merkle::hex;
use crate::evidence::log::merkle::root;
use crate::evidence::log::merkle::sha256;
use crate::evidence::log::read_bundles;
use crate::evidence::sums::FileSums;
use crate::evidence::sums::Sums;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::model::csv::csv_cell;
use crate::store::Catalog;
use crate::store::PartitionInfo;
use crate::store::PartitionReader;

/// A bundle is put together in memory: it holds no more bytes of records than this.
const BYTES_MAX: usize = 192 << 20;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    #[error("the evidence")]
    Keep(#[from] KeepError),
    #[error("the store")]
    Store(#[from] crate::store::StoreError),
    #[error("the evidence log cannot be read")]
    Log(#[from] io::Error),
    #[error("the records of partition `{0}` are not those that were sealed; `longan verify` says where")]
    NotAsSealed(String),
    #[error("more than {} MiB of events; ask for a shorter span or more narrowly", BYTES_MAX >> 20)]
    TooMuch,
}

/// Who asked what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub query: String,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub who: String,
    pub role: String,
    pub now: Timestamp,
}

/// One event that the search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub id: EventId,
    /// The flat ECS object.
    pub event: Map<String, Value>,
    /// The bytes as received, where they are not the UTF-8 of `event.original`.
    pub raw: Option<Vec<u8>>,
}

/// What is gathered while partitions are read.
#[derive(Default)]
struct Gathered {
    units: BTreeMap<u64, UnitProof>,
    records: BTreeMap<EventId, Record>,
    records_covered: u64,
}

/// Makes the bundle of what a search found, in any order.
///
/// # Errors
/// When the evidence cannot be read, or the store is not what was sealed: a bundle is never half a proof.
pub fn write(keeper: &Keeper, request: &Request, mut found: Vec<Found>) -> Result<Vec<u8>, BundleError> {
    found.sort_by_key(|found| found.id);
    keeper.look_at_folder(&keeper.places().store())?;
    let (ledger, checkpoint, hashes) = snapshot(keeper)?;
    let mut gathered = gather(keeper, &ledger, request, &found)?;
    let unsealed = add_unsealed(&mut gathered, &found);
    let log = log_proof(keeper, &hashes, gathered.units.keys().next().copied())?;
    let about = About {
        query: request.query.clone(),
        since: request.since.map(|time| time.to_string()),
        until: request.until.map(|time| time.to_string()),
        who: request.who.clone(),
        role: request.role.clone(),
        exported: request.now.to_string(),
        events: found.len() as u64,
        unsealed,
        units: gathered.units.len() as u64,
        records_covered: gathered.records_covered,
        origin: keeper.with_log(|log| log.origin().to_owned()),
        log_size: log.size,
        key: keeper.signer().verifier().to_string(),
    };
    let units: Vec<UnitProof> = gathered.units.into_values().collect();
    let mut members = vec![
        (bundle::ABOUT, json(&about)),
        (bundle::CHECKPOINT, checkpoint.into_bytes()),
        (bundle::KEY, format!("{}\n", about.key).into_bytes()),
        (bundle::LOG, json(&log)),
        (bundle::UNITS, json(&units)),
        (bundle::RECORDS, lines(gathered.records.values())),
        (bundle::EVENTS, lines(found.iter().map(|found| &found.event))),
        (bundle::CSV, csv(&found)),
    ];
    members.extend(cover::pages(&about));
    Ok(archive(keeper, &members))
}

/// The log as one checkpoint has it.
fn snapshot(keeper: &Keeper) -> Result<(Ledger, String, Vec<Hash>), BundleError> {
    let checkpoint = keeper.sign()?;
    let hashes = keeper.with_log(|log| {
        let size = log.last_signed().map_or(0, |(size, _)| size);
        log.hashes().get(..usize::try_from(size).unwrap_or(usize::MAX)).unwrap_or_default().to_vec()
    });
    Ok((keeper.ledger(), checkpoint, hashes))
}

fn gather(keeper: &Keeper, ledger: &Ledger, request: &Request, found: &[Found]) -> Result<Gathered, BundleError> {
    let mut gathered = Gathered::default();
    let Some(catalog) = Catalog::read(&keeper.places().store())? else { return Ok(gathered) };
    let ids: Vec<EventId> = found.iter().map(|found| found.id).collect();
    for info in &catalog.partitions {
        let has_found = ids.iter().any(|id| (info.first_id..=info.last_id).contains(id));
        let touches = request.since.is_none_or(|since| info.newest >= since)
            && request.until.is_none_or(|until| info.oldest < until);
        if has_found || touches {
            gather_from(info, ledger, request, &ids, &mut gathered)?;
        }
    }
    Ok(gathered)
}

/// Reads one partition: proves its units that are covered, and takes the records that were found.
fn gather_from(
    info: &PartitionInfo,
    ledger: &Ledger,
    request: &Request,
    ids: &[EventId],
    gathered: &mut Gathered,
) -> Result<(), BundleError> {
    let name = || name_of(&info.folder).unwrap_or_default();
    let reader = PartitionReader::open(info)?;
    let mut hashes: Vec<RecordHash> = Vec::new();
    let mut raws: BTreeMap<EventId, Vec<u8>> = BTreeMap::new();
    let (mut bytes, mut is_damaged) = (0_usize, false);
    reader.each_raw(&mut |id, received, raw| {
        let Ok(raw) = raw else {
            is_damaged = true;
            return false;
        };
        hashes.push(RecordHash { id, received, hash: record_hash(id, received, raw) });
        if ids.binary_search(&id).is_ok() {
            bytes += raw.len();
            raws.insert(id, raw.to_vec());
        }
        bytes <= BYTES_MAX
    })?;
    if bytes > BYTES_MAX {
        return Err(BundleError::TooMuch);
    }
    hashes.sort_unstable_by_key(|record| record.id);
    let all: Vec<EventId> = hashes.iter().map(|record| record.id).collect();
    let split = ledger.split(info, &all);
    if is_damaged || !split.partial.is_empty() || !split.unknown.is_empty() {
        return Err(BundleError::NotAsSealed(name()));
    }
    for number in split.whole {
        let Some(unit) = ledger.units.get(&number) else { continue };
        let start = hashes.partition_point(|record| record.id.0 < unit.first_id);
        let end = hashes.partition_point(|record| record.id.0 <= unit.last_id);
        let of_unit = hashes.get(start..end).unwrap_or_default();
        let has_found = of_unit.iter().any(|record| raws.contains_key(&record.id));
        if has_found || is_covered(unit, request) {
            prove(number, unit, of_unit, &mut raws, gathered).ok_or_else(|| BundleError::NotAsSealed(name()))?;
        }
    }
    Ok(())
}

fn is_covered(unit: &Unit, request: &Request) -> bool {
    request.since.is_none_or(|since| unit.event_until >= since.0)
        && request.until.is_none_or(|until| unit.event_from < until.0)
}

/// Joins a unit's records to its root; `None` when they do not give it.
fn prove(
    number: u64,
    unit: &Unit,
    records: &[RecordHash],
    raws: &mut BTreeMap<EventId, Vec<u8>>,
    gathered: &mut Gathered,
) -> Option<()> {
    let leaves: Vec<Hash> = records.iter().map(|record| record.hash).collect();
    (from_hex(&unit.root)? == root(&leaves)).then_some(())?;
    let mut included = Vec::new();
    for (position, record) in (0_u64..).zip(records) {
        let Some(raw) = raws.remove(&record.id) else { continue };
        included.push(position);
        let mut one = record_of(record.id, record.received, raw);
        (one.unit, one.position) = (Some(number), Some(position));
        gathered.records.insert(record.id, one);
    }
    let gaps = gaps(&leaves, &included).iter().map(|hash| hex(hash)).collect();
    gathered.records_covered += records.len() as u64;
    gathered.units.insert(number, UnitProof { entry: number, included: included.len() as u64, gaps });
    Some(())
}

fn record_of(id: EventId, received: Timestamp, raw: Vec<u8>) -> Record {
    let (raw, raw_base64) = match String::from_utf8(raw) {
        Ok(text) => (Some(text), None),
        Err(err) => (None, Some(BASE64_STANDARD.encode(err.as_bytes()))),
    };
    Record { id: id.0, received: received.0, unit: None, position: None, raw, raw_base64 }
}

/// Events that are not sealed yet are in the bundle without a proof; returns how many.
fn add_unsealed(gathered: &mut Gathered, found: &[Found]) -> u64 {
    let mut unsealed = 0;
    for found in found {
        if gathered.records.contains_key(&found.id) {
            continue;
        }
        unsealed += 1;
        let original = found.event.get("event.original").and_then(Value::as_str).unwrap_or_default();
        let raw = found.raw.clone().unwrap_or_else(|| original.as_bytes().to_vec());
        gathered.records.insert(found.id, record_of(found.id, Timestamp(0), raw));
    }
    unsealed
}

fn log_proof(keeper: &Keeper, hashes: &[Hash], first_unit: Option<u64>) -> Result<LogProof, BundleError> {
    let size = hashes.len() as u64;
    let from = first_unit.unwrap_or(size);
    let mut entries = Vec::new();
    let disk = keeper.with_log(|log| std::sync::Arc::clone(log.disk()));
    read_bundles(&disk, &mut |_, bundle| {
        for (entry, n) in bundle.entries.into_iter().zip(bundle.first..) {
            if n < size && (n == 0 || n >= from) {
                entries.push(LogEntry { n, entry: String::from_utf8_lossy(&entry).into_owned() });
            }
        }
    })?;
    let included: Vec<u64> = entries.iter().map(|entry| entry.n).collect();
    Ok(LogProof { size, entries, gaps: gaps(hashes, &included).iter().map(|hash| hex(hash)).collect() })
}

fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    // Our own types always become JSON.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn lines<T: serde::Serialize>(values: impl Iterator<Item = T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        bytes.extend(serde_json::to_vec(&value).unwrap_or_default());
        bytes.push(b'\n');
    }
    bytes
}

fn csv(found: &[Found]) -> Vec<u8> {
    const FIELDS: [&str; 7] =
        ["longan.id", "@timestamp", "host.name", "source.ip", "user.name", "event.action", "event.original"];
    let mut text = format!("{}\r\n", FIELDS.join(","));
    for found in found {
        let cell = |field: &&str| match found.event.get(*field) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(value)) => csv_cell(value),
            Some(value) => csv_cell(&value.to_string()),
        };
        text.push_str(&FIELDS.iter().map(cell).collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// Sums the members, signs the sums, and packs everything.
fn archive(keeper: &Keeper, members: &[(&'static str, Vec<u8>)]) -> Vec<u8> {
    let files = members.iter().map(|(name, content)| FileSums::of_bytes(name, content)).collect();
    let sums = Sums { files }.to_bytes();
    let note = keeper.signer().sign(&format!("{}\n{}\n", bundle::FIRST_LINE, hex(&sha256(&sums))));
    let mut archive = Vec::new();
    tar::push(&mut archive, bundle::NOTE, note.as_bytes());
    tar::push(&mut archive, bundle::SUMS, &sums);
    for (name, content) in members {
        tar::push(&mut archive, name, content);
    }
    tar::finish(&mut archive);
    archive
}
