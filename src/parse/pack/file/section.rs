//! One table of a pack file, read key by key; whatever is wrong is noted with its place, and reading goes on.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::diag::Located;
use crate::diag::closest;
use crate::model::LogSource;
use crate::model::Name;
use crate::model::Value;
use crate::parse::pack::error::PackError;
use crate::parse::pack::error::Problems;

/// The file being read and what was found wrong with it so far.
pub(super) struct File<'f> {
    pub(super) path: &'f Path,
    pub(super) text: &'f str,
    pub(super) problems: RefCell<Problems>,
}

impl File<'_> {
    pub(super) fn problem(&self, offset: usize, error: PackError) {
        self.problems.borrow_mut().push(Located::at_offset(self.path, self.text, offset, error));
    }

    pub(super) fn problem_with_hint(&self, offset: usize, error: PackError, hint: String) {
        let located = Located::at_offset(self.path, self.text, offset, error).with_hint(hint);
        self.problems.borrow_mut().push(located);
    }

    fn wrong_type(&self, key: &str, wanted: &'static str, value: &Spanned<DeValue<'_>>) {
        let error = PackError::WrongType { key: key.to_owned(), wanted, found: value.get_ref().type_str() };
        self.problem(value.span().start, error);
    }
}

/// A table with the name by which errors speak of it.
#[derive(Clone, Copy)]
pub(super) struct Section<'s> {
    pub(super) file: &'s File<'s>,
    pub(super) table: &'s DeTable<'s>,
    pub(super) name: &'static str,
    pub(super) span_start: usize,
}

/// A string of the file and where it stands, quotes included.
pub(super) struct Written {
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

impl<'s> Section<'s> {
    /// Reports the keys that are none of those the table may have.
    pub(super) fn only(self, known: &[&'static str]) -> Self {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let error = PackError::UnknownKey { key: name.to_owned(), table: self.name };
                match closest(name, known.iter().copied()) {
                    Some(near) => {
                        self.file.problem_with_hint(key.span().start, error, format!("did you mean `{near}`?"));
                    }
                    None => {
                        let hint = format!("{} may have: {}", self.name, known.join(", "));
                        self.file.problem_with_hint(key.span().start, error, hint);
                    }
                }
            }
        }
        self
    }

    pub(super) fn value(&self, key: &str) -> Option<&'s Spanned<DeValue<'s>>> {
        self.table.get(key)
    }

    pub(super) fn written(&self, key: &'static str) -> Option<Written> {
        let value = self.value(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Written { text: text.to_owned(), span: value.span() }),
            None => {
                self.file.wrong_type(key, "a string", value);
                None
            }
        }
    }

    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.written(key).map(|written| written.text)
    }

    pub(super) fn required(&self, key: &'static str) -> Option<Written> {
        if self.value(key).is_none() {
            self.file.problem(self.span_start, PackError::MissingKey { key, table: self.name });
        }
        self.written(key)
    }

    pub(super) fn truth(&self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.value(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.file.wrong_type(key, "true or false", value);
            default
        })
    }

    /// Reads one string or a list of them.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let Some(value) = self.value(key) else { return Vec::new() };
        texts_of(self.file, key, value)
    }

    /// Goes through the entries of a table within this one.
    pub(super) fn entries(&self, key: &'static str) -> Vec<(&'s str, &'s Spanned<DeValue<'s>>, usize)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.file.wrong_type(key, "a table", value);
            return Vec::new();
        };
        table.iter().map(|(name, value)| (name.get_ref().as_ref(), value, name.span().start)).collect()
    }

    /// Goes through an array of tables.
    pub(super) fn sections(&self, key: &'static str, name: &'static str) -> Vec<Section<'s>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let section = |value: &'s Spanned<DeValue<'s>>| match value.get_ref().as_table() {
            Some(table) => Some(Section { file: self.file, table, name, span_start: value.span().start }),
            None => {
                self.file.wrong_type(key, "a table", value);
                None
            }
        };
        match value.get_ref().as_array() {
            Some(array) => array.iter().filter_map(section).collect(),
            None => section(value).into_iter().collect(),
        }
    }

    /// Reads a table of fields and the values they get.
    pub(super) fn fields(&self, key: &'static str) -> Vec<(Name<'static>, Value<'static>)> {
        let entries = self.entries(key);
        entries
            .into_iter()
            .filter_map(|(name, value, _)| Some((owned(name), value_of(self.file, name, value)?)))
            .collect()
    }

    pub(super) fn names(&self, key: &str) -> Vec<Name<'static>> {
        self.texts(key).into_iter().map(Name::new).collect()
    }

    pub(super) fn logsource(&self) -> LogSource {
        let Some(section) = self.sections("logsource", "`logsource`").into_iter().next() else {
            return LogSource::default();
        };
        section.only(&["product", "service", "category"]);
        LogSource {
            product: section.text("product"),
            service: section.texts("service"),
            category: section.texts("category"),
        }
    }
}

/// Reads one string or a list of them.
pub(super) fn texts_of(file: &File<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Vec<String> {
    let one = |value: &Spanned<DeValue<'_>>| match value_of(file, key, value) {
        Some(Value::List(_)) | None => None,
        Some(scalar) => Some(scalar.to_text().into_owned()),
    };
    match value.get_ref().as_array() {
        Some(array) => array.iter().filter_map(one).collect(),
        None => one(value).into_iter().collect(),
    }
}

/// Reads a value of a field; a list of one is that one, so that nothing is allocated for it on every line.
pub(super) fn value_of(file: &File<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Value<'static>> {
    let read = match value.get_ref() {
        DeValue::String(text) => Some(Value::from(text.to_string())),
        DeValue::Boolean(truth) => Some(Value::Bool(*truth)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Int),
        DeValue::Float(number) => number.as_str().parse().ok().map(Value::Float),
        DeValue::Datetime(time) => Some(Value::from(time.to_string())),
        DeValue::Array(items) => {
            let mut items: Vec<Value<'static>> = items.iter().filter_map(|item| value_of(file, key, item)).collect();
            if items.len() == 1 { items.pop() } else { Some(Value::List(items)) }
        }
        DeValue::Table(_) => None,
    };
    if read.is_none() {
        file.wrong_type(key, "a string, number, truth value or list", value);
    }
    read
}

pub(super) fn owned(name: &str) -> Name<'static> {
    Name::new(name.to_owned())
}
