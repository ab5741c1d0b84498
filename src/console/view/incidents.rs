//! Screen 2: the incidents, and one incident's clocks, alerts, entities and timeline.
//!
//! ```text
//! ┌─ Incidents 1/7 ─────────────────────────┐┌─ Detail INC-7 ────────┐
//! │  Level Phase        Alerts Known  Title ││CLOCKS                 │
//! │>C      containment  4      12/08  …     ││  24 h      3h left    │
//! └─────────────────────────────────────────┘└───────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::layout::Layout;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Panes;
use crate::console::look::layout::rows_in;
use crate::console::look::text::Text;
use crate::console::look::words;
use crate::console::model::Model;
use crate::console::model::presence::Shown;
use crate::console::view::alert_detail::looking_line;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;
use crate::console::view::level_sign;
use crate::incident::Told;
use crate::wire::incident::IncidentClock;
use crate::wire::incident::IncidentDetail;
use crate::wire::incident::IncidentPhase;
use crate::wire::incident::IncidentRow;

/// A deadline that passes so soon is near.
const NEAR_SECONDS: i64 = 3600;

/// Draws the screen.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let panes = panes(layout, model.incidents.focus);
    if !panes.list.is_empty() {
        draw_list(model, panes.list, canvas);
    }
    if !panes.detail.is_empty() {
        draw_detail(model, panes.detail, canvas);
    }
}

/// Divides the body; nothing stands around an incident, so that its panes have the whole height.
fn panes(layout: &Layout, focus: Pane) -> Panes {
    let mut panes = layout.panes(focus);
    panes.list.height += panes.around.height * u16::from(!panes.list.is_empty() && panes.around.y > layout.body.y);
    panes.detail.height += panes.around.height * u16::from(!panes.detail.is_empty() && panes.around.y > layout.body.y);
    panes
}

/// Returns a phase's name.
pub(super) fn phase_text(phase: IncidentPhase) -> Text {
    match phase {
        IncidentPhase::Detect => Text::PhaseDetect,
        IncidentPhase::Analysis => Text::PhaseAnalysis,
        IncidentPhase::Containment => Text::PhaseContainment,
        IncidentPhase::Eradication => Text::PhaseEradication,
        IncidentPhase::Recover => Text::PhaseRecover,
        IncidentPhase::Closed => Text::PhaseClosed,
    }
}

fn draw_list(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let incidents = &model.incidents;
    let theme = canvas.theme;
    let place = (incidents.scroll.cursor as u64 + 1).min(incidents.total);
    let stale =
        if incidents.is_stale { format!("  {}", fill(model.text(Text::NewRows), &["?"])) } else { String::new() };
    let title = format!("{} {place}/{}{stale}", model.text(Text::ScreenIncidents), incidents.total);
    let has_focus = incidents.focus == Pane::List;
    let inside = canvas.frame(area, &title, has_focus);
    let room = inside.width.saturating_sub(3 + 8 + 12 + 5 + 6 + 11 + 8 + 7);
    let head = [
        (" !", 3, theme.dim),
        ("INC", 8, theme.dim),
        (model.text(Text::ColumnPhase), 12, theme.dim),
        (model.text(Text::ColumnDue), 5, theme.dim),
        (model.text(Text::ColumnAlerts), 6, theme.dim),
        (model.text(Text::ColumnKnown), 11, theme.dim),
        (model.text(Text::ColumnOwner), 8, theme.dim),
        (model.text(Text::ColumnTitle), room, theme.dim),
    ];
    canvas.put_cells(inside.x, inside.y, inside.width, &head);
    if incidents.rows.is_empty() {
        let text = if incidents.is_loaded { Text::NoIncidents } else { Text::Loading };
        canvas.put(inside.x + 1, inside.y + 1, inside.width.saturating_sub(1), model.text(text), theme.dim);
    }
    let shown = incidents.rows.iter().enumerate().skip(incidents.scroll.top);
    for (y, (index, row)) in (inside.top() + 1..inside.bottom()).zip(shown) {
        let has_cursor = index == incidents.scroll.cursor;
        let (letter, level_style) = level_sign(&canvas.theme, &row.level);
        let is_looked_at = model.presence.at(Shown::Incident(row.id)).next().is_some();
        let sign = format!("{}{letter}{}", if has_cursor { '>' } else { ' ' }, if is_looked_at { '@' } else { ' ' });
        let style = if row.phase == IncidentPhase::Closed { theme.dim } else { theme.text };
        let (id, alerts) = (format!("INC-{}", row.id), row.alerts.to_string());
        let known = format::date(&model.zone, &row.known);
        let (due, due_style) = match row.next_due.as_deref().and_then(|due| format::left(model.now, due)) {
            Some((left, true)) => (left, theme.danger),
            Some((left, false)) if is_near(model, row) => (left, theme.warning),
            Some((left, false)) => (left, style),
            None => ("-".to_owned(), theme.dim),
        };
        let cells = [
            (sign.as_str(), 3, level_style),
            (id.as_str(), 8, style),
            (model.text(phase_text(row.phase)), 12, style),
            (due.as_str(), 5, due_style),
            (alerts.as_str(), 6, style),
            (known.as_str(), 11, style),
            (row.owner.as_deref().unwrap_or("-"), 8, style),
            (row.title.as_str(), room, style),
        ];
        canvas.put_cells(inside.x, y, inside.width, &cells);
        if has_cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
            if has_focus {
                canvas.set_cursor(inside.x, y);
            }
        }
    }
}

