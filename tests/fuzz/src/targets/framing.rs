//! Where one message ends and the next begins.

use std::num::NonZeroUsize;

use bytes::Bytes;
use bytes::BytesMut;
use longan::ingest::http;
use longan::ingest::relp::frame::Decoder as RelpDecoder;
use longan::ingest::syslog::framing::Decoder;
use longan::ingest::syslog::framing::Framed;

use super::choice;

const FRAME_BYTES_MAX: NonZeroUsize = NonZeroUsize::new(48).expect("it is not zero");

/// A stream gives the same frames however it was cut into reads, in order and out of its own bytes.
pub(super) fn syslog(data: &[u8]) {
    let Some((step, data)) = choice(data) else { return };
    let (whole, whole_skipped) = frames(data, data.len().max(1));
    let (cut, cut_skipped) = frames(data, usize::from(step % 16) + 1);
    assert_eq!(whole, cut, "the same frames however the stream was cut");
    assert_eq!(whole_skipped, cut_skipped);
    let kept: usize = whole.iter().map(|frame| frame.raw.len()).sum();
    assert!(kept as u64 + whole_skipped <= data.len() as u64, "no byte is counted twice");
    let mut from = 0;
    for frame in &whole {
        assert!(frame.raw.len() <= FRAME_BYTES_MAX.get());
        let rest = &data[from..];
        let at =
            rest.windows(frame.raw.len()).position(|window| window == frame.raw).expect("a frame is of the stream");
        from += at + frame.raw.len();
    }
}

fn frames(data: &[u8], step: usize) -> (Vec<Framed>, u64) {
    let mut decoder = Decoder::new(FRAME_BYTES_MAX);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for part in data.chunks(step) {
        buffer.extend_from_slice(part);
        while let Some(frame) = decoder.next_frame(&mut buffer) {
            frames.push(frame);
        }
    }
    while let Some(frame) = decoder.finish(&mut buffer) {
        frames.push(frame);
    }
    (frames, decoder.take_trouble().skipped_bytes)
}

/// The same for RELP, where what is wrong ends the connection.
pub(super) fn relp(data: &[u8]) {
    let Some((step, data)) = choice(data) else { return };
    let whole = commands(data, data.len().max(1));
    let cut = commands(data, usize::from(step % 16) + 1);
    assert_eq!(whole, cut, "the same commands however the stream was cut");
}

fn commands(data: &[u8], step: usize) -> (Vec<longan::ingest::relp::frame::Command>, bool) {
    let mut decoder = RelpDecoder::new(FRAME_BYTES_MAX);
    let mut buffer = BytesMut::new();
    let mut commands = Vec::new();
    for part in data.chunks(step) {
        buffer.extend_from_slice(part);
        loop {
            match decoder.next_command(&mut buffer) {
                Ok(Some(command)) => {
                    assert!(command.data.len() <= FRAME_BYTES_MAX.get());
                    commands.push(command);
                }
                Ok(None) => break,
                Err(_) => return (commands, true),
            }
        }
    }
    (commands, false)
}

/// Bodies of NDJSON, of the bulk API and of the event collector: every document is a piece of the body, none overlaps.
pub(super) fn http_body(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let lines: Vec<Bytes> = http::lines(&body).map(|(_, line)| line).collect();
    in_order(&body, &lines);
    assert!(lines.iter().all(|line| !line.trim_ascii().is_empty() && !line.contains(&b'\n')));

    let (objects, first_invalid) = http::objects(&body);
    in_order(&body, &objects);
    for object in &objects {
        assert!(object.starts_with(b"{") && object.ends_with(b"}"));
    }
    if body.iter().any(|byte| !byte.is_ascii_whitespace()) {
        assert!(!objects.is_empty() || first_invalid.is_some(), "a body is read or refused");
    }

    let mut documents = Vec::new();
    let done = http::work_off(&body, "index", &mut |document| documents.push(document)).expect("few actions");
    in_order(&body, &documents);
    assert!(done.items.len() >= documents.len(), "each document has an item in the answer");
    assert!(done.errors || done.items.len() == documents.len());
}

fn in_order(body: &Bytes, parts: &[Bytes]) {
    let mut from = body.as_ptr().addr();
    for part in parts {
        assert!(part.as_ptr().addr() >= from && part.as_ptr().addr() + part.len() <= body.as_ptr().addr() + body.len());
        from = part.as_ptr().addr() + part.len();
    }
}
