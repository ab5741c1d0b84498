//! Finding what a value meets: one index a field, made of hash maps, tries and an automaton over all literals.

mod automaton;
mod field;
mod grams;
mod literals;
mod trie;

pub(super) use field::FieldIndex;
pub(super) use field::FieldIndexBuilder;
pub(super) use field::LONG;
pub(super) use field::Output;
pub(super) use grams::GRAM;
pub(super) use grams::STRIDE_MAX;
pub(super) use literals::required;
