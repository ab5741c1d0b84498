//! The way of one line: header, then the pack that knows the content, then its patterns or keys.

mod audit;
mod columns;
mod convert;
mod draft;
mod pairs;
mod pieces;
pub(in crate::parse::pack) mod structured;
mod syslog;
pub(in crate::parse::pack) mod trace;

use std::borrow::Cow;

use crate::model::Event;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::model::event::ParseFailure;
use crate::parse::header;
use crate::parse::header::Header;
use crate::parse::pack::Hint;
use crate::parse::pack::Packs;
use crate::parse::pack::file::Condition;
use crate::parse::pack::file::Read;
use crate::parse::pack::pattern::Convert;
use crate::parse::pack::read::columns::Columns;
use crate::parse::pack::read::draft::Draft;
use crate::parse::pack::read::pairs::Pairs;
use crate::parse::pack::read::pieces::Pieces;
use crate::parse::pack::read::trace::Step;
use crate::parse::pack::read::trace::Trace;
use crate::parse::pack::set::compiled::Leaf;
use crate::parse::pack::set::compiled::Pack;
use crate::parse::pack::set::compiled::PackId;
use crate::parse::pack::set::compiled::lend_name;
use crate::parse::pack::set::compiled::lend_value;
use crate::parse::pack::set::glob;
use crate::parse::pack::set::index::Content;
use crate::parse::pack::tree::Captures;
use crate::parse::pack::tree::LeafId;
use crate::parse::pack::tree::RootId;
use crate::parse::windows;

/// Lines within lines are read this deep.
const NESTING_MAX: usize = 3;

/// Reads one line into an event.
pub(in crate::parse::pack) fn line<'a>(packs: &'a Packs, text: &'a str, hint: &Hint<'_>) -> Event<'a> {
    read(packs, Draft::new(text, hint), hint, text).0
}

/// Reads one line and notes how it was read.
pub(in crate::parse::pack) fn explained<'a>(
    packs: &'a Packs,
    text: &'a str,
    hint: &Hint<'_>,
) -> (Event<'a>, Vec<Step>) {
    let mut draft = Draft::new(text, hint);
    draft.trace.begin();
    let (event, trace) = read(packs, draft, hint, text);
    (event, trace.into_steps())
}

fn read<'a>(packs: &'a Packs, mut draft: Draft<'a>, hint: &Hint<'_>, text: &'a str) -> (Event<'a>, Trace) {
    let reader = Reader { packs };
    let pinned = hint.format.and_then(|name| packs.find(name)).and_then(|id| Some((id, packs.pack(id)?)));
    let read = match pieces::of(text, draft.clock) {
        Pieces::One => reader.one(&mut draft, pinned, text),
        Pieces::Lines(whole) => reader.copied_one(&mut draft, pinned, &whole),
        Pieces::Audit(records) => reader.records(&mut draft, pinned, &records) || reader.one(&mut draft, pinned, text),
    };
    if !read && draft.event.failure.is_none() {
        draft.event.failure = Some(ParseFailure::Unrecognised);
        draft.trace.note(|| Step::Unrecognised);
    }
    draft.finish()
}

#[derive(Clone, Copy)]
struct Reader<'p> {
    packs: &'p Packs,
}

