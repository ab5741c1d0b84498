//! The alerts screen: a window of the list, what waits behind it, what is marked, the detail, the events around.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::console::look::layout::Pane;
use crate::console::look::layout::Scroll;
use crate::console::look::text::Text;
use crate::console::msg::EventObject;
use crate::wire::alert::AlertDetail;
use crate::wire::alert::AlertFilter;
use crate::wire::alert::AlertRow;
use crate::wire::search::Histogram;
use crate::wire::why::AlertWhy;

/// Rows asked for at once.
pub(crate) const WINDOW_ROWS: u32 = 500;
/// New alerts counted behind the list; beyond, the count stays.
pub(crate) const WAITING_MAX: usize = 100_000;

/// The alerts screen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alerts {
    pub filter: AlertFilter,
    /// The filter as it was typed.
    pub filter_text: String,
    pub rows: Vec<AlertRow>,
    /// The place of the first row in the whole list.
    pub offset: u64,
    /// The place of the window asked for last.
    pub offset_asked: u64,
    pub total: u64,
    /// The newest alert there was when the window was read.
    pub newest: u64,
    pub is_loaded: bool,
    pub scroll: Scroll,
    /// Where to put the cursor when the window asked for arrives.
    pub landing: Landing,
    /// New alerts that are not in the list yet, with the revision at which each was told.
    pub waiting: BTreeMap<u64, u64>,
    pub marked: BTreeSet<u64>,
    pub all_marked: bool,
    pub focus: Pane,
    pub detail: Option<Box<AlertDetail>>,
    pub detail_top: usize,
    pub around: Around,
    /// The alert whose detail was asked for last.
    pub detail_asked: Option<u64>,
    /// The condition of the alert's rule as a tree, or why there is none, and the alert it was asked for.
    pub why: Option<Result<Box<AlertWhy>, String>>,
    pub why_asked: Option<u64>,
    /// Actions sent, by their generation, not answered yet.
    pub in_flight: BTreeMap<u64, Sent>,
    /// The figures of the day, and when they were asked for.
    pub today: Today,
    pub today_asked: Option<Timestamp>,
    /// What the last action acted on, for `u`.
    pub undoable: Vec<u64>,
}

/// Means of the day, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Today {
    pub acknowledge: Option<u64>,
    pub resolve: Option<u64>,
}

/// An action on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    /// What to say when it is done.
    pub done: Text,
    /// Whether `u` can take it back.
    pub can_undo: bool,
}

/// Where the cursor goes in a window that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Landing {
    /// On the alert it is on now, if still there.
    #[default]
    Stay,
    First,
    Last,
    /// On this place of the whole list.
    Place(u64),
}

/// Events near an alert in time, of one of its entities.
#[derive(Debug, Clone)]
pub(crate) struct Around {
    pub minutes: i64,
    /// Which entity: an index into `conditions`.
    pub chosen: usize,
    /// Field and value of each entity, hosts first.
    pub conditions: Vec<(String, String)>,
    pub events: Vec<EventObject>,
    pub histogram: Option<Histogram>,
    pub scroll: Scroll,
    pub is_loading: bool,
    pub problem: Option<String>,
}

impl Default for Around {
    fn default() -> Around {
        Around {
            minutes: 5,
            chosen: 0,
            conditions: Vec::new(),
            events: Vec::new(),
            histogram: None,
            scroll: Scroll::default(),
            is_loading: false,
            problem: None,
        }
    }
}

impl Alerts {
    /// Returns the row under the cursor.
    pub(crate) fn focused(&self) -> Option<&AlertRow> {
        self.rows.get(self.scroll.cursor)
    }

    /// Returns the detail when it belongs to the row under the cursor.
    pub(crate) fn focused_detail(&self) -> Option<&AlertDetail> {
        let row = self.focused()?;
        self.detail.as_deref().filter(|detail| detail.row.id == row.id)
    }

    /// Returns why the alert under the cursor was raised, or why that cannot be told, once there is an answer.
    pub(crate) fn focused_why(&self) -> Option<&Result<Box<AlertWhy>, String>> {
        let row = self.focused()?;
        self.why.as_ref().filter(|_| self.why_asked == Some(row.id))
    }
}
