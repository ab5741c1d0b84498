//! Finds the frames in a byte stream: RFC 6587 octet counting and newline framing, told apart at every frame.
//!
//! Pure: bytes in, frames out, and the same frames however the stream was cut into reads. Frames are slices of the
//! read buffer. No byte is lost at a wrong length: a length that the following bytes prove wrong is struck out, what
//! it covered is read line by line, and the error is counted. Only what lies behind the frame limit is skipped.

use std::num::NonZeroUsize;

use bytes::Buf;
use bytes::Bytes;
use bytes::BytesMut;

use crate::ingest::syslog::boundary::LineEnd;
use crate::ingest::syslog::boundary::Prefix;
use crate::ingest::syslog::boundary::Start;
use crate::ingest::syslog::boundary::forged_start;
use crate::ingest::syslog::boundary::frame_start;
use crate::ingest::syslog::boundary::line_end;
use crate::ingest::syslog::boundary::prefix;
use crate::ingest::syslog::boundary::strip_trailer;

/// A declared length above this is taken for a mistake, never for a frame to skip.
const COUNTED_BYTES_MAX: usize = 16 << 20;

/// So far beyond the limit the end of a line is looked for, so that one of exactly the limit with CR LF, or NUL and the
/// next header, behind it is whole.
const TRAILER_BYTES_MAX: usize = 3;

/// One frame, without its framing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framed {
    pub raw: Bytes,
    /// True when `raw` is only the beginning of a longer frame.
    pub truncated: bool,
}

/// What went wrong since the decoder was asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trouble {
    /// Lengths that were wrong, and bytes where no frame begins.
    pub framing_errors: u64,
    /// Bytes behind the frame limit, not kept.
    pub skipped_bytes: u64,
}

/// The state of one connection's framing.
#[derive(Debug)]
pub struct Decoder {
    frame_bytes_max: usize,
    state: State,
    /// How many bytes of the buffer hold no line end: they are not searched again.
    searched: usize,
    /// Whether the frame before this one was octet-counted.
    counted: bool,
    trouble: Trouble,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a frame.
    Start,
    /// In a line, whatever its first bytes look like.
    Line,
    /// Behind the limit of a line, up to its end.
    SkipLine,
    /// Behind the limit of an octet-counted frame.
    SkipCounted { left: usize },
}

enum Step {
    Frame(Framed),
    /// Something was consumed or decided; try again.
    Again,
    NeedMore,
}

impl Decoder {
    /// Starts at the beginning of a stream; longer frames are kept up to `frame_bytes_max`.
    pub fn new(frame_bytes_max: NonZeroUsize) -> Decoder {
        Decoder {
            frame_bytes_max: frame_bytes_max.get(),
            state: State::Start,
            searched: 0,
            counted: false,
            trouble: Trouble::default(),
        }
    }

    /// Takes the next whole frame off the buffer; `None` when more bytes are needed.
    pub fn next_frame(&mut self, buffer: &mut BytesMut) -> Option<Framed> {
        self.run(buffer, false)
    }

    /// Takes the next frame when nothing more will follow, an unfinished one included; at the end, call until `None`.
    pub fn finish(&mut self, buffer: &mut BytesMut) -> Option<Framed> {
        self.run(buffer, true)
    }

    /// Says whether the buffer may hold a whole frame that only the next byte can confirm.
    ///
    /// A reader calls [`Decoder::finish`] once when nothing follows for a moment, so that such a frame does not wait.
    pub fn holds_frame(&self, buffer: &BytesMut) -> bool {
        match (self.state, prefix(buffer)) {
            (State::Start, Prefix::Counted { body, length, .. } | Prefix::Unsure { body, length }) => {
                buffer.len() >= body.saturating_add(length)
            }
            (State::Start | State::Line, _) => buffer.last() == Some(&0),
            (State::SkipLine | State::SkipCounted { .. }, _) => false,
        }
    }

