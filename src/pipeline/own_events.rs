//! What the program has to tell about itself, as events of its own: they go the way of every other event, so that they
//! are kept, found, proved and judged by rules (`rules/longan`). Lost messages above all: every drop raises an alert.
//!
//! Written as RFC 5424 lines of the program `longan`; `parsers/longan.toml` reads them.

mod deadlines;

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tracing::warn;

use crate::incident::IncidentStore;
use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::listener::Context;
use crate::model::Origin;
use crate::pipeline::live::Live;
use crate::pipeline::own_events::deadlines::Deadlines;
use crate::pipeline::processing::sources::condition::Finding;
use crate::wire::evidence::PushRow;

/// The name of the input these events carry.
pub(super) const INPUT: &str = "longan";
/// How often the counters are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Events told of one look at most: a thousand sources that fall silent together are one event more.
const EVENTS_MAX: usize = 50;
/// Syslog priorities: facility local0 with the severities warning and informational (RFC 5424 §6.2.1).
const WARNING: u8 = 16 * 8 + 4;
const INFORMATIONAL: u8 = 16 * 8 + 6;

/// What was told so far, so that only what is new is told. What was told of sources is known to the sources themselves.
#[derive(Default)]
struct Told {
    dropped: HashMap<String, u64>,
    problems: HashSet<String>,
    /// Places for checkpoints that are late.
    late: HashSet<String>,
    /// By rule: detections only counted, and events skipped, that the counters have.
    strains: HashMap<String, (u64, u64)>,
    /// The day on which it was told last that the disk will be full.
    disk: Option<i32>,
    deadlines: Deadlines,
}

/// Something that is to stand in the log before whoever asked for it is answered.
#[derive(Debug)]
pub(super) struct Order {
    finding: Finding,
    done: oneshot::Sender<Result<(), NotStored>>,
}

/// Where orders are given; does not keep the door to the log open at the end.
#[derive(Debug, Clone)]
pub(super) struct Desk(mpsc::Sender<Order>);

/// Orders that may wait.
const ORDERS_MAX: usize = 16;

impl Desk {
    /// Opens a desk, with the end that [`tell`] works from.
    pub(super) fn open() -> (Desk, mpsc::Receiver<Order>) {
        let (sender, orders) = mpsc::channel(ORDERS_MAX);
        (Desk(sender), orders)
    }

    /// Has an own event written and waits until it is on disk; for threads without a runtime.
    ///
    /// # Errors
    /// When it was not stored.
    pub(super) fn write(&self, finding: Finding) -> Result<(), NotStored> {
        let (done, told) = oneshot::channel();
        self.0.blocking_send(Order { finding, done }).map_err(|_| NotStored::Closed)?;
        told.blocking_recv().unwrap_or(Err(NotStored::Closed))
    }
}

/// Tells the start and then whatever changes, until cancelled; and what is ordered.
///
/// # Errors
/// None; when the log takes nothing there is nobody to tell.
pub(super) async fn tell(
    context: Context,
    live: Arc<Live>,
    incidents: IncidentStore,
    mut orders: mpsc::Receiver<Order>,
) -> anyhow::Result<()> {
    let teller = Teller::new(context);
    let mut told = Told::default();
    let version = env!("CARGO_PKG_VERSION");
    teller.submit(vec![teller.line(INFORMATIONAL, "started", &format!("version {version} started"))]).await;
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = teller.context.cancel.cancelled() => return Ok(()),
            Some(order) = orders.recv() => {
                teller.carry_out(order).await;
                continue;
            }
            _ = looks.tick() => {}
        }
        let mut lines = Vec::new();
        teller.drops(&mut told, &mut lines);
        teller.count_strains(&mut told, &live);
        teller.problems(&mut told, &live, &mut lines);
        teller.disk(&mut told, &live, &mut lines);
        teller.late_pushes(&mut told, &live.pushes(), &mut lines);
        teller.deadlines(&mut told, &incidents, &mut lines).await;
        let mut more = lines.len().saturating_sub(EVENTS_MAX);
        lines.truncate(EVENTS_MAX);
        more += teller.sources(&live, &mut lines);
        if more > 0 {
            lines.push(teller.line(WARNING, "more-events", &format!("{more} more events of this kind at this time")));
        }
        teller.submit(lines).await;
    }
}

