//! The typed calls of auditors: the state of the evidence, checking it, one entry of the audit log.

use crate::client::Client;
use crate::client::ClientError;
use crate::wire::evidence::AuditEntry;
use crate::wire::evidence::EvidenceState;
use crate::wire::evidence::Verification;

impl Client {
    /// Reads what can be proven at present, and when it was last checked.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn evidence(&self) -> Result<EvidenceState, ClientError> {
        self.get("/v1/evidence").await
    }

    /// Starts a check of everything stored.
    ///
    /// # Errors
    /// As every call: [`ClientError`]; a conflict when one runs already, naming who started it.
    pub async fn verify(&self) -> Result<Verification, ClientError> {
        self.post("/v1/verify", &()).await
    }

    /// Ends the check that runs.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn cancel_verify(&self) -> Result<Verification, ClientError> {
        self.post("/v1/verify/cancel", &()).await
    }

    /// Reads one entry of the audit log with its proof.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn audit_entry(&self, number: u64) -> Result<AuditEntry, ClientError> {
        self.get(&format!("/v1/audit/{number}")).await
    }
}
