//! How the values of keyword fields are compared: as whole texts, in NFC and lower case.
//!
//! A value with accents also goes by its form without them. The index holds exactly the texts that
//! [`for_each_form`] gives, so that a test over those texts is a test over the index.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use crate::model::Value;
use crate::query::words;

/// Returns a text as values are compared: NFC, lower case, no control characters below 8.
pub fn normalize(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase() && byte >= 8;
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    // The lowest control characters separate names from values in the index.
    let clean = |letter: char| if (letter as u32) < 8 { '\u{8}' } else { letter };
    if text.is_ascii() {
        return Cow::Owned(text.chars().map(|letter| clean(letter.to_ascii_lowercase())).collect());
    }
    Cow::Owned(text.nfc().flat_map(char::to_lowercase).map(clean).nfc().collect())
}

/// Returns a scalar value as text, normalized; `None` for a value that is empty by its nature.
pub fn value_text<'v>(value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(normalize(text)),
        Value::Ip(address) => Some(Cow::Owned(address.to_canonical().to_string())),
        other => Some(Cow::Owned(normalize(&other.to_text()).into_owned())),
    }
}

/// Calls `visit` with each text a value goes by, until it returns true; returns whether it did.
pub fn any_form(value: &Value<'_>, visit: &mut dyn FnMut(&str) -> bool) -> bool {
    if let Value::List(items) = value {
        return items.iter().any(|item| {
            // A list in a list counts as its text: events are flat.
            value_text(item).is_some_and(|text| any_form_of_text(&text, visit))
        });
    }
    value_text(value).is_some_and(|text| any_form_of_text(&text, visit))
}

/// Calls `visit` with each text a value goes by.
pub fn for_each_form(value: &Value<'_>, visit: &mut dyn FnMut(&str)) {
    any_form(value, &mut |text| {
        visit(text);
        false
    });
}

fn any_form_of_text(text: &str, visit: &mut dyn FnMut(&str) -> bool) -> bool {
    visit(text) || words::fold(text).is_some_and(|folded| visit(&folded))
}

/// Says whether a value is there: not null, not an empty list.
pub fn is_present(value: &Value<'_>) -> bool {
    match value {
        Value::Null => false,
        Value::List(items) => items.iter().any(|item| !matches!(item, Value::Null)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_by_their_normal_form_and_the_folded_one() {
        let table: [(Value<'_>, &[&str]); 6] = [
            (Value::from("An.Nguyen"), &["an.nguyen"]),
            (Value::from("Sở Tài chính"), &["sở tài chính", "so tai chinh"]),
            (Value::Int(22), &["22"]),
            (Value::Null, &[]),
            (Value::from("::ffff:1.2.3.4".parse::<std::net::IpAddr>().expect("address")), &["1.2.3.4"]),
            (Value::List(vec![Value::from("A"), Value::Null, Value::Bool(true)]), &["a", "true"]),
        ];
        for (value, expected) in table {
            let mut forms = Vec::new();
            for_each_form(&value, &mut |text| forms.push(text.to_owned()));
            assert_eq!(forms, expected, "{value:?}");
        }
        assert_eq!(normalize("a\u{1}B"), "a\u{8}b");
    }
}
