//! However events alternate and wherever the reading breaks off, every line is in exactly one message.

use bytes::Bytes;
use proptest::prelude::*;

use crate::ingest::file::lines::Joiner;
use crate::ingest::file::lines::Line;
use crate::ingest::file::lines::Splitter;
use crate::ingest::intake::Place;
use crate::ingest::joining::Joining;
use crate::ingest::joining::LINES_MAX;
use crate::ingest::joining::Multiline;

const BYTES_MAX: usize = 4_096;

fn rules() -> Multiline {
    Multiline { joining: Joining::Audit, lines_max: LINES_MAX }
}

fn split(text: &str, offset: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut splitter = Splitter::new(BYTES_MAX, offset as u64);
    splitter.feed(&Bytes::copy_from_slice(&text.as_bytes()[offset..]), &mut lines);
    lines
}

fn place(line: &Line) -> Place {
    let place = Place { offset: line.end, tail_bytes: line.tail_bytes, tail_crc: line.tail_crc, ..Place::default() };
    place.with_taken(line.taken)
}

/// Reads on from a place to the end.
fn read(text: &str, from: Option<&Place>, is_in_order: bool) -> Vec<Line> {
    let offset = from.map_or(0, |place| place.offset as usize);
    let mut joiner = if is_in_order { Joiner::in_order(BYTES_MAX) } else { Joiner::new(BYTES_MAX, 0) };
    if let Some(place) = from {
        joiner.resume(place);
    }
    let mut out = Vec::new();
    joiner.feed(&rules(), split(text, offset), &mut out);
    joiner.flush(&mut out);
    out
}

fn texts(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| String::from_utf8_lossy(&line.raw).into_owned()).collect()
}

fn record(kind: &str, event: usize) -> String {
    format!("type={kind} msg=audit(1773480413.587:{event}): x=1")
}

#[test]
fn events_that_alternate_are_told_apart() {
    let lines =
        [("SYSCALL", 1), ("SYSCALL", 2), ("CWD", 1), ("PROCTITLE", 1), ("USER_LOGIN", 3), ("CWD", 2), ("EOE", 2)];
    let text: String = lines.iter().map(|(kind, event)| record(kind, *event) + "\n").collect();
    let first = [record("SYSCALL", 1), record("CWD", 1), record("PROCTITLE", 1)].join("\n");
    let second = [record("SYSCALL", 2), record("CWD", 2), record("EOE", 2)].join("\n");
    let found = read(&text, None, false);
    assert_eq!(texts(&found), [first, record("USER_LOGIN", 3), second]);
    let ends: Vec<(u64, u16)> = found.iter().map(|line| (line.end, line.taken)).collect();
    assert_eq!(ends, [(0, 1), (0, 2), (text.len() as u64, 0)], "one place for all that alternates");
}

#[test]
fn in_order_only_what_stands_together_is_joined() {
    let lines = [("SYSCALL", 1), ("CWD", 1), ("SYSCALL", 2), ("CWD", 1), ("EOE", 1)];
    let text: String = lines.iter().map(|(kind, event)| record(kind, *event) + "\n").collect();
    let found = read(&text, None, true);
    let expected = [
        [record("SYSCALL", 1), record("CWD", 1)].join("\n"),
        record("SYSCALL", 2),
        [record("CWD", 1), record("EOE", 1)].join("\n"),
    ];
    assert_eq!(texts(&found), expected);
    assert!(found.iter().is_sorted_by(|a, b| a.end < b.end), "{found:?}");
}

#[test]
fn limits_end_an_event_and_no_count_is_too_long() {
    let many: String = (0..600).map(|_| record("PATH", 1) + "\n").collect();
    assert_eq!(texts(&read(&many, None, false)).len(), 600 / (BYTES_MAX / (record("PATH", 1).len() + 1)) + 1);
    let mut text = record("SYSCALL", 1) + "\n";
    (0..1_500).for_each(|event| text.push_str(&(record("USER_LOGIN", event + 10) + "\n")));
    text.push_str(&(record("EOE", 1) + "\n"));
    let found = read(&text, None, false);
    assert_eq!(found.len(), 1_502, "the first event had to go before its end");
    assert!(found.iter().all(|line| place(line).taken() == line.taken), "every count fits its place");
}

proptest! {
    /// Broken off after any message, reading on from its place gives exactly the messages that are missing.
    #[test]
    fn reading_on_gives_what_is_missing(picks in proptest::collection::vec((0usize..8, 1usize..5), 0..60)) {
        const KINDS: [&str; 8] = ["SYSCALL", "EXECVE", "CWD", "PATH", "PROCTITLE", "EOE", "USER_LOGIN", ""];
        let line = |(nth, (kind, event)): (usize, &(usize, usize))| match KINDS[*kind] {
            "" => format!("plain {nth}\n"),
            kind => format!("{} nth={nth}\n", record(kind, *event)),
        };
        let text: String = picks.iter().enumerate().map(line).collect();
        let all = read(&text, None, false);
        let mut lines: Vec<String> = texts(&all).iter().flat_map(|message| message.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        let mut wanted: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        wanted.sort();
        prop_assert_eq!(lines, wanted, "every line is in exactly one message");
        for (nth, line) in all.iter().enumerate() {
            let rest = read(&text, Some(&place(line)), false);
            prop_assert_eq!(texts(&rest), texts(&all[nth + 1..]), "after message {}", nth);
            let (end, bytes) = (line.end as usize, usize::from(line.tail_bytes));
            prop_assert_eq!(crc32c::crc32c(&text.as_bytes()[end - bytes..end]), line.tail_crc);
        }
    }
}
