//! Screen 6: what can be proven and when it was last checked, above who did what.
//!
//! ```text
//! ┌─ Evidence ───────────────────────────────────────────────┐
//! │last check    INTACT  12/08 14:01  an                     │
//! │evidence log  240 entries, 240 signed, 12s ago            │
//! └──────────────────────────────────────────────────────────┘
//! ┌─ Audit log 1/200+ ───────────────────────────────────────┐
//! │>  812 12/08 14:01:02 kiem  search  GET /v1/search?q=…    │
//! └──────────────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::layout::Layout;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Shape;
use crate::console::look::text::Lang;
use crate::console::look::text::Text;
use crate::console::look::words;
use crate::console::model::Model;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;
use crate::wire::audit::AuditRow;
use crate::wire::evidence::EvidenceState;
use crate::wire::evidence::FindingRow;
use crate::wire::evidence::LogRow;
use crate::wire::evidence::PushRow;
use crate::wire::evidence::Verification;
use crate::wire::evidence::VerifyState;

/// Columns of a figure's name.
const NAME: usize = 15;
/// Columns of the progress bar.
const BAR: u64 = 24;

/// Where the two panes stand; one without room is empty.
struct Panes {
    upper: Rect,
    list: Rect,
}

fn panes(model: &Model) -> Panes {
    let layout = model.layout();
    let body = layout.body;
    match (layout.shape, model.audit.focus) {
        (Shape::OnePane | Shape::Summary, Pane::List) => Panes { upper: Rect::default(), list: body },
        (Shape::OnePane | Shape::Summary, _) => Panes { upper: body, list: Rect::default() },
        _ => {
            let wanted = lines(model, body.width.saturating_sub(2)).len();
            let wanted = u16::try_from(wanted).unwrap_or(u16::MAX).saturating_add(2);
            let share = if model.audit.is_open { body.height * 3 / 5 } else { body.height / 2 };
            let upper = wanted.clamp(4, share.max(4)).min(body.height);
            Panes {
                upper: Rect { height: upper, ..body },
                list: Rect { y: body.y + upper, height: body.height - upper, ..body },
            }
        }
    }
}

/// Returns how many entries are visible.
pub(in crate::console) fn audit_rows(model: &Model) -> usize {
    usize::from(panes(model).list.height.saturating_sub(3))
}

/// Returns how far what is above the entries can be scrolled.
pub(in crate::console) fn audit_top_max(model: &Model) -> usize {
    let upper = panes(model).upper;
    let height = usize::from(upper.height.saturating_sub(2));
    lines(model, upper.width.saturating_sub(2)).len().saturating_sub(height)
}

/// Draws the screen.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    if let Some(problem) = &model.audit.problem {
        let inside = canvas.frame(layout.body, model.text(Text::ScreenAudit), true);
        canvas.put_lines(inside, &wrap(&[piece(problem.as_str(), canvas.theme.warning)], inside.width), 0);
        return;
    }
    let panes = panes(model);
    if !panes.upper.is_empty() {
        let title = match model.audit.focused().filter(|_| model.audit.is_open) {
            Some(row) => fill(model.text(Text::AuditEntryTitle), &[&row.number.to_string()]),
            None => model.text(Text::EvidenceTitle).to_owned(),
        };
        let has_focus = model.audit.focus != Pane::List;
        let inside = canvas.frame(panes.upper, &title, has_focus);
        canvas.put_lines(inside, &lines(model, inside.width), model.audit.detail_top);
        if has_focus {
            canvas.set_cursor(inside.x, inside.y);
        }
    }
    if !panes.list.is_empty() {
        draw_list(model, panes.list, canvas);
    }
}

/// What is above the entries: the state of the evidence, or the entry that is open.
fn lines(model: &Model, width: u16) -> Vec<Line> {
    let lines = match (&model.audit.state, model.audit.focused().filter(|_| model.audit.is_open)) {
        (_, Some(row)) => entry_lines(model, row),
        (Some(state), None) => state_lines(model, state),
        (None, None) => vec![vec![piece(model.text(Text::Loading), model.theme.dim)]],
    };
    lines.iter().flat_map(|line| wrap(line, width)).collect()
}

fn figure(model: &Model, name: &str, value: impl Into<String>) -> Line {
    vec![piece(format!("{name:<NAME$}"), model.theme.dim), piece(value, model.theme.text)]
}

