//! What the API stands on: the stores it holds itself, and traits for what the pipeline knows.
//!
//! The methods of the traits may block: they are called on threads meant for that.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::alert::AlertStore;
use crate::alert::rulebook::NewException;
use crate::alert::rulebook::RuleBook;
use crate::auth::PeerPolicy;
use crate::auth::Principal;
use crate::auth::TokenStore;
use crate::evidence::audit::AuditLog;
use crate::incident::IncidentStore;
use crate::model::EventId;
use crate::model::time::Clock;
use crate::server::saved::SavedSearches;
use crate::telemetry::Registry;
use crate::wire::evidence::EvidenceState;
use crate::wire::evidence::Verification;
use crate::wire::export::ExportRequest;
use crate::wire::problem::Problem;
use crate::wire::retention::DeletedList;
use crate::wire::retention::HoldRequest;
use crate::wire::retention::HoldRow;
use crate::wire::retention::LiftRequest;
use crate::wire::retention::RetentionView;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::BacktestRequest;
use crate::wire::rule::CheckReport;
use crate::wire::rule::ExceptionPreview;
use crate::wire::rule::RuleSaveRequest;
use crate::wire::rule::RuleSource;
use crate::wire::rule::TestReport;
use crate::wire::rule::TestRequest;
use crate::wire::search::Histogram;
use crate::wire::search::HistogramRequest;
use crate::wire::search::SearchCount;
use crate::wire::search::SearchPage;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;
use crate::wire::source::SourceCommand;
use crate::wire::source::SourceList;
use crate::wire::source::SourceRow;
use crate::wire::status::RuleList;
use crate::wire::status::Status;
use crate::wire::why::AlertWhy;

/// An event as the API gives it: a flat ECS object.
pub type EventObject = serde_json::Map<String, serde_json::Value>;

/// Searching the stored events. The caller is told so that fields can be masked and searches audited.
pub trait SearchService: Send + Sync {
    /// Returns a page, newest first.
    ///
    /// # Errors
    /// `query_invalid` with the column, or whatever else went wrong.
    fn search(&self, request: &SearchRequest, caller: &Principal) -> Result<SearchPage, Problem>;

    /// Runs a query with pipes; `cancel` is set when nobody waits for the answer any more.
    ///
    /// # Errors
    /// As [`SearchService::search`]. A limit that was reached is no error: the table says so.
    fn table(
        &self,
        request: &SearchRequest,
        caller: &Principal,
        cancel: Arc<AtomicBool>,
    ) -> Result<SearchTable, Problem>;

    /// Counts.
    ///
    /// # Errors
    /// As [`SearchService::search`].
    fn count(&self, request: &SearchRequest, caller: &Principal) -> Result<SearchCount, Problem>;

    /// Counts over time.
    ///
    /// # Errors
    /// As [`SearchService::search`].
    fn histogram(&self, request: &HistogramRequest, caller: &Principal) -> Result<Histogram, Problem>;

    /// Returns one event, or `None` when there is none (any more).
    ///
    /// # Errors
    /// As [`SearchService::search`].
    fn event(&self, id: EventId, caller: &Principal) -> Result<Option<EventObject>, Problem>;

    /// Hands every event found to `emit`, newest first, until it returns `false`.
    ///
    /// # Errors
    /// As [`SearchService::search`]; after the first event an error ends the answer as broken off.
    fn stream(
        &self,
        request: &SearchRequest,
        caller: &Principal,
        emit: &mut dyn FnMut(&EventObject) -> bool,
    ) -> Result<(), Problem>;

    /// Starts offering new events that the query admits to the sink, oldest first, until it is [`Offer::Gone`].
    ///
    /// # Errors
    /// As [`SearchService::search`].
    fn tail(&self, request: &SearchRequest, caller: &Principal, sink: TailSink) -> Result<(), Problem>;
}

/// The state of the server, its inputs and rules.
pub trait StatusService: Send + Sync {
    /// Returns the state; the figures about alerts are filled in by the API itself.
    fn status(&self) -> Status;

    /// Returns the figures of the status line; called every few seconds for each console.
    fn pulse(&self) -> PulseFigures;

    /// Returns the inputs and sources.
    fn sources(&self) -> SourceList;

    /// Mutes a source or ends its mute; who does so is in the log before this returns.
    ///
    /// # Errors
    /// When there is no such source, the command is wrong, or nothing can be written down.
    fn act_on_source(&self, command: &SourceCommand, caller: &Principal) -> Result<SourceRow, Problem>;

    /// Returns the rules that run.
    fn rules(&self) -> RuleList;
}

/// How long events are kept, and holding what must not be deleted.
pub trait RetentionService: Send + Sync {
    /// Returns the classes, the holds and what is to come.
    fn view(&self) -> RetentionView;

    /// Lists what was deleted, the last first.
    fn deleted(&self, limit: usize) -> DeletedList;

    /// Places a hold.
    ///
    /// # Errors
    /// When it is not complete or cannot be written down.
    fn hold(&self, request: &HoldRequest, caller: &Principal) -> Result<HoldRow, Problem>;

    /// Lifts a hold.
    ///
    /// # Errors
    /// When there is none of that number, or it cannot be written down.
    fn lift(&self, number: u64, request: &LiftRequest, caller: &Principal) -> Result<HoldRow, Problem>;
}

