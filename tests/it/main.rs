//! The one integration binary.

mod auditor;
mod console;
mod console_pty;
mod forged_names;
mod fuzz_targets;
mod manual;
mod proof;
mod rule_editor;
mod rule_writer;
mod sources;
mod tidy;
mod triage;
