//! One alert whole: why, the raw line with what matched marked, entities, precedents, response, history.
//!
//! ```text
//! ┌─ Detail ALR-20813  [p1] 203.0.113.7  [p2] root ─┐
//! │WHY                                              │
//! │  event.action contains 'failed'  = ssh_failed   │
//! │RAW LINE 14:01:02.377                            │
//! │  … Failed password for root from 203.0.113.7 …  │
//! │ENTITIES                                         │
//! │  [p1] ip    203.0.113.7                         │
//! └─────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::layout::Pane;
use crate::console::look::layout::rows_in;
use crate::console::look::text::Lang;
use crate::console::look::text::Text;
use crate::console::look::theme::Theme;
use crate::console::look::words;
use crate::console::model::Model;
use crate::console::model::presence::Shown;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::Piece;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;
use crate::console::view::why as tree;
use crate::model::SafeText;
use crate::wire::alert::AlertDetail;
use crate::wire::alert::AlertEvidence;
use crate::wire::alert::Disposition;

/// Evidence shown whole; the events around show the rest.
const EVIDENCE_SHOWN: usize = 5;
/// How much of a raw line is shown; the search shows it whole.
const RAW_CHARS_MAX: usize = 4000;

/// Draws the pane: the whole record, or what matters most where there is little room.
pub(super) fn draw(model: &Model, area: Rect, is_whole: bool, canvas: &mut Canvas<'_>) {
    let detail = model.alerts.focused_detail();
    let mut title = model.text(Text::Detail).to_owned();
    if let Some(row) = model.alerts.focused() {
        title.push_str(&format!("  ALR-{}", row.id));
    }
    for (index, entity) in detail.map(|detail| detail.entities.iter().enumerate()).into_iter().flatten().take(9) {
        title.push_str(&format!("  [p{}] {}", index + 1, entity.value));
    }
    let has_focus = model.alerts.focus == Pane::Detail;
    let inside = canvas.frame(area, &title, has_focus);
    let Some(detail) = detail else {
        if model.alerts.focused().is_some() {
            canvas.put(inside.x, inside.y, inside.width, model.text(Text::Loading), canvas.theme.dim);
        }
        return;
    };
    let theme = canvas.theme;
    let lines = lines(model, detail, &theme, is_whole, inside.width);
    canvas.put_lines(inside, &lines, model.alerts.detail_top);
    if has_focus {
        canvas.set_cursor(inside.x, inside.y);
    }
}

fn lines(model: &Model, detail: &AlertDetail, theme: &Theme, is_whole: bool, width: u16) -> Vec<Line> {
    let lines = if is_whole { whole(model, detail, theme) } else { short(model, detail, theme) };
    lines.iter().flat_map(|line| wrap(line, width)).collect()
}

/// Returns how far the record can be scrolled.
pub(super) fn top_max(model: &Model) -> usize {
    let pane = model.layout().panes(Pane::Detail).detail;
    let Some(detail) = model.alerts.focused_detail() else { return 0 };
    let lines = lines(model, detail, &model.theme, true, pane.width.saturating_sub(2));
    lines.len().saturating_sub(rows_in(pane, 0))
}

fn short(model: &Model, detail: &AlertDetail, theme: &Theme) -> Vec<Line> {
    let mut lines = why(model, detail, theme, 2);
    // Where others cannot push it off the pane: two at the same alert is what must not go unseen.
    if let (Some(who), Some(first)) = (who_looks(model, Shown::Alert(detail.row.id)), lines.first_mut()) {
        first.push(piece(who, theme.warning));
    }
    if let Some(first) = detail.evidence.first() {
        lines.push(raw_line(first, &[], theme));
    }
    lines.push(vec![
        piece(format!("{}  ", words::attack(&detail.row.tags)), theme.dim),
        piece(
            known_value(detail, "longan.threat.lists").map(|lists| format!("TI: {lists}  ")).unwrap_or_default(),
            theme.warning,
        ),
        piece(known_value(detail, "longan.asset.unit").map(|unit| format!("{unit}  ")).unwrap_or_default(), theme.text),
        piece(format!("{}: {}", model.text(Text::Precedents), precedent_counts(model, detail)), theme.text),
    ]);
    let sign = |step: u32| {
        let is_done = detail.steps.iter().any(|done| done.step == step);
        if is_done { "x".to_owned() } else { step.to_string() }
    };
    let steps = (1u32..).zip(model_steps(model, detail)).map(|(step, text)| format!("[{}] {text}", sign(step)));
    let steps = steps.collect::<Vec<_>>().join("  ");
    if !steps.is_empty() {
        lines.push(vec![heading(model, Text::Response, theme), piece(format!(": {steps}"), theme.text)]);
    }
    lines.push(vec![
        piece(holder(model, detail), theme.dim),
        piece("  ", theme.dim),
        piece(model.text(Text::WholeRecord), theme.dim),
    ]);
    lines
}

