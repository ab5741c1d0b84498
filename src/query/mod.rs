//! The query language: text in, a [`Query`] out, and what it means for one event. Pure: no I/O, no clock.
//!
//! [`Query::matches`] is the definition; the store's index only finds the same events faster and is tested against it.
//! `words` and `keyword` say how text and field values are compared, and the index is built from the very same functions.

pub mod ast;
mod error;
pub mod glob;
pub mod keyword;
pub mod literals;
pub mod matching;
mod parser;
pub mod pipes;
pub mod time;
pub mod words;

use std::fmt;

pub use error::QueryError;

use crate::diag;
use crate::model::Field;
use crate::model::Timestamp;
use crate::query::ast::Expr;
use crate::query::pipes::stage::Stage;

/// A filter over events.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    root: Expr,
}

/// A field name that is not in the table of known names: legal, but often a slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    pub name: String,
    /// The known name it resembles.
    pub suggestion: Option<&'static str>,
}

/// A filter, and what is done with the events it lets through.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    pub filter: Query,
    /// Empty when the events themselves are wanted.
    pub stages: Vec<Stage>,
}

/// Reads a filter without pipes; `now` is what `now` and relative times in it mean.
///
/// # Errors
/// When the text is not a filter: the column, what was expected there, and a hint.
pub fn parse(text: &str, now: Timestamp) -> Result<Query, QueryError> {
    let read = parser::parse(text, now)?;
    if read.end < read.letters.len() {
        let error = QueryError::new(read.end + 1, "only a filter can stand here, without pipes").expected("the end");
        return Err(error.hint("pipes work in a search, not where events are followed or counted"));
    }
    Ok(Query { root: read.root })
}

/// Reads a filter and the pipes behind it.
///
/// # Errors
/// When the text is not a query: the column, what was expected there, and a hint.
pub fn parse_search(text: &str, now: Timestamp) -> Result<Search, QueryError> {
    let read = parser::parse(text, now)?;
    let stages = pipes::parse(&read.letters, read.end)?;
    Ok(Search { filter: Query { root: read.root }, stages })
}

impl Query {
    /// The query that every event matches.
    pub fn everything() -> Query {
        Query { root: Expr::All }
    }

    /// Wraps an expression that was built, not read.
    pub fn from_expr(root: Expr) -> Query {
        Query { root }
    }

    /// Returns the expression.
    pub fn root(&self) -> &Expr {
        &self.root
    }

    /// Returns this query narrowed by another.
    #[must_use]
    pub fn and(self, other: Query) -> Query {
        match (self.root, other.root) {
            (Expr::All, root) | (root, Expr::All) => Query { root },
            (left, right) => Query { root: Expr::And(vec![left, right]) },
        }
    }

    /// Lists the field names in the query that the table does not know, each once.
    pub fn unknown_fields(&self) -> Vec<UnknownField> {
        let mut unknown: Vec<UnknownField> = Vec::new();
        self.root.for_each_field(&mut |name| {
            if Field::from_name(name).is_none() && !unknown.iter().any(|seen| seen.name == name) {
                let suggestion = diag::closest(name, Field::all().map(Field::name));
                unknown.push(UnknownField { name: name.to_owned(), suggestion });
            }
        });
        unknown
    }
}

/// Writes the query in its own language; reading it again gives the same query.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

/// Writes the whole search as it is read.
impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.filter)?;
        self.stages.iter().try_for_each(|stage| write!(f, " | {stage}"))
    }
}

#[cfg(test)]
mod tests;
