//! Where in the journal reading goes on.

use serde::Deserialize;
use serde::Serialize;

use crate::ingest::ledger::Progress;

/// The cursor of the last entry stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) cursor: Option<String>,
}

impl Progress for Position {
    /// The cursor of an entry; output that is no entry has none and leaves the position where it is.
    type Mark = Option<String>;

    fn advance(&mut self, mark: &Option<String>) {
        if mark.is_some() {
            self.cursor.clone_from(mark);
        }
    }
}
