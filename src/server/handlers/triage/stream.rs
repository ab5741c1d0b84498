//! The live stream: what changed since a revision, who is looking at what, and a pulse.
//!
//! A stream holds no queue: it remembers the last revision it told and reads from the store what came after. A slow
//! reader therefore gets the latest state of each alert, not every step, and costs no memory.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::sleep_until;

use std::time::Duration;

use crate::auth::Permission;
use crate::auth::Principal;
use crate::server::Services;
use crate::server::access::Credentials;
use crate::server::access::Shared;
use crate::server::convert;
use crate::server::extract::Params;
use crate::server::handlers::lines;
use crate::server::handlers::triage::alerts::open_alerts;
use crate::server::handlers::triage::presence;
use crate::server::presence::Console;
use crate::server::problem::Refused;
use crate::wire::stream::StreamMessage;

/// Changes told in one piece.
const PIECE_MAX: u32 = 500;
/// Between two pieces, so that a flood is told in pieces and not alert by alert.
const GATHERING: Duration = Duration::from_millis(25);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::server) struct From {
    revision: Option<u64>,
    /// Whoever names one is told of the consoles beside it.
    session: Option<String>,
}

/// One open stream.
struct Following {
    shared: Arc<Shared>,
    credentials: Credentials,
    _permit: OwnedSemaphorePermit,
    changed: watch::Receiver<u64>,
    /// What the reader knows already.
    told: u64,
    /// An alert that is younger than this was never told: everything up to it was, in pieces that left nothing out.
    all_told: u64,
    next_pulse: Instant,
    beside: Option<Beside>,
    /// Set until the first message is out.
    hello: Option<StreamMessage>,
}

/// The reader's own console, and whether others have begun or ended to look since it was told.
struct Beside {
    own: Console,
    changed: watch::Receiver<u64>,
}

pub(in crate::server) async fn changes(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Extension(credentials): Extension<Credentials>,
    Params(from): Params<From>,
) -> Result<Response, Refused> {
    let own = from.session.map(|session| presence::console(&principal.name, &session)).transpose()?;
    let permit = shared.stream()?;
    let beside = own.map(|own| {
        let mut changed = shared.presence.subscribe();
        changed.mark_changed();
        Beside { own, changed }
    });
    let changed = shared.services.alerts.subscribe();
    let revision = *changed.borrow();
    let told = from.revision.unwrap_or(revision);
    let gap = is_gap(&shared, told, revision).await?;
    let following = Following {
        credentials,
        _permit: permit,
        changed,
        told: if gap { revision } else { told },
        all_told: if gap { revision } else { told },
        next_pulse: Instant::now(),
        beside,
        hello: Some(StreamMessage::Hello { revision, gap }),
        shared,
    };
    Ok(lines::stepwise(following, Following::step))
}

/// Says whether too much has changed, or the revision is none of this store's.
async fn is_gap(shared: &Arc<Shared>, told: u64, revision: u64) -> Result<bool, Refused> {
    if told >= revision {
        return Ok(told > revision);
    }
    let resume_max = shared.limits.resume_max;
    let count = shared.run(move |services| Ok(services.alerts.changed_count(told, resume_max.saturating_add(1))?));
    Ok(count.await? > u64::from(resume_max))
}

impl Following {
    /// Waits for something to tell and tells it; `None` ends the stream.
    async fn step(mut self) -> Option<(Bytes, Following)> {
        let mut out = Vec::new();
        if let Some(hello) = self.hello.take() {
            lines::push(&mut out, &hello);
            return Some((out.into(), self));
        }
        let stop = self.shared.stop.clone();
        while out.is_empty() {
            self.tell_presence(&mut out);
            let known = *self.changed.borrow_and_update();
            if known > self.told {
                self.tell_changes(&mut out).await?;
            } else if out.is_empty() {
                tokio::select! {
                    () = stop.cancelled() => return None,
                    changed = self.changed.changed() => {
                        changed.ok()?;
                        sleep(GATHERING).await;
                    }
                    () = looked(self.beside.as_mut()) => {}
                    () = sleep_until(self.next_pulse) => {}
                }
            }
            // Also while changes keep coming: the status line must not stand still in a flood.
            if Instant::now() >= self.next_pulse {
                self.tell_pulse(&mut out).await?;
            }
        }
        Some((out.into(), self))
    }

    /// Tells who else is looking, when that has changed.
    fn tell_presence(&mut self, out: &mut Vec<u8>) {
        self.shared.presence.expire(Instant::now());
        let Some(beside) = &mut self.beside else { return };
        if beside.changed.has_changed().unwrap_or(false) {
            beside.changed.mark_unchanged();
            let looking = presence::others(&self.shared, &beside.own);
            lines::push(out, &StreamMessage::Presence { looking });
        }
    }

    async fn tell_changes(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let (told, all_told) = (self.told, self.all_told);
        let read = self
            .shared
            .run(move |services| Ok((services.alerts.changes_since(told, PIECE_MAX)?, services.alerts.sla())));
        let (changes, sla) = read.await.ok()?;
        let mut messages: Vec<(u64, StreamMessage)> = changes
            .alerts
            .into_iter()
            .map(|record| {
                let (revision, is_new) = (record.revision, record.born > all_told);
                let row = Box::new(convert::alert_row(record, sla));
                (revision, StreamMessage::Alert { revision, is_new, row })
            })
            .collect();
        let incidents = changes.incidents.into_iter();
        messages.extend(incidents.map(|(revision, id)| (revision, StreamMessage::Incident { revision, id: id.0 })));
        messages.sort_by_key(|(revision, _)| *revision);
        for (_, message) in &messages {
            lines::push(out, message);
        }
        self.told = changes.upto;
        // One that is born within a piece and changes before the next is in neither as it was born.
        if changes.upto >= changes.revision {
            self.all_told = changes.upto;
        }
        Some(())
    }

    /// Tells the figures of the status line, if the caller is still let in.
    async fn tell_pulse(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let principal = self.shared.identify(&self.credentials).ok()?;
        if !principal.may(Permission::ReadAlerts) {
            return None;
        }
        let revision = self.told;
        let pulse = self.shared.run(move |services| pulse(services, revision)).await.ok()?;
        lines::push(out, &pulse);
        self.next_pulse = Instant::now() + self.shared.limits.pulse;
        Some(())
    }
}

/// Waits until somebody begins or ends to look; for ever when nobody wants to know.
async fn looked(beside: Option<&mut Beside>) {
    let Some(beside) = beside else { return std::future::pending().await };
    if beside.changed.changed().await.is_err() {
        return std::future::pending().await;
    }
    // Taken note of here, told by the next step.
    beside.changed.mark_changed();
}

fn pulse(services: &Services, revision: u64) -> Result<StreamMessage, Refused> {
    let (open_alerts, _) = open_alerts(services)?;
    let figures = services.status.pulse();
    Ok(StreamMessage::Pulse {
        revision,
        now: services.clock.now().to_string(),
        events_per_second: figures.events_per_second,
        lag_ms: figures.lag_ms,
        open_alerts,
        overdue_alerts: services.alerts.overdue()?,
        silent_sources: figures.silent_sources,
        refusing: figures.refusing,
    })
}
