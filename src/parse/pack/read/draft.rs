//! An event in the making: later values replace earlier ones without a search for each, and what was inferred is noted.

use std::borrow::Cow;

use crate::model::Event;
use crate::model::Field;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::parse::pack::Hint;
use crate::parse::pack::read::trace::Trace;
use crate::parse::seen::Filling;
use crate::parse::seen::Seen;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;
use crate::parse::timestamp::Inferred;

/// Fields of one event at most; what a hostile line has beyond them is dropped, the raw line is kept whole anyway.
const FIELDS_MAX: usize = 1_000;
/// Names outside the table are looked for up to this many fields; past it a device's own repetition is kept.
const SEARCHED_MAX: usize = 64;

/// The event being made.
pub(in crate::parse::pack) struct Draft<'a> {
    pub(in crate::parse::pack) event: Event<'a>,
    pub(in crate::parse::pack) clock: Context,
    inferred: Inferred,
    pub(in crate::parse::pack) trace: Trace,
    seen: Seen,
}

impl<'a> Draft<'a> {
    pub(in crate::parse::pack) fn new(text: &'a str, hint: &Hint<'_>) -> Draft<'a> {
        Draft {
            event: Event::new(text, hint.received),
            clock: Context { received: hint.received, zone_offset_seconds: hint.zone_offset_seconds },
            inferred: Inferred::default(),
            trace: Trace::default(),
            seen: Seen::default(),
        }
    }

    /// Starts the event of a line within this one, which may live shorter.
    pub(in crate::parse::pack) fn within<'t>(&mut self, text: &'t str) -> Draft<'t>
    where
        'a: 't,
    {
        let mut inner = Draft {
            event: Event::new(text, self.event.ingested),
            clock: self.clock,
            inferred: self.inferred,
            trace: std::mem::take(&mut self.trace),
            seen: Seen::default(),
        };
        inner.event.timestamp = self.event.timestamp;
        // The program that wrote the line may be known from outside.
        if let Some(Value::Text(Cow::Borrowed(program))) = self.event.get(ecs::PROCESS_NAME) {
            inner.set(Name::Known(ecs::PROCESS_NAME), Value::from(*program));
        }
        inner
    }

    /// Copies what a line within this one gave, if something read it.
    pub(in crate::parse::pack) fn take(&mut self, mut inner: Draft<'_>, is_read: bool) {
        self.trace = inner.trace;
        if !is_read {
            return;
        }
        self.set_timestamp(inner.event.timestamp, inner.inferred);
        self.event.failure = inner.event.failure;
        self.event.logsource = Cow::Owned(inner.event.logsource.into_owned());
        for (name, value) in inner.event.fields.drain(..) {
            self.set(name.into_owned(), value.into_owned());
        }
    }

    /// Says whether a field has a value already.
    pub(in crate::parse::pack) fn has(&self, name: &Name<'_>) -> bool {
        match name {
            Name::Known(field) => self.has_known(*field),
            Name::Other(_) => self.event.fields.iter().any(|(have, _)| have == name),
        }
    }

    /// Returns the value of a field.
    pub(in crate::parse::pack) fn value(&self, name: &Name<'_>) -> Option<&Value<'a>> {
        match name {
            Name::Known(field) if !self.has_known(*field) => None,
            _ => self.event.fields.iter().find(|(have, _)| have == name).map(|(_, value)| value),
        }
    }

    pub(in crate::parse::pack) fn has_known(&self, field: Field) -> bool {
        self.seen.has(field)
    }

    /// Sets a field, replacing what it had; `@timestamp` becomes the event's time.
    pub(in crate::parse::pack) fn set(&mut self, name: Name<'a>, value: Value<'a>) {
        match &name {
            Name::Known(ecs::TIMESTAMP) => self.set_time(&value),
            Name::Other(_) if self.event.fields.len() > SEARCHED_MAX => {
                self.seen.note(&name);
                self.push(name, value);
            }
            _ if self.seen.note(&name) => self.push(name, value),
            _ => self.event.set(name, value),
        }
    }

    /// Sets a field of the table that has no value yet.
    pub(in crate::parse::pack) fn set_default(&mut self, field: Field, value: impl Into<Value<'a>>) {
        if !self.has_known(field) {
            self.set(Name::Known(field), value.into());
        }
    }

    /// Lends the event to another reader that fills it.
    pub(in crate::parse::pack) fn filling(&mut self) -> Filling<'_, 'a> {
        Filling { event: &mut self.event, seen: &mut self.seen }
    }

    /// Takes a field away.
    pub(in crate::parse::pack) fn remove(&mut self, name: &Name<'_>) {
        if let Name::Known(field) = name {
            if !self.has_known(*field) {
                return;
            }
            self.seen.forget(*field);
        }
        self.event.fields.retain(|(have, _)| have != name);
    }

    /// Sets the event's time from a value that is one, or from text or a number that reads as one.
    fn set_time(&mut self, value: &Value<'_>) {
        match value {
            Value::Time(time) => self.set_timestamp(*time, Inferred::default()),
            other => {
                if let Some(reading) = timestamp::detect_whole(&other.to_text(), self.clock) {
                    self.set_timestamp(reading.time, reading.inferred);
                }
            }
        }
    }

    /// Sets the event's time and what had to be supplied for it.
    pub(in crate::parse::pack) fn set_timestamp(&mut self, time: crate::model::Timestamp, inferred: Inferred) {
        self.event.timestamp = time;
        self.inferred = inferred;
    }

    /// Returns what had to be supplied for the event's time.
    pub(in crate::parse::pack) fn inferred(&self) -> Inferred {
        self.inferred
    }

    /// Returns the event, with what was inferred of its time.
    pub(in crate::parse::pack) fn finish(mut self) -> (Event<'a>, Trace) {
        let mut names = self.inferred.names();
        if let Some(first) = names.next() {
            let value = match names.next() {
                None => Value::from(first),
                Some(second) => {
                    let all = [first, second].into_iter().chain(names);
                    Value::List(all.map(|name| Value::Text(Cow::Borrowed(name))).collect())
                }
            };
            self.push(Name::Known(ecs::LONGAN_TIME_INFERRED), value);
        }
        (self.event, self.trace)
    }

    fn push(&mut self, name: Name<'a>, value: Value<'a>) {
        if self.event.fields.len() < FIELDS_MAX {
            self.event.fields.push((name, value));
        }
    }
}
