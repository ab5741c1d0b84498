//! The table of routes: path, permission, handler. There is no other way to add one.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::routing::MethodRouter;
use axum::routing::get;
use axum::routing::post;

use crate::auth::Permission;
use crate::server::access::Shared;
use crate::server::access::guard;
use crate::server::handlers::alerts;
use crate::server::handlers::incidents;
use crate::server::handlers::search;
use crate::server::handlers::status;
use crate::server::handlers::stream;
use crate::server::problem::Refused;

/// One route.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// `None` for what anybody may ask.
    pub(super) needs: Option<Permission>,
    handler: MethodRouter<Arc<Shared>>,
}

/// Returns the whole table.
pub(super) fn table() -> Vec<Route> {
    use Permission::*;
    let read = |path, needs, handler| Route { method: "GET", path, needs, handler };
    let act = |path, needs, handler| Route { method: "POST", path, needs, handler };
    vec![
        read("/healthz", None, get(status::healthz)),
        read("/metrics", Some(ReadMetrics), get(status::metrics)),
        read("/v1/whoami", Some(ReadStatus), get(status::whoami)),
        read("/v1/status", Some(ReadStatus), get(status::status)),
        read("/v1/sources", Some(ReadStatus), get(status::sources)),
        read("/v1/rules", Some(ReadStatus), get(status::rules)),
        read("/v1/stream", Some(ReadAlerts), get(stream::changes)),
        read("/v1/alerts", Some(ReadAlerts), get(alerts::window)),
        read("/v1/alerts/{id}", Some(ReadAlerts), get(alerts::detail)),
        act("/v1/alerts/{id}/actions", Some(Triage), post(alerts::act)),
        act("/v1/alerts/actions", Some(Triage), post(alerts::act_on_many)),
        read("/v1/incidents", Some(ReadAlerts), get(incidents::window)),
        read("/v1/incidents/{id}", Some(ReadAlerts), get(incidents::detail)),
        act("/v1/incidents/{id}/actions", Some(Triage), post(incidents::act)),
        read("/v1/search", Some(SearchEvents), get(search::page)),
        read("/v1/search/count", Some(SearchEvents), get(search::count)),
        read("/v1/search/histogram", Some(SearchEvents), get(search::histogram)),
        read("/v1/search/stream", Some(SearchEvents), get(search::stream)),
        read("/v1/search/tail", Some(SearchEvents), get(search::tail)),
        read("/v1/events/{id}", Some(SearchEvents), get(search::event)),
    ]
}

/// Builds the router; every handler stands behind the guard with its own permission.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for route in table() {
        let guarded = route.handler.route_layer(from_fn_with_state((shared.clone(), route.needs), guard));
        router = router.route(route.path, guarded);
    }
    router
        .fallback(async |uri: Uri| Refused::not_found(format!("no such path `{}`", uri.path())))
        .method_not_allowed_fallback(async || {
            Refused::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path takes another method")
        })
        .with_state(shared.clone())
}
