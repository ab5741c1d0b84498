//! Bodies made of names and values.

pub mod kv;
pub mod labels;
pub mod logfmt;
pub mod tagged;

/// Says whether a byte may stand in a key.
fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'@' | b'#' | b'[' | b']' | b'$')
        || byte >= 0x80
}

/// Keys are no longer than this.
const KEY_BYTES_MAX: usize = 128;

/// Returns the key a text begins with when an equals sign follows it.
fn leading_key(text: &str) -> Option<&str> {
    let end = text.bytes().take(KEY_BYTES_MAX).position(|byte| !is_key_byte(byte))?;
    let starts_well = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'@') || byte >= 0x80);
    (starts_well && text.as_bytes().get(end) == Some(&b'=')).then(|| text.get(..end)).flatten()
}
