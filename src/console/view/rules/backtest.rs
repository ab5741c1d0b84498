//! A rule run over 30 days: progress, then matches a day, entities with how analysts judged them, examples, what it took.

use super::rule::verdicts;
use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::look::theme::Theme;
use crate::console::model::Model;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;
use crate::wire::rule::BacktestReport;

/// The longest bar of a day.
const BAR_CELLS: u64 = 40;

/// Returns the lines of the panel.
pub(super) fn lines(model: &Model, theme: &Theme, width: u16) -> Vec<Line> {
    let trial = &model.rules.trial;
    if let Some(problem) = &trial.problem {
        return problem.lines().flat_map(|line| wrap(&[piece(line, theme.danger)], width)).collect();
    }
    match &trial.report {
        Some(report) => report_lines(model, report, theme, width),
        None => {
            let progress = trial.progress;
            let figures = [progress.pieces_done, progress.pieces, progress.events_done, progress.events];
            let figures = figures.map(|figure| figure.to_string());
            let text = fill(model.text(Text::BacktestRunning), &figures.each_ref().map(String::as_str));
            vec![vec![piece(text, theme.dim)]]
        }
    }
}

fn report_lines(model: &Model, report: &BacktestReport, theme: &Theme, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |parts: Line| lines.extend(wrap(&parts, width));
    let head = |text: Text| piece(format!("{}  ", model.text(text)), theme.focus);
    let figures = [report.matches, report.alerts].map(|figure| figure.to_string());
    add(vec![piece(fill(model.text(Text::BacktestMatches), &figures.each_ref().map(String::as_str)), theme.text)]);
    if let Some(reason) = &report.cost.partial {
        add(vec![piece(fill(model.text(Text::BacktestPartial), &[reason]), theme.danger)]);
    }
    add(vec![head(Text::BacktestPast), piece(verdicts(model, &report.past_of_rule), theme.text)]);
    add(vec![head(Text::BacktestPastEntities), piece(verdicts(model, &report.past_of_entities), theme.text)]);
    let most = report.days.iter().map(|day| day.matches).max().unwrap_or(0);
    if most > 0 {
        add(vec![head(Text::BacktestDays)]);
        let bar = if model.ascii { "#" } else { "█" };
        for day in &report.days {
            // What is more than nothing has at least one cell.
            let cells = usize::try_from((day.matches * BAR_CELLS).div_ceil(most)).unwrap_or(0);
            let text = format!("  {}  {:>6}  ", day.day, format::count(day.matches));
            add(vec![piece(text, theme.text), piece(bar.repeat(cells), theme.focus)]);
        }
    }
    if !report.entities.is_empty() {
        add(vec![head(Text::BacktestEntities)]);
        for entity in &report.entities {
            let past = if entity.past.total() > 0 { verdicts(model, &entity.past) } else { String::new() };
            let text = format!("  {:>6}  {} ({})  ", format::count(entity.matches), entity.value, entity.field);
            add(vec![piece(text, theme.text), piece(past, theme.dim)]);
        }
    }
    if !report.examples.is_empty() {
        add(vec![head(Text::BacktestExamples)]);
        for example in &report.examples {
            let when = format::date(&model.zone, &example.timestamp);
            add(vec![piece(format!("  {when}  "), theme.dim), piece(example.line.clone(), theme.text)]);
        }
    }
    let cost = [report.cost.events_read, report.cost.events, report.cost.elapsed_ms].map(|figure| figure.to_string());
    add(vec![piece(fill(model.text(Text::BacktestCost), &cost.each_ref().map(String::as_str)), theme.dim)]);
    lines
}