fn whole(model: &Model, detail: &AlertDetail, theme: &Theme) -> Vec<Line> {
    let mut lines = vec![vec![
        piece(model.lang.choose(&detail.row.title, detail.row.title_vi.as_deref()), theme.focus),
        piece(format!("  {}", detail.row.rule), theme.dim),
    ]];
    lines.push(looking_line(model, Shown::Alert(detail.row.id), holder(model, detail)));
    let [first, last, raised] = [&detail.row.first, &detail.row.last, &detail.row.raised].map(|at| moment(model, at));
    let when = fill(model.text(Text::FromTo), &[&first, &last, &detail.row.count.to_string(), &raised]);
    lines.push(vec![piece(when, theme.text)]);
    let description = model.lang.choose(&detail.description, detail.description_vi.as_deref());
    if !description.trim().is_empty() {
        lines.push(vec![piece(description.trim(), theme.text)]);
    }
    lines.extend(why_whole(model, detail, theme));
    lines.extend(detail.evidence.iter().take(1).flat_map(|newest| evidence_lines(model, newest, theme)));
    lines.push(vec![heading(model, Text::Entities, theme)]);
    for (index, entity) in detail.entities.iter().enumerate() {
        let key = if index < 9 { format!("  [p{}] ", index + 1) } else { "       ".to_owned() };
        lines.push(vec![
            piece(key, theme.focus),
            piece(format!("{:<8}", words::word(model.lang, &entity.kind)), theme.dim),
            piece(format!("{:<24}", entity.value), theme.text),
            piece(format!("  {}", entity.field), theme.dim),
        ]);
    }
    lines.extend(known(model, detail, theme));
    lines.extend(precedents(model, detail, theme));
    lines.push(vec![piece("ATT&CK  ", theme.focus), piece(words::attack(&detail.row.tags), theme.text)]);
    lines.extend(checklist(model, detail, theme));
    // What to do comes before more of the same.
    let more = detail.evidence.iter().take(EVIDENCE_SHOWN).skip(1);
    lines.extend(more.flat_map(|evidence| evidence_lines(model, evidence, theme)));
    push_list(&mut lines, model, Text::FalsePositives, &detail.false_positives, theme);
    if let Some(incident) = detail.incident {
        lines.push(vec![heading(model, Text::IncidentLink, theme), piece(format!(" INC-{incident}"), theme.text)]);
    }
    lines.push(vec![heading(model, Text::History, theme)]);
    for entry in &detail.history {
        let time = format::date(&model.zone, &entry.at);
        lines.push(vec![
            piece(format!("  {time}  "), theme.dim),
            piece(format!("{} {}  ", entry.who, words::word(model.lang, &entry.action)), theme.text),
            piece(words::told(model.lang, &entry.action, entry.text.as_deref().unwrap_or_default()), theme.text),
        ]);
    }
    lines
}

/// Returns who else looks at it, with two blanks before.
fn who_looks(model: &Model, shown: Shown) -> Option<String> {
    let who = model.presence.names(shown);
    (!who.is_empty()).then(|| format!("  @ {}", fill(model.text(Text::LookedAtBy), &[&who])))
}

/// Says who else looks at a record, and who holds it.
pub(super) fn looking_line(model: &Model, shown: Shown, holder: String) -> Line {
    let theme = &model.theme;
    let who = model.presence.names(shown);
    let (who, style) =
        if who.is_empty() { (model.text(Text::NobodyLooks).to_owned(), theme.dim) } else { (who, theme.warning) };
    vec![
        heading(model, Text::WhoLooks, theme),
        piece(": ", theme.focus),
        piece(who, style),
        piece(format!("  {holder}"), theme.text),
    ]
}

