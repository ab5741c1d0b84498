//! Named stages and their end: every task and thread of the program sits here, and shutdown waits for each by name.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::Id;
use tokio::task::JoinError;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::timeout_at;
use tracing::error;

/// The running stages. Dropping it aborts the tasks that still run.
#[derive(Debug, Default)]
pub struct Stages {
    set: JoinSet<anyhow::Result<()>>,
    names: HashMap<Id, String>,
}

/// How the stages ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Drain {
    /// Stages that ended with an error or a panic.
    pub failed: Vec<String>,
    /// Stages that had not ended when the time was over.
    pub stuck: Vec<String>,
}

impl Drain {
    /// Says whether all ended by themselves and well.
    pub fn is_clean(&self) -> bool {
        self.failed.is_empty() && self.stuck.is_empty()
    }
}

impl Stages {
    /// Starts an asynchronous stage.
    pub fn spawn<F>(&mut self, name: impl Into<String>, stage: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let handle = self.set.spawn(stage);
        self.names.insert(handle.id(), name.into());
    }

    /// Starts a stage on a thread of its own, for work that blocks or computes.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn_thread<F>(&mut self, name: impl Into<String>, stage: F) -> anyhow::Result<()>
    where
        F: FnOnce() -> anyhow::Result<()> + Send + 'static,
    {
        let name = name.into();
        let (sender, ended) = tokio::sync::oneshot::channel();
        std::thread::Builder::new().name(name.clone()).spawn(move || {
            // Nobody listens any more only when the program is past its deadline.
            drop(sender.send(stage()));
        })?;
        self.spawn(name, async move { ended.await.unwrap_or_else(|_| Err(anyhow::anyhow!("the thread panicked"))) });
        Ok(())
    }

    /// Waits until one stage ends; returns its name and whether it ended well. `None` when none is left.
    pub async fn next_ended(&mut self) -> Option<(String, bool)> {
        let joined = self.set.join_next_with_id().await?;
        Some(self.account(joined))
    }

    /// Waits until every stage has ended by itself or `grace` is over; what is stuck then is aborted.
    pub async fn drain(mut self, grace: Duration) -> Drain {
        let deadline = Instant::now() + grace;
        let mut drain = Drain::default();
        while let Ok(Some(joined)) = timeout_at(deadline, self.set.join_next_with_id()).await {
            let (name, is_well) = self.account(joined);
            if !is_well {
                drain.failed.push(name);
            }
        }
        drain.stuck = self.names.into_values().collect();
        drain.stuck.sort();
        drain
    }

    fn account(&mut self, joined: Result<(Id, anyhow::Result<()>), JoinError>) -> (String, bool) {
        let (id, outcome) = match joined {
            Ok((id, outcome)) => (id, outcome.map_err(|err| format!("{err:#}"))),
            Err(panic) => (panic.id(), Err(panic.to_string())),
        };
        let name = self.names.remove(&id).unwrap_or_default();
        let is_well = outcome.is_ok();
        if let Err(error) = outcome {
            error!(stage = %name, %error, "stage failed");
        }
        (name, is_well)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_fails_and_what_hangs_is_named() {
        let mut stages = Stages::default();
        stages.spawn("well", async { Ok(()) });
        stages.spawn("ill", async { anyhow::bail!("no") });
        stages.spawn("hung", std::future::pending());
        let drain = stages.drain(Duration::from_secs(5)).await;
        assert_eq!(drain, Drain { failed: vec!["ill".to_owned()], stuck: vec!["hung".to_owned()] });
        assert!(!drain.is_clean());
    }

    #[tokio::test]
    async fn a_panicking_thread_is_a_failed_stage() {
        let mut stages = Stages::default();
        stages.spawn_thread("thread", || panic!("on purpose")).expect("a thread");
        assert_eq!(stages.next_ended().await, Some(("thread".to_owned(), false)));
        assert_eq!(stages.next_ended().await, None);
    }
}
