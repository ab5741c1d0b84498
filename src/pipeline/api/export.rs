//! Exporting evidence from a store, with the server running or not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::auth::Principal;
use crate::evidence::Keeper;
use crate::evidence::bundle;
use crate::evidence::bundle::BundleError;
use crate::evidence::bundle::Found;
use crate::evidence::bundle::Request;
use crate::model::time::Clock;
use crate::pipeline::api::StoreSearch;
use crate::pipeline::live::Live;
use crate::server::ExportService;
use crate::store;
use crate::store::Hit;
use crate::store::Store;
use crate::wire::export::ExportRequest;
use crate::wire::problem::Problem;
use crate::wire::search::SearchRequest;

/// A bundle holds no more events.
const EVENTS_MAX: usize = 200_000;
/// How long an export waits for what is not sealed yet.
const SEAL_WAIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Makes bundles.
pub struct Exporter {
    keeper: Keeper,
    search: StoreSearch,
    store: Store,
    live: Option<Arc<Live>>,
    clock: Arc<dyn Clock>,
}

impl Exporter {
    pub(in crate::pipeline) fn new(
        keeper: Keeper,
        store: Store,
        live: Arc<Live>,
        clock: Arc<dyn Clock>,
        deadline: Duration,
    ) -> Exporter {
        let search = StoreSearch::new(store.clone(), Arc::clone(&live), Arc::clone(&clock), deadline);
        Exporter { keeper, search, store, live: Some(live), clock }
    }

    /// Exports from a data folder that no server runs on; what is sealed only.
    ///
    /// # Errors
    /// When evidence or store cannot be opened.
    pub fn of_folder(data: &Path, clock: Arc<dyn Clock>, deadline: Duration) -> anyhow::Result<Exporter> {
        let (keeper, _) = Keeper::open(data)?;
        let (store, _) = Store::open_read_only(&data.join("store"), store::Config::default())?;
        let search = StoreSearch::without_server(store.clone(), Arc::clone(&clock), deadline);
        Ok(Exporter { keeper, search, store, live: None, clock })
    }

    /// Has everything sealed that is searchable now, so that it can be proven.
    fn seal(&self) {
        let Some(live) = &self.live else { return };
        let wanted = live.last_searchable();
        live.wish_seal();
        let deadline = Instant::now() + SEAL_WAIT;
        while self.store.checkpoint().0 < wanted && Instant::now() < deadline {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn find(&self, request: &SearchRequest) -> Result<(Vec<Found>, store::Options), Problem> {
        let (query, options) = self.search.plan(request)?;
        let mut found = Vec::new();
        let unlimited = store::Options { limit: 0, ..options.clone() };
        self.search.each_hit(&query, &unlimited, &mut |hit: Hit| {
            found.push(Found { id: hit.id, event: hit.event, raw: hit.raw });
            found.len() <= EVENTS_MAX
        })?;
        if found.len() > EVENTS_MAX {
            let detail = format!("more than {EVENTS_MAX} events; ask for a shorter span or more narrowly");
            return Err(problem(413, "too_large", detail));
        }
        Ok((found, options))
    }
}

impl ExportService for Exporter {
    fn export(&self, request: &ExportRequest, caller: &Principal) -> Result<Vec<u8>, Problem> {
        let search = SearchRequest {
            q: request.q.clone(),
            since: request.since.clone(),
            until: request.until.clone(),
            limit: None,
            cursor: None,
        };
        // A query that is wrong is told before anything is sealed for it.
        self.search.plan(&search)?;
        self.seal();
        let (found, options) = self.find(&search)?;
        let request = Request {
            query: request.q.clone(),
            since: options.since,
            until: options.until,
            who: caller.name.clone(),
            role: caller.role.as_str().to_owned(),
            now: self.clock.now(),
        };
        bundle::write(&self.keeper, &request, found).map_err(|err| match err {
            BundleError::TooMuch => problem(413, "too_large", err.to_string()),
            err => {
                let reason = format!("{:#}", anyhow::Error::from(err));
                tracing::error!(%reason, "an export failed");
                problem(500, "internal", reason)
            }
        })
    }
}

fn problem(status: u16, kind: &str, detail: String) -> Problem {
    Problem { status, kind: kind.to_owned(), detail, hint: None, column: None, owner: None }
}
