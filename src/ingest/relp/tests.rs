//! A RELP client by hand, against real sockets.

use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;
use crate::ingest::connections::ConnectionLimits;
use crate::ingest::intake::NotStored;
use crate::ingest::joining::StreamRules;
use crate::ingest::test_sink;
use crate::ingest::test_sink::Sink;
use crate::ingest::test_sink::bound;
use crate::ingest::test_sink::in_time;

const OPEN: &str = "1 open 30 relp_version=0\ncommands=syslog\n";

struct Client {
    stream: TcpStream,
    read: String,
}

impl Client {
    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("written");
    }

    /// Reads until the answers end with `text`.
    async fn read_to(&mut self, text: &str) {
        in_time(async {
            while !self.read.ends_with(text) {
                let mut bytes = [0; 4096];
                let count = self.stream.read(&mut bytes).await.expect("read");
                assert!(count > 0, "closed after `{}`", self.read);
                self.read.push_str(std::str::from_utf8(&bytes[..count]).expect("text"));
            }
        })
        .await;
    }

    /// Reads to the end and returns everything.
    async fn read_out(mut self) -> String {
        let rest = in_time(self.stream.read_to_string(&mut self.read)).await;
        drop(rest);
        self.read
    }
}

async fn start() -> (Client, Sink, JoinHandle<Result<(), AcceptError>>) {
    start_joining(None).await
}

async fn start_joining(
    joining: Option<std::sync::Arc<StreamRules>>,
) -> (Client, Sink, JoinHandle<Result<(), AcceptError>>) {
    let (context, sink) = test_sink::start();
    let bound = bound();
    let stream = test_sink::connect(&bound).await;
    let config = Config {
        name: "t".to_owned(),
        frame_bytes_max: NonZeroUsize::new(64).expect("not zero"),
        limits: ConnectionLimits::default(),
        joining,
    };
    let running = tokio::spawn(run(context, bound, Security::Plain, config));
    (Client { stream, read: String::new() }, sink, running)
}

async fn opened() -> (Client, Sink, JoinHandle<Result<(), AcceptError>>) {
    let (mut client, sink, running) = start().await;
    client.send(OPEN).await;
    client.read_to("commands=syslog\n").await;
    client.read.clear();
    (client, sink, running)
}

#[tokio::test]
async fn sessions_are_answered_as_expected() {
    let offers = "1 rsp 58 200 OK\nrelp_version=0\nrelp_software=longan\ncommands=syslog\n";
    let cases: &[(&str, String, String, &[&str])] = &[
        ("open and close", format!("{OPEN}2 close 0\n"), format!("{offers}2 rsp 0\n0 serverclose 0\n"), &[]),
        (
            "messages",
            format!("{OPEN}2 syslog 7 <13>one\n3 syslog 8 <13>two\n\n4 close 0\n"),
            format!("{offers}2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n"),
            &["<13>one", "<13>two"],
        ),
        (
            "unknown command",
            format!("{OPEN}2 starttls 0\n3 close 0\n"),
            format!("{offers}2 rsp 19 500 unknown command\n3 rsp 0\n0 serverclose 0\n"),
            &[],
        ),
        ("not opened", "1 syslog 2 no\n".to_owned(), "0 serverclose 0\n".to_owned(), &[]),
        (
            "other version",
            "1 open 14 relp_version=9\n".to_owned(),
            "1 rsp 28 500 unsupported relp_version\n0 serverclose 0\n".to_owned(),
            &[],
        ),
        ("not RELP", "<13>plain syslog line\n".to_owned(), String::new(), &[]),
        (
            "broken after a message",
            format!("{OPEN}2 syslog 1 x\nGARBAGE\n"),
            format!("{offers}2 rsp 6 200 OK\n"),
            &["x"],
        ),
        (
            "oversized",
            format!("{OPEN}2 syslog 100 {}\n3 syslog 1 y\n4 close 0\n", "x".repeat(100)),
            format!("{offers}2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n"),
            &["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…", "y"],
        ),
    ];
    for (name, sent, expected, frames) in cases {
        let (mut client, sink, running) = start().await;
        client.send(sent).await;
        assert_eq!(&client.read_out().await, expected, "{name}");
        assert_eq!(sink.texts(), *frames, "{name}");
        sink.assert_balanced();
        sink.cancel.cancel();
        in_time(running).await.expect("no panic").expect("ended well");
    }
}

