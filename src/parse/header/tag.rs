//! The tag of RFC 3164 and what became of it: `sshd[123]: `, `kernel: `, `/usr/sbin/cron[1]: `, `vpxa : `, `prog -: `.

use crate::parse::header::host;

/// A program's name and process id as the header names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tag<'a> {
    pub(super) app_name: Option<&'a str>,
    pub(super) procid: Option<&'a str>,
}

/// No program has a longer name than this.
const TAG_BYTES_MAX: usize = 96;

/// Reads a tag and returns what follows it without the space; `None` when the text does not begin with one.
pub(super) fn read(text: &str) -> Option<(Tag<'_>, &str)> {
    let end = text.bytes().take(TAG_BYTES_MAX).position(|byte| !is_tag_byte(byte))?;
    let (name, rest) = (text.get(..end)?, text.get(end..)?);
    match rest.as_bytes().first()? {
        b'[' => with_procid(name, rest),
        b':' => with_colon(name, rest),
        b' ' => with_spaced_colon(name, rest),
        _ => None,
    }
}

fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'#' | b'@' | b'+' | b'(' | b')' | b'$' | b'~')
        || byte >= 0x80
}

/// `name[123]: `, `name[123] `, `[123]: `, `name[123]:text`.
fn with_procid<'a>(name: &'a str, rest: &'a str) -> Option<(Tag<'a>, &'a str)> {
    let inner = rest.strip_prefix('[')?;
    let end = inner.bytes().take(TAG_BYTES_MAX).position(|byte| matches!(byte, b']' | b' ' | b'['))?;
    let procid = inner.get(..end)?;
    let after = inner.get(end..)?.strip_prefix(']')?;
    let is_number = !procid.is_empty() && procid.bytes().all(|byte| byte.is_ascii_digit());
    let after = match after.strip_prefix(':').or_else(|| after.strip_prefix(" :")) {
        Some(after) => after,
        // Without a colon only a number in brackets is surely a process id.
        None if is_number && !name.is_empty() && (after.starts_with(' ') || after.is_empty()) => after,
        None => return None,
    };
    if procid.is_empty() || (name.is_empty() && !is_number) {
        return None;
    }
    let app_name = (!name.is_empty()).then_some(name);
    Some((Tag { app_name, procid: Some(procid) }, after.trim_start_matches(' ')))
}

/// `name: text`, and `name:text` when it cannot be a time, a port, an address, a URL or CEF.
fn with_colon<'a>(name: &'a str, rest: &'a str) -> Option<(Tag<'a>, &'a str)> {
    let after = rest.strip_prefix(':')?;
    if !is_name(name) {
        return None;
    }
    let after = match after.as_bytes().first() {
        None | Some(b' ' | b'\t') => after.trim_start_matches([' ', '\t']),
        Some(b'/' | b':' | b'0'..=b'9' | b'\\') => return None,
        Some(_) if name.len() < 2 => return None,
        Some(_) => after,
    };
    Some((Tag { app_name: Some(name), procid: None }, after))
}

/// `name : text`, `name -: text`, and `name {"json": …}`.
fn with_spaced_colon<'a>(name: &'a str, rest: &'a str) -> Option<(Tag<'a>, &'a str)> {
    let after = rest.strip_prefix(" : ").or_else(|| rest.strip_prefix(" -: "));
    let after = after.or_else(|| rest.get(1..).filter(|json| json.starts_with("{\"")))?;
    is_name(name).then_some((Tag { app_name: Some(name), procid: None }, after))
}

/// A program's name has a letter, and is not what begins a body.
fn is_name(name: &str) -> bool {
    let has_letter = name.bytes().any(|byte| byte.is_ascii_alphabetic());
    has_letter
        && !matches!(name, "CEF" | "LEEF" | "http" | "https" | "http/")
        && (name.contains('.') || !host::is_severity_word(name))
}
