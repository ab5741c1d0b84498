//! From the pieces that can match to the documents that do: which are looked at, which are read, and what becomes of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use tantivy::DocId;
use tantivy::DocSet;
use tantivy::TERMINATED;

use super::Budget;
use super::plan::Plan;
use super::plan::Planner;
use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::query::Query;
use crate::store::archive::Archive;
use crate::store::archive::Pick;
use crate::store::error::StoreError;
use crate::store::piece::Piece;
use crate::store::piece::Records;

/// Documents are looked at in groups of this size between two looks at the clock.
const CHECK_EVERY: u32 = 256;

/// The place of an event in the order of results: greater is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) timestamp: Timestamp,
    pub(super) id: EventId,
}

/// Reads the events of one piece that match and hands them on.
pub(super) struct ReaderOfPiece<'p, 'v> {
    records: Records<'p>,
    visit: &'v mut dyn FnMut(&Event<'_>) -> bool,
    budget: &'p Budget<'p>,
    goes_on: bool,
    failed: Option<StoreError>,
}

impl<'p, 'v> ReaderOfPiece<'p, 'v> {
    pub(super) fn new(
        piece: &'p Piece,
        visit: &'v mut dyn FnMut(&Event<'_>) -> bool,
        budget: &'p Budget<'p>,
    ) -> Result<ReaderOfPiece<'p, 'v>, StoreError> {
        Ok(ReaderOfPiece { records: piece.records()?, visit, goes_on: true, failed: None, budget })
    }

    /// Says whether more events are wanted.
    pub(super) fn finish(self) -> Result<bool, StoreError> {
        self.failed.map_or(Ok(self.goes_on), Err)
    }
}

impl Collector for ReaderOfPiece<'_, '_> {
    fn admit(&self, _doc: DocId) -> Admission {
        if self.goes_on { Admission::Look } else { Admission::Stop }
    }

    fn collect(&mut self, doc: DocId) {
        let found = self.records.with(doc, |stored, length| {
            self.budget.note_read(length);
            (self.visit)(&stored.event)
        });
        match found {
            Ok(goes_on) => self.goes_on = goes_on,
            Err(err) => {
                self.failed = Some(err);
                self.goes_on = false;
            }
        }
    }
}

/// Where an event lies. Ordered by rank alone in effect: no two events have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) rank: Rank,
    pub(super) piece: usize,
    pub(super) doc: DocId,
}

/// The newest places found so far; the oldest of them on top of the heap.
pub(super) struct Top {
    pub(super) wanted: usize,
    pub(super) ranks: BinaryHeap<Reverse<Place>>,
}

impl Top {
    /// Returns the rank that a further event must exceed; `None` while any is welcome.
    pub(super) fn lowest_needed(&self) -> Option<Rank> {
        self.ranks.peek().filter(|_| self.ranks.len() >= self.wanted).map(|Reverse(place)| place.rank)
    }
}

/// Collects the newest places of one piece into a [`Top`].
pub(super) struct TopOfPiece<'t> {
    pub(super) top: &'t mut Top,
    pub(super) piece: &'t Piece,
    pub(super) index: usize,
    /// Only what is older is wanted.
    pub(super) cursor: Option<Rank>,
}

impl TopOfPiece<'_> {
    fn rank(&self, doc: DocId) -> Rank {
        Rank { timestamp: self.piece.time(doc), id: self.piece.id(doc) }
    }
}

impl Collector for TopOfPiece<'_> {
    fn admit(&self, doc: DocId) -> Admission {
        let rank = self.rank(doc);
        match self.top.lowest_needed() {
            // Documents are newest first: none after this one is newer.
            Some(needed) if rank.timestamp < needed.timestamp => Admission::Stop,
            Some(needed) if rank <= needed => Admission::Skip,
            _ if self.cursor.is_some_and(|cursor| rank >= cursor) => Admission::Skip,
            _ => Admission::Look,
        }
    }

    fn collect(&mut self, doc: DocId) {
        self.top.ranks.push(Reverse(Place { rank: self.rank(doc), piece: self.index, doc }));
        if self.top.ranks.len() > self.top.wanted {
            self.top.ranks.pop();
        }
    }
}

/// What becomes of a document that can match, before it is read.
pub(super) enum Admission {
    Look,
    Skip,
    /// Neither this one nor any after it is of use.
    Stop,
}

/// Takes the documents of a piece that match.
pub(super) trait Collector {
    fn admit(&self, _doc: DocId) -> Admission {
        Admission::Look
    }

