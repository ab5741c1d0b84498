//! The radix tree over literals and typed captures that all patterns of all packs share.
//!
//! A node branches on literal text first, then on captures from narrow to wide. Several roots live in one tree: one for
//! each pack that is recognised by other means, and one for the patterns that recognise their source by themselves.

mod scan;
mod walk;

#[cfg(test)]
mod tests;

use crate::parse::pack::pattern::Convert;
use crate::parse::pack::pattern::Piece;
use crate::parse::pack::pattern::Scan;
use crate::parse::pack::pattern::Target;
use crate::parse::pack::pattern::Variant;
use crate::parse::timestamp::TimeFormat;

pub(super) use walk::Captures;
pub(super) use walk::Scalar;

/// A node of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NodeId(u32);

/// What a whole variant leads to: the caller's number for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LeafId(pub(super) u32);

#[derive(Debug, Default)]
struct Node {
    /// Literal edges, no two with the same first byte, sorted by it.
    literals: Vec<Edge>,
    /// What the literal edges begin with.
    firsts: FirstBytes,
    /// Capture edges, narrow before wide.
    captures: Vec<CaptureEdge>,
    leaf: Option<LeafId>,
    /// A capture of blanks may follow here.
    has_space: bool,
}

#[derive(Debug)]
struct Edge {
    /// The first byte of the text, beside the edge so that a look at it is no look elsewhere in memory.
    first: u8,
    text: Box<[u8]>,
    to: NodeId,
}

#[derive(Debug)]
struct CaptureEdge {
    scan: Scan,
    /// What the words of `Scan::OneOf` begin with.
    firsts: FirstBytes,
    /// The compiled format of `Scan::Time`.
    time: Option<TimeFormat>,
    to: NodeId,
}

/// All nodes, and nothing about what the leaves mean.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Adds an empty root.
    pub(super) fn add_root(&mut self) -> NodeId {
        self.add_node()
    }

    /// Inserts a variant and returns the leaf that was there before it, which then stays.
    pub(super) fn insert(&mut self, root: NodeId, variant: &Variant, leaf: LeafId) -> Option<LeafId> {
        let mut at = root;
        for piece in variant {
            at = match piece {
                Piece::Literal(text) => self.descend_literal(at, text.as_bytes()),
                Piece::Capture { scan, target } => self.descend_capture(at, scan, target),
            };
        }
        let node = self.node_mut(at)?;
        match node.leaf {
            Some(earlier) => Some(earlier),
            None => {
                node.leaf = Some(leaf);
                None
            }
        }
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.0 as usize)
    }

    fn add_node(&mut self) -> NodeId {
        self.nodes.push(Node::default());
        NodeId(u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX))
    }

    /// Follows literal edges along `text`, splitting and adding edges where they end.
    fn descend_literal(&mut self, mut at: NodeId, mut text: &[u8]) -> NodeId {
        while let Some(&first) = text.first() {
            let found = self.node(at).map(|node| node.literals.binary_search_by_key(&first, |edge| edge.first));
            match found {
                Some(Ok(index)) => {
                    let (next, shared) = self.split(at, index, text);
                    at = next;
                    text = text.get(shared..).unwrap_or_default();
                }
                Some(Err(index)) => {
                    let to = self.add_node();
                    if let Some(node) = self.node_mut(at) {
                        node.insert_literal(index, Edge { first, text: text.into(), to });
                    }
                    return to;
                }
                None => return at,
            }
        }
        at
    }

    /// Cuts a literal edge after what it shares with `text`; returns the node there and how much is shared.
    fn split(&mut self, at: NodeId, index: usize, text: &[u8]) -> (NodeId, usize) {
        let Some(edge) = self.node(at).and_then(|node| node.literals.get(index)) else { return (at, text.len()) };
        let shared = edge.text.iter().zip(text).take_while(|(a, b)| a == b).count();
        if shared == edge.text.len() {
            return (edge.to, shared);
        }
        let middle = self.add_node();
        let Some(edge) = self.node_mut(at).and_then(|node| node.literals.get_mut(index)) else {
            return (at, text.len());
        };
        let tail: Box<[u8]> = edge.text.get(shared..).unwrap_or_default().into();
        let head: Box<[u8]> = edge.text.get(..shared).unwrap_or_default().into();
        let to = std::mem::replace(&mut edge.to, middle);
        edge.text = head;
        if let Some(node) = self.node_mut(middle) {
            node.insert_literal(0, Edge { first: tail.first().copied().unwrap_or(0), text: tail, to });
        }
        (middle, shared)
    }

    fn descend_capture(&mut self, at: NodeId, scan: &Scan, target: &Target) -> NodeId {
        let Some(node) = self.node(at) else { return at };
        match node.captures.binary_search_by(|edge| edge.scan.cmp(scan)) {
            Ok(index) => node.captures.get(index).map_or(at, |edge| edge.to),
            Err(index) => {
                let to = self.add_node();
                let time = match &target.convert {
                    Convert::Time(format) => format.clone(),
                    _ => None,
                };
                if let Some(node) = self.node_mut(at) {
                    node.has_space |= *scan == Scan::Space;
                    node.captures.insert(
                        index,
                        CaptureEdge { scan: scan.clone(), firsts: FirstBytes::of_words(scan), time, to },
                    );
                }
                to
            }
        }
    }
}

impl Node {
    fn insert_literal(&mut self, index: usize, edge: Edge) {
        self.firsts.insert(edge.first);
        self.literals.insert(index, edge);
    }

    /// Returns the literal edge that fits at a place of the text.
    fn literal_at(&self, bytes: &[u8], at: usize) -> Option<&Edge> {
        let first = *bytes.get(at)?;
        if !self.firsts.contains(first) {
            return None;
        }
        let edge = match self.literals.as_slice() {
            few if few.len() <= 8 => few.iter().find(|edge| edge.first == first)?,
            many => many.get(many.binary_search_by_key(&first, |edge| edge.first).ok()?)?,
        };
        // Most that do not fit differ in the second byte, which is cheaper to see here than in a comparison of the whole.
        let may_fit = edge.text.get(1).is_none_or(|second| bytes.get(at + 1) == Some(second));
        (may_fit && bytes.get(at..)?.starts_with(&edge.text)).then_some(edge)
    }

    /// Says whether a capture of blanks begins with this byte.
    fn goes_on_at(&self, byte: Option<&u8>) -> bool {
        self.has_space && matches!(byte, Some(b' ' | b'\t'))
    }
}

/// A set of bytes, one bit each.
#[derive(Debug, Clone, Copy, Default)]
struct FirstBytes([u64; 4]);

impl FirstBytes {
    fn of_words(scan: &Scan) -> FirstBytes {
        let mut firsts = FirstBytes::default();
        if let Scan::OneOf(words) = scan {
            words.iter().filter_map(|word| word.bytes().next()).for_each(|first| firsts.insert(first));
        }
        firsts
    }

    fn insert(&mut self, byte: u8) {
        if let Some(bits) = self.0.get_mut(usize::from(byte / 64)) {
            *bits |= 1 << (byte % 64);
        }
    }

    fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|bits| bits & (1 << (byte % 64)) != 0)
    }
}
