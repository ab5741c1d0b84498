//! Recognises where a frame begins and where a line ends, looking at bytes alone.

/// Digits that a message length may have; more than that is no length.
const LENGTH_DIGITS_MAX: usize = 10;

/// What the head of a stream says about its first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    /// A length, a space, and a syslog header: `body` is the offset of the header.
    Counted {
        body: usize,
        length: usize,
    },
    /// A length and a space before something else: octet counting of other text, or a line that begins with a number.
    Unsure {
        body: usize,
        length: usize,
    },
    /// Digits that are no length (RFC 6587 §3.4.1 wants no leading zero), a space, and a syslog header.
    BadLength {
        body: usize,
    },
    /// A line.
    Line,
    NeedMore,
}

/// Reads a length at the head of `bytes`.
pub(super) fn prefix(bytes: &[u8]) -> Prefix {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let body = digits + 1;
    match (digits, bytes.get(digits), bytes.get(body)) {
        (0, Some(_), _) => Prefix::Line,
        (digits, _, _) if digits > LENGTH_DIGITS_MAX * 2 => Prefix::Line,
        (_, None, _) | (_, Some(b' '), None) => Prefix::NeedMore,
        (_, Some(b' '), Some(next)) => {
            let length = length(bytes.get(..digits).unwrap_or_default());
            match (length, next) {
                (Some(length), b'<') => Prefix::Counted { body, length },
                (None, b'<') => Prefix::BadLength { body },
                (Some(length), _) => Prefix::Unsure { body, length },
                (None, _) => Prefix::Line,
            }
        }
        (_, Some(_), _) => Prefix::Line,
    }
}

/// Returns the value of RFC 6587's MSG-LEN, `NONZERO-DIGIT *DIGIT`.
fn length(digits: &[u8]) -> Option<usize> {
    if digits.first() == Some(&b'0') || digits.len() > LENGTH_DIGITS_MAX {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether a frame begins somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Yes,
    No,
    NeedMore,
}

/// Says whether a frame can begin at the head of `bytes`: a length and a space, a syslog header, or a separator.
pub(super) fn frame_start(bytes: &[u8]) -> Start {
    match bytes.first() {
        None => Start::NeedMore,
        Some(b'\n' | b'\r' | 0) => Start::Yes,
        Some(b'<') => match bytes.get(1) {
            None => Start::NeedMore,
            Some(byte) if byte.is_ascii_digit() => Start::Yes,
            Some(_) => Start::No,
        },
        Some(b'1'..=b'9') => {
            let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            match bytes.get(digits) {
                _ if digits > LENGTH_DIGITS_MAX => Start::No,
                None => Start::NeedMore,
                Some(b' ') => Start::Yes,
                Some(_) => Start::No,
            }
        }
        Some(_) => Start::No,
    }
}

/// Finds a line inside a frame's content that looks like the start of another frame.
pub(super) fn forged_start(content: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', content).map(|newline| newline + 1).find(|start| {
        let rest = content.get(*start..).unwrap_or_default();
        matches!(prefix(rest), Prefix::Counted { .. })
            || (rest.first() == Some(&b'<') && frame_start(rest) == Start::Yes)
    })
}

/// Where a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// The offset of the byte that ends it.
    At(usize),
    /// Nowhere in the window; so many bytes need no second look.
    NotIn(usize),
}

/// Finds the end of the line at the head of `bytes`, looking at the bytes from `searched` to `window`.
///
/// LF ends a line. NUL ends it only before a syslog header or a line feed, as some firewalls send it; elsewhere it is content.
pub(super) fn line_end(bytes: &[u8], searched: usize, window: usize) -> LineEnd {
    let bytes = bytes.get(..window).unwrap_or(bytes);
    let mut from = searched;
    while let Some(found) = memchr::memchr2(b'\n', 0, bytes.get(from..).unwrap_or_default()) {
        let at = from + found;
        if bytes.get(at) == Some(&b'\n') {
            return LineEnd::At(at);
        }
        match (bytes.get(at + 1), bytes.get(at + 2)) {
            (Some(b'\n'), _) => return LineEnd::At(at + 1),
            (Some(b'<'), Some(digit)) if digit.is_ascii_digit() => return LineEnd::At(at),
            (None, _) | (Some(b'<'), None) => return LineEnd::NotIn(at),
            _ => from = at + 1,
        }
    }
    LineEnd::NotIn(window)
}

/// Removes what senders put behind a message: one NUL, then one line feed, then one carriage return.
pub(crate) fn strip_trailer(mut bytes: &[u8]) -> &[u8] {
    for trailer in [0, b'\n', b'\r', 0] {
        bytes = bytes.strip_suffix(&[trailer]).unwrap_or(bytes);
    }
    bytes
}
