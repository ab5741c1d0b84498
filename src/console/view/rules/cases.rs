//! How the cases of a rule fell out.

use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::look::theme::Theme;
use crate::console::model::Model;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;

/// Returns the lines of the panel.
pub(super) fn lines(model: &Model, theme: &Theme, width: u16) -> Vec<Line> {
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
