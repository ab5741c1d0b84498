//! The tables of a pack file, each into its part of a [`PackFile`].

use std::cell::RefCell;
use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::diag::closest;
use crate::diag::position_of;
use crate::model::LogSource;
use crate::model::Name;
use crate::model::Value;
use crate::parse::pack::error::PackError;
use crate::parse::pack::error::Problems;
use crate::parse::pack::file::Condition;
use crate::parse::pack::file::PackFile;
use crate::parse::pack::file::Pattern;
use crate::parse::pack::file::READ_WORDS;
use crate::parse::pack::file::Read;
use crate::parse::pack::file::Recognise;
use crate::parse::pack::file::Sample;
use crate::parse::pack::file::TimeSource;
use crate::parse::pack::file::ValueMap;
use crate::parse::pack::file::When;
use crate::parse::pack::file::section::File;
use crate::parse::pack::file::section::Section;
use crate::parse::pack::file::section::Written;
use crate::parse::pack::file::section::owned;
use crate::parse::pack::file::section::texts_of;
use crate::parse::pack::file::section::value_of;
use crate::parse::pack::pattern;
use crate::parse::pack::pattern::KIND_NAMES;
use crate::parse::pack::pattern::Target;

const TOP_KEYS: [&str; 22] = [
    "name",
    "title",
    "logsource",
    "read",
    "recognise",
    "fields",
    "remove",
    "absent",
    "prefix",
    "keep_unmapped",
    "inherit",
    "fallback",
    "must_match",
    "bare_messages",
    "structured_data",
    "map",
    "time",
    "values",
    "when",
    "pattern",
    "sample",
    "notes",
];

/// Reads a pack file's text; `None` when anything is wrong with it.
pub(in crate::parse::pack) fn read(path: &Path, text: &str) -> (Option<PackFile>, Problems) {
    let file = File { path, text, problems: RefCell::new(Vec::new()) };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let offset = error.span().map_or(0, |span| span.start);
        file.problem(offset, PackError::Syntax(error.message().to_owned()));
    }
    if !file.problems.borrow().is_empty() {
        return (None, file.problems.into_inner());
    }
    let top = Section { file: &file, table: root.get_ref(), name: "a pack", span_start: 0 };
    let pack = read_top(top);
    let problems = file.problems.take();
    (pack.filter(|_| problems.is_empty()), problems)
}

fn read_top(top: Section<'_>) -> Option<PackFile> {
    let top = top.only(&TOP_KEYS);
    let name = top.required("name");
    let title = top.required("title");
    let logsource = top.logsource();
    let pack = PackFile {
        name: name.as_ref().map(|name| name.text.clone()).unwrap_or_default(),
        title: title.map(|title| title.text).unwrap_or_default(),
        read: read_words(top),
        recognise: top.sections("recognise", "`[[recognise]]`").into_iter().map(recognise).collect(),
        fields: top.fields("fields"),
        remove: top.names("remove"),
        absent: top.texts("absent"),
        prefix: top.text("prefix").unwrap_or_default(),
        keep_unmapped: top.truth("keep_unmapped", true),
        inherit: top.truth("inherit", true),
        fallback: top.truth("fallback", false),
        must_match: top.truth("must_match", false),
        bare_messages: top.truth("bare_messages", false),
        structured_data: top.truth("structured_data", false),
        map: map(top),
        time: time_source(top),
        values: values(top),
        when: top.sections("when", "`[[when]]`").into_iter().map(|section| when(section, &logsource)).collect(),
        patterns: top
            .sections("pattern", "`[[pattern]]`")
            .into_iter()
            .filter_map(|section| pattern_of(section, &logsource))
            .collect(),
        samples: top.sections("sample", "`[[sample]]`").into_iter().filter_map(sample).collect(),
        logsource,
    };
    check_name(top, name.as_ref());
    let recognisable = pack.fallback || !pack.recognise.is_empty();
    if !recognisable {
        let hint = "add a `[[recognise]]` table with `app_name`, `prefix`, `contains`, `keys`, `equals` or `by_pattern = true`";
        top.file.problem_with_hint(0, PackError::Unrecognisable, hint.to_owned());
    }
    Some(pack)
}

