//! Going through the events of a span of time in the order in which they arrived, within bounded memory.
//!
//! The order matters to whoever keeps state from event to event: it is the order in which they were judged when live.

use std::time::Instant;

use tantivy::DocId;

use super::Budget;
use super::Explain;
use super::Options;
use super::Searcher;
use super::collect::collect_matches;
use super::collect::interruptible;
use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::query::Query;
use crate::store::error::StoreError;
use crate::store::piece::Records;

/// Places of events that are sorted at once: 64 MB.
const PLACES_MAX: usize = 4_000_000;
/// A span of time is not cut below this.
const SPAN_MIN_NS: i64 = 60 * 1_000_000_000;

/// How far a walk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walking {
    /// Pieces whose index was asked, of how many.
    pub pieces: (u64, u64),
    /// Events that were read, of those the index found so far.
    pub events: (u64, u64),
}

/// What a walk did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Walk {
    /// Events the index found, which were read.
    pub events_read: u64,
    /// Events in the span of time.
    pub events_between: u64,
    /// Whether all came in the order of their ids. When there were too many to be sorted, spans of time came one after
    /// the other, each in order.
    pub in_order: bool,
    pub explain: Explain,
}

struct Place {
    id: EventId,
    piece: u32,
    doc: DocId,
}

impl Searcher {
    /// Hands every event that matches to `visit`, in the order of arrival, until it returns false.
    ///
    /// # Errors
    /// When a partition cannot be read. A deadline and a cancellation are no errors: `explain.partial` names them.
    pub fn walk(
        &self,
        query: &Query,
        options: &Options,
        told: &mut dyn FnMut(Walking),
        visit: &mut dyn FnMut(&Event<'_>) -> bool,
    ) -> Result<Walk, StoreError> {
        let started = Instant::now();
        let budget = Budget::new(options);
        let mut walk = Walk { in_order: true, ..Walk::default() };
        let (oldest, newest) = self.time_span().unwrap_or_default();
        let first = options.since.unwrap_or(oldest).max(oldest);
        let end = options.until.unwrap_or(Timestamp(i64::MAX)).min(Timestamp(newest.0.saturating_add(1)));
        let mut spans = vec![(first, end)];
        let mut goes_on = true;
        let mut searched = 0;
        while let Some(span) = spans.pop().filter(|_| goes_on && !budget.is_spent()) {
            let pieces = self.pieces_between(Some(span.0), Some(span.1));
            let cut_below = (span.1.0.saturating_sub(span.0.0) > SPAN_MIN_NS).then_some(PLACES_MAX);
            let mut places: Vec<Place> = Vec::new();
            let mut between = 0;
            for (index, piece) in pieces.iter().enumerate() {
                let range = piece.docs_between(Some(span.0), Some(span.1));
                between += range.len() as u64;
                let piece_index = u32::try_from(index).unwrap_or(u32::MAX);
                interruptible(collect_matches(query, piece, range, &budget, &mut |doc| {
                    if cut_below.is_none_or(|most| places.len() <= most) {
                        places.push(Place { id: piece.id(doc), piece: piece_index, doc });
                    }
                }))?;
                let found = walk.events_read + places.len() as u64;
                told(Walking { pieces: (index as u64 + 1, pieces.len() as u64), events: (walk.events_read, found) });
                if cut_below.is_some_and(|most| places.len() > most) || budget.is_spent() {
                    break;
                }
            }
            if cut_below.is_some_and(|most| places.len() > most) {
                let middle = Timestamp(span.0.0 + (span.1.0 - span.0.0) / 2);
                spans.push((middle, span.1));
                spans.push((span.0, middle));
                walk.in_order = false;
                continue;
            }
            searched += pieces.len() as u64;
            walk.events_between += between;
            places.sort_unstable_by_key(|place| place.id);
            let found = walk.events_read + places.len() as u64;
            let mut readers: Vec<Option<Records<'_>>> = pieces.iter().map(|_| None).collect();
            for (number, place) in places.iter().enumerate() {
                if number.is_multiple_of(1_024) {
                    told(Walking {
                        pieces: (pieces.len() as u64, pieces.len() as u64),
                        events: (walk.events_read, found),
                    });
                    if budget.is_spent() {
                        break;
                    }
                }
                let (Some(piece), Some(reader)) =
                    (pieces.get(place.piece as usize), readers.get_mut(place.piece as usize))
                else {
                    continue;
                };
                let records = match reader {
                    Some(records) => records,
                    None => reader.insert(piece.records()?),
                };
                walk.events_read += 1;
                goes_on = records.with(place.doc, |stored, _| visit(&stored.event))?;
                if !goes_on {
                    break;
                }
            }
        }
        walk.explain = self.explain(searched, started, &budget);
        Ok(walk)
    }
}
