//! Searching over the API.
//!
//! `GET /v1/search` (query: [`SearchRequest`]) → [`SearchPage`]; `GET /v1/search/count` → [`SearchCount`];
//! `GET /v1/search/histogram` ([`HistogramRequest`]) → [`Histogram`]; `GET /v1/search/stream` → NDJSON, one event a line,
//! newest first, for results of any length, or one row a line for a query with pipes; `GET /v1/search/table`
//! ([`SearchRequest`]) → [`SearchTable`]; `GET /v1/search/tail` → NDJSON, live, oldest first.

use serde::Deserialize;
use serde::Serialize;

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchRequest {
    /// The query language of the manual; empty means everything.
    pub q: String,
    /// RFC 3339, or a span back from now such as `24h`; absent means the beginning.
    pub since: Option<String>,
    /// RFC 3339, or a span back from now; absent means now.
    pub until: Option<String>,
    /// Events wanted; 10,000 at most a page, 200 when absent.
    pub limit: Option<u32>,
    /// Continue after this place: `next` of the page before.
    pub cursor: Option<String>,
}

/// A page of events, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchPage {
    /// Flat ECS objects with `longan.id` and `event.original`.
    pub events: Vec<serde_json::Map<String, serde_json::Value>>,
    /// Where the next page starts; `None` when there is none.
    pub next: Option<String>,
    pub explain: SearchExplain,
}

/// What a search cost and left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchExplain {
    pub partitions_searched: u64,
    pub partitions_total: u64,
    /// Events read in full: to decide whether they match, or for their values.
    pub events_read: u64,
    /// Those of them that were read because the index alone could not decide.
    pub events_verified: u64,
    /// Bytes of the records read.
    pub bytes_read: u64,
    pub elapsed_us: u64,
    /// Set when the deadline or a limit ended the search early: the result is a beginning, not the whole.
    pub partial: Option<String>,
}

/// How many events a query finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchCount {
    pub count: u64,
    pub explain: SearchExplain,
}

/// What to draw.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HistogramRequest {
    pub q: String,
    pub since: Option<String>,
    pub until: Option<String>,
    /// Columns wanted; 400 at most, 60 when absent.
    pub buckets: Option<u32>,
}

/// Counts over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    pub since: String,
    pub until: String,
    pub bucket_ms: u64,
    pub counts: Vec<u64>,
    pub explain: SearchExplain,
}

/// How a table is best shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableShape {
    /// Rows that are events, or what is left of them.
    #[default]
    Events,
    /// Rows that are groups.
    Groups,
    /// Rows that are spans of time; the first column is the time, the others are series.
    Chart,
}

/// What a query with pipes gives.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchTable {
    pub shape: TableShape,
    pub columns: Vec<String>,
    /// Cells in the order of the columns; a row may be shorter than they are.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// The width of a row of a chart.
    pub span_ms: Option<u64>,
    /// What the reader must know: figures that are estimates, rows that were left out.
    pub notes: Vec<String>,
    /// The query as it was read, stage by stage.
    pub plan: Vec<String>,
    pub explain: SearchExplain,
}
