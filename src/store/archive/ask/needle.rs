//! Pieces of text and regexes over lines that are kept as skeletons and tokens: where a piece can stand follows from the
//! delimiters in it, so that the different tokens decide, and a line is put together only to ask a regex about it.

use crate::model::Value;
use crate::model::ecs;
use crate::query::ast::Pattern;
use crate::query::ast::Phrase;
use crate::query::literals::Need;
use crate::query::literals::Needle;
use crate::query::literals::folded;
use crate::store::archive::ask::find::Finder;
use crate::store::archive::ask::find::Found;
use crate::store::archive::ask::find::Rows;
use crate::store::archive::chunk::FieldPlace;
use crate::store::archive::column::Head;
use crate::store::archive::tokens::TOKEN;
use crate::store::archive::tokens::is_delimiter;

/// Where in a token a piece of text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Anywhere,
    Start,
    End,
    Whole,
}

/// A piece of text without delimiters, and where in its token it stands.
struct Part<'n> {
    text: &'n str,
    within: Within,
    ignores_case: bool,
}

/// What the message of the rows adds to their lines.
enum Message {
    Nothing,
    /// The same for all rows.
    Same,
    /// A piece of the skeleton.
    Piece(std::ops::Range<usize>),
    Unknown,
}

/// A skeleton as what may stand between its delimiters: a column, or nothing.
struct Slots {
    columns: Vec<Option<usize>>,
    delimiters: Vec<u8>,
}

impl Slots {
    fn of(skeleton: &[u8]) -> Slots {
        let mut slots = Slots { columns: vec![None], delimiters: Vec::new() };
        let mut column = 0;
        for byte in skeleton {
            if *byte == TOKEN {
                if let Some(slot) = slots.columns.last_mut() {
                    *slot = Some(column);
                }
                column += 1;
            } else {
                slots.delimiters.push(*byte);
                slots.columns.push(None);
            }
        }
        slots
    }
}

impl Part<'_> {
    fn admits(&self, token: &str) -> bool {
        if self.ignores_case {
            let token = folded(token);
            return self.admits_as_written(&token);
        }
        self.admits_as_written(token)
    }

    fn admits_as_written(&self, token: &str) -> bool {
        match self.within {
            Within::Anywhere => token.contains(self.text),
            Within::Start => token.starts_with(self.text),
            Within::End => token.ends_with(self.text),
            Within::Whole => token == self.text,
        }
    }
}

