//! Which fields an event has, so that setting a new one needs no search for an old one.

use crate::model::Event;
use crate::model::Field;
use crate::model::Name;
use crate::model::Value;

/// One bit for each field of the table that has a value, and a few for names outside it.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::parse) struct Seen {
    known: [u64; 16],
    /// A name whose bit is not set is not there; one whose bit is set may be.
    others: [u64; 4],
}

impl Seen {
    /// Looks through the fields of an event.
    pub(in crate::parse) fn of(event: &Event<'_>) -> Seen {
        let mut seen = Seen::default();
        for (name, _) in event.fields.iter() {
            seen.note(name);
        }
        seen
    }

    /// Says whether a field of the table has a value.
    pub(in crate::parse) fn has(&self, field: Field) -> bool {
        let (word, bit) = place(field.index());
        self.known.get(word).is_none_or(|bits| bits & bit != 0)
    }

    /// Notes a field and says whether it is surely new.
    pub(in crate::parse) fn note(&mut self, name: &Name<'_>) -> bool {
        let bits_and_place = match name {
            Name::Known(field) => {
                let (word, bit) = place(field.index());
                self.known.get_mut(word).zip(Some(bit))
            }
            Name::Other(name) => {
                let (word, bit) = place(mixed(name));
                self.others.get_mut(word).zip(Some(bit))
            }
        };
        let Some((bits, bit)) = bits_and_place else { return false };
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }

    /// Forgets a field of the table.
    pub(in crate::parse) fn forget(&mut self, field: Field) {
        let (word, bit) = place(field.index());
        if let Some(bits) = self.known.get_mut(word) {
            *bits &= !bit;
        }
    }
}

fn place(number: usize) -> (usize, u64) {
    (number / 64, 1 << (number % 64))
}

/// Mixes a name into a number below 256: names of one event mostly differ in length or at their end.
fn mixed(name: &str) -> usize {
    let bytes = name.as_bytes();
    let at = |place: usize| bytes.get(place).copied().map_or(0, usize::from);
    let end = at(bytes.len().wrapping_sub(1)) + 3 * at(bytes.len().wrapping_sub(3)) + 7 * at(bytes.len() / 2);
    (31 * bytes.len() + 13 * end) % 256
}

/// An event that is being filled, with what it has so far.
pub(in crate::parse) struct Filling<'f, 'a> {
    pub(in crate::parse) event: &'f mut Event<'a>,
    pub(in crate::parse) seen: &'f mut Seen,
}

impl<'a> Filling<'_, 'a> {
    /// Sets a field, replacing an earlier value.
    pub(in crate::parse) fn set(&mut self, name: impl Into<Name<'a>>, value: impl Into<Value<'a>>) {
        let name = name.into();
        match self.seen.note(&name) {
            true => self.event.push(name, value),
            false => self.event.set(name, value),
        }
    }

    /// Sets a field of the table unless it has a value.
    pub(in crate::parse) fn set_default(&mut self, field: Field, value: impl Into<Value<'a>>) {
        if !self.seen.has(field) {
            self.set(field, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::model::ecs;

    #[test]
    fn a_name_occurs_once_however_many_there_are() {
        let mut event = Event::new("", Timestamp(0));
        let mut seen = Seen::of(&event);
        for round in 0..2 {
            for number in 0..600 {
                let mut filling = Filling { event: &mut event, seen: &mut seen };
                filling.set(Name::new(format!("device.field{number}")), Value::Int(round));
                filling.set(ecs::USER_NAME, Value::Int(round));
                filling.set_default(ecs::HOST_NAME, Value::Int(round));
            }
        }
        assert_eq!(event.fields.len(), 602);
        assert_eq!(event.get(ecs::USER_NAME), Some(&Value::Int(1)));
        assert_eq!(event.get(ecs::HOST_NAME), Some(&Value::Int(0)));
        assert!(
            event.fields.iter().all(|(name, value)| *name == Name::Known(ecs::HOST_NAME) || *value == Value::Int(1))
        );
        let mut again = Seen::of(&event);
        assert!(again.has(ecs::USER_NAME) && !again.note(&Name::new("device.field7")));
        again.forget(ecs::USER_NAME);
        assert!(!again.has(ecs::USER_NAME));
    }
}
