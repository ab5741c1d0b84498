//! What the API does with rules: backtests over the server's own history.

mod files;
mod why;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::alert::AlertStore;
use crate::alert::rulebook::NewException;
use crate::alert::rulebook::RuleBook;
use crate::alert::rulebook::VersionNote;
use crate::auth::Principal;
use crate::config::Settings;
use crate::detect;
use crate::model::EventId;
use crate::model::time::Clock;
use crate::pipeline::backtest::Backtest;
use crate::pipeline::backtest::History;
use crate::pipeline::backtest::Past;
use crate::pipeline::processing::detections::values_of;
use crate::server::RuleService;
use crate::store::Options;
use crate::store::Store;
use crate::wire::problem::Problem;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::BacktestProgress;
use crate::wire::rule::BacktestRequest;
use crate::wire::rule::CheckReport;
use crate::wire::rule::ExceptionPreview;
use crate::wire::rule::RuleSaveRequest;
use crate::wire::rule::RuleSource;
use crate::wire::rule::TestReport;
use crate::wire::rule::TestRequest;
use crate::wire::why::AlertWhy;

/// Somebody waits for a preview.
const PREVIEW_DEADLINE: Duration = Duration::from_secs(20);
/// A backtest that nobody cancels ends by itself.
const BACKTEST_DEADLINE: Duration = Duration::from_secs(1_800);
/// Progress is told no more often.
const TOLD_EVERY: Duration = Duration::from_millis(200);

/// Answers about rules.
pub(in crate::pipeline) struct RulesOf {
    pub(in crate::pipeline) store: Store,
    pub(in crate::pipeline) alerts: Arc<AlertStore>,
    pub(in crate::pipeline) settings: Settings,
    pub(in crate::pipeline) clock: Arc<dyn Clock>,
    /// Comparing a version and writing the next is one step.
    pub(in crate::pipeline) saving: Mutex<()>,
}

impl RulesOf {
    fn content(&self) -> detect::Content {
        content_of(&self.settings)
    }
}

/// Keeps the texts of the rules that are loaded, so that it can be told later what a rule said when.
pub(in crate::pipeline) fn note_versions(settings: &Settings, rulebook: &RuleBook) {
    let content = content_of(settings);
    let mut notes = Vec::new();
    for file in &content.rules {
        let one =
            detect::Content { rules: vec![file.clone()], lists: content.lists.clone(), ..detect::Content::default() };
        let inspector = detect::inspect::Inspector::new(&one, 0);
        notes.extend(inspector.metas().map(|meta| VersionNote {
            rule: meta.id.clone(),
            hash: format!("{:016x}", meta.content_hash),
            path: file.path.display().to_string(),
            text: file.text.clone(),
        }));
    }
    if let Err(error) = rulebook.note_versions(&notes) {
        tracing::warn!(%error, "the versions of the rules could not be kept");
    }
}

/// Reads the rules the configuration names, as text.
pub fn content_of(settings: &Settings) -> detect::Content {
    let content = detect::Content::builtin();
    match settings.rules.folder.as_deref().filter(|folder| folder.try_exists().unwrap_or(true)) {
        Some(folder) => content.overlaid(folder, detect::Content::of_folder(folder).0),
        None => content,
    }
}

impl RuleService for RulesOf {
    fn source(&self, rule: &str) -> Result<RuleSource, Problem> {
        files::source(&self.content(), self.settings.rules.folder.as_deref(), rule)
    }

    fn check(&self, text: &str) -> CheckReport {
        files::check(&self.content(), text)
    }

    fn test(&self, request: &TestRequest) -> Result<TestReport, Problem> {
        files::test(self.content(), self.settings.parsers.folder.as_deref(), request)
    }

    fn save(&self, request: &RuleSaveRequest) -> Result<RuleSource, Problem> {
        let Some(folder) = self.settings.rules.folder.as_deref() else {
            return Err(files::refused(400, "invalid", "there is no folder for rules of your own".to_owned()));
        };
        let _one_at_a_time = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        files::save(&self.content(), folder, request)
    }

