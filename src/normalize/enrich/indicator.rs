//! What a threat list names: an address, a network, a domain, a URL or the hash of a file, as a key of fixed width.
//!
//! Texts are kept as 128-bit fingerprints, hashes by their first 128 bits: another text with the same fingerprint is
//! less likely than a broken memory chip, so a hit needs no second look.

use std::hash::BuildHasher as _;
use std::net::IpAddr;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

use crate::normalize::address::Scope;
use crate::normalize::address::scope;

/// Texts longer than this are never on a list.
const TEXT_BYTES_MAX: usize = 2_048;
/// Networks larger than this are a mistake: half the events would be hits.
const V4_LENGTH_MIN: u8 = 8;
const V6_LENGTH_MIN: u8 = 16;

/// What kind of thing an indicator is; the words are those of ECS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    V4,
    V6,
    Domain,
    Url,
    File,
}

impl Kind {
    /// Returns the value of `threat.indicator.type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::V4 => "ipv4-addr",
            Kind::V6 => "ipv6-addr",
            Kind::Domain => "domain-name",
            Kind::Url => "url",
            Kind::File => "file",
        }
    }
}

/// An indicator as it is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    V4(u32),
    V6(u128),
    /// The first address as 128 bits, IPv4 in `::ffff:0:0/96`, and the length.
    Network(u128, u8),
    Domain(u128),
    Url(u128),
    File(u128),
}

impl Key {
    pub(super) fn kind(self) -> Kind {
        match self {
            Key::V4(_) => Kind::V4,
            Key::V6(_) => Kind::V6,
            Key::Network(bits, _) if bits >> 32 == 0xffff => Kind::V4,
            Key::Network(..) => Kind::V6,
            Key::Domain(_) => Kind::Domain,
            Key::Url(_) => Kind::Url,
            Key::File(_) => Kind::File,
        }
    }
}

/// Why a text is no indicator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoIndicator {
    #[error("`{0}` is no address, network, domain, URL or hash")]
    Unknown(String),
    #[error("`{0}` is not public: every event of our own network would be a hit")]
    NotPublic(String),
    #[error("`{0}` is too large a network")]
    TooLarge(String),
}

/// Returns a number for a text: two independent hashes side by side, of its lower case.
fn fingerprint(text: &str) -> Option<u128> {
    let mut lower = [0_u8; TEXT_BYTES_MAX];
    let lower = lower.get_mut(..text.len())?;
    lower.copy_from_slice(text.as_bytes());
    lower.make_ascii_lowercase();
    Some(fingerprint_of(lower))
}

fn fingerprint_of(bytes: &[u8]) -> u128 {
    // Fixed seeds: the fingerprints of a list and of an event must be the same, whoever made them.
    let one = SeedableRandomState::with_seed(0x6c6f_6e67_616e, SharedSeed::global_fixed());
    let two = SeedableRandomState::with_seed(0x7468_7265_6174, SharedSeed::global_fixed());
    (u128::from(one.hash_one(bytes)) << 64) | u128::from(two.hash_one(bytes))
}

/// Returns the key of a domain without a dot at its end.
pub(super) fn domain_key(domain: &str) -> Option<u128> {
    fingerprint(domain.trim_end_matches('.'))
}

/// Returns the key of a URL: without its scheme, its fragment, a slash at the end and regard to case.
pub(super) fn url_key(url: &str) -> Option<u128> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or(rest);
    fingerprint(rest.trim_end_matches('/'))
}

/// Returns the key of a file's hash in hexadecimal: MD5, SHA-1, SHA-256 or SHA-512.
pub(super) fn file_key(hex: &str) -> Option<u128> {
    let is_hash = matches!(hex.len(), 32 | 40 | 64 | 128) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let first = is_hash.then(|| hex.get(..32)).flatten()?;
    // The length keeps an MD5 from being taken for the beginning of another hash.
    u128::from_str_radix(first, 16).ok().map(|bits| bits ^ hex.len() as u128)
}

/// Undoes what keeps people from clicking: `hxxp://evil[.]example`.
fn refanged(text: &str) -> String {
    let text = text.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":");
    match text.get(..4).filter(|start| start.eq_ignore_ascii_case("hxxp")) {
        Some(_) => format!("http{}", &text[4..]),
        None => text,
    }
}

