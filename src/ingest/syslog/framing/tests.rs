//! Tables of streams with the frames expected from them, and the property that cutting a stream changes nothing.

use proptest::prelude::*;

use super::*;

const LIMIT: usize = 32;

fn decoder() -> Decoder {
    Decoder::new(NonZeroUsize::new(LIMIT).expect("not zero"))
}

/// Feeds the pieces one by one and returns the frames, cut ones marked with `…`, and the trouble.
fn decode(pieces: &[&[u8]]) -> (Vec<String>, Trouble) {
    let mut decoder = decoder();
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(frame) = decoder.next_frame(&mut buffer) {
            frames.push(frame);
        }
        assert!(buffer.len() <= LIMIT + 32, "{} bytes are held back", buffer.len());
    }
    while let Some(frame) = decoder.finish(&mut buffer) {
        frames.push(frame);
    }
    let show = |frame: &Framed| {
        let mark = if frame.truncated { "…" } else { "" };
        format!("{}{mark}", frame.raw.escape_ascii().to_string().replace("\\'", "'"))
    };
    (frames.iter().map(show).collect(), decoder.take_trouble())
}

#[test]
fn streams_give_the_frames_expected() {
    let cases: &[(&str, &[u8], &[&str], u64)] = &[
        ("lines", b"<13>one\n<13>two\n", &["<13>one", "<13>two"], 0),
        ("CR LF, blank lines", b"<13>one\r\n\r\n\n<13>two\r\n", &["<13>one", "<13>two"], 0),
        ("NUL ends", b"<13>one\0<13>two\0\n<14>three\0", &["<13>one", "<13>two", "<14>three"], 0),
        ("NUL is content", b"<13>a\0b\n<13>c\n", &["<13>a\\x00b", "<13>c"], 0),
        ("counted", b"7 <13>one7 <13>two", &["<13>one", "<13>two"], 0),
        ("counted with LF inside and behind", b"9 <13>a\nbcd\n7 <13>two\n", &["<13>a\\nbcd", "<13>two"], 0),
        ("counted with LF counted", b"8 <13>one\n8 <13>two\n", &["<13>one", "<13>two"], 0),
        ("mixed", b"7 <13>one<13>two\n7 <13>sixno header\n", &["<13>one", "<13>two", "<13>six", "no header"], 1),
        ("no header", b"plain text\n12 monkeys\n404 not found\n", &["plain text", "12 monkeys", "404 not found"], 0),
        ("counted without header", b"8 {'a':1}\n8 {'b':2}\n", &["{'a':1}", "{'b':2}"], 0),
        ("counted without header, back to back", b"7 {'a':1}7 {'b':2}", &["{'a':1}", "{'b':2}"], 0),
        ("unfinished line", b"<13>one\n<13>tw", &["<13>one", "<13>tw"], 0),
        ("unfinished count", b"7 <13>one20 <13>two", &["<13>one", "<13>two…"], 1),
        ("number at the end", b"<13>one\n12", &["<13>one", "12"], 0),
        ("length too small", b"5 <13>one\n7 <13>two", &["<13>o", "ne", "<13>two"], 1),
        (
            "length too large",
            b"30 <13>one\n7 <13>two7 <13>six7 <13>ten",
            &["<13>one", "<13>two", "<13>six", "<13>ten"],
            1,
        ),
        ("length swallows the rest", b"31 <13>one\n7 <13>two", &["<13>one", "<13>two"], 1),
        (
            "length over the limit",
            b"900 <13>one\n<13>two\n<13>three\n<13>four\n",
            &["<13>one", "<13>two", "<13>three", "<13>four"],
            1,
        ),
        ("length absurd", b"99999999999 <13>one\n7 <13>two", &["<13>one", "<13>two"], 1),
        ("length zero", b"0 <13>one\n7 <13>two", &["<13>one", "<13>two"], 1),
        ("length 0007", b"0007 <13>one\n7 <13>two", &["<13>one", "<13>two"], 1),
        ("length negative", b"-7 <13>one\n7 <13>two", &["-7 <13>one", "<13>two"], 0),
        ("quoted frame stays content", b"18 <13>a\n7 <13>forge\n7 <13>two", &["<13>a\\n7 <13>forge", "<13>two"], 0),
        ("invalid UTF-8 and escapes", b"<13>\xff\xfe\x1b[2J\n", &["<13>\\xff\\xfe\\x1b[2J"], 0),
        (
            "exactly the limit",
            b"<13>5678901234567890123456789012\r\nx\n",
            &["<13>5678901234567890123456789012", "x"],
            0,
        ),
        ("one over", b"<13>56789012345678901234567890123\nx\n", &["<13>5678901234567890123456789012…", "x"], 0),
        (
            "far over",
            b"<13>56789012345678901234567890123 and so on, and on\n<13>x\n",
            &["<13>5678901234567890123456789012…", "<13>x"],
            0,
        ),
        (
            "over, NUL behind",
            b"<13>56789012345678901234567890123 and so on\0<13>x\0",
            &["<13>5678901234567890123456789012…", "<13>x"],
            0,
        ),
        (
            "counted over",
            b"40 <13>567890123456789012345678901234567890<13>x\n",
            &["<13>5678901234567890123456789012…", "<13>x"],
            0,
        ),
        ("nothing", b"\n\0\r\n", &[], 0),
    ];
    for (name, stream, expected, errors) in cases {
        let (frames, trouble) = decode(&[stream]);
        assert_eq!(frames, *expected, "{name}");
        assert_eq!(trouble.framing_errors, *errors, "{name}");
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(decode(&bytes), (frames, trouble), "{name}, byte by byte");
    }
}

