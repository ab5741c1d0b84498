//! How the model looks: pure functions from `&Model` to cells. One file for each screen.

mod alert_detail;
mod alerts;
mod audit;
mod canvas;
mod exception;
mod frame;
mod incidents;
mod overlays;
mod reports;
mod rules;
mod search;
mod sources;
mod why;

use ratatui::Frame;
use ratatui::style::Style;

use crate::console::look::layout::Shape;
use crate::console::look::theme::Theme;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::view::canvas::Canvas;
use crate::model::RuleLevel;

pub(super) use audit::audit_rows;
pub(super) use audit::audit_top_max;
pub(super) use reports::handover_top_max;
pub(super) use reports::reports_top_max;
pub(super) use rules::rules_top_max;

/// Draws the whole screen.
pub(super) fn view(model: &Model, frame: &mut Frame<'_>) {
    let mut canvas = Canvas::new(frame.buffer_mut(), model.theme, model.ascii);
    let layout = model.layout();
    if layout.shape == Shape::Summary {
        frame::draw_summary(model, &mut canvas);
        return;
    }
    frame::draw(model, &layout, &mut canvas);
    match model.screen {
        Screen::Alerts => alerts::draw(model, &layout, &mut canvas),
        Screen::Incidents => incidents::draw(model, &layout, &mut canvas),
        Screen::Search => search::draw(model, &layout, &mut canvas),
        Screen::Rules => rules::draw(model, &layout, &mut canvas),
        Screen::Sources => sources::draw(model, &layout, &mut canvas),
        Screen::Audit => audit::draw(model, &layout, &mut canvas),
        Screen::Reports => reports::draw(model, &layout, &mut canvas),
    }
    if let Some(overlay) = &model.overlay {
        overlays::draw(model, overlay, &layout, &mut canvas);
    }
    if let Some(cursor) = canvas.cursor {
        frame.set_cursor_position(cursor);
    }
}

/// Returns how far the record of the alert or incident that is shown can be scrolled.
pub(super) fn detail_top_max(model: &Model) -> usize {
    match model.screen {
        Screen::Incidents => incidents::detail_top_max(model),
        _ => alert_detail::top_max(model),
    }
}

/// Returns an input's name as far as it fits a column: of a file its own name.
fn short_input(name: &str) -> &str {
    let path = name.strip_prefix("file:");
    path.and_then(|path| path.rsplit('/').next()).filter(|file| !file.is_empty()).unwrap_or(name)
}

/// Returns a level's letter and style; `?` for a word that names none.
fn level_sign(theme: &Theme, level: &str) -> (String, Style) {
    match level.parse::<RuleLevel>() {
        Ok(level) => (level.letter().to_string(), theme.level(level)),
        Err(_) => ("?".to_owned(), theme.dim),
    }
}
