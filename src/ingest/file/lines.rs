//! Cuts a stream of bytes into lines, and joins lines that belong together; both in bounded memory.

use bytes::Bytes;

use crate::ingest::file::Joining;
use crate::ingest::file::Multiline;
use crate::ingest::file::container;
use crate::ingest::file::container::Part;
use crate::ingest::file::records::Records;
use crate::ingest::intake::Place;

/// How many bytes before the end of a line identify it.
pub(super) const TAIL_BYTES_MAX: usize = 64;

/// One line, or several joined ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Without the line break.
    pub(super) raw: Bytes,
    /// The first byte of the file after it.
    pub(super) end: u64,
    pub(super) truncated: bool,
    /// Length and CRC of the last bytes before `end`.
    pub(super) tail_bytes: u16,
    pub(super) tail_crc: u32,
    /// How many messages that begin behind `end` came before and with this one; 0 where its own end is the place.
    pub(super) taken: u16,
}

/// Cuts chunks into lines; a line longer than the limit is cut and the rest of it skipped without being kept.
#[derive(Debug)]
pub(super) struct Splitter {
    bytes_max: usize,
    /// The beginning of a line whose end has not been read.
    pending: Vec<u8>,
    /// Whether the line is longer than what `pending` keeps of it.
    over: bool,
    /// Where the next chunk begins.
    offset: u64,
    /// The identifying bytes of an unfinished line.
    tail: (u16, u32),
}

impl Splitter {
    /// Starts at an offset of the file.
    pub(super) fn new(bytes_max: usize, offset: u64) -> Splitter {
        Splitter { bytes_max, pending: Vec::new(), over: false, offset, tail: (0, 0) }
    }

    /// Returns the limit of a line.
    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Returns where the next chunk must begin.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns whether an unfinished line waits.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Adds the lines that end in this chunk. Empty lines are passed over.
    pub(super) fn feed(&mut self, chunk: &Bytes, lines: &mut Vec<Line>) {
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', chunk) {
            let end = newline + 1;
            let tail = tail_of(chunk.get(start..end).unwrap_or_default());
            let file_end = self.offset + end as u64;
            if self.pending.is_empty() {
                let kept = newline.min(start + self.bytes_max);
                let raw = chunk.slice(start..kept);
                push(lines, raw, file_end, kept < newline, tail);
            } else {
                self.keep(chunk.get(start..newline).unwrap_or_default());
                let raw = Bytes::from(std::mem::take(&mut self.pending));
                push(lines, raw, file_end, std::mem::take(&mut self.over), tail);
            }
            start = end;
        }
        let rest = chunk.get(start..).unwrap_or_default();
        if !rest.is_empty() {
            self.keep(rest);
            self.tail = tail_of(rest);
        }
        self.offset += chunk.len() as u64;
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.bytes_max.saturating_sub(self.pending.len());
        self.pending.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.over |= bytes.len() > room;
    }

    /// Takes an unfinished line as it is.
    pub(super) fn flush(&mut self, lines: &mut Vec<Line>) {
        if self.has_pending() {
            let raw = Bytes::from(std::mem::take(&mut self.pending));
            push(lines, raw, self.offset, std::mem::take(&mut self.over), self.tail);
        }
    }
}

fn tail_of(bytes: &[u8]) -> (u16, u32) {
    let tail = bytes.get(bytes.len().saturating_sub(TAIL_BYTES_MAX)..).unwrap_or_default();
    (tail.len() as u16, crc32c::crc32c(tail))
}

fn push(lines: &mut Vec<Line>, mut raw: Bytes, end: u64, truncated: bool, (tail_bytes, tail_crc): (u16, u32)) {
    if raw.ends_with(b"\r") && !truncated {
        raw.truncate(raw.len() - 1);
    }
    if !raw.is_empty() {
        lines.push(Line { raw, end, truncated, tail_bytes, tail_crc, taken: 0 });
    }
}

/// Joins the lines of one message: a stack trace to the line that begins it.
#[derive(Debug)]
pub(super) struct Joiner {
    bytes_max: usize,
    pending: Option<Joined>,
    /// Records of audit events, which may alternate.
    records: Records,
}

/// A message in the making.
#[derive(Debug)]
pub(super) struct Joined {
    /// The line alone, as long as nothing was joined to it.
    first: Line,
    joined: Vec<u8>,
    count: usize,
    /// Where a container runtime said that the line goes on: the place for the rest of it.
    open: Option<usize>,
}

