//! Observables: something seen in an incident that others can look for. What cannot be looked for is refused.

use std::net::IpAddr;

use crate::incident::IncidentRefusal;

/// Letters of a kind of the analyst's own.
const KIND_CHARS_MAX: usize = 32;
/// Hexadecimal digits of MD5, SHA-1, SHA-256 and SHA-512.
const HASH_DIGITS: [usize; 4] = [32, 40, 64, 128];

/// Checks that a value is what its kind says.
///
/// # Errors
/// When it is not; a kind of the analyst's own may be anything, but must be a word.
pub(super) fn check(kind: &str, value: &str) -> Result<(), IncidentRefusal> {
    let has_blank = value.contains(char::is_whitespace);
    let (is_right, what) = match kind {
        "ip" => (is_address(value), "address or network"),
        "domain" => (!has_blank && value.contains('.') && !value.contains(['/', '@']), "domain"),
        "url" => (!has_blank && value.contains("://"), "URL"),
        "hash" => (is_hash(value), "hash"),
        "host" => (!has_blank, "host"),
        "email" => (!has_blank && value.split('@').filter(|part| !part.is_empty()).count() == 2, "mail address"),
        // Names of users and files hold blanks.
        "user" | "file" => (true, ""),
        own => {
            let is_word = own.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
            let is_right = is_word && own.chars().count() <= KIND_CHARS_MAX;
            return is_right.then_some(()).ok_or_else(|| refused("kind of observable", own));
        }
    };
    is_right.then_some(()).ok_or_else(|| refused(what, value))
}

fn refused(what: &'static str, value: &str) -> IncidentRefusal {
    IncidentRefusal::NotA { what, value: value.to_owned() }
}

fn is_address(value: &str) -> bool {
    let (address, length) = value.split_once('/').map_or((value, None), |(address, length)| (address, Some(length)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let bits = if address.is_ipv4() { 32 } else { 128 };
    length.is_none_or(|length| length.parse::<u8>().is_ok_and(|length| length <= bits))
}

fn is_hash(value: &str) -> bool {
    HASH_DIGITS.contains(&value.len()) && value.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_looked_for_is_refused() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        for (kind, value) in [
            ("ip", "203.0.113.7"),
            ("ip", "203.0.113.0/24"),
            ("ip", "2001:db8::1"),
            ("domain", "vi-du.gov.vn"),
            ("url", "http://vi-du.gov.vn/a"),
            ("hash", md5),
            ("user", "NT AUTHORITY\\SYSTEM"),
            ("file", "C:\\Program Files\\a.exe"),
            ("email", "an@vi-du.gov.vn"),
            ("ví-bitcoin", "bc1q"),
        ] {
            assert_eq!(check(kind, value), Ok(()), "{kind} {value}");
        }
        for (kind, value, what) in [
            ("ip", "203.0.113.135 máy tải web shell", "address or network"),
            ("ip", "10.0.0.0/33", "address or network"),
            ("ip", "not-an-ip", "address or network"),
            ("domain", "localhost", "domain"),
            ("url", "vi-du.gov.vn/a", "URL"),
            ("hash", "d41d", "hash"),
            ("hash", "zz1d8cd98f00b204e9800998ecf8427e", "hash"),
            ("email", "an@", "mail address"),
            ("host", "srv 1", "host"),
        ] {
            assert_eq!(check(kind, value), Err(refused(what, value)), "{kind} {value}");
        }
        assert_eq!(check("ip999.1", "abc"), Err(refused("kind of observable", "ip999.1")));
    }
}
