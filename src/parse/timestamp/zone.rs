//! Time zones as logs write them: `Z`, `+07:00`, `-0500`, `UTC`, `GMT+7`, `EST`.

use crate::parse::timestamp::cursor::Cursor;

/// Zone names that mean one offset to nearly everybody, in seconds east of UTC.
///
/// `CST` and `IST` are claimed by several countries: the reading most device makers use stands here.
const NAMES: [(&str, i32); 38] = [
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 3600),
    ("BST", 3600),
    ("CET", 3600),
    ("CEST", 7200),
    ("MET", 3600),
    ("EET", 7200),
    ("EEST", 10800),
    ("SAST", 7200),
    ("MSK", 10800),
    ("TRT", 10800),
    ("GST", 14400),
    ("PKT", 18000),
    ("IST", 19800),
    ("ICT", 25200),
    ("WIB", 25200),
    ("SGT", 28800),
    ("HKT", 28800),
    ("PHT", 28800),
    ("AWST", 28800),
    ("JST", 32400),
    ("KST", 32400),
    ("AEST", 36000),
    ("AEDT", 39600),
    ("NZST", 43200),
    ("NZDT", 46800),
    ("EST", -18000),
    ("EDT", -14400),
    ("CST", -21600),
    ("CDT", -18000),
    ("MST", -25200),
    ("MDT", -21600),
    ("PST", -28800),
    ("PDT", -25200),
    ("BRT", -10800),
];

/// Reads a zone that stands right here, or after one space when `spaced`; returns seconds east of UTC.
pub(crate) fn read(cursor: &mut Cursor<'_>, spaced: bool) -> Option<i32> {
    cursor.attempt(|cursor| {
        if spaced {
            cursor.eat(b' ');
        }
        let in_brackets = cursor.eat(b'(');
        let offset = match cursor.peek()? {
            b'+' | b'-' => offset(cursor)?,
            byte if byte.is_ascii_uppercase() => named(cursor)?,
            _ => return None,
        };
        if in_brackets {
            cursor.need(b')')?;
        }
        Some(offset)
    })
}

/// Reads `+07:00`, `+0700`, `+07` or `+7:00`.
pub(crate) fn offset(cursor: &mut Cursor<'_>) -> Option<i32> {
    cursor.attempt(|cursor| {
        let sign = match cursor.peek()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        cursor.skip(1);
        let digits = cursor.digits_ahead();
        if !matches!(digits, 1 | 2 | 4) {
            return None;
        }
        let hours = i32::try_from(cursor.number(1, 2)?).ok()?;
        let minutes = match digits {
            4 => cursor.number(2, 2)?,
            _ => cursor.attempt(|cursor| cursor.need(b':').and_then(|()| cursor.number(2, 2))).unwrap_or(0),
        };
        let minutes = i32::try_from(minutes).ok()?;
        (hours <= 15 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    })
}

/// Reads a zone name of the table, and an offset after `UTC` or `GMT`.
fn named(cursor: &mut Cursor<'_>) -> Option<i32> {
    let letters = cursor.letters_ahead();
    let name = cursor.rest().get(..letters)?;
    let (_, seconds) = NAMES.iter().find(|(known, _)| known.as_bytes() == name)?;
    let goes_on =
        cursor.peek_at(letters).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    let with_offset = matches!(name, b"UTC" | b"GMT") && matches!(cursor.peek_at(letters), Some(b'+' | b'-'));
    if goes_on || (!with_offset && matches!(cursor.peek_at(letters), Some(b'-'))) {
        return None;
    }
    cursor.skip(letters);
    if with_offset { offset(cursor) } else { Some(*seconds) }
}
