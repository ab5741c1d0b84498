//! Real datagrams on loopback.

use super::*;
use crate::ingest::listener::Place;
use crate::ingest::listener::bind_udp;
use crate::ingest::test_sink;
use crate::ingest::test_sink::Sink;

type Running = thread::JoinHandle<Result<(), UdpError>>;

fn start(address: &str, frame_bytes_max: usize) -> (SocketAddr, Sink, Running) {
    start_with_buffer(address, frame_bytes_max, 1 << 20)
}

fn start_with_buffer(address: &str, frame_bytes_max: usize, buffer_bytes: usize) -> (SocketAddr, Sink, Running) {
    let (context, sink) = test_sink::start();
    let place = Place { input: "t", setting: "--t", address: address.parse().expect("address") };
    let bound = bind_udp(place).expect("bound");
    let config = Config {
        name: "t".to_owned(),
        frame_bytes_max: NonZeroUsize::new(frame_bytes_max).expect("not zero"),
        receive_buffer_bytes: NonZeroUsize::new(buffer_bytes).expect("not zero"),
        joining: None,
    };
    (bound.address, sink, spawn(context, bound, config).expect("thread"))
}

async fn stop(sink: &Sink, running: Running) {
    sink.cancel.cancel();
    let ended = tokio::task::spawn_blocking(move || running.join());
    test_sink::in_time(ended).await.expect("joined").expect("no panic").expect("ended well");
    test_sink::until("everything handed in", || {
        let stored = sink.frames.lock().expect("not poisoned").len() as i64;
        sink.count("longan_input_received_total") == stored + sink.count("longan_input_dropped_total")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_datagram_is_a_frame() {
    for (listen, from) in [("127.0.0.1:0", "127.0.0.1:0"), ("[::1]:0", "[::1]:0")] {
        let (address, sink, running) = start(listen, 64);
        let sender = UdpSocket::bind(from).expect("bound");
        for datagram in [
            &b"<13>one"[..],
            b"<13>two\n",
            b"<13>three\0",
            b"<13>four\r\n<13>five\n",
            b"\n",
            b"",
            b"<13>\xff\x1b[2J\0x",
            &[b'y'; 200],
        ] {
            sender.send_to(datagram, address).expect("sent");
        }
        sink.wait_for(6).await;
        let cut = format!("{}…", "y".repeat(64));
        let expected = ["<13>one", "<13>two", "<13>three", "<13>four\\r\\n<13>five", "<13>\\xff\\x1b[2J\\x00x", &cut];
        assert_eq!(sink.texts(), expected);
        let peer = sink.frames.lock().expect("not poisoned")[0].origin.peer;
        assert_eq!(peer, Some(sender.local_addr().expect("address")));
        assert_eq!(sink.count("longan_input_truncated_total"), 1);
        stop(&sink, running).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_dual_socket_takes_both_families_and_shows_ipv4_as_such() {
    let (address, sink, running) = start("[::]:0", 64);
    let four = UdpSocket::bind("127.0.0.1:0").expect("bound");
    four.send_to(b"<13>four", ("127.0.0.1", address.port())).expect("sent");
    sink.wait_for(1).await;
    let six = UdpSocket::bind("[::1]:0").expect("bound");
    six.send_to(b"<13>six", ("::1", address.port())).expect("sent");
    sink.wait_for(2).await;
    let peers: Vec<_> = sink.frames.lock().expect("not poisoned").iter().map(|frame| frame.origin.peer).collect();
    assert_eq!(peers, [four.local_addr().ok(), six.local_addr().ok()]);
    stop(&sink, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_kernel_dropped_is_counted() {
    let (address, sink, running) = start_with_buffer("127.0.0.1:0", 2048, 4096);
    // The sink takes nothing more, the queue fills, then the kernel's buffer does.
    sink.syncing.send_replace(false);
    let sender = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let mut sent = 0;
    let flood = |sent: &mut i64| {
        for _ in 0..2000 {
            sender.send_to(&[b'z'; 1000], address).expect("sent");
            *sent += 1;
        }
    };
    while sent < 20_000 {
        flood(&mut sent);
        tokio::task::yield_now().await;
    }
    sink.syncing.send_replace(true);
    // The count comes with the next datagram after the drop.
    test_sink::until("the drops are known", || {
        sender.send_to(b"<13>last", address).expect("sent");
        sent_known(&sink)
    })
    .await;
    assert!(sink.count("longan_input_kernel_dropped_total") <= sink.count("longan_input_dropped_total"));
    stop(&sink, running).await;
}

fn sent_known(sink: &Sink) -> bool {
    sink.count("longan_input_kernel_dropped_total") > 0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_counted_as_dropped_and_ends_nothing() {
    let (address, sink, running) = start("127.0.0.1:0", 64);
    let sender = UdpSocket::bind("127.0.0.1:0").expect("bound");
    sink.refusal.send_replace(Some(NotStored::DiskFull));
    sender.send_to(b"<13>lost", address).expect("sent");
    sink.wait_for_count("longan_input_dropped_total", 1).await;
    sink.refusal.send_replace(None);
    sender.send_to(b"<13>kept", address).expect("sent");
    sink.wait_for(1).await;
    assert_eq!(sink.texts(), ["<13>kept"]);
    stop(&sink, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_senders_are_remembered_within_bounds() {
    let (context, _sink) = test_sink::start();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let config = Config {
        name: "t".to_owned(),
        frame_bytes_max: NonZeroUsize::MIN,
        receive_buffer_bytes: NonZeroUsize::new(4096).expect("not zero"),
        joining: None,
    };
    let mut receiver = Receiver::new(&context, &socket, &config).expect("prepared");
    for port in 1..=20_000u16 {
        let origin = receiver.origin(Some(([127, 0, 0, 1], port).into()));
        assert_eq!(origin.peer.map(|peer| peer.port()), Some(port));
        assert!(receiver.origins.len() <= PEERS_MAX);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pieces_of_a_message_are_joined_by_sender() {
    let (context, sink) = test_sink::start();
    let place = Place { input: "t", setting: "--t", address: "127.0.0.1:0".parse().expect("address") };
    let bound = bind_udp(place).expect("bound");
    let address = bound.address;
    let bytes = |bytes| NonZeroUsize::new(bytes).expect("not zero");
    let wait = Duration::from_millis(300);
    let rules = StreamRules::of_presets(&["postgresql".to_owned()], &["postgres".to_owned()], bytes(4_096), wait);
    let config = Config {
        name: "t".to_owned(),
        frame_bytes_max: bytes(4_096),
        receive_buffer_bytes: bytes(1 << 20),
        joining: Some(Arc::new(rules)),
    };
    let running = spawn(context, bound, config).expect("thread");
    let sender = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let head = "<131>Mar 14 09:26:53 db-1 postgres[7]:";
    for text in ["[5-1] ERROR:  x", "[5-2] #011STATEMENT:  y", "[6-1] LOG:  z"] {
        sender.send_to(format!("{head} {text}").as_bytes(), address).expect("sent");
    }
    // The last one comes although nothing follows.
    sink.wait_for(2).await;
    let whole = format!("{head} [5-1] ERROR:  x\\n{head} [5-2] #011STATEMENT:  y");
    assert_eq!(sink.texts(), [whole, format!("{head} [6-1] LOG:  z")]);
    stop(&sink, running).await;
}
