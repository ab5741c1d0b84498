//! Who sends: per source and input, how much, how lately, how well read, how far its clock is off, what it skipped, and
//! what of that is unlike itself.
//!
//! The state is written down with the position in the log, as the correlations are. What was told of a source is read
//! back from the own events in the log, so that neither a restart nor a replay tells anything twice.

mod baseline;
mod clock;
pub(in crate::pipeline) mod condition;
mod log_sources;
mod sequence;
mod source;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;

use serde::Deserialize;
use serde::Serialize;

use crate::config::Maintenance;
use crate::model::Event;
use crate::model::Field;
use crate::model::LogSource;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::pipeline::own_events::INPUT as OURSELVES;
use crate::pipeline::processing::sources::condition::Condition;
use crate::pipeline::processing::sources::condition::Finding;
use crate::pipeline::processing::sources::condition::word;
use crate::pipeline::processing::sources::log_sources::LogSources;
use crate::pipeline::processing::sources::source::MINUTES;
use crate::pipeline::processing::sources::source::Moment;
use crate::pipeline::processing::sources::source::Mute;
use crate::pipeline::processing::sources::source::Source;
use crate::pipeline::processing::sources::source::minute_of;
use crate::pipeline::shapes::Shape;
use crate::wire::source::MuteRow;
use crate::wire::source::ShapeRow;
use crate::wire::source::SourceRow;

/// Packs told of one source.
const PARSERS_MAX: usize = 5;
/// What was given to the log and does not come back from it is told again after so long.
const SAYING_NANOS: i64 = 60_000_000_000;
/// When nobody looked for so long, the program was not running, or not able to see anything.
const AWAY_NANOS: i64 = 120_000_000_000;
/// Shapes of unread lines kept of all sources together: about 20 MB.
const SHAPES_MAX: usize = 10_000;
/// Shapes told of one source.
const SHAPES_TOLD_MAX: usize = 5;
/// Changes when the meaning of what is kept does.
const VERSION: u32 = 1;

/// The fields that may name the claimed host; the first that is present counts.
const NAME_FIELDS: [Field; 4] = [ecs::HOST_NAME, ecs::HOST_HOSTNAME, ecs::OBSERVER_NAME, ecs::LOG_SYSLOG_HOSTNAME];

/// What an operator may set about sources.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::pipeline) struct Limits {
    /// Sources remembered; names can be forged, so beyond it the one silent the longest makes room.
    pub(in crate::pipeline) tracked_max: usize,
    /// A clock further off than this is told.
    pub(in crate::pipeline) clock_seconds: i64,
    /// A larger share of unread lines is told.
    pub(in crate::pipeline) unparsed_percent: u8,
    /// More than so many times the usual is told; 0 for never.
    pub(in crate::pipeline) surge_factor: u32,
    /// Where days begin and end.
    pub(in crate::pipeline) zone_offset_seconds: i32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            tracked_max: 10_000,
            clock_seconds: 120,
            unparsed_percent: 20,
            surge_factor: 5,
            zone_offset_seconds: 0,
        }
    }
}

/// Why a kept state could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in crate::pipeline) enum RestoreError {
    #[error("the state has version {0}, not {VERSION}")]
    Version(u32),
    #[error("the state is damaged")]
    Damaged(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct Kept<'a> {
    version: u32,
    log_sources: Vec<(&'a LogSource, i64)>,
    by_input: &'a HashMap<String, HashMap<String, Source>>,
}

#[derive(Deserialize)]
struct Restored {
    version: u32,
    #[serde(default)]
    log_sources: Vec<(LogSource, i64)>,
    by_input: HashMap<String, HashMap<String, Source>>,
}

/// Stands for whoever wrote the configuration, where a mute names who said so.
const MAINTENANCE: &str = "sources.maintenance";

/// All sources.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Sources {
    by_input: HashMap<String, HashMap<String, Source>>,
    count: usize,
    limits: Limits,
    maintenance: Vec<Maintenance>,
    up_since: Timestamp,
    last_look: Timestamp,
    /// Shapes of unread lines kept at the last look.
    shapes: usize,
    /// When an event of each log source came last.
    log_sources: LogSources,
}

impl Sources {
    /// Sets what the operator chose.
    pub(in crate::pipeline) fn configure(&mut self, limits: Limits, maintenance: Vec<Maintenance>) {
        self.limits = limits;
        self.maintenance = maintenance;
    }

