//! What happened ([`Msg`]) and what is to be done ([`Cmd`]): all that passes between the pure part and the world.

use std::time::Duration;

use jiff::Timestamp;

use crate::console::keys::key::Key;
use crate::wire::alert::AlertCommand;
use crate::wire::alert::AlertDetail;
use crate::wire::alert::AlertFilter;
use crate::wire::alert::AlertRow;
use crate::wire::alert::AlertWindow;
use crate::wire::alert::BulkCommand;
use crate::wire::alert::BulkResult;
use crate::wire::audit::AuditRequest;
use crate::wire::audit::AuditWindow;
use crate::wire::evidence::AuditEntry;
use crate::wire::evidence::EvidenceState;
use crate::wire::evidence::Verification;
use crate::wire::export::ExportRequest;
use crate::wire::incident::IncidentAction;
use crate::wire::incident::IncidentDetail;
use crate::wire::incident::IncidentRow;
use crate::wire::incident::IncidentWindow;
use crate::wire::presence::LookRequest;
use crate::wire::presence::Looks;
use crate::wire::report::DraftRequest;
use crate::wire::report::Handover;
use crate::wire::report::HandoverDraft;
use crate::wire::report::HandoverList;
use crate::wire::report::Period;
use crate::wire::report::ReportRequest;
use crate::wire::report::TriageReport;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::BacktestRequest;
use crate::wire::rule::CheckReport;
use crate::wire::rule::CheckRequest;
use crate::wire::rule::ExceptionList;
use crate::wire::rule::ExceptionPreview;
use crate::wire::rule::ExceptionRequest;
use crate::wire::rule::ExceptionRow;
use crate::wire::rule::RevokeRequest;
use crate::wire::rule::RuleDetail;
use crate::wire::rule::RuleSaveRequest;
use crate::wire::rule::RuleSource;
use crate::wire::rule::StateRequest;
use crate::wire::rule::TestReport;
use crate::wire::rule::TestRequest;
use crate::wire::saved::DeleteRequest;
use crate::wire::saved::SaveRequest;
use crate::wire::saved::SavedList;
use crate::wire::saved::SavedSearch;
use crate::wire::search::Histogram;
use crate::wire::search::HistogramRequest;
use crate::wire::search::SearchPage;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;
use crate::wire::source::SourceCommand;
use crate::wire::source::SourceList;
use crate::wire::source::SourceRow;
use crate::wire::status::RuleList;
use crate::wire::status::Status;
use crate::wire::status::Whoami;
use crate::wire::stream::StreamMessage;
use crate::wire::why::AlertWhy;

/// An event: a flat ECS object.
pub(super) type EventObject = serde_json::Map<String, serde_json::Value>;

