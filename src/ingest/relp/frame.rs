//! RELP frames: `TXNR SP COMMAND SP DATALEN [SP DATA] LF`. Pure.

use std::fmt::Write as _;
use std::num::NonZeroUsize;

use bytes::Buf;
use bytes::Bytes;
use bytes::BytesMut;

/// A header is at most two numbers of nine digits, a command of 32 letters and the spaces between them.
const HEADER_BYTES_MAX: usize = 9 + 1 + 32 + 1 + 9;
const NUMBER_DIGITS_MAX: usize = 9;
const COMMAND_BYTES_MAX: usize = 32;

/// One command of the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The transaction number, which the answer repeats.
    pub transaction: u32,
    pub name: Name,
    pub data: Bytes,
    /// True when `data` is only the beginning.
    pub truncated: bool,
}

/// The commands a sender may give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Open,
    Syslog,
    Close,
    /// Anything else, as received.
    Unknown(String),
}

/// Why a stream is not RELP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    #[error("not a RELP frame header: `{0}`")]
    Header(String),
    #[error("a RELP frame does not end with a line feed")]
    Trailer,
}

/// Takes commands off a buffer; longer data is kept up to a limit without being buffered.
#[derive(Debug)]
pub struct Decoder {
    data_bytes_max: usize,
    state: State,
    /// Data bytes behind the limit, since last asked.
    skipped_bytes: u64,
}

#[derive(Debug)]
enum State {
    Header,
    Data {
        header: Header,
    },
    /// Behind the limit of a frame that was handed out, up to and with its line feed.
    Skip {
        left: usize,
    },
}

#[derive(Debug, Clone)]
struct Header {
    transaction: u32,
    name: Name,
    length: usize,
}

impl Decoder {
    /// Starts at the beginning of a stream.
    pub fn new(data_bytes_max: NonZeroUsize) -> Decoder {
        Decoder { data_bytes_max: data_bytes_max.get(), state: State::Header, skipped_bytes: 0 }
    }