/// Day and time to the second.
fn moment(model: &Model, at: &str) -> String {
    let told = |at: jiff::Timestamp| at.to_zoned_datetime(model.zone.clone()).strftime("%d/%m %H:%M:%S").to_string();
    format::time(at).map_or_else(|| at.to_owned(), told)
}

/// One event that raised it, under its time and number.
fn evidence_lines(model: &Model, evidence: &AlertEvidence, theme: &Theme) -> [Line; 2] {
    let time = moment(model, &evidence.timestamp);
    let head = piece(format!(" {time}  #{}", evidence.event), theme.dim);
    let told = model.alerts.focused_why().and_then(|why| why.as_ref().ok());
    let told = told.filter(|why| why.event == evidence.event).map(|why| why.rule.raw_spans()).unwrap_or_default();
    [vec![heading(model, Text::RawLine, theme), head], raw_line(evidence, &told, theme)]
}

fn heading(model: &Model, text: Text, theme: &Theme) -> Piece {
    piece(model.text(text), theme.focus)
}

fn push_list(lines: &mut Vec<Line>, model: &Model, title: Text, items: &[String], theme: &Theme) {
    if items.is_empty() {
        return;
    }
    lines.push(vec![heading(model, title, theme)]);
    for (index, item) in items.iter().enumerate() {
        lines.push(vec![piece(format!("  {} {item}", index + 1), theme.text)]);
    }
}

fn model_steps<'a>(model: &Model, detail: &'a AlertDetail) -> &'a [String] {
    detail.steps_in(model.lang == Lang::Vi)
}

/// The response as a checklist: what is done says by whom and when.
fn checklist(model: &Model, detail: &AlertDetail, theme: &Theme) -> Vec<Line> {
    let steps = model_steps(model, detail);
    if steps.is_empty() {
        return Vec::new();
    }
    let hint = format!("  ({})", model.text(Text::StepHint));
    let mut lines = vec![vec![heading(model, Text::Response, theme), piece(hint, theme.dim)]];
    for (step, text) in (1u32..).zip(steps) {
        let done = detail.steps.iter().find(|done| done.step == step);
        let (sign, style) = if done.is_some() { ("[x]", theme.dim) } else { ("[ ]", theme.text) };
        let by = done.map(|done| format!("  ({} {})", done.who, format::date(&model.zone, &done.at)));
        lines.push(vec![piece(format!("  {sign} {step} {text}{}", by.unwrap_or_default()), style)]);
    }
    lines
}

/// What is known of who is involved: threat lists apart, because they are what to look at first.
fn known(model: &Model, detail: &AlertDetail, theme: &Theme) -> Vec<Line> {
    let is_threat = |field: &str| field.contains("threat");
    let mut lines = Vec::new();
    for (title, wants_threats, style) in [(Text::Threats, true, theme.warning), (Text::Context, false, theme.text)] {
        let rows = detail.context.iter().filter(|known| is_threat(&known.field) == wants_threats);
        let mut line = Line::new();
        for known in rows {
            line.push(piece(if line.is_empty() { "  " } else { "; " }, theme.dim));
            line.push(piece(format!("{} ", words::word(model.lang, &known.field)), theme.dim));
            line.push(piece(known.value.clone(), style));
        }
        if !line.is_empty() {
            line.insert(0, heading(model, title, theme));
            lines.push(line);
        }
    }
    lines
}

