//! A client written by hand, over real sockets.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;
use crate::ingest::connections::ConnectionLimits;
use crate::ingest::intake::NotStored;
use crate::ingest::test_sink;
use crate::ingest::test_sink::Sink;
use crate::ingest::test_sink::bound;
use crate::ingest::test_sink::connect;
use crate::ingest::test_sink::in_time;

async fn start() -> (TcpStream, Sink, JoinHandle<Result<(), AcceptError>>) {
    let (context, sink) = test_sink::start();
    let bound = bound();
    let client = connect(&bound).await;
    let frame_bytes_max = NonZeroUsize::new(64).expect("not zero");
    let config = Config { name: "t".to_owned(), frame_bytes_max, limits: ConnectionLimits::default(), joining: None };
    (client, sink, tokio::spawn(run(context, bound, Security::Plain, config)))
}

fn window(count: u32) -> Vec<u8> {
    [b"2W", &count.to_be_bytes()[..]].concat()
}

fn json(sequence: u32, document: &str) -> Vec<u8> {
    let length = u32::try_from(document.len()).expect("short");
    [b"2J", &sequence.to_be_bytes()[..], &length.to_be_bytes(), document.as_bytes()].concat()
}

fn compressed(frames: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(frames).expect("written");
    let packed = encoder.finish().expect("packed");
    [b"2C", &u32::try_from(packed.len()).expect("short").to_be_bytes()[..], &packed].concat()
}

async fn acknowledged(client: &mut TcpStream) -> u32 {
    let mut answer = [0; 6];
    in_time(client.read_exact(&mut answer)).await.expect("an acknowledgement");
    assert_eq!(&answer[..2], b"2A");
    u32::from_be_bytes(answer[2..].try_into().expect("four bytes"))
}

#[tokio::test]
async fn windows_are_acknowledged_when_they_are_synced() {
    let (mut client, sink, task) = start().await;
    sink.syncing.send_replace(false);
    client.write_all(&[window(2), json(1, "{\"a\":1}"), json(2, "{\"a\":2}")].concat()).await.expect("written");
    sink.wait_for(2).await;
    let mut early = [0; 1];
    let waited = tokio::time::timeout(Duration::from_millis(50), client.read(&mut early)).await;
    assert!(waited.is_err(), "nothing is acknowledged before the sync");
    sink.syncing.send_replace(true);
    assert_eq!(acknowledged(&mut client).await, 2);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(100));
    let block = compressed(&[json(3, "{\"a\":3}"), json(4, &long)].concat());
    client.write_all(&[window(2), block].concat()).await.expect("written");
    assert_eq!(acknowledged(&mut client).await, 4);
    assert_eq!(sink.texts()[2], r#"{\"a\":3}"#);
    assert!(sink.texts()[3].ends_with('…'));
    // A window that is never whole is not stored: its sender brings it again.
    client.write_all(&[window(5), json(1, "{}")].concat()).await.expect("written");
    drop(client);
    sink.wait_for_count("longan_input_connections", 0).await;
    assert_eq!(sink.texts().len(), 4);
    sink.assert_balanced();
    sink.cancel.cancel();
    in_time(task).await.expect("joined").expect("ended well");
}

#[tokio::test]
async fn what_cannot_be_served_is_closed_unanswered() {
    for (bytes, refusal, errors) in [
        ([window(1), json(1, "{}")].concat(), Some(NotStored::DiskFull), 0),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), None, 1),
        (compressed(&compressed(b"2")), None, 1),
        (compressed(&vec![0; 20_000_000]), None, 1),
    ] {
        let (mut client, sink, _task) = start().await;
        sink.refusal.send_replace(refusal);
        client.write_all(&bytes).await.expect("written");
        let mut answer = Vec::new();
        drop(in_time(client.read_to_end(&mut answer)).await);
        assert_eq!(answer, b"");
        sink.wait_for_count("longan_input_connections", 0).await;
        assert_eq!(sink.count("longan_input_framing_errors_total"), errors);
        sink.assert_balanced();
    }
}
