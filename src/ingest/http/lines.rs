//! Bodies whose lines are events: `POST /ingest/ndjson` and the collector's `raw`.
//!
//! Every line that is not blank is stored as it came. NDJSON lines that are no JSON object, or were longer than the limit, are
//! stored too, and named in the answer by their number. The list that a Kubernetes API server posts is taken apart.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::de::IgnoredAny;
use serde_json::json;

use crate::ingest::http::Shared;
use crate::ingest::http::body::Payload;
use crate::ingest::http::collector;
use crate::ingest::http::submit::Documents;

/// Problems named in an answer; the count tells of the rest.
const PROBLEMS_MAX: usize = 100;

/// Cuts a body into its lines, numbered from 1, without blank ones.
pub fn lines(body: &Bytes) -> impl Iterator<Item = (usize, Bytes)> {
    let lines = body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let numbered = lines.enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    numbered.map(|(index, line)| (index + 1, body.slice_ref(line)))
}

/// Says whether a text is one whole JSON object.
pub(super) fn is_json_object(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'{') && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// The events of a Kubernetes `EventList`, as the webhook of its audit log posts it, byte by byte as they came; `None` for
/// everything else.
fn event_list(line: &Bytes) -> Option<Vec<Bytes>> {
    let mut rest = line.trim_ascii_start().strip_prefix(b"{")?;
    let mut is_event_list = false;
    loop {
        let (key, after) = value::<String>(rest)?;
        rest = after.trim_ascii_start().strip_prefix(b":")?;
        match key.as_str() {
            "kind" => {
                let (kind, after) = value::<String>(rest)?;
                is_event_list = kind == "EventList";
                rest = after;
            }
            "items" if is_event_list => return items(line, rest.trim_ascii_start().strip_prefix(b"[")?),
            _ => rest = value::<IgnoredAny>(rest)?.1,
        }
        rest = rest.trim_ascii_start().strip_prefix(b",")?;
    }
}

/// The objects of an array after its bracket.
fn items(line: &Bytes, mut rest: &[u8]) -> Option<Vec<Bytes>> {
    let mut events = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        if !rest.starts_with(b"{") {
            return None;
        }
        let (IgnoredAny, after) = value(rest)?;
        events.push(line.slice_ref(rest.get(..rest.len() - after.len())?));
        rest = after.trim_ascii_start();
        match rest.strip_prefix(b",") {
            Some(next) => rest = next,
            None => return rest.starts_with(b"]").then_some(events),
        }
    }
}

/// Reads one text, object or array; returns it and what follows.
fn value<T: DeserializeOwned>(text: &[u8]) -> Option<(T, &[u8])> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, text.get(values.byte_offset()..)?))
}

/// `POST /ingest/ndjson`.
pub(super) async fn ndjson(State(shared): State<Arc<Shared>>, payload: Payload) -> Response {
    let mut documents = Documents::new(&shared, payload.sender).joining(&shared);
    let mut problems = Vec::new();
    let mut problem_count = 0;
    for (number, line) in lines(&payload.bytes) {
        let is_object = is_json_object(&line);
        if is_object && let Some(events) = event_list(&line) {
            for event in events {
                documents.add(&shared, event);
            }
            continue;
        }
        let truncated = if is_object { documents.add(&shared, line) } else { documents.add_line(&shared, line) };
        let problem = match (truncated, is_object) {
            (true, _) => "longer than the limit; its beginning is stored",
            (false, false) => "not a JSON object; stored as text",
            (false, true) => continue,
        };
        problem_count += 1;
        if problems.len() < PROBLEMS_MAX {
            problems.push(json!({"line": number, "problem": problem}));
        }
    }
    documents.settle(&shared);
    let stored = documents.len();
    match documents.store(&shared).await {
        Ok(()) => Json(json!({"stored": stored, "problem_count": problem_count, "problems": problems})).into_response(),
        Err(answer) => answer,
    }
}

/// `POST /services/collector/raw`.
pub(super) async fn collector_raw(State(shared): State<Arc<Shared>>, payload: Payload) -> Response {
    let mut documents = Documents::new(&shared, payload.sender).joining(&shared);
    for (_, line) in lines(&payload.bytes) {
        documents.add_line(&shared, line);
    }
    documents.settle(&shared);
    if documents.len() == 0 {
        return collector::no_data();
    }
    documents.store(&shared).await.map_or_else(|answer| answer, |()| collector::success())
}
