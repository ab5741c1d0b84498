//! How long events are kept: `GET /v1/retention` → [`RetentionView`], `GET /v1/retention/deleted` → [`DeletedList`],
//! `POST /v1/retention/holds` ([`HoldRequest`]) and `POST /v1/retention/holds/{id}/lift` ([`LiftRequest`]) → [`HoldRow`].

use serde::Deserialize;
use serde::Serialize;

/// Classes, holds and what is to come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RetentionView {
    pub classes: Vec<ClassRow>,
    /// Holds in force, then ended ones.
    pub holds: Vec<HoldRow>,
    pub outlook: Option<Outlook>,
    /// Deleted by retention so far.
    pub deleted_partitions: u64,
    pub deleted_events: u64,
}

/// One retention class.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClassRow {
    pub name: String,
    /// Of the information systems, 2 to 5; absent for a class that the configuration does not name any more.
    pub level: Option<u8>,
    /// Kept so long from receipt.
    pub days: u32,
    /// Archived when the day is over for so long; absent for never.
    pub archive_days: Option<u32>,
    pub inputs: Vec<String>,
    pub systems: Vec<String>,
    pub hot: TierFigures,
    pub sealed: TierFigures,
    pub archive: TierFigures,
    /// The day of its oldest events, and when the next of it is deleted.
    pub oldest: Option<String>,
    pub next_deletion: Option<String>,
}

/// What a class takes in one tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TierFigures {
    pub events: u64,
    pub bytes: u64,
}

/// When the disk will be full.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outlook {
    pub events_a_day: u64,
    pub bytes_a_day: i64,
    /// RFC 3339; absent when it is not within five years.
    pub full: Option<String>,
    pub days_left: Option<u64>,
    /// Nearer than `store.full_warning_days`.
    pub is_near: bool,
    pub measured_seconds: u64,
}

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HoldRow {
    pub number: u64,
    pub query: String,
    pub since: Option<String>,
    pub until: Option<String>,
    pub why: String,
    pub by: String,
    pub placed: String,
    pub expires: Option<String>,
    pub is_in_force: bool,
    pub lifted: Option<String>,
    pub lifted_by: Option<String>,
    pub lifted_why: Option<String>,
}

/// A hold that is wanted: a query, a source or a span of time must be there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HoldRequest {
    pub query: Option<String>,
    /// A host name or an address, as sources are named.
    pub source: Option<String>,
    /// By `@timestamp`: RFC 3339, a day, or a span back from now such as `24h`.
    pub since: Option<String>,
    pub until: Option<String>,
    /// RFC 3339, a day, or a span from now on such as `90d`.
    pub expires: Option<String>,
    pub why: String,
}

/// Why a hold is lifted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiftRequest {
    pub why: String,
}

/// Which tombstones are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeletedRequest {
    /// 10,000 at most, 200 when absent.
    pub limit: Option<u32>,
}

/// Partitions that retention deleted, the last ones first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeletedList {
    pub partitions: Vec<DeletedRow>,
}

/// What is left of a deleted partition. The Merkle roots of its records stay in the evidence log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeletedRow {
    pub partition: String,
    pub class: String,
    pub why: String,
    pub deleted: String,
    pub events: u64,
    pub bytes: u64,
    pub first_id: u64,
    pub last_id: u64,
    pub oldest: String,
    pub newest: String,
    pub received: String,
}
