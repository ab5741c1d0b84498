//! One source: what it sent, and what of that is unlike itself.

use serde::Deserialize;
use serde::Serialize;

use crate::model::Event;
use crate::model::Name;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::pipeline::processing::sources::Limits;
use crate::pipeline::processing::sources::baseline;
use crate::pipeline::processing::sources::baseline::Baseline;
use crate::pipeline::processing::sources::clock::Skew;
use crate::pipeline::processing::sources::condition::Condition;
use crate::pipeline::processing::sources::condition::Conditions;
use crate::pipeline::processing::sources::condition::Figures;
use crate::pipeline::processing::sources::sequence::Sequence;
use crate::pipeline::shapes::Shapes;

pub(super) const MINUTES: usize = 60;
pub(super) const NANOS_PER_MINUTE: i64 = 60_000_000_000;
const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Before so many events nothing is known of a source's habits.
const HABIT_EVENTS: u64 = 20;
/// A source is silent when so many events more than it ever skipped are overdue; the second is a factor on the latter.
const MISSED_MIN: f64 = 20.0;
const MISSED_FACTOR: f64 = 3.0;
/// However much is overdue, a shorter silence is none; and a longer one always is.
const SILENT_SECONDS_MIN: i64 = 300;
const SILENT_SECONDS_MAX: i64 = 7 * 86_400;
/// A gap this short teaches nothing.
const GAP_NANOS_MIN: i64 = 10 * NANOS_PER_SECOND;
/// What a source once skipped is forgotten by half in six days.
const MISSED_KEPT_PER_HOUR: f32 = 0.995;
/// Rates are judged over so many whole minutes.
const RECENT_MINUTES: i64 = 15;
/// Fewer events than this are no surge; where fewer are usual nothing is a drop.
const SURGE_EVENTS_MIN: f64 = 100.0;
const DROP_USUAL_MIN: f64 = 50.0;
/// A drop is below this share of what is usual.
const DROP_SHARE: f64 = 0.2;
/// How many mean deviations an unusual rate is away.
const DEVIATIONS: f64 = 4.0;
/// Lines over which the share of unread ones is taken.
const UNPARSED_WINDOW: u16 = 100;
/// Gaps are told at most this often.
const GAPS_EVERY_SECONDS: i64 = 600;
/// Packs remembered of one source.
const PARSERS_MAX: usize = 20;
/// Where senders put RFC 5424's sequence number.
const SEQUENCE_ID: &str = "log.syslog.structured_data.meta.sequenceId";

/// A mute: until when nothing is told of a source, and who said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mute {
    pub(super) until: i64,
    pub(super) by: String,
    pub(super) reason: String,
}

/// What is known of one source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Source {
    pub(super) peer: Option<String>,
    pub(super) events: u64,
    pub(super) unparsed: u64,
    pub(super) parsers: Vec<(String, u64)>,
    first_seen: i64,
    last_seen: i64,
    /// Events in each of the last minutes; the place of a minute is its number modulo their count.
    minutes: Vec<u32>,
    minute: i64,
    baseline: Baseline,
    /// The local hour that is being counted, and its events.
    hour: i64,
    hour_events: u32,
    /// The most events that were overdue when it came back by itself.
    worst_missed: f32,
    window: u16,
    window_unparsed: u16,
    /// Of the last full window, in percent.
    unparsed_percent: Option<u8>,
    pub(super) skew: Skew,
    pub(super) sequence: Sequence,
    gaps_told: i64,
    #[serde(default)]
    pub(super) shapes: Shapes,
    /// What the log says was told.
    pub(super) told: Conditions,
    /// What was given to the log and has not come back from it yet, and when.
    #[serde(skip)]
    pub(super) saying: Option<i64>,
    pub(super) mute: Option<Mute>,
}

/// What judging needs to know besides the source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    /// Since when this program has been listening: what came before could not have been seen.
    pub(super) up_since: Timestamp,
    pub(super) limits: Limits,
}

impl Source {
    pub(super) fn new(now: Timestamp, zone: i32) -> Source {
        Source {
            peer: None,
            events: 0,
            unparsed: 0,
            parsers: Vec::new(),
            first_seen: now.0,
            last_seen: now.0,
            minutes: vec![0; MINUTES],
            minute: minute_of(now.0),
            baseline: Baseline::default(),
            hour: baseline::hour_of(now.0, zone),
            hour_events: 0,
            worst_missed: 0.0,
            window: 0,
            window_unparsed: 0,
            unparsed_percent: None,
            skew: Skew::default(),
            sequence: Sequence::default(),
            gaps_told: 0,
            shapes: Shapes::default(),
            told: Conditions::default(),
            saying: None,
            mute: None,
        }
    }