#[test]
fn a_line_of_100_megabytes_is_kept_to_the_limit_in_bounded_memory() {
    let mut decoder = decoder();
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    let mut take = |decoder: &mut Decoder, buffer: &mut BytesMut| {
        while let Some(frame) = decoder.next_frame(buffer) {
            frames.push((frame.raw.len(), frame.truncated));
        }
        assert!(buffer.len() < 64, "{} bytes are held back", buffer.len());
    };
    let piece = [b'x'; 65_536];
    for _ in 0..1600 {
        buffer.extend_from_slice(&piece);
        take(&mut decoder, &mut buffer);
    }
    buffer.extend_from_slice(b"\n<13>after\n");
    take(&mut decoder, &mut buffer);
    assert_eq!(frames, [(LIMIT, true), (9, false)]);
    assert_eq!(decoder.take_trouble().skipped_bytes, 1600 * 65_536 - LIMIT as u64 + 1);
}

#[test]
fn a_frame_that_waits_for_proof_is_known_to_be_held() {
    for (stream, held) in [
        (&b"18 <13>a\n7 <13>forge\n"[..], true),
        (b"<13>one\0", true),
        (b"<13>one", false),
        (b"7 <13>on", false),
        (b"7 {\"a\":1}", true),
        (b"", false),
    ] {
        let mut decoder = decoder();
        let mut buffer = BytesMut::from(stream);
        assert_eq!(decoder.next_frame(&mut buffer), None, "{}", stream.escape_ascii());
        assert_eq!(decoder.holds_frame(&buffer), held, "{}", stream.escape_ascii());
    }
}

/// Pieces that streams are made of, so that random ones reach every state.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"<13>one\n".to_vec()),
        Just(b"7 <13>two".to_vec()),
        Just(b"20 <13>x\n7 <13>".to_vec()),
        Just(b"99 ".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"7 {\"a\":1}".to_vec()),
        Just(vec![b'y'; LIMIT + 1]),
        "[0-9]{1,22}".prop_map(String::into_bytes),
        prop::collection::vec(prop::sample::select(b"<>1 \n\0x\r".to_vec()), 0..6),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn cutting_a_stream_changes_nothing(stream in stream(), cuts in prop::collection::vec(1usize..9, 1..40)) {
        let whole = decode(&[&stream]);
        let mut pieces = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(decode(&pieces), whole);
    }

    #[test]
    fn nothing_is_lost_that_fits(lines in prop::collection::vec("[a-z<>: ]{0,20}", 1..20), counted in any::<bool>()) {
        let frames: Vec<String> = lines.iter().map(|line| format!("<13>{line}")).collect();
        let stream: String = if counted {
            frames.iter().map(|frame| format!("{} {frame}", frame.len())).collect()
        } else {
            frames.iter().map(|frame| format!("{frame}\n")).collect()
        };
        prop_assert_eq!(decode(&[stream.as_bytes()]), (frames, Trouble::default()));
    }
}
