//! Running a pipeline over the rows of an archive: groups of equal rows are handed on with their number, and events are put
//! together only where the columns cannot tell.

use std::ops::Range;

use tantivy::DocId;

use crate::query::Query;
use crate::query::ast::Expr;
use crate::query::pipes::run::EventRunner;
use crate::query::pipes::run::cell_of;
use crate::store::archive::Archive;
use crate::store::archive::OutsideOf;
use crate::store::archive::PICKED_READ_MAX;
use crate::store::archive::ask::cells::Selection;
use crate::store::archive::ask::cells::Wanted;
use crate::store::archive::ask::find::Finder;
use crate::store::archive::ask::find::Outside as _;
use crate::store::archive::chunk::Chunk;
use crate::store::error::StoreError;
use crate::store::format::record;
use crate::store::piece::Piece;

/// What watches over a walk.
pub(in crate::store) struct Watch<'w> {
    /// Asked before every group.
    pub(in crate::store) is_over: &'w dyn Fn() -> bool,
    /// Told how many events were read, and from how many bytes.
    pub(in crate::store) read: &'w dyn Fn(usize, usize),
}

/// What an index has picked of a walk.
pub(in crate::store) struct Pick<'p> {
    /// Asked for one span of documents after the other; returns those picked, in order.
    pub(in crate::store) docs: &'p mut dyn FnMut(Range<DocId>) -> Vec<DocId>,
    /// Whether all of them match.
    pub(in crate::store) is_exact: bool,
}

impl Archive {
    /// Pushes the events of a range of documents that match into a pipeline that takes equal rows together; returns whether
    /// more events make a difference to it.
    pub(in crate::store) fn each_row(
        &self,
        piece: &Piece,
        query: &Query,
        range: Range<DocId>,
        mut pick: Option<Pick<'_>>,
        runner: &mut EventRunner,
        watch: &Watch<'_>,
    ) -> Result<bool, StoreError> {
        for (number, place) in self.places.iter().enumerate() {
            if place.docs.end <= range.start || place.docs.start >= range.end {
                continue;
            }
            if (watch.is_over)() {
                break;
            }
            let picked = pick.as_mut().map(|pick| ((pick.docs)(place.docs.clone()), pick.is_exact));
            if picked.as_ref().is_some_and(|(docs, _)| docs.is_empty()) {
                continue;
            }
            let unreadable = || StoreError::Record(piece.name());
            let chunk = self.chunk(number).ok_or_else(unreadable)?;
            (watch.read)(0, usize::try_from(place.length).unwrap_or(usize::MAX));
            let within = RowsOfChunk { chunk: &chunk, piece, first: place.docs.start, range: &range, query, watch };
            if !within.push(picked, runner).ok_or_else(unreadable)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

struct RowsOfChunk<'c> {
    chunk: &'c Chunk,
    piece: &'c Piece,
    /// The first document of the chunk.
    first: DocId,
    range: &'c Range<DocId>,
    query: &'c Query,
    watch: &'c Watch<'c>,
}

impl RowsOfChunk<'_> {
    /// Pushes the rows of every group; `None` when something cannot be read.
    fn push(&self, picked: Option<(Vec<DocId>, bool)>, runner: &mut EventRunner) -> Option<bool> {
        let (picked, is_exact) = match picked {
            Some((docs, is_exact)) if docs.len() < PICKED_READ_MAX => {
                return self.push_read(docs.into_iter(), is_exact, runner);
            }
            Some((docs, is_exact)) => (Some(self.rows_of(&docs)?), is_exact),
            None => (None, *self.query.root() == Expr::All),
        };
        for (number, events) in self.chunk.events_by_group().iter().enumerate() {
            if (self.watch.is_over)() {
                return Some(false);
            }
            let outside = OutsideOf { piece: self.piece, first: self.first, events };
            let rows = match &picked {
                Some(picked) => picked.get(number)?.clone(),
                None => {
                    // Events of a group stand in their order.
                    let start = events.partition_point(|event| self.first + event < self.range.start);
                    let end = events.partition_point(|event| self.first + event < self.range.end);
                    (u32::try_from(start).ok()?..u32::try_from(end).ok()?).collect()
                }
            };
            if !rows.is_empty() && !self.push_group(number, &outside, rows, is_exact, runner)? {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Sorts documents by their groups.
    fn rows_of(&self, docs: &[DocId]) -> Option<Vec<Vec<u32>>> {
        let mut rows = vec![Vec::new(); self.chunk.groups.len() + 1];
        for doc in docs {
            let (group, row) = self.chunk.place_of(doc.checked_sub(self.first)? as usize)?;
            rows.get_mut(group)?.push(row);
        }
        Some(rows)
    }

    fn push_group(
        &self,
        number: usize,
        outside: &OutsideOf<'_>,
        mut rows: Vec<u32>,
        is_exact: bool,
        runner: &mut EventRunner,
    ) -> Option<bool> {
        let docs = |rows: Vec<u32>| rows.into_iter().map(|row| outside.doc(row as usize));
        let Some(group) = self.chunk.groups.get(number) else {
            return self.push_read(docs(rows), is_exact, runner);
        };
        let (timestamp, ingested, id) = outside.columns(0);
        let sample = record::decode(&group.sample, record::Columns { id, timestamp, ingested })?.event;
        if !is_exact {
            let found = Finder::new(group, &sample, outside).find(self.query.root());
            rows.retain(|row| found.rows.has(*row as usize));
            if !found.is_exact {
                return self.push_read(docs(rows), false, runner);
            }
        }
        if rows.is_empty() {
            return Some(true);
        }
        let selection = Selection { group, sample: &sample, outside, rows: &rows };
        let columns = runner.grouped_columns()?.to_vec();
        let wanted = Wanted { columns: &columns, time_span_ns: runner.time_span_ns() };
        match selection.each(wanted, &mut |cells, times| runner.push_cells(cells, times)) {
            Some(goes_on) => {
                (self.watch.read)(rows.len(), 0);
                Some(goes_on)
            }
            None => self.push_read(docs(rows), true, runner),
        }
    }

    /// Puts events together and pushes those that match.
    fn push_read(&self, docs: impl Iterator<Item = DocId>, is_match: bool, runner: &mut EventRunner) -> Option<bool> {
        let columns = runner.grouped_columns()?.to_vec();
        let mut bytes = Vec::with_capacity(512);
        for doc in docs {
            self.chunk.record(doc.checked_sub(self.first)? as usize, &mut bytes)?;
            (self.watch.read)(1, bytes.len());
            let (timestamp, ingested, id) = (self.piece.time(doc), self.piece.ingested(doc), self.piece.id(doc));
            let event = record::decode(&bytes, record::Columns { id, timestamp, ingested })?.event;
            if is_match || self.query.matches(&event) {
                let cells = columns.iter().map(|(name, field)| cell_of(&event, name, *field)).collect();
                if !runner.push_cells(cells, 1) {
                    return Some(false);
                }
            }
        }
        Some(true)
    }
}
