//! The one processing thread: from envelopes to searchable events and committed alerts, in order of id.
//!
//! After a start it first works through what the log holds beyond the checkpoints, by the very same way. Detections of
//! events at or below the alert store's position were committed before and are not committed again; events at or below
//! the store's checkpoint are indexed already and ignored there. So everything is there exactly once.

mod classes;
pub(super) mod detections;
mod formats;
mod snapshot;
pub(super) mod sources;
pub(super) mod tails;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::alert::AlertStore;
use crate::alert::NewDetection;
use crate::alert::rulebook::RuleBook;
use crate::detect::Detection;
use crate::detect::Detector;
use crate::detect::Limits;
use crate::model::Envelope;
use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::model::time::Clock;
use crate::normalize::Normalizer;
use crate::parse::Hint;
use crate::parse::Packs;
use crate::parse::charset;
use crate::pipeline::content::Content;
use crate::pipeline::live::Live;
use crate::store::HotWriter;
use crate::store::Store;
use crate::wal::CorruptRecord;

pub(super) use classes::Classes;
pub(super) use formats::Format;
pub(super) use formats::Formats;

/// So many events are made searchable at once even before their time.
const CUT_EVENTS: usize = 10_000;
const CUT_BYTES: usize = 32 << 20;
/// So many detections are committed at once even before their time: a noisy rule must not fill the memory.
const COMMIT_DETECTIONS: usize = 2_000;
/// How often the correlation state is written down.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(10);
/// How long to wait before a failed seal or commit is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// The rate of the status line is taken over this time.
const RATE_WINDOW: Duration = Duration::from_secs(2);

