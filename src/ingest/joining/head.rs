//! The head of a syslog line as far as joining needs it: who wrote the line, and where its text begins.
//!
//! Deliberately less than `parse::header`: bytes alone, nothing is believed or kept. What is no header is all text.

/// Where the parts of a line are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head<'l> {
    /// The host the line names.
    pub host: &'l [u8],
    /// The program, without its process id.
    pub program: &'l [u8],
    /// The program's process id, or whatever stands in its place.
    pub process: &'l [u8],
    /// The text with its indentation.
    pub text: &'l [u8],
}

/// No name in a header is longer than this.
const WORD_BYTES_MAX: usize = 256;

/// Takes the head of a line apart.
pub fn of(line: &[u8]) -> Head<'_> {
    let after = without_pri(line);
    let is_bare = after.len() == line.len();
    let read = match after {
        [b'1', b' ', rest @ ..] if !is_bare => rfc5424(rest),
        _ => bsd(after),
    };
    read.unwrap_or(Head { text: after, ..Head::default() })
}

/// Takes `<13>` away.
fn without_pri(line: &[u8]) -> &[u8] {
    let Some(rest) = line.strip_prefix(b"<") else { return line };
    let digits = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    match (digits, rest.get(digits)) {
        (1..=3, Some(b'>')) => rest.get(digits + 1..).unwrap_or_default(),
        _ => line,
    }
}

/// Cuts a word and the blank behind it off the front.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().take(WORD_BYTES_MAX).position(|byte| *byte == b' ').filter(|end| *end > 0)?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// `TIME HOST APP PROCID MSGID SD TEXT` (RFC 5424 §6), behind the version.
fn rfc5424(rest: &[u8]) -> Option<Head<'_>> {
    let (_, rest) = word(rest)?;
    let (host, rest) = word(rest)?;
    let (program, rest) = word(rest)?;
    let (process, rest) = word(rest)?;
    let (_, rest) = word(rest)?;
    let text = match rest.strip_prefix(b"-") {
        Some(text) => text,
        None => after_elements(rest)?,
    };
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    Some(Head { host, program, process, text })
}

/// What follows `[id name="value"]…`, where a backslash takes the meaning from what stands behind it.
fn after_elements(mut rest: &[u8]) -> Option<&[u8]> {
    while rest.first() == Some(&b'[') {
        let (mut at, mut is_quoted) = (1, false);
        loop {
            match rest.get(at)? {
                b'\\' if is_quoted => at += 1,
                b'"' => is_quoted = !is_quoted,
                b']' if !is_quoted => break,
                _ => {}
            }
            at += 1;
        }
        rest = rest.get(at + 1..)?;
    }
    Some(rest)
}

/// `Mar 14 09:26:53 HOST PROGRAM[PID]: TEXT` (RFC 3164), and the same with the time of RFC 3339 or without host.
fn bsd(line: &[u8]) -> Option<Head<'_>> {
    let rest = after_time(line)?;
    // A word that ends in a colon or has brackets is the program: the host was left out.
    match tag(rest) {
        Some(head) => Some(head),
        None => {
            let (host, rest) = word(rest)?;
            let head = tag(rest)?;
            Some(Head { host, ..head })
        }
    }
}

fn after_time(line: &[u8]) -> Option<&[u8]> {
    let is_clock = |at: usize| line.get(at) == Some(&b':') && line.get(at + 3) == Some(&b':');
    if line.first()?.is_ascii_uppercase() && is_clock(9) && line.get(15) == Some(&b' ') {
        return line.get(16..);
    }
    let is_date = line.get(4) == Some(&b'-') && line.get(7) == Some(&b'-') && line.get(10) == Some(&b'T');
    (is_date && is_clock(13)).then(|| word(line)).flatten().map(|(_, rest)| rest)
}

/// `PROGRAM[PID]: TEXT` or `PROGRAM: TEXT`.
fn tag(rest: &[u8]) -> Option<Head<'_>> {
    let end =
        rest.iter().take(WORD_BYTES_MAX).position(|byte| matches!(byte, b' ' | b':' | b'[')).filter(|end| *end > 0)?;
    let program = rest.get(..end)?;
    let (process, after) = match rest.get(end)? {
        b'[' => {
            let inner = rest.get(end + 1..)?;
            let close = inner.iter().take(WORD_BYTES_MAX).position(|byte| *byte == b']')?;
            (inner.get(..close)?, inner.get(close + 1..)?.strip_prefix(b":")?)
        }
        b':' => (&[][..], rest.get(end + 1..)?),
        _ => return None,
    };
    Some(Head { host: &[], program, process, text: after.strip_prefix(b" ").unwrap_or(after) })
}

/// A piece of a message that PostgreSQL numbered, `[7-2] text`: the number of the message, and of the piece.
pub fn numbers(text: &[u8]) -> Option<(u64, u64)> {
    let inner = text.strip_prefix(b"[")?;
    let end = inner.iter().take(42).position(|byte| *byte == b']')?;
    let (numbers, after) = inner.split_at_checked(end)?;
    let dash = numbers.iter().position(|byte| *byte == b'-')?;
    let number = |digits: &[u8]| -> Option<u64> {
        digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
    };
    let pair = (number(numbers.get(..dash)?)?, number(numbers.get(dash + 1..)?)?);
    after.starts_with(b"] ").then_some(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_and_the_text_are_found() {
        for (line, host, program, process, text) in [
            ("<13>Mar 14 09:26:53 app-1 tomcat[12]: \tat a.b", "app-1", "tomcat", "12", "\tat a.b"),
            ("<13>Mar  4 09:26:53 app-1 tomcat:   x", "app-1", "tomcat", "", "  x"),
            ("<13>Mar 14 09:26:53 tomcat[12]: x", "", "tomcat", "12", "x"),
            ("<13>2026-03-14T09:26:53+07:00 app-1 postgres[7]: [1-2] #011x", "app-1", "postgres", "7", "[1-2] #011x"),
            ("Mar 14 09:26:53 app-1 tomcat[12]: x", "app-1", "tomcat", "12", "x"),
            ("<11>1 2026-03-14T02:26:53Z app-1 wso2 12 - - \tat a", "app-1", "wso2", "12", "\tat a"),
            ("<11>1 - h a - - [a b=\"]\\\"\"][c] \u{feff}x", "h", "a", "-", "x"),
            ("<11>1 - h a - - [a b=\"", "", "", "", "1 - h a - - [a b=\""),
            ("<13>plain text", "", "", "", "plain text"),
            ("<1333>x", "", "", "", "<1333>x"),
            ("\tat a.b", "", "", "", "\tat a.b"),
            ("", "", "", "", ""),
        ] {
            let [host, program, process, text] = [host, program, process, text].map(str::as_bytes);
            assert_eq!(of(line.as_bytes()), Head { host, program, process, text }, "{line}");
        }
    }

    #[test]
    fn pieces_are_numbered() {
        for (text, pair) in [
            ("[7-2] x", Some((7, 2))),
            ("[7-2]", None),
            ("[7] x", None),
            ("[-2] x", None),
            ("[a-2] x", None),
            ("[99999999999999999999999-1] x", None),
            ("7-2 x", None),
        ] {
            assert_eq!(numbers(text.as_bytes()), pair, "{text}");
        }
    }
}
