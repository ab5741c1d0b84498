//! Handing a shift over: what happened since the last handover, told by a template, signed by who hands over.
//!
//! Signed handovers are kept for ever. The digest of each covers the digest of the one before it, so that none can be
//! changed or taken out without all later ones telling.

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::Row;
use rusqlite::params;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::alert::Actor;
use crate::alert::AlertFilter;
use crate::alert::AlertReader;
use crate::alert::StatusFilter;
use crate::alert::state::checked_note;
use crate::alert::store::from_sql;
use crate::alert::store::to_sql;
use crate::incident::Form;
use crate::incident::FormError;
use crate::incident::Forms;
use crate::incident::IncidentError;
use crate::incident::IncidentRefusal;
use crate::incident::IncidentStore;
use crate::incident::forms::Language;
use crate::incident::report::AlertLine;
use crate::model::RuleLevel;
use crate::model::Timestamp;

/// A first handover looks back this far.
const SHIFT: std::time::Duration = std::time::Duration::from_secs(12 * 3600);
/// A handover looks back no further than this.
const SINCE_MAX: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 3600);
/// Open alerts and incidents told one by one.
const LINES_MAX: u32 = 20;
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Handovers in one window of the list.
const WINDOW_MAX: u32 = 200;

/// A handover not signed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoverDraft {
    pub since: Timestamp,
    pub until: Timestamp,
    /// Markdown.
    pub text: String,
}

/// A signed handover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    pub id: u64,
    pub since: Timestamp,
    /// What happened up to here is told; the next handover begins here.
    pub until: Timestamp,
    pub signed: Timestamp,
    pub who: String,
    pub text: String,
    /// SHA-256 over the previous digest and what is signed, in hexadecimal.
    pub digest: String,
}

/// Why no handover could be drafted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandoverError {
    #[error(transparent)]
    Incident(#[from] IncidentError),
    #[error(transparent)]
    Form(#[from] FormError),
}

#[derive(Serialize)]
struct Values<'a> {
    since: String,
    until: String,
    author: &'a str,
    note: Option<&'a str>,
    levels_of_period: Vec<LevelLine>,
    alerts: Vec<AlertLine<'a>>,
    incidents: Vec<IncidentLine<'a>>,
    silent_sources: &'a [String],
}

#[derive(Serialize)]
struct LevelLine {
    level: &'static str,
    raised: u64,
    closed: u64,
    untouched: u64,
    open: u64,
}

#[derive(Serialize)]
struct IncidentLine<'a> {
    id: String,
    level: &'static str,
    phase: &'static str,
    title: &'a str,
    owner: Option<&'a str>,
    /// The first deadline not met yet.
    due: Option<String>,
    /// Whether it has passed.
    late: bool,
}

impl IncidentStore {
    /// Drafts the handover of the shift that ends now.
    ///
    /// # Errors
    /// When the note is too long, the database fails, or the template asks for what cannot be done.
    pub fn draft_handover(
        &self,
        forms: &Forms,
        language: Language,
        note: Option<&str>,
        silent_sources: &[String],
        author: &str,
    ) -> Result<HandoverDraft, HandoverError> {
        let store = self.alerts();
        let until = store.now();
        let note = checked_note(note).map_err(|_| IncidentError::from(IncidentRefusal::NoteTooLong))?;
        let last = store.read(|connection| last(connection).map_err(IncidentError::from))?;
        let oldest = until.minus(SINCE_MAX);
        let since = last.map_or_else(|| until.minus(SHIFT), |last| last.until.max(oldest));
        let figures = store.figures(since, until).map_err(IncidentError::from)?;
        let open = store.open_by_level().map_err(IncidentError::from)?;
        let gravest = AlertFilter { status: StatusFilter::Open, limit: LINES_MAX, ..AlertFilter::default() };
        let alerts = store.window(&gravest).map_err(IncidentError::from)?;
        let incidents = self.unfinished(LINES_MAX)?;
        let levels = RuleLevel::ALL.into_iter().rev().map(|level| {
            let of_period = figures.levels.get(level as usize).copied().unwrap_or_default();
            let open = open.iter().find(|(known, _)| *known == level).map_or(0, |(_, count)| *count);
            let (raised, closed, untouched) = (of_period.raised, of_period.closed, of_period.untouched);
            LevelLine { level: level.as_str(), raised, closed, untouched, open }
        });
        let values = Values {
            since: since.to_string(),
            until: until.to_string(),
            author,
            note: note.as_deref(),
            levels_of_period: levels.collect(),
            alerts: alerts.rows.iter().map(AlertLine::of).collect(),
            incidents: incidents
                .iter()
                .map(|row| IncidentLine {
                    id: row.id.to_string(),
                    level: row.level.as_str(),
                    phase: row.phase.as_str(),
                    title: &row.title,
                    owner: row.owner.as_deref(),
                    due: row.next_due.map(|due| due.to_string()),
                    late: row.next_due.is_some_and(|due| due < until),
                })
                .collect(),
            silent_sources,
        };
        Ok(HandoverDraft { since, until, text: forms.render(Form::Handover, language, &values)? })
    }

