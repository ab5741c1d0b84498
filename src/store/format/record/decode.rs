//! From a record back to the event.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

use crate::model::Event;
use crate::model::LogSource;
use crate::model::Name;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::logsource;
use crate::store::format::record::Columns;
use crate::store::format::record::FAILURE_SHIFT;
use crate::store::format::record::FAILURES;
use crate::store::format::record::HAS_EXACT;
use crate::store::format::record::HAS_LOGSOURCE;
use crate::store::format::record::HAS_PARSER;
use crate::store::format::record::LIST_DEPTH_MAX;
use crate::store::format::record::Places;
use crate::store::format::record::Source;
use crate::store::format::record::Stored;
use crate::store::format::record::ends;
use crate::store::format::record::escape::unescaped;
use crate::store::format::record::fresh;
use crate::store::format::record::tag;
use crate::store::format::varint;

/// Reads a record; `None` when the bytes are not one.
pub fn decode(record: &[u8], columns: Columns) -> Option<Stored<'_>> {
    decode_with(record, columns, None)
}

/// Reads a record and tells where the value of each field comes from.
pub(in crate::store) fn decode_with_sources<'r>(
    record: &'r [u8],
    columns: Columns,
    sources: &mut Vec<Source>,
) -> Option<Stored<'r>> {
    sources.clear();
    decode_with(record, columns, Some(sources))
}

/// Cuts a record into what events of one shape share, the line, and the varying bytes; `None` when the bytes received
/// are kept beside the line, or the bytes are no record.
pub(in crate::store) fn split(record: &[u8]) -> Option<(&[u8], &str, &[u8])> {
    let mut input = Input { rest: record };
    let flags = input.byte().filter(|flags| flags & HAS_EXACT == 0)?;
    if flags & HAS_PARSER != 0 {
        input.text()?;
    }
    if flags & HAS_LOGSOURCE != 0 {
        input.logsource()?;
    }
    let count = input.count()?;
    for _ in 0..count {
        input.bytes()?;
    }
    input.take(count)?;
    input.bytes()?;
    let header = record.get(..record.len() - input.rest.len())?;
    let line = input.text()?;
    Some((header, line, input.rest))
}

fn decode_with<'r>(record: &'r [u8], columns: Columns, mut sources: Option<&mut Vec<Source>>) -> Option<Stored<'r>> {
    let mut input = Input { rest: record };
    let flags = input.byte()?;
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
    let steady = Input { rest: input.bytes()? };
    let raw = input.text()?;
    let exact = if flags & HAS_EXACT != 0 { Some(input.bytes()?) } else { None };
    let mut values = Values { raw, places: Places::default(), steady, varying: input, source: Source::Header };
    for (index, tag) in tags.iter().enumerate() {
        let (earlier, rest) = fields.split_at_mut_checked(index)?;
        let (_, value) = rest.first_mut()?;
        values.source = Source::Header;
        *value = values.value(*tag, earlier, 0)?;
        if let Some(sources) = &mut sources {
            let same = (*tag == tag::SAME).then(|| earlier.iter().position(|(_, have)| have == value)).flatten();
            let source = same.and_then(|same| sources.get(same).cloned()).unwrap_or(values.source.clone());
            sources.push(source);
        }
    }
    let Columns { id, timestamp, ingested } = columns;
    Some(Stored {
        event: Event { id, raw, timestamp, ingested, logsource, parser, failure, fields: fields.into() },
        exact,
    })
}

/// Reads the values of an event.
struct Values<'r> {
    raw: &'r str,
    places: Places,
    steady: Input<'r>,
    varying: Input<'r>,
    /// Where the value being read comes from.
    source: Source,
}

