//! The search screen: the query, its events, the histogram, the live tail, one event's fields.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::console::keys::input::Input;
use crate::console::look::layout::Scroll;
use crate::console::model::completion::Completion;
use crate::console::msg::EventObject;
use crate::console::msg::Failure;
use crate::wire::search::Histogram;
use crate::wire::search::SearchExplain;
use crate::wire::search::SearchTable;

/// Events kept on the screen; more push the oldest out of a tail and start a new page of a search.
pub(crate) const EVENTS_MAX: usize = 2000;
/// Events asked for at once.
pub(crate) const PAGE_EVENTS: u32 = 200;
/// Different values counted of one field; the rest is left out.
const VALUES_MAX: usize = 10_000;

/// Queries remembered.
pub(crate) const HISTORY_MAX: usize = 100;
/// Fields whose values were asked for and are kept.
pub(crate) const VALUES_OF_MAX: usize = 50;
/// Columns chosen at once.
pub(crate) const COLUMNS_MAX: usize = 6;
/// Fields that differ with each event, so that their most frequent values say nothing.
const UNLIKE: [&str; 6] =
    ["longan.id", "@timestamp", "event.original", "message", "event.ingested", "log.syslog.procid"];

/// The spans that `t` offers; `None` is everything.
pub(crate) const SPANS: [Option<&str>; 6] = [Some("1h"), Some("24h"), Some("30d"), Some("7d"), Some("15m"), None];

/// What has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SearchFocus {
    #[default]
    Query,
    Rows,
    /// The fields of the event under the cursor.
    Event,
}

/// The search screen.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub query: Input,
    /// The query that the events belong to.
    pub asked: String,
    pub since: Option<String>,
    pub until: Option<String>,
    pub focus: SearchFocus,
    /// No key was pressed here yet: a first `/` means the query, as everywhere, and is not its text.
    pub is_fresh: bool,
    pub events: Vec<EventObject>,
    /// What a query with pipes gave, in place of events.
    pub table: Option<SearchTable>,
    pub scroll: Scroll,
    pub next: Option<String>,
    pub explain: Option<SearchExplain>,
    pub histogram: Option<Histogram>,
    pub is_loading: bool,
    pub has_searched: bool,
    pub failure: Option<Failure>,
    pub is_tailing: bool,
    pub tail_generation: u64,
    pub event_scroll: Scroll,
    /// When the search that runs was asked.
    pub asked_at: Option<jiff::Timestamp>,
    /// Queries asked before, the newest last; which of them is shown, and what was typed before that.
    pub history: Vec<String>,
    pub history_at: Option<usize>,
    pub draft: String,
    pub completion: Option<Completion>,
    /// Values of fields as the server told them, for completion.
    pub values_of: BTreeMap<String, Vec<String>>,
    /// Fields shown as columns, kept from search to search.
    pub columns: Vec<String>,
    /// Events that a live tail was too slow to take, as the server counted them.
    pub missed: u64,
    /// The fields of the loaded events for the sidebar.
    pub summary: Vec<FieldSummary>,
}

/// One field of the loaded events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldSummary {
    pub name: String,
    /// How many events have it.
    pub count: usize,
    /// Its most frequent values, where they say something.
    pub top: Vec<(String, usize)>,
}

impl Default for Search {
    fn default() -> Search {
        Search {
            query: Input::default(),
            asked: String::new(),
            since: Some("24h".to_owned()),
            until: None,
            focus: SearchFocus::Query,
            is_fresh: true,
            events: Vec::new(),
            table: None,
            scroll: Scroll::default(),
            next: None,
            explain: None,
            histogram: None,
            is_loading: false,
            has_searched: false,
            failure: None,
            is_tailing: false,
            tail_generation: 0,
            event_scroll: Scroll::default(),
            asked_at: None,
            history: Vec::new(),
            history_at: None,
            draft: String::new(),
            completion: None,
            values_of: BTreeMap::new(),
            columns: Vec::new(),
            missed: 0,
            summary: Vec::new(),
        }
    }
}

impl Search {
    /// Returns how many rows there are to move through.
    pub(crate) fn row_count(&self) -> usize {
        self.table.as_ref().map_or(self.events.len(), |table| table.rows.len())
    }

    /// Returns the event under the cursor.
    pub(crate) fn focused(&self) -> Option<&EventObject> {
        self.events.get(self.scroll.cursor)
    }

    /// Returns the field under the cursor of the event view.
    pub(crate) fn focused_field(&self) -> Option<(&str, String)> {
        let (name, value) = self.focused()?.iter().nth(self.event_scroll.cursor)?;
        Some((name, plain(value)))
    }

    /// Returns the fields of the loaded events with how many have them, the most frequent first.
    pub(crate) fn fields(&self) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.events.iter().flat_map(|event| event.keys()) {
            *counts.entry(name).or_default() += 1;
        }
        by_frequency(counts.into_iter().map(|(name, count)| (name.to_owned(), count)))
    }

    /// Sums up the fields of the loaded events, for the sidebar.
    pub(crate) fn summarize(&mut self) {
        let fields = self.fields().into_iter();
        self.summary = fields
            .map(|(name, count)| {
                let is_telling = !UNLIKE.contains(&name.as_str());
                let top = if is_telling { self.values(&name) } else { Vec::new() };
                FieldSummary { top: top.into_iter().take(2).filter(|(_, times)| *times > 1).collect(), name, count }
            })
            .collect();
    }

    /// Counts the values of a field over the loaded events, the most frequent first.
    pub(crate) fn values(&self, field: &str) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for value in self.events.iter().filter_map(|event| event.get(field)) {
            let value = plain(value);
            if counts.len() < VALUES_MAX || counts.contains_key(&value) {
                *counts.entry(value).or_default() += 1;
            }
        }
        by_frequency(counts)
    }
}

fn by_frequency(counts: impl IntoIterator<Item = (String, usize)>) -> Vec<(String, usize)> {
    let mut rows: Vec<(String, usize)> = counts.into_iter().collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    rows
}

/// Writes a JSON value as text: strings without quotes, the members of a list one after the other.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(members) if members.iter().all(|member| !member.is_array()) => {
            members.iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Returns a field of an event as text.
pub(crate) fn field(event: &EventObject, name: &str) -> Option<String> {
    event.get(name).map(plain)
}
