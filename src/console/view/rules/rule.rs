//! A rule whole: how it fares, who did what to it, its text.

use super::precision;
use super::state_name;
use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::look::theme::Theme;
use crate::console::look::words;
use crate::console::model::Model;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;
use crate::wire::rule::Verdicts;

/// Entries of the history and versions shown.
const ENTRIES_MAX: usize = 20;

/// Writes verdicts in words.
pub(super) fn verdicts(model: &Model, verdicts: &Verdicts) -> String {
    let figures =
        [verdicts.true_positive, verdicts.false_positive, verdicts.benign_positive, verdicts.other, verdicts.open]
            .map(|figure| figure.to_string());
    let text = fill(model.text(Text::VerdictFigures), &figures.each_ref().map(String::as_str));
    format!("{text}  {}", precision(verdicts))
}

/// Returns the lines of the panel.
pub(super) fn lines(model: &Model, theme: &Theme, width: u16) -> Vec<Line> {
    let Some(row) = model.rules.focused() else { return Vec::new() };
    let mut lines = Vec::new();
    let mut add = |parts: Line| lines.extend(wrap(&parts, width));
    let head = |text: &str| piece(format!("{text}  "), theme.focus);
    add(vec![piece(model.lang.choose(&row.title, row.title_vi.as_deref()), theme.text)]);
    let level = words::word(model.lang, &row.level);
    add(vec![piece(format!("{level}  {}  {}", state_name(model, &row.state), row.status), theme.dim)]);
    add(vec![head(model.text(Text::RuleVerdicts)), piece(verdicts(model, &row.verdicts), theme.text)]);
    let cases = vec![head(model.text(Text::RuleCases)), piece(row.cases.to_string(), theme.text)];
    add(cases);
    if let Some(arrives) = row.arrives {
        let (text, style) = match arrives {
            true => (Text::LogsArrive, theme.text),
            false => (Text::LogsMissing, theme.warning),
        };
        add(vec![head(model.text(Text::RuleLogs)), piece(model.text(text), style)]);
    }
    add(vec![head("ATT&CK"), piece(words::attack(&row.tags), theme.text)]);
    add(vec![head(model.text(Text::RuleFile)), piece(row.path.clone(), theme.dim)]);
    let Some(detail) = model.rules.focused_detail() else {
        add(vec![piece(model.text(Text::Loading), theme.dim)]);
        return lines;
    };
    add(vec![head(model.text(Text::History))]);
    for change in detail.history.iter().take(ENTRIES_MAX) {
        let when = format::date(&model.zone, &change.at);
        let action = words::word(model.lang, &change.action);
        let text = format!("  {when}  {}  {action}  {}", change.who, change.text.as_deref().unwrap_or_default());
        add(vec![piece(text, theme.text)]);
    }
    add(vec![head(model.text(Text::RuleVersions))]);
    for version in detail.versions.iter().take(ENTRIES_MAX) {
        let when = format::date(&model.zone, &version.seen);
        add(vec![piece(format!("  {when}  {}  {}", version.hash, version.path), theme.dim)]);
    }
    if let Some(newest) = detail.versions.first() {
        add(vec![head(model.text(Text::RuleContent))]);
        for line in newest.text.lines() {
            add(vec![piece(line, theme.text)]);
        }
    }
    lines
}
