//! The stored form of an event, and back.
//!
//! Made for what compresses it afterwards: everything that events of one shape share stands together (flags, source,
//! names, tags, and the *steady* bytes), and what differs from event to event (the line, and the *varying* bytes:
//! numbers and the few lengths needed) comes last. A value that stands in the line, be it text, number or address, is kept as a place there:
//! how far after the place before it, and which byte ends it; or, where a place before has the very same text, as that one's number.
//!
//! Id and times are not in the record: they are columns.

mod decode;
mod encode;
mod escape;

use std::ops::Range;

use smallvec::SmallVec;

use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::model::event::ParseFailure;

pub use decode::decode;
pub(in crate::store) use decode::decode_with_sources;
pub(in crate::store) use decode::split;
pub use encode::encode;
pub(in crate::store) use escape::unescaped;

const HAS_EXACT: u8 = 1;
const HAS_PARSER: u8 = 2;
const HAS_LOGSOURCE: u8 = 4;
const FAILURE_SHIFT: u8 = 4;

/// Lists nest no deeper than this; what is deeper becomes text.
const LIST_DEPTH_MAX: usize = 3;

/// So many places can be named again; those after them are only written out.
const PLACES_MAX: usize = 127;

/// What stands where the number of a place is expected, when the place is new.
mod fresh {
    /// It is told from the end of the newest place.
    pub(super) const AFTER_NEWEST: u64 = 0;
    /// It is told from the end of an earlier place, or from the beginning of the line.
    pub(super) const AFTER_EARLIER: u64 = super::PLACES_MAX as u64 + 1;
    /// It ends where an earlier place ends, and its length is among the varying bytes.
    pub(super) const TAIL: u64 = super::PLACES_MAX as u64 + 2;
}

const FAILURES: [ParseFailure; 4] =
    [ParseFailure::Unrecognised, ParseFailure::Malformed, ParseFailure::Truncated, ParseFailure::Undecodable];

mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const IPV4: u8 = 5;
    pub(super) const IPV6: u8 = 6;
    pub(super) const TIME: u8 = 7;
    pub(super) const TEXT: u8 = 8;
    /// Text at a place of the line.
    pub(super) const SPAN: u8 = 9;
    pub(super) const LIST: u8 = 10;
    /// A number written at a place of the line.
    pub(super) const INT_SPAN: u8 = 11;
    /// An address written at a place of the line.
    pub(super) const IP_SPAN: u8 = 12;
    /// The value of an earlier field.
    pub(super) const SAME: u8 = 13;
    /// Text at a place of the line that has a backslash before each `\` and `"` of it.
    pub(super) const ESCAPED_SPAN: u8 = 14;
    /// The same, and its line breaks and tabs are written `\n`, `\r` and `\t`.
    pub(super) const BROKEN_SPAN: u8 = 15;
}

/// How a place ends: at the first byte of this value, unless it is one of these.
mod ends {
    /// Its length is among the varying bytes.
    pub(super) const BY_LENGTH: u8 = 0;
    pub(super) const WITH_LINE: u8 = 1;
    pub(super) const LAST: u8 = WITH_LINE;
}

/// The places of the line that values stand at, in the order in which they were first named.
#[derive(Debug, Default)]
struct Places {
    known: SmallVec<[Range<usize>; 24]>,
    /// The end of the newest one.
    end: usize,
}

impl Places {
    fn push(&mut self, place: Range<usize>) {
        self.end = place.end;
        if self.known.len() < PLACES_MAX {
            self.known.push(place);
        }
    }
}

/// An event read back; borrows from the record's bytes.
#[derive(Debug)]
pub struct Stored<'r> {
    pub event: Event<'r>,
    /// The bytes as received, where they are not the UTF-8 of the line.
    pub exact: Option<&'r [u8]>,
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Source {
    /// From what all events of the shape share.
    Header,
    /// From this place of the line alone.
    Line(Range<usize>),
    /// From this place, where it is [`escaped`](escape) without breaks.
    EscapedLine(Range<usize>),
    Elsewhere,
}

/// What the columns know of an event.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    pub id: EventId,
    pub timestamp: Timestamp,
    pub ingested: Timestamp,
}

#[cfg(test)]
mod tests;
