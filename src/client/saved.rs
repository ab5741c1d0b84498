//! The typed calls for saved searches.

use crate::client::Client;
use crate::client::ClientError;
use crate::wire::saved::DeleteRequest;
use crate::wire::saved::SaveRequest;
use crate::wire::saved::SavedList;
use crate::wire::saved::SavedSearch;

impl Client {
    /// Reads the caller's saved searches and those that others share.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn saved_searches(&self) -> Result<SavedList, ClientError> {
        self.get("/v1/searches").await
    }

    /// Saves a search under a name.
    ///
    /// # Errors
    /// As every call: [`ClientError`]; a wrong query is a refusal with its column.
    pub async fn save_search(&self, request: &SaveRequest) -> Result<SavedSearch, ClientError> {
        self.post("/v1/searches/save", request).await
    }

    /// Deletes a saved search; returns the rest.
    ///
    /// # Errors
    /// As every call: [`ClientError`].
    pub async fn delete_search(&self, request: &DeleteRequest) -> Result<SavedList, ClientError> {
        self.post("/v1/searches/delete", request).await
    }
}
