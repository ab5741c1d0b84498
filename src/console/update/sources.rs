//! The sources screen: order, detail, the newest lines of one source, and muting.

use crate::console::keys::input::Input;
use crate::console::look::format::condition;
use crate::console::look::format::fill;
use crate::console::look::layout::Pane;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::msg::Cmd;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::keys;
use crate::console::update::link;
use crate::console::update::say;
use crate::console::update::search as search_screen;
use crate::wire::search::SearchRequest;
use crate::wire::source::SourceAction;
use crate::wire::source::SourceCommand;
use crate::wire::source::SourceList;
use crate::wire::source::SourceRow;

/// How many of a source's lines are shown, and from how long ago at most.
const LINES_MAX: u32 = 30;
const LINES_SINCE: &str = "30d";

pub(super) fn refresh(model: &mut Model) -> Vec<Cmd> {
    vec![ask(model, Slot::Sources, Request::Sources)]
}

/// The list came: the cursor stays on the source it was on.
pub(super) fn arrived(model: &mut Model, list: SourceList) -> Vec<Cmd> {
    let focused = model.sources.focused().map(|row| (row.input.clone(), row.name.clone()));
    let sources = &mut model.sources;
    sources.inputs = list.inputs;
    sources.sources = list.sources;
    sources.is_loaded = true;
    sources.arrange();
    follow(model, focused);
    after_move(model)
}

fn follow(model: &mut Model, focused: Option<(String, String)>) {
    let sources = &mut model.sources;
    let is_it =
        |row: &SourceRow| focused.as_ref().is_some_and(|(input, name)| row.input == *input && row.name == *name);
    let place = sources.shown.iter().position(|place| sources.sources.get(*place).is_some_and(is_it));
    // Where nothing was looked at closer, the top is what matters.
    if let Some(place) = place.filter(|_| sources.is_open || sources.scroll.cursor > 0) {
        sources.scroll.cursor = place;
    }
    keys::keep_visible(model);
}

/// Shows the screen with one source.
pub(super) fn show_source(model: &mut Model, name: &str) -> Vec<Cmd> {
    model.screen = Screen::Sources;
    let sources = &mut model.sources;
    name.clone_into(&mut sources.filter);
    (sources.scroll, sources.focus) = (Default::default(), Pane::List);
    sources.arrange();
    let exact = sources.shown.iter().position(|place| sources.sources.get(*place).is_some_and(|row| row.name == name));
    sources.scroll.cursor = exact.unwrap_or(0);
    let mut cmds = after_move(model);
    cmds.extend(refresh(model));
    cmds
}

/// Chooses the next order.
pub(super) fn sort(model: &mut Model) -> Vec<Cmd> {
    model.sources.sort = model.sources.sort.next();
    model.sources.arrange();
    model.sources.scroll = Default::default();
    let name = model.text(model.sources.sort.name());
    say(model, fill(model.text(Text::SortedBy), &[name]));
    after_move(model)
}

/// Opens the detail of the source under the cursor, or closes it.
pub(super) fn open(model: &mut Model) -> Vec<Cmd> {
    model.sources.is_open = !model.sources.is_open && model.sources.focused().is_some();
    model.sources.focus = if model.sources.is_open { Pane::Detail } else { Pane::List };
    if model.layout().shape != crate::console::look::layout::Shape::OnePane {
        model.sources.focus = Pane::List;
    }
    model.sources.lines_of = None;
    after_move(model)
}

/// Closes the detail.
pub(super) fn back(model: &mut Model) {
    model.sources.is_open = false;
    model.sources.focus = Pane::List;
}

/// Asks for the newest lines of the source under the cursor when they are to be seen.
pub(super) fn after_move(model: &mut Model) -> Vec<Cmd> {
    let sources = &model.sources;
    let Some(row) = sources.focused().filter(|_| sources.is_open) else { return Vec::new() };
    let of = (row.input.clone(), row.name.clone());
    if sources.lines_of.as_ref() == Some(&of) {
        return Vec::new();
    }
    let request = SearchRequest {
        q: query_of(row),
        since: Some(LINES_SINCE.to_owned()),
        limit: Some(LINES_MAX),
        ..SearchRequest::default()
    };
    model.sources.lines.clear();
    model.sources.lines_of = Some(of);
    vec![ask(model, Slot::SourceLines, Request::Search(request))]
}

