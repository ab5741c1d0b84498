//! The rule language: Sigma specification 2.1, read into a tree whose every problem has a place.

pub mod condition;
pub mod detection;
pub mod document;
pub mod error;
pub mod rule;
pub mod value;
pub mod yaml;
