//! Backtests: a rule run over history by the very engine that runs it live, on the events the index says can matter.

mod tally;

use std::sync::Arc;
use std::time::Instant;

use crate::alert::AlertReader;
use crate::alert::AlertStore;
use crate::alert::store::verdicts::Verdicts;
use crate::detect;
use crate::detect::Detection;
use crate::detect::Detector;
use crate::detect::RuleSet;
use crate::detect::inspect::Inspector;
use crate::model::Event;
use crate::model::Timestamp;
use crate::pipeline::api::FolderSearch;
use crate::pipeline::backtest::tally::Tally;
use crate::query::Query;
use crate::query::ast::Expr;
use crate::query::time::parse_bound;
use crate::server::verdicts as verdicts_out;
use crate::store::Options;
use crate::store::Searcher;
use crate::store::StoreError;
use crate::store::Walking;
use crate::wire::problem::Problem;
use crate::wire::rule::BacktestCost;
use crate::wire::rule::BacktestProgress;
use crate::wire::rule::BacktestReport;
use crate::wire::rule::BacktestRequest;

/// How far back it goes unless told otherwise.
const SINCE: &str = "30d";

/// Where history lies.
pub struct History<'h> {
    pub searcher: Searcher,
    /// A folder without a server: what its log has beside the partitions.
    pub folder: Option<&'h FolderSearch>,
}

/// Where the verdicts of the past are.
pub enum Past<'p> {
    Store(&'p AlertStore),
    File(&'p mut AlertReader),
    Nowhere,
}

impl Past<'_> {
    fn of_rule(&mut self, rule: &str, since: Timestamp) -> Verdicts {
        let by_rule = match self {
            Past::Store(store) => store.verdicts_by_rule(since),
            Past::File(reader) => reader.verdicts_by_rule(since),
            Past::Nowhere => return Verdicts::default(),
        };
        by_rule.ok().and_then(|mut found| found.remove(rule)).unwrap_or_default()
    }

    fn of_entity(&mut self, field: &str, value: &str) -> Verdicts {
        let found = match self {
            Past::Store(store) => store.verdicts_of_entity(field, value),
            Past::File(reader) => reader.verdicts_of_entity(field, value),
            Past::Nowhere => return Verdicts::default(),
        };
        found.unwrap_or_default()
    }
}

/// A rule ready to be run over history.
#[derive(Debug)]
pub struct Backtest {
    rules: Arc<RuleSet>,
    rule: Arc<detect::RuleMeta>,
    prefilter: Query,
    since: Timestamp,
    until: Timestamp,
    zone_offset_seconds: i32,
}

impl Backtest {
    /// Compiles the rule meant, with the rules it counts and the filters on them, and nothing else.
    ///
    /// # Errors
    /// When there is no such rule, it does not stand, or a time is none.
    pub fn prepare(
        mut content: detect::Content,
        request: &BacktestRequest,
        now: Timestamp,
        zone_offset_seconds: i32,
    ) -> Result<Backtest, Problem> {
        if let Some(text) = &request.text {
            let problems = detect::inspect::lay_over(&mut content, "rule.yml".as_ref(), text);
            if !problems.is_empty() {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                return Err(problem(400, lines.join("\n"), None));
            }
        }
        let inspector = Inspector::new(&content, zone_offset_seconds);
        let Some(id) = inspector.named(&request.rule).into_iter().next() else {
            let hint = inspector.nearest(&request.rule).map(|near| format!("did you mean `{near}`?"));
            return Err(problem(404, format!("no rule `{}`", request.rule), hint));
        };
        content.rules = inspector.alone(&content, &id);
        let (rules, problems) = content.compile(zone_offset_seconds);
        let Some(rule) = rules.rules().find(|meta| meta.id == id).cloned() else {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(problem(400, format!("the rule `{id}` does not stand: {}", lines.join("; ")), None));
        };
        let time = |name: &str, text: Option<&str>| match text {
            None => Ok(None),
            Some(text) => parse_bound(text, now).map(Some).ok_or_else(|| {
                let hint = "a span back from now such as `30d`, or a time such as `2026-01-31T07:00:00Z`".to_owned();
                problem(400, format!("`{name}`: `{text}` is no time"), Some(hint))
            }),
        };
        let since = time("since", request.since.as_deref().or(Some(SINCE)))?.unwrap_or(now);
        let until = time("until", request.until.as_deref())?.unwrap_or(Timestamp(i64::MAX));
        Ok(Backtest {
            prefilter: detect::prefilter(&inspector, &id),
            rules: Arc::new(rules),
            rule,
            since,
            until,
            zone_offset_seconds,
        })
    }

