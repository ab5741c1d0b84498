//! How the running whole is doing, as the API tells it.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::statvfs::statvfs;

use crate::auth::Principal;
use crate::detect::Strain;
use crate::ingest::Intake;
use crate::model::Timestamp;
use crate::model::time::Clock;
use crate::pipeline::api::retention::outlook_of;
use crate::pipeline::default_state;
use crate::pipeline::live::Live;
use crate::pipeline::own_events::Desk;
use crate::pipeline::processing::sources::condition;
use crate::server::PulseFigures;
use crate::server::StatusService;
use crate::store::Store;
use crate::telemetry::Registry;
use crate::wire::problem::Problem;
use crate::wire::rule::Verdicts;
use crate::wire::source::InputRow;
use crate::wire::source::LogSourceRow;
use crate::wire::source::SourceAction;
use crate::wire::source::SourceCommand;
use crate::wire::source::SourceList;
use crate::wire::source::SourceRow;
use crate::wire::status::RuleList;
use crate::wire::status::RuleRow;
use crate::wire::status::Status;

/// A mute that nobody remembers is a hole.
const MUTE_SECONDS_MAX: u64 = 90 * 86_400;
/// Logs that came longer ago arrive no more.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30 * 86_400);
/// The page size of every system this runs on.
const PAGE_BYTES: u64 = 4096;
/// Folders of the data folder are added up to this depth.
const DEPTH_MAX: usize = 8;

/// Answers how the whole is doing.
pub(in crate::pipeline) struct StatusOf {
    pub(in crate::pipeline) data: PathBuf,
    pub(in crate::pipeline) started: Timestamp,
    pub(in crate::pipeline) clock: Arc<dyn Clock>,
    pub(in crate::pipeline) live: Arc<Live>,
    pub(in crate::pipeline) store: Store,
    pub(in crate::pipeline) registry: Registry,
    pub(in crate::pipeline) refusal: Refusal,
    pub(in crate::pipeline) inputs: Vec<InputRow>,
    pub(in crate::pipeline) desk: Desk,
}

/// Asks whether inputs must refuse at present, without holding the door open at the end.
pub(in crate::pipeline) struct Refusal(Box<dyn Fn() -> Option<String> + Send + Sync>);

impl Refusal {
    pub(in crate::pipeline) fn of(intake: &Intake) -> Refusal {
        let refusal = intake.watch_refusal();
        Refusal(Box::new(move || refusal.borrow().as_ref().map(ToString::to_string)))
    }
}

impl StatusOf {
    fn refusing(&self) -> Option<String> {
        (self.refusal.0)().or_else(|| self.live.trouble())
    }
}

