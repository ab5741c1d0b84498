//! Searching the store for the API and for commands that run without a server.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::time::Instant;

use crate::auth::Principal;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::model::time::Clock;
use crate::pipeline::api::table;
use crate::pipeline::live::Live;
use crate::query;
use crate::query::Query;
use crate::query::Search;
use crate::query::pipes::run::EventRunner;
use crate::query::time::parse_bound;
use crate::server::SearchService;
use crate::server::TailSink;
use crate::server::services::EventObject;
use crate::store::Explain;
use crate::store::Hit;
use crate::store::Options;
use crate::store::Searcher;
use crate::store::Store;
use crate::store::StoreError;
use crate::wire::problem::Problem;
use crate::wire::search::Histogram;
use crate::wire::search::HistogramRequest;
use crate::wire::search::SearchCount;
use crate::wire::search::SearchExplain;
use crate::wire::search::SearchPage;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;

const PAGE_EVENTS: u32 = 200;
const BUCKETS: u32 = 60;

/// Answers searches from a store.
pub struct StoreSearch {
    store: Store,
    live: Arc<Live>,
    clock: Arc<dyn Clock>,
    deadline: Duration,
}

impl StoreSearch {
    pub(in crate::pipeline) fn new(
        store: Store,
        live: Arc<Live>,
        clock: Arc<dyn Clock>,
        deadline: Duration,
    ) -> StoreSearch {
        StoreSearch { store, live, clock, deadline }
    }

    /// Searches a store that no server runs on: nothing arrives in it.
    pub fn without_server(store: Store, clock: Arc<dyn Clock>, deadline: Duration) -> StoreSearch {
        StoreSearch::new(store, Arc::new(Live::default()), clock, deadline)
    }

    pub(super) fn searcher(&self) -> Searcher {
        self.store.searcher()
    }

    /// Reads a request whose query is a filter alone.
    pub(super) fn plan(&self, request: &SearchRequest) -> Result<(Query, Options), Problem> {
        let query = query::parse(&request.q, self.clock.now()).map_err(|err| invalid_query(&err))?;
        Ok((query, self.options(request)?))
    }

    /// Reads a request whose query may have pipes.
    pub(super) fn plan_search(&self, request: &SearchRequest) -> Result<(Search, Options), Problem> {
        let search = query::parse_search(&request.q, self.clock.now()).map_err(|err| invalid_query(&err))?;
        Ok((search, self.options(request)?))
    }

    fn options(&self, request: &SearchRequest) -> Result<Options, Problem> {
        let now = self.clock.now();
        Ok(Options {
            since: bound("since", request.since.as_deref(), now)?,
            until: bound("until", request.until.as_deref(), now)?,
            limit: request.limit.unwrap_or(PAGE_EVENTS) as usize,
            cursor: request.cursor.as_deref().map(cursor).transpose()?,
            deadline: Some(Instant::now() + self.deadline),
            cancel: None,
        })
    }

    /// Sets up the pipeline of a search over what there is now.
    pub(super) fn pipeline(&self, search: &Search, options: &Options, limit: Option<u32>) -> (EventRunner, Searcher) {
        let searcher = self.searcher();
        let bytes_max = self.store.config().pipe_bytes_max;
        let limits = table::limits(limit, options, &searcher, self.clock.now(), bytes_max);
        (EventRunner::new(&search.stages, &limits), searcher)
    }

    /// Runs a pipeline over `before` and what is stored, and makes the table.
    pub(super) fn table_of(
        &self,
        request: &SearchRequest,
        (search, options): (&Search, &Options),
        run: impl FnOnce(&mut EventRunner, &Searcher) -> Result<Explain, Problem>,
    ) -> Result<SearchTable, Problem> {
        let (mut runner, searcher) = self.pipeline(search, options, request.limit);
        let explain = run(&mut runner, &searcher)?;
        let cost = explained(explain.clone());
        Ok(table::wire_of(search, runner.finish(), &explain, cost))
    }
}

impl StoreSearch {
    /// Hands every hit to `visit`, newest first, until it returns `false`.
    ///
    /// A long result takes as long as its reader takes to read it: there is no deadline; what stalls is cut by the server.
    pub(super) fn each_hit(
        &self,
        query: &Query,
        options: &Options,
        visit: &mut dyn FnMut(Hit) -> bool,
    ) -> Result<(), Problem> {
        let options = Options { deadline: None, ..options.clone() };
        self.searcher().for_each(query, &options, visit).map(drop).map_err(|err| failed(&err))
    }
}

impl SearchService for StoreSearch {
    fn search(&self, request: &SearchRequest, _caller: &Principal) -> Result<SearchPage, Problem> {
        let (query, options) = self.plan(request).map_err(|mut problem| {
            if query::parse_search(&request.q, self.clock.now()).is_ok_and(|search| !search.stages.is_empty()) {
                problem.hint = Some("a query with pipes makes a table: `/v1/search/table`".to_owned());
            }
            problem
        })?;
        let result = self.searcher().search(&query, &options).map_err(|err| failed(&err))?;
        let next = result.next.map(|(timestamp, id)| format!("{}:{id}", timestamp.0));
        let events = result.hits.into_iter().map(|hit| hit.event).collect();
        Ok(SearchPage { events, next, explain: explained(result.explain) })
    }

