//! Retention over the API: what each class takes and keeps, legal holds, what was deleted.

use std::sync::Arc;

use crate::auth::Principal;
use crate::model::Timestamp;
use crate::model::time::Clock;
use crate::model::time::NANOS_PER_SECOND;
use crate::model::time::SECONDS_PER_DAY;
use crate::pipeline::live::Live;
use crate::pipeline::upkeep::DiskOutlook;
use crate::pipeline::upkeep::Policy;
use crate::query::time::parse_bound;
use crate::query::time::parse_duration;
use crate::server::RetentionService;
use crate::store::Hold;
use crate::store::HoldError;
use crate::store::NewHold;
use crate::store::RetentionClass;
use crate::store::Store;
use crate::store::Tier;
use crate::store::TierRow;
use crate::wire::problem::Problem;
use crate::wire::retention::ClassRow;
use crate::wire::retention::DeletedList;
use crate::wire::retention::DeletedRow;
use crate::wire::retention::HoldRequest;
use crate::wire::retention::HoldRow;
use crate::wire::retention::LiftRequest;
use crate::wire::retention::Outlook;
use crate::wire::retention::RetentionView;

/// Answers from the store and the configuration.
pub(in crate::pipeline) struct RetentionOf {
    pub(in crate::pipeline) store: Store,
    pub(in crate::pipeline) policy: Arc<Policy>,
    pub(in crate::pipeline) clock: Arc<dyn Clock>,
    pub(in crate::pipeline) live: Arc<Live>,
}

impl RetentionService for RetentionOf {
    fn view(&self) -> RetentionView {
        let now = self.clock.now();
        let tombstones = self.store.tombstones();
        let mut holds = self.store.holds();
        holds.sort_by_key(|hold| (!hold.is_in_force(now), hold.number));
        RetentionView {
            classes: self.classes(),
            holds: holds.iter().map(|hold| row_of(hold, now)).collect(),
            outlook: self.live.disk_outlook().map(outlook_of),
            deleted_partitions: tombstones.len() as u64,
            deleted_events: tombstones.iter().map(|tombstone| tombstone.events).sum(),
        }
    }

    fn deleted(&self, limit: usize) -> DeletedList {
        let time = |ns: i64| Timestamp(ns).to_string();
        let rows = self.store.tombstones().into_iter().rev().take(limit).map(|tombstone| DeletedRow {
            partition: tombstone.folder,
            class: tombstone.class.to_string(),
            why: tombstone.why,
            deleted: time(tombstone.deleted_ns),
            events: tombstone.events,
            bytes: tombstone.bytes,
            first_id: tombstone.first_id.0,
            last_id: tombstone.last_id.0,
            oldest: time(tombstone.oldest_ns),
            newest: time(tombstone.newest_ns),
            received: time(tombstone.received_ns),
        });
        DeletedList { partitions: rows.collect() }
    }

    fn hold(&self, request: &HoldRequest, caller: &Principal) -> Result<HoldRow, Problem> {
        let now = self.clock.now();
        let bound = |text: &Option<String>| read_time(text.as_deref(), |text| parse_bound(text, now));
        let ahead = |text: &str| parse_duration(text).map(|span| now.plus(span)).or_else(|| parse_bound(text, now));
        let wanted = NewHold {
            query: query_of(request),
            since: bound(&request.since)?,
            until: bound(&request.until)?,
            why: request.why.clone(),
            by: caller.name.clone(),
            expires: read_time(request.expires.as_deref(), ahead)?,
        };
        self.store.place_hold(wanted, now).map(|hold| row_of(&hold, now)).map_err(problem_of)
    }

    fn lift(&self, number: u64, request: &LiftRequest, caller: &Principal) -> Result<HoldRow, Problem> {
        let now = self.clock.now();
        let lifted = self.store.lift_hold(number, &caller.name, &request.why, now);
        lifted.map(|hold| row_of(&hold, now)).map_err(problem_of)
    }
}

impl RetentionOf {
    fn classes(&self) -> Vec<ClassRow> {
        let rows = self.store.tiers();
        let named = |name: &str| RetentionClass::new(name);
        let mut classes: Vec<ClassRow> = self
            .policy
            .classes
            .iter()
            .map(|class| ClassRow {
                level: Some(class.level),
                inputs: class.inputs.clone(),
                systems: class.systems.clone(),
                ..self.class(&named(&class.name), &rows)
            })
            .collect();
        for row in &rows {
            if !classes.iter().any(|class| class.name == row.class.as_str()) {
                classes.push(self.class(&row.class, &rows));
            }
        }
        classes
    }

