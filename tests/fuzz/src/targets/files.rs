//! Files that others made: event logs of Windows, archives of rules, databases of addresses, packed logs, a journal's entries.

use std::io::Write as _;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::Component;
use std::sync::Once;

use longan::cli::rules::gather;
use longan::ingest::file;
use longan::ingest::file::HistoryOptions;
use longan::ingest::journald::Entry;
use longan::model::time::ManualClock;
use longan::normalize::enrich::Geo;

use super::RECEIVED;
use super::choice;
use super::operators::scratch;

/// Where the first chunk of an event log begins, and how long a chunk is.
const HEADER_BYTES: usize = 4_096;
const CHUNK_BYTES: usize = 65_536;
const LINE_BYTES_MAX: NonZeroUsize = NonZeroUsize::new(4_096).expect("it is not zero");

fn options() -> HistoryOptions {
    HistoryOptions { input: "fuzz".to_owned(), frame_bytes_max: LINE_BYTES_MAX, multiline: None }
}

/// One chunk of an event log behind a header that is right: records come as lines or are told as damage, and it ends.
pub(super) fn event_log(data: &[u8]) {
    // What the library panics about is caught and told; the fuzzer's own hook would end the program before.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let fatal = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !panic.location().is_some_and(|place| place.file().contains("/evtx-")) {
                fatal(panic);
            }
        }));
    });
    let mut bytes = vec![0; HEADER_BYTES + CHUNK_BYTES];
    for (at, part) in [
        (0, &b"ElfFile\0"[..]),
        (32, &128_u32.to_le_bytes()),
        (36, &[1, 0, 3, 0, 0, 16, 1, 0]),
        (HEADER_BYTES, &data[..data.len().min(CHUNK_BYTES)]),
    ] {
        bytes[at..at + part.len()].copy_from_slice(part);
    }
    let mut sum = flate2::Crc::new();
    sum.update(&bytes[..120]);
    bytes[124..128].copy_from_slice(&sum.sum().to_le_bytes());
    let path = scratch("log.evtx", &bytes);
    let clock = ManualClock::at(RECEIVED);
    let Ok(records) = file::evtx(&path, &options(), &clock) else { return };
    for frame in records.flatten() {
        assert!(frame.raw.len() <= LINE_BYTES_MAX.get() && !frame.raw.contains(&b'\n'));
    }
}

/// An archive of rules: what is taken stays below the folder, and is text.
pub(super) fn rule_archive(data: &[u8]) {
    let Some((form, data)) = choice(data) else { return };
    let path = match form % 3 {
        0 => scratch("rules.zip", data),
        1 => scratch("rules.tar", data),
        _ => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(data).expect("memory takes it");
            scratch("rules.tar.gz", &packed.finish().expect("memory takes it"))
        }
    };
    let Ok(gathered) = gather(&path) else { return };
    for found in gathered.files {
        assert!(found.place.components().all(|part| matches!(part, Component::Normal(_))), "{:?}", found.place);
        assert!(!found.place.to_string_lossy().contains(char::is_control), "{:?}", found.place);
    }
}

/// A database of addresses: opened or refused; what it says of an address is text of its own.
pub(super) fn address_database(data: &[u8]) {
    let path = scratch("addresses.mmdb", data);
    let mut geo = Geo::default();
    if geo.open_places(&path).is_err() || geo.open_operators(&path).is_err() {
        return;
    }
    for address in ["203.0.113.7", "198.51.100.1", "0.0.0.0", "2001:db8::1", "::ffff:203.0.113.7"] {
        let address: IpAddr = address.parse().expect("an address");
        assert_eq!(geo.of(address), geo.of(address));
    }
}

/// A packed file: its lines, or damage told after all that could be read; a bomb is cut.
pub(super) fn packed_file(data: &[u8]) {
    let Some((form, data)) = choice(data) else { return };
    let path = scratch(["old.log.gz", "old.log.zst"][usize::from(form % 2)], data);
    let clock = ManualClock::at(RECEIVED);
    let Ok(mut lines) = file::history(&path, &options(), &clock, |_| {}) else { return };
    let mut end = 0;
    while let Some(Ok(frame)) = lines.next() {
        assert!(!frame.raw.is_empty() && frame.raw.len() <= LINE_BYTES_MAX.get());
        assert!(lines.end() > end, "each line ends behind the one before");
        end = lines.end();
    }
}

/// A line of `journalctl`: an object stays one, and nothing that was text is lost.
pub(super) fn journal_entry(data: &[u8]) {
    let entry = Entry::of_line(data.to_vec(), false);
    let Ok(before) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(data) else { return };
    let after: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&entry.raw).expect("an object stays an object");
    for (name, value) in before {
        assert!(value.is_array() || after.get(&name) == Some(&value) || after.contains_key(&name), "{name}");
    }
    assert!(entry.cursor.is_none_or(|cursor| !cursor.is_empty()));
}
