//! Finds which of many literals occur in a text by looking at every few bytes of it only.
//!
//! Of each literal as many neighbouring groups of four bytes as the stride is long are entered into a bit map, so that wherever
//! the literal stands, one of them stands at a place that is looked at. Each look is independent of the one before,
//! which an automaton's steps are not, and the bit map stays small: the cost hardly grows with the number of literals.

use std::sync::OnceLock;

use hashbrown::HashMap;
use hashbrown::HashSet;

/// Bytes of the shortest group, so of the shortest literal.
pub(in crate::detect::engine) const GRAM: usize = 4;
/// Groups of one literal that are entered at most, hence the longest stride.
pub(in crate::detect::engine) const STRIDE_MAX: usize = 16;
/// Bits of the map for each group: few enough texts pass by chance. Of many groups fewer, so that the map stays in the cache.
const BITS_PER_GRAM: usize = 64;
const BITS_OF_MANY: usize = 32;
const MANY: usize = 4096;
/// Words of the map at most: past half a million groups more of them pass by chance, and are only compared in vain.
const WORDS_MAX: usize = 1 << 18;

/// Ways to part literals: those from so many bytes on are searched by groups of so many. One search with short groups takes the
/// fewest steps; it is given up only where literals share their groups, as thousands of words of the same syllables do.
const LAYOUTS: [&[(usize, usize)]; 3] = [&[(GRAM, 4)], &[(GRAM, 4), (6, 6)], &[(GRAM, 4), (6, 6), (8, 8)]];
/// Literals that may share a group, on average.
const SHARED_MAX: f64 = 1.6;

/// One group of a literal.
#[derive(Debug, Clone, Copy)]
struct Item {
    gram: u64,
    /// Which literal, and where in it the group stands.
    literal: u32,
    offset: u32,
    /// Where the literal's last bytes begin, counted from its start, and what they are: most others end differently.
    tail_at: u32,
    tail: u32,
}

/// A literal: where its text stands, and what is reported.
#[derive(Debug, Clone, Copy)]
struct Literal {
    start: u32,
    length: u32,
    number: u32,
}

/// Literals of at least four bytes, case-folded.
#[derive(Debug)]
pub(super) struct Grams {
    classes: Vec<Class>,
}

impl Grams {
    /// Prepares the search for literals, each with the number that is reported; `None` without any.
    pub(super) fn new(literals: &[(&str, u32)]) -> Option<Grams> {
        let shortest = literals.iter().map(|(literal, _)| literal.len()).min()?;
        if shortest < GRAM {
            return None;
        }
        let mut classes = Vec::new();
        for layout in LAYOUTS {
            classes = part(literals, layout);
            let (items, grams) = classes.iter().fold((0, 0), |(items, grams), chosen: &Chosen<'_>| {
                (items + chosen.items.len(), grams + chosen.crowd.len())
            });
            if items as f64 <= grams as f64 * SHARED_MAX {
                break;
            }
        }
        Some(Grams { classes: classes.into_iter().map(Class::new).collect() })
    }

    /// Reports every literal that occurs in the text, as often as it does. The text is ASCII of any case, or folded.
    #[inline]
    pub(super) fn scan(&self, text: &[u8], mut found: impl FnMut(u32)) {
        for class in &self.classes {
            class.scan(text, &mut found);
        }
    }
}

/// Literals of a class with their groups chosen.
struct Chosen<'l> {
    width: usize,
    stride: usize,
    literals: Vec<(&'l str, u32)>,
    items: Vec<Item>,
    /// How many literals have a group.
    crowd: HashMap<u64, u32>,
}

fn part<'l>(literals: &[(&'l str, u32)], layout: &[(usize, usize)]) -> Vec<Chosen<'l>> {
    let ends = layout.iter().skip(1).map(|(from, _)| *from).chain([usize::MAX]);
    let classes = layout.iter().zip(ends).map(|((from, width), end)| {
        let belongs = |(literal, _): &&(&str, u32)| (*from..end).contains(&literal.len());
        (*width, literals.iter().filter(belongs).copied().collect::<Vec<_>>())
    });
    classes.filter(|(_, literals)| !literals.is_empty()).map(|(width, literals)| Chosen::new(width, literals)).collect()
}

