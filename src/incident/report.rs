//! The report of an incident, made from its record by an editable template.

use serde::Serialize;

use crate::alert::HistoryEntry;
use crate::incident::Form;
use crate::incident::FormError;
use crate::incident::Forms;
use crate::incident::IncidentDetail;
use crate::incident::Told;
use crate::incident::forms::Language;
use crate::incident::store::IncidentClock;
use crate::incident::store::IncidentEvidence;
use crate::model::Timestamp;

/// What a template of a closing report can name; `docs/incidents.md` lists it for operators.
#[derive(Serialize)]
struct Values<'a> {
    incident: Head<'a>,
    merged_into: Option<String>,
    clocks_of_incident: Vec<Clock<'a>>,
    alerts: Vec<AlertLine<'a>>,
    entities: Vec<Pair<'a>>,
    observables: Vec<Pair<'a>>,
    tasks: Vec<Task<'a>>,
    evidence: Vec<Bundle<'a>>,
    timeline: Vec<Entry<'a>>,
    made: String,
    author: &'a str,
}

#[derive(Serialize)]
struct Head<'a> {
    id: String,
    title: &'a str,
    level: &'static str,
    phase: &'static str,
    owner: Option<&'a str>,
    known: String,
    alerts: u64,
}

#[derive(Serialize)]
struct Clock<'a> {
    name: &'a str,
    due: String,
    met: Option<String>,
    late: bool,
    waived: Option<&'a str>,
    /// Minutes from when the incident was known to when it was met.
    minutes: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct AlertLine<'a> {
    id: String,
    title: &'a str,
    title_vi: Option<&'a str>,
    level: &'static str,
    entity: &'a str,
    host: Option<&'a str>,
    owner: Option<&'a str>,
    count: u64,
    first: String,
    last: String,
}

#[derive(Serialize)]
struct Pair<'a> {
    kind: &'a str,
    value: &'a str,
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct Bundle<'a> {
    place: u32,
    query: &'a str,
    note: Option<&'a str>,
    events: u64,
    digest: &'a str,
    added: String,
    added_by: &'a str,
}

#[derive(Serialize)]
struct Task<'a> {
    text: &'a str,
    done: Option<String>,
    done_by: Option<&'a str>,
}

#[derive(Serialize)]
struct Entry<'a> {
    at: String,
    who: &'a str,
    action: &'a str,
    /// The phases it went from and to.
    from: Option<&'a str>,
    to: Option<&'a str>,
    clock: Option<&'a str>,
    due: Option<&'a str>,
    text: Option<&'a str>,
}

impl<'a> Entry<'a> {
    fn of(entry: &'a HistoryEntry) -> Entry<'a> {
        let Told { phases, clock, due, text } = Told::of(&entry.action, entry.text.as_deref());
        let (from, to) = phases.unzip();
        Entry { at: entry.at.to_string(), who: &entry.who, action: &entry.action, from, to, clock, due, text }
    }
}

impl<'a> Bundle<'a> {
    fn of(evidence: &'a IncidentEvidence) -> Bundle<'a> {
        Bundle {
            place: evidence.place,
            query: &evidence.query,
            note: evidence.note.as_deref(),
            events: evidence.events,
            digest: &evidence.digest,
            added: evidence.added.to_string(),
            added_by: &evidence.added_by,
        }
    }
}

impl<'a> AlertLine<'a> {
    pub(super) fn of(alert: &'a crate::alert::AlertRecord) -> AlertLine<'a> {
        AlertLine {
            id: alert.id.to_string(),
            title: &alert.title,
            title_vi: alert.title_vi.as_deref(),
            level: alert.level.as_str(),
            entity: &alert.entity,
            host: alert.host.as_deref(),
            owner: alert.state.owner.as_deref(),
            count: alert.count,
            first: alert.first.to_string(),
            last: alert.last.to_string(),
        }
    }
}

/// Makes the report of an incident, as Markdown.
///
/// # Errors
/// When the template asks for what cannot be done, or the report gets too long.
pub fn closing_report(
    detail: &IncidentDetail,
    forms: &Forms,
    language: Language,
    author: &str,
    now: Timestamp,
) -> Result<String, FormError> {
    let row = &detail.row;
    let values = Values {
        incident: Head {
            id: row.id.to_string(),
            title: &row.title,
            level: row.level.as_str(),
            phase: row.phase.as_str(),
            owner: row.owner.as_deref(),
            known: row.known.to_string(),
            alerts: row.alerts,
        },
        merged_into: detail.merged_into.map(|into| into.to_string()),
        clocks_of_incident: detail.clocks.iter().map(|seen| clock(seen, row.known)).collect(),
        alerts: detail.alerts.iter().map(AlertLine::of).collect(),
        entities: detail
            .entities
            .iter()
            .map(|entity| Pair { kind: &entity.kind, value: &entity.value, note: None })
            .collect(),
        observables: detail
            .observables
            .iter()
            .map(|seen| Pair { kind: &seen.kind, value: &seen.value, note: seen.note.as_deref() })
            .collect(),
        tasks: detail
            .tasks
            .iter()
            .map(|task| Task {
                text: &task.text,
                done: task.done.as_ref().map(|(at, _)| at.to_string()),
                done_by: task.done.as_ref().map(|(_, who)| who.as_str()),
            })
            .collect(),
        evidence: detail.evidence.iter().map(Bundle::of).collect(),
        timeline: detail.timeline.iter().map(Entry::of).collect(),
        made: now.to_string(),
        author,
    };
    forms.render(Form::ClosingReport, language, &values)
}

/// What is to be done at once is due the moment it is known; it is late when it took longer than this.
const AT_ONCE: std::time::Duration = std::time::Duration::from_secs(3600);

fn clock(clock: &IncidentClock, known: Timestamp) -> Clock<'_> {
    let last = if clock.due == known { known.plus(AT_ONCE) } else { clock.due };
    let late = clock.met.is_some_and(|met| met > last);
    Clock {
        name: &clock.name,
        due: clock.due.to_string(),
        met: clock.met.map(|met| met.to_string()),
        late,
        waived: clock.waived.as_deref(),
        minutes: clock.met.map(|met| met.since(known).as_secs().div_ceil(60)),
    }
}
