//! RFC 3164 and its cousins: whatever of PRI, time, host and tag a device sends, in the orders in which they occur.
//!
//! RFC 3164 describes what was seen, not what must be; so this reader decides by shape, from left to right, and takes
//! for a host or a program only what looks like one.

use crate::model::SyslogSeverity;
use crate::parse::header::Header;
use crate::parse::header::HeaderFormat;
use crate::parse::header::cisco;
use crate::parse::header::host;
use crate::parse::header::rfc5424;
use crate::parse::header::structured_data;
use crate::parse::header::tag;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;
use crate::parse::timestamp::Cursor;

/// Reads what header there is.
pub(super) fn read(text: &str, context: Context) -> Header<'_> {
    let no_header = Header { body: text, ..Header::default() };
    let Ok((left, pri)) = rfc5424::pri(text).or_else(|_| zero_padded_pri(text)) else {
        return without_pri(text, context).unwrap_or(no_header);
    };
    let left = left.trim_start_matches(' ');
    let mut header = Header {
        pri: Some((pri >> 3, SyslogSeverity::from_pri(pri))),
        format: HeaderFormat::Bare,
        ..Header::default()
    };
    let (version, left) = version(left);
    header.version = version;
    let nil_time = left.strip_prefix("- ").filter(|_| header.version.is_some());
    if let Some(left) = nil_time {
        host_and_tag(left, &mut header, context);
        header.format = HeaderFormat::Rfc3164;
        return header;
    }
    let left = epoch(left, &mut header).unwrap_or_else(|| cisco::prefix(left, &mut header, context));
    if header.timestamp.is_some() {
        host_and_tag(left, &mut header, context);
    } else {
        tag_alone(left, &mut header);
    }
    let found = header.timestamp.is_some() || header.hostname.is_some() || header.app_name.is_some();
    if found || header.sequence.is_some() {
        header.format = HeaderFormat::Rfc3164;
    }
    header
}

/// `<013>`: wrong by both standards, clear in meaning.
fn zero_padded_pri(text: &str) -> nom::IResult<&str, u8> {
    let failed = || nom::Err::Error(nom::error::Error::new(text, nom::error::ErrorKind::Digit));
    let (digits, rest) = text.strip_prefix('<').and_then(|inner| inner.split_once('>')).ok_or_else(failed)?;
    let is_number = matches!(digits.len(), 1..=3) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let pri = digits.parse().ok().filter(|pri| is_number && *pri <= 191).ok_or_else(failed)?;
    Ok((rest, pri))
}

/// Reads the version of an RFC 5424 header that is not quite one: `1 ` before a time or `-`.
fn version(text: &str) -> (Option<u16>, &str) {
    let digits = Cursor::new(text).digits_ahead();
    let read = || {
        let rest = text.get(digits..)?.strip_prefix(' ')?;
        let version = text.get(..digits).filter(|_| digits <= 3)?.parse().ok().filter(|version| *version > 0)?;
        let next = rest.as_bytes().first()?;
        (next.is_ascii_digit() || *next == b'-').then_some((Some(version), rest))
    };
    read().unwrap_or((None, text))
}

/// Reads seconds since 1970 in place of a time, as Meraki devices send them.
fn epoch<'a>(text: &'a str, header: &mut Header<'a>) -> Option<&'a str> {
    let mut cursor = Cursor::new(text);
    if cursor.digits_ahead() != 10 {
        return None;
    }
    let reading = timestamp::epoch(&mut cursor, None)?;
    let rest = text.get(reading.consumed..)?.strip_prefix(' ')?;
    header.timestamp = Some(reading.time);
    Some(rest)
}

