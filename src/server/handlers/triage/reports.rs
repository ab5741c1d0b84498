//! Figures of a period, reports of incidents, and handovers.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::response::Response;

use crate::auth::Principal;
use crate::incident::IncidentId;
use crate::incident::forms::html;
use crate::incident::handover::HandoverError;
use crate::incident::report::closing_report;
use crate::query::time::parse_bound;
use crate::server::access::Shared;
use crate::server::access::actor;
use crate::server::convert::reports as convert;
use crate::server::extract::Id;
use crate::server::extract::Json;
use crate::server::extract::Params;
use crate::server::problem::Refused;
use crate::wire::report::DraftRequest;
use crate::wire::report::Handover;
use crate::wire::report::HandoverDraft;
use crate::wire::report::HandoverFilter;
use crate::wire::report::HandoverList;
use crate::wire::report::Period;
use crate::wire::report::ReportRequest;
use crate::wire::report::TriageReport;

/// The period of figures nobody named one for.
const PERIOD: Duration = Duration::from_secs(7 * 24 * 3600);
const HANDOVERS_DEFAULT: u32 = 50;

pub(in crate::server) async fn triage(
    State(shared): State<Arc<Shared>>,
    Params(period): Params<Period>,
) -> Result<Answer<TriageReport>, Refused> {
    let now = shared.services.clock.now();
    let bound = |text: Option<&str>, default| match text.filter(|text| !text.is_empty()) {
        None => Ok(default),
        Some(text) => parse_bound(text, now).ok_or_else(|| {
            Refused::invalid(format!("`{text}` is no time")).hint("`24h`, `2026-01-31` or `2026-01-31T07:00+07:00`")
        }),
    };
    let since = bound(period.since.as_deref(), now.minus(PERIOD))?;
    // What came up this very moment belongs to the period.
    let until = bound(period.until.as_deref(), now.plus(Duration::from_nanos(1)))?;
    let figures = shared.run(move |services| Ok(services.alerts.figures(since, until)?)).await?;
    Ok(Answer(convert::triage_report(figures)))
}

pub(in crate::server) async fn incident(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id<IncidentId>,
    Params(wanted): Params<ReportRequest>,
) -> Result<Response, Refused> {
    let language = convert::language(wanted.language.as_deref())?;
    let is_html = match wanted.form.as_deref() {
        None | Some("" | "markdown") => false,
        Some("html") => true,
        Some(other) => return Err(Refused::invalid(format!("unknown form `{other}`")).hint("`markdown` or `html`")),
    };
    let text = shared.run(move |services| {
        let detail = services.incidents.detail(id)?;
        let forms = services.incidents.forms();
        let made = closing_report(&detail, forms, language, &principal.name, services.clock.now());
        made.map_err(|err| Refused::from(HandoverError::from(err)))
    });
    let text = text.await?;
    Ok(if is_html {
        ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html(&id.to_string(), &text)).into_response()
    } else {
        ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response()
    })
}

pub(in crate::server) async fn handovers(
    State(shared): State<Arc<Shared>>,
    Params(filter): Params<HandoverFilter>,
) -> Result<Answer<HandoverList>, Refused> {
    let limit = filter.limit.unwrap_or(HANDOVERS_DEFAULT);
    let list = shared.run(move |services| Ok(services.incidents.handovers(filter.offset, limit)?)).await?;
    Ok(Answer(HandoverList { handovers: list.into_iter().map(convert::handover).collect() }))
}

pub(in crate::server) async fn draft_handover(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(wanted): Json<DraftRequest>,
) -> Result<Answer<HandoverDraft>, Refused> {
    let language = convert::language(wanted.language.as_deref())?;
    let draft = shared.run(move |services| {
        let sources = services.status.sources().sources;
        let silent: Vec<String> =
            sources.into_iter().filter(|source| source.is_silent).map(|source| source.name).collect();
        let (forms, note) = (services.incidents.forms(), wanted.note.as_deref());
        Ok(services.incidents.draft_handover(forms, language, note, &silent, &principal.name)?)
    });
    Ok(Answer(convert::draft_out(draft.await?)))
}

pub(in crate::server) async fn sign_handover(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(draft): Json<HandoverDraft>,
) -> Result<Answer<Handover>, Refused> {
    let draft = convert::draft_in(draft)?;
    let who = actor(&principal);
    let signed = shared.run(move |services| Ok(services.incidents.sign_handover(&draft, &who)?)).await?;
    Ok(Answer(convert::handover(signed)))
}