impl<'l> Chosen<'l> {
    fn new(width: usize, literals: Vec<(&'l str, u32)>) -> Chosen<'l> {
        let shortest = literals.iter().map(|(literal, _)| literal.len()).min().unwrap_or(width);
        let stride = (shortest + 1).saturating_sub(width).clamp(1, STRIDE_MAX);
        let mut crowd = HashMap::new();
        let mut items = Vec::with_capacity(literals.len() * stride);
        for (place, (literal, _)) in (0_u32..).zip(&literals) {
            let anchor = anchor(literal.as_bytes(), width, stride, &crowd);
            for offset in anchor..anchor + stride {
                let Some(gram) = gram_at(literal.as_bytes(), offset, width) else { continue };
                *crowd.entry(gram).or_insert(0_u32) += 1;
                let tail_at = literal.len() - GRAM;
                let tail = short_gram(literal.as_bytes(), tail_at).unwrap_or(0);
                items.push(Item { gram, literal: place, offset: offset as u32, tail_at: tail_at as u32, tail });
            }
        }
        Chosen { width, stride, literals, items, crowd }
    }
}

/// Literals that are searched by groups of one width.
#[derive(Debug)]
struct Class {
    width: usize,
    stride: usize,
    /// One bit a hash: whether any group has it.
    map: Box<[u64]>,
    map_shift: u32,
    /// Where the items of a bucket begin; one more than there are buckets.
    buckets: Box<[u32]>,
    bucket_shift: u32,
    items: Box<[Item]>,
    literals: Box<[Literal]>,
    texts: Box<[u8]>,
}

impl Class {
    fn new(chosen: Chosen<'_>) -> Class {
        let Chosen { width, stride, literals, mut items, .. } = chosen;
        let bits = if items.len() > MANY { BITS_OF_MANY } else { BITS_PER_GRAM };
        let words = (items.len() * bits / 64).next_power_of_two().clamp(8, WORDS_MAX);
        let map_shift = 64 - (words * 64).trailing_zeros();
        let mut map = vec![0_u64; words];
        for item in &items {
            let bit = hash(item.gram) >> map_shift;
            if let Some(word) = map.get_mut((bit / 64) as usize) {
                *word |= 1 << (bit % 64);
            }
        }
        let bucket_bits = (items.len() * 2).next_power_of_two().trailing_zeros().clamp(1, 31);
        let bucket_shift = 64 - bucket_bits;
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
        let mut texts = Vec::new();
        let mut places = Vec::with_capacity(literals.len());
        for (literal, number) in literals {
            places.push(Literal { start: texts.len() as u32, length: literal.len() as u32, number });
            texts.extend_from_slice(literal.as_bytes());
        }
        let (map, buckets, items) = (map.into(), buckets.into(), items.into());
        Class {
            width,
            stride,
            map,
            map_shift,
            buckets,
            bucket_shift,
            items,
            literals: places.into(),
            texts: texts.into(),
        }
    }

    #[inline]
    fn scan(&self, text: &[u8], found: &mut impl FnMut(u32)) {
        let mut at = 0;
        if self.width == GRAM {
            while let Some(gram) = short_gram(text, at) {
                self.look(text, at, u64::from(gram), found);
                at += self.stride;
            }
            return;
        }
        let mask = mask(self.width);
        while let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
            self.look(text, at, (u64::from_le_bytes(*bytes) | LETTERS) & mask, found);
            at += self.stride;
        }
        while let Some(gram) = gram_at(text, at, self.width) {
            self.look(text, at, gram, found);
            at += self.stride;
        }
    }

    #[inline]
    fn look(&self, text: &[u8], at: usize, gram: u64, found: &mut impl FnMut(u32)) {
        let hash = hash(gram);
        let bit = hash >> self.map_shift;
        let word = self.map.get((bit / 64) as usize).copied().unwrap_or(0);
        if word >> (bit % 64) & 1 != 0 {
            self.compare(text, at, gram, hash, found);
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, gram: u64, hash: u64, found: &mut impl FnMut(u32)) {
        let bucket = (hash >> self.bucket_shift) as usize;
        let (Some(start), Some(end)) = (self.buckets.get(bucket), self.buckets.get(bucket + 1)) else { return };
        let items = self.items.get(*start as usize..*end as usize).unwrap_or_default();
        for item in items.iter().filter(|item| item.gram == gram) {
            let Some(from) = at.checked_sub(item.offset as usize) else { continue };
            if short_gram(text, from + item.tail_at as usize) != Some(item.tail) {
                continue;
            }
            let Some(Literal { start, length, number }) = self.literals.get(item.literal as usize).copied() else {
                continue;
            };
            let literal = self.texts.get(start as usize..(start + length) as usize).unwrap_or_default();
            if text.get(from..from + literal.len()).is_some_and(|there| there.eq_ignore_ascii_case(literal)) {
                found(number);
            }
        }
    }
}

/// Makes letters small. Other characters may run together; what is found is compared in full anyway.
const LETTERS: u64 = 0x2020_2020_2020_2020;

/// The bytes of a group in a word.
fn mask(width: usize) -> u64 {
    u64::MAX >> (64 - 8 * width.clamp(1, 8))
}

/// Reads a group of four bytes, letters made small.
#[inline]
fn short_gram(text: &[u8], at: usize) -> Option<u32> {
    let bytes = text.get(at..)?.first_chunk::<GRAM>()?;
    Some(u32::from_le_bytes(*bytes) | LETTERS as u32)
}

/// Reads a group, letters made small.
#[inline]
fn gram_at(text: &[u8], at: usize, width: usize) -> Option<u64> {
    let group = text.get(at..at + width)?;
    let mut bytes = [0; 8];
    bytes.get_mut(..width)?.copy_from_slice(group);
    Some((u64::from_le_bytes(bytes) | LETTERS) & mask(width))
}

#[inline]
fn hash(gram: u64) -> u64 {
    // The golden ratio: neighbouring groups land far apart.
    gram.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Chooses where in a literal its groups are taken from: where texts have them least often.
fn anchor(literal: &[u8], width: usize, stride: usize, crowd: &HashMap<u64, u32>) -> usize {
    let cost = |at: &usize| -> u32 {
        let grams = (*at..*at + stride).filter_map(|offset| gram_at(literal, offset, width));
        grams.map(|gram| commonness(gram, width) + 4 * crowd.get(&gram).copied().unwrap_or(0)).sum()
    };
    let last = (literal.len() + 1).saturating_sub(width + stride);
    (0..=last).min_by_key(cost).unwrap_or(0)
}

/// What log lines are full of.
const COMMON: &str = "\\windows\\system32\\syswow64 \\program files (x86)\\microsoft c:\\users\\public\\appdata\\local\\temp\\roaming \
    .exe .dll .ps1 .exe\" powershell.exe cmd.exe http://www. https://www.com /usr/bin/ /usr/lib/ /var/log/ /etc/ /opt/ -command \
    hkey_local_machine\\software\\currentversion\\ system.management.automation.0000 ____ ---- .... ==== \t\t\t\t     the ing tion";

fn commonness(gram: u64, width: usize) -> u32 {
    static SETS: [OnceLock<HashSet<u64>>; 9] = [const { OnceLock::new() }; 9];
    let grams = || (0..COMMON.len()).filter_map(|at| gram_at(COMMON.as_bytes(), at, width)).collect();
    let is_common = SETS.get(width).is_some_and(|set| set.get_or_init(grams).contains(&gram));
    let letters = gram.to_le_bytes().iter().filter(|byte| b"etaoinsr ".contains(byte)).count() as u32;
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
    fn groups_of_every_width_find_what_stands_at_any_place() {
        for (width, length) in [4, 6, 8].into_iter().flat_map(|width| (width..30).map(move |length| (width, length))) {
            let literal: String = (0..length).map(|at| char::from(b'a' + (at * 7 % 26) as u8)).collect();
            let class = Class::new(Chosen::new(width, vec![(&literal, 5)]));
            for (before, after) in (0..20).flat_map(|before| [0, 1, 9].map(|after| (before, after))) {
                let text = format!("{}{}{}", "-".repeat(before), literal.to_uppercase(), "-".repeat(after));
                let mut all = Vec::new();
                class.scan(text.as_bytes(), &mut |number| all.push(number));
                assert_eq!(all, [5], "{width} {text}");
            }
        }
    }

    /// Words made of the same syllables share their groups, whatever their length.
    #[test]
    fn words_of_the_same_syllables_are_told_apart() {
        let syllables = ["ba", "cor", "dan", "fo", "gun", "hal", "ixa", "jo", "kem", "lu"];
        let mut literals: Vec<String> = Vec::new();
        for first in syllables {
            for second in syllables {
                literals.push(format!(" -{first}{second}"));
                literals.extend(syllables.iter().map(|third| format!(" -{first}{second}{third}")));
            }
        }
        let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
        let grams = Grams::new(&literals.iter().copied().zip(0..).collect::<Vec<_>>()).expect("has literals");
        assert!(grams.classes.iter().all(|class| class.width > GRAM));
        for (number, literal) in literals.iter().enumerate() {
            for before in 0..9 {
                let text = format!("{}{} x", "y".repeat(before), literal.to_uppercase());
                let want: Vec<u32> = (0..)
                    .zip(&literals)
                    .filter(|(_, other)| literal.starts_with(**other))
                    .map(|(place, _)| place)
                    .collect();
                let mut all = Vec::new();
                grams.scan(text.as_bytes(), |literal| all.push(literal));
                all.sort_unstable();
                all.dedup();
                assert_eq!(all, want, "{number} {text}");
                if before > 1 && number % 50 != 0 {
                    break;
                }
            }
        }
    }

    #[test]
    fn nothing_to_search_for() {
        assert!(Grams::new(&[]).is_none());
        assert!(Grams::new(&[("abc", 0)]).is_none());
    }
}
