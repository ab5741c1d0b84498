//! The correlator's state as bytes, kept with the position in the log so that a restart neither forgets nor repeats.

use hashbrown::HashMap;
use serde::Deserialize;
use serde::Serialize;

use super::Correlator;
use super::Groups;
use super::window::Window;
use crate::detect::ruleset::RuleSet;

/// Changes when the meaning of the bytes does; a snapshot of another version is refused.
const VERSION: u32 = 1;

/// Why a snapshot could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    #[error("snapshot has version {0}, not {VERSION}")]
    Version(u32),
    #[error("snapshot is damaged")]
    Damaged(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Snapshot {
    version: u32,
    correlations: Vec<Kept>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    rule: String,
    /// Over the correlation and every rule it refers to: a changed rule starts afresh.
    hash: u64,
    groups: KeptGroups,
}

/// Groups by the values of their fields.
type KeptGroups = Vec<(Vec<String>, Window)>;

impl Correlator {
    /// Writes the state down; equal states give equal bytes.
    pub(in crate::detect) fn snapshot(&self, set: &RuleSet) -> Vec<u8> {
        let mut correlations = Vec::new();
        for (compiled, groups) in set.correlations().iter().zip(&self.groups) {
            let mut groups: KeptGroups =
                groups.windows.iter().map(|(key, window)| (key.clone(), window.clone())).collect();
            groups.sort_by(|(left, _), (right, _)| left.cmp(right));
            if !groups.is_empty() {
                correlations.push(Kept { rule: compiled.source.meta.id.clone(), hash: compiled.state_hash, groups });
            }
        }
        serde_json::to_vec(&Snapshot { version: VERSION, correlations })
            .expect("numbers and text always have a JSON form")
    }

    /// Takes over the state of every correlation that has not changed since; returns how many groups that were.
    ///
    /// # Errors
    /// When the bytes are not a snapshot of this version. The state is then as before.
    pub(in crate::detect) fn restore(&mut self, set: &RuleSet, bytes: &[u8]) -> Result<usize, RestoreError> {
        let snapshot: Snapshot = serde_json::from_slice(bytes)?;
        if snapshot.version != VERSION {
            return Err(RestoreError::Version(snapshot.version));
        }
        let mut kept: HashMap<(String, u64), KeptGroups> =
            snapshot.correlations.into_iter().map(|kept| ((kept.rule, kept.hash), kept.groups)).collect();
        let mut restored = 0;
        for (compiled, groups) in set.correlations().iter().zip(&mut self.groups) {
            let key = (compiled.source.meta.id.clone(), compiled.state_hash);
            if let Some(found) = kept.remove(&key) {
                restored += found.len();
                *groups = Groups::new(found.into_iter().collect());
            }
        }
        Ok(restored)
    }
}
