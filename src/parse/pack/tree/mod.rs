//! The radix tree over literals and typed captures that all patterns of all packs share.
//!
//! A node branches on literal text first, then on captures from narrow to wide. Several roots live in one tree: one for
//! each pack that is recognised by other means, and one for the patterns that recognise their source by themselves.
//!
//! A walk is mostly waiting for memory, so nodes and edges are small and lie in a few lists in the order of the walk, and
//! a capture that cannot begin with the next byte is not tried.

mod build;
mod first_bytes;
mod scan;
mod walk;

#[cfg(test)]
mod tests;

use crate::parse::pack::pattern::Scan;
use crate::parse::pack::tree::first_bytes::FirstBytes;
use crate::parse::timestamp::TimeFormat;

pub(super) use build::Builder;
pub(super) use walk::Captures;
pub(super) use walk::Scalar;

/// A root of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RootId(u32);

/// What a whole variant leads to: the caller's number for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LeafId(pub(super) u32);

/// No node, no table.
const NONE: u32 = u32::MAX;

/// All nodes, and nothing about what the leaves mean.
#[derive(Debug, Default)]
pub(super) struct Tree {
    roots: Vec<u32>,
    nodes: Vec<Node>,
    literals: Vec<LiteralEdge>,
    captures: Vec<CaptureEdge>,
    /// The texts of the literal edges, one after the other.
    texts: Vec<u8>,
    capturings: Vec<Capturing>,
    dispatches: Vec<Dispatch>,
    /// Numbers of capture edges, as the tables refer to them.
    lists: Vec<u32>,
}

#[derive(Debug)]
struct Node {
    /// The number of the first literal edge; no two have the same first byte.
    literals: u32,
    /// The number of the first capture edge; narrow before wide.
    captures: u32,
    literal_count: u32,
    capture_count: u32,
    leaf: Option<LeafId>,
    /// The number of the table of a node with many edges.
    dispatch: u32,
    /// A capture of blanks may follow here.
    has_space: bool,
}

#[derive(Debug)]
struct LiteralEdge {
    text: u32,
    length: u32,
    to: u32,
    /// The first bytes of the text, beside the edge so that a look at them is no look elsewhere in memory.
    first: u8,
    second: Option<u8>,
}

#[derive(Debug)]
struct CaptureEdge {
    /// The number of what the capture is found by.
    capturing: u32,
    to: u32,
}

/// What a capture is found by.
#[derive(Debug)]
struct Capturing {
    /// What its text may begin with. At the end of a line anything is tried.
    firsts: FirstBytes,
    scan: Scan,
    /// The compiled format of `Scan::Time`.
    time: Option<TimeFormat>,
}

/// For each byte the edges that can take it.
#[derive(Debug)]
struct Dispatch(Box<[ByFirst]>);

#[derive(Debug, Clone, Copy)]
struct ByFirst {
    /// Where in the lists the capture edges stand.
    start: u32,
    count: u32,
    /// Which of the node's literal edges; `u16::MAX` is none.
    literal: u16,
}

impl ByFirst {
    fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.count as usize
    }
}

impl Tree {
    fn node(&self, id: u32) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    fn root(&self, root: RootId) -> Option<u32> {
        self.roots.get(root.0 as usize).copied()
    }

    fn literals(&self, node: &Node) -> &[LiteralEdge] {
        let start = node.literals as usize;
        self.literals.get(start..start + node.literal_count as usize).unwrap_or_default()
    }

    fn captures(&self, node: &Node) -> &[CaptureEdge] {
        let start = node.captures as usize;
        self.captures.get(start..start + node.capture_count as usize).unwrap_or_default()
    }

    fn by_first(&self, node: &Node, byte: u8) -> Option<ByFirst> {
        self.dispatches.get(node.dispatch as usize)?.0.get(usize::from(byte)).copied()
    }

    /// Returns the literal edge that fits at a place of the text.
    fn literal_at(&self, node: &Node, bytes: &[u8], at: usize) -> Option<&LiteralEdge> {
        let first = *bytes.get(at)?;
        let edges = self.literals(node);
        let edge = match node.dispatch {
            NONE => edges.iter().find(|edge| edge.first == first)?,
            _ => edges.get(usize::from(self.by_first(node, first)?.literal))?,
        };
        // Most that do not fit differ in the second byte, which is cheaper to see here than in a comparison of the whole.
        let may_fit = edge.second.is_none_or(|second| bytes.get(at + 1) == Some(&second));
        let text = self.texts.get(edge.text as usize..(edge.text + edge.length) as usize)?;
        (may_fit && bytes.get(at..)?.starts_with(text)).then_some(edge)
    }
}

impl Node {
    /// Says whether a capture of blanks begins with this byte.
    fn goes_on_at(&self, byte: Option<&u8>) -> bool {
        self.has_space && matches!(byte, Some(b' ' | b'\t'))
    }
}
