//! What callers do stands in the audit log, before they have their answer.

use serde_json::json;

use crate::model::RuleLevel;
use crate::server::Limits;
use crate::server::tests::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_everybody_does_is_written_down_and_only_auditors_read_it() {
    let world = World::new();
    world.raise(RuleLevel::High, &["10.0.0.1"]);
    assert_eq!(world.get("an", "/v1/search?q=user.name:%C4%91%20x&since=24h").await.status, 200);
    assert_eq!(world.get("an", "/v1/alerts").await.status, 200);
    let take = json!({"action": "take", "revision": world.services.alerts.revision()});
    assert_eq!(world.post("an", "/v1/alerts/1/actions", &take).await.status, 200);
    assert_eq!(world.get("an", "/v1/audit").await.status, 403);
    assert_eq!(world.get("kiem", "/v1/alerts/1").await.status, 200);
    let window = world.get("kiem", "/v1/audit?limit=100").await.json();
    let told: Vec<String> = window["entries"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            format!("{} {} {} {}", text("who"), text("role"), text("action"), text("detail"))
        })
        .collect();
    let taken = format!("an analyst alert POST /v1/alerts/1/actions {take}");
    assert_eq!(
        told,
        [
            "an analyst login ",
            "an analyst search GET /v1/search?q=user.name:đ x&since=24h",
            &taken,
            "  refused GET /v1/audit: `an` is analyst and may not do this",
            "kiem auditor login ",
            "kiem auditor view GET /v1/alerts/1",
            "kiem auditor audit GET /v1/audit?limit=100",
        ]
    );
    let some = world.get("chief", "/v1/audit?who=an&action=search&text=USER").await.json();
    assert_eq!(some["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.get("kiem", "/v1/audit?limit=0").await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_audit_log_nothing_is_answered_that_belongs_in_it() {
    let reason = "the audit log is not kept: it is damaged at byte 7";
    let world = World::with_audit(Limits::default(), |_| Err(reason.to_owned()));
    world.raise(RuleLevel::High, &["10.0.0.1"]);
    let take = json!({"action": "take", "revision": world.services.alerts.revision()});
    let refused = [
        world.get("an", "/v1/search?q=*").await,
        world.post("an", "/v1/alerts/1/actions", &take).await,
        world.get("kiem", "/v1/alerts/1").await,
        world.get("kiem", "/v1/audit").await,
    ];
    for answer in refused {
        assert_eq!(answer.status, 503, "{}", answer.body);
        let problem = answer.json();
        assert_eq!(problem["type"], "not_audited", "{problem}");
        let hint = problem["hint"].as_str().unwrap_or_default();
        assert!(hint.contains(reason) && hint.contains("longan verify"), "{problem}");
    }
    assert_eq!(world.get("an", "/v1/status").await.status, 200, "what is wrong can be seen");
    assert_eq!(world.get("an", "/v1/alerts").await.status, 200);
}
