//! Log records of OpenTelemetry: `POST /v1/logs`, as protobuf or JSON.
//!
//! A record alone does not say whose it is, so each becomes one JSON object with its resource and scope beside it, in the names of
//! OTLP's own JSON; attributes become plain objects. The answer of success comes after the sync; what else is answered makes a
//! collector keep the batch and send it again.

mod proto;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use prost::Message as _;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::ingest::http::Shared;
use crate::ingest::http::body::Payload;
use crate::ingest::http::problem;
use crate::ingest::http::submit::Documents;

const PROTOBUF: &str = "application/x-protobuf";
/// Resource and scope stand beside each record of a request, which may make much of little; all of it is at most so long.
const UNPACKED_BYTES_MAX: usize = 64 << 20;

/// Why a request was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotTaken {
    #[error("the body is no ExportLogsServiceRequest")]
    Unreadable,
    #[error(
        "with their resource beside each, the records are over {} MiB: send smaller batches",
        UNPACKED_BYTES_MAX >> 20
    )]
    TooLong,
}

/// The records of one request as the events they become.
#[derive(Debug, Default)]
struct Records {
    texts: Vec<Bytes>,
    bytes: usize,
}

impl Records {
    fn add(
        &mut self,
        record: Map<String, Value>,
        scope: &Map<String, Value>,
        resource: &Map<String, Value>,
    ) -> Result<(), NotTaken> {
        let text = whole(record, scope, resource).to_string();
        self.bytes += text.len();
        if self.bytes > UNPACKED_BYTES_MAX {
            return Err(NotTaken::TooLong);
        }
        self.texts.push(Bytes::from(text));
        Ok(())
    }
}

/// Reads the body of a request into one JSON object for each record.
///
/// # Errors
/// [`NotTaken`]; then none of its records is handed out.
pub fn records(body: &Bytes, is_protobuf: bool) -> Result<Vec<Bytes>, NotTaken> {
    if is_protobuf { of_protobuf(body) } else { of_json(body) }
}

/// `POST /v1/logs`.
pub(super) async fn logs(State(shared): State<Arc<Shared>>, headers: HeaderMap, payload: Payload) -> Response {
    let content = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content = content.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let records = match content.as_str() {
        PROTOBUF => records(&payload.bytes, true),
        "application/json" => records(&payload.bytes, false),
        _ => {
            let reason = "content-type must be application/x-protobuf or application/json";
            return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason);
        }
    };
    let records = match records {
        Ok(records) => records,
        Err(reason) => {
            shared.account.framing_errors.increment();
            let status = match reason {
                NotTaken::Unreadable => StatusCode::BAD_REQUEST,
                NotTaken::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            };
            return problem(status, &reason.to_string());
        }
    };
    let mut documents = Documents::new(&shared, payload.sender);
    for record in records {
        documents.add(&shared, record);
    }
    match documents.store(&shared).await {
        Err(answer) => answer,
        // An empty ExportLogsServiceResponse: everything was taken.
        Ok(()) if content == PROTOBUF => ([(CONTENT_TYPE, PROTOBUF)], Bytes::new()).into_response(),
        Ok(()) => Json(json!({})).into_response(),
    }
}

fn of_protobuf(body: &Bytes) -> Result<Vec<Bytes>, NotTaken> {
    let request = proto::Request::decode(body.clone()).map_err(|_| NotTaken::Unreadable)?;
    let mut records = Records::default();
    for group in request.resource_logs {
        let resource = group.resource.map(|resource| attributes(resource.attributes)).unwrap_or_default();
        for scope_logs in group.scope_logs {
            let scope = scope_logs.scope.map(scope_of).unwrap_or_default();
            for record in scope_logs.log_records {
                records.add(record_of(record), &scope, &resource)?;
            }
        }
    }
    Ok(records.texts)
}

fn record_of(record: proto::LogRecord) -> Map<String, Value> {
    let mut members = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    let nanos = |nanos: u64| (nanos > 0).then(|| Value::from(nanos.to_string()));
    let text = |text: String| (!text.is_empty()).then(|| Value::from(text));
    set("timeUnixNano", nanos(record.time_unix_nano));
    set("observedTimeUnixNano", nanos(record.observed_time_unix_nano));
    set("severityNumber", (record.severity_number != 0).then(|| record.severity_number.into()));
    set("severityText", text(record.severity_text));
    set("eventName", text(record.event_name));
    set("body", record.body.map(plain));
    set("attributes", Some(attributes(record.attributes)).filter(|all| !all.is_empty()).map(Value::Object));
    set("traceId", text(hex(&record.trace_id)));
    set("spanId", text(hex(&record.span_id)));
    members
}