impl<'r> Values<'r> {
    fn value(&mut self, tag: u8, earlier: &[(Name<'r>, Value<'r>)], depth: usize) -> Option<Value<'r>> {
        let is_varying = matches!(tag, tag::INT | tag::FLOAT | tag::IPV4 | tag::IPV6 | tag::TIME);
        let is_span =
            matches!(tag, tag::SPAN | tag::INT_SPAN | tag::IP_SPAN | tag::SAME | tag::ESCAPED_SPAN | tag::BROKEN_SPAN);
        if is_varying || (depth > 0 && is_span) {
            self.source = Source::Elsewhere;
        }
        Some(match tag {
            tag::NULL => Value::Null,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::INT => Value::Int(unfold(self.varying.varint()?)),
            tag::FLOAT => Value::Float(f64::from_le_bytes(self.varying.array()?)),
            tag::IPV4 => Value::Ip(IpAddr::from(self.varying.array::<4>()?)),
            tag::IPV6 => Value::Ip(IpAddr::from(self.varying.array::<16>()?)),
            tag::TIME => Value::Time(Timestamp(i64::from_le_bytes(self.varying.array()?))),
            tag::TEXT => Value::from(self.steady.text()?),
            tag::SPAN => Value::from(self.place()?),
            tag::ESCAPED_SPAN | tag::BROKEN_SPAN => {
                let text = unescaped(self.place()?);
                self.source = match std::mem::replace(&mut self.source, Source::Elsewhere) {
                    Source::Line(place) if tag == tag::ESCAPED_SPAN => Source::EscapedLine(place),
                    _ => Source::Elsewhere,
                };
                Value::Text(text)
            }
            tag::INT_SPAN => Value::Int(self.place()?.parse().ok()?),
            tag::IP_SPAN => Value::Ip(self.place()?.parse().ok()?),
            tag::SAME => {
                let index = usize::try_from(self.steady.varint()?).ok()?;
                earlier.get(index).map(|(_, value)| value).filter(|value| !matches!(value, Value::List(_)))?.clone()
            }
            tag::LIST if depth < LIST_DEPTH_MAX => {
                let count = self.steady.count()?;
                let mut items = Vec::with_capacity(count);
                for _ in 0..count {
                    let tag = self.steady.byte()?;
                    items.push(self.value(tag, earlier, depth + 1)?);
                }
                Value::List(items)
            }
            _ => return None,
        })
    }

    /// Reads a place and returns what stands there.
    fn place(&mut self) -> Option<&'r str> {
        let number = self.steady.varint()?;
        let place = match number {
            fresh::AFTER_NEWEST => {
                let distance = isize::try_from(unfold(self.steady.varint()?)).ok()?;
                self.new_place(self.places.end.checked_add_signed(distance)?)?
            }
            fresh::AFTER_EARLIER => {
                let end = match self.steady.size()?.checked_sub(1) {
                    Some(earlier) => self.places.known.get(earlier)?.end,
                    None => 0,
                };
                let distance = self.steady.size()?;
                self.new_place(end.checked_add(distance)?)?
            }
            fresh::TAIL => {
                let end = self.places.known.get(self.steady.size()?)?.end;
                let place = end.checked_sub(self.varying.size()?)?..end;
                self.places.push(place.clone());
                place
            }
            known => self.places.known.get(usize::try_from(known - 1).ok()?)?.clone(),
        };
        if self.source == Source::Header {
            self.source = Source::Line(place.clone());
        }
        self.raw.get(place)
    }

    fn new_place(&mut self, start: usize) -> Option<Range<usize>> {
        let rest = self.raw.as_bytes().get(start..)?;
        let length = match self.steady.byte()? {
            ends::BY_LENGTH => usize::try_from(self.varying.varint()?).ok()?,
            ends::WITH_LINE => rest.len(),
            terminator => memchr::memchr(terminator, rest)?,
        };
        let place = start..start.checked_add(length)?;
        self.places.push(place.clone());
        Some(place)
    }
}

fn unfold(folded: u64) -> i64 {
    (folded >> 1) as i64 ^ -((folded & 1) as i64)
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
        varint::take(&mut self.rest)
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok()
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
}
