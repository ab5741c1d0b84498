//! Checks a bundle alone: no server, no store, no network.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::evidence::bundle;
use crate::evidence::bundle::About;
use crate::evidence::bundle::LogProof;
use crate::evidence::bundle::Record;
use crate::evidence::bundle::UnitProof;
use crate::evidence::bundle::tar;
use crate::evidence::bundle::tar::Member;
use crate::evidence::entry::Entry;
use crate::evidence::entry::Unit;
use crate::evidence::entry::record_hash;
use crate::evidence::log::checkpoint::Checkpoint;
use crate::evidence::log::merkle::Hash;
use crate::evidence::log::merkle::from_hex;
use crate::evidence::log::merkle::hex;
use crate::evidence::log::merkle::leaf_hash;
use crate::evidence::log::merkle::root_with_gaps;
use crate::evidence::log::merkle::sha256;
use crate::evidence::log::note::Verifier;
use crate::evidence::said::said;
use crate::evidence::sums::Sums;
use crate::evidence::verify::LogState;
use crate::evidence::verify::Report;
use crate::evidence::verify::changed;
use crate::model::EventId;
use crate::model::Timestamp;

/// Checks a bundle; without a key from elsewhere the one in it is believed, which is said.
pub fn check(archive: &[u8], pinned: Option<&Verifier>) -> Report {
    let mut report = Report::default();
    let (members, wrong) = tar::read(archive);
    for one in wrong {
        report.find("bundle", one.what).offset = Some(one.offset);
    }
    let Some(key) = key_of(&members, pinned, &mut report) else { return report };
    let is_whole = files(&members, &key, &mut report);
    // What is in files that were changed says nothing more.
    if is_whole && report.is_right() {
        proofs(&members, &key, &mut report);
    }
    report
}

fn content<'a>(members: &[Member<'a>], name: &str) -> Option<&'a [u8]> {
    members.iter().find(|member| member.name == name).map(|member| member.content)
}

