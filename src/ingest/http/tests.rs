//! Requests as clients send them, and as they should not, over real sockets.

use std::io::Write as _;
use std::net::SocketAddr;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;
use crate::ingest::connections::AcceptError;
use crate::ingest::intake::NotStored;
use crate::ingest::test_sink;
use crate::ingest::test_sink::Sink;
use crate::ingest::test_sink::bound;
use crate::ingest::test_sink::in_time;
use crate::ingest::tls::Security;

const BODY_MAX: usize = 4096;

fn number(value: usize) -> NonZeroUsize {
    NonZeroUsize::new(value).expect("not zero")
}

fn config() -> Config {
    Config {
        name: "t".to_owned(),
        frame_bytes_max: number(64),
        body_bytes_max: number(BODY_MAX),
        memory_bytes_max: number(64 * 1024),
        requests_max: number(4),
        body_timeout: Duration::from_millis(200),
        tokens: Tokens::default(),
        limits: ConnectionLimits::default(),
        joining: None,
    }
}

fn start(config: Config) -> (SocketAddr, Sink, JoinHandle<Result<(), AcceptError>>) {
    let (context, sink) = test_sink::start();
    let bound = bound();
    let address = bound.address;
    (address, sink, tokio::spawn(run(context, bound, Security::Plain, config)))
}

/// Sends a request and returns the status with the whole answer.
async fn ask(address: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    // A server may answer before it has read a body that it refuses.
    drop(stream.write_all(body).await);
    read_answer(&mut stream).await
}

async fn read_answer(stream: &mut TcpStream) -> (u16, String) {
    let mut answer = Vec::new();
    drop(in_time(stream.read_to_end(&mut answer)).await);
    let answer = String::from_utf8(answer).expect("text");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, answer)
}

