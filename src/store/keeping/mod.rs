//! How long events stay: retention by class, legal holds over it, and when the disk will be full.

pub(super) mod growth;
pub(super) mod hold;
pub(super) mod retention;