/// What happened.
#[derive(Debug, Clone)]
pub(super) enum Msg {
    Key(Key),
    Paste(String),
    Resize(u16, u16),
    /// A mouse click on a cell.
    Click(u16, u16),
    /// The wheel: rows, negative upwards.
    Wheel(isize),
    Tick(Timestamp),
    /// Something failed beside the thread that draws; what was asked of it may stay without an answer.
    Trouble(String),
    Answer {
        slot: Slot,
        generation: u64,
        result: Result<Answer, Failure>,
    },
    Stream {
        generation: u64,
        message: Box<StreamMessage>,
    },
    StreamEnded {
        generation: u64,
        failure: Option<Failure>,
    },
    Tailed {
        generation: u64,
        events: Vec<EventObject>,
    },
    /// The editor has ended: the text as it is now, or why there is none.
    Edited(Result<String, String>),
    /// The time to wait after a change is over.
    Woken {
        revision: u64,
    },
    Backtested {
        generation: u64,
        message: Box<BacktestMessage>,
    },
    BacktestEnded {
        generation: u64,
        failure: Option<Failure>,
    },
    TailEnded {
        generation: u64,
        failure: Option<Failure>,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cmd {
    /// Asks the server; a later request of the same slot makes an earlier one pointless, unless it is an action.
    Ask { slot: Slot, generation: u64, request: Request },
    /// Follows the stream from a revision, after a while.
    Follow { generation: u64, revision: Option<u64>, after: Duration },
    /// Follows new events, or stops doing so.
    Tail { generation: u64, request: Option<SearchRequest> },
    /// Runs a rule over history, or stops doing so.
    Backtest { generation: u64, request: Option<BacktestRequest> },
    /// Opens the user's editor on a text.
    Edit(String),
    /// Waits, then says so; a later wait takes the place of an earlier one.
    Wake { after: Duration, revision: u64 },
    /// Gives up what a slot waits for.
    GiveUp(Slot),
    /// Puts a text, already safe, into the terminal's clipboard.
    Copy(String),
    /// Rings the bell and notifies, with a text already safe.
    Notify(String),
}

/// What a request is for; each has its own generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    Whoami,
    Status,
    AlertWindow,
    AlertDetail,
    AlertWhy,
    Around,
    AroundHistogram,
    AlertAction,
    IncidentList,
    IncidentDetail,
    IncidentAction,
    Presence,
    File,
    Today,
    Triage,
    Handovers,
    HandoverDraft,
    HandoverSign,
    Search,
    SearchMore,
    Histogram,
    Sources,
    SourceLines,
    SourceAction,
    RuleDetail,
    RuleAction,
    RuleSource,
    RuleCheck,
    RuleTest,
    RuleSave,
    Exceptions,
    ExceptionPreview,
    ExceptionAction,
    Evidence,
    VerifyAction,
    Audit,
    AuditMore,
    AuditEntry,
    Export,
    Counts,
    Values,
    Saved,
    SearchAction,
    Rules,
}

/// How many slots there are.
pub(super) const SLOT_COUNT: usize = Slot::Rules as usize + 1;

impl Slot {
    /// Says whether an earlier request must run to its end even when another follows.
    pub(super) fn is_action(self) -> bool {
        matches!(
            self,
            Slot::AlertAction
                | Slot::IncidentAction
                | Slot::File
                | Slot::HandoverSign
                | Slot::SourceAction
                | Slot::VerifyAction
                | Slot::SearchAction
                | Slot::RuleAction
                | Slot::RuleSave
                | Slot::ExceptionAction
        )
    }
}

/// A question to the server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Request {
    Whoami,
    Status,
    Alerts(AlertFilter),
    Alert(u64),
    AlertWhy(u64),
    Act(u64, AlertCommand),
    ActOnMany(BulkCommand),
    Incidents,
    Incident(u64),
    ActOnIncident(u64, IncidentAction),
    Look(LookRequest),
    /// Writes a file on this side.
    Write {
        path: String,
        wish: FileWish,
    },
    Triage(Period),
    Handovers,
    DraftHandover(DraftRequest),
    SignHandover(HandoverDraft),
    Search(SearchRequest),
    Table(SearchRequest),
    Histogram(HistogramRequest),
    Sources,
    ActOnSource(SourceCommand),
    Evidence,
    Verify,
    CancelVerify,
    Audit(AuditRequest),
    AuditEntry(u64),
    SavedSearches,
    SaveSearch(SaveRequest),
    DeleteSearch(DeleteRequest),
    /// Has a bundle made and writes it to a new file.
    Export {
        request: ExportRequest,
        path: String,
    },
    Rules,
    Rule(String),
    SetRuleState(String, StateRequest),
    RuleSource(String),
    CheckRule(CheckRequest),
    TestRule(TestRequest),
    SaveRule(RuleSaveRequest),
    Exceptions,
    PreviewException(ExceptionRequest),
    Except(ExceptionRequest),
    RevokeException(u64, RevokeRequest),
}

/// What goes into a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FileWish {
    /// All that a filter admits, or of them those that are marked.
    Alerts { filter: Box<AlertFilter>, marked: Vec<u64> },
    /// The report of an incident.
    Report(u64, ReportRequest),
    /// A bundle attached to an incident, by its place.
    Evidence(u64, u32),
}

/// The server's answer.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Whoami(Whoami),
    Status(Box<Status>),
    Alerts(AlertWindow),
    Alert(Box<AlertDetail>),
    Why(Box<AlertWhy>),
    Acted(Box<AlertRow>),
    ActedOnMany(BulkResult),
    Incidents(IncidentWindow),
    Incident(Box<IncidentDetail>),
    ActedOnIncident(IncidentRow),
    Looked(Looks),
    /// A file was written: how many rows or bytes.
    Written {
        path: String,
        count: u64,
    },
    Triage(Box<TriageReport>),
    Handovers(HandoverList),
    HandoverDraft(HandoverDraft),
    HandoverSigned(Handover),
    Page(Box<SearchPage>),
    Table(Box<SearchTable>),
    Histogram(Histogram),
    Sources(SourceList),
    ActedOnSource(Box<SourceRow>),
    Evidence(Box<EvidenceState>),
    Verifying(Box<Verification>),
    Audit(AuditWindow),
    AuditEntry(Box<AuditEntry>),
    Saved(SavedList),
    SearchSaved(SavedSearch),
    /// Where the bundle was written, and how long it is.
    Exported {
        path: String,
        bytes: u64,
    },
    Rules(RuleList),
    Rule(Box<RuleDetail>),
    RuleState(Box<RuleDetail>),
    RuleSource(Box<RuleSource>),
    RuleChecked(CheckReport),
    RuleTested(TestReport),
    RuleSaved(Box<RuleSource>),
    Exceptions(ExceptionList),
    ExceptionPreview(ExceptionPreview),
    Excepted(Box<ExceptionRow>),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// Nobody answers: a later try may do.
    pub is_away: bool,
    /// Somebody else was first, or it has changed since.
    pub is_conflict: bool,
    pub text: String,
    pub hint: Option<String>,
    /// Where in the query, in characters from 1.
    pub column: Option<u32>,
    pub owner: Option<String>,
}
