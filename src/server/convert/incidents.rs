//! Incidents between the store and the wire.

use std::str::FromStr;

use crate::incident;
use crate::incident::Changed;
use crate::model::RuleLevel;
use crate::model::Timestamp;
use crate::query::time::parse_moment;
use crate::server::convert::UnknownWord;
use crate::wire::export::ExportRequest;
use crate::wire::incident as wire;

/// Writes a window of incidents.
pub fn incident_window(window: incident::IncidentWindow) -> wire::IncidentWindow {
    wire::IncidentWindow { rows: window.rows.into_iter().map(incident_row).collect(), total: window.total }
}

pub(in crate::server) fn incident_row(record: incident::IncidentRecord) -> wire::IncidentRow {
    wire::IncidentRow {
        id: record.id.0,
        title: record.title,
        level: record.level.as_str().to_owned(),
        phase: phase_out(record.phase),
        owner: record.owner,
        known: record.known.to_string(),
        alerts: record.alerts,
        next_due: record.next_due.map(|due| due.to_string()),
        revision: record.revision,
    }
}

/// Writes everything about an incident.
pub fn incident_detail(detail: incident::IncidentDetail, sla: crate::alert::Sla) -> wire::IncidentDetail {
    let clock = |clock: incident::store::IncidentClock| wire::IncidentClock {
        name: clock.name,
        due: clock.due.to_string(),
        met: clock.met.map(|met| met.to_string()),
        waived: clock.waived,
    };
    wire::IncidentDetail {
        row: incident_row(detail.row),
        alerts: detail.alerts.into_iter().map(|row| super::alert_row(row, sla)).collect(),
        entities: detail.entities.into_iter().map(super::entity).collect(),
        timeline: detail.timeline.into_iter().map(super::history).collect(),
        clocks: detail.clocks.into_iter().map(clock).collect(),
        tasks: detail.tasks.into_iter().map(task).collect(),
        observables: detail.observables.into_iter().map(observable).collect(),
        evidence: detail.evidence.into_iter().map(evidence).collect(),
        merged_into: detail.merged_into.map(|into| into.0),
    }
}

fn phase_out(phase: incident::IncidentPhase) -> wire::IncidentPhase {
    match phase {
        incident::IncidentPhase::Detect => wire::IncidentPhase::Detect,
        incident::IncidentPhase::Analysis => wire::IncidentPhase::Analysis,
        incident::IncidentPhase::Containment => wire::IncidentPhase::Containment,
        incident::IncidentPhase::Eradication => wire::IncidentPhase::Eradication,
        incident::IncidentPhase::Recover => wire::IncidentPhase::Recover,
        incident::IncidentPhase::Closed => wire::IncidentPhase::Closed,
    }
}

fn phase_in(phase: wire::IncidentPhase) -> incident::IncidentPhase {
    match phase {
        wire::IncidentPhase::Detect => incident::IncidentPhase::Detect,
        wire::IncidentPhase::Analysis => incident::IncidentPhase::Analysis,
        wire::IncidentPhase::Containment => incident::IncidentPhase::Containment,
        wire::IncidentPhase::Eradication => incident::IncidentPhase::Eradication,
        wire::IncidentPhase::Recover => incident::IncidentPhase::Recover,
        wire::IncidentPhase::Closed => incident::IncidentPhase::Closed,
    }
}

fn task(task: incident::store::IncidentTask) -> wire::IncidentTask {
    let (done, done_by) = task.done.map(|(done, by)| (done.to_string(), by)).unzip();
    wire::IncidentTask { place: task.place, text: task.text, added_by: task.added_by, done, done_by }
}

fn evidence(evidence: incident::store::IncidentEvidence) -> wire::IncidentEvidence {
    wire::IncidentEvidence {
        place: evidence.place,
        query: evidence.query,
        note: evidence.note,
        events: evidence.events,
        digest: evidence.digest,
        bytes: evidence.bytes,
        added: evidence.added.to_string(),
        added_by: evidence.added_by,
    }
}

fn observable(observable: incident::store::IncidentObservable) -> wire::IncidentObservable {
    wire::IncidentObservable {
        kind: observable.kind,
        value: observable.value,
        note: observable.note,
        added: observable.added.to_string(),
        added_by: observable.added_by,
    }
}

/// What an action asks for: something done to the record alone, or a bundle that must be made first.
pub(in crate::server) enum Asked {
    Action(incident::IncidentAction),
    Attach { export: ExportRequest, note: Option<String> },
}

/// Reads an action as a caller wrote it.
///
/// # Errors
/// When a level or a time is none.
pub(in crate::server) fn action(action: wire::IncidentAction, now: Timestamp) -> Result<Asked, UnknownWord> {
    use incident::IncidentAction as Action;
    Ok(Asked::Action(match action {
        wire::IncidentAction::Attach { q, since, until, note } => {
            return Ok(Asked::Attach { export: ExportRequest { q, since, until }, note });
        }
        wire::IncidentAction::Take => Action::Take,
        wire::IncidentAction::Phase { phase, note } => Action::Phase { phase: phase_in(phase), note },
        wire::IncidentAction::Note { text } => Action::Note { text },
        wire::IncidentAction::MeetClock { name } => Action::MeetClock { name },
        wire::IncidentAction::Edit { title, level } => Action::Edit(incident::Edit {
            title: title.map(|title| Changed { from: title.from, to: title.to }),
            level: level
                .map(|level| Ok(Changed { from: read_level(level.from)?, to: read_level(level.to)? }))
                .transpose()?,
        }),
        wire::IncidentAction::Assign { to } => Action::Assign { to },
        wire::IncidentAction::AddTask { text } => Action::AddTask { text },
        wire::IncidentAction::FinishTask { place } => Action::FinishTask { place },
        wire::IncidentAction::AddObservable { kind, value, note } => {
            Action::AddObservable(incident::NewObservable { kind, value, note })
        }
        wire::IncidentAction::SetClock { name, due, why } if due == wire::NO_DEADLINE => {
            Action::WaiveClock { name, why }
        }
        wire::IncidentAction::SetClock { name, due, why } => Action::SetClock { name, due: read_time(due, now)?, why },
        wire::IncidentAction::MergeInto { incident } => Action::MergeInto { incident: incident::IncidentId(incident) },
    }))
}

fn read_level(word: String) -> Result<RuleLevel, UnknownWord> {
    RuleLevel::from_str(&word).map_err(|_| super::unknown_level(word))
}

fn read_time(text: String, now: Timestamp) -> Result<Timestamp, UnknownWord> {
    let moment = parse_moment(&text, now);
    moment.map(|moment| moment.start).ok_or_else(|| UnknownWord {
        what: "time",
        word: text,
        hint: Some("a time such as 2026-01-31T07:00+07:00, or now+4h".to_owned()),
    })
}
