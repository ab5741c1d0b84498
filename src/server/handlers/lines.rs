//! Answers without end: NDJSON bodies that are made only as fast as their reader reads.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;
use serde::Serialize;

/// The content type of one JSON value a line.
const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// Answers with lines as they come; an error breaks the answer off, so that its reader does not take it for whole.
pub(super) fn answer<E>(lines: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> Response
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let mut response = Body::from_stream(lines).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, NDJSON);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Builds an endless answer from a step: it is asked for the next piece when the one before has been read.
pub(super) fn stepwise<S, F>(start: S, step: impl Fn(S) -> F + Send + 'static) -> Response
where
    S: Send + 'static,
    F: Future<Output = Option<(Bytes, S)>> + Send + 'static,
{
    let pieces = futures_util::stream::unfold(start, move |state| {
        let next = step(state);
        async move { next.await.map(|(piece, state)| (Ok::<Bytes, Infallible>(piece), state)) }
    });
    answer(pieces)
}

/// Adds a value as a line.
pub(super) fn push<T: Serialize>(lines: &mut Vec<u8>, value: &T) {
    let start = lines.len();
    match serde_json::to_writer(&mut *lines, value) {
        Ok(()) => lines.push(b'\n'),
        // Our own types always become JSON; half a line would break the reader, none does not.
        Err(_) => lines.truncate(start),
    }
}
