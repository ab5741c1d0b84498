//! One file for each group of routes.

pub(super) mod alerts;
pub(super) mod audit;
pub(super) mod evidence;
pub(super) mod export;
pub(super) mod incidents;
pub(super) mod lines;
pub(super) mod presence;
pub(super) mod reports;
pub(super) mod retention;
pub(super) mod rule_files;
pub(super) mod rules;
pub(super) mod saved;
pub(super) mod search;
pub(super) mod status;
pub(super) mod stream;
