//! Reading the audit log.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;

use crate::evidence::audit::Entry;
use crate::evidence::audit::Filter;
use crate::server::access::Shared;
use crate::server::extract::Params;
use crate::server::problem::Refused;
use crate::wire::audit::AuditRequest;
use crate::wire::audit::AuditRow;
use crate::wire::audit::AuditWindow;

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
    let filter = Filter { who, action, text, before, since, until };
    let entries = shared.run(move |services| {
        let audit = services.audit.as_ref().map_err(|reason| Refused::not_audited(reason))?;
        audit.list(&filter, limit as usize).map_err(|err| Refused::internal(&err))
    });
    Ok(Answer(AuditWindow { entries: entries.await?.into_iter().map(row_of).collect() }))
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
