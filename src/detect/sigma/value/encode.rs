//! The modifiers that change a text before it is compared: Base64 at three offsets, UTF-16, and Windows dashes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::text::Part;
use super::text::Pattern;

/// The characters Windows programs accept before an option, besides the ASCII hyphen and slash.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
/// Options in one value whose dash is varied; more would multiply past use (5 to the power of 3 is 125).
const DASHES_MAX: usize = 3;

/// How UTF-16 is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Utf16 {
    LittleEndian,
    BigEndian,
    /// Little-endian after a byte order mark.
    Marked,
}

/// Encodes a text in UTF-16.
pub(super) fn utf16(text: &str, layout: Utf16) -> Vec<u8> {
    let mut bytes = match layout {
        Utf16::Marked => vec![0xff, 0xfe],
        Utf16::LittleEndian | Utf16::BigEndian => Vec::new(),
    };
    for unit in text.encode_utf16() {
        bytes.extend(if layout == Utf16::BigEndian { unit.to_be_bytes() } else { unit.to_le_bytes() });
    }
    bytes
}

/// Encodes bytes in Base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Encodes bytes as they look in Base64 when they start at each of the three places within a group: only the characters
/// that do not depend on the neighbours are kept.
pub(super) fn base64_offsets(bytes: &[u8]) -> [String; 3] {
    const START: [usize; 3] = [0, 2, 3];
    const CUT: [usize; 3] = [0, 3, 2];
    [0, 1, 2].map(|offset| {
        let mut shifted = vec![b' '; offset];
        shifted.extend_from_slice(bytes);
        let encoded = STANDARD.encode(&shifted);
        let end = encoded.len().saturating_sub(CUT[shifted.len() % 3]);
        encoded.get(START[offset]..end).unwrap_or_default().to_owned()
    })
}

/// Varies every dash that starts an option. `None` when there are too many of them.
pub(super) fn windash(pattern: &Pattern) -> Option<Vec<Pattern>> {
    let mut variants = vec![Pattern::default()];
    let mut dashes = 0;
    for part in pattern.parts() {
        let Part::Literal(text) = part else {
            variants.iter_mut().for_each(|variant| variant.push(part.clone()));
            continue;
        };
        let mut plain_from = 0;
        for at in option_dashes(text) {
            dashes += 1;
            if dashes > DASHES_MAX {
                return None;
            }
            let before = &text[plain_from..at];
            variants = variants.iter().flat_map(|variant| DASHES.map(|dash| extended(variant, before, dash))).collect();
            plain_from = at + 1;
        }
        let rest = &text[plain_from..];
        variants.iter_mut().for_each(|variant| variant.push(Part::Literal(rest.to_owned())));
    }
    Some(variants)
}

fn extended(pattern: &Pattern, before: &str, dash: char) -> Pattern {
    let mut longer = pattern.clone();
    longer.push(Part::Literal(format!("{before}{dash}")));
    longer
}

/// Finds `-` and `/` with no word character before and one after (`\B[-/]\b`).
fn option_dashes(text: &str) -> Vec<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts_option = |&(at, c): &(usize, char)| {
        matches!(c, '-' | '/')
            && !text[..at].chars().next_back().is_some_and(is_word)
            && text[at + 1..].chars().next().is_some_and(is_word)
    };
    text.char_indices().filter(starts_option).map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_found_wherever_the_text_starts() {
        for text in ["a", "ab", "http://", "IEX (New-Object", "điều hành"] {
            let variants = base64_offsets(text.as_bytes());
            for (shift, variant) in variants.iter().enumerate() {
                for tail in ["", "x", "xy", "xyz"] {
                    let encoded = base64(format!("{}{text}{tail}", "q".repeat(shift)).as_bytes());
                    assert!(encoded.contains(variant.as_str()), "`{text}` shifted by {shift} with `{tail}`: {variant}");
                }
            }
        }
        assert_eq!(base64_offsets(b"foobar"), ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
    }

    #[test]
    fn only_option_dashes_vary() {
        let variants = windash(&Pattern::parse(" -p-x ")).expect("one dash");
        let texts: Vec<String> = variants.iter().map(Pattern::to_string).collect();
        assert_eq!(texts, [" -p-x ", " /p-x ", " –p-x ", " —p-x ", " ―p-x "]);
        assert_eq!(windash(&Pattern::parse("a -b /c")).map(|all| all.len()), Some(25));
        assert_eq!(windash(&Pattern::parse("-a -b -c -d")), None);
        assert_eq!(windash(&Pattern::parse("well-known")).map(|all| all.len()), Some(1));
    }

    #[test]
    fn utf16_layouts() {
        assert_eq!(utf16("ab", Utf16::LittleEndian), b"a\0b\0");
        assert_eq!(utf16("ab", Utf16::BigEndian), b"\0a\0b");
        assert_eq!(utf16("a", Utf16::Marked), [0xff, 0xfe, b'a', 0]);
    }
}
