//! Between what the stores hold and what goes over the wire: spelled out, so that a change of one is no change of the other.

pub(super) mod incidents;
pub(super) mod reports;
pub(super) mod rules;

use std::str::FromStr;

use crate::alert;
use crate::alert::StatusFilter;
use crate::diag::closest;
use crate::incident;
use crate::model::AlertId;
use crate::model::EventId;
use crate::model::RuleLevel;
use crate::wire::alert as wire;

/// Rows of a window when the caller names no number.
const ROWS_DEFAULT: u32 = 200;
/// Event ids told with each row of a window when the caller names no number.
const EVENTS_DEFAULT: u32 = 20;

/// A word in a filter that means nothing, with the word that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{word}`")]
pub struct UnknownWord {
    pub what: &'static str,
    pub word: String,
    pub hint: Option<String>,
}

/// Reads a filter as a caller wrote it.
///
/// # Errors
/// When the status or level is no word we know.
pub fn alert_filter(filter: &wire::AlertFilter) -> Result<alert::AlertFilter, UnknownWord> {
    let given = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    let level_min = given(&filter.level_min);
    let level_min = level_min.map(|word| RuleLevel::from_str(&word).map_err(|_| unknown_level(word))).transpose()?;
    Ok(alert::AlertFilter {
        status: status_filter(given(&filter.status).as_deref().unwrap_or("open"))?,
        level_min,
        text: given(&filter.text),
        owner: given(&filter.owner),
        rule: given(&filter.rule),
        entity: given(&filter.entity),
        up_to: filter.up_to.map(AlertId),
        offset: filter.offset,
        limit: filter.limit.unwrap_or(ROWS_DEFAULT),
        events: filter.events.unwrap_or(EVENTS_DEFAULT).min(alert::detection::EVENTS_MAX as u32),
    })
}

fn status_filter(word: &str) -> Result<StatusFilter, UnknownWord> {
    match word {
        "open" => Ok(StatusFilter::Open),
        "all" => Ok(StatusFilter::All),
        other => {
            let statuses = alert::AlertStatus::ALL;
            let found = statuses.into_iter().find(|status| status.as_str() == other).map(StatusFilter::Only);
            found.ok_or_else(|| {
                let words: Vec<&str> =
                    ["open", "all"].into_iter().chain(statuses.map(alert::AlertStatus::as_str)).collect();
                UnknownWord { what: "status", word: other.to_owned(), hint: Some(hint(other, &words)) }
            })
        }
    }
}

fn unknown_level(word: String) -> UnknownWord {
    let hint = hint(&word, &RuleLevel::ALL.map(RuleLevel::as_str));
    UnknownWord { what: "level", word, hint: Some(hint) }
}

/// The word that was meant, or all there are.
fn hint(word: &str, words: &[&str]) -> String {
    match closest(word, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of: {}", words.join(", ")),
    }
}

/// Writes a window of alerts.
pub fn alert_window(window: alert::AlertWindow, sla: alert::Sla) -> wire::AlertWindow {
    wire::AlertWindow {
        rows: window.rows.into_iter().map(|row| alert_row(row, sla)).collect(),
        total: window.total,
        newest: window.newest.0,
        revision: window.revision,
    }
}

pub(super) fn alert_row(record: alert::AlertRecord, sla: alert::Sla) -> wire::AlertRow {
    let is_new = record.state.status == alert::AlertStatus::New;
    let due = is_new.then(|| sla.due(record.level, record.raised)).flatten();
    wire::AlertRow {
        due: due.map(|due| due.to_string()),
        id: record.id.0,
        rule: record.rule_id,
        title: record.title,
        title_vi: record.title_vi,
        level: record.level.as_str().to_owned(),
        risk: record.risk,
        status: match record.state.status {
            alert::AlertStatus::New => wire::AlertStatus::New,
            alert::AlertStatus::Taken => wire::AlertStatus::Taken,
            alert::AlertStatus::Escalated => wire::AlertStatus::Escalated,
            alert::AlertStatus::Closed => wire::AlertStatus::Closed,
        },
        entity: record.entity,
        entity_field: record.entity_field,
        host: record.host,
        count: record.count,
        first: record.first.to_string(),
        last: record.last.to_string(),
        raised: record.raised.to_string(),
        owner: record.state.owner,
        disposition: record.state.disposition.map(disposition_out),
        revision: record.revision,
        tags: record.tags,
        events: record.events.into_iter().map(|EventId(id)| id).collect(),
    }
}

