//! Lets requests in: the token, and the number of requests at a time.

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;
use sha2::Sha256;

use crate::ingest::http::Shared;
use crate::ingest::http::problem;

/// The tokens that let senders in. Only their hashes are kept.
#[derive(Clone, Default)]
pub struct Tokens(Vec<Token>);

#[derive(Clone)]
struct Token {
    name: String,
    hash: [u8; 32],
}

impl Tokens {
    /// Adds a token; its name becomes the sender's identity.
    pub fn add(&mut self, name: impl Into<String>, secret: &str) {
        self.0.push(Token { name: name.into(), hash: Sha256::digest(secret).into() });
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the name of the token with this secret.
    ///
    /// Hashes are compared, so that the time it takes tells nothing of the secrets, and all of them, so that it does not
    /// tell which one was right.
    fn name_of(&self, secret: &str) -> Option<&str> {
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let mut found = None;
        for token in &self.0 {
            let difference = token.hash.iter().zip(&hash).fold(0, |sum, (a, b)| sum | (a ^ b));
            if difference == 0 {
                found = Some(token.name.as_str());
            }
        }
        found
    }
}

impl fmt::Debug for Tokens {
    /// Names the tokens; never shows their hashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|token| &token.name)).finish()
    }
}

/// The name of the token a request came with.
#[derive(Debug, Clone)]
pub(super) struct TokenName(pub(super) String);

/// Turns requests away that have no right token, or come while too many are worked on.
pub(super) async fn admit(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let tokens = &shared.config.tokens;
    if !tokens.is_empty() {
        let secret = secret(request.headers());
        match secret.as_deref().map(|secret| tokens.name_of(secret)) {
            Some(Some(name)) => {
                let name = TokenName(name.to_owned());
                request.extensions_mut().insert(name);
            }
            Some(None) => {
                shared.account.auth_failures.increment();
                return problem(StatusCode::FORBIDDEN, "Invalid token");
            }
            None => {
                shared.account.auth_failures.increment();
                return problem(StatusCode::UNAUTHORIZED, "Token is required");
            }
        }
    }
    let Ok(_permit) = shared.requests.try_acquire() else {
        shared.account.refused.increment();
        return problem(StatusCode::TOO_MANY_REQUESTS, "too many requests at a time");
    };
    next.run(request).await
}

/// Returns the secret a request presents: `Bearer` and `Splunk` give it as it is, `Basic` as the password, `ApiKey` after the id.
fn secret(headers: &HeaderMap) -> Option<String> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let value = value.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "splunk" => Some(value.to_owned()),
        "basic" | "apikey" => {
            let decoded = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
            decoded.split_once(':').map(|(_, secret)| secret.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_of_the_clients_presents_the_secret() {
        for (header, expected) in [
            ("Bearer s3cret", Some("s3cret")),
            ("Splunk s3cret", Some("s3cret")),
            ("Basic dXNlcjpzM2NyZXQ=", Some("s3cret")),
            ("ApiKey aWQ6czNjcmV0", Some("s3cret")),
            ("Basic !!!", None),
            ("Digest x", None),
            ("s3cret", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().expect("header"));
            assert_eq!(secret(&headers).as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn tokens_know_their_names_and_show_nothing_else() {
        let mut tokens = Tokens::default();
        tokens.add("beats", "one");
        tokens.add("hec", "two");
        assert_eq!((tokens.name_of("two"), tokens.name_of("tw")), (Some("hec"), None));
        assert_eq!(format!("{tokens:?}"), "[\"beats\", \"hec\"]");
    }
}
