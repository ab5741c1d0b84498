//! Who is let in and may do what: every route, every role.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use hyper::Method;
use serde_json::json;
use tower::ServiceExt as _;

use crate::auth::Permission;
use crate::auth::Permission::*;
use crate::auth::Principal;
use crate::auth::Role;
use crate::auth::Via;
use crate::model::RuleLevel;
use crate::server::Limits;
use crate::server::access::Arrival;
use crate::server::access::Shared;
use crate::server::routes;
use crate::server::tests::world::TOKEN_LIFETIME;
use crate::server::tests::world::World;
use crate::server::tests::world::until;

/// Every route with the permission it must need, written down a second time on purpose: a route that is added or
/// changed must be decided upon here as well.
const EXPECTED: &[(&str, &str, Option<Permission>)] = &[
    ("GET", "/healthz", None),
    ("GET", "/metrics", Some(ReadMetrics)),
    ("GET", "/v1/whoami", Some(ReadStatus)),
    ("GET", "/v1/status", Some(ReadStatus)),
    ("GET", "/v1/sources", Some(ReadStatus)),
    ("POST", "/v1/sources/actions", Some(Administer)),
    ("GET", "/v1/rules", Some(ReadStatus)),
    ("GET", "/v1/rules/{id}", Some(ReadStatus)),
    ("POST", "/v1/rules/{id}/state", Some(Administer)),
    ("GET", "/v1/rules/{id}/source", Some(ReadStatus)),
    ("POST", "/v1/rules/source", Some(Administer)),
    ("POST", "/v1/rules/check", Some(SearchEvents)),
    ("POST", "/v1/rules/test", Some(SearchEvents)),
    ("POST", "/v1/rules/states", Some(Administer)),
    ("GET", "/v1/exceptions", Some(ReadStatus)),
    ("POST", "/v1/exceptions/new", Some(Triage)),
    ("POST", "/v1/exceptions/preview", Some(SearchEvents)),
    ("POST", "/v1/exceptions/{id}/revoke", Some(Triage)),
    ("POST", "/v1/rules/backtest", Some(SearchEvents)),
    ("GET", "/v1/stream", Some(ReadAlerts)),
    ("GET", "/v1/alerts", Some(ReadAlerts)),
    ("GET", "/v1/alerts/{id}", Some(ReadAlerts)),
    ("GET", "/v1/alerts/{id}/why", Some(ReadAlerts)),
    ("POST", "/v1/alerts/{id}/actions", Some(Triage)),
    ("POST", "/v1/alerts/actions", Some(Triage)),
    ("GET", "/v1/incidents", Some(ReadAlerts)),
    ("GET", "/v1/incidents/{id}", Some(ReadAlerts)),
    ("POST", "/v1/incidents/{id}/actions", Some(Triage)),
    ("GET", "/v1/incidents/{id}/evidence", Some(SearchEvents)),
    ("GET", "/v1/incidents/{id}/report", Some(ReadAlerts)),
    ("POST", "/v1/presence", Some(Triage)),
    ("GET", "/v1/reports/triage", Some(ReadAlerts)),
    ("GET", "/v1/handovers", Some(ReadAlerts)),
    ("POST", "/v1/handovers/draft", Some(Triage)),
    ("POST", "/v1/handovers/sign", Some(Triage)),
    ("GET", "/v1/search", Some(SearchEvents)),
    ("GET", "/v1/search/count", Some(SearchEvents)),
    ("GET", "/v1/search/histogram", Some(SearchEvents)),
    ("GET", "/v1/search/stream", Some(SearchEvents)),
    ("GET", "/v1/search/table", Some(SearchEvents)),
    ("GET", "/v1/search/tail", Some(SearchEvents)),
    ("GET", "/v1/searches", Some(SearchEvents)),
    ("POST", "/v1/searches/save", Some(SearchEvents)),
    ("POST", "/v1/searches/delete", Some(SearchEvents)),
    ("POST", "/v1/export", Some(SearchEvents)),
    ("GET", "/v1/retention", Some(ReadStatus)),
    ("GET", "/v1/retention/deleted", Some(ReadStatus)),
    ("POST", "/v1/retention/holds", Some(ReadAudit)),
    ("POST", "/v1/retention/holds/{id}/lift", Some(Administer)),
    ("GET", "/v1/audit", Some(ReadAudit)),
    ("GET", "/v1/audit/{id}", Some(ReadAudit)),
    ("GET", "/v1/evidence", Some(ReadAudit)),
    ("POST", "/v1/verify", Some(ReadAudit)),
    ("POST", "/v1/verify/cancel", Some(ReadAudit)),
    ("GET", "/v1/events/{id}", Some(SearchEvents)),
];

