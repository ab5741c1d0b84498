//! Real sockets on loopback, and what hostile senders do to them.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::pem::PemObject;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::*;
use crate::ingest::connections::ConnectionLimits;
use crate::ingest::joining::StreamRules;
use crate::ingest::listener::raise_open_files_limit;
use crate::ingest::test_sink;
use crate::ingest::test_sink::Sink;
use crate::ingest::test_sink::bound;
use crate::ingest::test_sink::in_time;
use crate::ingest::tls;

const LIMIT: usize = 1024;

fn config() -> Config {
    let frame_bytes_max = NonZeroUsize::new(LIMIT).expect("not zero");
    Config { name: "t".to_owned(), frame_bytes_max, limits: ConnectionLimits::default(), joining: None }
}

type Running = JoinHandle<Result<(), AcceptError>>;

fn start_with(security: Security, config: Config) -> (SocketAddr, Sink, Running) {
    let (context, sink) = test_sink::start();
    let bound = bound();
    let address = bound.address;
    (address, sink, tokio::spawn(run(context, bound, security, config)))
}

fn start() -> (SocketAddr, Sink, Running) {
    start_with(Security::Plain, config())
}

async fn stop(sink: &Sink, running: Running) {
    sink.cancel.cancel();
    in_time(running).await.expect("no panic").expect("ended well");
    assert_eq!(sink.count("longan_input_connections"), 0);
    sink.assert_balanced();
}

async fn send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(bytes).await.expect("written");
    stream
}

#[tokio::test]
async fn hostile_senders_lose_nothing_but_their_excess() {
    let long = |bytes: usize| [&b"<13>"[..], &vec![b'x'; bytes], b"\n<13>next\n"].concat();
    let cut = format!("<13>{}…", "x".repeat(LIMIT - 4));
    /// Name, bytes sent, frames expected, framing errors, truncated frames.
    type Case<'a> = (&'static str, Vec<u8>, Vec<&'a str>, i64, i64);
    let cases: Vec<Case<'_>> = vec![
        ("oversized", long(5000), vec![&cut, "<13>next"], 0, 1),
        ("bad length", b"77777777777 <13>bad\n9 <13>after".to_vec(), vec!["<13>bad", "<13>after"], 1, 0),
        (
            "swallowing length",
            b"25 <13>bad\n9 <13>after9 <13>third".to_vec(),
            vec!["<13>bad", "<13>after", "<13>third"],
            1,
            0,
        ),
        ("invalid UTF-8", b"<13>\xc3\x28\xff\n".to_vec(), vec!["<13>\\xc3(\\xff"], 0, 0),
        ("NUL inside", b"<13>a\0b\n".to_vec(), vec!["<13>a\\x00b"], 0, 0),
        ("escapes", b"<13>\x1b]0;owned\x07\n".to_vec(), vec!["<13>\\x1b]0;owned\\x07"], 0, 0),
        ("half a line", b"<13>no end".to_vec(), vec!["<13>no end"], 0, 0),
        ("nothing", b"".to_vec(), vec![], 0, 0),
    ];
    for (name, bytes, frames, errors, truncated) in cases {
        let (address, sink, running) = start();
        // Half closed: the sender says it is done and waits.
        let mut stream = send(address, &bytes).await;
        stream.shutdown().await.expect("half closed");
        sink.wait_for(frames.len()).await;
        sink.wait_for_count("longan_input_connections", 0).await;
        assert_eq!(sink.texts(), frames, "{name}");
        assert_eq!(sink.count("longan_input_framing_errors_total"), errors, "{name}");
        assert_eq!(sink.count("longan_input_truncated_total"), truncated, "{name}");
        stop(&sink, running).await;
    }
}

#[tokio::test]
async fn a_line_of_100_megabytes_and_a_slow_client_disturb_nobody() {
    let (address, sink, running) = start();
    let mut slow = send(address, b"<13>sl").await;
    let mut endless = send(address, b"<13>").await;
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        endless.write_all(&piece).await.expect("written");
    }
    endless.write_all(b"\n<13>after\n").await.expect("written");
    sink.wait_for(2).await;
    for byte in b"ow\n" {
        slow.write_all(&[*byte]).await.expect("written");
        slow.flush().await.expect("flushed");
    }
    sink.wait_for(3).await;
    assert_eq!(sink.texts()[1..], ["<13>after", "<13>slow"]);
    assert_eq!(sink.count("longan_input_bytes_total"), LIMIT as i64 + 9 + 8);
    assert_eq!(sink.count("longan_input_skipped_bytes_total"), (100 << 20) + 4 - LIMIT as i64 + 1);
    stop(&sink, running).await;
}

