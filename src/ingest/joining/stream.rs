//! Joins the frames of a stream: by sender, host, program and process, in bounded memory, for a bounded time.
//!
//! A frame that may go on waits here, not in the log, so an input that acknowledges must not answer for it before it came
//! out again: each frame brings a tag along, and comes out with the tags of all its pieces.

use std::collections::VecDeque;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::ingest::intake::Frame;
use crate::ingest::joining::StreamRules;
use crate::ingest::joining::audit;
use crate::ingest::joining::head;

/// Frames that wait in one stream; one more lets the oldest go.
const WAITING_MAX: usize = 1_024;
/// Bytes that wait in one stream, unless a single frame may be longer.
const WAITING_BYTES_MAX: usize = 1 << 20;
/// A frame waits so many times as long in all as for one more piece.
const PATIENCE: u32 = 5;
/// After the last record of an audit event but its end, so much of the usual wait is enough.
const LAST_WAIT: u32 = 10;

/// A frame that is complete, with what its pieces brought along.
#[derive(Debug)]
pub struct Joined<T> {
    pub frame: Frame,
    pub tags: Vec<T>,
}

/// Whose pieces belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key(u64);

#[derive(Debug)]
struct Waiting<T> {
    /// The first piece; its bytes are all there is as long as nothing was joined.
    first: Frame,
    joined: BytesMut,
    tags: Vec<T>,
    began: Instant,
    /// When it is complete if nothing comes.
    due: Instant,
    /// The number PostgreSQL gave the message.
    number: Option<u64>,
    /// Tells this frame from an earlier one of the same key.
    nth: u64,
}

/// What joins the frames of one stream.
#[derive(Debug)]
pub struct StreamJoiner<T> {
    rules: Arc<StreamRules>,
    waiting: HashMap<Key, Waiting<T>>,
    /// In the order in which they began.
    order: VecDeque<(Key, u64)>,
    bytes: usize,
    count: u64,
    hasher: hashbrown::DefaultHashBuilder,
}

/// How a piece belongs to others.
enum Piece {
    /// It stands alone.
    Alone,
    /// It may go on with lines that begin as continuations do; `goes_on` when it is one.
    Text {
        goes_on: bool,
    },
    Numbered {
        message: u64,
        piece: u64,
    },
    Record {
        is_end: bool,
        is_last: bool,
    },
}

impl<T> StreamJoiner<T> {
    /// Makes one for a stream.
    pub fn new(rules: Arc<StreamRules>) -> StreamJoiner<T> {
        StreamJoiner {
            rules,
            waiting: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            count: 0,
            hasher: hashbrown::DefaultHashBuilder::default(),
        }
    }

    /// Returns when the next frame is complete without anything more coming.
    pub fn due(&self) -> Option<Instant> {
        self.waiting.values().map(|waiting| waiting.due).min()
    }

    /// Says whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes a frame in; what is complete is added to `out`.
    pub fn feed(&mut self, frame: Frame, tag: T, now: Instant, out: &mut Vec<Joined<T>>) {
        let (key, piece) = self.piece(&frame);
        match piece {
            Piece::Alone => {
                self.release(key, out);
                out.push(Joined { frame, tags: vec![tag] });
            }
            _ if frame.truncated => {
                // Its end is gone: what follows does not belong to what is kept.
                self.release(key, out);
                out.push(Joined { frame, tags: vec![tag] });
            }
            Piece::Text { goes_on } => self.add(key, goes_on, None, (frame, tag), now, out),
            Piece::Numbered { message, piece } => {
                let is_next = |waiting: &Waiting<T>| waiting.number == Some(message);
                let goes_on = piece > 1 && self.waiting.get(&key).is_some_and(is_next);
                self.add(key, goes_on, Some(message), (frame, tag), now, out);
            }
            Piece::Record { is_end, is_last } => {
                self.add(key, true, None, (frame, tag), now, out);
                if is_end {
                    self.release(key, out);
                } else if is_last && let Some(waiting) = self.waiting.get_mut(&key) {
                    waiting.due = now + self.rules.wait / LAST_WAIT;
                }
            }
        }
    }