#[tokio::test]
async fn no_message_is_acknowledged_before_its_receipt() {
    let (mut client, sink, running) = opened().await;
    sink.syncing.send_replace(false);
    client.send("2 syslog 1 a\n3 syslog 1 b\n").await;
    sink.wait_for(2).await;
    let early = tokio::time::timeout(Duration::from_millis(100), client.stream.read_u8()).await;
    assert!(early.is_err(), "answered before the sync");
    sink.syncing.send_replace(true);
    client.read_to("3 rsp 6 200 OK\n").await;
    assert_eq!(client.read, "2 rsp 6 200 OK\n3 rsp 6 200 OK\n");
    sink.cancel.cancel();
    client.read_to("0 serverclose 0\n").await;
    in_time(running).await.expect("no panic").expect("ended well");
}

#[tokio::test]
async fn a_window_of_messages_is_stored_in_groups_and_acknowledged_in_order() {
    let (mut client, sink, _running) = opened().await;
    let mut sent = String::new();
    let mut expected = String::new();
    for transaction in 2..2002 {
        sent.push_str(&format!("{transaction} syslog 6 <13>xy\n"));
        expected.push_str(&format!("{transaction} rsp 6 200 OK\n"));
    }
    client.send(&sent).await;
    client.read_to("\n2001 rsp 6 200 OK\n").await;
    assert_eq!(client.read, expected);
    let batches = sink.batches.lock().expect("not poisoned").len();
    assert!(batches < 100, "{batches} submissions for 2000 messages");
}

#[tokio::test]
async fn a_refusal_closes_without_an_answer_so_that_the_sender_keeps_the_message() {
    let (mut client, sink, _running) = opened().await;
    sink.refusal.send_replace(Some(NotStored::DiskFull));
    client.send("2 syslog 1 a\n3 syslog 1 b\n").await;
    let answers = client.read_out().await;
    assert_eq!(answers, "0 serverclose 0\n");
    assert_eq!(sink.count("longan_input_rejected_total"), 2);
    sink.assert_balanced();
}

/// A message that waits for more of its pieces is not answered before all of it is stored; others are.
#[tokio::test]
async fn pieces_are_answered_together_once_they_are_stored() {
    let bytes_max = NonZeroUsize::new(4_096).expect("not zero");
    let rules = StreamRules::of_presets(&["auditd".to_owned()], &[], bytes_max, Duration::from_secs(60));
    let (mut client, sink, running) = start_joining(Some(std::sync::Arc::new(rules))).await;
    client.send(OPEN).await;
    client.read_to("commands=syslog\n").await;
    client.read.clear();
    let record = |kind: &str| format!("<13>type={kind} msg=audit(1.5:7): x");
    let message = |number: u32, text: &str| format!("{number} syslog {} {text}\n", text.len());
    client.send(&message(2, &record("SYSCALL"))).await;
    client.send(&message(3, "<13>other")).await;
    client.read_to("3 rsp 6 200 OK\n").await;
    assert_eq!(client.read, "3 rsp 6 200 OK\n", "the first is not stored yet");
    // The end of the event is not stored before it may be.
    sink.syncing.send_replace(false);
    client.send(&message(4, &record("CWD"))).await;
    client.send(&message(5, &record("EOE"))).await;
    sink.wait_for(2).await;
    assert_eq!(client.read, "3 rsp 6 200 OK\n");
    sink.syncing.send_replace(true);
    client.read_to("2 rsp 6 200 OK\n4 rsp 6 200 OK\n5 rsp 6 200 OK\n").await;

    // What waits when the sender closes is stored and answered, too.
    client.send(&message(6, &record("SYSCALL"))).await;
    client.send("7 close 0\n").await;
    let read = client.read_out().await;
    assert!(read.ends_with("6 rsp 6 200 OK\n7 rsp 0\n0 serverclose 0\n"), "{read}");
    let event = ["SYSCALL", "CWD", "EOE"].map(record).join("\\n");
    assert_eq!(sink.texts(), ["<13>other".to_owned(), event, record("SYSCALL")]);
    sink.assert_balanced();
    sink.cancel.cancel();
    in_time(running).await.expect("joined").expect("ended well");
}
