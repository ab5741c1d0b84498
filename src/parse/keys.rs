//! What is known of the keys of structured lines, found once for each key and then by one look into a table.
//!
//! Devices send the same keys with every line. What follows from a key alone (its ECS name, the packs that map it, what it
//! is in a Windows event) is remembered with it, so that reading a line neither joins names nor asks one map after the other.
//! The table is bounded: a key that finds no room, or is seen for the first time, is worked out anew.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::ops::Deref;
use std::sync::LazyLock;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use crate::model::Field;
use crate::model::Name;
use crate::parse::windows::Part;

/// Keys remembered at most; about half a kilobyte each.
const KEYS_MAX: usize = 1 << 14;
/// Places looked at for one key.
const PLACES_MAX: u64 = 16;
/// Bits that remember the first sight of a key, and how many of them are set before all are forgotten.
const SIGHTED_BITS: u64 = 1 << 18;
const SIGHTED_MAX: u32 = 1 << 15;
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

impl Claims {
    fn are_none(&self) -> bool {
        self.recognised_by.is_empty() && self.mapped_by.is_empty() && self.well_known_to.is_empty()
    }
}

/// All that follows from a key. A line's keys are read from cold memory, so it is two lines of the cache, and what most keys
/// do not have is elsewhere.
#[derive(Debug, Clone)]
pub(in crate::parse) struct Facts {
    number: u32,
    parent: u32,
    /// The key within its object.
    last: SmallVec<[u8; 24]>,
    /// The key with the keys of the objects around it, joined by dots.
    path: Box<str>,
    field: Option<Field>,
    /// The number of a Windows event may stand under this key.
    pub(in crate::parse) names_event: bool,
    /// A dotted name of the table.
    pub(in crate::parse) is_ecs: bool,
    /// What shippers and container runtimes call the line they wrap.
    pub(in crate::parse) names_line: bool,
    /// What packs make of the key, where one makes something of it.
    claims: Option<Box<Claims>>,
    /// What the key is in a Windows event, once somebody asked.
    part: OnceLock<Box<Part>>,
    /// The name under which the first pack that did not map the key keeps it, and the number of the pack.
    kept: OnceLock<Box<(u16, Name<'static>)>>,
}

/// The claims of a key that no pack knows.
static NO_CLAIMS: LazyLock<Claims> = LazyLock::new(Claims::default);

impl Facts {
    fn new(number: u32, parent: Option<&Facts>, last: &str, claims: &dyn Fn(&str) -> Claims) -> Facts {
        let path: Box<str> = match parent {
            Some(parent) => [&parent.path, ".", last].concat().into(),
            None => last.into(),
        };
        let bare = path.rsplit('.').find(|part| !matches!(*part, "#text" | "Value" | "value")).unwrap_or(&path);
        let names_event = ["EventID", "event_id", "EventId", "EventCode", "eventID", "Id"].contains(&bare);
        let field = Field::from_name(&path);
        let claims = claims(&path);
        Facts {
            number,
            parent: parent.map_or(NOWHERE, |parent| parent.number),
            last: SmallVec::from_slice(last.as_bytes()),
            field,
            names_event: names_event || &*path == "event.code",
            is_ecs: path.contains('.') && field.is_some(),
            names_line: matches!(&*path, "message" | "log" | "msg" | "MESSAGE" | "event.original"),
            claims: (!claims.are_none()).then(|| Box::new(claims)),
            part: OnceLock::new(),
            kept: OnceLock::new(),
            path,
        }
    }

    /// Returns what the packs make of the key.
    pub(in crate::parse) fn claims(&self) -> &Claims {
        self.claims.as_deref().unwrap_or(&NO_CLAIMS)
    }

    /// Returns what the key is in a Windows event.
    pub(in crate::parse) fn part(&self) -> &Part {
        self.part.get_or_init(|| Box::new(Part::of(&self.path)))
    }

    /// Returns the targets' number in the map of a pack.
    pub(in crate::parse) fn mapped_by(&self, pack: u16) -> Option<u32> {
        let mapped = &self.claims.as_deref()?.mapped_by;
        mapped
            .binary_search_by_key(&pack, |(by, _)| *by)
            .ok()
            .and_then(|at| mapped.get(at))
            .map(|(_, targets)| *targets)
    }

    /// Returns the targets' number in the map of a fallback pack.
    pub(in crate::parse) fn well_known_to(&self, pack: u16) -> Option<u32> {
        self.claims.as_deref()?.well_known_to.iter().find(|(by, _)| *by == pack).map(|(_, targets)| *targets)
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
        match self {
            Key::Known(Facts { field: Some(field), .. }) => Name::Known(*field),
            Key::Known(facts) => Name::Other(Cow::Borrowed(&facts.path)),
            Key::New(facts) => facts.field.map_or_else(|| Name::Other(facts.path.to_string().into()), Name::Known),
        }
    }

    /// Returns the name under which a pack keeps the key: behind the pack's prefix.
    pub(in crate::parse) fn kept_by(&self, pack: u16, prefix: &str) -> Name<'a> {
        let make = || Name::new([prefix, ".", &**self].concat());
        match self {
            Key::New(_) => make(),
            Key::Known(facts) => match &**facts.kept.get_or_init(|| Box::new((pack, make()))) {
                (by, name) if *by == pack => lend(name),
                _ => make(),
            },
        }
    }

    /// Returns the name under which a member of a Windows event's data is kept.
    pub(in crate::parse) fn member_name(&self) -> Option<Name<'a>> {
        match self {
            Key::Known(facts) => facts.part().as_data().map(|member| lend(&member.kept_as)),
            Key::New(facts) => facts.part().as_data().map(|member| member.kept_as.clone()),
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

fn lend<'a>(name: &'a Name<'static>) -> Name<'a> {
    match name {
        Name::Known(field) => Name::Known(*field),
        Name::Other(text) => Name::Other(Cow::Borrowed(text)),
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

/// A place of the table, at the beginning of a line of the cache.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Place(OnceLock<Facts>);

/// The keys that were seen.
#[derive(Debug)]
pub(in crate::parse) struct Keys {
    places: Box<[Place]>,
    /// A key gets a place the second time it is seen: one that is made of a number never comes again.
    sighted: Box<[AtomicU64]>,
    sighted_count: AtomicU32,
    hash: foldhash::fast::FixedState,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            places: (0..KEYS_MAX).map(|_| Place::default()).collect(),
            sighted: (0..SIGHTED_BITS / 64).map(|_| AtomicU64::new(0)).collect(),
            sighted_count: AtomicU32::new(0),
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
            let Place(place) = self.places.get(at)?;
            let facts = match place.get() {
                Some(facts) => facts,
                None if self.is_worth_a_place(hash, parent, last) => {
                    place.get_or_init(|| Facts::new(at as u32, parent, last, claims))
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
        let at = (hash >> 32) % SIGHTED_BITS;
        let (bit, word) = (1 << (at % 64), self.sighted.get((at / 64) as usize));
        let was_sighted = word.is_some_and(|word| word.fetch_or(bit, Ordering::Relaxed) & bit != 0);
        if !was_sighted && self.sighted_count.fetch_add(1, Ordering::Relaxed) >= SIGHTED_MAX {
            self.sighted_count.store(0, Ordering::Relaxed);
            self.sighted.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        }
        let length = parent.map_or(0, |parent| parent.path.len()) + last.len();
        was_sighted && length < PATH_BYTES_MAX
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
    fn a_place_is_two_lines_of_the_cache() {
        assert!(size_of::<Place>() <= 128, "{}", size_of::<Place>());
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
