//! Bodies whose lines are events: `POST /ingest/ndjson` and the collector's `raw`.
//!
//! Every line that is not blank is stored as it came. NDJSON lines that are no JSON object, or were longer than the limit, are
//! stored too, and named in the answer by their number.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use bytes::Bytes;
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

/// `POST /ingest/ndjson`.
pub(super) async fn ndjson(State(shared): State<Arc<Shared>>, payload: Payload) -> Response {
    let mut documents = Documents::new(&shared, payload.sender);
    let mut problems = Vec::new();
    let mut problem_count = 0;
    for (number, line) in lines(&payload.bytes) {
        let is_object = is_json_object(&line);
        let truncated = documents.add(&shared, line);
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
    let stored = documents.len();
    match documents.store(&shared).await {
        Ok(()) => Json(json!({"stored": stored, "problem_count": problem_count, "problems": problems})).into_response(),
        Err(answer) => answer,
    }
}

/// `POST /services/collector/raw`.
pub(super) async fn collector_raw(State(shared): State<Arc<Shared>>, payload: Payload) -> Response {
    let mut documents = Documents::new(&shared, payload.sender);
    for (_, line) in lines(&payload.bytes) {
        documents.add(&shared, line);
    }
    if documents.len() == 0 {
        return collector::no_data();
    }
    documents.store(&shared).await.map_or_else(|answer| answer, |()| collector::success())
}
