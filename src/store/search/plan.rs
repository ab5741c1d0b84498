//! From a query to the documents of one piece that can match: all that do, and, unless the plan is exact, some more.

use std::ops::Bound;
use std::sync::Arc;

use tantivy::BitSet;
use tantivy::DocSet;
use tantivy::TERMINATED;
use tantivy::Term;
use tantivy::index::InvertedIndexReader;
use tantivy::postings::TermInfo;
use tantivy::query::BitSetDocSet;
use tantivy::query::ConstScorer;
use tantivy::query::EmptyScorer;
use tantivy::query::EnableScoring;
use tantivy::query::Exclude;
use tantivy::query::PhraseQuery;
use tantivy::query::Query as IndexQuery;
use tantivy::query::Scorer;
use tantivy::query::intersect_scorers;
use tantivy::schema::IndexRecordOption;

use crate::model::Field;
use crate::model::ecs;
use crate::model::ecs::Kind;
use crate::query::ast::Expr;
use crate::query::ast::Number;
use crate::query::ast::Part;
use crate::query::ast::Phrase;
use crate::query::ast::Range;
use crate::query::ast::Test;
use crate::store::error::StoreError;
use crate::store::format::batch::clean_name;
use crate::store::format::batch::cut_value;
use crate::store::format::schema::CUT_MARK;
use crate::store::format::schema::FIELDS;
use crate::store::format::schema::NAME_END;
use crate::store::format::schema::SHAPE_MARK;
use crate::store::piece::Piece;
use crate::store::search::Budget;
use crate::store::search::docs::FilteredDocs;
use crate::store::search::docs::RangeDocs;
use crate::store::search::docs::UnionDocs;

/// A union of more sets than this is made at once, as a bit set.
const LAZY_UNION_MAX: usize = 16;

/// Candidates, and whether every one of them is a match.
pub(super) struct Plan {
    pub(super) docs: Box<dyn Scorer>,
    pub(super) is_exact: bool,
}

impl Plan {
    fn exact(docs: impl DocSet + 'static) -> Plan {
        Plan { docs: Box::new(ConstScorer::new(docs, 1.0)), is_exact: true }
    }

    fn nothing() -> Plan {
        Plan { docs: Box::new(EmptyScorer), is_exact: true }
    }

    fn candidates(mut self) -> Plan {
        self.is_exact = false;
        self
    }
}

/// Plans queries over one piece.
pub(super) struct Planner<'p> {
    piece: &'p Arc<Piece>,
    budget: &'p Budget<'p>,
    text: Arc<InvertedIndexReader>,
    terms: Arc<InvertedIndexReader>,
}

