//! The journal of systemd: each entry as `journalctl` writes it, one JSON object, from where the last run ended.
//!
//! The files of the journal have no stable format to be read by others; `journalctl` is the door their makers keep. It is run as a
//! child that follows the journal, its output is read no faster than it is stored, and the cursor of the last stored entry is kept
//! in the [`Ledger`], so that no entry is lost or repeated, not even across `kill -9`.

mod child;
mod entry;
mod position;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::info;
use tracing::warn;

use crate::ingest::account::Account;
use crate::ingest::intake::Place;
use crate::ingest::journald::child::Child;
use crate::ingest::journald::position::Position;
use crate::ingest::ledger::Ledger;
use crate::ingest::listener::Context;
use crate::ingest::placed::Placed;
use crate::ingest::placed::PlacedError;
use crate::ingest::placed::Storing;
use crate::model::Origin;
use crate::telemetry::Counter;

pub use entry::Entry;

/// The first pause after the child ended; each further one is twice as long, up to the longest.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Entries that are stored, and synced, together; how long the first of them waits for others.
const PAGE_ENTRIES_MAX: usize = 1_000;
const PAGE_BYTES_MAX: usize = 4 << 20;
const LINGER: Duration = Duration::from_millis(100);

/// The input.
#[derive(Debug, Clone)]
pub struct Config {
    /// The input's name in events and counters.
    pub name: String,
    /// The program that reads the journal: a path, or a name to be looked for.
    pub program: PathBuf,
    /// A folder of journal files, such as those collected from other machines; `None` is this machine's own journal.
    pub folder: Option<PathBuf>,
    /// Only what these units write; empty means everything.
    pub units: Vec<String>,
    /// Whether the entries that are there already are read, too.
    pub is_from_beginning: bool,
    /// A longer entry is cut and marked.
    pub entry_bytes_max: NonZeroUsize,
    /// Where the position is kept.
    pub positions: PathBuf,
}

impl Config {
    /// Names what is read, so that a cursor is never used for another journal.
    fn subject(&self) -> String {
        match &self.folder {
            Some(folder) => format!("journal of {}", folder.display()),
            None => "journal of this machine".to_owned(),
        }
    }
}

struct Input {
    config: Config,
    storing: Storing<Position>,
    errors: Counter,
    /// The last failure that was told, so that the same one is told once.
    told: Option<String>,
    pause: Duration,
}

/// Follows the journal until cancelled. `places` is what the log remembers of earlier runs.
///
/// # Errors
/// When the log has failed or ended, or the position cannot be kept. Nothing `journalctl` does ends the input.
pub async fn run(config: Config, places: &[Place], context: Context) -> Result<(), PlacedError> {
    let cancel = context.cancel.clone();
    let mut input = Input {
        errors: context.registry.counter("longan_journal_errors_total", &[("input", config.name.as_str())]),
        storing: Storing {
            account: Account::new(&context.registry, &config.name),
            origin: Arc::new(Origin { input: config.name.clone(), peer: None, identity: None }),
            ledger: Ledger::open(&config.positions, &config.name, &config.subject(), places)?,
            context,
        },
        told: None,
        pause: PAUSE_MIN,
        config,
    };
    while !cancel.is_cancelled() {
        let reason = input.follow().await?;
        input.storing.account.connections.set(0);
        if cancel.is_cancelled() {
            break;
        }
        input.tell(&reason);
        tokio::select! {
            () = tokio::time::sleep(input.pause) => {}
            () = cancel.cancelled() => {}
        }
        input.pause = (input.pause * 2).min(PAUSE_MAX);
    }
    Ok(())
}

impl Input {
    /// Follows with one child until it ends, and returns why it did.
    async fn follow(&mut self) -> Result<String, PlacedError> {
        let cancel = self.storing.context.cancel.clone();
        if self.storing.ledger.progress().cursor.is_none() && !self.config.is_from_beginning {
            // From now on means from this moment, also for a run after a long pause.
            match child::newest(&self.config).await {
                Ok(Some(cursor)) => self.storing.ledger.begin_at(Position { cursor: Some(cursor) })?,
                Ok(None) => {}
                Err(reason) => return Ok(reason),
            }
        }
        let mut child = match Child::start(&self.config, self.storing.ledger.progress().cursor.as_deref()) {
            Ok(child) => child,
            Err(reason) => return Ok(reason),
        };
        self.storing.account.connections.set(1);
        loop {
            let page = tokio::select! {
                page = read_page(&mut child) => page,
                () = cancel.cancelled() => return Ok(String::new()),
            };
            if page.is_empty() {
                return Ok(child.end().await);
            }
            self.settle_fault();
            self.store(page).await?;
            if !child.has_more() {
                self.storing.ledger.settle()?;
            }
        }
    }

    async fn store(&mut self, page: Vec<Entry>) -> Result<(), PlacedError> {
        let unplaced = page.iter().filter(|entry| entry.cursor.is_none()).count();
        self.storing.account.framing_errors.add(unplaced as u64);
        let placed = |entry: Entry| Placed { raw: entry.raw, truncated: entry.truncated, mark: entry.cursor };
        self.storing.store(page.into_iter().map(placed).collect()).await
    }

    fn settle_fault(&mut self) {
        self.pause = PAUSE_MIN;
        if self.told.take().is_some() {
            info!(input = %self.config.name, "the journal is read again");
        }
    }

    fn tell(&mut self, reason: &str) {
        self.errors.increment();
        if self.told.as_deref() != Some(reason) {
            let hint = child::hint(reason);
            warn!(input = %self.config.name, %reason, %hint, "the journal is not read, trying again");
            self.told = Some(reason.to_owned());
        }
    }
}

/// Reads the next entry and those that follow it at once; empty when the child has ended.
async fn read_page(child: &mut Child) -> Vec<Entry> {
    let mut page = Vec::new();
    let Some(first) = child.next().await else { return page };
    let mut bytes = first.raw.len();
    page.push(first);
    let deadline = tokio::time::Instant::now() + LINGER;
    while page.len() < PAGE_ENTRIES_MAX && bytes < PAGE_BYTES_MAX {
        match tokio::time::timeout_at(deadline, child.next()).await {
            Ok(Some(entry)) => {
                bytes += entry.raw.len();
                page.push(entry);
            }
            Ok(None) | Err(_) => break,
        }
    }
    page
}
