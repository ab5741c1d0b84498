//! Rules: the list with noise and precision, states, exceptions, and backtests, which answer in lines as they go.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::Path;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use hashbrown::HashMap;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::alert::rulebook;
use crate::alert::rulebook::Comparison;
use crate::alert::rulebook::Condition;
use crate::alert::rulebook::Exception;
use crate::alert::rulebook::ExceptionId;
use crate::alert::rulebook::NewException;
use crate::alert::rulebook::RuleBookError;
use crate::alert::rulebook::RuleState;
use crate::auth::Principal;
use crate::query::time::parse_duration;
use crate::server::Services;
use crate::server::access::Shared;
use crate::server::convert;
use crate::server::extract::Json;
use crate::server::extract::Params;
use crate::server::handlers::lines;
use crate::server::problem::Refused;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::BacktestRequest;
use crate::wire::rule::ExceptionCondition;
use crate::wire::rule::ExceptionFilter;
use crate::wire::rule::ExceptionList;
use crate::wire::rule::ExceptionPreview;
use crate::wire::rule::ExceptionRequest;
use crate::wire::rule::ExceptionRow;
use crate::wire::rule::RevokeRequest;
use crate::wire::rule::RuleChange;
use crate::wire::rule::RuleDetail;
use crate::wire::rule::RuleVersion;
use crate::wire::rule::StateRequest;
use crate::wire::status::RuleList;
use crate::wire::status::RuleRow;

/// Lines made ahead of their reader.
const LINES_AHEAD: usize = 16;

pub(in crate::server) async fn backtest(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<BacktestRequest>,
) -> Result<Response, Refused> {
    let permit = shared.stream()?;
    let (sender, mut lines_made) = mpsc::channel::<Result<Bytes, Refused>>(LINES_AHEAD);
    let for_backtest = shared.clone();
    let running = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        run_backtest(&for_backtest, &request, &principal, &sender);
    });
    // What is wrong with the request is an answer of its own.
    let first = lines_made.recv().await.transpose()?;
    let rest = ReceiverStream::new(lines_made).map(move |line| {
        let _running = &running;
        line.map_err(|refused| std::io::Error::other(refused.0.detail))
    });
    Ok(lines::answer(futures_util::stream::iter(first.map(Ok)).chain(rest)))
}

fn run_backtest(
    shared: &Shared,
    request: &BacktestRequest,
    principal: &Principal,
    sender: &mpsc::Sender<Result<Bytes, Refused>>,
) {
    let mut emit = |message: &BacktestMessage| {
        let mut line = Vec::new();
        lines::push(&mut line, message);
        if shared.stop.is_cancelled() {
            return false;
        }
        match message {
            // Progress nobody has read yet is as good as the next; whoever has gone is found out here.
            BacktestMessage::Progress(_) => {
                !matches!(sender.try_send(Ok(line.into())), Err(mpsc::error::TrySendError::Closed(_)))
            }
            _ => sender.blocking_send(Ok(line.into())).is_ok(),
        }
    };
    if let Err(problem) = shared.services.rules.backtest(request, principal, &mut emit) {
        drop(sender.blocking_send(Err(problem.into())));
    }
}

/// Verdicts and noise are told over this time.
const NOISE_OVER: Duration = Duration::from_secs(30 * 86_400);
/// Events told of each exception.
const EVENTS_TOLD: usize = 20;

impl From<RuleBookError> for Refused {
    fn from(err: RuleBookError) -> Refused {
        match err {
            RuleBookError::Refused(_) => Refused::invalid(err.to_string()),
            RuleBookError::NoSuchException(_) => Refused::not_found(err.to_string()),
            _ => Refused::internal(&err),
        }
    }
}

pub(in crate::server) async fn list(State(shared): State<Arc<Shared>>) -> Result<Answer<RuleList>, Refused> {
    let list = shared.run(|services| {
        let mut list = services.status.rules();
        let now = services.clock.now();
        let since = now.minus(NOISE_OVER);
        let verdicts = services.alerts.verdicts_by_rule(since)?;
        let shadow = services.rulebook.shadow_matches(since)?;
        let mut exceptions: HashMap<String, u64> = HashMap::new();
        for exception in services.rulebook.exceptions(None)?.iter().filter(|exception| exception.is_in_force(now)) {
            *exceptions.entry(exception.rule.clone()).or_default() += 1;
        }
        for rule in &mut list.rules {
            if let Some(state) = services.rulebook.state(&rule.id) {
                state.as_str().clone_into(&mut rule.state);
            }
            let judged = verdicts.get(&rule.id).copied().unwrap_or_default();
            rule.verdicts = convert::rules::verdicts(judged);
            rule.noise = judged.detections + shadow.get(&rule.id).copied().unwrap_or(0);
            rule.exceptions = exceptions.get(&rule.id).copied().unwrap_or(0);
        }
        Ok(list)
    });
    Ok(Answer(list.await?))
}

fn known(services: &Services, id: &str) -> Result<RuleRow, Refused> {
    let found = services.status.rules().rules.into_iter().find(|rule| rule.id == id);
    found.ok_or_else(|| Refused::not_found(format!("no rule `{id}`")))
}