impl Finder<'_> {
    /// Rows whose line or message a regex is found in.
    pub(super) fn pattern(&self, pattern: &Pattern) -> Found {
        let message = self.message();
        match message {
            Message::Unknown => return Found::unknown(),
            Message::Same if self.is_in_message(pattern) => return Found::of(true),
            _ => {}
        }
        let literals = pattern.literals();
        let Some(candidates) = self.needed(&literals.need) else { return Found::unknown() };
        if candidates == Rows::None || literals.is_all {
            return Found::exact(candidates);
        }
        let piece = match message {
            Message::Piece(piece) if !literals.is_free_of_context => Some(piece),
            _ => None,
        };
        let mut text = String::new();
        self.among(&candidates, |row| {
            let is_in_line = self.line_into(row, &mut text)? && pattern.is_found_in(&text);
            if is_in_line {
                return Some(true);
            }
            let Some(piece) = &piece else { return Some(false) };
            text.clear();
            self.group.write_piece(piece.clone(), row, &mut text)?;
            Some(pattern.is_found_in(&text))
        })
    }

    /// Those of some rows whose line has the words of a phrase side by side; the words of the rows are those of their lines.
    pub(super) fn phrase_among(&self, candidates: &Rows, phrase: &Phrase) -> Found {
        let mut text = String::new();
        self.among(candidates, |row| Some(self.line_into(row, &mut text)? && phrase.is_found_in(&text)))
    }

    /// Tests the lines of all rows.
    pub(super) fn by_line(&self, mut test: impl FnMut(&str) -> bool) -> Found {
        let mut text = String::new();
        self.among(&Rows::All, |row| Some(self.line_into(row, &mut text)? && test(&text)))
    }

    fn line_into(&self, row: usize, text: &mut String) -> Option<bool> {
        text.clear();
        self.group.write_piece(0..self.group.skeleton.len(), row, text)?;
        Some(true)
    }

    /// Tests some rows; a row that cannot be read makes all of them unknown, so that reading tells what is wrong.
    fn among(&self, candidates: &Rows, mut test: impl FnMut(usize) -> Option<bool>) -> Found {
        let mut flags = vec![false; self.group.rows];
        for (row, flag) in flags.iter_mut().enumerate() {
            if candidates.has(row) {
                match test(row) {
                    Some(truth) => *flag = truth,
                    None => return Found::unknown(),
                }
            }
        }
        Found::exact(Rows::of_flags(flags))
    }

    fn message(&self) -> Message {
        let mut fields = self.sample.fields.iter().zip(&self.group.places);
        let Some(((_, sample), place)) = fields.find(|((name, _), _)| name.as_str() == ecs::MESSAGE.name()) else {
            return Message::Nothing;
        };
        match place {
            FieldPlace::Header => Message::Same,
            FieldPlace::Elsewhere | FieldPlace::Escaped(_) => Message::Unknown,
            FieldPlace::Skeleton(piece) if matches!(sample, Value::Text(_)) => Message::Piece(piece.clone()),
            FieldPlace::Skeleton(_) => Message::Nothing,
        }
    }

    fn is_in_message(&self, pattern: &Pattern) -> bool {
        let is_found = |value: &Value<'_>| value.as_str().is_some_and(|text| pattern.is_found_in(text));
        match self.sample.get(ecs::MESSAGE) {
            Some(Value::List(items)) => items.iter().any(is_found),
            Some(value) => is_found(value),
            None => false,
        }
    }

    /// Rows whose line fulfils a need; `None` when they cannot be read.
    fn needed(&self, need: &Need) -> Option<Rows> {
        match need {
            Need::Anything => Some(Rows::All),
            Need::Text(needle) => self.needle(needle),
            Need::All(needs) => {
                let mut all = Rows::All;
                for need in needs {
                    if all == Rows::None {
                        break;
                    }
                    all = all.and(self.needed(need)?);
                }
                Some(all)
            }
            Need::Any(needs) => {
                let mut any = Rows::None;
                for need in needs {
                    if any == Rows::All {
                        break;
                    }
                    any = any.or(self.needed(need)?);
                }
                Some(any)
            }
        }
    }

    /// Rows whose line has a piece of text.
    fn needle(&self, needle: &Needle) -> Option<Rows> {
        let Needle { text, ignores_case } = needle;
        let part = |text, within| Part { text, within, ignores_case: *ignores_case };
        let mut parts: Vec<&str> = Vec::new();
        let mut delimiters: Vec<u8> = Vec::new();
        let mut start = 0;
        for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| is_delimiter(*byte)) {
            parts.push(text.get(start..at)?);
            delimiters.push(byte);
            start = at + 1;
        }
        parts.push(text.get(start..)?);
        let slots = Slots::of(&self.group.skeleton);
        let mut any = Rows::None;
        if delimiters.is_empty() {
            for column in slots.columns.iter().flatten() {
                any = any.or(self.by_part(*column, &part(text.as_str(), Within::Anywhere))?);
                if any == Rows::All {
                    break;
                }
            }
            return Some(any);
        }
        let last = delimiters.len();
        let windows = slots.delimiters.windows(last).enumerate();
        for (at, _) in windows.filter(|(_, window)| *window == delimiters) {
            let within = |index: usize| match index {
                0 => Within::End,
                index if index == last => Within::Start,
                _ => Within::Whole,
            };
            // What the heads refuse need not be looked for in any body.
            let mut wanted = Vec::with_capacity(parts.len());
            let mut is_possible = true;
            for (index, text) in parts.iter().enumerate() {
                is_possible &= match slots.columns.get(at + index)? {
                    Some(column) => {
                        let part = part(text, within(index));
                        let can = self.can_have(*column, &part)?;
                        wanted.push((*column, part));
                        can
                    }
                    None => text.is_empty(),
                };
                if !is_possible {
                    break;
                }
            }
            if !is_possible {
                continue;
            }
            let mut all = Rows::All;
            for (column, part) in &wanted {
                all = all.and(self.by_part(*column, part)?);
                if all == Rows::None {
                    break;
                }
            }
            any = any.or(all);
            if any == Rows::All {
                break;
            }
        }
        Some(any)
    }

    /// Looks at the head alone: whether a row's token of a column can have a piece of text where it must be.
    fn can_have(&self, column: usize, part: &Part<'_>) -> Option<bool> {
        if part.text.is_empty() {
            // A token is never empty.
            return Some(part.within != Within::Whole);
        }
        if !self.group.may_hold(column, part.text, part.ignores_case)? {
            return Some(false);
        }
        Some(match self.group.head(column)?.1 {
            Head::Same(token) => part.admits(token),
            Head::Dictionary(values) => {
                values.holding(part.text, part.ignores_case, &|token| part.admits(token)).contains(&true)
            }
            Head::Numbers { format, .. } => format.can_hold(part.text),
            _ => true,
        })
    }

    /// Rows whose token of a column has a piece of text where it must be.
    fn by_part(&self, column: usize, part: &Part<'_>) -> Option<Rows> {
        if part.text.is_empty() {
            return Some(if part.within == Within::Whole { Rows::None } else { Rows::All });
        }
        if !self.group.may_hold(column, part.text, part.ignores_case)? {
            return Some(Rows::None);
        }
        match self.group.head(column)? {
            (_, Head::Numbers { format, .. }) if !format.can_hold(part.text) => Some(Rows::None),
            _ => self.by_holding(column, part.text, part.ignores_case, &|token| part.admits(token)),
        }
    }
}
