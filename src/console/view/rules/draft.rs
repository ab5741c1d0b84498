//! A rule being edited: its problems with their places, and how its cases fell out.

use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::look::theme::Theme;
use crate::console::model::Model;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;

/// Returns the lines about the edited text.
pub(super) fn lines(model: &Model, theme: &Theme, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |parts: Line| lines.extend(wrap(&parts, width));
    let Some(draft) = &model.rules.draft else { return lines };
    match &draft.report {
        None => add(vec![piece(model.text(Text::Loading), theme.dim)]),
        Some(report) if report.problems.is_empty() => add(vec![piece(model.text(Text::DraftFine), theme.good)]),
        Some(report) => {
            for problem in &report.problems {
                let style = match problem.severity.as_str() {
                    "error" => theme.danger,
                    "warning" => theme.warning,
                    _ => theme.dim,
                };
                let code = problem.code.as_ref().map(|code| format!(" [{code}]")).unwrap_or_default();
                let place = format!("{}:{}  {}: ", problem.line, problem.column, problem.severity);
                add(vec![piece(place, style), piece(format!("{}{code}", problem.text), theme.text)]);
                if let Some(hint) = &problem.hint {
                    add(vec![piece(format!("      {hint}"), theme.dim)]);
                }
            }
        }
    }
    add(vec![piece(model.text(Text::DraftKeys), theme.focus)]);
    lines
}

/// Returns the lines about the cases.
pub(super) fn test_lines(model: &Model, theme: &Theme, width: u16) -> Vec<Line> {
    let Some(report) = &model.rules.tests else { return vec![vec![piece(model.text(Text::Loading), theme.dim)]] };
    if report.cases.is_empty() {
        return vec![vec![piece(model.text(Text::TestNone), theme.warning)]];
    }
    let passed = report.cases.iter().filter(|case| case.passed).count();
    let figures = [passed, report.cases.len() - passed].map(|figure| figure.to_string());
    let all = fill(model.text(Text::TestFigures), &figures.each_ref().map(String::as_str));
    let mut lines = vec![vec![piece(all, if passed == report.cases.len() { theme.good } else { theme.danger })]];
    for case in &report.cases {
        let (sign, style) = if case.passed { ("+ ", theme.good) } else { ("! ", theme.danger) };
        let wanted = model.text(if case.must_match { Text::TestMust } else { Text::TestMustNot });
        let parser = case.parser.as_deref().unwrap_or("-");
        let told = fill(model.text(Text::TestMatched), &[&case.detections.to_string(), parser]);
        let parts = [
            piece(sign, style),
            piece(format!("{} ", case.name), theme.text),
            piece(format!("({wanted}; {told})"), theme.dim),
        ];
        lines.extend(wrap(&parts, width));
    }
    lines
}
