//! The sources screen: inputs and the sources seen.

use std::cmp::Ordering;

use crate::console::look::format::fold;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Scroll;
use crate::console::look::text::Text;
use crate::console::msg::EventObject;
use crate::wire::source::InputRow;
use crate::wire::source::SourceRow;

/// The sources screen: inputs above, sources below.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    pub inputs: Vec<InputRow>,
    /// Silent ones first, then the loudest.
    pub sources: Vec<SourceRow>,
    pub is_loaded: bool,
    pub filter: String,
    /// Places in `sources` that the filter admits.
    pub shown: Vec<usize>,
    /// `List` is the sources, `Detail` the inputs.
    pub focus: Pane,
    pub scroll: Scroll,
    pub inputs_scroll: Scroll,
    pub sort: SourceSort,
    /// Whether the source under the cursor is shown in detail, in the place of the inputs.
    pub is_open: bool,
    /// The newest lines of the source that is shown in detail, and which one that is.
    pub lines: Vec<EventObject>,
    pub lines_of: Option<(String, String)>,
}

/// The order of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SourceSort {
    /// Whatever is wrong first, then the loudest.
    #[default]
    State,
    Name,
    Events,
    Unparsed,
    /// The furthest from its usual rate first.
    Rate,
}

impl SourceSort {
    const ALL: [(SourceSort, Text); 5] = [
        (SourceSort::State, Text::SortState),
        (SourceSort::Name, Text::SortName),
        (SourceSort::Events, Text::SortEvents),
        (SourceSort::Unparsed, Text::SortUnparsed),
        (SourceSort::Rate, Text::SortRate),
    ];

    /// Returns the order after this one.
    pub(crate) fn next(self) -> SourceSort {
        let place = Self::ALL.iter().position(|(sort, _)| *sort == self).unwrap_or(0);
        Self::ALL[(place + 1) % Self::ALL.len()].0
    }

    /// Returns its name.
    pub(crate) fn name(self) -> Text {
        Self::ALL.iter().find(|(sort, _)| *sort == self).map_or(Text::SortState, |(_, name)| *name)
    }

    /// Says which of two sources comes first.
    fn order(self, a: &SourceRow, b: &SourceRow) -> Ordering {
        let louder = b.events.cmp(&a.events);
        let first = match self {
            SourceSort::State => worst(a).cmp(&worst(b)).then(louder),
            SourceSort::Name => Ordering::Equal,
            SourceSort::Events => louder,
            SourceSort::Unparsed => b.unparsed_percent.cmp(&a.unparsed_percent).then(b.unparsed.cmp(&a.unparsed)),
            SourceSort::Rate => unlike(b).cmp(&unlike(a)).then(louder),
        };
        first.then_with(|| a.name.cmp(&b.name)).then_with(|| a.input.cmp(&b.input))
    }
}

/// The place of what is worst about a source; what is muted comes after what is wrong, what is well last.
fn worst(source: &SourceRow) -> u8 {
    const ORDER: [&str; 6] = ["silent", "gaps", "clock", "unparsed", "drop", "surge"];
    let place = source.conditions.first().and_then(|first| ORDER.iter().position(|word| word == first));
    match (place, source.muted.is_some()) {
        (Some(place), false) => u8::try_from(place).unwrap_or(u8::MAX),
        (None, false) if source.is_silent => 0,
        (_, true) => 10,
        (None, false) => 20,
    }
}

/// How many times more, or less, than usual it sent in the last hour, in percent.
fn unlike(source: &SourceRow) -> u64 {
    let (Some(usual), sent) = (source.usual_per_hour, last_hour(source)) else { return 0 };
    let (low, high) = (usual.min(sent).max(1), usual.max(sent));
    high.saturating_mul(100) / low
}

/// Returns the events of the last hour.
pub(crate) fn last_hour(source: &SourceRow) -> u64 {
    source.per_minute.iter().map(|count| u64::from(*count)).sum()
}

impl Sources {
    /// Returns the source under the cursor.
    pub(crate) fn focused(&self) -> Option<&SourceRow> {
        self.sources.get(*self.shown.get(self.scroll.cursor)?)
    }

    /// Sorts and filters anew.
    pub(crate) fn arrange(&mut self) {
        let sort = self.sort;
        self.sources.sort_by(|a, b| sort.order(a, b));
        let wanted = fold(&self.filter);
        let admits = |source: &SourceRow| {
            fold(&source.name).contains(&wanted)
                || fold(&source.input).contains(&wanted)
                || source.parsers.iter().chain(&source.conditions).any(|word| fold(word).contains(&wanted))
        };
        self.shown = (0..self.sources.len()).filter(|index| admits(&self.sources[*index])).collect();
    }
}
