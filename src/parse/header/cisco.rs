//! What Cisco and its imitators put around the time: sequence numbers, origin ids, uptime, `*` and `.` for doubtful clocks.

use crate::parse::header::Header;
use crate::parse::header::host;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;
use crate::parse::timestamp::Cursor;
use crate::parse::timestamp::Reading;

/// Reads `123: `, `host: `, `host node:` and a time, in the orders in which they occur; returns what follows them.
pub(super) fn prefix<'a>(text: &'a str, header: &mut Header<'a>, context: Context) -> &'a str {
    let mut left = text.strip_prefix(':').unwrap_or(text).trim_start_matches(' ');
    for _ in 0..4 {
        if let Some((number, rest)) = sequence(left) {
            header.sequence = Some(number);
            left = rest;
        } else if let Some((reading, rest)) = time(left, context) {
            header.timestamp = Some(reading.time);
            header.inferred = reading.inferred;
            return rest;
        } else if let Some(rest) = uptime(left) {
            return rest;
        } else if let Some((host, rest)) = origin_id(left, context) {
            header.hostname = Some(host);
            left = rest;
        } else {
            break;
        }
    }
    left
}

/// `000123: `, `20: `: a number, a colon, a space.
fn sequence(text: &str) -> Option<(&str, &str)> {
    let digits = Cursor::new(text).digits_ahead();
    if digits == 0 || digits > 12 {
        return None;
    }
    let rest = text.get(digits..)?.strip_prefix(": ")?;
    Some((text.get(..digits)?, rest.trim_start_matches(' ')))
}

/// A time, possibly marked as doubtful (`*` not set, `.` not synchronised), and the colon after it.
fn time(text: &str, context: Context) -> Option<(Reading, &str)> {
    let unmarked = text.strip_prefix(['*', '.']).unwrap_or(text);
    let mut cursor = Cursor::new(unmarked);
    let reading = timestamp::in_header(&mut cursor, context)?;
    let rest = unmarked.get(cursor.at()..)?;
    let goes_on = rest.as_bytes().first().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if goes_on {
        return None;
    }
    let rest = after_unknown_zone(rest).unwrap_or(rest);
    let rest = rest.strip_prefix(':').or_else(|| rest.strip_prefix(" : ")).unwrap_or(rest);
    Some((reading, rest.trim_start_matches([' ', '\t'])))
}

/// Skips a zone name we do not know, which only the `: %` of a Cisco message after it makes sure.
fn after_unknown_zone(rest: &str) -> Option<&str> {
    let name = rest.strip_prefix(' ')?;
    let letters = name.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    let after = name.get(letters..)?;
    (letters >= 2 && (after.starts_with(": %") || after.starts_with(" : %"))).then_some(after)
}

/// The time since the start, in place of a clock that was never set: `00:01:01: `, `1d03h: `, `3w2d: `.
fn uptime(text: &str) -> Option<&str> {
    let end = text
        .bytes()
        .take(16)
        .position(|byte| !(byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'y' | b'w' | b'd' | b'h')))?;
    let (stamp, rest) = text.split_at_checked(end)?;
    let stamp = stamp.strip_suffix(':')?;
    let starts_well = stamp.bytes().next()?.is_ascii_digit();
    let is_clock = stamp.matches(':').count() == 2;
    let is_span = stamp.bytes().any(|byte| byte.is_ascii_alphabetic());
    let rest = rest.strip_prefix(' ')?.trim_start_matches(' ');
    (starts_well && (is_clock || is_span) && rest.starts_with('%')).then_some(rest)
}

/// `host: ` or `host RP/0/RP0/CPU0:` before a sequence number or a time.
fn origin_id(text: &str, context: Context) -> Option<(&str, &str)> {
    let space = text.find(' ')?;
    let (token, rest) = (text.get(..space)?, text.get(space + 1..)?.trim_start_matches(' '));
    let host = token.strip_suffix(':').unwrap_or(token);
    if !host::may_be_host(host) || host::is_severity_word(host) {
        return None;
    }
    let rest = if token.len() > host.len() { rest } else { after_node(rest)? };
    let follows = sequence(rest).is_some() || time(rest, context).is_some() || uptime(rest).is_some();
    (follows && !host.bytes().all(|byte| byte.is_ascii_digit())).then_some((host, rest))
}

/// Skips the node of an IOS XR router: `RP/0/RSP0/CPU0:`, `LC/0/0/CPU0:`.
fn after_node(text: &str) -> Option<&str> {
    let node = text.strip_prefix("RP/").or_else(|| text.strip_prefix("LC/"))?;
    let colon = node.bytes().take(24).position(|byte| byte == b':')?;
    node.get(colon + 1..)
}
