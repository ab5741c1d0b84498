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
use crate::parse::pack::tree::NodeId;

/// A map with a hash that is fast and the same in every run.
pub(super) type FastMap<V> = HashMap<Box<str>, V, foldhash::fast::FixedState>;

/// The number of a pack in its set.
pub(super) type PackId = u16;

/// One pack.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) path: PathBuf,
    pub(super) logsource: LogSource,
    pub(super) read: Read,
    pub(super) fields: Vec<(Name<'static>, Value<'static>)>,
    pub(super) remove: Vec<Name<'static>>,
    pub(super) absent: Vec<String>,
    pub(super) prefix: String,
    pub(super) keep_unmapped: bool,
    pub(super) inherit: bool,
    pub(super) must_match: bool,
    pub(super) map: FastMap<Vec<Target>>,
    pub(super) time: Option<TimeSource>,
    pub(super) values: Vec<ValueMap>,
    pub(super) when: Vec<When>,
    /// Where the patterns for the body begin.
    pub(super) root: Option<NodeId>,
    /// Where the patterns for the values of fields begin.
    pub(super) within: Vec<(Name<'static>, NodeId)>,
    pub(super) samples: Vec<Sample>,
    pub(super) pattern_count: usize,
}

/// What a fitting pattern means.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) pack: PackId,
    /// For each capture of the variant, where its value goes.
    pub(super) targets: Vec<Target>,
    /// The fixed fields of the pack and, over them, of the pattern.
    pub(super) fields: Vec<(Name<'static>, Value<'static>)>,
    pub(super) logsource: LogSource,
    pub(super) columns: Vec<Option<Target>>,
    /// The pattern as written and its line, for `explain` and for conflicts.
    pub(super) text: String,
    pub(super) line: u32,
}

/// Lends a name of the pack to an event.
pub(super) fn lend_name<'a>(name: &'a Name<'static>) -> Name<'a> {
    match name {
        Name::Known(field) => Name::Known(*field),
        Name::Other(text) => Name::Other(Cow::Borrowed(text)),
    }
}

/// Lends a value of the pack to an event; only a list of several costs an allocation.
pub(super) fn lend_value<'a>(value: &'a Value<'static>) -> Value<'a> {
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
    /// Returns the value the pack's `[values]` give a field's text, if they name it.
    pub(super) fn translate(&self, name: &Name<'_>, text: &str) -> Option<&Value<'static>> {
        let map = self.values.iter().find(|map| map.field.as_str() == name.as_str())?;
        let found = map.entries.binary_search_by(|(from, _)| compare_caseless(from, text));
        match found {
            Ok(index) => map.entries.get(index).map(|(_, to)| to),
            Err(_) => map.otherwise.as_ref(),
        }
    }

    /// Says whether a text stands for no value at all: nothing, a dash, or what the pack lists under `absent`.
    pub(super) fn means_absent(&self, text: &str) -> bool {
        matches!(text, "" | "-") || self.absent.iter().any(|absent| absent == text)
    }
}

/// Compares a lower-case word with a text, case aside, in the order of the lower-case bytes.
fn compare_caseless(lower: &str, text: &str) -> std::cmp::Ordering {
    lower.bytes().cmp(text.bytes().map(|byte| byte.to_ascii_lowercase()))
}
