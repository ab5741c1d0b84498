//! Hands in what an input with an order of its own has read, so that it is stored once: noted, stored, and only then passed.

use std::sync::Arc;

use bytes::Bytes;

use crate::ingest::account::Account;
use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::ledger::Ledger;
use crate::ingest::ledger::LedgerError;
use crate::ingest::ledger::Progress;
use crate::ingest::listener::Context;
use crate::model::Origin;

/// One row or entry, with what is noted of it.
pub(super) struct Placed<M> {
    pub(super) raw: Bytes,
    pub(super) truncated: bool,
    pub(super) mark: M,
}

/// Why nothing more can be handed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlacedError {
    /// The log takes nothing any more.
    #[error("the input stopped")]
    NotStored(#[from] NotStored),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What such an input has to store with.
pub(super) struct Storing<P: Progress> {
    pub(super) context: Context,
    pub(super) account: Account,
    pub(super) origin: Arc<Origin>,
    pub(super) ledger: Ledger<P>,
}

impl<P: Progress> Storing<P> {
    /// Hands a page in until it is stored: while the disk is full it stays where it is.
    ///
    /// # Errors
    /// When the log has failed or ended, or the position cannot be kept.
    pub(super) async fn store(&mut self, page: Vec<Placed<P::Mark>>) -> Result<(), PlacedError> {
        if page.is_empty() {
            return Ok(());
        }
        let received = self.context.clock.now();
        let (mut frames, mut marks) = (Vec::with_capacity(page.len()), Vec::with_capacity(page.len()));
        for Placed { raw, truncated, mark } in page {
            frames.push(Frame { received, origin: Arc::clone(&self.origin), truncated, raw });
            marks.push(mark);
        }
        loop {
            let places = self.ledger.begin(&marks)?;
            frames.iter().for_each(|frame| self.account.frame(frame.raw.len(), frame.truncated));
            let outcome = match self.context.intake.submit_placed(frames.clone(), places).await {
                Ok(receipt) => receipt.synced().await,
                Err(err) => {
                    self.account.rejected.add(frames.len() as u64);
                    Err(err)
                }
            };
            match outcome {
                Ok(()) => break,
                // Noted but not stored: the next run reads it again.
                Err(NotStored::DiskFull) => tokio::select! {
                    accepting = self.context.intake.accepting() => accepting?,
                    () = self.context.cancel.cancelled() => return Ok(()),
                },
                Err(err) => return Err(err.into()),
            }
        }
        self.ledger.stored(&marks);
        Ok(())
    }
}
