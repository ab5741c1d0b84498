//! Counting different values and finding percentiles: exact as long as that is cheap, estimated with a known error beyond.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

/// Up to so many different values are counted exactly, group by group.
pub(super) const EXACT_VALUES_MAX: usize = 10_000;
/// 2^14 registers of a byte: a standard error of 0.8 %.
const REGISTER_BITS: u32 = 14;
/// The same value has the same hash in every part of a search.
const HASH: FixedState = FixedState::with_seed(0x6c6f_6e67_616e);

/// Counts different values: by their 64-bit hashes, then with HyperLogLog.
#[derive(Debug, Clone)]
pub(super) enum Distinct {
    Exact(HashSet<u64>),
    Estimate(Vec<u8>),
}

impl Default for Distinct {
    fn default() -> Distinct {
        Distinct::Exact(HashSet::new())
    }
}

impl Distinct {
    /// Adds a value; returns by how many bytes the memory grew.
    pub(super) fn add(&mut self, value: &[u8]) -> usize {
        self.add_hash(mixed(HASH.hash_one(value)))
    }

    fn add_hash(&mut self, hash: u64) -> usize {
        match self {
            Distinct::Exact(hashes) => {
                let grown = if hashes.insert(hash) { 16 } else { 0 };
                if hashes.len() > EXACT_VALUES_MAX {
                    let mut registers = vec![0; 1 << REGISTER_BITS];
                    hashes.iter().for_each(|hash| register(&mut registers, *hash));
                    *self = Distinct::Estimate(registers);
                }
                grown
            }
            Distinct::Estimate(registers) => {
                register(registers, hash);
                0
            }
        }
    }

    pub(super) fn merge(&mut self, other: Distinct) {
        match (&mut *self, other) {
            (_, Distinct::Exact(hashes)) => {
                for hash in hashes {
                    self.add_hash(hash);
                }
            }
            (Distinct::Estimate(mine), Distinct::Estimate(theirs)) => {
                mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine = (*mine).max(theirs));
            }
            (Distinct::Exact(hashes), Distinct::Estimate(mut registers)) => {
                hashes.iter().for_each(|hash| register(&mut registers, *hash));
                *self = Distinct::Estimate(registers);
            }
        }
    }

    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Distinct::Exact(_))
    }

    pub(super) fn count(&self) -> i64 {
        match self {
            Distinct::Exact(hashes) => i64::try_from(hashes.len()).unwrap_or(i64::MAX),
            Distinct::Estimate(registers) => estimate(registers),
        }
    }
}

