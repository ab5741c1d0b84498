//! The server on a real Unix socket and over real TLS: who may do what, triage, streams, and hostile callers.

mod access;
mod audit;
mod checklist;
mod hostile;
mod presence;
mod rules;
mod search;
mod stream;
mod tls;
mod triage;
mod world;