    fn preview(&self, exception: &NewException) -> Result<ExceptionPreview, Problem> {
        let zone = self.settings.zone_offset_seconds;
        let request = BacktestRequest { rule: exception.rule.clone(), ..BacktestRequest::default() };
        let backtest = Backtest::prepare(self.content(), &request, self.clock.now(), zone)?;
        let deadline = Some(Instant::now() + PREVIEW_DEADLINE);
        let options = Options { deadline, ..Options::default() };
        let history = History { searcher: self.store.searcher(), folder: None };
        let (mut matches, mut hidden) = (0_u64, Vec::new());
        let cost = backtest
            .run(&history, &options, &mut |_| {}, &mut |detection, event| {
                matches += 1;
                if exception.would_hide(&|field| values_of(detection, event, field)) {
                    hidden.push(event.id);
                }
            })
            .map_err(|err| internal(&err))?;
        let verdicts = self.alerts.verdicts_of_events(&exception.rule, &hidden).map_err(|err| internal(&err))?;
        Ok(ExceptionPreview {
            days: 30,
            matches,
            hidden: hidden.len() as u64,
            alerts: crate::server::verdicts(verdicts),
            cost,
        })
    }

    fn why(&self, rule: &str, event: EventId) -> Result<AlertWhy, Problem> {
        let inspector = detect::inspect::Inspector::new(&self.content(), self.settings.zone_offset_seconds);
        let explained = self.store.searcher().with_event(event, |event| {
            let subject = detect::inspect::Subject { event, logsource_known: true };
            inspector.explain(rule, subject).map(|explanation| why::Teller::of(event.raw).rule(explanation))
        });
        match explained.map_err(|err| internal(&err))? {
            Some(Some(rule)) => Ok(AlertWhy { event: event.0, rule }),
            Some(None) => Err(files::refused(404, "not_found", format!("no rule `{rule}`"))),
            None => Err(files::refused(404, "not_found", format!("event {event} is not stored any more"))),
        }
    }

    fn backtest(
        &self,
        request: &BacktestRequest,
        _caller: &Principal,
        emit: &mut dyn FnMut(&BacktestMessage) -> bool,
    ) -> Result<(), Problem> {
        let zone = self.settings.zone_offset_seconds;
        let backtest = Backtest::prepare(self.content(), request, self.clock.now(), zone)?;
        let cancel = Arc::new(AtomicBool::new(false));
        let deadline = Some(Instant::now() + BACKTEST_DEADLINE);
        let options = Options { cancel: Some(Arc::clone(&cancel)), deadline, ..Options::default() };
        let history = History { searcher: self.store.searcher(), folder: None };
        // The answer begins at once; the first partition may take a while.
        emit(&BacktestMessage::Progress(BacktestProgress::default()));
        let mut last_told: Option<Instant> = None;
        let report = backtest.report(&history, Past::Store(&self.alerts), &options, &mut |progress| {
            let is_due = last_told.is_none_or(|told| told.elapsed() >= TOLD_EVERY);
            if is_due && !emit(&BacktestMessage::Progress(progress)) {
                cancel.store(true, Ordering::Relaxed);
            }
            if is_due {
                last_told = Some(Instant::now());
            }
        });
        let last = match report {
            Ok(report) => BacktestMessage::Report(Box::new(report)),
            Err(err) => {
                tracing::error!(error = %err, "a backtest failed");
                BacktestMessage::Failed(err.to_string())
            }
        };
        emit(&last);
        Ok(())
    }
}

fn internal(err: &dyn std::error::Error) -> Problem {
    tracing::error!(error = %err, "looking through history failed");
    let detail = err.to_string();
    Problem { status: 500, kind: "internal".to_owned(), detail, hint: None, column: None, owner: None }
}
