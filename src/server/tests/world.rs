//! A running server with an alert store of its own, faked searching, and callers with every role.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::alert::AlertStore;
use crate::alert::NewDetection;
use crate::alert::Policy;
use crate::alert::rulebook::NewException;
use crate::alert::rulebook::RuleBook;
use crate::alert::store::FILE_NAME;
use crate::auth::PeerPolicy;
use crate::auth::Principal;
use crate::auth::Role;
use crate::auth::TokenStore;
use crate::evidence::audit::AuditLog;
use crate::incident::Forms;
use crate::incident::IncidentStore;
use crate::model::AlertId;
use crate::model::EventId;
use crate::model::RuleLevel;
use crate::model::Timestamp;
use crate::model::time::ManualClock;
use crate::server::ControlSocket;
use crate::server::EvidenceService;
use crate::server::ExportService;
use crate::server::Limits;
use crate::server::PulseFigures;
use crate::server::RuleService;
use crate::server::SavedSearches;
use crate::server::SearchService;
use crate::server::Server;
use crate::server::Services;
use crate::server::StatusService;
use crate::server::TailSink;
use crate::server::problem::Refused;
use crate::server::services::EventObject;
use crate::telemetry::Registry;
use crate::wire::evidence::EvidenceState;
use crate::wire::evidence::Verification;
use crate::wire::export::ExportRequest;
use crate::wire::problem::Problem;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::BacktestProgress;
use crate::wire::rule::BacktestReport;
use crate::wire::rule::BacktestRequest;
use crate::wire::rule::CheckReport;
use crate::wire::rule::ExceptionPreview;
use crate::wire::rule::RuleSaveRequest;
use crate::wire::rule::RuleSource;
use crate::wire::rule::TestReport;
use crate::wire::rule::TestRequest;
use crate::wire::rule::Verdicts;
use crate::wire::search::Histogram;
use crate::wire::search::HistogramRequest;
use crate::wire::search::SearchCount;
use crate::wire::search::SearchExplain;
use crate::wire::search::SearchPage;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;
use crate::wire::source::SourceCommand;
use crate::wire::source::SourceList;
use crate::wire::source::SourceRow;
use crate::wire::status::RuleList;
use crate::wire::status::RuleRow;
use crate::wire::status::Status;
use crate::wire::why::AlertWhy;
use crate::wire::why::RuleWhy;

pub(super) const START: Timestamp = Timestamp(1_700_000_000_000_000_000);
pub(super) const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
/// Far longer than anything takes; reached only when something hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; stops when dropped.
pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) clock: Arc<ManualClock>,
    pub(super) services: Services,
    pub(super) search: Arc<FakeSearch>,
    pub(super) server: Server,
    tokens: BTreeMap<&'static str, String>,
    pub(super) tasks: JoinSet<()>,
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: hyper::HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err}: {}", self.body))
    }
}

impl World {
    pub(super) fn new() -> World {
        World::with(Limits::default())
    }

    pub(super) fn with(limits: Limits) -> World {
        World::with_audit(limits, |folder| Ok(AuditLog::open(folder).unwrap()))
    }

    pub(super) fn with_audit(limits: Limits, audit: impl FnOnce(&Path) -> Result<AuditLog, String>) -> World {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let path = folder.path().join(FILE_NAME);
        let alerts = Arc::new(AlertStore::open(&path, Policy::DEFAULT, clock.clone()).unwrap());
        let tokens = Arc::new(TokenStore::open(&folder.path().join("tokens.json")).unwrap());
        let people = [("an", Role::Analyst), ("ha", Role::Analyst), ("chief", Role::Admin), ("kiem", Role::Auditor)];
        let issue = |(name, role)| (name, tokens.issue(name, role, TOKEN_LIFETIME, START).unwrap().text);
        let texts = people.map(issue).into();
        let search = Arc::new(FakeSearch::default());
        let rulebook = RuleBook::open(&folder.path().join("rules.sqlite"), clock.clone()).unwrap();
        let rulebook = Arc::new(rulebook);
        let services = Services {
            incidents: IncidentStore::new(alerts.clone(), Arc::new(Forms::built_in(7 * 3600))),
            alerts,
            search: search.clone(),
            status: Arc::new(FakeStatus),
            retention: None,
            rules: Arc::new(FakeRules),
            rulebook,
            searches: Arc::new(SavedSearches::open(folder.path()).unwrap()),
            tokens,
            peers: PeerPolicy::of_this_process([]),
            export: Some(Arc::new(FakeExport)),
            audit: audit(folder.path()),
            evidence: Some(Arc::new(FakeEvidence)),
            metrics: Registry::default(),
            clock: clock.clone(),
        };
        let server = Server::new(services.clone(), limits);
        let socket = ControlSocket::bind(&folder.path().join("run").join("longan.sock")).unwrap();
        let mut tasks = JoinSet::new();
        let serving = server.clone();
        tasks.spawn(async move { serving.serve_local(socket).await });
        World { folder, clock, services, search, server, tokens: texts, tasks }
    }

