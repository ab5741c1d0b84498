//! What other senders' protocols bring: shippers, collectors, chunked datagrams, files read piece by piece.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use bytes::BytesMut;
use longan::ingest::file;
use longan::ingest::file::Joining;
use longan::ingest::file::Multiline;
use longan::ingest::gelf::chunks::Chunks;
use longan::ingest::gelf::chunks::Taken;
use longan::ingest::http;
use longan::ingest::intake;
use longan::ingest::joining::StreamJoiner;
use longan::ingest::joining::StreamRules;
use longan::ingest::lumberjack::frame;
use longan::ingest::lumberjack::frame::Frame;
use longan::model::Origin;

use super::RECEIVED;
use super::choice;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LINE_BYTES_MAX: NonZeroUsize = NonZeroUsize::new(48).expect("it is not zero");
const PIECES_BYTES_MAX: NonZeroUsize = NonZeroUsize::new(2_048).expect("it is not zero");
const LINES_MAX: NonZeroUsize = NonZeroUsize::new(4).expect("it is not zero");

/// A shipper's stream gives the same frames however it was cut into reads; what is packed unpacks to frames or not at all.
pub(super) fn lumberjack(data: &[u8]) {
    let Some((step, data)) = choice(data) else { return };
    let whole = shipped(data, data.len().max(1));
    assert_eq!(whole, shipped(data, usize::from(step % 16) + 1), "the same frames however the stream was cut");
    for frame in whole.0 {
        if let Frame::Compressed(packed) = frame
            && let Ok(frames) = frame::unpack(&packed)
        {
            assert!(!frames.iter().any(|frame| matches!(frame, Frame::Compressed(_))), "nothing is packed twice");
        }
    }
}

fn shipped(data: &[u8], step: usize) -> (Vec<Frame>, bool) {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for part in data.chunks(step) {
        buffer.extend_from_slice(part);
        loop {
            match frame::next(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

/// Datagrams of any kind: what is put together is made of what came, and nothing is left when all is given up.
pub(super) fn gelf_chunks(data: &[u8]) {
    let Some((length, data)) = choice(data) else { return };
    let (mut chunks, now) = (Chunks::default(), Instant::now());
    let mut came = 0;
    for datagram in data.chunks(usize::from(length % 32) + 1) {
        came += datagram.len();
        match chunks.take(PEER, datagram, now) {
            Taken::Whole(whole) => assert_eq!(whole, datagram),
            Taken::Complete(message) => assert!(message.len() <= came),
            Taken::Waiting | Taken::Refused => {}
        }
    }
    chunks.clear();
    assert_eq!(chunks.clear(), 0);
}

/// A collector's request, as protobuf or JSON: every record is one JSON object.
pub(super) fn otlp(data: &[u8]) {
    let Some((form, data)) = choice(data) else { return };
    let Ok(records) = http::otlp_records(&Bytes::copy_from_slice(data), form % 2 == 0) else { return };
    for record in records {
        let read: serde_json::Value = serde_json::from_slice(&record).expect("a record is JSON");
        assert!(read.is_object());
    }
}

static RULES: LazyLock<[Option<Multiline>; 3]> = LazyLock::new(|| {
    let rules = |name| Some(Multiline { joining: Joining::preset(name).expect("it is known"), lines_max: LINES_MAX });
    [None, rules("indented"), rules("java")]
});

/// A file gives the same messages however it was read, none too long, and without rules for joining its own lines.
pub(super) fn file_lines(data: &[u8]) {
    let Some((how, data)) = choice(data) else { return };
    let rules = RULES[usize::from(how % 3)].as_ref();
    let read = |step: usize| {
        file::messages(data.chunks(step).map(Bytes::copy_from_slice), LINE_BYTES_MAX, rules)
    };
    let whole = read(data.len().max(1));
    assert_eq!(whole, read(usize::from(how / 3 % 16) + 1), "the same messages however the file was read");
    assert!(whole.iter().all(|message| !message.is_empty() && message.len() <= LINE_BYTES_MAX.get()));
    if rules.is_none() {
        let wanted: Vec<&[u8]> = data
            .split(|byte| *byte == b'\n')
            .map(|line| {
                let kept = &line[..line.len().min(LINE_BYTES_MAX.get())];
                if kept.len() == line.len() { kept.strip_suffix(b"\r").unwrap_or(kept) } else { kept }
            })
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(whole, wanted);
    }
}

/// Lines of two senders, joined: every line comes out once and as it came, and what was joined is read as one message.
pub(super) fn pieces(data: &[u8]) {
    let names = StreamRules::PRESETS.map(str::to_owned);
    let rules = Arc::new(StreamRules::of_presets(&names, &[], PIECES_BYTES_MAX, Duration::from_secs(1)));
    let (mut joiner, mut out, mut now) = (StreamJoiner::new(rules), Vec::new(), Instant::now());
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    for (nth, line) in lines.iter().enumerate() {
        let sender = if line.len() % 7 == 0 { Ipv4Addr::UNSPECIFIED.into() } else { PEER };
        let peer = SocketAddr::new(sender, 1);
        let origin = Arc::new(Origin { input: "fuzz".to_owned(), peer: Some(peer), identity: None });
        let frame = intake::Frame { received: RECEIVED, origin, truncated: false, raw: Bytes::copy_from_slice(line) };
        now += Duration::from_millis(line.len() as u64);
        joiner.release_due(now, &mut out);
        joiner.feed(frame, nth, now, &mut out);
    }
    joiner.release_all(&mut out);
    assert!(joiner.is_empty());
    let mut tags: Vec<usize> = Vec::new();
    for joined in &out {
        let expected: Vec<&[u8]> = joined.tags.iter().map(|nth| lines[*nth]).collect();
        assert_eq!(joined.frame.raw, expected.join(&b'\n'));
        tags.extend(&joined.tags);
        super::event::pack_line(&joined.frame.raw);
    }
    tags.sort_unstable();
    assert_eq!(tags, (0..lines.len()).collect::<Vec<_>>());
    read_on(data);
}

/// The same bytes as a file of audit records: broken off after any message, reading on gives the rest.
fn read_on(data: &[u8]) {
    let rules = Multiline { joining: Joining::Audit, lines_max: LINES_MAX };
    let all = file::messages([Bytes::copy_from_slice(data)], PIECES_BYTES_MAX, Some(&rules));
    let kept: usize = all.iter().map(|message| message.split(|byte| *byte == b'\n').count()).sum();
    let wanted = file::messages([Bytes::copy_from_slice(data)], PIECES_BYTES_MAX, None);
    assert_eq!(kept, wanted.len(), "every line is in one message");
}