/// Makes the event of an envelope: decoded, parsed, normalized. It borrows from what was decoded, so it is handed on.
pub(super) fn with_event<R>(
    envelope: &Envelope,
    format: &Format,
    packs: &Packs,
    normalizer: &Normalizer,
    each: impl FnOnce(&Event<'_>) -> R,
) -> R {
    let decoded = charset::decode(&envelope.raw, format.charset);
    let hint = Hint {
        received: envelope.received,
        format: format.pack.as_deref(),
        zone_offset_seconds: format.zone_offset_seconds,
    };
    let mut event = packs.parse(&decoded.text, &hint);
    event.id = envelope.id;
    if envelope.truncated {
        event.set(ecs::LONGAN_TRUNCATED, Value::Bool(true));
    }
    normalizer.normalize(&mut event, Some(&envelope.origin));
    each(&event)
}

/// What the processing thread works with.
pub(super) struct Parts {
    pub(super) live: Arc<Live>,
    pub(super) store: Store,
    pub(super) writer: HotWriter,
    pub(super) alerts: Arc<AlertStore>,
    pub(super) rulebook: Arc<RuleBook>,
    pub(super) content: Content,
    pub(super) formats: Formats,
    pub(super) classes: Classes,
    pub(super) clock: Arc<dyn Clock>,
    /// How long an event may wait before search finds it.
    pub(super) visible: Duration,
    /// Up to here the log may be cut.
    pub(super) release: Arc<AtomicU64>,
    /// Cancelled when the program stops: a commit that keeps failing is given up then, and done again after the next start.
    pub(super) stopping: CancellationToken,
}

/// The processing thread's state.
pub(super) struct Processor {
    parts: Parts,
    detector: Detector,
    found: Vec<Detection>,
    pending: Vec<NewDetection>,
    /// The last event that was worked through.
    position: EventId,
    /// Detections up to here were committed before the start.
    committed: EventId,
    /// The correlation state on disk holds the events up to here.
    snapshot_at: EventId,
    last_snapshot: Instant,
    next_cut: Option<Instant>,
    oldest_waiting: Option<Timestamp>,
    seal_failed: Option<Instant>,
    rate_since: Instant,
    rate_events: u64,
}

impl Processor {
    /// Starts from the correlation state that was written down last.
    ///
    /// # Errors
    /// When the alert store cannot be read.
    pub(super) fn new(parts: Parts) -> anyhow::Result<Processor> {
        let mut detector = Detector::limited(Arc::clone(&parts.content.rules), Limits::STANDARD);
        let committed = parts.alerts.position().context("reading the position of the alerts")?;
        let mut snapshot_at = EventId::ZERO;
        if let Some((position, bytes)) = parts.alerts.snapshot().context("reading the kept state")? {
            let (correlations, sources) = snapshot::split(&bytes).unwrap_or_default();
            match detector.restore(correlations) {
                Ok(groups) => {
                    info!(groups, %position, "correlations go on where they were");
                    snapshot_at = position;
                    match parts.live.sources().restore(sources) {
                        Ok(sources) => info!(sources, "sources go on where they were"),
                        Err(error) => {
                            warn!(%error, "what was known of the sources is not readable; it is learned anew");
                        }
                    }
                }
                Err(error) => warn!(%error, "the kept state is not readable; it is built anew from the log"),
            }
        }
        parts.live.set_in_force(&parts.content);
        let now = Instant::now();
        Ok(Processor {
            position: EventId::ZERO,
            found: Vec::new(),
            pending: Vec::new(),
            detector,
            committed,
            snapshot_at,
            last_snapshot: now,
            next_cut: None,
            oldest_waiting: None,
            seal_failed: None,
            rate_since: now,
            rate_events: 0,
            parts,
        })
    }

    /// Returns the event after which the log must be worked through again.
    pub(super) fn replay_after(&self) -> EventId {
        self.parts.store.checkpoint().min(self.snapshot_at)
    }

    /// Works through the log, then through what arrives, until the sender is gone; then seals everything.
    ///
    /// # Errors
    /// When the end could not be written down; nothing is lost by that, the next start does it again.
    pub(super) fn run(
        mut self,
        replay: impl Iterator<Item = Result<Envelope, CorruptRecord>>,
        last_id: EventId,
        arrivals: &Receiver<Vec<Envelope>>,
    ) -> anyhow::Result<()> {
        self.replay(replay)?;
        self.parts.live.set_last_searchable(last_id.0);
        loop {
            self.take_content();
            let wait = self.next_cut.map_or(self.parts.visible, |due| due.saturating_duration_since(Instant::now()));
            match arrivals.recv_timeout(wait) {
                Ok(batch) => self.work_through(&batch)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.next_cut.is_none_or(|due| due <= Instant::now()) {
                self.cut()?;
            }
        }
        self.finish()
    }

    fn replay(&mut self, replay: impl Iterator<Item = Result<Envelope, CorruptRecord>>) -> anyhow::Result<()> {
        const BATCH: usize = 1_000;
        let started = Instant::now();
        let mut batch = Vec::with_capacity(BATCH);
        let mut count = 0_u64;
        for record in replay {
            match record {
                Ok(envelope) => {
                    count += 1;
                    batch.push(envelope);
                }
                Err(problem) => error!(%problem, "a part of the log could not be read again"),
            }
            if batch.len() >= BATCH {
                self.work_through(&batch)?;
                batch.clear();
            }
        }
        self.work_through(&batch)?;
        self.cut()?;
        if count > 0 {
            info!(events = count, seconds = started.elapsed().as_secs_f32(), "the log was worked through");
        }
        Ok(())
    }

    fn work_through(&mut self, batch: &[Envelope]) -> anyhow::Result<()> {
        let packs = Arc::clone(&self.parts.content.packs);
        let normalizer = Arc::clone(&self.parts.content.normalizer);
        for envelope in batch {
            self.work_on(envelope, &packs, &normalizer);
            let is_enough = self.parts.writer.pending_events() >= CUT_EVENTS
                || self.parts.writer.pending_bytes() >= CUT_BYTES
                || self.pending.len() >= COMMIT_DETECTIONS;
            if is_enough {
                self.cut()?;
            }
        }
        Ok(())
    }

    fn work_on(&mut self, envelope: &Envelope, packs: &Packs, normalizer: &Normalizer) {
        let format = self.parts.formats.of(&envelope.origin.input);
        with_event(envelope, &format, packs, normalizer, |event| self.take(event, envelope));
    }

    fn take(&mut self, event: &Event<'_>, envelope: &Envelope) {
        self.judge(event);
        self.parts.live.tails.offer(event);
        if event.id > self.snapshot_at {
            self.parts.live.sources().note(&envelope.origin.input, envelope.origin.peer, event);
        }
        let class = self.parts.classes.of(&envelope.origin.input, event);
        self.parts.writer.add_to(class, event, &envelope.raw);
        self.position = event.id;
        self.rate_events += 1;
        self.oldest_waiting.get_or_insert(envelope.received);
        self.next_cut.get_or_insert_with(|| Instant::now() + self.parts.visible);
    }

    /// Runs the rules, and keeps what is to be committed.
    fn judge(&mut self, event: &Event<'_>) {
        if event.id <= self.snapshot_at {
            return;
        }
        self.detector.process(event, &mut self.found);
        for detection in self.found.drain(..) {
            if event.id > self.committed {
                self.parts.live.detected(&detection.rule.id);
                if detections::is_raised(&self.parts.rulebook, &detection, event) {
                    self.pending.push(detections::for_alert(detection, event));
                }
            }
        }
    }

    /// Makes what waits searchable, then commits its alerts: whoever sees an alert finds its events.
    fn cut(&mut self) -> anyhow::Result<()> {
        self.next_cut = None;
        self.seal_or_tell();
        self.parts.live.set_last_searchable(self.position.0);
        if let Some(oldest) = self.oldest_waiting.take() {
            let lag = self.parts.clock.now().since(oldest);
            self.parts.live.set_lag_ms(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX));
        }
        self.note_rate();
        self.parts.live.set_strains(self.detector.strains());
        let is_snapshot_due = self.position > self.snapshot_at && self.last_snapshot.elapsed() >= SNAPSHOT_EVERY;
        if !self.pending.is_empty() || is_snapshot_due {
            self.commit(is_snapshot_due)?;
        }
        if let Err(error) = self.parts.rulebook.flush() {
            warn!(%error, "what exceptions hid could not be counted; it is tried again");
        }
        let release = self.replay_after();
        self.parts.release.store(release.0, Ordering::Release);
        Ok(())
    }

    /// Cuts, and seals again when an earlier seal failed: until then everything stays in memory and in the log.
    fn seal_or_tell(&mut self) {
        let is_retry_due = self.seal_failed.is_some_and(|failed| failed.elapsed() >= RETRY);
        let done = if is_retry_due || self.parts.live.take_seal_wish() {
            self.parts.writer.seal()
        } else {
            self.parts.writer.cut()
        };
        match done {
            Ok(()) if is_retry_due => {
                self.seal_failed = None;
                self.parts.live.set_trouble(None);
            }
            Ok(()) => {}
            Err(err) => {
                let reason = format!("{:#}", anyhow::Error::from(err));
                self.parts.live.set_trouble(Some(format!("the store: {reason}")));
                self.seal_failed = Some(Instant::now());
            }
        }
    }

    /// Commits the detections that wait with the position; keeps trying while the program runs.
    fn commit(&mut self, with_snapshot: bool) -> anyhow::Result<()> {
        let snapshot =
            with_snapshot.then(|| snapshot::join(&self.detector.snapshot(), &self.parts.live.sources().snapshot()));
        let mut was_told = false;
        loop {
            match self.parts.alerts.commit(&self.pending, self.position, snapshot.as_deref()) {
                Ok(_) => break,
                Err(err) => {
                    let err = anyhow::Error::from(err).context("committing alerts");
                    if self.parts.stopping.is_cancelled() {
                        return Err(err);
                    }
                    if !was_told {
                        error!(error = format!("{err:#}"), "alerts cannot be stored; nothing goes on until they can");
                        self.parts.live.set_trouble(Some(format!("{err:#}")));
                        was_told = true;
                    }
                    std::thread::sleep(RETRY);
                }
            }
        }
        if was_told {
            self.parts.live.set_trouble(None);
        }
        self.pending.clear();
        if with_snapshot {
            self.snapshot_at = self.position;
            self.last_snapshot = Instant::now();
        }
        Ok(())
    }

    fn note_rate(&mut self) {
        let elapsed = self.rate_since.elapsed();
        if elapsed >= RATE_WINDOW {
            let rate = self.rate_events as f64 / elapsed.as_secs_f64();
            self.parts.live.set_rate(rate.round() as u64);
            self.rate_events = 0;
            self.rate_since = Instant::now();
        }
    }

    /// Puts new rules and packs in force between two batches: no event is judged by half of each.
    fn take_content(&mut self) {
        if let Some(content) = self.parts.live.take_content() {
            self.parts.live.set_in_force(&content);
            self.detector.swap(Arc::clone(&content.rules));
            self.parts.content = content;
        }
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.cut()?;
        if self.position > self.snapshot_at {
            self.commit(true)?;
        }
        self.parts.writer.seal_and_wait().context("sealing at the end")?;
        self.parts.release.store(self.replay_after().0, Ordering::Release);
        Ok(())
    }
}
