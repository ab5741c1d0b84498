//! A rule being edited: its text, what the server says of it, and where the parts of the editor stand.

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::console::keys::text_area::TextArea;
use crate::wire::rule::CheckReport;
use crate::wire::rule::RuleProblem;
use crate::wire::rule::RuleSource;
use crate::wire::rule::TestReport;

/// Rows of the list of problems at most.
const PROBLEM_ROWS_MAX: u16 = 10;

/// A rule file being edited, until the server has it.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub source: RuleSource,
    pub area: TextArea,
    /// When the text was changed last.
    pub touched: Timestamp,
    /// What the server said last, and of which revision of the text; absent until it has looked at one.
    pub report: Option<CheckReport>,
    pub checked: Option<u64>,
    /// The revision it was asked about last.
    pub asked: Option<u64>,
    /// The problem that was jumped to last.
    pub problem: usize,
    /// It is saved as soon as it is known to be right.
    pub is_wanted: bool,
    /// The revision that is on its way to be saved.
    pub sent: Option<u64>,
    pub tried: Tried,
}

/// How trying the text fell out, each with the revision it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tried {
    pub test_of: Option<u64>,
    /// Cases passed, and all of them.
    pub tested: Option<(usize, usize)>,
    pub backtest_of: Option<u64>,
    pub matches: Option<u64>,
}

/// Where the parts stand inside the frame; one without room is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EditorPanes {
    pub numbers: Rect,
    pub text: Rect,
    pub state: Rect,
    pub problems: Rect,
}

impl Draft {
    /// Begins with the text as the server has it.
    pub(crate) fn new(source: RuleSource, now: Timestamp) -> Draft {
        Draft {
            area: TextArea::with(&source.text),
            source,
            touched: now,
            report: None,
            checked: None,
            asked: None,
            problem: 0,
            is_wanted: false,
            sent: None,
            tried: Tried::default(),
        }
    }

    /// Says whether there is something the server does not have.
    pub(crate) fn is_changed(&self) -> bool {
        self.area.revision() > 0 && self.area.text() != self.source.text
    }

    /// Returns what the server said of the text as it is now.
    pub(crate) fn present_report(&self) -> Option<&CheckReport> {
        self.report.as_ref().filter(|_| self.checked == Some(self.area.revision()))
    }

    /// Returns the problems last told, of whichever revision.
    pub(crate) fn problems(&self) -> &[RuleProblem] {
        self.report.as_ref().map(|report| report.problems.as_slice()).unwrap_or_default()
    }

    /// Returns the gravest problem of a line, from 0.
    pub(crate) fn problem_of(&self, line: usize) -> Option<&RuleProblem> {
        let on_line = |problem: &&RuleProblem| usize::try_from(problem.line).is_ok_and(|number| number == line + 1);
        let gravity = |problem: &&RuleProblem| match problem.severity.as_str() {
            "error" => 0,
            "warning" => 1,
            _ => 2,
        };
        self.problems().iter().filter(on_line).min_by_key(gravity)
    }

    /// Remembers how the cases fell out.
    pub(crate) fn tested(&mut self, report: &TestReport) {
        self.tried.tested = Some((report.cases.iter().filter(|case| case.passed).count(), report.cases.len()));
    }

    /// Returns cases passed and all, and matches over history, as far as they are of the text as it is now.
    pub(crate) fn trials(&self) -> (Option<(usize, usize)>, Option<u64>) {
        let present = Some(self.area.revision());
        let tried = self.tried;
        (tried.tested.filter(|_| tried.test_of == present), tried.matches.filter(|_| tried.backtest_of == present))
    }

    /// Returns how many lines are new and how many are gone, whatever their order.
    pub(crate) fn lines_changed(&self) -> (usize, usize) {
        let mut counts: hashbrown::HashMap<&str, isize> = hashbrown::HashMap::new();
        for line in self.source.text.lines() {
            *counts.entry(line).or_default() -= 1;
        }
        for line in self.area.lines() {
            *counts.entry(line.trim_end_matches('\r')).or_default() += 1;
        }
        // The empty line behind the last line end is none.
        *counts.entry("").or_default() -= isize::from(self.source.text.ends_with('\n'));
        let sum = |of: fn(isize) -> isize| counts.values().map(|count| of(*count).max(0).unsigned_abs()).sum();
        (sum(|count| count), sum(|count| -count))
    }

    /// Divides what is inside the frame.
    pub(crate) fn panes(&self, inside: Rect) -> EditorPanes {
        let problem_rows = if inside.height < 8 { 0 } else { (inside.height / 4).min(PROBLEM_ROWS_MAX) };
        let state_rows = u16::from(inside.height > 2);
        let text_rows = inside.height - problem_rows - state_rows;
        let digits = u16::try_from(self.area.lines().len().to_string().len()).unwrap_or(7);
        // A sign, the number, a blank; given up where the text needs the room.
        let number_columns = if inside.width > 30 { digits + 2 } else { inside.width.min(1) };
        let row = |y: u16, height: u16| Rect { y: inside.y + y, height, ..inside };
        EditorPanes {
            numbers: Rect { width: number_columns, ..row(0, text_rows) },
            text: Rect { x: inside.x + number_columns, width: inside.width - number_columns, ..row(0, text_rows) },
            state: row(text_rows, state_rows),
            problems: row(text_rows + state_rows, problem_rows),
        }
    }
}

/// Returns what is inside the frame of an area.
pub(crate) fn inside(area: Rect) -> Rect {
    if area.width < 2 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> Draft {
        Draft::new(RuleSource { text: text.to_owned(), ..RuleSource::default() }, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_parts_stand_inside_at_every_size() {
        let draft = draft(&"x\n".repeat(12_345));
        for width in 0..60 {
            for height in 0..60 {
                let inside = Rect::new(1, 3, width, height);
                let panes = draft.panes(inside);
                for area in [panes.numbers, panes.text, panes.state, panes.problems] {
                    assert!(area.right() <= inside.right() && area.bottom() <= inside.bottom(), "{inside:?} {area:?}");
                }
                let rows = panes.text.height + panes.state.height + panes.problems.height;
                assert_eq!((panes.numbers.width + panes.text.width, rows), (width, height));
            }
        }
    }

    #[test]
    fn changed_lines_are_counted() {
        for (before, after, counts) in [
            ("a\nb\n", "a\nc\nd\n", (2, 1)),
            ("a\n", "a\n", (0, 0)),
            ("a\r\nb\r\n", "a\r\n", (0, 1)),
            ("a", "", (1, 1)),
        ] {
            let mut draft = draft(before);
            draft.area.replace_all(after);
            assert_eq!(draft.lines_changed(), counts, "{before:?} {after:?}");
            assert_eq!(draft.is_changed(), before != after);
        }
    }

    #[test]
    fn the_gravest_problem_of_a_line_is_shown() {
        let mut draft = draft("a");
        let problem =
            |line, severity: &str| RuleProblem { line, severity: severity.to_owned(), ..RuleProblem::default() };
        let problems = vec![problem(1, "info"), problem(1, "error"), problem(3, "warning")];
        draft.report = Some(CheckReport { problems, ..CheckReport::default() });
        assert_eq!(draft.problem_of(0).map(|problem| problem.severity.as_str()), Some("error"));
        assert!(draft.problem_of(1).is_none() && draft.present_report().is_none());
    }
}
