//! One file for each group of routes.

pub(super) mod lines;
pub(super) mod records;
pub(super) mod rule_files;
pub(super) mod rules;
pub(super) mod saved;
pub(super) mod search;
pub(super) mod status;
pub(super) mod triage;
