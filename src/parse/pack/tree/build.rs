//! The tree while patterns are added to it: nodes and edges wherever they come to lie.

use std::collections::BTreeMap;

use crate::parse::pack::pattern::Convert;
use crate::parse::pack::pattern::Piece;
use crate::parse::pack::pattern::Scan;
use crate::parse::pack::pattern::Target;
use crate::parse::pack::pattern::Variant;
use crate::parse::pack::tree::ByFirst;
use crate::parse::pack::tree::CaptureEdge;
use crate::parse::pack::tree::Capturing;
use crate::parse::pack::tree::Dispatch;
use crate::parse::pack::tree::FirstBytes;
use crate::parse::pack::tree::LeafId;
use crate::parse::pack::tree::LiteralEdge;
use crate::parse::pack::tree::NONE;
use crate::parse::pack::tree::Node;
use crate::parse::pack::tree::RootId;
use crate::parse::pack::tree::Tree;
use crate::parse::timestamp::TimeFormat;

/// A node of the tree that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NodeId(u32);

#[derive(Debug, Default)]
struct Branch {
    /// Literal edges, no two with the same first byte, sorted by it.
    literals: Vec<Literal>,
    /// Capture edges, narrow before wide.
    captures: Vec<Capture>,
    leaf: Option<LeafId>,
}

#[derive(Debug)]
struct Literal {
    first: u8,
    text: Box<[u8]>,
    to: NodeId,
}

#[derive(Debug)]
struct Capture {
    scan: Scan,
    /// The compiled format of `Scan::Time`.
    time: Option<TimeFormat>,
    to: NodeId,
}

/// A tree to which patterns are added.
#[derive(Debug, Default)]
pub(in crate::parse::pack) struct Builder {
    nodes: Vec<Branch>,
    roots: Vec<NodeId>,
}

/// A node with more edges than this finds them by a table instead of looking at each.
const EDGES_LOOKED_AT_MAX: usize = 8;

impl Builder {
    /// Adds an empty root.
    pub(in crate::parse::pack) fn add_root(&mut self) -> RootId {
        let node = self.add_node();
        self.roots.push(node);
        RootId(u32::try_from(self.roots.len() - 1).unwrap_or(u32::MAX))
    }

    /// Inserts a variant and returns the leaf that was there before it, which then stays.
    pub(in crate::parse::pack) fn insert(&mut self, root: RootId, variant: &Variant, leaf: LeafId) -> Option<LeafId> {
        let mut at = *self.roots.get(root.0 as usize)?;
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

    fn node(&self, id: NodeId) -> Option<&Branch> {
        self.nodes.get(id.0 as usize)
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Branch> {
        self.nodes.get_mut(id.0 as usize)
    }

    fn add_node(&mut self) -> NodeId {
        self.nodes.push(Branch::default());
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
                        node.literals.insert(index, Literal { first, text: text.into(), to });
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
            node.literals.push(Literal { first: tail.first().copied().unwrap_or(0), text: tail, to });
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
                    node.captures.insert(index, Capture { scan: scan.clone(), time, to });
                }
                to
            }
        }
    }

    /// Lays the tree out for walking: what follows each other on the way of a line lies side by side.
    pub(in crate::parse::pack) fn finish(self) -> Tree {
        let mut layout = Layout::default();
        layout.tree.roots = vec![0; self.roots.len()];
        for (place, root) in self.roots.iter().enumerate() {
            layout.todo.push((*root, From::Root(place)));
            while let Some((id, from)) = layout.todo.pop() {
                if let Some(branch) = self.node(id) {
                    layout.lay(branch, from);
                }
            }
        }
        layout.tree
    }
}

/// Which edge leads to a node.
#[derive(Debug, Clone, Copy)]
enum From {
    Root(usize),
    Literal(usize),
    Capture(usize),
}

/// The finished tree as far as it is laid out.
#[derive(Debug, Default)]
struct Layout {
    tree: Tree,
    /// Captures that find the same things share their description.
    captures: BTreeMap<Scan, u32>,
    todo: Vec<(NodeId, From)>,
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NONE)
}