    /// Takes over a state written down before.
    ///
    /// # Errors
    /// When the bytes are no such state; it is then as before.
    pub(in crate::pipeline) fn restore(&mut self, bytes: &[u8]) -> Result<usize, RestoreError> {
        let restored: Restored = serde_json::from_slice(bytes)?;
        if restored.version != VERSION {
            return Err(RestoreError::Version(restored.version));
        }
        self.by_input = restored.by_input;
        self.log_sources =
            LogSources::of(restored.log_sources.into_iter().map(|(source, seen)| (source, Timestamp(seen))));
        // The hour in which it was written down was not seen to its end.
        let all = self.by_input.values().flat_map(HashMap::values);
        self.up_since = all.map(Source::last_seen).max().unwrap_or_default();
        self.count = self.by_input.values().map(HashMap::len).sum();
        Ok(self.count)
    }

    /// Returns the log sources that were seen, and when last.
    pub(in crate::pipeline) fn log_sources(&self) -> Vec<(LogSource, Timestamp)> {
        self.log_sources.rows().into_iter().map(|(source, seen)| (source.clone(), seen)).collect()
    }

    /// Writes the state down.
    pub(in crate::pipeline) fn snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(&Kept {
            version: VERSION,
            log_sources: self.log_sources.rows().into_iter().map(|(source, seen)| (source, seen.0)).collect(),
            by_input: &self.by_input,
        })
        .expect("numbers and text always have a JSON form")
    }

    /// Counts an event for its source.
    pub(in crate::pipeline) fn note(&mut self, input: &str, peer: Option<SocketAddr>, event: &Event<'_>) {
        self.log_sources.note(&event.logsource, event.ingested);
        // What we say of ourselves is no source that could fall silent.
        if input == OURSELVES {
            return self.hear(event);
        }
        let (up_since, zone) = (self.up_since, self.limits.zone_offset_seconds);
        let has_room = self.shapes < SHAPES_MAX;
        let claimed = claimed_name(event);
        if let Some(source) = claimed.and_then(|name| self.by_input.get_mut(input)?.get_mut(name)) {
            return source.note(event, up_since, zone, has_room);
        }
        let peer = peer.map(|peer| peer.ip().to_canonical().to_string());
        let name = claimed.map(str::to_owned).or_else(|| peer.clone()).unwrap_or_else(|| input.to_owned());
        let is_known = self.by_input.get(input).is_some_and(|sources| sources.contains_key(&name));
        if !is_known {
            if self.count >= self.limits.tracked_max {
                self.forget_the_longest_silent();
            }
            self.count += 1;
        }
        let sources = self.by_input.entry(input.to_owned()).or_default();
        let source = sources.entry(name).or_insert_with(|| Source::new(event.ingested, zone));
        source.peer = peer.or(source.peer.take());
        source.note(event, up_since, zone, has_room);
    }

    fn forget_the_longest_silent(&mut self) {
        let longest = self
            .by_input
            .iter()
            .flat_map(|(input, sources)| sources.iter().map(move |(name, source)| (source.last_seen(), input, name)))
            .min()
            .map(|(_, input, name)| (input.clone(), name.clone()));
        if let Some((input, name)) = longest
            && let Some(sources) = self.by_input.get_mut(&input)
        {
            sources.remove(&name);
            self.count -= 1;
        }
    }

    /// Reads back what was told of a source: what stands in the log is what counts.
    fn hear(&mut self, event: &Event<'_>) {
        let text = |name: &str| event.get_by_name(name).and_then(Value::as_str);
        let (Some(action), Some(name), Some(input)) = (
            event.get(ecs::EVENT_ACTION).and_then(Value::as_str),
            text("longan.about.source"),
            text("longan.about.input"),
        ) else {
            return;
        };
        let number = |name: &str| event.get_by_name(name).and_then(Value::as_int);
        let Some(source) = self.find_told(input, name) else { return };
        let mut told = |condition, holds| source.told.set(condition, holds);
        match action {
            "source-silent" => told(Condition::Silent, true),
            "source-back" => told(Condition::Silent, false),
            "source-drop" => told(Condition::Drop, true),
            "source-surge" => told(Condition::Surge, true),
            "source-usual" => [Condition::Drop, Condition::Surge].into_iter().for_each(|one| told(one, false)),
            "source-unparsed" => told(Condition::Unparsed, true),
            "source-read" => told(Condition::Unparsed, false),
            "source-clock" => told(Condition::Clock, true),
            "source-clock-right" => told(Condition::Clock, false),
            "source-gaps" => {
                let missing = number("longan.about.total").and_then(|total| u64::try_from(total).ok());
                source.tell_gaps(missing.unwrap_or(0), event.ingested);
            }
            "source-muted" => {
                let until = text("longan.about.until").and_then(|until| until.parse::<jiff::Timestamp>().ok());
                source.mute = until.map(|until| Mute {
                    until: i64::try_from(until.as_nanosecond()).unwrap_or(i64::MAX),
                    by: text("longan.about.by").unwrap_or_default().to_owned(),
                    reason: text("longan.about.reason").unwrap_or_default().to_owned(),
                });
            }
            "source-unmuted" => source.mute = None,
            _ => return,
        }
        source.saying = None;
    }

    /// Finds a source by the words an own event has for it.
    fn find_told(&mut self, input: &str, name: &str) -> Option<&mut Source> {
        let sources = self.by_input.iter_mut().find(|(known, _)| *known == input || word(known) == input)?.1;
        if sources.contains_key(name) {
            return sources.get_mut(name);
        }
        sources.iter_mut().find(|(known, _)| word(known) == name).map(|(_, source)| source)
    }

    /// Says whether there is such a source.
    pub(in crate::pipeline) fn contains(&self, input: &str, name: &str) -> bool {
        self.by_input.get(input).is_some_and(|sources| sources.contains_key(name))
    }

    /// Mutes a source until a time, by somebody for a reason, or ends its mute.
    pub(in crate::pipeline) fn mute(&mut self, input: &str, name: &str, mute: Option<(Timestamp, &str, &str)>) {
        let Some(source) = self.by_input.get_mut(input).and_then(|sources| sources.get_mut(name)) else { return };
        source.mute = mute.map(|(until, by, reason)| Mute {
            until: until.0,
            by: word(by),
            reason: reason.chars().take(condition::REASON_CHARS_MAX).collect(),
        });
    }

    fn moment(&self, now: Timestamp) -> Moment {
        Moment { now, up_since: self.up_since, limits: self.limits }
    }

    /// Looks at every source and returns what is to be told, `findings_max` at most, with the number of what is left out.
    pub(in crate::pipeline) fn look(&mut self, now: Timestamp, findings_max: usize) -> (Vec<Finding>, usize) {
        if now.0.saturating_sub(self.last_look.0) > AWAY_NANOS {
            self.up_since = now;
        }
        self.last_look = now;
        self.shapes = self.by_input.values().flat_map(HashMap::values).map(|source| source.shapes.len()).sum();
        let moment = self.moment(now);
        let (mut findings, mut left_out) = (Vec::new(), 0);
        for (input, sources) in &mut self.by_input {
            for (name, source) in sources {
                source.turn_hour(now.0, moment.up_since, moment.limits.zone_offset_seconds);
                let is_waiting = source.saying.is_some_and(|since| now.0.saturating_sub(since) < SAYING_NANOS);
                if is_waiting || is_quiet(&self.maintenance, name, source, &moment) {
                    continue;
                }
                look_at(input, name, source, &moment, findings_max, &mut findings, &mut left_out);
            }
        }
        (findings, left_out)
    }

    /// Returns how many sources are silent and not muted.
    pub(in crate::pipeline) fn silent_count(&self, now: Timestamp) -> u64 {
        let moment = self.moment(now);
        let all = self.by_input.values().flatten();
        let is_told = |name: &str, source: &Source| !is_quiet(&self.maintenance, name, source, &moment);
        all.filter(|(name, source)| is_told(name, source) && source.conditions(&moment).has(Condition::Silent)).count()
            as u64
    }

    /// Returns the sources as the API tells them, the silent first, then the busiest.
    pub(in crate::pipeline) fn rows(&self, now: Timestamp) -> Vec<SourceRow> {
        let moment = self.moment(now);
        let all = self.by_input.iter();
        let all = all.flat_map(|(input, sources)| sources.iter().map(move |(name, source)| (input, name, source)));
        let mut rows: Vec<SourceRow> =
            all.map(|(input, name, source)| self.row_of(input, name, source, &moment)).collect();
        rows.sort_by(|a, b| (b.is_silent, b.events, &a.name).cmp(&(a.is_silent, a.events, &b.name)));
        rows
    }

    /// Returns one source as the API tells it.
    pub(in crate::pipeline) fn row(&self, input: &str, name: &str, now: Timestamp) -> Option<SourceRow> {
        let source = self.by_input.get(input)?.get(name)?;
        Some(self.row_of(input, name, source, &self.moment(now)))
    }

    fn row_of(&self, input: &str, name: &str, source: &Source, moment: &Moment) -> SourceRow {
        let mut row = row(input, name, source, moment);
        if row.muted.is_none() {
            row.muted = window_of(&self.maintenance, name, moment).map(|(until, reason)| MuteRow {
                until: until.to_string(),
                by: MAINTENANCE.to_owned(),
                reason: reason.to_owned(),
            });
        }
        row
    }
}

