//! The live stream: from a revision on, gaps, pulses, and a reader that does not read.

use std::time::Duration;

use serde_json::json;

use crate::model::RuleLevel;
use crate::server::Limits;
use crate::server::tests::world::World;

fn quick() -> Limits {
    Limits { pulse: Duration::from_millis(20), ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_come_as_they_happen() {
    let world = World::new();
    world.raise(RuleLevel::Low, &["10.0.0.1"]);
    let mut stream = world.lines("kiem", "/v1/stream").await;
    assert_eq!(stream.next().await.unwrap(), json!({"kind": "hello", "revision": 1, "gap": false}));
    let pulse = stream.next_of("pulse").await;
    assert_eq!((pulse["open_alerts"].as_u64(), pulse["silent_sources"].as_u64()), (Some(1), Some(2)));
    world.raise(RuleLevel::High, &["10.0.0.2"]);
    let raised = stream.next_of("alert").await;
    assert_eq!((raised["is_new"].as_bool(), raised["row"]["id"].as_u64()), (Some(true), Some(2)));
    world.act("an", 1, json!({"action": "escalate"})).await;
    let changed = stream.next_of("alert").await;
    assert_eq!((changed["is_new"].as_bool(), changed["row"]["status"].as_str()), (Some(false), Some("escalated")));
    let incident = stream.next_of("incident").await;
    assert_eq!(incident["id"], 1);
    assert!(incident["revision"].as_u64() > changed["revision"].as_u64());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconnect_goes_on_where_it_was_or_is_told_of_a_gap() {
    let world = World::with(Limits { resume_max: 5, ..quick() });
    world.raise(RuleLevel::Low, &["a", "b", "c"]);
    world.raise(RuleLevel::Low, &["b", "d"]);
    let mut stream = world.lines("an", "/v1/stream?revision=3").await;
    assert_eq!(stream.next().await.unwrap(), json!({"kind": "hello", "revision": 5, "gap": false}));
    let missed = [stream.next_of("alert").await, stream.next_of("alert").await];
    let told = missed.map(|line| (line["revision"].as_u64(), line["row"]["id"].as_u64(), line["is_new"].as_bool()));
    assert_eq!(told, [(Some(4), Some(2), Some(false)), (Some(5), Some(4), Some(true))]);

    // The present revision: nothing to tell.
    let mut stream = world.lines("an", "/v1/stream?revision=5").await;
    assert_eq!(stream.next().await.unwrap()["gap"], false);
    assert_eq!(stream.next().await.unwrap()["kind"], "pulse");
    // A revision from another store, or from before a restore.
    let mut stream = world.lines("an", "/v1/stream?revision=900").await;
    assert_eq!(stream.next().await.unwrap(), json!({"kind": "hello", "revision": 5, "gap": true}));
    // Too much to tell one by one.
    world.raise(RuleLevel::Low, &["e", "f", "g", "h"]);
    let mut stream = world.lines("an", "/v1/stream?revision=1").await;
    assert_eq!(stream.next().await.unwrap(), json!({"kind": "hello", "revision": 9, "gap": true}));
    world.raise(RuleLevel::Low, &["i"]);
    assert_eq!(stream.next_of("alert").await["revision"], 10, "from there on it goes on");
    assert_eq!(world.get("an", "/v1/stream?revision=minus").await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_new_alert_is_told_as_new_however_soon_it_changes() {
    let world = World::with(quick());
    let mut stream = world.lines("an", "/v1/stream").await;
    stream.next().await.unwrap();
    // More than one piece of the stream; the later ones change while the first is told.
    let names: Vec<String> = (0..900).map(|number| format!("host-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.raise(RuleLevel::Low, &names);
    for _ in 0..3 {
        world.raise(RuleLevel::Low, &names[300..]);
    }
    let last = world.services.alerts.revision();
    let mut new = std::collections::BTreeSet::new();
    loop {
        let alert = stream.next_of("alert").await;
        if alert["is_new"] == true {
            new.insert(alert["row"]["id"].as_u64());
        }
        if alert["revision"].as_u64() == Some(last) {
            break;
        }
    }
    assert_eq!(new.len(), names.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_gets_the_latest_of_each_and_holds_nobody_up() {
    let world = World::with(quick());
    world.raise(RuleLevel::Low, &["a", "b"]);
    let mut slow = world.lines("an", "/v1/stream").await;
    let mut fast = world.lines("ha", "/v1/stream").await;
    slow.next().await.unwrap();
    fast.next().await.unwrap();
    let mut last = 0;
    for _ in 0..300 {
        world.raise(RuleLevel::Low, &["a", "b"]);
        last = world.services.alerts.revision();
    }
    let mut told = 0;
    while fast.next_of("alert").await["revision"].as_u64() < Some(last) {
        told += 1;
    }
    assert!(told < 600, "gathered, not step by step: {told}");
    // The slow one reads now: in the end it knows the same.
    let mut counts = [0, 0];
    while counts != [301, 301] {
        let line = slow.next_of("alert").await;
        let id = line["row"]["id"].as_u64().unwrap() as usize;
        let count = line["row"]["count"].as_u64().unwrap();
        assert!(count >= counts[id - 1], "never backwards");
        counts[id - 1] = count;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_limited_and_end_with_the_server() {
    let mut world = World::with(Limits { streams_max: 2, ..quick() });
    let mut one = world.lines("an", "/v1/stream").await;
    let two = world.lines("an", "/v1/search/tail").await;
    let third = world.get("an", "/v1/stream").await;
    assert_eq!((third.status, third.head["retry-after"].to_str().unwrap()), (503, "1"));
    drop(two);
    let mut again = loop {
        // The server learns that a reader is gone when it writes to it.
        let response = world.send("an", hyper::Method::GET, "/v1/stream", "").await;
        if response.status().as_u16() == 200 {
            break response;
        }
    };
    world.server.stop();
    while one.next().await.is_some() {}
    let end = async {
        use http_body_util::BodyExt as _;
        while let Some(Ok(_)) = again.body_mut().frame().await {}
        while world.tasks.join_next().await.is_some() {}
    };
    tokio::time::timeout(Duration::from_secs(20), end).await.expect("all ended");
    assert!(!world.folder.path().join("run/longan.sock").try_exists().unwrap(), "the socket goes with the server");
}
