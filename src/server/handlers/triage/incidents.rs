//! The list of incidents, one incident, and what is done to it.

use std::sync::Arc;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use sha2::Digest as _;
use sha2::Sha256;

use crate::auth::Principal;
use crate::incident::IncidentAction;
use crate::incident::IncidentId;
use crate::incident::NewEvidence;
use crate::server::Services;
use crate::server::access::Shared;
use crate::server::access::actor;
use crate::server::convert::incidents as convert;
use crate::server::convert::incidents::Asked;
use crate::server::extract::Id;
use crate::server::extract::Json;
use crate::server::extract::Params;
use crate::server::problem::Refused;
use crate::wire::export::ExportRequest;
use crate::wire::incident as wire;
use crate::wire::incident::EvidenceRequest;
use crate::wire::incident::IncidentDetail;
use crate::wire::incident::IncidentFilter;
use crate::wire::incident::IncidentRow;
use crate::wire::incident::IncidentWindow;
use crate::wire::search::SearchRequest;

const ROWS_DEFAULT: u32 = 200;
/// Events in a bundle that is kept with an incident.
const EVENTS_ATTACHED_MAX: u64 = 10_000;

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
    let detail = shared.run(move |services| {
        let detail = services.incidents.detail(id)?;
        Ok(convert::incident_detail(detail, services.alerts.sla()))
    });
    Ok(Answer(detail.await?))
}

pub(in crate::server) async fn act(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id<IncidentId>,
    Json(action): Json<wire::IncidentAction>,
) -> Result<Answer<IncidentRow>, Refused> {
    let who = actor(&principal);
    let asked = convert::action(action, shared.services.clock.now())?;
    let row = shared.run(move |services| {
        let action = match asked {
            Asked::Action(action) => action,
            Asked::Attach { export, note } => {
                // Who asks for an incident that is not there need not have a bundle made.
                services.incidents.row(id)?;
                IncidentAction::Attach(evidence_of(services, export, note, &principal)?)
            }
        };
        Ok(services.incidents.act(id, &action, &who)?)
    });
    Ok(Answer(convert::incident_row(row.await?)))
}

/// Has what a search finds exported with its proofs.
fn evidence_of(
    services: &Services,
    export: ExportRequest,
    note: Option<String>,
    caller: &Principal,
) -> Result<NewEvidence, Refused> {
    if export.q.trim().is_empty() {
        return Err(Refused::invalid("`q` is empty").hint("say which events: `longan.id:90412`"));
    }
    let search = SearchRequest {
        q: export.q.clone(),
        since: export.since.clone(),
        until: export.until.clone(),
        ..SearchRequest::default()
    };
    let events = services.search.count(&search, caller)?.count;
    if events == 0 {
        return Err(Refused::not_found("the search finds no event"));
    }
    if events > EVENTS_ATTACHED_MAX {
        let hint = "export them as a bundle, and note its digest down in the incident";
        let text = format!("{events} events are more than the {EVENTS_ATTACHED_MAX} that can be attached at once");
        return Err(Refused::too_large(text).hint(hint));
    }
    let exporter = services.export.as_ref();
    let exporter = exporter.ok_or_else(|| Refused::busy("the evidence is not kept; the server's log says why"))?;
    let bundle = exporter.export(&export, caller)?;
    let digest = Sha256::digest(&bundle).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(NewEvidence { query: export.q, note, events, digest, bundle })
}

pub(in crate::server) async fn evidence(
    State(shared): State<Arc<Shared>>,
    Id(id): Id<IncidentId>,
    Params(wanted): Params<EvidenceRequest>,
) -> Result<impl IntoResponse, Refused> {
    let bundle = shared.run(move |services| {
        let bundle = services.incidents.bundle(id, wanted.place)?;
        bundle.ok_or_else(|| Refused::not_found(format!("{id} has no evidence {}", wanted.place)))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-tar"), (header::CACHE_CONTROL, "no-store")], bundle.await?))
}