fn detail_of(services: &Services, id: &str) -> Result<RuleDetail, Refused> {
    let rule = known(services, id)?;
    let state = services.rulebook.state(id).map_or(rule.state, |state| state.as_str().to_owned());
    let change = |change: rulebook::Change| RuleChange {
        at: change.at.to_string(),
        who: change.who,
        action: change.action,
        text: change.text,
    };
    let version = |version: rulebook::Version| RuleVersion {
        hash: version.hash,
        path: version.path,
        seen: version.seen.to_string(),
        text: version.text,
    };
    Ok(RuleDetail {
        id: id.to_owned(),
        state,
        history: services.rulebook.history(id)?.into_iter().map(change).collect(),
        versions: services.rulebook.versions(id)?.into_iter().map(version).collect(),
    })
}

pub(in crate::server) async fn detail(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Answer<RuleDetail>, Refused> {
    Ok(Answer(shared.run(move |services| detail_of(services, &id)).await?))
}

pub(in crate::server) async fn set_state(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    Json(request): Json<StateRequest>,
) -> Result<Answer<RuleDetail>, Refused> {
    let state: RuleState = request.state.parse().map_err(|err: String| Refused::invalid(err))?;
    let done = shared.run(move |services| {
        known(services, &id)?;
        services.rulebook.set_state(&id, state, &principal.name, &request.reason)?;
        detail_of(services, &id)
    });
    Ok(Answer(done.await?))
}

fn asked(request: ExceptionRequest) -> Result<NewException, Refused> {
    let lasts = match &request.lasts {
        None => None,
        Some(text) => Some(parse_duration(text).ok_or_else(|| {
            Refused::invalid(format!("`lasts`: `{text}` is no span of time"))
                .hint("a number and h, d or w, such as `7d`")
        })?),
    };
    let mut conditions = Vec::new();
    for condition in request.conditions {
        let comparison = match condition.comparison.as_str() {
            "is" | "" => Comparison::Is,
            "contains" => Comparison::Contains,
            "startswith" => Comparison::StartsWith,
            "endswith" => Comparison::EndsWith,
            "cidr" => Comparison::Cidr,
            other => return Err(Refused::invalid(format!("no comparison `{other}`"))),
        };
        conditions.push(Condition { field: condition.field, comparison, value: condition.value });
    }
    Ok(NewException { rule: request.rule, conditions, reason: request.reason, lasts })
}

fn row(services: &Services, exception: Exception) -> Result<ExceptionRow, Refused> {
    let events =
        services.rulebook.suppressed(exception.id)?.into_iter().take(EVENTS_TOLD).map(|one| one.event).collect();
    let condition = |condition: Condition| ExceptionCondition {
        field: condition.field,
        comparison: comparison_name(condition.comparison).to_owned(),
        value: condition.value,
    };
    Ok(ExceptionRow {
        id: exception.id.0,
        is_in_force: exception.is_in_force(services.clock.now()),
        rule: exception.rule,
        conditions: exception.conditions.into_iter().map(condition).collect(),
        reason: exception.reason,
        author: exception.author,
        created: exception.created.to_string(),
        expires: exception.expires.to_string(),
        revoked: exception.revoked.map(|time| time.to_string()),
        revoked_by: exception.revoked_by,
        revoked_why: exception.revoked_why,
        hidden: exception.hidden,
        last_hidden: exception.last_hidden.map(|time| time.to_string()),
        events,
    })
}

fn comparison_name(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Is => "is",
        Comparison::Contains => "contains",
        Comparison::StartsWith => "startswith",
        Comparison::EndsWith => "endswith",
        Comparison::Cidr => "cidr",
    }
}

pub(in crate::server) async fn exceptions(
    State(shared): State<Arc<Shared>>,
    Params(filter): Params<ExceptionFilter>,
) -> Result<Answer<ExceptionList>, Refused> {
    let list = shared.run(move |services| {
        let found = services.rulebook.exceptions(filter.rule.as_deref())?;
        let exceptions = found.into_iter().map(|exception| row(services, exception)).collect::<Result<_, _>>()?;
        Ok(ExceptionList { exceptions })
    });
    Ok(Answer(list.await?))
}

pub(in crate::server) async fn except(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<ExceptionRequest>,
) -> Result<Answer<ExceptionRow>, Refused> {
    let new = asked(request)?;
    let done = shared.run(move |services| {
        known(services, &new.rule)?;
        let exception = services.rulebook.except(&new, &principal.name)?;
        row(services, exception)
    });
    Ok(Answer(done.await?))
}

pub(in crate::server) async fn preview(
    State(shared): State<Arc<Shared>>,
    Json(request): Json<ExceptionRequest>,
) -> Result<Answer<ExceptionPreview>, Refused> {
    let new = asked(request)?;
    new.check()?;
    Ok(Answer(shared.run(move |services| Ok(services.rules.preview(&new)?)).await?))
}

pub(in crate::server) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    Json(request): Json<RevokeRequest>,
) -> Result<Answer<ExceptionRow>, Refused> {
    let id: ExceptionId = id.parse().map_err(|_| Refused::not_found("the path names no exception"))?;
    let done = shared.run(move |services| {
        let exception = services.rulebook.revoke(id, &principal.name, &request.reason)?;
        row(services, exception)
    });
    Ok(Answer(done.await?))
}
