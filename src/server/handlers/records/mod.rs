//! What auditors ask for: who did what, what can be proven, bundles with proofs, how long things are kept.

pub(in crate::server) mod audit;
pub(in crate::server) mod evidence;
pub(in crate::server) mod export;
pub(in crate::server) mod retention;
