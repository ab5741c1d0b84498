//! A pack as its file says it: checked word by word, nothing compiled yet.

mod section;
mod sections;

use std::path::Path;

use crate::diag::Position;
use crate::model::Field;
use crate::model::LogSource;
use crate::model::Name;
use crate::model::Value;
use crate::parse::pack::error::Problems;
use crate::parse::pack::pattern::Target;
use crate::parse::pack::pattern::Variant;

pub(super) use sections::read;

/// How the body of a line is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Read {
    /// By the patterns alone.
    Text,
    Json,
    Pairs,
    /// Pairs in brackets among text.
    Tags,
    Logfmt,
    Cef,
    Leef,
    Xml,
    /// Access logs: Common Log Format, combined and their kin.
    Clf,
    /// W3C extended, in the layouts IIS comes with.
    W3c,
    /// Containers' lines: `TIME stdout F text`.
    Cri,
}

/// The words for `read`.
pub(super) const READ_WORDS: [(&str, Read); 11] = [
    ("text", Read::Text),
    ("json", Read::Json),
    ("kv", Read::Pairs),
    ("tags", Read::Tags),
    ("logfmt", Read::Logfmt),
    ("cef", Read::Cef),
    ("leef", Read::Leef),
    ("xml", Read::Xml),
    ("clf", Read::Clf),
    ("w3c", Read::W3c),
    ("cri", Read::Cri),
];

impl Read {
    /// Returns the word a pack has for it.
    pub(super) fn word(self) -> &'static str {
        READ_WORDS.iter().find(|(_, read)| *read == self).map_or("text", |(word, _)| word)
    }
}

/// One way to recognise a source: all conditions that are given must hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Recognise {
    pub(super) app_name: Vec<String>,
    pub(super) prefix: Vec<String>,
    pub(super) contains: Vec<String>,
    /// Keys a structured body must have, all of them.
    pub(super) keys: Vec<String>,
    /// Keys with the values of which one must be there (glob).
    pub(super) equals: Vec<(String, Vec<String>)>,
    /// The patterns themselves recognise the source.
    pub(super) by_pattern: bool,
}

/// One `[[pattern]]`.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) variants: Vec<Variant>,
    /// The field whose value is read; none is the body.
    pub(super) within: Option<Name<'static>>,
    pub(super) fields: Vec<(Name<'static>, Value<'static>)>,
    pub(super) logsource: LogSource,
    pub(super) columns: Vec<Option<Target>>,
    pub(super) offset: usize,
}

/// One `[[when]]`: what to do when fields have certain values.
#[derive(Debug, Clone)]
pub(super) struct When {
    /// A field without which the conditions cannot hold, where one is of the table: seen without looking at them.
    pub(super) needs: Option<Field>,
    pub(super) conditions: Vec<(Name<'static>, Condition)>,
    pub(super) set: Vec<(Name<'static>, Value<'static>)>,
    pub(super) copy: Vec<(Name<'static>, Name<'static>)>,
    pub(super) remove: Vec<Name<'static>>,
    pub(super) logsource: LogSource,
}

/// What a `[[when]]` asks of one field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// The field is there, or is not.
    Present(bool),
    /// Its text is one of these, case aside; `*` stands for anything.
    OneOf(Vec<String>),
}

/// One `[values."field"]` table: from the words of the device to those of ECS.
#[derive(Debug, Clone)]
pub(super) struct ValueMap {
    pub(super) field: Name<'static>,
    pub(super) entries: Vec<(String, Value<'static>)>,
    /// The entry `"*"`.
    pub(super) otherwise: Option<Value<'static>>,
}

/// Which keys together give `@timestamp`.
#[derive(Debug, Clone)]
pub(super) struct TimeSource {
    pub(super) from: Vec<String>,
    pub(super) target: Target,
}

/// One `[[sample]]`.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) line: String,
    /// Fields the event must have with these values; others may be there.
    pub(super) expect: Vec<(String, Value<'static>)>,
    /// Fields the event must not have.
    pub(super) absent: Vec<String>,
    /// The line must not be read by this pack.
    pub(super) never: bool,
    /// The pack that reads the line within this one.
    pub(super) read_by: Option<String>,
    pub(super) received: Option<String>,
    pub(super) position: Position,
}

/// A whole pack file.
#[derive(Debug, Clone)]
pub(super) struct PackFile {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) logsource: LogSource,
    /// The grammars the source writes; more than one where it can be set to either.
    pub(super) read: Vec<Read>,
    pub(super) recognise: Vec<Recognise>,
    pub(super) fields: Vec<(Name<'static>, Value<'static>)>,
    pub(super) remove: Vec<Name<'static>>,
    pub(super) absent: Vec<String>,
    pub(super) prefix: String,
    pub(super) keep_unmapped: bool,
    pub(super) inherit: bool,
    pub(super) fallback: bool,
    pub(super) must_match: bool,
    /// Patterns for the message recognise the source, too, where a line is nothing but the message.
    pub(super) bare_messages: bool,
    /// The map reads the parameters of the header's structured data as well.
    pub(super) structured_data: bool,
    pub(super) map: Vec<(String, Vec<Target>)>,
    pub(super) time: Option<TimeSource>,
    pub(super) values: Vec<ValueMap>,
    pub(super) when: Vec<When>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) samples: Vec<Sample>,
}

/// Reads a pack file's text; `None` when it has problems.
pub(super) fn from_text(path: &Path, text: &str) -> (Option<PackFile>, Problems) {
    read(path, text)
}