impl Joiner {
    /// Makes one for a file that is read from an offset on.
    pub(super) fn new(bytes_max: usize, offset: u64) -> Joiner {
        Joiner { bytes_max, pending: None, records: Records::new(offset) }
    }

    /// Makes one whose messages end in order, so that records of an event are joined only when nothing stands between.
    pub(super) fn in_order(bytes_max: usize) -> Joiner {
        Joiner { bytes_max, pending: None, records: Records::in_order() }
    }

    /// Goes on from a place: what is stored of the messages behind it is passed over.
    pub(super) fn resume(&mut self, place: &Place) {
        self.records.resume(place);
    }

    /// Adds the messages that are complete: those before a line that begins one, or at a limit.
    pub(super) fn feed(&mut self, rules: &Multiline, lines: Vec<Line>, out: &mut Vec<Line>) {
        for line in lines {
            if matches!(rules.joining, Joining::Audit) {
                self.records.feed((rules.lines_max.get(), self.bytes_max), line, out);
                continue;
            }
            if matches!(rules.joining, Joining::Container) {
                self.feed_part(rules, line, out);
                continue;
            }
            match &mut self.pending {
                Some(pending)
                    if rules.joining.belongs(&line.raw)
                        && pending.has_room(rules.lines_max.get(), self.bytes_max, &line) =>
                {
                    pending.join(&line);
                }
                _ => {
                    self.flush(out);
                    self.pending = Some(Joined::begin(line));
                }
            }
        }
    }

    /// Takes a line of a container runtime; one that is whole, and what ends one that was cut, goes out at once.
    fn feed_part(&mut self, rules: &Multiline, line: Line, out: &mut Vec<Line>) {
        let part = container::part(&line.raw);
        let goes_on = match (&mut self.pending, &part) {
            (Some(pending), Some(part))
                if pending.has_room(rules.lines_max.get(), self.bytes_max, &line)
                    && container::is_of(&pending.first.raw, part) =>
            {
                pending.join_part(&line, part);
                pending.open.is_some()
            }
            _ => {
                self.flush(out);
                let open = part.filter(|part| part.is_cut).map(|part| part.end);
                self.pending = Some(Joined { first: line, joined: Vec::new(), count: 1, open });
                open.is_some()
            }
        };
        if !goes_on {
            self.flush(out);
        }
    }

    /// Takes an unfinished message as it is.
    pub(super) fn flush(&mut self, out: &mut Vec<Line>) {
        out.extend(self.pending.take().map(Joined::into_line));
        self.records.release_all(out);
    }
}

impl Joined {
    pub(super) fn begin(line: Line) -> Joined {
        Joined { first: line, joined: Vec::new(), count: 1, open: None }
    }

    pub(super) fn has_room(&self, lines_max: usize, bytes_max: usize, line: &Line) -> bool {
        let bytes = self.joined.len().max(self.first.raw.len()) + 1 + line.raw.len();
        self.count < lines_max && bytes <= bytes_max
    }