/// Writes everything about an alert.
pub fn alert_detail(detail: alert::AlertDetail, sla: alert::Sla) -> wire::AlertDetail {
    let incident = detail.row.state.incident.map(|incident| incident.0);
    wire::AlertDetail {
        row: alert_row(detail.row, sla),
        description: detail.description,
        description_vi: detail.description_vi,
        false_positives: detail.false_positives,
        response: detail.response,
        response_vi: detail.response_vi,
        entities: detail.entities.into_iter().map(entity).collect(),
        evidence: detail.evidence.into_iter().map(evidence).collect(),
        history: detail.history.into_iter().map(history).collect(),
        precedents: detail.precedents.into_iter().map(precedent).collect(),
        incident,
        context: detail.context.into_iter().map(known).collect(),
        steps: detail.steps.into_iter().map(step_done).collect(),
    }
}

fn known(known: alert::Known) -> wire::Known {
    wire::Known { field: known.field, value: known.value }
}

fn step_done(done: alert::StepDone) -> wire::StepDone {
    wire::StepDone { step: done.step, at: done.at.to_string(), who: done.who }
}

fn entity(entity: alert::Entity) -> wire::Entity {
    wire::Entity { kind: entity.kind, field: entity.field, value: entity.value }
}

fn evidence(evidence: alert::Evidence) -> wire::AlertEvidence {
    let part = |part: alert::MatchedPart| wire::MatchedPart {
        field: part.field,
        value: part.value,
        predicate: part.predicate,
        raw_span: part.raw_span,
    };
    wire::AlertEvidence {
        event: evidence.event.0,
        timestamp: evidence.timestamp.to_string(),
        raw: evidence.raw,
        parts: evidence.parts.into_iter().map(part).collect(),
    }
}

fn history(entry: alert::HistoryEntry) -> wire::HistoryEntry {
    wire::HistoryEntry { at: entry.at.to_string(), who: entry.who, action: entry.action, text: entry.text }
}

fn precedent(precedent: alert::Precedent) -> wire::Precedent {
    wire::Precedent {
        id: precedent.id.0,
        closed: precedent.closed.to_string(),
        disposition: disposition_out(precedent.disposition),
        owner: precedent.owner,
        note: precedent.note,
    }
}

fn disposition_out(disposition: alert::Disposition) -> wire::Disposition {
    match disposition {
        alert::Disposition::FalsePositive => wire::Disposition::FalsePositive,
        alert::Disposition::BenignPositive => wire::Disposition::BenignPositive,
        alert::Disposition::TruePositive => wire::Disposition::TruePositive,
        alert::Disposition::Duplicate => wire::Disposition::Duplicate,
        alert::Disposition::Test => wire::Disposition::Test,
    }
}

fn disposition_in(disposition: wire::Disposition) -> alert::Disposition {
    match disposition {
        wire::Disposition::FalsePositive => alert::Disposition::FalsePositive,
        wire::Disposition::BenignPositive => alert::Disposition::BenignPositive,
        wire::Disposition::TruePositive => alert::Disposition::TruePositive,
        wire::Disposition::Duplicate => alert::Disposition::Duplicate,
        wire::Disposition::Test => alert::Disposition::Test,
    }
}

/// What an action asks for: something done to the alert alone, or an escalation, which touches an incident as well.
pub(super) enum Asked {
    Action(alert::Action),
    Escalation(incident::Escalation),
}

pub(super) fn asked(action: wire::AlertAction) -> Asked {
    Asked::Action(match action {
        wire::AlertAction::Take => alert::Action::Take,
        wire::AlertAction::Release => alert::Action::Release,
        wire::AlertAction::Close { disposition, note } => {
            alert::Action::Close { disposition: disposition_in(disposition), note }
        }
        wire::AlertAction::Reopen { note } => alert::Action::Reopen { note },
        wire::AlertAction::Note { text } => alert::Action::Note { text },
        wire::AlertAction::Step { step, done } => alert::Action::Step { step, is_done: done },
        wire::AlertAction::Undo => alert::Action::Undo,
        wire::AlertAction::Escalate { incident, title, note } => {
            let incident = incident.map(incident::IncidentId);
            let escalation = incident::Escalation { incident, title, note, ..incident::Escalation::default() };
            return Asked::Escalation(escalation);
        }
    })
}
