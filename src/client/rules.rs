//! The typed calls for rules: the list, states, files, exceptions.

use crate::client::Client;
use crate::client::ClientError;
use crate::client::calls::encoded;
use crate::client::query::with_query;
use crate::wire::rule::CheckReport;
use crate::wire::rule::CheckRequest;
use crate::wire::rule::ExceptionFilter;
use crate::wire::rule::ExceptionList;
use crate::wire::rule::ExceptionPreview;
use crate::wire::rule::ExceptionRequest;
use crate::wire::rule::ExceptionRow;
use crate::wire::rule::RevokeRequest;
use crate::wire::rule::RuleDetail;
use crate::wire::rule::RuleSaveRequest;
use crate::wire::rule::RuleSource;
use crate::wire::rule::StateRequest;
use crate::wire::rule::StatesChanged;
use crate::wire::rule::StatesRequest;
use crate::wire::rule::TestReport;
use crate::wire::rule::TestRequest;
use crate::wire::status::RuleList;

impl Client {
    /// Reads the loaded rules.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn rules(&self) -> Result<RuleList, ClientError> {
        self.get("/v1/rules").await
    }

    /// Reads who did what to a rule, and its versions.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn rule(&self, id: &str) -> Result<RuleDetail, ClientError> {
        self.get(&format!("/v1/rules/{}", encoded(id))).await
    }

    /// Puts a rule into a state.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn set_rule_state(&self, id: &str, request: &StateRequest) -> Result<RuleDetail, ClientError> {
        self.post(&format!("/v1/rules/{}/state", encoded(id)), request).await
    }

    /// Puts many rules into a state.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn set_rule_states(&self, request: &StatesRequest) -> Result<StatesChanged, ClientError> {
        self.post("/v1/rules/states", request).await
    }

    /// Reads the file a rule stands in.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn rule_source(&self, id: &str) -> Result<RuleSource, ClientError> {
        self.get(&format!("/v1/rules/{}/source", encoded(id))).await
    }

    /// Has a text checked as a rule file.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn check_rule(&self, request: &CheckRequest) -> Result<CheckReport, ClientError> {
        self.post("/v1/rules/check", request).await
    }

    /// Has the cases of a rule run.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn test_rule(&self, request: &TestRequest) -> Result<TestReport, ClientError> {
        self.post("/v1/rules/test", request).await
    }

    /// Writes a rule file.
    ///
    /// # Errors
    /// As every call: [`ClientError`]; when somebody else changed it meanwhile a refusal with status 409.
    pub async fn save_rule(&self, request: &RuleSaveRequest) -> Result<RuleSource, ClientError> {
        self.post("/v1/rules/source", request).await
    }

    /// Lists exceptions.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn exceptions(&self, filter: &ExceptionFilter) -> Result<ExceptionList, ClientError> {
        self.get(&with_query("/v1/exceptions", filter)).await
    }

    /// Says what an exception would have hidden.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn preview_exception(&self, request: &ExceptionRequest) -> Result<ExceptionPreview, ClientError> {
        self.post("/v1/exceptions/preview", request).await
    }

    /// Puts an exception in force.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn except(&self, request: &ExceptionRequest) -> Result<ExceptionRow, ClientError> {
        self.post("/v1/exceptions/new", request).await
    }

    /// Ends an exception before its time.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn revoke_exception(&self, id: u64, request: &RevokeRequest) -> Result<ExceptionRow, ClientError> {
        self.post(&format!("/v1/exceptions/{id}/revoke"), request).await
    }
}
