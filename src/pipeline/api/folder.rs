//! Searching a data folder that no server runs on: what is sealed, and what a server that was killed left in its log.

use std::cmp::Reverse;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::auth::Principal;
use crate::auth::Role;
use crate::auth::Via;
use crate::config::Settings;
use crate::model::Event;
use crate::model::EventId;
use crate::model::Name;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::event::ParseFailure;
use crate::model::time::Clock;
use crate::pipeline::api::StoreSearch;
use crate::pipeline::api::search::failed;
use crate::pipeline::api::table;
use crate::pipeline::content::Content;
use crate::pipeline::processing::Formats;
use crate::pipeline::processing::with_event;
use crate::query::Query;
use crate::query::Search;
use crate::server::SearchService;
use crate::server::services::EventObject;
use crate::store;
use crate::store::Explain;
use crate::store::Options;
use crate::store::Searcher;
use crate::store::Store;
use crate::store::StoreError;
use crate::wal;
use crate::wal::disk::Disk;
use crate::wal::disk::RealDisk;
use crate::wire::problem::Problem;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;

/// Why a data folder cannot be searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    #[error("the write-ahead log cannot be read")]
    Log(#[from] io::Error),
}

/// Searches a data folder; nothing in it is changed.
pub struct FolderSearch {
    sealed: StoreSearch,
    log: Option<Arc<dyn Disk>>,
    checkpoint: EventId,
    /// What is over by then is no threat any more.
    now: Timestamp,
    settings: Settings,
    /// Partitions that could not be opened: folder and reason.
    pub damaged: Vec<(String, String)>,
}

/// An event of the log that matches: newest first when sorted.
type Found = (Reverse<(Timestamp, EventId)>, EventObject);

impl FolderSearch {
    /// Opens a data folder; `None` when there is no store in it. Lines of the log are read as `settings` says.
    ///
    /// # Errors
    /// When the store or the log cannot be read.
    pub fn open(
        data: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
        deadline: Duration,
    ) -> Result<Option<FolderSearch>, FolderError> {
        let folder = data.join("store");
        if !folder.try_exists()? {
            return Ok(None);
        }
        let (store, report) = Store::open_read_only(&folder, store::Config::default())?;
        let log = data.join("wal");
        let log: Option<Arc<dyn Disk>> = if log.try_exists()? { Some(Arc::new(RealDisk::new(log)?)) } else { None };
        Ok(Some(FolderSearch {
            checkpoint: store.checkpoint(),
            now: clock.now(),
            sealed: StoreSearch::without_server(store, clock, deadline),
            log,
            settings,
            damaged: report.damaged,
        }))
    }

    /// Counts the events that match.
    ///
    /// # Errors
    /// When the query is wrong or the data cannot be read.
    pub fn count(&self, request: &SearchRequest) -> Result<u64, Problem> {
        let (search, options) = self.sealed.plan_search(request)?;
        let sealed = SearchService::count(&self.sealed, request, &ourselves())?.count;
        let mut unsealed = 0;
        self.each_unsealed_match(&search.filter, &options, &mut |_| unsealed += 1)?;
        Ok(sealed + unsealed)
    }

    /// Runs a query with pipes.
    ///
    /// # Errors
    /// As [`FolderSearch::count`].
    pub fn table(&self, request: &SearchRequest) -> Result<SearchTable, Problem> {
        let (search, options) = self.sealed.plan_search(request)?;
        self.sealed.table_of(request, (&search, &options), |runner, searcher| {
            if runner.needs_order() {
                return self.each_event(&search.filter, &options, searcher, &mut |event| runner.push(event));
            }
            let mut goes_on = true;
            self.each_unsealed_match(&search.filter, &options, &mut |event| goes_on = goes_on && runner.push(event))?;
            if !goes_on {
                return Ok(Explain::default());
            }
            searcher.run(&search.filter, &options, runner).map_err(|err| failed(&err))
        })
    }

