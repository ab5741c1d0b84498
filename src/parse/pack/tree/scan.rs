//! Finds the end of the captures that end by themselves.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// Returns the address at the start of a text and its length; `10.0.0.1:80` and `10.0.0.1.` give the address alone.
pub(super) fn ip(text: &str) -> Option<(IpAddr, usize)> {
    let bytes = text.as_bytes();
    if let Some((address, length)) = ipv4(bytes) {
        let next = bytes.get(length);
        let goes_on = next.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            || (next == Some(&b'.') && bytes.get(length + 1).is_some_and(u8::is_ascii_alphanumeric));
        return (!goes_on).then_some((IpAddr::V4(address), length));
    }
    let run = bytes.iter().take(46).take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')).count();
    let mut candidate = text.get(..run)?;
    if candidate.bytes().filter(|byte| *byte == b':').count() < 2 {
        return None;
    }
    // A colon or full stop after the address belongs to the sentence: `from fe80::1: denied`.
    for _ in 0..2 {
        if let Ok(address) = candidate.parse::<Ipv6Addr>() {
            let next = bytes.get(candidate.len());
            return (!next.is_some_and(u8::is_ascii_alphanumeric)).then_some((IpAddr::V6(address), candidate.len()));
        }
        candidate = candidate.get(..candidate.len().checked_sub(1)?)?;
    }
    None
}

fn ipv4(bytes: &[u8]) -> Option<(Ipv4Addr, usize)> {
    let mut octets = [0_u8; 4];
    let mut at = 0;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            (bytes.get(at) == Some(&b'.')).then_some(())?;
            at += 1;
        }
        let digits = bytes.get(at..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > 3 {
            return None;
        }
        let number = bytes.get(at..at + digits)?.iter().fold(0_u16, |sum, byte| sum * 10 + u16::from(byte - b'0'));
        *octet = u8::try_from(number).ok()?;
        at += digits;
    }
    Some((Ipv4Addr::from(octets), at))
}

/// Returns the whole number at the start of a text and its length; one that does not fit in 64 bits is none.
pub(super) fn int(text: &str) -> Option<(i64, usize)> {
    let bytes = text.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let digits = bytes.get(sign..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = text.get(..sign + digits)?;
    (digits > 0).then(|| number.parse().ok()).flatten().map(|value| (value, sign + digits))
}

/// Returns the length of the decimal number at the start of a text.
pub(super) fn float(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let run = |from: usize| bytes.get(from..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count());
    let whole = run(sign);
    let fraction = if bytes.get(sign + whole) == Some(&b'.') { run(sign + whole + 1) } else { 0 };
    (whole > 0).then_some(sign + whole + if fraction > 0 { fraction + 1 } else { 0 })
}

/// Returns the length of the hexadecimal digits, with or without `0x`, at the start of a text.
pub(super) fn hex(text: &str) -> Option<usize> {
    let prefix = if text.starts_with("0x") || text.starts_with("0X") { 2 } else { 0 };
    let digits = text.as_bytes().get(prefix..)?.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    (digits > 0).then_some(prefix + digits)
}

/// Returns the length of the hardware address at the start of a text, `:`, `-` or `.` between its parts.
pub(super) fn mac(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (group, separator) = match (bytes.get(2), bytes.get(4)) {
        (Some(separator @ (b':' | b'-')), _) => (2, *separator),
        (_, Some(b'.')) => (4, b'.'),
        _ => return None,
    };
    let length = 12 + 12 / group - 1;
    let candidate = bytes.get(..length)?;
    let fits = candidate.iter().enumerate().all(|(index, byte)| match index % (group + 1) == group {
        true => *byte == separator,
        false => byte.is_ascii_hexdigit(),
    });
    (fits && !bytes.get(length).is_some_and(u8::is_ascii_alphanumeric)).then_some(length)
}

/// Returns the length of the UUID at the start of a text.
pub(super) fn uuid(text: &str) -> Option<usize> {
    let candidate = text.as_bytes().get(..36)?;
    let fits = candidate.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    fits.then_some(36)
}

/// Returns the length of the quoted text at the start of a text, both marks included; a backslash protects the next character.
pub(super) fn quoted(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mark = *bytes.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let mut at = 1;
    loop {
        let found = memchr::memchr2(mark, b'\\', bytes.get(at..)?)?;
        if bytes.get(at + found) == Some(&mark) {
            return Some(at + found + 1);
        }
        at += found + 2;
    }
}

/// Returns the length of the longest of some words that a text begins with; the words come longest first.
pub(super) fn one_of(words: &[Box<str>], text: &str) -> Option<usize> {
    words.iter().find(|word| text.starts_with(&***word)).map(|word| word.len())
}

/// Returns the length of the name at the start of a text.
pub(super) fn ident(text: &str) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$' | b'<' | b'>');
    let length = text.bytes().take_while(is_part).count();
    (length > 0).then_some(length)
}

/// The words for log levels, in lower case.
const LEVELS: [&str; 34] = [
    "alert",
    "audit",
    "config",
    "crit",
    "critical",
    "dbg",
    "debug",
    "emerg",
    "emergency",
    "err",
    "error",
    "fatal",
    "fine",
    "finer",
    "finest",
    "ftl",
    "inf",
    "info",
    "information",
    "informational",
    "note",
    "notice",
    "panic",
    "security",
    "severe",
    "success",
    "trace",
    "trc",
    "verbose",
    "vrb",
    "wa",
    "warn",
    "warning",
    "wrn",
];

/// Returns the length of the word for a log level at the start of a text.
pub(super) fn level(text: &str) -> Option<usize> {
    let length = text.bytes().take(16).take_while(u8::is_ascii_alphabetic).count();
    let word = text.get(..length)?;
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word)).then_some(length)
}

/// Returns the number of blanks at the start of a text.
pub(super) fn space(text: &str) -> Option<usize> {
    let blanks = text.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    (blanks > 0).then_some(blanks)
}

/// Says whether a path begins here.
pub(super) fn starts_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes, [b'/', ..] | [b'\\', b'\\', ..])
        || matches!(bytes, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic())
}