    /// Returns and resets what went wrong.
    pub fn take_trouble(&mut self) -> Trouble {
        std::mem::take(&mut self.trouble)
    }

    fn run(&mut self, buffer: &mut BytesMut, at_end: bool) -> Option<Framed> {
        loop {
            match self.step(buffer, at_end) {
                Step::Frame(frame) if frame.raw.is_empty() => {}
                Step::Frame(frame) => return Some(frame),
                Step::Again => {}
                Step::NeedMore => return None,
            }
        }
    }

    fn step(&mut self, buffer: &mut BytesMut, at_end: bool) -> Step {
        match self.state {
            State::Start => self.start(buffer, at_end),
            State::Line => self.line(buffer, at_end),
            State::SkipLine => self.skip_line(buffer, at_end),
            State::SkipCounted { left } => self.skip_counted(buffer, left),
        }
    }

    /// Decides how the frame at the head of the buffer is delimited.
    fn start(&mut self, buffer: &mut BytesMut, at_end: bool) -> Step {
        let separators = buffer.iter().take_while(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
        buffer.advance(separators);
        if buffer.is_empty() {
            return Step::NeedMore;
        }
        match prefix(buffer) {
            Prefix::Counted { body, length } if length <= COUNTED_BYTES_MAX => {
                self.counted_frame(buffer, body, length, at_end)
            }
            Prefix::Counted { body, .. } | Prefix::BadLength { body } => self.strike_length(buffer, body),
            Prefix::Unsure { body, length } if self.counted && length <= COUNTED_BYTES_MAX => {
                self.counted_frame(buffer, body, length, at_end)
            }
            Prefix::Unsure { body, length } => self.unsure_frame(buffer, body, length, at_end),
            Prefix::NeedMore if !at_end => Step::NeedMore,
            Prefix::NeedMore | Prefix::Line => {
                if self.counted && buffer.first() != Some(&b'<') {
                    // The frame before was counted too short, and this is its rest.
                    self.trouble.framing_errors += 1;
                }
                self.enter_line()
            }
        }
    }

    fn counted_frame(&mut self, buffer: &mut BytesMut, body: usize, length: usize, at_end: bool) -> Step {
        let kept = length.min(self.frame_bytes_max);
        let Some(content) = buffer.get(body..body + kept) else {
            if !at_end {
                return Step::NeedMore;
            }
            // The stream ended inside the frame: keep what came, line by line if the length swallowed others.
            return match forged_start(buffer.get(body..).unwrap_or_default()) {
                Some(_) => self.strike_length(buffer, body),
                None => {
                    self.trouble.framing_errors += 1;
                    buffer.advance(body);
                    self.emit(buffer, usize::MAX, true)
                }
            };
        };
        if forged_start(content).is_some() {
            // Either a message quotes another one, or the length is too large and swallowed it. The quoted one must not
            // become a frame of its own (that would let a log line forge events), so the length is believed
            // unless what follows the frame proves it wrong. Behind the limit there is no such proof to wait for.
            let after = buffer.get(body + length..).unwrap_or_default();
            match if length > kept { Start::No } else { frame_start(after) } {
                Start::Yes => {}
                Start::NeedMore if !at_end => return Step::NeedMore,
                Start::NeedMore if after.is_empty() => {}
                Start::NeedMore | Start::No => return self.strike_length(buffer, body),
            }
        }
        self.counted = true;
        buffer.advance(body);
        if length > kept {
            self.state = State::SkipCounted { left: length - kept };
        }
        self.emit(buffer, kept, length > kept)
    }

    /// A number and a space before something that is no syslog header: a count only if a frame begins right after it.
    fn unsure_frame(&mut self, buffer: &mut BytesMut, body: usize, length: usize, at_end: bool) -> Step {
        if length > self.frame_bytes_max {
            return self.enter_line();
        }
        let content = buffer.get(body..buffer.len().min(body + length)).unwrap_or_default();
        let inner = content.get(..length.saturating_sub(1).min(content.len())).unwrap_or_default();
        if memchr::memchr(b'\n', inner).is_some() {
            return self.enter_line();
        }
        if content.len() < length {
            return if at_end { self.enter_line() } else { Step::NeedMore };
        }
        let after = buffer.get(body + length..).unwrap_or_default();
        match frame_start(after) {
            Start::NeedMore if !at_end => Step::NeedMore,
            Start::NeedMore if after.is_empty() => self.counted_frame(buffer, body, length, at_end),
            Start::Yes if !matches!(after.first(), Some(b'\n' | b'\r' | 0)) => {
                self.counted_frame(buffer, body, length, at_end)
            }
            Start::Yes | Start::No | Start::NeedMore => self.enter_line(),
        }
    }

    /// Removes a length that cannot be right; what follows it is read as lines.
    fn strike_length(&mut self, buffer: &mut BytesMut, body: usize) -> Step {
        self.trouble.framing_errors += 1;
        buffer.advance(body.min(buffer.len()));
        self.enter_line()
    }

    fn enter_line(&mut self) -> Step {
        self.counted = false;
        self.state = State::Line;
        self.searched = 0;
        Step::Again
    }

    fn line(&mut self, buffer: &mut BytesMut, at_end: bool) -> Step {
        let window = buffer.len().min(self.frame_bytes_max + TRAILER_BYTES_MAX);
        match line_end(buffer, self.searched, window) {
            LineEnd::At(end) => {
                self.state = State::Start;
                self.searched = 0;
                let line = strip_trailer(buffer.get(..end).unwrap_or_default()).len();
                let kept = line.min(self.frame_bytes_max);
                self.trouble.skipped_bytes += (line - kept) as u64;
                let step = self.emit(buffer, kept, kept < line);
                buffer.advance(end - kept + 1);
                step
            }
            LineEnd::NotIn(_) if window == self.frame_bytes_max + TRAILER_BYTES_MAX => {
                self.state = State::SkipLine;
                self.searched = 0;
                self.emit(buffer, self.frame_bytes_max, true)
            }
            LineEnd::NotIn(_) if at_end => {
                self.state = State::Start;
                self.searched = 0;
                let line = strip_trailer(buffer).len();
                let kept = line.min(self.frame_bytes_max);
                let step = self.emit(buffer, kept, kept < line);
                buffer.clear();
                step
            }
            LineEnd::NotIn(searched) => {
                self.searched = searched;
                Step::NeedMore
            }
        }
    }

    fn skip_line(&mut self, buffer: &mut BytesMut, at_end: bool) -> Step {
        let skipped = match line_end(buffer, 0, buffer.len()) {
            LineEnd::At(end) => {
                self.state = State::Start;
                end + 1
            }
            LineEnd::NotIn(_) if at_end => buffer.len(),
            LineEnd::NotIn(searched) => searched,
        };
        self.trouble.skipped_bytes += skipped as u64;
        buffer.advance(skipped);
        if self.state == State::Start { Step::Again } else { Step::NeedMore }
    }

    fn skip_counted(&mut self, buffer: &mut BytesMut, left: usize) -> Step {
        let skipped = left.min(buffer.len());
        self.trouble.skipped_bytes += skipped as u64;
        buffer.advance(skipped);
        if skipped == left {
            self.state = State::Start;
            return Step::Again;
        }
        self.state = State::SkipCounted { left: left - skipped };
        Step::NeedMore
    }

    /// Splits the first `bytes` (or all there are, up to the limit) off as a frame.
    fn emit(&self, buffer: &mut BytesMut, bytes: usize, truncated: bool) -> Step {
        let mut raw = buffer.split_to(bytes.min(buffer.len()).min(self.frame_bytes_max)).freeze();
        if !truncated {
            raw.truncate(strip_trailer(&raw).len());
        }
        Step::Frame(Framed { raw, truncated })
    }
}

#[cfg(test)]
mod tests;