fn key_of(members: &[Member<'_>], pinned: Option<&Verifier>, report: &mut Report) -> Option<Verifier> {
    if let Some(pinned) = pinned {
        return Some(pinned.clone());
    }
    report.note((
        "no key was given: the one in the bundle is believed; compare it with one noted down elsewhere",
        "không có khoá nào được đưa vào: tin khoá trong gói; hãy so nó với khoá đã ghi lại ở nơi khác",
    ));
    let text = content(members, bundle::KEY).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let key = text.and_then(|text| Verifier::parse(text).ok());
    if key.is_none() {
        report.find(bundle::KEY, ("this is no key", "đây không phải là khoá"));
    }
    key
}

/// Signature, sums, and every file against them.
fn files(members: &[Member<'_>], key: &Verifier, report: &mut Report) -> bool {
    let note = content(members, bundle::NOTE).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let signed = match note.map(|note| key.open(note)) {
        Some(Ok(text)) => text.strip_prefix(bundle::FIRST_LINE).map(|rest| rest.trim().to_owned()),
        Some(Err(err)) => {
            report.find(bundle::NOTE, (err.to_string(), err.in_vietnamese()));
            None
        }
        None => None,
    };
    let Some(bytes) = content(members, bundle::SUMS) else {
        report.find(bundle::SUMS, ("it is missing", "thiếu tệp này"));
        return false;
    };
    let sums = match Sums::read(bytes) {
        Ok(sums) => sums,
        Err(at) => {
            report.find(bundle::SUMS, changed(at)).offset = at.map(|at| at as u64);
            return false;
        }
    };
    if signed.as_deref() != Some(&hex(&sha256(bytes))) {
        let what =
            ("what is signed is not the sums of this bundle", "điều được ký không phải các tổng kiểm của gói này");
        report.find(bundle::NOTE, what);
    }
    for expected in &sums.files {
        let Some(found) = content(members, &expected.name) else {
            report.find(&expected.name, ("it is missing", "thiếu tệp này"));
            continue;
        };
        // Reading from memory does not fail.
        if let Ok(Some(changed)) = expected.compare(found) {
            report.find(&expected.name, changed.what).offset = Some(changed.offset);
        }
    }
    for member in members {
        let is_known = matches!(member.name, bundle::NOTE | bundle::SUMS)
            || sums.files.iter().any(|sums| sums.name == member.name);
        if !is_known {
            report.find(member.name, ("it was added later", "tệp này được thêm về sau")).offset = Some(member.offset);
        }
    }
    order(members, &sums, report);
    true
}

/// Whoever unpacks a bundle gets the last member of a name, and this check reads the first: so there is one, in its place.
fn order(members: &[Member<'_>], sums: &Sums, report: &mut Report) {
    let written = [bundle::NOTE, bundle::SUMS].into_iter().chain(sums.files.iter().map(|sums| sums.name.as_str()));
    let moved = members.iter().zip(written).find(|(member, name)| member.name != *name);
    let more = members.get(sums.files.len() + 2);
    if let Some(member) = moved.map(|(member, _)| member).or(more) {
        let what = (
            "this member is not where it was written, or is there twice",
            "tệp thành phần này không ở chỗ khi được ghi, hoặc có hai lần",
        );
        report.find(member.name, what).offset = Some(member.offset);
    }
}

fn parsed<T: DeserializeOwned>(members: &[Member<'_>], name: &str, report: &mut Report) -> Option<T> {
    let read = content(members, name).and_then(|bytes| serde_json::from_slice(bytes).ok());
    if read.is_none() {
        report.find(name, ("it cannot be read", "không đọc được"));
    }
    read
}

/// From each record to the checkpoint.
fn proofs(members: &[Member<'_>], key: &Verifier, report: &mut Report) {
    let about: Option<About> = parsed(members, bundle::ABOUT, report);
    let log: Option<LogProof> = parsed(members, bundle::LOG, report);
    let units: Option<Vec<UnitProof>> = parsed(members, bundle::UNITS, report);
    let (Some(about), Some(log), Some(units)) = (about, log, units) else { return };
    checkpoint(members, key, &log, report);
    let entries = entries_of(&log);
    let records = records_of(members, report);
    let mut by_unit: BTreeMap<u64, Vec<&Record>> = BTreeMap::new();
    for record in &records {
        match record.unit {
            Some(unit) => by_unit.entry(unit).or_default().push(record),
            None => report.unsealed += 1,
        }
    }
    for proof in &units {
        match entries.get(&proof.entry) {
            Some(unit) => unit_proof(proof, unit, by_unit.remove(&proof.entry).unwrap_or_default(), report),
            None => drop_unit(proof.entry, report),
        }
    }
    for number in by_unit.keys() {
        drop_unit(*number, report);
    }
    complete(&about, &entries, &units, report);
    same_events(members, &records, report);
    report.records = records.len() as u64;
    if report.unsealed != about.unsealed {
        let what = (
            "another number of records than is said has no proof",
            "số bản ghi không có chứng minh khác với số đã nêu",
        );
        report.find(bundle::RECORDS, what);
    }
}

fn drop_unit(number: u64, report: &mut Report) {
    let what = said!("unit {number} is not proven by the log", "đơn vị {number} không được nhật ký chứng minh");
    report.find(bundle::UNITS, what);
}

fn hashes_of(texts: &[String]) -> Option<Vec<Hash>> {
    texts.iter().map(|text| from_hex(text)).collect()
}

fn checkpoint(members: &[Member<'_>], key: &Verifier, log: &LogProof, report: &mut Report) {
    let note =
        content(members, bundle::CHECKPOINT).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    let checkpoint = match Checkpoint::open(note, key) {
        Ok(checkpoint) => checkpoint,
        Err(err) => {
            report.find(bundle::CHECKPOINT, (err.to_string(), err.in_vietnamese()));
            return;
        }
    };
    let included: Vec<(u64, Hash)> =
        log.entries.iter().map(|entry| (entry.n, leaf_hash(entry.entry.as_bytes()))).collect();
    let root = hashes_of(&log.gaps).and_then(|gaps| root_with_gaps(log.size, &included, &gaps));
    if checkpoint.size != log.size || root != Some(checkpoint.root) {
        let what =
            ("its entries do not lead to the root of the checkpoint", "các mục của nó không dẫn đến gốc của điểm kiểm");
        report.find(bundle::LOG, what);
    }
    report.logs.push(LogState {
        origin: checkpoint.origin,
        entries: log.entries.len() as u64,
        signed: checkpoint.size,
        checkpoints: 1,
        checkpoint: note.to_owned(),
        key: key.to_string(),
    });
}

fn entries_of(log: &LogProof) -> BTreeMap<u64, Unit> {
    let unit = |entry: &bundle::LogEntry| match Entry::read(entry.entry.as_bytes()) {
        Some(Entry::Unit(unit)) => Some((entry.n, unit)),
        _ => None,
    };
    log.entries.iter().filter_map(unit).collect()
}

fn records_of(members: &[Member<'_>], report: &mut Report) -> Vec<Record> {
    let bytes = content(members, bundle::RECORDS).unwrap_or_default();
    let mut records = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(record) => records.push(record),
            Err(_) => {
                report.find(bundle::RECORDS, ("a line is no record", "có dòng không phải là bản ghi"));
            }
        }
    }
    records
}

fn unit_proof(proof: &UnitProof, unit: &Unit, records: Vec<&Record>, report: &mut Report) {
    let leaf = |record: &&Record| {
        let raw = match (&record.raw, &record.raw_base64) {
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, Some(encoded)) => BASE64_STANDARD.decode(encoded).ok()?,
            _ => return None,
        };
        Some((record.position?, record_hash(EventId(record.id), Timestamp(record.received), &raw)))
    };
    let included: Option<Vec<(u64, Hash)>> = records.iter().map(leaf).collect();
    let root = included
        .zip(hashes_of(&proof.gaps))
        .and_then(|(included, gaps)| root_with_gaps(unit.records, &included, &gaps));
    let is_counted = records.len() as u64 == proof.included;
    if root.is_none() || root != from_hex(&unit.root) || !is_counted {
        let number = proof.entry;
        let what = said!(
            "its records do not give the root of unit {number}: one was changed, added or left out",
            "các bản ghi không cho ra gốc của đơn vị {number}: có bản ghi bị đổi, thêm hoặc bỏ ra",
        );
        report.find(bundle::RECORDS, what).records = Some((unit.first_id, unit.last_id));
    }
    report.units += 1;
}

/// Every unit of the log that the span of time touches must be accounted for.
fn complete(about: &About, entries: &BTreeMap<u64, Unit>, units: &[UnitProof], report: &mut Report) {
    let nanos = |text: &Option<String>| {
        text.as_ref().map(|text| crate::query::time::parse_bound(text, Timestamp(0)).map(|time| time.0))
    };
    let (Some(since), Some(until)) = (
        nanos(&about.since).map_or(Some(None), |time| time.map(Some)),
        nanos(&about.until).map_or(Some(None), |time| time.map(Some)),
    ) else {
        let what = ("its span of time cannot be read", "không đọc được khoảng thời gian");
        report.find(bundle::ABOUT, what);
        return;
    };
    let deleted_or_proven = |number: &u64| units.iter().any(|proof| proof.entry == *number);
    for (number, unit) in entries {
        let touches =
            since.is_none_or(|since| unit.event_until >= since) && until.is_none_or(|until| unit.event_from < until);
        if touches && !deleted_or_proven(number) {
            report.note(said!(
                "unit {number} touches the span of time and is not in the bundle: retention had deleted it, or it was left out",
                "đơn vị {number} chạm khoảng thời gian này mà không có trong gói: đã bị xoá theo thời hạn, hoặc bị bỏ ra",
            ));
        }
    }
}

/// The events as read must be those of the records.
fn same_events(members: &[Member<'_>], records: &[Record], report: &mut Report) {
    let bytes = content(members, bundle::EVENTS).unwrap_or_default();
    let ids = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| {
        let event: Value = serde_json::from_slice(line).unwrap_or_default();
        event.get("longan.id").and_then(Value::as_u64)
    });
    if !ids.eq(records.iter().map(|record| Some(record.id))) {
        let what = ("its events are not those of the records", "các sự kiện không phải của các bản ghi");
        report.find(bundle::EVENTS, what);
    }
}