fn state_lines(model: &Model, state: &EvidenceState) -> Vec<Line> {
    let theme = &model.theme;
    let mut lines = Vec::new();
    if let Some(trouble) = &state.trouble {
        lines.push(vec![piece(format!("! {trouble}"), theme.danger)]);
    }
    // What is damaged comes before everything else.
    match &state.verification {
        Some(verification) => lines.extend(verification_lines(model, verification)),
        None => lines.push(figure(model, model.text(Text::LastCheck), model.text(Text::NeverChecked))),
    }
    lines.extend(state.logs.iter().map(|log| log_line(model, log)));
    if let Some(log) = state.logs.first() {
        lines.push(figure(model, model.text(Text::EvidenceKey), log.key.as_str()));
    }
    lines.extend(state.pushes.iter().map(|push| push_line(model, push)));
    lines
}

fn log_line(model: &Model, log: &LogRow) -> Line {
    let name = model.text(if log.name == "audit" { Text::AuditLogName } else { Text::EvidenceLogName });
    let age = log.signed_at.as_deref().map_or_else(|| "?".to_owned(), |at| format::age(model.now, at));
    let (entries, signed) = (log.entries.to_string(), log.signed.to_string());
    figure(model, name, fill(model.text(Text::LogState), &[&entries, &signed, &age]))
}

fn push_line(model: &Model, push: &PushRow) -> Line {
    let theme = &model.theme;
    let age = |at: &Option<String>| at.as_deref().map_or_else(|| "-".to_owned(), |at| format::age(model.now, at));
    let mut line = figure(model, model.text(Text::PushedTo), push.place.as_str());
    let given = fill(model.text(Text::PushGiven), &[&age(&push.given)]);
    line.push(piece(format!("  {given}"), theme.text));
    if push.behind_since.is_some() {
        let behind = fill(model.text(Text::PushBehind), &[&age(&push.behind_since)]);
        let error = push.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        let style = if push.late_hours.is_some() { theme.danger } else { theme.warning };
        line.push(piece(format!("  {behind}{error}"), style));
    }
    line
}

fn verification_lines(model: &Model, verification: &Verification) -> Vec<Line> {
    let theme = &model.theme;
    let name = format!("{:<NAME$}", model.text(Text::LastCheck));
    let at = |time: &str| format::date(&model.zone, time);
    let (by, when) = (verification.by.as_str(), at(verification.ended.as_deref().unwrap_or(&verification.started)));
    let (word, style) = match verification.state {
        VerifyState::Running => return vec![progress_line(model, verification)],
        VerifyState::Done if verification.findings_total == 0 => (model.text(Text::Intact).to_owned(), theme.focus),
        VerifyState::Done => {
            (fill(model.text(Text::NotIntact), &[&verification.findings_total.to_string()]), theme.danger)
        }
        VerifyState::Cancelled => (model.text(Text::VerifyCancelled).to_owned(), theme.warning),
        VerifyState::Failed => (model.text(Text::VerifyFailed).to_owned(), theme.danger),
    };
    let mut lines =
        vec![vec![piece(name, theme.dim), piece(word, style), piece(format!("  {when}  {by}"), theme.text)]];
    let numbers = [verification.records, verification.partitions, verification.units, verification.unsealed];
    let [records, partitions, units, unsealed] = numbers.map(|number| number.to_string());
    lines.push(figure(model, "", fill(model.text(Text::CheckFigures), &[&records, &partitions, &units, &unsealed])));
    if let Some(problem) = &verification.problem {
        lines.push(vec![piece(problem.as_str(), theme.danger)]);
    }
    lines.extend(verification.findings.iter().map(|finding| vec![piece(found(model, finding), theme.danger)]));
    let notes = match model.lang {
        Lang::Vi if !verification.notes_vi.is_empty() => &verification.notes_vi,
        _ => &verification.notes,
    };
    lines.extend(notes.iter().map(|note| figure(model, model.text(Text::Note), note.as_str())));
    lines
}

fn progress_line(model: &Model, verification: &Verification) -> Line {
    let theme = &model.theme;
    let total = verification.records_total.max(1);
    let done = u64::try_from(u128::from(verification.records.min(total)) * u128::from(BAR) / u128::from(total));
    let done = usize::try_from(done.unwrap_or(0)).unwrap_or(0);
    let (full, empty) = if model.ascii { ("#", ".") } else { ("█", "░") };
    let rest = usize::try_from(BAR).unwrap_or(0).saturating_sub(done);
    let percent = verification.records.min(total).saturating_mul(100) / total;
    let told = fill(
        model.text(Text::Checking),
        &[&percent.to_string(), &verification.records.to_string(), &verification.records_total.to_string()],
    );
    vec![
        piece(format!("{:<NAME$}", model.text(Text::LastCheck)), theme.dim),
        piece(full.repeat(done), theme.focus),
        piece(empty.repeat(rest), theme.dim),
        piece(format!(" {told}  {}", verification.by), theme.text),
    ]
}

