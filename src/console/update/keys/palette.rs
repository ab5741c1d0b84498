//! Help and palette: the commands of the screen, and words that take a value, each completed as it is typed.

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::keys::keymap::Binding;
use crate::console::keys::keymap::bindings_in;
use crate::console::look::format::condition;
use crate::console::look::format::fold;
use crate::console::look::text::Lang;
use crate::console::look::text::Text;
use crate::console::look::words;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::overlay::CommandsTitle;
use crate::console::model::overlay::Overlay;
use crate::console::msg::Cmd;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::DISPOSITIONS;
use crate::console::update::ask;
use crate::console::update::keys;
use crate::console::update::keys::overlays::moved;
use crate::console::update::link;
use crate::console::update::rules;
use crate::console::update::search;
use crate::console::update::sources;
use crate::console::update::triage::alerts;
use crate::console::update::triage::forms;
use crate::model::RuleLevel;

/// Values offered at once.
const VALUES_MAX: usize = 200;
/// The field whose values are users.
const USER_FIELD: &str = "user.name";

/// A word of the palette that takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Rule,
    Source,
    User,
    Owner,
    Level,
    Close,
}

impl Verb {
    const ALL: [Verb; 6] = [Verb::Rule, Verb::Source, Verb::User, Verb::Owner, Verb::Level, Verb::Close];

    /// Returns the word itself, and what it does with its value.
    pub(crate) fn names(self) -> (Text, Text) {
        match self {
            Verb::Rule => (Text::WordRule, Text::WordRuleDoes),
            Verb::Source => (Text::WordSource, Text::WordSourceDoes),
            Verb::User => (Text::WordUser, Text::WordUserDoes),
            Verb::Owner => (Text::WordOwner, Text::WordOwnerDoes),
            Verb::Level => (Text::WordLevel, Text::WordLevelDoes),
            Verb::Close => (Text::WordClose, Text::WordCloseDoes),
        }
    }

    /// Only an alert can be closed.
    fn is_on(self, screen: Screen) -> bool {
        self != Verb::Close || screen == Screen::Alerts
    }
}

/// A line of the list below what is typed.
#[derive(Debug, Clone)]
pub(crate) enum Row {
    Command(&'static Binding),
    Word(Verb),
    /// A value, and what it is in words.
    Value(Verb, String, String),
}

/// Returns the lines for what is typed.
pub(crate) fn rows(model: &Model, title: CommandsTitle, typed: &str) -> Vec<Row> {
    if title == CommandsTitle::Palette
        && let Some((verb, value)) = split(model, typed)
    {
        return matching(values(model, verb), value)
            .map(|(value, label)| Row::Value(verb, value, label))
            .take(VALUES_MAX)
            .collect();
    }
    let folded = fold(typed.trim());
    let is_meant = |name: Text| [Lang::Vi, Lang::En].iter().any(|lang| fold(name.in_lang(*lang)).contains(&folded));
    let commands = bindings_in(model.context())
        .filter(|binding| is_meant(binding.name) || binding.keys.iter().any(|key| fold(&key.to_string()) == folded));
    let verbs = Verb::ALL.into_iter().filter(|verb| title == CommandsTitle::Palette && verb.is_on(model.screen));
    let verbs = verbs.filter(|verb| is_meant(verb.names().0));
    commands.map(Row::Command).chain(verbs.map(Row::Word)).collect()
}

/// Splits what is typed into a word that takes a value, in either language, and the value as far as it is there.
fn split<'t>(model: &Model, typed: &'t str) -> Option<(Verb, &'t str)> {
    let typed = typed.trim_start();
    for verb in Verb::ALL.into_iter().filter(|verb| verb.is_on(model.screen)) {
        for lang in [Lang::Vi, Lang::En] {
            let word = fold(verb.names().0.in_lang(lang));
            let ends = typed.char_indices().filter(|(_, c)| *c == ' ').map(|(at, _)| at);
            for end in ends {
                let (before, after) = typed.split_at(end);
                if fold(before) == word {
                    return Some((verb, after.trim_start()));
                }
            }
        }
    }
    None
}

/// Goes through the values that are meant: those that begin as typed before those that have it within, or in their words.
fn matching(values: Vec<(String, String)>, typed: &str) -> impl Iterator<Item = (String, String)> {
    let typed = fold(typed.trim());
    let (mut first, mut then) = (Vec::new(), Vec::new());
    for (value, label) in values {
        let folded = fold(&value);
        if folded.starts_with(&typed) {
            first.push((value, label));
        } else if folded.contains(&typed) || fold(&label).contains(&typed) {
            then.push((value, label));
        }
    }
    first.into_iter().chain(then)
}

/// Returns the values that are known, each with what it is in words, none twice.
fn values(model: &Model, verb: Verb) -> Vec<(String, String)> {
    let plain = |value: String| (value, String::new());
    let mut found: Vec<(String, String)> = match verb {
        Verb::Rule if model.rules.is_loaded => {
            let title =
                |row: &crate::wire::status::RuleRow| model.lang.choose(&row.title, row.title_vi.as_deref()).to_owned();
            model.rules.rows.iter().map(|row| (row.id.clone(), title(row))).collect()
        }
        Verb::Rule => {
            let title =
                |row: &crate::wire::alert::AlertRow| model.lang.choose(&row.title, row.title_vi.as_deref()).to_owned();
            model.alerts.rows.iter().map(|row| (row.rule.clone(), title(row))).collect()
        }
        Verb::Source => {
            model.sources.sources.iter().map(|source| (source.name.clone(), source.input.clone())).collect()
        }
        Verb::User => users(model).map(plain).collect(),
        Verb::Owner => owners(model).map(plain).collect(),
        Verb::Level => {
            let levels = RuleLevel::ALL.into_iter().rev().map(RuleLevel::as_str);
            levels.map(|level| (level.to_owned(), words::word(model.lang, level).to_owned())).collect()
        }
        Verb::Close => {
            let names = DISPOSITIONS.iter().map(|(_, name)| model.text(*name).to_owned());
            names.zip(1..).map(|(name, digit)| (name, format!("{digit}"))).collect()
        }
    };
    let mut seen = std::collections::HashSet::new();
    found.retain(|(value, _)| !value.is_empty() && seen.insert(value.clone()));
    found
}

