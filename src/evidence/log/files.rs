//! The files of a log: names, framing, and reading them without changing anything.
//!
//! `entries-N` is the C2SP entry bundle N: up to 256 entries, each after its length (2 bytes, big-endian). `checkpoints-N`
//! holds signed checkpoints, oldest first, with an empty line after each.

use std::io;
use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

use crate::evidence::said::Said;
use crate::evidence::said::said;
use crate::store::checked;
use crate::store::checked::Checked;
use crate::wal::disk::Disk;

/// Entries in a full bundle.
pub const ENTRIES_A_BUNDLE: u64 = 256;
pub(super) const ENTRIES: &str = "entries-";
pub(super) const CHECKPOINTS: &str = "checkpoints-";
/// No file of a log is longer: 256 entries of 64 KiB with their lengths.
const FILE_BYTES_MAX: u64 = 17 << 20;

/// Something wrong at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The offset in the file; of the changed byte itself where that can be told.
    pub offset: u64,
    pub what: Said,
}

/// What stands in a bundle's file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The number of its first entry.
    pub first: u64,
    /// The entries up to the first fault.
    pub entries: Vec<Vec<u8>>,
    /// How many bytes they take.
    pub good_bytes: u64,
    pub fault: Option<Fault>,
}

/// Makes an entry: the object with its number first and its check last.
pub fn entry_of(number: u64, members: Map<String, Value>) -> Vec<u8> {
    let mut object = Map::new();
    object.insert("n".to_owned(), Value::from(number));
    object.extend(members);
    checked::with_check(Value::Object(object).to_string().into_bytes())
}

/// Says what is wrong with an entry, if anything.
fn fault_of(entry: &[u8], number: u64, offset: u64) -> Option<Fault> {
    let what = match checked::check(entry) {
        Checked::Right => {
            let begins = format!("{{\"n\":{number},");
            if entry.starts_with(begins.as_bytes()) {
                return None;
            }
            let what = said!(
                "another entry stands where number {number} should",
                "một mục khác đứng ở chỗ của mục số {number}",
            );
            return Some(Fault { offset, what });
        }
        Checked::Changed(Some(at)) => {
            let what = said!("a byte of entry {number} was changed", "một byte của mục {number} đã bị đổi");
            return Some(Fault { offset: offset + at as u64, what });
        }
        Checked::Changed(None) => said!("entry {number} was changed", "mục {number} đã bị đổi"),
        Checked::Missing => {
            said!("what stands where entry {number} should is none", "ở chỗ của mục {number} không phải là một mục",)
        }
    };
    Some(Fault { offset, what })
}

