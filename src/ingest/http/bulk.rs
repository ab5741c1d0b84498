//! The bulk API of Elasticsearch, and as much of the rest as Beats, Logstash, Vector and Fluent Bit ask for before they send.
//!
//! `index` and `create` store the line that follows them as it stands. `update` and `delete` are refused item by item: nothing
//! here is ever changed. A line that is no action is refused as an item of its own, and the lines after it are read on.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::json;

use crate::ingest::http::Shared;
use crate::ingest::http::body::Payload;
use crate::ingest::http::lines::lines;
use crate::ingest::http::problem;
use crate::ingest::http::submit::Documents;

/// The official clients send only to a server that says this.
const PRODUCT: (HeaderName, &str) = (HeaderName::from_static("x-elastic-product"), "Elasticsearch");
/// The version of the API that is spoken.
const VERSION: &str = "8.17.0";
/// A request with more actions than this is refused as a whole.
const ACTIONS_MAX: usize = 100_000;

/// What an action line says of its document.
#[derive(Debug, Default, Deserialize)]
struct Target {
    #[serde(rename = "_index")]
    index: Option<String>,
    #[serde(rename = "_id")]
    id: Option<String>,
}

/// An action line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Index(Target),
    Create(Target),
    Update(IgnoredAny),
    Delete(IgnoredAny),
}

/// `POST /_bulk` and `POST /{index}/_bulk`.
pub(super) async fn bulk(State(shared): State<Arc<Shared>>, index: Option<Path<String>>, payload: Payload) -> Response {
    let started = shared.context.clock.now();
    let index = index.map_or_else(|| "longan".to_owned(), |Path(index)| index);
    let mut documents = Documents::new(&shared, payload.sender);
    let worked_off = work_off(&payload.bytes, &index, &mut |document| {
        documents.add(&shared, document);
    });
    let Some(Items { items, errors }) = worked_off else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "too many actions in one request");
    };
    if items.is_empty() {
        return problem(StatusCode::BAD_REQUEST, "request body is required");
    }
    if let Err(answer) = documents.store(&shared).await {
        return answer;
    }
    let took = shared.context.clock.now().since(started).as_millis();
    ([PRODUCT], Json(json!({"took": u64::try_from(took).unwrap_or(u64::MAX), "errors": errors, "items": items})))
        .into_response()
}

/// What became of the actions of one body, in their order.
#[derive(Debug, Default)]
pub struct Items {
    pub items: Vec<Value>,
    /// Whether one was refused.
    pub errors: bool,
}

/// Works the actions of a body off, giving each document to `store`; `None` when there are too many.
pub fn work_off(body: &Bytes, index: &str, store: &mut dyn FnMut(Bytes)) -> Option<Items> {
    let mut done = Items::default();
    let mut lines = lines(body);
    while let Some((number, line)) = lines.next() {
        if done.items.len() >= ACTIONS_MAX {
            return None;
        }
        let item = item(number, &line, index, || lines.next().map(|(_, document)| document), &mut *store);
        done.errors |= item.is_err();
        done.items.push(item.unwrap_or_else(|refused| refused));
    }
    Some(done)
}

/// Works one action off and returns its item of the answer; `Err` is an item that says why it was refused.
fn item(
    number: usize,
    line: &Bytes,
    default_index: &str,
    next_line: impl FnOnce() -> Option<Bytes>,
    store: impl FnOnce(Bytes),
) -> Result<Value, Value> {
    let (name, target) = match serde_json::from_slice(line) {
        Ok(Action::Index(target)) => ("index", target),
        Ok(Action::Create(target)) => ("create", target),
        Ok(Action::Update(_)) => {
            // Its document goes with it.
            drop(next_line());
            return Err(refused("update", "events are never changed"));
        }
        Ok(Action::Delete(_)) => return Err(refused("delete", "events are never deleted by a sender")),
        Err(_) => return Err(refused("index", &format!("line {number} is not an action"))),
    };
    let Some(document) = next_line() else {
        return Err(refused(name, &format!("line {number} has no document after it")));
    };
    store(document);
    Ok(json!({name: {
        "_index": target.index.as_deref().unwrap_or(default_index),
        "_id": target.id.unwrap_or_default(),
        "_version": 1,
        "result": "created",
        "_shards": {"total": 1, "successful": 1, "failed": 0},
        "_seq_no": 0,
        "_primary_term": 1,
        "status": 201,
    }}))
}

fn refused(action: &str, reason: &str) -> Value {
    json!({action: {
        "status": 400,
        "error": {"type": "illegal_argument_exception", "reason": reason},
    }})
}

/// `GET /` and `HEAD /`.
pub(super) async fn version() -> Response {
    let body = json!({
        "name": "longan",
        "cluster_name": "longan",
        "cluster_uuid": "longan",
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "deb",
            "build_hash": "0000000",
            "build_date": "2024-01-01T00:00:00.000Z",
            "build_snapshot": false,
            "lucene_version": "9.12.0",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    });
    ([PRODUCT], Json(body)).into_response()
}

/// `GET /_license`.
pub(super) async fn license() -> Response {
    let license = json!({"status": "active", "uid": "longan", "type": "basic", "mode": "basic", "issued_to": "longan"});
    ([PRODUCT], Json(json!({"license": license}))).into_response()
}

/// `GET /_cluster/health`.
pub(super) async fn health() -> Response {
    ([PRODUCT], Json(json!({"cluster_name": "longan", "status": "green", "timed_out": false, "number_of_nodes": 1})))
        .into_response()
}

/// `GET /_nodes/http`: no other node to send to.
pub(super) async fn nodes() -> Response {
    ([PRODUCT], Json(json!({"cluster_name": "longan", "nodes": {}}))).into_response()
}

/// Templates, policies and pipelines: senders want to set them up, and we need none.
pub(super) async fn acknowledged() -> Response {
    ([PRODUCT], Json(json!({"acknowledged": true}))).into_response()
}