/// The query that finds a source's events. A source that claims no name is known by its peer's address.
fn query_of(row: &SourceRow) -> String {
    let input = condition("longan.input", &row.input);
    let name = if row.name == row.input {
        return input;
    } else if row.peer.as_deref() == Some(row.name.as_str()) {
        condition("longan.peer.ip", &row.name)
    } else {
        condition("host.name", &row.name)
    };
    format!("{name} {input}")
}

/// Shows the source's lines on the search screen.
pub(super) fn search(model: &mut Model) -> Vec<Cmd> {
    match model.sources.focused().map(query_of) {
        Some(query) => search_screen::show(model, &query, Some(LINES_SINCE.to_owned()), None),
        None => Vec::new(),
    }
}

/// Opens the line that asks for how long and why.
pub(super) fn open_mute(model: &mut Model) -> Vec<Cmd> {
    match focused_for_admin(model) {
        Some((input, name)) => {
            let purpose = Purpose::Mute(input, name);
            model.overlay = Some(Overlay::Line { purpose, input: Input::default(), problem: None });
        }
        None => return Vec::new(),
    }
    Vec::new()
}

/// Ends the mute of the source under the cursor.
pub(super) fn unmute(model: &mut Model) -> Vec<Cmd> {
    match focused_for_admin(model) {
        Some((input, name)) => act(model, input, name, SourceAction::Unmute),
        None => Vec::new(),
    }
}

fn focused_for_admin(model: &mut Model) -> Option<(String, String)> {
    let Some(focused) = model.sources.focused().map(|row| (row.input.clone(), row.name.clone())) else {
        complain(model, model.text(Text::NothingHere));
        return None;
    };
    if model.whoami.as_ref().is_some_and(|who| !who.may_administer) {
        complain(model, model.text(Text::NotAdmin));
        return None;
    }
    Some(focused)
}

pub(super) fn act(model: &mut Model, input: String, name: String, action: SourceAction) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    let command = SourceCommand { input, name, action };
    vec![ask(model, Slot::SourceAction, Request::ActOnSource(command))]
}

pub(super) fn acted(model: &mut Model, row: SourceRow) -> Vec<Cmd> {
    model.draft = None;
    let done = if row.muted.is_some() { Text::DoneMuted } else { Text::DoneUnmuted };
    say(model, fill(model.text(done), &[&row.name]));
    let known = model.sources.sources.iter_mut().find(|known| known.input == row.input && known.name == row.name);
    if let Some(known) = known {
        let focused = Some((row.input.clone(), row.name.clone()));
        *known = row;
        model.sources.arrange();
        follow(model, focused);
    }
    Vec::new()
}

/// Reads `4h new disk`; `None` without a length of time or a reason.
pub(super) fn read_mute(text: &str) -> Option<SourceAction> {
    let (length, reason) = text.trim().split_once(char::is_whitespace)?;
    let unit = match length.chars().last()? {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = length.get(..length.len() - 1)?.parse().ok()?;
    let seconds = number.checked_mul(unit).filter(|seconds| (60..=90 * 86_400).contains(seconds))?;
    let reason = reason.trim();
    (!reason.is_empty()).then(|| SourceAction::Mute { seconds, reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mute_has_a_length_and_a_reason() {
        let mute = |seconds, reason: &str| Some(SourceAction::Mute { seconds, reason: reason.to_owned() });
        assert_eq!(read_mute("4h  thay ổ đĩa "), mute(14_400, "thay ổ đĩa"));
        assert_eq!(read_mute("30m x"), mute(1_800, "x"));
        for wrong in ["", "4h", "4h ", "new disk", "91d x", "0m x", "-1h x", "é x", "99999999999999999999d x"] {
            assert_eq!(read_mute(wrong), None, "{wrong}");
        }
    }
}
