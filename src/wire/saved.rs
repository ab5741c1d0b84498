//! Saved searches over the API: `GET /v1/searches` → [`SavedList`]; `POST /v1/searches/save` ([`SaveRequest`]) → [`SavedSearch`];
//! `POST /v1/searches/delete` ([`DeleteRequest`]) → [`SavedList`].

use serde::Deserialize;
use serde::Serialize;

/// A search under a name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedSearch {
    pub name: String,
    pub owner: String,
    /// Everybody sees it; otherwise its owner alone.
    pub shared: bool,
    pub q: String,
    pub since: Option<String>,
    pub until: Option<String>,
    pub saved: String,
}

/// What the caller sees: their own, then what others share, each by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SavedList {
    pub searches: Vec<SavedSearch>,
}

/// Saves a search; one of the caller's own of this name is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SaveRequest {
    pub name: String,
    pub shared: bool,
    pub q: String,
    pub since: Option<String>,
    pub until: Option<String>,
}

/// Deletes a search of the caller's own; an admin may name another owner.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteRequest {
    pub name: String,
    pub owner: Option<String>,
}
