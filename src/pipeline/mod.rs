//! The running whole: stages, channels, supervision, reload, shutdown. Wiring, and nothing that decides.

pub mod demo;
pub mod stages;