impl<'p> Planner<'p> {
    pub(super) fn new(piece: &'p Arc<Piece>, budget: &'p Budget<'p>) -> Result<Planner<'p>, StoreError> {
        let text = piece.reader.inverted_index(FIELDS.text)?;
        let terms = piece.reader.inverted_index(FIELDS.terms)?;
        Ok(Planner { piece, budget, text, terms })
    }

    fn everything(&self) -> Plan {
        Plan::exact(RangeDocs::new(0..self.piece.count()))
    }

    pub(super) fn plan(&self, expr: &Expr) -> Result<Plan, StoreError> {
        match expr {
            Expr::All => Ok(self.everything()),
            Expr::And(children) => {
                let plans = children.iter().map(|child| self.plan(child)).collect::<Result<Vec<_>, _>>()?;
                Ok(self.all_of(plans))
            }
            Expr::Or(children) => {
                let plans = children.iter().map(|child| self.plan(child)).collect::<Result<Vec<_>, _>>()?;
                let is_exact = plans.iter().all(|plan| plan.is_exact);
                let union = self.union(plans.into_iter().map(|plan| plan.docs).collect())?;
                Ok(Plan { is_exact, ..union })
            }
            Expr::Not(child) => {
                let plan = self.plan(child)?;
                // What is not a candidate is no match, but a candidate may be none either: only an exact set can be taken away.
                Ok(if plan.is_exact {
                    Plan { docs: Box::new(Exclude::new(self.everything().docs, plan.docs)), is_exact: true }
                } else {
                    self.everything().candidates()
                })
            }
            Expr::Words(phrase) => self.phrase(phrase),
            Expr::Pattern(_) => Ok(self.everything().candidates()),
            Expr::Field { name, test } => self.field(name, test),
        }
    }

    fn all_of(&self, plans: Vec<Plan>) -> Plan {
        let is_exact = plans.iter().all(|plan| plan.is_exact);
        if plans.iter().any(|plan| plan.docs.doc() == TERMINATED) {
            return Plan::nothing();
        }
        let docs = intersect_scorers(plans.into_iter().map(|plan| plan.docs).collect(), self.piece.count());
        Plan { docs, is_exact }
    }

    fn union(&self, sets: Vec<Box<dyn Scorer>>) -> Result<Plan, StoreError> {
        if sets.len() <= LAZY_UNION_MAX {
            return Ok(Plan::exact(UnionDocs::new(sets)));
        }
        let mut bits = BitSet::with_max_value(self.piece.count());
        for mut set in sets {
            self.budget.check()?;
            insert_all(&mut bits, set.as_mut());
        }
        Ok(Plan::exact(BitSetDocSet::from(bits)))
    }

    fn field(&self, name: &str, test: &Test) -> Result<Plan, StoreError> {
        let field = Field::from_name(name);
        match (field, test) {
            (Some(ecs::TIMESTAMP | ecs::EVENT_INGESTED | ecs::EVENT_ORIGINAL), Test::Exists) => Ok(self.everything()),
            (Some(ecs::TIMESTAMP), Test::Range(Range::Time { from, until })) => {
                Ok(Plan::exact(RangeDocs::new(self.piece.docs_between(*from, *until))))
            }
            (Some(ecs::EVENT_INGESTED), Test::Range(Range::Time { from, until })) => {
                let (piece, from, until) = (Arc::clone(self.piece), *from, *until);
                Ok(Plan::exact(FilteredDocs::new(0..self.piece.count(), move |doc| {
                    let time = piece.ingested(doc);
                    from.is_none_or(|from| time >= from) && until.is_none_or(|until| time < until)
                })))
            }
            (Some(ecs::LONGAN_ID), Test::Equals(_) | Test::Range(Range::Number(..))) => Ok(self.id(test)),
            (Some(ecs::TIMESTAMP | ecs::EVENT_INGESTED | ecs::LONGAN_ID), _) => Ok(self.everything().candidates()),
            (Some(ecs::MESSAGE | ecs::EVENT_ORIGINAL), Test::Words(phrase)) => self.phrase(phrase),
            (Some(ecs::EVENT_ORIGINAL | ecs::MESSAGE), Test::Pattern(_)) | (Some(ecs::EVENT_ORIGINAL), _) => {
                Ok(self.everything().candidates())
            }
            (_, Test::Exists) => self.exists(name),
            (Some(field), _) if field.kind() == Kind::Text => Ok(self.exists(name)?.candidates()),
            (_, Test::Equals(value)) => self.equals(name, value),
            _ => self.values(name, test),
        }
    }

    fn id(&self, test: &Test) -> Plan {
        // Cheap before the column is read: most pieces do not hold the id at all.
        let wanted = match test {
            Test::Equals(text) => text.parse::<u64>().ok(),
            Test::Range(Range::Number(Bound::Included(Number::Int(low)), Bound::Included(Number::Int(high))))
                if low == high =>
            {
                u64::try_from(*low).ok()
            }
            _ => None,
        };
        let summary = &self.piece.summary;
        if wanted.is_some_and(|id| id < summary.first_id.0 || id > summary.last_id.0) {
            return Plan::nothing();
        }
        let (piece, test) = (Arc::clone(self.piece), test.clone());
        Plan::exact(FilteredDocs::new(0..self.piece.count(), move |doc| test.accepts(&piece.id(doc).to_string())))
    }

    fn phrase(&self, phrase: &Phrase) -> Result<Plan, StoreError> {
        if let [part] = phrase.parts.as_slice() {
            return self.part(part);
        }
        let words: Option<Vec<Term>> = phrase
            .parts
            .iter()
            .map(|part| match part {
                Part::Word(word) => Some(Term::from_field_text(FIELDS.text, word)),
                Part::Glob(_) => None,
            })
            .collect();
        if let Some(words) = words {
            let scoring = EnableScoring::disabled_from_schema(&FIELDS.schema);
            let docs = PhraseQuery::new(words).weight(scoring)?.scorer(&self.piece.reader, 1.0)?;
            return Ok(Plan { docs, is_exact: true });
        }
        let plans = phrase.parts.iter().map(|part| self.part(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.all_of(plans).candidates())
    }

    fn part(&self, part: &Part) -> Result<Plan, StoreError> {
        match part {
            Part::Word(word) => self.one_term(&self.text, word.as_bytes()),
            Part::Glob(glob) => {
                let prefix = glob.prefix();
                // Addresses stand among the words, but a pattern speaks of words only.
                let is_word = |term: &str| !term.contains(['.', ':']);
                let fits = |term: &str| is_word(term) && glob.matches(term);
                self.many_terms(&self.text, prefix.as_bytes(), fits)
            }
        }
    }

    /// The names of an event's fields are listed in a few terms that many events share.
    fn exists(&self, name: &str) -> Result<Plan, StoreError> {
        let wanted = format!("{SHAPE_MARK}{}{SHAPE_MARK}", clean_name(name));
        let mut marker = [0; 4];
        let marker = SHAPE_MARK.encode_utf8(&mut marker);
        self.many_terms(&self.terms, marker.as_bytes(), |term| term.contains(&wanted))
    }

    fn equals(&self, name: &str, value: &str) -> Result<Plan, StoreError> {
        let name = clean_name(name);
        match cut_value(value) {
            None => self.one_term(&self.terms, format!("{name}{NAME_END}{value}").as_bytes()),
            Some(beginning) => {
                let term = format!("{name}{NAME_END}{beginning}{CUT_MARK}");
                Ok(self.one_term(&self.terms, term.as_bytes())?.candidates())
            }
        }
    }

    /// Tests every value of a field in the dictionary, or every one that begins as it must.
    fn values(&self, name: &str, test: &Test) -> Result<Plan, StoreError> {
        let name_prefix = format!("{}{NAME_END}", clean_name(name));
        let value_prefix = match test {
            Test::Glob(glob) => glob.prefix(),
            Test::Cidr(cidr) => cidr.text_prefix(),
            _ => String::new(),
        };
        // A long beginning could itself be cut in the index.
        let value_prefix = cut_value(&value_prefix).unwrap_or(&value_prefix);
        let prefix = format!("{name_prefix}{value_prefix}");
        let mut has_cut = false;
        let plan = self.many_terms(&self.terms, prefix.as_bytes(), |term| {
            let value = term.get(name_prefix.len()..).unwrap_or_default();
            let is_cut = value.ends_with(CUT_MARK);
            has_cut |= is_cut;
            is_cut || test.accepts(value)
        })?;
        Ok(if has_cut { plan.candidates() } else { plan })
    }

    fn one_term(&self, index: &InvertedIndexReader, term: &[u8]) -> Result<Plan, StoreError> {
        match index.terms().get(term).map_err(tantivy::TantivyError::from)? {
            Some(info) => postings(index, &info),
            None => Ok(Plan::nothing()),
        }
    }

    fn many_terms(
        &self,
        index: &InvertedIndexReader,
        prefix: &[u8],
        mut fits: impl FnMut(&str) -> bool,
    ) -> Result<Plan, StoreError> {
        let mut range = index.terms().range().ge(prefix);
        // No UTF-8 text has a byte 0xff: this bound is above every term that begins with the prefix.
        let above = [prefix, &[0xff]].concat();
        range = range.lt(above);
        let mut stream = range.into_stream().map_err(tantivy::TantivyError::from)?;
        let mut found: Vec<TermInfo> = Vec::new();
        let mut bits: Option<BitSet> = None;
        let mut seen = 0_usize;
        while stream.advance() {
            seen += 1;
            if seen.is_multiple_of(4096) {
                self.budget.check()?;
            }
            if std::str::from_utf8(stream.key()).is_ok_and(&mut fits) {
                found.push(stream.value().clone());
            }
            if found.len() > LAZY_UNION_MAX {
                let bits = bits.get_or_insert_with(|| BitSet::with_max_value(self.piece.count()));
                for info in found.drain(..) {
                    insert_all(bits, postings(index, &info)?.docs.as_mut());
                }
            }
        }
        let mut sets =
            found.iter().map(|info| postings(index, info).map(|plan| plan.docs)).collect::<Result<Vec<_>, _>>()?;
        match (bits, sets.len()) {
            (Some(mut bits), _) => {
                sets.iter_mut().for_each(|set| insert_all(&mut bits, set.as_mut()));
                Ok(Plan::exact(BitSetDocSet::from(bits)))
            }
            (None, 0) => Ok(Plan::nothing()),
            (None, _) => Ok(Plan::exact(UnionDocs::new(sets))),
        }
    }
}

fn postings(index: &InvertedIndexReader, info: &TermInfo) -> Result<Plan, StoreError> {
    let postings =
        index.read_postings_from_terminfo(info, IndexRecordOption::Basic).map_err(tantivy::TantivyError::from)?;
    Ok(Plan::exact(postings))
}

fn insert_all(bits: &mut BitSet, docs: &mut dyn Scorer) {
    let mut doc = docs.doc();
    while doc != TERMINATED {
        bits.insert(doc);
        doc = docs.advance();
    }
}