/// The users of the alert that is read, of the alerts and events that are loaded, and those the server told.
fn users(model: &Model) -> impl Iterator<Item = String> {
    let read = model.alerts.focused_detail().into_iter().flat_map(|detail| &detail.entities);
    let read = read.filter(|entity| entity.kind == "user").map(|entity| entity.value.clone());
    let listed = model.alerts.rows.iter().filter(|row| row.entity_field.ends_with(USER_FIELD));
    let listed = listed.map(|row| row.entity.clone());
    let loaded = model.search.values(USER_FIELD).into_iter().map(|(value, _)| value);
    let told = model.search.values_of.get(USER_FIELD).into_iter().flatten().cloned();
    read.chain(listed).chain(loaded).chain(told)
}

/// Who holds an alert or incident that is loaded, or looks at one, and oneself. A filter's word has no blanks.
fn owners(model: &Model) -> impl Iterator<Item = String> {
    let alerts = model.alerts.rows.iter().filter_map(|row| row.owner.clone());
    let incidents = model.incidents.rows.iter().filter_map(|row| row.owner.clone());
    let own = model.whoami.iter().map(|who| who.name.clone());
    alerts.chain(incidents).chain(own).filter(|name| !name.contains(char::is_whitespace))
}

/// Keys while the list is open.
pub(in crate::console::update) fn press(
    model: &mut Model,
    title: CommandsTitle,
    mut input: Input,
    mut cursor: usize,
    key: Key,
) -> Vec<Cmd> {
    let mut cmds = Vec::new();
    let rows = rows(model, title, input.text());
    match (key, rows.get(cursor)) {
        (Key::Esc, _) => return Vec::new(),
        (Key::Enter, Some(Row::Command(binding))) => return keys::perform(model, binding.action),
        (Key::Enter, Some(Row::Value(verb, value, label))) => return run(model, *verb, value, label),
        (Key::Enter, None) => return Vec::new(),
        // Tab completes to what is under the cursor; so does Enter where a value is still wanted.
        (Key::Tab | Key::Enter, Some(row)) => {
            let had_value = split(model, input.text()).is_some();
            input = Input::with(&completed(model, row));
            cursor = 0;
            if !had_value {
                cmds.extend(ask_values(model, input.text()));
            }
        }
        (Key::Up | Key::Down | Key::PageUp | Key::PageDown, _) => cursor = moved(cursor, rows.len(), key),
        (key, _) => {
            let had_value = split(model, input.text()).is_some();
            if input.press(key) {
                cursor = 0;
            }
            if title == CommandsTitle::Palette && !had_value {
                cmds.extend(ask_values(model, input.text()));
            }
        }
    }
    model.overlay = Some(Overlay::Commands { title, input, cursor });
    cmds
}

fn completed(model: &Model, row: &Row) -> String {
    match row {
        Row::Command(binding) => model.text(binding.name).to_owned(),
        Row::Word(verb) => format!("{} ", model.text(verb.names().0)),
        Row::Value(verb, value, _) => format!("{} {value}", model.text(verb.names().0)),
    }
}

/// Asks once for the values that are wanted now and were never loaded.
fn ask_values(model: &mut Model, typed: &str) -> Option<Cmd> {
    let (verb, _) = split(model, typed).filter(|_| !link::is_away(model))?;
    match verb {
        Verb::Rule if !model.rules.is_loaded => Some(ask(model, Slot::Rules, Request::Rules)),
        Verb::Source if !model.sources.is_loaded => Some(ask(model, Slot::Sources, Request::Sources)),
        Verb::User if !model.search.values_of.contains_key(USER_FIELD) => Some(search::ask_values(model, USER_FIELD)),
        _ => None,
    }
}

/// Does what a word does with a value.
fn run(model: &mut Model, verb: Verb, value: &str, label: &str) -> Vec<Cmd> {
    match verb {
        Verb::Rule => rules::show_rule(model, value),
        Verb::Source => sources::show_source(model, value),
        Verb::User => search::show(model, &condition(USER_FIELD, value), Some("30d".to_owned()), None),
        Verb::Owner => filter(model, &format!("owner:{value}")),
        Verb::Level => filter(model, &format!("sev>={value}")),
        Verb::Close => {
            let digit = label.chars().next().map_or(Key::Esc, Key::Char);
            forms::open_close(model);
            match model.overlay.take() {
                Some(Overlay::Close(form)) => forms::press_close(model, form, digit),
                other => {
                    model.overlay = other;
                    Vec::new()
                }
            }
        }
    }
}

fn filter(model: &mut Model, text: &str) -> Vec<Cmd> {
    model.screen = Screen::Alerts;
    alerts::set_filter(model, text)
}
