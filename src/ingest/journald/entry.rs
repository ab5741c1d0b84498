//! One entry: a line of `journalctl --output=json`, its cursor, and values that are no text made text.
//!
//! `journalctl` writes a value with control characters as a list of its bytes. Whoever gets such a character into a message could
//! hide it from every pattern, so these are made text again; where the bytes are no UTF-8, what they were is kept beside it in hex.

use bytes::Bytes;
use serde_json::Map;
use serde_json::Value;

/// Stands behind the name of a value that was no UTF-8, before its bytes in hex.
const HEX_SUFFIX: &str = "_HEX";

/// What is stored of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub raw: Bytes,
    /// Where it stands in the journal; `None` for output that is no entry.
    pub cursor: Option<String>,
    pub truncated: bool,
}

impl Entry {
    /// Makes an entry of a line without its line break; `truncated` when the line was longer than was kept of it.
    pub fn of_line(line: Vec<u8>, truncated: bool) -> Entry {
        let cursor = cursor_of(&line);
        let raw = if !truncated && has_bytes(&line) { with_text(&line).unwrap_or(line) } else { line };
        Entry { raw: Bytes::from(raw), cursor, truncated }
    }
}

/// Finds the cursor without reading the whole object: quotes inside a value are escaped, so the name stands there once.
pub(super) fn cursor_of(line: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\"__CURSOR\"";
    let at = memchr::memmem::find(line, NAME)?;
    let after = line.get(at + NAME.len()..)?.trim_ascii_start().strip_prefix(b":")?;
    let text = after.trim_ascii_start().strip_prefix(b"\"")?;
    let cursor = text.get(..memchr::memchr(b'"', text)?)?;
    std::str::from_utf8(cursor).ok().filter(|cursor| !cursor.is_empty()).map(str::to_owned)
}

/// Says whether a value may be a list of bytes.
fn has_bytes(line: &[u8]) -> bool {
    memchr::memchr_iter(b'[', line).any(|at| {
        let before = line.get(..at).unwrap_or_default().trim_ascii_end();
        let after = line.get(at + 1..).unwrap_or_default().trim_ascii_start();
        before.ends_with(b":") && after.first().is_some_and(u8::is_ascii_digit)
    })
}

fn with_text(line: &[u8]) -> Option<Vec<u8>> {
    let read: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let mut made = Map::with_capacity(read.len());
    for (name, value) in read {
        match bytes_of(&value) {
            None => {
                made.insert(name, value);
            }
            Some(bytes) => match String::from_utf8(bytes) {
                Ok(text) => {
                    made.insert(name, text.into());
                }
                Err(err) => {
                    let bytes = err.into_bytes();
                    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    made.insert(name.clone(), String::from_utf8_lossy(&bytes).into());
                    made.insert(name + HEX_SUFFIX, hex.into());
                }
            },
        }
    }
    serde_json::to_vec(&made).ok()
}

/// A list of nothing but numbers of a byte.
fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    items.iter().map(|item| item.as_u64().and_then(|number| u8::try_from(number).ok())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_found_and_not_taken_from_a_message() {
        for (line, cursor) in [
            (r#"{"__CURSOR":"s=1;i=2","MESSAGE":"x"}"#, Some("s=1;i=2")),
            (r#"{"MESSAGE":"{\"__CURSOR\":\"forged\"}","__CURSOR" : "s=1;i=3"}"#, Some("s=1;i=3")),
            (r#"{"MESSAGE":"{\"__CURSOR\":\"forged\"}"}"#, None),
            (r#"{"__CURSOR":""}"#, None),
            (r#"{"__CURSOR":"cut"#, None),
            ("-- Boot 1 --", None),
            ("", None),
        ] {
            assert_eq!(cursor_of(line.as_bytes()).as_deref(), cursor, "{line}");
        }
    }

    #[test]
    fn values_written_as_bytes_become_text_and_nothing_is_lost() {
        for (line, raw) in [
            (r#"{"MESSAGE":[97,27,91,51],"N":"1"}"#, r#"{"MESSAGE":"a\u001b[3","N":"1"}"#),
            (r#"{"MESSAGE":[97,255]}"#, r#"{"MESSAGE":"a�","MESSAGE_HEX":"61ff"}"#),
            // Several values of one name, and no list at all: as they are.
            (r#"{"A":["x","y"],"B": "[1]"}"#, r#"{"A":["x","y"],"B": "[1]"}"#),
            (r#"{"A":[300]}"#, r#"{"A":[300]}"#),
            (r#"{"A":[1"#, r#"{"A":[1"#),
        ] {
            assert_eq!(Entry::of_line(line.into(), false).raw, raw, "{line}");
        }
    }
}