    fn collect(&mut self, doc: DocId);
}

impl<F: FnMut(DocId)> Collector for F {
    fn collect(&mut self, doc: DocId) {
        self(doc);
    }
}

/// Hands each document of a range that matches to `collector`.
pub(super) fn collect_matches(
    query: &Query,
    piece: &Arc<Piece>,
    range: Range<DocId>,
    budget: &Budget<'_>,
    collector: &mut dyn Collector,
) -> Result<(), StoreError> {
    let plan = if piece.has_index { Some(Planner::new(piece, budget)?.plan(query.root())?) } else { None };
    let mut plan = match (&piece.archive, plan) {
        (_, Some(plan)) if plan.is_exact => plan,
        (Some(archive), plan) => {
            let mut picked = plan.map(|plan| Picked::new(plan, &range));
            let mut docs = |within: Range<DocId>| picked.as_mut().map(|picked| picked.next(within)).unwrap_or_default();
            let pick = piece.has_index.then_some(Pick { docs: &mut docs, is_exact: false });
            return collect_from_archive(archive, query, piece, range, pick, budget, collector);
        }
        (None, Some(plan)) => plan,
        (None, None) => return Ok(()),
    };
    let records = piece.records()?;
    let mut doc = seek(plan.docs.as_mut(), range.start);
    let mut looked_at = 0_u32;
    while doc < range.end {
        looked_at = looked_at.wrapping_add(1);
        if looked_at.is_multiple_of(CHECK_EVERY) && budget.is_spent() {
            break;
        }
        match collector.admit(doc) {
            Admission::Look if plan.is_exact || verify(query, &records, doc, budget)? => collector.collect(doc),
            Admission::Look | Admission::Skip => {}
            Admission::Stop => break,
        }
        doc = plan.docs.advance();
    }
    Ok(())
}

/// The same over chunks, which tell for each document whether it is a match or has to be read.
fn collect_from_archive(
    archive: &Archive,
    query: &Query,
    piece: &Arc<Piece>,
    range: Range<DocId>,
    pick: Option<Pick<'_>>,
    budget: &Budget<'_>,
    collector: &mut dyn Collector,
) -> Result<(), StoreError> {
    let records = piece.records()?;
    let mut looked_at = 0_u32;
    archive.each_candidate(piece, query, range, pick, &|| budget.is_spent(), &mut |doc, is_exact| {
        looked_at = looked_at.wrapping_add(1);
        if looked_at.is_multiple_of(CHECK_EVERY) && budget.is_spent() {
            return Ok(false);
        }
        match collector.admit(doc) {
            Admission::Look if is_exact || verify(query, &records, doc, budget)? => collector.collect(doc),
            Admission::Look | Admission::Skip => {}
            Admission::Stop => return Ok(false),
        }
        Ok(true)
    })
}

/// The documents that a plan has picked, given out span by span.
pub(super) struct Picked {
    plan: Plan,
    doc: DocId,
    end: DocId,
}

impl Picked {
    pub(super) fn new(mut plan: Plan, range: &Range<DocId>) -> Picked {
        let doc = seek(plan.docs.as_mut(), range.start);
        Picked { plan, doc, end: range.end }
    }

    /// Returns those of a span; spans come in order.
    pub(super) fn next(&mut self, within: Range<DocId>) -> Vec<DocId> {
        let mut docs = Vec::new();
        if self.doc < within.start {
            self.doc = seek(self.plan.docs.as_mut(), within.start);
        }
        while self.doc < within.end.min(self.end) {
            docs.push(self.doc);
            self.doc = self.plan.docs.advance();
        }
        docs
    }
}

fn seek(docs: &mut dyn tantivy::query::Scorer, target: DocId) -> DocId {
    if docs.doc() < target && docs.doc() != TERMINATED { docs.seek(target) } else { docs.doc() }
}

fn verify(query: &Query, records: &Records<'_>, doc: DocId, budget: &Budget<'_>) -> Result<bool, StoreError> {
    budget.verified.set(budget.verified.get() + 1);
    records.with(doc, |stored, length| {
        budget.note_read(length);
        query.matches(&stored.event)
    })
}

/// A search that was interrupted while planning has found nothing in this piece; the budget knows why.
pub(super) fn interruptible(result: Result<(), StoreError>) -> Result<(), StoreError> {
    match result {
        Err(StoreError::Interrupted) => Ok(()),
        other => other,
    }
}