/// Says whether the next deadline of an incident passes within the hour, or has passed.
fn is_near(model: &Model, row: &IncidentRow) -> bool {
    let due = row.next_due.as_deref().and_then(format::time);
    due.is_some_and(|due| due.duration_since(model.now).as_secs() < NEAR_SECONDS)
}

fn draw_detail(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let id = model.incidents.focused().map(|row| format!("  INC-{}", row.id)).unwrap_or_default();
    let has_focus = model.incidents.focus == Pane::Detail;
    let inside = canvas.frame(area, &format!("{}{id}", model.text(Text::Detail)), has_focus);
    let Some(detail) = model.incidents.focused_detail() else {
        if model.incidents.focused().is_some() {
            canvas.put(inside.x, inside.y, inside.width, model.text(Text::Loading), canvas.theme.dim);
        }
        return;
    };
    let lines = lines(model, detail, inside.width);
    canvas.put_lines(inside, &lines, model.incidents.detail_top);
    if has_focus {
        canvas.set_cursor(inside.x, inside.y);
    }
}

fn lines(model: &Model, detail: &IncidentDetail, width: u16) -> Vec<Line> {
    record(model, detail).iter().flat_map(|line| wrap(line, width)).collect()
}

/// Returns how far the record can be scrolled.
pub(super) fn detail_top_max(model: &Model) -> usize {
    let pane = panes(&model.layout(), Pane::Detail).detail;
    let Some(detail) = model.incidents.focused_detail() else { return 0 };
    lines(model, detail, pane.width.saturating_sub(2)).len().saturating_sub(rows_in(pane, 0))
}