    /// Raises one alert for each entity, of the level given.
    pub(super) fn raise(&self, level: RuleLevel, entities: &[&str]) -> Vec<AlertId> {
        let start = self.services.alerts.position().unwrap().0;
        let detection = |(index, entity): (u64, &&str)| NewDetection {
            rule_id: "brute".to_owned(),
            title: "SSH brute force".to_owned(),
            title_vi: Some("Dò mật khẩu SSH".to_owned()),
            level,
            entity_field: "source.ip".to_owned(),
            entity: (*entity).to_owned(),
            event_ids: vec![EventId(start + index)],
            event_time: START,
            raw: "Failed password".to_owned(),
            ..NewDetection::default()
        };
        let batch: Vec<NewDetection> = (1..).zip(entities).map(detection).collect();
        let position = EventId(start + batch.len() as u64);
        self.services.alerts.commit(&batch, position, None).unwrap()
    }

    pub(super) fn token(&self, who: &str) -> &str {
        &self.tokens[who]
    }

    pub(super) async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.folder.path().join("run").join("longan.sock")).await.unwrap()
    }

    /// Sends a request on a connection of its own; nobody is who the local socket says: an admin.
    pub(super) async fn send(&self, who: &str, method: Method, target: &str, body: &str) -> Response<Incoming> {
        let (mut sender, driver) = http1::handshake(TokioIo::new(self.connect().await)).await.unwrap();
        tokio::spawn(driver);
        let mut request = Request::builder().method(method).uri(target).header("host", "longan");
        if !who.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token(who)));
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
        timeout(PATIENCE, sender.send_request(request)).await.expect("answered in time").unwrap()
    }

    async fn call(&self, who: &str, method: Method, target: &str, body: &str) -> Answer {
        let response = self.send(who, method, target, body).await;
        let (status, head) = (response.status().as_u16(), response.headers().clone());
        let body = timeout(PATIENCE, response.into_body().collect()).await.expect("in time").unwrap().to_bytes();
        Answer { status, head, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub(super) async fn get(&self, who: &str, target: &str) -> Answer {
        self.call(who, Method::GET, target, "").await
    }

    pub(super) async fn post(&self, who: &str, target: &str, body: &Value) -> Answer {
        self.call(who, Method::POST, target, &body.to_string()).await
    }

    pub(super) async fn post_text(&self, who: &str, target: &str, body: &str) -> Answer {
        self.call(who, Method::POST, target, body).await
    }

    /// Does one action on one alert.
    pub(super) async fn act(&self, who: &str, id: u64, action: Value) -> Answer {
        self.post(who, &format!("/v1/alerts/{id}/actions"), &action).await
    }

    /// Opens a stream of lines.
    pub(super) async fn lines(&self, who: &str, target: &str) -> Lines {
        let response = self.send(who, Method::GET, target, "").await;
        assert_eq!(response.status().as_u16(), 200, "{target}");
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        Lines { body: response.into_body(), buffer: BytesMut::new() }
    }
}

/// Lines as they come.
pub(super) struct Lines {
    body: Incoming,
    buffer: BytesMut,
}

impl Lines {
    /// Returns the next line that is not empty; `None` when the stream has ended, in order or broken off.
    pub(super) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                if line.len() > 1 {
                    return Some(serde_json::from_slice(&line).unwrap());
                }
                continue;
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("a line in time")?.ok()?;
            self.buffer.extend_from_slice(frame.data_ref()?);
        }
    }

    /// Returns the next line of a kind, passing over others.
    pub(super) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let line = self.next().await.expect("the stream goes on");
            if line["kind"] == kind {
                return line;
            }
        }
    }

    /// Reads to the end; says whether it was reached in order.
    pub(super) async fn rest(mut self) -> (Vec<Value>, bool) {
        let mut lines = Vec::new();
        loop {
            while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                lines.push(serde_json::from_slice(&line).unwrap());
            }
            match timeout(PATIENCE, self.body.frame()).await.expect("an end in time") {
                None => return (lines, true),
                Some(Err(_)) => return (lines, false),
                Some(Ok(frame)) => self.buffer.extend_from_slice(frame.data_ref().unwrap()),
            }
        }
    }
}

