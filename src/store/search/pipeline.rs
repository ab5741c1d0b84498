//! Running a pipeline over what is found: over columns where there are some, over events where not.

use std::ops::Range;
use std::time::Instant;

use tantivy::DocId;

use super::Budget;
use super::Explain;
use super::Options;
use super::Searcher;
use super::collect::Picked;
use super::collect::ReaderOfPiece;
use super::collect::collect_matches;
use super::collect::interruptible;
use super::plan::Planner;
use crate::query::Query;
use crate::query::ast::Expr;
use crate::query::pipes::run::EventRunner;
use crate::store::archive::Pick;
use crate::store::archive::Watch;
use crate::store::error::StoreError;

impl Searcher {
    /// Pushes every event that matches into a pipeline, until it has enough. A limit and a cursor do not count here.
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub fn run(&self, query: &Query, options: &Options, runner: &mut EventRunner) -> Result<Explain, StoreError> {
        if runner.grouped_columns().is_none() {
            let is_ordered = runner.needs_order();
            return self.for_each_event(query, options, is_ordered, &mut |event| runner.push(event));
        }
        let started = Instant::now();
        let budget = Budget::new(options);
        let mut searched = 0;
        for piece in &self.pieces_between(options.since, options.until) {
            if budget.is_spent() {
                break;
            }
            searched += 1;
            let range = piece.docs_between(options.since, options.until);
            let goes_on = match &piece.archive {
                Some(archive) => {
                    let watch = Watch {
                        is_over: &|| budget.is_spent(),
                        read: &|events, bytes| budget.note_many(events, bytes),
                    };
                    let plan = match query.root() {
                        Expr::All => None,
                        _ if !piece.has_index => None,
                        root => match Planner::new(piece, &budget).and_then(|planner| planner.plan(root)) {
                            Err(StoreError::Interrupted) => break,
                            plan => Some(plan?),
                        },
                    };
                    let is_exact = plan.as_ref().is_some_and(|plan| plan.is_exact);
                    let mut picked = plan.map(|plan| Picked::new(plan, &range));
                    let is_picked = picked.is_some();
                    let mut docs =
                        |within: Range<DocId>| picked.as_mut().map(|picked| picked.next(within)).unwrap_or_default();
                    let pick = is_picked.then_some(Pick { docs: &mut docs, is_exact });
                    archive.each_row(piece, query, range, pick, runner, &watch)?
                }
                None => {
                    let mut push = |event: &crate::model::Event<'_>| runner.push(event);
                    let mut reader = ReaderOfPiece::new(piece, &mut push, &budget)?;
                    interruptible(collect_matches(query, piece, range, &budget, &mut reader))?;
                    reader.finish()?
                }
            };
            if !goes_on {
                break;
            }
        }
        Ok(self.explain(searched, started, &budget))
    }
}
