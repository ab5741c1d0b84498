//! What is written down with the position in the log: the correlations' state and the sources', in one piece.

/// How the piece begins.
const MAGIC: &[u8; 8] = b"longan\x00\x01";

/// Puts both states together.
pub(super) fn join(correlations: &[u8], sources: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(MAGIC.len() + 8 + correlations.len() + sources.len());
    joined.extend_from_slice(MAGIC);
    joined.extend_from_slice(&(correlations.len() as u64).to_le_bytes());
    joined.extend_from_slice(correlations);
    joined.extend_from_slice(sources);
    joined
}

/// Takes them apart: correlations, sources. `None` for anything else.
pub(super) fn split(joined: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = joined.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_come_back_and_nothing_else_does() {
        for (one, other) in [(&b"a"[..], &b"bc"[..]), (b"", b""), (b"x", b"")] {
            assert_eq!(split(&join(one, other)), Some((one, other)));
        }
        let joined = join(b"abc", b"");
        for wrong in [&joined[..joined.len() - 1], b"", b"longan", b"{\"version\":1}"] {
            assert_eq!(split(wrong), None);
        }
    }
}
