//! Character sets: UTF-8, and those old Vietnamese applications write. What is not UTF-8 comes out as NFC.
//!
//! The raw bytes are kept by whoever holds them; here they are only read. The detector suggests, it never decides.

mod detect;
mod tables;
mod vni;

#[cfg(test)]
mod tests;

pub use detect::suggest;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use crate::parse::charset::tables::Table;

/// The character set of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Charset {
    #[default]
    Utf8,
    /// Vietnamese Windows; letters with combining tones.
    Windows1258,
    /// Western Windows.
    Windows1252,
    /// TCVN 5712:1993, the fonts named `.Vn…`.
    Tcvn3,
    /// RFC 1456.
    Viscii,
    /// The fonts named `VNI-…`.
    Vni,
}

/// There is no character set of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown character set `{0}`")]
pub struct UnknownCharset(String);

impl Charset {
    /// All character sets, the default first.
    pub const ALL: [Charset; 6] =
        [Charset::Utf8, Charset::Windows1258, Charset::Windows1252, Charset::Tcvn3, Charset::Viscii, Charset::Vni];

    /// Returns the name used in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Charset::Utf8 => "utf-8",
            Charset::Windows1258 => "windows-1258",
            Charset::Windows1252 => "windows-1252",
            Charset::Tcvn3 => "tcvn3",
            Charset::Viscii => "viscii",
            Charset::Vni => "vni",
        }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Charset {
    type Err = UnknownCharset;

    fn from_str(name: &str) -> Result<Charset, UnknownCharset> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        Ok(match plain.as_str() {
            "utf8" => Charset::Utf8,
            "windows1258" | "cp1258" => Charset::Windows1258,
            "windows1252" | "cp1252" | "latin1" | "iso88591" => Charset::Windows1252,
            "tcvn3" | "tcvn" | "tcvn5712" | "abc" => Charset::Tcvn3,
            "viscii" => Charset::Viscii,
            "vni" | "vniwindows" => Charset::Vni,
            _ => return Err(UnknownCharset(name.to_owned())),
        })
    }
}

impl TryFrom<String> for Charset {
    type Error = UnknownCharset;

    fn try_from(name: String) -> Result<Charset, UnknownCharset> {
        name.parse()
    }
}

impl From<Charset> for String {
    fn from(charset: Charset) -> String {
        charset.as_str().to_owned()
    }
}

/// A decoded line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// False when bytes stood for nothing in the character set and became U+FFFD.
    pub lossless: bool,
}

/// Decodes a line. ASCII and UTF-8 are borrowed; everything else is decoded and composed to NFC.
pub fn decode(raw: &[u8], charset: Charset) -> Decoded<'_> {
    if charset == Charset::Utf8 {
        return match std::str::from_utf8(raw) {
            Ok(text) => Decoded { text: Cow::Borrowed(text), lossless: true },
            Err(_) => Decoded { text: String::from_utf8_lossy(raw), lossless: false },
        };
    }
    // TCVN3 and VISCII put letters below 0x20, where ASCII has controls.
    let low = match charset {
        Charset::Tcvn3 => tables::TCVN3.low,
        Charset::Viscii => tables::VISCII.low,
        _ => &[],
    };
    if raw.is_ascii()
        && !raw.iter().any(|byte| low.iter().any(|(code, _)| code == byte))
        && let Ok(text) = std::str::from_utf8(raw)
    {
        return Decoded { text: Cow::Borrowed(text), lossless: true };
    }
    let (text, lossless) = match charset {
        Charset::Utf8 => (String::from_utf8_lossy(raw).into_owned(), false),
        Charset::Windows1258 => with_encoding(raw, encoding_rs::WINDOWS_1258),
        Charset::Windows1252 => with_encoding(raw, encoding_rs::WINDOWS_1252),
        Charset::Tcvn3 => (with_table(raw, &tables::TCVN3), true),
        Charset::Viscii => (with_table(raw, &tables::VISCII), true),
        Charset::Vni => vni::decode(raw),
    };
    Decoded { text: Cow::Owned(text.nfc().collect()), lossless }
}

fn with_encoding(raw: &[u8], encoding: &'static encoding_rs::Encoding) -> (String, bool) {
    let (text, had_errors) = encoding.decode_without_bom_handling(raw);
    (text.into_owned(), !had_errors)
}

fn with_table(raw: &[u8], table: &Table) -> String {
    let decode_byte = |byte: &u8| match byte {
        0x80.. => table.upper.get(usize::from(*byte) - 0x80).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        low => table.low.iter().find(|(code, _)| code == low).map_or(char::from(*low), |(_, letter)| *letter),
    };
    raw.iter().map(decode_byte).collect()
}
