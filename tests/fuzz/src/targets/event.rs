//! The way of a line: header, packs, normalization.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use longan::model::Event;
use longan::model::Value;
use longan::normalize::Normalizer;
use longan::parse::Hint;
use longan::parse::Packs;
use longan::parse::header;
use longan::parse::header::HeaderFormat;
use longan::parse::header::structured_data;
use longan::store;

use super::RECEIVED;
use super::as_text;
use super::lies_in;
use super::stored::same_after_storing;

pub(super) static PACKS: LazyLock<Packs> = LazyLock::new(Packs::builtin);
static NORMALIZER: LazyLock<Normalizer> = LazyLock::new(Normalizer::default);

/// More fields than any honest line gives; the grammars end long before.
const FIELDS_MAX: usize = 8_192;

/// A line against the built-in packs.
pub(super) fn pack_line(data: &[u8]) {
    let text = as_text(data);
    let text = text.as_ref();
    let hint = Hint { received: RECEIVED, format: None, zone_offset_seconds: 7 * 3600 };
    let mut event = PACKS.parse(text, &hint);
    assert_eq!(event.raw, text, "the line is kept");
    check(&event);
    let (explained, _) = PACKS.explain(text, &hint);
    assert_eq!(describe(&event), describe(&explained), "a line explained is read as any other");

    NORMALIZER.normalize(&mut event, None);
    check(&event);
    let once = describe(&event);
    same_after_storing(&event);
    NORMALIZER.normalize(&mut event, None);
    assert_eq!(once, describe(&event), "normalizing again changes nothing");
}

fn check(event: &Event<'_>) {
    assert!(event.fields.len() <= FIELDS_MAX, "{} fields", event.fields.len());
    let names: BTreeSet<&str> = event.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), event.fields.len(), "a name occurs twice: {:?}", event.fields);
    for (_, value) in &event.fields {
        if let Value::Text(std::borrow::Cow::Borrowed(text)) = value
            && let Some(span) = event.span_in_raw(text)
        {
            assert_eq!(event.raw.get(span), Some(*text));
        }
    }
}

/// Everything an event says, to be compared. Debug text, because a NaN is unlike itself.
pub(super) fn describe(event: &Event<'_>) -> String {
    let Event { timestamp, logsource, parser, failure, fields, .. } = event;
    format!("{timestamp:?} {logsource:?} {parser:?} {failure:?} {fields:?}")
}

/// A header alone: its parts lie in the line, in order, and RFC 5424 is read back from what was read.
pub(super) fn syslog_header(data: &[u8]) {
    let text = as_text(data);
    let text = text.as_ref();
    let header = header::read(text, RECEIVED, 7 * 3600);
    let parts =
        [header.hostname, header.app_name, header.procid, header.msgid, header.structured_data, header.sequence];
    for part in parts.into_iter().flatten() {
        assert!(lies_in(part, text), "{part:?} is not in the line");
    }
    assert!(lies_in(header.body, text) && text.ends_with(header.body), "the body ends the line");
    if let Some((facility, _)) = header.pri {
        assert!(facility < 24);
    }
    if header.format == HeaderFormat::Rfc5424 {
        let again = header::read(&printed(&header), RECEIVED, 0).format;
        assert_eq!(again, HeaderFormat::Rfc5424);
        let print = printed(&header);
        let mut reread = header::read(&print, RECEIVED, 0);
        reread.inferred = header.inferred;
        assert_eq!(reread, header, "printed and read back");
    }
    if let Some(elements) = header.structured_data {
        let mut count = 0;
        assert!(structured_data::visit(elements, &mut |_, _, _| count += 1).is_ok());
        assert!(count <= elements.len());
    }
}

/// Prints a header of RFC 5424 anew.
fn printed(header: &header::Header<'_>) -> String {
    let or_nil = |part: Option<&str>| part.unwrap_or("-").to_owned();
    let pri = header.pri.map_or(0, |(facility, severity)| facility * 8 + severity.code());
    let time = header.timestamp.map_or_else(|| "-".to_owned(), micros);
    // A body that begins with a BOM had two of them, or none was one by RFC 5424 §6.4.
    let bom = if header.body.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    format!(
        "<{pri}>{} {time} {} {} {} {} {} {bom}{}",
        header.version.unwrap_or(1),
        or_nil(header.hostname),
        or_nil(header.app_name),
        or_nil(header.procid),
        or_nil(header.msgid),
        or_nil(header.structured_data),
        header.body
    )
}

fn micros(time: longan::model::Timestamp) -> String {
    let civil = time.to_civil();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        civil.year,
        civil.month,
        civil.day,
        civil.hour,
        civil.minute,
        civil.second,
        civil.nanos / 1000
    )
}

/// The stored form of an event, with what the store keeps beside it.
pub(super) fn columns(event: &Event<'_>) -> store::Columns {
    store::Columns { id: event.id, timestamp: event.timestamp, ingested: event.ingested }
}
