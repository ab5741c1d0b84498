//! The same client for code that is not async: each call runs to its end on a runtime of its own.

use std::io;

use serde::de::DeserializeOwned;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::client::ClientError;
use crate::client::Endpoint;
use crate::client::Records;

/// A [`Client`] with a current-thread runtime. Must not be used from async code.
#[derive(Debug)]
pub struct BlockingClient {
    client: Client,
    runtime: Runtime,
}

impl BlockingClient {
    /// Makes a client; connects when the first call is made.
    ///
    /// # Errors
    /// When the operating system gives no event queue.
    pub fn new(endpoint: Endpoint) -> io::Result<BlockingClient> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(BlockingClient { client: Client::new(endpoint), runtime })
    }

    /// Runs one call of the async client to its end: `client.call(async |client| client.status().await)`.
    pub fn call<T>(&self, work: impl AsyncFnOnce(&Client) -> T) -> T {
        self.runtime.block_on(work(&self.client))
    }

    /// Opens a stream with `open` and hands every record to `each` until it returns `false`, the stream ends, or fails.
    ///
    /// # Errors
    /// When the stream cannot be opened or breaks.
    pub fn for_each<T: DeserializeOwned>(
        &self,
        open: impl AsyncFnOnce(&Client) -> Result<Records<T>, ClientError>,
        mut each: impl FnMut(T) -> bool,
    ) -> Result<(), ClientError> {
        self.runtime.block_on(async {
            let mut records = open(&self.client).await?;
            while let Some(record) = records.next().await {
                if !each(record?) {
                    break;
                }
            }
            Ok(())
        })
    }
}
