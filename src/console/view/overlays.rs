//! What lies over a screen: menus, questions, help and counts, in a box in the middle.
//!
//! ```text
//! ┌─ Close 1 alert(s) ──────────────┐
//! │ 1 false positive                │
//! │>2 benign positive               │
//! │ Note (optional): _              │
//! │ Enter confirm   Esc cancel      │
//! └─────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::console::keys::input::Input;
use crate::console::look::format::fill;
use crate::console::look::layout::Layout;
use crate::console::look::text::Text;
use crate::console::look::words;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::overlay::Choice;
use crate::console::model::overlay::CloseForm;
use crate::console::model::overlay::CommandsTitle;
use crate::console::model::overlay::Exporting;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::model::overlay::Target;
use crate::console::model::rules::STATES;
use crate::console::model::search::SPANS;
use crate::console::update::DISPOSITIONS;
use crate::console::update::LEVELS;
use crate::console::update::PHASES;
use crate::console::update::Row;
use crate::console::update::check_command;
use crate::console::update::palette_rows;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;
use crate::console::view::exception;
use crate::console::view::incidents::phase_text;
use crate::console::view::reports;
use crate::wire::alert::AlertRow;
use crate::wire::alert::AlertStatus;
use crate::wire::saved::SavedSearch;

/// Draws what is open.
pub(super) fn draw(model: &Model, overlay: &Overlay, layout: &Layout, canvas: &mut Canvas<'_>) {
    match overlay {
        Overlay::Close(form) => draw_close(model, form, layout, canvas),
        Overlay::Line { purpose, input, problem } => {
            let (title, label, hint) = line_texts(model, purpose);
            let inside = open_box(layout, canvas, 76, 4, &title);
            put_input(canvas, inside, 0, label, input);
            if let Some(hint) = hint.filter(|_| inside.height > 3) {
                canvas.put(inside.x, inside.y + 1, inside.width, model.text(hint), canvas.theme.dim);
            }
            put_footer(model, canvas, inside, problem.as_deref());
        }
        Overlay::Choice(choice) => draw_choice(model, choice, layout, canvas),
        Overlay::Saved { rows, cursor } => draw_saved(model, rows.as_deref(), *cursor, layout, canvas),
        Overlay::Export(state) => draw_export(model, state, layout, canvas),
        Overlay::Handover { draft, top } => reports::draw_handover(model, draft.as_ref(), *top, layout, canvas),
        Overlay::Commands { title, input, cursor } => draw_commands(model, *title, input, *cursor, layout, canvas),
        Overlay::Except(form) => exception::draw(model, form, layout, canvas),
        Overlay::Fields { rows, cursor } => {
            let title = fill(model.text(Text::FieldsOfPage), &[&model.search.events.len().to_string()]);
            draw_counts(rows, *cursor, &title, layout, canvas);
        }
        Overlay::Counts { field, rows, cursor, is_whole } => {
            let title = if *is_whole {
                fill(model.text(Text::CountsOfAll), &[field])
            } else {
                fill(model.text(Text::CountsOf), &[field, &model.search.events.len().to_string()])
            };
            draw_counts(rows, *cursor, &title, layout, canvas);
        }
    }
}

/// Opens a box in the middle of the body, as large as asked where there is room.
pub(super) fn open_box(layout: &Layout, canvas: &mut Canvas<'_>, width: u16, rows: u16, title: &str) -> Rect {
    let body = layout.body;
    let width = width.min(body.width);
    let height = rows.saturating_add(2).min(body.height);
    let area = Rect::new(body.x + (body.width - width) / 2, body.y + (body.height - height) / 2, width, height);
    canvas.clear(area);
    canvas.frame(area, title, true)
}

