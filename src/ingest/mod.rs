//! Inputs: bytes in, envelopes out.
//!
//! Every input reads frames, stamps them with what it observed, and submits them to the [`Intake`]. Inputs that can
//! acknowledge wait for the receipt, which comes only after the WAL has synced; the others are slowed by the intake's
//! bounded queue. Inputs know nothing of parsing or storage.

pub mod account;
pub mod connections;
pub mod database;
pub mod file;
pub mod gelf;
pub mod http;
pub mod intake;
pub mod joining;
pub mod journald;
pub mod ledger;
pub mod listener;
pub mod lumberjack;
pub mod placed;
pub mod relp;
pub mod stream;
pub mod syslog;
pub mod tls;

#[cfg(test)]
mod test_sink;

pub use intake::Intake;
pub use intake::Receipt;