    pub(super) fn join(&mut self, line: &Line) {
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&self.first.raw);
        }
        self.joined.push(b'\n');
        self.joined.extend_from_slice(&line.raw);
        self.count += 1;
        self.first.truncated |= line.truncated;
        let Line { end, tail_bytes, tail_crc, .. } = *line;
        self.first = Line { end, tail_bytes, tail_crc, ..self.first.clone() };
    }

    fn join_part(&mut self, line: &Line, part: &Part<'_>) {
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&self.first.raw);
            if let Some(flag) = part.flag.and_then(|at| self.joined.get_mut(at)) {
                *flag = b'F';
            }
        }
        let at = self.open.unwrap_or(self.joined.len()).min(self.joined.len());
        self.joined.splice(at..at, part.text.iter().copied());
        self.open = part.is_cut.then_some(at + part.text.len());
        self.count += 1;
        self.first.truncated |= line.truncated;
        let Line { end, tail_bytes, tail_crc, .. } = *line;
        self.first = Line { end, tail_bytes, tail_crc, ..self.first.clone() };
    }

    pub(super) fn into_line(self) -> Line {
        let raw = if self.joined.is_empty() { self.first.raw } else { Bytes::from(self.joined) };
        Line { raw, ..self.first }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use proptest::prelude::*;
    use regex::bytes::Regex;

    use super::*;
    use crate::ingest::file::Joining;

    fn split(text: &[u8], chunk_bytes: usize, bytes_max: usize) -> Vec<Line> {
        let mut splitter = Splitter::new(bytes_max, 0);
        let mut lines = Vec::new();
        for chunk in text.chunks(chunk_bytes) {
            splitter.feed(&Bytes::copy_from_slice(chunk), &mut lines);
            assert!(splitter.pending.len() <= bytes_max);
        }
        splitter.flush(&mut lines);
        lines
    }

    fn shown(lines: &[Line]) -> Vec<(String, u64, bool)> {
        let shown = |line: &Line| (String::from_utf8_lossy(&line.raw).into_owned(), line.end, line.truncated);
        lines.iter().map(shown).collect()
    }

    #[test]
    fn lines_end_where_they_end() {
        let line = |raw: &str, end, truncated| (raw.to_owned(), end, truncated);
        let expected = [line("one", 4, false), line("two", 9, false), line("12345", 18, true), line("rest", 22, false)];
        for chunk_bytes in 1..25 {
            assert_eq!(shown(&split(b"one\ntwo\r\n\n1234567\nrest", chunk_bytes, 5)), expected, "{chunk_bytes}");
        }
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(text in "[a-c\n\r]{0,200}", chunk_bytes in 1usize..50, bytes_max in 1usize..20) {
            let whole = split(text.as_bytes(), 1000, bytes_max);
            let pieces = split(text.as_bytes(), chunk_bytes, bytes_max);
            prop_assert_eq!(shown(&pieces), shown(&whole));
            for line in pieces {
                let (end, bytes) = (line.end as usize, usize::from(line.tail_bytes));
                prop_assert_eq!(crc32c::crc32c(&text.as_bytes()[end - bytes..end]), line.tail_crc);
            }
        }
    }

    #[test]
    fn traces_are_joined_within_limits() {
        let rules = Multiline {
            joining: Joining::Start(Regex::new("^[0-9]").expect("good")),
            lines_max: NonZeroUsize::new(3).expect("not zero"),
        };
        let text = b" before\n1 boom\n\tat a\n\tat b\n\tat c\n2 fine\n3 long\n 89012345678901234567\n";
        let mut joiner = Joiner::new(20, 0);
        let mut out = Vec::new();
        for line in split(text, 100, 25) {
            joiner.feed(&rules, vec![line], &mut out);
        }
        assert_eq!(out.len(), 5, "the last message may go on");
        joiner.flush(&mut out);
        let raws: Vec<String> = shown(&out).into_iter().map(|line| line.0).collect();
        assert_eq!(raws, [" before", "1 boom\n\tat a\n\tat b", "\tat c", "2 fine", "3 long", " 89012345678901234567"]);
        assert_eq!(out.iter().map(|line| line.end).collect::<Vec<_>>(), [8, 27, 33, 40, 47, 69]);
    }

    #[test]
    fn ready_made_rules_know_what_belongs_together() {
        let java = "2026-03-14 09:26:53 ERROR boom\njava.lang.IllegalStateException: no\n\tat a.b(C.java:1)\n\t... 3 more\n\
                    Caused by: java.io.IOException: x\n    at d\n2026-03-14 09:26:54 INFO fine\nplain.text: no exception\n";
        let postgresql =
            "2026-03-14 09:26:53 +07 [9] ERROR:  x\n2026-03-14 09:26:53 +07 [9] STATEMENT:  select 1\n\t  from b\n";
        let indented = "one\n  more\n\tof it\ntwo\n";
        for (preset, text, counts) in
            [("java", java, &[6, 1, 1][..]), ("postgresql", postgresql, &[1, 2]), ("indented", indented, &[3, 1])]
        {
            let joining = Joining::preset(preset).expect("there");
            let rules = Multiline { joining, lines_max: NonZeroUsize::new(50).expect("not zero") };
            for chunk_bytes in [1, 7, 1_000] {
                let (mut joiner, mut out) = (Joiner::new(1_000, 0), Vec::new());
                joiner.feed(&rules, split(text.as_bytes(), chunk_bytes, 1_000), &mut out);
                joiner.flush(&mut out);
                let found: Vec<usize> = out.iter().map(|line| line.raw.split(|byte| *byte == b'\n').count()).collect();
                assert_eq!(found, counts, "{preset}");
            }
        }
        assert!(Joining::preset("perl").is_none());
    }
}
