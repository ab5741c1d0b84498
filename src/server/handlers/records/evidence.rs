//! The state of the evidence, and checking everything stored on demand.

use std::sync::Arc;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;

use crate::auth::Principal;
use crate::server::access::Shared;
use crate::server::problem::Refused;
use crate::server::services::EvidenceService;
use crate::wire::evidence::EvidenceState;
use crate::wire::evidence::Verification;

pub(in crate::server) async fn state(State(shared): State<Arc<Shared>>) -> Result<Answer<EvidenceState>, Refused> {
    Ok(Answer(shared.run(|services| Ok(service(services)?.state())).await?))
}

pub(in crate::server) async fn verify(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
) -> Result<Answer<Verification>, Refused> {
    let started = shared.run(move |services| Ok(service(services)?.verify(&principal)?));
    Ok(Answer(started.await?))
}

pub(in crate::server) async fn cancel(State(shared): State<Arc<Shared>>) -> Result<Answer<Verification>, Refused> {
    Ok(Answer(shared.run(|services| Ok(service(services)?.cancel()?)).await?))
}

fn service(services: &crate::server::Services) -> Result<&Arc<dyn EvidenceService>, Refused> {
    services.evidence.as_ref().ok_or_else(|| Refused::busy("no evidence is kept here"))
}
