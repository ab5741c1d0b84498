//! The vocabulary every other module shares: events, field names, values, ids, severities, time, safe text.
//!
//! Nothing here does I/O, knows tokio, or names another module of this crate.

pub mod csv;
pub mod ecs;
pub mod envelope;
pub mod event;
pub mod ids;
pub mod logsource;
pub mod safe_json;
pub mod safe_text;
pub mod severity;
pub mod time;
pub mod value;

pub use ecs::Field;
pub use envelope::Envelope;
pub use envelope::Origin;
pub use event::Event;
pub use event::Name;
pub use ids::AlertId;
pub use ids::EventId;
pub use logsource::LogSource;
pub use safe_json::write_safe_json;
pub use safe_text::SafeText;
pub use severity::RuleLevel;
pub use severity::SyslogSeverity;
pub use time::Timestamp;
pub use value::Value;
