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
use crate::server::handlers::records::audit;
use crate::server::handlers::records::evidence;
use crate::server::handlers::records::export;
use crate::server::handlers::records::retention;
use crate::server::handlers::rule_files;
use crate::server::handlers::rules;
use crate::server::handlers::saved;
use crate::server::handlers::search;
use crate::server::handlers::status;
use crate::server::handlers::triage::alerts;
use crate::server::handlers::triage::incidents;
use crate::server::handlers::triage::presence;
use crate::server::handlers::triage::reports;
use crate::server::handlers::triage::stream;
use crate::server::problem::Refused;

/// One route.
pub(super) struct Route {
    pub(super) path: &'static str,
    /// `None` for what anybody may ask.
    pub(super) needs: Option<Permission>,
    handler: MethodRouter<Arc<Shared>>,
}

/// Returns the whole table.
pub(super) fn table() -> Vec<Route> {
    use Permission::*;
    let route = |path, needs, handler| Route { path, needs, handler };
    vec![
        route("/healthz", None, get(status::healthz)),
        route("/metrics", Some(ReadMetrics), get(status::metrics)),
        route("/v1/whoami", Some(ReadStatus), get(status::whoami)),
        route("/v1/status", Some(ReadStatus), get(status::status)),
        route("/v1/sources", Some(ReadStatus), get(status::sources)),
        route("/v1/sources/actions", Some(Administer), post(status::act_on_source)),
        route("/v1/rules", Some(ReadStatus), get(rules::list)),
        route("/v1/rules/{id}", Some(ReadStatus), get(rules::detail)),
        route("/v1/rules/{id}/state", Some(Administer), post(rules::set_state)),
        route("/v1/rules/{id}/source", Some(ReadStatus), get(rule_files::source)),
        route("/v1/rules/source", Some(Administer), post(rule_files::save)),
        route("/v1/rules/check", Some(SearchEvents), post(rule_files::check)),
        route("/v1/rules/test", Some(SearchEvents), post(rule_files::test)),
        route("/v1/rules/states", Some(Administer), post(rule_files::set_states)),
        route("/v1/exceptions", Some(ReadStatus), get(rules::exceptions)),
        route("/v1/exceptions/new", Some(Triage), post(rules::except)),
        route("/v1/exceptions/preview", Some(SearchEvents), post(rules::preview)),
        route("/v1/exceptions/{id}/revoke", Some(Triage), post(rules::revoke)),
        route("/v1/rules/backtest", Some(SearchEvents), post(rules::backtest)),
        route("/v1/stream", Some(ReadAlerts), get(stream::changes)),
        route("/v1/alerts", Some(ReadAlerts), get(alerts::window)),
        route("/v1/alerts/{id}", Some(ReadAlerts), get(alerts::detail)),
        route("/v1/alerts/{id}/why", Some(ReadAlerts), get(alerts::why)),
        route("/v1/alerts/{id}/actions", Some(Triage), post(alerts::act)),
        route("/v1/alerts/actions", Some(Triage), post(alerts::act_on_many)),
        route("/v1/incidents", Some(ReadAlerts), get(incidents::window)),
        route("/v1/incidents/{id}", Some(ReadAlerts), get(incidents::detail)),
        route("/v1/incidents/{id}/actions", Some(Triage), post(incidents::act)),
        route("/v1/incidents/{id}/evidence", Some(SearchEvents), get(incidents::evidence)),
        route("/v1/incidents/{id}/report", Some(ReadAlerts), get(reports::incident)),
        route("/v1/presence", Some(Triage), post(presence::look)),
        route("/v1/reports/triage", Some(ReadAlerts), get(reports::triage)),
        route("/v1/handovers", Some(ReadAlerts), get(reports::handovers)),
        route("/v1/handovers/draft", Some(Triage), post(reports::draft_handover)),
        route("/v1/handovers/sign", Some(Triage), post(reports::sign_handover)),
        route("/v1/search", Some(SearchEvents), get(search::page)),
        route("/v1/search/table", Some(SearchEvents), get(search::table)),
        route("/v1/search/count", Some(SearchEvents), get(search::count)),
        route("/v1/search/histogram", Some(SearchEvents), get(search::histogram)),
        route("/v1/search/stream", Some(SearchEvents), get(search::stream)),
        route("/v1/search/tail", Some(SearchEvents), get(search::tail)),
        route("/v1/searches", Some(SearchEvents), get(saved::list)),
        route("/v1/searches/save", Some(SearchEvents), post(saved::save)),
        route("/v1/searches/delete", Some(SearchEvents), post(saved::delete)),
        route("/v1/export", Some(SearchEvents), post(export::bundle)),
        route("/v1/retention", Some(ReadStatus), get(retention::view)),
        route("/v1/retention/deleted", Some(ReadStatus), get(retention::deleted)),
        route("/v1/retention/holds", Some(ReadAudit), post(retention::hold)),
        route("/v1/retention/holds/{id}/lift", Some(Administer), post(retention::lift)),
        route("/v1/audit", Some(ReadAudit), get(audit::window)),
        route("/v1/audit/{id}", Some(ReadAudit), get(audit::entry)),
        route("/v1/evidence", Some(ReadAudit), get(evidence::state)),
        route("/v1/verify", Some(ReadAudit), post(evidence::verify)),
        route("/v1/verify/cancel", Some(ReadAudit), post(evidence::cancel)),
        route("/v1/events/{id}", Some(SearchEvents), get(search::event)),
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
