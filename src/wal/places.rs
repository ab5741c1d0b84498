//! How far each followed file is in the log: the latest place per file, carried from segment to segment.

use std::collections::HashMap;

use crate::ingest::intake::Place;

/// How many files are remembered; beyond, those that grew longest ago are forgotten first.
const PLACES_MAX: usize = 16_384;

#[derive(Debug, Clone, Copy)]
struct Entry {
    place: Place,
    /// Grows with every update: tells which entries are the oldest.
    order: u64,
}

/// The latest place of each file, by device and inode.
#[derive(Debug, Default)]
pub(super) struct Places {
    latest: HashMap<(u64, u64), Entry>,
    updates: u64,
}

impl Places {
    /// Remembers a place in favour of an earlier one of the same file.
    pub(super) fn set(&mut self, place: Place) {
        self.updates += 1;
        let entry = Entry { place, order: self.updates };
        self.latest.insert((place.device, place.inode), entry);
        if self.latest.len() > PLACES_MAX {
            self.forget_older_half();
        }
    }

    fn forget_older_half(&mut self) {
        let mut orders: Vec<u64> = self.latest.values().map(|entry| entry.order).collect();
        let half = orders.len() / 2;
        let (_, middle, _) = orders.select_nth_unstable(half);
        let middle = *middle;
        self.latest.retain(|_, entry| entry.order >= middle);
    }

    /// Returns all places, the longest unchanged first.
    pub(super) fn to_vec(&self) -> Vec<Place> {
        let mut entries: Vec<Entry> = self.latest.values().copied().collect();
        entries.sort_unstable_by_key(|entry| entry.order);
        entries.into_iter().map(|entry| entry.place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(inode: u64, offset: u64) -> Place {
        Place { device: 1, inode, offset, ..Place::default() }
    }

    #[test]
    fn the_latest_place_wins_and_the_oldest_are_forgotten() {
        let mut places = Places::default();
        places.set(place(1, 10));
        places.set(place(2, 20));
        places.set(place(1, 5));
        assert_eq!(places.to_vec(), [place(2, 20), place(1, 5)]);
        for inode in 0..3 * PLACES_MAX as u64 {
            places.set(place(inode, 1));
        }
        assert!(places.to_vec().len() <= PLACES_MAX);
        assert_eq!(places.to_vec().last(), Some(&place(3 * PLACES_MAX as u64 - 1, 1)));
    }
}
