//! The condition of a rule: search identifiers joined by `and`, `or`, `not`, `1 of` and `all of`.

use crate::detect::sigma::error::RuleError;

/// Parentheses and negations one inside the other; people write fewer than ten.
const DEPTH_MAX: usize = 64;

/// A condition as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Search(String),
    /// `1 of PATTERN`, `any of PATTERN`: one of the searches whose name matches.
    AnyOf(String),
    /// `all of PATTERN`.
    AllOf(String),
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

impl Condition {
    /// Reads a condition. The error says at which byte.
    ///
    /// # Errors
    /// When it is not a condition of Sigma specification 2.1.
    pub fn parse(text: &str) -> Result<Condition, (usize, RuleError)> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, next: 0, end: text.len(), depth: 0 };
        let condition = parser.or()?;
        match parser.peek() {
            None => Ok(condition),
            Some((at, token)) => Err((at, expected("`and`, `or` or the end", token))),
        }
    }
}

/// Says whether a search identifier is meant by the pattern of a selector. Names that begin with `_` are only meant by
/// patterns that do so too (specification 2.1, "all of them").
pub fn selects(pattern: &str, name: &str) -> bool {
    if name.starts_with('_') && !pattern.starts_with('_') {
        return false;
    }
    pattern == "them" || wildcard(pattern, name)
}

fn wildcard(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| wildcard(after, &rest[at..]))
        }),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    Word(&'t str),
}

fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, (usize, RuleError)> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '(' => tokens.push((at, Token::Open)),
            ')' => tokens.push((at, Token::Close)),
            c if c.is_whitespace() => {}
            c if is_word(c) => {
                let mut end = at + c.len_utf8();
                while let Some((next, c)) = chars.next_if(|(_, c)| is_word(*c)) {
                    end = next + c.len_utf8();
                }
                tokens.push((at, Token::Word(&text[at..end])));
            }
            '|' => {
                let error = "aggregations after `|` are not part of Sigma 2; write a correlation rule".to_owned();
                return Err((at, RuleError::Condition(error)));
            }
            other => return Err((at, RuleError::Condition(format!("`{other}` means nothing here")))),
        }
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '*' | '.')
}

fn expected(what: &str, found: Token<'_>) -> RuleError {
    let found = match found {
        Token::Open => "(",
        Token::Close => ")",
        Token::Word(word) => word,
    };
    RuleError::Condition(format!("expected {what}, found `{found}`"))
}

struct Parser<'t> {
    tokens: &'t [(usize, Token<'t>)],
    next: usize,
    end: usize,
    depth: usize,
}

