//! Finds which of many literals occur in a text by looking at every few bytes of it only.
//!
//! Of each literal as many neighbouring groups of four bytes as the stride is long are entered into a bit map, so that wherever
//! the literal stands, one of them stands at a place that is looked at. Each look is independent of the one before,
//! which an automaton's steps are not, and the bit map stays small: the cost hardly grows with the number of literals.

use hashbrown::HashMap;

/// Bytes of a group.
pub(in crate::detect::engine) const GRAM: usize = 4;
/// Groups of one literal that are entered at most, hence the longest stride.
pub(in crate::detect::engine) const STRIDE_MAX: usize = 16;
/// Bits of the map for each group: few enough texts pass by chance.
const BITS_PER_GRAM: usize = 64;
/// Words of the map at most: past half a million groups more of them pass by chance, and are only compared in vain.
const WORDS_MAX: usize = 1 << 18;

/// One group of a literal.
#[derive(Debug, Clone, Copy)]
struct Item {
    gram: u32,
    /// Which literal, and where in it the group stands.
    literal: u32,
    offset: u32,
}

/// Literals of at least four bytes, case-folded.
#[derive(Debug)]
pub(super) struct Grams {
    stride: usize,
    /// One bit a hash: whether any group has it.
    map: Box<[u64]>,
    map_shift: u32,
    /// Where the items of a bucket begin; one more than there are buckets.
    buckets: Box<[u32]>,
    bucket_shift: u32,
    items: Box<[Item]>,
    literals: Box<[(Box<[u8]>, u32)]>,
}

impl Grams {
    /// Prepares the search for literals, each with the number that is reported; `None` without any.
    pub(super) fn new(literals: &[(&str, u32)]) -> Option<Grams> {
        let shortest = literals.iter().map(|(literal, _)| literal.len()).min()?;
        let stride = (shortest + 1).saturating_sub(GRAM).min(STRIDE_MAX);
        if stride == 0 {
            return None;
        }
        let mut crowd = HashMap::new();
        let mut items = Vec::with_capacity(literals.len() * stride);
        for (place, (literal, _)) in (0_u32..).zip(literals) {
            let anchor = anchor(literal.as_bytes(), stride, &crowd);
            for offset in anchor..anchor + stride {
                let Some(gram) = gram_at(literal.as_bytes(), offset) else { continue };
                *crowd.entry(gram).or_insert(0_u32) += 1;
                items.push(Item { gram, literal: place, offset: offset as u32 });
            }
        }
        let words = (items.len() * BITS_PER_GRAM / 64).next_power_of_two().clamp(8, WORDS_MAX);
        let map_shift = 32 - (words * 64).trailing_zeros();
        let mut map = vec![0_u64; words];
        for item in &items {
            let bit = hash(item.gram) >> map_shift;
            if let Some(word) = map.get_mut((bit / 64) as usize) {
                *word |= 1 << (bit % 64);
            }
        }
        let bucket_bits = (items.len() * 2).next_power_of_two().trailing_zeros().clamp(1, 31);
        let bucket_shift = 32 - bucket_bits;
        let bucket_of = |item: &Item| hash(item.gram) >> bucket_shift;
        items.sort_by_key(|item| (bucket_of(item), item.gram, item.literal));
        let mut buckets = vec![0_u32; (1 << bucket_bits) + 1];
        for item in &items {
            if let Some(after) = buckets.get_mut(bucket_of(item) as usize + 1) {
                *after += 1;
            }
        }
        let mut sum = 0;
        for count in &mut buckets {
            sum += *count;
            *count = sum;
        }
        let literals = literals.iter().map(|(literal, number)| (literal.as_bytes().into(), *number)).collect();
        let (map, buckets, items) = (map.into(), buckets.into(), items.into());
        Some(Grams { stride, map, map_shift, buckets, bucket_shift, items, literals })
    }

