//! Longan: a Security Operations Center in one program.
//!
//! The modules stand from the ground up; each names only those before it (see `ARCHITECTURE.md`).

pub mod model;

pub mod diag;

pub mod telemetry;

pub mod auth;

pub mod ingest;

pub mod parse;

pub mod normalize;

pub mod wal;

pub mod query;

pub mod store;

pub mod evidence;

pub mod detect;

pub mod alert;

pub mod incident;

pub mod wire;

pub mod server;

pub mod client;

pub mod console;

pub mod config;

pub mod pipeline;

pub mod cli;
