//! The audit log: who did what, written down and synced before they get their answer.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::evidence::keeper::KeepError;
use crate::evidence::key;
use crate::evidence::log::LogError;
use crate::evidence::log::SignedLog;
use crate::evidence::log::merkle;
use crate::evidence::log::merkle::Hash;
use crate::evidence::log::note::Signer;
use crate::evidence::log::note::Verifier;
use crate::evidence::log::read_bundles_back;
use crate::evidence::log::read_entry;
use crate::evidence::places::Places;
use crate::model::Timestamp;
use crate::wal::disk::Disk;
use crate::wal::disk::RealDisk;

/// A detail is cut here: what a long body says stands in the alert's or incident's own history.
const DETAIL_BYTES_MAX: usize = 8 * 1024;

/// One thing somebody did, or the program on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// By our own clock; the order of entries is what is proven, not the time.
    pub at: String,
    /// A system user, the name of a token, or `longan` itself.
    pub who: String,
    #[serde(default)]
    pub role: String,
    /// How they came in: `socket`, `token`, `folder`.
    #[serde(default)]
    pub via: String,
    /// A word: `login`, `search`, `view`, `alert`, `incident`, `export`, `verify`, `refused`, `start`, …
    pub action: String,
    /// What it was done to, or asked.
    #[serde(default)]
    pub detail: String,
}

/// An entry as it is read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub n: u64,
    #[serde(flatten)]
    pub deed: Deed,
}

/// An entry with what joins it to a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    pub entry: Entry,
    /// The entry byte for byte.
    pub bytes: Vec<u8>,
    pub leaf: Hash,
    /// From the leaf up to the root of the checkpoint.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Which entries are wanted; what is not said is not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    pub who: Option<String>,
    pub action: Option<String>,
    /// A piece of the detail, whatever its case.
    pub text: Option<String>,
    /// Entries with a lower number only.
    pub before: Option<u64>,
    pub since: Option<String>,
    pub until: Option<String>,
}

impl Filter {
    fn admits(&self, entry: &Entry) -> bool {
        let Deed { at, who, action, detail, .. } = &entry.deed;
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        let holds = |wanted: &str| detail.to_lowercase().contains(&wanted.to_lowercase());
        is(&self.who, who)
            && is(&self.action, action)
            && self.text.as_deref().is_none_or(holds)
            && self.before.is_none_or(|before| entry.n < before)
            && self.since.as_ref().is_none_or(|since| at >= since)
            && self.until.as_ref().is_none_or(|until| at < until)
    }
}

/// The audit log, open for adding. Cloning shares it.
#[derive(Debug, Clone)]
pub struct AuditLog {
    log: Arc<Mutex<SignedLog>>,
    signer: Arc<Signer>,
}

impl AuditLog {
    /// Opens or begins the audit log of a data folder.
    ///
    /// # Errors
    /// When key or log cannot be used, or another process has it.
    pub fn open(data: &Path) -> Result<AuditLog, KeepError> {
        let places = Places::of(data);
        let signer = key::signer(&places.folder())?;
        let verifiers = key::verifiers(&places.folder())?;
        let folder = places.audit();
        let disk = RealDisk::new(&folder).map_err(|source| KeepError::Io { path: folder, source })?;
        let origin = places.origin(&verifiers, signer.verifier(), "audit");
        Ok(AuditLog::on_disk(Arc::new(disk), &origin, Arc::new(signer), &verifiers)?)
    }

    /// Opens or begins an audit log on a disk.
    ///
    /// # Errors
    /// As [`AuditLog::open`].
    pub fn on_disk(
        disk: Arc<dyn Disk>,
        origin: &str,
        signer: Arc<Signer>,
        verifiers: &[Verifier],
    ) -> Result<AuditLog, LogError> {
        let (mut log, _) = SignedLog::open(disk, origin, verifiers, &mut |_, _| {})?;
        // From its first moment on a log has a checkpoint.
        log.sign(&signer)?;
        Ok(AuditLog { log: Arc::new(Mutex::new(log)), signer })
    }

    fn log(&self) -> MutexGuard<'_, SignedLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the public key that checkpoints are signed with.
    pub fn key(&self) -> String {
        self.signer.verifier().to_string()
    }

    /// Writes something down; when it returns, that is durable.
    ///
    /// # Errors
    /// When it could not be made durable: then it must not be done.
    pub fn record(&self, mut deed: Deed) -> Result<u64, LogError> {
        if deed.detail.len() > DETAIL_BYTES_MAX {
            let end = (0..=DETAIL_BYTES_MAX).rev().find(|at| deed.detail.is_char_boundary(*at)).unwrap_or(0);
            deed.detail.truncate(end);
            deed.detail.push('…');
        }
        let members = match serde_json::to_value(&deed) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        self.log().append(vec![members])
    }

