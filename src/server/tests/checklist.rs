//! Steps of the response, times that run out, and evidence of incidents, over the API.

use serde_json::json;

use crate::alert::NewDetection;
use crate::model::EventId;
use crate::model::RuleLevel;
use crate::server::tests::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_tick_a_step_one_learns_who_was_faster() {
    let world = World::new();
    let detection = NewDetection {
        rule_id: "brute".to_owned(),
        entity: "10.0.0.1".to_owned(),
        level: RuleLevel::High,
        response: vec!["Ask".to_owned(), "Block".to_owned()],
        event_ids: vec![EventId(1)],
        ..NewDetection::default()
    };
    world.services.alerts.commit(&[detection], EventId(1), None).unwrap();
    let step = |step: u32, done: bool| json!({"action": "step", "step": step, "done": done});
    assert_eq!(world.act("an", 1, step(2, true)).await.status, 200);
    let late = world.act("ha", 1, step(2, true)).await;
    assert_eq!((late.status, late.json()["owner"].as_str()), (409, Some("an")));
    assert_eq!(world.act("ha", 1, step(3, true)).await.status, 404);
    assert_eq!(world.act("ha", 1, step(1, false)).await.status, 409);
    assert_eq!(world.act("kiem", 1, step(1, true)).await.status, 403);
    let detail = world.get("kiem", "/v1/alerts/1").await.json();
    assert_eq!((&detail["steps"][0]["step"], &detail["steps"][0]["who"]), (&json!(2), &json!("an")));
    assert_eq!(detail["history"][1]["text"], "2. Block");
    // Nobody has taken it: it has until an hour after it was raised.
    assert_eq!(detail["due"], "2023-11-14T23:13:20.000Z");
    let taken = world.act("an", 1, json!({"action": "take"})).await.json();
    assert_eq!(taken["due"], json!(null));
    let mut stream = world.lines("an", "/v1/stream").await;
    assert_eq!(stream.next_of("pulse").await["overdue_alerts"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_is_attached_with_its_proof_and_given_back_as_it_was() {
    let world = World::new();
    world.raise(RuleLevel::High, &["10.0.0.1"]);
    world.act("an", 1, json!({"action": "escalate"})).await;
    let attach = |q: &str| json!({"action": "attach", "q": q, "note": "the login"});
    let target = "/v1/incidents/1/actions";
    for (who, path, body, status) in [
        ("an", target, attach(" "), 400),
        ("an", target, attach("bad"), 400),
        ("an", target, attach("0"), 404),
        ("an", target, attach("10001"), 413),
        ("an", "/v1/incidents/9/actions", attach("1"), 404),
        ("kiem", target, attach("1"), 403),
        ("an", target, attach("1"), 200),
    ] {
        let answer = world.post(who, path, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    let detail = world.get("ha", "/v1/incidents/1").await.json();
    let kept = &detail["evidence"][0];
    assert_eq!((&kept["query"], &kept["events"], &kept["added_by"]), (&json!("1"), &json!(1), &json!("an")));
    assert_eq!(kept["digest"].as_str().map(str::len), Some(64));
    let bundle = world.get("kiem", "/v1/incidents/1/evidence?place=1").await;
    assert_eq!((bundle.status, bundle.body.as_str()), (200, "1 by an"));
    assert_eq!(bundle.head["content-type"], "application/x-tar");
    assert_eq!(world.get("kiem", "/v1/incidents/1/evidence?place=2").await.status, 404);
    let report = world.get("an", "/v1/incidents/1/report?language=en").await.body;
    assert!(report.contains(kept["digest"].as_str().unwrap()) && report.contains("Evidence attached"), "{report}");
    let told = world.get("chief", "/v1/audit?action=export").await.json();
    assert_eq!(told["entries"].as_array().map(Vec::len), Some(2), "{told}");
}
