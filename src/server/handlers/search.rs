//! Searching the stored events: pages, counts, results of any length, and the live tail.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio_stream::wrappers::ReceiverStream;

use crate::auth::Permission;
use crate::auth::Principal;
use crate::model::EventId;
use crate::server::TailSink;
use crate::server::access::Credentials;
use crate::server::access::Shared;
use crate::server::extract::Id;
use crate::server::extract::Params;
use crate::server::handlers::lines;
use crate::server::problem::Refused;
use crate::server::services::EventObject;
use crate::wire::search::Histogram;
use crate::wire::search::HistogramRequest;
use crate::wire::search::SearchCount;
use crate::wire::search::SearchPage;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;

/// Events of a long result are sent in pieces of about this size.
const PIECE_BYTES: usize = 32 * 1024;
/// Pieces made ahead of the reader.
const PIECES_AHEAD: usize = 8;
const PAGE_EVENTS_MAX: u32 = 10_000;
const BUCKETS_MAX: u32 = 400;
const QUERY_BYTES_MAX: usize = 16 * 1024;

pub(in crate::server) async fn page(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Params(request): Params<SearchRequest>,
) -> Result<Answer<SearchPage>, Refused> {
    check_query(&request.q)?;
    if request.limit.is_some_and(|limit| limit > PAGE_EVENTS_MAX) {
        let refused = Refused::too_large(format!("a page holds {PAGE_EVENTS_MAX} events at most"));
        return Err(refused.hint("`/v1/search/stream` gives results of any length"));
    }
    let page = shared.run(move |services| Ok(services.search.search(&request, &principal)?));
    Ok(Answer(page.await?))
}

/// Ends the search when the request is given up.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(in crate::server) async fn table(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Params(request): Params<SearchRequest>,
) -> Result<Answer<SearchTable>, Refused> {
    check_query(&request.q)?;
    let guard = CancelOnDrop(Arc::new(AtomicBool::new(false)));
    let cancel = guard.0.clone();
    let table = shared.run(move |services| Ok(services.search.table(&request, &principal, cancel)?)).await?;
    Ok(Answer(table))
}

pub(in crate::server) async fn count(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Params(request): Params<SearchRequest>,
) -> Result<Answer<SearchCount>, Refused> {
    check_query(&request.q)?;
    let count = shared.run(move |services| Ok(services.search.count(&request, &principal)?));
    Ok(Answer(count.await?))
}

pub(in crate::server) async fn histogram(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Params(request): Params<HistogramRequest>,
) -> Result<Answer<Histogram>, Refused> {
    check_query(&request.q)?;
    if request.buckets.is_some_and(|buckets| !(1..=BUCKETS_MAX).contains(&buckets)) {
        return Err(Refused::invalid(format!("a histogram has 1 to {BUCKETS_MAX} columns")));
    }
    let histogram = shared.run(move |services| Ok(services.search.histogram(&request, &principal)?));
    Ok(Answer(histogram.await?))
}

pub(in crate::server) async fn event(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id<u64>,
) -> Result<Answer<EventObject>, Refused> {
    let found = shared.run(move |services| Ok(services.search.event(EventId(id), &principal)?)).await?;
    found.map(Answer).ok_or_else(|| Refused::not_found(format!("no such event `{id}`")))
}

fn check_query(query: &str) -> Result<(), Refused> {
    if query.len() <= QUERY_BYTES_MAX {
        return Ok(());
    }
    Err(Refused::too_large(format!("a query holds {QUERY_BYTES_MAX} bytes at most")))
}

pub(in crate::server) async fn stream(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Params(request): Params<SearchRequest>,
) -> Result<Response, Refused> {
    check_query(&request.q)?;
    let permit = shared.stream()?;
    let (sender, mut pieces) = mpsc::channel::<Result<Bytes, Refused>>(PIECES_AHEAD);
    let for_search = shared.clone();
    // Ends when it has found all, or when the reader is gone and nothing takes its pieces any more. It counts as a
    // stream and not as a worker: slow readers of long results must not keep short requests waiting.
    let search = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        run_search(&for_search, &request, &principal, &sender);
    });
    // An error before the first event is an answer of its own; later it can only break the answer off.
    let first = pieces.recv().await.transpose()?;
    let rest = ReceiverStream::new(pieces).map(move |piece| {
        // The handle is kept with the answer, so that the search is somebody's until it ends.
        let _search = &search;
        piece.map_err(|refused| std::io::Error::other(refused.0.detail))
    });
    Ok(lines::answer(futures_util::stream::iter(first.map(Ok)).chain(rest)))
}

fn run_search(
    shared: &Shared,
    request: &SearchRequest,
    principal: &Principal,
    sender: &mpsc::Sender<Result<Bytes, Refused>>,
) {
    let mut piece = Vec::with_capacity(PIECE_BYTES + 4096);
    let mut emit = |event: &EventObject| {
        lines::push(&mut piece, event);
        let is_open = !sender.is_closed() && !shared.stop.is_cancelled();
        if piece.len() < PIECE_BYTES {
            return is_open;
        }
        is_open && sender.blocking_send(Ok(std::mem::take(&mut piece).into())).is_ok()
    };
    let found = shared.services.search.stream(request, principal, &mut emit);
    let last = match found {
        Ok(()) if shared.stop.is_cancelled() => Err(Refused::busy("the server is stopping")),
        Ok(()) if piece.is_empty() => return,
        Ok(()) => Ok(piece.into()),
        Err(problem) => Err(problem.into()),
    };
    // Nobody is left to tell when this fails.
    drop(sender.blocking_send(last));
}

/// One live tail.
struct Tailing {
    shared: Arc<Shared>,
    credentials: Credentials,
    _permit: OwnedSemaphorePermit,
    events: mpsc::Receiver<Bytes>,
    missed: Arc<AtomicU64>,
    next_beat: Instant,
}

pub(in crate::server) async fn tail(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Extension(credentials): Extension<Credentials>,
    Params(request): Params<SearchRequest>,
) -> Result<Response, Refused> {
    check_query(&request.q)?;
    let permit = shared.stream()?;
    let (sink, events, missed) = TailSink::new(shared.limits.tail_events_max);
    shared.run(move |services| Ok(services.search.tail(&request, &principal, sink)?)).await?;
    let next_beat = Instant::now() + shared.limits.pulse;
    let tailing = Tailing { shared, credentials, _permit: permit, events, missed, next_beat };
    Ok(lines::stepwise(tailing, Tailing::step))
}

impl Tailing {
    /// Waits for events and tells all that are there; an empty line now and then finds out who has gone.
    async fn step(mut self) -> Option<(Bytes, Tailing)> {
        let mut out = Vec::new();
        let stop = self.shared.stop.clone();
        tokio::select! {
            () = stop.cancelled() => return None,
            first = self.events.recv() => {
                push_line(&mut out, &first?);
                while out.len() < PIECE_BYTES
                    && let Ok(next) = self.events.try_recv()
                {
                    push_line(&mut out, &next);
                }
            }
            () = sleep_until(self.next_beat) => out.push(b'\n'),
        }
        match self.missed.swap(0, Ordering::Relaxed) {
            0 => {}
            missed => lines::push(&mut out, &serde_json::json!({ "longan.missed": missed })),
        }
        if Instant::now() >= self.next_beat {
            let principal = self.shared.identify(&self.credentials).ok()?;
            if !principal.may(Permission::SearchEvents) {
                return None;
            }
            self.next_beat = Instant::now() + self.shared.limits.pulse;
        }
        Some((out.into(), self))
    }
}

fn push_line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(line);
    out.push(b'\n');
}
