//! Walks a line down the tree: depth first, preferred edges first, with a budget so that no line can take long.

use std::net::IpAddr;

use smallvec::SmallVec;

use crate::model::Timestamp;
use crate::parse::pack::pattern::Scan;
use crate::parse::pack::set::glob;
use crate::parse::pack::tree::CaptureEdge;
use crate::parse::pack::tree::Capturing;
use crate::parse::pack::tree::LeafId;
use crate::parse::pack::tree::NONE;
use crate::parse::pack::tree::Node;
use crate::parse::pack::tree::RootId;
use crate::parse::pack::tree::Tree;
use crate::parse::pack::tree::scan;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;
use crate::parse::timestamp::Inferred;

/// The captures of the variant that fitted, in the order of the pattern.
pub(in crate::parse::pack) type Captures = SmallVec<[Captured; 16]>;

/// One captured text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::parse::pack) struct Captured {
    pub(in crate::parse::pack) start: u32,
    pub(in crate::parse::pack) end: u32,
    pub(in crate::parse::pack) scalar: Scalar,
}

/// The value that was read while the end was looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::parse::pack) enum Scalar {
    None,
    Int(i64),
    Ip(IpAddr),
    Time(Timestamp, Inferred),
}

/// Edges tried on one line at most, beyond a few for each of its bytes.
const STEPS_MIN: u32 = 2_000;
const STEPS_PER_BYTE: u32 = 8;
/// Most lines need fewer steps than this, and remember nothing.
const STEPS_FORGOTTEN: u32 = 200;
/// Failures remembered at once.
const FAILURES_MAX: usize = 1_024;

impl Tree {
    /// Finds the preferred variant under `root` that reads the whole text, and puts its captures into `captures`.
    pub(in crate::parse::pack) fn walk(
        &self,
        root: RootId,
        text: &str,
        clock: Context,
        captures: &mut Captures,
    ) -> Option<LeafId> {
        Walk::new(self, text, clock, captures)?.visit(self.root(root)?, 0)
    }

    /// As [`Tree::walk`], among the variants that begin with literal text.
    pub(in crate::parse::pack) fn walk_literal(
        &self,
        root: RootId,
        text: &str,
        clock: Context,
        captures: &mut Captures,
    ) -> Option<LeafId> {
        let mut walk = Walk::new(self, text, clock, captures)?;
        let (next, end) = walk.follow_literal(self.node(self.root(root)?)?, 0)?;
        walk.visit(next, end)
    }
}

struct Walk<'w> {
    tree: &'w Tree,
    text: &'w str,
    clock: Context,
    captures: &'w mut Captures,
    steps: u32,
    /// The steps left when failures begin to be remembered.
    remember_at: u32,
    failures: Failures,
}

/// Places where a node is known to lead nowhere: what follows a place does not depend on the way to it, and without this
/// several open captures in a row try the same end over and over. A table where later entries replace earlier ones.
#[derive(Default)]
struct Failures(Vec<u64>);

impl Failures {
    fn slot(key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % FAILURES_MAX
    }

    fn contains(&self, key: u64) -> bool {
        self.0.get(Failures::slot(key)) == Some(&key)
    }

    fn insert(&mut self, key: u64) {
        if self.0.is_empty() {
            // No key is all ones: no text has so many bytes.
            self.0.resize(FAILURES_MAX, u64::MAX);
        }
        if let Some(slot) = self.0.get_mut(Failures::slot(key)) {
            *slot = key;
        }
    }
}

