//! From an event to its record.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::ops::Range;

use memchr::memmem;

use crate::model::Event;
use crate::model::LogSource;
use crate::model::Value;
use crate::model::logsource;
use crate::store::format::record::FAILURE_SHIFT;
use crate::store::format::record::FAILURES;
use crate::store::format::record::HAS_EXACT;
use crate::store::format::record::HAS_LOGSOURCE;
use crate::store::format::record::HAS_PARSER;
use crate::store::format::record::LIST_DEPTH_MAX;
use crate::store::format::record::Places;
use crate::store::format::record::ends;
use crate::store::format::record::escape::escaped;
use crate::store::format::record::fresh;
use crate::store::format::record::tag;
use crate::store::format::varint;

/// A number or address is looked for so far behind the place before it.
const SEARCH_BYTES_MAX: usize = 2_048;
/// A shorter text that is no piece of the line stands in it by chance.
const ESCAPED_BYTES_MIN: usize = 4;
/// Smaller numbers take no more than a byte, and stand in the line by chance.
const INT_SPAN_MIN: u64 = 64;

/// Appends the record of an event to `out`; `exact` are the bytes received, when they differ from the line.
pub fn encode(event: &Event<'_>, exact: Option<&[u8]>, out: &mut Vec<u8>) {
    let has_logsource = *event.logsource != logsource::UNKNOWN;
    let failure = event.failure.and_then(|failure| FAILURES.iter().position(|have| *have == failure));
    let failure_code = failure.map_or(0, |index| index as u8 + 1);
    let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
    let flags = flag(exact.is_some(), HAS_EXACT)
        | flag(event.parser.is_some(), HAS_PARSER)
        | flag(has_logsource, HAS_LOGSOURCE);
    out.push(flags | (failure_code << FAILURE_SHIFT));
    if let Some(parser) = event.parser {
        varint::put_bytes(out, parser.as_bytes());
    }
    if has_logsource {
        put_logsource(out, &event.logsource);
    }
    varint::put(out, event.fields.len() as u64);
    for (name, _) in &event.fields {
        varint::put_bytes(out, name.as_str().as_bytes());
    }
    let mut values = Values::new(event);
    for (index, (_, value)) in event.fields.iter().enumerate() {
        let tag = values.put(value, index, 0);
        out.push(tag);
    }
    varint::put_bytes(out, &values.steady);
    varint::put_bytes(out, event.raw.as_bytes());
    if let Some(exact) = exact {
        varint::put_bytes(out, exact);
    }
    out.extend_from_slice(&values.varying);
}

/// Collects the two kinds of bytes that the values of an event become.
struct Values<'v, 'e> {
    event: &'v Event<'e>,
    places: Places,
    steady: Vec<u8>,
    varying: Vec<u8>,
    /// A number or address written out, to be looked for.
    text: String,
}

impl<'v, 'e> Values<'v, 'e> {
    fn new(event: &'v Event<'e>) -> Values<'v, 'e> {
        let (steady, varying) = (Vec::with_capacity(256), Vec::with_capacity(64));
        Values { event, places: Places::default(), steady, varying, text: String::new() }
    }

    /// Writes a value of the field at `index` and returns its tag.
    fn put(&mut self, value: &Value<'_>, index: usize, depth: usize) -> u8 {
        match value {
            Value::Null => tag::NULL,
            Value::Bool(false) => tag::FALSE,
            Value::Bool(true) => tag::TRUE,
            Value::Int(number) => self.put_int(*number),
            Value::Float(number) => {
                self.varying.extend(number.to_le_bytes());
                tag::FLOAT
            }
            Value::Ip(address) => self.put_address(value, address, index),
            Value::Time(time) => {
                self.varying.extend(time.0.to_le_bytes());
                tag::TIME
            }
            Value::Text(text) => self.put_text(value, text, index),
            Value::List(items) if depth < LIST_DEPTH_MAX => {
                varint::put(&mut self.steady, items.len() as u64);
                for item in items {
                    let at = self.steady.len();
                    self.steady.push(tag::NULL);
                    let tag = self.put(item, index, depth + 1);
                    if let Some(slot) = self.steady.get_mut(at) {
                        *slot = tag;
                    }
                }
                tag::LIST
            }
            Value::List(_) => {
                varint::put_bytes(&mut self.steady, value.to_text().as_bytes());
                tag::TEXT
            }
        }
    }

    fn put_int(&mut self, number: i64) -> u8 {
        if number.unsigned_abs() >= INT_SPAN_MIN {
            self.text.clear();
            let written = write!(self.text, "{number}");
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
            if self.put_found() {
                return tag::INT_SPAN;
            }
        }
        varint::put(&mut self.varying, ((number << 1) ^ (number >> 63)) as u64);
        tag::INT
    }

    fn put_address(&mut self, value: &Value<'_>, address: &IpAddr, index: usize) -> u8 {
        if self.put_same(value, index) {
            return tag::SAME;
        }
        self.text.clear();
        let written = write!(self.text, "{address}");
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
        if self.put_found() {
            return tag::IP_SPAN;
        }
        match address {
            IpAddr::V4(address) => {
                self.varying.extend(address.octets());
                tag::IPV4
            }
            IpAddr::V6(address) => {
                self.varying.extend(address.octets());
                tag::IPV6
            }
        }
    }