    /// Takes the next command; `None` when more bytes are needed.
    ///
    /// # Errors
    /// When the stream is not RELP: there is no way to find the next frame, so the connection must end.
    pub fn next_command(&mut self, buffer: &mut BytesMut) -> Result<Option<Command>, FrameError> {
        loop {
            match &self.state {
                State::Header => {
                    let line_feeds = buffer.iter().take_while(|byte| **byte == b'\n').count();
                    buffer.advance(line_feeds);
                    let Some((header, bytes)) = header(buffer)? else { return Ok(None) };
                    buffer.advance(bytes);
                    self.state = State::Data { header };
                }
                State::Data { header } => {
                    let kept = header.length.min(self.data_bytes_max);
                    let whole = kept == header.length;
                    // The line feed behind whole data is waited for: without it the length was wrong.
                    if buffer.len() < kept + usize::from(whole) {
                        return Ok(None);
                    }
                    let Header { transaction, name, length } = header.clone();
                    let data = buffer.split_to(kept).freeze();
                    if whole {
                        if buffer.get_u8() != b'\n' {
                            return Err(FrameError::Trailer);
                        }
                        self.state = State::Header;
                    } else {
                        self.skipped_bytes += (length - kept) as u64;
                        self.state = State::Skip { left: length - kept };
                    }
                    return Ok(Some(Command { transaction, name, data, truncated: !whole }));
                }
                State::Skip { left } => {
                    let skipped = (*left).min(buffer.len());
                    buffer.advance(skipped);
                    let left = left - skipped;
                    self.state = if left == 0 { State::Header } else { State::Skip { left } };
                    if left > 0 {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Returns and resets how many bytes lay behind the limit.
    pub fn take_skipped_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.skipped_bytes)
    }
}

/// Reads a header with the space before its data; `None` when more bytes are needed.
fn header(bytes: &[u8]) -> Result<Option<(Header, usize)>, FrameError> {
    let refused = || FrameError::Header(String::from_utf8_lossy(bytes.get(..HEADER_BYTES_MAX).unwrap_or(bytes)).into());
    let mut spaces = memchr::memchr_iter(b' ', bytes.get(..HEADER_BYTES_MAX).unwrap_or(bytes));
    let parts = spaces.next().and_then(|first| Some((first, spaces.next()?)));
    let Some((first, second)) = parts else {
        let fits =
            bytes.len() < HEADER_BYTES_MAX && !bytes.contains(&b'\n') && bytes.first().is_none_or(u8::is_ascii_digit);
        return if fits { Ok(None) } else { Err(refused()) };
    };
    let rest = bytes.get(second + 1..).unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let transaction = bytes.get(..first).and_then(number).ok_or_else(refused)?;
    let name = bytes.get(first + 1..second).and_then(command_name).ok_or_else(refused)?;
    let Some(end) = rest.get(digits) else {
        return if digits <= NUMBER_DIGITS_MAX { Ok(None) } else { Err(refused()) };
    };
    let length = rest.get(..digits).and_then(number).ok_or_else(refused)? as usize;
    let before_data = second + 1 + digits;
    match end {
        b' ' => Ok(Some((Header { transaction, name, length }, before_data + 1))),
        // Without data the line feed may follow the length at once; it stays for the trailer.
        b'\n' if length == 0 => Ok(Some((Header { transaction, name, length }, before_data))),
        _ => Err(refused()),
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    let is_number = (1..=NUMBER_DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

fn command_name(name: &[u8]) -> Option<Name> {
    let is_name = (1..=COMMAND_BYTES_MAX).contains(&name.len()) && name.iter().all(u8::is_ascii_alphanumeric);
    Some(match std::str::from_utf8(name).ok().filter(|_| is_name)? {
        "open" => Name::Open,
        "syslog" => Name::Syslog,
        "close" => Name::Close,
        other => Name::Unknown(other.to_owned()),
    })
}

/// Appends the answer to a transaction.
pub(super) fn write_answer(out: &mut String, transaction: u32, text: &str) {
    let space = if text.is_empty() { "" } else { " " };
    let written = writeln!(out, "{transaction} rsp {}{space}{text}", text.len());
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(pieces: &[&[u8]]) -> (Vec<String>, Option<FrameError>) {
        let mut decoder = Decoder::new(NonZeroUsize::new(16).expect("not zero"));
        let mut buffer = BytesMut::new();
        let mut commands = Vec::new();
        for piece in pieces {
            buffer.extend_from_slice(piece);
            loop {
                match decoder.next_command(&mut buffer) {
                    Ok(Some(Command { transaction, name, data, truncated })) => {
                        let mark = if truncated { "…" } else { "" };
                        commands.push(format!("{transaction} {name:?} {}{mark}", data.escape_ascii()));
                    }
                    Ok(None) => break,
                    Err(err) => return (commands, Some(err)),
                }
            }
            assert!(buffer.len() < 80, "{} bytes are held back", buffer.len());
        }
        (commands, None)
    }

    #[test]
    fn streams_give_the_commands_expected() {
        let cases: &[(&[u8], &[&str], bool)] = &[
            (b"1 open 3 a=b\n2 syslog 5 hello\n3 close 0\n", &["1 Open a=b", "2 Syslog hello", "3 Close "], false),
            (b"1 close 0 \n2 syslog 3 a\nb\n", &["1 Close ", "2 Syslog a\\nb"], false),
            (b"7 starttls 0\n", &["7 Unknown(\"starttls\") "], false),
            (
                b"1 syslog 40 0123456789012345678901234567890123456789\n2 syslog 1 x\n",
                &["1 Syslog 0123456789012345…", "2 Syslog x"],
                false,
            ),
            (b"1 syslog 3 hello\n", &[], true),
            (b"1 syslog 9999999999 x\n", &[], true),
            (b"1234567890 syslog 1 x\n", &[], true),
            (b"<13>plain syslog\n", &[], true),
            (b"1 sys\x1blog 1 x\n", &[], true),
            (b"1 syslog x\n", &[], true),
            (b"GET / HTTP/1.1\r\n", &[], true),
            (b"1 \n", &[], true),
        ];
        for (stream, expected, fails) in cases {
            let (commands, err) = decode(&[stream]);
            assert_eq!(
                (commands.as_slice(), err.is_some()),
                (&expected.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..], *fails),
                "{}: {err:?}",
                stream.escape_ascii()
            );
        }
    }

    #[test]
    fn an_answer_counts_its_bytes() {
        let mut out = String::new();
        write_answer(&mut out, 5, "200 OK");
        write_answer(&mut out, 6, "");
        assert_eq!(out, "5 rsp 6 200 OK\n6 rsp 0\n");
    }

    proptest! {
        #[test]
        fn cutting_a_stream_changes_nothing(messages in prop::collection::vec("[ -~\n]{0,24}", 0..8), cut in 1usize..9) {
            let stream: String = messages.iter().enumerate().map(|(i, m)| format!("{i} syslog {} {m}\n", m.len())).collect();
            let pieces: Vec<&[u8]> = stream.as_bytes().chunks(cut).collect();
            prop_assert_eq!(decode(&pieces), decode(&[stream.as_bytes()]));
            prop_assert_eq!(decode(&pieces).0.len(), messages.len());
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let whole = decode(&[&bytes]);
            prop_assert!(whole.0.len() <= bytes.len());
        }
    }
}
