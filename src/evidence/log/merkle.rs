//! Merkle trees as RFC 6962 §2.1 hashes them: roots, a frontier that grows leaf by leaf, and proofs for many leaves at once.

use sha2::Digest as _;
use sha2::Sha256;

/// A SHA-256.
pub type Hash = [u8; 32];

/// Hashes bytes as they are.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// Hashes a leaf.
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

/// Hashes a node from its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// What is needed of a tree to add leaves to it: the roots of its full subtrees, the biggest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One for each bit that is set in `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Returns how many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the root of the tree.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return sha256(&[]) };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// Returns the root over leaves given by their hashes.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
            node_hash(&root(left), &root(right))
        }
    }
}

/// The number of leaves on the left of a tree of `size` leaves, which are at least two: the biggest power of two below it.
fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// Returns what a reader needs, besides the leaves named (ascending, each once), to compute the root: the roots of the
/// largest subtrees that hold none of them, from left to right.
pub fn gaps(leaves: &[Hash], included: &[u64]) -> Vec<Hash> {
    let mut found = Vec::new();
    collect_gaps(leaves, 0, included, &mut found);
    found
}

fn collect_gaps(leaves: &[Hash], start: u64, included: &[u64], found: &mut Vec<Hash>) {
    if included.is_empty() {
        if !leaves.is_empty() {
            found.push(root(leaves));
        }
        return;
    }
    if leaves.len() < 2 {
        return;
    }
    let on_left = split(leaves.len() as u64);
    let (left, right) = leaves.split_at(on_left as usize);
    let (in_left, in_right) = included.split_at(included.partition_point(|index| *index < start + on_left));
    collect_gaps(left, start, in_left, found);
    collect_gaps(right, start + on_left, in_right, found);
}

/// Returns the hashes that lead from one leaf to the root, the lowest first (RFC 6962 §2.1.1); nothing for a leaf that is not there.
pub fn path(leaves: &[Hash], index: u64) -> Vec<Hash> {
    let mut found = Vec::new();
    let (mut rest, mut index) = (leaves, index);
    while rest.len() > 1 {
        let on_left = split(rest.len() as u64);
        let (left, right) = rest.split_at(on_left as usize);
        if index < on_left {
            found.push(root(right));
            rest = left;
        } else {
            found.push(root(left));
            (rest, index) = (right, index - on_left);
        }
    }
    found.reverse();
    found
}

/// Computes the root of a tree of `size` leaves from some of them (ascending) and the gaps between; `None` when these do
/// not fit together.
pub fn root_with_gaps(size: u64, included: &[(u64, Hash)], gaps: &[Hash]) -> Option<Hash> {
    let is_ascending = included.windows(2).all(|pair| matches!(pair, [(left, _), (right, _)] if left < right));
    if !is_ascending || included.last().is_some_and(|(index, _)| *index >= size) {
        return None;
    }
    if size == 0 {
        return gaps.is_empty().then(|| sha256(&[]));
    }
    let mut left_over = gaps.iter();
    let root = join(0, size, included, &mut left_over)?;
    left_over.next().is_none().then_some(root)
}

fn join(start: u64, size: u64, included: &[(u64, Hash)], gaps: &mut std::slice::Iter<'_, Hash>) -> Option<Hash> {
    let Some((_, hash)) = included.first() else { return gaps.next().copied() };
    if size == 1 {
        return Some(*hash);
    }
    let on_left = split(size);
    let (in_left, in_right) = included.split_at(included.partition_point(|(index, _)| *index < start + on_left));
    let left = join(start, on_left, in_left, gaps)?;
    let right = join(start + on_left, size - on_left, in_right, gaps)?;
    Some(node_hash(&left, &right))
}

/// Writes a hash in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a hash from hexadecimal.
pub fn from_hex(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves and roots that the authors of RFC 6962's first implementation test with.
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_the_published_vectors() {
        let leaves: Vec<Hash> = LEAVES.iter().map(|leaf| leaf_hash(leaf)).collect();
        let mut frontier = Frontier::default();
        for (size, expected) in ROOTS.iter().enumerate() {
            assert_eq!(hex(&root(&leaves[..size])), *expected, "{size} leaves");
            assert_eq!(hex(&frontier.root()), *expected, "a frontier of {size} leaves");
            if let Some(leaf) = leaves.get(size) {
                frontier.push(*leaf);
            }
        }
        assert_eq!(from_hex(ROOTS[1]).map(|hash| hex(&hash)), Some(ROOTS[1].to_owned()));
        assert_eq!(from_hex("é"), None);
    }

    #[test]
    fn a_path_leads_from_its_leaf_to_the_root() {
        let leaves: Vec<Hash> = (0_u32..13).map(|number| leaf_hash(&number.to_be_bytes())).collect();
        for size in 1..=leaves.len() {
            for index in 0..size as u64 {
                let path = path(&leaves[..size], index);
                // RFC 9162 §2.1.3.2, as a reader with nothing but the proof does it.
                let (mut at, mut last, mut hash) = (index, size as u64 - 1, leaves[index as usize]);
                for step in &path {
                    if at % 2 == 1 || at == last {
                        hash = node_hash(step, &hash);
                        while at % 2 == 0 && at != 0 {
                            (at, last) = (at / 2, last / 2);
                        }
                    } else {
                        hash = node_hash(&hash, step);
                    }
                    (at, last) = (at / 2, last / 2);
                }
                assert_eq!((hash, last), (root(&leaves[..size]), 0), "leaf {index} of {size}");
            }
        }
        assert_eq!(path(&[], 0), Vec::<Hash>::new());
    }

    #[test]
    fn any_leaves_with_their_gaps_give_the_root_and_no_others_do() {
        let leaves: Vec<Hash> = (0_u32..21).map(|number| leaf_hash(&number.to_be_bytes())).collect();
        for size in 1..=leaves.len() {
            for mask in [0_u64, 1, 0b10, 0b1001, 0b1_0000_0000_0110, u64::MAX, 1 << (size - 1)] {
                let included: Vec<u64> = (0..size as u64).filter(|index| mask >> index & 1 == 1).collect();
                let proof = gaps(&leaves[..size], &included);
                let mut named: Vec<(u64, Hash)> =
                    included.iter().map(|index| (*index, leaves[*index as usize])).collect();
                assert_eq!(root_with_gaps(size as u64, &named, &proof), Some(root(&leaves[..size])));
                if let Some((_, hash)) = named.last_mut() {
                    hash[0] ^= 1;
                    assert_ne!(root_with_gaps(size as u64, &named, &proof), Some(root(&leaves[..size])));
                    named.pop();
                    assert_ne!(root_with_gaps(size as u64, &named, &proof), Some(root(&leaves[..size])));
                }
            }
        }
        assert_eq!(root_with_gaps(2, &[(2, leaves[0])], &[]), None, "a leaf beyond the end");
        assert_eq!(root_with_gaps(u64::MAX, &[(5, leaves[0])], &[]), None, "too few hashes");
        assert_eq!(root_with_gaps(1, &[(0, leaves[0])], &[leaves[1]]), None, "too many hashes");
    }
}
