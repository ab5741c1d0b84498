//! Rule files: read, checked, tested, written; many rules put in a state at once.

use std::sync::Arc;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::Path;
use axum::extract::State;

use crate::alert::rulebook::RuleState;
use crate::auth::Principal;
use crate::server::access::Shared;
use crate::server::extract::Json;
use crate::server::problem::Refused;
use crate::server::services::Services;
use crate::wire::rule::CheckReport;
use crate::wire::rule::CheckRequest;
use crate::wire::rule::RuleSaveRequest;
use crate::wire::rule::RuleSource;
use crate::wire::rule::StatesChanged;
use crate::wire::rule::StatesRequest;
use crate::wire::rule::TestReport;
use crate::wire::rule::TestRequest;

/// Rules put in a state at once.
const STATES_MAX: usize = 10_000;
/// The longest id taken of a rule that is not there yet.
const ID_BYTES_MAX: usize = 256;

pub(in crate::server) async fn source(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Answer<RuleSource>, Refused> {
    Ok(Answer(shared.run(move |services| Ok(services.rules.source(&id)?)).await?))
}

pub(in crate::server) async fn check(
    State(shared): State<Arc<Shared>>,
    Json(request): Json<CheckRequest>,
) -> Result<Answer<CheckReport>, Refused> {
    Ok(Answer(shared.run(move |services| Ok(services.rules.check(&request.text))).await?))
}

pub(in crate::server) async fn test(
    State(shared): State<Arc<Shared>>,
    Json(request): Json<TestRequest>,
) -> Result<Answer<TestReport>, Refused> {
    Ok(Answer(shared.run(move |services| Ok(services.rules.test(&request)?)).await?))
}

fn state_of(word: &str) -> Result<RuleState, Refused> {
    word.parse().map_err(|err: String| Refused::invalid(err))
}

/// Says whether a rule that is there raises alerts: one nobody put in a state does.
fn is_live(services: &Services, rule: &str) -> bool {
    match services.rulebook.state(rule) {
        Some(state) => state == RuleState::Live,
        None => services.rules.source(rule).is_ok(),
    }
}

pub(in crate::server) async fn save(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<RuleSaveRequest>,
) -> Result<Answer<RuleSource>, Refused> {
    if request.reason.trim().is_empty() {
        return Err(Refused::invalid("a reason is needed"));
    }
    let state = request.state.as_deref().map(state_of).transpose()?;
    let done = shared.run(move |services| {
        let report = services.rules.check(&request.text);
        // The state first: what is written is in force at once, and must not raise what it is not to raise.
        let mut quieted = Vec::new();
        if let Some(state) = state.filter(|_| report.is_right) {
            if state != RuleState::Live {
                quieted.extend(report.rules.iter().filter(|rule| is_live(services, rule)).cloned());
            }
            services.rulebook.set_states(&report.rules, state, &principal.name, &request.reason)?;
        }
        let source = RuleSource { quieted, ..services.rules.save(&request)? };
        for rule in &report.rules {
            services.rulebook.note_edit(rule, &principal.name, &request.reason)?;
        }
        Ok(source)
    });
    Ok(Answer(done.await?))
}

pub(in crate::server) async fn set_states(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<StatesRequest>,
) -> Result<Answer<StatesChanged>, Refused> {
    let state = state_of(&request.state)?;
    if request.rules.len() > STATES_MAX || request.rules.iter().any(|rule| rule.len() > ID_BYTES_MAX) {
        return Err(Refused::too_large(format!(
            "{STATES_MAX} rules at most, each with an id of {ID_BYTES_MAX} bytes at most"
        )));
    }
    let done = shared.run(move |services| {
        services.rulebook.set_states(&request.rules, state, &principal.name, &request.reason)?;
        Ok(StatesChanged { changed: request.rules.len() as u64 })
    });
    Ok(Answer(done.await?))
}
