//! Screen 7: present figures, the alerts of a period, handovers; and the handover that is about to be signed.
//!
//! ```text
//! ┌─ Reports ────────────────────────────────────────────────┐
//! │NOW                                                       │
//! │ALERTS OF THE LAST 7d                                     │
//! │  critical     3     0     3     4m    9m    38m   1h     │
//! │A DAY (UTC)  ▁▁▃█▂                                        │
//! └──────────────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::format::sparkline;
use crate::console::look::layout::Layout;
use crate::console::look::text::Text;
use crate::console::look::words;
use crate::console::model::Model;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;
use crate::console::view::level_sign;
use crate::console::view::overlays::open_box;
use crate::wire::report::HandoverDraft;
use crate::wire::report::LevelReport;
use crate::wire::report::Spread;
use crate::wire::report::TriageReport;
use crate::wire::status::Status;

/// Columns of figures.
const CELL: usize = 8;
/// Days drawn, the latest.
const DAYS_MAX: usize = 60;
/// The longest bar.
const BAR: u64 = 30;

/// Draws the screen.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let inside = canvas.frame(layout.body, model.text(Text::ScreenReports), true);
    canvas.put_lines(inside, &lines(model, inside.width), model.reports.top);
    canvas.set_cursor(inside.x, inside.y);
}

/// Returns how far the screen can be scrolled.
pub(in crate::console) fn reports_top_max(model: &Model) -> usize {
    let body = model.layout().body;
    let (width, height) = (body.width.saturating_sub(2), usize::from(body.height.saturating_sub(2)));
    lines(model, width).len().saturating_sub(height)
}

fn lines(model: &Model, width: u16) -> Vec<Line> {
    let theme = &model.theme;
    let mut lines = vec![head(model, Text::ReportsNow)];
    match &model.status {
        Some(status) => lines.extend(present(model, status)),
        None => lines.push(vec![piece(model.text(Text::Loading), theme.dim)]),
    }
    let title = fill(model.text(Text::ReportsPeriod), &[model.reports.since()]);
    lines.push(vec![piece(title, theme.focus)]);
    match &model.reports.triage {
        Some(triage) => lines.extend(period(model, triage, width)),
        None => lines.push(vec![piece(model.text(Text::Loading), theme.dim)]),
    }
    lines.push(head(model, Text::ReportsHandovers));
    if model.reports.handovers.is_empty() {
        lines.push(vec![piece(format!("  {}", model.text(Text::Nothing)), theme.dim)]);
    }
    for kept in &model.reports.handovers {
        let digest = kept.digest.get(..12).unwrap_or(&kept.digest);
        let signed = format::date(&model.zone, &kept.signed);
        lines.push(vec![piece(format!("  {:>4}  {signed}  {:<16}  sha256 {digest}", kept.id, kept.who), theme.text)]);
    }
    lines.iter().flat_map(|line| wrap(line, width)).collect()
}

fn head(model: &Model, text: Text) -> Line {
    vec![piece(model.text(text), model.theme.focus)]
}

fn present(model: &Model, status: &Status) -> Vec<Line> {
    let theme = &model.theme;
    let levels: Vec<String> = status
        .alerts_by_level
        .iter()
        .map(|(level, count)| format!("{} {count}", words::word(model.lang, level)))
        .collect();
    let mebibytes = |bytes: u64| format!("{} MiB", bytes / (1024 * 1024));
    let full = status.outlook.as_ref().and_then(|outlook| Some((outlook.full.as_ref()?, outlook.days_left?)));
    let full = full.map(|(at, days)| format!("{} ({days})", format::date(&model.zone, at)));
    let figures = [
        (Text::FigureVersion, status.version.clone()),
        (Text::FigureStarted, format::date(&model.zone, &status.started)),
        (Text::FigureStored, status.events_stored.to_string()),
        (Text::FigureOpen, format!("{}  {}", status.open_alerts, levels.join("  "))),
        (Text::FigureRules, status.rules_loaded.to_string()),
        (Text::FigurePacks, status.packs_loaded.to_string()),
        (Text::FigureDisk, format!("{} / {}", mebibytes(status.disk_used_bytes), mebibytes(status.disk_free_bytes))),
        (Text::FigureDiskFull, full.unwrap_or_else(|| "-".to_owned())),
        (Text::FigureMemory, mebibytes(status.memory_bytes)),
        (Text::FigureProblems, status.problems.len().to_string()),
    ];
    let mut lines: Vec<Line> = figures
        .into_iter()
        .map(|(name, value)| vec![piece(format!("  {:<24}", model.text(name)), theme.dim), piece(value, theme.text)])
        .collect();
    lines.extend(status.problems.iter().map(|problem| vec![piece(format!("    {problem}"), theme.warning)]));
    lines
}

