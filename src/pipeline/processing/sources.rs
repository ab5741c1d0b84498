//! Who sends: per source and input, how much, how lately, how well read, and how far its clock is off.

use std::collections::HashMap;

use crate::model::Event;
use crate::model::Field;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::pipeline::own_events::INPUT as OURSELVES;
use crate::wire::source::SourceRow;

/// Sources remembered; source names can be forged, so beyond it the one silent the longest makes room.
const SOURCES_MAX: usize = 10_000;
const MINUTES: usize = 60;
const NANOS_PER_MINUTE: i64 = 60_000_000_000;
/// A source counts as silent after so many of its usual intervals, within the bounds below.
const SILENT_INTERVALS: i64 = 20;
const SILENT_SECONDS_MIN: i64 = 300;
const SILENT_SECONDS_MAX: i64 = 86_400;
/// Before so many events nothing is known of a source's habits.
const HABIT_EVENTS: u64 = 20;
/// Packs told of one source.
const PARSERS_MAX: usize = 5;

/// The fields that may name the claimed host; the first that is present counts.
const NAME_FIELDS: [Field; 4] = [ecs::HOST_NAME, ecs::HOST_HOSTNAME, ecs::OBSERVER_NAME, ecs::LOG_SYSLOG_HOSTNAME];

#[derive(Debug)]
struct Source {
    peer: Option<String>,
    events: u64,
    unparsed: u64,
    parsers: Vec<(String, u64)>,
    first_seen: Timestamp,
    last_seen: Timestamp,
    /// Events in each of the last minutes; the place of a minute is its number modulo their count.
    minutes: [u32; MINUTES],
    minute: i64,
    clock_skew_ms: Option<i64>,
}

impl Source {
    fn new(now: Timestamp) -> Source {
        Source {
            peer: None,
            events: 0,
            unparsed: 0,
            parsers: Vec::new(),
            first_seen: now,
            last_seen: now,
            minutes: [0; MINUTES],
            minute: minute_of(now),
            clock_skew_ms: None,
        }
    }

    fn turn_to(&mut self, minute: i64) {
        let passed = minute.saturating_sub(self.minute).clamp(0, MINUTES as i64);
        for ago in 0..passed {
            if let Some(count) = self.minutes.get_mut(place_of(minute - ago)) {
                *count = 0;
            }
        }
        self.minute = self.minute.max(minute);
    }

    fn note(&mut self, event: &Event<'_>) {
        self.events += 1;
        self.last_seen = self.last_seen.max(event.ingested);
        self.turn_to(minute_of(event.ingested));
        if let Some(count) = self.minutes.get_mut(place_of(minute_of(event.ingested))) {
            *count = count.saturating_add(1);
        }
        match event.parser {
            None => self.unparsed += 1,
            Some(parser) => self.note_parser(parser),
        }
        if event.timestamp != event.ingested {
            self.clock_skew_ms = Some(event.timestamp.millis().saturating_sub(event.ingested.millis()));
        }
    }

    fn note_parser(&mut self, parser: &str) {
        if let Some((_, count)) = self.parsers.iter_mut().find(|(known, _)| known == parser) {
            *count += 1;
        } else if self.parsers.len() < 4 * PARSERS_MAX {
            self.parsers.push((parser.to_owned(), 1));
        }
    }

    fn silent_after_seconds(&self) -> Option<i64> {
        if self.events < HABIT_EVENTS {
            return None;
        }
        let lived = self.last_seen.seconds().saturating_sub(self.first_seen.seconds());
        let interval = lived / i64::try_from(self.events).unwrap_or(i64::MAX).max(1);
        Some(interval.saturating_mul(SILENT_INTERVALS).clamp(SILENT_SECONDS_MIN, SILENT_SECONDS_MAX))
    }

    fn silent_seconds(&self, now: Timestamp) -> i64 {
        now.seconds().saturating_sub(self.last_seen.seconds()).max(0)
    }

    fn is_silent(&self, now: Timestamp) -> bool {
        self.silent_after_seconds().is_some_and(|limit| self.silent_seconds(now) > limit)
    }
}

fn minute_of(time: Timestamp) -> i64 {
    time.0.div_euclid(NANOS_PER_MINUTE)
}

fn place_of(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(MINUTES as i64)).unwrap_or(0)
}

/// All sources seen since the start.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Sources {
    by_input: HashMap<String, HashMap<String, Source>>,
    count: usize,
}

