//! Searching a snapshot: newest first, pruned by time, stopped early, within a deadline, and saying what it did.

mod answer;
mod collect;
mod docs;
mod pipeline;
mod plan;
mod walk;

pub use answer::Count;
pub use answer::Explain;
pub use answer::Histogram;
pub use answer::Hit;
pub use answer::Options;
pub use answer::SearchResult;
pub use walk::Walk;
pub use walk::Walking;

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::query::Query;
use crate::query::ast::Expr;
use crate::store::error::StoreError;
use crate::store::format::record::Stored;
use crate::store::piece::Piece;
use crate::store::piece::Records;
use crate::store::search::collect::Rank;
use crate::store::search::collect::ReaderOfPiece;
use crate::store::search::collect::Top;
use crate::store::search::collect::TopOfPiece;
use crate::store::search::collect::collect_matches;
use crate::store::search::collect::interruptible;
use crate::store::shared::View;

/// Why a page is shorter than was asked for.
const MEMORY_LIMIT: &str = "memory limit";
/// Events fetched at once by [`Searcher::for_each`].
const STREAM_PAGE: usize = 1_000;
/// Events fetched first when they may not all be wanted.
const FIRST_PAGE: usize = 100;

/// Ends a search that takes too long.
pub(super) struct Budget<'o> {
    options: &'o Options,
    partial: Cell<Option<&'static str>>,
    verified: Cell<u64>,
    read: Cell<u64>,
    bytes: Cell<u64>,
}

impl<'o> Budget<'o> {
    fn new(options: &'o Options) -> Budget<'o> {
        Budget { options, partial: Cell::new(None), verified: Cell::new(0), read: Cell::new(0), bytes: Cell::new(0) }
    }

    /// Notes that a record was read.
    fn note_read(&self, bytes: usize) {
        self.note_many(1, bytes);
    }

    /// Notes that so many events were read, from so many bytes.
    fn note_many(&self, events: usize, bytes: usize) {
        self.read.set(self.read.get() + events as u64);
        self.bytes.set(self.bytes.get() + bytes as u64);
    }

    fn is_spent(&self) -> bool {
        if self.partial.get().is_none() {
            let is_cancelled = self.options.cancel.as_ref().is_some_and(|cancel| cancel.load(Ordering::Relaxed));
            if is_cancelled {
                self.partial.set(Some("cancelled"));
            } else if self.options.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.partial.set(Some("deadline"));
            }
        }
        self.partial.get().is_some()
    }

    /// The same as an error, for code that has nothing to show for itself yet.
    fn check(&self) -> Result<(), StoreError> {
        if self.is_spent() { Err(StoreError::Interrupted) } else { Ok(()) }
    }
}

/// A snapshot of the store; what comes later is not in it.
#[derive(Clone)]
pub struct Searcher {
    view: Arc<View>,
    result_bytes_max: usize,
}

impl Searcher {
    pub(super) fn new(view: Arc<View>, result_bytes_max: usize) -> Searcher {
        Searcher { view, result_bytes_max }
    }

    /// Finds the newest events that match.
    ///
    /// # Errors
    /// When a partition cannot be read. A deadline, a cancellation and the memory limit are no errors: `explain.partial` names them.
    pub fn search(&self, query: &Query, options: &Options) -> Result<SearchResult, StoreError> {
        let mut hits = Vec::with_capacity(options.limit.min(STREAM_PAGE));
        let (next, explain) =
            self.page(query, options, &mut |stored| hits.push(Hit::of(&stored.event, stored.exact)))?;
        Ok(SearchResult { hits, next, explain })
    }