fn record(model: &Model, detail: &IncidentDetail) -> Vec<Line> {
    let theme = &model.theme;
    let row = &detail.row;
    let phase = model.text(phase_text(row.phase));
    let mut lines = vec![vec![
        piece(row.title.clone(), theme.focus),
        piece(format!("  {} · {phase}", words::word(model.lang, &row.level)), theme.text),
    ]];
    let holder = match &row.owner {
        Some(owner) => fill(model.text(Text::HeldBy), &[owner]),
        None => model.text(Text::NobodyHolds).to_owned(),
    };
    lines.push(looking_line(model, Shown::Incident(row.id), holder));
    lines.push(vec![piece(model.text(Text::Clocks), theme.focus)]);
    for clock in &detail.clocks {
        let (state, style) = clock_state(model, clock, &row.known);
        let due = format::date(&model.zone, &clock.due);
        lines.push(vec![
            piece(format!("  {:<30} {due}  ", words::word(model.lang, &clock.name)), theme.text),
            piece(state, style),
        ]);
    }
    if let Some(into) = detail.merged_into {
        lines.push(vec![piece(fill(model.text(Text::MergedInto), &[&format!("INC-{into}")]), theme.warning)]);
    }
    if !detail.tasks.is_empty() {
        lines.push(vec![piece(model.text(Text::Tasks), theme.focus)]);
    }
    for task in &detail.tasks {
        let (sign, style) = if task.done.is_some() { ("[x]", theme.dim) } else { ("[ ]", theme.text) };
        let by = task.done_by.as_deref().map(|by| format!("  ({by})")).unwrap_or_default();
        lines.push(vec![piece(format!("  {sign} {}. {}{by}", task.place, task.text), style)]);
    }
    if !detail.observables.is_empty() {
        lines.push(vec![piece(model.text(Text::Observables), theme.focus)]);
    }
    for seen in &detail.observables {
        let note = seen.note.as_deref().map(|note| format!("  ({note})")).unwrap_or_default();
        let kind = words::word(model.lang, &seen.kind);
        lines.push(vec![piece(format!("  {kind:<8}{}{note}", seen.value), theme.text)]);
    }
    if !detail.evidence.is_empty() {
        lines.push(vec![piece(model.text(Text::Evidence), theme.focus)]);
    }
    for bundle in &detail.evidence {
        let note = bundle.note.as_deref().map(|note| format!("  ({note})")).unwrap_or_default();
        let digest: String = bundle.digest.chars().take(12).collect();
        let text = format!("  {}. {} x{}{note}  {}", bundle.place, bundle.query, bundle.events, bundle.added_by);
        lines.push(vec![piece(text, theme.text), piece(format!("  sha256 {digest}"), theme.dim)]);
    }
    lines.push(vec![piece(model.text(Text::Entities), theme.focus)]);
    for (index, entity) in detail.entities.iter().enumerate() {
        let key = if index < 9 { format!("  [p{}] ", index + 1) } else { "       ".to_owned() };
        lines.push(vec![
            piece(key, theme.focus),
            piece(format!("{:<8}{}", words::word(model.lang, &entity.kind), entity.value), theme.text),
        ]);
    }
    lines.push(vec![piece(model.text(Text::ScreenAlerts).to_uppercase(), theme.focus)]);
    for alert in &detail.alerts {
        let (letter, style) = level_sign(theme, &alert.level);
        let title = model.lang.choose(&alert.title, alert.title_vi.as_deref());
        let text = format!(" ALR-{} {title}  {}  x{}", alert.id, alert.entity, alert.count);
        lines.push(vec![piece(format!("  {letter}"), style), piece(text, theme.text)]);
    }
    lines.push(vec![piece(model.text(Text::Timeline), theme.focus)]);
    for entry in &detail.timeline {
        let time = format::date(&model.zone, &entry.at);
        lines.push(vec![
            piece(format!("  {time}  "), theme.dim),
            piece(format!("{} {}  ", entry.who, words::word(model.lang, &entry.action)), theme.text),
            piece(happened(model, &entry.action, entry.text.as_deref()), theme.text),
        ]);
    }
    lines
}

/// Tells a line of the timeline in the reader's language and zone.
fn happened(model: &Model, action: &str, text: Option<&str>) -> String {
    let told = Told::of(action, text);
    let (word, date) = (|word| words::word(model.lang, word), |time| format::date(&model.zone, time));
    let phases = told.phases.map(|(from, to)| format!("{} → {}", word(from), word(to)));
    let clock = match (told.clock.map(word), told.due.map(date)) {
        (Some(name), Some(due)) => Some(format!("{name}, {due}")),
        (name, _) => name.map(str::to_owned),
    };
    let typed = told.text.map(str::to_owned);
    phases.into_iter().chain(clock).chain(typed).collect::<Vec<_>>().join(": ")
}

/// Says how a deadline stands; one that is near or past is told by words as well as by colour.
fn clock_state(model: &Model, clock: &IncidentClock, known: &str) -> (String, ratatui::style::Style) {
    let theme = &model.theme;
    if let Some(why) = &clock.waived {
        return (fill(model.text(Text::ClockWaived), &[why]), theme.dim);
    }
    if let Some(met) = &clock.met {
        return (fill(model.text(Text::ClockMet), &[&format::date(&model.zone, met)]), theme.good);
    }
    let Some(due) = format::time(&clock.due) else { return ("?".to_owned(), theme.dim) };
    let left = due.duration_since(model.now).as_secs();
    if clock.due == known {
        // What is to be done at once has no time that could be left.
        return (fill(model.text(Text::ClockNow), &[&format::span(-left)]), theme.warning);
    }
    if left < 0 {
        return (fill(model.text(Text::ClockPassed), &[&format::span(-left)]), theme.danger);
    }
    let style = if left < NEAR_SECONDS { theme.warning } else { theme.text };
    (fill(model.text(Text::ClockLeft), &[&format::span(left)]), style)
}
