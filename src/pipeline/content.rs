//! Rules, packs and what events are enriched with: loaded together, watched, and swapped in whole when a file changes.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use notify::RecursiveMode;
use notify::Watcher;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::alert::rulebook::RuleBook;
use crate::config::Settings;
use crate::detect;
use crate::detect::RuleSet;
use crate::model::Timestamp;
use crate::model::time::Clock;
use crate::normalize::Normalizer;
use crate::parse::Packs;
use crate::pipeline::api::rules::note_versions;
use crate::pipeline::evidence::Evidence;
use crate::pipeline::knowledge;
use crate::pipeline::live::Live;

/// Editors write a file in several steps: a change is looked at when nothing has happened for so long.
const SETTLE: Duration = Duration::from_millis(300);
/// Some file systems tell of no change: then the folders are looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What events are read and judged with.
#[derive(Debug, Clone)]
pub struct Content {
    pub packs: Arc<Packs>,
    pub rules: Arc<RuleSet>,
    pub normalizer: Arc<Normalizer>,
    /// How many cases each rule has that has any.
    pub cases: Arc<HashMap<String, usize>>,
    /// What was refused, as `path:line:column: problem`; the rest is in force.
    pub problems: Vec<String>,
}

impl Content {
    /// Loads what is compiled in, with the operator's folders over it.
    pub fn load(rules: Option<&Path>, parsers: Option<&Path>, utc_offset_seconds: i32) -> Content {
        let (texts, mut refused_rules) = detect::Content::load(rules);
        let (rules, refused) = texts.compile(utc_offset_seconds);
        refused_rules.extend(refused);
        let cases = detect::cases::count(&rules, &texts.cases);
        let (packs, refused_packs) = Packs::load(parsers);
        let mut problems: Vec<String> = refused_rules.iter().map(ToString::to_string).collect();
        problems.extend(refused_packs.iter().map(ToString::to_string));
        Content {
            packs: Arc::new(packs),
            rules: Arc::new(rules),
            normalizer: Arc::default(),
            cases: Arc::new(cases),
            problems,
        }
    }

    /// Loads what the configuration names.
    ///
    /// # Errors
    /// When a file that counts as a whole is broken: with nothing in force before, there is nothing to stay with.
    pub(super) fn of(settings: &Settings, now: Timestamp) -> anyhow::Result<Content> {
        let knowledge =
            knowledge::load(settings, now).map_err(|problems| anyhow::anyhow!("{}", problems.join("\n")))?;
        Ok(Content::with(settings, knowledge.normalizer, knowledge.problems))
    }

    /// Loads again; what counts as a whole and is broken stays as it was.
    pub(super) fn again(settings: &Settings, before: &Arc<Normalizer>, now: Timestamp) -> Content {
        match knowledge::load(settings, now) {
            Ok(knowledge) => Content::with(settings, knowledge.normalizer, knowledge.problems),
            Err(problems) => Content::with(settings, Arc::clone(before), problems),
        }
    }

    fn with(settings: &Settings, normalizer: Arc<Normalizer>, problems: Vec<String>) -> Content {
        let (rules, parsers) = (settings.rules.folder.as_deref(), settings.parsers.folder.as_deref());
        let mut content = Content::load(rules, parsers, settings.zone_offset_seconds);
        content.normalizer = normalizer;
        content.problems.extend(problems);
        content
    }
}

/// Watches the operator's folders and hands changed content to the processing stage, until cancelled.
///
/// # Errors
/// None; a folder that cannot be watched is looked at now and then.
pub(super) async fn watch(
    settings: Settings,
    live: Arc<Live>,
    evidence: Evidence,
    rulebook: Arc<RuleBook>,
    clock: Arc<dyn Clock>,
    mut normalizer: Arc<Normalizer>,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let mut folders: Vec<PathBuf> =
        [&settings.rules.folder, &settings.parsers.folder].into_iter().flatten().cloned().collect();
    folders.extend(knowledge::paths(&settings));
    if folders.is_empty() {
        cancel.cancelled().await;
        return Ok(());
    }
    let (sender, mut changes) = mpsc::channel(1);
    let _watchers: Vec<_> = folders.iter().filter_map(|folder| watcher_of(folder, &sender)).collect();
    let mut seen = stamp(&folders);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            _ = timeout(LOOK_EVERY, changes.recv()) => {}
        }
        while let Ok(Some(())) = timeout(SETTLE, changes.recv()).await {}
        let now = stamp(&folders);
        if now == seen {
            continue;
        }
        seen = now;
        let (wanted, before, now) = (settings.clone(), Arc::clone(&normalizer), clock.now());
        let book = Arc::clone(&rulebook);
        let load = move || {
            note_versions(&wanted, &book);
            Content::again(&wanted, &before, now)
        };
        let Ok(content) = tokio::task::spawn_blocking(load).await else { continue };
        normalizer = Arc::clone(&content.normalizer);
        info!(
            rules = content.rules.len(),
            problems = content.problems.len(),
            "rules, packs and lists were loaded anew"
        );
        for problem in &content.problems {
            warn!(%problem, "left out");
        }
        let (rules, problems) = (content.rules.len(), content.problems.len());
        evidence.record(&*clock, "config", &format!("rules and packs loaded anew: {rules} rules, {problems} problems"));
        live.offer_content(content);
    }
}

/// A file is watched through its folder: editors and feeds put a new one in its place.
fn watcher_of(folder: &Path, sender: &mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    let above = folder.parent().filter(|_| !folder.is_dir());
    let above = above.map(|above| if above.as_os_str().is_empty() { Path::new(".") } else { above });
    let mode = if above.is_some() { RecursiveMode::NonRecursive } else { RecursiveMode::Recursive };
    let folder = above.unwrap_or(folder);
    let sender = sender.clone();
    let told = move |_| {
        // One notice that waits is enough.
        sender.try_send(()).ok();
    };
    let watcher = notify::recommended_watcher(told).and_then(|mut watcher| {
        watcher.watch(folder, mode)?;
        Ok(watcher)
    });
    watcher.map_err(|error| warn!(folder = %folder.display(), %error, "the folder is only looked at now and then")).ok()
}

/// What the files of the folders look like: a change of any shows.
fn stamp(folders: &[PathBuf]) -> Vec<(PathBuf, u64, Option<std::time::SystemTime>)> {
    /// Folders are walked no deeper than this.
    const DEPTH_MAX: usize = 16;
    let mut files = Vec::new();
    let mut waiting: Vec<(PathBuf, usize)> = folders.iter().map(|folder| (folder.clone(), 0)).collect();
    while let Some((folder, depth)) = waiting.pop() {
        if let Ok(data) = std::fs::metadata(&folder)
            && data.is_file()
        {
            files.push((folder, data.len(), data.modified().ok()));
            continue;
        }
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            match entry.metadata() {
                Ok(data) if data.is_dir() && depth < DEPTH_MAX => waiting.push((entry.path(), depth + 1)),
                Ok(data) if data.is_file() => files.push((entry.path(), data.len(), data.modified().ok())),
                _ => {}
            }
        }
    }
    files.sort();
    files
}
