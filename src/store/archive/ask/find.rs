//! Which rows of a group can match a query: decided on distinct tokens and on what the rows share, never by reading lines.
//!
//! The answer is exact where the columns alone can tell; otherwise its rows are candidates, to be read and matched.

use std::net::IpAddr;

use crate::model::Event;
use crate::model::EventId;
use crate::model::Field;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::model::ecs::Kind;
use crate::query::ast::Expr;
use crate::query::ast::Part;
use crate::query::ast::Phrase;
use crate::query::ast::Test;
use crate::query::glob::Piece;
use crate::query::matching;
use crate::query::words;
use crate::query::words::Words;
use crate::store::archive::chunk::FieldPlace;
use crate::store::archive::chunk::Group;
use crate::store::archive::column::Body;
use crate::store::archive::column::Head;
use crate::store::archive::tokens::TOKEN;
use crate::store::format::record;

/// Some rows of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::archive) enum Rows {
    None,
    All,
    Some(Vec<bool>),
}

/// Rows, and whether every one of them matches and no other does.
#[derive(Debug, Clone)]
pub(in crate::store::archive) struct Found {
    pub(in crate::store::archive) rows: Rows,
    pub(in crate::store::archive) is_exact: bool,
}

/// What the events of a group have beside their lines.
pub(in crate::store::archive) trait Outside {
    /// Returns `@timestamp`, `event.ingested` and the id of a row.
    fn columns(&self, row: usize) -> (Timestamp, Timestamp, EventId);

    /// Returns `@timestamp` alone.
    fn time(&self, row: usize) -> Timestamp;
}

impl Found {
    pub(in crate::store::archive) fn exact(rows: Rows) -> Found {
        Found { rows, is_exact: true }
    }

    /// Nothing is known: every row is to be read.
    pub(in crate::store::archive) fn unknown() -> Found {
        Found { rows: Rows::All, is_exact: false }
    }

    pub(in crate::store::archive) fn of(truth: bool) -> Found {
        Found::exact(if truth { Rows::All } else { Rows::None })
    }
}

impl Rows {
    pub(in crate::store::archive) fn of_flags(flags: Vec<bool>) -> Rows {
        if flags.iter().all(|flag| *flag) {
            Rows::All
        } else if flags.iter().any(|flag| *flag) {
            Rows::Some(flags)
        } else {
            Rows::None
        }
    }

    pub(in crate::store::archive) fn and(self, other: Rows) -> Rows {
        match (self, other) {
            (Rows::None, _) | (_, Rows::None) => Rows::None,
            (Rows::All, rows) | (rows, Rows::All) => rows,
            (Rows::Some(mut left), Rows::Some(right)) => {
                left.iter_mut().zip(right).for_each(|(left, right)| *left &= right);
                Rows::of_flags(left)
            }
        }
    }

    pub(in crate::store::archive) fn or(self, other: Rows) -> Rows {
        match (self, other) {
            (Rows::All, _) | (_, Rows::All) => Rows::All,
            (Rows::None, rows) | (rows, Rows::None) => rows,
            (Rows::Some(mut left), Rows::Some(right)) => {
                left.iter_mut().zip(right).for_each(|(left, right)| *left |= right);
                Rows::of_flags(left)
            }
        }
    }

    fn not(self) -> Rows {
        match self {
            Rows::None => Rows::All,
            Rows::All => Rows::None,
            Rows::Some(flags) => Rows::of_flags(flags.into_iter().map(|flag| !flag).collect()),
        }
    }

    /// Says whether a row is one of them.
    pub(in crate::store::archive) fn has(&self, row: usize) -> bool {
        match self {
            Rows::None => false,
            Rows::All => true,
            Rows::Some(flags) => flags.get(row).copied().unwrap_or(false),
        }
    }
}

