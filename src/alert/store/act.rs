//! Actions on stored alerts: one, or many at once.

use crate::alert::Action;
use crate::alert::Actor;
use crate::alert::AlertFilter;
use crate::alert::AlertRecord;
use crate::alert::AlertStatus;
use crate::alert::AlertStore;
use crate::alert::IncidentId;
use crate::alert::Refusal;
use crate::alert::StoreError;
use crate::alert::state::Alert;
use crate::alert::store::Change;
use crate::alert::store::read;
use crate::alert::store::row;
use crate::alert::store::steps;
use crate::model::AlertId;

/// Alerts one bulk action may touch.
pub const BULK_MAX: u64 = 100_000;
/// Alerts changed in one transaction of a bulk action: between two, the pipeline and other analysts get their turn.
const BULK_STEP: usize = 500;

/// Which alerts a bulk action is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkTarget {
    Ids(Vec<AlertId>),
    /// All that the filter admits (its offset and limit aside), if they are not more than expected.
    Filter {
        filter: Box<AlertFilter>,
        expected: u64,
    },
}

/// What became of a bulk action.
#[derive(Debug, Default)]
pub struct BulkOutcome {
    pub done: Vec<AlertId>,
    /// Alerts left alone, with the reason.
    pub refused: Vec<(AlertId, StoreError)>,
}

impl AlertStore {
    /// Does one action on one alert. `seen` is the revision the decision was made on: when the state, the owner or
    /// the level has changed since, nothing is done. A note is added whatever has changed.
    ///
    /// # Errors
    /// When there is no such alert, the action is refused, or the database fails.
    pub fn act(&self, id: AlertId, action: &Action, who: &Actor, seen: Option<u64>) -> Result<AlertRecord, StoreError> {
        self.change(|change| {
            act(change, id, action, who, seen)?;
            read::row(&change.transaction, id, read::EVENTS_TOLD)
        })
    }

    /// Does one action on many alerts; each is done or refused by itself. What a filter admits is closed only where
    /// it is not part of an incident: its alerts are decided with it, or one by one.
    ///
    /// # Errors
    /// When the filter admits more than expected, the alerts are too many, or the database fails.
    pub fn act_on_many(&self, target: &BulkTarget, action: &Action, who: &Actor) -> Result<BulkOutcome, StoreError> {
        let ids = self.targets(target)?;
        let spares_incidents = matches!((target, action), (BulkTarget::Filter { .. }, Action::Close { .. }));
        let mut outcome = BulkOutcome::default();
        for step in ids.chunks(BULK_STEP) {
            let (done, refused) = self.change(|change| {
                let (mut done, mut refused) = (Vec::new(), Vec::new());
                for id in step {
                    let incident = if spares_incidents { incident_of(change, *id)? } else { None };
                    let acted = match incident {
                        Some(incident) => Err(Refusal::Escalated(incident).into()),
                        None => act(change, *id, action, who, None),
                    };
                    match acted {
                        Ok(()) => done.push(*id),
                        Err(err @ (StoreError::Refused(_) | StoreError::NoSuchAlert(_))) => refused.push((*id, err)),
                        Err(err) => return Err(err),
                    }
                }
                Ok((done, refused))
            })?;
            outcome.done.extend(done);
            outcome.refused.extend(refused);
        }
        Ok(outcome)
    }

    /// Returns the alerts a bulk action is for, each once.
    ///
    /// # Errors
    /// When the filter admits more than expected, or the alerts are too many.
    pub fn targets(&self, target: &BulkTarget) -> Result<Vec<AlertId>, StoreError> {
        let too_many = |wanted: u64| if wanted > BULK_MAX { Err(StoreError::TooMany { wanted }) } else { Ok(()) };
        match target {
            BulkTarget::Ids(ids) => {
                too_many(ids.len() as u64)?;
                let mut ids = ids.clone();
                ids.sort_unstable();
                ids.dedup();
                Ok(ids)
            }
            BulkTarget::Filter { filter, expected } => self.read(|connection| {
                let found = read::find(connection, filter)?;
                if found.total > *expected {
                    return Err(StoreError::MoreThanExpected { expected: *expected, found: found.total });
                }
                too_many(found.total)?;
                read::admitted(connection, &found)
            }),
        }
    }
}

/// Returns the incident an alert is being handled in.
fn incident_of(change: &Change<'_>, id: AlertId) -> Result<Option<IncidentId>, StoreError> {
    let found = row::machine(&change.transaction, id)?;
    Ok(found
        .filter(|(alert, _)| alert.state.status == AlertStatus::Escalated)
        .and_then(|(alert, _)| alert.state.incident))
}

/// Does one action inside a change.
pub(crate) fn act(
    change: &mut Change<'_>,
    id: AlertId,
    action: &Action,
    who: &Actor,
    seen: Option<u64>,
) -> Result<(), StoreError> {
    let (alert, decided) = row::machine(&change.transaction, id)?.ok_or(StoreError::NoSuchAlert(id))?;
    // Neither a note nor a step of the response is a decision that another could contradict.
    let is_note = matches!(action, Action::Note { .. } | Action::Step { .. });
    let applied = alert.apply(action, who, change.now);
    if let Some(seen) = seen.filter(|seen| *seen < decided && !is_note) {
        // Who holds it now is the better answer to two people taking at once; otherwise the change itself is.
        return Err(match applied {
            Err(refusal @ Refusal::HeldBy { .. }) => refusal.into(),
            _ => Refusal::ChangedSince { seen, owner: alert.state.owner }.into(),
        });
    }
    let mut applied = applied?;
    let Some(mut record) = applied.record else { return Ok(()) };
    if let Action::Step { step, is_done } = action {
        record.text = Some(steps::set(change, id, *step, *is_done, who)?);
    }
    if let Some(left) = row::leave_closed_incident(&change.transaction, &mut applied.state)? {
        let reason = format!("left {left}, which is closed");
        record.text = Some(record.text.map_or_else(|| reason.clone(), |text| format!("{text} ({reason})")));
    }
    let revision = change.next_revision();
    let decided = if is_note { decided } else { revision };
    let after = Alert { level: alert.level, state: applied.state, undoable: applied.undoable };
    row::set_machine(&change.transaction, id, &after, revision, decided)?;
    row::remember(&change.transaction, id, change.now, &who.name, &record)
}
