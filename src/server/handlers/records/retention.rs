//! How long events are kept, and holding what must not be deleted.

use std::sync::Arc;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;

use crate::auth::Principal;
use crate::server::access::Shared;
use crate::server::extract::Id;
use crate::server::extract::Json;
use crate::server::extract::Params;
use crate::server::problem::Refused;
use crate::server::services::RetentionService;
use crate::server::services::Services;
use crate::wire::retention::DeletedList;
use crate::wire::retention::DeletedRequest;
use crate::wire::retention::HoldRequest;
use crate::wire::retention::HoldRow;
use crate::wire::retention::LiftRequest;
use crate::wire::retention::RetentionView;

const WINDOW: u32 = 200;
const WINDOW_MAX: u32 = 10_000;

fn service(services: &Services) -> Result<&dyn RetentionService, Refused> {
    services.retention.as_deref().ok_or_else(|| Refused::not_found("this server keeps no events"))
}

pub(in crate::server) async fn view(State(shared): State<Arc<Shared>>) -> Result<Answer<RetentionView>, Refused> {
    Ok(Answer(shared.run(|services| Ok(service(services)?.view())).await?))
}

pub(in crate::server) async fn deleted(
    State(shared): State<Arc<Shared>>,
    Params(request): Params<DeletedRequest>,
) -> Result<Answer<DeletedList>, Refused> {
    let limit = request.limit.unwrap_or(WINDOW);
    if !(1..=WINDOW_MAX).contains(&limit) {
        return Err(Refused::invalid(format!("a list holds 1 to {WINDOW_MAX} partitions")));
    }
    Ok(Answer(shared.run(move |services| Ok(service(services)?.deleted(limit as usize))).await?))
}

pub(in crate::server) async fn hold(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<HoldRequest>,
) -> Result<Answer<HoldRow>, Refused> {
    Ok(Answer(shared.run(move |services| Ok(service(services)?.hold(&request, &principal)?)).await?))
}

pub(in crate::server) async fn lift(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Id(number): Id<u64>,
    Json(request): Json<LiftRequest>,
) -> Result<Answer<HoldRow>, Refused> {
    Ok(Answer(shared.run(move |services| Ok(service(services)?.lift(number, &request, &principal)?)).await?))
}