fn body_of(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").expect("head and body");
    serde_json::from_str(body).unwrap_or_else(|err| panic!("{err}: {answer}"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

#[tokio::test]
async fn bodies_give_the_events_expected() {
    let long = format!("{{\"m\":\"{}\"}}", "x".repeat(100));
    let cut = format!("{{\"m\":\"{}…", "x".repeat(58));
    // Path, body, status, frames.
    let cases: Vec<(&str, &str, u16, Vec<&str>)> = vec![
        ("/ingest/ndjson", "{\"a\":1}\r\n\n{\"b\":2}", 200, vec!["{\"a\":1}", "{\"b\":2}"]),
        ("/ingest/ndjson", "no json\n{\"b\":2}\n", 200, vec!["no json", "{\"b\":2}"]),
        ("/ingest/ndjson", &long, 200, vec![&cut]),
        ("/ingest/ndjson", "", 200, vec![]),
        (
            "/ingest/ndjson",
            "{\"kind\":\"EventList\",\"metadata\":{},\"items\":[{\"a\":1.0} , {\"b\":\"]\"}]}\n{\"c\":3}",
            200,
            vec!["{\"a\":1.0}", "{\"b\":\"]\"}", "{\"c\":3}"],
        ),
        // Lists of another kind, or of anything but objects, stay whole.
        ("/ingest/ndjson", "{\"kind\":\"PodList\",\"items\":[{}]}", 200, vec!["{\"kind\":\"PodList\",\"items\":[{}]}"]),
        (
            "/ingest/ndjson",
            "{\"kind\":\"EventList\",\"items\":[1]}",
            200,
            vec!["{\"kind\":\"EventList\",\"items\":[1]}"],
        ),
        ("/ingest/ndjson", "{\"kind\":\"EventList\",\"items\":[]}", 200, vec!["{\"kind\":\"EventList\",\"items\":[]}"]),
        (
            "/_bulk",
            "{\"index\":{}}\n{\"a\":1}\n{\"create\":{\"_index\":\"x\"}}\n{\"b\":2}\n",
            200,
            vec!["{\"a\":1}", "{\"b\":2}"],
        ),
        ("/logs/_bulk", "{\"create\":{}}\n {\"a\" : 1}\n", 200, vec![" {\"a\" : 1}"]),
        ("/_bulk", "{\"delete\":{\"_id\":\"1\"}}\n{\"create\":{}}\n{\"a\":1}\n", 200, vec!["{\"a\":1}"]),
        ("/_bulk", "{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n{\"create\":{}}\n{\"a\":1}\n", 200, vec!["{\"a\":1}"]),
        ("/_bulk", "junk\n{\"create\":{}}\n{\"a\":1}\n", 200, vec!["{\"a\":1}"]),
        ("/_bulk", "{\"create\":{}}\n", 200, vec![]),
        ("/_bulk", "", 400, vec![]),
        ("/services/collector/event", "{\"event\":1}{\"event\":2}", 200, vec!["{\"event\":1}", "{\"event\":2}"]),
        ("/services/collector", "{\"event\":1}\n[\n{\"event\":2}", 400, vec!["{\"event\":1}", "{\"event\":2}"]),
        ("/services/collector", "", 400, vec![]),
        ("/services/collector/raw", "<13>one\n<13>two", 200, vec!["<13>one", "<13>two"]),
        ("/nowhere", "x", 404, vec![]),
    ];
    for (path, body, status, frames) in cases {
        let (address, sink, running) = start(config());
        let (got, answer) = ask(address, "POST", path, "", body.as_bytes()).await;
        assert_eq!(got, status, "{path} {body}: {answer}");
        let kept: Vec<String> = sink.texts().iter().map(|text| text.replace("\\\"", "\"")).collect();
        assert_eq!(kept, frames, "{path} {body}");
        sink.assert_balanced();
        sink.cancel.cancel();
        in_time(running).await.expect("no panic").expect("ended well");
    }
}

#[tokio::test]
async fn answers_name_what_was_wrong_with_which_line() {
    let (address, _sink, _running) = start(config());
    let (_, answer) = ask(address, "POST", "/ingest/ndjson", "", b"{}\n\nnope\n").await;
    let problem = json!({"line": 3, "problem": "not a JSON object; stored as text"});
    assert_eq!(body_of(&answer), json!({"stored": 2, "problem_count": 1, "problems": [problem]}));

    let (_, answer) =
        ask(address, "POST", "/x/_bulk", "", b"{\"create\":{\"_id\":\"7\"}}\n{}\noops\n{\"delete\":{}}\n").await;
    let answer = body_of(&answer);
    let statuses: Vec<&Value> = answer["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| &item.as_object().expect("item").values().next().expect("one")["status"])
        .collect();
    assert_eq!(statuses, [201, 400, 400]);
    assert_eq!(answer["errors"], true);
    assert_eq!(
        (&answer["items"][0]["create"]["_index"], &answer["items"][0]["create"]["_id"]),
        (&json!("x"), &json!("7"))
    );
    assert_eq!(answer["items"][1]["index"]["error"]["reason"], "line 3 is not an action");

    let (_, answer) = ask(address, "POST", "/services/collector", "", b"{}\n{]").await;
    assert_eq!(body_of(&answer), json!({"text": "Invalid data format", "code": 6, "invalid-event-number": 1}));
    let (_, answer) = ask(address, "POST", "/services/collector", "", b"{}").await;
    assert_eq!(body_of(&answer), json!({"text": "Success", "code": 0}));
}

#[tokio::test]
async fn clients_find_what_they_ask_for_before_they_send() {
    let (address, _sink, _running) = start(config());
    for (method, path) in [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/_license"),
        ("GET", "/_cluster/health"),
        ("HEAD", "/_index_template/filebeat"),
        ("PUT", "/_ilm/policy/filebeat"),
    ] {
        let (status, answer) = ask(address, method, path, "", b"").await;
        assert_eq!(status, 200, "{method} {path}");
        assert!(answer.contains("x-elastic-product: Elasticsearch"), "{method} {path}");
    }
    let (status, answer) = ask(address, "GET", "/services/collector/health", "", b"").await;
    assert_eq!((status, &body_of(&answer)["code"]), (200, &json!(17)));
}

#[tokio::test]
async fn packed_bodies_are_unpacked_and_bombs_are_not() {
    let (address, sink, _running) = start(config());
    let packed = gzip(b"{\"a\":1}\n");
    let zstd = zstd::encode_all(&b"{\"z\":1}\n"[..], 1).expect("packed");
    let bomb = gzip(&vec![b' '; 2_000_000]);
    assert!(bomb.len() < BODY_MAX);
    for (encoding, body, status) in [
        ("gzip", &packed[..], 200),
        ("zstd", &zstd, 200),
        ("gzip", &bomb, 413),
        ("gzip", b"not gzip", 400),
        ("gzip", &packed[..packed.len() - 9], 400),
        ("br", b"x", 415),
        ("identity", b"{\"b\":1}", 200),
    ] {
        let header = format!("content-encoding: {encoding}\r\n");
        let (got, answer) = ask(address, "POST", "/ingest/ndjson", &header, body).await;
        assert_eq!(got, status, "{encoding}: {answer}");
    }
    assert_eq!(sink.texts().len(), 3);
    // All memory is given back.
    let (status, _) = ask(address, "POST", "/ingest/ndjson", "", &vec![b' '; BODY_MAX]).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn bodies_too_large_or_too_slow_are_refused() {
    let (address, sink, _running) = start(config());
    let (status, _) = ask(address, "POST", "/ingest/ndjson", "", &vec![b'x'; BODY_MAX + 1]).await;
    assert_eq!(status, 413);
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let chunked = format!(
        "POST /ingest/ndjson HTTP/1.1\r\nhost: t\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{}",
        BODY_MAX + 1,
        "x".repeat(BODY_MAX + 1)
    );
    stream.write_all(chunked.as_bytes()).await.expect("written");
    assert_eq!(read_answer(&mut stream).await.0, 413);
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let half = b"POST /ingest/ndjson HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: 9\r\n\r\n{\"a";
    stream.write_all(half).await.expect("written");
    assert_eq!(read_answer(&mut stream).await.0, 408);
    assert_eq!(sink.texts().len(), 0);
}

#[tokio::test]
async fn only_the_right_token_lets_in_and_its_name_is_kept() {
    let mut config = config();
    config.tokens.add("beats", "s3cret");
    let (address, sink, _running) = start(config);
    for (header, status) in [
        ("", 401),
        ("authorization: Bearer wrong\r\n", 403),
        ("authorization: Digest s3cret\r\n", 401),
        ("authorization: Bearer s3cret\r\n", 200),
        ("authorization: Splunk s3cret\r\n", 200),
    ] {
        let (got, _) = ask(address, "POST", "/ingest/ndjson", header, b"{}\n").await;
        assert_eq!(got, status, "{header}");
    }
    assert_eq!(ask(address, "GET", "/", "", b"").await.0, 401);
    assert_eq!(ask(address, "GET", "/services/collector/health", "", b"").await.0, 200);
    let identities: Vec<_> =
        sink.frames.lock().expect("not poisoned").iter().map(|frame| frame.origin.identity.clone()).collect();
    assert_eq!(identities, [Some("beats".to_owned()), Some("beats".to_owned())]);
    assert_eq!(sink.count("longan_input_auth_failures_total"), 4);
}

#[tokio::test]
async fn a_refusal_is_503_with_a_time_to_come_back_and_too_many_requests_429() {
    let (address, sink, _running) = start(config());
    sink.refusal.send_replace(Some(NotStored::DiskFull));
    for path in ["/ingest/ndjson", "/services/collector/raw"] {
        let (status, answer) = ask(address, "POST", path, "", b"{}\n").await;
        assert_eq!(status, 503, "{answer}");
        assert!(answer.contains("retry-after: 5"), "{answer}");
    }
    assert_eq!(ask(address, "GET", "/services/collector/health", "", b"").await.0, 503);
    assert_eq!(sink.count("longan_input_rejected_total"), 2);
    sink.refusal.send_replace(None);

    sink.syncing.send_replace(false);
    let waiting: Vec<_> = (0..4)
        .map(|_| tokio::spawn(async move { ask(address, "POST", "/ingest/ndjson", "", b"{}\n").await.0 }))
        .collect();
    sink.wait_for(1).await;
    test_sink::until("a request is turned away", || sink.count("longan_input_received_total") == 2 + 4).await;
    let (status, answer) = ask(address, "POST", "/ingest/ndjson", "", b"{}\n").await;
    assert_eq!(status, 429, "{answer}");
    assert!(answer.contains("retry-after: 5"), "{answer}");
    assert!(waiting.iter().all(|request| !request.is_finished()), "answered before the sync");
    sink.syncing.send_replace(true);
    for request in waiting {
        assert_eq!(in_time(request).await.expect("no panic"), 200);
    }
    sink.assert_balanced();
}

#[tokio::test]
async fn stopping_finishes_the_requests_begun() {
    let (address, sink, running) = start(config());
    sink.syncing.send_replace(false);
    let waiting = tokio::spawn(async move { ask(address, "POST", "/ingest/ndjson", "", b"{}\n").await.0 });
    sink.wait_for(1).await;
    sink.cancel.cancel();
    sink.syncing.send_replace(true);
    assert_eq!(in_time(waiting).await.expect("no panic"), 200);
    in_time(running).await.expect("no panic").expect("ended well");
}

#[test]
fn beyond_loopback_an_input_needs_tls_and_knows_its_senders() {
    let open = config();
    let mut with_token = config();
    with_token.tokens.add("beats", "s3cret");
    let plain_tls = crate::ingest::tls::Config::new("a".into(), "b".into());
    let mutual = crate::ingest::tls::Config { client_ca: Some("c".into()), ..plain_tls.clone() };
    let input = "t".to_owned();
    let far: IpAddr = [10, 0, 0, 1].into();
    for (config, address, tls, expected) in [
        (&open, [127, 0, 0, 1].into(), None, Ok(())),
        (&open, "::1".parse().expect("address"), None, Ok(())),
        (&with_token, far, None, Err(AccessError::Clear { input: input.clone(), address: far })),
        (&open, far, Some(&plain_tls), Err(AccessError::Open { input, address: far })),
        (&open, far, Some(&mutual), Ok(())),
        (&with_token, far, Some(&plain_tls), Ok(())),
    ] {
        assert_eq!(check_access(config, address, tls), expected);
    }
}

#[tokio::test]
async fn records_of_opentelemetry_are_stored_one_by_one() {
    let wide = Config { frame_bytes_max: number(1024), ..config() };
    let (address, sink, _task) = start(wide);
    let body = br#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"lgsp"}}]},
        "scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{"body":{"stringValue":"b"}}]}]}]}"#;
    let headers = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    let (status, answer) = ask(address, "POST", "/v1/logs", headers, &gzip(body)).await;
    assert_eq!((status, body_of(&answer)), (200, serde_json::json!({})));
    assert_eq!(sink.texts()[1], r#"{\"body\":\"b\",\"resource\":{\"service.name\":\"lgsp\"}}"#);
    for (headers, body, expected) in [
        ("content-type: application/x-protobuf\r\n", &b""[..], 200),
        ("content-type: application/x-protobuf\r\n", b"\xff\xff", 400),
        ("content-type: application/json; charset=utf-8\r\n", b"[]", 400),
        ("content-type: text/plain\r\n", b"{}", 415),
    ] {
        assert_eq!(ask(address, "POST", "/v1/logs", headers, body).await.0, expected, "{headers}");
    }
    assert_eq!(sink.texts().len(), 2);
    sink.assert_balanced();
}

#[tokio::test]
async fn lines_of_a_request_are_joined_and_objects_stay_whole() {
    let bytes_max = number(4_096);
    let rules = StreamRules::of_presets(&["indented".to_owned()], &[], bytes_max, Duration::from_secs(60));
    let (address, sink, running) = start(Config { joining: Some(Arc::new(rules)), ..config() });
    let body = b"one\n\tmore\n{\"a\":1}\n\tof what\ntwo\n  end";
    let (status, answer) = ask(address, "POST", "/ingest/ndjson", "", body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(body_of(&answer)["stored"], 4, "{answer}");
    assert_eq!(sink.texts(), ["one\\n\\tmore", "{\\\"a\\\":1}", "\\tof what", "two\\n  end"]);
    let (status, _) = ask(address, "POST", "/services/collector/raw", "", b"one\n\tmore\n").await;
    assert_eq!((status, sink.texts().len()), (200, 5));
    assert_eq!(sink.count("longan_input_joined_lines_total"), 3);
    sink.assert_balanced();
    sink.cancel.cancel();
    in_time(running).await.expect("joined").expect("ended well");
}
