//! Bodies made of keys and values: which grammar reads them, which pack they belong to, and where their values go.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::parse::pack::Packs;
use crate::parse::pack::compiled::Pack;
use crate::parse::pack::compiled::lend_name;
use crate::parse::pack::convert;
use crate::parse::pack::draft::Draft;
use crate::parse::pack::file::Read;
use crate::parse::pack::pattern::Convert;
use crate::parse::pack::pattern::Target;
use crate::parse::pack::tree::Scalar;
use crate::parse::structure;

/// Keys and values in the order of the line.
pub(super) type Pairs<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// Pairs of one line at most.
const PAIRS_MAX: usize = 2_000;

/// Reads a body by a grammar; `None` when it is not of that kind.
pub(super) fn read<'a>(grammar: Read, body: &'a str) -> Option<Pairs<'a>> {
    let mut pairs: Pairs<'a> = Vec::with_capacity(32);
    let mut out = |key: Cow<'a, str>, value: Value<'a>| {
        if pairs.len() < PAIRS_MAX {
            pairs.push((key, value));
        }
    };
    let read = match grammar {
        Read::Text => return None,
        Read::Json => structure::json::read(body, &mut out),
        Read::Pairs => structure::kv::read(body, &mut out),
        Read::Logfmt => structure::logfmt::read(body, &mut out),
        Read::Cef => structure::cef::read(body, &mut out),
        Read::Leef => structure::leef::read(body, &mut out),
        Read::Xml => structure::xml::read(body, &mut out),
        Read::Clf => structure::clf::read(body, &mut out),
        Read::Cri => structure::container::cri(body, &mut out),
    };
    (read.is_ok() && !pairs.is_empty()).then_some(pairs)
}

/// Returns the grammar a body's first bytes promise; key=value is not among them, it has no mark of its own.
pub(super) fn promised(body: &str) -> Option<Read> {
    let bytes = body.as_bytes();
    match bytes.first()? {
        b'{' => Some(Read::Json),
        b'C' if bytes.starts_with(b"CEF:") => Some(Read::Cef),
        b'L' if bytes.starts_with(b"LEEF:") => Some(Read::Leef),
        b'<' if bytes.starts_with(b"<Event") || bytes.starts_with(b"<?xml") => Some(Read::Xml),
        b'2' if bytes.get(10) == Some(&b'T') && memchr::memmem::find(bytes.get(..80)?, b" std").is_some() => {
            Some(Read::Cri)
        }
        _ => has_clf_time(bytes).then_some(Read::Clf),
    }
}

/// Says whether a date as access logs write it, `[14/Mar/2026:…`, follows the client.
fn has_clf_time(bytes: &[u8]) -> bool {
    let front = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    memchr::memchr(b'[', front).is_some_and(|at| {
        bytes.get(at + 3) == Some(&b'/') && bytes.get(at + 7) == Some(&b'/') && bytes.get(at + 12) == Some(&b':')
    })
}

/// Says whether a body begins with a key and an equals sign.
pub(super) fn begins_with_pair(body: &str) -> bool {
    let key = body
        .bytes()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        .count();
    key > 0 && body.as_bytes().get(key) == Some(&b'=')
}

/// Puts the pairs into the event as the pack says, its own map first, then that of the grammar's fallback.
pub(super) fn apply<'a>(draft: &mut Draft<'a>, packs: &'a Packs, pack: &'a Pack, pairs: Pairs<'a>) {
    let time = pack.time.as_ref().and_then(|source| joined_time(&source.from, &pairs).map(|text| (source, text)));
    let base = packs.fallback(pack.read).and_then(|id| packs.pack(id));
    let base = base.filter(|base| pack.inherit && base.name != pack.name);
    let is_fallback = packs.fallback(pack.read).and_then(|id| packs.pack(id)).is_some_and(|own| own.name == pack.name);
    let mut later: SmallVec<[(&'a Pack, &'a [Target], Value<'a>); 16]> = SmallVec::new();
    for (key, value) in pairs {
        if is_nothing(pack, &value) {
            continue;
        }
        let own = if is_fallback { pack.map.get(&*squash(&key)) } else { pack.map.get(&*key) };
        if let Some(targets) = own {
            if is_fallback {
                later.push((pack, targets, value));
            } else {
                put_all(draft, packs, pack, targets, value);
            }
        } else if let Some((base, targets)) = base.and_then(|base| Some((base, base.map.get(&*squash(&key))?))) {
            later.push((base, targets, value));
        } else if pack.keep_unmapped {
            draft.set(kept_name(pack, key), value);
        }
    }
    // Of several keys that mean the same, the pack's own wins, then the first of the line.
    for (owner, targets, value) in later {
        for target in targets {
            if target.names.iter().all(|name| !draft.has(name)) {
                put_one(draft, packs, owner, target, value.clone());
            }
        }
    }
    if let Some((source, text)) = time {
        for name in &source.target.names {
            let value = convert::time_of(draft, &source.target.convert, &text);
            if let Some((time, inferred)) = value {
                match name {
                    Name::Known(ecs::TIMESTAMP) => draft.set_timestamp(time, inferred),
                    _ => draft.set(lend_name(name), Value::Time(time)),
                }
            }
        }
    }
}

fn put_all<'a>(draft: &mut Draft<'a>, packs: &'a Packs, pack: &'a Pack, targets: &'a [Target], value: Value<'a>) {
    for target in targets {
        put_one(draft, packs, pack, target, value.clone());
    }
}

