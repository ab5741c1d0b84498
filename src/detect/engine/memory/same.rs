//! Whether two short texts are the same, without a call.
//!
//! An event's names and values are compared with what came before dozens of times; most have 8 to 32 bytes, for which two or
//! four words side by side are enough.

/// Compares two texts.
#[inline]
pub(super) fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    match left.len() {
        4..8 => ends_agree::<4>(left, right),
        8..=16 => ends_agree::<8>(left, right),
        17..=32 => ends_agree::<16>(left, right),
        _ => left == right,
    }
}

/// Compares the first and the last bytes; in texts of at most twice as many, that is all of them.
#[inline]
fn ends_agree<const N: usize>(left: &[u8], right: &[u8]) -> bool {
    left.first_chunk::<N>() == right.first_chunk::<N>() && left.last_chunk::<N>() == right.last_chunk::<N>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts() {
        for length in 0..70 {
            let text: Vec<u8> = (0..length).map(|at| at as u8).collect();
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &[text.as_slice(), b"x"].concat()));
            for at in 0..length {
                let mut other = text.clone();
                other[at] ^= 0x80;
                assert!(!same(&text, &other), "{length} {at}");
            }
        }
    }
}
