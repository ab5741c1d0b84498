//! What callers do is written to the audit log, and synced there, before it is done.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::extract::Request;
use axum::http::Method;
use axum::http::header;
use http_body_util::BodyExt as _;
use http_body_util::LengthLimitError;
use http_body_util::Limited;

use crate::auth::Principal;
use crate::auth::Role;
use crate::auth::Via;
use crate::evidence::audit::Deed;
use crate::server::access::Shared;
use crate::server::problem::Refused;

/// A caller who was quiet for so long logs in again.
const SESSION: Duration = Duration::from_secs(30 * 60);
/// So many callers are remembered.
const CALLERS_MAX: usize = 10_000;
/// Refused requests written down in each minute; more are only counted.
const REFUSED_A_MINUTE: u32 = 60;

/// Who was seen when, so that a login is one entry.
#[derive(Debug, Default)]
pub(super) struct Seen {
    callers: Mutex<HashMap<(String, Via), Instant>>,
    refused: Mutex<Option<(Instant, u32)>>,
}

impl Seen {
    /// Notes that somebody calls; true when they were not here for a while.
    fn is_login(&self, principal: &Principal) -> bool {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= CALLERS_MAX {
            callers.retain(|_, seen| seen.elapsed() < SESSION);
        }
        let before = callers.insert((principal.name.clone(), principal.via), Instant::now());
        before.is_none_or(|seen| seen.elapsed() >= SESSION)
    }

    /// Counts a refused request; true when it is to be written down.
    fn may_tell_refused(&self) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = refused.filter(|(since, _)| since.elapsed().as_secs() < 60).unwrap_or((Instant::now(), 0));
        *refused = Some((since, count.saturating_add(1)));
        count < REFUSED_A_MINUTE
    }
}

/// Writes down what a caller is about to do, and gives the request on.
pub(super) async fn note(shared: &Arc<Shared>, principal: &Principal, request: Request) -> Result<Request, Refused> {
    if let Err(reason) = &shared.services.audit {
        // What only keeps a screen up to date goes on, so that everybody can see what is wrong.
        return match action_of(&request, principal.role) {
            None => Ok(request),
            Some(_) => Err(Refused::not_audited(reason)),
        };
    }
    let mut deeds = Vec::new();
    if shared.seen.is_login(principal) {
        deeds.push(deed(shared, principal, "login", String::new()));
    }
    let (request, asked) = match action_of(&request, principal.role) {
        None => (request, None),
        Some(action) => {
            let (request, detail) = told(request, shared.limits.body_bytes_max).await?;
            (request, Some((action, detail)))
        }
    };
    deeds.extend(asked.map(|(action, detail)| deed(shared, principal, action, detail)));
    if !deeds.is_empty() {
        record(shared, deeds).await?;
    }
    Ok(request)
}

/// Writes down what a handler alone can tell of: that somebody opened a record.
pub(super) async fn note_view(shared: &Arc<Shared>, principal: &Principal, detail: String) -> Result<(), Refused> {
    let deed = deed(shared, principal, "view", detail);
    record(shared, vec![deed]).await
}

/// Writes down that somebody was turned away.
pub(super) async fn note_refused(shared: &Arc<Shared>, asked: String, refused: &Refused) {
    if shared.services.audit.is_err() || !shared.seen.may_tell_refused() {
        return;
    }
    let detail = format!("{asked}: {}", refused.0.detail);
    let mut deed = Deed::of_program(shared.services.clock.now(), "refused", detail);
    deed.who = String::new();
    // Whoever is turned away is turned away in any case.
    drop(record(shared, vec![deed]).await);
}

async fn record(shared: &Arc<Shared>, deeds: Vec<Deed>) -> Result<(), Refused> {
    let written = shared.run(move |services| {
        let audit = services.audit.as_ref().map_err(|reason| Refused::not_audited(reason))?;
        for deed in deeds {
            audit.record(deed).map_err(|err| Refused::not_audited(&Refused::internal(&err).0.detail))?;
        }
        Ok(())
    });
    written.await
}

fn deed(shared: &Shared, principal: &Principal, action: &str, detail: String) -> Deed {
    let via = match principal.via {
        Via::LocalSocket => "socket",
        Via::Token => "token",
    };
    Deed {
        at: shared.services.clock.now().to_string(),
        who: principal.name.clone(),
        role: principal.role.as_str().to_owned(),
        via: via.to_owned(),
        action: action.to_owned(),
        detail,
    }
}

/// The word for what is asked; `None` for what only keeps a screen up to date.
fn action_of(request: &Request, role: Role) -> Option<&'static str> {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD);
    match path {
        "/v1/whoami" | "/v1/status" | "/v1/sources" | "/v1/stream" | "/v1/evidence" | "/metrics" | "/healthz" => None,
        // Said again every few seconds: only the first time is written down, by the handler, which knows.
        "/v1/presence" => None,
        "/v1/verify" | "/v1/verify/cancel" => Some("verify"),
        "/v1/export" | "/v1/incidents/{id}/evidence" => Some("export"),
        "/v1/searches" => None,
        _ if path.starts_with("/v1/search/") || path == "/v1/search" => Some("search"),
        _ if path.starts_with("/v1/audit") => Some("audit"),
        _ if path.starts_with("/v1/events") => Some("view"),
        _ if is_change && path.starts_with("/v1/alerts") => Some("alert"),
        _ if is_change && path.starts_with("/v1/incidents") => Some("incident"),
        _ if is_change && path.starts_with("/v1/rules") => Some("rule"),
        _ if is_change && path.starts_with("/v1/retention") => Some("hold"),
        _ if is_change => Some("change"),
        // What an auditor looks at is itself of interest to those who audit the auditors.
        _ => (role == Role::Auditor).then_some("view"),
    }
}

/// Says what a request asks, its body read and put back.
async fn told(request: Request, body_bytes_max: usize) -> Result<(Request, String), Refused> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().map(|query| format!("?{}", decoded(query))).unwrap_or_default();
    let mut detail = format!("{} {}{query}", parts.method, parts.uri.path());
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok((Request::from_parts(parts, body), detail));
    }
    let announced =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let too_large = || Refused::too_large(format!("the body is longer than {body_bytes_max} bytes"));
    if announced.is_some_and(|length| length > body_bytes_max as u64) {
        return Err(too_large());
    }
    let read = Limited::new(body, body_bytes_max).collect().await;
    let bytes = read.map(http_body_util::Collected::to_bytes).map_err(|err| {
        if err.is::<LengthLimitError>() { too_large() } else { Refused::invalid("the body broke off") }
    })?;
    if !bytes.is_empty() {
        detail.push(' ');
        detail.push_str(&String::from_utf8_lossy(&bytes));
    }
    Ok((Request::from_parts(parts, Body::from(bytes)), detail))
}

/// Percent-decodes for reading; what is no UTF-8 becomes replacement characters.
fn decoded(query: &str) -> String {
    let mut bytes = Vec::with_capacity(query.len());
    let mut rest = query.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (first, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_written_as_it_was_typed() {
        for (query, text) in
            [("q=a%20b&x=%C4%91", "q=a b&x=đ"), ("q=%", "q=%"), ("q=%zz+1", "q=%zz 1"), ("%ff", "\u{fffd}")]
        {
            assert_eq!(decoded(query), text);
        }
    }
}
