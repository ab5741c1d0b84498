//! The live stream: resuming from a revision, and what to do while nobody answers.

use std::time::Duration;

use jiff::SignedDuration;

use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::model::Link;
use crate::console::model::Model;
use crate::console::model::Pulse;
use crate::console::model::Screen;
use crate::console::msg::Cmd;
use crate::console::msg::Failure;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::say;
use crate::console::update::triage::alerts;
use crate::model::SafeText;
use crate::wire::alert::AlertRow;
use crate::wire::stream::StreamMessage;

/// The longest wait between two tries.
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Between two notifications of critical alerts.
const NOTIFY_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// As much of a notification as anybody shows.
const NOTIFY_CHARS_MAX: usize = 200;

/// Says whether nobody answers at present.
pub(super) fn is_away(model: &Model) -> bool {
    matches!(model.link, Link::Away { .. })
}

/// Follows the stream from the last revision seen, after a while.
pub(super) fn follow(model: &mut Model, after: Duration) -> Cmd {
    model.stream_generation += 1;
    // Who knows of nothing yet follows from now on: what was there before is in the list, and no news.
    let revision = (model.revision > 0).then_some(model.revision);
    Cmd::Follow { generation: model.stream_generation, revision, after }
}

/// Returns the wait before try number `attempts`: doubling from a quarter of a second.
fn backoff(attempts: u32) -> Duration {
    Duration::from_millis(250).saturating_mul(1 << attempts.min(10)).min(BACKOFF_MAX)
}

pub(super) fn receive(model: &mut Model, generation: u64, message: StreamMessage) -> Vec<Cmd> {
    if generation != model.stream_generation {
        return Vec::new();
    }
    model.fresh_at = model.now;
    match message {
        StreamMessage::Hello { revision, gap } => hello(model, revision, gap),
        StreamMessage::Alert { revision, is_new, row } => {
            model.revision = revision.max(model.revision);
            let mut cmds = notify(model, is_new, &row);
            cmds.extend(alerts::changed(model, revision, is_new, *row));
            cmds
        }
        StreamMessage::Incident { revision, id } => {
            model.revision = revision.max(model.revision);
            model.incidents.is_stale = true;
            if model.screen == Screen::Incidents && model.incidents.focused().is_some_and(|row| row.id == id) {
                return vec![ask(model, Slot::IncidentDetail, Request::Incident(id))];
            }
            Vec::new()
        }
        StreamMessage::Presence { looking } => {
            model.presence.others = looking;
            Vec::new()
        }
        StreamMessage::Pulse {
            revision,
            events_per_second,
            lag_ms,
            open_alerts,
            overdue_alerts,
            silent_sources,
            refusing,
            ..
        } => {
            model.revision = revision.max(model.revision);
            model.pulse = Pulse { events_per_second, lag_ms, open_alerts, overdue_alerts, silent_sources, refusing };
            Vec::new()
        }
    }
}

/// The first message of a stream: the server is there; what was missed is read anew if it cannot be told one by one.
fn hello(model: &mut Model, revision: u64, gap: bool) -> Vec<Cmd> {
    let was_away = is_away(model);
    model.link = Link::Live;
    let is_first = model.revision == 0;
    // Without a gap what was missed follows now, one by one, and each message moves the revision on.
    if gap || is_first {
        model.revision = revision;
    }
    if gap {
        // Revisions of another history say nothing about those of this one.
        model.alerts.waiting.values_mut().for_each(|told| *told = 0);
    }
    let mut cmds = Vec::new();
    // A list read before the stream began may lack what came between the two.
    if gap || is_first || !model.alerts.is_loaded {
        cmds.push(alerts::reread(model));
    }
    if gap && was_away {
        say(model, model.text(Text::Gap));
    }
    // A server that was started anew knows of nobody.
    model.presence.told = None;
    if was_away {
        cmds.push(ask(model, Slot::Whoami, Request::Whoami));
        cmds.push(ask(model, Slot::IncidentList, Request::Incidents));
    }
    cmds
}

/// The stream ended: from now on the console is read-only, and tries again with growing waits.
pub(super) fn ended(model: &mut Model, generation: u64, failure: Option<Failure>) -> Vec<Cmd> {
    if generation != model.stream_generation {
        return Vec::new();
    }
    model.presence.others.clear();
    let reason = failure.map(|failure| failure.text).unwrap_or_default();
    let (since, attempts) = match &model.link {
        Link::Away { since, attempts, .. } => (*since, attempts.saturating_add(1)),
        Link::Connecting | Link::Live => (model.now, 0),
    };
    model.link = Link::Away { since, attempts, reason };
    vec![follow(model, backoff(attempts))]
}

/// Rings for a new critical alert, at most every half minute.
fn notify(model: &mut Model, is_new: bool, row: &AlertRow) -> Vec<Cmd> {
    let is_due = model.notified_at.is_none_or(|at| model.now.duration_since(at) >= NOTIFY_EVERY);
    if !is_new || row.level != "critical" || !is_due {
        return Vec::new();
    }
    model.notified_at = Some(model.now);
    let title = model.lang.choose(&row.title, row.title_vi.as_deref());
    let text: String = fill("{}: {}", &[title, &row.entity]).chars().take(NOTIFY_CHARS_MAX).collect();
    vec![Cmd::Notify(SafeText::new(&text).as_str().to_owned())]
}
