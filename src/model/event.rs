//! One normalized record: fields under ECS names, borrowed from the decoded raw line.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Deref;
use std::ops::DerefMut;
use std::ops::Range;

use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;

use crate::model::EventId;
use crate::model::Field;
use crate::model::LogSource;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::model::logsource;

/// The name of a field: interned when this program knows it, otherwise as the device wrote it.
///
/// A name of the table is always `Known`: build names with [`Name::new`], never `Other` directly.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Name<'a> {
    Known(Field),
    Other(Cow<'a, str>),
}

impl<'a> Name<'a> {
    /// Interns the name when the table has it.
    pub fn new(name: impl Into<Cow<'a, str>>) -> Name<'a> {
        let name = name.into();
        Field::from_name(&name).map_or(Name::Other(name), Name::Known)
    }

    /// Returns the dotted name.
    pub fn as_str(&self) -> &str {
        match self {
            Name::Known(field) => field.name(),
            Name::Other(name) => name,
        }
    }

    /// Copies a borrowed name.
    pub fn into_owned(self) -> Name<'static> {
        match self {
            Name::Known(field) => Name::Known(field),
            Name::Other(name) => Name::Other(Cow::Owned(name.into_owned())),
        }
    }
}

impl From<Field> for Name<'_> {
    fn from(field: Field) -> Self {
        Name::Known(field)
    }
}

/// How reading a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParseFailure {
    /// No grammar and no pack recognised the line; the whole of it is the message.
    #[default]
    Unrecognised,
    /// A grammar recognised the line's kind but could not read it to its end.
    Malformed,
    /// The line was longer than the input admits; only its beginning was read.
    Truncated,
    /// The bytes were not valid in the input's character set; what could not be decoded became U+FFFD.
    Undecodable,
}

impl ParseFailure {
    /// Returns the value of `longan.parse.error`.
    pub fn as_str(self) -> &'static str {
        match self {
            ParseFailure::Unrecognised => "unrecognised",
            ParseFailure::Malformed => "malformed",
            ParseFailure::Truncated => "truncated",
            ParseFailure::Undecodable => "undecodable",
        }
    }
}

/// Names and values in order. The memory of a list that is dropped serves the next event of its thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields<'a>(Vec<(Name<'a>, Value<'a>)>);

/// Fields a new list has room for.
const FIELDS_AT_FIRST: usize = 48;
/// A list with room for more is not kept: one line of a thousand fields should not cost its memory for ever.
const FIELDS_KEPT_MAX: usize = 256;

thread_local! {
    /// The empty list of the event before.
    static SPARE: Cell<Vec<(Name<'static>, Value<'static>)>> = const { Cell::new(Vec::new()) };
}

impl Fields<'_> {
    /// Makes an empty list.
    pub fn new() -> Self {
        let spare = SPARE.try_with(Cell::take).unwrap_or_default();
        Fields(if spare.capacity() == 0 { Vec::with_capacity(FIELDS_AT_FIRST) } else { emptied(spare) })
    }
}

/// Turns a list into an empty one of another lifetime; collecting in place keeps its memory.
fn emptied<'to>(mut list: Vec<(Name<'_>, Value<'_>)>) -> Vec<(Name<'to>, Value<'to>)> {
    list.clear();
    list.into_iter().map_while(|_| None).collect()
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Fields::new()
    }
}

impl Drop for Fields<'_> {
    fn drop(&mut self) {
        let list = std::mem::take(&mut self.0);
        if (1..=FIELDS_KEPT_MAX).contains(&list.capacity()) {
            let list = emptied(list);
            // Fails only while the thread ends, and then nobody needs it.
            SPARE
                .try_with(|spare| {
                    let other = spare.take();
                    spare.set(if other.capacity() > list.capacity() { other } else { list });
                })
                .ok();
        }
    }
}

impl<'a> Deref for Fields<'a> {
    type Target = Vec<(Name<'a>, Value<'a>)>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Fields<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'f, 'a> IntoIterator for &'f Fields<'a> {
    type Item = &'f (Name<'a>, Value<'a>);
    type IntoIter = std::slice::Iter<'f, (Name<'a>, Value<'a>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a> From<Vec<(Name<'a>, Value<'a>)>> for Fields<'a> {
    fn from(list: Vec<(Name<'a>, Value<'a>)>) -> Self {
        Fields(list)
    }
}

/// A normalized event. One allocation for the field list; text borrows from `raw` where it stands there unchanged.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// The event id; `EventId::ZERO` outside the pipeline.
    pub id: EventId,
    /// The decoded line as received; stored and shown as `event.original`.
    pub raw: &'a str,
    /// When the event happened by the device's own clock, or when we received it where the line has no time.
    pub timestamp: Timestamp,
    /// When our clock said it arrived.
    pub ingested: Timestamp,
    /// Which Sigma rules can apply.
    pub logsource: Cow<'a, LogSource>,
    /// The pack or grammar that read the line.
    pub parser: Option<&'a str>,
    /// Why the line was not read, or not wholly.
    pub failure: Option<ParseFailure>,
    /// The fields but for `@timestamp`, `event.ingested`, `event.original` and `longan.*`, which have members of their own.
    /// A name occurs at most once when built with `set`; `push` leaves that to the caller.
    pub fields: Fields<'a>,
}

impl<'a> Event<'a> {
    /// Starts an event of nothing but its raw line.
    pub fn new(raw: &'a str, received: Timestamp) -> Event<'a> {
        Event {
            id: EventId::ZERO,
            raw,
            timestamp: received,
            ingested: received,
            logsource: Cow::Borrowed(&logsource::UNKNOWN),
            parser: None,
            failure: None,
            fields: Fields::new(),
        }
    }

    /// Returns the value of a known field.
    pub fn get(&self, field: Field) -> Option<&Value<'a>> {
        self.fields
            .iter()
            .find(|(name, _)| matches!(name, Name::Known(known) if *known == field))
            .map(|(_, value)| value)
    }

