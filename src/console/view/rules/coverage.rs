//! The ATT&CK matrix: a column a tactic, a line a technique that a rule looks for.

use crate::console::look::format::fill;
use crate::console::look::text::Lang;
use crate::console::look::text::Text;
use crate::console::look::theme::Theme;
use crate::console::model::Model;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::detect::attack::Coverage;
use crate::detect::attack::CoveredRule;
use crate::detect::attack::Figures;
use crate::detect::attack::Mark;
use crate::detect::attack::TACTICS;
use crate::detect::attack::Technique;

/// The columns' heads, five cells each.
const HEADS: [&str; 15] = [
    "Reco", "ResD", "Init", "Exec", "Pers", "Priv", "Stea", "DefI", "Cred", "Disc", "Late", "Coll", "C2", "Exfi",
    "Impa",
];

fn coverage(model: &Model) -> Coverage {
    let live = model.rules.rows.iter().filter(|row| !row.is_silent && matches!(row.state.as_str(), "live" | ""));
    Coverage::of(live.map(|row| CoveredRule {
        id: &row.id,
        tags: &row.tags,
        tested: row.cases > 0,
        arrives: row.arrives,
    }))
}

/// Says what it comes to.
pub(super) fn title(model: &Model) -> String {
    let sum = coverage(model).sum(None);
    let figures = [sum.covered, sum.techniques, sum.working].map(|figure| figure.to_string());
    fill(model.text(Text::CoverageTitle), &figures.each_ref().map(String::as_str))
}

/// Returns the lines of the panel.
pub(super) fn lines(model: &Model, theme: &Theme) -> Vec<Line> {
    let coverage = coverage(model);
    let columns = TACTICS.map(|tactic| coverage.column(&tactic));
    let sums = TACTICS.map(|tactic| coverage.sum(Some(&tactic)));
    let heads = HEADS.iter().map(|head| piece(format!("{head:<5}"), theme.focus)).collect();
    let covered = sums.iter().map(|sum| piece(format!("{:<5}", sum.covered), theme.text)).collect();
    let all = sums.iter().map(|sum| piece(format!("{:<5}", format!("/{}", sum.techniques)), theme.dim)).collect();
    let mut lines: Vec<Line> = vec![heads, covered, all];
    let is_covered = |(_, figures): &&(Technique, Figures)| figures.rules > 0;
    let height = columns.iter().map(|column| column.iter().filter(is_covered).count()).max().unwrap_or(0);
    for row in 0..height {
        let cell = |column: &Vec<(Technique, Figures)>| match column.get(row).filter(is_covered) {
            Some((technique, figures)) => {
                let (sign, style) = match figures.mark() {
                    Mark::Working => ('#', theme.good),
                    Mark::Tested => ('+', theme.text),
                    Mark::Arriving => ('~', theme.warning),
                    Mark::Written | Mark::Nothing => (' ', theme.dim),
                };
                piece(format!("{}{sign}", technique.number), style)
            }
            None => piece("     ", theme.dim),
        };
        lines.push(columns.iter().map(cell).collect());
    }
    lines.push(vec![piece(model.text(Text::CoverageLegend), theme.dim)]);
    for (tactic, head) in TACTICS.iter().zip(HEADS) {
        let name = if model.lang == Lang::Vi { tactic.name_vi } else { tactic.name };
        lines.push(vec![piece(format!("{head:<5}"), theme.focus), piece(name, theme.dim)]);
    }
    lines
}
