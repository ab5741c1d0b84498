//! Bodies made of keys and values: which grammar reads them, which pack they belong to, and where their values go.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::parse::keys::Key;
use crate::parse::pack::Packs;
use crate::parse::pack::file::Read;
use crate::parse::pack::pattern::Convert;
use crate::parse::pack::pattern::Target;
use crate::parse::pack::read::convert;
use crate::parse::pack::read::draft::Draft;
use crate::parse::pack::read::pairs::Pairs;
use crate::parse::pack::set::compiled::Pack;
use crate::parse::pack::set::compiled::lend_name;
use crate::parse::structure;

/// Pairs of one line at most.
const PAIRS_MAX: usize = 2_000;

impl<'a> structure::json::Paths<'a> for &'a Packs {
    type Key = Key<'a>;

    fn key(&self, parent: Option<&Key<'a>>, name: Cow<'a, str>) -> Key<'a> {
        self.keys.find(parent, &name, &|path| self.claims(path))
    }
}

impl Packs {
    /// Finds what is known of a key of a line.
    fn key<'a>(&'a self, path: &str) -> Key<'a> {
        self.keys.find(None, path, &|path| self.claims(path))
    }
}

/// Reads a body by a grammar; `None` when it is not of that kind.
pub(in crate::parse::pack) fn read<'a>(packs: &'a Packs, grammar: Read, body: &'a str) -> Option<Pairs<'a>> {
    let mut pairs = Pairs::new();
    if grammar == Read::Json {
        structure::json::read_keys(body, &packs, &mut pairs).ok()?;
        return (!pairs.is_empty()).then_some(pairs);
    }
    let mut out = |key: Cow<'a, str>, value: Value<'a>| {
        if pairs.len() < PAIRS_MAX {
            pairs.push((packs.key(&key), value));
        }
    };
    let read = match grammar {
        Read::Text | Read::Json => return None,
        Read::Pairs => structure::kv::read(body, &mut out),
        Read::Tags => structure::tagged::read(body, &mut out),
        Read::Logfmt => structure::logfmt::read(body, &mut out),
        Read::Cef => structure::cef::read(body, &mut out),
        Read::Leef => structure::leef::read(body, &mut out),
        Read::Xml => structure::xml::read(body, &mut out),
        Read::Clf => structure::clf::read(body, &mut out),
        Read::W3c => structure::w3c::read(body, &mut out),
        Read::Cri => structure::container::cri(body, &mut out),
    };
    (read.is_ok() && !pairs.is_empty()).then_some(pairs)
}

/// Returns the grammar a body's first bytes promise; key=value is not among them, it has no mark of its own.
pub(in crate::parse::pack) fn promised(body: &str) -> Option<Read> {
    let bytes = body.as_bytes();
    match bytes.first()? {
        b'{' => Some(Read::Json),
        b'C' if bytes.starts_with(b"CEF:") => Some(Read::Cef),
        b'L' if bytes.starts_with(b"LEEF:") => Some(Read::Leef),
        b'<' if bytes.starts_with(b"<Event") || bytes.starts_with(b"<?xml") => Some(Read::Xml),
        b'2' if bytes.get(10) == Some(&b'T')
            && memchr::memmem::find(bytes.get(..bytes.len().min(80))?, b" std").is_some() =>
        {
            Some(Read::Cri)
        }
        b'2' if begins_with_date(bytes) => Some(Read::W3c),
        _ => has_clf_time(bytes).then_some(Read::Clf),
    }
}

/// Returns a structure that begins after some text, and where: `agent says CEF:0|…`, `app: {"a":1}`.
pub(in crate::parse::pack) fn embedded(body: &str) -> Option<(Read, usize)> {
    let bytes = body.as_bytes();
    let find = |mark: &str| memchr::memmem::find(bytes, mark.as_bytes());
    if let Some(at) = find("CEF:0|").or_else(|| find("CEF:1|")) {
        return Some((Read::Cef, at));
    }
    if let Some(at) = find("LEEF:") {
        return Some((Read::Leef, at));
    }
    (bytes.last() == Some(&b'}'))
        .then(|| memchr::memchr_iter(b'{', bytes).find(|at| opens_object(bytes, *at)))
        .flatten()
        .map(|at| (Read::Json, at))
}

/// Says whether a line begins `2026-03-14 09:26:53 ` and goes on with an address, as IIS writes.
fn begins_with_date(bytes: &[u8]) -> bool {
    let is = |at: usize, wanted: u8| bytes.get(at) == Some(&wanted);
    let goes_on = bytes.get(20).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b':');
    is(4, b'-') && is(7, b'-') && is(10, b' ') && is(13, b':') && is(16, b':') && is(19, b' ') && goes_on
}