#[test]
fn every_route_has_its_entry() {
    let expected: BTreeSet<String> = EXPECTED.iter().map(|(_, path, needs)| format!("{path} {needs:?}")).collect();
    let there: BTreeSet<String> =
        routes::table().iter().map(|route| format!("{} {:?}", route.path, route.needs)).collect();
    assert_eq!(there, expected);
    let manual = include_str!("../../../docs/api.md");
    for &(method, path, _) in EXPECTED {
        assert!(manual.contains(&format!("{method} {path}")), "docs/api.md does not tell of {method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_do_what_the_table_says_and_nothing_else() {
    let world = World::new();
    world.raise(RuleLevel::Low, &["10.0.0.1"]);
    for &(method, path, needs) in EXPECTED {
        for (who, role) in [("an", Role::Analyst), ("chief", Role::Admin), ("kiem", Role::Auditor)] {
            let principal = Principal { name: who.to_owned(), role, via: Via::Token };
            let may = needs.is_none_or(|needs| principal.may(needs));
            let target = path.replace("{id}", "1");
            let method: Method = method.parse().unwrap();
            let status = world.send(who, method, &target, "{}").await.status().as_u16();
            assert_eq!(status == 403, !may, "{who} {path}: {status}");
            assert!(!(500..600).contains(&status), "{who} {path}: {status}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_caller_gets_nothing_but_a_heartbeat() {
    let world = World::new();
    let shared = Arc::new(Shared::new(world.services.clone(), Limits::default()));
    let router = routes::router(&shared);
    let wrong = format!("Bearer {}", world.token("an").replace("lgn_", "lgn-"));
    let admin = Principal { name: "root".to_owned(), role: Role::Admin, via: Via::LocalSocket };
    let cases = [
        (Some(Arrival::Local(None)), None, 403),
        (Some(Arrival::Network), None, 401),
        (None, None, 401),
        (Some(Arrival::Network), Some(wrong.as_str()), 401),
        (Some(Arrival::Network), Some("Basic YW46eA=="), 401),
        (Some(Arrival::Network), Some("Bearer "), 401),
        // A wrong token does not fall back to whom the socket says.
        (Some(Arrival::Local(Some(admin))), Some(wrong.as_str()), 401),
    ];
    for (arrival, header, expected) in cases {
        for &(method, path, needs) in EXPECTED {
            let mut request = Request::builder().method(method).uri(path.replace("{id}", "1"));
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let mut request = request.body(Body::empty()).unwrap();
            if let Some(arrival) = arrival.clone() {
                request.extensions_mut().insert(arrival);
            }
            let response = router.clone().oneshot(request).await.unwrap();
            let expected = if needs.is_some() { expected } else { 200 };
            assert_eq!(response.status().as_u16(), expected, "{arrival:?} {header:?} {path}");
            if expected == 401 {
                assert_eq!(response.headers()["www-authenticate"], "Bearer");
            }
        }
    }
    assert!(world.services.metrics.render().contains("longan_api_unauthorized_total"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_says_who_calls_and_a_token_says_it_better() {
    let world = World::new();
    let local = world.get("", "/v1/whoami").await.json();
    assert_eq!((local["role"].as_str(), local["may_administer"].as_bool()), (Some("admin"), Some(true)));
    let auditor = world.get("kiem", "/v1/whoami").await.json();
    assert_eq!(
        auditor,
        json!({"name": "kiem", "role": "auditor", "may_triage": false, "may_administer": false, "zone_offset_seconds": 25200}),
        "a token counts before the socket"
    );
    let refused = world.act("kiem", 1, json!({"action": "take"})).await;
    assert_eq!((refused.status, refused.json()["type"].as_str()), (403, Some("forbidden")));
    assert_eq!(refused.head["content-type"], "application/problem+json");
    assert!(refused.json()["detail"].as_str().unwrap().contains("kiem"), "{}", refused.body);
    assert_eq!(world.get("", "/metrics").await.status, 200);
    assert_eq!(world.get("kiem", "/metrics").await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_or_is_taken_back_ends_its_streams() {
    let limits = Limits { pulse: std::time::Duration::from_millis(20), ..Limits::default() };
    let world = World::with(limits);
    let mut stream = world.lines("an", "/v1/stream").await;
    let mut tail = world.lines("ha", "/v1/search/tail").await;
    stream.next_of("pulse").await;
    world.services.tokens.revoke("an").unwrap();
    while stream.next().await.is_some() {}
    assert_eq!(world.get("an", "/v1/whoami").await.status, 401);
    assert_eq!(world.get("ha", "/v1/whoami").await.status, 200);
    world.clock.set(world.services.clock.now().plus(TOKEN_LIFETIME));
    assert!(tail.next().await.is_none());
    let tails = || world.search.tails.lock().unwrap().iter().all(|sink| !sink.is_open());
    until("the pipeline learns that nobody listens", tails).await;
}