/// Writes a label and what is typed behind it; a label that is a word ends with a colon.
pub(super) fn put_input(canvas: &mut Canvas<'_>, area: Rect, row: u16, label: &str, input: &Input) {
    let y = area.y + row;
    if y >= area.bottom() {
        return;
    }
    let used = canvas.put(
        area.x,
        y,
        area.width,
        &format!("{label}{} ", if label.ends_with('>') { "" } else { ":" }),
        canvas.theme.dim,
    );
    let room = area.width.saturating_sub(used);
    let column = u16::try_from(input.cursor_column()).unwrap_or(u16::MAX);
    let skipped = usize::from(column.saturating_sub(room.saturating_sub(1)));
    let shown: String = input.text().chars().skip(skipped).collect();
    canvas.put(area.x + used, y, room, &shown, canvas.theme.text);
    canvas.set_cursor(area.x + used + column.min(room.saturating_sub(1)), y);
}

fn put_footer(model: &Model, canvas: &mut Canvas<'_>, area: Rect, problem: Option<&str>) {
    if area.height < 2 {
        return;
    }
    let theme = canvas.theme;
    canvas.put(area.x, area.bottom() - 1, area.width, model.text(Text::Confirm), theme.dim);
    if let Some(problem) = problem {
        canvas.put(area.x, area.bottom() - 2, area.width, &format!("! {problem}"), theme.danger);
    }
}

fn draw_close(model: &Model, form: &CloseForm, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let title = fill(model.text(Text::CloseTitle), &[&form.target.count().to_string()]);
    let inside = open_box(layout, canvas, 64, 9, &title);
    for (row, (index, (disposition, name))) in (0..inside.height).zip(DISPOSITIONS.iter().enumerate()) {
        let is_chosen = form.disposition == Some(*disposition);
        let text = format!("{}{} {}", if is_chosen { '>' } else { ' ' }, index + 1, model.text(*name));
        canvas.put(inside.x, inside.y + row, inside.width, &text, if is_chosen { theme.focus } else { theme.text });
    }
    canvas.put(inside.x, inside.y + 5, inside.width, &weight(model, &form.target), theme.warning);
    match (&form.typed_count, form.disposition) {
        (Some(typed), _) => put_input(canvas, inside, 6, "n>", typed),
        (None, Some(_)) => {
            let label = if form.target.needs_note() { Text::NoteRequired } else { Text::NoteOptional };
            put_input(canvas, inside, 6, model.text(label), &form.note);
        }
        (None, None) => {
            if inside.height > 6 {
                canvas.put(inside.x, inside.y + 6, inside.width, model.text(Text::CloseChoose), theme.dim);
            }
        }
    }
    put_footer(model, canvas, inside, form.problem.as_deref());
}

/// Tells what many alerts weigh, as far as they are on the screen: how many of each level, and how many are part of an
/// incident.
fn weight(model: &Model, target: &Target) -> String {
    let alerts = &model.alerts;
    let rows: Vec<&AlertRow> = match target {
        Target::One { .. } => return String::new(),
        Target::Many { ids, .. } => alerts.rows.iter().filter(|row| ids.contains(&row.id)).collect(),
        Target::Filtered { .. } => alerts.rows.iter().collect(),
    };
    let counted = LEVELS.iter().map(|level| (*level, rows.iter().filter(|row| row.level == *level).count()));
    let levels = counted.filter(|(_, count)| *count > 0);
    let levels = levels.map(|(level, count)| format!("{} {count}", words::word(model.lang, level)));
    let mut text = levels.collect::<Vec<_>>().join(" · ");
    let in_incidents = rows.iter().filter(|row| row.status == AlertStatus::Escalated).count();
    if in_incidents > 0 {
        let told = if matches!(target, Target::Filtered { .. }) { Text::IncidentsSpared } else { Text::InIncidents };
        text.push_str(&format!(" · {}", fill(model.text(told), &[&in_incidents.to_string()])));
    }
    text
}

