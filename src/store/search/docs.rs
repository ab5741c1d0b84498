//! Sets of documents that tantivy has no scorer for: a range, a lazy union, a filter on a column.

use std::ops::Range;

use tantivy::DocId;
use tantivy::DocSet;
use tantivy::TERMINATED;
use tantivy::query::Scorer;

/// The documents of a range.
pub(super) struct RangeDocs {
    doc: DocId,
    end: DocId,
}

impl RangeDocs {
    pub(super) fn new(range: Range<DocId>) -> RangeDocs {
        let doc = if range.is_empty() { TERMINATED } else { range.start };
        RangeDocs { doc, end: range.end }
    }
}

impl DocSet for RangeDocs {
    fn advance(&mut self) -> DocId {
        self.seek(self.doc.saturating_add(1))
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.doc < target {
            self.doc = target;
        }
        if self.doc >= self.end {
            self.doc = TERMINATED;
        }
        self.doc
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        self.end.saturating_sub(self.doc)
    }
}

/// The documents that are in any of a few sets; each set is only read as far as is asked.
pub(super) struct UnionDocs {
    sets: Vec<Box<dyn Scorer>>,
    doc: DocId,
}

impl UnionDocs {
    pub(super) fn new(sets: Vec<Box<dyn Scorer>>) -> UnionDocs {
        let doc = sets.iter().map(|set| set.doc()).min().unwrap_or(TERMINATED);
        UnionDocs { sets, doc }
    }
}

impl DocSet for UnionDocs {
    fn advance(&mut self) -> DocId {
        if self.doc == TERMINATED {
            return TERMINATED;
        }
        self.seek(self.doc + 1)
    }

    fn seek(&mut self, target: DocId) -> DocId {
        let mut next = TERMINATED;
        for set in &mut self.sets {
            let doc = if set.doc() < target { set.seek(target) } else { set.doc() };
            next = next.min(doc);
        }
        self.doc = next;
        next
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        self.sets.iter().map(|set| set.size_hint()).fold(0, u32::saturating_add)
    }
}

/// The documents of a range that pass a test, tested one by one as they are asked for.
pub(super) struct FilteredDocs<F> {
    range: RangeDocs,
    passes: F,
}

impl<F: FnMut(DocId) -> bool + Send> FilteredDocs<F> {
    pub(super) fn new(range: Range<DocId>, passes: F) -> FilteredDocs<F> {
        let mut docs = FilteredDocs { range: RangeDocs::new(range), passes };
        docs.settle();
        docs
    }

    fn settle(&mut self) -> DocId {
        while self.range.doc() != TERMINATED && !(self.passes)(self.range.doc()) {
            self.range.advance();
        }
        self.range.doc()
    }
}

impl<F: FnMut(DocId) -> bool + Send> DocSet for FilteredDocs<F> {
    fn advance(&mut self) -> DocId {
        self.range.advance();
        self.settle()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.range.seek(target);
        self.settle()
    }

    fn doc(&self) -> DocId {
        self.range.doc()
    }

    fn size_hint(&self) -> u32 {
        self.range.size_hint()
    }
}
