//! Why a rule was refused, and the collector that lets a reader report every problem of a file at once.

use std::path::Path;

use crate::diag::Located;
use crate::diag::Position;

/// Why one rule (or one file of rules) was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    #[error("cannot read the file: {0}")]
    Unreadable(String),
    #[error("the file has {0} bytes; {1} are admitted")]
    TooLarge(usize, usize),
    #[error("not well-formed YAML: {0}")]
    Yaml(String),
    #[error("the file nests deeper than {0} levels")]
    TooDeep(usize),
    #[error("the file expands to more than {0} nodes")]
    TooManyNodes(usize),
    #[error("key `{0}` occurs twice in the same map")]
    DuplicateKey(String),
    #[error("a rule must be a map, not {0}")]
    NotAMap(&'static str),
    #[error("neither a rule (`detection`), nor a `correlation`, nor a `filter`")]
    NoRule,
    #[error("`{key}` must be {expected}, not {found}")]
    WrongType { key: String, expected: &'static str, found: &'static str },
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("unknown level `{0}`")]
    UnknownLevel(String),
    #[error("unknown status `{0}`")]
    UnknownStatus(String),
    #[error("unknown action `{0}`")]
    UnknownAction(String),
    #[error("unknown key `{0}` under `longan`")]
    UnknownExtension(String),
    #[error("unknown field modifier `{0}`")]
    UnknownModifier(String),
    #[error("modifier `{modifier}` cannot follow `{after}`")]
    ModifierOrder { modifier: String, after: String },
    #[error("modifier `{modifier}` does not apply to {found}")]
    ModifierValue { modifier: String, found: String },
    #[error("`{0}` has no values")]
    NoValues(String),
    #[error("search identifier `{0}` is empty")]
    EmptySearch(String),
    #[error("`{0}` is not a network in CIDR notation")]
    BadCidr(String),
    #[error("regular expression `{pattern}`: {reason}")]
    BadRegex { pattern: String, reason: String },
    #[error("`{0}` expands to more than {1} values")]
    TooManyValues(String, usize),
    #[error("condition: {0}")]
    Condition(String),
    #[error("condition names `{0}`, which the detection does not define")]
    UndefinedIdentifier(String),
    #[error("condition says `of {0}`, which no search identifier matches")]
    EmptySelector(String),
    #[error("two rules have the id `{0}`; the other is in `{1}`")]
    DuplicateId(String, String),
    #[error("correlation: {0}")]
    Correlation(String),
    #[error("no rule has the id or name `{0}`")]
    UnknownRule(String),
    #[error("filter: {0}")]
    Filter(String),
    #[error("mapping: {0}")]
    Mapping(String),
    #[error("case: {0}")]
    Case(String),
}

/// One problem, before it is known which file it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub at: Position,
    pub error: RuleError,
    pub hint: Option<String>,
}

/// All problems of one file so far.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Notes a problem.
    pub fn add(&mut self, at: Position, error: RuleError) {
        self.0.push(Problem { at, error, hint: None });
    }

    /// Notes a problem and what to do about it.
    pub fn add_with_hint(&mut self, at: Position, error: RuleError, hint: impl Into<String>) {
        self.0.push(Problem { at, error, hint: Some(hint.into()) });
    }

    /// Places every problem in its file.
    pub fn located(self, path: &Path) -> Vec<Located<RuleError>> {
        let place = |problem: Problem| Located {
            path: path.to_owned(),
            position: problem.at,
            error: problem.error,
            hint: problem.hint,
        };
        self.0.into_iter().map(place).collect()
    }
}
