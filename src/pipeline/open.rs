//! Opens what lies in the data folder: log, store, alerts. One process at a time.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tracing::warn;

use crate::alert::AlertStore;
use crate::alert::Policy;
use crate::alert::rulebook;
use crate::alert::rulebook::RuleBook;
use crate::config::Settings;
use crate::model::time::Clock;
use crate::store;
use crate::store::Store;
use crate::wal;
use crate::wal::Recovery;
use crate::wal::Wal;
use crate::wal::disk::RealDisk;

/// Where things lie below the data folder.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the data folder when it is missing; others than the group have no business in it.
    ///
    /// # Errors
    /// When it cannot be made or written to.
    pub(super) fn make(path: &Path) -> anyhow::Result<Folder> {
        let folder = std::path::absolute(path).with_context(|| format!("the data folder `{}`", path.display()))?;
        let usable = || format!("cannot use the data folder `{}`", folder.display());
        fs::DirBuilder::new().recursive(true).mode(0o750).create(&folder).with_context(usable)?;
        tempfile::tempfile_in(&folder).with_context(usable)?;
        Ok(Folder(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn wal(&self) -> PathBuf {
        self.0.join("wal")
    }

    pub(super) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    fn alerts(&self) -> PathBuf {
        self.0.join(crate::alert::store::FILE_NAME)
    }

    pub(super) fn tokens(&self) -> PathBuf {
        self.0.join(crate::auth::TOKENS_FILE_NAME)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.0.join("run").join("longan.sock")
    }
}

/// What was opened.
pub(super) struct Opened {
    pub(super) wal: Wal,
    pub(super) recovery: Recovery,
    pub(super) store: Store,
    /// Partitions that could not be opened, in words.
    pub(super) unreadable: Vec<String>,
    pub(super) alerts: Arc<AlertStore>,
    pub(super) rulebook: Arc<RuleBook>,
}

/// Opens log, store and alerts.
///
/// # Errors
/// When another process has them, or one cannot be read.
pub(super) fn open(folder: &Folder, settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Opened> {
    let used = || format!("cannot use the data folder `{}`", folder.path().display());
    let disk = RealDisk::new(folder.wal()).with_context(used)?;
    // The log's lock is the folder's: it names the process that holds it.
    let alerts_path = folder.alerts();
    let disk: Arc<dyn wal::disk::Disk> = Arc::new(disk);
    let lock = disk.lock().with_context(used)?;
    let (store, report) = Store::open(&folder.store(), store_config(settings)).with_context(used)?;
    for (partition, reason) in &report.damaged {
        warn!(%partition, %reason, "a partition cannot be read; it stays where it is and its events are not found");
    }
    let unreadable = report.damaged.iter().map(unreadable).collect();
    let rulebook_path = folder.path().join(rulebook::FILE_NAME);
    let rulebook = RuleBook::open(&rulebook_path, Arc::clone(&clock)).with_context(used)?;
    let alerts =
        AlertStore::open(&alerts_path, Policy { sla: settings.sla, ..Policy::DEFAULT }, clock).with_context(used)?;
    let position = alerts.position().with_context(used)?;
    let keep_after = store.checkpoint().max(position);
    let config =
        wal::Config { segment_bytes: settings.limits.wal_segment_bytes, reserve_bytes: settings.store.reserve_bytes };
    drop(lock);
    let (wal, recovery) = Wal::open(disk, config, keep_after).with_context(used)?;
    if let Some(tail) = &recovery.torn_tail {
        warn!(path = %tail.path.display(), offset = tail.offset, bytes = tail.bytes, "an unfinished write was cut off the log; nothing in it was acknowledged");
    }
    for damage in &recovery.damage {
        warn!(path = %damage.path.display(), offset = damage.offset, bytes = damage.bytes, "a stretch of the log is damaged and skipped");
    }
    Ok(Opened { wal, recovery, store, alerts: Arc::new(alerts), rulebook: Arc::new(rulebook), unreadable })
}

/// Says which events are not found, where they lie, and what to do.
fn unreadable((partition, reason): &(String, String)) -> String {
    format!(
        "partition `store/partitions/{partition}` cannot be read ({reason}): its events are not found. `longan verify` names the damaged file; restore it from a copy and restart"
    )
}

/// The store's limits of a configuration.
pub(super) fn store_config(settings: &Settings) -> store::Config {
    store::Config {
        hot_events_max: settings.store.hot_events_max.get() as u64,
        hot_age_max: settings.store.seal,
        ..store::Config::default()
    }
}
