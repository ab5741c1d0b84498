//! The typed calls, one for each endpoint of the API.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use hyper::Method;
use hyper::Request;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::client::ClientError;
use crate::client::Endpoint;
use crate::client::query::with_query;
use crate::client::records::Records;
use crate::client::transport::Connection;
use crate::client::transport::Transport;
use crate::wire::alert::AlertCommand;
use crate::wire::alert::AlertDetail;
use crate::wire::alert::AlertFilter;
use crate::wire::alert::AlertRow;
use crate::wire::alert::AlertWindow;
use crate::wire::alert::BulkCommand;
use crate::wire::alert::BulkResult;
use crate::wire::audit::AuditRequest;
use crate::wire::audit::AuditWindow;
use crate::wire::export::ExportRequest;
use crate::wire::incident::IncidentAction;
use crate::wire::incident::IncidentDetail;
use crate::wire::incident::IncidentFilter;
use crate::wire::incident::IncidentRow;
use crate::wire::incident::IncidentWindow;
use crate::wire::presence::LookRequest;
use crate::wire::presence::Looks;
use crate::wire::problem::Problem;
use crate::wire::report::DraftRequest;
use crate::wire::report::Handover;
use crate::wire::report::HandoverDraft;
use crate::wire::report::HandoverFilter;
use crate::wire::report::HandoverList;
use crate::wire::report::Period;
use crate::wire::report::ReportRequest;
use crate::wire::report::TriageReport;
use crate::wire::retention::DeletedList;
use crate::wire::retention::DeletedRequest;
use crate::wire::retention::HoldRequest;
use crate::wire::retention::HoldRow;
use crate::wire::retention::LiftRequest;
use crate::wire::retention::RetentionView;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::BacktestRequest;
use crate::wire::search::Histogram;
use crate::wire::search::HistogramRequest;
use crate::wire::search::SearchCount;
use crate::wire::search::SearchPage;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;
use crate::wire::source::SourceCommand;
use crate::wire::source::SourceList;
use crate::wire::source::SourceRow;
use crate::wire::status::Status;
use crate::wire::status::Whoami;
use crate::wire::stream::StreamMessage;
use crate::wire::why::AlertWhy;

/// How long the head of an answer may take: longer than the server's own deadline for a search.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the body of an answer may take after its head.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest answer read into memory.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The live stream has a pulse at least every five seconds; a silence of four of them means the server is gone.
const STREAM_SILENCE_MAX: Duration = Duration::from_secs(20);
/// Between two events of a long search.
const SEARCH_SILENCE_MAX: Duration = Duration::from_secs(60);
/// How much of an answer that is no problem document is quoted.
const QUOTE_CHARS_MAX: usize = 200;

/// An event as the API gives it: a flat ECS object.
pub(super) type EventObject = serde_json::Map<String, serde_json::Value>;

/// A client of one server; cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Arc<Transport>,
}

impl Client {
    /// Makes a client; connects when the first call is made.
    pub fn new(endpoint: Endpoint) -> Client {
        Client { transport: Arc::new(Transport::new(endpoint)) }
    }

    /// Returns the server's place as shown to people.
    pub fn place(&self) -> &str {
        self.transport.place()
    }