type Parsed<T> = Result<T, (usize, RuleError)>;

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<(usize, Token<'t>)> {
        self.tokens.get(self.next).copied()
    }

    fn take_word(&mut self, words: &[&str]) -> bool {
        let found = matches!(self.peek(), Some((_, Token::Word(word)))
            if words.iter().any(|want| word.eq_ignore_ascii_case(want)));
        self.next += usize::from(found);
        found
    }

    fn or(&mut self) -> Parsed<Condition> {
        let mut parts = vec![self.and()?];
        while self.take_word(&["or"]) {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Condition::Or(parts) })
    }

    fn and(&mut self) -> Parsed<Condition> {
        let mut parts = vec![self.not()?];
        while self.take_word(&["and"]) {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Condition::And(parts) })
    }

    fn not(&mut self) -> Parsed<Condition> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err((0, RuleError::Condition(format!("nests deeper than {DEPTH_MAX} levels"))));
        }
        let condition = if self.take_word(&["not"]) { Condition::Not(Box::new(self.not()?)) } else { self.primary()? };
        self.depth -= 1;
        Ok(condition)
    }

    fn primary(&mut self) -> Parsed<Condition> {
        let Some((at, token)) = self.peek() else {
            return Err((self.end, RuleError::Condition("ends where a search identifier is expected".to_owned())));
        };
        self.next += 1;
        match token {
            Token::Open => {
                let inner = self.or()?;
                match self.peek() {
                    Some((_, Token::Close)) => {
                        self.next += 1;
                        Ok(inner)
                    }
                    Some((at, other)) => Err((at, expected("`)`", other))),
                    None => Err((at, RuleError::Condition("this parenthesis is not closed".to_owned()))),
                }
            }
            Token::Word(word) if self.take_word(&["of"]) => self.selector(at, word),
            Token::Word(word) if ["and", "or"].iter().any(|operator| word.eq_ignore_ascii_case(operator)) => {
                Err((at, expected("a search identifier", token)))
            }
            Token::Word(word) => Ok(Condition::Search(word.to_owned())),
            Token::Close => Err((at, expected("a search identifier", token))),
        }
    }

    fn selector(&mut self, at: usize, quantifier: &str) -> Parsed<Condition> {
        let pattern = match self.peek() {
            Some((_, Token::Word(word))) => word.to_owned(),
            Some((at, other)) => return Err((at, expected("a pattern of search identifiers", other))),
            None => return Err((self.end, RuleError::Condition("ends after `of`".to_owned()))),
        };
        self.next += 1;
        match quantifier {
            "1" => Ok(Condition::AnyOf(pattern)),
            word if word.eq_ignore_ascii_case("any") => Ok(Condition::AnyOf(pattern)),
            word if word.eq_ignore_ascii_case("all") => Ok(Condition::AllOf(pattern)),
            other => {
                Err((at, RuleError::Condition(format!("`{other} of` is not known; Sigma has `1 of` and `all of`"))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(condition: &Condition) -> String {
        let joined =
            |parts: &[Condition], word: &str| format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(word));
        match condition {
            Condition::Search(name) => name.clone(),
            Condition::AnyOf(pattern) => format!("1:{pattern}"),
            Condition::AllOf(pattern) => format!("all:{pattern}"),
            Condition::Not(inner) => format!("!{}", shown(inner)),
            Condition::And(parts) => joined(parts, " & "),
            Condition::Or(parts) => joined(parts, " | "),
        }
    }

    #[test]
    fn not_binds_before_and_before_or() {
        for (text, want) in [
            ("a", "a"),
            ("a or b and not c", "(a | (b & !c))"),
            ("not a and b", "(!a & b)"),
            ("not (a or b) and c", "(!(a | b) & c)"),
            ("1 of sel_* and not all of them", "(1:sel_* & !all:them)"),
            ("any of x* OR NOT y-1", "(1:x* | !y-1)"),
            ("selection_1 and\n  (\n 1 of a*\n )", "(selection_1 & 1:a*)"),
            ("not not a", "!!a"),
            ("of1 and all_x", "(of1 & all_x)"),
        ] {
            assert_eq!(Condition::parse(text).map(|read| shown(&read)), Ok(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn mistakes_are_placed() {
        for (text, at) in [
            ("", 0),
            ("a and", 5),
            ("a b", 2),
            ("(a", 0),
            ("a)", 1),
            ("a | count() > 5", 2),
            ("2 of x*", 0),
            ("and a", 0),
            ("a or or b", 5),
        ] {
            assert_eq!(Condition::parse(text).map_err(|(at, _)| at), Err(at), "{text}");
        }
        assert!(Condition::parse(&"(".repeat(100_000)).is_err());
    }

    #[test]
    fn selectors_match_names() {
        for (pattern, name, want) in [
            ("them", "a", true),
            ("them", "_a", false),
            ("sel*", "selection", true),
            ("sel*", "_selection", false),
            ("_x*", "_x1", true),
            ("*_x", "a_x", true),
            ("a*b*c", "aXbYc", true),
            ("a*b", "abc", false),
        ] {
            assert_eq!(selects(pattern, name), want, "{pattern} {name}");
        }
    }
}