/// A line from a file, or of a sender that leaves the PRI out. Much else begins with a time, so more is asked of the rest.
fn without_pri<'a>(text: &'a str, context: Context) -> Option<Header<'a>> {
    let mut header = Header { format: HeaderFormat::Rfc3164, ..Header::default() };
    let first = *text.as_bytes().first()?;
    let mut cursor = Cursor::new(text.strip_prefix(['*', '.']).unwrap_or(text));
    let offset = text.len() - cursor.rest().len();
    match timestamp::in_header(&mut cursor, context) {
        Some(reading) => {
            let left = text.get(offset + cursor.at()..)?;
            let left = left.strip_prefix(':').unwrap_or(left).strip_prefix(' ')?.trim_start_matches(' ');
            header.timestamp = Some(reading.time);
            header.inferred = reading.inferred;
            host_and_tag(left, &mut header, context);
            let is_syslog_time = first.is_ascii_alphabetic() && reading.inferred.year;
            let is_cisco = header.body.starts_with('%');
            let is_sure = header.app_name.is_some() && header.hostname.is_some();
            let is_likely = is_syslog_time && (header.hostname.is_some() || header.app_name.is_some());
            // Files that rsyslog writes: a time in full and a host, the tag may be missing.
            let is_full_time =
                text.as_bytes().get(10) == Some(&b'T') && reading.inferred == timestamp::Inferred::default();
            let is_file_line = is_full_time && header.hostname.is_some_and(host::is_surely_host);
            // Shippers that put no tag between host and JSON.
            let is_json = header.body.starts_with('{') && header.hostname.is_some_and(host::must_be_host);
            (is_cisco || is_sure || is_likely || is_file_line || (is_json && !reading.inferred.year)).then_some(header)
        }
        None if first.is_ascii_digit() => {
            let left = cisco::prefix(text, &mut header, context);
            header.body = left;
            (header.sequence.is_some() && left.starts_with('%')).then_some(header)
        }
        None => host_before_tag(text.trim_start(), &mut header).then_some(header),
    }
}

/// `host prog[123]: text` with neither PRI nor time: only a process id makes it sure.
fn host_before_tag<'a>(text: &'a str, header: &mut Header<'a>) -> bool {
    let Some((token, rest)) = text.split_once(' ') else { return false };
    let Some((tag, body)) = tag::read(rest) else { return false };
    let has_number = tag.procid.is_some_and(|procid| procid.bytes().all(|byte| byte.is_ascii_digit()));
    let is_host = host::may_be_host(token) && !host::is_severity_word(token) && host::must_be_host(token);
    if !has_number || !is_host || tag.app_name.is_none() {
        return false;
    }
    (header.hostname, header.app_name, header.procid, header.body) = (Some(token), tag.app_name, tag.procid, body);
    true
}

/// What follows a PRI when there is no time: a tag, a host and a tag, or nothing but text.
fn tag_alone<'a>(text: &'a str, header: &mut Header<'a>) {
    header.body = text;
    if header.hostname.is_some() || header.sequence.is_some() || host_before_tag(text, header) {
        return;
    }
    if let Some((tag, body)) = tag::read(text) {
        (header.app_name, header.procid, header.body) = (tag.app_name, tag.procid, body);
    }
}

/// Reads host and tag after the time.
fn host_and_tag<'a>(text: &'a str, header: &mut Header<'a>, context: Context) {
    let mut left = match header.hostname {
        Some(_) => text,
        None => host_after_time(text, header),
    };
    if header.hostname.is_some() {
        left = relayed(left, header, context);
        left = left.strip_prefix(": ").unwrap_or(left);
        if (header.version.is_some() || left.contains(" - "))
            && let Some(body) = five_fields(left, header)
        {
            header.body = body;
            return;
        }
        left = after_severity(left);
    }
    header.body = left;
    if let Some((tag, body)) = tag::read(left) {
        (header.app_name, header.procid, header.body) = (tag.app_name, tag.procid, body);
    }
    // NetApp names the host once more where the tag belongs.
    if header.app_name.is_some() && header.app_name == header.hostname {
        header.app_name = None;
    }
}

/// Takes the host if the next token is one; returns what follows.
fn host_after_time<'a>(text: &'a str, header: &mut Header<'a>) -> &'a str {
    let text = text.strip_prefix("Message forwarded from ").unwrap_or(text);
    // RFC 5424 writes a host that is not known as a dash.
    if let Some(rest) = text.strip_prefix("- ").filter(|_| header.version.is_some()) {
        return five_fields(rest, header).unwrap_or(rest);
    }
    let token_end = text.bytes().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(text.len());
    let Some((token, rest)) = text.split_at_checked(token_end) else { return text };
    let rest = rest.trim_start_matches([' ', '\t']);
    if text.starts_with("last message repeated ") || host::is_severity_word(token.trim_end_matches(':')) {
        return text;
    }
    // iRules of F5 and access points of Ubiquiti go on after the host with a comma.
    if let Some((before, after)) = token.split_once(',') {
        let is_host = host::may_be_host(before) && before.bytes().any(|byte| byte.is_ascii_alphabetic());
        if is_host && !before.contains('=') {
            header.hostname = Some(before);
            return if after.contains('=') { text.get(before.len() + 1..).unwrap_or(rest) } else { rest };
        }
        return text;
    }
    let name = host::trim(token);
    let is_host = match token.strip_suffix(':') {
        // A colon ends a tag as well as, with some senders, a host.
        Some(_) if host::address(token).is_none() => host::must_be_host(name) || starts_with_same(rest, name),
        _ => tag::read(token).is_none() && host::may_be_host(name) && !is_number_or_time(name, rest),
    };
    if is_host {
        header.hostname = Some(name);
        return rest;
    }
    text
}

