//! The one door from inputs to the WAL: a bounded queue, and receipts that come back after the sync.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;

use crate::model::Origin;
use crate::model::Timestamp;

/// One delimited message as an input read it, before it has an event id.
#[derive(Debug, Clone)]
pub struct Frame {
    /// When the whole frame had been read.
    pub received: Timestamp,
    /// Where it came from; shared by the frames of a connection.
    pub origin: Arc<Origin>,
    /// True when `raw` is only the beginning of a longer frame.
    pub truncated: bool,
    /// The bytes as received, without the framing.
    pub raw: Bytes,
}

/// Where in a followed file a frame ends; kept in the WAL beside the frame, so that the log alone tells where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    pub device: u64,
    pub inode: u64,
    /// The first byte after the frame.
    pub offset: u64,
    /// How many bytes of the file's beginning `head_crc` covers; never beyond `offset`.
    pub head_bytes: u16,
    /// How many bytes just before `offset` `tail_crc` covers, with the count of [`Place::taken`] in the upper bits.
    pub tail_bytes: u16,
    /// With `tail_crc`, tells a file from a later one with the same inode, and a copy of it from another file.
    pub head_crc: u32,
    pub tail_crc: u32,
}

/// The lower bits of `tail_bytes`, which are a number of bytes.
const TAIL_MASK: u16 = 0x7f;
/// How many frames after a place can be counted.
pub const TAKEN_MAX: u16 = u16::MAX >> 7;

impl Place {
    /// Returns how many bytes just before `offset` `tail_crc` covers.
    pub fn tail(&self) -> u16 {
        self.tail_bytes & TAIL_MASK
    }

    /// Returns how many of the frames that come after `offset` are stored already: where lines of several frames alternate, no
    /// place lies between them.
    pub fn taken(&self) -> u16 {
        self.tail_bytes >> 7
    }

    /// Notes how many of the frames after `offset` are stored, at most [`TAKEN_MAX`].
    pub fn with_taken(self, taken: u16) -> Place {
        Place { tail_bytes: self.tail() | taken.min(TAKEN_MAX) << 7, ..self }
    }
}

/// Frames handed in together: stored together, acknowledged together.
#[derive(Debug)]
pub struct Submission {
    pub frames: Vec<Frame>,
    /// Empty, or the place of each frame in the file it was read from.
    pub places: Vec<Place>,
    /// Told once the frames are synced (or will never be); `None` when nobody waits for it.
    pub receipt: Option<oneshot::Sender<Result<(), NotStored>>>,
}

/// Why nothing can be taken in at present.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotStored {
    /// The disk is full, or its reserve is reached: the sender should keep the message and try later.
    #[error("the disk is full or its reserve is reached")]
    DiskFull,
    /// Writing or syncing the log failed: nothing is accepted until the program is restarted.
    #[error("the write-ahead log failed: {0}")]
    LogFailed(String),
    /// The program is stopping.
    #[error("the program is stopping")]
    Closed,
}

/// A promise that the submitted frames are on disk, kept or broken when awaited.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<(), NotStored>>);

impl Receipt {
    /// Waits until the frames are synced to disk.
    ///
    /// # Errors
    /// When they were not stored; the sender must not be told that they were.
    pub async fn synced(self) -> Result<(), NotStored> {
        self.0.await.unwrap_or(Err(NotStored::Closed))
    }

    /// The same, for a thread without a runtime.
    ///
    /// # Errors
    /// As [`Receipt::synced`].
    pub fn wait(self) -> Result<(), NotStored> {
        self.0.blocking_recv().unwrap_or(Err(NotStored::Closed))
    }
}

/// The inputs' end of the queue. Cloning is cheap; when the last clone is dropped, the WAL drains and ends.
#[derive(Debug, Clone)]
pub struct Intake {
    sender: mpsc::Sender<Submission>,
    refusal: watch::Receiver<Option<NotStored>>,
}

/// The WAL's end of the queue.
#[derive(Debug)]
pub struct Outlet {
    pub receiver: mpsc::Receiver<Submission>,
    /// Set to a reason while inputs must refuse; `None` while they may accept.
    pub refusal: watch::Sender<Option<NotStored>>,
}

/// Builds the queue; `submissions_max` bounds how many submissions wait, and full means that inputs stop reading.
pub fn channel(submissions_max: usize) -> (Intake, Outlet) {
    let (sender, receiver) = mpsc::channel(submissions_max);
    let (refusal_sender, refusal) = watch::channel(None);
    (Intake { sender, refusal }, Outlet { receiver, refusal: refusal_sender })
}

impl Intake {
    /// Returns why inputs must refuse at present, if they must.
    pub fn refusal(&self) -> Option<NotStored> {
        self.refusal.borrow().clone()
    }