    /// Signs what was added since the last checkpoint; returns the last checkpoint.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub fn sign(&self) -> Result<String, LogError> {
        self.log().sign(&self.signer)
    }

    /// Runs something on the log.
    pub fn with_log<R>(&self, work: impl FnOnce(&mut SignedLog) -> R) -> R {
        work(&mut self.log())
    }

    /// Returns an entry with its proof, signing first what is not signed yet; `None` when there is none of this number.
    ///
    /// # Errors
    /// When the log cannot be read or signed.
    pub fn prove(&self, number: u64) -> Result<Option<Proven>, LogError> {
        let mut log = self.log();
        if number >= log.size() {
            return Ok(None);
        }
        if log.last_signed().is_none_or(|(signed, _)| signed <= number) {
            log.sign(&self.signer)?;
        }
        let disk = Arc::clone(log.disk());
        let Some((signed, checkpoint)) = log.last_signed() else { return Ok(None) };
        let checkpoint = checkpoint.to_owned();
        let hashes = usize::try_from(signed).ok().and_then(|signed| log.hashes().get(..signed)).unwrap_or_default();
        let path = merkle::path(hashes, number);
        drop(log);
        let read = read_entry(&disk, number);
        let bytes = read.map_err(|source| LogError::Io { path: disk.path_of("entries"), source })?;
        let Some(bytes) = bytes else { return Ok(None) };
        let entry = serde_json::from_slice::<Entry>(&bytes).ok();
        Ok(entry.map(|entry| Proven { entry, leaf: merkle::leaf_hash(&bytes), bytes, path, checkpoint }))
    }

    /// Returns the newest entries that the filter admits, newest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn list(&self, filter: &Filter, limit: usize) -> io::Result<Vec<Entry>> {
        let disk = Arc::clone(self.log().disk());
        list(&disk, filter, limit)
    }
}

/// Returns the newest entries of a data folder that the filter admits, newest first, whoever has the log open.
///
/// # Errors
/// When the log cannot be read.
pub fn list_of_folder(data: &Path, filter: &Filter, limit: usize) -> io::Result<Vec<Entry>> {
    let folder = Places::of(data).audit();
    if !folder.try_exists()? {
        return Ok(Vec::new());
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder)?);
    list(&disk, filter, limit)
}

fn list(disk: &Arc<dyn Disk>, filter: &Filter, limit: usize) -> io::Result<Vec<Entry>> {
    let mut newest = Vec::new();
    read_bundles_back(disk, filter.before, &mut |bundle| {
        let entries = bundle.entries.iter().rev().filter_map(|entry| serde_json::from_slice::<Entry>(entry).ok());
        newest.extend(entries.filter(|entry| filter.admits(entry)).take(limit - newest.len()));
        newest.len() < limit
    })?;
    Ok(newest)
}

impl Deed {
    /// Something that the program does on its own.
    pub fn of_program(now: Timestamp, action: &str, detail: impl Into<String>) -> Deed {
        Deed {
            at: now.to_string(),
            who: "longan".to_owned(),
            role: String::new(),
            via: String::new(),
            action: action.to_owned(),
            detail: detail.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_are_kept_in_order_and_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let audit = AuditLog::open(folder.path()).expect("a log");
        for (at, action, detail) in [(1, "start", "version 1"), (2, "search", "user.name:An"), (3, "search", "*")] {
            audit.record(Deed::of_program(Timestamp(at), action, detail)).expect("room");
        }
        audit.sign().expect("signed");
        assert!(AuditLog::open(folder.path()).is_err(), "one process at a time");
        let found = |filter: Filter| {
            let entries = list_of_folder(folder.path(), &filter, 10).expect("readable");
            entries.into_iter().map(|entry| (entry.n, entry.deed.detail)).collect::<Vec<_>>()
        };
        assert_eq!(found(Filter::default()).iter().map(|(n, _)| *n).collect::<Vec<_>>(), [2, 1, 0]);
        let by = |action: &str, text: Option<&str>| Filter {
            action: Some(action.to_owned()),
            text: text.map(str::to_owned),
            ..Filter::default()
        };
        assert_eq!(found(by("search", Some("NAME:an"))), [(1, "user.name:An".to_owned())]);
        assert_eq!(found(by("export", None)), []);
        assert_eq!(found(Filter { before: Some(1), ..Filter::default() }).len(), 1);
        let proven = audit.prove(1).expect("readable").expect("there");
        assert_eq!((proven.entry.n, proven.path.len()), (1, 2));
        assert!(proven.checkpoint.contains("\n3\n"), "{}", proven.checkpoint);
        assert_eq!(audit.prove(3).expect("readable"), None);
        audit.record(Deed::of_program(Timestamp(4), "search", "é".repeat(9_000))).expect("cut");
        assert_eq!(audit.prove(3).expect("signed").expect("there").path.len(), 2);
        assert!(audit.list(&Filter::default(), 1).expect("readable")[0].deed.detail.ends_with('…'));
    }
}
