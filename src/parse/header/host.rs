//! What a host name looks like in a syslog header, and what does not.

use std::net::IpAddr;

/// Words that stand where a host name could, and are none.
const SEVERITY_WORDS: [&str; 23] = [
    "emerg",
    "emergency",
    "panic",
    "alert",
    "crit",
    "critical",
    "fatal",
    "err",
    "error",
    "severe",
    "warn",
    "warning",
    "notice",
    "info",
    "informational",
    "information",
    "debug",
    "trace",
    "verbose",
    "fine",
    "note",
    "severity",
    "unknown",
];

/// Says whether a word is the name of a severity, or `facility.severity` as some relays write it.
pub(super) fn is_severity_word(word: &str) -> bool {
    let word = word.rsplit('.').next().unwrap_or(word);
    word.len() <= 13 && SEVERITY_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Says whether a token could be a host name: letters, digits and what else occurs in names of devices.
pub(super) fn may_be_host(token: &str) -> bool {
    let is_name = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let starts_well = token.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && starts_well && token.len() <= 255) || address(token).is_some() || is_unicode_name(token)
}

/// Names in other alphabets occur; they have letters and no ASCII punctuation but that of names.
fn is_unicode_name(token: &str) -> bool {
    !token.is_ascii()
        && token.len() <= 255
        && token.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Says whether a token is a host name rather than a program's: an address, a name with dots, or a hyphen and a digit.
pub(super) fn must_be_host(token: &str) -> bool {
    if address(token).is_some() {
        return true;
    }
    if !may_be_host(token) {
        return false;
    }
    let has_digit = token.bytes().any(|byte| byte.is_ascii_digit());
    (token.contains('-') && has_digit) || is_qualified(token)
}

/// Says whether a token can hardly be anything but a host: an address, or a name with a domain and without capitals,
/// as a class has them.
pub(super) fn is_surely_host(token: &str) -> bool {
    address(token).is_some() || (is_qualified(token) && !token.bytes().any(|byte| byte.is_ascii_uppercase()))
}

/// Says whether a token is a name with a domain: `fw01.example.vn`, but not `backup.sh`.
fn is_qualified(token: &str) -> bool {
    const EXTENSIONS: [&str; 12] =
        ["sh", "py", "pl", "rb", "exe", "service", "cron", "daily", "hourly", "conf", "jar", "warning"];
    let Some((_, last)) = token.rsplit_once('.') else { return false };
    let is_label = last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_label && token.len() > last.len() + 1 && !EXTENSIONS.contains(&last)
}

/// Reads a token that is an IP address, possibly in brackets or with a zone.
pub(super) fn address(token: &str) -> Option<IpAddr> {
    let first = *token.as_bytes().first()?;
    if !(first.is_ascii_hexdigit() || matches!(first, b':' | b'[')) {
        return None;
    }
    let bare = token.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(token);
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    bare.parse().ok()
}

/// Takes from a token what is the host: without `slot1/`, without a port, brackets or a trailing colon.
pub(super) fn trim(token: &str) -> &str {
    let token = match token.split_once('/') {
        Some((slot, host)) if slot.starts_with("slot") || slot.starts_with("blade") => host,
        _ => token,
    };
    if address(token).is_some() {
        return token.trim_start_matches('[').trim_end_matches(']');
    }
    match token.rsplit_once(':') {
        Some((host, "")) => host,
        Some((host, port))
            if port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()) && may_be_host(host) =>
        {
            host.trim_start_matches('[').trim_end_matches(']')
        }
        _ => token,
    }
}
