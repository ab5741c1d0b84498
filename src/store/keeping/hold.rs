//! Legal holds: events that must not be deleted, whatever their class says, named by a query, a span of time, or both.
//!
//! A hold is not a mark on partitions: it is looked at whenever something is about to be deleted. So it also covers what
//! arrives later, and merging and archiving need to know nothing of it. A partition with one event that is held stays whole.

use serde::Deserialize;
use serde::Serialize;

use crate::model::Timestamp;
use crate::query;
use crate::store::error::StoreError;
use crate::store::manifest::PartitionEntry;
use crate::store::search::Options;
use crate::store::search::Searcher;
use crate::store::shared::Shared;
use crate::store::shared::View;

/// Holds in force at once: each is a search over what is about to be deleted.
pub(in crate::store) const HOLDS_MAX: usize = 200;
/// Ended holds that are remembered here; the audit log has all of them.
const ENDED_MAX: usize = 1_000;

/// What must not be deleted, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Never used twice.
    pub number: u64,
    /// A filter; empty for every event of the span.
    pub query: String,
    /// By `@timestamp`; absent is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ns: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ns: Option<i64>,
    pub why: String,
    pub by: String,
    pub placed_ns: i64,
    /// Ends by itself then; absent stays until it is lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ns: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lifted>,
}

/// Who ended a hold before its time, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifted {
    pub at_ns: i64,
    pub by: String,
    pub why: String,
}

/// A hold that is to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    pub query: String,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub why: String,
    pub by: String,
    pub expires: Option<Timestamp>,
}

/// Why a hold was not placed or lifted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldError {
    #[error("a hold needs a reason")]
    NoReason,
    #[error("a hold needs a query, a source or a span of time")]
    Everything,
    #[error("the span of time is empty")]
    EmptySpan,
    #[error("the hold would end before it begins")]
    Expired,
    #[error("the query cannot be read: {0}")]
    Query(String),
    #[error("{HOLDS_MAX} holds are in force; lift one that is not needed any more")]
    TooMany,
    #[error("no hold {0} is in force")]
    Unknown(u64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hold {
    /// Says whether it holds at a time.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.lifted.is_none() && self.expires_ns.is_none_or(|expires| now.0 < expires)
    }

    fn span(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        (self.since_ns.map(Timestamp), self.until_ns.map(Timestamp))
    }
}

impl Shared {
    pub(in crate::store) fn place_hold(&self, wanted: NewHold, now: Timestamp) -> Result<Hold, HoldError> {
        check(&wanted, now)?;
        self.edit(|manifest| {
            let (holds, mut ended): (Vec<_>, Vec<_>) =
                std::mem::take(&mut manifest.holds).into_iter().partition(|hold| hold.is_in_force(now));
            // The oldest of the ended ones are forgotten first.
            ended.drain(..ended.len().saturating_sub(ENDED_MAX));
            let is_full = holds.len() >= HOLDS_MAX;
            manifest.holds = ended;
            manifest.holds.extend(holds);
            if is_full {
                return Err(HoldError::TooMany);
            }
            manifest.last_hold += 1;
            let hold = Hold {
                number: manifest.last_hold,
                query: wanted.query.trim().to_owned(),
                since_ns: wanted.since.map(|since| since.0),
                until_ns: wanted.until.map(|until| until.0),
                why: wanted.why.trim().to_owned(),
                by: wanted.by,
                placed_ns: now.0,
                expires_ns: wanted.expires.map(|expires| expires.0),
                lifted: None,
            };
            manifest.holds.push(hold.clone());
            Ok(hold)
        })?
    }

    pub(in crate::store) fn lift_hold(
        &self,
        number: u64,
        by: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<Hold, HoldError> {
        if why.trim().is_empty() {
            return Err(HoldError::NoReason);
        }
        self.edit(|manifest| {
            let found = manifest.holds.iter_mut().find(|hold| hold.number == number && hold.is_in_force(now));
            let hold = found.ok_or(HoldError::Unknown(number))?;
            hold.lifted = Some(Lifted { at_ns: now.0, by: by.to_owned(), why: why.trim().to_owned() });
            Ok(hold.clone())
        })?
    }

    /// Returns those of some partitions that a hold covers, or that cannot be looked into to tell.
    pub(in crate::store) fn held<'e>(
        &self,
        entries: &'e [PartitionEntry],
        holds: &[Hold],
        now: Timestamp,
    ) -> Vec<&'e str> {
        let is_held = |entry: &&PartitionEntry| holds.iter().any(|hold| self.covers(hold, entry, now));
        entries.iter().filter(is_held).map(|entry| entry.folder.as_str()).collect()
    }

    fn covers(&self, hold: &Hold, entry: &PartitionEntry, now: Timestamp) -> bool {
        let (since, until) = hold.span();
        if !hold.is_in_force(now) || !entry.summary.touches(since, until) {
            return false;
        }
        // Times in the query mean what they meant when it was placed.
        let Ok(query) = query::parse(&hold.query, Timestamp(hold.placed_ns)) else { return true };
        let path = self.partition_path(&entry.folder);
        let view = self.view();
        let Some(piece) = view.sealed.iter().find(|piece| piece.folder.as_deref() == Some(&*path)) else { return true };
        let view = View { hot: Vec::new(), sealed: vec![std::sync::Arc::clone(piece)] };
        let searcher = Searcher::new(std::sync::Arc::new(view), self.config.result_bytes_max);
        let options = Options { since, until, ..Options::default() };
        searcher.count(&query, &options).map_or(true, |found| found.count > 0 || found.explain.partial.is_some())
    }
}

fn check(wanted: &NewHold, now: Timestamp) -> Result<(), HoldError> {
    if wanted.why.trim().is_empty() {
        return Err(HoldError::NoReason);
    }
    let query = wanted.query.trim();
    if (query.is_empty() || query == "*") && wanted.since.is_none() && wanted.until.is_none() {
        return Err(HoldError::Everything);
    }
    if wanted.since.zip(wanted.until).is_some_and(|(since, until)| since >= until) {
        return Err(HoldError::EmptySpan);
    }
    if wanted.expires.is_some_and(|expires| expires <= now) {
        return Err(HoldError::Expired);
    }
    query::parse(query, now).map(drop).map_err(|err| HoldError::Query(err.to_string()))
}