/// The values of a field of what is known, in one line.
fn known_value(detail: &AlertDetail, field: &str) -> Option<String> {
    let values: Vec<&str> =
        detail.context.iter().filter(|known| known.field == field).map(|known| known.value.as_str()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// Why it was raised: the rule's condition as a tree once the server has told it, else what matched.
fn why_whole(model: &Model, detail: &AlertDetail, theme: &Theme) -> Vec<Line> {
    match model.alerts.focused_why() {
        Some(Ok(told)) => {
            let mut lines = why(model, detail, theme, 0);
            let head = fill(model.text(Text::WhyOf), &[&told.event.to_string()]);
            lines.iter_mut().for_each(|line| line.push(piece(head.as_str(), theme.dim)));
            lines.extend(tree::lines(model, &told.rule, theme));
            lines
        }
        Some(Err(reason)) => {
            let mut lines = why(model, detail, theme, usize::MAX);
            lines.push(vec![piece(format!("  {}", fill(model.text(Text::WhyGone), &[reason])), theme.dim)]);
            lines
        }
        None => why(model, detail, theme, usize::MAX),
    }
}

/// Says what the newest event matched, each part in the rule's own words.
fn why(model: &Model, detail: &AlertDetail, theme: &Theme, parts_max: usize) -> Vec<Line> {
    let summary = format!("  {}x  {}={}", detail.row.count, detail.row.entity_field, detail.row.entity);
    let mut lines = vec![vec![heading(model, Text::Why, theme), piece(summary, theme.text)]];
    let parts = detail.evidence.first().map(|evidence| evidence.parts.as_slice()).unwrap_or_default();
    for part in parts.iter().take(parts_max) {
        let field = if part.field.is_empty() { "*" } else { &part.field };
        lines.push(vec![
            piece(format!("  {field} {}", part.predicate), theme.text),
            piece("  = ", theme.dim),
            piece(part.value.chars().take(200).collect::<String>(), theme.matched),
        ]);
    }
    lines
}

/// The raw line, the matched bytes marked: those kept with the alert, and those the condition names.
fn raw_line(evidence: &AlertEvidence, told: &[(u32, u32)], theme: &Theme) -> Line {
    let shown: String = evidence.raw.chars().take(RAW_CHARS_MAX).collect();
    let safe = SafeText::new(&shown);
    let mut spans: Vec<_> = evidence
        .parts
        .iter()
        .filter_map(|part| part.raw_span)
        .chain(told.iter().copied())
        .map(|(start, end)| safe.range(start as usize..end.max(start) as usize))
        .filter(|span| !span.is_empty())
        .collect();
    spans.sort_by_key(|span| span.start);
    let mut line = vec![piece("  ", theme.text)];
    let mut done = 0;
    for span in spans {
        let start = span.start.max(done);
        let Some(matched) = safe.as_str().get(start..span.end).filter(|text| !text.is_empty()) else { continue };
        line.push(piece(safe.as_str().get(done..start).unwrap_or_default(), theme.text));
        line.push(piece(matched, theme.matched));
        done = span.end;
    }
    line.push(piece(safe.as_str().get(done..).unwrap_or_default(), theme.text));
    line
}

fn precedents(model: &Model, detail: &AlertDetail, theme: &Theme) -> Vec<Line> {
    let mut lines = vec![vec![
        heading(model, Text::Precedents, theme),
        piece(format!(": {}", precedent_counts(model, detail)), theme.text),
    ]];
    for precedent in &detail.precedents {
        let note = precedent.note.as_deref().unwrap_or_default();
        lines.push(vec![
            piece(format!("  ALR-{} ", precedent.id), theme.text),
            piece(format!("{} ", model.text(disposition_text(precedent.disposition))), theme.text),
            piece(format!("{note} "), theme.text),
            piece(precedent.owner.clone().unwrap_or_default(), theme.dim),
            piece(format!(" {}", format::date(&model.zone, &precedent.closed)), theme.dim),
        ]);
    }
    lines
}

fn precedent_counts(model: &Model, detail: &AlertDetail) -> String {
    if detail.precedents.is_empty() {
        return model.text(Text::NoPrecedents).to_owned();
    }
    let counted = |wanted: Disposition| detail.precedents.iter().filter(|one| one.disposition == wanted).count();
    let (positive, negative) = (counted(Disposition::TruePositive), counted(Disposition::FalsePositive));
    format!("{} ({positive} TP, {negative} FP)", detail.precedents.len())
}

fn disposition_text(disposition: Disposition) -> Text {
    match disposition {
        Disposition::FalsePositive => Text::FalsePositive,
        Disposition::BenignPositive => Text::BenignPositive,
        Disposition::TruePositive => Text::TruePositive,
        Disposition::Duplicate => Text::Duplicate,
        Disposition::Test => Text::TestDisposition,
    }
}

fn holder(model: &Model, detail: &AlertDetail) -> String {
    match &detail.row.owner {
        Some(owner) => fill(model.text(Text::HeldBy), &[owner]),
        None => model.text(Text::NobodyHolds).to_owned(),
    }
}
