//! Rules over the API: states, exceptions, backtests, and who may do what.

use serde_json::json;

use crate::server::tests::world::World;

fn exception(reason: &str) -> serde_json::Value {
    let condition = json!({"field": "source.ip", "comparison": "cidr", "value": "10.0.0.0/8"});
    json!({"rule": "r", "conditions": [condition], "reason": reason})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exception_is_tried_put_in_force_listed_and_revoked() {
    let world = World::new();
    let preview = world.post("an", "/v1/exceptions/preview", &exception("")).await;
    assert_eq!((preview.status, preview.json()["hidden"].as_u64()), (200, Some(41)));
    assert_eq!(world.post("an", "/v1/exceptions/new", &exception(" ")).await.status, 400);
    assert_eq!(world.post("kiem", "/v1/exceptions/new", &exception("x")).await.status, 403);
    let made = world.post("an", "/v1/exceptions/new", &exception("the backup")).await;
    assert_eq!((made.status, made.json()["id"].as_u64(), made.json()["author"].as_str()), (200, Some(1), Some("an")));
    let list = world.get("kiem", "/v1/exceptions?rule=r").await.json();
    assert_eq!(list["exceptions"][0]["is_in_force"], true);
    assert_eq!(world.get("an", "/v1/exceptions?rule=s").await.json()["exceptions"], json!([]));
    assert_eq!(world.get("an", "/v1/rules").await.json()["rules"][0]["exceptions"], 1);
    let revoked = world.post("an", "/v1/exceptions/EXC-1/revoke", &json!({"reason": "over"})).await;
    assert_eq!((revoked.status, revoked.json()["is_in_force"].as_bool()), (200, Some(false)));
    assert_eq!(world.post("an", "/v1/exceptions/1/revoke", &json!({"reason": "again"})).await.status, 400);
    assert_eq!(world.post("an", "/v1/exceptions/9/revoke", &json!({"reason": "x"})).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_exception_is_refused() {
    let world = World::new();
    for (body, status) in [
        (json!({"rule": "r", "reason": "x"}), 400),
        (json!({"rule": "r", "reason": "x", "conditions": [{"field": "a", "comparison": "like", "value": "b"}]}), 400),
        (
            json!({"rule": "r", "reason": "x", "lasts": "soon", "conditions": [{"field": "a", "comparison": "is", "value": "b"}]}),
            400,
        ),
        (json!({"rule": "s", "reason": "x", "conditions": [{"field": "a", "comparison": "is", "value": "b"}]}), 404),
    ] {
        assert_eq!(world.post("an", "/v1/exceptions/new", &body).await.status, status, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_changes_a_rules_state_and_it_is_remembered() {
    let world = World::new();
    let shadow = json!({"state": "shadow", "reason": "too loud"});
    assert_eq!(world.post("an", "/v1/rules/r/state", &shadow).await.status, 403);
    let changed = world.post("chief", "/v1/rules/r/state", &shadow).await;
    assert_eq!((changed.status, changed.json()["state"].as_str()), (200, Some("shadow")));
    assert_eq!(world.post("chief", "/v1/rules/r/state", &json!({"state": "off", "reason": "x"})).await.status, 400);
    assert_eq!(world.post("chief", "/v1/rules/s/state", &shadow).await.status, 404);
    let detail = world.get("kiem", "/v1/rules/r").await.json();
    assert_eq!(detail["history"][0]["who"], "chief");
    assert_eq!(world.get("an", "/v1/rules").await.json()["rules"][0]["state"], "shadow");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backtest_answers_in_lines() {
    let world = World::new();
    let answer = world.post("an", "/v1/rules/backtest", &json!({"rule": "r"})).await;
    assert_eq!(answer.status, 200);
    let text = &answer.body;
    assert!(text.ends_with("}\n") && text.contains("\"matches\":7"), "{text}");
    assert_eq!(world.post("an", "/v1/rules/backtest", &json!({"rule": "s"})).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_file_is_saved_by_an_admin_in_a_state_and_remembered() {
    let world = World::new();
    let save = |text: &str, reason: &str| json!({"path": "own.yml", "text": text, "state": "shadow", "reason": reason});
    assert_eq!(world.post("an", "/v1/rules/source", &save("right", "x")).await.status, 403);
    assert_eq!(world.post("chief", "/v1/rules/source", &save("right", " ")).await.status, 400);
    assert_eq!(world.post("chief", "/v1/rules/source", &save("wrong", "x")).await.status, 400);
    assert_eq!(
        world.get("an", "/v1/rules").await.json()["rules"][0]["state"],
        "live",
        "what is refused changes nothing"
    );
    let saved = world.post("chief", "/v1/rules/source", &save("right", "less noise")).await;
    assert_eq!((saved.status, saved.json()["version"].as_str()), (200, Some("2")));
    assert_eq!(saved.json()["quieted"], json!(["r"]), "it was live and raises nothing now");
    let again = world.post("chief", "/v1/rules/source", &save("right", "less noise")).await;
    assert!(again.json()["quieted"].is_null(), "it was in shadow already");
    let history = world.get("an", "/v1/rules/r").await.json();
    assert_eq!((history["state"].as_str(), history["history"][0]["action"].as_str()), (Some("shadow"), Some("edited")));
    assert_eq!(history["history"][0]["text"], "less noise");
    assert_eq!(world.get("kiem", "/v1/rules/r/source").await.json()["version"], "1");
    let many = json!({"rules": ["r", "not-there-yet"], "state": "live", "reason": "tried"});
    assert_eq!(world.post("an", "/v1/rules/states", &many).await.status, 403);
    assert_eq!(world.post("chief", "/v1/rules/states", &many).await.json()["changed"], 2);
    assert_eq!(world.get("an", "/v1/rules").await.json()["rules"][0]["state"], "live");
}