    fn table(
        &self,
        request: &SearchRequest,
        _caller: &Principal,
        cancel: Arc<AtomicBool>,
    ) -> Result<SearchTable, Problem> {
        let (search, mut options) = self.plan_search(request)?;
        options.cancel = Some(cancel);
        self.table_of(request, (&search, &options), |runner, searcher| {
            searcher.run(&search.filter, &options, runner).map_err(|err| failed(&err))
        })
    }

    fn count(&self, request: &SearchRequest, _caller: &Principal) -> Result<SearchCount, Problem> {
        let (search, options) = self.plan_search(request)?;
        let found = self.searcher().count(&search.filter, &options).map_err(|err| failed(&err))?;
        Ok(SearchCount { count: found.count, explain: explained(found.explain) })
    }

    fn histogram(&self, request: &HistogramRequest, _caller: &Principal) -> Result<Histogram, Problem> {
        let now = self.clock.now();
        // Over time the events are counted, whatever is made of them afterwards.
        let query = query::parse_search(&request.q, now).map_err(|err| invalid_query(&err))?.filter;
        let searcher = self.searcher();
        let (oldest, newest) = searcher.time_span().unwrap_or((now, now));
        // The end is left out of a span of time, and events may be dated ahead of us.
        let end = Timestamp(newest.0.saturating_add(1)).max(now);
        let since = bound("since", request.since.as_deref(), now)?.unwrap_or(oldest);
        let until = bound("until", request.until.as_deref(), now)?.unwrap_or(end);
        let options = Options { deadline: Some(Instant::now() + self.deadline), ..Options::default() };
        let buckets = request.buckets.unwrap_or(BUCKETS) as usize;
        let found = searcher.histogram(&query, since, until, buckets, &options).map_err(|err| failed(&err))?;
        Ok(Histogram {
            since: found.since.to_string(),
            until: found.until.to_string(),
            bucket_ms: u64::try_from(found.bucket.as_millis()).unwrap_or(u64::MAX),
            counts: found.counts,
            explain: explained(found.explain),
        })
    }

    fn event(&self, id: EventId, _caller: &Principal) -> Result<Option<EventObject>, Problem> {
        let hit = self.searcher().get(id).map_err(|err| failed(&err))?;
        Ok(hit.map(|hit| hit.event))
    }

    fn stream(
        &self,
        request: &SearchRequest,
        caller: &Principal,
        emit: &mut dyn FnMut(&EventObject) -> bool,
    ) -> Result<(), Problem> {
        let (search, mut options) = self.plan_search(request)?;
        if search.stages.is_empty() {
            options.limit = request.limit.unwrap_or(0) as usize;
            return self.each_hit(&search.filter, &options, &mut |hit| emit(&hit.event));
        }
        let (mut runner, searcher) = self.pipeline(&search, &options, request.limit);
        if !runner.is_streaming() {
            let SearchTable { columns, rows, .. } = self.table(request, caller, table::never())?;
            rows.into_iter().all(|row| emit(&table::object_of(&columns, row)));
            return Ok(());
        }
        options.deadline = None;
        let mut left = request.limit.unwrap_or(u32::MAX);
        let mut visit = |event: &crate::model::Event<'_>| {
            table::stream_event(&mut runner, event, &mut |object| {
                left = left.saturating_sub(1);
                emit(object) && left > 0
            })
        };
        searcher.for_each_event(&search.filter, &options, true, &mut visit).map(drop).map_err(|err| failed(&err))
    }

    fn tail(&self, request: &SearchRequest, _caller: &Principal, sink: TailSink) -> Result<(), Problem> {
        let (query, _) = self.plan(request)?;
        self.live.tails.add(query, sink);
        Ok(())
    }
}

fn problem(status: u16, kind: &str, detail: String) -> Problem {
    Problem { status, kind: kind.to_owned(), detail, hint: None, column: None, owner: None }
}

fn invalid_query(err: &query::QueryError) -> Problem {
    let mut problem = problem(400, "query_invalid", err.to_string());
    problem.hint = err.hint.clone();
    problem.column = Some(u32::try_from(err.column).unwrap_or(u32::MAX));
    problem
}

fn bound(name: &str, text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    parse_bound(text, now).map(Some).ok_or_else(|| {
        let mut problem = problem(400, "query_invalid", format!("`{name}`: `{text}` is no time"));
        problem.hint = Some("a span back from now such as `24h`, or a time such as `2026-01-31T07:00:00Z`".to_owned());
        problem
    })
}

fn cursor(text: &str) -> Result<(Timestamp, EventId), Problem> {
    let read = || {
        let (timestamp, id) = text.split_once(':')?;
        Some((Timestamp(timestamp.parse().ok()?), EventId(id.parse().ok()?)))
    };
    read().ok_or_else(|| problem(400, "query_invalid", format!("`cursor`: `{text}` is not the `next` of a page")))
}

pub(super) fn failed(err: &StoreError) -> Problem {
    tracing::error!(error = %err, "a search failed");
    problem(500, "internal", err.to_string())
}

fn explained(explain: Explain) -> SearchExplain {
    SearchExplain {
        partitions_searched: explain.partitions_searched,
        partitions_total: explain.partitions_total,
        events_read: explain.events_read,
        events_verified: explain.events_verified,
        bytes_read: explain.bytes_read,
        elapsed_us: u64::try_from(explain.elapsed.as_micros()).unwrap_or(u64::MAX),
        partial: explain.partial,
    }
}
