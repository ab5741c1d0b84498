//! Events of a file, in the form each engine takes: `{"logsource": …, "event": {flat fields}}`, one a line.

use std::borrow::Cow;
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
    pub ours: Event<'static>,
    pub json: Json,
    /// The peer takes one service and one category: an event of several is asked about with each.
    pub peer_sources: Vec<rsigma_parser::LogSource>,
}

/// Reads a file of events.
///
/// # Errors
/// When it cannot be read, or a line is not such an event.
pub fn read(path: &Path) -> anyhow::Result<Vec<Sample>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("no such events file `{}`", path.display()))?;
    let numbered = text.lines().enumerate();
    numbered
        .map(|(number, line)| {
            let json: Json = serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
            sample(json).with_context(|| format!("line {}", number + 1))
        })
        .collect()
}

/// Turns one envelope into what the engines take.
///
/// # Errors
/// When it is not `{"logsource": …, "event": {…}}`.
pub fn sample(mut envelope: Json) -> anyhow::Result<Sample> {
    let logsource: LogSource = serde_json::from_value(envelope["logsource"].take()).context("`logsource`")?;
    let json = envelope["event"].take();
    let fields = json.as_object().context("`event` is not an object")?;
    let mut ours = Event::new("", Timestamp(0));
    ours.fields.reserve(fields.len());
    for (name, value) in fields {
        flatten(&mut ours, name.clone(), value);
    }
    let peer_sources = peer_sources(&logsource);
    ours.logsource = Cow::Owned(logsource);
    Ok(Sample { ours, json, peer_sources })
}

fn flatten(event: &mut Event<'static>, name: String, value: &Json) {
    match value {
        Json::Object(object) => {
            object.iter().for_each(|(key, value)| flatten(event, format!("{name}.{key}"), value));
        }
        value => event.push(Name::new(name), scalar(value)),
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
