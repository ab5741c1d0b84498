//! The rules screen: the list, and one panel beside or over it.

use std::cmp::Reverse;

use ratatui::layout::Rect;

use crate::console::look::format::fold;
use crate::console::look::layout::Layout;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Scroll;
use crate::console::look::layout::Shape;
use crate::console::look::text::Text;
use crate::console::model::draft::Draft;
use crate::model::RuleLevel;
use crate::wire::rule::BacktestProgress;
use crate::wire::rule::BacktestReport;
use crate::wire::rule::ExceptionRow;
use crate::wire::rule::RuleDetail;
use crate::wire::rule::TestReport;
use crate::wire::status::RuleRow;

/// The states a rule may be put into, in the order of its life.
pub(crate) const STATES: [(&str, Text); 4] = [
    ("draft", Text::RuleStateDraft),
    ("shadow", Text::RuleStateShadow),
    ("live", Text::RuleStateLive),
    ("retired", Text::RuleStateRetired),
];

/// What the panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Panel {
    /// The rule under the cursor.
    #[default]
    Rule,
    Backtest,
    Exceptions,
    Coverage,
    /// The text of a rule, being edited.
    Editor,
    Tests,
}

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RuleSort {
    #[default]
    Matches,
    /// The rules most often found wrong first.
    Precision,
    Level,
    Name,
}

impl RuleSort {
    const ALL: [(RuleSort, Text); 4] = [
        (RuleSort::Matches, Text::SortByHits),
        (RuleSort::Precision, Text::SortByPrecision),
        (RuleSort::Level, Text::SortByLevel),
        (RuleSort::Name, Text::SortName),
    ];

    /// Returns the order after this one.
    pub(crate) fn next(self) -> RuleSort {
        let place = Self::ALL.iter().position(|(sort, _)| *sort == self).unwrap_or(0);
        Self::ALL[(place + 1) % Self::ALL.len()].0
    }

    /// Returns its name.
    pub(crate) fn name(self) -> Text {
        Self::ALL.iter().find(|(sort, _)| *sort == self).map_or(Text::SortByHits, |(_, name)| *name)
    }
}

/// A rule run over history.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trial {
    pub title: String,
    pub generation: u64,
    pub progress: BacktestProgress,
    pub report: Option<Box<BacktestReport>>,
    pub problem: Option<String>,
}

/// The rules screen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub rows: Vec<RuleRow>,
    pub is_loaded: bool,
    pub filter: String,
    /// Places in `rows` that the filter admits.
    pub shown: Vec<usize>,
    pub scroll: Scroll,
    pub sort: RuleSort,
    pub panel: Panel,
    pub focus: Pane,
    /// The first line of the panel that is shown.
    pub top: usize,
    pub detail: Option<Box<RuleDetail>>,
    /// The rule whose detail was asked for last.
    pub detail_asked: Option<String>,
    pub exceptions: Vec<ExceptionRow>,
    pub exceptions_scroll: Scroll,
    pub trial: Trial,
    pub draft: Option<Box<Draft>>,
    /// The editor is open; a panel over it leads back to it.
    pub is_editing: bool,
    /// The user's own editor is wanted, once the text is there.
    pub is_outside: bool,
    pub tests: Option<TestReport>,
}

impl Rules {
    /// Returns the rule under the cursor.
    pub(crate) fn focused(&self) -> Option<&RuleRow> {
        self.rows.get(*self.shown.get(self.scroll.cursor)?)
    }

    /// Returns the detail when it belongs to the rule under the cursor.
    pub(crate) fn focused_detail(&self) -> Option<&RuleDetail> {
        let row = self.focused()?;
        self.detail.as_deref().filter(|detail| detail.id == row.id)
    }

    /// Returns the edited text when it is of the rule under the cursor.
    pub(crate) fn focused_draft(&self) -> Option<&Draft> {
        let row = self.focused()?;
        self.draft.as_deref().filter(|draft| draft.source.id == row.id)
    }

    /// Returns the exception under the cursor.
    pub(crate) fn focused_exception(&self) -> Option<&ExceptionRow> {
        self.exceptions.get(self.exceptions_scroll.cursor)
    }

    /// Sorts and filters anew.
    pub(crate) fn arrange(&mut self) {
        let level = |row: &RuleRow| Reverse(row.level.parse::<RuleLevel>().ok());
        match self.sort {
            RuleSort::Matches => self.rows.sort_by_key(|row| (Reverse(row.noise.max(row.detections)), level(row))),
            RuleSort::Precision => self.rows.sort_by_key(|row| {
                (Reverse(row.verdicts.false_positive + row.verdicts.benign_positive), Reverse(row.noise))
            }),
            RuleSort::Level => self.rows.sort_by_key(|row| (level(row), Reverse(row.noise))),
            RuleSort::Name => self.rows.sort_by(|a, b| a.id.cmp(&b.id)),
        }
        let wanted = fold(&self.filter);
        let admits = |rule: &RuleRow| {
            [&rule.id, &rule.title, &rule.level, &rule.status, &rule.state, &rule.path]
                .into_iter()
                .chain(&rule.tags)
                .chain(&rule.title_vi)
                .any(|text| fold(text).contains(&wanted))
        };
        self.shown = (0..self.rows.len()).filter(|index| admits(&self.rows[*index])).collect();
    }

    /// Divides the body into the list and the panel; where there is no room for both, one is empty.
    pub(crate) fn panes(&self, layout: &Layout) -> (Rect, Rect) {
        let body = layout.body;
        let nothing = Rect::new(body.x, body.y, 0, 0);
        match (self.panel, layout.shape) {
            (Panel::Rule, Shape::Wide) => {
                let left = body.width * 11 / 20;
                let right = Rect::new(body.x + left, body.y, body.width - left, body.height);
                (Rect::new(body.x, body.y, left, body.height), right)
            }
            (Panel::Rule, Shape::Stacked) if self.focus == Pane::List => {
                let upper = body.height.div_ceil(2);
                let lower = Rect::new(body.x, body.y + upper, body.width, body.height - upper);
                (Rect::new(body.x, body.y, body.width, upper), lower)
            }
            (Panel::Rule, _) if self.focus == Pane::List => (body, nothing),
            _ => (nothing, body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, level: &str, noise: u64, false_positive: u64) -> RuleRow {
        serde_json::from_value(serde_json::json!({
            "id": id, "title": id, "title_vi": null, "level": level, "status": "test", "path": "", "tags": [],
            "detections": 0, "noise": noise, "verdicts": {"false_positive": false_positive}, "state": "live"
        }))
        .expect("well-formed")
    }

    #[test]
    fn every_order_has_its_first() {
        let rows = vec![row("b", "low", 9, 0), row("c", "critical", 1, 1), row("a", "high", 2, 7)];
        let mut rules = Rules { rows, ..Rules::default() };
        let first = |rules: &mut Rules| {
            rules.arrange();
            let first = rules.focused().map(|row| row.id.clone()).unwrap_or_default();
            rules.sort = rules.sort.next();
            first
        };
        for wanted in ["b", "a", "c", "a", "b"] {
            assert_eq!(first(&mut rules), wanted);
        }
        rules.filter = "critical".to_owned();
        rules.arrange();
        assert_eq!(rules.shown.len(), 1);
    }
}
