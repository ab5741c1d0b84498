//! What is known of the keys of structured lines, found once for each key and then by one look into a table.
//!
//! Devices send the same keys with every line. What follows from a key alone (its ECS name, the packs that map it, what it
//! is in a Windows event) is remembered with it, so that reading a line neither joins names nor asks one map after the other.
//! The table is bounded: a key that finds no room, or is seen for the first time, is worked out anew.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::ops::Deref;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use crate::model::Field;
use crate::model::Name;
use crate::parse::windows::Part;

/// Keys remembered at most; about half a kilobyte each.
const KEYS_MAX: usize = 1 << 14;
/// Places looked at for one key.
const PLACES_MAX: u64 = 4;
/// Keys whose first sight is remembered.
const SIGHTED_MAX: usize = 1 << 12;
/// A longer path is not remembered.
const PATH_BYTES_MAX: usize = 256;
/// The number of what is not in the table, and of what stands above the first keys.
const NOWHERE: u32 = u32::MAX;

/// What the packs of a set make of a key: their numbers, and the numbers of their targets.
#[derive(Debug, Clone, Default)]
pub(in crate::parse) struct Claims {
    /// The `[[recognise]]` tables the key is an anchor of.
    pub(in crate::parse) recognised_by: Box<[u16]>,
    /// Packs that map just this key, by number.
    pub(in crate::parse) mapped_by: Box<[(u16, u32)]>,
    /// Fallback packs that map it whatever its case and separators.
    pub(in crate::parse) well_known_to: Box<[(u16, u32)]>,
}

/// All that follows from a key.
#[derive(Debug, Clone)]
pub(in crate::parse) struct Facts {
    number: u32,
    parent: u32,
    /// The key within its object.
    last: SmallVec<[u8; 24]>,
    /// The key with the keys of the objects around it, joined by dots.
    path: Box<str>,
    name: Name<'static>,
    /// The number of a Windows event may stand under this key.
    pub(in crate::parse) names_event: bool,
    /// A dotted name of the table.
    pub(in crate::parse) is_ecs: bool,
    pub(in crate::parse) part: Part,
    pub(in crate::parse) claims: Claims,
}

impl Facts {
    fn new(number: u32, parent: Option<&Facts>, last: &str, claims: &dyn Fn(&str) -> Claims) -> Facts {
        let path: Box<str> = match parent {
            Some(parent) => [&parent.path, ".", last].concat().into(),
            None => last.into(),
        };
        let bare = path.rsplit('.').find(|part| !matches!(*part, "#text" | "Value" | "value")).unwrap_or(&path);
        let names_event = ["EventID", "event_id", "EventId", "EventCode", "eventID", "Id"].contains(&bare);
        Facts {
            number,
            parent: parent.map_or(NOWHERE, |parent| parent.number),
            last: SmallVec::from_slice(last.as_bytes()),
            name: Name::new(path.to_string()),
            names_event: names_event || &*path == "event.code",
            is_ecs: path.contains('.') && Field::from_name(&path).is_some(),
            part: Part::of(&path),
            claims: claims(&path),
            path,
        }
    }

    /// Returns the targets' number in the map of a pack.
    pub(in crate::parse) fn mapped_by(&self, pack: u16) -> Option<u32> {
        let mapped = &self.claims.mapped_by;
        mapped
            .binary_search_by_key(&pack, |(by, _)| *by)
            .ok()
            .and_then(|at| mapped.get(at))
            .map(|(_, targets)| *targets)
    }

    /// Returns the targets' number in the map of a fallback pack.
    pub(in crate::parse) fn well_known_to(&self, pack: u16) -> Option<u32> {
        self.claims.well_known_to.iter().find(|(by, _)| *by == pack).map(|(_, targets)| *targets)
    }
}

/// A key of a line. As text it is its path.
#[derive(Debug, Clone)]
pub(in crate::parse) enum Key<'a> {
    Known(&'a Facts),
    New(Box<Facts>),
}

impl<'a> Key<'a> {
    /// Works out a key without a table, and without any packs.
    pub(in crate::parse) fn alone(path: &str) -> Key<'a> {
        Key::New(Box::new(Facts::new(NOWHERE, None, path, &|_| Claims::default())))
    }

    /// Returns the path as a field's name.
    pub(in crate::parse) fn name(&self) -> Name<'a> {
        self.lend(|facts| Some(&facts.name)).unwrap_or(Name::Other(Cow::Borrowed("")))
    }

    /// Returns a name that stands in the facts: lent when they are remembered.
    pub(in crate::parse) fn lend(
        &self,
        which: impl for<'f> Fn(&'f Facts) -> Option<&'f Name<'static>>,
    ) -> Option<Name<'a>> {
        match self {
            Key::Known(facts) => which(facts).map(|name| match name {
                Name::Known(field) => Name::Known(*field),
                Name::Other(text) => Name::Other(Cow::Borrowed(text)),
            }),
            Key::New(facts) => which(facts).cloned(),
        }
    }

    /// Returns what is known of the key.
    pub(in crate::parse) fn facts(&self) -> &Facts {
        match self {
            Key::Known(facts) => facts,
            Key::New(facts) => facts,
        }
    }
}

