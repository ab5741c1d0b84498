//! What the program has to tell about itself, as events of its own: they go the way of every other event, so that they
//! are kept, found, proved and judged by rules (`rules/longan`). Lost messages above all: every drop raises an alert.
//!
//! Written as RFC 5424 lines of the program `longan`; `parsers/longan.toml` reads them.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tracing::warn;

use crate::ingest::intake::Frame;
use crate::ingest::listener::Context;
use crate::model::Origin;
use crate::pipeline::live::Live;

/// The name of the input these events carry.
pub(super) const INPUT: &str = "longan";
/// How often the counters are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Events told of one look at most: a thousand sources that fall silent together are one event more.
const EVENTS_MAX: usize = 50;
/// Syslog priorities: facility local0 with the severities warning and informational (RFC 5424 §6.2.1).
const WARNING: u8 = 16 * 8 + 4;
const INFORMATIONAL: u8 = 16 * 8 + 6;

/// What was told so far, so that only what is new is told.
#[derive(Default)]
struct Told {
    dropped: HashMap<String, u64>,
    problems: HashSet<String>,
    silent: HashSet<(String, String)>,
}

/// Tells the start and then whatever changes, until cancelled.
///
/// # Errors
/// None; when the log takes nothing there is nobody to tell.
pub(super) async fn tell(context: Context, live: Arc<Live>) -> anyhow::Result<()> {
    let teller = Teller::new(context);
    let mut told = Told::default();
    let version = env!("CARGO_PKG_VERSION");
    teller.submit(vec![teller.line(INFORMATIONAL, "started", &format!("version {version} started"))]).await;
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = teller.context.cancel.cancelled() => return Ok(()),
            _ = looks.tick() => {}
        }
        let mut lines = Vec::new();
        teller.drops(&mut told, &mut lines);
        teller.problems(&mut told, &live, &mut lines);
        teller.silence(&mut told, &live, &mut lines);
        let more = lines.len().saturating_sub(EVENTS_MAX);
        lines.truncate(EVENTS_MAX);
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

    fn problems(&self, told: &mut Told, live: &Live, lines: &mut Vec<String>) {
        let mut problems: HashSet<String> = live.in_force().problems.into_iter().collect();
        problems.extend(live.trouble());
        problems.extend(live.evidence_trouble());
        for problem in problems.difference(&told.problems) {
            lines.push(self.line(WARNING, "problem", &format!("left out or failing: {problem}")));
        }
        told.problems = problems;
    }

    fn silence(&self, told: &mut Told, live: &Live, lines: &mut Vec<String>) {
        let now = self.context.clock.now();
        let silent = live.sources().silent(now);
        for (key, seconds) in &silent {
            if !told.silent.contains(key) {
                let (input, source) = key;
                let text = format!("source {source} of input {input} is silent for {seconds} s");
                lines.push(self.line(WARNING, "source-silent", &text));
            }
        }
        let silent: HashSet<(String, String)> = silent.into_iter().map(|(key, _)| key).collect();
        for (input, source) in told.silent.difference(&silent) {
            lines.push(self.line(
                INFORMATIONAL,
                "source-back",
                &format!("source {source} of input {input} sends again"),
            ));
        }
        told.silent = silent;
    }

    async fn submit(&self, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let received = self.context.clock.now();
        let frames = lines.into_iter().map(|line| Frame {
            received,
            origin: Arc::clone(&self.origin),
            truncated: false,
            raw: Bytes::from(line),
        });
        let frames: Vec<Frame> = frames.collect();
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
    use crate::ingest::intake;
    use crate::model::Timestamp;
    use crate::model::time::ManualClock;
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
    fn what_is_wrong_and_who_is_silent_is_told_once_and_its_end_too() {
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
        told.silent.insert(("relp".to_owned(), "fw-1".to_owned()));
        lines.clear();
        teller.silence(&mut told, &live, &mut lines);
        assert!(lines[0].ends_with("source-back - source fw-1 of input relp sends again"), "{lines:?}");
    }
}