/// Returns when the window of maintenance a source is in ends, and what it is for.
fn window_of<'m>(windows: &'m [Maintenance], name: &str, moment: &Moment) -> Option<(Timestamp, &'m str)> {
    let zone = moment.limits.zone_offset_seconds;
    windows.iter().find_map(|window| Some((window.until(name, moment.now, zone)?, window.reason.as_str())))
}

/// Says whether nothing is told of a source now, because somebody said so or a window of maintenance is open.
fn is_quiet(windows: &[Maintenance], name: &str, source: &Source, moment: &Moment) -> bool {
    source.is_muted(moment.now) || window_of(windows, name, moment).is_some()
}

fn claimed_name<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    NAME_FIELDS.into_iter().find_map(|field| match event.get(field) {
        Some(Value::Text(text)) if !text.is_empty() => Some(text.as_ref()),
        _ => None,
    })
}

/// Compares what holds with what was told, and puts the difference into words.
fn look_at(
    input: &str,
    name: &str,
    source: &mut Source,
    moment: &Moment,
    findings_max: usize,
    findings: &mut Vec<Finding>,
    left_out: &mut usize,
) {
    let holds = source.conditions(moment);
    for one in Condition::ALL {
        let finding = match (holds.has(one), source.told.has(one)) {
            (true, false) => Some(condition::begins(one, input, name, source.figures(moment))),
            (false, true) => condition::ends(one, input, name),
            _ => None,
        };
        let Some(finding) = finding else { continue };
        if findings.len() < findings_max {
            source.saying = Some(moment.now.0);
            findings.push(finding);
        } else {
            // A thousand sources that fall silent together are one event more, not a thousand.
            *left_out += 1;
            source.told.set(one, holds.has(one) && one != Condition::Gaps);
        }
    }
}