    pub(super) fn last_seen(&self) -> Timestamp {
        Timestamp(self.last_seen)
    }

    /// Takes an event in; on the way of every event, so it allocates nothing.
    pub(super) fn note(&mut self, event: &Event<'_>, up_since: Timestamp, zone: i32, has_room: bool) {
        let now = event.ingested.0;
        if now.saturating_sub(self.last_seen) > GAP_NANOS_MIN {
            self.learn_gap(now, up_since, zone);
        }
        self.turn_hour(now, up_since, zone);
        self.events += 1;
        self.hour_events = self.hour_events.saturating_add(1);
        self.last_seen = self.last_seen.max(now);
        self.turn_minutes(minute_of(now));
        if let Some(count) = self.minutes.get_mut(place_of(minute_of(now))) {
            *count = count.saturating_add(1);
        }
        self.note_reading(event, has_room);
        if event.timestamp != event.ingested {
            self.skew.note(event.timestamp, event.ingested);
        }
        if let Some(number) = sequence_number(event) {
            self.sequence.note(number);
        }
    }

    fn note_reading(&mut self, event: &Event<'_>, has_room: bool) {
        self.window += 1;
        match event.parser {
            None => {
                self.unparsed += 1;
                self.window_unparsed += 1;
                self.shapes.note(event, has_room);
            }
            Some(parser) => self.note_parser(parser),
        }
        if self.window >= UNPARSED_WINDOW {
            self.unparsed_percent = u8::try_from(self.window_unparsed).ok();
            (self.window, self.window_unparsed) = (0, 0);
        }
    }

    fn note_parser(&mut self, parser: &str) {
        if let Some((_, count)) = self.parsers.iter_mut().find(|(known, _)| known == parser) {
            *count += 1;
        } else if self.parsers.len() < PARSERS_MAX {
            self.parsers.push((parser.to_owned(), 1));
        }
    }

    /// It came back by itself: so much is nothing unusual. An announced silence teaches little, or the next is missed.
    fn learn_gap(&mut self, now: i64, up_since: Timestamp, zone: i32) {
        let since = self.last_seen.max(up_since.0);
        let missed = self.missed(since, now, zone) as f32;
        let most =
            if self.told.has(Condition::Silent) { (2.0 * self.worst_missed).max(MISSED_MIN as f32) } else { f32::MAX };
        self.worst_missed = self.worst_missed.max(missed.min(most));
    }

    /// Ends the hour that was counted when another has begun, and learns from it when all of it was seen.
    pub(super) fn turn_hour(&mut self, now: i64, up_since: Timestamp, zone: i32) {
        let hour = baseline::hour_of(now, zone);
        if hour <= self.hour {
            return;
        }
        let start = baseline::start_of(self.hour, zone);
        let is_whole = start >= up_since.0 && start >= self.first_seen.saturating_sub(NANOS_PER_MINUTE);
        // An outage that was told of is not what is usual.
        if is_whole && !self.told.has(Condition::Silent) {
            let usual = self.baseline.expected(self.hour).filter(|_| self.told.has(Condition::Surge));
            let most = usual.map_or(u32::MAX, |usual| (usual * 3.0) as u32);
            self.baseline.learn(self.hour, self.hour_events.min(most));
        }
        self.worst_missed *= MISSED_KEPT_PER_HOUR;
        (self.hour, self.hour_events) = (hour, 0);
    }

    fn turn_minutes(&mut self, minute: i64) {
        let passed = minute.saturating_sub(self.minute).clamp(0, MINUTES as i64);
        for ago in 0..passed {
            if let Some(count) = self.minutes.get_mut(place_of(minute - ago)) {
                *count = 0;
            }
        }
        self.minute = self.minute.max(minute);
    }

    /// The rate where no hour is known yet.
    fn overall_per_hour(&self) -> f64 {
        let lived = self.last_seen.saturating_sub(self.first_seen).max(NANOS_PER_MINUTE);
        self.events as f64 / (lived as f64 / (60.0 * NANOS_PER_MINUTE as f64))
    }

