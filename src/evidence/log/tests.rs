//! The log against a disk that loses what was not synced: whatever the moment, what was signed is never contradicted.

use std::sync::Arc;

use serde_json::Map;
use serde_json::json;

use super::checkpoint::Checkpoint;
use super::files::read_notes;
use super::merkle::Hash;
use super::merkle::root;
use super::note::Signer;
use super::signed::LogError;
use super::signed::SignedLog;
use crate::wal::disk::Disk;
use crate::wal::disk::sim::Random;
use crate::wal::disk::sim::SimDisk;

const ORIGIN: &str = "longan-test/evidence";

fn signer() -> Signer {
    Signer::of_seed("longan-test", [3; 32]).expect("a key")
}

fn entry(text: u64) -> Map<String, serde_json::Value> {
    Map::from_iter([("kind".to_owned(), json!("test")), ("what".to_owned(), json!(format!("{text:x}").repeat(9)))])
}

fn open(disk: &SimDisk) -> Result<SignedLog, LogError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    SignedLog::open(disk, ORIGIN, &[signer().verifier().clone()], &mut |_, _| {}).map(|(log, _)| log)
}

/// What somebody off the box has seen of the log.
#[derive(Default)]
struct Witness {
    acknowledged: u64,
    seen: Vec<Checkpoint>,
}

impl Witness {
    fn check(&self, log: &SignedLog) {
        assert!(log.size() >= self.acknowledged, "{} of {} entries", log.size(), self.acknowledged);
        for checkpoint in &self.seen {
            let covered: &[Hash] =
                log.hashes().get(..checkpoint.size as usize).expect("not shorter than what was seen");
            assert_eq!(root(covered), checkpoint.root, "the log forked at size {}", checkpoint.size);
        }
    }
}

/// One life: adds and signs until the power goes.
fn live(disk: &SimDisk, witness: &mut Witness, random: &mut Random) -> Result<(), LogError> {
    let mut log = open(disk)?;
    witness.check(&log);
    for _ in 0..12 {
        let count = 1 + random.below(40);
        log.append((0..count).map(|_| entry(random.draw())).collect())?;
        witness.acknowledged = log.size();
        if random.one_in(2) {
            let note = log.sign(&signer())?;
            witness.seen.push(Checkpoint::open(&note, signer().verifier()).expect("our own"));
        }
    }
    Ok(())
}

#[test]
fn a_power_cut_at_any_step_never_forks_the_log() {
    for seed in 0..3 {
        let disk = SimDisk::new(seed);
        let (mut witness, mut random) = (Witness::default(), Random::new(seed ^ 77));
        for life in 0..25 {
            disk.cut_power_after(1 + random.below(40));
            let ended = live(&disk, &mut witness, &mut random);
            assert!(
                matches!(ended, Ok(()) | Err(LogError::Io { .. } | LogError::Stopped | LogError::Locked(_))),
                "seed {seed}, life {life}: {ended:?}"
            );
            disk.restart();
        }
        let log = open(&disk).expect("a log");
        witness.check(&log);
        assert!(witness.seen.len() > 10, "{}", witness.seen.len());
    }
}

#[test]
fn after_a_failed_sync_nothing_more_is_signed() {
    let disk = SimDisk::new(5);
    let mut log = open(&disk).expect("a log");
    log.append(vec![entry(1)]).expect("room");
    disk.fail_next_sync();
    assert!(matches!(log.append(vec![entry(2)]), Err(LogError::Io { .. })));
    assert!(matches!(log.append(vec![entry(3)]), Err(LogError::Stopped)));
    assert!(matches!(log.sign(&signer()), Err(LogError::Stopped)));
    assert!(matches!(SignedLog::open(Arc::new(disk), ORIGIN, &[], &mut |_, _| {}), Err(LogError::Locked(_))));
}

#[test]
fn what_a_failed_sync_left_unwritten_is_written_again_before_it_is_built_upon() {
    for seed in 0..20 {
        let disk = SimDisk::new(seed);
        let mut log = open(&disk).expect("a log");
        log.append(vec![entry(1)]).expect("room");
        log.sign(&signer()).expect("signed");
        // The sync of an entry fails, or that of a checkpoint.
        if seed % 2 == 1 {
            log.append(vec![entry(2)]).expect("room");
        }
        disk.fail_next_sync();
        let is_failed = if seed % 2 == 0 { log.append(vec![entry(2)]).is_err() } else { log.sign(&signer()).is_err() };
        drop(log);
        disk.kill();
        assert!(is_failed);
        // The process starts anew, the power stays: all of it can be read.
        let mut log = open(&disk).expect("a log");
        log.append(vec![entry(3)]).expect("the disk is well again");
        log.sign(&signer()).expect("signed");
        let (size, seen) = log.last_signed().map(|(size, note)| (size, note.to_owned())).expect("signed");
        drop(log);
        disk.restart();
        let log = open(&disk).unwrap_or_else(|err| panic!("seed {seed}: {err}"));
        assert_eq!(log.last_signed(), Some((size, seen.as_str())), "seed {seed}");
    }
}

#[test]
fn every_flipped_byte_of_entries_is_named_and_none_of_a_checkpoint_is_believed() {
    let disk = SimDisk::new(6);
    let mut log = open(&disk).expect("a log");
    log.append((0..3).map(entry).collect()).expect("room");
    log.sign(&signer()).expect("signed");
    drop(log);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let right = super::files::read_file(&*shared, "entries-000000000").expect("readable");
    for at in 0..right.len() {
        let mut flipped = right.clone();
        flipped[at] ^= 0x11;
        let fault = super::files::read_bundle(0, &flipped).fault.unwrap_or_else(|| panic!("byte {at}"));
        assert_eq!(fault.offset, at as u64, "{:?}", fault.what);
    }
    let notes = read_notes(&shared).expect("readable");
    let [(name, 0, note)] = notes.as_slice() else { panic!("{notes:?}") };
    assert_eq!(name, "checkpoints-000000000");
    assert!(Checkpoint::open(note, signer().verifier()).is_ok());
}

#[test]
fn a_log_that_was_shortened_or_rewritten_is_not_gone_on_with() {
    let cut = SimDisk::new(7);
    let mut log = open(&cut).expect("a log");
    log.append(vec![entry(1), entry(2)]).expect("room");
    log.sign(&signer()).expect("signed");
    drop(log);
    let mut file = cut.open("entries-000000000").expect("there");
    let length = file.length().expect("known");
    let mut first = [0; 2];
    file.read_at(0, &mut first).expect("readable");
    file.cut(u64::from(u16::from_be_bytes(first)) + 2).expect("cut");
    assert!(length > 0);
    assert!(matches!(open(&cut), Err(LogError::Shorter { signed: 2, found: 1 })));
    file.write_at(u64::from(u16::from_be_bytes(first)) + 2, &framed(&super::files::entry_of(1, entry(9))))
        .expect("written");
    assert!(matches!(open(&cut), Err(LogError::Contradicted(2))));
}

fn framed(entry: &[u8]) -> Vec<u8> {
    let mut bytes = (entry.len() as u16).to_be_bytes().to_vec();
    bytes.extend(entry);
    bytes
}
