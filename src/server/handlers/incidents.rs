//! The list of incidents, one incident, and what is done to it.

use std::sync::Arc;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;

use crate::auth::Principal;
use crate::incident::IncidentId;
use crate::server::access::Shared;
use crate::server::access::actor;
use crate::server::convert::incidents as convert;
use crate::server::extract::Id;
use crate::server::extract::Json;
use crate::server::extract::Params;
use crate::server::problem::Refused;
use crate::wire::incident::IncidentAction;
use crate::wire::incident::IncidentDetail;
use crate::wire::incident::IncidentFilter;
use crate::wire::incident::IncidentRow;
use crate::wire::incident::IncidentWindow;

const ROWS_DEFAULT: u32 = 200;

pub(in crate::server) async fn window(
    State(shared): State<Arc<Shared>>,
    Params(filter): Params<IncidentFilter>,
) -> Result<Answer<IncidentWindow>, Refused> {
    let is_open_only = match filter.status.as_deref() {
        Some("open") => true,
        None | Some("" | "all") => false,
        Some(other) => return Err(Refused::invalid(format!("unknown status `{other}`")).hint("`open` or `all`")),
    };
    let limit = filter.limit.unwrap_or(ROWS_DEFAULT);
    let window = shared.run(move |services| Ok(services.incidents.window(is_open_only, filter.offset, limit)?));
    Ok(Answer(convert::incident_window(window.await?)))
}

pub(in crate::server) async fn detail(
    State(shared): State<Arc<Shared>>,
    Id(id): Id<IncidentId>,
) -> Result<Answer<IncidentDetail>, Refused> {
    let detail = shared.run(move |services| Ok(services.incidents.detail(id)?)).await?;
    Ok(Answer(convert::incident_detail(detail)))
}

pub(in crate::server) async fn act(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id<IncidentId>,
    Json(action): Json<IncidentAction>,
) -> Result<Answer<IncidentRow>, Refused> {
    let who = actor(&principal);
    let action = convert::action(action, shared.services.clock.now())?;
    let row = shared.run(move |services| Ok(services.incidents.act(id, &action, &who)?)).await?;
    Ok(Answer(convert::incident_row(row)))
}
