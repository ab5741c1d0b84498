//! Undo and redo of a text: what was changed, step by step, within a bound.

use std::collections::VecDeque;

use crate::console::keys::text_area::Place;

/// Steps that can be taken back, and the most bytes they hold together.
const STEPS_MAX: usize = 1000;
const BYTES_MAX: usize = 8 << 20;

/// One change of the text: what stood at a place, and what stands there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub at: Place,
    pub removed: String,
    pub inserted: String,
    /// Where the cursor was before.
    pub cursor: Place,
}

impl Edit {
    fn bytes(&self) -> usize {
        self.removed.len() + self.inserted.len()
    }

    /// Takes the change that follows into this one when both touch; `false` when they do not.
    fn join(&mut self, next: &Edit) -> bool {
        let texts = [&self.removed, &self.inserted, &next.removed, &next.inserted];
        if self.at.line != next.at.line || texts.iter().any(|text| text.contains('\n')) {
            return false;
        }
        let starts_word = next.inserted.starts_with(char::is_whitespace);
        if starts_word && !self.inserted.is_empty() && !self.inserted.ends_with(char::is_whitespace) {
            return false;
        }
        let (start, end) = (self.at.byte, self.at.byte + self.inserted.len());
        let (from, to) = (next.at.byte, next.at.byte + next.removed.len());
        if from >= start && to <= end {
            self.inserted.replace_range(from - start..to - start, &next.inserted);
        } else if from < start && (start..=end).contains(&to) {
            // Backspaces went on before where it began.
            self.removed.insert_str(0, next.removed.get(..start - from).unwrap_or_default());
            self.inserted.replace_range(..to - start, &next.inserted);
            self.at.byte = from;
        } else if from == end && next.inserted.is_empty() {
            self.removed.push_str(&next.removed);
        } else {
            return false;
        }
        true
    }
}

/// The steps of a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct History {
    done: VecDeque<Edit>,
    undone: Vec<Edit>,
    /// What is typed next belongs to the last step.
    is_open: bool,
}

impl History {
    /// Remembers a change; one that was typed goes on with the step before, if that is still open.
    pub(super) fn remember(&mut self, edit: Edit, is_typed: bool) {
        self.undone.clear();
        let is_open = std::mem::replace(&mut self.is_open, is_typed);
        if is_open && is_typed && self.done.back_mut().is_some_and(|last| last.join(&edit)) {
            return;
        }
        self.done.push_back(edit);
        while self.done.len() > STEPS_MAX || self.done.iter().map(Edit::bytes).sum::<usize>() > BYTES_MAX {
            self.done.pop_front();
        }
    }

    /// What is typed from now on is a step of its own.
    pub(super) fn end_step(&mut self) {
        self.is_open = false;
    }

    /// Returns the change to take back.
    pub(super) fn undo(&mut self) -> Option<Edit> {
        self.is_open = false;
        let edit = loop {
            // What was typed and deleted again is no step.
            let edit = self.done.pop_back()?;
            if edit.removed != edit.inserted {
                break edit;
            }
        };
        self.undone.push(edit.clone());
        Some(edit)
    }

    /// Returns the change to do again.
    pub(super) fn redo(&mut self) -> Option<Edit> {
        let edit = self.undone.pop()?;
        self.done.push_back(edit.clone());
        Some(edit)
    }
}
