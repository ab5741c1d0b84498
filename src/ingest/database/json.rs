//! Writes a row of MySQL as a JSON object; PostgreSQL does so itself.

use serde_json::value::RawValue;

use crate::ingest::database::sql::Class;
use crate::ingest::database::sql::Column;

/// Writes one row: names and NULL kept, numbers with their digits, times with a zone, binary values in hex.
pub(super) fn object<'a>(
    columns: &[Column],
    values: impl Iterator<Item = Option<&'a [u8]>>,
    zone_offset_seconds: i32,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.push(b'{');
    for (nth, (column, value)) in columns.iter().zip(values).enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        push_text(&mut out, &column.name);
        out.push(b':');
        match value {
            None => out.extend_from_slice(b"null"),
            Some(bytes) => push_value(&mut out, column.class, bytes, zone_offset_seconds),
        }
    }
    out.push(b'}');
    out
}

fn push_value(out: &mut Vec<u8>, class: Class, bytes: &[u8], zone_offset_seconds: i32) {
    let text = String::from_utf8_lossy(bytes);
    match class {
        Class::Whole | Class::Number | Class::Json if serde_json::from_str::<&RawValue>(&text).is_ok() => {
            out.extend_from_slice(text.trim().as_bytes());
        }
        // Digits with leading zeros are no JSON number.
        Class::Whole | Class::Number if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => {
            let digits = text.trim_start_matches('0');
            out.extend_from_slice(if digits.is_empty() { b"0" } else { digits.as_bytes() });
        }
        Class::Time if !text.starts_with("0000") => push_text(out, &zoned(&text, zone_offset_seconds)),
        Class::Binary => {
            out.push(b'"');
            for byte in bytes {
                out.extend([byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
            }
            out.push(b'"');
        }
        _ => push_text(out, &text),
    }
}

/// `2026-03-14 09:26:53.5` at seven hours east is `2026-03-14T09:26:53.5+07:00`.
fn zoned(text: &str, offset_seconds: i32) -> String {
    let (sign, minutes) = (if offset_seconds < 0 { '-' } else { '+' }, offset_seconds.unsigned_abs() / 60);
    format!("{}{sign}{:02}:{:02}", text.replacen(' ', "T", 1), minutes / 60, minutes % 60)
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    let written = serde_json::to_writer(out, text);
    debug_assert!(written.is_ok(), "text always becomes JSON");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_kept() {
        for (class, value, expected) in [
            (Class::Whole, Some("42".as_bytes()), "42"),
            (Class::Whole, Some(b"007"), "7"),
            (Class::Number, Some(b"12345678901234567890.10"), "12345678901234567890.10"),
            (Class::Number, Some(b"1e-7"), "1e-7"),
            (Class::Time, Some(b"2026-03-14 09:26:53.500000"), "\"2026-03-14T09:26:53.500000+07:00\""),
            (Class::Time, Some(b"0000-00-00 00:00:00"), "\"0000-00-00 00:00:00\""),
            (Class::Date, Some(b"2026-03-14"), "\"2026-03-14\""),
            (Class::Text, Some("Đã duyệt \"hồ sơ\"\n".as_bytes()), "\"Đã duyệt \\\"hồ sơ\\\"\\n\""),
            (Class::Text, Some(b""), "\"\""),
            (Class::Text, Some(b"\xff"), "\"\u{fffd}\""),
            (Class::Binary, Some(&[0, 255, 16]), "\"00ff10\""),
            (Class::Json, Some(b"{\"a\": [1, null]}"), "{\"a\": [1, null]}"),
            (Class::Json, Some(b"{cut"), "\"{cut\""),
            (Class::Text, None, "null"),
        ] {
            let columns = [Column { name: "c\"1".to_owned(), type_name: String::new(), class }];
            let object = object(&columns, [value].into_iter(), 25_200);
            assert_eq!(String::from_utf8_lossy(&object), format!("{{\"c\\\"1\":{expected}}}"), "{class:?}");
        }
    }

    #[test]
    fn zones_west_have_a_minus() {
        assert_eq!(zoned("2026-03-14 09:26:53", -12_600), "2026-03-14T09:26:53-03:30");
    }
}
