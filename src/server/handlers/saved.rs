//! Saved searches: each caller's own, and what others share.

use std::sync::Arc;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;

use crate::auth::Permission;
use crate::auth::Principal;
use crate::query;
use crate::server::access::Shared;
use crate::server::extract::Json;
use crate::server::problem::Refused;
use crate::server::saved::SavedError;
use crate::wire::saved::DeleteRequest;
use crate::wire::saved::SaveRequest;
use crate::wire::saved::SavedList;
use crate::wire::saved::SavedSearch;

const QUERY_BYTES_MAX: usize = 16 * 1024;
const TIME_BYTES_MAX: usize = 64;

pub(in crate::server) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
) -> Answer<SavedList> {
    Answer(SavedList { searches: shared.services.searches.seen_by(&principal.name) })
}

pub(in crate::server) async fn save(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<SaveRequest>,
) -> Result<Answer<SavedSearch>, Refused> {
    let SaveRequest { name, shared: is_shared, q, since, until } = request;
    let now = shared.services.clock.now();
    let is_long = |time: &Option<String>| time.as_ref().is_some_and(|time| time.len() > TIME_BYTES_MAX);
    if q.len() > QUERY_BYTES_MAX || is_long(&since) || is_long(&until) {
        return Err(Refused::too_large(format!("a query holds {QUERY_BYTES_MAX} bytes at most")));
    }
    // What cannot be run later is told now.
    if let Err(err) = query::parse_search(&q, now) {
        let mut refused = Refused::new(StatusCode::BAD_REQUEST, "query_invalid", err.to_string());
        refused.0.column = u32::try_from(err.column).ok();
        refused.0.hint = err.hint;
        return Err(refused);
    }
    let search =
        SavedSearch { name, owner: principal.name, shared: is_shared, q, since, until, saved: now.to_string() };
    let saved = shared.run(move |services| {
        services.searches.save(search.clone()).map_err(refused)?;
        Ok(search)
    });
    Ok(Answer(saved.await?))
}

pub(in crate::server) async fn delete(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<DeleteRequest>,
) -> Result<Answer<SavedList>, Refused> {
    let owner = request.owner.unwrap_or_else(|| principal.name.clone());
    if owner != principal.name && !principal.may(Permission::Administer) {
        let detail = format!("`{}` may delete only their own", principal.name);
        return Err(Refused::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    let rest = shared.run(move |services| {
        services.searches.delete(&owner, &request.name).map_err(refused)?;
        Ok(services.searches.seen_by(&principal.name))
    });
    Ok(Answer(SavedList { searches: rest.await? }))
}

fn refused(err: SavedError) -> Refused {
    match err {
        SavedError::BadName | SavedError::Full(_) => Refused::invalid(err.to_string()),
        SavedError::Unknown(_) => Refused::not_found(err.to_string()),
        SavedError::Io { .. } => Refused::internal(&err),
    }
}
