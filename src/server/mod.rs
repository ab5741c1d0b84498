//! The API: HTTP and JSON over the local socket, where the kernel says who calls, and over TLS with a token.
//!
//! What it answers is in `wire`; what it asks is in the alert and incident stores and behind the traits of
//! [`services`]. Every route stands in one table with the permission it needs. Nothing blocks an async thread, and
//! everything has a limit: header, body, time, connections, streams, what a slow reader may leave unread.

mod access;
mod audit;
mod convert;
mod extract;
mod handlers;
mod limits;
mod listen;
mod presence;
mod problem;
mod routes;
mod saved;
pub mod services;

pub use limits::Limits;
pub use listen::ControlSocket;
pub use listen::ListenError;
pub use listen::Server;
pub use saved::FILE_NAME as SEARCHES_FILE_NAME;
pub use saved::SavedError;
pub use saved::SavedSearches;
pub use services::EvidenceService;
pub use services::ExportService;
pub use services::Offer;
pub use services::PulseFigures;
pub use services::RetentionService;
pub use services::RuleService;
pub use services::SearchService;
pub use services::Services;
pub use services::StatusService;
pub use services::TailSink;

pub use convert::alert_detail;
pub use convert::alert_filter;
pub use convert::alert_window;
pub use convert::incidents::incident_detail;
pub use convert::incidents::incident_window;
pub use convert::reports::triage_report;
pub use convert::rules::verdicts;

#[cfg(test)]
mod tests;