    /// Hands the rows of a query with pipes to `visit`, as they come when nothing needs all of them.
    fn each_row(
        &self,
        request: &SearchRequest,
        search: &Search,
        options: &Options,
        visit: &mut dyn FnMut(&EventObject) -> bool,
    ) -> Result<(), Problem> {
        let (mut runner, searcher) = self.sealed.pipeline(search, options, request.limit);
        if !runner.is_streaming() {
            let SearchTable { columns, rows, .. } = self.table(request)?;
            rows.into_iter().all(|row| visit(&table::object_of(&columns, row)));
            return Ok(());
        }
        let mut left = request.limit.unwrap_or(u32::MAX);
        let mut push = |event: &Event<'_>| {
            table::stream_event(&mut runner, event, &mut |object| {
                left = left.saturating_sub(1);
                visit(object) && left > 0
            })
        };
        self.each_event(&search.filter, options, &searcher, &mut push).map(drop)
    }

    /// Hands every event that matches to `visit`, newest first, what is not sealed among it.
    fn each_event(
        &self,
        query: &Query,
        options: &Options,
        searcher: &Searcher,
        visit: &mut dyn FnMut(&Event<'_>) -> bool,
    ) -> Result<Explain, Problem> {
        let mut goes_on = true;
        let mut unsealed: Vec<OwnedEvent> = Vec::new();
        self.each_unsealed_match(query, options, &mut |event| unsealed.push(OwnedEvent::of(event)))?;
        unsealed.sort_by_key(|event| Reverse(event.place));
        let mut unsealed = unsealed.into_iter().peekable();
        let explain = searcher
            .for_each_event(query, options, true, &mut |event| {
                while let Some(newer) = unsealed.next_if(|newer| newer.place > (event.timestamp, event.id)) {
                    goes_on = goes_on && newer.with(visit);
                }
                goes_on = goes_on && visit(event);
                goes_on
            })
            .map_err(|err| failed(&err))?;
        for event in unsealed {
            goes_on = goes_on && event.with(visit);
        }
        Ok(explain)
    }

    /// Hands the events that match to `visit`, newest first, until it returns `false`.
    ///
    /// # Errors
    /// As [`FolderSearch::count`].
    pub fn each(&self, request: &SearchRequest, visit: &mut dyn FnMut(&EventObject) -> bool) -> Result<(), Problem> {
        let (search, options) = self.sealed.plan_search(request)?;
        if !search.stages.is_empty() {
            return self.each_row(request, &search, &options, visit);
        }
        let query = search.filter;
        let mut left = request.limit.map_or(usize::MAX, |limit| limit as usize);
        let mut unsealed = self.unsealed(&query, &options)?.into_iter().peekable();
        let mut goes_on = true;
        let mut hand_out = |event: &EventObject| {
            goes_on = goes_on && left > 0 && visit(event);
            left = left.saturating_sub(1);
            goes_on && left > 0
        };
        self.sealed.each_hit(&query, &options, &mut |hit| {
            let place = Reverse((hit.timestamp, hit.id));
            while let Some((_, event)) = unsealed.next_if(|(newer, _)| *newer < place) {
                if !hand_out(&event) {
                    return false;
                }
            }
            hand_out(&hit.event)
        })?;
        for (_, event) in unsealed {
            if !hand_out(&event) {
                break;
            }
        }
        Ok(())
    }

    /// Returns the events of the log that are in no partition and match, newest first.
    fn unsealed(&self, query: &Query, options: &Options) -> Result<Vec<Found>, Problem> {
        let mut found: Vec<Found> = Vec::new();
        self.each_unsealed_match(query, options, &mut |event| {
            found.extend(object_of(event).map(|object| (Reverse((event.timestamp, event.id)), object)));
        })?;
        found.sort_by_key(|(place, _)| *place);
        Ok(found)
    }

    /// Hands the events of the log that are in no partition and match to `visit`, oldest id first.
    fn each_unsealed_match(
        &self,
        query: &Query,
        options: &Options,
        visit: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(), Problem> {
        self.each_unsealed(&mut |event| {
            if is_between(event, options) && query.matches(event) {
                visit(event);
            }
        })
    }

    /// Reads the events of the log that are in no partition, in the order of arrival.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn each_unsealed(&self, visit: &mut dyn FnMut(&Event<'_>)) -> Result<(), Problem> {
        let Some(log) = &self.log else { return Ok(()) };
        let records = wal::read_only(Arc::clone(log), self.checkpoint).map_err(|err| unreadable(&err))?;
        let mut records = records.filter_map(Result::ok).peekable();
        if records.peek().is_none() {
            return Ok(());
        }
        let mut formats = Formats::of_settings(&self.settings);
        let Content { packs, normalizer, .. } = Content::again(&self.settings, &Arc::default(), self.now);
        for envelope in records {
            let format = formats.of(&envelope.origin.input);
            with_event(&envelope, &format, &packs, &normalizer, |event| visit(event));
        }
        Ok(())
    }

    /// Returns a snapshot of the partitions.
    pub fn searcher(&self) -> Searcher {
        self.sealed.searcher()
    }

    /// Returns the configuration the folder is read with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// An event that outlives its line.
struct OwnedEvent {
    place: (Timestamp, EventId),
    ingested: Timestamp,
    raw: String,
    parser: Option<String>,
    failure: Option<ParseFailure>,
    fields: Vec<(Name<'static>, Value<'static>)>,
}

impl OwnedEvent {
    fn of(event: &Event<'_>) -> OwnedEvent {
        OwnedEvent {
            place: (event.timestamp, event.id),
            ingested: event.ingested,
            raw: event.raw.to_owned(),
            parser: event.parser.map(str::to_owned),
            failure: event.failure,
            fields: event.owned_fields(),
        }
    }

    fn with(self, visit: &mut dyn FnMut(&Event<'_>) -> bool) -> bool {
        let mut event = Event::new(&self.raw, self.ingested);
        (event.timestamp, event.id) = self.place;
        event.parser = self.parser.as_deref();
        event.failure = self.failure;
        event.fields = self.fields.into();
        visit(&event)
    }
}

fn is_between(event: &Event<'_>, options: &Options) -> bool {
    options.since.is_none_or(|since| event.timestamp >= since)
        && options.until.is_none_or(|until| event.timestamp < until)
}

fn object_of(event: &Event<'_>) -> Option<EventObject> {
    match serde_json::to_value(event) {
        Ok(serde_json::Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// Whoever can read the data folder.
fn ourselves() -> Principal {
    Principal { name: "local".to_owned(), role: Role::Admin, via: Via::LocalSocket }
}

fn unreadable(err: &io::Error) -> Problem {
    let detail = format!("the write-ahead log cannot be read: {err}");
    Problem { status: 500, kind: "internal".to_owned(), detail, hint: None, column: None, owner: None }
}