/// Says whether a body begins as a JSON object does.
pub(in crate::parse::pack) fn is_object(body: &str) -> bool {
    body.starts_with('{') && opens_object(body.as_bytes(), 0)
}

/// Says whether a brace opens a JSON object: a name in quotation marks follows.
fn opens_object(bytes: &[u8], brace: usize) -> bool {
    let after = bytes.get(brace + 1..).unwrap_or_default();
    after.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'"')
}

/// Says whether a date as access logs write it, `[14/Mar/2026:…`, follows the client.
fn has_clf_time(bytes: &[u8]) -> bool {
    let front = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    // A name may have brackets of its own.
    memchr::memchr_iter(b'[', front).take(4).any(|at| {
        // `vhost client - user [`: more words before it are a syslog header.
        let words = front.iter().take(at).filter(|byte| **byte == b' ').count();
        words <= 5
            && bytes.get(at + 3) == Some(&b'/')
            && bytes.get(at + 7) == Some(&b'/')
            && bytes.get(at + 12) == Some(&b':')
    })
}

/// Says whether keys and values may be a Windows event, by a key that names the event's number.
pub(in crate::parse::pack) fn may_be_windows(grammar: Read, pairs: &Pairs<'_>) -> bool {
    grammar == Read::Xml || grammar == Read::Json && pairs.iter().any(|(key, _)| key.facts().names_event)
}

/// Says whether a body begins with a key and an equals sign.
pub(in crate::parse::pack) fn begins_with_pair(body: &str) -> bool {
    let key = body
        .bytes()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        .count();
    key > 0 && body.as_bytes().get(key) == Some(&b'=')
}

/// Values of keys the pack itself does not map, until its own are all in place.
type Later<'a> = SmallVec<[(&'a Pack, &'a [Target], Value<'a>); 16]>;

/// Pairs within pairs are read this deep.
const NESTING_MAX: usize = 2;

/// Puts the pairs into the event as the pack says: its own map first, then that of its grammar, then the well-known keys.
pub(in crate::parse::pack) fn apply<'a>(
    draft: &mut Draft<'a>,
    packs: &'a Packs,
    pack: &'a Pack,
    grammar: Read,
    pairs: Pairs<'a>,
) {
    let time = pack.time.as_ref().and_then(|source| Some((source, joined_time(&source.from, &pairs)?)));
    distribute(draft, packs, pack, grammar, pairs, 0);
    if let Some((source, text)) = time
        && let Some((time, inferred)) = convert::time_of(draft, &source.target.convert, &text)
    {
        for name in &source.target.names {
            match name {
                Name::Known(ecs::TIMESTAMP) => draft.set_timestamp(time, inferred),
                _ => draft.set(lend_name(name), Value::Time(time)),
            }
        }
    }
}

fn distribute<'a>(
    draft: &mut Draft<'a>,
    packs: &'a Packs,
    pack: &'a Pack,
    grammar: Read,
    mut pairs: Pairs<'a>,
    depth: usize,
) {
    let bases = bases(packs, pack, grammar);
    let is_own = |base: &&Pack| base.name == pack.name;
    let reads_squashed = bases.first().is_some_and(is_own);
    let mut later = Later::new();
    for (key, value) in pairs.drain(..) {
        if is_nothing(pack, &value) {
            continue;
        }
        let own = if reads_squashed { None } else { key.facts().mapped_by(pack.id) };
        if let Some(number) = own {
            if let Some((last, others)) = pack.targets(number).split_last() {
                for target in others {
                    put_one(draft, packs, pack, target, value.clone(), depth);
                }
                put_one(draft, packs, pack, last, value, depth);
            }
        } else if let Some((base, targets)) = well_known(&bases, &key) {
            later.push((base, targets, value));
        } else if pack.keep_unmapped {
            draft.set(kept_name(pack, &key), value);
        }
    }
    // Of several keys that mean the same, the pack's own wins, then the first of the line.
    for (owner, targets, value) in later {
        for target in targets {
            if target.names.is_empty() || target.names.iter().all(|name| !draft.has(name)) {
                put_one(draft, packs, owner, target, value.clone(), depth);
            }
        }
    }
}

/// Puts the value of one key where the pack's own map says, if it does.
pub(super) fn put_mapped<'a>(draft: &mut Draft<'a>, packs: &'a Packs, pack: &'a Pack, key: &str, value: &Value<'a>) {
    if is_nothing(pack, value) {
        return;
    }
    let number = pack.map.get(key).copied();
    for target in number.map(|number| pack.targets(number)).unwrap_or_default() {
        put_one(draft, packs, pack, target, value.clone(), 0);
    }
}

