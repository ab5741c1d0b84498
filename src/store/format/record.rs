//! The stored form of an event, and back. Compact before compression: values that stand in the line are kept as places
//! in it, and names and kinds of values lie together so that events of one shape compress to almost nothing but values.
//!
//! Id and times are not in the record: they are columns.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::model::Event;
use crate::model::EventId;
use crate::model::LogSource;
use crate::model::Name;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::event::ParseFailure;
use crate::model::logsource;

const HAS_EXACT: u8 = 1;
const HAS_PARSER: u8 = 2;
const HAS_LOGSOURCE: u8 = 4;
const FAILURE_SHIFT: u8 = 4;

/// Lists nest no deeper than this; what is deeper becomes text.
const LIST_DEPTH_MAX: usize = 3;

const FAILURES: [ParseFailure; 4] =
    [ParseFailure::Unrecognised, ParseFailure::Malformed, ParseFailure::Truncated, ParseFailure::Undecodable];

mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const IPV4: u8 = 5;
    pub(super) const IPV6: u8 = 6;
    pub(super) const TIME: u8 = 7;
    pub(super) const TEXT: u8 = 8;
    /// A place in the line.
    pub(super) const SPAN: u8 = 9;
    pub(super) const LIST: u8 = 10;
}

/// An event read back; borrows from the record's bytes.
#[derive(Debug)]
pub(in crate::store) struct Stored<'r> {
    pub(in crate::store) event: Event<'r>,
    /// The bytes as received, where they are not the UTF-8 of the line.
    pub(in crate::store) exact: Option<&'r [u8]>,
}

/// What the columns know of an event.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Columns {
    pub(in crate::store) id: EventId,
    pub(in crate::store) timestamp: Timestamp,
    pub(in crate::store) ingested: Timestamp,
}

/// Appends the record of an event to `out`; `exact` are the bytes received, when they differ from the line.
pub(in crate::store) fn encode(event: &Event<'_>, exact: Option<&[u8]>, out: &mut Vec<u8>) {
    put_bytes(out, event.raw.as_bytes());
    let has_logsource = *event.logsource != logsource::UNKNOWN;
    let failure = event.failure.and_then(|failure| FAILURES.iter().position(|have| *have == failure));
    let failure_code = failure.map_or(0, |index| index as u8 + 1);
    let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
    let flags = flag(exact.is_some(), HAS_EXACT)
        | flag(event.parser.is_some(), HAS_PARSER)
        | flag(has_logsource, HAS_LOGSOURCE);
    out.push(flags | (failure_code << FAILURE_SHIFT));
    if let Some(exact) = exact {
        put_bytes(out, exact);
    }
    if let Some(parser) = event.parser {
        put_bytes(out, parser.as_bytes());
    }
    if has_logsource {
        put_logsource(out, &event.logsource);
    }
    put_varint(out, event.fields.len() as u64);
    for (name, _) in &event.fields {
        put_bytes(out, name.as_str().as_bytes());
    }
    for (_, value) in &event.fields {
        out.push(tag_of(event, value, 0));
    }
    for (_, value) in &event.fields {
        put_payload(out, event, value, 0);
    }
}

fn put_logsource(out: &mut Vec<u8>, source: &LogSource) {
    put_bytes(out, source.product.as_deref().unwrap_or_default().as_bytes());
    for list in [&source.service, &source.category] {
        put_varint(out, list.len() as u64);
        for item in list {
            put_bytes(out, item.as_bytes());
        }
    }
}

fn tag_of(event: &Event<'_>, value: &Value<'_>, depth: usize) -> u8 {
    match value {
        Value::Null => tag::NULL,
        Value::Bool(false) => tag::FALSE,
        Value::Bool(true) => tag::TRUE,
        Value::Int(_) => tag::INT,
        Value::Float(_) => tag::FLOAT,
        Value::Ip(IpAddr::V4(_)) => tag::IPV4,
        Value::Ip(IpAddr::V6(_)) => tag::IPV6,
        Value::Time(_) => tag::TIME,
        Value::Text(text) if event.span_in_raw(text).is_some() => tag::SPAN,
        Value::Text(_) => tag::TEXT,
        Value::List(_) if depth < LIST_DEPTH_MAX => tag::LIST,
        Value::List(_) => tag::TEXT,
    }
}

fn put_payload(out: &mut Vec<u8>, event: &Event<'_>, value: &Value<'_>, depth: usize) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Int(number) => put_varint(out, ((number << 1) ^ (number >> 63)) as u64),
        Value::Float(number) => out.extend(number.to_le_bytes()),
        Value::Ip(IpAddr::V4(address)) => out.extend(address.octets()),
        Value::Ip(IpAddr::V6(address)) => out.extend(address.octets()),
        Value::Time(time) => out.extend(time.0.to_le_bytes()),
        Value::Text(text) => match event.span_in_raw(text) {
            Some(span) => {
                put_varint(out, span.start as u64);
                put_varint(out, span.len() as u64);
            }
            None => put_bytes(out, text.as_bytes()),
        },
        Value::List(items) if depth < LIST_DEPTH_MAX => {
            put_varint(out, items.len() as u64);
            for item in items {
                out.push(tag_of(event, item, depth + 1));
                put_payload(out, event, item, depth + 1);
            }
        }
        Value::List(_) => put_bytes(out, value.to_text().as_bytes()),
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads a record; `None` when the bytes are not one.
pub(in crate::store) fn decode(record: &[u8], columns: Columns) -> Option<Stored<'_>> {
    let mut input = Input { rest: record };
    let raw = input.text()?;
    let flags = input.byte()?;
    let exact = if flags & HAS_EXACT != 0 { Some(input.bytes()?) } else { None };
    let parser = if flags & HAS_PARSER != 0 { Some(input.text()?) } else { None };
    let logsource =
        if flags & HAS_LOGSOURCE != 0 { Cow::Owned(input.logsource()?) } else { Cow::Borrowed(&logsource::UNKNOWN) };
    let failure = usize::from(flags >> FAILURE_SHIFT).checked_sub(1).and_then(|index| FAILURES.get(index).copied());
    let count = input.count()?;
    let mut fields = Vec::with_capacity(count);
    for _ in 0..count {
        fields.push((Name::new(input.text()?), Value::Null));
    }
    let tags = input.take(count)?;
    for ((_, value), tag) in fields.iter_mut().zip(tags) {
        *value = input.value(*tag, raw, 0)?;
    }
    let Columns { id, timestamp, ingested } = columns;
    Some(Stored { event: Event { id, raw, timestamp, ingested, logsource, parser, failure, fields }, exact })
}

