//! Reads the query language by recursive descent.

mod values;

use std::ops::Bound;

use crate::model::Field;
use crate::model::Timestamp;
use crate::model::ecs::Kind;
use crate::query::ast::Cidr;
use crate::query::ast::Expr;
use crate::query::ast::Pattern;
use crate::query::ast::Test;
use crate::query::error::QueryError;
use crate::query::glob::is_special;
use crate::query::parser::values::RawBound;
use crate::query::parser::values::glob_parts;
use crate::query::parser::values::is_mac;
use crate::query::parser::values::is_wildcard;
use crate::query::parser::values::one_or;
use crate::query::parser::values::phrase_of;
use crate::query::parser::values::range_test;
use crate::query::parser::values::to_glob;
use crate::query::parser::values::value_test;
use crate::query::parser::values::words_of;
use crate::query::words;

const QUERY_CHARS_MAX: usize = 32_768;
const DEPTH_MAX: usize = 32;
const TESTS_MAX: usize = 2_000;

/// The field name that asks whether another is there.
const EXISTS: &str = "_exists_";

/// A filter, and where the pipes after it begin.
pub(super) struct Read {
    pub(super) root: Expr,
    pub(super) letters: Vec<char>,
    /// The place of the first `|`, or the end.
    pub(super) end: usize,
}

pub(super) fn parse(text: &str, now: Timestamp) -> Result<Read, QueryError> {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() > QUERY_CHARS_MAX {
        let message = format!("the query is longer than {QUERY_CHARS_MAX} characters");
        return Err(QueryError::new(QUERY_CHARS_MAX + 1, message));
    }
    let mut parser = Parser { letters, at: 0, now, depth: 0, test_count: 0 };
    parser.skip_space();
    let is_empty = parser.peek().is_none() || parser.is_at_pipe();
    let root = if is_empty { Expr::All } else { parser.any_of(None)? };
    parser.skip_space();
    match parser.peek() {
        None | Some('|') => Ok(Read { root, end: parser.at, letters: parser.letters }),
        Some(')') => Err(parser.error("`)` without its `(`").hint("quote it to search for it: \")\"")),
        Some(other) => Err(parser.error(format!("`{other}` is not expected here"))),
    }
}

struct Parser {
    letters: Vec<char>,
    at: usize,
    now: Timestamp,
    depth: usize,
    test_count: usize,
}

