//! Numbers that senders count their messages with: RFC 5424's `sequenceId` (§7.3.1) and those Cisco devices put first.
//!
//! Over UDP messages overtake each other, so a number counts as missing only when 64 later ones have come. A sender
//! that counts in another way (several counters behind one name, steps of more than one) is not judged.

use serde::Deserialize;
use serde::Serialize;

/// How many numbers a message may be late.
const WINDOW: u64 = 64;
/// So many in order, and a sender is believed to count.
const TRUST: u32 = 50;
/// A jump over more than this is a new beginning, not a loss.
const JUMP_MAX: u64 = 100_000;

/// The numbering of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sequence {
    highest: u64,
    /// Which of the last 64 numbers have come; bit 0 is the highest.
    seen: u64,
    /// How many came in order, less what did not.
    trust: u32,
    missing: u64,
    /// What of it was told.
    told: u64,
}

impl Sequence {
    /// Takes a message's number.
    pub(super) fn note(&mut self, number: u64) {
        if self.seen == 0 {
            return self.begin(number);
        }
        match number.checked_sub(self.highest) {
            Some(0) => {}
            Some(step) if step <= JUMP_MAX => self.forward(step, number),
            Some(_) => self.begin(number),
            None => self.late(number),
        }
    }

    fn begin(&mut self, number: u64) {
        // What came before the beginning was not ours to see.
        (self.highest, self.seen) = (number, u64::MAX);
        self.trust /= 2;
    }

    fn forward(&mut self, step: u64, number: u64) {
        let is_trusted = self.trust >= TRUST;
        self.trust = if step == 1 { self.trust.saturating_add(1).min(4 * TRUST) } else { self.trust.saturating_sub(2) };
        let leaving = step.min(WINDOW) as u32;
        // The oldest `leaving` numbers go out of sight, and with a longer step some that were never in it.
        let out = if leaving == 64 { !self.seen } else { !self.seen >> (64 - leaving) };
        let gone = u64::from(out.count_ones()) + step.saturating_sub(WINDOW);
        if is_trusted {
            self.missing = self.missing.saturating_add(gone);
        }
        self.seen = if leaving == 64 { 1 } else { (self.seen << leaving) | 1 };
        self.highest = number;
        if !is_trusted {
            self.seen = u64::MAX;
        }
    }

    fn late(&mut self, number: u64) {
        let behind = self.highest - number;
        if behind >= WINDOW {
            // It counts anew, or another counter speaks behind the same name.
            return self.begin(number);
        }
        self.seen |= 1 << behind;
    }

    /// Returns how many messages never came.
    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    /// Returns how many of them nobody was told of.
    pub(super) fn untold(&self) -> u64 {
        self.missing.saturating_sub(self.told)
    }

    /// Notes that a number of missing messages was told.
    pub(super) fn tell(&mut self, missing: u64) {
        self.told = self.told.max(missing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(numbers: impl IntoIterator<Item = u64>) -> u64 {
        let mut sequence = Sequence::default();
        numbers.into_iter().for_each(|number| sequence.note(number));
        sequence.missing()
    }

    #[test]
    fn what_never_comes_is_missing_once_it_cannot_come_any_more() {
        assert_eq!(missing(1..1000), 0);
        assert_eq!(missing((1..200).chain(205..400)), 5);
        assert_eq!(missing((1..200).chain(205..220)), 0, "they may still come");
        assert_eq!(missing((1..200).chain(500..700)), 300);
    }

    #[test]
    fn overtaking_is_no_loss() {
        let swapped = (0..500_u64).map(|n| if n % 2 == 0 { n + 1 } else { n - 1 });
        assert_eq!(missing((0..100).chain(swapped.map(|n| n + 100))), 0);
        assert_eq!(missing((1..200).chain([201, 202, 200]).chain(203..400)), 0);
    }

    #[test]
    fn a_restart_or_another_way_of_counting_is_not_judged() {
        assert_eq!(missing((1..200).chain(1..200)), 0);
        assert_eq!(missing((1..500).map(|n| n * 10)), 0, "steps of ten");
        assert_eq!(missing((1..500_u64).flat_map(|n| [n, 1_000_000 + n])), 0, "two counters behind one name");
        assert_eq!(missing([u64::MAX, 0, 1, u64::MAX]), 0);
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let mut sequence = Sequence::default();
        (1..200).chain(205..400).for_each(|number| sequence.note(number));
        assert_eq!(sequence.untold(), 5);
        sequence.tell(5);
        assert_eq!((sequence.untold(), sequence.missing()), (0, 5));
    }
}
