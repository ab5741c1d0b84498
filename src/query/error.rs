//! Why a text is not a query, and where.

use std::fmt;

use crate::model::SafeText;

/// A problem in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// Where, counted in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What could have stood there.
    pub expected: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl QueryError {
    pub(in crate::query) fn new(column: usize, message: impl Into<String>) -> QueryError {
        QueryError { column, message: message.into(), expected: None, hint: None }
    }

    pub(in crate::query) fn expected(mut self, expected: impl Into<String>) -> QueryError {
        self.expected = Some(expected.into());
        self
    }

    pub(in crate::query) fn hint(mut self, hint: impl Into<String>) -> QueryError {
        self.hint = Some(hint.into());
        self
    }
}

/// Writes one line, safe for a terminal: column, problem, what was expected, hint.
impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, SafeText::new(&self.message))?;
        if let Some(expected) = &self.expected {
            write!(f, ", expected {}", SafeText::new(expected))?;
        }
        match &self.hint {
            Some(hint) => write!(f, " (hint: {})", SafeText::new(hint)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for QueryError {}