/// A pack is found, replaced and spoken of by its name, so its file has the same.
fn check_name(top: Section<'_>, name: Option<&Written>) {
    let Some(name) = name else { return };
    let file = top.file.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if file != name.text {
        top.file.problem(name.span.start, PackError::WrongName { name: name.text.clone(), file });
    }
}

fn read_words(top: Section<'_>) -> Vec<Read> {
    let words = top.texts("read");
    let offset = top.value("read").map_or(0, |value| value.span().start);
    let read: Vec<Read> = words.iter().map(|word| read_word(top, word, offset)).collect();
    if read.is_empty() { vec![Read::Text] } else { read }
}

fn read_word(top: Section<'_>, written: &str, offset: usize) -> Read {
    let found = READ_WORDS.iter().find(|(word, _)| *word == written);
    found.map(|(_, read)| *read).unwrap_or_else(|| {
        let words = READ_WORDS.map(|(word, _)| word);
        let hint = match closest(written, words) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of {}", words.join(", ")),
        };
        let error = PackError::UnknownWord { key: "read", value: written.to_owned() };
        top.file.problem_with_hint(offset, error, hint);
        Read::Text
    })
}

fn recognise(section: Section<'_>) -> Recognise {
    let section = section.only(&["app_name", "prefix", "contains", "keys", "equals", "by_pattern"]);
    let equals = section.entries("equals").into_iter();
    let read = Recognise {
        app_name: section.texts("app_name"),
        prefix: section.texts("prefix"),
        contains: section.texts("contains"),
        keys: section.texts("keys"),
        equals: equals.map(|(key, value, _)| (key.to_owned(), texts_of(section.file, key, value))).collect(),
        by_pattern: section.truth("by_pattern", false),
    };
    let says_nothing = read.app_name.is_empty()
        && read.prefix.is_empty()
        && read.contains.is_empty()
        && read.keys.is_empty()
        && read.equals.is_empty()
        && !read.by_pattern;
    if says_nothing {
        section.file.problem(section.span_start, PackError::Unrecognisable);
    }
    read
}

/// Reads one target as written, reporting what is wrong with it.
fn target(file: &File<'_>, offset: usize, written: &str) -> Option<Target> {
    match pattern::target(written) {
        Ok((_, target)) => Some(target),
        Err(error) => {
            report_kind(file, offset, error);
            None
        }
    }
}

fn report_kind(file: &File<'_>, offset: usize, error: PackError) {
    match &error {
        PackError::UnknownKind(kind) => {
            let hint = match closest(kind, KIND_NAMES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}", KIND_NAMES.join(", ")),
            };
            file.problem_with_hint(offset, error, hint);
        }
        PackError::Unopened { .. } => {
            file.problem_with_hint(offset, error, "write `}}` for a brace that stands in the line".to_owned());
        }
        PackError::BadFieldName { .. } => {
            let hint = "letters, digits and dots, as `source.ip`; several with commas; a `}` may be missing before it";
            file.problem_with_hint(offset, error, hint.to_owned());
        }
        PackError::Unclosed { .. } => {
            let hint = "close it with `}` behind the name of the field; write `{{` for a brace that stands in the line";
            file.problem_with_hint(offset, error, hint.to_owned());
        }
        _ => file.problem(offset, error),
    }
}

fn map(top: Section<'_>) -> Vec<(String, Vec<Target>)> {
    let mut map = Vec::new();
    for (key, value, _) in top.entries("map") {
        let written = texts_of(top.file, key, value);
        let targets = written.iter().filter_map(|text| target(top.file, value.span().start, text)).collect();
        map.push((key.to_owned(), targets));
    }
    map
}

fn time_source(top: Section<'_>) -> Option<TimeSource> {
    let section = top.sections("time", "`[time]`").into_iter().next()?.only(&["from", "format", "field"]);
    let field = section.text("field").unwrap_or_else(|| "@timestamp".to_owned());
    let written = match section.written("format") {
        Some(format) => format!("{field}:time({})", format.text),
        None => format!("{field}:time"),
    };
    let target = target(section.file, section.span_start, &written)?;
    Some(TimeSource { from: section.texts("from"), target })
}