    /// Returns what the index is asked first; `None` when every event must be read.
    pub fn prefilter(&self) -> Option<String> {
        (*self.prefilter.root() != Expr::All).then(|| self.prefilter.to_string())
    }

    /// Runs every event of the span that can matter through the detector, in the order of arrival.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn run(
        &self,
        history: &History<'_>,
        options: &Options,
        told: &mut dyn FnMut(BacktestProgress),
        visit: &mut dyn FnMut(&Detection, &Event<'_>),
    ) -> Result<BacktestCost, StoreError> {
        let started = Instant::now();
        let mut detector = Detector::new(Arc::clone(&self.rules));
        let mut found = Vec::new();
        let mut ahead = 0;
        // What came shortly before decides, too: a burst that began, a group that fired and is quiet, as it was live.
        let from = self.since.minus(detect::reach(&self.rules));
        let mut judge = |event: &Event<'_>| {
            ahead += u64::from(detect::is_ahead(event));
            detector.process(event, &mut found);
            for detection in found.drain(..) {
                if detection.rule.id == self.rule.id && event.timestamp >= self.since {
                    visit(&detection, event);
                }
            }
            true
        };
        let options = Options { since: Some(from), until: Some(self.until), ..options.clone() };
        let mut told = |walking: Walking| {
            let ((pieces_done, pieces), (events_done, events)) = (walking.pieces, walking.events);
            told(BacktestProgress { pieces_done, pieces, events_done, events });
        };
        let walk = history.searcher.walk(&self.prefilter, &options, &mut told, &mut judge)?;
        let mut cost = BacktestCost {
            events: walk.events_between,
            events_read: walk.events_read,
            partitions: walk.explain.partitions_searched,
            partitions_total: walk.explain.partitions_total,
            elapsed_ms: 0,
            prefilter: self.prefilter(),
            in_order: walk.in_order,
            ahead: 0,
            partial: walk.explain.partial,
        };
        if let Some(folder) = history.folder.filter(|_| cost.partial.is_none()) {
            let read = folder.each_unsealed(&mut |event| {
                if event.timestamp >= from && event.timestamp < self.until {
                    cost.events += 1;
                    cost.events_read += 1;
                    judge(event);
                }
            });
            if let Err(problem) = read {
                cost.partial = Some(problem.detail);
            }
        }
        cost.ahead = ahead;
        cost.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(cost)
    }

    /// Runs it, and works out what analysts would have had of it.
    ///
    /// # Errors
    /// As [`Backtest::run`].
    pub fn report(
        &self,
        history: &History<'_>,
        mut past: Past<'_>,
        options: &Options,
        told: &mut dyn FnMut(BacktestProgress),
    ) -> Result<BacktestReport, StoreError> {
        let mut tally = Tally::new(self.zone_offset_seconds);
        let cost = self.run(history, options, told, &mut |detection, event| tally.add(detection, event))?;
        let mut of_entities = Verdicts::default();
        let mut each = |field: &str, value: &str| {
            let verdicts = past.of_entity(field, value);
            of_entities.add(verdicts);
            verdicts_out(verdicts)
        };
        let mut report = tally.finish(&mut each);
        report.past_of_entities = verdicts_out(of_entities);
        report.past_of_rule = verdicts_out(past.of_rule(&self.rule.id, self.since));
        self.rule.id.clone_into(&mut report.rule);
        self.rule.title.clone_into(&mut report.title);
        report.title_vi = self.rule.title_vi.clone();
        report.level = self.rule.level.to_string();
        report.since = self.since.to_string();
        if self.until.0 < i64::MAX {
            report.until = self.until.to_string();
        }
        report.cost = cost;
        Ok(report)
    }
}

fn problem(status: u16, detail: String, hint: Option<String>) -> Problem {
    let kind = if status == 404 { "not_found" } else { "invalid" };
    Problem { status, kind: kind.to_owned(), detail, hint, column: None, owner: None }
}

#[cfg(test)]
mod tests;
