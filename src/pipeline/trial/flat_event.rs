//! An event from one line of JSON: a flat ECS event, or an event in Sigma's taxonomy with its log source beside it.

use std::borrow::Cow;

use anyhow::Context as _;
use anyhow::bail;
use serde_json::Value as Json;

use crate::model::Event;
use crate::model::LogSource;
use crate::model::Name;
use crate::model::Timestamp;
use crate::model::Value;

/// Levels of nested objects that are flattened; deeper ones are kept as their JSON text.
const DEPTH_MAX: usize = 16;

/// An event and whether its log source is known.
#[derive(Debug)]
pub struct FlatEvent {
    pub event: Event<'static>,
    pub logsource_known: bool,
}

/// Reads one line.
///
/// # Errors
/// When it is not a JSON object, or its log source is malformed.
pub fn read(line: &str) -> anyhow::Result<FlatEvent> {
    let Json::Object(mut object) = serde_json::from_str(line).context("not JSON")? else {
        bail!("not a JSON object");
    };
    let in_envelope = matches!(object.get("event"), Some(Json::Object(_)));
    let logsource = match object.remove("logsource") {
        Some(logsource) if in_envelope => {
            let logsource: LogSource = serde_json::from_value(logsource).context("`logsource`")?;
            if let Some(Json::Object(inner)) = object.remove("event") {
                object = inner;
            }
            Some(logsource)
        }
        other => {
            object.extend(other.map(|other| ("logsource".to_owned(), other)));
            None
        }
    };
    let mut event = Event::new("", Timestamp(0));
    for (name, value) in object {
        flatten(&mut event, name, value, 0);
    }
    let logsource_known = logsource.is_some();
    if let Some(logsource) = logsource {
        event.logsource = Cow::Owned(logsource);
    }
    Ok(FlatEvent { event, logsource_known })
}

fn flatten(event: &mut Event<'static>, name: String, value: Json, depth: usize) {
    match value {
        Json::Object(object) if depth < DEPTH_MAX => {
            for (key, value) in object {
                flatten(event, format!("{name}.{key}"), value, depth + 1);
            }
        }
        value => event.push(Name::new(name), scalar(value)),
    }
}

fn scalar(value: Json) -> Value<'static> {
    match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::Float(number),
            (None, None) => Value::from(number.to_string()),
        },
        Json::String(text) => Value::from(text),
        Json::Array(items) => Value::List(items.into_iter().map(scalar).collect()),
        object @ Json::Object(_) => Value::from(object.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let flat = read(r#"{"source.ip": "10.0.0.1", "user": {"name": "an"}, "event": {"code": 7}}"#).expect("read");
        assert!(!flat.logsource_known);
        assert_eq!(flat.event.get_by_name("user.name"), Some(&Value::from("an")));
        assert_eq!(flat.event.get_by_name("event.code"), Some(&Value::Int(7)));
        let line =
            r#"{"logsource": {"product": "windows", "service": ["sysmon"]}, "event": {"EventID": 1, "x": [1, null]}}"#;
        let sigma = read(line).expect("read");
        assert_eq!(sigma.event.logsource.product.as_deref(), Some("windows"));
        assert_eq!(sigma.event.get_by_name("x"), Some(&Value::List(vec![Value::Int(1), Value::Null])));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for line in ["", "[]", "1", r#"{"logsource": {"wrong": 1}, "event": {}}"#] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
