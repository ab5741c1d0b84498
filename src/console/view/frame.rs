//! Header, state line and hints: what every screen has around it.
//!
//! ```text
//!  SOC  1 Alerts 128  2 Incidents 7  3 Search  4 Rules  5 Sources !2          an
//!  Filter: open sev>=high                    +14 new (F5)        LIVE 14:03:27
//!  … body …
//!  F2 Take  F3 Related  F4 Escalate  F6 Close
//!  F5 Show new  : commands  / filter  Space menu  ? help  u undo
//! ```

use unicode_width::UnicodeWidthStr as _;

use crate::console::keys::keymap::Action;
use crate::console::look::bars;
use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::layout::Layout;
use crate::console::look::text::Text;
use crate::console::model::Link;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::view::canvas::Canvas;
use crate::model::SafeText;

/// Draws the bars.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    draw_header(model, layout, canvas);
    draw_state(model, layout, canvas);
    for hint in bars::hints(model) {
        let theme = canvas.theme;
        let used = canvas.put(hint.x, hint.y, hint.width, &hint.key, theme.focus);
        canvas.put(hint.x + used + 1, hint.y, hint.width.saturating_sub(used + 1), &hint.name, theme.dim);
    }
}

fn draw_header(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let area = layout.header;
    let theme = canvas.theme;
    canvas.paint(area, theme.header);
    canvas.put(1, area.y, 7, if area.width < 140 { "SOC" } else { "Longan" }, theme.header);
    let mut end = 5;
    for tab in bars::tabs(model) {
        let is_shown = tab.action == Action::Go(model.screen);
        let style = if is_shown { theme.header.patch(theme.focus) } else { theme.header };
        let name = format!("{} {}", tab.key, tab.name);
        canvas.put(tab.x, tab.y, tab.width, &name, style);
        if is_shown && tab.x > 0 {
            // The shown screen is marked by a sign as well as by its style.
            canvas.put(tab.x - 1, tab.y, 1, ">", style);
        }
        end = tab.x + tab.width;
    }
    let who = model.whoami.as_ref().map(|who| format!("{} {}", who.name, who.role)).unwrap_or_default();
    let mut right = who;
    if area.width >= 140 {
        let eps = format::count(model.pulse.events_per_second);
        let lag = model.pulse.lag_ms;
        right = format!("EPS {eps}  {} {}.{}s  {right}", model.text(Text::Lag), lag / 1000, lag / 100 % 10);
    }
    let room = usize::from(area.width.saturating_sub(end + 2));
    if right.width() > room {
        // Who it is matters more than what they may do.
        right = model.whoami.as_ref().map(|who| who.name.clone()).unwrap_or_default();
    }
    put_right(canvas, end + 1, area.y, area.width, &format!("{right} "), theme.header);
}

/// Writes at the right end, not beyond `from` at the left.
fn put_right(canvas: &mut Canvas<'_>, from: u16, y: u16, end: u16, text: &str, style: ratatui::style::Style) {
    let width = u16::try_from(SafeText::new(text).as_str().width()).unwrap_or(u16::MAX);
    let x = end.saturating_sub(width).max(from);
    canvas.put(x, y, end.saturating_sub(x), text, style);
}