struct Teller {
    context: Context,
    origin: Arc<Origin>,
    host: String,
}

impl Teller {
    fn new(context: Context) -> Teller {
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        let host = host.filter(|name| !name.is_empty()).unwrap_or_else(|| "-".to_owned());
        let origin = Arc::new(Origin { input: INPUT.to_owned(), peer: None, identity: None });
        Teller { context, origin, host }
    }

    fn line(&self, priority: u8, message_id: &str, text: &str) -> String {
        let (now, process) = (self.context.clock.now(), std::process::id());
        // One line whatever a path or a name holds.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("<{priority}>1 {now} {} longan {process} {message_id} - {text}", self.host)
    }

    fn drops(&self, told: &mut Told, lines: &mut Vec<String>) {
        for sample in self.context.registry.samples() {
            if sample.name != "longan_input_dropped_total" {
                continue;
            }
            let Some((_, input)) = sample.labels.first() else { continue };
            let dropped = u64::try_from(sample.value).unwrap_or(0);
            let known = told.dropped.insert(input.clone(), dropped).unwrap_or(0);
            if dropped > known {
                let text = format!("input {input} lost {} messages", dropped - known);
                lines.push(self.line(WARNING, "input-dropped", &text));
            }
        }
    }

    /// Carries over to the counters what was left out of rules that met a limit.
    fn count_strains(&self, told: &mut Told, live: &Live) {
        for strain in live.strains() {
            let (suppressed, skipped) = told.strains.entry(strain.rule.clone()).or_default();
            let labels = [("rule", strain.rule.as_str())];
            let registry = &self.context.registry;
            registry
                .counter("longan_rule_suppressed_total", &labels)
                .add(strain.suppressed.saturating_sub(*suppressed));
            registry.counter("longan_rule_skipped_total", &labels).add(strain.skipped.saturating_sub(*skipped));
            (*suppressed, *skipped) = (strain.suppressed, strain.skipped);
        }
    }

    fn problems(&self, told: &mut Told, live: &Live, lines: &mut Vec<String>) {
        let mut problems: HashSet<String> = live.in_force().problems.into_iter().collect();
        problems.extend(live.trouble());
        problems.extend(live.evidence_trouble());
        problems.extend(live.store_problems());
        problems.extend(live.strain_problems());
        for problem in problems.difference(&told.problems) {
            lines.push(self.line(WARNING, "problem", &format!("left out or failing: {problem}")));
        }
        told.problems = problems;
    }

    /// Tells once a day that the disk will be full soon, and once that it will not any more.
    fn disk(&self, told: &mut Told, live: &Live, lines: &mut Vec<String>) {
        let Some(outlook) = live.disk_outlook() else { return };
        let today = self.context.clock.now().utc_day();
        match (outlook.forecast.full, outlook.days_left) {
            (Some(full), Some(days)) if outlook.is_near => {
                if told.disk != Some(today) {
                    told.disk = Some(today);
                    let growth = outlook.forecast.bytes_a_day;
                    let text = format!("disk will be full on {full} in {days} days, growing by {growth} bytes a day");
                    lines.push(self.line(WARNING, "disk-full-soon", &text));
                }
            }
            _ => {
                if told.disk.take().is_some() {
                    lines.push(self.line(INFORMATIONAL, "disk-room", "disk has room for longer than is told of"));
                }
            }
        }
    }

    /// Tells which places for checkpoints are late, and which are no longer.
    fn late_pushes(&self, told: &mut Told, pushes: &[PushRow], lines: &mut Vec<String>) {
        for PushRow { place, late_hours, .. } in pushes {
            match late_hours {
                Some(hours) if told.late.insert(place.clone()) => {
                    let text = format!("checkpoints not given for {hours} h to {place}");
                    lines.push(self.line(WARNING, "evidence-not-pushed", &text));
                }
                None if told.late.remove(place) => {
                    let text = format!("checkpoints are given again to {place}");
                    lines.push(self.line(INFORMATIONAL, "evidence-pushed", &text));
                }
                _ => {}
            }
        }
    }