impl Sources {
    /// Counts an event for its source.
    pub(in crate::pipeline) fn note(&mut self, input: &str, peer: Option<std::net::SocketAddr>, event: &Event<'_>) {
        // What we say of ourselves is no source that could fall silent.
        if input == OURSELVES {
            return;
        }
        let claimed = NAME_FIELDS.into_iter().find_map(|field| match event.get(field) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text.as_ref()),
            _ => None,
        });
        if let Some(source) = claimed.and_then(|name| self.by_input.get_mut(input)?.get_mut(name)) {
            return source.note(event);
        }
        let peer = peer.map(|peer| peer.ip().to_canonical().to_string());
        let name = claimed.map(str::to_owned).or_else(|| peer.clone()).unwrap_or_else(|| input.to_owned());
        let is_known = self.by_input.get(input).is_some_and(|sources| sources.contains_key(&name));
        if !is_known && self.count >= SOURCES_MAX {
            self.forget_the_longest_silent();
        }
        if !is_known {
            self.count += 1;
        }
        let sources = self.by_input.entry(input.to_owned()).or_default();
        let source = sources.entry(name).or_insert_with(|| Source::new(event.ingested));
        source.peer = peer.or(source.peer.take());
        source.note(event);
    }

    fn forget_the_longest_silent(&mut self) {
        let all = self.by_input.iter().flat_map(|(input, sources)| {
            sources.iter().map(move |(name, source)| (source.last_seen, input.clone(), name.clone()))
        });
        if let Some((_, input, name)) = all.min()
            && let Some(sources) = self.by_input.get_mut(&input)
        {
            sources.remove(&name);
            self.count -= 1;
        }
    }

    /// Returns the input and name of the sources that are silent, with the seconds since their last event.
    pub(in crate::pipeline) fn silent(&self, now: Timestamp) -> Vec<((String, String), i64)> {
        let all = self.by_input.iter().flat_map(|(input, sources)| sources.iter().map(move |entry| (input, entry)));
        let silent = all.filter(|(_, (_, source))| source.is_silent(now));
        silent.map(|(input, (name, source))| ((input.clone(), name.clone()), source.silent_seconds(now))).collect()
    }

    pub(in crate::pipeline) fn silent_count(&self, now: Timestamp) -> u64 {
        self.by_input.values().flat_map(HashMap::values).filter(|source| source.is_silent(now)).count() as u64
    }

    /// Returns the sources as the API tells them, the silent first, then the busiest.
    pub(in crate::pipeline) fn rows(&self, now: Timestamp) -> Vec<SourceRow> {
        let all = self
            .by_input
            .iter()
            .flat_map(|(input, sources)| sources.iter().map(move |(name, source)| row(input, name, source, now)));
        let mut rows: Vec<SourceRow> = all.collect();
        rows.sort_by(|a, b| (b.is_silent, b.events, &a.name).cmp(&(a.is_silent, a.events, &b.name)));
        rows
    }
}

fn row(input: &str, name: &str, source: &Source, now: Timestamp) -> SourceRow {
    let mut parsers = source.parsers.clone();
    parsers.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let minute = minute_of(now);
    let per_minute = (0..MINUTES as i64).rev().map(|ago| {
        let wanted = minute - ago;
        let is_kept = wanted <= source.minute && wanted > source.minute - MINUTES as i64;
        if is_kept { source.minutes.get(place_of(wanted)).copied().unwrap_or(0) } else { 0 }
    });
    SourceRow {
        name: name.to_owned(),
        peer: source.peer.clone(),
        input: input.to_owned(),
        events: source.events,
        unparsed: source.unparsed,
        parsers: parsers.into_iter().take(PARSERS_MAX).map(|(parser, _)| parser).collect(),
        last_seen: source.last_seen.to_string(),
        silent_seconds: u64::try_from(source.silent_seconds(now)).unwrap_or(0),
        is_silent: source.is_silent(now),
        per_minute: per_minute.collect(),
        clock_skew_ms: source.clock_skew_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = NANOS_PER_MINUTE;

    fn at(minutes: i64) -> Timestamp {
        Timestamp(1_000 * MINUTE + minutes * MINUTE)
    }

    fn event(host: &str, minutes: i64) -> Event<'_> {
        let mut event = Event::new("x", at(minutes));
        event.set(ecs::HOST_NAME, host);
        event
    }

    #[test]
    fn a_source_that_fell_silent_is_told_first() {
        let mut sources = Sources::default();
        for minute in 0..30 {
            sources.note("syslog_udp", None, &event("fw-1", minute));
            sources.note("syslog_udp", None, &event("web-1", minute));
        }
        for minute in 30..60 {
            sources.note("syslog_udp", None, &event("web-1", minute));
        }
        let rows = sources.rows(at(60));
        let seen: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.events, row.is_silent)).collect();
        assert_eq!(seen, [("fw-1", 30, true), ("web-1", 60, false)]);
        assert_eq!(rows[0].silent_seconds, 31 * 60);
        assert_eq!((rows[0].per_minute.len(), rows[0].per_minute.iter().sum::<u32>()), (60, 29));
        assert_eq!(sources.silent_count(at(60)), 1);
    }

    #[test]
    fn a_source_without_a_name_is_its_peer_and_their_number_is_bounded() {
        let mut sources = Sources::default();
        let peer = "192.0.2.7:514".parse().ok();
        sources.note("relp", peer, &Event::new("x", at(0)));
        assert_eq!(sources.rows(at(0))[0].name, "192.0.2.7");
        for number in 0..SOURCES_MAX + 10 {
            sources.note("relp", None, &event(&format!("h{number}"), 1));
        }
        assert_eq!(sources.rows(at(1)).len(), SOURCES_MAX);
    }
}
