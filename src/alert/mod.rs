//! Alerts: what an analyst sees, after detections were grouped by rule and entity.
//!
//! [`state`] decides what an action does and is pure; [`place`] decides where a detection goes and is pure;
//! [`store`] keeps both in SQLite. One file holds alerts, incidents and the position in the log up to which
//! detections are committed, so that each of them changes with the others or not at all.

pub mod detection;
pub mod filter;
pub mod fold;
pub mod place;
pub mod record;
pub mod risk;
pub mod rulebook;
pub mod sla;
pub mod state;
pub mod store;

pub use detection::Criticality;
pub use detection::Entity;
pub use detection::Known;
pub use detection::MatchedPart;
pub use detection::NewDetection;
pub use filter::AlertFilter;
pub use filter::StatusFilter;
pub use place::Policy;
pub use record::AlertDetail;
pub use record::AlertRecord;
pub use record::AlertWindow;
pub use record::Evidence;
pub use record::HistoryEntry;
pub use record::Precedent;
pub use record::StepDone;
pub use sla::Sla;
pub use state::Action;
pub use state::Actor;
pub use state::AlertStatus;
pub use state::Disposition;
pub use state::IncidentId;
pub use state::Refusal;
pub use store::AlertReader;
pub use store::AlertStore;
pub use store::StoreError;