    /// Tells which deadlines of incidents pass soon, and which have passed.
    async fn deadlines(&self, told: &mut Told, incidents: &IncidentStore, lines: &mut Vec<String>) {
        let (now, incidents) = (self.context.clock.now(), incidents.clone());
        match tokio::task::spawn_blocking(move || deadlines::running(&incidents, now)).await {
            Ok(Ok(running)) => {
                lines.extend(told.deadlines.look(running, now).iter().map(|finding| self.line_of(finding)));
            }
            Ok(Err(error)) => warn!(%error, "the deadlines of incidents cannot be read"),
            Err(error) => warn!(%error, "the deadlines of incidents were not read"),
        }
    }

    /// Tells what is new of the sources; returns how much of it was left out.
    fn sources(&self, live: &Live, lines: &mut Vec<String>) -> usize {
        let room = EVENTS_MAX.saturating_sub(lines.len());
        let (findings, left_out) = live.sources().look(self.context.clock.now(), room);
        lines.extend(findings.iter().map(|finding| self.line_of(finding)));
        left_out
    }

    fn line_of(&self, finding: &Finding) -> String {
        let priority = if finding.is_warning { WARNING } else { INFORMATIONAL };
        self.line(priority, finding.message_id, &finding.text)
    }

    /// Writes what was ordered and answers once it is on disk.
    async fn carry_out(&self, order: Order) {
        let frames = self.frames(vec![self.line_of(&order.finding)]);
        let stored = async {
            let receipt = self.context.intake.submit(frames).await?;
            receipt.synced().await
        };
        let stored = tokio::select! {
            () = self.context.cancel.cancelled() => Err(NotStored::Closed),
            stored = stored => stored,
        };
        // Whoever asked may have gone away.
        drop(order.done.send(stored));
    }

    fn frames(&self, lines: Vec<String>) -> Vec<Frame> {
        let received = self.context.clock.now();
        let frame =
            |line| Frame { received, origin: Arc::clone(&self.origin), truncated: false, raw: Bytes::from(line) };
        lines.into_iter().map(frame).collect()
    }