/// Returns a line's title, its label and a hint below it.
fn line_texts(model: &Model, purpose: &Purpose) -> (String, &'static str, Option<Text>) {
    match purpose {
        Purpose::Filter if model.screen == Screen::Alerts => {
            (model.text(Text::FilterTitle).to_owned(), model.text(Text::Filter), Some(Text::FilterHint))
        }
        Purpose::Filter if model.screen == Screen::Audit => {
            (model.text(Text::FilterPlain).to_owned(), model.text(Text::Filter), Some(Text::AuditFilterHint))
        }
        Purpose::Filter => (model.text(Text::FilterPlain).to_owned(), model.text(Text::Filter), None),
        Purpose::Note(_) | Purpose::NoteIncident(_) => {
            (model.text(Text::NoteTitle).to_owned(), model.text(Text::Note), None)
        }
        Purpose::Mute(_, name) => {
            (fill(model.text(Text::MuteTitle), &[name]), model.text(Text::MuteLabel), Some(Text::MuteHint))
        }
        Purpose::Export => {
            (model.text(Text::ExportTitle).to_owned(), model.text(Text::ExportLabel), Some(Text::ExportHint))
        }
        Purpose::SaveSearch => {
            (model.text(Text::SaveTitle).to_owned(), model.text(Text::SaveLabel), Some(Text::SaveHint))
        }
        Purpose::Task(_) => (model.text(Text::TaskTitle).to_owned(), model.text(Text::ColumnTitle), None),
        Purpose::Observable(_) => {
            (model.text(Text::ObservableTitle).to_owned(), model.text(Text::ColumnTitle), Some(Text::ObservableHint))
        }
        Purpose::Title(..) => (model.text(Text::TitleTitle).to_owned(), model.text(Text::ColumnTitle), None),
        Purpose::Merge(_) => (model.text(Text::MergeTitle).to_owned(), "INC-", None),
        Purpose::SaveRule => {
            let path = model.rules.draft.as_ref().map_or("", |draft| draft.source.path.as_str());
            (fill(model.text(Text::RuleSaveTitle), &[path]), model.text(Text::Reason), None)
        }
        Purpose::Revoke(id) => {
            (fill(model.text(Text::RevokeTitle), &[&id.to_string()]), model.text(Text::Reason), None)
        }
        Purpose::RuleState(rule, state) => {
            let name = STATES.iter().find(|(known, _)| known == state).map_or(*state, |(_, name)| model.text(*name));
            (fill(model.text(Text::StateReason), &[rule, name]), model.text(Text::Reason), None)
        }
        Purpose::Assign(_) => (model.text(Text::AssignTitle).to_owned(), model.text(Text::ColumnOwner), None),
        Purpose::Deadline(_) => {
            (model.text(Text::DeadlineTitle).to_owned(), model.text(Text::KeySetClock), Some(Text::DeadlineHint))
        }
        Purpose::PhaseNote(_, phase) => {
            let title = fill(model.text(Text::PhaseNoteTitle), &[model.text(phase_text(*phase))]);
            (title, model.text(Text::NoteRequired), None)
        }
        Purpose::Attach(_) => {
            (model.text(Text::AttachTitle).to_owned(), model.text(Text::Query), Some(Text::AttachHint))
        }
        Purpose::WriteAlerts => {
            (model.text(Text::FileTitle).to_owned(), model.text(Text::FileName), Some(Text::FileHintAlerts))
        }
        Purpose::WriteReport(_) => {
            (model.text(Text::FileTitle).to_owned(), model.text(Text::FileName), Some(Text::FileHintReport))
        }
        Purpose::WriteEvidence(..) => {
            (model.text(Text::FileTitle).to_owned(), model.text(Text::FileName), Some(Text::FileHintBundle))
        }
        Purpose::HandoverNote => (model.text(Text::HandoverTitle).to_owned(), model.text(Text::Note), None),
        Purpose::Reopen(_) => (model.text(Text::KeyReopen).to_owned(), model.text(Text::NoteOptional), None),
        Purpose::Escalate(target) => {
            let title = fill(model.text(Text::EscalateTitle), &[&target.count().to_string()]);
            (title, model.text(Text::ColumnTitle), Some(Text::EscalateHint))
        }
    }
}

