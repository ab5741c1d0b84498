//! Query strings: the members of a flat wire type, percent-encoded.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

/// Appends a flat value's members to a path; absent ones and empty texts are left out.
pub(super) fn with_query<T: Serialize>(path: &str, parameters: &T) -> String {
    let mut target = path.to_owned();
    let Ok(Value::Object(members)) = serde_json::to_value(parameters) else { return target };
    let mut separator = '?';
    for (name, value) in members {
        let text = match value {
            Value::String(text) if !text.is_empty() => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => continue,
        };
        target.push(separator);
        separator = '&';
        push_encoded(&mut target, &name);
        target.push('=');
        push_encoded(&mut target, &text);
    }
    target
}

/// Encodes everything but the unreserved characters of RFC 3986 §2.3.
fn push_encoded(target: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            target.push(char::from(byte));
        } else {
            let written = write!(target, "%{byte:02X}");
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::alert::AlertFilter;
    use crate::wire::search::SearchRequest;

    #[test]
    fn members_become_parameters() {
        let request = SearchRequest { q: "a b&c=ộ".to_owned(), limit: Some(5), ..SearchRequest::default() };
        assert_eq!(with_query("/v1/search", &request), "/v1/search?q=a%20b%26c%3D%E1%BB%99&limit=5");
        assert_eq!(with_query("/v1/alerts", &AlertFilter::default()), "/v1/alerts?offset=0");
    }
}
