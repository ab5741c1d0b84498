//! The rule language: Sigma specification 2.1, read into a tree whose every problem has a place.

pub mod condition;
pub mod correlation;
pub mod detection;
pub mod document;
pub mod error;
pub mod filter;
pub mod rule;
pub mod value;
pub mod yaml;

pub(in crate::detect) use rule::stable_hash;
