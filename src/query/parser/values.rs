//! What a value means, by the kind of its field: words, an address, a time, a pattern, a range.

use std::ops::Bound;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::diag;
use crate::model::Timestamp;
use crate::model::ecs::Kind;
use crate::query::ast::Expr;
use crate::query::ast::Number;
use crate::query::ast::Part;
use crate::query::ast::Phrase;
use crate::query::ast::Range;
use crate::query::ast::Test;
use crate::query::error::QueryError;
use crate::query::glob::Glob;
use crate::query::glob::Piece;
use crate::query::keyword;
use crate::query::parser::Letter;
use crate::query::time;
use crate::query::time::Moment;
use crate::query::words;
use crate::query::words::Words;

const PHRASE_PARTS_MAX: usize = 64;

/// A bound of a range as written.
pub(super) struct RawBound {
    pub(super) text: String,
    pub(super) is_quoted: bool,
}

pub(super) fn one_or(mut children: Vec<Expr>, combine: fn(Vec<Expr>) -> Expr) -> Expr {
    match (children.len(), children.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            children.push(last);
            combine(children)
        }
        (_, None) => Expr::All,
    }
}

pub(super) fn is_wildcard(letter: Letter) -> bool {
    matches!(letter.letter, '*' | '?') && !letter.is_escaped
}

pub(super) fn is_mac(run: &str) -> bool {
    let is_group = |group: &str| group.len() == 2 && group.bytes().all(|byte| byte.is_ascii_hexdigit());
    run.split(':').count() == 6 && run.split(':').all(is_group)
}

/// Composes letters with the marks that follow them, as text and values are (NFC): a keyboard may send `a` and its marks apart.
fn composed(letters: &[Letter]) -> Vec<Letter> {
    let mut out: Vec<Letter> = Vec::with_capacity(letters.len());
    for cluster in letters.chunk_by(|before, next| !is_wildcard(*before) && is_combining_mark(next.letter)) {
        let is_escaped = cluster.iter().any(|letter| letter.is_escaped);
        let text = cluster.iter().map(|letter| letter.letter);
        out.extend(text.nfc().map(|letter| Letter { letter, is_escaped }));
    }
    out
}

pub(super) fn to_glob(letters: &[Letter]) -> Glob {
    let pieces = composed(letters).into_iter().flat_map(|letter| match letter.letter {
        '*' if !letter.is_escaped => vec![Piece::AnyRun],
        '?' if !letter.is_escaped => vec![Piece::AnyOne],
        literal => keyword::normalize(literal.encode_utf8(&mut [0; 4])).chars().map(Piece::Literal).collect(),
    });
    Glob::new(pieces)
}

/// A pattern over words, which hold letters and digits only: lower-casing `İ` leaves a mark behind that no word has.
fn to_word_glob(letters: &[Letter]) -> Glob {
    let in_word = |piece: &Piece| !matches!(piece, Piece::Literal(letter) if !letter.is_alphanumeric());
    Glob::new(to_glob(letters).pieces().iter().copied().filter(in_word))
}

/// Breaks a word with wildcards where text breaks into words. Stars that stand alone at either end ask for nothing.
pub(super) fn glob_parts(letters: &[Letter]) -> Vec<Part> {
    let mut parts: Vec<Part> = composed(letters)
        .split(|letter| !letter.letter.is_alphanumeric() && !is_wildcard(*letter))
        .filter(|part| !part.is_empty())
        .flat_map(|part| {
            if part.iter().any(|letter| is_wildcard(*letter)) {
                vec![Part::Glob(to_word_glob(part))]
            } else {
                plain_parts(&part.iter().map(|letter| letter.letter).collect::<String>())
            }
        })
        .collect();
    let is_star = |part: Option<&Part>| matches!(part, Some(Part::Glob(glob)) if glob.is_anything());
    while is_star(parts.last()) {
        parts.pop();
    }
    let leading = parts.iter().take_while(|part| is_star(Some(part))).count();
    parts.drain(..leading);
    parts
}

fn plain_parts(text: &str) -> Vec<Part> {
    let mut all = Words::new(text);
    let mut word = String::new();
    let mut parts = Vec::new();
    while let Some((_, kind)) = all.next_into(&mut word) {
        if kind == words::Kind::Word && parts.len() <= PHRASE_PARTS_MAX {
            parts.push(Part::Word(word.clone()));
        }
    }
    parts
}

pub(super) fn words_of(text: &str, start: usize) -> Result<Phrase, QueryError> {
    if let Some(address) = words::whole_address(text) {
        return Ok(Phrase { parts: vec![Part::Word(address.to_string())] });
    }
    phrase_of(plain_parts(text), start)
}

pub(super) fn phrase_of(parts: Vec<Part>, start: usize) -> Result<Phrase, QueryError> {
    if parts.is_empty() {
        let error = QueryError::new(start + 1, "there is no letter or digit to search for");
        return Err(error.expected("a word").hint("signs can be searched with a /regex/"));
    }
    if parts.len() > PHRASE_PARTS_MAX {
        return Err(QueryError::new(start + 1, format!("the phrase has more than {PHRASE_PARTS_MAX} words")));
    }
    Ok(Phrase { parts })
}