/// Names the place of a finding as `longan verify` does.
fn found(model: &Model, finding: &FindingRow) -> String {
    let mut text = format!("! {}", finding.place);
    if let Some(offset) = finding.offset {
        text.push_str(&format!(", {} {offset}", model.text(Text::ByteAt)));
    }
    match finding.records {
        Some((first, last)) if first == last => {
            text.push_str(&format!(", {} {first}", model.text(Text::RecordAt)));
        }
        Some((first, last)) => {
            let range = fill(model.text(Text::RecordsAt), &[&first.to_string(), &last.to_string()]);
            text.push_str(&format!(", {range}"));
        }
        None => {}
    }
    // A check that an older program made is told as it told it.
    let what = match model.lang {
        Lang::Vi if !finding.what_vi.is_empty() => &finding.what_vi,
        _ => &finding.what,
    };
    format!("{text}: {what}")
}

fn entry_lines(model: &Model, row: &AuditRow) -> Vec<Line> {
    let theme = &model.theme;
    let at = format::time(&row.at).map_or_else(
        || row.at.clone(),
        |at| at.to_zoned_datetime(model.zone.clone()).strftime("%d/%m/%Y %H:%M:%S.%3f").to_string(),
    );
    let who = [row.who.as_str(), row.role.as_str(), row.via.as_str()];
    let who = who.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("  ");
    let mut lines = vec![
        figure(model, model.text(Text::EntryAt), at),
        figure(model, model.text(Text::EntryWho), who),
        figure(model, model.text(Text::EntryAction), words::word(model.lang, &row.action)),
        figure(model, model.text(Text::EntryDetail), row.detail.as_str()),
    ];
    let Some(entry) = model.audit.focused_entry() else {
        lines.push(vec![piece(model.text(Text::Loading), theme.dim)]);
        return lines;
    };
    lines.push(figure(model, model.text(Text::EntryBytes), entry.entry.as_str()));
    lines.push(figure(model, model.text(Text::EntryLeaf), entry.leaf.as_str()));
    let hashes = fill(model.text(Text::EntryPath), &[&entry.proof.len().to_string()]);
    lines.push(figure(model, model.text(Text::EntryProof), hashes));
    lines.extend(entry.proof.iter().map(|hash| figure(model, "", hash.as_str())));
    let name = model.text(Text::EntryCheckpoint);
    for (index, line) in entry.checkpoint.lines().enumerate() {
        lines.push(figure(model, if index == 0 { name } else { "" }, line));
    }
    lines
}

fn draw_list(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let audit = &model.audit;
    let has_focus = audit.focus == Pane::List;
    let place = (audit.scroll.cursor + 1).min(audit.rows.len());
    let more = if audit.has_more { "+" } else { "" };
    let title = format!("{} {place}/{}{more}", model.text(Text::AuditLogTitle), audit.rows.len());
    let inside = canvas.frame(area, &title, has_focus);
    let detail = inside.width.saturating_sub(8 + 15 + 15 + 12 + 4);
    let head = [
        ("  #", 8, theme.dim),
        (model.text(Text::EntryAt), 15, theme.dim),
        (model.text(Text::EntryWho), 15, theme.dim),
        (model.text(Text::EntryAction), 12, theme.dim),
        (model.text(Text::EntryDetail), detail, theme.dim),
    ];
    canvas.put_cells(inside.x, inside.y, inside.width, &head);
    if audit.rows.is_empty() {
        let text = if audit.is_loaded { Text::NoEntries } else { Text::Loading };
        canvas.put(inside.x, inside.y + 1, inside.width, model.text(text), theme.dim);
    }
    let shown = audit.rows.iter().enumerate().skip(audit.scroll.top);
    for (y, (index, row)) in (inside.top() + 1..inside.bottom()).zip(shown) {
        let has_cursor = index == audit.scroll.cursor;
        let number = format!("{}{:>6}", if has_cursor { '>' } else { ' ' }, row.number);
        let at = format::time(&row.at).map_or_else(
            || row.at.clone(),
            |at| at.to_zoned_datetime(model.zone.clone()).strftime("%d/%m %H:%M:%S").to_string(),
        );
        let style = if row.action == "refused" { theme.warning } else { theme.text };
        let cells = [
            (number.as_str(), 8, theme.dim),
            (at.as_str(), 15, theme.dim),
            (row.who.as_str(), 15, theme.text),
            (words::word(model.lang, &row.action), 12, style),
            (row.detail.as_str(), detail, theme.text),
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
