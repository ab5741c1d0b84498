//! Event logs of Windows: records come as XML on one line, damage is told and passed over, and nothing panics.

use std::fs;

use flate2::Crc;

use crate::ingest::file::HistoryOptions;
use crate::ingest::file::evtx;
use crate::ingest::syslog::FRAME_BYTES_MAX;
use crate::model::Timestamp;
use crate::model::time::ManualClock;

const HEADER: usize = 4_096;
const CHUNK: usize = 65_536;
const CHUNK_HEADER: usize = 512;
const RECORD_HEADER: usize = 24;

/// The binary XML of one record, which knows where in the chunk it lies: names point at themselves.
struct Xml {
    bytes: Vec<u8>,
    base: usize,
}

impl Xml {
    fn name(&mut self, name: &str) {
        let at = self.base + self.bytes.len() + 4;
        self.bytes.extend(u32::try_from(at).expect("small").to_le_bytes());
        self.bytes.extend([0; 6]);
        self.counted(name);
        self.bytes.extend([0; 2]);
    }

    fn counted(&mut self, text: &str) {
        let units: Vec<u16> = text.encode_utf16().collect();
        self.bytes.extend(u16::try_from(units.len()).expect("short").to_le_bytes());
        self.bytes.extend(units.into_iter().flat_map(u16::to_le_bytes));
    }

    /// An element with one attribute at most, and text or elements in it.
    fn element(&mut self, name: &str, attribute: Option<(&str, &str)>, inside: impl FnOnce(&mut Xml)) {
        self.bytes.push(if attribute.is_some() { 0x41 } else { 0x01 });
        self.bytes.extend([0; 4]);
        self.name(name);
        if let Some((name, value)) = attribute {
            self.bytes.extend([0; 4]);
            self.bytes.push(0x06);
            self.name(name);
            self.text(value);
        }
        self.bytes.push(0x02);
        inside(self);
        self.bytes.push(0x04);
    }

    fn text(&mut self, text: &str) {
        self.bytes.extend([0x05, 0x01]);
        self.counted(text);
    }
}

/// A failed logon, as the Security log has it.
fn logon(xml: &mut Xml, user: &str) {
    xml.bytes.extend([0x0f, 1, 1, 0]);
    xml.element("Event", None, |xml| {
        xml.element("System", None, |xml| {
            xml.element("Provider", Some(("Name", "Microsoft-Windows-Security-Auditing")), |_| {});
            xml.element("EventID", None, |xml| xml.text("4625"));
            xml.element("TimeCreated", Some(("SystemTime", "2026-03-14T02:26:53.000Z")), |_| {});
            xml.element("Channel", None, |xml| xml.text("Security"));
            xml.element("Computer", None, |xml| xml.text("dc01.example.vn"));
        });
        xml.element("EventData", None, |xml| {
            xml.element("Data", Some(("Name", "TargetUserName")), |xml| xml.text(user));
            xml.element("Data", Some(("Name", "IpAddress")), |xml| xml.text("203.0.113.9"));
        });
    });
    xml.bytes.push(0);
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    bytes[at..at + what.len()].copy_from_slice(what);
}

fn crc(parts: &[&[u8]]) -> [u8; 4] {
    let mut crc = Crc::new();
    parts.iter().for_each(|part| crc.update(part));
    crc.sum().to_le_bytes()
}