/// Reads an indicator of any kind, as lists write it.
///
/// # Errors
/// When it is none, or one that must not be used.
pub(super) fn read(text: &str) -> Result<Key, NoIndicator> {
    let text = refanged(text.trim());
    let unknown = || NoIndicator::Unknown(text.chars().take(80).collect());
    if let Ok(address) = text.parse::<IpAddr>() {
        return address_key(address, &text);
    }
    if let Some((address, length)) = text.split_once('/')
        && let (Ok(address), Ok(length)) = (address.parse::<IpAddr>(), length.parse::<u8>())
    {
        return network_key(address, length, &text);
    }
    if text.contains("://") || text.contains('/') {
        let host = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
        let is_url = host.split('/').next().is_some_and(|host| host.contains('.')) && !text.contains(' ');
        return is_url.then(|| url_key(&text)).flatten().map(Key::Url).ok_or_else(unknown);
    }
    if let Some(key) = file_key(&text) {
        return Ok(Key::File(key));
    }
    let domain = text.trim_start_matches("*.").trim_start_matches('.').trim_end_matches('.');
    is_domain(domain).then(|| domain_key(domain)).flatten().map(Key::Domain).ok_or_else(unknown)
}

fn address_key(address: IpAddr, text: &str) -> Result<Key, NoIndicator> {
    if scope(address) != Scope::Public {
        return Err(NoIndicator::NotPublic(text.to_owned()));
    }
    Ok(match address.to_canonical() {
        IpAddr::V4(v4) => Key::V4(v4.to_bits()),
        IpAddr::V6(v6) => Key::V6(v6.to_bits()),
    })
}

fn network_key(address: IpAddr, length: u8, text: &str) -> Result<Key, NoIndicator> {
    let (longest, shortest) = if address.is_ipv4() { (32, V4_LENGTH_MIN) } else { (128, V6_LENGTH_MIN) };
    if length > longest {
        return Err(NoIndicator::Unknown(text.to_owned()));
    }
    if length == longest {
        return address_key(address, text);
    }
    if length < shortest {
        return Err(NoIndicator::TooLarge(text.to_owned()));
    }
    if scope(address) != Scope::Public {
        return Err(NoIndicator::NotPublic(text.to_owned()));
    }
    let length = if address.is_ipv4() { length + 96 } else { length };
    Ok(Key::Network(bits(address) & mask(length), length))
}

/// An address as 128 bits.
pub(super) fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

pub(super) fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(u32::from(128 - length.min(128))).unwrap_or(0)
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || b >= 128)
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_and_what_is_none_is_refused() {
        for (text, kind) in [
            ("203.0.113.7", Kind::V4),
            (" 2001:db8:1::7 ", Kind::V6),
            ("::ffff:203.0.113.7", Kind::V4),
            ("203.0.113.0/24", Kind::V4),
            ("2001:db8::/32", Kind::V6),
            ("evil[.]example", Kind::Domain),
            ("*.evil.example.", Kind::Domain),
            ("hxxps://evil[.]example/a?b=1", Kind::Url),
            ("evil.example/gate.php", Kind::Url),
            ("d41d8cd98f00b204e9800998ecf8427e", Kind::File),
            ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Kind::File),
        ] {
            assert_eq!(read(text).map(Key::kind), Ok(kind), "{text}");
        }
        for text in [
            "",
            "localhost",
            "10.0.0.1",
            "192.168.0.0/16",
            "0.0.0.0/0",
            "203.0.113.0/33",
            "::/0",
            "1.2.3",
            "a b.c",
            "..",
            "127.0.0.1",
            "http://x",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spelling_does_not_matter_and_content_does() {
        assert_eq!(read("EVIL.example"), read("evil.example."));
        assert_eq!(url_key("HTTP://Evil.example/a/"), url_key("https://evil.example/a#x"));
        assert_ne!(url_key("http://evil.example/a"), url_key("http://evil.example/b"));
        assert_ne!(file_key("d41d8cd98f00b204e9800998ecf8427e"), file_key("d41d8cd98f00b204e9800998ecf8427e00000000"));
        assert_eq!(url_key(&"a".repeat(5_000)), None);
    }
}
