//! What is kept and shown to others: the audit log, bundles, files, reports and handovers.

pub(super) mod audit;
pub(super) mod export;
pub(super) mod files;
pub(super) mod reports;
