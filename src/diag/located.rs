//! A problem with its place and a hint, rendered for a terminal and as JSON.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

use crate::model::SafeText;

/// A place in a text: line and column, both counted from 1; the column counts characters, not bytes. Line 0 is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Position {
    /// The first character of a text.
    pub const START: Position = Position { line: 1, column: 1 };
}

/// Returns the position of a byte offset in a text; an offset past the end is the end.
pub fn position_of(text: &str, offset: usize) -> Position {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let column = 1 + before[line_start..].chars().count();
    Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
}

/// A problem in a file the operator wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<E> {
    /// The file; `-` for what came on standard input or as an argument.
    pub path: PathBuf,
    pub position: Position,
    pub error: E,
    /// What to do about it, in a phrase.
    pub hint: Option<String>,
}

impl<E> Located<E> {
    /// Places a problem at a byte offset of the file's text.
    pub fn at_offset(path: &Path, text: &str, offset: usize, error: E) -> Located<E> {
        Located { path: path.to_owned(), position: position_of(text, offset), error, hint: None }
    }

    /// Places a problem at the start of a file.
    pub fn at_start(path: &Path, error: E) -> Located<E> {
        Located { path: path.to_owned(), position: Position::START, error, hint: None }
    }

    /// Names what a problem is of where no line can be told: a flag, a variable, a whole configuration.
    pub fn unplaced(what: &str, error: E) -> Located<E> {
        Located { path: PathBuf::from(what), position: Position { line: 0, column: 0 }, error, hint: None }
    }

    /// Adds a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Located<E> {
        self.hint = Some(hint.into());
        self
    }

    /// Turns the problem into another type, keeping its place.
    pub fn map<F>(self, convert: impl FnOnce(E) -> F) -> Located<F> {
        Located { path: self.path, position: self.position, error: convert(self.error), hint: self.hint }
    }
}

impl<E: fmt::Display> Located<E> {
    /// Erases the error's type, for lists that mix several.
    pub fn to_plain(&self) -> Located<String> {
        Located {
            path: self.path.clone(),
            position: self.position,
            error: self.error.to_string(),
            hint: self.hint.clone(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Located<E> {
    /// Writes `path:line:column: problem` (without place: `what: problem`) and, on a line of its own, the hint; safe for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        let path = self.path.display().to_string();
        let error = self.error.to_string();
        match line {
            0 => write!(f, "{}: {}", SafeText::new(&path), SafeText::new(&error))?,
            _ => write!(f, "{}:{line}:{column}: {}", SafeText::new(&path), SafeText::new(&error))?,
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {}", SafeText::new(hint)),
            None => Ok(()),
        }
    }
}

impl<E: fmt::Display + fmt::Debug> std::error::Error for Located<E> {}

impl<E: fmt::Display> Serialize for Located<E> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            path: String,
            line: u32,
            column: u32,
            error: String,
            hint: Option<&'a str>,
        }
        Row {
            path: self.path.display().to_string(),
            line: self.position.line,
            column: self.position.column,
            error: self.error.to_string(),
            hint: self.hint.as_deref(),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "một: hai\nba: bốn!";
        assert_eq!(position_of(text, 0), Position::START);
        let offset = text.find('!').expect("is there");
        assert_eq!(position_of(text, offset), Position { line: 2, column: 8 });
        assert_eq!(position_of(text, 10_000), Position { line: 2, column: 9 });
    }

    #[test]
    fn what_has_no_line_prints_none() {
        assert_eq!(Located::unplaced("flag --relp", "no address").to_string(), "flag --relp: no address");
    }

    #[test]
    fn a_problem_prints_its_place_and_hint() {
        let problem = Located::at_offset(Path::new("rules/a.yml"), "x\n  y", 4, "unknown field modifier `containz`")
            .with_hint("did you mean `contains`?");
        assert_eq!(
            problem.to_string(),
            "rules/a.yml:2:3: unknown field modifier `containz`\n  hint: did you mean `contains`?"
        );
    }
}
