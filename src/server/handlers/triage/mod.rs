//! What analysts work with: alerts, incidents, who looks at them, figures and handovers, and the stream that tells changes.

pub(in crate::server) mod alerts;
pub(in crate::server) mod incidents;
pub(in crate::server) mod presence;
pub(in crate::server) mod reports;
pub(in crate::server) mod stream;