/// `host: host: text`, as NetApp sends.
fn starts_with_same(rest: &str, name: &str) -> bool {
    name.len() > 2 && rest.strip_prefix(name).is_some_and(|after| after.starts_with(':'))
}

/// A number is a host's name only where more of a header follows it.
fn is_number_or_time(name: &str, rest: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit()) && tag::read(rest).is_none()
}

/// A relay's own `Mmm dd hh:mm:ss host` before that of the origin: the inner one is nearer to the truth.
fn relayed<'a>(text: &'a str, header: &mut Header<'a>, context: Context) -> &'a str {
    match text.as_bytes().first() {
        Some(first) if first.is_ascii_uppercase() => {}
        Some(first) if first.is_ascii_digit() => return relayed_cisco(text, header, context).unwrap_or(text),
        _ => return text,
    }
    let mut cursor = Cursor::new(text);
    let Some(reading) = timestamp::in_header(&mut cursor, context).filter(|reading| reading.inferred.year) else {
        return text;
    };
    let inner = text.get(cursor.at()..).and_then(|rest| rest.strip_prefix(' ')).unwrap_or_default();
    let mut relayed = Header { timestamp: Some(reading.time), inferred: reading.inferred, ..*header };
    relayed.hostname = None;
    let rest = host_after_time(inner, &mut relayed);
    if relayed.hostname.is_none() {
        return text;
    }
    *header = relayed;
    rest
}

/// `host 123: Mmm dd hh:mm:ss: %FACILITY-…`: the relay named the host, the device went on as it does alone.
fn relayed_cisco<'a>(text: &'a str, header: &mut Header<'a>, context: Context) -> Option<&'a str> {
    let mut inner = Header { hostname: None, ..*header };
    let rest = cisco::prefix(text, &mut inner, context);
    if inner.sequence.is_none() || !rest.starts_with('%') {
        return None;
    }
    inner.hostname = inner.hostname.or(header.hostname);
    *header = inner;
    Some(rest)
}

/// The tail of RFC 5424 after other times or in lines that deviate from it: `APP PROCID MSGID SD text`.
fn five_fields<'a>(text: &'a str, header: &mut Header<'a>) -> Option<&'a str> {
    let (app_name, rest) = text.split_once(' ')?;
    let (procid, rest) = rest.split_once(' ')?;
    let (msgid, rest) = rest.split_once(' ')?;
    let is_procid = procid == "-" || procid.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| ('!'..='~').contains(&char::from(byte)));
    if !is_procid || procid.is_empty() || !is_name(app_name) || !is_name(msgid) || app_name.ends_with(':') {
        return None;
    }
    let (structured_data, body) = match rest.strip_prefix('-') {
        Some(body) if body.is_empty() || body.starts_with(' ') => (None, body),
        Some(_) => return None,
        None => {
            let (body, ()) = structured_data::elements(rest).ok()?;
            (rest.get(..rest.len() - body.len()), body)
        }
    };
    let given = |field: &'a str| (field != "-").then_some(field);
    (header.app_name, header.procid, header.msgid) = (given(app_name), given(procid), given(msgid));
    header.structured_data = structured_data;
    Some(body.trim_start_matches(' ').trim_start_matches('\u{feff}'))
}

/// Skips the severity some devices put between host and tag: `host notice sshd[1]: `, `host daemon.info prog: `.
fn after_severity(text: &str) -> &str {
    let Some((word, rest)) = text.split_once(' ') else { return text };
    if host::is_severity_word(word) && tag::read(rest).is_some() { rest } else { text }
}
