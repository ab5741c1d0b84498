//! A sorted table of fixed-width keys, each with a number: a few bytes an entry, two or three cache misses a lookup.

/// Entries a bucket of the directory holds on average.
const PER_BUCKET: usize = 8;
/// A larger directory is not worth its memory.
const BUCKET_BITS_MAX: u32 = 22;

/// What can be a key: its topmost bits choose the bucket.
pub(super) trait Key: Copy + Ord {
    /// Returns the topmost `bits` bits.
    fn top(self, bits: u32) -> usize;
}

impl Key for u32 {
    fn top(self, bits: u32) -> usize {
        self.checked_shr(32 - bits).unwrap_or(0) as usize
    }
}

impl Key for u128 {
    fn top(self, bits: u32) -> usize {
        self.checked_shr(128 - bits).unwrap_or(0) as usize
    }
}

/// Keys in order with their numbers beside them; a key may stand in it several times.
#[derive(Debug)]
pub(super) struct Table<K> {
    keys: Vec<K>,
    numbers: Vec<u32>,
    /// Where the keys of each bucket begin; one more than there are buckets.
    starts: Vec<u32>,
    bits: u32,
}

impl<K: Key> Default for Table<K> {
    fn default() -> Table<K> {
        Table::new(Vec::new())
    }
}

impl<K: Key> Table<K> {
    /// Builds the table; an entry that occurs twice stays once.
    pub(super) fn new(mut entries: Vec<(K, u32)>) -> Table<K> {
        entries.sort_unstable();
        entries.dedup();
        let buckets = (entries.len() / PER_BUCKET).max(1);
        let bits = buckets.ilog2().min(BUCKET_BITS_MAX);
        let mut starts = vec![0_u32; (1 << bits) + 1];
        for (key, _) in &entries {
            if let Some(count) = starts.get_mut(key.top(bits) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let (keys, numbers) = entries.into_iter().unzip();
        Table { keys, numbers, starts, bits }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns the numbers of a key.
    pub(super) fn get(&self, key: K) -> &[u32] {
        let bucket = key.top(self.bits);
        let (Some(start), Some(end)) = (self.starts.get(bucket), self.starts.get(bucket + 1)) else { return &[] };
        let (start, end) = (*start as usize, *end as usize);
        let Some(keys) = self.keys.get(start..end) else { return &[] };
        let from = keys.partition_point(|known| *known < key);
        let count = keys.get(from..).map_or(0, |rest| rest.iter().take_while(|known| **known == key).count());
        self.numbers.get(start + from..start + from + count).unwrap_or(&[])
    }

    /// Returns the bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.keys.len() * size_of::<K>() + (self.numbers.len() + self.starts.len()) * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_no_other() {
        let entries: Vec<(u32, u32)> = (0..10_000_u32).map(|n| (n.wrapping_mul(2_654_435_761), n)).collect();
        let table = Table::new(entries.clone());
        assert!(entries.iter().all(|(key, number)| table.get(*key) == [*number]));
        assert!((0..10_000_u32).all(|n| table.get(n.wrapping_mul(2_654_435_761).wrapping_add(1)).is_empty()));
        let table = Table::new(vec![(u128::MAX, 2), (0, 1), (u128::MAX, 3), (0, 1)]);
        assert_eq!(
            (table.get(0), table.get(u128::MAX), table.get(5), table.len()),
            (&[1][..], &[2, 3][..], &[][..], 3)
        );
        assert!(Table::<u32>::default().get(7).is_empty());
    }
}
