//! How long events stay: retention by class, legal holds over it, whether the clock is believed, and when the disk will be full.

pub(super) mod clock;
pub(super) mod growth;
pub(super) mod hold;
pub(super) mod retention;
