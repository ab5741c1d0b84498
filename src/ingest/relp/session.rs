//! One RELP connection: one half reads and submits, the other answers in order as the receipts come. Where pieces of a
//! message are joined, its transactions are answered together, once all of it is stored; others may be answered before.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout;

use crate::ingest::Receipt;
use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::joining::StreamJoiner;
use crate::ingest::relp::frame::Command;
use crate::ingest::relp::frame::Decoder;
use crate::ingest::relp::frame::FrameError;
use crate::ingest::relp::frame::Name;
use crate::ingest::relp::frame::write_answer;
use crate::ingest::stream::Shared;
use crate::ingest::syslog::strip_trailer;
use crate::model::Origin;

/// Read at once; a sender's window is rarely more.
const READ_BYTES: usize = 64 * 1024;
/// A connection without traffic holds no more buffer than this.
const READ_BYTES_FIRST: usize = 4 * 1024;
/// Groups that wait for their receipt; a sender with more in flight is no longer read.
const PENDING_GROUPS_MAX: usize = 64;
/// A sender that does not read its answers for so long is cut off.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// What the answering half is told, in the order in which it is submitted.
enum Answer {
    /// These transactions are stored once the receipt says so.
    Stored { transactions: Vec<u32>, receipt: Receipt },
    /// This one is answered as it stands.
    Text { transaction: u32, text: String },
    /// Nothing more can be stored: the session ends.
    Refused { reason: NotStored },
    /// The session ends.
    Close,
}

/// Why a session ended other than by its own `close`.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the connection broke")]
    Io(#[from] io::Error),
    #[error("the sender does not read its answers")]
    SlowReader,
    #[error(transparent)]
    NotStored(#[from] NotStored),
}

/// Serves a connection to its end.
pub(super) async fn run(
    shared: Arc<Shared>,
    stream: impl AsyncRead + AsyncWrite,
    origin: Arc<Origin>,
) -> Result<(), SessionError> {
    let (reading, writing) = tokio::io::split(stream);
    let (answers, pending) = mpsc::channel(PENDING_GROUPS_MAX);
    let mut reader = Reader {
        shared: &shared,
        origin,
        decoder: Decoder::new(shared.config.frame_bytes_max),
        buffer: BytesMut::with_capacity(READ_BYTES_FIRST),
        is_open: false,
        answers,
        joiner: shared.config.joining.clone().map(StreamJoiner::new),
    };
    let mut writer = std::pin::pin!(answer_all(writing, pending));
    tokio::select! {
        // When answering fails there is no use in reading on.
        written = &mut writer => return written,
        read = reader.read_all(reading) => if let Err(SessionError::Frame(err)) = read {
            shared.account.framing_errors.increment();
            drop(reader);
            writer.await?;
            return Err(err.into());
        },
    }
    // What was read is answered before the connection ends.
    drop(reader);
    writer.await
}

struct Reader<'a> {
    shared: &'a Shared,
    origin: Arc<Origin>,
    decoder: Decoder,
    buffer: BytesMut,
    is_open: bool,
    answers: mpsc::Sender<Answer>,
    /// Where the input joins pieces: the messages that wait for more, unanswered.
    joiner: Option<StreamJoiner<u32>>,
}