fn draw_saved(model: &Model, rows: Option<&[SavedSearch]>, cursor: usize, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let height = u16::try_from(rows.map_or(1, <[SavedSearch]>::len)).unwrap_or(u16::MAX).max(1);
    let height = height.min(layout.body.height.saturating_sub(2));
    let inside = open_box(layout, canvas, 100, height, model.text(Text::SavedTitle));
    let note = match rows {
        None => Some(Text::Loading),
        Some([]) => Some(Text::NoSaved),
        Some(_) => None,
    };
    if let Some(note) = note {
        canvas.put(inside.x, inside.y, inside.width, model.text(note), theme.dim);
    }
    let top = (cursor + 1).saturating_sub(usize::from(inside.height).max(1));
    let shown = rows.unwrap_or_default().iter().enumerate().skip(top);
    for (y, (index, search)) in (inside.top()..inside.bottom()).zip(shown) {
        let sign = if index == cursor { ">" } else { " " };
        let owner = if search.shared { format!("+{}", search.owner) } else { search.owner.clone() };
        let name_width = (inside.width / 3).min(30);
        let cells = [
            (sign, 1, theme.focus),
            (search.name.as_str(), name_width, theme.text),
            (owner.as_str(), 12, theme.dim),
            (search.since.as_deref().unwrap_or("-"), 6, theme.dim),
            (search.q.as_str(), inside.width.saturating_sub(name_width + 23), theme.focus),
        ];
        canvas.put_cells(inside.x, y, inside.width, &cells);
        if index == cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
            canvas.set_cursor(inside.x, y);
        }
    }
}

fn draw_export(model: &Model, state: &Exporting, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let inside = open_box(layout, canvas, 100, 7, model.text(Text::ExportTitle));
    let lines: Vec<Line> = match state {
        Exporting::Running { path } => {
            vec![vec![piece(path.as_str(), theme.text)], vec![piece(model.text(Text::ExportRunning), theme.dim)]]
        }
        Exporting::Done { path, bytes } => vec![
            vec![piece(fill(model.text(Text::ExportDone), &[&bytes.div_ceil(1024).to_string()]), theme.good)],
            vec![piece(path.as_str(), theme.text)],
            vec![piece(model.text(Text::ExportCheck), theme.dim)],
            vec![piece(check_command(path), theme.focus)],
            vec![piece(model.text(Text::ExportKeys), theme.dim)],
        ],
    };
    let lines: Vec<Line> = lines.iter().flat_map(|line| wrap(line, inside.width)).collect();
    canvas.put_lines(inside, &lines, 0);
    canvas.set_cursor(inside.x, inside.y);
}

fn draw_choice(model: &Model, choice: &Choice, layout: &Layout, canvas: &mut Canvas<'_>) {
    let (title, rows): (Text, Vec<String>) = match choice {
        Choice::TimeSpan => {
            let name = |span: &Option<&'static str>| span.unwrap_or(model.text(Text::Everything)).to_owned();
            (Text::TimeTitle, SPANS.iter().map(name).collect())
        }
        Choice::Phase(_) => {
            (Text::PhaseTitle, PHASES.iter().map(|phase| model.text(phase_text(*phase)).to_owned()).collect())
        }
        Choice::Task(_, tasks) => (Text::TaskDoneTitle, tasks.iter().map(|(_, text)| text.clone()).collect()),
        Choice::Step(_, steps) => {
            let row =
                |(_, is_done, text): &(u32, bool, String)| format!("{} {text}", if *is_done { "[x]" } else { "[ ]" });
            (Text::StepTitle, steps.iter().map(row).collect())
        }
        Choice::Evidence(_, attached) => (Text::WhichBundle, attached.iter().map(|(_, query)| query.clone()).collect()),
        Choice::Level(..) => {
            (Text::LevelTitle, LEVELS.iter().map(|level| words::word(model.lang, level).to_owned()).collect())
        }
        Choice::Clock(_, names) => {
            let name = |name: &String| words::word(model.lang, name).to_owned();
            (Text::ClockTitle, names.iter().map(name).collect())
        }
        Choice::LeaveEditor => {
            let ways = [Text::LeaveEditorSave, Text::LeaveEditorDrop, Text::LeaveEditorKeep];
            (Text::LeaveEditorTitle, ways.map(|way| model.text(way).to_owned()).to_vec())
        }
        Choice::RuleState(_) => {
            (Text::StateTitle, STATES.iter().map(|(_, name)| model.text(*name).to_owned()).collect())
        }
        Choice::Pivot(entities) => {
            let name = |(kind, field, value): &(String, String, String)| {
                format!("{:<8}{value:<24}  {field}", words::word(model.lang, kind))
            };
            (Text::PivotTitle, entities.iter().map(name).collect())
        }
    };
    let height = u16::try_from(rows.len()).unwrap_or(9);
    let inside = open_box(layout, canvas, 60, height, model.text(title));
    for (y, (index, row)) in (inside.top()..inside.bottom()).zip(rows.iter().enumerate()) {
        canvas.put(inside.x, y, inside.width, &format!(" {} {row}", index + 1), canvas.theme.text);
    }
}

