//! Exporting evidence.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::auth::Principal;
use crate::server::access::Shared;
use crate::server::extract::Json;
use crate::server::problem::Refused;
use crate::wire::export::ExportRequest;

pub(in crate::server) async fn bundle(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<ExportRequest>,
) -> Result<impl IntoResponse, Refused> {
    let archive = shared.run(move |services| {
        let Some(export) = &services.export else {
            return Err(Refused::busy("the evidence is not kept; the server's log says why"));
        };
        Ok(export.export(&request, &principal)?)
    });
    Ok(([(header::CONTENT_TYPE, "application/x-tar"), (header::CACHE_CONTROL, "no-store")], archive.await?))
}