impl Reader<'_> {
    async fn read_all(&mut self, mut reading: impl AsyncRead + Unpin) -> Result<(), SessionError> {
        loop {
            self.buffer.reserve(if self.is_open { READ_BYTES } else { READ_BYTES_FIRST });
            let idle_timeout = self.shared.config.limits.idle_timeout;
            let due = self.joiner.as_ref().and_then(StreamJoiner::due).map(Instant::from_std);
            let is_due = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let read = tokio::select! {
                () = self.shared.context.cancel.cancelled() => break,
                () = is_due => {
                    if !self.submit(Group::default(), false).await {
                        return Ok(());
                    }
                    continue;
                }
                read = timeout(idle_timeout, reading.read_buf(&mut self.buffer)) => read,
            };
            match read {
                Ok(Ok(bytes)) if bytes > 0 => {}
                _ => {
                    self.submit(Group::default(), true).await;
                    return Ok(());
                }
            }
            if !self.take_commands().await? {
                return Ok(());
            }
        }
        self.submit(Group::default(), true).await;
        self.send(Answer::Close).await;
        Ok(())
    }

    /// Takes the commands read so far; false when the session is over.
    async fn take_commands(&mut self) -> Result<bool, SessionError> {
        let mut group = Group::default();
        let result: Result<bool, FrameError> = loop {
            match self.decoder.next_command(&mut self.buffer) {
                Ok(Some(Command { name: Name::Syslog, transaction, data, truncated })) if self.is_open => {
                    group.transactions.push(transaction);
                    group.frames.push(self.stamp(data, truncated));
                }
                Ok(Some(command)) => {
                    let ends = !matches!(command.name, Name::Unknown(_));
                    if !self.submit(std::mem::take(&mut group), ends).await || !self.control(command).await {
                        break Ok(false);
                    }
                }
                Ok(None) => break Ok(true),
                Err(err) => break Err(err),
            }
        };
        self.shared.account.skipped_bytes.add(self.decoder.take_skipped_bytes());
        // What came before a broken frame is stored all the same.
        Ok(self.submit(group, result.is_err()).await && result?)
    }

    fn stamp(&self, raw: Bytes, truncated: bool) -> Frame {
        let raw = if truncated { raw } else { raw.slice_ref(strip_trailer(&raw)) };
        Frame { received: self.shared.context.clock.now(), origin: Arc::clone(&self.origin), truncated, raw }
    }

    /// Puts pieces together where the input does, each with the transactions of all of them, and counts what is handed in.
    fn join(&mut self, group: Group, is_end: bool) -> Group {
        let account = &self.shared.account;
        let Some(joiner) = &mut self.joiner else {
            group.frames.iter().for_each(|frame| account.frame(frame.raw.len(), frame.truncated));
            return group;
        };
        let (now, mut out) = (Instant::now().into_std(), Vec::with_capacity(group.frames.len()));
        joiner.release_due(now, &mut out);
        for (frame, transaction) in group.frames.into_iter().zip(group.transactions) {
            joiner.feed(frame, transaction, now, &mut out);
        }
        if is_end {
            joiner.release_all(&mut out);
        }
        let mut whole = Group::default();
        for joined in out {
            account.joined(&joined);
            whole.frames.push(joined.frame);
            whole.transactions.extend(joined.tags);
        }
        // A sender keeps what is not answered; it need not come back in order, but may as well.
        whole.transactions.sort_unstable();
        whole
    }

    /// Submits a group and queues its answer; false when it was refused and the session is over. What waits for more of its
    /// pieces goes along when it is complete, and at the end.
    async fn submit(&mut self, group: Group, is_end: bool) -> bool {
        let group = self.join(group, is_end);
        if group.frames.is_empty() {
            return true;
        }
        let count = group.frames.len() as u64;
        match self.shared.context.intake.submit(group.frames).await {
            Ok(receipt) => self.send(Answer::Stored { transactions: group.transactions, receipt }).await,
            Err(reason) => {
                self.shared.account.rejected.add(count);
                self.send(Answer::Refused { reason }).await;
                false
            }
        }
    }

    /// Answers everything that is no message; false when the session is over.
    async fn control(&mut self, command: Command) -> bool {
        let Command { transaction, name, data, .. } = command;
        let (text, goes_on) = match name {
            Name::Open => match offer(&data) {
                Ok(text) => {
                    self.is_open = true;
                    (text, true)
                }
                Err(text) => (text, false),
            },
            // Never answered `500`, see `refuse`.
            Name::Syslog => {
                self.send(Answer::Close).await;
                return false;
            }
            Name::Close => (String::new(), false),
            Name::Unknown(_) => ("500 unknown command".to_owned(), true),
        };
        let queued = self.send(Answer::Text { transaction, text }).await;
        if !goes_on {
            self.send(Answer::Close).await;
        }
        queued && goes_on
    }

    async fn send(&self, answer: Answer) -> bool {
        self.answers.send(answer).await.is_ok()
    }
}

#[derive(Default)]
struct Group {
    transactions: Vec<u32>,
    frames: Vec<Frame>,
}

/// Answers the offers of `open`: we speak the version the sender does, and take `syslog`.
fn offer(data: &[u8]) -> Result<String, String> {
    let offers = String::from_utf8_lossy(data);
    let version = offers.lines().find_map(|line| line.strip_prefix("relp_version="));
    match version.map(str::trim) {
        Some("0" | "1") => {
            let version = version.map_or("0", str::trim);
            Ok(format!("200 OK\nrelp_version={version}\nrelp_software=longan\ncommands=syslog"))
        }
        _ => Err("500 unsupported relp_version".to_owned()),
    }
}

/// Writes answers until the session ends, one write for each group.
async fn answer_all(
    mut writing: impl AsyncWrite + Unpin,
    mut pending: mpsc::Receiver<Answer>,
) -> Result<(), SessionError> {
    let mut out = String::new();
    let mut ended = None;
    while let Some(answer) = pending.recv().await {
        out.clear();
        ended = put(&mut out, answer).await;
        write(&mut writing, &out).await?;
        if ended.is_some() {
            break;
        }
    }
    // Says goodbye; a sender that has gone already does not mind.
    drop(timeout(WRITE_TIMEOUT, writing.shutdown()).await);
    ended.unwrap_or(Ok(()))
}

/// Appends an answer once it is known; `Some` when the session ends with it.
async fn put(out: &mut String, answer: Answer) -> Option<Result<(), SessionError>> {
    match answer {
        Answer::Stored { transactions, receipt } => match receipt.synced().await {
            Ok(()) => {
                for transaction in transactions {
                    write_answer(out, transaction, "200 OK");
                }
                None
            }
            Err(reason) => Some(refuse(out, reason)),
        },
        Answer::Text { transaction, text } => {
            write_answer(out, transaction, &text);
            None
        }
        Answer::Refused { reason } => Some(refuse(out, reason)),
        Answer::Close => {
            out.push_str(SERVER_CLOSE);
            Some(Ok(()))
        }
    }
}

/// Tells the sender that the server ends the session.
const SERVER_CLOSE: &str = "0 serverclose 0\n";

/// Ends the session without answering: rsyslog throws a message away that is answered `500`, and keeps one that is not
/// answered until it has connected again.
fn refuse(out: &mut String, reason: NotStored) -> Result<(), SessionError> {
    out.push_str(SERVER_CLOSE);
    Err(reason.into())
}

async fn write(writing: &mut (impl AsyncWrite + Unpin), out: &str) -> Result<(), SessionError> {
    if out.is_empty() {
        return Ok(());
    }
    let written = timeout(WRITE_TIMEOUT, async {
        writing.write_all(out.as_bytes()).await?;
        writing.flush().await
    });
    Ok(written.await.map_err(|_| SessionError::SlowReader)??)
}
