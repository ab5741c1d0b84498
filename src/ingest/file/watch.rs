//! Wakes the input when something changes in the folders it looks at; says nothing about what.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher as _;
use tokio::sync::Notify;
use tracing::warn;

/// How many folders are watched; files in others are found by polling.
const FOLDERS_MAX: usize = 4096;

/// The file system's notices. Without them (network file systems, no watches left) polling has to do.
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    pub(super) changed: Arc<Notify>,
}

impl Watch {
    pub(super) fn new() -> Watch {
        let changed = Arc::new(Notify::new());
        let wake = Arc::clone(&changed);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is what we do ourselves: it would wake us for ever.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                wake.notify_one();
            }
        });
        if let Err(err) = &watcher {
            warn!(error = %err, "no notices from the file system, followed files are polled");
        }
        Watch { watcher: watcher.ok(), watched: HashSet::new(), changed }
    }

    /// Watches these folders from now on, and those no longer named not any more.
    pub(super) fn folders(&mut self, folders: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else { return };
        let wanted: HashSet<PathBuf> = folders.iter().take(FOLDERS_MAX).cloned().collect();
        if wanted == self.watched {
            return;
        }
        for gone in self.watched.difference(&wanted) {
            // A deleted folder has lost its watch already.
            drop(watcher.unwatch(gone));
        }
        for new in wanted.difference(&self.watched) {
            if let Err(err) = watcher.watch(new, RecursiveMode::NonRecursive) {
                warn!(path = %new.display(), error = %err, "folder cannot be watched, it is polled");
            }
        }
        self.watched = wanted;
    }
}