    /// Reports every literal that occurs in the text, as often as it does. The text is ASCII of any case, or folded.
    #[inline]
    pub(super) fn scan(&self, text: &[u8], mut found: impl FnMut(u32)) {
        let mut at = 0;
        while let Some(gram) = gram_at(text, at) {
            let hash = hash(gram);
            let bit = hash >> self.map_shift;
            let word = self.map.get((bit / 64) as usize).copied().unwrap_or(0);
            if word >> (bit % 64) & 1 != 0 {
                self.compare(text, at, gram, hash, &mut found);
            }
            at += self.stride;
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, gram: u32, hash: u32, found: &mut impl FnMut(u32)) {
        let bucket = (hash >> self.bucket_shift) as usize;
        let (Some(start), Some(end)) = (self.buckets.get(bucket), self.buckets.get(bucket + 1)) else { return };
        let items = self.items.get(*start as usize..*end as usize).unwrap_or_default();
        for item in items.iter().filter(|item| item.gram == gram) {
            let Some((literal, number)) = self.literals.get(item.literal as usize) else { continue };
            let Some(start) = at.checked_sub(item.offset as usize) else { continue };
            if text.get(start..start + literal.len()).is_some_and(|there| there.eq_ignore_ascii_case(literal)) {
                found(*number);
            }
        }
    }
}

/// Reads a group, letters made small. Other characters may run together; what is found is compared in full anyway.
#[inline]
fn gram_at(text: &[u8], at: usize) -> Option<u32> {
    let bytes = text.get(at..)?.first_chunk::<GRAM>()?;
    Some(u32::from_le_bytes(*bytes) | 0x2020_2020)
}

#[inline]
fn hash(gram: u32) -> u32 {
    // The golden ratio: neighbouring groups land far apart.
    gram.wrapping_mul(0x9E37_79B1)
}

/// Chooses where in a literal its groups are taken from: where texts have them least often.
fn anchor(literal: &[u8], stride: usize, crowd: &HashMap<u32, u32>) -> usize {
    let cost = |at: &usize| -> u32 {
        let grams = (*at..*at + stride).filter_map(|offset| gram_at(literal, offset));
        grams.map(|gram| commonness(gram) + 4 * crowd.get(&gram).copied().unwrap_or(0)).sum()
    };
    let last = (literal.len() + 1).saturating_sub(GRAM + stride);
    (0..=last).min_by_key(cost).unwrap_or(0)
}

/// What log lines are full of.
const COMMON: &str = "\\windows\\system32\\syswow64 \\program files (x86)\\microsoft c:\\users\\public\\appdata\\local\\temp\\roaming \
    .exe .dll .ps1 .exe\" powershell.exe cmd.exe http://www. https://www.com /usr/bin/ /usr/lib/ /var/log/ /etc/ /opt/ -command \
    hkey_local_machine\\software\\currentversion\\ system.management.automation.0000 ____ ---- .... ==== \t\t\t\t     the ing tion";

fn commonness(gram: u32) -> u32 {
    let bytes = gram.to_le_bytes();
    let is_common =
        COMMON.as_bytes().windows(GRAM).enumerate().any(|(at, _)| gram_at(COMMON.as_bytes(), at) == Some(gram));
    let letters = bytes.iter().filter(|byte| b"etaoinsr ".contains(byte)).count() as u32;
    letters + if is_common { 24 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(literals: &[&str], text: &str) -> Vec<u32> {
        let numbered: Vec<(&str, u32)> = literals.iter().copied().zip(0..).collect();
        let mut all = Vec::new();
        Grams::new(&numbered).expect("has literals").scan(text.as_bytes(), |literal| all.push(literal));
        all.sort_unstable();
        all
    }

    #[test]
    fn literals_are_found_wherever_they_stand_and_in_any_case() {
        let literals = [r"\lsass.exe", "mimikatz", "invoke-mimikatz", "kerberos::ptt", r"\windows\system32\a"];
        for (place, literal) in (0..).zip(literals) {
            for before in 0..40 {
                for after in [0, 1, 7] {
                    let text = format!("{}{}{}", "x".repeat(before), literal.to_uppercase(), "y".repeat(after));
                    let got = found(&literals, &text);
                    let want: Vec<u32> = if place == 2 { vec![1, 2] } else { vec![place] };
                    assert_eq!(got, want, "{text}");
                }
            }
        }
        assert_eq!(found(&literals, "mimi katz lsass.exe"), [0_u32; 0]);
        assert_eq!(found(&["abcd"], "abcdabcd abc"), [0, 0]);
        assert_eq!(found(&["abcd"], ""), [0_u32; 0]);
    }

    #[test]
    fn every_stride_finds_what_stands_at_any_place() {
        for length in GRAM..40 {
            let literal: String = (0..length).map(|at| char::from(b'a' + (at * 7 % 26) as u8)).collect();
            for before in 0..40 {
                assert_eq!(found(&[&literal], &format!("{}{literal}-", "-".repeat(before))), [0], "{length} {before}");
            }
        }
    }

    #[test]
    fn many_literals_are_told_apart() {
        let literals: Vec<String> = (0..9_000).map(|number| format!("literal-{number:05}")).collect();
        let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
        assert_eq!(found(&literals, "a literal-00007 and LITERAL-08999, literal-9"), [7, 8999]);
    }

    #[test]
    fn nothing_to_search_for() {
        assert!(Grams::new(&[]).is_none());
        assert!(Grams::new(&[("abc", 0)]).is_none());
    }
}