fn scope_of(scope: proto::Scope) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, value) in [("name", scope.name), ("version", scope.version)] {
        if !value.is_empty() {
            members.insert(name.to_owned(), value.into());
        }
    }
    members
}

fn attributes(pairs: Vec<proto::KeyValue>) -> Map<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, pair.value.map_or(Value::Null, plain))).collect()
}

/// Decoding has bounded how deep a value goes.
fn plain(value: proto::AnyValue) -> Value {
    use proto::any_value::Kind::*;
    match value.kind {
        None => Value::Null,
        Some(Text(text)) => text.into(),
        Some(Truth(truth)) => truth.into(),
        Some(Whole(number)) => number.into(),
        Some(Number(number)) => number.into(),
        Some(Array(array)) => array.values.into_iter().map(plain).collect(),
        Some(Pairs(pairs)) => Value::Object(attributes(pairs.values)),
        Some(Binary(bytes)) => BASE64_STANDARD.encode(bytes).into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_json(body: &Bytes) -> Result<Vec<Bytes>, NotTaken> {
    let request: Value = serde_json::from_slice(body).map_err(|_| NotTaken::Unreadable)?;
    let mut records = Records::default();
    for group in list(&request, "resourceLogs")? {
        let resource = group.get("resource").map(attributes_of_json).unwrap_or_default();
        for scope_logs in list(group, "scopeLogs")? {
            let mut scope = scope_logs.get("scope").and_then(Value::as_object).cloned().unwrap_or_default();
            scope.retain(|name, _| matches!(name.as_str(), "name" | "version"));
            for record in list(scope_logs, "logRecords")? {
                let mut members = record.as_object().ok_or(NotTaken::Unreadable)?.clone();
                if let Some(body) = members.get_mut("body") {
                    *body = plain_of_json(body);
                }
                if members.contains_key("attributes") {
                    members.insert("attributes".to_owned(), Value::Object(attributes_of_json(record)));
                }
                records.add(members, &scope, &resource)?;
            }
        }
    }
    Ok(records.texts)
}

/// A list of an object that may be absent, and must be a list when it is there.
fn list<'a>(holder: &'a Value, name: &str) -> Result<&'a [Value], NotTaken> {
    match holder.as_object().ok_or(NotTaken::Unreadable)?.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(value) => value.as_array().map(Vec::as_slice).ok_or(NotTaken::Unreadable),
    }
}

fn attributes_of_json(holder: &Value) -> Map<String, Value> {
    let pairs = holder.get("attributes").and_then(Value::as_array).into_iter().flatten();
    let pair = |pair: &Value| {
        let key = pair.get("key")?.as_str()?.to_owned();
        Some((key, pair.get("value").map_or(Value::Null, plain_of_json)))
    };
    pairs.filter_map(pair).collect()
}

fn plain_of_json(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else { return value.clone() };
    match kind.as_str() {
        "stringValue" | "boolValue" | "doubleValue" | "bytesValue" => inner.clone(),
        // 64-bit numbers are text in protobuf's JSON.
        "intValue" => match inner.as_str().and_then(|text| text.parse::<i64>().ok()) {
            Some(number) => number.into(),
            None => inner.clone(),
        },
        "arrayValue" => {
            inner.get("values").and_then(Value::as_array).into_iter().flatten().map(plain_of_json).collect()
        }
        "kvlistValue" => {
            let holder = json!({"attributes": inner.get("values").cloned().unwrap_or_default()});
            Value::Object(attributes_of_json(&holder))
        }
        _ => value.clone(),
    }
}

