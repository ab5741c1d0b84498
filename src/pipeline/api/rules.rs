//! What the API does with rules: backtests over the server's own history.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::alert::AlertStore;
use crate::auth::Principal;
use crate::config::Settings;
use crate::detect;
use crate::model::time::Clock;
use crate::pipeline::backtest::Backtest;
use crate::pipeline::backtest::History;
use crate::pipeline::backtest::Past;
use crate::server::RuleService;
use crate::store::Options;
use crate::store::Store;
use crate::wire::problem::Problem;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::BacktestProgress;
use crate::wire::rule::BacktestRequest;

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
}

impl RulesOf {
    fn content(&self) -> detect::Content {
        content_of(&self.settings)
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