    /// Hands out what has waited long enough.
    pub fn release_due(&mut self, now: Instant, out: &mut Vec<Joined<T>>) {
        let mut due: Vec<(u64, Key)> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.due <= now)
            .map(|(key, waiting)| (waiting.nth, *key))
            .collect();
        due.sort_unstable_by_key(|(nth, _)| *nth);
        for (_, key) in due {
            self.release(key, out);
        }
    }

    /// Hands out everything, in the order in which it began.
    pub fn release_all(&mut self, out: &mut Vec<Joined<T>>) {
        while !self.waiting.is_empty() && self.release_oldest(out) {}
        debug_assert!(self.waiting.is_empty() && self.bytes == 0, "everything is handed out");
    }

    fn piece(&self, frame: &Frame) -> (Key, Piece) {
        let head = head::of(&frame.raw);
        let peer: Option<IpAddr> = frame.origin.peer.map(|peer| peer.ip());
        if self.rules.audit
            && let Some(record) = audit::record(head.text)
        {
            let key = Key(self.hasher.hash_one((peer, head.host, record.node, record.event)));
            // A lone record of user space waits for nothing, unless its event is waiting already.
            if record.is_one_of_several() || self.waiting.contains_key(&key) {
                return (key, Piece::Record { is_end: record.is_end(), is_last: record.is_last_but_end() });
            }
            return (key, Piece::Alone);
        }
        let key = Key(self.hasher.hash_one((peer, head.host, head.program, head.process)));
        if self.rules.numbered
            && let Some((message, piece)) = head::numbers(head.text)
        {
            return (key, Piece::Numbered { message, piece });
        }
        if self.rules.continuations.is_empty() || !self.rules.covers(head.program) {
            return (key, Piece::Alone);
        }
        let goes_on = self.rules.continuations.iter().any(|rule| rule.belongs(head.text));
        (key, Piece::Text { goes_on })
    }

    /// Joins a piece to the frame of its key, or begins one with it.
    fn add(
        &mut self,
        key: Key,
        goes_on: bool,
        number: Option<u64>,
        (frame, tag): (Frame, T),
        now: Instant,
        out: &mut Vec<Joined<T>>,
    ) {
        let (lines_max, bytes_max) = (self.rules.lines_max.get(), self.rules.bytes_max.get());
        let has_room =
            |waiting: &Waiting<T>| waiting.tags.len() < lines_max && waiting.bytes() + 1 + frame.raw.len() <= bytes_max;
        if let Some(waiting) = self.waiting.get_mut(&key).filter(|waiting| goes_on && has_room(waiting)) {
            self.bytes += 1 + frame.raw.len();
            waiting.join(frame, tag);
            waiting.due = (now + self.rules.wait).min(waiting.began + self.rules.wait * PATIENCE);
            return self.make_room(out);
        }
        self.release(key, out);
        self.count += 1;
        self.bytes += frame.raw.len();
        let due = now + self.rules.wait;
        let nth = self.count;
        let waiting = Waiting { first: frame, joined: BytesMut::new(), tags: vec![tag], began: now, due, number, nth };
        match self.waiting.entry(key) {
            Entry::Vacant(place) => drop(place.insert(waiting)),
            Entry::Occupied(mut place) => drop(place.insert(waiting)),
        }
        self.order.push_back((key, nth));
        self.make_room(out);
    }

    fn make_room(&mut self, out: &mut Vec<Joined<T>>) {
        let bytes_max = WAITING_BYTES_MAX.max(self.rules.bytes_max.get());
        while (self.waiting.len() > WAITING_MAX || self.bytes > bytes_max) && self.release_oldest(out) {}
        // Frames that left out of turn leave their place in the order behind.
        if self.order.len() > 2 * self.waiting.len() + 16 {
            let waiting = &self.waiting;
            self.order.retain(|(key, nth)| waiting.get(key).is_some_and(|waiting| waiting.nth == *nth));
        }
    }

    fn release_oldest(&mut self, out: &mut Vec<Joined<T>>) -> bool {
        while let Some((key, nth)) = self.order.pop_front() {
            if self.waiting.get(&key).is_some_and(|waiting| waiting.nth == nth) {
                self.release(key, out);
                return true;
            }
        }
        false
    }

    fn release(&mut self, key: Key, out: &mut Vec<Joined<T>>) {
        if let Some(waiting) = self.waiting.remove(&key) {
            self.bytes -= waiting.bytes();
            out.push(waiting.into_joined());
        }
    }
}

impl<T> Waiting<T> {
    fn bytes(&self) -> usize {
        self.joined.len().max(self.first.raw.len())
    }

    fn join(&mut self, frame: Frame, tag: T) {
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&self.first.raw);
        }
        self.joined.extend_from_slice(b"\n");
        self.joined.extend_from_slice(&frame.raw);
        // It was whole only when its last piece was.
        self.first.received = frame.received;
        self.tags.push(tag);
    }

    fn into_joined(self) -> Joined<T> {
        let Waiting { first, joined, tags, .. } = self;
        let raw = if joined.is_empty() { first.raw } else { joined.freeze() };
        Joined { frame: Frame { raw, ..first }, tags }
    }
}

#[cfg(test)]
mod tests;
