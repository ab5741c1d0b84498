//! A pack ready for use, and the ways its parts are lent to an event without copying.

use std::borrow::Cow;
use std::path::PathBuf;

use hashbrown::HashMap;

use crate::model::LogSource;
use crate::model::Name;
use crate::model::Value;
use crate::parse::pack::file::Read;
use crate::parse::pack::file::Sample;
use crate::parse::pack::file::TimeSource;
use crate::parse::pack::file::ValueMap;
use crate::parse::pack::file::When;
use crate::parse::pack::pattern::Target;
use crate::parse::pack::tree::RootId;

/// A map with a hash that is fast and the same in every run.
pub(in crate::parse::pack) type FastMap<V> = HashMap<Box<str>, V, foldhash::fast::FixedState>;

/// The number of a pack in its set.
pub(in crate::parse::pack) type PackId = u16;

/// One pack.
#[derive(Debug)]
pub(in crate::parse::pack) struct Pack {
    pub(in crate::parse::pack) id: PackId,
    pub(in crate::parse::pack) name: String,
    pub(in crate::parse::pack) title: String,
    pub(in crate::parse::pack) path: PathBuf,
    pub(in crate::parse::pack) logsource: LogSource,
    pub(in crate::parse::pack) read: Vec<Read>,
    pub(in crate::parse::pack) fields: Vec<(Name<'static>, Value<'static>)>,
    pub(in crate::parse::pack) remove: Vec<Name<'static>>,
    pub(in crate::parse::pack) absent: Vec<String>,
    pub(in crate::parse::pack) prefix: String,
    pub(in crate::parse::pack) keep_unmapped: bool,
    pub(in crate::parse::pack) inherit: bool,
    pub(in crate::parse::pack) must_match: bool,
    pub(in crate::parse::pack) structured_data: bool,
    /// From keys to the numbers of their targets.
    pub(in crate::parse::pack) map: FastMap<u32>,
    pub(in crate::parse::pack) targets: Vec<Vec<Target>>,
    pub(in crate::parse::pack) time: Option<TimeSource>,
    pub(in crate::parse::pack) values: Vec<ValueMap>,
    pub(in crate::parse::pack) when: Vec<When>,
    /// Where the patterns for the body begin.
    pub(in crate::parse::pack) root: Option<RootId>,
    /// Where the patterns for the values of fields begin.
    pub(in crate::parse::pack) within: Vec<(Name<'static>, RootId)>,
    pub(in crate::parse::pack) samples: Vec<Sample>,
    pub(in crate::parse::pack) pattern_count: usize,
}

/// What a fitting pattern means.
#[derive(Debug)]
pub(in crate::parse::pack) struct Leaf {
    pub(in crate::parse::pack) pack: PackId,
    /// For each capture of the variant, where its value goes.
    pub(in crate::parse::pack) targets: Vec<Target>,
    /// The fixed fields of the pack and, over them, of the pattern.
    pub(in crate::parse::pack) fields: Vec<(Name<'static>, Value<'static>)>,
    /// Where in `fields` the pattern's own begin.
    pub(in crate::parse::pack) own_fields_start: usize,
    pub(in crate::parse::pack) logsource: LogSource,
    pub(in crate::parse::pack) columns: Vec<Option<Target>>,
    /// The pattern as written and its line, for `explain` and for conflicts.
    pub(in crate::parse::pack) text: String,
    pub(in crate::parse::pack) line: u32,
}

/// Lends a name of the pack to an event.
pub(in crate::parse::pack) fn lend_name<'a>(name: &'a Name<'static>) -> Name<'a> {
    match name {
        Name::Known(field) => Name::Known(*field),
        Name::Other(text) => Name::Other(Cow::Borrowed(text)),
    }
}

/// Lends a value of the pack to an event; only a list of several costs an allocation.
pub(in crate::parse::pack) fn lend_value<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Null => Value::Null,
        Value::Bool(truth) => Value::Bool(*truth),
        Value::Int(number) => Value::Int(*number),
        Value::Float(number) => Value::Float(*number),
        Value::Ip(address) => Value::Ip(*address),
        Value::Time(time) => Value::Time(*time),
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        Value::List(items) => Value::List(items.iter().map(lend_value).collect()),
    }
}

impl Pack {
    /// Returns where the value of a key goes, by the number the map has for it.
    pub(in crate::parse::pack) fn targets(&self, number: u32) -> &[Target] {
        self.targets.get(number as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the value the pack's `[values]` give a field's text, if they name it.
    pub(in crate::parse::pack) fn translate(&self, name: &Name<'_>, text: &str) -> Option<&Value<'static>> {
        let map = self.values.iter().find(|map| map.field.as_str() == name.as_str())?;
        let found = map.entries.binary_search_by(|(from, _)| compare_caseless(from, text));
        match found {
            Ok(index) => map.entries.get(index).map(|(_, to)| to),
            Err(_) => map.otherwise.as_ref(),
        }
    }

    /// Says whether a text stands for no value at all: nothing, a dash, or what the pack lists under `absent`.
    pub(in crate::parse::pack) fn means_absent(&self, text: &str) -> bool {
        matches!(text, "" | "-") || self.absent.iter().any(|absent| absent == text)
    }
}

/// Compares a lower-case word with a text, case aside, in the order of the lower-case bytes.
fn compare_caseless(lower: &str, text: &str) -> std::cmp::Ordering {
    lower.bytes().cmp(text.bytes().map(|byte| byte.to_ascii_lowercase()))
}
