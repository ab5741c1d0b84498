//! Screen 4: the list of rules, and a panel: a rule whole, a run over history, exceptions, ATT&CK.
//!
//! ```text
//! ┌─ Rules 1/140 ────────────────────────────────────────────────────────────────┐
//! │ !  30 days True% Exc State      Title                          ATT&CK         │
//! │>H  412     25%   1   live       SSH password guessing          T1110.001      │
//! ```

mod backtest;
mod cases;
mod coverage;
mod editor;
mod exceptions;
mod rule;

use ratatui::layout::Rect;

use crate::console::look::format;
use crate::console::look::layout::Layout;
use crate::console::look::text::Text;
use crate::console::look::words;
use crate::console::model::Model;
use crate::console::model::rules::Panel;
use crate::console::model::rules::STATES;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::Line;
use crate::console::view::level_sign;
use crate::wire::rule::Verdicts;

/// Draws screen 4.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let (list, panel) = model.rules.panes(layout);
    if list.height > 0 {
        draw_list(model, list, canvas);
    }
    if panel.height == 0 {
        return;
    }
    let inside = canvas.frame(panel, &title(model), true);
    if model.rules.panel == Panel::Exceptions {
        exceptions::draw(model, inside, canvas);
    } else if model.rules.panel == Panel::Editor {
        editor::draw(model, inside, canvas);
    } else {
        let lines = lines(model, canvas.theme, inside.width);
        canvas.put_lines(inside, &lines, model.rules.top);
        canvas.set_cursor(inside.x, inside.y);
    }
}

/// Returns how far the panel can be scrolled.
pub(in crate::console) fn rules_top_max(model: &Model) -> usize {
    let (_, panel) = model.rules.panes(&model.layout());
    let width = panel.width.saturating_sub(2);
    lines(model, model.theme, width).len().saturating_sub(usize::from(panel.height.saturating_sub(2)))
}

fn lines(model: &Model, theme: crate::console::look::theme::Theme, width: u16) -> Vec<Line> {
    match model.rules.panel {
        Panel::Rule => rule::lines(model, &theme, width),
        Panel::Backtest => backtest::lines(model, &theme, width),
        Panel::Coverage => coverage::lines(model, &theme),
        Panel::Tests => cases::lines(model, &theme, width),
        Panel::Exceptions | Panel::Editor => Vec::new(),
    }
}

fn title(model: &Model) -> String {
    match model.rules.panel {
        Panel::Rule => model.rules.focused().map_or_else(String::new, |row| row.id.clone()),
        Panel::Backtest => format::fill(model.text(Text::BacktestTitle), &[&model.rules.trial.title]),
        Panel::Coverage => coverage::title(model),
        Panel::Exceptions => model.text(Text::ExceptionsTitle).to_owned(),
        Panel::Editor => editor::title(model),
        Panel::Tests => {
            let rule = model.rules.tests.as_ref().map(|report| report.rule.as_str());
            let rule = rule.or(model.rules.focused().map(|row| row.id.as_str()));
            format::fill(model.text(Text::TestTitle), &[rule.unwrap_or_default()])
        }
    }
}

/// Returns a state's name in the console's language.
fn state_name<'a>(model: &Model, state: &'a str) -> &'a str {
    STATES.iter().find(|(known, _)| *known == state).map_or(state, |(_, name)| model.text(*name))
}

/// Writes how many of the judged alerts were true.
fn precision(verdicts: &Verdicts) -> String {
    verdicts.precision().map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"))
}

fn draw_list(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let rules = &model.rules;
    let place = (rules.scroll.cursor + 1).min(rules.shown.len());
    let title = format!("{} {place}/{}", model.text(Text::RulesTitle), rules.shown.len());
    let inside = canvas.frame(area, &title, true);
    let room = inside.width.saturating_sub(3 + 8 + 6 + 4 + 11 + 6);
    let title_width = room * 7 / 10;
    let head = [
        (" !", 3, theme.dim),
        (model.text(Text::ColumnNoise), 8, theme.dim),
        (model.text(Text::ColumnPrecision), 6, theme.dim),
        (model.text(Text::ColumnExcepted), 4, theme.dim),
        (model.text(Text::ColumnRuleState), 11, theme.dim),
        (model.text(Text::ColumnTitle), title_width, theme.dim),
        ("ATT&CK", room - title_width, theme.dim),
    ];
    canvas.put_cells(inside.x, inside.y, inside.width, &head);
    if !rules.is_loaded {
        canvas.put(inside.x, inside.y + 1, inside.width, model.text(Text::Loading), theme.dim);
    }
    let shown = rules.shown.iter().enumerate().skip(rules.scroll.top);
    for (y, (index, place)) in (inside.top() + 1..inside.bottom()).zip(shown) {
        let Some(rule) = rules.rows.get(*place) else { continue };
        let has_cursor = index == rules.scroll.cursor;
        let (letter, style) = level_sign(&canvas.theme, &rule.level);
        let sign = format!("{}{letter}", if has_cursor { '>' } else { ' ' });
        let (noise, tags) = (format::count(rule.noise.max(rule.detections)), words::attack(&rule.tags));
        let exceptions = if rule.exceptions > 0 { rule.exceptions.to_string() } else { "-".to_owned() };
        let precision = precision(&rule.verdicts);
        let is_live = matches!(rule.state.as_str(), "live" | "");
        let cells = [
            (sign.as_str(), 3, style),
            (noise.as_str(), 8, theme.text),
            (precision.as_str(), 6, theme.text),
            (exceptions.as_str(), 4, theme.text),
            (state_name(model, &rule.state), 11, if is_live { theme.dim } else { theme.warning }),
            (model.lang.choose(&rule.title, rule.title_vi.as_deref()), title_width, theme.text),
            (tags.as_str(), room - title_width, theme.dim),
        ];
        canvas.put_cells(inside.x, y, inside.width, &cells);
        if has_cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
            canvas.set_cursor(inside.x, y);
        }
    }
}