    /// Returns the value of a field by its dotted name.
    pub fn get_by_name(&self, name: &str) -> Option<&Value<'a>> {
        match Field::from_name(name) {
            Some(field) => self.get(field),
            None => self.fields.iter().find(|(have, _)| have.as_str() == name).map(|(_, value)| value),
        }
    }

    /// Adds a field without looking whether it is there already.
    pub fn push(&mut self, name: impl Into<Name<'a>>, value: impl Into<Value<'a>>) {
        self.fields.push((name.into(), value.into()));
    }

    /// Sets a field, replacing an earlier value.
    pub fn set(&mut self, name: impl Into<Name<'a>>, value: impl Into<Value<'a>>) {
        let (name, value) = (name.into(), value.into());
        match self.fields.iter_mut().find(|(have, _)| *have == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name, value)),
        }
    }

    /// Sets a field unless it already has a value.
    pub fn set_default(&mut self, name: impl Into<Name<'a>>, value: impl Into<Value<'a>>) {
        let name = name.into();
        if !self.fields.iter().any(|(have, _)| *have == name) {
            self.fields.push((name, value.into()));
        }
    }

    /// Returns where a borrowed text stands in the raw line, in bytes; `None` for text that was made, not borrowed.
    pub fn span_in_raw(&self, text: &str) -> Option<Range<usize>> {
        let (raw_start, text_start) = (self.raw.as_ptr().addr(), text.as_ptr().addr());
        let start = text_start.checked_sub(raw_start)?;
        let end = start.checked_add(text.len())?;
        (end <= self.raw.len()).then_some(start..end)
    }

    /// Copies whatever is borrowed but for the raw line and the parser's name, which the caller owns.
    pub fn owned_fields(&self) -> Vec<(Name<'static>, Value<'static>)> {
        self.fields.iter().cloned().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }
}

/// Writes the event as one flat JSON object under ECS names: the form of `longan parse` and `longan search`.
impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(ecs::TIMESTAMP.name(), &Value::Time(self.timestamp))?;
        if self.id != EventId::ZERO {
            map.serialize_entry(ecs::LONGAN_ID.name(), &self.id)?;
        }
        for (name, value) in self.fields.iter() {
            map.serialize_entry(name.as_str(), value)?;
        }
        map.serialize_entry(ecs::EVENT_INGESTED.name(), &Value::Time(self.ingested))?;
        map.serialize_entry(ecs::EVENT_ORIGINAL.name(), self.raw)?;
        map.serialize_entry(ecs::LONGAN_PARSER.name(), &self.parser)?;
        if let Some(failure) = self.failure {
            map.serialize_entry(ecs::LONGAN_PARSE_ERROR.name(), failure.as_str())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_replaces_and_set_default_does_not() {
        let mut event = Event::new("x", Timestamp(0));
        event.set(ecs::USER_NAME, "an");
        event.set_default(ecs::USER_NAME, "ha");
        assert_eq!(event.get(ecs::USER_NAME), Some(&Value::from("an")));
        event.set(Name::new("user.name"), "ha");
        assert_eq!(event.get_by_name("user.name"), Some(&Value::from("ha")));
        assert_eq!(event.fields.len(), 1);
    }

    #[test]
    fn the_memory_of_one_event_serves_the_next() {
        let address = |number: i64| {
            let raw = number.to_string();
            let mut event = Event::new(&raw, Timestamp(number));
            assert!(event.fields.is_empty());
            event.push(ecs::USER_NAME, event.raw);
            (event.fields.as_ptr().addr(), event.fields.capacity())
        };
        assert_eq!(address(1), address(2));
        let mut long = Event::new("", Timestamp(0));
        long.fields.reserve(4 * FIELDS_KEPT_MAX);
        let capacity = long.fields.capacity();
        drop(long);
        assert!(address(3).1 < capacity);
    }

    #[test]
    fn a_borrowed_value_knows_its_place() {
        let raw = String::from("user=an from 10.0.0.1");
        let event = Event::new(&raw, Timestamp(0));
        assert_eq!(event.span_in_raw(&raw[5..7]), Some(5..7));
        assert_eq!(event.span_in_raw("elsewhere"), None);
    }
}