    /// Returns a look at the refusal that does not keep the door open.
    pub fn watch_refusal(&self) -> watch::Receiver<Option<NotStored>> {
        self.refusal.clone()
    }

    /// Waits until inputs may accept again; for those that can only stop reading.
    ///
    /// # Errors
    /// [`NotStored::Closed`] when the WAL has ended.
    pub async fn accepting(&self) -> Result<(), NotStored> {
        let mut refusal = self.refusal.clone();
        let waited = refusal.wait_for(Option::is_none).await;
        waited.map(|_| ()).map_err(|_| NotStored::Closed)
    }

    /// Submits frames and returns the receipt to wait for; waits while the queue is full.
    ///
    /// # Errors
    /// When nothing can be taken in; the frames are dropped, and the caller must not acknowledge them.
    pub async fn submit(&self, frames: Vec<Frame>) -> Result<Receipt, NotStored> {
        self.submit_placed(frames, Vec::new()).await
    }

    /// As [`Intake::submit`], for frames of a file: `places` has one place for each frame.
    ///
    /// # Errors
    /// As [`Intake::submit`].
    pub async fn submit_placed(&self, frames: Vec<Frame>, places: Vec<Place>) -> Result<Receipt, NotStored> {
        debug_assert!(places.is_empty() || places.len() == frames.len(), "one place for each frame");
        self.check()?;
        let (receipt, promise) = oneshot::channel();
        let submission = Submission { frames, places, receipt: Some(receipt) };
        self.sender.send(submission).await.map_err(|_| NotStored::Closed)?;
        Ok(Receipt(promise))
    }

    /// Submits frames that nobody acknowledges; waits while the queue is full.
    ///
    /// # Errors
    /// As [`Intake::submit`]: the caller counts the frames as dropped.
    pub async fn deliver(&self, frames: Vec<Frame>) -> Result<(), NotStored> {
        self.check()?;
        self.sender.send(Submission { frames, places: Vec::new(), receipt: None }).await.map_err(|_| NotStored::Closed)
    }

    /// As [`Intake::deliver`], for a thread without a runtime (the UDP reader).
    ///
    /// # Errors
    /// As [`Intake::submit`].
    pub fn deliver_blocking(&self, frames: Vec<Frame>) -> Result<(), NotStored> {
        self.check()?;
        self.sender
            .blocking_send(Submission { frames, places: Vec::new(), receipt: None })
            .map_err(|_| NotStored::Closed)
    }

    /// As [`Intake::submit`], for a thread without a runtime.
    ///
    /// # Errors
    /// As [`Intake::submit`].
    pub fn submit_blocking(&self, frames: Vec<Frame>) -> Result<Receipt, NotStored> {
        self.submit_placed_blocking(frames, Vec::new())
    }

    /// As [`Intake::submit_placed`], for a thread without a runtime.
    ///
    /// # Errors
    /// As [`Intake::submit`].
    pub fn submit_placed_blocking(&self, frames: Vec<Frame>, places: Vec<Place>) -> Result<Receipt, NotStored> {
        debug_assert!(places.is_empty() || places.len() == frames.len(), "one place for each frame");
        self.check()?;
        let (receipt, promise) = oneshot::channel();
        let submission = Submission { frames, places, receipt: Some(receipt) };
        self.sender.blocking_send(submission).map_err(|_| NotStored::Closed)?;
        Ok(Receipt(promise))
    }

    fn check(&self) -> Result<(), NotStored> {
        self.refusal().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame {
            received: Timestamp(0),
            origin: Arc::new(Origin::default()),
            truncated: false,
            raw: Bytes::from_static(b"x"),
        }
    }

    #[tokio::test]
    async fn a_receipt_is_kept_only_by_the_wal() {
        let (intake, mut outlet) = channel(4);
        let receipt = intake.submit(vec![frame()]).await.expect("accepted");
        let submission = outlet.receiver.recv().await.expect("arrives");
        let told = submission.receipt.expect("asked for").send(Ok(()));
        assert_eq!((told, receipt.synced().await), (Ok(()), Ok(())));

        let receipt = intake.submit(vec![frame()]).await.expect("accepted");
        drop(outlet);
        assert_eq!(receipt.synced().await, Err(NotStored::Closed));
        assert_eq!(intake.deliver(vec![frame()]).await, Err(NotStored::Closed));
    }

    #[tokio::test]
    async fn a_refusal_reaches_every_input() {
        let (intake, outlet) = channel(4);
        outlet.refusal.send_replace(Some(NotStored::DiskFull));
        assert_eq!(intake.deliver(vec![frame()]).await, Err(NotStored::DiskFull));
        outlet.refusal.send_replace(None);
        assert_eq!(intake.accepting().await, Ok(()));
        assert_eq!(intake.deliver(vec![frame()]).await, Ok(()));
    }
}
