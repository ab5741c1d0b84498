//! The types a capture may have: how its text is found in the line, and what value is made of it.

use crate::model::Field;
use crate::model::ecs;
use crate::parse::pack::error::PackError;
use crate::parse::timestamp::TimeFormat;

/// How the extent of a capture is found. The order of the variants is the order of preference: narrow before wide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::parse::pack) enum Scan {
    /// One of some words, the longest that fits.
    OneOf(Box<[Box<str>]>),
    /// A word for a log level, in any case: `ERROR`, `warn`, `Information`, `FTL`.
    Level,
    Ip,
    Mac,
    Uuid,
    /// A point in time; `None` finds out the format by itself. The text is the format as written.
    Time(Option<Box<str>>),
    Int,
    Float,
    Hex,
    /// Letters, digits and `_ - $ < >`: a name without dots.
    Ident,
    /// Text in single or double quotation marks, which are not part of the value.
    Quoted,
    /// One or more blanks.
    Space,
    /// A word that fits a form with `*` for anything.
    Like(Box<str>),
    /// From a `/`, `\\` or drive letter up to what follows.
    Path,
    /// Letters, digits and `. _ - :` up to what follows.
    Host,
    /// Anything without white space up to what follows.
    Word,
    /// Anything up to what follows.
    Text,
}

impl Scan {
    /// Says whether the capture ends where the next literal begins, rather than by itself.
    pub(in crate::parse::pack) fn is_open(&self) -> bool {
        matches!(self, Scan::Like(_) | Scan::Path | Scan::Host | Scan::Word | Scan::Text)
    }
}

/// What value is made of a captured text.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::parse::pack) enum Convert {
    Text,
    Lower,
    Upper,
    Int,
    Float,
    Bool,
    Ip,
    Time(Option<TimeFormat>),
    /// Hexadecimal digits that stand for text, as auditd writes arguments; other text stays as it is.
    Unhex,
    /// `address:port` in any of its spellings, into `X.ip` or `X.domain` and `X.port`.
    Endpoint,
    /// `GET /path HTTP/1.1`, into the `http.*` and `url.*` fields.
    Request,
    /// `key=value` pairs, through the pack's map.
    Pairs,
    /// Pairs in brackets among text, `[id "7"]`, through the pack's map.
    Tags,
    /// `Name: value, Other name: value`, through the pack's map.
    Labels,
    /// A JSON object, through the pack's map.
    Json,
    /// Values separated by a character, named by the pattern's `columns`.
    Csv(char),
    /// Items separated by a character.
    List(char),
    /// A whole line of its own, header and all, to be read as if it had arrived alone.
    Line,
}

/// The type of a capture.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::parse::pack) struct Kind {
    pub(in crate::parse::pack) scan: Scan,
    pub(in crate::parse::pack) convert: Convert,
}

/// The names of the types, for hints and for the manual.
pub(in crate::parse::pack) const KIND_NAMES: [&str; 32] = [
    "text", "word", "rest", "int", "float", "bool", "hex", "ip", "host", "quoted", "path", "mac", "uuid", "space",
    "time", "lower", "upper", "unhex", "endpoint", "request", "kv", "labels", "json", "csv", "tsv", "list", "like",
    "line", "tags", "level", "ident", "any",
];

impl Kind {
    /// Reads a type as written after the colon of a capture: `ip`, `time(%d/%b/%Y)`, `(success|failure)`.
    pub(in crate::parse::pack) fn from_text(written: &str) -> Result<Kind, PackError> {
        if let Some(words) = written.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            let mut words: Vec<Box<str>> = words.split('|').filter(|word| !word.is_empty()).map(Box::from).collect();
            words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            return Ok(Kind { scan: Scan::OneOf(words.into()), convert: Convert::Text });
        }
        let (name, argument) = match written.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')')),
            None => (written, None),
        };
        let separator = argument.and_then(|text| text.chars().next()).unwrap_or(',');
        let (scan, convert) = match name {
            "text" | "rest" | "any" | "" => (Scan::Text, Convert::Text),
            "word" => (Scan::Word, Convert::Text),
            "ident" => (Scan::Ident, Convert::Text),
            "level" => (Scan::Level, Convert::Text),
            "like" => (Scan::Like(argument.unwrap_or("*").into()), Convert::Text),
            "int" => (Scan::Int, Convert::Int),
            "float" => (Scan::Float, Convert::Float),
            "bool" => (Scan::Word, Convert::Bool),
            "hex" => (Scan::Hex, Convert::Text),
            "ip" => (Scan::Ip, Convert::Ip),
            "host" => (Scan::Host, Convert::Text),
            "quoted" => (Scan::Quoted, Convert::Text),
            "path" => (Scan::Path, Convert::Text),
            "mac" => (Scan::Mac, Convert::Text),
            "uuid" => (Scan::Uuid, Convert::Text),
            "space" => (Scan::Space, Convert::Text),
            "lower" => (Scan::Text, Convert::Lower),
            "upper" => (Scan::Text, Convert::Upper),
            "unhex" => (Scan::Word, Convert::Unhex),
            "endpoint" => (Scan::Word, Convert::Endpoint),
            "request" => (Scan::Text, Convert::Request),
            "kv" => (Scan::Text, Convert::Pairs),
            "labels" => (Scan::Text, Convert::Labels),
            "json" => (Scan::Text, Convert::Json),
            "tags" => (Scan::Text, Convert::Tags),
            "csv" => (Scan::Text, Convert::Csv(separator)),
            "tsv" => (Scan::Text, Convert::Csv('\t')),
            "line" => (Scan::Text, Convert::Line),
            "list" => (Scan::Text, Convert::List(separator)),
            "time" => {
                let format = argument.map(time_format).transpose()?;
                (Scan::Time(argument.map(Box::from)), Convert::Time(format))
            }
            _ => return Err(PackError::UnknownKind(name.to_owned())),
        };
        Ok(Kind { scan, convert })
    }

    /// Returns the type of a capture that names none: what ECS says the field holds.
    pub(in crate::parse::pack) fn of_field(name: &str) -> Kind {
        let (scan, convert) = match Field::from_name(name).map(Field::kind) {
            Some(ecs::Kind::Ip) => (Scan::Ip, Convert::Ip),
            Some(ecs::Kind::Long) => (Scan::Int, Convert::Int),
            Some(ecs::Kind::Float) => (Scan::Float, Convert::Float),
            Some(ecs::Kind::Boolean) => (Scan::Word, Convert::Bool),
            Some(ecs::Kind::Date) => (Scan::Time(None), Convert::Time(None)),
            Some(ecs::Kind::Keyword | ecs::Kind::Text) | None => (Scan::Text, Convert::Text),
        };
        Kind { scan, convert }
    }

    /// Returns the name under which errors speak of an open type.
    pub(in crate::parse::pack) fn open_name(&self) -> &'static str {
        match self.scan {
            Scan::Path => "path",
            Scan::Host => "host",
            Scan::Like(_) | Scan::Word => "word",
            _ => "text",
        }
    }
}

fn time_format(written: &str) -> Result<TimeFormat, PackError> {
    TimeFormat::compile(written)
        .map_err(|source| PackError::BadTimeFormat { written: written.to_owned(), reason: source.to_string() })
}