    fn class(&self, name: &RetentionClass, rows: &[TierRow]) -> ClassRow {
        let stay = self.policy.stay(name);
        let mut class = ClassRow {
            name: name.to_string(),
            days: stay.days.unwrap_or(u32::MAX),
            archive_days: stay.archive_days,
            ..ClassRow::default()
        };
        let own = || rows.iter().filter(|row| row.class == *name);
        for row in own() {
            let figures = match row.tier {
                Tier::Hot => &mut class.hot,
                Tier::Sealed => &mut class.sealed,
                Tier::Archive => &mut class.archive,
            };
            figures.events += row.events;
            figures.bytes += row.bytes;
        }
        let day = |number: i32| Timestamp(i64::from(number) * SECONDS_PER_DAY * NANOS_PER_SECOND);
        let kept_ns = i64::from(class.days).saturating_mul(SECONDS_PER_DAY * NANOS_PER_SECOND);
        let on_disk = own().filter(|row| row.tier != Tier::Hot);
        class.oldest = own().map(|row| row.day).min().map(|oldest| day(oldest).to_string());
        class.next_deletion =
            on_disk.map(|row| row.received.0.saturating_add(kept_ns)).min().map(|next| Timestamp(next).to_string());
        class
    }
}

/// The outlook as the API tells it.
pub(in crate::pipeline) fn outlook_of(outlook: DiskOutlook) -> Outlook {
    let DiskOutlook { forecast, days_left, is_near } = outlook;
    Outlook {
        events_a_day: forecast.events_a_day,
        bytes_a_day: forecast.bytes_a_day,
        full: forecast.full.map(|full| full.to_string()),
        days_left,
        is_near,
        measured_seconds: forecast.measured_seconds,
    }
}

/// The query with what a source means: whoever claims the name, or sends from the address.
fn query_of(request: &HoldRequest) -> String {
    let query = request.query.as_deref().map(str::trim).filter(|query| !query.is_empty());
    let source = request.source.as_deref().map(str::trim).filter(|source| !source.is_empty()).map(|source| {
        let quoted = format!("\"{}\"", source.replace('\\', "\\\\").replace('"', "\\\""));
        let mut either = format!("host.name:{quoted} OR log.syslog.hostname:{quoted}");
        if source.parse::<std::net::IpAddr>().is_ok() {
            either.push_str(&format!(" OR longan.peer.ip:{quoted} OR host.ip:{quoted}"));
        }
        format!("({either})")
    });
    match (query, source) {
        (Some(query), Some(source)) => format!("({query}) AND {source}"),
        (Some(query), None) => query.to_owned(),
        (None, source) => source.unwrap_or_default(),
    }
}

fn read_time(text: Option<&str>, read: impl Fn(&str) -> Option<Timestamp>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    read(text).map(Some).ok_or_else(|| problem(400, "invalid", format!("`{text}` is no time")))
}

fn row_of(hold: &Hold, now: Timestamp) -> HoldRow {
    let time = |ns: Option<i64>| ns.map(|ns| Timestamp(ns).to_string());
    let lifted = hold.lifted.as_ref();
    HoldRow {
        number: hold.number,
        query: hold.query.clone(),
        since: time(hold.since_ns),
        until: time(hold.until_ns),
        why: hold.why.clone(),
        by: hold.by.clone(),
        placed: Timestamp(hold.placed_ns).to_string(),
        expires: time(hold.expires_ns),
        is_in_force: hold.is_in_force(now),
        lifted: time(lifted.map(|lifted| lifted.at_ns)),
        lifted_by: lifted.map(|lifted| lifted.by.clone()),
        lifted_why: lifted.map(|lifted| lifted.why.clone()),
    }
}

fn problem_of(err: HoldError) -> Problem {
    let (status, kind) = match &err {
        HoldError::Store(_) => (503, "busy"),
        HoldError::Unknown(_) => (404, "not_found"),
        HoldError::TooMany => (409, "too_many"),
        _ => (400, "invalid"),
    };
    problem(status, kind, format!("{:#}", anyhow::Error::from(err)))
}

fn problem(status: u16, kind: &str, detail: String) -> Problem {
    Problem { status, kind: kind.to_owned(), detail, hint: None, column: None, owner: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str, source: &str) -> HoldRequest {
        let some = |text: &str| Some(text.to_owned());
        HoldRequest { query: some(query), source: some(source), ..HoldRequest::default() }
    }

    #[test]
    fn a_source_is_whoever_claims_the_name_or_sends_from_the_address() {
        for (query, source, wanted) in [
            ("", "", ""),
            ("a OR b", " ", "a OR b"),
            ("", "fw \"1\"", r#"(host.name:"fw \"1\"" OR log.syslog.hostname:"fw \"1\"")"#),
            (
                "a OR b",
                "10.0.0.1",
                "(a OR b) AND (host.name:\"10.0.0.1\" OR log.syslog.hostname:\"10.0.0.1\" OR longan.peer.ip:\"10.0.0.1\" \
                 OR host.ip:\"10.0.0.1\")",
            ),
        ] {
            let made = query_of(&request(query, source));
            assert_eq!(made, wanted);
            assert!(crate::query::parse(&made, Timestamp(0)).is_ok(), "{made}");
        }
    }
}