#[tokio::test]
async fn a_frame_held_for_proof_is_taken_when_nothing_follows() {
    let (address, sink, running) = start();
    let _stream = send(address, b"17 <13>a\n7 <13>forge").await;
    sink.wait_for(1).await;
    assert_eq!(sink.texts(), ["<13>a\\n7 <13>forge"]);
    stop(&sink, running).await;
}

#[tokio::test]
async fn idle_connections_are_cheap_and_one_too_many_is_refused() {
    raise_open_files_limit().expect("raised");
    let mut config = config();
    config.limits.connections_max = NonZeroUsize::new(1000).expect("not zero");
    let (address, sink, running) = start_with(Security::Plain, config);
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(TcpStream::connect(address).await.expect("connected"));
    }
    sink.wait_for_count("longan_input_connections", 1000).await;
    let mut refused = TcpStream::connect(address).await.expect("accepted by the kernel");
    assert_eq!(in_time(refused.read_u8()).await.map_err(|err| err.kind()), Err(std::io::ErrorKind::UnexpectedEof));
    assert_eq!(sink.count("longan_input_connections_refused_total"), 1);
    idle[500].write_all(b"<13>still here\n").await.expect("written");
    sink.wait_for(1).await;
    drop(idle);
    sink.wait_for_count("longan_input_connections", 0).await;
    drop(send(address, b"<13>room again\n").await);
    sink.wait_for(2).await;
    stop(&sink, running).await;
}

#[tokio::test]
async fn a_silent_connection_is_closed_and_its_last_line_kept() {
    let mut config = config();
    config.limits.idle_timeout = Duration::from_millis(50);
    let (address, sink, running) = start_with(Security::Plain, config);
    let mut stream = send(address, b"<13>half").await;
    assert!(in_time(stream.read_u8()).await.is_err(), "closed");
    assert_eq!(sink.texts(), ["<13>half"]);
    stop(&sink, running).await;
}

#[tokio::test]
async fn nothing_is_read_while_the_log_refuses_and_all_of_it_afterwards() {
    let (address, sink, running) = start();
    sink.refusal.send_replace(Some(NotStored::DiskFull));
    let _stream = send(address, b"<13>one\n<13>two\n").await;
    sink.wait_for_count("longan_input_connections", 1).await;
    assert_eq!(sink.count("longan_input_received_total"), 0);
    sink.refusal.send_replace(None);
    sink.wait_for(2).await;
    assert_eq!(sink.count("longan_input_dropped_total"), 0);
    stop(&sink, running).await;
}

#[tokio::test]
async fn what_was_read_when_the_refusal_came_is_kept() {
    let (address, sink, running) = start();
    let mut stream = send(address, b"<13>before\n").await;
    sink.wait_for(1).await;
    // The connection waits in a read now, past its look at the refusal.
    sink.refusal.send_replace(Some(NotStored::DiskFull));
    stream.write_all(b"<13>during\n").await.expect("written");
    sink.wait_for_count("longan_input_received_total", 2).await;
    sink.refusal.send_replace(None);
    sink.wait_for(2).await;
    assert_eq!(sink.count("longan_input_dropped_total"), 0);
    stop(&sink, running).await;
}

#[tokio::test]
async fn stopping_takes_in_what_has_arrived() {
    let (address, sink, running) = start();
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(send(address, &b"<13>line\n".repeat(2000)).await);
    }
    sink.wait_for_count("longan_input_connections", 20).await;
    stop(&sink, running).await;
    assert_eq!(sink.texts().len(), 40_000);
}

struct Tls {
    _folder: tempfile::TempDir,
    files: tls::issue::Files,
}

impl Tls {
    fn new() -> Tls {
        let folder = tempfile::tempdir().expect("folder");
        let files = tls::issue::write(folder.path(), "fw1.xa.test").expect("issued");
        Tls { _folder: folder, files }
    }

    fn security(&self, with_client_ca: bool, handshake_timeout: Duration) -> Security {
        let mut config = tls::Config::new(self.files.server_certificate.clone(), self.files.server_key.clone());
        config.handshake_timeout = handshake_timeout;
        config.client_ca = with_client_ca.then(|| self.files.ca.clone());
        Security::load(Some(&config)).expect("loaded")
    }

