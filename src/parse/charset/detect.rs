//! A guess at the character set of some lines, for an operator who does not know it.

use crate::parse::charset::Charset;
use crate::parse::charset::decode;

/// Suggests the character set in which the bytes look most like Vietnamese; `None` when they tell nothing.
///
/// Give it some kilobytes: a single name is too little to go by.
pub fn suggest(sample: &[u8]) -> Option<Charset> {
    if sample.is_ascii() {
        return None;
    }
    if std::str::from_utf8(sample).is_ok() {
        return Some(Charset::Utf8);
    }
    let candidates = [Charset::Windows1258, Charset::Tcvn3, Charset::Viscii, Charset::Vni];
    let scored = candidates.into_iter().map(|charset| (score(&decode(sample, charset).text), charset));
    scored.filter(|(score, _)| *score > 0).max_by_key(|(score, _)| *score).map(|(_, charset)| charset)
}

/// Counts letters of Vietnamese syllables, and against them what a wrong table makes: capitals and signs inside words.
fn score(text: &str) -> i64 {
    let mut score = 0;
    let mut before = ' ';
    for character in text.chars() {
        let is_letter = is_vietnamese(character);
        score += match character {
            '\u{300}'..='\u{36f}' | char::REPLACEMENT_CHARACTER => -4,
            _ if character.is_ascii() => 0,
            _ if is_letter && character.is_uppercase() && before.is_lowercase() => -4,
            _ if is_letter && is_vietnamese(before) && !follows(before, character) => -1,
            _ if is_letter => 2,
            _ => -3,
        };
        before = character;
    }
    score
}

/// Says whether two letters with marks may stand side by side, as in `ươ`, `đề`, `uyễ`.
fn follows(before: char, after: char) -> bool {
    matches!(before.to_ascii_lowercase(), 'đ' | 'Đ' | 'ư' | 'Ư') || matches!(after, 'ơ' | 'ờ' | 'ớ' | 'ở' | 'ỡ' | 'ợ')
}

fn is_vietnamese(character: char) -> bool {
    matches!(character, 'À'..='Ã' | 'È'..='Ê' | 'Ì' | 'Í' | 'Ò'..='Õ' | 'Ù' | 'Ú' | 'Ý'
        | 'à'..='ã' | 'è'..='ê' | 'ì' | 'í' | 'ò'..='õ' | 'ù' | 'ú' | 'ý'
        | 'Ă' | 'ă' | 'Đ' | 'đ' | 'Ĩ' | 'ĩ' | 'Ũ' | 'ũ' | 'Ơ' | 'ơ' | 'Ư' | 'ư' | 'Ạ'..='ỹ')
}
