//! The lines of an incident's timeline taken apart, so that each part can be told in the reader's language and zone.

use crate::query::time::parse_date;

/// The parts of a line of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told<'a> {
    /// The phases it went from and to, by their words.
    pub phases: Option<(&'a str, &'a str)>,
    /// The name of a deadline.
    pub clock: Option<&'a str>,
    /// When the deadline passes (RFC 3339).
    pub due: Option<&'a str>,
    /// What was written by a person, or all of it where nothing is known of its form.
    pub text: Option<&'a str>,
}

impl<'a> Told<'a> {
    /// Takes a line apart; one that is not as its action's lines are stays whole.
    pub fn of(action: &str, text: Option<&'a str>) -> Told<'a> {
        let whole = Told { text, ..Told::default() };
        let Some(text) = text else { return whole };
        match action {
            "phase" => {
                let (moved, note) = cut(text);
                let phases = moved.split_once(" -> ").filter(|(from, to)| is_word(from) && is_word(to));
                phases.map_or(whole, |phases| Told { phases: Some(phases), text: note, ..Told::default() })
            }
            "clock_met" => Told { clock: Some(text), ..Told::default() },
            "clock_waived" => {
                let (clock, why) = cut(text);
                Told { clock: Some(clock), text: why, ..Told::default() }
            }
            "clock_set" => clock_set(text).unwrap_or(whole),
            _ => whole,
        }
    }
}

/// A name may hold blanks and colons: the first word that is a time ends it.
fn clock_set(text: &str) -> Option<Told<'_>> {
    for (at, _) in text.match_indices(' ') {
        let (clock, rest) = (text.get(..at)?, text.get(at + 1..)?);
        let (due, why) = cut(rest);
        if parse_date(due).is_some() {
            return Some(Told { clock: Some(clock), due: Some(due), text: why, ..Told::default() });
        }
    }
    None
}

fn cut(text: &str) -> (&str, Option<&str>) {
    text.split_once(": ").map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_apart_and_what_is_unknown_stays_whole() {
        let told = |action, text| Told::of(action, Some(text));
        let moved = told("phase", "detect -> containment: đã cô lập: 2 máy");
        assert_eq!((moved.phases, moved.text), (Some(("detect", "containment")), Some("đã cô lập: 2 máy")));
        assert_eq!(told("phase", "analysis -> closed").phases, Some(("analysis", "closed")));
        let set = told("clock_set", "báo cáo tỉnh: lần 2 2026-11-28T17:31:02.089983974Z: họ xin: thêm");
        assert_eq!((set.clock, set.due), (Some("báo cáo tỉnh: lần 2"), Some("2026-11-28T17:31:02.089983974Z")));
        assert_eq!(set.text, Some("họ xin: thêm"));
        assert_eq!(told("clock_waived", "personal_data: không có").text, Some("không có"));
        for (action, text) in [("phase", "đi -> về: x"), ("clock_set", "x"), ("noted", "detect -> closed")] {
            assert_eq!(told(action, text), Told { text: Some(text), ..Told::default() });
        }
        assert_eq!(Told::of("declared", None), Told::default());
    }
}
