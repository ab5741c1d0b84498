//! Events on their way into a split: encoded at once into shared buffers, sorted and handed to the index later.

use std::iter::Empty;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use tantivy::schema::Document;
use tantivy::schema::Field;
use tantivy::schema::Value as IndexValue;
use tantivy::schema::document::ReferenceValue;
use tantivy::schema::document::ReferenceValueLeaf;

use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::model::ecs::Kind;
use crate::query::keyword;
use crate::query::matching;
use crate::store::format::record;
use crate::store::format::schema::CUT_MARK;
use crate::store::format::schema::FIELDS;
use crate::store::format::schema::NAME_END;
use crate::store::format::schema::SHAPE_MARK;
use crate::store::format::schema::TERM_END;
use crate::store::format::schema::VALUE_BYTES_MAX;

/// The longest list of names in one term; more names go into a further term.
const SHAPE_BYTES_MAX: usize = 8_192;

/// One event in the buffers of a [`Batch`].
#[derive(Debug, Clone)]
pub(in crate::store) struct Entry {
    pub(in crate::store) id: EventId,
    pub(in crate::store) timestamp: Timestamp,
    pub(in crate::store) ingested: Timestamp,
    texts: Range<usize>,
    terms: Range<usize>,
    record: Range<usize>,
}

/// Encoded events.
#[derive(Debug, Default)]
pub(in crate::store) struct Batch {
    pub(in crate::store) entries: Vec<Entry>,
    /// Places in `characters`, those of one entry together.
    texts: Vec<Range<usize>>,
    characters: String,
    records: Vec<u8>,
}

impl Batch {
    /// Encodes an event; `exact` are the bytes received, when they differ from the line.
    pub(in crate::store) fn push(&mut self, event: &Event<'_>, exact: Option<&[u8]>) {
        let texts_start = self.texts.len();
        matching::any_text(event, &mut |text| {
            let start = self.characters.len();
            self.characters.push_str(text);
            self.texts.push(start..self.characters.len());
            false
        });
        let terms_start = self.characters.len();
        self.push_terms(event);
        let record_start = self.records.len();
        record::encode(event, exact, &mut self.records);
        self.entries.push(Entry {
            id: event.id,
            timestamp: event.timestamp,
            ingested: event.ingested,
            texts: texts_start..self.texts.len(),
            terms: terms_start..self.characters.len(),
            record: record_start..self.records.len(),
        });
    }

    /// Returns the record of an entry.
    pub(in crate::store) fn record(&self, entry: &Entry) -> &[u8] {
        self.records.get(entry.record.clone()).unwrap_or_default()
    }

    /// Returns how much memory the buffers hold.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.characters.len()
            + self.records.len()
            + self.entries.len() * mem::size_of::<Entry>()
            + self.texts.len() * mem::size_of::<Range<usize>>()
    }

    fn push_terms(&mut self, event: &Event<'_>) {
        let out = &mut self.characters;
        let mut shape = Shape::default();
        for (name, value) in &event.fields {
            if !keyword::is_present(value) {
                continue;
            }
            let name = name.as_str();
            shape.push(name, out);
            let is_text = ecs::Field::from_name(name).is_some_and(|field| field.kind() == Kind::Text);
            if !is_text {
                keyword::for_each_form(value, &mut |text| push_term(out, name, text));
            }
        }
        let failure = event.failure.map(|failure| failure.as_str());
        for (field, value) in [(ecs::LONGAN_PARSER, event.parser), (ecs::LONGAN_PARSE_ERROR, failure)] {
            if let Some(value) = value {
                shape.push(field.name(), out);
                keyword::for_each_form(&Value::from(value), &mut |text| push_term(out, field.name(), text));
            }
        }
        shape.finish(out);
    }
}

/// Collects the names of an event's fields into one term.
#[derive(Default)]
struct Shape {
    names: String,
}

impl Shape {
    fn push(&mut self, name: &str, out: &mut String) {
        if self.names.len() + name.len() > SHAPE_BYTES_MAX {
            self.finish(out);
            self.names.clear();
        }
        self.names.push(SHAPE_MARK);
        push_name(&mut self.names, name);
    }

    fn finish(&self, out: &mut String) {
        if !self.names.is_empty() {
            out.push_str(&self.names);
            out.extend([SHAPE_MARK, TERM_END]);
        }
    }
}

fn push_term(out: &mut String, name: &str, value: &str) {
    push_name(out, name);
    out.push(NAME_END);
    match cut_value(value) {
        Some(beginning) => {
            out.push_str(beginning);
            out.push(CUT_MARK);
        }
        None => out.push_str(value),
    }
    out.push(TERM_END);
}

fn push_name(out: &mut String, name: &str) {
    out.push_str(&clean_name(name));
}

/// Returns a field name as it stands in terms: no control characters, at most [`VALUE_BYTES_MAX`] bytes.
pub(in crate::store) fn clean_name(name: &str) -> std::borrow::Cow<'_, str> {
    let is_clean = name.len() <= VALUE_BYTES_MAX && name.bytes().all(|byte| byte >= 8);
    if is_clean {
        return name.into();
    }
    let kept = cut_value(name).unwrap_or(name);
    kept.chars().map(|letter| if (letter as u32) < 8 { '\u{8}' } else { letter }).collect::<String>().into()
}

/// Returns the beginning of a value that is too long for a term.
pub(in crate::store) fn cut_value(value: &str) -> Option<&str> {
    if value.len() <= VALUE_BYTES_MAX {
        return None;
    }
    let mut end = VALUE_BYTES_MAX;
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value.get(..end)
}

/// One event of a batch, as a document of the index.
pub(in crate::store) struct BatchDocument {
    batch: Arc<Batch>,
    index: usize,
}

impl BatchDocument {
    pub(in crate::store) fn new(batch: Arc<Batch>, index: usize) -> BatchDocument {
        BatchDocument { batch, index }
    }
}

/// A value of a [`BatchDocument`].
#[derive(Debug, Clone)]
pub(in crate::store) enum BatchValue<'a> {
    U64(u64),
    I64(i64),
    Text(&'a str),
}

impl<'a> IndexValue<'a> for BatchValue<'a> {
    type ArrayIter = Empty<Self>;
    type ObjectIter = Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(match self {
            BatchValue::U64(number) => ReferenceValueLeaf::U64(*number),
            BatchValue::I64(number) => ReferenceValueLeaf::I64(*number),
            BatchValue::Text(text) => ReferenceValueLeaf::Str(text),
        })
    }
}

impl Document for BatchDocument {
    type Value<'a> = BatchValue<'a>;
    type FieldsValuesIter<'a> = std::vec::IntoIter<(Field, BatchValue<'a>)>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        let Some(entry) = self.batch.entries.get(self.index) else { return Vec::new().into_iter() };
        let characters =
            |range: &Range<usize>| BatchValue::Text(self.batch.characters.get(range.clone()).unwrap_or_default());
        let mut values = Vec::with_capacity(8);
        values.push((FIELDS.id, BatchValue::U64(entry.id.0)));
        values.push((FIELDS.time, BatchValue::I64(entry.timestamp.0)));
        values.push((FIELDS.ingested, BatchValue::I64(entry.ingested.0)));
        for text in self.batch.texts.get(entry.texts.clone()).unwrap_or_default() {
            values.push((FIELDS.text, characters(text)));
        }
        values.push((FIELDS.terms, characters(&entry.terms)));
        values.into_iter()
    }
}
