//! What the pure part asks for, done: requests, the stream, the tail. Each runs as a task of one set and answers by message.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::task::AbortHandle;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::client::Client;
use crate::client::ClientError;
use crate::client::Records;
use crate::console::msg::Answer;
use crate::console::msg::EventObject;
use crate::console::msg::Failure;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::runtime::files;
use crate::console::runtime::files::FileError;
use crate::wire::report::HandoverFilter;
use crate::wire::rule::BacktestRequest;
use crate::wire::rule::ExceptionFilter;
use crate::wire::search::SearchRequest;

/// Tailed events handed over at once, and how long a batch is gathered: a frame and a half.
const TAIL_BATCH: usize = 500;
const TAIL_GATHER: Duration = Duration::from_millis(25);

/// Runs what is asked for.
pub(super) struct Effects {
    client: Client,
    /// Tells this console from others of the same user.
    session: String,
    messages: Sender<Msg>,
    tasks: JoinSet<()>,
    /// The running read of each slot; a later one takes its place.
    reads: HashMap<Slot, AbortHandle>,
    stream: Option<AbortHandle>,
    tail: Option<AbortHandle>,
    backtest: Option<AbortHandle>,
    wait: Option<AbortHandle>,
}

impl Effects {
    pub(super) fn new(client: Client, session: String, messages: Sender<Msg>) -> Effects {
        Effects {
            client,
            session,
            messages,
            tasks: JoinSet::new(),
            reads: HashMap::new(),
            stream: None,
            tail: None,
            backtest: None,
            wait: None,
        }
    }

    /// Sends a request; a read of the same slot that is still running is given up.
    pub(super) fn ask(&mut self, slot: Slot, generation: u64, request: Request) {
        while self.tasks.try_join_next().is_some() {}
        let (client, messages) = (self.client.clone(), self.messages.clone());
        let task = self.tasks.spawn(async move {
            let result = match request {
                Request::Export { request, path } => match files::export(&client, &path, &request).await {
                    Ok((path, bytes)) => Ok(Answer::Exported { path, bytes }),
                    Err(err) => Err(not_written(err)),
                },
                Request::Write { path, wish } => match files::write(&client, &path, &wish).await {
                    Ok((path, count)) => Ok(Answer::Written { path, count }),
                    Err(err) => Err(not_written(err)),
                },
                request => answer(&client, request).await.map_err(failure),
            };
            // The console has ended when nobody listens any more.
            drop(messages.send(Msg::Answer { slot, generation, result }).await);
        });
        if slot.is_action() {
            return;
        }
        if let Some(earlier) = self.reads.insert(slot, task) {
            earlier.abort();
        }
    }

    /// Ends a read whose answer nobody waits for any more; the server notices that the caller is gone.
    pub(super) fn give_up(&mut self, slot: Slot) {
        if let Some(running) = self.reads.remove(&slot) {
            running.abort();
        }
    }

    /// Follows the stream, after a while.
    pub(super) fn follow(&mut self, generation: u64, revision: Option<u64>, after: Duration) {
        let (client, messages) = (self.client.clone(), self.messages.clone());
        let session = self.session.clone();
        let task = self.tasks.spawn(async move {
            tokio::time::sleep(after).await;
            let failure = follow(&client, &messages, generation, revision, &session).await.err().map(failure);
            drop(messages.send(Msg::StreamEnded { generation, failure }).await);
        });
        if let Some(earlier) = self.stream.replace(task) {
            earlier.abort();
        }
    }

    /// Follows new events, or stops.
    pub(super) fn tail(&mut self, generation: u64, request: Option<SearchRequest>) {
        if let Some(earlier) = self.tail.take() {
            earlier.abort();
        }
        let Some(request) = request else { return };
        let (client, messages) = (self.client.clone(), self.messages.clone());
        self.tail = Some(self.tasks.spawn(async move {
            let failure = tail(&client, &messages, generation, &request).await.err().map(failure);
            drop(messages.send(Msg::TailEnded { generation, failure }).await);
        }));
    }