    /// Returns how many events were due in a stretch of time.
    fn missed(&self, from: i64, to: i64, zone: i32) -> f64 {
        const HOURS_MAX: usize = 24 * 8;
        let overall = self.overall_per_hour();
        let (mut missed, mut from) = (0.0, from);
        for _ in 0..HOURS_MAX {
            if from >= to {
                break;
            }
            let hour = baseline::hour_of(from, zone);
            let end = baseline::start_of(hour + 1, zone).min(to);
            let share = end.saturating_sub(from) as f64 / (60.0 * NANOS_PER_MINUTE as f64);
            missed += self.baseline.expected(hour).unwrap_or(overall) * share;
            from = end;
        }
        missed
    }

    fn missed_limit(&self) -> f64 {
        MISSED_MIN.max(MISSED_FACTOR * f64::from(self.worst_missed))
    }

    pub(super) fn silent_seconds(&self, now: Timestamp) -> i64 {
        now.seconds().saturating_sub(self.last_seen().seconds()).max(0)
    }

    fn is_silent(&self, moment: &Moment) -> bool {
        if self.events < HABIT_EVENTS {
            return false;
        }
        if self.told.has(Condition::Silent) {
            // However lately we ourselves came back: it is not over before something comes.
            return self.silent_seconds(moment.now) > SILENT_SECONDS_MIN;
        }
        let since = self.last_seen.max(moment.up_since.0);
        let seconds = moment.now.0.saturating_sub(since) / NANOS_PER_SECOND;
        seconds > SILENT_SECONDS_MIN
            && (seconds > SILENT_SECONDS_MAX
                || self.missed(since, moment.now.0, moment.limits.zone_offset_seconds) > self.missed_limit())
    }

    /// Returns after how many seconds without an event it counts as silent, were it to fall silent at its last event.
    pub(super) fn silent_after_seconds(&self, zone: i32) -> Option<i64> {
        const HOURS_MAX: i64 = 7 * 24;
        if self.events < HABIT_EVENTS {
            return None;
        }
        let (mut left, mut from) = (self.missed_limit(), self.last_seen);
        let overall = self.overall_per_hour();
        for _ in 0..HOURS_MAX {
            let hour = baseline::hour_of(from, zone);
            let end = baseline::start_of(hour + 1, zone);
            let rate = self.baseline.expected(hour).unwrap_or(overall);
            let share = end.saturating_sub(from) as f64 / (60.0 * NANOS_PER_MINUTE as f64);
            if rate * share >= left {
                let more = (left / rate * 3600.0) as i64;
                let seconds = (from - self.last_seen) / NANOS_PER_SECOND + more;
                return Some(seconds.clamp(SILENT_SECONDS_MIN, SILENT_SECONDS_MAX));
            }
            left -= rate * share;
            from = end;
        }
        Some(SILENT_SECONDS_MAX)
    }

    /// Returns the events of the last whole minutes that rates are judged over.
    fn recent(&self, now: Timestamp) -> u64 {
        let minute = minute_of(now.0);
        (1..=RECENT_MINUTES).map(|ago| u64::from(self.in_minute(minute - ago))).sum()
    }

    /// Returns the events of a minute; none for one that is no longer, or not yet, counted.
    pub(super) fn in_minute(&self, minute: i64) -> u32 {
        let is_kept = minute <= self.minute && minute > self.minute - MINUTES as i64;
        if is_kept { self.minutes.get(place_of(minute)).copied().unwrap_or(0) } else { 0 }
    }

    fn usual(&self, moment: &Moment) -> Option<baseline::Usual> {
        let reach = RECENT_MINUTES * NANOS_PER_MINUTE;
        let zone = moment.limits.zone_offset_seconds;
        let now = moment.now.0;
        self.baseline.usual([now - reach, now, now + reach].map(|at| baseline::hour_of(at, zone)))
    }

    /// Returns what an hour usually brings at this time, where that is known.
    pub(super) fn usual_per_hour(&self, moment: &Moment) -> Option<u64> {
        let expected = self.baseline.expected(baseline::hour_of(moment.now.0, moment.limits.zone_offset_seconds))?;
        Some(expected.round() as u64)
    }

    /// Says whether its usual rate is still being learned.
    pub(super) fn is_learning(&self, moment: &Moment) -> bool {
        self.usual(moment).is_none()
    }

    pub(super) fn unparsed_percent(&self) -> Option<u8> {
        self.unparsed_percent
    }

    pub(super) fn is_muted(&self, now: Timestamp) -> bool {
        self.mute.as_ref().is_some_and(|mute| mute.until > now.0)
    }