/// Spreads a hash evenly over its bits, the highest among them.
fn mixed(mut hash: u64) -> u64 {
    hash ^= hash >> 30;
    hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^= hash >> 27;
    hash = hash.wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

fn register(registers: &mut [u8], hash: u64) {
    let index = usize::try_from(hash >> (64 - REGISTER_BITS)).unwrap_or(0);
    let rank = ((hash << REGISTER_BITS) | (1 << (REGISTER_BITS - 1))).leading_zeros() + 1;
    if let Some(slot) = registers.get_mut(index) {
        *slot = (*slot).max(u8::try_from(rank).unwrap_or(u8::MAX));
    }
}

fn estimate(registers: &[u8]) -> i64 {
    let count = registers.len() as f64;
    let sum: f64 = registers.iter().map(|rank| 2_f64.powi(-i32::from(*rank))).sum();
    let raw = 0.7213 / (1.0 + 1.079 / count) * count * count / sum;
    let empty = registers.iter().filter(|rank| **rank == 0).count() as f64;
    // Few values leave registers empty, and their number says more than the ranks.
    let linear = if empty > 0.0 { count * (count / empty).ln() } else { f64::INFINITY };
    (if linear < 2.5 * count { linear } else { raw }).round() as i64
}

/// Up to so many numbers are kept for a percentile.
const EXACT_NUMBERS_MAX: usize = 10_000;
/// Neighbouring buckets differ by this factor: an error of 1 %.
const FACTOR: f64 = 1.02;

/// Numbers, or how many of them fell between powers of a factor.
#[derive(Debug, Clone)]
pub(super) enum Spread {
    Exact(Vec<f64>),
    Buckets { counts: std::collections::BTreeMap<i32, u64>, total: u64 },
}

impl Default for Spread {
    fn default() -> Spread {
        Spread::Exact(Vec::new())
    }
}

impl Spread {
    /// Adds a number; returns by how many bytes the memory grew.
    pub(super) fn add(&mut self, number: f64) -> usize {
        match self {
            Spread::Exact(numbers) => {
                numbers.push(number);
                if numbers.len() > EXACT_NUMBERS_MAX {
                    self.estimate();
                }
                8
            }
            Spread::Buckets { counts, total } => {
                *total += 1;
                let count = counts.entry(bucket(number)).or_default();
                *count += 1;
                if *count == 1 { 24 } else { 0 }
            }
        }
    }

    fn estimate(&mut self) {
        if let Spread::Exact(numbers) = self {
            let mut counts = std::collections::BTreeMap::new();
            let total = numbers.len() as u64;
            numbers.iter().for_each(|number| *counts.entry(bucket(*number)).or_default() += 1);
            *self = Spread::Buckets { counts, total };
        }
    }

    pub(super) fn merge(&mut self, other: Spread) {
        match other {
            Spread::Exact(numbers) => {
                for number in numbers {
                    self.add(number);
                }
            }
            Spread::Buckets { counts: theirs, total: more } => {
                self.estimate();
                if let Spread::Buckets { counts, total } = self {
                    *total += more;
                    theirs.into_iter().for_each(|(bucket, count)| *counts.entry(bucket).or_default() += count);
                }
            }
        }
    }

    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Spread::Exact(_))
    }

    /// Returns the smallest number that at least `share` percent are not above.
    pub(super) fn percentile(&self, share: f64) -> Option<f64> {
        match self {
            Spread::Exact(numbers) => {
                let mut sorted = numbers.clone();
                sorted.sort_by(f64::total_cmp);
                sorted.get(rank(share, sorted.len() as u64)).copied()
            }
            Spread::Buckets { counts, total } => {
                let mut left = rank(share, *total) as u64;
                for (bucket, count) in counts {
                    if left < *count {
                        return Some(middle(*bucket));
                    }
                    left -= count;
                }
                None
            }
        }
    }
}

fn rank(share: f64, count: u64) -> usize {
    let rank = (share / 100.0 * count as f64).ceil() as u64;
    usize::try_from(rank.clamp(1, count.max(1)) - 1).unwrap_or(usize::MAX)
}

/// The order of buckets is the order of numbers: negative, near zero, positive.
fn bucket(number: f64) -> i32 {
    const NEAR_ZERO: f64 = 1e-9;
    if number.abs() < NEAR_ZERO {
        return 0;
    }
    let power = ((number.abs() / NEAR_ZERO).ln() / FACTOR.ln()).floor() as i32 + 1;
    if number > 0.0 { power } else { -power }
}

fn middle(bucket: i32) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let size = 1e-9 * FACTOR.powf(f64::from(bucket.abs()) - 0.5);
    if bucket > 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_values_are_counted_exactly_and_then_nearly() {
        for (count, is_exact) in [(0_u32, true), (9_999, true), (50_000, false), (400_000, false)] {
            let mut distinct = Distinct::default();
            let mut other = Distinct::default();
            for number in 0..count {
                distinct.add(&number.to_le_bytes());
                other.add(&(number / 2).to_le_bytes());
            }
            assert_eq!(distinct.is_exact(), is_exact, "{count}");
            let error = (distinct.count() - i64::from(count)).abs() as f64 / f64::from(count.max(1));
            assert!(error < if is_exact { 1e-9 } else { 0.03 }, "{count}: {error}");
            let before = distinct.count();
            distinct.merge(other);
            assert_eq!(distinct.count(), before, "merging a part changes nothing");
        }
    }

    #[test]
    fn percentiles_are_exact_and_then_within_two_percent() {
        for count in [1_u32, 100, 100_000] {
            let mut spread = Spread::default();
            for number in 0..count {
                spread.add(f64::from(number) - 10.0);
            }
            for share in [0.0, 50.0, 95.0, 100.0] {
                let exact = rank(share, u64::from(count)) as f64 - 10.0;
                let found = spread.percentile(share).expect("not empty");
                assert!((found - exact).abs() <= 0.02 * exact.abs() + 1e-6, "{count} p{share}: {found} {exact}");
            }
        }
        assert_eq!(Spread::default().percentile(50.0), None);
    }
}
