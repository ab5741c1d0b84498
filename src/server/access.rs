//! Who calls, whether they may, and the shared state that requests are answered from.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::alert::Actor;
use crate::auth::Permission;
use crate::auth::Principal;
use crate::server::Limits;
use crate::server::Services;
use crate::server::audit;
use crate::server::audit::Seen;
use crate::server::presence::Presence;
use crate::server::problem::Refused;
use crate::telemetry::Counter;

/// What all requests share.
pub(super) struct Shared {
    pub(super) services: Services,
    pub(super) limits: Limits,
    /// Cancelled when the server stops: streams end then.
    pub(super) stop: CancellationToken,
    workers: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    requests: Counter,
    refusals: Counter,
    pub(super) seen: Seen,
    pub(super) presence: Presence,
}

/// How a connection came in; put into every request of it.
#[derive(Debug, Clone)]
pub(super) enum Arrival {
    /// The local socket, with whom the kernel says it is; `None` for a user that is not let in.
    Local(Option<Principal>),
    Network,
}

/// What a stream asks again while it lives: the caller may have lost their token since.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    arrival: Option<Arrival>,
    bearer: Option<String>,
}

impl Shared {
    pub(super) fn new(services: Services, limits: Limits) -> Shared {
        Shared {
            workers: Arc::new(Semaphore::new(limits.workers_max)),
            streams: Arc::new(Semaphore::new(limits.streams_max)),
            requests: services.metrics.counter("longan_api_requests_total", &[]),
            refusals: services.metrics.counter("longan_api_unauthorized_total", &[]),
            seen: Seen::default(),
            presence: Presence::new(limits.lease),
            stop: CancellationToken::new(),
            services,
            limits,
        }
    }

    /// Runs work that blocks on a thread meant for it; waits while too much is going on already.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Shared>,
        work: impl FnOnce(&Services) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let permit = self.workers.clone().acquire_owned().await;
        let permit = permit.map_err(|_| Refused::busy("the server is stopping"))?;
        let shared = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Held by the thread, not by the request: a caller who goes away does not make room by it.
            let _permit = permit;
            work(&shared.services)
        });
        done.await.unwrap_or_else(|err| Err(Refused::internal(&err)))
    }

    /// Takes one of the streams that may be open at once.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit, Refused> {
        let permit = self.streams.clone().try_acquire_owned();
        permit.map_err(|_| Refused::busy(format!("{} streams are open already", self.limits.streams_max)))
    }

    /// Returns who the credentials belong to, at this moment. A token counts before the socket, so that a script
    /// run by an admin can act with less.
    pub(super) fn identify(&self, credentials: &Credentials) -> Result<Principal, Refused> {
        let unknown = |detail: &str| Refused::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail);
        if let Some(bearer) = &credentials.bearer {
            // One `stat` of a small local file: not worth a thread.
            let checked = self.services.tokens.check(bearer, self.services.clock.now());
            return match checked {
                Ok(Some(principal)) => Ok(principal),
                Ok(None) => Err(unknown("the token is not known, or its time is over")),
                Err(err) => Err(Refused::internal(&err)),
            };
        }
        match &credentials.arrival {
            Some(Arrival::Local(Some(principal))) => Ok(principal.clone()),
            Some(Arrival::Local(None)) => {
                Err(Refused::new(StatusCode::FORBIDDEN, "forbidden", "this user of the system is not let in")
                    .hint("an admin can give the user a role in the configuration"))
            }
            Some(Arrival::Network) | None => Err(unknown("a token is needed")),
        }
    }
}

impl Credentials {
    fn of(request: &Request) -> Credentials {
        Credentials { arrival: request.extensions().get().cloned(), bearer: bearer(request.headers()) }
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?;
    // A header that is no bearer token is a token nobody has, not no token: it must not fall back to the socket.
    let text = value.to_str().unwrap_or_default();
    let token = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer ")).map(|_| text[7..].trim());
    Some(token.unwrap_or_default().to_owned())
}

/// Returns the actor a principal is to the stores.
pub(super) fn actor(principal: &Principal) -> Actor {
    Actor { name: principal.name.clone(), may_override: principal.may(Permission::Administer) }
}

/// What stands before every route: who calls, whether they may, and how long it may take.
pub(super) async fn guard(
    State((shared, needs)): State<(Arc<Shared>, Option<Permission>)>,
    mut request: Request,
    next: Next,
) -> Response {
    shared.requests.increment();
    if let Some(needs) = needs {
        let credentials = Credentials::of(&request);
        match shared.identify(&credentials).and_then(|principal| permitted(principal, needs)) {
            Ok(principal) => {
                let noted = timeout(shared.limits.answer_timeout, audit::note(&shared, &principal, request)).await;
                request = match noted.unwrap_or_else(|_| Err(Refused::busy("the answer took too long"))) {
                    Ok(request) => request,
                    Err(refused) => return refused.into_response(),
                };
                request.extensions_mut().insert(principal);
                request.extensions_mut().insert(credentials);
            }
            Err(refused) => {
                shared.refusals.increment();
                let asked = format!("{} {}", request.method(), request.uri().path());
                drop(request);
                audit::note_refused(&shared, asked, &refused).await;
                return refused.into_response();
            }
        }
    }
    match timeout(shared.limits.answer_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refused::busy("the answer took too long").into_response(),
    }
}

fn permitted(principal: Principal, needs: Permission) -> Result<Principal, Refused> {
    if principal.may(needs) {
        return Ok(principal);
    }
    let detail = format!("`{}` is {} and may not do this", principal.name, principal.role);
    Err(Refused::new(StatusCode::FORBIDDEN, "forbidden", detail))
}
