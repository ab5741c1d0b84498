//! Keeps the evidence beside the running store: looks every second at what is sealed, signs at each seal and every minute.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use std::time::Instant;

use tracing::error;
use tracing::info;
use tracing::warn;

use crate::auth::TokenStore;
use crate::evidence::KeepError;
use crate::evidence::Keeper;
use crate::evidence::audit::AuditLog;
use crate::evidence::audit::Deed;
use crate::model::time::Clock;
use crate::pipeline::live::Live;
use crate::store::Store;

/// How often the store is compared with the log.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What was added is signed after so long at the latest.
const SIGN_EVERY: Duration = Duration::from_secs(60);

/// Both logs, open; `None` for one that cannot be gone on with: the program runs, and says so at once and again.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    pub(super) keeper: Option<Keeper>,
    pub(super) audit: Option<AuditLog>,
    trouble: Option<String>,
}

impl Evidence {
    /// Opens both logs of a data folder.
    pub(super) fn open(data: &Path) -> Evidence {
        let mut evidence = Evidence::default();
        match Keeper::open(data) {
            Ok((keeper, recovered)) => {
                if recovered.torn_bytes > 0 {
                    warn!(
                        bytes = recovered.torn_bytes,
                        "an unfinished entry was cut off the evidence log; it had been shown to nobody"
                    );
                }
                evidence.keeper = Some(keeper);
            }
            Err(err) => evidence.tell("the evidence log is not kept", err),
        }
        match AuditLog::open(data) {
            Ok(audit) => evidence.audit = Some(audit),
            Err(err) => evidence.tell("the audit log is not kept", err),
        }
        evidence
    }

    fn tell(&mut self, what: &str, err: KeepError) {
        let reason = format!("{what}: {:#}", anyhow::Error::from(err));
        error!("{reason}");
        self.trouble = Some(reason);
    }

    /// Returns the audit log, or why there is none.
    pub(super) fn audit_or_reason(&self) -> Result<AuditLog, String> {
        let reason = || self.trouble.clone().unwrap_or_else(|| "the audit log is not kept".to_owned());
        self.audit.clone().ok_or_else(reason)
    }

    /// Writes down something the program did on its own.
    pub(super) fn record(&self, clock: &dyn Clock, action: &str, detail: &str) {
        if let Some(audit) = &self.audit
            && let Err(err) = audit.record(Deed::of_program(clock.now(), action, detail))
        {
            error!(error = format!("{:#}", anyhow::Error::from(err)), "the audit log could not be written");
        }
    }
}

/// What the thread works with.
pub(super) struct Keeping {
    pub(super) evidence: Evidence,
    pub(super) store: Store,
    pub(super) live: Arc<Live>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tokens: TokenStore,
}

impl Keeping {
    /// Runs until the processing thread and the upkeep are gone, then looks a last time at what they sealed, archived and deleted.
    ///
    /// # Errors
    /// None: what fails is told as trouble, and tried again.
    pub(super) fn run(self, working: &Receiver<()>) -> anyhow::Result<()> {
        let mut known_tokens = self.token_names();
        let mut signed = Instant::now();
        loop {
            let is_last = matches!(working.recv_timeout(LOOK_EVERY), Err(RecvTimeoutError::Disconnected));
            let is_due = is_last || signed.elapsed() >= SIGN_EVERY;
            if is_due {
                signed = Instant::now();
            }
            let outcome = self.look(is_due);
            self.watch_tokens(&mut known_tokens);
            let trouble = match outcome {
                Ok(()) => self.evidence.trouble.clone(),
                Err(err) => Some(format!("the evidence is not kept: {:#}", anyhow::Error::from(err))),
            };
            self.live.set_evidence_trouble(trouble);
            if is_last {
                self.evidence.record(&*self.clock, "stop", "the server stopped");
                self.sign_audit().unwrap_or_else(|err| error!(error = %err, "the audit log was not signed at the end"));
                return Ok(());
            }
        }
    }

    fn look(&self, is_due: bool) -> Result<(), KeepError> {
        if let Some(keeper) = &self.evidence.keeper {
            let added = keeper.look(&self.store.partitions(), &self.store.tombstones())?;
            if added.units + added.deletions > 0 {
                info!(units = added.units, deletions = added.deletions, "sealed records were signed for");
            }
            if added.deletions > 0 {
                let detail = format!("retention deleted {} partitions", added.deletions);
                self.evidence.record(&*self.clock, "delete", &detail);
            }
        }
        if is_due { self.sign_audit() } else { Ok(()) }
    }

    fn sign_audit(&self) -> Result<(), KeepError> {
        if let Some(audit) = &self.evidence.audit {
            audit.sign()?;
        }
        Ok(())
    }

    fn token_names(&self) -> Vec<String> {
        let tokens = self.tokens.list().unwrap_or_default();
        tokens.into_iter().map(|token| format!("{} ({}) until {}", token.name, token.role, token.expires)).collect()
    }

    /// Tokens are issued and taken back by a command beside the server: it is seen here.
    fn watch_tokens(&self, known: &mut Vec<String>) {
        let now = self.token_names();
        for issued in now.iter().filter(|name| !known.contains(name)) {
            self.evidence.record(&*self.clock, "config", &format!("token issued: {issued}"));
        }
        for gone in known.iter().filter(|name| !now.contains(name)) {
            self.evidence.record(&*self.clock, "config", &format!("token taken back: {gone}"));
        }
        *known = now;
    }
}