/// An event log with a chunk for each list of users.
fn event_log(chunks: &[&[&str]]) -> Vec<u8> {
    let mut file = vec![0; HEADER + chunks.len() * CHUNK];
    put(&mut file, 0, b"ElfFile\0");
    put(&mut file, 32, &128_u32.to_le_bytes());
    put(&mut file, 36, &[1, 0, 3, 0, 0, 16]);
    put(&mut file, 42, &u16::try_from(chunks.len()).expect("few").to_le_bytes());
    let sum = crc(&[&file[..120]]);
    put(&mut file, 124, &sum);
    let mut id = 0_u64;
    for (chunk, users) in file[HEADER..].chunks_mut(CHUNK).zip(chunks) {
        let (mut at, mut last, first) = (CHUNK_HEADER, CHUNK_HEADER, id + 1);
        for user in *users {
            id += 1;
            let mut xml = Xml { bytes: Vec::new(), base: at + RECORD_HEADER };
            logon(&mut xml, user);
            let size = RECORD_HEADER + xml.bytes.len() + 4;
            let length = u32::try_from(size).expect("small").to_le_bytes();
            put(chunk, at, b"**\0\0");
            put(chunk, at + 4, &length);
            put(chunk, at + 8, &id.to_le_bytes());
            put(chunk, at + 16, &134_000_000_000_000_000_u64.to_le_bytes());
            put(chunk, at + RECORD_HEADER, &xml.bytes);
            put(chunk, at + size - 4, &length);
            last = at;
            at += size;
        }
        put(chunk, 0, b"ElfChnk\0");
        for (place, number) in [(8, first), (16, id), (24, first), (32, id)] {
            put(chunk, place, &number.to_le_bytes());
        }
        put(chunk, 40, &128_u32.to_le_bytes());
        put(chunk, 44, &u32::try_from(last).expect("small").to_le_bytes());
        put(chunk, 48, &u32::try_from(at).expect("small").to_le_bytes());
        let sum = crc(&[&chunk[CHUNK_HEADER..at]]);
        put(chunk, 52, &sum);
        let sum = crc(&[&chunk[..120], &chunk[128..CHUNK_HEADER]]);
        put(chunk, 124, &sum);
    }
    file
}

/// Returns the lines that came, and how many places were damaged; `None` when it is no event log.
fn read(bytes: &[u8]) -> Option<(Vec<String>, usize)> {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("Security.evtx");
    fs::write(&path, bytes).expect("written");
    let clock = ManualClock::at(Timestamp(7));
    let options = HistoryOptions { input: "file:x".to_owned(), frame_bytes_max: FRAME_BYTES_MAX, multiline: None };
    let (mut lines, mut damaged) = (Vec::new(), 0);
    for record in evtx(&path, &options, &clock).ok()? {
        match record {
            Ok(frame) => lines.push(String::from_utf8_lossy(&frame.raw).into_owned()),
            Err(_) => damaged += 1,
        }
    }
    Some((lines, damaged))
}

#[test]
fn each_record_is_one_line_of_xml() {
    let (lines, damaged) = read(&event_log(&[&["an", "bình & <con>"], &["two\nlines"]])).expect("an event log");
    assert_eq!((lines.len(), damaged), (3, 0));
    assert!(lines[0].starts_with("<Event>") && lines[0].ends_with("</Event>"), "{lines:?}");
    assert!(lines[0].contains("<EventID>4625</EventID>") && lines[0].contains(">an</Data>"), "{lines:?}");
    assert!(lines[1].contains("bình &amp; &lt;con"), "{lines:?}");
    assert!(lines[2].contains("two&#10;lines"), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
}

#[test]
fn damage_is_told_and_the_rest_is_read() {
    let good = event_log(&[&["an"], &["binh"], &["chi"]]);
    let mut bad = good.clone();
    bad[HEADER + CHUNK..HEADER + CHUNK + 8].copy_from_slice(b"garbage!");
    let (lines, damaged) = read(&bad).expect("an event log");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains(">chi</Data>") && damaged >= 1, "{lines:?}");
    assert!(read(b"ElfFile").is_none() && read(b"").is_none() && read(&[0; 9_000]).is_none());
    let (lines, _) = read(&good[..HEADER + CHUNK + 700]).expect("cut off");
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn no_byte_makes_it_panic() {
    let good = event_log(&[&["an"]]);
    let used = HEADER + CHUNK_HEADER + 900;
    for at in (0..used).filter(|at| good[*at] != 0 || at % 97 == 0) {
        let mut bad = good.clone();
        bad[at] ^= 0xff;
        read(&bad);
    }
}