    async fn submit(&self, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let frames = self.frames(lines);
        tokio::select! {
            () = self.context.cancel.cancelled() => {}
            delivered = self.context.intake.deliver(frames) => {
                if let Err(error) = delivered {
                    warn!(%error, "an own event was not kept");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::AlertStore;
    use crate::alert::Policy;
    use crate::incident::Forms;
    use crate::ingest::intake;
    use crate::model::Timestamp;
    use crate::model::time::ManualClock;
    use crate::pipeline::processing::sources::condition;
    use crate::pipeline::upkeep::DiskOutlook;
    use crate::store::Forecast;
    use crate::telemetry::Registry;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn a_drop_is_told_once() {
        let (intake, mut outlet) = intake::channel(4);
        let registry = Registry::default();
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let context = Context { intake, registry: registry.clone(), clock, cancel: CancellationToken::new() };
        let teller = Teller::new(context);
        registry.counter("longan_input_dropped_total", &[("input", "syslog_udp")]).add(12);
        let (mut told, mut lines) = (Told::default(), Vec::new());
        teller.drops(&mut told, &mut lines);
        teller.drops(&mut told, &mut lines);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("<132>1 1970-01-01T00:00:00.000Z "), "{lines:?}");
        assert!(lines[0].ends_with(" input-dropped - input syslog_udp lost 12 messages"), "{lines:?}");
        teller.submit(lines).await;
        let submission = outlet.receiver.recv().await.expect("submitted");
        assert_eq!(submission.frames[0].origin.input, INPUT);
    }

    #[test]
    fn what_is_wrong_is_told_once() {
        let (intake, _outlet) = intake::channel(4);
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let context = Context { intake, registry: Registry::default(), clock, cancel: CancellationToken::new() };
        let teller = Teller::new(context);
        let live = Live::default();
        live.set_trouble(Some("the store: no\nroom".to_owned()));
        let (mut told, mut lines) = (Told::default(), Vec::new());
        teller.problems(&mut told, &live, &mut lines);
        teller.problems(&mut told, &live, &mut lines);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with("problem - left out or failing: the store: no room"), "{lines:?}");
    }

    #[test]
    fn a_late_place_is_told_once_and_once_when_it_is_not_any_more() {
        let (intake, _outlet) = intake::channel(4);
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let context = Context { intake, registry: Registry::default(), clock, cancel: CancellationToken::new() };
        let teller = Teller::new(context);
        let row = |late_hours| PushRow { place: "/keep".to_owned(), late_hours, ..PushRow::default() };
        let (mut told, mut lines) = (Told::default(), Vec::new());
        for late in [None, Some(6), Some(7), None, None] {
            teller.late_pushes(&mut told, &[row(late)], &mut lines);
        }
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with("evidence-not-pushed - checkpoints not given for 6 h to /keep"), "{lines:?}");
        assert!(lines[1].ends_with("evidence-pushed - checkpoints are given again to /keep"), "{lines:?}");
    }

    #[test]
    fn a_rule_that_raises_too_much_is_told_and_counted() {
        let (intake, _outlet) = intake::channel(4);
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let registry = Registry::default();
        let context = Context { intake, registry: registry.clone(), clock, cancel: CancellationToken::new() };
        let teller = Teller::new(context);
        let live = Live::default();
        let (mut told, mut lines) = (Told::default(), Vec::new());
        for suppressed in [7, 9] {
            let rule = "loud".to_owned();
            live.set_strains(vec![crate::detect::Strain { rule, suppressed, skipped: 0, is_noisy: true, one_in: 1 }]);
            teller.count_strains(&mut told, &live);
            teller.problems(&mut told, &live, &mut lines);
        }
        assert_eq!(registry.counter("longan_rule_suppressed_total", &[("rule", "loud")]).get(), 9);
        assert_eq!(lines.len(), 1, "told once while it lasts");
        assert!(lines[0].contains("rule `loud` raises too much"), "{lines:?}");
    }

    #[test]
    fn a_disk_that_is_full_soon_is_told_once_a_day() {
        let (intake, _outlet) = intake::channel(4);
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let registry = Registry::default();
        let context = Context { intake, registry, clock: clock.clone(), cancel: CancellationToken::new() };
        let teller = Teller::new(context);
        let (live, mut told, mut lines) = (Live::default(), Told::default(), Vec::new());
        let forecast =
            Forecast { full: Some(Timestamp::from_seconds(86_400, 0)), bytes_a_day: 7, ..Forecast::default() };
        let near = DiskOutlook { forecast, days_left: Some(1), is_near: true };
        live.set_disk_outlook(Some(near));
        teller.disk(&mut told, &live, &mut lines);
        teller.disk(&mut told, &live, &mut lines);
        assert_eq!(lines.len(), 1);
        let told_line = "disk will be full on 1970-01-02T00:00:00.000Z in 1 days, growing by 7 bytes a day";
        assert!(lines[0].ends_with(told_line), "{lines:?}");
        clock.set(Timestamp::from_seconds(86_400, 0));
        teller.disk(&mut told, &live, &mut lines);
        live.set_disk_outlook(Some(DiskOutlook { is_near: false, ..near }));
        teller.disk(&mut told, &live, &mut lines);
        teller.disk(&mut told, &live, &mut lines);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].ends_with("disk-room - disk has room for longer than is told of"), "{lines:?}");
    }

    #[tokio::test]
    async fn an_order_is_answered_once_it_is_on_disk() {
        let (intake, mut outlet) = intake::channel(4);
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let cancel = CancellationToken::new();
        let context = Context { intake, registry: Registry::default(), clock, cancel: cancel.clone() };
        let (desk, orders) = Desk::open();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("alerts.sqlite");
        let alerts = AlertStore::open(&file, Policy::DEFAULT, context.clock.clone()).expect("a file for alerts");
        let incidents = IncidentStore::new(Arc::new(alerts), Arc::new(Forms::built_in(0)));
        let telling = tokio::spawn(tell(context, Arc::new(Live::default()), incidents, orders));
        let finding = condition::unmuted("relp", "fw 1", "an");
        let asked = tokio::task::spawn_blocking(move || desk.write(finding));
        let submission = loop {
            let submission = outlet.receiver.recv().await.expect("submitted");
            if submission.receipt.is_some() {
                break submission;
            }
        };
        assert!(submission.frames[0].raw.ends_with(b"source-unmuted - source fw_1 of input relp is unmuted by an"));
        submission.receipt.expect("waited for").send(Ok(())).expect("somebody waits");
        assert_eq!(asked.await.expect("no panic"), Ok(()));
        cancel.cancel();
        telling.await.expect("no panic").expect("ends well");
    }
}
