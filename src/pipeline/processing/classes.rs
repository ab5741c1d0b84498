//! Which retention class an event belongs to: by its input or the system its host is of, the first class that claims it.

use std::collections::HashMap;

use crate::config::Class;
use crate::model::Event;
use crate::model::ecs;
use crate::store::RetentionClass;

/// Inputs remembered; followed files come and go for years.
const INPUTS_MAX: usize = 10_000;

/// The classes in the order of the configuration.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Classes {
    classes: Vec<(RetentionClass, Class)>,
    standard: RetentionClass,
    has_systems: bool,
    /// The first class that claims an input, by input.
    by_input: HashMap<String, Option<usize>>,
}

impl Classes {
    pub(in crate::pipeline) fn of_settings(classes: &[Class]) -> Classes {
        let classes: Vec<_> = classes.iter().map(|class| (RetentionClass::new(&class.name), class.clone())).collect();
        let has_systems = classes.iter().any(|(_, class)| !class.systems.is_empty());
        Classes { classes, has_systems, ..Classes::default() }
    }

    /// Returns the class of an event.
    pub(in crate::pipeline) fn of(&mut self, input: &str, event: &Event<'_>) -> &RetentionClass {
        if self.classes.is_empty() {
            return &self.standard;
        }
        let by_input = self.by_input(input);
        let by_system = self.has_systems.then(|| self.by_system(event)).flatten();
        let number = match (by_input, by_system) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        number.and_then(|number| self.classes.get(number)).map_or(&self.standard, |(class, _)| class)
    }

    fn by_input(&mut self, input: &str) -> Option<usize> {
        if let Some(known) = self.by_input.get(input) {
            return *known;
        }
        let claims = |pattern: &String| fits(pattern, input);
        let found = self.classes.iter().position(|(_, class)| class.inputs.iter().any(claims));
        if self.by_input.len() >= INPUTS_MAX {
            self.by_input.clear();
        }
        self.by_input.insert(input.to_owned(), found);
        found
    }

    fn by_system(&self, event: &Event<'_>) -> Option<usize> {
        let system = event.get(ecs::LONGAN_ASSET_SYSTEM)?.as_str()?.to_lowercase();
        let claims = |pattern: &String| fits(&pattern.to_lowercase(), &system);
        self.classes.iter().position(|(_, class)| class.systems.iter().any(claims))
    }
}

/// Says whether a text fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    let Some(mut left) = text.strip_prefix(first) else { return false };
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = left.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn class(name: &str, inputs: &[&str], systems: &[&str]) -> Class {
        let all = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Class { name: name.to_owned(), level: 3, days: 90, archive_days: 3, inputs: all(inputs), systems: all(systems) }
    }

    #[test]
    fn the_first_class_that_claims_an_event_has_it() {
        let mut classes = Classes::of_settings(&[
            class("a", &["relp", "file:/var/log/opencps/*"], &["Một cửa"]),
            class("b", &["database:*"], &["*email*"]),
            class("c", &["relp", "syslog_udp"], &[]),
        ]);
        let line = "x";
        for (input, system, wanted) in [
            ("relp", None, "a"),
            ("file:/var/log/opencps/a/b.log", None, "a"),
            ("file:/var/log/other", None, "standard"),
            ("database:opencps", None, "b"),
            ("syslog_udp", Some("một CỬA"), "a"),
            ("syslog_udp", Some("Gov-Email-2"), "b"),
            ("syslog_udp", Some("else"), "c"),
            ("syslog_tcp", Some("else"), "standard"),
        ] {
            let mut event = Event::new(line, Timestamp(0));
            if let Some(system) = system {
                event.set(ecs::LONGAN_ASSET_SYSTEM, system);
            }
            assert_eq!(classes.of(input, &event).as_str(), wanted, "{input} {system:?}");
        }
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, wanted) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*a", "a", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxc", false),
            ("*", "", true),
            ("*ab*ab", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
