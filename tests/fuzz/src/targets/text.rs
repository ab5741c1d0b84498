//! Text itself: character sets, times, and what a terminal may be shown.

use longan::model::SafeText;
use longan::parse::charset;
use longan::parse::charset::Charset;
use longan::parse::timestamp;
use longan::parse::timestamp::TimeFormat;
use longan::query::time;

use super::RECEIVED;
use super::as_text;
use super::choice;

/// Every character set decodes everything; ASCII stays what it is wherever letters are not put below it.
pub(super) fn charset(data: &[u8]) {
    for charset in Charset::ALL {
        let decoded = charset::decode(data, charset);
        assert!(decoded.text.len() <= data.len() * 9 + 9, "bounded");
        assert_eq!(decoded, charset::decode(data, charset));
        if data.iter().all(|byte| (0x20..0x7f).contains(byte)) {
            assert_eq!(decoded.text.as_bytes(), data, "{charset:?} keeps ASCII");
        }
        if !decoded.lossless {
            assert!(decoded.text.contains(char::REPLACEMENT_CHARACTER), "{charset:?} says what was lost");
        }
    }
    let _ = charset::suggest(data);
}

/// Times: what is read lies within the text, and the way it was found does not matter.
pub(super) fn timestamp(data: &[u8]) {
    let text = as_text(data);
    let context = timestamp::Context { received: RECEIVED, zone_offset_seconds: 7 * 3600 };
    if let Some(reading) = timestamp::detect(&text, context) {
        assert!(text.is_char_boundary(reading.consumed) && reading.consumed > 0);
    }
    let _ = timestamp::detect_whole(&text, context);
    let (format, rest) = text.split_once('\n').unwrap_or(("", &text));
    if let Ok(format) = TimeFormat::compile(format)
        && let Some(reading) = timestamp::read(rest, &format, context)
    {
        assert!(rest.is_char_boundary(reading.consumed));
    }
    for name in TimeFormat::names() {
        let format = TimeFormat::compile(name).expect("a named format compiles");
        let _ = timestamp::read(&text, &format, context);
    }
    let _ = time::parse_moment(&text, RECEIVED);
    let _ = time::parse_bound(&text, RECEIVED);
    let _ = time::parse_duration(&text);
    let _ = time::parse_date(&text);
}

/// Nothing that acts on a terminal is left, places stay places, and safe text is safe already.
pub(super) fn safe_text(data: &[u8]) {
    let Some((at, rest)) = choice(data) else { return };
    let text = as_text(rest);
    let safe = SafeText::new(&text);
    let shown = safe.as_str();
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert!(!shown.contains(['\u{202e}', '\u{202d}', '\u{2066}', '\u{2067}', '\u{200b}', '\u{feff}']), "{shown:?}");
    let (start, end) = (usize::from(at).min(text.len()), text.len());
    let range = safe.range(start..end);
    assert!(shown.get(range).is_some(), "a place of the text is a place of what is shown");
    let mut last = 0;
    for offset in 0..=text.len() {
        assert!(safe.offset(offset) >= last, "places keep their order");
        last = safe.offset(offset);
    }
    assert_eq!(SafeText::new(shown).as_str(), shown, "safe text stays");
}
