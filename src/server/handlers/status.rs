//! How the server is doing, and who the caller is.

use std::sync::Arc;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::auth::Permission;
use crate::auth::Principal;
use crate::server::access::Shared;
use crate::server::extract::Json;
use crate::server::handlers::triage::alerts::open_alerts;
use crate::server::problem::Refused;
use crate::wire::source::SourceCommand;
use crate::wire::source::SourceList;
use crate::wire::source::SourceRow;
use crate::wire::status::Status;
use crate::wire::status::Whoami;

/// Says that requests are answered, and nothing else: anybody may ask.
pub(in crate::server) async fn healthz() -> &'static str {
    "ok\n"
}

pub(in crate::server) async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let text = shared.services.metrics.render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

pub(in crate::server) async fn whoami(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
) -> Answer<Whoami> {
    Answer(Whoami {
        zone_offset_seconds: Some(shared.services.incidents.forms().zone_offset_seconds()),
        role: principal.role.as_str().to_owned(),
        may_triage: principal.may(Permission::Triage),
        may_administer: principal.may(Permission::Administer),
        name: principal.name,
    })
}

pub(in crate::server) async fn status(State(shared): State<Arc<Shared>>) -> Result<Answer<Status>, Refused> {
    let status = shared.run(|services| {
        let (open_alerts, alerts_by_level) = open_alerts(services)?;
        Ok(Status { open_alerts, alerts_by_level, ..services.status.status() })
    });
    Ok(Answer(status.await?))
}

pub(in crate::server) async fn sources(State(shared): State<Arc<Shared>>) -> Result<Answer<SourceList>, Refused> {
    Ok(Answer(shared.run(|services| Ok(services.status.sources())).await?))
}

pub(in crate::server) async fn act_on_source(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(command): Json<SourceCommand>,
) -> Result<Answer<SourceRow>, Refused> {
    let row = shared.run(move |services| Ok(services.status.act_on_source(&command, &principal)?));
    Ok(Answer(row.await?))
}
