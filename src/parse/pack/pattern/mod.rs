//! The pattern language: literal text with typed captures, optional parts and alternatives in braces.
//!
//! A pattern is expanded into its variants, each a plain sequence of literals and captures, before it enters the tree.

mod kind;
mod syntax;

#[cfg(test)]
mod tests;

use crate::model::Name;

pub(super) use kind::Convert;
pub(super) use kind::KIND_NAMES;
pub(super) use kind::Kind;
pub(super) use kind::Scan;
#[cfg(test)]
use syntax::PatternProblem;
pub(super) use syntax::parse;
pub(super) use syntax::target;

/// Variants of one pattern at most.
pub(super) const VARIANTS_MAX: usize = 256;
/// Captures of one variant at most; also bounds the depth of the walk.
pub(super) const CAPTURES_MAX: usize = 64;

/// Where a captured value goes: fields and the value made for them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// Empty for a capture that is only skipped.
    pub(super) names: Vec<Name<'static>>,
    pub(super) convert: Convert,
    /// The captured text stands in quotation marks, which are not part of the value.
    pub(super) quoted: bool,
}

impl Target {
    /// Says whether the captured text is of no use to anyone.
    pub(super) fn is_skipped(&self) -> bool {
        self.names.is_empty()
            && !matches!(
                self.convert,
                Convert::Pairs
                    | Convert::Labels
                    | Convert::Tags
                    | Convert::Json
                    | Convert::Csv(_)
                    | Convert::Request
                    | Convert::Line
            )
    }
}

/// One step of a variant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Literal(String),
    Capture { scan: Scan, target: Target },
}

/// One way through a pattern, without optional parts.
pub(super) type Variant = Vec<Piece>;
