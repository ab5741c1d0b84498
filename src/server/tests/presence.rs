//! Who is looking at what: told to the others at once, held for a while, written down when it begins.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::model::RuleLevel;
use crate::server::Limits;
use crate::server::tests::world::World;

fn seen(line: &Value) -> Vec<(String, Option<u64>, Option<u64>)> {
    let looking = line["looking"].as_array().unwrap();
    let one = |row: &Value| (row["who"].as_str().unwrap().to_owned(), row["alert"].as_u64(), row["incident"].as_u64());
    looking.iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_an_alert_is_told_to_the_others_at_once() {
    // No pulse comes while this runs: what is told is told by itself.
    let world = World::with(Limits { pulse: Duration::from_secs(600), ..Limits::default() });
    world.raise(RuleLevel::High, &["10.0.0.1"]);
    let mut ha = world.lines("ha", "/v1/stream?session=h-1").await;
    let mut own = world.lines("an", "/v1/stream?session=a-1").await;
    let mut unasked = world.lines("kiem", "/v1/stream").await;
    assert!(seen(&ha.next_of("presence").await).is_empty() && seen(&own.next_of("presence").await).is_empty());
    let looks = world.post("an", "/v1/presence", &json!({"session": "a-1", "alert": 1})).await;
    assert_eq!((looks.status, looks.json()), (200, json!({"lease_seconds": 45, "looking": []})));
    assert_eq!(seen(&ha.next_of("presence").await), [("an".to_owned(), Some(1), None)]);
    // A second console of the same user is another one, and is told of the first.
    let looks = world.post("an", "/v1/presence", &json!({"session": "a-2", "alert": 1})).await.json();
    assert_eq!(seen(&looks), [("an".to_owned(), Some(1), None)]);
    assert_eq!(seen(&ha.next_of("presence").await).len(), 2);
    // A lease forbids nothing: taking stays as atomic as it is.
    assert_eq!(world.act("ha", 1, json!({"action": "take"})).await.status, 200);
    let late = world.act("an", 1, json!({"action": "take"})).await;
    assert_eq!((late.status, late.json()["owner"].as_str()), (409, Some("ha")));
    for session in ["a-1", "a-2"] {
        world.post("an", "/v1/presence", &json!({"session": session})).await;
    }
    while !seen(&ha.next_of("presence").await).is_empty() {}
    loop {
        // Whoever names no session hears nothing of it.
        let line = unasked.next().await.unwrap();
        assert_ne!(line["kind"], "presence");
        if line["kind"] == "alert" {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_not_renewed_ends_by_itself() {
    let limits = Limits { pulse: Duration::from_millis(20), lease: Duration::from_millis(300), ..Limits::default() };
    let world = World::with(limits);
    world.raise(RuleLevel::High, &["10.0.0.1"]);
    world.act("an", 1, json!({"action": "escalate"})).await;
    let mut ha = world.lines("ha", "/v1/stream?session=h").await;
    ha.next_of("presence").await;
    world.post("an", "/v1/presence", &json!({"session": "a", "incident": 1})).await;
    assert_eq!(seen(&ha.next_of("presence").await), [("an".to_owned(), None, Some(1))]);
    assert!(seen(&ha.next_of("presence").await).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_look_is_refused_and_only_the_first_is_audited() {
    let world = World::new();
    world.raise(RuleLevel::High, &["10.0.0.1"]);
    let long = "x".repeat(65);
    for (body, status) in [
        (json!({}), 400),
        (json!({"session": "a b", "alert": 1}), 400),
        (json!({"session": long, "alert": 1}), 400),
        (json!({"session": "a", "alert": 1, "incident": 1}), 400),
        (json!({"session": "a", "alert": 99}), 404),
        (json!({"session": "a", "incident": 1}), 404),
        (json!({"session": "a", "alert": 1}), 200),
        (json!({"session": "a", "alert": 1}), 200),
        (json!({"session": "a"}), 200),
    ] {
        assert_eq!(world.post("an", "/v1/presence", &body).await.status, status, "{body}");
    }
    assert_eq!(world.post("kiem", "/v1/presence", &json!({"session": "a", "alert": 1})).await.status, 403);
    assert_eq!(world.get("an", "/v1/stream?session=a%20b").await.status, 400);
    let told = world.get("chief", "/v1/audit?action=view").await.json();
    let details: Vec<&str> =
        told["entries"].as_array().unwrap().iter().filter_map(|entry| entry["detail"].as_str()).collect();
    assert_eq!(details, ["opened ALR-1"]);
}
