//! Lines that arrived as pieces and were joined: what of them is said again in each piece, and what is the message.
//!
//! A stream brings each piece with a header of its own; they are kept as they came, and here all headers but the first are
//! left out. Records of one audit event each say something else, see [`super::audit`].

use crate::parse::header;
use crate::parse::pack::read::audit;
use crate::parse::timestamp::Context;

/// What a text with line feeds in it is.
pub(super) enum Pieces<'a> {
    /// A message as it stands.
    One,
    /// A message whose pieces had a header each; here with the first alone.
    Lines(String),
    /// Records of one audit event.
    Audit(Vec<&'a str>),
}

/// Pieces looked at; whoever joins them ends earlier.
const PIECES_MAX: usize = 1_000;

/// Finds out what a text is.
pub(super) fn of(text: &str, clock: Context) -> Pieces<'_> {
    let Some(end) = memchr::memchr(b'\n', text.as_bytes()) else { return Pieces::One };
    let (first, rest) = text.split_at(end);
    if let Some(event) = audit::event_of(first) {
        let lines: Vec<&str> = text.lines().take(PIECES_MAX).collect();
        return match lines.iter().all(|line| audit::event_of(line) == Some(event)) {
            true => Pieces::Audit(lines),
            false => Pieces::One,
        };
    }
    let has_pri = |line: &str| line.starts_with('<') && line.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    if !has_pri(first) || !has_pri(rest.get(1..).unwrap_or_default()) {
        return Pieces::One;
    }
    match without_headers(first, rest.get(1..).unwrap_or_default(), clock) {
        Some(text) => Pieces::Lines(text),
        None => Pieces::One,
    }
}

/// Leaves out the headers of all lines but the first; `None` when one is of another host or program.
fn without_headers(first: &str, rest: &str, clock: Context) -> Option<String> {
    let read = |line| header::read(line, clock.received, clock.zone_offset_seconds);
    let of_first = read(first);
    of_first.app_name.or(of_first.hostname)?;
    let is_numbered = after_number(of_first.body).is_some();
    let mut text = String::with_capacity(first.len() + rest.len());
    text.push_str(first);
    for line in rest.split('\n').take(PIECES_MAX) {
        let of_line = read(line);
        if (of_line.hostname, of_line.app_name) != (of_first.hostname, of_first.app_name) {
            return None;
        }
        text.push('\n');
        let body = with_indentation(line, of_line.body);
        let body = if is_numbered { after_number(body).unwrap_or(body) } else { body };
        // rsyslog writes a tab so.
        match body.strip_prefix("#011") {
            Some(rest) => {
                text.push('\t');
                text.push_str(rest);
            }
            None => text.push_str(body),
        }
    }
    Some(text)
}

/// The body with the blanks before it, but for the one that ends the header: a header's reader takes all of them.
fn with_indentation<'l>(line: &'l str, body: &str) -> &'l str {
    let at = (body.as_ptr().addr()).saturating_sub(line.as_ptr().addr()).min(line.len());
    let front = line.get(..at).unwrap_or_default();
    let blanks = front.len() - front.trim_end_matches([' ', '\t']).len();
    let start = at - blanks;
    let start = if line.as_bytes().get(start) == Some(&b' ') && blanks > 0 { start + 1 } else { start };
    line.get(start..).unwrap_or_default()
}

/// What follows PostgreSQL's `[7-2] `.
fn after_number(body: &str) -> Option<&str> {
    let (number, rest) = body.strip_prefix('[')?.split_once("] ")?;
    let (message, piece) = number.split_once('-')?;
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(message) && is_number(piece)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn only_pieces_of_one_writer_lose_their_headers() {
        let clock = Context { received: Timestamp(1_773_480_413_000_000_000), zone_offset_seconds: 0 };
        let head = "<11>Mar 14 09:26:53 app-1 tomcat[12]:";
        for (text, expected) in [
            (format!("{head} boom\n{head} \tat a\n{head}   at b"), Some(format!("{head} boom\n\tat a\n  at b"))),
            (format!("{head} [5-1] boom\n{head} [5-2] #011more"), Some(format!("{head} [5-1] boom\n\tmore"))),
            (format!("{head} boom\n<11>Mar 14 09:26:53 app-2 tomcat[12]: x"), None),
            (format!("{head} boom\n<11>Mar 14 09:26:53 app-1 sshd[12]: x"), None),
            (format!("{head} boom\n\tat a"), None),
            (format!("{head} boom\nplain"), None),
            ("<11>boom\n<11>more".to_owned(), None),
            (
                "<11>1 2026-03-14T02:26:53Z a wso2 1 - - boom\n<11>1 2026-03-14T02:26:53Z a wso2 1 - - \tat a"
                    .to_owned(),
                Some("<11>1 2026-03-14T02:26:53Z a wso2 1 - - boom\n\tat a".to_owned()),
            ),
        ] {
            let found = match of(&text, clock) {
                Pieces::Lines(found) => Some(found),
                Pieces::One | Pieces::Audit(_) => None,
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