/// Looks for a query in one group.
pub(in crate::store::archive) struct Finder<'g> {
    pub(in crate::store::archive) group: &'g Group,
    /// The first row's event: what it has from the shape, every row has.
    pub(in crate::store::archive) sample: &'g Event<'g>,
    pub(in crate::store::archive) outside: &'g dyn Outside,
    /// Whether the words of the rows are those of their lines alone.
    has_other_texts: bool,
}

impl<'g> Finder<'g> {
    pub(in crate::store::archive) fn new(
        group: &'g Group,
        sample: &'g Event<'g>,
        outside: &'g dyn Outside,
    ) -> Finder<'g> {
        let is_text = |name: &str| Field::from_name(name).is_some_and(|field| field.kind() == Kind::Text);
        let mut fields = sample.fields.iter().zip(&group.places);
        let has_other_texts = fields.any(|((name, _), place)| {
            is_text(name.as_str())
                && !matches!(place, FieldPlace::Skeleton(_) | FieldPlace::Escaped(_))
                && !is_line_piece(sample, name.as_str())
        });
        Finder { group, sample, outside, has_other_texts }
    }

    pub(in crate::store::archive) fn find(&self, expr: &Expr) -> Found {
        match expr {
            Expr::All => Found::of(true),
            Expr::And(children) => {
                let mut all = Found::of(true);
                for child in children {
                    let found = self.find(child);
                    all = Found { rows: all.rows.and(found.rows), is_exact: all.is_exact && found.is_exact };
                    if all.rows == Rows::None {
                        return Found::of(false);
                    }
                }
                all
            }
            Expr::Or(children) => {
                let mut any = Found::of(false);
                for child in children {
                    let found = self.find(child);
                    any = Found { rows: any.rows.or(found.rows), is_exact: any.is_exact && found.is_exact };
                }
                any
            }
            Expr::Not(child) => {
                let found = self.find(child);
                // What is no candidate is no match; a candidate may be none either.
                if found.is_exact { Found::exact(found.rows.not()) } else { Found::unknown() }
            }
            Expr::Words(phrase) => self.phrase(phrase),
            Expr::Pattern(pattern) => self.pattern(pattern),
            Expr::Field { name, test } => self.field(name, test),
        }
    }

    fn field(&self, name: &str, test: &Test) -> Found {
        let field = Field::from_name(name);
        match (field, test) {
            (Some(ecs::TIMESTAMP), test) => self.by_row(|row| test.admits(&Value::Time(self.outside.time(row)), false)),
            (Some(ecs::EVENT_INGESTED), test) => {
                self.by_row(|row| test.admits(&Value::Time(self.outside.columns(row).1), false))
            }
            (Some(ecs::LONGAN_ID), test) => self.by_row(|row| {
                i64::try_from(self.outside.columns(row).2.0)
                    .is_ok_and(|id| id != 0 && test.admits(&Value::Int(id), false))
            }),
            (Some(ecs::MESSAGE | ecs::EVENT_ORIGINAL), Test::Words(phrase)) => self.phrase(phrase),
            (Some(ecs::MESSAGE | ecs::EVENT_ORIGINAL), Test::Pattern(pattern)) => self.pattern(pattern),
            (Some(ecs::EVENT_ORIGINAL), test) => self.by_line(|line| test.admits(&Value::from(line), false)),
            (Some(ecs::LONGAN_PARSER | ecs::LONGAN_PARSE_ERROR), _) => {
                Found::of(matching::field_matches(name, test, self.sample))
            }
            _ => self.ordinary_field(name, field, test),
        }
    }

    fn ordinary_field(&self, name: &str, field: Option<Field>, test: &Test) -> Found {
        let mut named = self.sample.fields.iter().zip(&self.group.places);
        let Some(((_, sample), place)) = named.find(|((have, _), _)| have.as_str() == name) else {
            return Found::of(false);
        };
        let is_text = field.is_some_and(|field| field.kind() == Kind::Text);
        match place {
            FieldPlace::Header => Found::of(test.admits(sample, is_text)),
            FieldPlace::Elsewhere => Found::unknown(),
            FieldPlace::Skeleton(_) | FieldPlace::Escaped(_) if *test == Test::Exists => Found::of(true),
            FieldPlace::Escaped(piece) => {
                let mut text = String::new();
                self.by_row(|row| {
                    text.clear();
                    self.group.write_piece(piece.clone(), row, &mut text).is_some()
                        && test.admits(&Value::Text(record::unescaped(&text)), is_text)
                })
            }
            FieldPlace::Skeleton(piece) => {
                let admits = |text: &str| value_like(sample, text).is_some_and(|value| test.admits(&value, is_text));
                let is_token = piece.len() == 1 && self.group.skeleton.get(piece.start) == Some(&TOKEN);
                if is_token {
                    let before = self.group.skeleton.get(..piece.start).unwrap_or_default();
                    let column = before.iter().filter(|byte| **byte == TOKEN).count();
                    return self.by_token(column, &admits).map_or_else(Found::unknown, Found::exact);
                }
                let mut text = String::new();
                self.by_row(|row| {
                    text.clear();
                    self.group.write_piece(piece.clone(), row, &mut text).is_some() && admits(&text)
                })
            }
        }
    }

    fn by_row(&self, mut test: impl FnMut(usize) -> bool) -> Found {
        Found::exact(Rows::of_flags((0..self.group.rows).map(&mut test).collect()))
    }

    /// Tests each different token of a column once, and so decides every row.
    pub(in crate::store::archive) fn by_token(&self, column: usize, test: &dyn Fn(&str) -> bool) -> Option<Rows> {
        self.by_holding(column, "", false, test)
    }

    /// The same for a test that only tokens with a piece of text in them can pass, which are found by one search through
    /// all of them.
    pub(in crate::store::archive) fn by_holding(
        &self,
        column: usize,
        piece: &str,
        ignores_case: bool,
        test: &dyn Fn(&str) -> bool,
    ) -> Option<Rows> {
        if !self.group.may_hold(column, piece, ignores_case)? {
            return Some(Rows::None);
        }
        let (column, head) = self.group.head(column)?;
        match head {
            Head::Same(token) => Some(if test(token) { Rows::All } else { Rows::None }),
            Head::Dictionary(values) => {
                let fits = values.holding(piece, ignores_case, test);
                if !fits.contains(&true) {
                    return Some(Rows::None);
                }
                let Body::Numbers(codes) = self.group.body(column)? else { return None };
                let fit =
                    |code: &u64| usize::try_from(*code).ok().and_then(|code| fits.get(code)).copied().unwrap_or(false);
                Some(Rows::of_flags(codes.iter().map(fit).collect()))
            }
            Head::Texts => {
                let Body::Texts(texts) = self.group.body(column)? else { return None };
                Some(Rows::of_flags(texts.holding(piece, ignores_case, test)))
            }
            head => {
                let body = self.group.body(column)?;
                let mut token = String::new();
                let mut flags = Vec::with_capacity(self.group.rows);
                for row in 0..self.group.rows {
                    token.clear();
                    head.push_token(body, row, &mut token)?;
                    flags.push(test(&token));
                }
                Some(Rows::of_flags(flags))
            }
        }
    }

    /// Rows whose line has every part of the phrase; exact for a single part, or where the rows do not differ in what matters.
    fn phrase(&self, phrase: &Phrase) -> Found {
        if self.has_other_texts {
            return Found::unknown();
        }
        let columns = self.group.column_count();
        let mut all = Rows::All;
        let mut differs = false;
        for part in &phrase.parts {
            if !is_within_tokens(part) {
                return Found::unknown();
            }
            let literal = literal_of(part);
            let mut any = Rows::None;
            for column in 0..columns {
                if !self.can_hold(column, &literal) {
                    continue;
                }
                let Some(rows) = self.by_holding(column, &literal, true, &|token| holds(token, part, &literal)) else {
                    return Found::unknown();
                };
                let is_same = matches!(self.group.head(column), Some((_, Head::Same(_))));
                differs |= !is_same && rows != Rows::None;
                any = any.or(rows);
                if any == Rows::All && phrase.parts.len() == 1 {
                    break;
                }
            }
            all = all.and(any);
            if all == Rows::None {
                return Found::of(false);
            }
        }
        match phrase.parts.len() {
            1 => Found::exact(all),
            // What holds the words is the same in every row, and so is whether they follow each other.
            _ if !differs => Found::of(phrase.is_found_in(self.sample.raw)),
            _ => self.phrase_among(&all, phrase),
        }
    }

    /// Looks at the head alone: whether a column can hold a word at all.
    fn can_hold(&self, column: usize, literal: &str) -> bool {
        if self.group.may_hold(column, literal, true) == Some(false) {
            return false;
        }
        match self.group.head(column) {
            Some((_, Head::Numbers { format, .. })) => format.can_hold(literal),
            _ => true,
        }
    }
}