struct Input<'r> {
    rest: &'r [u8],
}

impl<'r> Input<'r> {
    fn take(&mut self, count: usize) -> Option<&'r [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// Reads how many things follow; each takes at least a byte, so there are no more of them than bytes left.
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok().filter(|count| *count <= self.rest.len())
    }

    fn bytes(&mut self) -> Option<&'r [u8]> {
        let length = self.count()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<&'r str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn logsource(&mut self) -> Option<LogSource> {
        let product = Some(self.text()?.to_owned()).filter(|product| !product.is_empty());
        Some(LogSource { product, service: self.texts()?, category: self.texts()? })
    }

    fn texts(&mut self) -> Option<Vec<String>> {
        let count = self.count()?;
        (0..count).map(|_| self.text().map(str::to_owned)).collect()
    }

    fn value(&mut self, tag: u8, raw: &'r str, depth: usize) -> Option<Value<'r>> {
        Some(match tag {
            tag::NULL => Value::Null,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::INT => {
                let folded = self.varint()?;
                Value::Int((folded >> 1) as i64 ^ -((folded & 1) as i64))
            }
            tag::FLOAT => Value::Float(f64::from_le_bytes(self.array()?)),
            tag::IPV4 => Value::Ip(IpAddr::from(self.array::<4>()?)),
            tag::IPV6 => Value::Ip(IpAddr::from(self.array::<16>()?)),
            tag::TIME => Value::Time(Timestamp(i64::from_le_bytes(self.array()?))),
            tag::TEXT => Value::from(self.text()?),
            tag::SPAN => {
                let start = usize::try_from(self.varint()?).ok()?;
                let length = usize::try_from(self.varint()?).ok()?;
                Value::from(raw.get(start..start.checked_add(length)?)?)
            }
            tag::LIST if depth < LIST_DEPTH_MAX => {
                let count = self.count()?;
                let mut items = Vec::with_capacity(count);
                for _ in 0..count {
                    let tag = self.byte()?;
                    items.push(self.value(tag, raw, depth + 1)?);
                }
                Value::List(items)
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ecs;

    const COLUMNS: Columns = Columns { id: EventId(7), timestamp: Timestamp(1), ingested: Timestamp(2) };

    fn sample(raw: &str) -> Event<'_> {
        let mut event = Event::new(raw, COLUMNS.timestamp);
        event.id = COLUMNS.id;
        event.ingested = COLUMNS.ingested;
        event.parser = Some("sshd");
        event.failure = Some(ParseFailure::Truncated);
        event.logsource = Cow::Owned(LogSource {
            product: Some("linux".to_owned()),
            service: vec!["sshd".to_owned()],
            category: Vec::new(),
        });
        event.push(ecs::USER_NAME, &raw[0..2]);
        event.push(ecs::EVENT_ACTION, "logon".to_owned());
        event.push(ecs::SOURCE_PORT, i64::MIN);
        event.push(ecs::SOURCE_IP, "::1".parse::<IpAddr>().expect("address"));
        event.push(ecs::SERVER_IP, "1.2.3.4".parse::<IpAddr>().expect("address"));
        event.push(Name::new("x y"), Value::List(vec![Value::Null, Value::List(vec![Value::Bool(true)])]));
        event.push(ecs::EVENT_RISK_SCORE, Value::Float(-1.5));
        event.push(ecs::EVENT_START, Value::Time(Timestamp(i64::MAX)));
        event
    }

    #[test]
    fn an_event_reads_back_as_it_was() {
        let raw = String::from("an đăng nhập");
        let event = sample(&raw);
        let mut record = Vec::new();
        encode(&event, Some(b"\xff\0"), &mut record);
        let stored = decode(&record, COLUMNS).expect("well-formed");
        assert_eq!(stored.exact, Some(&b"\xff\0"[..]));
        assert_eq!(serde_json::to_string(&stored.event).expect("json"), serde_json::to_string(&event).expect("json"));
        assert_eq!(stored.event.logsource, event.logsource);
        assert_eq!(stored.event.fields, event.fields);
        assert_eq!(stored.event.failure, event.failure);
    }

    #[test]
    fn damaged_bytes_are_refused_not_trusted() {
        let raw = String::from("an đăng nhập");
        let mut record = Vec::new();
        encode(&sample(&raw), None, &mut record);
        for length in 0..record.len() {
            assert!(decode(&record[..length], COLUMNS).is_none(), "cut to {length} bytes");
        }
        for index in 0..record.len() {
            for flip in [1, 0x80, 0xff] {
                let mut damaged = record.clone();
                damaged[index] ^= flip;
                // Any outcome but a panic: many a flipped bit is just another event.
                drop(decode(&damaged, COLUMNS));
            }
        }
    }
}