/// The state line: the outcome of the last action, or the filter, then how things stand with the server.
fn draw_state(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let area = layout.filter;
    let theme = canvas.theme;
    let clock = format::clock(&model.zone, model.now);
    let (state, state_style) = match &model.link {
        Link::Connecting => (model.text(Text::Connecting).to_owned(), theme.warning),
        Link::Live if model.size.0 < 140 => (format!("{} {clock}", model.text(Text::Live)), theme.good),
        Link::Live => {
            let zone = model.now.to_zoned_datetime(model.zone.clone()).strftime("%:z").to_string();
            (format!("{} {clock} {zone}", model.text(Text::Live)), theme.good)
        }
        Link::Away { since, .. } => {
            let age = format::span(model.now.duration_since(*since).as_secs());
            let fresh = format::clock(&model.zone, model.fresh_at);
            (fill(model.text(Text::Away), &[&age, &fresh]), theme.danger)
        }
    };
    let width = u16::try_from(state.width()).unwrap_or(area.width);
    let left = area.width.saturating_sub(width + 2);
    put_right(canvas, area.x, area.y, area.width.saturating_sub(1), &state, state_style);
    let room = left.saturating_sub(1);
    let new = bars::new_rows(model).filter(|_| model.screen == Screen::Alerts);
    if let Some(toast) = &model.toast {
        let style = if toast.is_error { theme.warning } else { theme.good };
        let text = if toast.is_error { format!("! {}", toast.text) } else { toast.text.clone() };
        let used = canvas.put(1, area.y, room, &text, style);
        // What waits to be shown is told all the same, where there is room.
        if let Some(new) = new.filter(|new| usize::from(used) + 4 + new.width() < usize::from(left)) {
            put_right(canvas, used + 3, area.y, left.saturating_sub(1), &new, theme.focus);
        }
        return;
    }
    if let Some(reason) = &model.pulse.refusing {
        canvas.put(1, area.y, room, &fill(model.text(Text::Refusing), &[reason]), theme.danger);
        return;
    }
    let used = canvas.put(1, area.y, room, &filter_text(model), theme.dim);
    let figures = figures_text(model);
    let reserved = new.as_ref().map_or(0, |new| new.width() + 3);
    let end = left.saturating_sub(1 + u16::try_from(reserved).unwrap_or(0));
    if let Some((text, style)) = figures.filter(|(text, _)| usize::from(used) + 4 + text.width() < usize::from(end)) {
        let style = if style { theme.danger } else { theme.dim };
        put_right(canvas, used + 3, area.y, end, &text, style);
    }
    if let Some(new) = new {
        put_right(canvas, used + 3, area.y, left.saturating_sub(1), &new, theme.focus);
    }
}

/// The figures of the day where there is room for them, and whether something waits too long.
fn figures_text(model: &Model) -> Option<(String, bool)> {
    if model.screen != Screen::Alerts || model.size.0 < 140 {
        return None;
    }
    let mean = |seconds: Option<u64>| seconds.map_or_else(|| "-".to_owned(), format::mean);
    let today = &model.alerts.today;
    let means = fill(model.text(Text::TodayFigures), &[&mean(today.acknowledge), &mean(today.resolve)]);
    let over = fill(model.text(Text::OverSla), &[&format::count(model.pulse.overdue_alerts)]);
    Some((format!("{means}  {over}"), model.pulse.overdue_alerts > 0))
}

fn filter_text(model: &Model) -> String {
    let filter = match model.screen {
        Screen::Alerts => {
            let status = match model.alerts.filter.status.as_deref() {
                None | Some("open") => model.text(Text::FilterOpen),
                Some("all") => model.text(Text::FilterAll),
                Some(other) => other,
            };
            let mut text = format!("{}: {status} {}", model.text(Text::Filter), model.alerts.filter_text);
            if model.alerts.all_marked {
                text.push_str(" · ");
                text.push_str(&fill(model.text(Text::MarkedAll), &[&model.alerts.total.to_string()]));
            } else if !model.alerts.marked.is_empty() {
                text.push_str(" · ");
                text.push_str(&fill(model.text(Text::Marked), &[&model.alerts.marked.len().to_string()]));
            }
            return text;
        }
        Screen::Sources => &model.sources.filter,
        Screen::Rules => &model.rules.filter,
        Screen::Audit => &model.audit.filter,
        _ => return String::new(),
    };
    if filter.is_empty() { String::new() } else { format!("{}: {filter}", model.text(Text::Filter)) }
}

/// Draws one line that sums up, for terminals too small for anything else.
pub(super) fn draw_summary(model: &Model, canvas: &mut Canvas<'_>) {
    let state = match &model.link {
        Link::Connecting => model.text(Text::Connecting).to_owned(),
        Link::Live => format!("{} {}", model.text(Text::Live), format::clock(&model.zone, model.now)),
        Link::Away { since, .. } => format!("! {}", format::span(model.now.duration_since(*since).as_secs())),
    };
    let text = fill(model.text(Text::TooSmall), &[&bars::open_alerts(model).to_string(), &state]);
    canvas.put(0, 0, model.size.0, &text, canvas.theme.text);
}