    /// Says what is wrong now. What was told already ends later than it begins, so that nothing flaps.
    pub(super) fn conditions(&self, moment: &Moment) -> Conditions {
        let mut conditions = Conditions::default();
        conditions.set(Condition::Silent, self.is_silent(moment));
        let (is_drop, is_surge) = self.unusual_rate(moment, conditions.has(Condition::Silent));
        conditions.set(Condition::Drop, is_drop);
        conditions.set(Condition::Surge, is_surge);
        let percent = u64::from(self.unparsed_percent.unwrap_or(0));
        let limit = u64::from(moment.limits.unparsed_percent);
        let limit = if self.told.has(Condition::Unparsed) { limit.div_ceil(2) } else { limit };
        conditions.set(Condition::Unparsed, percent >= limit.max(1));
        let clock_limit = moment.limits.clock_seconds * 1000;
        conditions.set(
            Condition::Clock,
            match self.skew.steady_ms() {
                Some(skew) if self.told.has(Condition::Clock) => skew.saturating_abs() > clock_limit / 2,
                Some(skew) => skew.saturating_abs() > clock_limit,
                // Nothing certain: as it was.
                None => self.told.has(Condition::Clock),
            },
        );
        let is_due = moment.now.seconds() - self.gaps_told >= GAPS_EVERY_SECONDS;
        conditions.set(Condition::Gaps, self.sequence.untold() > 0 && is_due);
        conditions
    }

    fn unusual_rate(&self, moment: &Moment, is_silent: bool) -> (bool, bool) {
        let reach = RECENT_MINUTES * NANOS_PER_MINUTE;
        let was_up = moment.now.0.saturating_sub(moment.up_since.0) > reach + NANOS_PER_MINUTE;
        let Some(usual) = self.usual(moment).filter(|_| was_up) else {
            // Not to be known now: as it was.
            return (self.told.has(Condition::Drop) && !is_silent, self.told.has(Condition::Surge));
        };
        let quarter = |per_hour: f64| per_hour * RECENT_MINUTES as f64 / 60.0;
        let (recent, away) = (self.recent(moment.now) as f64, DEVIATIONS * quarter(usual.deviation));
        let (low, high) = (quarter(usual.low), quarter(usual.high));
        let factor = f64::from(moment.limits.surge_factor);
        let is_surge = if self.told.has(Condition::Surge) {
            recent > high * (1.0 + factor) / 2.0
        } else {
            recent >= SURGE_EVENTS_MIN && recent > factor * high && recent > high + away
        };
        let is_drop = if self.told.has(Condition::Drop) {
            recent < low * (1.0 + DROP_SHARE) / 2.0
        } else {
            low >= DROP_USUAL_MIN && recent < DROP_SHARE * low && low - recent > away
        };
        (is_drop && !is_silent, is_surge && factor > 0.0)
    }

    /// The figures that an own event names.
    pub(super) fn figures(&self, moment: &Moment) -> Figures {
        let usual = self.usual(moment).map_or(0.0, |usual| (usual.low + usual.high) / 2.0 / 4.0);
        Figures {
            silent_seconds: self.silent_seconds(moment.now),
            recent: self.recent(moment.now),
            usual: usual.round() as u64,
            unparsed_percent: self.unparsed_percent.unwrap_or(0),
            clock_seconds: self.skew.steady_ms().unwrap_or(0) / 1000,
            untold: self.sequence.untold(),
            missing: self.sequence.missing(),
        }
    }

    /// Notes that gaps were told, at a time.
    pub(super) fn tell_gaps(&mut self, missing: u64, at: Timestamp) {
        self.sequence.tell(missing);
        self.gaps_told = at.seconds();
    }
}

/// Other devices put numbers of other things into `event.sequence`.
fn counts_messages(parser: Option<&str>) -> bool {
    parser.is_none_or(|parser| parser.starts_with("cisco"))
}

fn sequence_number(event: &Event<'_>) -> Option<u64> {
    event.fields.iter().find_map(|(name, value)| match name {
        Name::Known(field) if *field == ecs::EVENT_SEQUENCE && counts_messages(event.parser) => match value {
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        },
        Name::Other(name) if name == SEQUENCE_ID => value.as_int().and_then(|number| u64::try_from(number).ok()),
        _ => None,
    })
}

pub(super) fn minute_of(nanos: i64) -> i64 {
    nanos.div_euclid(NANOS_PER_MINUTE)
}

fn place_of(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(MINUTES as i64)).unwrap_or(0)
}