impl<'w> Walk<'w> {
    fn new(tree: &'w Tree, text: &'w str, clock: Context, captures: &'w mut Captures) -> Option<Walk<'w>> {
        let length = u32::try_from(text.len()).ok()?;
        let steps = STEPS_MIN.saturating_add(length.saturating_mul(STEPS_PER_BYTE));
        let remember_at = steps.saturating_sub(STEPS_FORGOTTEN);
        captures.clear();
        Some(Walk { tree, text, clock, captures, steps, remember_at, failures: Failures::default() })
    }

    /// Reads on from `at`; on success the captures on the stack are those of the leaf.
    fn visit(&mut self, id: u32, at: usize) -> Option<LeafId> {
        let node = self.tree.node(id)?;
        self.steps = self.steps.checked_sub(1)?;
        if at == self.text.len()
            && let Some(leaf) = node.leaf
        {
            return Some(leaf);
        }
        let key = u64::from(id) << 32 | at as u64;
        if self.failures.contains(key) {
            return None;
        }
        let leaf = self.follow(node, at);
        if leaf.is_none() && self.steps < self.remember_at {
            self.failures.insert(key);
        }
        leaf
    }

    /// Follows the edges of a node, preferred ones first.
    fn follow(&mut self, node: &'w Node, at: usize) -> Option<LeafId> {
        if let Some((next, end)) = self.follow_literal(node, at)
            && let Some(leaf) = self.visit(next, end)
        {
            return Some(leaf);
        }
        let tree = self.tree;
        let next = self.text.as_bytes().get(at).copied();
        match next.filter(|_| node.dispatch != NONE).and_then(|byte| tree.by_first(node, byte)) {
            Some(by_first) => {
                let list = tree.lists.get(by_first.range()).unwrap_or_default();
                list.iter().find_map(|place| self.try_capture(tree.captures.get(*place as usize)?, None, at))
            }
            None => tree.captures(node).iter().find_map(|edge| self.try_capture(edge, next, at)),
        }
    }

    /// Follows the literal edge that fits at `at`, if one does.
    fn follow_literal(&self, node: &Node, at: usize) -> Option<(u32, usize)> {
        let edge = self.tree.literal_at(node, self.text.as_bytes(), at)?;
        Some((edge.to, at + edge.length as usize))
    }

    /// Tries a capture, unless `next`, the byte it would begin with, tells that it cannot fit.
    fn try_capture(&mut self, edge: &CaptureEdge, next: Option<u8>, at: usize) -> Option<LeafId> {
        let capturing = self.tree.capturings.get(edge.capturing as usize)?;
        if next.is_some_and(|next| !capturing.firsts.contains(next)) {
            return None;
        }
        let rest = self.text.get(at..)?;
        let (length, scalar) = match &capturing.scan {
            Scan::OneOf(words) => (scan::one_of(words, rest)?, Scalar::None),
            Scan::Ip => scan::ip(rest).map(|(address, length)| (length, Scalar::Ip(address)))?,
            Scan::Int => scan::int(rest).map(|(number, length)| (length, Scalar::Int(number)))?,
            Scan::Ident => (scan::ident(rest)?, Scalar::None),
            Scan::Level => (scan::level(rest)?, Scalar::None),
            Scan::Mac => (scan::mac(rest)?, Scalar::None),
            Scan::Uuid => (scan::uuid(rest)?, Scalar::None),
            Scan::Float => (scan::float(rest)?, Scalar::None),
            Scan::Hex => (scan::hex(rest)?, Scalar::None),
            Scan::Quoted => (scan::quoted(rest)?, Scalar::None),
            Scan::Space => (scan::space(rest)?, Scalar::None),
            Scan::Time(_) => self.time(capturing, rest)?,
            Scan::Path if !scan::starts_path(rest) => return None,
            Scan::Like(_) | Scan::Path | Scan::Host | Scan::Word | Scan::Text => {
                return self.open_capture(edge.to, &capturing.scan, at);
            }
        };
        self.capture(edge.to, at, at + length, scalar)
    }

    fn time(&self, capturing: &Capturing, rest: &str) -> Option<(usize, Scalar)> {
        let reading = match &capturing.time {
            Some(format) => timestamp::read(rest, format, self.clock),
            None => timestamp::detect(rest, self.clock),
        }?;
        (reading.consumed > 0).then_some((reading.consumed, Scalar::Time(reading.time, reading.inferred)))
    }

    /// Puts a capture on the stack and reads on; takes it off again when that leads nowhere.
    fn capture(&mut self, to: u32, start: usize, end: usize, scalar: Scalar) -> Option<LeafId> {
        let captured = Captured { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()?, scalar };
        let depth = self.captures.len();
        self.captures.push(captured);
        let leaf = self.visit(to, end);
        if leaf.is_none() {
            self.captures.truncate(depth);
        }
        leaf
    }

    /// Tries every end an open capture may have: where a literal that follows begins, shortest first, then the end of the text.
    fn open_capture(&mut self, to: u32, scan: &Scan, at: usize) -> Option<LeafId> {
        let tree = self.tree;
        let node = tree.node(to)?;
        let bytes = self.text.as_bytes();
        let limit = at + extent(scan, bytes.get(at..)?);
        // A host or path is never empty; a user name may be.
        let mut from = at + usize::from(matches!(scan, Scan::Host | Scan::Path));
        let fits = |end: usize| match scan {
            Scan::Like(form) => self.text.get(at..end).is_some_and(|text| glob::fits(form, text)),
            _ => true,
        };
        while from <= limit {
            let Some(found) = next_stop(tree, node, bytes, from, limit) else { break };
            if (self.follow_literal(node, found).is_some() || node.goes_on_at(bytes.get(found)))
                && fits(found)
                && let Some(leaf) = self.capture(to, at, found, Scalar::None)
            {
                return Some(leaf);
            }
            self.steps = self.steps.checked_sub(1)?;
            from = found + 1;
        }
        let at_end = limit == bytes.len() && node.leaf.is_some();
        let before_capture = (limit > at || *scan == Scan::Word) && node.capture_count > 0;
        if (at_end || before_capture) && fits(limit) { self.capture(to, at, limit, Scalar::None) } else { None }
    }
}

/// Returns how far an open capture may reach at most.
fn extent(scan: &Scan, rest: &[u8]) -> usize {
    match scan {
        Scan::Word | Scan::Like(_) => rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len()),
        Scan::Host => rest
            .iter()
            .position(|byte| {
                !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':') || *byte >= 0x80)
            })
            .unwrap_or(rest.len()),
        _ => rest.len(),
    }
}

/// Finds the next place, up to and including `limit`, where an open capture before the node may end.
fn next_stop(tree: &Tree, node: &Node, bytes: &[u8], from: usize, limit: usize) -> Option<usize> {
    let literal = next_literal(tree, node, bytes, from, limit);
    if !node.has_space {
        return literal;
    }
    let window = bytes.get(from..literal.unwrap_or(limit).min(bytes.len()))?;
    memchr::memchr2(b' ', b'\t', window).map(|offset| from + offset).or(literal)
}

/// Finds the next place, up to and including `limit`, where a literal edge of the node fits.
fn next_literal(tree: &Tree, node: &Node, bytes: &[u8], from: usize, limit: usize) -> Option<usize> {
    let window = bytes.get(from..bytes.len().min(limit + 1))?;
    let fits = |offset: &usize| tree.literal_at(node, bytes, from + offset).is_some();
    let found = match tree.literals(node) {
        [] => None,
        [a] => memchr::memchr_iter(a.first, window).find(fits),
        [a, b] => memchr::memchr2_iter(a.first, b.first, window).find(fits),
        [a, b, c] => memchr::memchr3_iter(a.first, b.first, c.first, window).find(fits),
        _ => (0..window.len()).find(fits),
    };
    found.map(|offset| from + offset)
}
