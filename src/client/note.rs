//! Notes at an address of somebody else: given with `POST`, read with `GET`, over TLS 1.3.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::Method;
use hyper::Request;
use hyper::header;
use tokio::time::timeout;

use crate::client::ClientError;
use crate::client::Endpoint;
use crate::client::EndpointError;
use crate::client::transport::Transport;

/// How long an answer may take, and how long it may be.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One address.
#[derive(Debug)]
pub struct NoteBox {
    transport: Transport,
    host: String,
    target: String,
}

impl NoteBox {
    /// Prepares to speak to an address, trusting exactly the certificates of a file; connects nowhere.
    ///
    /// # Errors
    /// When it is no `https` address, or a file is missing or empty.
    pub fn new(url: &str, ca: &Path, token: Option<&Path>) -> Result<NoteBox, EndpointError> {
        let uri: hyper::Uri = url.parse().map_err(|_| EndpointError::BadAddress(url.to_owned()))?;
        let endpoint = Endpoint::https(url, ca, token)?;
        let target = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        Ok(NoteBox { transport: Transport::new(endpoint), host, target })
    }

    /// Gives a note.
    ///
    /// # Errors
    /// When nobody answers, or not with success.
    pub async fn give(&self, note: &str) -> Result<(), ClientError> {
        self.exchange(Method::POST, Bytes::from(note.to_owned())).await.map(drop)
    }

    /// Reads what is kept there.
    ///
    /// # Errors
    /// As [`NoteBox::give`].
    pub async fn read(&self) -> Result<String, ClientError> {
        let bytes = self.exchange(Method::GET, Bytes::new()).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn exchange(&self, method: Method, body: Bytes) -> Result<Bytes, ClientError> {
        let mut request = Request::builder().method(method).uri(&self.target).header(header::HOST, &self.host);
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "text/plain; charset=utf-8");
        }
        if let Some(token) = self.transport.token().filter(|token| !token.is_empty()) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let not_understood =
            |reason: String| ClientError::Protocol { place: self.transport.place().to_owned(), reason };
        let request = request.body(Full::new(body)).map_err(|err| not_understood(err.to_string()))?;
        let (response, connection) = self.transport.send(request, ANSWER_TIMEOUT).await?;
        let status = response.status();
        let read = timeout(ANSWER_TIMEOUT, Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect());
        let read = read.await.map_err(|_| self.transport.slow(ANSWER_TIMEOUT))?;
        let body = read.map_err(|err| not_understood(err.to_string()))?.to_bytes();
        if !status.is_success() {
            return Err(not_understood(format!("it answered {status}")));
        }
        self.transport.keep(connection);
        Ok(body)
    }
}
