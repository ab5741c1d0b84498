//! Callers that mean no good, or know no better: each gets its answer or its end, and nobody else notices.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::model::RuleLevel;
use crate::server::Limits;
use crate::server::tests::world::PATIENCE;
use crate::server::tests::world::World;
use crate::server::tests::world::until;

fn strict() -> Limits {
    Limits {
        body_bytes_max: 4096,
        head_timeout: Duration::from_millis(200),
        answer_timeout: Duration::from_millis(400),
        stall_timeout: Duration::from_millis(300),
        pulse: Duration::from_millis(20),
        ..Limits::default()
    }
}

/// Reads until the server ends the connection.
async fn read_to_end(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    // A reset after the answer is an end as well.
    drop(timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("ended in time"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends bytes as they are and returns all that comes back; writing may fail once the server has had enough.
async fn raw(world: &World, bytes: &[u8]) -> String {
    let mut stream = world.connect().await;
    drop(timeout(PATIENCE, stream.write_all(bytes)).await.expect("taken or refused in time"));
    read_to_end(&mut stream).await
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_answered_and_ended() {
    let world = World::with(strict());
    let heads: String = (0..500).map(|n| format!("x-{n}: y\r\n")).collect();
    let huge_head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    let post = "POST /v1/alerts/1/actions HTTP/1.1\r\nhost: x\r\n";
    let chunk = format!("{post}transfer-encoding: chunked\r\n\r\n1000\r\n{}\r\n1000\r\n", "y".repeat(0x1000));
    let cases = [
        ("header flood", format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{heads}\r\n"), "431"),
        ("huge header", huge_head, "431"),
        ("announced body", format!("{post}content-length: 99999999999\r\n\r\n"), "413"),
        ("chunked body", format!("{chunk}{}", "y".repeat(0x1000)), "413"),
        ("two lengths", format!("{post}content-length: 1\r\ncontent-length: 2\r\n\r\nx"), "400"),
        ("no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\r\n\r\n".to_owned(), "400"),
        ("no version", "GET /healthz\r\n\r\n".to_owned(), "400"),
        ("a length that is none", format!("{post}content-length: -1\r\n\r\n"), "400"),
        ("NUL in the path", "GET /v1/\0 HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), "400"),
    ];
    for (case, bytes, expected) in cases {
        let answer = raw(&world, bytes.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{case}: {answer}");
    }
    assert_eq!(world.get("an", "/healthz").await.body, "ok\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_not_what_they_should_be_are_problems() {
    let world = World::with(strict());
    world.raise(RuleLevel::Low, &["10.0.0.1"]);
    let deep = format!("{}{}", "[".repeat(1500), "]".repeat(1500));
    let deep_in_place = format!("{{\"action\":\"note\",\"text\":{deep}}}");
    let cases = [
        ("", 400),
        ("{", 400),
        ("null", 400),
        ("[]", 400),
        ("\"take\"", 400),
        ("{\"action\":\"take\"} {\"action\":\"take\"}", 400),
        ("{\"action\":\"take\",\"revision\":-1}", 400),
        ("{\"action\":\"take\",\"revision\":1e99}", 400),
        ("{\"action\":\"note\"}", 400),
        ("{\"action\":\"note\",\"text\":\"\\ud800\"}", 400),
        (deep.as_str(), 400),
        (deep_in_place.as_str(), 400),
    ];
    for (body, status) in cases {
        let answer = world.post_text("an", "/v1/alerts/1/actions", body).await;
        let shown = body.get(..60).unwrap_or(body);
        assert_eq!((answer.status, answer.json()["type"].as_str()), (status, Some("invalid")), "{shown}");
        assert_eq!(answer.head["content-type"], "application/problem+json", "{shown}");
    }
    let large = json!({"action": "note", "text": "x".repeat(5000)});
    let answer = world.post("an", "/v1/alerts/1/actions", &large).await;
    assert_eq!((answer.status, answer.json()["type"].as_str()), (413, Some("too_large")));
    let history = world.get("an", "/v1/alerts/1").await.json()["history"].as_array().map(Vec::len);
    assert_eq!(history, Some(1), "nothing of it was done");
    // What acts on a terminal or a page goes in and out as data.
    let note = "\u{1b}[2J<script>\u{202e}' OR 1=1";
    let done = world.act("an", 1, json!({"action": "note", "text": note})).await;
    assert_eq!(done.status, 200);
    assert_eq!(world.get("an", "/v1/alerts/1").await.json()["history"][1]["text"], note);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_and_methods_that_are_not_there_are_problems() {
    let world = World::new();
    for (target, status) in [
        ("/", 404),
        ("/v1", 404),
        ("/v2/alerts", 404),
        ("/v1/alerts/", 404),
        ("/v1/alerts/1/2/3", 404),
        ("/v1/../../etc/passwd", 404),
        ("/v1/alerts/%2e%2e%2f", 404),
        ("/v1/alerts/%ff%fe", 404),
        ("/v1/alerts/1/actions", 405),
        ("/v1/alerts?limit=x", 400),
        ("/v1/alerts?text=%ff", 200),
        ("/v1/alerts?level_min=extreme", 400),
        ("/v1/alerts?text=%22%20OR%20%22&entity=%27--", 200),
    ] {
        let answer = world.get("", target).await;
        assert_eq!(answer.status, status, "{target}: {}", answer.body);
        assert_eq!(answer.json().get("detail").is_some(), status != 200, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_slowly_or_not_at_all_is_ended() {
    let world = World::with(strict());
    // Nothing at all, half a head, a head that comes byte by byte, and a connection kept after its answer.
    for start in ["", "GET /hea", "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut stream = world.connect().await;
        stream.write_all(start.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await;
    }
    let mut stream = world.connect().await;
    let drip = async {
        for byte in b"GET /healthz HTTP/1.1\r\nx: ".iter().chain([b'y'; 10_000].iter()) {
            if stream.write_all(&[*byte]).await.is_err() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    };
    assert!(timeout(PATIENCE, drip).await.expect("ended in time"), "a head that never ends");
    // A body that never comes: answered at the deadline, not waited for.
    let head = "POST /v1/alerts/1/actions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    let answer = raw(&world, head.as_bytes()).await;
    assert_eq!(status(&answer), "503", "{answer}");
    assert_eq!(world.get("an", "/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_ended() {
    let world = World::with(strict());
    let mut stream = world.connect().await;
    let head = "GET /v1/search/stream?q=100000000 HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let gauge = world.services.metrics.gauge("longan_api_connections", &[]);
    until("the connection is there", || gauge.get() == 1).await;
    until("the connection is gone", || gauge.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_connections_is_turned_away_and_passes() {
    let world = World::with(Limits { connections_max: 4, ..strict() });
    let held = [world.connect().await, world.connect().await, world.connect().await, world.connect().await];
    let refused = world.services.metrics.counter("longan_api_connections_refused_total", &[]);
    let mut fifth = world.connect().await;
    assert_eq!(read_to_end(&mut fifth).await, "");
    assert_eq!(refused.get(), 1);
    drop(held);
    let gauge = world.services.metrics.gauge("longan_api_connections", &[]);
    until("there is room again", || gauge.get() == 0).await;
    // The permit goes a moment after the connection.
    loop {
        let mut stream = world.connect().await;
        drop(stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await);
        if status(&read_to_end(&mut stream).await) == "200" {
            break;
        }
    }
}