/// Returns the packs whose maps stand behind the pack's own: that of the grammar, and the well-known keys.
fn bases<'a>(packs: &'a Packs, pack: &Pack, grammar: Read) -> SmallVec<[&'a Pack; 2]> {
    let mut bases = SmallVec::new();
    if pack.inherit {
        for read in [grammar, Read::Text] {
            bases.extend(packs.fallback(read).and_then(|id| packs.pack(id)));
        }
    }
    bases
}

fn well_known<'a>(bases: &[&'a Pack], key: &Key<'_>) -> Option<(&'a Pack, &'a [Target])> {
    let facts = key.facts();
    if facts.claims().well_known_to.is_empty() {
        return None;
    }
    // A dotted ECS name means itself, unless the grammar says otherwise: `client.ip` is not `source.ip`.
    let mut knowing = bases.iter().filter(|base| !(facts.is_ecs && base.read.contains(&Read::Text)));
    knowing.find_map(|base| Some((*base, base.targets(facts.well_known_to(base.id)?))))
}

fn put_one<'a>(
    draft: &mut Draft<'a>,
    packs: &'a Packs,
    pack: &'a Pack,
    target: &'a Target,
    value: Value<'a>,
    depth: usize,
) {
    match (&target.convert, value) {
        (Convert::Pairs | Convert::Labels | Convert::Tags | Convert::Json, Value::Text(text))
            if depth < NESTING_MAX =>
        {
            nested(draft, packs, pack, target, text, depth + 1);
        }
        (_, value) => convert::put(draft, pack, target, value),
    }
}

/// Reads a value that holds pairs or JSON itself; its keys go through the same maps.
pub(in crate::parse::pack) fn nested<'a>(
    draft: &mut Draft<'a>,
    packs: &'a Packs,
    pack: &'a Pack,
    target: &'a Target,
    text: Cow<'a, str>,
    depth: usize,
) {
    let grammar = match target.convert {
        Convert::Json => Read::Json,
        Convert::Tags => Read::Tags,
        _ => Read::Pairs,
    };
    let is_labels = target.convert == Convert::Labels;
    let pairs = match &text {
        Cow::Borrowed(text) => read_nested(packs, grammar, is_labels, text),
        // Text that was unescaped lives only here, so its pairs are copied.
        Cow::Owned(text) => read_nested(packs, grammar, is_labels, text).map(|mut pairs| {
            let mut owned = Pairs::new();
            let own = |(key, value): (Key<'_>, Value<'_>)| (packs.key(&key), value.into_owned());
            owned.extend(pairs.drain(..).map(own));
            owned
        }),
    };
    if let Some(pairs) = pairs {
        distribute(draft, packs, pack, grammar, pairs, depth);
    }
    for name in &target.names {
        convert::put_value(draft, pack, name, Value::Text(text.clone()));
    }
}

fn read_nested<'a>(packs: &'a Packs, grammar: Read, is_labels: bool, text: &'a str) -> Option<Pairs<'a>> {
    if !is_labels {
        return read(packs, grammar, text);
    }
    let mut pairs = Pairs::new();
    structure::labels::read(text, &mut |key, value| pairs.push((packs.key(&key), value))).ok()?;
    Some(pairs)
}

/// Names a key the pack does not map: as the device wrote it, behind the pack's prefix.
fn kept_name<'a>(pack: &'a Pack, key: &Key<'a>) -> Name<'a> {
    match pack.prefix.as_str() {
        "" => key.name(),
        prefix => key.kept_by(pack.id, prefix),
    }
}

fn is_nothing(pack: &Pack, value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => pack.means_absent(text),
        Value::List(items) => items.is_empty(),
        _ => false,
    }
}

/// Joins the values of the keys that together are the time, such as `date`, `time` and `tz`.
fn joined_time(keys: &[String], pairs: &Pairs<'_>) -> Option<String> {
    let mut joined = String::new();
    for key in keys {
        let Some((_, value)) = pairs.iter().find(|(have, _)| **have == **key) else { continue };
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(&value.to_text());
    }
    (!joined.is_empty()).then_some(joined)
}

/// Strips a key of case and separators, so that `src_ip`, `srcIp` and `SrcIP` are one.
pub(in crate::parse::pack) fn squash(key: &str) -> SmallString {
    let mut bytes = SmallVec::new();
    for byte in key.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b'.' | b' ' | b'@')).take(96) {
        bytes.push(byte.to_ascii_lowercase());
    }
    SmallString(bytes)
}

/// A short text on the stack.
pub(in crate::parse::pack) struct SmallString(SmallVec<[u8; 48]>);

impl std::ops::Deref for SmallString {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}