/// Reads the entries of a bundle.
pub fn read_bundle(first: u64, bytes: &[u8]) -> Bundle {
    let mut bundle = Bundle { first, ..Bundle::default() };
    let mut rest = bytes;
    while !rest.is_empty() {
        let number = first + bundle.entries.len() as u64;
        let offset = (bytes.len() - rest.len()) as u64;
        let taken = rest
            .split_first_chunk::<2>()
            .and_then(|(length, after)| after.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        let Some((entry, after)) = taken else {
            let what = said!(
                "entry {number} does not end within the file, or its length was changed",
                "mục {number} không kết thúc trong tệp, hoặc độ dài của nó đã bị đổi",
            );
            bundle.fault = Some(Fault { offset, what });
            break;
        };
        bundle.fault = fault_of(entry, number, offset + 2).map(|fault| told_by_length(fault, rest, number, offset));
        if bundle.fault.is_some() {
            break;
        }
        bundle.entries.push(entry.to_vec());
        bundle.good_bytes = (bytes.len() - after.len()) as u64;
        rest = after;
    }
    bundle
}

/// An entry that would be right with another length has a changed length.
fn told_by_length(fault: Fault, rest: &[u8], number: u64, offset: u64) -> Fault {
    let Some((length, after)) = rest.split_first_chunk::<2>() else { return fault };
    for (index, stored) in length.iter().enumerate() {
        for other in 0..=255_u8 {
            let mut tried = *length;
            if let Some(byte) = tried.get_mut(index) {
                *byte = other;
            }
            let entry = after.get(..usize::from(u16::from_be_bytes(tried)));
            if other != *stored && entry.is_some_and(|entry| fault_of(entry, number, 0).is_none()) {
                let what = said!(
                    "a byte of the length of entry {number} was changed",
                    "một byte trong độ dài của mục {number} đã bị đổi",
                );
                return Fault { offset: offset + index as u64, what };
            }
        }
    }
    fault
}

/// The numbers in the names of files that begin with `prefix`, ascending.
pub(super) fn numbers(disk: &dyn Disk, prefix: &str) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> =
        disk.list()?.iter().filter_map(|name| name.strip_prefix(prefix)?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

pub(super) fn name_of(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:09}")
}

/// Reads a whole file of a log.
pub(super) fn read_file(disk: &dyn Disk, name: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(name)?;
    let length = file.length()?;
    if length > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("`{name}` is longer than a file of a log can be")));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let mut done = 0;
    while let Some(space) = bytes.get_mut(done..).filter(|space| !space.is_empty()) {
        match file.read_at(done as u64, space)? {
            0 => break,
            count => done += count,
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

/// Reads all bundles, in order, and hands each over with the name of its file.
///
/// # Errors
/// When a file cannot be read.
pub fn read_bundles(disk: &Arc<dyn Disk>, visit: &mut dyn FnMut(&str, Bundle)) -> io::Result<()> {
    for number in numbers(&**disk, ENTRIES)? {
        let name = name_of(ENTRIES, number);
        let bytes = read_file(&**disk, &name)?;
        visit(&name, read_bundle(number.saturating_mul(ENTRIES_A_BUNDLE), &bytes));
    }
    Ok(())
}

/// Reads bundles from the newest back, and hands each over, until `visit` returns false; those that begin at or after
/// `before` are not read.
///
/// # Errors
/// When a file cannot be read.
pub fn read_bundles_back(
    disk: &Arc<dyn Disk>,
    before: Option<u64>,
    visit: &mut dyn FnMut(Bundle) -> bool,
) -> io::Result<()> {
    for number in numbers(&**disk, ENTRIES)?.into_iter().rev() {
        let first = number.saturating_mul(ENTRIES_A_BUNDLE);
        if before.is_some_and(|before| first >= before) {
            continue;
        }
        let bytes = read_file(&**disk, &name_of(ENTRIES, number))?;
        if !visit(read_bundle(first, &bytes)) {
            break;
        }
    }
    Ok(())
}

/// Reads one entry; `None` when it is not there or was changed.
///
/// # Errors
/// When its file cannot be read.
pub fn read_entry(disk: &Arc<dyn Disk>, number: u64) -> io::Result<Option<Vec<u8>>> {
    let bundle = number / ENTRIES_A_BUNDLE;
    if !numbers(&**disk, ENTRIES)?.contains(&bundle) {
        return Ok(None);
    }
    let bytes = read_file(&**disk, &name_of(ENTRIES, bundle))?;
    let entries = read_bundle(bundle * ENTRIES_A_BUNDLE, &bytes).entries;
    Ok(usize::try_from(number % ENTRIES_A_BUNDLE).ok().and_then(|at| entries.into_iter().nth(at)))
}

/// Returns the offset of each note in the bytes of a checkpoint file with its text; what does not end is left out.
pub fn note_offsets(bytes: &[u8]) -> Vec<(u64, String)> {
    let mut notes = Vec::new();
    let mut start = 0;
    while let Some(end) = end_of_note(bytes, start) {
        let note = bytes.get(start..end).unwrap_or_default();
        notes.push((start as u64, String::from_utf8_lossy(note).into_owned()));
        start = end + 1;
    }
    notes
}

/// A note has one empty line before its signatures, and one comes after it.
fn end_of_note(bytes: &[u8], start: usize) -> Option<usize> {
    let text_end = start + memchr::memmem::find(bytes.get(start..)?, b"\n\n")? + 2;
    let end = text_end + memchr::memmem::find(bytes.get(text_end..)?, b"\n\n")? + 1;
    Some(end)
}

/// Reads all signed checkpoints that are kept, oldest first: file, offset and note.
///
/// # Errors
/// When a file cannot be read.
pub fn read_notes(disk: &Arc<dyn Disk>) -> io::Result<Vec<(String, u64, String)>> {
    let mut notes = Vec::new();
    for number in numbers(&**disk, CHECKPOINTS)? {
        let name = name_of(CHECKPOINTS, number);
        let bytes = read_file(&**disk, &name)?;
        let found = note_offsets(&bytes);
        let used = found.last().map_or(0, |(offset, note)| *offset as usize + note.len() + 1);
        notes.extend(found.into_iter().map(|(offset, note)| (name.clone(), offset, note)));
        let rest = bytes.get(used..).unwrap_or_default();
        if !rest.is_empty() {
            notes.push((name, used as u64, String::from_utf8_lossy(rest).into_owned()));
        }
    }
    Ok(notes)
}

/// Begins the text that carries a checkpoint in one line, as it is sent to a syslog host.
const ONE_LINE: &str = "longan-checkpoint ";

/// Finds checkpoints in any text: notes as they are kept, and lines with one each as they are sent to a syslog host.
pub fn notes_in(text: &str) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for line in text.lines() {
        let Some(at) = line.find(ONE_LINE) else { continue };
        let note = line.get(at + ONE_LINE.len()..).unwrap_or_default().trim_end().replace('|', "\n");
        notes.push(format!("{note}\n"));
    }
    if notes.is_empty() {
        let ended = format!("{}\n\n", text.trim_end());
        notes = note_offsets(ended.as_bytes()).into_iter().map(|(_, note)| note).collect();
    }
    notes
}

/// Writes a checkpoint in one line that [`notes_in`] finds.
pub fn one_line(note: &str) -> String {
    format!("{ONE_LINE}{}", note.trim_end().replace('\n', "|"))
}
