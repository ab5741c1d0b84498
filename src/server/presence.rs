//! Who is looking at what: leases that end by themselves.
//!
//! A lease is soft: it tells others, it forbids nothing. It is held in memory only, because after a restart every console
//! says again what it shows. One console looks at one record at a time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::incident::IncidentId;
use crate::model::AlertId;
use crate::model::Timestamp;

/// Leases held at once.
const LEASES_MAX: usize = 512;
/// Consoles of one user; the one that was quiet for longest makes room for another.
const SESSIONS_MAX: usize = 8;
/// The longest name of a session.
pub(super) const SESSION_BYTES_MAX: usize = 64;

/// What somebody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Alert(AlertId),
    Incident(IncidentId),
}

/// One console of one user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Console {
    pub(super) who: String,
    pub(super) session: String,
}

/// What one console looks at, and until when that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) subject: Subject,
    pub(super) since: Timestamp,
    ends: Instant,
}

/// What became of a console's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It looks at something else than before.
    New,
    /// The same as before: the lease holds longer.
    Again,
    /// So many look at something that there is no room.
    Full,
}

/// The leases of one server.
#[derive(Debug)]
pub(super) struct Presence {
    lease: Duration,
    held: Mutex<BTreeMap<Console, Lease>>,
    /// Goes up whenever somebody begins or ends to look.
    changed: watch::Sender<u64>,
}

impl Presence {
    pub(super) fn new(lease: Duration) -> Presence {
        Presence { lease, held: Mutex::default(), changed: watch::Sender::new(0) }
    }

    /// Returns how long a lease holds.
    pub(super) fn lease(&self) -> Duration {
        self.lease
    }

    /// Returns the receiver that is told of every change.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Takes a console's word for what it shows; `None` is nothing.
    pub(super) fn look(&self, console: Console, subject: Option<Subject>, now: Instant, at: Timestamp) -> Said {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let has_ended = end(&mut held, now);
        let before = held.get(&console).copied();
        let said = match subject {
            None => {
                held.remove(&console);
                if before.is_some() { Said::New } else { Said::Again }
            }
            Some(subject) => {
                let same = before.filter(|lease| lease.subject == subject);
                let since = same.map_or(at, |lease| lease.since);
                if before.is_none() && !make_room(&mut held, &console.who) {
                    Said::Full
                } else {
                    held.insert(console, Lease { subject, since, ends: now + self.lease });
                    if same.is_some() { Said::Again } else { Said::New }
                }
            }
        };
        drop(held);
        if has_ended || said == Said::New {
            self.changed.send_modify(|count| *count = count.wrapping_add(1));
        }
        said
    }

    /// Lets go of what was not said again in time.
    pub(super) fn expire(&self, now: Instant) {
        let has_ended = end(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner), now);
        if has_ended {
            self.changed.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Returns who looks at what, one console aside.
    pub(super) fn others(&self, own: &Console, now: Instant) -> Vec<(String, Lease)> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let others = held.iter().filter(|(console, lease)| *console != own && lease.ends > now);
        others.map(|(console, lease)| (console.who.clone(), *lease)).collect()
    }
}

/// Removes what has ended; true when there was something.
fn end(held: &mut BTreeMap<Console, Lease>, now: Instant) -> bool {
    let count = held.len();
    held.retain(|_, lease| lease.ends > now);
    held.len() < count
}

/// Makes room for one more console of a user; false when others have taken it all.
fn make_room(held: &mut BTreeMap<Console, Lease>, who: &str) -> bool {
    let own = held.iter().filter(|(console, _)| console.who == who);
    let count = own.clone().count();
    let oldest = own.min_by_key(|(_, lease)| lease.ends).map(|(console, _)| console.clone());
    if count >= SESSIONS_MAX || held.len() >= LEASES_MAX {
        return oldest.is_some_and(|console| held.remove(&console).is_some());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(45);
    const AT: Timestamp = Timestamp(1_700_000_000_000_000_000);

    fn console(who: &str, session: &str) -> Console {
        Console { who: who.to_owned(), session: session.to_owned() }
    }

    fn alert(id: u64) -> Option<Subject> {
        Some(Subject::Alert(AlertId(id)))
    }

    fn names(presence: &Presence, own: &Console, now: Instant) -> Vec<(String, Subject)> {
        presence.others(own, now).into_iter().map(|(who, lease)| (who, lease.subject)).collect()
    }

    #[test]
    fn a_lease_is_seen_by_others_and_ends_unless_it_is_renewed() {
        let presence = Presence::new(LEASE);
        let (an, ha, start) = (console("an", "1"), console("ha", "1"), Instant::now());
        let mut told = presence.subscribe();
        assert_eq!(presence.look(an.clone(), alert(7), start, AT), Said::New);
        assert!(told.has_changed().unwrap());
        told.borrow_and_update();
        assert_eq!(names(&presence, &ha, start), [("an".to_owned(), Subject::Alert(AlertId(7)))]);
        assert!(names(&presence, &an, start).is_empty(), "nobody is told of themselves");
        assert_eq!(presence.look(an.clone(), alert(7), start + LEASE / 2, AT), Said::Again);
        assert!(!told.has_changed().unwrap(), "renewing is no news");
        presence.expire(start + LEASE);
        assert_eq!(names(&presence, &ha, start + LEASE).len(), 1, "renewed in between");
        presence.expire(start + LEASE * 2);
        assert!(told.has_changed().unwrap() && names(&presence, &ha, start).is_empty());
        assert_eq!(presence.look(an.clone(), None, start, AT), Said::Again, "nothing before, nothing now");
        presence.look(an.clone(), alert(7), start, AT);
        assert_eq!(presence.look(an, Some(Subject::Incident(IncidentId(7))), start, AT), Said::New);
        assert_eq!(names(&presence, &ha, start), [("an".to_owned(), Subject::Incident(IncidentId(7)))]);
    }

    #[test]
    fn neither_one_user_nor_all_together_can_fill_the_memory() {
        let presence = Presence::new(LEASE);
        let now = Instant::now();
        for session in 0..100u32 {
            presence.look(
                console("an", &session.to_string()),
                alert(1),
                now + Duration::from_millis(session.into()),
                AT,
            );
        }
        let nobody = console("", "");
        assert_eq!(names(&presence, &nobody, now).len(), SESSIONS_MAX);
        for user in 0..600 {
            presence.look(console(&format!("u{user}"), ""), alert(1), now, AT);
        }
        assert_eq!(names(&presence, &nobody, now).len(), LEASES_MAX);
        assert_eq!(presence.look(console("late", ""), alert(1), now, AT), Said::Full);
        assert_eq!(presence.look(console("an", "new"), alert(2), now, AT), Said::New, "in the place of their own");
        assert_eq!(
            presence.look(console("late", ""), alert(1), now + LEASE * 2, AT),
            Said::New,
            "what ended makes room"
        );
    }
}