/// Exporting evidence.
pub trait ExportService: Send + Sync {
    /// Returns a bundle that proves itself.
    ///
    /// # Errors
    /// `query_invalid` with the column, `too_large`, or whatever else went wrong: there is no half bundle.
    fn export(&self, request: &ExportRequest, caller: &Principal) -> Result<Vec<u8>, Problem>;
}

/// The state of the evidence, and checking it.
pub trait EvidenceService: Send + Sync {
    /// Returns what can be proven at present, and when it was last checked.
    fn state(&self) -> EvidenceState;

    /// Starts a check of everything stored; it goes on after this returns.
    ///
    /// # Errors
    /// `conflict` with who started it when one runs.
    fn verify(&self, caller: &Principal) -> Result<Verification, Problem>;

    /// Ends the check that runs.
    ///
    /// # Errors
    /// `conflict` when none runs.
    fn cancel(&self) -> Result<Verification, Problem>;
}

/// What is done with rules beside running them.
pub trait RuleService: Send + Sync {
    /// Runs a rule over history; tells how far it has come, then the report. `emit` returning `false` ends it.
    ///
    /// # Errors
    /// When there is no such rule, it does not stand, or a time is none; nothing was told then.
    fn backtest(
        &self,
        request: &BacktestRequest,
        caller: &Principal,
        emit: &mut dyn FnMut(&BacktestMessage) -> bool,
    ) -> Result<(), Problem>;

    /// Says what an exception would have hidden over the last 30 days.
    ///
    /// # Errors
    /// When there is no such rule, or history cannot be read.
    fn preview(&self, exception: &NewException) -> Result<ExceptionPreview, Problem>;

    /// Says why a rule matches a stored event, or does not: its condition as a tree.
    ///
    /// # Errors
    /// When there is no such rule, or the event is not stored any more.
    fn why(&self, rule: &str, event: EventId) -> Result<AlertWhy, Problem>;

    /// Returns the file a rule stands in.
    ///
    /// # Errors
    /// When there is no such rule.
    fn source(&self, rule: &str) -> Result<RuleSource, Problem>;

    /// Checks a text as a rule file, with everything else in force.
    fn check(&self, text: &str) -> CheckReport;

    /// Runs the cases of a rule.
    ///
    /// # Errors
    /// When there is no such rule, or the text does not stand.
    fn test(&self, request: &TestRequest) -> Result<TestReport, Problem>;

    /// Writes a rule file into the operator's folder, whole or not at all; it is in force soon after.
    ///
    /// # Errors
    /// When its place or text is wrong, somebody else changed it meanwhile, or it cannot be written.
    fn save(&self, request: &RuleSaveRequest) -> Result<RuleSource, Problem>;
}

/// The figures of the status line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PulseFigures {
    pub events_per_second: u64,
    pub lag_ms: u64,
    pub silent_sources: u64,
    pub refusing: Option<String>,
}

/// What became of an offered event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    Taken,
    /// The reader is too slow: the event was not taken; the reader is told how many it missed.
    Missed,
    /// Nobody listens any more: drop the sink.
    Gone,
}

/// Where the pipeline puts the events of one live tail. Offering never waits.
#[derive(Debug, Clone)]
pub struct TailSink {
    sender: mpsc::Sender<Bytes>,
    missed: Arc<AtomicU64>,
}

impl TailSink {
    /// Makes a sink with room for `events_max` events, and the end the reader has.
    pub(super) fn new(events_max: usize) -> (TailSink, mpsc::Receiver<Bytes>, Arc<AtomicU64>) {
        let (sender, receiver) = mpsc::channel(events_max.max(1));
        let missed = Arc::new(AtomicU64::new(0));
        (TailSink { sender, missed: missed.clone() }, receiver, missed)
    }

    /// Offers one event, as one line of JSON without a newline.
    pub fn offer(&self, line: Bytes) -> Offer {
        match self.sender.try_send(line) {
            Ok(()) => Offer::Taken,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.missed.fetch_add(1, Ordering::Relaxed);
                Offer::Missed
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Offer::Gone,
        }
    }

    /// Says whether somebody still listens.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }
}

/// Everything the API answers from.
#[derive(Clone)]
pub struct Services {
    pub alerts: Arc<AlertStore>,
    pub incidents: IncidentStore,
    pub search: Arc<dyn SearchService>,
    /// `None` where no events are kept.
    pub retention: Option<Arc<dyn RetentionService>>,
    pub searches: Arc<SavedSearches>,
    pub status: Arc<dyn StatusService>,
    pub rules: Arc<dyn RuleService>,
    pub rulebook: Arc<RuleBook>,
    pub tokens: Arc<TokenStore>,
    pub peers: PeerPolicy,
    /// Or why there is none to write to: then nothing is answered that must be written down.
    pub audit: Result<AuditLog, String>,
    /// `None` when the evidence is not kept.
    pub export: Option<Arc<dyn ExportService>>,
    /// `None` where there is none to tell of.
    pub evidence: Option<Arc<dyn EvidenceService>>,
    pub metrics: Registry,
    pub clock: Arc<dyn Clock>,
}