impl Layout {
    fn lay(&mut self, branch: &Branch, from: From) {
        let id = number(self.tree.nodes.len());
        match from {
            From::Root(place) => set(self.tree.roots.get_mut(place), id),
            From::Literal(place) => set(self.tree.literals.get_mut(place).map(|edge| &mut edge.to), id),
            From::Capture(place) => set(self.tree.captures.get_mut(place).map(|edge| &mut edge.to), id),
        }
        let (literals, captures) = (self.tree.literals.len(), self.tree.captures.len());
        for edge in &branch.literals {
            self.tree.literals.push(LiteralEdge {
                text: number(self.tree.texts.len()),
                length: number(edge.text.len()),
                to: NONE,
                first: edge.first,
                second: edge.text.get(1).copied(),
            });
            self.tree.texts.extend_from_slice(&edge.text);
        }
        for edge in &branch.captures {
            let capturing = self.capturing(&edge.scan, edge.time.as_ref());
            self.tree.captures.push(CaptureEdge { capturing, to: NONE });
        }
        let to_captures = branch.captures.iter().enumerate().map(|(at, edge)| (edge.to, From::Capture(captures + at)));
        self.todo.extend(to_captures.rev());
        let to_literals = branch.literals.iter().enumerate().map(|(at, edge)| (edge.to, From::Literal(literals + at)));
        self.todo.extend(to_literals.rev());
        let dispatch = match branch.literals.len() + branch.captures.len() > EDGES_LOOKED_AT_MAX {
            true => self.dispatch(branch, captures),
            false => NONE,
        };
        self.tree.nodes.push(Node {
            literals: number(literals),
            captures: number(captures),
            literal_count: number(branch.literals.len()),
            capture_count: number(branch.captures.len()),
            leaf: branch.leaf,
            dispatch,
            has_space: branch.captures.iter().any(|edge| edge.scan == Scan::Space),
        });
    }

    /// Returns the number of what a capture is found by.
    fn capturing(&mut self, scan: &Scan, time: Option<&TimeFormat>) -> u32 {
        if let Some(known) = self.captures.get(scan) {
            return *known;
        }
        let new = number(self.tree.capturings.len());
        let firsts = FirstBytes::of_scan(scan, time);
        self.tree.capturings.push(Capturing { firsts, scan: scan.clone(), time: time.cloned() });
        self.captures.insert(scan.clone(), new);
        new
    }

    /// Makes the table from the next byte to the edges that can take it; `captures` is the number of the first capture.
    fn dispatch(&mut self, branch: &Branch, captures: usize) -> u32 {
        let mut by_byte = Vec::with_capacity(257);
        for byte in 0..=u8::MAX {
            let literal = branch.literals.iter().position(|edge| edge.first == byte);
            let start = self.tree.lists.len();
            for at in captures..captures + branch.captures.len() {
                let capturing =
                    self.tree.captures.get(at).and_then(|edge| self.tree.capturings.get(edge.capturing as usize));
                if capturing.is_some_and(|capturing| capturing.firsts.contains(byte)) {
                    self.tree.lists.push(number(at));
                }
            }
            let literal = literal.and_then(|place| u16::try_from(place).ok()).unwrap_or(u16::MAX);
            // Neighbours mostly have the same list.
            let same = by_byte
                .last()
                .copied()
                .filter(|before: &ByFirst| self.tree.lists.get(before.range()) == self.tree.lists.get(start..));
            let (start, count) = match same {
                Some(before) => {
                    self.tree.lists.truncate(start);
                    (before.start, before.count)
                }
                None => (number(start), number(self.tree.lists.len() - start)),
            };
            by_byte.push(ByFirst { start, count, literal });
        }
        self.tree.dispatches.push(Dispatch(by_byte.into()));
        number(self.tree.dispatches.len() - 1)
    }
}

fn set(place: Option<&mut u32>, id: u32) {
    if let Some(place) = place {
        *place = id;
    }
}
