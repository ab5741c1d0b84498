//! Events of a file, in the form each engine takes: `{"logsource": …, "event": {flat fields}}`, one a line.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use anyhow::Context as _;
use longan::model::Event;
use longan::model::LogSource;
use longan::model::Name;
use longan::model::Timestamp;
use longan::model::Value;
use serde_json::Value as Json;

/// One event, read once for each engine before anything is timed.
#[derive(Debug)]
pub struct Sample {
    /// The texts of all values, back to back, as they stand in a line.
    texts: String,
    fields: Vec<(Name<'static>, Cell)>,
    pub logsource: &'static LogSource,
    pub json: Json,
    /// The peer takes one service and one category: an event of several is asked about with each.
    pub peer_sources: Vec<rsigma_parser::LogSource>,
}

/// A value: a part of the event's texts, or what is no text.
#[derive(Debug)]
enum Cell {
    Text(Range<usize>),
    Other(Value<'static>),
}

impl Sample {
    /// Makes the event as a parser hands it over: texts borrowed from one line, names and log source the program's own.
    fn event<'l>(&self, line: &'l str) -> Event<'l> {
        let mut event = Event::new("", Timestamp(0));
        event.fields.reserve_exact(self.fields.len());
        for (name, cell) in &self.fields {
            let value = match cell {
                Cell::Text(range) => Value::from(&line[range.clone()]),
                Cell::Other(value) => value.clone(),
            };
            event.push(name.clone(), value);
        }
        event.logsource = Cow::Borrowed(self.logsource);
        event
    }
}

/// A few events at a time, their texts copied to where a parser would just have read them.
#[derive(Debug, Default)]
pub struct Batch {
    lines: String,
}

impl Batch {
    /// Makes the events of samples anew.
    pub fn events(&mut self, samples: &[Sample]) -> Vec<Event<'_>> {
        self.lines.clear();
        samples.iter().for_each(|sample| self.lines.push_str(&sample.texts));
        let mut rest = self.lines.as_str();
        let mut events = Vec::with_capacity(samples.len());
        for sample in samples {
            let (line, after) = rest.split_at(sample.texts.len());
            events.push(sample.event(line));
            rest = after;
        }
        events
    }
}

/// What many events share: names and log sources, each once.
#[derive(Debug, Default)]
pub struct Shared {
    names: HashSet<&'static str>,
    logsources: HashSet<&'static LogSource>,
}

impl Shared {
    fn name(&mut self, name: String) -> Name<'static> {
        let kept = self.names.get(name.as_str()).copied().unwrap_or_else(|| {
            let kept: &'static str = name.leak();
            self.names.insert(kept);
            kept
        });
        Name::new(kept)
    }

    fn logsource(&mut self, logsource: LogSource) -> &'static LogSource {
        self.logsources.get(&logsource).copied().unwrap_or_else(|| {
            let kept: &'static LogSource = Box::leak(Box::new(logsource));
            self.logsources.insert(kept);
            kept
        })
    }
}

/// Reads a file of events.
///
/// # Errors
/// When it cannot be read, or a line is not such an event.
pub fn read(path: &Path) -> anyhow::Result<Vec<Sample>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("no such events file `{}`", path.display()))?;
    let mut shared = Shared::default();
    let numbered = text.lines().enumerate();
    numbered
        .map(|(number, line)| {
            let json: Json = serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
            sample(json, &mut shared).with_context(|| format!("line {}", number + 1))
        })
        .collect()
}

/// Turns one envelope into what the engines take.
///
/// # Errors
/// When it is not `{"logsource": …, "event": {…}}`.
pub fn sample(mut envelope: Json, shared: &mut Shared) -> anyhow::Result<Sample> {
    let logsource: LogSource = serde_json::from_value(envelope["logsource"].take()).context("`logsource`")?;
    let json = envelope["event"].take();
    let object = json.as_object().context("`event` is not an object")?;
    let (mut texts, mut fields) = (String::new(), Vec::with_capacity(object.len()));
    for (name, value) in object {
        flatten(name.clone(), value, &mut |name, value| {
            let cell = match value.as_str() {
                Some(text) => {
                    let start = texts.len();
                    texts.push_str(text);
                    Cell::Text(start..texts.len())
                }
                None => Cell::Other(value),
            };
            fields.push((shared.name(name), cell));
        });
    }
    let peer_sources = peer_sources(&logsource);
    Ok(Sample { texts, fields, logsource: shared.logsource(logsource), json, peer_sources })
}

fn flatten(name: String, value: &Json, push: &mut impl FnMut(String, Value<'static>)) {
    match value {
        Json::Object(object) => {
            object.iter().for_each(|(key, value)| flatten(format!("{name}.{key}"), value, push));
        }
        value => push(name, scalar(value)),
    }
}

fn scalar(value: &Json) -> Value<'static> {
    match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::Float(number),
            (None, None) => Value::from(number.to_string()),
        },
        Json::String(text) => Value::from(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(scalar).collect()),
        object @ Json::Object(_) => Value::from(object.to_string()),
    }
}

fn peer_sources(logsource: &LogSource) -> Vec<rsigma_parser::LogSource> {
    let service = logsource.service.first().cloned();
    let of = |category: Option<String>| rsigma_parser::LogSource {
        product: logsource.product.clone(),
        service: service.clone(),
        category,
        ..rsigma_parser::LogSource::default()
    };
    if logsource.category.is_empty() {
        return vec![of(None)];
    }
    logsource.category.iter().map(|category| of(Some(category.clone()))).collect()
}
