//! Reading the audit log.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;

use crate::evidence::audit::Entry;
use crate::evidence::audit::Filter;
use crate::evidence::log::merkle::hex;
use crate::model::Timestamp;
use crate::query::time::parse_bound;
use crate::server::access::Shared;
use crate::server::extract::Id;
use crate::server::extract::Params;
use crate::server::problem::Refused;
use crate::wire::audit::AuditRequest;
use crate::wire::audit::AuditRow;
use crate::wire::audit::AuditWindow;
use crate::wire::evidence::AuditEntry;

const WINDOW: u32 = 200;
const WINDOW_MAX: u32 = 1000;

pub(in crate::server) async fn window(
    State(shared): State<Arc<Shared>>,
    Params(request): Params<AuditRequest>,
) -> Result<Answer<AuditWindow>, Refused> {
    let limit = request.limit.unwrap_or(WINDOW);
    if !(1..=WINDOW_MAX).contains(&limit) {
        return Err(Refused::invalid(format!("a window holds 1 to {WINDOW_MAX} entries")));
    }
    let AuditRequest { who, action, text, since, until, before, .. } = request;
    let now = shared.services.clock.now();
    let filter = Filter { who, action, text, before, since: bound(since, now)?, until: bound(until, now)? };
    let entries = shared.run(move |services| {
        let audit = services.audit.as_ref().map_err(|reason| Refused::not_audited(reason))?;
        audit.list(&filter, limit as usize).map_err(|err| Refused::internal(&err))
    });
    Ok(Answer(AuditWindow { entries: entries.await?.into_iter().map(row_of).collect() }))
}

pub(in crate::server) async fn entry(
    State(shared): State<Arc<Shared>>,
    Id(number): Id<u64>,
) -> Result<Answer<AuditEntry>, Refused> {
    let proven = shared.run(move |services| {
        let audit = services.audit.as_ref().map_err(|reason| Refused::not_audited(reason))?;
        audit.prove(number).map_err(|err| Refused::internal(&err))
    });
    let proven = proven.await?.ok_or_else(|| Refused::not_found(format!("no such entry `{number}`")))?;
    Ok(Answer(AuditEntry {
        row: row_of(proven.entry),
        entry: String::from_utf8_lossy(&proven.bytes).into_owned(),
        leaf: hex(&proven.leaf),
        proof: proven.path.iter().map(|hash| hex(hash)).collect(),
        checkpoint: proven.checkpoint,
    }))
}

/// Reads a time as entries have it; a span back from now will do.
fn bound(text: Option<String>, now: Timestamp) -> Result<Option<String>, Refused> {
    let Some(text) = text else { return Ok(None) };
    let time = parse_bound(&text, now).ok_or_else(|| Refused::invalid(format!("`{text}` is no time")));
    Ok(Some(time.map_err(|err| err.hint("a time (RFC 3339), or a span back from now such as `24h`"))?.to_string()))
}

fn row_of(entry: Entry) -> AuditRow {
    let Entry { n, deed } = entry;
    AuditRow {
        number: n,
        at: deed.at,
        who: deed.who,
        role: deed.role,
        via: deed.via,
        action: deed.action,
        detail: deed.detail,
    }
}