/// Makes a value without wildcards a test, by the kind of its field.
pub(super) fn value_test(kind: Kind, text: &str, start: usize, now: Timestamp) -> Result<Test, QueryError> {
    match kind {
        Kind::Text => words_of(text, start).map(Test::Words),
        Kind::Date => {
            let Moment { start: from, end: until } = moment(text, start, now)?;
            Ok(Test::Range(Range::Time { from: Some(from), until: Some(until) }))
        }
        Kind::Ip if text.contains('/') => {
            let error = QueryError::new(start + 1, format!("`{text}` is not a network"));
            Err(error.expected("an address and its length").hint("write 10.0.0.0/8 or 2001:db8::/32"))
        }
        Kind::Ip => {
            let address = words::whole_address(text).map(|address| address.to_string());
            Ok(Test::Equals(address.unwrap_or_else(|| keyword::normalize(text).into_owned())))
        }
        Kind::Float => {
            let number = Number::from_text(text).map(|number| number.to_string());
            Ok(Test::Equals(number.unwrap_or_else(|| keyword::normalize(text).into_owned())))
        }
        Kind::Keyword | Kind::Long | Kind::Boolean => Ok(Test::Equals(keyword::normalize(text).into_owned())),
    }
}

fn moment(text: &str, start: usize, now: Timestamp) -> Result<Moment, QueryError> {
    time::parse_moment(text, now).ok_or_else(|| {
        let error = QueryError::new(start + 1, format!("`{text}` is not a time")).expected("a time in UTC");
        match diag::closest(text, ["now"]) {
            Some(_) => error.hint("did you mean `now`?"),
            None => error.hint("write 2026-01-31, 2026-01-31T07:00, 2026-01-31T07:00:00+07:00, now or now-15m"),
        }
    })
}

pub(super) fn range_test(
    kind: Kind,
    lower: &Bound<RawBound>,
    upper: &Bound<RawBound>,
    start: usize,
    now: Timestamp,
) -> Result<Test, QueryError> {
    if matches!((lower, upper), (Bound::Unbounded, Bound::Unbounded)) {
        return Ok(Test::Exists);
    }
    let as_time = |bound: &Bound<RawBound>| match bound {
        Bound::Included(raw) | Bound::Excluded(raw) => moment(&raw.text, start, now).map(Some),
        Bound::Unbounded => Ok(None),
    };
    if kind == Kind::Date {
        return Ok(Test::Range(time_range((as_time(lower)?, lower), (as_time(upper)?, upper))));
    }
    if let Some((lower, upper)) = both(lower, upper, |raw| Number::from_text(&raw.text).filter(|_| !raw.is_quoted)) {
        return Ok(Test::Range(Range::Number(lower, upper)));
    }
    if let Some((lower, upper)) = both(lower, upper, |raw| words::whole_address(&raw.text).filter(|_| !raw.is_quoted)) {
        return Ok(Test::Range(Range::Address(lower, upper)));
    }
    let is_quoted =
        |bound: &Bound<RawBound>| matches!(bound, Bound::Included(raw) | Bound::Excluded(raw) if raw.is_quoted);
    if !is_quoted(lower)
        && !is_quoted(upper)
        && let (Ok(from), Ok(until)) = (as_time(lower), as_time(upper))
    {
        return Ok(Test::Range(time_range((from, lower), (until, upper))));
    }
    let text = both(lower, upper, |raw| Some(keyword::normalize(&raw.text).into_owned()));
    let (lower, upper) = text.unwrap_or((Bound::Unbounded, Bound::Unbounded));
    Ok(Test::Range(Range::Text(lower, upper)))
}

/// A bound that is a day or a minute includes or leaves out the whole of it.
fn time_range(
    (lower, lower_bound): (Option<Moment>, &Bound<RawBound>),
    (upper, upper_bound): (Option<Moment>, &Bound<RawBound>),
) -> Range {
    let from = lower.map(|moment| match lower_bound {
        Bound::Excluded(_) => moment.end,
        _ => moment.start,
    });
    let until = upper.map(|moment| match upper_bound {
        Bound::Included(_) => moment.end,
        _ => moment.start,
    });
    Range::Time { from, until }
}

/// Reads both bounds the same way, or neither.
fn both<T>(
    lower: &Bound<RawBound>,
    upper: &Bound<RawBound>,
    read: impl Fn(&RawBound) -> Option<T>,
) -> Option<(Bound<T>, Bound<T>)> {
    let convert = |bound: &Bound<RawBound>| match bound {
        Bound::Included(raw) => read(raw).map(Bound::Included),
        Bound::Excluded(raw) => read(raw).map(Bound::Excluded),
        Bound::Unbounded => Some(Bound::Unbounded),
    };
    Some((convert(lower)?, convert(upper)?))
}
