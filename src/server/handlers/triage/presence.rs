//! Who is looking at what: what a console says of itself, and what it is told of the others.

use std::sync::Arc;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;
use tokio::time::Instant;

use crate::auth::Principal;
use crate::incident::IncidentId;
use crate::model::AlertId;
use crate::server::access::Shared;
use crate::server::audit;
use crate::server::extract::Json;
use crate::server::presence::Console;
use crate::server::presence::Lease;
use crate::server::presence::SESSION_BYTES_MAX;
use crate::server::presence::Said;
use crate::server::presence::Subject;
use crate::server::problem::Refused;
use crate::wire::presence::LookRequest;
use crate::wire::presence::Looking;
use crate::wire::presence::Looks;

pub(in crate::server) async fn look(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<LookRequest>,
) -> Result<Answer<Looks>, Refused> {
    let console = console(&principal.name, &request.session)?;
    let subject = match (request.alert, request.incident) {
        (None, None) => None,
        (Some(alert), None) => Some(Subject::Alert(AlertId(alert))),
        (None, Some(incident)) => Some(Subject::Incident(IncidentId(incident))),
        (Some(_), Some(_)) => return Err(Refused::invalid("`alert` and `incident` cannot both be given")),
    };
    if let Some(subject) = subject {
        check(&shared, subject).await?;
    }
    let now = Instant::now();
    match shared.presence.look(console.clone(), subject, now, shared.services.clock.now()) {
        Said::Full => return Err(Refused::busy("too many consoles look at something")),
        Said::New => {
            if let Some(subject) = subject {
                audit::note_view(&shared, &principal, format!("opened {}", shown(subject))).await?;
            }
        }
        Said::Again => {}
    }
    let looking = others(&shared, &console);
    Ok(Answer(Looks { lease_seconds: shared.presence.lease().as_secs(), looking }))
}

/// Returns the console a caller speaks for.
///
/// # Errors
/// When the session is no word.
pub(super) fn console(who: &str, session: &str) -> Result<Console, Refused> {
    let is_word = (1..=SESSION_BYTES_MAX).contains(&session.len())
        && session.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_word {
        let hint = format!("letters, digits and `-`, {SESSION_BYTES_MAX} at most");
        return Err(Refused::invalid("`session` is no word").hint(hint));
    }
    Ok(Console { who: who.to_owned(), session: session.to_owned() })
}

/// Returns who looks at what, one console aside.
pub(super) fn others(shared: &Shared, own: &Console) -> Vec<Looking> {
    shared.presence.others(own, Instant::now()).into_iter().map(looking).collect()
}

fn looking((who, lease): (String, Lease)) -> Looking {
    let (alert, incident) = match lease.subject {
        Subject::Alert(id) => (Some(id.0), None),
        Subject::Incident(id) => (None, Some(id.0)),
    };
    Looking { who, alert, incident, since: lease.since.to_string() }
}

/// Nobody looks at what is not there.
async fn check(shared: &Arc<Shared>, subject: Subject) -> Result<(), Refused> {
    let found = shared.run(move |services| {
        match subject {
            Subject::Alert(id) => drop(services.alerts.row(id, 0)?),
            Subject::Incident(id) => drop(services.incidents.row(id)?),
        }
        Ok(())
    });
    found.await
}

fn shown(subject: Subject) -> String {
    match subject {
        Subject::Alert(id) => id.to_string(),
        Subject::Incident(id) => id.to_string(),
    }
}