fn period(model: &Model, triage: &TriageReport, width: u16) -> Vec<Line> {
    let theme = &model.theme;
    let cells =
        |cells: &mut dyn Iterator<Item = String>| cells.map(|cell| format!("{cell:>CELL$}")).collect::<String>();
    let mut names = model.text(Text::ReportsHead).split('|');
    let first = names.next().unwrap_or_default();
    let rest = cells(&mut names.map(str::to_owned));
    let mut lines = vec![vec![piece(format!("  {first:<14}{rest}"), theme.dim)]];
    for level in &triage.levels {
        let (letter, style) = level_sign(theme, &level.level);
        let figures = cells(&mut figures(level).into_iter());
        let name = words::word(model.lang, &level.level);
        lines.push(vec![piece(format!("{letter} {name:<14}"), style), piece(figures, theme.text)]);
    }
    let days: Vec<u64> = triage.days.iter().map(|day| day.raised.iter().sum()).collect();
    let days = days.get(days.len().saturating_sub(DAYS_MAX)..).unwrap_or_default();
    if let (Some(first), Some(last)) = (triage.days.first(), triage.days.last()) {
        lines.push(head(model, Text::ReportsDays));
        let bars = sparkline(days, days.len().min(usize::from(width)), model.ascii);
        lines.push(vec![
            piece(format!("  {} ", first.day), theme.dim),
            piece(bars, theme.text),
            piece(format!(" {}", last.day), theme.dim),
        ]);
    }
    lines.extend(dispositions(model, triage));
    lines.push(head(model, Text::ReportsRules));
    for rule in &triage.rules {
        let title = model.lang.choose(&rule.title, rule.title_vi.as_deref());
        let told = format!("  {:>6}  {}/{}  {title}", rule.raised, rule.true_positives, rule.false_positives);
        lines.push(vec![piece(told, theme.text)]);
    }
    lines.push(head(model, Text::ReportsAnalysts));
    for analyst in &triage.analysts {
        let told = format!("  {:>6}{:>6}{:>6}  {}", analyst.taken, analyst.escalated, analyst.closed, analyst.name);
        lines.push(vec![piece(told, theme.text)]);
    }
    lines
}

fn figures(level: &LevelReport) -> [String; 7] {
    let told = |spread: Option<Spread>, part: fn(&Spread) -> u64| {
        spread.map_or_else(|| "-".to_owned(), |spread| format::span(i64::try_from(part(&spread)).unwrap_or(i64::MAX)))
    };
    [
        level.raised.to_string(),
        level.untouched.to_string(),
        level.closed.to_string(),
        told(level.to_acknowledge, |spread| spread.mean),
        told(level.to_acknowledge, |spread| spread.p90),
        told(level.to_resolve, |spread| spread.mean),
        told(level.to_resolve, |spread| spread.p90),
    ]
}

fn dispositions(model: &Model, triage: &TriageReport) -> Vec<Line> {
    let theme = &model.theme;
    let most = triage.dispositions.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let mut lines = vec![head(model, Text::ReportsDispositions)];
    for (name, count) in triage.dispositions.iter().filter(|(_, count)| *count > 0) {
        let cells = usize::try_from((count * BAR).div_ceil(most.max(1))).unwrap_or(0);
        let bar = if model.ascii { "#" } else { "█" }.repeat(cells);
        let name = words::word(model.lang, name);
        lines.push(vec![piece(format!("  {name:<18}{count:>6}  "), theme.text), piece(bar, theme.dim)]);
    }
    lines
}

/// Draws the handover that is about to be signed.
pub(super) fn draw_handover(
    model: &Model,
    draft: Option<&HandoverDraft>,
    top: usize,
    layout: &Layout,
    canvas: &mut Canvas<'_>,
) {
    let inside = open_box(layout, canvas, 100, layout.body.height, model.text(Text::HandoverTitle));
    let theme = canvas.theme;
    let keys_y = inside.bottom().saturating_sub(1);
    canvas.put(inside.x, keys_y, inside.width, model.text(Text::HandoverKeys), theme.dim);
    let text_area = Rect { height: inside.height.saturating_sub(1), ..inside };
    match draft {
        Some(draft) => canvas.put_lines(text_area, &handover_lines(model, draft, inside.width), top),
        None => {
            canvas.put(inside.x, inside.y, inside.width, model.text(Text::Loading), theme.dim);
        }
    }
    canvas.set_cursor(inside.x, inside.y);
}

/// Returns how far the handover can be scrolled.
pub(in crate::console) fn handover_top_max(model: &Model, draft: &HandoverDraft) -> usize {
    let body = model.layout().body;
    let (width, height) = (body.width.min(100).saturating_sub(2), usize::from(body.height.saturating_sub(3)));
    handover_lines(model, draft, width).len().saturating_sub(height)
}

fn handover_lines(model: &Model, draft: &HandoverDraft, width: u16) -> Vec<Line> {
    let theme = &model.theme;
    let style = |line: &str| if line.starts_with('#') { theme.focus } else { theme.text };
    draft.text.lines().flat_map(|line| wrap(&[piece(line, style(line))], width)).collect()
}
