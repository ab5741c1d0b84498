//! What can be wrong with a pack file.

use crate::diag::Located;

/// Why a pack file, or one part of it, was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    #[error("{0}")]
    Syntax(String),
    #[error("cannot read the file: {0}")]
    Unreadable(String),
    #[error("unknown key `{key}` in {table}")]
    UnknownKey { key: String, table: &'static str },
    #[error("`{key}` is missing in {table}")]
    MissingKey { key: &'static str, table: &'static str },
    #[error("`{key}` must be {wanted}, not {found}")]
    WrongType { key: String, wanted: &'static str, found: &'static str },
    #[error("`{value}` is no value of `{key}`")]
    UnknownWord { key: &'static str, value: String },
    #[error("unknown capture type `{0}`")]
    UnknownKind(String),
    #[error("`{written}` is no time format: {reason}")]
    BadTimeFormat { written: String, reason: String },
    #[error("`{{` at column {column} of the pattern is never closed")]
    Unclosed { column: usize },
    #[error("`}}` at column {column} of the pattern closes nothing")]
    Unopened { column: usize },
    #[error("a `{kind}` capture must be followed by literal text or end the pattern")]
    NoDelimiter { kind: &'static str },
    #[error("the pattern has more than {max} variants")]
    TooManyVariants { max: usize },
    #[error("the pattern has more than {max} captures")]
    TooManyCaptures { max: usize },
    #[error("`{name}` cannot be the name of a field")]
    BadFieldName { name: String },
    #[error("`{name}` is no field known of ECS or of `longan`; it is kept as it is written")]
    UnknownField { name: String },
    #[error("`{value}` is none of the values ECS has for `{field}`")]
    ForeignValue { field: String, value: String },
    #[error("the pattern is empty")]
    EmptyPattern,
    #[error("the pattern is too vague to recognise a source by")]
    TooVague,
    #[error("the pattern reads the same lines as the one at line {other_line}")]
    SamePattern { other_line: u32 },
    #[error("nothing says how the source is recognised")]
    Unrecognisable,
    #[error("the pack is called `{name}` but its file `{file}`")]
    WrongName { name: String, file: String },
    #[error("pack `{other}` claims the same lines: {what}")]
    Conflict { other: String, what: String },
    #[error("sample {number} differs: {difference}")]
    SampleDiffers { number: usize, difference: String },
    #[error("the pack has no sample")]
    NoSample,
}

/// Problems in pack files, each with its place.
pub(super) type Problems = Vec<Located<PackError>>;