impl<'a> Reader<'a> {
    /// Reads a message as the pack its input names, or as whatever it says it is.
    fn one(self, draft: &mut Draft<'a>, pinned: Option<(PackId, &'a Pack)>, text: &'a str) -> bool {
        match pinned {
            Some((id, pack)) => self.pinned(draft, id, pack, text),
            None => self.line(draft, text, 0),
        }
    }

    /// Reads a message that stands only in a buffer about to go.
    fn copied_one(self, draft: &mut Draft<'a>, pinned: Option<(PackId, &'a Pack)>, text: &str) -> bool {
        let mut inner = draft.within(text);
        let reader: Reader<'_> = self;
        let is_read = reader.one(&mut inner, pinned, text);
        let parser = inner.event.parser.and_then(|name| self.packs.find(name)).and_then(|id| self.packs.pack(id));
        draft.event.parser = parser.map(|pack| pack.name.as_str());
        // What the header says is there in any case.
        draft.take(inner, true);
        is_read
    }

    /// Reads each record of an audit event and puts them together; false when not all are records to the one who reads them.
    fn records(self, draft: &mut Draft<'a>, pinned: Option<(PackId, &'a Pack)>, records: &[&'a str]) -> bool {
        let mut events = Vec::with_capacity(records.len());
        let mut times = Vec::with_capacity(records.len());
        for record in records {
            let mut inner = draft.within(record);
            let is_read = self.one(&mut inner, pinned, record);
            draft.trace = std::mem::take(&mut inner.trace);
            if !is_read || inner.event.parser.is_none() || inner.event.failure.is_some() {
                return false;
            }
            times.push((inner.event.timestamp, inner.inferred()));
            events.push(inner.event);
        }
        let leader = audit::leader(&events);
        let parser = events.get(leader).and_then(|event| event.parser);
        if events.iter().any(|event| event.parser != parser) {
            return false;
        }
        if let Some((time, inferred)) = times.get(leader) {
            draft.set_timestamp(*time, *inferred);
        }
        draft.event.parser = parser;
        audit::put(draft, events);
        true
    }

    /// Reads a line, or a line within a line; says whether something recognised its content.
    fn line(self, draft: &mut Draft<'a>, text: &'a str, depth: usize) -> bool {
        let text = text.trim_ascii_end();
        let has_pri = text.as_bytes().first() == Some(&b'<') && text.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        if !has_pri && self.content(draft, None, text, depth) {
            draft.set_default(ecs::MESSAGE, text);
            return true;
        }
        if depth > 0 {
            return self.inner(draft, text, depth);
        }
        let (header, body) = self.header(draft, text);
        draft.set(Name::Known(ecs::MESSAGE), Value::from(body));
        let is_new = has_pri || body.len() != text.len();
        (is_new && self.content(draft, header.app_name, body, depth))
            || self.weaker(draft, header.app_name, body, depth)
    }

    /// Reads the rest of a line within a line: what is around it may have named the program, and only a header with a
    /// time or a PRI is believed over that.
    fn inner(self, draft: &mut Draft<'a>, text: &'a str, depth: usize) -> bool {
        let header = header::read(text, draft.clock.received, draft.clock.zone_offset_seconds);
        let (app_name, body) = if header.pri.is_some() || header.timestamp.is_some() {
            let (header, body) = self.header(draft, text);
            (header.app_name, body)
        } else {
            let outer = draft.event.get(ecs::PROCESS_NAME).and_then(|name| match name {
                Value::Text(Cow::Borrowed(name)) => Some(*name),
                _ => None,
            });
            (outer, text)
        };
        draft.set(Name::Known(ecs::MESSAGE), Value::from(body));
        self.content(draft, app_name, body, depth) || self.weaker(draft, app_name, body, depth)
    }

    /// Reads a line within a line, lent by the outer one or unescaped from it.
    fn wrapped_line(self, draft: &mut Draft<'a>, text: Cow<'a, str>, depth: usize) -> bool {
        draft.trace.note(|| Step::Within { text: text.clone().into_owned() });
        match text {
            Cow::Borrowed(text) => self.line(draft, text, depth),
            Cow::Owned(text) => self.copied_line(draft, &text, depth),
        }
    }

    /// Reads a line that stands only in a buffer about to go, so what it gives is copied into the event.
    fn copied_line(self, draft: &mut Draft<'a>, text: &str, depth: usize) -> bool {
        let mut inner = draft.within(text);
        let reader: Reader<'_> = self;
        let is_read = reader.line(&mut inner, text, depth);
        let parser = inner.event.parser.and_then(|name| self.packs.find(name)).and_then(|id| self.packs.pack(id));
        if is_read {
            draft.event.parser = parser.map(|pack| pack.name.as_str()).or(draft.event.parser);
        }
        draft.take(inner, is_read);
        is_read
    }

    /// Reads the line as the pack its input names.
    fn pinned(self, draft: &mut Draft<'a>, id: PackId, pack: &'a Pack, text: &'a str) -> bool {
        let text = text.trim_ascii_end();
        if self.with_pack(draft, id, pack, text, 0) {
            draft.set_default(ecs::MESSAGE, text);
            return true;
        }
        let (_, body) = self.header(draft, text);
        draft.set(Name::Known(ecs::MESSAGE), Value::from(body));
        if !self.with_pack(draft, id, pack, body, 0) {
            self.uncovered(draft, pack);
        }
        true
    }

    /// Reads the syslog header into its fields and returns it with the content.
    fn header(self, draft: &mut Draft<'a>, text: &'a str) -> (Header<'a>, &'a str) {
        let mut header = header::read(text, draft.clock.received, draft.clock.zone_offset_seconds);
        let mut body = header.body;
        // `CEF:0|…` and `%ASA-6-302013: …` look like a program and its message, but are the content.
        if let Some(app_name) = header.app_name
            && (app_name.starts_with('%') || matches!(app_name, "CEF" | "LEEF"))
        {
            let start = app_name.as_ptr().addr().saturating_sub(text.as_ptr().addr());
            body = text.get(start..).unwrap_or(body);
            header.app_name = None;
        }
        let body = body.trim_ascii_start();
        draft.trace.note(|| Step::Header {
            format: header.format,
            app_name: header.app_name.map(str::to_owned),
            hostname: header.hostname.map(str::to_owned),
            has_time: header.timestamp.is_some(),
            body: body.to_owned(),
        });
        syslog::put(draft, &header);
        (header, body)
    }

    /// Tries what says by itself whose content it is: the program, how it begins, a pattern, a structure.
    fn content(self, draft: &mut Draft<'a>, app_name: Option<&str>, body: &'a str, depth: usize) -> bool {
        let content = Content { app_name, body, pairs: &[] };
        if self.by_matching(draft, "program", &self.packs.index.by_app_name(content), body, depth)
            || self.by_matching(draft, "prefix", &self.packs.index.by_prefix(content), body, depth)
        {
            return true;
        }
        // An object is no word of a sentence: a pattern that begins with any word would look for its end in all of it.
        let mut captures = Captures::new();
        let found = match structured::is_object(body) {
            true => self.packs.tree.walk_literal(self.packs.open_root, body, draft.clock, &mut captures),
            false => self.packs.tree.walk(self.packs.open_root, body, draft.clock, &mut captures),
        };
        if let Some(leaf) = found {
            self.take(draft, leaf, &captures, body, depth);
            return true;
        }
        match structured::promised(body) {
            Some(grammar) => self.structured(draft, app_name, grammar, body, depth),
            None => false,
        }
    }

    /// Tries what could be a coincidence: pairs, literals within, and packs that know the program but not this message.
    fn weaker(self, draft: &mut Draft<'a>, app_name: Option<&str>, body: &'a str, depth: usize) -> bool {
        let content = Content { app_name, body, pairs: &[] };
        if self.by_matching(draft, "literal", &self.packs.index.by_literal(content), body, depth) {
            return true;
        }
        let mut claimed = self.packs.index.by_app_name(content);
        claimed.extend(self.packs.index.by_prefix(content));
        if claimed.is_empty() && structured::begins_with_pair(body) {
            return self.structured(draft, app_name, Read::Pairs, body, depth);
        }
        claimed.extend(self.packs.index.by_literal(content));
        if let Some(pack) = claimed.first().and_then(|id| self.packs.pack(*id)) {
            self.uncovered(draft, pack);
            return true;
        }
        let Some((grammar, at)) = structured::embedded(body) else { return false };
        body.get(at..).is_some_and(|tail| self.structured(draft, app_name, grammar, tail, depth))
    }

    fn by_matching(
        self,
        draft: &mut Draft<'a>,
        by: &'static str,
        candidates: &[PackId],
        body: &'a str,
        depth: usize,
    ) -> bool {
        if !candidates.is_empty() {
            draft.trace.note(|| Step::Candidates { by, packs: self.names(candidates) });
        }
        candidates
            .iter()
            .any(|id| self.packs.pack(*id).is_some_and(|pack| self.with_pack(draft, *id, pack, body, depth)))
    }

    fn names(self, packs: &[PackId]) -> Vec<String> {
        packs.iter().filter_map(|id| self.packs.pack(*id)).map(|pack| pack.name.clone()).collect()
    }

    /// Reads the content as one pack's, by its patterns or its grammar.
    fn with_pack(self, draft: &mut Draft<'a>, id: PackId, pack: &'a Pack, body: &'a str, depth: usize) -> bool {
        let mut captures = Captures::new();
        if let Some(root) = pack.root
            && let Some(leaf) = self.packs.tree.walk(root, body, draft.clock, &mut captures)
        {
            self.take(draft, leaf, &captures, body, depth);
            return true;
        }
        for grammar in pack.read.iter().copied() {
            if let Some(pairs) = structured::read(self.packs, grammar, body) {
                self.take_pairs(draft, id, grammar, pairs, depth);
                return true;
            }
        }
        false
    }

    /// Reads the content by a grammar and gives it to the pack that claims its keys, or to the grammar's fallback.
    fn structured(
        self,
        draft: &mut Draft<'a>,
        app_name: Option<&str>,
        grammar: Read,
        body: &'a str,
        depth: usize,
    ) -> bool {
        let Some(mut pairs) = structured::read(self.packs, grammar, body) else { return false };
        let claimed = self.packs.index.by_keys(Content { app_name, body, pairs: &pairs });
        let claimed = claimed.filter(|id| self.packs.pack(*id).is_some_and(|pack| pack.read.contains(&grammar)));
        if let Some(id) = claimed {
            draft.trace.note(|| Step::Candidates { by: "keys", packs: self.names(&[id]) });
            self.take_pairs(draft, id, grammar, pairs, depth);
            return true;
        }
        let zone_offset_seconds = draft.clock.zone_offset_seconds;
        if structured::may_be_windows(grammar, &pairs)
            && windows::from_pairs(&mut pairs, &mut draft.filling(), zone_offset_seconds)
        {
            return true;
        }
        let Some(id) = self.packs.fallback(grammar) else { return false };
        let inner = if depth < NESTING_MAX { inner_line(&pairs) } else { None };
        self.take_pairs(draft, id, grammar, pairs, depth);
        if let Some(inner) = inner {
            self.wrapped_line(draft, inner, depth + 1);
        }
        true
    }

    /// Makes fields of the pairs of a structured body.
    fn take_pairs(self, draft: &mut Draft<'a>, id: PackId, grammar: Read, pairs: Pairs<'a>, depth: usize) {
        let Some(pack) = self.packs.pack(id) else { return };
        draft.trace.note(|| Step::Grammar { grammar: grammar.word(), pack: pack.name.clone(), pairs: pairs.len() });
        self.begin(draft, pack, &pack.fields);
        draft.event.logsource = Cow::Borrowed(&pack.logsource);
        structured::apply(draft, self.packs, pack, grammar, pairs);
        self.end(draft, pack, depth);
    }

    /// Makes fields of a fitting pattern's captures.
    fn take(self, draft: &mut Draft<'a>, leaf: LeafId, captures: &Captures, text: &'a str, depth: usize) {
        let Some(leaf) = self.packs.leaves.get(leaf.0 as usize) else { return };
        let Some(pack) = self.packs.pack(leaf.pack) else { return };
        draft.trace.note(|| Step::Pattern {
            pack: pack.name.clone(),
            path: pack.path.display().to_string(),
            line: leaf.line,
            text: leaf.text.clone(),
        });
        self.begin(draft, pack, &leaf.fields);
        draft.event.logsource = Cow::Borrowed(&leaf.logsource);
        self.captures(draft, pack, leaf, captures, &Cow::Borrowed(text), depth);
        self.end(draft, pack, depth);
    }

    #[expect(clippy::ptr_arg, reason = "whether the text is lent decides whether its parts are")]
    fn captures(
        self,
        draft: &mut Draft<'a>,
        pack: &'a Pack,
        leaf: &'a Leaf,
        captures: &Captures,
        text: &Cow<'a, str>,
        depth: usize,
    ) {
        for (target, captured) in leaf.targets.iter().zip(captures) {
            if target.is_skipped() {
                continue;
            }
            let Some(found) = cut(text, captured.start as usize, captured.end as usize) else { continue };
            match &target.convert {
                Convert::Pairs | Convert::Labels | Convert::Tags | Convert::Json => {
                    structured::nested(draft, self.packs, pack, target, found, 0);
                }
                Convert::Csv(separator) => {
                    Columns { packs: self.packs, pack, leaf, separator: *separator }.put(draft, found);
                }
                Convert::Line if depth < NESTING_MAX => drop(self.wrapped_line(draft, found, depth + 1)),
                _ => {
                    let found = match target.quoted {
                        true => cut(&found, 1, found.len().saturating_sub(1)).unwrap_or(found),
                        false => found,
                    };
                    convert::put_text(draft, pack, target, found, captured.scalar);
                }
            }
        }
    }

    /// Names the pack as the reader and sets its fixed fields, over what the header said.
    fn begin(self, draft: &mut Draft<'a>, pack: &'a Pack, fields: &'a [(Name<'static>, Value<'static>)]) {
        draft.event.parser = Some(&pack.name);
        draft.event.failure = None;
        for name in &pack.remove {
            draft.remove(name);
        }
        for (name, value) in fields {
            draft.set(lend_name(name), lend_value(value));
        }
    }

    /// Reads the values that have patterns of their own, then does what values demand.
    fn end(self, draft: &mut Draft<'a>, pack: &'a Pack, depth: usize) {
        self.structured_data(draft, pack);
        for (name, root) in &pack.within {
            self.within(draft, pack, name, *root, depth);
        }
        self.conditions(draft, pack);
    }

    /// Gives the parameters of the header's structured data the names the pack has for them.
    fn structured_data(self, draft: &mut Draft<'a>, pack: &'a Pack) {
        if pack.structured_data {
            for (key, value) in syslog::parameters(draft) {
                structured::put_mapped(draft, self.packs, pack, &key, &value);
            }
        }
    }

    fn within(self, draft: &mut Draft<'a>, pack: &'a Pack, name: &'a Name<'static>, root: RootId, depth: usize) {
        let Some(Value::Text(text)) = draft.value(name) else { return };
        let mut captures = Captures::new();
        let Some(leaf) = self.packs.tree.walk(root, text, draft.clock, &mut captures) else { return };
        let Some(leaf) = self.packs.leaves.get(leaf.0 as usize) else { return };
        let text = text.clone();
        draft.trace.note(|| Step::FieldPattern {
            field: name.as_str().to_owned(),
            pack: pack.name.clone(),
            path: pack.path.display().to_string(),
            line: leaf.line,
            text: leaf.text.clone(),
        });
        for (name, value) in leaf.fields.get(leaf.own_fields_start..).unwrap_or_default() {
            draft.set(lend_name(name), lend_value(value));
        }
        if leaf.logsource != pack.logsource {
            draft.event.logsource = Cow::Borrowed(&leaf.logsource);
        }
        self.captures(draft, pack, leaf, &captures, &text, depth);
    }

    fn conditions(self, draft: &mut Draft<'a>, pack: &'a Pack) {
        for (index, when) in pack.when.iter().enumerate() {
            if when.needs.is_some_and(|field| !draft.has_known(field)) {
                continue;
            }
            if !when.conditions.iter().all(|(name, condition)| holds(draft, name, condition)) {
                continue;
            }
            draft.trace.note(|| Step::When { pack: pack.name.clone(), number: index + 1 });
            for (from, to) in &when.copy {
                if let Some(value) = draft.value(from).cloned() {
                    convert::put_value(draft, pack, to, value);
                }
            }
            for name in &when.remove {
                draft.remove(name);
            }
            for (name, value) in &when.set {
                draft.set(lend_name(name), lend_value(value));
            }
            if when.logsource != pack.logsource {
                draft.event.logsource = Cow::Borrowed(&when.logsource);
            }
        }
    }

    /// Takes a line of a known source that none of its patterns reads: the pack's own fields, and the message as it is.
    fn uncovered(self, draft: &mut Draft<'a>, pack: &'a Pack) {
        draft.trace.note(|| Step::Uncovered { pack: pack.name.clone() });
        self.begin(draft, pack, &pack.fields);
        draft.event.logsource = Cow::Borrowed(&pack.logsource);
        if pack.must_match {
            draft.event.failure = Some(ParseFailure::Malformed);
        }
        self.structured_data(draft, pack);
        self.conditions(draft, pack);
    }
}

/// Cuts a part out of a text: lent where the whole is, copied where it is not.
fn cut<'a>(text: &Cow<'a, str>, start: usize, end: usize) -> Option<Cow<'a, str>> {
    match text {
        Cow::Borrowed(text) => text.get(start..end).map(Cow::Borrowed),
        Cow::Owned(text) => text.get(start..end).map(|part| Cow::Owned(part.to_owned())),
    }
}

/// Returns the text of a JSON envelope that is a line of its own: what a shipper or container runtime wrapped.
fn inner_line<'a>(pairs: &Pairs<'a>) -> Option<Cow<'a, str>> {
    let wrapped = pairs.iter().find(|(key, _)| key.facts().names_line)?;
    match &wrapped.1 {
        Value::Text(text) if text.len() > 8 => Some(text.clone()),
        _ => None,
    }
}

fn holds(draft: &Draft<'_>, name: &Name<'_>, condition: &Condition) -> bool {
    match (condition, draft.value(name)) {
        (Condition::Present(wanted), value) => *wanted == value.is_some(),
        (Condition::OneOf(wanted), Some(value)) => {
            let text = value.to_text();
            wanted.iter().any(|want| glob::fits(want, &text))
        }
        (Condition::OneOf(_), None) => false,
    }
}
