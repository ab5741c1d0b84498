//! `sort`: rows kept as they are, put in order at the end; only the first ones when nobody asks for more.

use std::cmp::Ordering;

use crate::model::Value;
use crate::query::pipes::cell;
use crate::query::pipes::run::Memory;

/// Rows beyond what is kept are thrown away when there are so many of them.
const SLACK: usize = 1_024;

/// Rows to be sorted.
pub(super) struct Rows {
    /// Columns, and whether the largest comes first.
    keys: Vec<(usize, bool)>,
    keep: Option<usize>,
    rows: Vec<Vec<Value<'static>>>,
}

impl Rows {
    pub(super) fn new(keys: Vec<(usize, bool)>, keep: Option<usize>) -> Rows {
        Rows { keys, keep, rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: Vec<Value<'static>>, memory: &mut Memory) {
        if self.keep.is_none() {
            memory.add(row.iter().map(cell::bytes_of).sum::<usize>() + 32);
        }
        self.rows.push(row);
        if let Some(keep) = self.keep.filter(|keep| self.rows.len() >= 2 * keep + SLACK) {
            self.sort();
            self.rows.truncate(keep);
            let kept = self.rows.iter().flatten().map(cell::bytes_of).sum::<usize>();
            memory.used = memory.used.max(kept);
        }
    }

    pub(super) fn finish(mut self) -> Vec<Vec<Value<'static>>> {
        self.sort();
        self.rows.truncate(self.keep.unwrap_or(usize::MAX));
        self.rows
    }

    /// Rows that are equal stay in their order; what is missing comes last, whichever way the others stand.
    fn sort(&mut self) {
        let keys = &self.keys;
        self.rows.sort_by(|left, right| {
            let of = |place: usize| (left.get(place).unwrap_or(&Value::Null), right.get(place).unwrap_or(&Value::Null));
            keys.iter().fold(Ordering::Equal, |ordering, (place, is_descending)| {
                ordering.then_with(|| {
                    let (left, right) = of(*place);
                    let found = cell::order(left, right);
                    let is_missing = *left == Value::Null || *right == Value::Null;
                    if *is_descending && !is_missing { found.reverse() } else { found }
                })
            })
        });
    }
}
