//! VNI for Windows: a letter, and after it a byte for its mark and tone; some letters have a byte of their own.

use encoding_rs::WINDOWS_1252;

/// Combining marks: circumflex, breve, and the five tones.
const CIRCUMFLEX: char = '\u{302}';
const BREVE: char = '\u{306}';
const GRAVE: char = '\u{300}';
const ACUTE: char = '\u{301}';
const HOOK: char = '\u{309}';
const TILDE: char = '\u{303}';
const DOT: char = '\u{323}';

/// Decodes VNI; the result is not composed yet.
pub(super) fn decode(raw: &[u8]) -> (String, bool) {
    let mut text = String::with_capacity(raw.len() + raw.len() / 2);
    let mut is_whole = true;
    let mut base: Option<u8> = None;
    for &byte in raw {
        let lower = if byte >= 0xC0 { byte | 0x20 } else { byte };
        if let Some(marks) = base.and_then(|base| marks(base, lower)) {
            text.extend(marks.iter().filter(|mark| **mark != '\0'));
            base = None;
            continue;
        }
        base = Some(byte);
        match own_letter(byte) {
            Some(letter) => text.push(letter),
            None if byte < 0x80 => text.push(char::from(byte)),
            None => {
                let one = [byte];
                let latin = WINDOWS_1252.decode_without_bom_handling(&one).0;
                is_whole &= !latin.contains(char::REPLACEMENT_CHARACTER);
                text.push_str(&latin);
            }
        }
    }
    (text, is_whole)
}

/// Returns the marks a byte puts on the letter before it; case is that of the letter.
fn marks(base: u8, lower: u8) -> Option<[char; 2]> {
    let is_horned = matches!(base, 0xF4 | 0xD4 | 0xF6 | 0xD6);
    let letter = base.to_ascii_lowercase();
    let tone = match lower {
        0xF8 => Some(GRAVE),
        0xF9 => Some(ACUTE),
        0xFB => Some(HOOK),
        0xF5 => Some(TILDE),
        0xEF => Some(DOT),
        _ => None,
    };
    if let Some(tone) = tone {
        return (is_horned || matches!(letter, b'a' | b'e' | b'o' | b'u' | b'y')).then_some([tone, '\0']);
    }
    let pair = match lower {
        0xE2 => [CIRCUMFLEX, '\0'],
        0xE0 => [CIRCUMFLEX, GRAVE],
        0xE1 => [CIRCUMFLEX, ACUTE],
        0xE5 => [CIRCUMFLEX, HOOK],
        0xE3 => [CIRCUMFLEX, TILDE],
        // The dot below is composed first, so it goes before the circumflex.
        0xE4 => [DOT, CIRCUMFLEX],
        0xEA => [BREVE, '\0'],
        0xE8 => [BREVE, GRAVE],
        0xE9 => [BREVE, ACUTE],
        0xFA => [BREVE, HOOK],
        0xFC => [BREVE, TILDE],
        0xEB => [DOT, BREVE],
        _ => return None,
    };
    let takes = match pair.contains(&BREVE) {
        true => letter == b'a',
        false => matches!(letter, b'a' | b'e' | b'o'),
    };
    takes.then_some(pair)
}

/// Letters that are one byte.
fn own_letter(byte: u8) -> Option<char> {
    Some(match byte {
        0xF1 => 'đ',
        0xD1 => 'Đ',
        0xF4 => 'ơ',
        0xD4 => 'Ơ',
        0xF6 => 'ư',
        0xD6 => 'Ư',
        0xEC => 'ì',
        0xCC => 'Ì',
        0xED => 'í',
        0xCD => 'Í',
        0xE6 => 'ỉ',
        0xC6 => 'Ỉ',
        0xF3 => 'ĩ',
        0xD3 => 'Ĩ',
        0xF2 => 'ị',
        0xD2 => 'Ị',
        0xEE => 'ỵ',
        0xCE => 'Ỵ',
        _ => return None,
    })
}
