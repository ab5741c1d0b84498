//! Incidents: one or more alerts under investigation, declared by an analyst.
//!
//! [`phase`] decides what an action does and is pure; [`clock`] holds the deadlines as data; [`store`] keeps both in
//! the alerts' own file, because an escalation changes an alert and an incident together or neither.

pub mod clock;
pub mod forms;
pub mod handover;
mod observable;
pub mod phase;
pub mod report;
pub mod store;
mod told;

pub use crate::alert::IncidentId;
pub use clock::ClockRule;
pub use forms::Form;
pub use forms::FormError;
pub use forms::Forms;
pub use phase::Changed;
pub use phase::Edit;
pub use phase::IncidentAction;
pub use phase::IncidentPhase;
pub use phase::IncidentRefusal;
pub use phase::NewEvidence;
pub use phase::NewObservable;
pub use store::Escalation;
pub use store::IncidentDetail;
pub use store::IncidentError;
pub use store::IncidentRecord;
pub use store::IncidentStore;
pub use store::IncidentWindow;
pub use told::Told;