fn put_one<'a>(draft: &mut Draft<'a>, packs: &'a Packs, pack: &'a Pack, target: &'a Target, value: Value<'a>) {
    match (&target.convert, value) {
        (Convert::Pairs | Convert::Json, Value::Text(text)) => nested(draft, packs, pack, target, text),
        (_, value) => convert::put(draft, pack, target, value),
    }
}

/// Reads a value that holds pairs or JSON itself; its keys go through the same map.
pub(super) fn nested<'a>(
    draft: &mut Draft<'a>,
    packs: &'a Packs,
    pack: &'a Pack,
    target: &'a Target,
    text: Cow<'a, str>,
) {
    let grammar = if target.convert == Convert::Json { Read::Json } else { Read::Pairs };
    // Text that was unescaped lives only here, so it is read no further than its pairs.
    let pairs = match &text {
        Cow::Borrowed(text) => read(grammar, text),
        Cow::Owned(text) => read(grammar, text).map(|pairs| {
            let own = |(key, value): (Cow<'_, str>, Value<'_>)| (Cow::Owned(key.into_owned()), value.into_owned());
            pairs.into_iter().map(own).collect()
        }),
    };
    for (key, value) in pairs.unwrap_or_default() {
        if is_nothing(pack, &value) {
            continue;
        }
        let targets = pack.map.get(&*key);
        match targets {
            // One level: what is nested in nested pairs stays as it is.
            Some(targets) => targets.iter().for_each(|target| convert::put(draft, pack, target, value.clone())),
            None => {
                let base = packs
                    .fallback(grammar)
                    .and_then(|id| packs.pack(id))
                    .filter(|_| pack.inherit || pack.read == Read::Text);
                match base.and_then(|base| Some((base, base.map.get(&*squash(&key))?))) {
                    Some((base, targets)) => {
                        for target in targets
                            .iter()
                            .filter(|target| !target.names.iter().any(|name| draft.has(name)))
                            .collect::<SmallVec<[&Target; 2]>>()
                        {
                            convert::put(draft, base, target, value.clone());
                        }
                    }
                    None if pack.keep_unmapped => draft.set(kept_name(pack, key), value),
                    None => {}
                }
            }
        }
    }
    for name in &target.names {
        convert::put_value(draft, pack, name, Value::Text(text.clone()));
    }
}

/// Names a key the pack does not map: as the device wrote it, behind the pack's prefix.
fn kept_name<'a>(pack: &'a Pack, key: Cow<'a, str>) -> Name<'a> {
    match pack.prefix.as_str() {
        "" => Name::new(key),
        prefix => Name::new(format!("{prefix}.{key}")),
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
        let Some((_, value)) = pairs.iter().find(|(have, _)| have == key) else { continue };
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(&value.to_text());
    }
    (!joined.is_empty()).then_some(joined)
}

/// Strips a key of case and separators, so that `src_ip`, `srcIp` and `SrcIP` are one.
pub(super) fn squash(key: &str) -> SmallString {
    let mut bytes = SmallVec::new();
    for byte in key.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b'.' | b' ' | b'@')).take(96) {
        bytes.push(byte.to_ascii_lowercase());
    }
    SmallString(bytes)
}

/// A short text on the stack.
pub(super) struct SmallString(SmallVec<[u8; 48]>);

impl std::ops::Deref for SmallString {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Puts a scalar text where the pack's map sends a key; for columns of separated values.
pub(super) fn put_column<'a>(draft: &mut Draft<'a>, pack: &'a Pack, target: &'a Target, text: Cow<'a, str>) {
    convert::put_text(draft, pack, target, text, Scalar::None);
}