    fn put_text(&mut self, value: &Value<'_>, text: &str, index: usize) -> u8 {
        let place = self.event.span_in_raw(text);
        if self.put_known_place(text) {
            return tag::SPAN;
        }
        if let Some(place) = place {
            self.put_new_place(place);
            return tag::SPAN;
        }
        if self.put_same(value, index) {
            return tag::SAME;
        }
        if let Some(tag) = self.put_escaped(text) {
            return tag;
        }
        varint::put_bytes(&mut self.steady, text.as_bytes());
        tag::TEXT
    }

    /// Writes the place of a text that stands escaped in the line, or is a piece of one that does.
    fn put_escaped(&mut self, text: &str) -> Option<u8> {
        if text.len() < ESCAPED_BYTES_MIN || memchr::memchr(b'\\', self.event.raw.as_bytes()).is_none() {
            return None;
        }
        let (written, tag) = match escaped(text) {
            Some(escaped) if escaped.has_breaks => (Cow::Owned(escaped.text), tag::BROKEN_SPAN),
            Some(escaped) => (Cow::Owned(escaped.text), tag::ESCAPED_SPAN),
            None => (Cow::Borrowed(text), tag::SPAN),
        };
        if self.put_known_place(&written) {
            return Some(tag);
        }
        let line = self.event.raw.as_bytes();
        // By chance a text may be a piece of some word.
        let is_apart = |place: &Range<usize>| {
            let is_word = |at: Option<usize>| {
                at.and_then(|at| line.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
            };
            !is_word(place.start.checked_sub(1)) && !is_word(Some(place.end))
        };
        let place = self.find(&written).filter(is_apart)?;
        self.put_new_place(place);
        Some(tag)
    }

    /// Writes the number of an earlier field of the same value.
    fn put_same(&mut self, value: &Value<'_>, index: usize) -> bool {
        let earlier = self.event.fields.get(..index).unwrap_or_default();
        let Some(same) = earlier.iter().position(|(_, have)| have == value) else { return false };
        varint::put(&mut self.steady, same as u64);
        true
    }

    /// Writes the place where `self.text` stands in the line.
    fn put_found(&mut self) -> bool {
        let text = std::mem::take(&mut self.text);
        let is_put = self.put_known_place(&text) || {
            let place = self.find(&text);
            place.map(|place| self.put_new_place(place)).is_some()
        };
        self.text = text;
        is_put
    }

    fn find(&self, text: &str) -> Option<Range<usize>> {
        let line = self.event.raw.as_bytes();
        let find_in = |from: usize, until: usize| {
            let start = memmem::find(line.get(from..until.min(line.len()))?, text.as_bytes())? + from;
            Some(start..start + text.len())
        };
        let end = self.places.end;
        find_in(end, end + SEARCH_BYTES_MAX).or_else(|| find_in(0, end.min(SEARCH_BYTES_MAX)))
    }

    fn put_known_place(&mut self, text: &str) -> bool {
        let is_same = |place: &Range<usize>| self.event.raw.get(place.clone()) == Some(text);
        let Some(number) = self.places.known.iter().position(is_same) else { return false };
        varint::put(&mut self.steady, number as u64 + 1);
        true
    }

    /// Writes a place so that it is told by the same bytes in lines that differ in their values alone: from the place before it in
    /// the line, and as the end of a longer one where it is that.
    fn put_new_place(&mut self, place: Range<usize>) {
        let known = &self.places.known;
        let is_tail = |longer: &Range<usize>| longer.end == place.end && longer.start < place.start;
        if let Some(longer) = known.iter().position(is_tail) {
            varint::put(&mut self.steady, fresh::TAIL);
            varint::put(&mut self.steady, longer as u64);
            varint::put(&mut self.varying, place.len() as u64);
            self.places.push(place);
            return;
        }
        let before = (0_u64..).zip(known).filter(|(_, earlier)| earlier.end <= place.start);
        let nearest = before.max_by_key(|(_, earlier)| earlier.end);
        let end = nearest.map_or(0, |(_, earlier)| earlier.end);
        match place.start.checked_sub(self.places.end) {
            Some(distance) if end <= self.places.end => {
                varint::put(&mut self.steady, fresh::AFTER_NEWEST);
                // One bit is for the sign that older programs wrote.
                varint::put(&mut self.steady, (distance as u64) << 1);
            }
            _ => {
                varint::put(&mut self.steady, fresh::AFTER_EARLIER);
                varint::put(&mut self.steady, nearest.map_or(0, |(number, _)| number + 1));
                varint::put(&mut self.steady, (place.start - end) as u64);
            }
        }
        let line = self.event.raw.as_bytes();
        let terminator = line.get(place.end).copied();
        let is_first = |byte: u8| {
            byte > ends::LAST && line.get(place.clone()).is_none_or(|text| memchr::memchr(byte, text).is_none())
        };
        match terminator {
            None => self.steady.push(ends::WITH_LINE),
            Some(byte) if is_first(byte) => self.steady.push(byte),
            Some(_) => {
                self.steady.push(ends::BY_LENGTH);
                varint::put(&mut self.varying, place.len() as u64);
            }
        }
        self.places.push(place);
    }
}

fn put_logsource(out: &mut Vec<u8>, source: &LogSource) {
    varint::put_bytes(out, source.product.as_deref().unwrap_or_default().as_bytes());
    for list in [&source.service, &source.category] {
        varint::put(out, list.len() as u64);
        for item in list {
            varint::put_bytes(out, item.as_bytes());
        }
    }
}
