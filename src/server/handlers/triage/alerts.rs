//! The list of alerts, one alert, and what is done to them.

use std::sync::Arc;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;

use crate::alert::store::BulkTarget;
use crate::auth::Principal;
use crate::model::AlertId;
use crate::server::Services;
use crate::server::access::Shared;
use crate::server::access::actor;
use crate::server::convert;
use crate::server::convert::Asked;
use crate::server::convert::UnknownWord;
use crate::server::extract::Id;
use crate::server::extract::Json;
use crate::server::extract::Params;
use crate::server::problem::Refused;
use crate::wire::alert::AlertCommand;
use crate::wire::alert::AlertDetail;
use crate::wire::alert::AlertFilter;
use crate::wire::alert::AlertRow;
use crate::wire::alert::AlertWindow;
use crate::wire::alert::BulkCommand;
use crate::wire::alert::BulkResult;
use crate::wire::why::AlertWhy;

/// Event ids told with the row after an escalation.
const EVENTS_TOLD: u32 = 20;

impl From<UnknownWord> for Refused {
    fn from(unknown: UnknownWord) -> Refused {
        let refused = Refused::invalid(unknown.to_string());
        match unknown.hint {
            Some(hint) => refused.hint(hint),
            None => refused,
        }
    }
}

/// A word of a filter is as long as a name at most: what is longer finds nothing and costs much.
const WORD_BYTES_MAX: usize = 4096;

fn checked(filter: &AlertFilter) -> Result<crate::alert::AlertFilter, Refused> {
    for word in [&filter.text, &filter.owner, &filter.rule, &filter.entity].into_iter().flatten() {
        if word.len() > WORD_BYTES_MAX {
            return Err(Refused::too_large(format!("a word of a filter holds {WORD_BYTES_MAX} bytes at most")));
        }
    }
    Ok(convert::alert_filter(filter)?)
}

pub(in crate::server) async fn window(
    State(shared): State<Arc<Shared>>,
    Params(filter): Params<AlertFilter>,
) -> Result<Answer<AlertWindow>, Refused> {
    let filter = checked(&filter)?;
    let window = shared.run(move |services| {
        let window = services.alerts.window(&filter)?;
        Ok(convert::alert_window(window, services.alerts.sla()))
    });
    Ok(Answer(window.await?))
}

pub(in crate::server) async fn detail(
    State(shared): State<Arc<Shared>>,
    Id(id): Id<AlertId>,
) -> Result<Answer<AlertDetail>, Refused> {
    let detail = shared.run(move |services| {
        let detail = services.alerts.detail(id)?;
        Ok(convert::alert_detail(detail, services.alerts.sla()))
    });
    Ok(Answer(detail.await?))
}

/// What the rule says of the newest event the alert keeps.
pub(in crate::server) async fn why(
    State(shared): State<Arc<Shared>>,
    Id(id): Id<AlertId>,
) -> Result<Answer<AlertWhy>, Refused> {
    let why = shared.run(move |services| {
        let detail = services.alerts.detail(id)?;
        let Some(newest) = detail.evidence.first() else {
            return Err(Refused::not_found(format!("{id} keeps no event")));
        };
        Ok(services.rules.why(&detail.row.rule_id, newest.event)?)
    });
    Ok(Answer(why.await?))
}

pub(in crate::server) async fn act(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id<AlertId>,
    Json(command): Json<AlertCommand>,
) -> Result<Answer<AlertRow>, Refused> {
    let who = actor(&principal);
    let row = shared.run(move |services| {
        let row = match convert::asked(command.action) {
            Asked::Action(action) => services.alerts.act(id, &action, &who, command.revision)?,
            Asked::Escalation(mut escalation) => {
                escalation.alerts = vec![id];
                escalation.seen = command.revision;
                services.incidents.escalate(&escalation, &who)?;
                services.alerts.row(id, EVENTS_TOLD)?
            }
        };
        Ok(convert::alert_row(row, services.alerts.sla()))
    });
    Ok(Answer(row.await?))
}

pub(in crate::server) async fn act_on_many(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(command): Json<BulkCommand>,
) -> Result<Answer<BulkResult>, Refused> {
    let target = target(&command)?;
    let who = actor(&principal);
    let result = shared.run(move |services| {
        let (done, refused) = match convert::asked(command.action) {
            Asked::Action(action) => {
                let outcome = services.alerts.act_on_many(&target, &action, &who)?;
                (outcome.done, outcome.refused)
            }
            Asked::Escalation(escalation) => {
                let alerts = services.alerts.targets(&target)?;
                let escalation = crate::incident::Escalation { alerts, ..escalation };
                let escalated = services.incidents.escalate(&escalation, &who)?;
                (escalated.done, escalated.refused)
            }
        };
        Ok(BulkResult {
            done: done.into_iter().map(|AlertId(id)| id).collect(),
            refused: refused.into_iter().map(|(AlertId(id), err)| (id, err.to_string())).collect(),
        })
    });
    Ok(Answer(result.await?))
}

/// Which alerts a bulk command means: never all by omission.
fn target(command: &BulkCommand) -> Result<BulkTarget, Refused> {
    match (&command.filter, command.ids.is_empty()) {
        (Some(_), false) => Err(Refused::invalid("`ids` and `filter` cannot both be given")),
        (None, true) => Err(Refused::invalid("either `ids` or `filter` must be given")),
        (None, false) => Ok(BulkTarget::Ids(command.ids.iter().copied().map(AlertId).collect())),
        (Some(filter), true) => {
            let missing = || Refused::invalid("a filter needs `expected`: how many alerts it is believed to admit");
            let expected = command.expected.ok_or_else(missing)?;
            Ok(BulkTarget::Filter { filter: Box::new(checked(filter)?), expected })
        }
    }
}

/// The open alerts by level, the worst first, and their sum.
pub(in crate::server::handlers) fn open_alerts(services: &Services) -> Result<(u64, Vec<(String, u64)>), Refused> {
    let by_level = services.alerts.open_by_level()?;
    let total = by_level.iter().map(|(_, count)| count).sum();
    Ok((total, by_level.into_iter().map(|(level, count)| (level.as_str().to_owned(), count)).collect()))
}