fn whole(mut record: Map<String, Value>, scope: &Map<String, Value>, resource: &Map<String, Value>) -> Value {
    for (name, members) in [("scope", scope), ("resource", resource)] {
        if !members.is_empty() {
            record.insert(name.to_owned(), Value::Object(members.clone()));
        }
    }
    Value::Object(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: &str = r#"{"timeUnixNano":"1773455213123456789","severityNumber":17,"severityText":"ERROR","body":"không ký được","attributes":{"http.status":500,"tags":["a",true]},"traceId":"0102","scope":{"name":"ky-so"},"resource":{"service.name":"lgsp"}}"#;

    fn pair(key: &str, kind: proto::any_value::Kind) -> proto::KeyValue {
        proto::KeyValue { key: key.to_owned(), value: Some(proto::AnyValue { kind: Some(kind) }) }
    }

    fn request() -> proto::Request {
        use proto::any_value::Kind;
        let value = |kind| proto::AnyValue { kind: Some(kind) };
        let tags =
            Kind::Array(proto::Array { values: vec![value(Kind::Text("a".to_owned())), value(Kind::Truth(true))] });
        let record = proto::LogRecord {
            time_unix_nano: 1_773_455_213_123_456_789,
            severity_number: 17,
            severity_text: "ERROR".to_owned(),
            body: Some(value(Kind::Text("không ký được".to_owned()))),
            attributes: vec![pair("http.status", Kind::Whole(500)), pair("tags", tags)],
            trace_id: vec![1, 2],
            ..proto::LogRecord::default()
        };
        let scope = proto::Scope { name: "ky-so".to_owned(), ..proto::Scope::default() };
        let scope_logs = vec![proto::ScopeLogs { scope: Some(scope), log_records: vec![record] }];
        let resource = proto::Resource { attributes: vec![pair("service.name", Kind::Text("lgsp".to_owned()))] };
        proto::Request { resource_logs: vec![proto::ResourceLogs { resource: Some(resource), scope_logs }] }
    }

    #[test]
    fn both_forms_give_the_same_event() {
        let protobuf = of_protobuf(&Bytes::from(request().encode_to_vec())).expect("a request");
        assert_eq!(protobuf, [WANTED]);
        let text = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"lgsp"}}]},
            "scopeLogs":[{"scope":{"name":"ky-so"},"logRecords":[{"timeUnixNano":"1773455213123456789","severityNumber":17,
            "severityText":"ERROR","body":{"stringValue":"không ký được"},"attributes":[{"key":"http.status","value":{"intValue":"500"}},
            {"key":"tags","value":{"arrayValue":{"values":[{"stringValue":"a"},{"boolValue":true}]}}}],"traceId":"0102"}]}]}]}"#;
        let json = of_json(&Bytes::from(text)).expect("a request");
        assert_eq!(json, [WANTED]);
    }

    #[test]
    fn foreign_bytes_are_refused_and_never_panic() {
        for text in [
            "",
            "[]",
            "{\"resourceLogs\":{}}",
            "{\"resourceLogs\":[1]}",
            "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[3]}]}]}",
        ] {
            assert_eq!(of_json(&Bytes::from(text)), Err(NotTaken::Unreadable), "{text}");
        }
        assert_eq!(of_json(&Bytes::from("{}")), Ok(Vec::new()));
        let good = request().encode_to_vec();
        for cut in 0..good.len() {
            // Some beginnings are requests of their own.
            drop(of_protobuf(&Bytes::copy_from_slice(&good[..cut])));
        }
        // A value inside a value inside a value …
        let mut deep = proto::AnyValue::default();
        for _ in 0..200 {
            deep = proto::AnyValue { kind: Some(proto::any_value::Kind::Array(proto::Array { values: vec![deep] })) };
        }
        let mut request = request();
        request.resource_logs[0].scope_logs[0].log_records[0].body = Some(deep);
        assert_eq!(of_protobuf(&Bytes::from(request.encode_to_vec())), Err(NotTaken::Unreadable));
    }

    #[test]
    fn a_long_resource_beside_many_records_is_refused() {
        let mut request = request();
        request.resource_logs[0].resource.as_mut().expect("there is one").attributes[0] =
            pair("service.name", proto::any_value::Kind::Text("x".repeat(1 << 20)));
        let scope_logs = &mut request.resource_logs[0].scope_logs[0];
        scope_logs.log_records = vec![proto::LogRecord::default(); 100];
        assert_eq!(of_protobuf(&Bytes::from(request.encode_to_vec())), Err(NotTaken::TooLong));
    }
}