/// Waits until something outside this task has come true.
pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(tokio::time::Instant::now() < end, "{what} did not come true");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A search that finds what its query says: a number of events, a failure, or nothing until released.
#[derive(Default)]
pub(super) struct FakeSearch {
    pub(super) tails: Mutex<Vec<TailSink>>,
    pub(super) emitted: std::sync::atomic::AtomicU64,
    is_released: Mutex<bool>,
    released: Condvar,
}

fn event(id: u64) -> EventObject {
    let Value::Object(event) = json!({ "longan.id": id, "event.original": "x".repeat(200) }) else { unreachable!() };
    event
}

fn problem() -> Problem {
    Problem {
        status: 400,
        kind: "query_invalid".to_owned(),
        detail: "unknown field `usr`".to_owned(),
        hint: Some("did you mean `user.name`?".to_owned()),
        column: Some(3),
        owner: None,
    }
}

impl FakeSearch {
    pub(super) fn release(&self) {
        *self.is_released.lock().unwrap() = true;
        self.released.notify_all();
    }

    fn count_of(&self, query: &str) -> Result<u64, Problem> {
        match query {
            "bad" => Err(problem()),
            "panic" => panic!("a search that panics"),
            "wait" => {
                let guard = self.is_released.lock().unwrap();
                drop(self.released.wait_while(guard, |is_released| !*is_released).unwrap());
                Ok(0)
            }
            number => Ok(number.parse().unwrap_or(1)),
        }
    }
}

impl SearchService for FakeSearch {
    fn search(&self, request: &SearchRequest, caller: &Principal) -> Result<SearchPage, Problem> {
        let count = self.count_of(&request.q)?;
        let mut events: Vec<EventObject> = (0..count).map(event).collect();
        events[0].insert("caller".to_owned(), json!(caller.name));
        Ok(SearchPage { events, next: None, explain: SearchExplain::default() })
    }

    fn table(
        &self,
        request: &SearchRequest,
        _caller: &Principal,
        _cancel: Arc<AtomicBool>,
    ) -> Result<SearchTable, Problem> {
        let rows = vec![vec![json!(self.count_of(&request.q)?)]];
        Ok(SearchTable { columns: vec!["count".to_owned()], rows, ..SearchTable::default() })
    }

    fn count(&self, request: &SearchRequest, _caller: &Principal) -> Result<SearchCount, Problem> {
        Ok(SearchCount { count: self.count_of(&request.q)?, explain: SearchExplain::default() })
    }

    fn histogram(&self, request: &HistogramRequest, _caller: &Principal) -> Result<Histogram, Problem> {
        let buckets = request.buckets.unwrap_or(60) as usize;
        let (since, until) = (START.to_string(), START.to_string());
        Ok(Histogram { since, until, bucket_ms: 1, counts: vec![0; buckets], explain: SearchExplain::default() })
    }

    fn event(&self, id: EventId, _caller: &Principal) -> Result<Option<EventObject>, Problem> {
        Ok((id.0 < 100).then(|| event(id.0)))
    }

    fn stream(
        &self,
        request: &SearchRequest,
        _caller: &Principal,
        emit: &mut dyn FnMut(&EventObject) -> bool,
    ) -> Result<(), Problem> {
        let (number, breaks_off) = match request.q.strip_prefix("broken ") {
            Some(number) => (number, true),
            None => (request.q.as_str(), false),
        };
        for id in 0..self.count_of(number)? {
            self.emitted.store(id, std::sync::atomic::Ordering::Relaxed);
            if !emit(&event(id)) {
                return Ok(());
            }
        }
        if breaks_off { Err(problem()) } else { Ok(()) }
    }

    fn tail(&self, request: &SearchRequest, _caller: &Principal, sink: TailSink) -> Result<(), Problem> {
        self.count_of(&request.q)?;
        self.tails.lock().unwrap().push(sink);
        Ok(())
    }
}

struct FakeStatus;

/// One rule, `r`; each backtest says how far it is, then ends.
pub(super) struct FakeRules;

