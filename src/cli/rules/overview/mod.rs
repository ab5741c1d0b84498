//! All rules at a glance: as a list, and by what they look for.

pub(super) mod coverage;
mod facts;
pub(super) mod list;
mod matrix;
mod navigator;