/// Returns a text that every word that fits has, lower case as words are; may be empty.
fn literal_of(part: &Part) -> String {
    let glob = match part {
        Part::Word(word) => return word.clone(),
        Part::Glob(glob) => glob,
    };
    let mut longest = String::new();
    let mut run = String::new();
    for piece in glob.pieces().iter().chain([&Piece::AnyRun]) {
        match piece {
            Piece::Literal(letter) => run.push(*letter),
            _ if run.len() > longest.len() => longest = std::mem::take(&mut run),
            _ => run.clear(),
        }
    }
    longest
}

/// Says whether a text field's value is some piece of the line, so that its words are words of the line.
fn is_line_piece(sample: &Event<'_>, name: &str) -> bool {
    let value = sample.get_by_name(name);
    value.and_then(Value::as_str).is_some_and(|text| sample.span_in_raw(text).is_some())
}

/// An IPv6 address is broken up by its colons; everything else that is a word stands within one token.
fn is_within_tokens(part: &Part) -> bool {
    match part {
        Part::Word(word) => !word.contains(':') && words::whole_address(word).is_none_or(|address| address.is_ipv4()),
        Part::Glob(_) => true,
    }
}

/// Says whether a token has a word.
fn holds(token: &str, part: &Part, literal: &str) -> bool {
    // The words of a token that is all ASCII are pieces of it in lower case: most tokens need not be broken into words.
    if token.is_ascii() && !has_ignoring_case(token.as_bytes(), literal.as_bytes()) {
        return false;
    }
    let mut words = Words::new(token);
    let mut word = String::new();
    while let Some((_, kind)) = words.next_into(&mut word) {
        let is_address = kind == words::Kind::Address;
        let fits = match part {
            Part::Glob(_) if is_address => false,
            part => part.admits(&word),
        };
        if fits {
            return true;
        }
    }
    false
}

/// Says whether lower-case text stands somewhere in ASCII text, case aside.
fn has_ignoring_case(text: &[u8], literal: &[u8]) -> bool {
    let Some(first) = literal.first() else { return true };
    let Some(last_start) = text.len().checked_sub(literal.len()) else { return false };
    let starts = text.get(..=last_start).unwrap_or_default();
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), starts)
        .any(|at| text.get(at..at + literal.len()).is_some_and(|here| here.eq_ignore_ascii_case(literal)))
}

/// Makes a value of the kind that the sample has.
pub(in crate::store::archive) fn value_like<'t>(sample: &Value<'_>, text: &'t str) -> Option<Value<'t>> {
    match sample {
        Value::Int(_) => text.parse().ok().map(Value::Int),
        Value::Ip(_) => text.parse::<IpAddr>().ok().map(Value::Ip),
        _ => Some(Value::from(text)),
    }
}
