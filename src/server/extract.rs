//! Taking requests apart, with every failure a problem document.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::FromRequest;
use axum::extract::FromRequestParts;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header;
use axum::http::request::Parts;
use http_body_util::BodyExt as _;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use serde::de::DeserializeOwned;

use crate::server::access::Shared;
use crate::server::problem::Refused;

/// The query string as a structure.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Params<T>, Refused> {
        let parsed = Query::<T>::try_from_uri(&parts.uri);
        parsed.map(|Query(value)| Params(value)).map_err(|err| Refused::invalid(err.body_text()))
    }
}

/// The id in the path.
pub(super) struct Id<T>(pub(super) T);

impl<T: FromStr + Send, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id<T>, Refused> {
        let text = Path::<String>::from_request_parts(parts, state).await.map(|Path(text)| text);
        let id = text.ok().and_then(|text| text.parse().ok());
        id.map(Id).ok_or_else(|| Refused::not_found("the path names no id"))
    }
}

/// The body as JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Shared>> for Json<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &Arc<Shared>) -> Result<Json<T>, Refused> {
        let bytes_max = state.limits.body_bytes_max;
        let too_large = || Refused::too_large(format!("the body is longer than {bytes_max} bytes"));
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > bytes_max as u64) {
            return Err(too_large());
        }
        let read = Limited::new(request.into_body(), bytes_max);
        let bytes = match read.collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(err) if err.is::<LengthLimitError>() => return Err(too_large()),
            Err(_) => return Err(Refused::invalid("the body broke off")),
        };
        serde_json::from_slice(&bytes).map(Json).map_err(|err| {
            Refused::new(StatusCode::BAD_REQUEST, "invalid", format!("the body is not what is expected: {err}"))
        })
    }
}
