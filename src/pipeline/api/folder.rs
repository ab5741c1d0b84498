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
use crate::model::Timestamp;
use crate::model::time::Clock;
use crate::pipeline::api::StoreSearch;
use crate::pipeline::content::Content;
use crate::pipeline::processing::Formats;
use crate::pipeline::processing::with_event;
use crate::query::Query;
use crate::server::SearchService;
use crate::server::services::EventObject;
use crate::store;
use crate::store::Options;
use crate::store::Store;
use crate::store::StoreError;
use crate::wal;
use crate::wal::disk::Disk;
use crate::wal::disk::RealDisk;
use crate::wire::problem::Problem;
use crate::wire::search::SearchRequest;

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
        let (query, options) = self.sealed.plan(request)?;
        let sealed = SearchService::count(&self.sealed, request, &ourselves())?.count;
        Ok(sealed + self.unsealed(&query, &options)?.len() as u64)
    }

    /// Hands the events that match to `visit`, newest first, until it returns `false`.
    ///
    /// # Errors
    /// As [`FolderSearch::count`].
    pub fn each(&self, request: &SearchRequest, visit: &mut dyn FnMut(&EventObject) -> bool) -> Result<(), Problem> {
        let (query, options) = self.sealed.plan(request)?;
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

    /// Returns the events of the log that are in no partition and match.
    fn unsealed(&self, query: &Query, options: &Options) -> Result<Vec<Found>, Problem> {
        let Some(log) = &self.log else { return Ok(Vec::new()) };
        let records = wal::read_only(Arc::clone(log), self.checkpoint).map_err(|err| unreadable(&err))?;
        let mut records = records.filter_map(Result::ok).peekable();
        if records.peek().is_none() {
            return Ok(Vec::new());
        }
        let mut formats = Formats::of_settings(&self.settings);
        let Content { packs, normalizer, .. } = Content::again(&self.settings, &Arc::default(), self.now);
        let mut found: Vec<Found> = Vec::new();
        for envelope in records {
            let format = formats.of(&envelope.origin.input);
            with_event(&envelope, &format, &packs, &normalizer, |event| {
                if is_between(event, options) && query.matches(event) {
                    found.extend(object_of(event).map(|object| (Reverse((event.timestamp, event.id)), object)));
                }
            });
        }
        found.sort_by_key(|(place, _)| *place);
        Ok(found)
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