fn row(input: &str, name: &str, source: &Source, moment: &Moment) -> SourceRow {
    let mut parsers = source.parsers.clone();
    parsers.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let minute = minute_of(moment.now.0);
    let per_minute = (0..MINUTES as i64).rev().map(|ago| source.in_minute(minute - ago));
    let conditions = source.conditions(moment);
    SourceRow {
        name: name.to_owned(),
        peer: source.peer.clone(),
        input: input.to_owned(),
        events: source.events,
        unparsed: source.unparsed,
        parsers: parsers.into_iter().take(PARSERS_MAX).map(|(parser, _)| parser).collect(),
        last_seen: source.last_seen().to_string(),
        silent_seconds: u64::try_from(source.silent_seconds(moment.now)).unwrap_or(0),
        is_silent: conditions.has(Condition::Silent),
        per_minute: per_minute.collect(),
        clock_skew_ms: source.skew.median_ms(),
        conditions: conditions_of(source, conditions),
        is_learning: source.is_learning(moment),
        usual_per_hour: source.usual_per_hour(moment),
        silent_after_seconds: source
            .silent_after_seconds(moment.limits.zone_offset_seconds)
            .and_then(|seconds| u64::try_from(seconds).ok()),
        unparsed_percent: source.unparsed_percent(),
        clock_looks_like_zone: source.skew.steady_ms().is_some_and(clock::looks_like_zone),
        missing: source.sequence.missing(),
        shapes: shapes_of(source),
        muted: source.mute.as_ref().filter(|_| source.is_muted(moment.now)).map(|mute| MuteRow {
            until: Timestamp(mute.until).to_string(),
            by: mute.by.clone(),
            reason: mute.reason.clone(),
        }),
    }
}

fn shapes_of(source: &Source) -> Vec<ShapeRow> {
    let commonest = source.shapes.commonest().into_iter().take(SHAPES_TOLD_MAX);
    let row = |shape: &Shape| ShapeRow {
        text: shape.text(),
        count: shape.count,
        percent: u8::try_from(shape.count.saturating_mul(100) / source.events.max(1)).unwrap_or(100),
        examples: shape.examples.clone(),
    };
    commonest.map(row).collect()
}

/// Gaps are told once and over; on the screen they stay until the source is forgotten or counts anew.
fn conditions_of(source: &Source, mut conditions: condition::Conditions) -> Vec<String> {
    if source.sequence.missing() > 0 {
        conditions.set(Condition::Gaps, true);
    }
    conditions.iter().map(|condition| condition.as_str().to_owned()).collect()
}
