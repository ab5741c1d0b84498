//! A byte trie for literals tied to one end of a text: it stops at the first byte no literal has.

/// Where a byte leads.
#[derive(Debug, Clone, Copy)]
struct Edge {
    byte: u8,
    node: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    first_edge: u32,
    edges: u16,
    /// One more than the index of the literal that ends here; 0 for none.
    literal: u32,
}

/// Finds every literal a text begins with (or ends with, when built and walked backwards).
#[derive(Debug, Clone, Default)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    root: Vec<u32>,
}

impl Trie {
    /// Builds the trie from distinct literals; the index of each is what `walk` reports.
    pub(super) fn new<'l>(literals: impl Iterator<Item = &'l [u8]>, backwards: bool) -> Trie {
        let mut sorted: Vec<(Vec<u8>, u32)> = literals
            .zip(0..)
            .map(|(literal, index)| {
                let mut bytes = literal.to_vec();
                if backwards {
                    bytes.reverse();
                }
                (bytes, index)
            })
            .collect();
        sorted.sort_unstable();
        let mut trie = Trie::default();
        if sorted.is_empty() {
            return trie;
        }
        trie.nodes.push(Node::default());
        trie.fill(0, &sorted);
        trie.root = vec![0; 256];
        let root = trie.nodes.first().copied().unwrap_or_default();
        for edge in trie.edges_of(root).to_vec() {
            if let Some(slot) = trie.root.get_mut(usize::from(edge.byte)) {
                *slot = edge.node;
            }
        }
        trie
    }

    /// Lays out the subtree of the literals that share their beginning. The work list keeps long literals off the stack.
    fn fill(&mut self, root: usize, sorted: &[(Vec<u8>, u32)]) {
        let mut work = vec![(root, sorted, 0)];
        while let Some((node, mut literals, depth)) = work.pop() {
            if let Some(((bytes, index), rest)) = literals.split_first()
                && bytes.len() == depth
            {
                self.nodes[node].literal = index + 1;
                literals = rest;
            }
            self.nodes[node].first_edge = self.edges.len() as u32;
            for group in literals.chunk_by(|(left, _), (right, _)| left.get(depth) == right.get(depth)) {
                let Some(byte) = group.first().and_then(|(bytes, _)| bytes.get(depth)).copied() else { continue };
                let child = self.nodes.len();
                self.nodes.push(Node::default());
                self.edges.push(Edge { byte, node: child as u32 });
                self.nodes[node].edges += 1;
                work.push((child, group, depth + 1));
            }
        }
    }

    fn edges_of(&self, node: Node) -> &[Edge] {
        let start = node.first_edge as usize;
        self.edges.get(start..start + usize::from(node.edges)).unwrap_or_default()
    }

    /// Calls `found` with each literal that lies along the bytes.
    #[inline]
    pub(super) fn walk(&self, mut bytes: impl Iterator<Item = u8>, mut found: impl FnMut(u32)) {
        let Some(first) = bytes.next() else { return };
        let Some(mut at) = self.root.get(usize::from(first)).copied().filter(|node| *node != 0) else { return };
        while let Some(node) = self.nodes.get(at as usize) {
            if node.literal != 0 {
                found(node.literal - 1);
            }
            let Some(byte) = bytes.next() else { return };
            match self.edges_of(*node).iter().find(|edge| edge.byte == byte) {
                Some(edge) => at = edge.node,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(trie: &Trie, bytes: impl Iterator<Item = u8>) -> Vec<u32> {
        let mut all = Vec::new();
        trie.walk(bytes, |literal| all.push(literal));
        all
    }

    #[test]
    fn literals_along_the_way_are_found() {
        let literals = ["a", "ab", "abc", "b", "xyz"];
        let trie = Trie::new(literals.iter().map(|text| text.as_bytes()), false);
        assert_eq!(found(&trie, b"abcd".iter().copied()), [0, 1, 2]);
        assert_eq!(found(&trie, b"ba".iter().copied()), [3]);
        assert_eq!(found(&trie, b"xy".iter().copied()), [0_u32; 0]);
        assert_eq!(found(&trie, b"".iter().copied()), [0_u32; 0]);
    }

    #[test]
    fn backwards_finds_endings() {
        let literals = [r"\cmd.exe", ".exe", r"\powershell.exe"];
        let trie = Trie::new(literals.iter().map(|text| text.as_bytes()), true);
        assert_eq!(found(&trie, br"c:\cmd.exe".iter().rev().copied()), [1, 0]);
        assert_eq!(found(&Trie::new(std::iter::empty(), true), b"x".iter().copied()), [0_u32; 0]);
    }
}