    /// Hands the newest events that match to `visit` in their order; returns where the next page begins.
    fn page(
        &self,
        query: &Query,
        options: &Options,
        visit: &mut dyn FnMut(&Stored<'_>),
    ) -> Result<(Option<(Timestamp, EventId)>, Explain), StoreError> {
        let started = Instant::now();
        let budget = Budget::new(options);
        let mut top = Top { wanted: options.limit.saturating_add(1), ranks: BinaryHeap::new() };
        let until = options.cursor.map(|(timestamp, _)| Timestamp(timestamp.0.saturating_add(1)));
        let until = match (until, options.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let cursor = options.cursor.map(|(timestamp, id)| Rank { timestamp, id });
        let pieces = self.pieces_between(options.since, until);
        let mut searched = 0;
        for (index, piece) in pieces.iter().enumerate() {
            let newest = Timestamp(piece.summary.newest_ns);
            if budget.is_spent() || top.lowest_needed().is_some_and(|rank| newest < rank.timestamp) {
                break;
            }
            searched += 1;
            let range = piece.docs_between(options.since, until);
            let mut collector = TopOfPiece { top: &mut top, piece, index, cursor };
            interruptible(collect_matches(query, piece, range, &budget, &mut collector))?;
        }
        let next = self.fetch(&pieces, top, options, &budget, visit)?;
        Ok((next, self.explain(searched, started, &budget)))
    }

    /// Hands every event that matches to `visit` until it returns false: newest first, or, when nobody minds the order,
    /// piece by piece, which is faster. A limit and a cursor do not count here.
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub fn for_each_event(
        &self,
        query: &Query,
        options: &Options,
        is_ordered: bool,
        visit: &mut dyn FnMut(&Event<'_>) -> bool,
    ) -> Result<Explain, StoreError> {
        if is_ordered { self.each_in_order(query, options, visit) } else { self.each_by_piece(query, options, visit) }
    }

    fn each_by_piece(
        &self,
        query: &Query,
        options: &Options,
        visit: &mut dyn FnMut(&Event<'_>) -> bool,
    ) -> Result<Explain, StoreError> {
        let started = Instant::now();
        let budget = Budget::new(options);
        let pieces = self.pieces_between(options.since, options.until);
        let (mut searched, mut goes_on) = (0, true);
        for piece in &pieces {
            if budget.is_spent() || !goes_on {
                break;
            }
            searched += 1;
            let range = piece.docs_between(options.since, options.until);
            let mut reader = ReaderOfPiece::new(piece, &mut *visit, &budget)?;
            interruptible(collect_matches(query, piece, range, &budget, &mut reader))?;
            goes_on = reader.finish()?;
        }
        Ok(self.explain(searched, started, &budget))
    }

    fn each_in_order(
        &self,
        query: &Query,
        options: &Options,
        visit: &mut dyn FnMut(&Event<'_>) -> bool,
    ) -> Result<Explain, StoreError> {
        let started = Instant::now();
        let mut page_options = Options { limit: FIRST_PAGE, cursor: None, ..options.clone() };
        let mut total = Explain::default();
        loop {
            let mut goes_on = true;
            let (next, explain) =
                self.page(query, &page_options, &mut |stored| goes_on = goes_on && visit(&stored.event))?;
            let is_cut = explain.partial.as_deref().is_some_and(|reason| reason != MEMORY_LIMIT);
            total = Explain {
                partitions_searched: total.partitions_searched.max(explain.partitions_searched),
                events_verified: total.events_verified + explain.events_verified,
                events_read: total.events_read + explain.events_read,
                bytes_read: total.bytes_read + explain.bytes_read,
                elapsed: started.elapsed(),
                ..explain
            };
            match next.filter(|_| goes_on && !is_cut) {
                Some(next) => page_options = Options { limit: STREAM_PAGE, cursor: Some(next), ..page_options },
                None => return Ok(total),
            }
        }
    }

    /// Counts the events that match.
    ///
    /// # Errors
    /// As [`Searcher::search`]; a partial count is a lower bound.
    pub fn count(&self, query: &Query, options: &Options) -> Result<Count, StoreError> {
        let started = Instant::now();
        let budget = Budget::new(options);
        let pieces = self.pieces_between(options.since, options.until);
        let (mut count, mut searched) = (0, 0);
        for piece in &pieces {
            if budget.is_spent() {
                break;
            }
            searched += 1;
            let range = piece.docs_between(options.since, options.until);
            if *query.root() == Expr::All {
                count += range.len() as u64;
                continue;
            }
            interruptible(collect_matches(query, piece, range, &budget, &mut |_| count += 1))?;
        }
        Ok(Count { count, explain: self.explain(searched, started, &budget) })
    }

    /// Counts the events that match in `buckets` equal spans from `since` to `until`; 1 to 10,000 of them.
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub fn histogram(
        &self,
        query: &Query,
        since: Timestamp,
        until: Timestamp,
        buckets: usize,
        options: &Options,
    ) -> Result<Histogram, StoreError> {
        let started = Instant::now();
        let buckets = buckets.clamp(1, 10_000);
        let span = u64::try_from(until.0.saturating_sub(since.0)).unwrap_or(0).max(1);
        let width = span.div_ceil(buckets as u64);
        let mut counts = vec![0_u64; buckets];
        let budget = Budget::new(options);
        let pieces = self.pieces_between(Some(since), Some(until));
        let mut searched = 0;
        for piece in &pieces {
            if budget.is_spent() {
                break;
            }
            searched += 1;
            let range = piece.docs_between(Some(since), Some(until));
            interruptible(collect_matches(query, piece, range, &budget, &mut |doc| {
                let offset = u64::try_from(piece.time(doc).0.saturating_sub(since.0)).unwrap_or(0);
                let bucket = usize::try_from(offset / width).unwrap_or(usize::MAX);
                if let Some(count) = counts.get_mut(bucket) {
                    *count += 1;
                }
            }))?;
        }
        let explain = self.explain(searched, started, &budget);
        Ok(Histogram { since, until, bucket: Duration::from_nanos(width), counts, explain })
    }

    /// Returns an event by its id.
    ///
    /// # Errors
    /// When its partition cannot be read.
    pub fn get(&self, id: EventId) -> Result<Option<Hit>, StoreError> {
        for piece in self.pieces() {
            if let Some(doc) = piece.find(id) {
                return piece.records()?.with(doc, |stored, _| Hit::of(&stored.event, stored.exact)).map(Some);
            }
        }
        Ok(None)
    }

    /// Hands an event to `visit` by its id; `None` when it is not there.
    ///
    /// # Errors
    /// When its partition cannot be read.
    pub fn with_event<T>(&self, id: EventId, visit: impl FnOnce(&Event<'_>) -> T) -> Result<Option<T>, StoreError> {
        for piece in self.pieces() {
            if let Some(doc) = piece.find(id) {
                return piece.records()?.with(doc, |stored, _| visit(&stored.event)).map(Some);
            }
        }
        Ok(None)
    }

    /// Hands every event that matches to `visit`, newest first, until it returns false or the limit is reached; a limit of 0 is none.
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub fn for_each(
        &self,
        query: &Query,
        options: &Options,
        visit: &mut dyn FnMut(Hit) -> bool,
    ) -> Result<Explain, StoreError> {
        let mut left = if options.limit == 0 { usize::MAX } else { options.limit };
        let mut page_options = options.clone();
        let started = Instant::now();
        loop {
            page_options.limit = left.min(STREAM_PAGE);
            let page = self.search(query, &page_options)?;
            left -= page.hits.len();
            let goes_on = page.hits.into_iter().all(&mut *visit);
            // A page that would have been too big is only shorter: the next one goes on behind it.
            let is_cut = page.explain.partial.as_deref().is_some_and(|reason| reason != MEMORY_LIMIT);
            let is_stopped = is_cut || !goes_on || left == 0;
            match page.next.filter(|_| !is_stopped) {
                Some(next) => page_options.cursor = Some(next),
                None => return Ok(Explain { elapsed: started.elapsed(), ..page.explain }),
            }
        }
    }

    /// Returns the times of the oldest and the newest event; `None` when there is none.
    pub fn time_span(&self) -> Option<(Timestamp, Timestamp)> {
        let oldest = self.pieces().map(|piece| piece.summary.oldest_ns).min()?;
        let newest = self.pieces().map(|piece| piece.summary.newest_ns).max()?;
        Some((Timestamp(oldest), Timestamp(newest)))
    }

    /// Returns how many events the snapshot holds.
    pub fn event_count(&self) -> u64 {
        self.pieces().map(|piece| piece.summary.events).sum()
    }

    fn pieces(&self) -> impl Iterator<Item = &Arc<Piece>> {
        self.view.hot.iter().chain(&self.view.sealed)
    }

    /// Lists the pieces that can hold events of a span of time, the one with the newest event first.
    fn pieces_between(&self, since: Option<Timestamp>, until: Option<Timestamp>) -> Vec<Arc<Piece>> {
        let mut pieces: Vec<Arc<Piece>> =
            self.pieces().filter(|piece| piece.summary.touches(since, until)).map(Arc::clone).collect();
        pieces.sort_by_key(|piece| Reverse(piece.summary.newest_ns));
        pieces
    }

    fn explain(&self, searched: u64, started: Instant, budget: &Budget<'_>) -> Explain {
        Explain {
            partitions_searched: searched,
            partitions_total: self.pieces().count() as u64,
            events_verified: budget.verified.get(),
            events_read: budget.read.get(),
            bytes_read: budget.bytes.get(),
            elapsed: started.elapsed(),
            partial: budget.partial.get().map(str::to_owned),
        }
    }

    fn fetch(
        &self,
        pieces: &[Arc<Piece>],
        top: Top,
        options: &Options,
        budget: &Budget<'_>,
        visit: &mut dyn FnMut(&Stored<'_>),
    ) -> Result<Option<(Timestamp, EventId)>, StoreError> {
        let mut found = top.ranks.into_sorted_vec();
        let mut has_more = found.len() > options.limit;
        found.truncate(options.limit);
        let mut readers: Vec<Option<Records<'_>>> = pieces.iter().map(|_| None).collect();
        let mut last = None;
        let mut bytes = 0;
        for Reverse(place) in found {
            let (Some(piece), Some(reader)) = (pieces.get(place.piece), readers.get_mut(place.piece)) else { continue };
            let records = match reader {
                Some(records) => records,
                None => reader.insert(piece.records()?),
            };
            // One event is always given, whatever its size; the one that is too much is read again for the next page.
            let is_given = records.with(place.doc, |stored, length| {
                budget.note_read(length);
                bytes += length;
                let is_given = last.is_none() || bytes <= self.result_bytes_max;
                if is_given {
                    visit(stored);
                }
                is_given
            })?;
            if !is_given {
                budget.partial.set(Some(MEMORY_LIMIT));
                has_more = true;
                break;
            }
            last = Some((place.rank.timestamp, place.rank.id));
        }
        Ok(last.filter(|_| has_more))
    }
}