impl RuleService for FakeRules {
    fn preview(&self, _: &NewException) -> Result<ExceptionPreview, Problem> {
        Ok(ExceptionPreview { days: 30, matches: 50, hidden: 41, ..ExceptionPreview::default() })
    }

    fn why(&self, rule: &str, event: EventId) -> Result<AlertWhy, Problem> {
        let rule = RuleWhy { id: rule.to_owned(), matches: true, ..RuleWhy::default() };
        Ok(AlertWhy { event: event.0, rule })
    }

    fn source(&self, rule: &str) -> Result<RuleSource, Problem> {
        Ok(RuleSource { id: rule.to_owned(), version: "1".to_owned(), ..RuleSource::default() })
    }

    fn check(&self, text: &str) -> CheckReport {
        CheckReport { rules: vec!["r".to_owned()], is_right: text == "right", ..CheckReport::default() }
    }

    fn test(&self, request: &TestRequest) -> Result<TestReport, Problem> {
        Ok(TestReport { rule: request.rule.clone(), ..TestReport::default() })
    }

    fn save(&self, request: &RuleSaveRequest) -> Result<RuleSource, Problem> {
        if request.text != "right" {
            return Err(Refused::invalid("own.yml:1:1: wrong").0);
        }
        Ok(RuleSource { path: request.path.clone(), version: "2".to_owned(), ..RuleSource::default() })
    }

    fn backtest(
        &self,
        request: &BacktestRequest,
        _: &Principal,
        emit: &mut dyn FnMut(&BacktestMessage) -> bool,
    ) -> Result<(), Problem> {
        if request.rule != "r" {
            return Err(Refused::not_found("no such rule").0);
        }
        emit(&BacktestMessage::Progress(BacktestProgress::default()));
        emit(&BacktestMessage::Report(Box::new(BacktestReport { matches: 7, ..BacktestReport::default() })));
        Ok(())
    }
}

impl StatusService for FakeStatus {
    fn status(&self) -> Status {
        Status {
            version: "1".to_owned(),
            started: START.to_string(),
            now: START.to_string(),
            refusing: None,
            events_stored: 7,
            last_event: 7,
            last_searchable: 7,
            events_per_second: 3,
            lag_ms: 1,
            open_alerts: 0,
            alerts_by_level: Vec::new(),
            rules_loaded: 1,
            problems: Vec::new(),
            packs_loaded: 1,
            pushes: Vec::new(),
            disk_used_bytes: 1,
            disk_free_bytes: 1,
            memory_bytes: 1,
            outlook: None,
        }
    }

    fn pulse(&self) -> PulseFigures {
        PulseFigures { events_per_second: 3, lag_ms: 1, silent_sources: 2, refusing: None }
    }

    fn sources(&self) -> SourceList {
        SourceList { inputs: Vec::new(), sources: Vec::new(), log_sources: Vec::new() }
    }

    fn act_on_source(&self, command: &SourceCommand, caller: &Principal) -> Result<SourceRow, Problem> {
        Err(Problem { status: 404, detail: format!("{}: no source {}", caller.name, command.name), ..problem() })
    }

    fn rules(&self) -> RuleList {
        let rule = RuleRow {
            id: "r".to_owned(),
            title: "A rule".to_owned(),
            title_vi: None,
            level: "high".to_owned(),
            status: "test".to_owned(),
            path: "rules/r.yml".to_owned(),
            tags: Vec::new(),
            detections: 0,
            state: "live".to_owned(),
            verdicts: Verdicts::default(),
            noise: 0,
            exceptions: 0,
            cases: 0,
            arrives: None,
            is_silent: false,
            suppressed: 0,
            skipped: 0,
        };
        RuleList { rules: vec![rule] }
    }
}

/// Exports what it was asked for, and nothing else.
struct FakeExport;

impl ExportService for FakeExport {
    fn export(&self, request: &ExportRequest, caller: &Principal) -> Result<Vec<u8>, Problem> {
        Ok(format!("{} by {}", request.q, caller.name).into_bytes())
    }
}

/// A check that runs for ever.
struct FakeEvidence;

impl EvidenceService for FakeEvidence {
    fn state(&self) -> EvidenceState {
        EvidenceState { trouble: Some("none".to_owned()), ..EvidenceState::default() }
    }

    fn verify(&self, caller: &Principal) -> Result<Verification, Problem> {
        Ok(Verification { by: caller.name.clone(), ..Verification::default() })
    }

    fn cancel(&self) -> Result<Verification, Problem> {
        Err(Refused::conflict("no check runs", None).0)
    }
}
