//! Patterns with `*` (any run of characters, also none) and `?` (one character).

use std::fmt;

/// Says whether a character outside quotes means something unless a backslash stands before it. Before any other
/// character a backslash is itself, so that Windows paths can be typed.
pub(in crate::query) fn is_special(letter: char) -> bool {
    letter.is_whitespace() || r#"*?:()"\/[]{}|<>-+!&="#.contains(letter)
}

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    Literal(char),
    AnyOne,
    AnyRun,
}

/// A pattern over a whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    pieces: Vec<Piece>,
}

impl Glob {
    /// Builds a pattern; runs of `*` become one.
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Glob {
        let mut kept: Vec<Piece> = Vec::new();
        for piece in pieces {
            if !(piece == Piece::AnyRun && kept.last() == Some(&Piece::AnyRun)) {
                kept.push(piece);
            }
        }
        Glob { pieces: kept }
    }

    /// Returns the pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Returns the literal text every match begins with.
    pub fn prefix(&self) -> String {
        self.pieces
            .iter()
            .map_while(|piece| match piece {
                Piece::Literal(letter) => Some(*letter),
                _ => None,
            })
            .collect()
    }

    /// Says whether the pattern is `*` alone.
    pub fn is_anything(&self) -> bool {
        self.pieces == [Piece::AnyRun]
    }

    /// Says whether the whole text fits the pattern. Takes time proportional to text times pattern at worst.
    pub fn matches(&self, text: &str) -> bool {
        let mut pattern = 0;
        let mut rest = text.chars();
        // Where to go on after the last `*` when the rest does not fit.
        let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            if self.pieces.get(pattern) == Some(&Piece::AnyRun) {
                pattern += 1;
                retry = Some((pattern, rest.clone()));
                continue;
            }
            let mut ahead = rest.clone();
            let fits = match (self.pieces.get(pattern), ahead.next()) {
                (None, None) => return true,
                (Some(Piece::AnyOne), Some(_)) => true,
                (Some(Piece::Literal(want)), Some(have)) => *want == have,
                _ => false,
            };
            if fits {
                pattern += 1;
                rest = ahead;
                continue;
            }
            let Some((start, skipped)) = &mut retry else { return false };
            if skipped.next().is_none() {
                return false;
            }
            pattern = *start;
            rest = skipped.clone();
        }
    }
}

/// Writes the pattern with everything else escaped that has a meaning in a query.
impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::AnyOne => f.write_str("?")?,
                Piece::AnyRun => f.write_str("*")?,
                Piece::Literal(letter) if is_special(*letter) => write!(f, "\\{letter}")?,
                Piece::Literal(letter) => write!(f, "{letter}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::new(text.chars().map(|letter| match letter {
            '*' => Piece::AnyRun,
            '?' => Piece::AnyOne,
            other => Piece::Literal(other),
        }))
    }

    #[test]
    fn a_pattern_fits_the_whole_text() {
        let table = [
            ("bastion*", "bastion-1", true),
            ("bastion*", "a-bastion", false),
            ("*fail*", "unfailing", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xaxaxb", true),
            ("*a*b", "xaxaxbc", false),
            ("*", "", true),
            ("", "", true),
            ("?", "đ", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(glob(pattern).matches(text), expected, "{pattern} {text}");
        }
        assert_eq!(glob("ab*c").prefix(), "ab");
        assert!(glob("***").is_anything());
    }
}
