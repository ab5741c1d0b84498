//! The query language: text in, a [`Query`] out, and what it means for one event. Pure: no I/O, no clock.
//!
//! [`Query::matches`] is the definition; the store's index only finds the same events faster and is tested against it.
//! `words` and `keyword` say how text and field values are compared, and the index is built from the very same functions.

pub mod ast;
mod error;
pub mod glob;
pub mod keyword;
pub mod matching;
mod parser;
pub mod time;
pub mod words;

use std::fmt;

pub use error::QueryError;

use crate::diag;
use crate::model::Field;
use crate::model::Timestamp;
use crate::query::ast::Expr;

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

/// Reads a query; `now` is what `now` and relative times in it mean.
///
/// # Errors
/// When the text is not a query: the column, what was expected there, and a hint.
pub fn parse(text: &str, now: Timestamp) -> Result<Query, QueryError> {
    parser::parse(text, now).map(|root| Query { root })
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

#[cfg(test)]
mod tests;
