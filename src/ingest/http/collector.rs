//! The HTTP event collector of Splunk: concatenated JSON objects, each stored whole, so that time, host and fields beside
//! `event` stay with it.
//!
//! What is no object is left out and named by its number in the answer; the objects around it are stored.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use serde_json::json;

use crate::ingest::http::Shared;
use crate::ingest::http::body::Payload;
use crate::ingest::http::submit::Documents;

/// `POST /services/collector/event`.
pub(super) async fn events(State(shared): State<Arc<Shared>>, payload: Payload) -> Response {
    let (objects, first_invalid) = objects(&payload.bytes);
    if objects.is_empty() && first_invalid.is_none() {
        return no_data();
    }
    let mut documents = Documents::new(&shared, payload.sender);
    for object in objects {
        documents.add(&shared, object);
    }
    match (documents.store(&shared).await, first_invalid) {
        (Err(answer), _) => answer,
        (Ok(()), None) => success(),
        (Ok(()), Some(number)) => {
            shared.account.framing_errors.increment();
            let body = json!({"text": "Invalid data format", "code": 6, "invalid-event-number": number});
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    }
}

/// `GET /services/collector/health`.
pub(super) async fn health(State(shared): State<Arc<Shared>>) -> Response {
    match shared.context.intake.refusal() {
        None => Json(json!({"text": "HEC is healthy", "code": 17})).into_response(),
        Some(_) => {
            let body = json!({"text": "HEC is unhealthy, queues are full", "code": 18});
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

pub(super) fn success() -> Response {
    Json(json!({"text": "Success", "code": 0})).into_response()
}

pub(super) fn no_data() -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"text": "No data", "code": 5}))).into_response()
}

/// Cuts a body into its JSON objects; also returns which one, counted from 0, is the first that is none.
///
/// After a broken object reading goes on at the next line that begins with a brace.
pub fn objects(body: &Bytes) -> (Vec<Bytes>, Option<usize>) {
    let mut objects = Vec::new();
    let mut first_invalid = None;
    let mut rest: &[u8] = body;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return (objects, first_invalid);
        }
        let mut stream = Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        let read = stream.next();
        let end = stream.byte_offset();
        let object = rest.get(..end).filter(|object| object.first() == Some(&b'{'));
        match (read, object) {
            (Some(Ok(_)), Some(object)) => {
                objects.push(body.slice_ref(object));
                rest = rest.get(end..).unwrap_or_default();
            }
            _ => {
                first_invalid = first_invalid.or(Some(objects.len()));
                rest = memchr::memmem::find(rest, b"\n{").and_then(|newline| rest.get(newline..)).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_cut_out_as_they_stand() {
        for (body, expected, invalid) in [
            (r#"{"event":"a"}{"event":"b"}"#, &[r#"{"event":"a"}"#, r#"{"event":"b"}"#][..], None),
            ("{\"event\": 1 }\r\n\n {\"event\":{\"x\":[1]}}\n", &["{\"event\": 1 }", "{\"event\":{\"x\":[1]}}"], None),
            ("{\"event\":1}\n{\"event\":\n{\"event\":3}", &["{\"event\":1}", "{\"event\":3}"], Some(1)),
            ("[1]", &[], Some(0)),
            ("{\"event\":", &[], Some(0)),
            (" \n ", &[], None),
        ] {
            let (objects, first_invalid) = objects(&Bytes::from_static(body.as_bytes()));
            assert_eq!(
                (objects, first_invalid),
                (expected.iter().map(|o| Bytes::from_static(o.as_bytes())).collect(), invalid),
                "{body}"
            );
        }
        let deep = "{\"a\":".repeat(10_000);
        assert_eq!(objects(&Bytes::from(deep)), (vec![], Some(0)));
    }
}
