//! Alerts and incidents over the API: lists, actions, conflicts, and what is remembered.

use serde_json::Value;
use serde_json::json;

use crate::model::RuleLevel;
use crate::server::tests::world::World;

fn ids(window: &Value) -> Vec<u64> {
    window["rows"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_windows_with_a_total() {
    let world = World::new();
    world.raise(RuleLevel::Low, &["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    world.raise(RuleLevel::Critical, &["203.0.113.7"]);
    let window = world.get("an", "/v1/alerts?limit=2").await.json();
    assert_eq!((ids(&window)[0], window["total"].as_u64(), window["revision"].as_u64()), (4, Some(4), Some(4)));
    let row = &window["rows"][0];
    assert_eq!((row["level"].as_str(), row["status"].as_str()), (Some("critical"), Some("new")));
    assert_eq!((row["entity"].as_str(), row["events"].clone()), (Some("203.0.113.7"), json!([4])));
    for (query, total) in [
        ("level_min=high", 1),
        ("text=do%20mat%20khau", 4),
        ("text=10.0.0.", 3),
        ("entity=10.0.0.2", 1),
        ("status=closed", 0),
        ("rule=other", 0),
        ("limit=0", 4),
        ("limit=4000000000&offset=18446744073709551615", 4),
        ("unknown_member=1", 4),
    ] {
        let answer = world.get("kiem", &format!("/v1/alerts?{query}")).await;
        assert_eq!((answer.status, answer.json()["total"].as_u64()), (200, Some(total)), "{query}");
    }
    for (query, hint) in [
        ("status=opened", "did you mean `open`?"),
        ("status=x", "one of: open, all, new, taken, escalated, closed"),
        ("level_min=hihg", "one of: informational, low, medium, high, critical"),
    ] {
        let wrong = world.get("an", &format!("/v1/alerts?{query}")).await;
        assert_eq!((wrong.status, wrong.json()["hint"].as_str()), (400, Some(hint)), "{query}");
    }
    let detail = world.get("an", "/v1/alerts/ALR-4").await.json();
    assert_eq!(detail["evidence"][0]["raw"], "Failed password");
    assert_eq!(detail["history"][0]["action"], "raised");
    for (target, status) in [("/v1/alerts/99", 404), ("/v1/alerts/x", 404), ("/v1/alerts/99999999999999999999999", 404)]
    {
        assert_eq!(world.get("an", target).await.status, status, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_take_at_once_one_learns_who_was_faster() {
    let world = World::new();
    let entities: Vec<String> = (0..20).map(|n| format!("10.0.1.{n}")).collect();
    let entities: Vec<&str> = entities.iter().map(String::as_str).collect();
    for id in world.raise(RuleLevel::Low, &entities) {
        let take = || json!({"action": "take", "revision": world.services.alerts.revision()});
        let (an, ha) = tokio::join!(world.act("an", id.0, take()), world.act("ha", id.0, take()));
        let (winner, loser, owner) = if an.status == 200 { (an, ha, "an") } else { (ha, an, "ha") };
        assert_eq!((winner.status, loser.status), (200, 409), "{} {}", winner.body, loser.body);
        assert_eq!(winner.json()["owner"], owner);
        assert_eq!(loser.json()["owner"], owner, "the loser learns who has it");
        assert_eq!(loser.json()["type"], "conflict");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_lives_its_life_and_remembers_it() {
    let world = World::new();
    world.raise(RuleLevel::High, &["203.0.113.7"]);
    let steps = [
        ("an", json!({"action": "take"}), 200),
        ("ha", json!({"action": "take"}), 409),
        ("ha", json!({"action": "close", "disposition": "test", "note": "x"}), 409),
        ("ha", json!({"action": "note", "text": "máy của phòng Kế toán"}), 200),
        ("an", json!({"action": "close", "disposition": "false_positive"}), 400),
        ("an", json!({"action": "close", "disposition": "false_positive", "note": "quét định kỳ"}), 200),
        ("an", json!({"action": "close", "disposition": "test", "note": "again"}), 409),
        ("ha", json!({"action": "undo"}), 409),
        ("an", json!({"action": "undo"}), 200),
        ("an", json!({"action": "release"}), 200),
        ("ha", json!({"action": "escalate", "title": "Xâm nhập", "note": "nghi ngờ"}), 200),
        ("an", json!({"action": "escalate"}), 409),
        ("chief", json!({"action": "close", "disposition": "true_positive", "note": "đã xử lý"}), 200),
        ("chief", json!({"action": "reopen", "note": "tái phát"}), 200),
        ("an", json!({"action": "note", "text": "  "}), 400),
        ("an", json!({"action": "dance"}), 400),
        ("an", json!({"action": "close", "disposition": "maybe"}), 400),
    ];
    for (who, action, status) in steps {
        let answer = world.act(who, 1, action.clone()).await;
        assert_eq!(answer.status, status, "{who} {action}: {}", answer.body);
    }
    let detail = world.get("kiem", "/v1/alerts/1").await.json();
    let history: Vec<String> = detail["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = entry["text"].as_str().unwrap_or("-");
            format!("{} {} {text}", entry["who"].as_str().unwrap(), entry["action"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        history,
        [
            "longan raised high",
            "an taken -",
            "ha noted máy của phòng Kế toán",
            "an closed false_positive: quét định kỳ",
            "an undone closed",
            "an released -",
            "ha escalated INC-1: nghi ngờ",
            "chief closed true_positive: đã xử lý",
            "chief reopened tái phát",
        ]
    );
    assert_eq!((detail["status"].as_str(), detail["incident"].as_u64()), (Some("escalated"), Some(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_on_what_has_changed_since_is_refused_and_a_counter_is_no_change() {
    let world = World::new();
    world.raise(RuleLevel::Low, &["10.0.0.1"]);
    let seen = world.get("an", "/v1/alerts/1").await.json()["revision"].as_u64().unwrap();
    world.raise(RuleLevel::Low, &["10.0.0.1"]);
    let close = |revision: u64| json!({"action": "close", "disposition": "test", "note": "x", "revision": revision});
    world.raise(RuleLevel::High, &["10.0.0.1"]);
    let refused = world.act("an", 1, close(seen)).await;
    assert_eq!((refused.status, refused.json()["hint"].is_string()), (409, true), "the level rose: {}", refused.body);
    let now = world.get("an", "/v1/alerts/1").await.json()["revision"].as_u64().unwrap();
    world.raise(RuleLevel::Low, &["10.0.0.1"]);
    let done = world.act("an", 1, close(now)).await;
    assert_eq!((done.status, done.json()["count"].as_u64()), (200, Some(4)), "one more of the same is no conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_action_is_never_for_more_than_was_seen() {
    let world = World::new();
    world.raise(RuleLevel::Low, &["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    world.raise(RuleLevel::High, &["10.0.0.4"]);
    let bulk = |body: Value| {
        let mut command = json!({"action": "close", "disposition": "benign_positive"});
        command.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        command
    };
    for (body, status) in [
        (json!({}), 400),
        (json!({"ids": []}), 400),
        (json!({"filter": {}}), 400),
        (json!({"filter": {}, "ids": [1], "expected": 9}), 400),
        (json!({"filter": {"status": "opne"}, "expected": 9}), 400),
        (json!({"filter": {"text": "x".repeat(5000)}, "expected": 9}), 413),
        (json!({"filter": {}, "expected": 3}), 409),
        (json!({"filter": {"level_min": "high"}, "expected": 0}), 409),
    ] {
        let answer = world.post("an", "/v1/alerts/actions", &bulk(body.clone())).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    assert_eq!(world.get("an", "/v1/alerts").await.json()["total"], 4, "nothing was done");
    let all = bulk(json!({"filter": {"status": "open"}, "expected": 4}));
    let result = world.post("an", "/v1/alerts/actions", &all).await.json();
    assert_eq!(result["done"].as_array().map(Vec::len), Some(3));
    assert_eq!(result["refused"], json!([[4, "closing an alert of level `high` needs a note"]]));
    let undo = json!({"action": "undo", "ids": [1, 2, 3, 77]});
    let result = world.post("an", "/v1/alerts/actions", &undo).await.json();
    assert_eq!((result["done"].clone(), result["refused"].as_array().map(Vec::len)), (json!([1, 2, 3]), Some(1)));
    let too_many = json!({"action": "take", "ids": (1..=100_001).collect::<Vec<u64>>()});
    assert_eq!(world.post("an", "/v1/alerts/actions", &too_many).await.status, 413);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_declared_worked_on_and_closed() {
    let world = World::new();
    world.raise(RuleLevel::Medium, &["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    let escalate = json!({"action": "escalate", "title": "Lây lan nội bộ", "ids": [1, 2]});
    let result = world.post("an", "/v1/alerts/actions", &escalate).await.json();
    assert_eq!(result, json!({"done": [1, 2], "refused": []}));
    let join = world.act("an", 3, json!({"action": "escalate", "incident": 1})).await;
    assert_eq!(join.status, 200, "{}", join.body);
    assert_eq!(world.act("an", 3, json!({"action": "escalate", "incident": 9})).await.status, 404);

    let window = world.get("kiem", "/v1/incidents?status=open").await.json();
    assert_eq!((ids(&window), window["total"].as_u64()), (vec![1], Some(1)));
    assert_eq!(window["rows"][0]["alerts"], 3);
    let detail = world.get("kiem", "/v1/incidents/INC-1").await.json();
    assert_eq!((detail["alerts"].as_u64(), detail["alert_rows"].as_array().map(Vec::len)), (Some(3), Some(3)));
    assert_eq!(detail["clocks"].as_array().map(Vec::len), Some(4));

    let act = async |who: &str, action: Value| world.post(who, "/v1/incidents/1/actions", &action).await;
    for (who, action, status) in [
        ("ha", json!({"action": "take"}), 409),
        ("ha", json!({"action": "phase", "phase": "containment"}), 409),
        ("ha", json!({"action": "note", "text": "đã gọi Viễn thông"}), 200),
        ("an", json!({"action": "phase", "phase": "containment", "note": "ngắt mạng"}), 200),
        ("an", json!({"action": "phase", "phase": "containment"}), 409),
        ("an", json!({"action": "phase", "phase": "nowhere"}), 400),
        ("an", json!({"action": "meet_clock", "name": "first_notice"}), 200),
        ("an", json!({"action": "meet_clock", "name": "first_notice"}), 409),
        ("an", json!({"action": "meet_clock", "name": "tea"}), 404),
        ("an", json!({"action": "phase", "phase": "closed"}), 400),
        ("an", json!({"action": "phase", "phase": "closed", "note": "xong"}), 200),
    ] {
        let answer = act(who, action.clone()).await;
        assert_eq!(answer.status, status, "{who} {action}: {}", answer.body);
    }
    let closed = world.get("an", "/v1/alerts?status=closed").await.json();
    assert_eq!(closed["total"], 3, "its alerts closed with it");
    assert_eq!(world.get("an", "/v1/incidents?status=open").await.json()["total"], 0);
    assert_eq!(world.get("an", "/v1/incidents?status=none").await.status, 400);
    assert_eq!(world.get("an", "/v1/incidents/7").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_is_worked_on_reported_and_handed_over() {
    let world = World::new();
    world.raise(RuleLevel::Medium, &["10.0.0.1", "10.0.0.2"]);
    assert_eq!(world.act("an", 1, json!({"action": "escalate", "title": "Lây lan <b>"})).await.status, 200);
    assert_eq!(world.act("an", 2, json!({"action": "escalate", "title": "Khác"})).await.status, 200);
    let act = async |who: &str, action: Value| world.post(who, "/v1/incidents/1/actions", &action).await;
    for (who, action, status) in [
        ("an", json!({"action": "add_task", "text": "chặn IP"}), 200),
        ("ha", json!({"action": "finish_task", "place": 1}), 200),
        ("ha", json!({"action": "finish_task", "place": 1}), 409),
        ("ha", json!({"action": "finish_task", "place": 9}), 404),
        ("an", json!({"action": "add_task", "text": ""}), 400),
        ("an", json!({"action": "add_observable", "kind": "ip", "value": "203.0.113.7", "note": null}), 200),
        ("an", json!({"action": "edit", "level": {"from": "medium", "to": "high"}}), 200),
        ("an", json!({"action": "edit", "level": {"from": "medium", "to": "low"}}), 409),
        ("an", json!({"action": "edit", "level": {"from": "high", "to": "huge"}}), 400),
        ("an", json!({"action": "edit"}), 400),
        ("an", json!({"action": "set_clock", "name": "tỉnh", "due": "now+4h", "why": "chỉ đạo"}), 200),
        ("an", json!({"action": "set_clock", "name": "tỉnh", "due": "soon", "why": "chỉ đạo"}), 400),
        ("ha", json!({"action": "merge_into", "incident": 2}), 409),
        ("an", json!({"action": "merge_into", "incident": 1}), 400),
        ("an", json!({"action": "assign", "to": "ha"}), 200),
        ("an", json!({"action": "assign", "to": null}), 409),
        ("kiem", json!({"action": "add_task", "text": "x"}), 403),
    ] {
        let answer = act(who, action.clone()).await;
        assert_eq!(answer.status, status, "{who} {action}: {}", answer.body);
    }
    let detail = world.get("kiem", "/v1/incidents/1").await.json();
    assert_eq!((detail["level"].as_str(), detail["owner"].as_str()), (Some("high"), Some("ha")));
    assert_eq!(
        (detail["tasks"][0]["done_by"].as_str(), detail["clocks"].as_array().map(Vec::len)),
        (Some("ha"), Some(5))
    );

    let report = world.get("kiem", "/v1/incidents/1/report").await;
    assert!(report.body.contains("BÁO CÁO SỰ CỐ") && report.body.contains("Lây lan \\<b\\>"), "{}", report.body);
    let page = world.get("kiem", "/v1/incidents/1/report?language=en&form=html").await;
    assert!(page.body.contains("Lây lan &lt;b&gt;") && page.body.contains("<td>high</td>"), "{}", page.body);
    assert_eq!(world.get("kiem", "/v1/incidents/1/report?form=pdf").await.status, 400);
    assert_eq!(world.get("kiem", "/v1/incidents/77/report").await.status, 404);

    let figures = world.get("kiem", "/v1/reports/triage?since=1d").await.json();
    assert_eq!(figures["levels"][2]["raised"], 2, "{figures}");
    assert_eq!(world.get("kiem", "/v1/reports/triage?since=soon").await.status, 400);

    let wanted = json!({"language": "en", "note": "xem fw-03"});
    assert_eq!(world.post("kiem", "/v1/handovers/draft", &wanted).await.status, 403);
    let draft = world.post("an", "/v1/handovers/draft", &wanted).await.json();
    assert!(draft["text"].as_str().is_some_and(|text| text.contains("xem fw-03")), "{draft}");
    let signed = world.post("an", "/v1/handovers/sign", &draft).await;
    assert_eq!((signed.status, signed.json()["who"].as_str()), (200, Some("an")), "{}", signed.body);
    let list = world.get("kiem", "/v1/handovers").await.json();
    assert_eq!(list["handovers"][0]["text"], draft["text"]);
}
