//! Searching over the API: pages, results of any length, the live tail, and searches that go wrong.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use crate::server::Limits;
use crate::server::Offer;
use crate::server::tests::world::World;
use crate::server::tests::world::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_is_told_and_mistakes_come_back_with_their_place() {
    let world = World::new();
    let page = world.get("kiem", "/v1/search?q=3&since=24h").await.json();
    assert_eq!(
        (page["events"].as_array().map(Vec::len), page["events"][0]["caller"].as_str()),
        (Some(3), Some("kiem"))
    );
    assert_eq!(world.get("an", "/v1/search/count?q=42").await.json()["count"], 42);
    let histogram = world.get("an", "/v1/search/histogram?buckets=5").await.json();
    assert_eq!(histogram["counts"].as_array().map(Vec::len), Some(5));
    assert_eq!(world.get("an", "/v1/events/7").await.json()["longan.id"], 7);
    for target in ["/v1/search?q=bad", "/v1/search/count?q=bad", "/v1/search/stream?q=bad", "/v1/search/tail?q=bad"] {
        let answer = world.get("an", target).await;
        let problem = answer.json();
        assert_eq!((answer.status, problem["type"].as_str()), (400, Some("query_invalid")), "{target}");
        assert_eq!((problem["column"].as_u64(), problem["hint"].is_string()), (Some(3), true), "{target}");
    }
    let long = format!("/v1/search?q={}", "x".repeat(17_000));
    for (target, status) in [
        ("/v1/search?limit=10001", 413),
        ("/v1/search?limit=-1", 400),
        ("/v1/search/histogram?buckets=0", 400),
        ("/v1/search/histogram?buckets=401", 400),
        ("/v1/events/900", 404),
        ("/v1/events/x", 404),
        (long.as_str(), 413),
        ("/v1/search?q=panic", 500),
    ] {
        assert_eq!(world.get("an", target).await.status, status, "{}", target.get(..40).unwrap_or(target));
    }
    assert_eq!(world.get("an", "/v1/search?q=1").await.status, 200, "a panic ended one request only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_result_is_whole_or_seen_to_be_broken() {
    let world = World::new();
    let (lines, is_whole) = world.lines("an", "/v1/search/stream?q=5000").await.rest().await;
    assert!(is_whole);
    assert!(lines.iter().map(|line| line["longan.id"].as_u64()).eq((0..5000).map(Some)));
    let (lines, is_whole) = world.lines("an", "/v1/search/stream?q=0").await.rest().await;
    assert_eq!((lines.len(), is_whole), (0, true));
    let (lines, is_whole) = world.lines("an", "/v1/search/stream?q=broken%205000").await.rest().await;
    assert!(!is_whole && !lines.is_empty(), "{}", lines.len());
    // Whoever goes away ends the search behind them.
    let abandoned = world.lines("an", "/v1/search/stream?q=100000000").await;
    drop(abandoned);
    let mut before = u64::MAX;
    until("the search stops", || {
        let now = world.search.emitted.load(Ordering::Relaxed);
        std::mem::replace(&mut before, now) == now
    })
    .await;
    assert!(before < 100_000_000 - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_readers_of_long_results_keep_nobody_waiting() {
    let world = World::with(Limits { workers_max: 1, ..Limits::default() });
    let _slow = [
        world.lines("an", "/v1/search/stream?q=100000000").await,
        world.lines("an", "/v1/search/stream?q=100000000").await,
    ];
    assert_eq!(world.get("ha", "/v1/status").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tail_tells_everything_or_how_much_it_missed() {
    let world = World::with(Limits { tail_events_max: 10, pulse: Duration::from_millis(20), ..Limits::default() });
    let mut tail = world.lines("an", "/v1/search/tail?q=1").await;
    let sink = world.search.tails.lock().unwrap().remove(0);
    assert_eq!(sink.offer(Bytes::from_static(b"{\"longan.id\":1}")), Offer::Taken);
    assert_eq!(tail.next().await.unwrap(), json!({"longan.id": 1}));
    // A flood, faster than anybody reads: what finds no room is counted.
    let mut offers = [0_u64, 0];
    for id in 0..50_000 {
        match sink.offer(Bytes::from(format!("{{\"longan.id\":{id}}}"))) {
            Offer::Taken => offers[0] += 1,
            Offer::Missed => offers[1] += 1,
            Offer::Gone => panic!("somebody listens"),
        }
    }
    let mut told = [0_u64, 0];
    while told != offers {
        let line = tail.next().await.expect("the tail goes on");
        match line["longan.missed"].as_u64() {
            Some(missed) => told[1] += missed,
            None => told[0] += 1,
        }
        assert!(told[0] <= offers[0] && told[1] <= offers[1], "{told:?} {offers:?}");
    }
    drop(tail);
    until("the sink is gone", || sink.offer(Bytes::from_static(b"{}")) == Offer::Gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_takes_too_long_is_answered_all_the_same() {
    let world = World::with(Limits { answer_timeout: Duration::from_millis(100), ..Limits::default() });
    let answer = world.get("an", "/v1/search/count?q=wait").await;
    assert_eq!((answer.status, answer.json()["type"].as_str()), (503, Some("busy")));
    world.search.release();
    assert_eq!(world.get("an", "/v1/search/count?q=wait").await.status, 200);
}
