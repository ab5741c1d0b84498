//! What the processing thread shows of itself to the API while it runs, and what it is handed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::detect::RuleSet;
use crate::detect::Strain;
use crate::pipeline::content::Content;
use crate::pipeline::processing::sources::Sources;
use crate::pipeline::processing::tails::Tails;
use crate::pipeline::upkeep::DiskOutlook;
use crate::wire::evidence::PushRow;

/// Shared by the processing thread and whoever asks how it is doing.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// The newest event that search finds.
    last_searchable: AtomicU64,
    events_per_second: AtomicU64,
    lag_ms: AtomicU64,
    sources: Mutex<Sources>,
    detections: Mutex<HashMap<String, u64>>,
    strains: Mutex<Vec<Strain>>,
    trouble: Mutex<Option<String>>,
    evidence_trouble: Mutex<Option<String>>,
    disk_outlook: Mutex<Option<DiskOutlook>>,
    clock_trouble: Mutex<Option<String>>,
    unreadable: Mutex<Vec<String>>,
    pushes: Mutex<Vec<PushRow>>,
    in_force: Mutex<InForce>,
    offered: Mutex<Option<Content>>,
    seal_wished: AtomicBool,
    pub(super) tails: Tails,
}

/// What rules and packs are in force, as the API tells it.
#[derive(Debug, Clone, Default)]
pub(super) struct InForce {
    pub(super) rules: Arc<RuleSet>,
    pub(super) cases: Arc<hashbrown::HashMap<String, usize>>,
    pub(super) pack_count: u64,
    pub(super) problems: Vec<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    pub(super) fn last_searchable(&self) -> u64 {
        self.last_searchable.load(Ordering::Acquire)
    }

    pub(super) fn set_last_searchable(&self, id: u64) {
        self.last_searchable.fetch_max(id, Ordering::AcqRel);
    }

    pub(super) fn rate(&self) -> (u64, u64) {
        (self.events_per_second.load(Ordering::Relaxed), self.lag_ms.load(Ordering::Relaxed))
    }

    pub(super) fn set_rate(&self, events_per_second: u64) {
        self.events_per_second.store(events_per_second, Ordering::Relaxed);
    }

    pub(super) fn set_lag_ms(&self, lag_ms: u64) {
        self.lag_ms.store(lag_ms, Ordering::Relaxed);
    }

    pub(super) fn sources(&self) -> MutexGuard<'_, Sources> {
        lock(&self.sources)
    }

    /// Counts a detection of a rule.
    pub(super) fn detected(&self, rule: &str) {
        let mut detections = lock(&self.detections);
        match detections.get_mut(rule) {
            Some(count) => *count += 1,
            None => drop(detections.insert(rule.to_owned(), 1)),
        }
    }

    pub(super) fn detections_of(&self, rule: &str) -> u64 {
        lock(&self.detections).get(rule).copied().unwrap_or(0)
    }

    /// The rules that met a limit, and what was left out of each.
    pub(super) fn strains(&self) -> Vec<Strain> {
        lock(&self.strains).clone()
    }

    pub(super) fn set_strains(&self, strains: Vec<Strain>) {
        *lock(&self.strains) = strains;
    }

    /// The rules that meet a limit at this time, each in a sentence.
    pub(super) fn strain_problems(&self) -> Vec<String> {
        let strains = lock(&self.strains);
        let noisy = strains.iter().filter(|strain| strain.is_noisy).map(|strain| {
            format!("rule `{}` raises too much: for the rest of the minute it is only counted", strain.rule)
        });
        let slow = strains
            .iter()
            .filter(|strain| strain.one_in > 1)
            .map(|strain| format!("rule `{}` takes too long: it is asked for some of the events only", strain.rule));
        noisy.chain(slow).collect()
    }

    /// What keeps the processing from going on as it should, if anything does.
    pub(super) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *lock(&self.trouble) = trouble;
    }

    /// What keeps the evidence from being kept.
    pub(super) fn evidence_trouble(&self) -> Option<String> {
        lock(&self.evidence_trouble).clone()
    }

    pub(super) fn set_evidence_trouble(&self, trouble: Option<String>) {
        *lock(&self.evidence_trouble) = trouble;
    }

    /// When the disk will be full, once that can be told.
    pub(super) fn disk_outlook(&self) -> Option<DiskOutlook> {
        *lock(&self.disk_outlook)
    }

    pub(super) fn set_disk_outlook(&self, outlook: Option<DiskOutlook>) {
        *lock(&self.disk_outlook) = outlook;
    }

    /// What of the store cannot be read, and why our own clock is not believed, in words.
    pub(super) fn store_problems(&self) -> Vec<String> {
        lock(&self.unreadable).iter().cloned().chain(self.clock_trouble()).collect()
    }

    pub(super) fn set_unreadable(&self, unreadable: Vec<String>) {
        *lock(&self.unreadable) = unreadable;
    }

    /// Why our own clock is not believed, if it is not.
    pub(super) fn clock_trouble(&self) -> Option<String> {
        lock(&self.clock_trouble).clone()
    }

    pub(super) fn set_clock_trouble(&self, trouble: Option<String>) {
        *lock(&self.clock_trouble) = trouble;
    }

    /// How the places stand that keep checkpoints elsewhere.
    pub(super) fn pushes(&self) -> Vec<PushRow> {
        lock(&self.pushes).clone()
    }

    pub(super) fn set_pushes(&self, pushes: Vec<PushRow>) {
        *lock(&self.pushes) = pushes;
    }

    pub(super) fn in_force(&self) -> InForce {
        lock(&self.in_force).clone()
    }

    pub(super) fn set_in_force(&self, content: &Content) {
        let pack_count = content.packs.summaries().len() as u64;
        let problems = content.problems.clone();
        *lock(&self.in_force) =
            InForce { rules: Arc::clone(&content.rules), cases: Arc::clone(&content.cases), pack_count, problems };
    }

    /// Hands new rules and packs to the processing thread; a later offer replaces one not yet taken.
    pub(super) fn offer_content(&self, content: Content) {
        *lock(&self.offered) = Some(content);
    }

    /// Asks the processing thread to seal what is in memory.
    pub(super) fn wish_seal(&self) {
        self.seal_wished.store(true, Ordering::Release);
    }

    pub(super) fn take_seal_wish(&self) -> bool {
        self.seal_wished.swap(false, Ordering::AcqRel)
    }

    pub(super) fn take_content(&self) -> Option<Content> {
        lock(&self.offered).take()
    }
}
