//! Where in a table reading goes on, and which rows of the window behind it were sent.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::ingest::ledger::Progress;

/// How many sent rows are remembered at most; beyond, the window is shortened.
const KNOWN_MAX: usize = 50_000;

/// One row's place in the order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Mark {
    /// What the order goes by as a number: the id, or microseconds since 1970.
    pub(super) order: i64,
    /// The same as the database writes it.
    pub(super) text: String,
    pub(super) id: String,
    /// How far behind the position late rows are looked for, in the unit of `order`.
    pub(super) window: u64,
    /// The row came from the window: the position stays.
    pub(super) is_late: bool,
}

/// The position: everything up to it was sent, but for rows that were not there yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) at: Option<Mark>,
    /// Nothing at or below this is looked for as late: it is older than the first run, or was forgotten.
    pub(super) floor: Option<i64>,
    /// The rows of the window that were sent: id → order.
    pub(super) known: BTreeMap<String, i64>,
}

impl Position {
    /// A first position behind which nothing is read.
    pub(super) fn starting_after(mark: Mark) -> Position {
        Position { floor: Some(mark.order), at: Some(mark), known: BTreeMap::new() }
    }

    /// Returns the order above which late rows are looked for.
    pub(super) fn window_start(&self) -> Option<i64> {
        let at = self.at.as_ref().filter(|at| at.window > 0)?;
        let start = at.order.saturating_sub_unsigned(at.window);
        Some(self.floor.map_or(start, |floor| start.max(floor)))
    }

    /// Returns whether every id of the window was sent, so that none can be late.
    pub(super) fn is_dense(&self) -> bool {
        let Some((at, start)) = self.at.as_ref().zip(self.window_start()) else { return true };
        let first = self.known.values().min().copied().unwrap_or(at.order);
        // Before the very first row there is nothing to be late.
        let start = if self.floor.is_none() { start.max(first.saturating_sub(1)) } else { start };
        at.order.abs_diff(start) <= self.known.values().filter(|order| **order > start).count() as u64
    }

    fn forget(&mut self) {
        let Some(start) = self.window_start() else { return self.known.clear() };
        self.known.retain(|_, order| *order >= start);
        if self.known.len() > KNOWN_MAX {
            let mut orders: Vec<i64> = self.known.values().copied().collect();
            orders.sort_unstable();
            let floor = orders.get(orders.len() - KNOWN_MAX).copied().unwrap_or(i64::MIN);
            self.floor = Some(floor);
            self.known.retain(|_, order| *order >= floor);
        }
    }
}

impl Progress for Position {
    type Mark = Mark;

    fn advance(&mut self, mark: &Mark) {
        if mark.window > 0 {
            self.known.insert(mark.id.clone(), mark.order);
        }
        if !mark.is_late {
            self.at = Some(mark.clone());
            // Not at every row: a page has thousands.
            if self.known.len() > KNOWN_MAX || self.known.len().is_multiple_of(256) || mark.window == 0 {
                self.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(order: i64, window: u64) -> Mark {
        Mark { order, text: order.to_string(), id: order.to_string(), window, is_late: false }
    }

    #[test]
    fn the_window_follows_the_position() {
        let mut position = Position::default();
        (1..=5_000).for_each(|order| position.advance(&mark(order, 100)));
        assert_eq!(position.window_start(), Some(4_900));
        assert!((100..500).contains(&position.known.len()), "{}", position.known.len());
        assert!(position.is_dense());
        position.advance(&Mark { is_late: true, ..mark(4_950, 100) });
        assert_eq!(position.at.as_ref().map(|at| at.order), Some(5_000), "a late row does not move it back");
    }

    #[test]
    fn a_gap_is_worth_a_look() {
        let mut position = Position::default();
        [10, 11, 13].iter().for_each(|order| position.advance(&mark(*order, 100)));
        assert!(!position.is_dense());
        position.advance(&Mark { is_late: true, ..mark(12, 100) });
        assert!(position.is_dense(), "what stands before the first row is no gap");
        let later = Position::starting_after(mark(10, 100));
        assert_eq!(later.window_start(), Some(10));
        assert!(later.is_dense());
    }

    #[test]
    fn without_a_window_nothing_is_remembered() {
        let mut position = Position::default();
        (1..=10).for_each(|order| position.advance(&mark(order, 0)));
        assert!(position.known.is_empty() && position.is_dense() && position.window_start().is_none());
    }

    #[test]
    fn too_many_rows_shorten_the_window() {
        let mut position = Position::default();
        (0..KNOWN_MAX as i64 + 1_000).for_each(|order| position.advance(&mark(order, 1_000_000)));
        assert!(position.known.len() <= KNOWN_MAX + 1);
        assert!(position.floor.is_some_and(|floor| floor > 0));
    }
}
