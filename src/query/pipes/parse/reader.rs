//! Letters, words, names and numbers of a pipeline, with their places for errors.

use std::time::Duration;

use crate::query::error::QueryError;
use crate::query::time::parse_duration;

/// Reads a query from some place on.
pub(super) struct Reader<'t> {
    letters: &'t [char],
    at: usize,
    /// How deep in parentheses.
    pub(super) depth: usize,
    pub(super) operand_count: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(letters: &'t [char], at: usize) -> Reader<'t> {
        Reader { letters, at, depth: 0, operand_count: 0 }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn go_back(&mut self, place: usize) {
        self.at = place;
    }

    pub(super) fn step(&mut self, count: usize) {
        self.at += count;
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> QueryError {
        self.error_at(self.at, message)
    }

    pub(super) fn error_at(&self, place: usize, message: impl Into<String>) -> QueryError {
        QueryError::new(place + 1, message)
    }

    /// Steps over a sign, and space before it.
    pub(super) fn take(&mut self, sign: char) -> bool {
        self.skip_space();
        let is_there = self.peek() == Some(sign);
        self.at += usize::from(is_there);
        is_there
    }

    /// Steps over a word that stands alone, case aside.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let start = self.at;
        let is_there = self.word().eq_ignore_ascii_case(word);
        if !is_there {
            self.at = start;
        }
        is_there
    }

    /// Steps over `name=`.
    pub(super) fn take_option(&mut self, name: &str) -> bool {
        let start = self.at;
        let is_there = self.take_word(name) && self.take('=');
        if !is_there {
            self.at = start;
        }
        is_there
    }

    /// Reads letters, digits, `_`, `.` and `@`; empty when there are none.
    pub(super) fn word(&mut self) -> String {
        self.skip_space();
        let start = self.at;
        while self.peek().is_some_and(|letter| letter.is_alphanumeric() || "_.@".contains(letter)) {
            self.at += 1;
        }
        self.letters.get(start..self.at).unwrap_or_default().iter().collect()
    }

    /// Reads the name of a column: plain, or anything between backquotes.
    pub(super) fn name(&mut self) -> Result<String, QueryError> {
        self.skip_space();
        let start = self.at;
        if self.peek() == Some('`') {
            return self.until_closed('`');
        }
        let mut name = self.word();
        // A `-` within a name, as devices write them; outside expressions it is no operator.
        while self.peek() == Some('-') && self.peek_at(1).is_some_and(char::is_alphanumeric) && !name.is_empty() {
            self.at += 1;
            name.push('-');
            name.push_str(&self.word());
        }
        // `count()` and `dc(user.name)` are the names that figures have by default.
        if self.peek() == Some('(') && !name.is_empty() {
            self.at += 1;
            let inner = self.word();
            if !self.take(')') {
                return Err(self
                    .error_at(start, "this is no column name")
                    .hint("give the figure a name with `as`, and use that"));
            }
            name = format!("{name}({inner})");
        }
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            self.at = start;
            return Err(match self.peek() {
                None => self.error("a column name is missing at the end").expected("a field name"),
                Some(found) => self.error(format!("`{found}` begins no column name")).expected("a field name"),
            }
            .hint("a name with other signs stands in `backquotes`"));
        }
        Ok(name)
    }

    /// Reads names with commas or spaces between them, up to a pipe or `by`; at least one.
    pub(super) fn names(&mut self, most: usize) -> Result<Vec<String>, QueryError> {
        let mut names = vec![self.name()?];
        loop {
            let has_comma = self.take(',');
            self.skip_space();
            let start = self.at;
            let is_by = self.take_word("by");
            self.at = start;
            let goes_on = self.peek().is_some_and(|next| next != '|') && !is_by;
            if !has_comma && !goes_on {
                return Ok(names);
            }
            let name = self.name()?;
            if !names.contains(&name) {
                names.push(name);
            }
            if names.len() > most {
                return Err(self.error(format!("more than {most} columns")));
            }
        }
    }

    /// Reads a whole number up to `most`, if one is there.
    pub(super) fn number(&mut self, most: usize) -> Result<Option<usize>, QueryError> {
        self.skip_space();
        let start = self.at;
        while self.peek().is_some_and(|letter| letter.is_ascii_digit()) {
            self.at += 1;
        }
        let digits: String = self.letters.get(start..self.at).unwrap_or_default().iter().collect();
        if digits.is_empty() {
            return Ok(None);
        }
        match digits.parse::<usize>() {
            Ok(number) if (1..=most).contains(&number) => Ok(Some(number)),
            _ => Err(self.error_at(start, format!("`{digits}` is out of range")).expected(format!("1 to {most}"))),
        }
    }

    /// Reads a span of time such as `5m`.
    pub(super) fn span(&mut self) -> Result<Duration, QueryError> {
        self.skip_space();
        let start = self.at;
        let word = self.word();
        parse_duration(&word).filter(|span| !span.is_zero()).ok_or_else(|| {
            self.error_at(start, format!("`{word}` is no span of time"))
                .expected("a number and ms, s, m, h, d or w")
                .hint("span=5m")
        })
    }

    /// Reads a quoted text; within it only `\"` and `\\` are escapes.
    pub(super) fn quoted(&mut self) -> Result<String, QueryError> {
        self.until_closed('"')
    }

    fn until_closed(&mut self, quote: char) -> Result<String, QueryError> {
        let open = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match (self.peek(), self.peek_at(1)) {
                (None, _) => {
                    return Err(self.error_at(open, "this quote is never closed").expected(format!("`{quote}`")));
                }
                (Some(letter), _) if letter == quote => {
                    self.at += 1;
                    return Ok(text);
                }
                (Some('\\'), Some(escaped @ ('"' | '\\'))) if quote == '"' => {
                    text.push(escaped);
                    self.at += 2;
                }
                (Some(letter), _) => {
                    text.push(letter);
                    self.at += 1;
                }
            }
        }
    }
}