/// A character outside quotes, and whether a backslash took its meaning away.
#[derive(Clone, Copy)]
struct Letter {
    letter: char,
    is_escaped: bool,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    /// Says whether the filter ends here; `||` is an operator.
    fn is_at_pipe(&self) -> bool {
        self.peek() == Some('|') && self.peek_at(1) != Some('|')
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn error(&self, message: impl Into<String>) -> QueryError {
        QueryError::new(self.at + 1, message)
    }

    /// Steps over an operator word, which must stand alone.
    fn take_keyword(&mut self, keyword: &str) -> bool {
        let length = keyword.chars().count();
        let is_there =
            self.letters.get(self.at..self.at + length).is_some_and(|have| have.iter().copied().eq(keyword.chars()));
        let is_symbol = !keyword.starts_with(char::is_alphabetic);
        let ends = is_symbol || self.peek_at(length).is_none_or(|next| next.is_whitespace() || next == '(');
        if is_there && ends {
            self.at += length;
        }
        is_there && ends
    }

    /// `a OR b OR c`; within `field:( … )` the alternatives are values of `field`.
    fn any_of(&mut self, field: Option<&str>) -> Result<Expr, QueryError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(format!("more than {DEPTH_MAX} levels of parentheses")));
        }
        let mut children = vec![self.all_of(field)?];
        while self.take_keyword("OR") || self.take_keyword("||") {
            children.push(self.all_of(field)?);
        }
        self.depth -= 1;
        Ok(one_or(children, Expr::Or))
    }

    /// `a AND b c`: what stands side by side must all hold.
    fn all_of(&mut self, field: Option<&str>) -> Result<Expr, QueryError> {
        let mut children = vec![self.negatable(field)?];
        loop {
            self.skip_space();
            let rest = self.at;
            let ends = self.peek().is_none_or(|next| next == ')') || self.is_at_pipe();
            if ends || self.take_keyword("OR") || self.take_keyword("||") {
                self.at = rest;
                return Ok(one_or(children, Expr::And));
            }
            if !self.take_keyword("AND") {
                self.take_keyword("&&");
            }
            children.push(self.negatable(field)?);
        }
    }

    fn negatable(&mut self, field: Option<&str>) -> Result<Expr, QueryError> {
        let mut negations = 0_usize;
        loop {
            self.skip_space();
            let next_starts = self.peek_at(1).is_some_and(|next| !next.is_whitespace());
            if self.take_keyword("NOT") {
                negations += 1;
            } else if matches!(self.peek(), Some('-' | '!')) && next_starts {
                self.at += 1;
                negations += 1;
            } else if self.peek() == Some('+') && next_starts {
                self.at += 1;
            } else {
                break;
            }
            if negations > DEPTH_MAX {
                return Err(self.error(format!("more than {DEPTH_MAX} negations")));
            }
        }
        let atom = self.atom(field)?;
        Ok((0..negations).fold(atom, |inner, _| Expr::Not(Box::new(inner))))
    }

    fn atom(&mut self, field: Option<&str>) -> Result<Expr, QueryError> {
        self.test_count += 1;
        if self.test_count > TESTS_MAX {
            return Err(self.error(format!("more than {TESTS_MAX} conditions")));
        }
        match self.peek() {
            None => Err(self.error("the query ends here").expected("a word, a `field:value` or `(`")),
            Some(')') => Err(self.error("nothing stands before `)`").expected("a word, a `field:value` or `(`")),
            Some('|') => Err(self.pipe_error()),
            Some('(') => self.group(field),
            Some(_) if field.is_some() => self.test_of(field.unwrap_or_default()),
            Some(_) => match self.field_name()? {
                Some(name) if name == EXISTS => self.exists(),
                Some(name) => self.field_test(&name),
                None => self.free_text(),
            },
        }
    }

    fn pipe_error(&self) -> QueryError {
        self.error("the filter is not complete before this `|`")
            .expected("a word, a `field:value` or `(`")
            .hint("to search for the sign itself, put it in a /regex/")
    }

    fn group(&mut self, field: Option<&str>) -> Result<Expr, QueryError> {
        let open = self.at;
        self.at += 1;
        let expr = self.any_of(field)?;
        self.skip_space();
        if self.peek() == Some(')') {
            self.at += 1;
            return Ok(expr);
        }
        Err(QueryError::new(open + 1, "this `(` is never closed").expected("`)`"))
    }

    /// Reads `name:` or the name before a comparison, or goes back and returns `None`.
    fn field_name(&mut self) -> Result<Option<String>, QueryError> {
        let start = self.at;
        let run: String =
            self.letters.iter().skip(start).take_while(|c| !c.is_whitespace() && !"()\"".contains(**c)).collect();
        if words::whole_address(&run).is_some() || is_mac(&run) {
            return Ok(None);
        }
        let mut name = String::new();
        while let Some(letter) = self.peek() {
            match (letter, self.peek_at(1)) {
                ('\\', Some(escaped)) if is_special(escaped) => {
                    name.push(escaped);
                    self.at += 2;
                }
                (letter, _) if letter.is_alphanumeric() || "@_.-".contains(letter) => {
                    name.push(letter);
                    self.at += 1;
                }
                _ => break,
            }
        }
        let begins_well = name.starts_with(|first: char| first.is_alphabetic() || "@_".contains(first));
        let rest = (self.peek(), self.peek_at(1), self.peek_at(2));
        let is_name = begins_well
            && match rest {
                (Some(':'), Some('/'), Some('/')) => false,
                // `C:\Windows` is a path.
                (Some(':'), Some('\\'), _) => name.chars().count() > 1,
                (Some(':'), ..) => true,
                (Some('>' | '<'), Some(_), _) => true,
                _ => false,
            };
        if !is_name {
            self.at = start;
            return Ok(None);
        }
        if self.peek() == Some(':') {
            self.at += 1;
        }
        Ok(Some(name))
    }

    fn exists(&mut self) -> Result<Expr, QueryError> {
        let start = self.at;
        let letters = self.bare_word();
        let name: String = letters.iter().map(|letter| letter.letter).collect();
        if name.is_empty() {
            return Err(QueryError::new(start + 1, "`_exists_:` names no field").expected("a field name"));
        }
        Ok(Expr::Field { name, test: Test::Exists })
    }

    fn field_test(&mut self, name: &str) -> Result<Expr, QueryError> {
        if self.peek() == Some('(') {
            return self.group(Some(name));
        }
        self.test_of(name)
    }

    /// Reads one value and makes it a test of the field.
    fn test_of(&mut self, name: &str) -> Result<Expr, QueryError> {
        let start = self.at;
        let kind = Field::from_name(name).map_or(Kind::Keyword, Field::kind);
        let test = match self.peek() {
            Some('[' | '{') => self.bracket_range(kind)?,
            Some('>' | '<') => self.comparison(kind)?,
            Some('"') => {
                let text = self.quoted()?;
                value_test(kind, &text, start, self.now)?
            }
            Some('|') => return Err(self.pipe_error()),
            _ => match self.regex(kind != Kind::Text)? {
                Some(pattern) => Test::Pattern(pattern),
                None => self.bare_value(name, kind, start)?,
            },
        };
        // `message:*` after its stars are gone asks nothing of the words: the field must be there.
        Ok(Expr::Field { name: name.to_owned(), test })
    }

    fn bare_value(&mut self, name: &str, kind: Kind, start: usize) -> Result<Test, QueryError> {
        let letters = self.bare_word();
        if letters.is_empty() {
            let error = QueryError::new(start + 1, format!("`{name}:` has no value"));
            return Err(error.expected("a value").hint(format!("`_exists_:{name}` finds events that have the field")));
        }
        let has_wildcard = letters.iter().any(|letter| is_wildcard(*letter));
        if !has_wildcard {
            let text: String = letters.iter().map(|letter| letter.letter).collect();
            return match Cidr::from_text(&text).filter(|_| kind != Kind::Text) {
                Some(cidr) => Ok(Test::Cidr(cidr)),
                None => value_test(kind, &text, start, self.now),
            };
        }
        if kind == Kind::Text {
            let parts = glob_parts(&letters);
            return Ok(if parts.is_empty() { Test::Exists } else { Test::Words(phrase_of(parts, start)?) });
        }
        let glob = to_glob(&letters);
        Ok(if glob.is_anything() { Test::Exists } else { Test::Glob(glob) })
    }

    fn free_text(&mut self) -> Result<Expr, QueryError> {
        let start = self.at;
        if self.peek() == Some('"') {
            let text = self.quoted()?;
            return words_of(&text, start).map(Expr::Words);
        }
        if let Some(pattern) = self.regex(false)? {
            return Ok(Expr::Pattern(pattern));
        }
        let letters = self.bare_word();
        if letters.is_empty() {
            let found = self.peek().unwrap_or_default();
            let error = self.error(format!("`{found}` does not begin a word"));
            return Err(error.hint("put text with special characters in quotes"));
        }
        if letters.iter().any(|letter| is_wildcard(*letter)) {
            let parts = glob_parts(&letters);
            return if parts.is_empty() && letters.iter().all(|letter| letter.letter == '*') {
                Ok(Expr::All)
            } else {
                phrase_of(parts, start).map(Expr::Words)
            };
        }
        let text: String = letters.iter().map(|letter| letter.letter).collect();
        words_of(&text, start).map(Expr::Words)
    }

    /// Reads up to a space, a parenthesis, a quote or a pipe.
    fn bare_word(&mut self) -> Vec<Letter> {
        let mut word = Vec::new();
        while let Some(letter) = self.peek() {
            let escaped = self.peek_at(1).filter(|next| letter == '\\' && is_special(*next));
            if let Some(letter) = escaped {
                word.push(Letter { letter, is_escaped: true });
                self.at += 2;
            } else if letter.is_whitespace() || "()\"|".contains(letter) {
                break;
            } else {
                word.push(Letter { letter, is_escaped: false });
                self.at += 1;
            }
        }
        word
    }

    /// Reads a quoted text; within it only `\"` and `\\` are escapes.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let open = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match (self.peek(), self.peek_at(1)) {
                (None, _) => {
                    return Err(QueryError::new(open + 1, "this quote is never closed").expected("`\"`"));
                }
                (Some('"'), _) => {
                    self.at += 1;
                    return Ok(text);
                }
                (Some('\\'), Some(escaped @ ('"' | '\\'))) => {
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

    /// Reads `/regex/` or `/regex/i`. What does not end so is no regex but a path, and is left where it is.
    fn regex(&mut self, always_ignore_case: bool) -> Result<Option<Pattern>, QueryError> {
        if self.peek() != Some('/') {
            return Ok(None);
        }
        let open = self.at;
        let mut ahead = 1;
        let mut source = String::new();
        loop {
            match (self.peek_at(ahead), self.peek_at(ahead + 1)) {
                (None, _) => return Ok(None),
                (Some('/'), _) => break,
                (Some('\\'), Some('/')) => {
                    source.push('/');
                    ahead += 2;
                }
                (Some('\\'), Some(escaped)) => {
                    source.extend(['\\', escaped]);
                    ahead += 2;
                }
                (Some(letter), _) => {
                    source.push(letter);
                    ahead += 1;
                }
            }
        }
        let ignore_case = self.peek_at(ahead + 1) == Some('i');
        let end = ahead + 1 + usize::from(ignore_case);
        let is_closed = self.peek_at(end).is_none_or(|next| next.is_whitespace() || "()|".contains(next));
        if source.is_empty() || !is_closed {
            return Ok(None);
        }
        self.at += end;
        match Pattern::new(&source, ignore_case || always_ignore_case) {
            Ok(pattern) => Ok(Some(pattern)),
            Err(reason) => {
                let error = QueryError::new(open + 1, format!("the regex cannot be read: {reason}"));
                Err(error.hint("to search for a path, put it in quotes"))
            }
        }
    }

    /// Reads `[a TO b]`; `{` and `}` leave the bound itself out, `*` is no bound.
    fn bracket_range(&mut self, kind: Kind) -> Result<Test, QueryError> {
        let open = self.at;
        let lower_included = self.peek() == Some('[');
        self.at += 1;
        let lower = self.range_bound(open)?;
        self.skip_space();
        if !self.take_keyword("TO") {
            return Err(self
                .error("a range needs `TO` between its bounds")
                .expected("`TO`")
                .hint("for example [1 TO 10]"));
        }
        let upper = self.range_bound(open)?;
        self.skip_space();
        let upper_included = match self.peek() {
            Some(']') => true,
            Some('}') => false,
            _ => return Err(QueryError::new(open + 1, "this range is never closed").expected("`]` or `}`")),
        };
        self.at += 1;
        let bound = |text: Option<RawBound>, included: bool| match text {
            None => Bound::Unbounded,
            Some(text) if included => Bound::Included(text),
            Some(text) => Bound::Excluded(text),
        };
        range_test(kind, &bound(lower, lower_included), &bound(upper, upper_included), open, self.now)
    }

    fn range_bound(&mut self, open: usize) -> Result<Option<RawBound>, QueryError> {
        self.skip_space();
        if self.peek() == Some('"') {
            return Ok(Some(RawBound { text: self.quoted()?, is_quoted: true }));
        }
        let mut text = String::new();
        while let Some(letter) = self.peek().filter(|letter| !letter.is_whitespace() && !"]}()\"|".contains(*letter)) {
            text.push(letter);
            self.at += 1;
        }
        match text.as_str() {
            "" => Err(QueryError::new(open + 1, "a bound of this range is missing").expected("a value or `*`")),
            "*" => Ok(None),
            _ => Ok(Some(RawBound { text, is_quoted: false })),
        }
    }

    /// Reads `>=value` and the like.
    fn comparison(&mut self, kind: Kind) -> Result<Test, QueryError> {
        let start = self.at;
        let is_lower = self.peek() == Some('>');
        self.at += 1;
        let is_included = self.peek() == Some('=');
        self.at += usize::from(is_included);
        let bound = if self.peek() == Some('"') {
            RawBound { text: self.quoted()?, is_quoted: true }
        } else {
            RawBound { text: self.bare_word().iter().map(|letter| letter.letter).collect(), is_quoted: false }
        };
        if bound.text.is_empty() {
            return Err(self.error("the comparison has no value").expected("a number, an address, a time or a text"));
        }
        let bound = if is_included { Bound::Included(bound) } else { Bound::Excluded(bound) };
        let (lower, upper) = if is_lower { (bound, Bound::Unbounded) } else { (Bound::Unbounded, bound) };
        range_test(kind, &lower, &upper, start, self.now)
    }
}
