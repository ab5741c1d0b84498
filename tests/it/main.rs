//! The one integration binary.

mod console;
mod console_pty;
mod manual;
mod sources;
mod tidy;
mod triage;
