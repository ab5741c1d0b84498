//! The bars above and below every screen: what stands where, for drawing and for clicking.

use unicode_width::UnicodeWidthStr as _;

use crate::console::keys::keymap::Action;
use crate::console::keys::keymap::Binding;
use crate::console::keys::keymap::Context;
use crate::console::keys::keymap::bindings_in;
use crate::console::look::format;
use crate::console::look::layout::Shape;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::search::SearchFocus;

/// What is hinted at on every screen, in this order, as far as there is room.
const GENERAL_HINTS: [Action; 8] = [
    Action::Refresh,
    Action::Palette,
    Action::Filter,
    Action::Help,
    Action::Undo,
    Action::Language,
    Action::Quit,
    Action::Copy,
];
/// What the keys do while a query is typed; letters are its own then.
const QUERY_HINTS: [Action; 5] = [Action::Open, Action::Back, Action::TimeSpan, Action::Tail, Action::CountBy];
const QUERY_GENERAL_HINTS: [Action; 2] = [Action::Refresh, Action::Language];
/// The same while a rule is typed.
const EDITOR_HINTS: [Action; 5] =
    [Action::TestRule, Action::Backtest, Action::SaveRule, Action::NextProblem, Action::EditOutside];
const EDITOR_GENERAL_HINTS: [Action; 6] =
    [Action::Back, Action::Undo, Action::Redo, Action::Help, Action::Language, Action::Quit];

/// A label with its place and what a click on it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    /// The key, drawn apart from the name.
    pub key: String,
    pub name: String,
    pub action: Action,
}

/// Returns the screens' names as the header shows them, as many as fit.
pub(crate) fn tabs(model: &Model) -> Vec<Label> {
    let narrow = model.size.0 < 140;
    let room = usize::from(model.size.0).saturating_sub(if narrow { 10 } else { 44 });
    let mut labels = Vec::new();
    let mut x = if narrow { 5 } else { 9 };
    for (index, screen) in Screen::ALL.into_iter().enumerate() {
        let mut name = model.text(screen.name()).to_owned();
        match screen {
            Screen::Alerts if model.alerts.is_loaded => {
                name.push_str(&format!(" {}", format::count(open_alerts(model))));
            }
            Screen::Incidents if model.incidents.is_loaded => {
                name.push_str(&format!(" {}", model.incidents.total));
                let near = deadlines_near(model);
                if near > 0 {
                    name.push_str(&format!(" !{near}"));
                }
            }
            Screen::Sources if model.pulse.silent_sources > 0 => {
                name.push_str(&format!(" !{}", model.pulse.silent_sources));
            }
            _ => {}
        }
        let key = (index + 1).to_string();
        let width = key.width() + 1 + name.width();
        if x + width > room {
            break;
        }
        labels.push(label(x, 0, key, name, Action::Go(screen)));
        x += width + if narrow { 2 } else { 3 };
    }
    labels
}

/// Returns how many incidents have a deadline that passes within the hour, or has passed.
fn deadlines_near(model: &Model) -> usize {
    let is_near = |due: &str| format::time(due).is_some_and(|due| due.duration_since(model.now).as_secs() < 3600);
    model.incidents.rows.iter().filter(|row| row.next_due.as_deref().is_some_and(is_near)).count()
}

/// Returns how many alerts are open, as last heard.
pub(crate) fn open_alerts(model: &Model) -> u64 {
    if model.pulse.open_alerts > 0 { model.pulse.open_alerts } else { model.alerts.total }
}

/// Returns the hints below: the screen's own keys in the first row, those of everywhere in the second.
pub(crate) fn hints(model: &Model) -> Vec<Label> {
    let layout = model.layout();
    let is_query = model.screen == Screen::Search && model.search.focus == SearchFocus::Query;
    let named = |actions: &'static [Action]| {
        actions.iter().filter_map(|action| bindings_in(model.context()).find(|binding| binding.action == *action))
    };
    let is_hint = |binding: &&Binding| binding.context != Context::Everywhere;
    let (own, general): (Vec<&Binding>, &'static [Action]) = if model.is_editing() {
        (named(&EDITOR_HINTS).collect(), &EDITOR_GENERAL_HINTS)
    } else if is_query {
        (named(&QUERY_HINTS).collect(), &QUERY_GENERAL_HINTS)
    } else {
        (bindings_in(model.context()).filter(is_hint).collect(), &GENERAL_HINTS)
    };
    let general = named(general);
    let mut labels = Vec::new();
    let end = usize::from(layout.hints.width);
    let mut place = |row: u16, bindings: &mut dyn Iterator<Item = &'static Binding>| {
        let mut x = 1;
        for binding in bindings {
            let Some(key) = binding.keys.first() else { continue };
            let (key, name) = (key.to_string(), model.text(binding.name).to_owned());
            let width = key.width() + 1 + name.width();
            if x + width > end {
                break;
            }
            labels.push(label(x, layout.hints.y + row, key, name, binding.action));
            x += width + 2;
        }
    };
    if layout.shape == Shape::OnePane {
        place(0, &mut own.into_iter().chain(general));
    } else if own.is_empty() {
        place(1, &mut general.into_iter());
    } else {
        place(0, &mut own.into_iter());
        place(1, &mut general.into_iter());
    }
    labels
}

fn label(x: usize, y: u16, key: String, name: String, action: Action) -> Label {
    let width = u16::try_from(key.width() + 1 + name.width()).unwrap_or(u16::MAX);
    Label { x: u16::try_from(x).unwrap_or(u16::MAX), y, width, key, name, action }
}

/// Returns what a click on a cell of the bars does.
pub(crate) fn action_at(model: &Model, x: u16, y: u16) -> Option<Action> {
    let hits = |label: &Label| label.y == y && x >= label.x && x < label.x.saturating_add(label.width);
    tabs(model).into_iter().chain(hints(model)).find(hits).map(|label| label.action)
}

/// Returns how many new alerts wait behind the list, in words.
pub(crate) fn new_rows(model: &Model) -> Option<String> {
    let waiting = model.alerts.waiting.len();
    (waiting > 0).then(|| format::fill(model.text(Text::NewRows), &[&waiting.to_string()]))
}