    /// Signs a handover: what is kept is the text that was read.
    ///
    /// # Errors
    /// When the text is empty or too long, a handover was signed after the draft was made, or the database fails.
    pub fn sign_handover(&self, draft: &HandoverDraft, who: &Actor) -> Result<Handover, IncidentError> {
        if draft.text.trim().is_empty() {
            return Err(IncidentRefusal::Empty { what: "the handover" }.into());
        }
        if draft.text.len() > TEXT_BYTES_MAX {
            return Err(IncidentRefusal::TooLong { what: "the handover", bytes_max: TEXT_BYTES_MAX }.into());
        }
        self.alerts().change(|change| {
            let last = last(&change.transaction)?;
            if let Some(last) = &last
                && last.signed > draft.until
            {
                return Err(IncidentRefusal::HandedOver { at: last.signed }.into());
            }
            // A draft of the future would leave out what happens until then.
            let until = draft.until.min(change.now);
            let before = last.map(|last| last.digest).unwrap_or_default();
            let signing = Signing {
                who: &who.name,
                since: draft.since,
                until: Some(until),
                signed: change.now,
                text: &draft.text,
            };
            let digest = signing.digest(&before);
            change.transaction.execute(
                "INSERT INTO handovers (since, until, signed, who, text, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![draft.since.0, until.0, change.now.0, who.name, draft.text, digest],
            )?;
            Ok(Handover {
                id: from_sql(change.transaction.last_insert_rowid()),
                since: draft.since,
                until,
                signed: change.now,
                who: who.name.clone(),
                text: draft.text.clone(),
                digest,
            })
        })
    }