fn values(top: Section<'_>) -> Vec<ValueMap> {
    let mut maps = Vec::new();
    for (field, table, _) in top.entries("values") {
        let Some(entries) = table.get_ref().as_table() else {
            let error =
                PackError::WrongType { key: field.to_owned(), wanted: "a table", found: table.get_ref().type_str() };
            top.file.problem(table.span().start, error);
            continue;
        };
        let mut map = ValueMap { field: owned(field), entries: Vec::new(), otherwise: None };
        for (from, to) in entries {
            let Some(to) = value_of(top.file, from.get_ref(), to) else { continue };
            match from.get_ref().as_ref() {
                "*" => map.otherwise = Some(to),
                word => map.entries.push((word.to_ascii_lowercase(), to)),
            }
        }
        map.entries.sort_by(|a, b| a.0.cmp(&b.0));
        maps.push(map);
    }
    maps
}

fn when(section: Section<'_>, base: &LogSource) -> When {
    let section = section.only(&["if", "set", "copy", "remove", "logsource"]);
    let condition = |key: &str, value: &Spanned<DeValue<'_>>| match value.get_ref().as_bool() {
        Some(present) => Condition::Present(present),
        None => Condition::OneOf(texts_of(section.file, key, value)),
    };
    let copied = section.entries("copy").into_iter();
    let asked = section.entries("if").into_iter();
    let conditions: Vec<(Name<'static>, Condition)> =
        asked.map(|(key, value, _)| (owned(key), condition(key, value))).collect();
    When {
        needs: conditions.iter().find_map(|asked| match asked {
            (_, Condition::Present(false)) => None,
            (Name::Known(field), _) => Some(*field),
            (Name::Other(_), _) => None,
        }),
        conditions,
        set: section.fields("set"),
        copy: copied
            .flat_map(|(from, value, _)| {
                texts_of(section.file, from, value).into_iter().map(move |to| (owned(from), owned(&to)))
            })
            .collect(),
        remove: section.names("remove"),
        logsource: merge(base, section.logsource()),
    }
}

/// Adds what a pattern or condition says of the log source to what the pack says.
fn merge(base: &LogSource, more: LogSource) -> LogSource {
    let mut merged = base.clone();
    if more.product.is_some() {
        merged.product = more.product;
    }
    for service in more.service {
        if !merged.service.contains(&service) {
            merged.service.push(service);
        }
    }
    for category in more.category {
        if !merged.category.contains(&category) {
            merged.category.push(category);
        }
    }
    merged
}

fn pattern_of(section: Section<'_>, base: &LogSource) -> Option<Pattern> {
    let section = section.only(&["text", "in", "fields", "logsource", "columns", "notes"]);
    let fields = section.fields("fields");
    let logsource = merge(base, section.logsource());
    let within = section.text("in").map(|name| owned(&name));
    let columns = section.texts("columns");
    let columns = columns
        .iter()
        .map(|column| if column.is_empty() { None } else { target(section.file, section.span_start, column) })
        .collect();
    let written = section.required("text")?;
    match pattern::parse(&written.text) {
        Ok(variants) => Some(Pattern {
            text: written.text,
            variants,
            within,
            fields,
            logsource,
            columns,
            offset: written.span.start,
        }),
        Err(problem) => {
            // Past the opening quote; escapes before the place would shift it, which literal strings do not have.
            report_kind(section.file, written.span.start + 1 + problem.offset, problem.error);
            None
        }
    }
}

fn sample(section: Section<'_>) -> Option<Sample> {
    let section = section.only(&["line", "expect", "absent", "never", "read_by", "received", "notes"]);
    let expect = section.entries("expect").into_iter();
    Some(Sample {
        expect: expect
            .filter_map(|(key, value, _)| Some((key.to_owned(), value_of(section.file, key, value)?)))
            .collect::<Vec<(String, Value<'static>)>>(),
        absent: section.texts("absent"),
        never: section.truth("never", false),
        read_by: section.text("read_by"),
        received: section.text("received"),
        position: position_of(section.file.text, section.span_start),
        line: section.required("line")?.text,
    })
}
