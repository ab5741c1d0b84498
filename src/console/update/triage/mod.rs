//! Deciding: alerts and incidents, the forms for them, exceptions, and who looks at what.

pub(super) mod alerts;
pub(super) mod exception;
pub(super) mod figures;
pub(super) mod forms;
pub(super) mod incidents;
pub(super) mod presence;