    /// Returns signed handovers, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn handovers(&self, offset: u64, limit: u32) -> Result<Vec<Handover>, IncidentError> {
        self.alerts().read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM handovers ORDER BY id DESC LIMIT ?1 OFFSET ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![limit.min(WINDOW_MAX), to_sql(offset)], |row| Ok(read(row)?.0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Checks the chain of handovers; returns the first whose digest is not that of its text and its predecessor. That the
/// newest were cut off the chain does not tell; the audit log does, where every signing stands.
///
/// # Errors
/// When the database fails.
pub fn first_broken_handover(reader: &mut AlertReader) -> Result<Option<u64>, IncidentError> {
    reader.read(|connection| {
        let sql = format!("SELECT {COLUMNS} FROM handovers ORDER BY id");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut before = String::new();
        for row in statement.query_map([], read)? {
            let (kept, until) = row?;
            let Handover { since, signed, who, text, .. } = &kept;
            if (Signing { who, since: *since, until, signed: *signed, text }).digest(&before) != kept.digest {
                return Ok(Some(kept.id));
            }
            before = kept.digest;
        }
        Ok(None)
    })
}

/// The newest of the chain.
struct Last {
    until: Timestamp,
    signed: Timestamp,
    digest: String,
}

fn last(connection: &Connection) -> rusqlite::Result<Option<Last>> {
    let sql = "SELECT coalesce(until, signed), signed, digest FROM handovers ORDER BY id DESC LIMIT 1";
    let read =
        |row: &Row<'_>| Ok(Last { until: Timestamp(row.get(0)?), signed: Timestamp(row.get(1)?), digest: row.get(2)? });
    connection.query_row(sql, [], read).optional()
}

const COLUMNS: &str = "id, since, signed, who, text, digest, until";

/// Reads a row, and whether its end was signed with it.
fn read(row: &Row<'_>) -> rusqlite::Result<(Handover, Option<Timestamp>)> {
    let signed = Timestamp(row.get(2)?);
    let until: Option<Timestamp> = row.get::<_, Option<i64>>(6)?.map(Timestamp);
    let handover = Handover {
        id: from_sql(row.get(0)?),
        since: Timestamp(row.get(1)?),
        until: until.unwrap_or(signed),
        signed,
        who: row.get(3)?,
        text: row.get(4)?,
        digest: row.get(5)?,
    };
    Ok((handover, until))
}

/// What a signature covers. `until` came later: handovers signed before have none, and none is in their digest.
struct Signing<'a> {
    who: &'a str,
    since: Timestamp,
    until: Option<Timestamp>,
    signed: Timestamp,
    text: &'a str,
}

impl Signing<'_> {
    fn digest(&self, before: &str) -> String {
        let until = self.until.map(|until| until.to_string());
        let parts = [before, self.who, &self.since.to_string(), &self.signed.to_string(), self.text];
        let mut hash = Sha256::new();
        // Each part with its length, so that no two handovers are the same bytes.
        for part in parts.into_iter().chain(until.as_deref()) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::alert::AlertStore;
    use crate::alert::NewDetection;
    use crate::alert::Policy;
    use crate::model::EventId;
    use crate::model::time::Clock as _;
    use crate::model::time::ManualClock;

    const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

    #[test]
    fn a_shift_is_drafted_signed_and_chained() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let path = folder.path().join("alerts.sqlite");
        let store = Arc::new(AlertStore::open(&path, Policy::DEFAULT, clock.clone()).unwrap());
        let forms = Arc::new(Forms::built_in(7 * 3600));
        let incidents = IncidentStore::new(store.clone(), forms.clone());
        let detection = NewDetection {
            rule_id: "brute".to_owned(),
            title: "SSH brute force".to_owned(),
            level: RuleLevel::High,
            entity: "10.0.0.1".to_owned(),
            event_ids: vec![EventId(1)],
            ..NewDetection::default()
        };
        store.commit(&[detection], EventId(1), None).unwrap();
        clock.set(START.plus(SHIFT));
        let silent = ["fw-03".to_owned()];
        let draft = |note| incidents.draft_handover(&forms, Language::English, note, &silent, "an").unwrap();
        let first = draft(Some("watch fw-03"));
        assert_eq!(first.since, START);
        for wanted in ["ALR-1 (high) SSH brute force: 10.0.0.1", "| high | 1 | 0 | 1 | 1 |", "- fw-03", "watch fw-03"] {
            assert!(first.text.contains(wanted), "{wanted} in {}", first.text);
        }
        let an = Actor::analyst("an");
        clock.set(clock.now().plus(std::time::Duration::from_secs(40)));
        let signed = incidents.sign_handover(&first, &an).unwrap();
        clock.set(clock.now().plus(SHIFT));
        let second = draft(None);
        assert_eq!((second.since, signed.until), (first.until, first.until));
        assert!(signed.signed > signed.until, "what came up while it was read is told by the next");
        incidents.sign_handover(&second, &Actor::analyst("ha")).unwrap();
        let late = incidents.sign_handover(&first, &an);
        assert!(matches!(late, Err(IncidentError::Refused(IncidentRefusal::HandedOver { .. }))));
        let list = incidents.handovers(0, 10).unwrap();
        assert_eq!(list.iter().map(|kept| kept.who.as_str()).collect::<Vec<_>>(), ["ha", "an"]);
        let broken = || first_broken_handover(&mut AlertReader::open(&path).unwrap()).unwrap();
        assert_eq!(broken(), None);

        let raw = Connection::open(&path).unwrap();
        assert!(raw.execute("UPDATE handovers SET text = 'x'", []).is_err());
        raw.execute_batch("DROP TRIGGER handovers_kept; UPDATE handovers SET text = 'x' WHERE id = 1").unwrap();
        assert_eq!(broken(), Some(1));
    }
}
