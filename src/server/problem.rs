//! Why a request was refused: problem documents (RFC 9457), and what the stores' errors become.

use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::alert::Refusal;
use crate::alert::StoreError;
use crate::incident::IncidentError;
use crate::incident::IncidentRefusal;
use crate::incident::handover::HandoverError;
use crate::wire::problem::PROBLEM_JSON;
use crate::wire::problem::Problem;

/// A refused request on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused(pub(super) Problem);

impl Refused {
    pub(super) fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Refused {
        Refused(Problem {
            status: status.as_u16(),
            kind: kind.to_owned(),
            detail: detail.into(),
            hint: None,
            column: None,
            owner: None,
        })
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Refused {
        self.0.hint = Some(hint.into());
        self
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(super) fn conflict(detail: impl Into<String>, owner: Option<String>) -> Refused {
        let mut refused = Refused::new(StatusCode::CONFLICT, "conflict", detail);
        refused.0.owner = owner;
        refused
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Refused {
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    pub(super) fn busy(detail: impl Into<String>) -> Refused {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
    }

    /// What must stand in the audit log, and cannot, is not done.
    pub(super) fn not_audited(reason: &str) -> Refused {
        let detail = "this must be written to the audit log, which cannot be written to; so it was not done";
        let way_out = "an admin runs `longan verify` on the data folder and follows docs/evidence.md";
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "not_audited", detail).hint(format!("{reason}; {way_out}"))
    }

    /// What went wrong inside is logged here and not told: it would help only who should not know it.
    pub(super) fn internal(error: &dyn std::error::Error) -> Refused {
        let causes: Vec<String> =
            std::iter::successors(error.source(), |err| err.source()).map(|err| err.to_string()).collect();
        tracing::error!(%error, ?causes, "request failed");
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed; its log says why")
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused(problem)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        let detail = refusal.to_string();
        match refusal {
            Refusal::HeldBy { owner } => Refused::conflict(detail, Some(owner)),
            Refusal::ChangedSince { owner, .. } => {
                Refused::conflict(detail, owner).hint("read the alert again, then decide again")
            }
            Refusal::NoteNeeded(_) | Refusal::NoteEmpty | Refusal::NoteTooLong => Refused::invalid(detail),
            Refusal::NoSuchStep(_) => Refused::not_found(detail),
            Refusal::StepDone { who, .. } => Refused::conflict(detail, Some(who)),
            _ => Refused::conflict(detail, None),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(err: StoreError) -> Refused {
        match err {
            StoreError::Refused(refusal) => refusal.into(),
            StoreError::NoSuchAlert(_) => Refused::not_found(err.to_string()),
            StoreError::MoreThanExpected { .. } => {
                Refused::conflict(err.to_string(), None).hint("look at the list again, then confirm the new number")
            }
            StoreError::TooMany { .. } => Refused::too_large(err.to_string()),
            _ => Refused::internal(&err),
        }
    }
}

impl From<HandoverError> for Refused {
    fn from(err: HandoverError) -> Refused {
        match err {
            HandoverError::Incident(err) => err.into(),
            // The operator's own words are at fault: the caller can tell them so.
            HandoverError::Form(err) => Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "form", err.to_string())
                .hint("an admin can mend the form, in the folder of `incidents.folder`"),
        }
    }
}

impl From<IncidentError> for Refused {
    fn from(err: IncidentError) -> Refused {
        match err {
            IncidentError::Store(err) => err.into(),
            IncidentError::NoSuchIncident(_) => Refused::not_found(err.to_string()),
            IncidentError::TooMany { .. } => Refused::too_large(err.to_string()),
            IncidentError::Refused(refusal) => {
                let detail = refusal.to_string();
                match refusal {
                    IncidentRefusal::HeldBy { owner } => Refused::conflict(detail, Some(owner)),
                    IncidentRefusal::NoteNeeded
                    | IncidentRefusal::NoteEmpty
                    | IncidentRefusal::NoteTooLong
                    | IncidentRefusal::Empty { .. }
                    | IncidentRefusal::TooLong { .. }
                    | IncidentRefusal::NotA { .. }
                    | IncidentRefusal::MergeIntoItself => Refused::invalid(detail),
                    IncidentRefusal::NoSuchClock(_) | IncidentRefusal::NoSuchTask(_) => Refused::not_found(detail),
                    _ => Refused::conflict(detail, None),
                }
            }
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // The rest of a body that is too long is not read: the connection ends here.
            StatusCode::PAYLOAD_TOO_LARGE => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