    /// Sends a line over TLS, with a client certificate or without; false when it was not let in.
    async fn send(&self, address: SocketAddr, client: Option<(&PathBuf, &PathBuf)>, line: &[u8]) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.files.ca).expect("CA")).expect("added");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("versions").with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let certificate = CertificateDer::from_pem_file(certificate).expect("certificate");
                let key = PrivateKeyDer::from_pem_file(key).expect("key");
                builder.with_client_auth_cert(vec![certificate], key).expect("pair")
            }
        };
        let stream = TcpStream::connect(address).await.expect("connected");
        let name = ServerName::try_from("server.soc.test").expect("name");
        let Ok(mut stream) = TlsConnector::from(Arc::new(config)).connect(name, stream).await else { return false };
        // With TLS 1.3 a refusal comes only after the client believes it is in.
        stream.write_all(line).await.is_ok()
            && stream.shutdown().await.is_ok()
            && stream.read_u8().await.is_err_and(|err| err.kind() == std::io::ErrorKind::UnexpectedEof)
    }
}

#[tokio::test]
async fn a_client_certificate_names_the_sender_and_without_one_nobody_is_let_in() {
    let (tls, strangers) = (Tls::new(), Tls::new());
    let (address, sink, running) = start_with(tls.security(true, Duration::from_secs(10)), config());
    let own = (&tls.files.client_certificate, &tls.files.client_key);
    assert!(tls.send(address, Some(own), b"9 <13>named").await);
    sink.wait_for(1).await;
    let identity = sink.frames.lock().expect("not poisoned")[0].origin.identity.clone();
    assert_eq!(identity.as_deref(), Some("fw1.xa.test"));
    assert!(!tls.send(address, None, b"<13>unnamed\n").await);
    let strange = (&strangers.files.client_certificate, &strangers.files.client_key);
    assert!(!tls.send(address, Some(strange), b"<13>strange\n").await);
    sink.wait_for_count("longan_input_auth_failures_total", 2).await;
    assert_eq!(sink.texts(), ["<13>named"]);
    stop(&sink, running).await;
}

#[tokio::test]
async fn half_a_hello_does_not_hold_a_slot() {
    let tls = Tls::new();
    let mut config = config();
    config.limits.connections_max = NonZeroUsize::MIN;
    let (address, sink, running) = start_with(tls.security(false, Duration::from_millis(100)), config);
    let _half = send(address, b"\x16\x03\x01\x02\x00\x01").await;
    sink.wait_for_count("longan_input_auth_failures_total", 1).await;
    sink.wait_for_count("longan_input_connections", 0).await;
    assert!(tls.send(address, None, b"<13>after\n").await);
    sink.wait_for(1).await;
    stop(&sink, running).await;
}

#[tokio::test]
async fn pieces_are_joined_and_come_out_in_time_at_the_end_and_when_stopped() {
    let names = ["java", "auditd"].map(str::to_owned);
    let wait = Duration::from_millis(30);
    let rules = StreamRules::of_presets(&names, &[], NonZeroUsize::new(LIMIT).expect("not zero"), wait);
    let joining = Config { joining: Some(Arc::new(rules)), ..config() };
    let trace = ["<11>Mar 14 09:26:53 a t[1]: boom", "<11>Mar 14 09:26:53 a t[1]: \tat a.b(C.java:1)"];
    let (address, sink, running) = start_with(Security::Plain, joining);
    // Nothing more comes, and the connection stays open.
    let stream = send(address, format!("{}\n", trace.join("\n")).as_bytes()).await;
    sink.wait_for(1).await;
    // The connection ends.
    drop(send(address, format!("{}\n{}", trace[0], trace[1]).as_bytes()).await);
    sink.wait_for(2).await;
    let whole = trace.join("\n").escape_default().to_string();
    assert_eq!(sink.texts(), [whole.clone(), whole.clone()]);
    drop(stream);
    stop(&sink, running).await;
    assert_eq!(sink.count("longan_input_joined_lines_total"), 2);

    // The program stops while a piece waits.
    let rules =
        StreamRules::of_presets(&names, &[], NonZeroUsize::new(LIMIT).expect("not zero"), Duration::from_secs(60));
    let (address, sink, running) = start_with(Security::Plain, Config { joining: Some(Arc::new(rules)), ..config() });
    let stream = send(address, format!("{}\n<13>Mar 14 09:26:53 b u[2]: x\n{}\n", trace[0], trace[1]).as_bytes()).await;
    sink.wait_for_count("longan_input_connections", 1).await;
    stop(&sink, running).await;
    drop(stream);
    assert_eq!(sink.texts(), [whole, "<13>Mar 14 09:26:53 b u[2]: x".to_owned()]);
}
