//! The incidents screen: the list and one incident's record.

use crate::console::look::layout::Pane;
use crate::console::look::layout::Scroll;
use crate::wire::incident::IncidentDetail;
use crate::wire::incident::IncidentRow;

/// The incidents screen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Incidents {
    pub rows: Vec<IncidentRow>,
    pub total: u64,
    pub is_loaded: bool,
    pub scroll: Scroll,
    pub focus: Pane,
    pub detail: Option<Box<IncidentDetail>>,
    pub detail_top: usize,
    /// Something changed since the list was read.
    pub is_stale: bool,
}

impl Incidents {
    /// Returns the row under the cursor.
    pub(crate) fn focused(&self) -> Option<&IncidentRow> {
        self.rows.get(self.scroll.cursor)
    }

    /// Returns the detail when it belongs to the row under the cursor.
    pub(crate) fn focused_detail(&self) -> Option<&IncidentDetail> {
        let row = self.focused()?;
        self.detail.as_deref().filter(|detail| detail.row.id == row.id)
    }
}