impl StatusService for StatusOf {
    fn status(&self) -> Status {
        let in_force = self.live.in_force();
        let (events_per_second, lag_ms) = self.live.rate();
        let last_event = self.registry.gauge("longan_wal_last_id", &[]).get();
        let mut problems = in_force.problems;
        problems.extend(self.live.strain_problems());
        problems.extend(self.live.store_problems());
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started.to_string(),
            now: self.clock.now().to_string(),
            refusing: self.refusing(),
            events_stored: self.store.searcher().event_count(),
            last_event: u64::try_from(last_event).unwrap_or(0),
            last_searchable: self.live.last_searchable(),
            events_per_second,
            lag_ms,
            open_alerts: 0,
            alerts_by_level: Vec::new(),
            rules_loaded: in_force.rules.rules().count() as u64,
            problems,
            packs_loaded: in_force.pack_count,
            pushes: self.live.pushes(),
            disk_used_bytes: folder_bytes(&self.data),
            disk_free_bytes: statvfs(&self.data)
                .map_or(0, |stat| stat.blocks_available().saturating_mul(stat.fragment_size())),
            memory_bytes: memory_bytes(),
            outlook: self.live.disk_outlook().map(outlook_of),
        }
    }

    fn pulse(&self) -> PulseFigures {
        let (events_per_second, lag_ms) = self.live.rate();
        let silent_sources = self.live.sources().silent_count(self.clock.now());
        PulseFigures { events_per_second, lag_ms, silent_sources, refusing: self.refusing() }
    }

    fn sources(&self) -> SourceList {
        let inputs = self.inputs.iter().map(|row| self.with_figures(row)).collect();
        let sources = self.live.sources();
        let log_sources = sources.log_sources().into_iter().map(|(source, seen)| LogSourceRow {
            product: source.product,
            service: source.service,
            category: source.category,
            last_seen: seen.to_string(),
        });
        SourceList { inputs, sources: sources.rows(self.clock.now()), log_sources: log_sources.collect() }
    }

    fn act_on_source(&self, command: &SourceCommand, caller: &Principal) -> Result<SourceRow, Problem> {
        let (input, name, now) = (&command.input, &command.name, self.clock.now());
        if !self.live.sources().contains(input, name) {
            return Err(problem(404, "not_found", format!("no source `{name}` of input `{input}`")));
        }
        let (finding, muted) = match &command.action {
            SourceAction::Mute { reason, .. } if reason.trim().is_empty() => {
                return Err(problem(400, "invalid", "a mute needs a reason".to_owned()));
            }
            SourceAction::Mute { seconds, .. } if !(60..=MUTE_SECONDS_MAX).contains(seconds) => {
                return Err(problem(400, "invalid", "a mute lasts from a minute to 90 days".to_owned()));
            }
            SourceAction::Mute { seconds, reason } => {
                let until = now.plus(Duration::from_secs(*seconds));
                (condition::muted(input, name, until, &caller.name, reason), Some((until, reason.as_str())))
            }
            SourceAction::Unmute => (condition::unmuted(input, name, &caller.name), None),
        };
        // In the log first: it is the record of who did it, and what a restart reads back.
        self.desk.write(finding).map_err(|err| problem(503, "busy", err.to_string()))?;
        let mut sources = self.live.sources();
        sources.mute(input, name, muted.map(|(until, reason)| (until, caller.name.as_str(), reason)));
        let gone = || problem(404, "not_found", format!("the source `{name}` was forgotten meanwhile"));
        sources.row(input, name, now).ok_or_else(gone)
    }

    fn rules(&self) -> RuleList {
        let in_force = self.live.in_force();
        let since = self.clock.now().minus(ARRIVES_WITHIN);
        let mut seen = self.live.sources().log_sources();
        seen.retain(|(_, at)| *at >= since);
        let arriving = in_force.rules.arriving(&seen.into_iter().map(|(source, _)| source).collect::<Vec<_>>());
        let strains: HashMap<String, Strain> =
            self.live.strains().into_iter().map(|strain| (strain.rule.clone(), strain)).collect();
        let rules = in_force.rules.rules().map(|rule| RuleRow {
            id: rule.id.clone(),
            title: rule.title.clone(),
            title_vi: rule.title_vi.clone(),
            level: rule.level.to_string(),
            status: rule.status.as_str().to_owned(),
            path: rule.path.display().to_string(),
            tags: rule.tags.clone(),
            detections: self.live.detections_of(&rule.id),
            state: default_state(rule.status).as_str().to_owned(),
            verdicts: Verdicts::default(),
            noise: 0,
            exceptions: 0,
            cases: in_force.cases.get(&rule.id).map_or(0, |count| *count as u64),
            arrives: arriving.get(&rule.id).copied().flatten(),
            is_silent: rule.silent,
            suppressed: strains.get(&rule.id).map_or(0, |strain| strain.suppressed),
            skipped: strains.get(&rule.id).map_or(0, |strain| strain.skipped),
        });
        RuleList { rules: rules.collect() }
    }
}

fn problem(status: u16, kind: &str, detail: String) -> Problem {
    Problem { status, kind: kind.to_owned(), detail, hint: None, column: None, owner: None }
}

impl StatusOf {
    fn with_figures(&self, row: &InputRow) -> InputRow {
        let figure = |name| self.sum(name, &row.name);
        InputRow {
            received: figure("longan_input_received_total"),
            stored: figure("longan_input_stored_total"),
            rejected: figure("longan_input_rejected_total"),
            dropped: figure("longan_input_dropped_total"),
            truncated: figure("longan_input_truncated_total"),
            // Followed files count their bytes only when they are stored.
            bytes: figure("longan_input_bytes_total").max(figure("longan_input_stored_bytes_total")),
            connections: figure("longan_input_connections"),
            ..row.clone()
        }
    }

    /// Adds up a series of an input; followed files have one each, below the name of the pattern that found them.
    fn sum(&self, name: &str, input: &str) -> u64 {
        let pattern = input.strip_prefix("file:").and_then(|pattern| crate::pipeline::inputs::glob_of(pattern).ok());
        let belongs = |label: &str| {
            label == input
                || pattern.as_ref().is_some_and(|pattern| {
                    label.strip_prefix("file:").is_some_and(|path| pattern.admits(path.as_ref()))
                })
        };
        let samples = self.registry.samples().into_iter();
        let ours =
            samples.filter(|sample| sample.name == name && sample.labels.iter().any(|(_, value)| belongs(value)));
        ours.map(|sample| u64::try_from(sample.value).unwrap_or(0)).sum()
    }
}

fn memory_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * PAGE_BYTES
}

fn folder_bytes(folder: &std::path::Path) -> u64 {
    let mut bytes = 0;
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            match entry.metadata() {
                Ok(data) if data.is_dir() && depth < DEPTH_MAX => waiting.push((entry.path(), depth + 1)),
                Ok(data) => bytes += data.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}