    /// Reads a window of the alert list.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn alerts(&self, filter: &AlertFilter) -> Result<AlertWindow, ClientError> {
        self.get(&with_query("/v1/alerts", filter)).await
    }

    /// Reads everything about one alert.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn alert(&self, id: u64) -> Result<AlertDetail, ClientError> {
        self.get(&format!("/v1/alerts/{id}")).await
    }

    /// Reads why an alert's rule matches the newest event the alert keeps.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn alert_why(&self, id: u64) -> Result<AlertWhy, ClientError> {
        self.get(&format!("/v1/alerts/{id}/why")).await
    }

    /// Acts on one alert.
    ///
    /// # Errors
    /// As every call: [`ClientError`]; a conflict is a refusal with status 409 that names the owner.
    pub async fn act_on_alert(&self, id: u64, command: &AlertCommand) -> Result<AlertRow, ClientError> {
        self.post(&format!("/v1/alerts/{id}/actions"), command).await
    }

    /// Acts on many alerts.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn act_on_alerts(&self, command: &BulkCommand) -> Result<BulkResult, ClientError> {
        self.post("/v1/alerts/actions", command).await
    }

    /// Reads a window of the incident list.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn incidents(&self, filter: &IncidentFilter) -> Result<IncidentWindow, ClientError> {
        self.get(&with_query("/v1/incidents", filter)).await
    }

    /// Reads everything about one incident.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn incident(&self, id: u64) -> Result<IncidentDetail, ClientError> {
        self.get(&format!("/v1/incidents/{id}")).await
    }

    /// Acts on an incident.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn act_on_incident(&self, id: u64, action: &IncidentAction) -> Result<IncidentRow, ClientError> {
        self.post(&format!("/v1/incidents/{id}/actions"), action).await
    }

    /// Reads a bundle attached to an incident.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn incident_evidence(&self, id: u64, place: u32) -> Result<Bytes, ClientError> {
        let target = format!("/v1/incidents/{id}/evidence?place={place}");
        self.answer(self.request(Method::GET, &target, Bytes::new())?).await
    }

    /// Makes the report of an incident: a text, Markdown or HTML.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn incident_report(&self, id: u64, wanted: &ReportRequest) -> Result<String, ClientError> {
        let target = with_query(&format!("/v1/incidents/{id}/report"), wanted);
        let request = self.request(Method::GET, &target, Bytes::new())?;
        let body = self.answer(request).await?;
        String::from_utf8(body.to_vec()).map_err(|err| self.not_understood(err.to_string()))
    }

    /// Reads what happened to the alerts of a period.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn triage_report(&self, period: &Period) -> Result<TriageReport, ClientError> {
        self.get(&with_query("/v1/reports/triage", period)).await
    }

    /// Reads signed handovers, the newest first.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn handovers(&self, filter: &HandoverFilter) -> Result<HandoverList, ClientError> {
        self.get(&with_query("/v1/handovers", filter)).await
    }

    /// Drafts the handover of the shift that ends now.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn draft_handover(&self, wanted: &DraftRequest) -> Result<HandoverDraft, ClientError> {
        self.post("/v1/handovers/draft", wanted).await
    }

    /// Signs a handover as it was read.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn sign_handover(&self, draft: &HandoverDraft) -> Result<Handover, ClientError> {
        self.post("/v1/handovers/sign", draft).await
    }

    /// Reads a page of events, newest first.
    ///
    /// # Errors
    /// As every call: [`ClientError`]; a wrong query is a refusal with its column.
    pub async fn search(&self, request: &SearchRequest) -> Result<SearchPage, ClientError> {
        self.get(&with_query("/v1/search", request)).await
    }

    /// Runs a query with pipes.
    ///
    /// # Errors
    /// As every call: [`ClientError`]; a wrong query is a refusal with its column.
    pub async fn table(&self, request: &SearchRequest) -> Result<SearchTable, ClientError> {
        self.get(&with_query("/v1/search/table", request)).await
    }

    /// Counts the events a query finds.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn count(&self, request: &SearchRequest) -> Result<SearchCount, ClientError> {
        self.get(&with_query("/v1/search/count", request)).await
    }

    /// Counts the events a query finds over time.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn histogram(&self, request: &HistogramRequest) -> Result<Histogram, ClientError> {
        self.get(&with_query("/v1/search/histogram", request)).await
    }

    /// Reads all events a query finds, newest first, one after the other.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn search_stream(&self, request: &SearchRequest) -> Result<Records<EventObject>, ClientError> {
        self.records(&with_query("/v1/search/stream", request), Some(SEARCH_SILENCE_MAX)).await
    }

    /// Follows new events that a query admits, oldest first.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn tail(&self, request: &SearchRequest) -> Result<Records<EventObject>, ClientError> {
        self.records(&with_query("/v1/search/tail", request), None).await
    }

    /// Says what the caller's console shows.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn look(&self, request: &LookRequest) -> Result<Looks, ClientError> {
        self.post("/v1/presence", request).await
    }

    /// Follows changes from a revision on, or from now on, and who is looking at what beside the console of a session.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn changes_beside(
        &self,
        revision: Option<u64>,
        session: &str,
    ) -> Result<Records<StreamMessage>, ClientError> {
        let from = revision.map(|revision| format!("revision={revision}&")).unwrap_or_default();
        let path = format!("/v1/stream?{from}session={session}");
        self.records(&path, Some(STREAM_SILENCE_MAX)).await
    }

    /// Follows changes from a revision on.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn changes(&self, revision: u64) -> Result<Records<StreamMessage>, ClientError> {
        self.records(&format!("/v1/stream?revision={revision}"), Some(STREAM_SILENCE_MAX)).await
    }

    /// Reads inputs and sources.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn sources(&self) -> Result<SourceList, ClientError> {
        self.get("/v1/sources").await
    }

    /// Mutes a source or ends its mute.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn act_on_source(&self, command: &SourceCommand) -> Result<SourceRow, ClientError> {
        self.post("/v1/sources/actions", command).await
    }

    /// Reads how the server is doing.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.get("/v1/status").await
    }

    /// Reads who the caller is and may do.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn whoami(&self) -> Result<Whoami, ClientError> {
        self.get("/v1/whoami").await
    }

    /// Has evidence exported; returns the bundle.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn export(&self, request: &ExportRequest) -> Result<Bytes, ClientError> {
        let body = serde_json::to_vec(request).map_err(|err| self.not_understood(err.to_string()))?;
        let request = self.request(Method::POST, "/v1/export", body.into())?;
        let (response, connection) = self.transport.send(request, ANSWER_TIMEOUT).await?;
        let status = response.status();
        let body = self.read(response.into_body(), connection).await?;
        if !status.is_success() {
            return Err(ClientError::Refused(Box::new(problem_of(status, &body))));
        }
        Ok(body)
    }

    /// Reads the retention classes, holds and the outlook.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn retention(&self) -> Result<RetentionView, ClientError> {
        self.get("/v1/retention").await
    }

    /// Lists what retention deleted.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn deleted(&self, request: &DeletedRequest) -> Result<DeletedList, ClientError> {
        self.get(&with_query("/v1/retention/deleted", request)).await
    }

    /// Places a legal hold.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn hold(&self, request: &HoldRequest) -> Result<HoldRow, ClientError> {
        self.post("/v1/retention/holds", request).await
    }

    /// Lifts a legal hold.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn lift_hold(&self, number: u64, request: &LiftRequest) -> Result<HoldRow, ClientError> {
        self.post(&format!("/v1/retention/holds/{number}/lift"), request).await
    }

    /// Asks for entries of the audit log.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn audit(&self, request: &AuditRequest) -> Result<AuditWindow, ClientError> {
        self.get(&with_query("/v1/audit", request)).await
    }

    /// Runs a rule over the server's history.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn backtest(&self, request: &BacktestRequest) -> Result<Records<BacktestMessage>, ClientError> {
        let body = serde_json::to_vec(request).map_err(|err| self.not_understood(err.to_string()))?;
        let request = self.request(Method::POST, "/v1/rules/backtest", Bytes::from(body))?;
        self.stream_of(request, Some(SEARCH_SILENCE_MAX)).await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, ClientError> {
        let request = self.request(Method::GET, target, Bytes::new())?;
        self.call(request).await
    }

    pub(super) async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        target: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|err| self.not_understood(err.to_string()))?;
        let request = self.request(Method::POST, target, Bytes::from(body))?;
        self.call(request).await
    }

    async fn call<T: DeserializeOwned>(&self, request: Request<Full<Bytes>>) -> Result<T, ClientError> {
        let body = self.answer(request).await?;
        serde_json::from_slice(&body).map_err(|err| self.not_understood(err.to_string()))
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Bytes, ClientError> {
        let (response, connection) = self.transport.send(request, ANSWER_TIMEOUT).await?;
        let status = response.status();
        let body = self.read(response.into_body(), connection).await?;
        if status.is_success() { Ok(body) } else { Err(ClientError::Refused(Box::new(problem_of(status, &body)))) }
    }

    pub(super) async fn records<T: DeserializeOwned>(
        &self,
        target: &str,
        silence_max: Option<Duration>,
    ) -> Result<Records<T>, ClientError> {
        let request = self.request(Method::GET, target, Bytes::new())?;
        self.stream_of(request, silence_max).await
    }

    async fn stream_of<T: DeserializeOwned>(
        &self,
        request: Request<Full<Bytes>>,
        silence_max: Option<Duration>,
    ) -> Result<Records<T>, ClientError> {
        let (response, connection) = self.transport.send(request, ANSWER_TIMEOUT).await?;
        let status = response.status();
        if !status.is_success() {
            let body = self.read(response.into_body(), connection).await?;
            return Err(ClientError::Refused(Box::new(problem_of(status, &body))));
        }
        Ok(Records::new(self.transport.clone(), response.into_body(), connection, silence_max))
    }

    fn request(&self, method: Method, target: &str, body: Bytes) -> Result<Request<Full<Bytes>>, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            // The socket has no name; HTTP/1.1 wants one all the same.
            .header(header::HOST, "longan")
            .header(header::ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(token) = self.transport.token() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(Full::new(body)).map_err(|err| self.not_understood(err.to_string()))
    }

    /// Reads a whole body, then keeps its connection for the next call.
    async fn read(&self, body: Incoming, connection: Connection) -> Result<Bytes, ClientError> {
        let collected = timeout(BODY_TIMEOUT, Limited::new(body, ANSWER_BYTES_MAX).collect())
            .await
            .map_err(|_| self.transport.slow(BODY_TIMEOUT))?;
        match collected {
            Ok(collected) => {
                self.transport.keep(connection);
                Ok(collected.to_bytes())
            }
            Err(err) if err.is::<LengthLimitError>() => {
                Err(self.not_understood(format!("it is longer than {ANSWER_BYTES_MAX} bytes")))
            }
            Err(err) => Err(self.transport.away(std::io::Error::other(err))),
        }
    }

    fn not_understood(&self, reason: String) -> ClientError {
        ClientError::Protocol { place: self.transport.place().to_owned(), reason }
    }
}

/// Writes an id as one segment of a path.
pub(super) fn encoded(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    id.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Reads a problem document; whatever else came is quoted, so that a proxy's page is at least seen.
fn problem_of(status: StatusCode, body: &[u8]) -> Problem {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let quoted: String = String::from_utf8_lossy(body).chars().take(QUOTE_CHARS_MAX).collect();
        Problem {
            status: status.as_u16(),
            kind: "other".to_owned(),
            detail: if quoted.trim().is_empty() { format!("the server answered {status}") } else { quoted },
            hint: None,
            column: None,
            owner: None,
        }
    })
}