    /// Waits and says so; an earlier wait is given up.
    pub(super) fn wake(&mut self, after: Duration, revision: u64) {
        while self.tasks.try_join_next().is_some() {}
        let messages = self.messages.clone();
        let task = self.tasks.spawn(async move {
            tokio::time::sleep(after).await;
            drop(messages.send(Msg::Woken { revision }).await);
        });
        if let Some(earlier) = self.wait.replace(task) {
            earlier.abort();
        }
    }

    /// Runs a rule over history, or stops: whoever hangs up ends it on the server, too.
    pub(super) fn backtest(&mut self, generation: u64, request: Option<BacktestRequest>) {
        if let Some(earlier) = self.backtest.take() {
            earlier.abort();
        }
        let Some(request) = request else { return };
        let (client, messages) = (self.client.clone(), self.messages.clone());
        self.backtest = Some(self.tasks.spawn(async move {
            let failure = backtest(&client, &messages, generation, &request).await.err().map(failure);
            drop(messages.send(Msg::BacktestEnded { generation, failure }).await);
        }));
    }
}

async fn backtest(
    client: &Client,
    messages: &Sender<Msg>,
    generation: u64,
    request: &BacktestRequest,
) -> Result<(), ClientError> {
    let mut records = client.backtest(request).await?;
    while let Some(record) = records.next().await {
        let message = Box::new(record?);
        if messages.send(Msg::Backtested { generation, message }).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn not_written(err: FileError) -> Failure {
    let FileError::Client(err) = err else {
        let source = std::error::Error::source(&err).map(|source| format!(": {source}"));
        let text = format!("{err}{}", source.unwrap_or_default());
        return Failure { is_away: false, is_conflict: false, text, hint: None, column: None, owner: None };
    };
    failure(err)
}

async fn answer(client: &Client, request: Request) -> Result<Answer, ClientError> {
    Ok(match request {
        Request::Whoami => Answer::Whoami(client.whoami().await?),
        Request::Status => Answer::Status(Box::new(client.status().await?)),
        Request::Alerts(filter) => Answer::Alerts(client.alerts(&filter).await?),
        Request::Alert(id) => Answer::Alert(Box::new(client.alert(id).await?)),
        Request::AlertWhy(id) => Answer::Why(Box::new(client.alert_why(id).await?)),
        Request::Act(id, command) => Answer::Acted(Box::new(client.act_on_alert(id, &command).await?)),
        Request::ActOnMany(command) => Answer::ActedOnMany(client.act_on_alerts(&command).await?),
        Request::Incidents => {
            Answer::Incidents(client.incidents(&crate::wire::incident::IncidentFilter::default()).await?)
        }
        Request::Incident(id) => Answer::Incident(Box::new(client.incident(id).await?)),
        Request::ActOnIncident(id, action) => Answer::ActedOnIncident(client.act_on_incident(id, &action).await?),
        Request::Look(request) => Answer::Looked(client.look(&request).await?),
        Request::Triage(period) => Answer::Triage(Box::new(client.triage_report(&period).await?)),
        Request::Handovers => Answer::Handovers(client.handovers(&HandoverFilter::default()).await?),
        Request::DraftHandover(wanted) => Answer::HandoverDraft(client.draft_handover(&wanted).await?),
        Request::SignHandover(draft) => Answer::HandoverSigned(client.sign_handover(&draft).await?),
        Request::Search(request) => Answer::Page(Box::new(client.search(&request).await?)),
        Request::Table(request) => Answer::Table(Box::new(client.table(&request).await?)),
        Request::Histogram(request) => Answer::Histogram(client.histogram(&request).await?),
        Request::Sources => Answer::Sources(client.sources().await?),
        Request::ActOnSource(command) => Answer::ActedOnSource(Box::new(client.act_on_source(&command).await?)),
        Request::Evidence => Answer::Evidence(Box::new(client.evidence().await?)),
        Request::Verify => Answer::Verifying(Box::new(client.verify().await?)),
        Request::CancelVerify => Answer::Verifying(Box::new(client.cancel_verify().await?)),
        Request::Audit(wanted) => Answer::Audit(client.audit(&wanted).await?),
        Request::AuditEntry(number) => Answer::AuditEntry(Box::new(client.audit_entry(number).await?)),
        Request::SavedSearches => Answer::Saved(client.saved_searches().await?),
        Request::SaveSearch(wanted) => Answer::SearchSaved(client.save_search(&wanted).await?),
        Request::DeleteSearch(wanted) => Answer::Saved(client.delete_search(&wanted).await?),
        // Written to a file by `files`; without one its length is all there is to tell.
        Request::Export { request, path } => {
            Answer::Exported { path, bytes: client.export(&request).await?.len() as u64 }
        }
        // Written before it comes here.
        Request::Write { path, .. } => Answer::Written { path, count: 0 },
        Request::Rules => Answer::Rules(client.rules().await?),
        Request::Rule(id) => Answer::Rule(Box::new(client.rule(&id).await?)),
        Request::SetRuleState(id, request) => Answer::RuleState(Box::new(client.set_rule_state(&id, &request).await?)),
        Request::RuleSource(id) => Answer::RuleSource(Box::new(client.rule_source(&id).await?)),
        Request::CheckRule(request) => Answer::RuleChecked(client.check_rule(&request).await?),
        Request::TestRule(request) => Answer::RuleTested(client.test_rule(&request).await?),
        Request::SaveRule(request) => Answer::RuleSaved(Box::new(client.save_rule(&request).await?)),
        Request::Exceptions => Answer::Exceptions(client.exceptions(&ExceptionFilter::default()).await?),
        Request::PreviewException(request) => Answer::ExceptionPreview(client.preview_exception(&request).await?),
        Request::Except(request) => Answer::Excepted(Box::new(client.except(&request).await?)),
        Request::RevokeException(id, request) => {
            Answer::Excepted(Box::new(client.revoke_exception(id, &request).await?))
        }
    })
}

async fn follow(
    client: &Client,
    messages: &Sender<Msg>,
    generation: u64,
    revision: Option<u64>,
    session: &str,
) -> Result<(), ClientError> {
    let mut records = client.changes_beside(revision, session).await?;
    while let Some(record) = records.next().await {
        let message = Box::new(record?);
        if messages.send(Msg::Stream { generation, message }).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn tail(
    client: &Client,
    messages: &Sender<Msg>,
    generation: u64,
    request: &SearchRequest,
) -> Result<(), ClientError> {
    let mut records: Records<EventObject> = client.tail(request).await?;
    while let Some(first) = records.next().await {
        let mut events = vec![first?];
        let deadline = Instant::now() + TAIL_GATHER;
        // Waiting for the next one loses nothing when it is cut short.
        while events.len() < TAIL_BATCH {
            match timeout_at(deadline, records.next()).await {
                Ok(Some(event)) => events.push(event?),
                Ok(None) | Err(_) => break,
            }
        }
        if messages.send(Msg::Tailed { generation, events }).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Turns a client's error into what the console shows.
pub(super) fn failure(err: ClientError) -> Failure {
    let mut text = err.to_string();
    if let Some(source) = std::error::Error::source(&err) {
        text.push_str(": ");
        text.push_str(&source.to_string());
    }
    let problem = err.problem();
    Failure {
        is_away: err.is_away(),
        is_conflict: problem.is_some_and(|problem| problem.status == 409),
        text,
        hint: problem.and_then(|problem| problem.hint.clone()),
        column: problem.and_then(|problem| problem.column),
        owner: problem.and_then(|problem| problem.owner.clone()),
    }
}