impl Deref for Key<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.facts().path
    }
}

impl AsRef<str> for Key<'_> {
    fn as_ref(&self) -> &str {
        self
    }
}

/// The keys that were seen.
#[derive(Debug)]
pub(in crate::parse) struct Keys {
    places: Box<[OnceLock<Box<Facts>>]>,
    /// A key gets a place the second time it is seen: one that is made of a number never comes again.
    sighted: Box<[AtomicU32]>,
    hash: foldhash::fast::FixedState,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            places: (0..KEYS_MAX).map(|_| OnceLock::new()).collect(),
            sighted: (0..SIGHTED_MAX).map(|_| AtomicU32::new(0)).collect(),
            hash: foldhash::fast::FixedState::default(),
        }
    }
}

impl Keys {
    /// Finds a key of an object, or of the line itself; `claims` works out what the packs make of a path.
    pub(in crate::parse) fn find<'a>(
        &'a self,
        parent: Option<&Key<'a>>,
        last: &str,
        claims: &dyn Fn(&str) -> Claims,
    ) -> Key<'a> {
        let parent = parent.map(Key::facts);
        let number = parent.map_or(NOWHERE, |parent| parent.number);
        let is_rootless = parent.is_some() && number == NOWHERE;
        if !is_rootless && let Some(facts) = self.remembered(parent, number, last, claims) {
            return Key::Known(facts);
        }
        Key::New(Box::new(Facts::new(NOWHERE, parent, last, claims)))
    }

    fn remembered(
        &self,
        parent: Option<&Facts>,
        number: u32,
        last: &str,
        claims: &dyn Fn(&str) -> Claims,
    ) -> Option<&Facts> {
        let hash = self.hash.hash_one(last) ^ u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for step in 0..PLACES_MAX {
            let at = (hash.wrapping_add(step) % KEYS_MAX as u64) as usize;
            let place = self.places.get(at)?;
            let facts = match place.get() {
                Some(facts) => facts,
                None if self.is_worth_a_place(hash, parent, last) => {
                    place.get_or_init(|| Box::new(Facts::new(at as u32, parent, last, claims)))
                }
                None => return None,
            };
            if facts.parent == number && *facts.last == *last.as_bytes() {
                return Some(facts);
            }
        }
        None
    }

    fn is_worth_a_place(&self, hash: u64, parent: Option<&Facts>, last: &str) -> bool {
        let tag = (hash >> 32) as u32 | 1;
        let before = self.sighted.get(hash as usize % SIGHTED_MAX).map(|sighted| sighted.swap(tag, Ordering::Relaxed));
        let length = parent.map_or(0, |parent| parent.path.len()) + last.len();
        before == Some(tag) && length < PATH_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_remembered_from_its_second_sight_on() {
        let keys = Keys::default();
        let claims = |_: &str| Claims::default();
        let is_known = |key: &Key<'_>| matches!(key, Key::Known(_));
        let first = keys.find(None, "source", &claims);
        assert!(!is_known(&first) && !is_known(&keys.find(Some(&first), "ip", &claims)));
        let source = keys.find(None, "source", &claims);
        assert!(is_known(&source));
        for expected in [false, true, true] {
            let ip = keys.find(Some(&source), "ip", &claims);
            assert_eq!((&*ip, is_known(&ip), ip.facts().is_ecs), ("source.ip", expected, true));
            assert_eq!(ip.name(), Name::Known(crate::model::ecs::SOURCE_IP));
        }
    }

    #[test]
    fn a_flood_of_keys_is_bounded() {
        let keys = Keys::default();
        for number in 0..3 * KEYS_MAX {
            let name = format!("key-{number}");
            for _ in 0..2 {
                assert_eq!(&*keys.find(None, &name, &|_| Claims::default()), name);
            }
        }
        assert_eq!(keys.places.len(), KEYS_MAX);
        let long = "x".repeat(PATH_BYTES_MAX);
        assert!((0..3).all(|_| matches!(keys.find(None, &long, &|_| Claims::default()), Key::New(_))));
    }
}
