//! Joins the records of audit events in a file, where records of several events may alternate, and keeps every place true.
//!
//! No place of a file lies between events whose lines alternate. Such a stretch has one place, where it begins, and each event
//! in it the count of those that came out before: whoever reads on from there joins the same lines to the same events, and
//! passes over so many. That holds because what comes out, and in which order, depends on the lines alone; when a
//! stretch is ended by anything else, as by silence, all of it comes out.

use crate::ingest::file::lines::Joined;
use crate::ingest::file::lines::Line;
use crate::ingest::intake::Place;
use crate::ingest::intake::TAKEN_MAX;
use crate::ingest::joining::audit;
use crate::ingest::joining::audit::Record;

/// Events that wait for more records; one more lets the oldest go.
const WAITING_MAX: usize = 64;

/// An event in the making.
#[derive(Debug)]
struct Waiting {
    /// Node, time and serial number.
    event: Vec<u8>,
    joined: Joined,
    /// Nothing but its end may follow.
    is_ending: bool,
}

/// The end of a line: the offset behind it, and what identifies it.
type End = (u64, u16, u32);

/// What joins them.
#[derive(Debug)]
pub(super) struct Records {
    waiting: Vec<Waiting>,
    /// Where the stretch of events that alternate begins.
    begins: End,
    /// The end of the last line that was taken in.
    last: End,
    /// Events of the stretch that came out.
    taken: u16,
    /// Events of the stretch that an earlier run stored.
    stored: u16,
    is_in_order: bool,
}

impl Records {
    pub(super) fn new(offset: u64) -> Records {
        let begins = (offset, 0, crc32c::crc32c(&[]));
        Records { waiting: Vec::new(), begins, last: begins, taken: 0, stored: 0, is_in_order: false }
    }

    pub(super) fn in_order() -> Records {
        Records { is_in_order: true, ..Records::new(0) }
    }

    pub(super) fn resume(&mut self, place: &Place) {
        self.begins = (place.offset, place.tail(), place.tail_crc);
        self.last = self.begins;
        self.stored = place.taken();
    }

    /// Takes a line in; `limits` are the lines and bytes of an event.
    pub(super) fn feed(&mut self, limits: (usize, usize), line: Line, out: &mut Vec<Line>) {
        let end = (line.end, line.tail_bytes, line.tail_crc);
        let raw = line.raw.clone();
        let found = audit::record(&raw);
        let event = found.map(|record| [record.node, b" ", record.event].concat());
        self.release_others(event.as_deref(), out);
        self.last = end;
        let place = self.waiting.iter().position(|waiting| Some(&waiting.event) == event.as_ref());
        match (found, event, place) {
            (Some(record), _, Some(place)) => self.add(limits, place, record, line, out),
            (Some(record), Some(event), None) if record.is_one_of_several() && !line.truncated => {
                self.waiting.push(Waiting { event, joined: Joined::begin(line), is_ending: record.is_last_but_end() });
                if record.is_end() {
                    self.release(self.waiting.len() - 1, out);
                } else if self.waiting.len() > WAITING_MAX {
                    self.release(0, out);
                }
            }
            _ => self.hand_out(line, out),
        }
        if self.taken >= TAKEN_MAX - 1 {
            self.release_all(out);
        }
    }

    /// Lets go what the line before ended, and, where messages must end in order, all other events.
    fn release_others(&mut self, event: Option<&[u8]>, out: &mut Vec<Line>) {
        let is_in_order = self.is_in_order;
        let is_over = |waiting: &Waiting| (waiting.is_ending || is_in_order) && Some(waiting.event.as_slice()) != event;
        while let Some(place) = self.waiting.iter().position(is_over) {
            self.release(place, out);
        }
    }

    fn add(
        &mut self,
        (lines_max, bytes_max): (usize, usize),
        place: usize,
        record: Record<'_>,
        line: Line,
        out: &mut Vec<Line>,
    ) {
        let Some(waiting) = self.waiting.get_mut(place) else { return };
        waiting.is_ending |= record.is_last_but_end();
        if !line.truncated && waiting.joined.has_room(lines_max, bytes_max, &line) {
            waiting.joined.join(&line);
            if record.is_end() {
                self.release(place, out);
            }
        } else {
            let full = std::mem::replace(&mut waiting.joined, Joined::begin(line));
            self.hand_out(full.into_line(), out);
            if record.is_end() {
                self.release(place, out);
            }
        }
    }

    fn release(&mut self, place: usize, out: &mut Vec<Line>) {
        let waiting = self.waiting.remove(place);
        self.hand_out(waiting.joined.into_line(), out);
    }

    /// Lets everything go, in the order in which it began.
    pub(super) fn release_all(&mut self, out: &mut Vec<Line>) {
        while !self.waiting.is_empty() {
            self.release(0, out);
        }
    }

    /// Gives a message its place: the end of all lines so far when none of them waits, else where the stretch begins.
    fn hand_out(&mut self, line: Line, out: &mut Vec<Line>) {
        self.taken += 1;
        let is_stored = self.taken <= self.stored;
        let (end, tail_bytes, tail_crc) = if self.waiting.is_empty() {
            (self.begins, self.taken, self.stored) = (self.last, 0, 0);
            self.last
        } else {
            self.begins
        };
        if !is_stored {
            out.push(Line { end, tail_bytes, tail_crc, taken: self.taken, ..line });
        }
    }
}

#[cfg(test)]
mod tests;