fn draw_commands(
    model: &Model,
    title: CommandsTitle,
    input: &Input,
    cursor: usize,
    layout: &Layout,
    canvas: &mut Canvas<'_>,
) {
    let theme = canvas.theme;
    let heading = title;
    let (title, prompt) = match heading {
        CommandsTitle::Help => (Text::HelpTitle, "?>"),
        CommandsTitle::Palette => (Text::PaletteTitle, ":>"),
    };
    let inside = open_box(layout, canvas, 60, layout.body.height.saturating_sub(2), model.text(title));
    put_input(canvas, inside, 0, prompt, input);
    let rows = palette_rows(model, heading, input.text());
    let height = usize::from(inside.height.saturating_sub(1)).max(1);
    let top = (cursor + 1).saturating_sub(height);
    let shown = rows.iter().enumerate().skip(top);
    for (y, (index, row)) in (inside.top() + 1..inside.bottom()).zip(shown) {
        let (key, name) = match row {
            Row::Command(binding) => {
                let keys = binding.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                (keys, model.text(binding.name).to_owned())
            }
            Row::Word(verb) => {
                let (word, does) = verb.names();
                (format!("{} ...", model.text(word)), model.text(does).to_owned())
            }
            Row::Value(_, value, label) => (value.clone(), label.clone()),
        };
        let sign = if index == cursor { ">" } else { " " };
        // A value may be long; what it is in words gives way.
        let width = if matches!(row, Row::Value(..)) { 30 } else { 15 };
        let cells = [
            (sign, 1, theme.focus),
            (key.as_str(), width, theme.focus),
            (name.as_str(), inside.width.saturating_sub(width + 3), theme.text),
        ];
        canvas.put_cells(inside.x, y, inside.width, &cells);
        if index == cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
        }
    }
}

fn draw_counts(rows: &[(String, usize)], cursor: usize, title: &str, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let wanted = u16::try_from(rows.len()).unwrap_or(u16::MAX).max(1);
    let inside = open_box(layout, canvas, 70, wanted.min(layout.body.height.saturating_sub(2)), title);
    let top = (cursor + 1).saturating_sub(usize::from(inside.height).max(1));
    for (y, (index, (name, count))) in (inside.top()..inside.bottom()).zip(rows.iter().enumerate().skip(top)) {
        let count = count.to_string();
        let sign = if index == cursor { ">" } else { " " };
        let cells = [
            (sign, 1, theme.focus),
            (count.as_str(), 7, theme.dim),
            (name.as_str(), inside.width.saturating_sub(10), theme.text),
        ];
        canvas.put_cells(inside.x, y, inside.width, &cells);
        if index == cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
            canvas.set_cursor(inside.x, y);
        }
    }
}
