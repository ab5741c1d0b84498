//! Follows log files: lines as they are written, through every kind of rotation, from where the last run ended.
//!
//! How far a file was read is kept in the write-ahead log, beside each line, so a line is taken in exactly once even
//! across `kill -9`. The file system's notices only wake the input up; what it believes is what it sees when it looks.
//! Old compressed files are read once when asked for. What the rotations can and cannot lose is in `docs/wal.md`.

mod container;
mod decompress;
mod evtx;
mod follower;
mod glob;
mod history;
mod identity;
mod input;
mod lines;
mod records;
mod watch;

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;

pub use evtx::Damage;
pub use evtx::Evtx;
pub use evtx::evtx;
pub use glob::Glob;
pub use glob::GlobError;
pub use history::History;
pub use history::HistoryOptions;
pub use history::history;
pub use input::FileInputError;
pub use input::run;

pub use crate::ingest::joining::Joining;
pub use crate::ingest::joining::Multiline;

/// Where a file is begun that was there before this input first ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With its first line.
    #[default]
    Beginning,
    /// With what is written from now on.
    End,
}

/// One file input.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which files are followed.
    pub globs: Vec<Glob>,
    pub start: Start,
    /// Whether matching `.gz` and `.zst` files are read, once.
    pub history: bool,
    pub multiline: Option<Multiline>,
    /// A longer line is cut and marked.
    pub frame_bytes_max: NonZeroUsize,
    /// An unfinished last line is taken as it is when nothing was added for so long.
    pub idle: Duration,
    /// How often files are looked at without being told to: all there is on network file systems.
    pub poll: Duration,
    /// How long a file that was renamed or deleted is still read: its writer may not have reopened yet.
    pub rotated: Duration,
    /// How many files are followed at once.
    pub files_max: NonZeroUsize,
}

impl Config {
    /// The usual settings for some globs.
    pub fn new(globs: Vec<Glob>) -> Config {
        Config {
            globs,
            start: Start::Beginning,
            history: false,
            multiline: None,
            frame_bytes_max: NonZeroUsize::new(64 * 1024).expect("not zero"),
            idle: Duration::from_secs(5),
            poll: Duration::from_secs(1),
            rotated: Duration::from_secs(30),
            files_max: NonZeroUsize::new(1024).expect("not zero"),
        }
    }
}

/// Cuts a file that is read chunk by chunk into its messages as an input does; the last one may lack its line break.
pub fn messages(
    chunks: impl IntoIterator<Item = Bytes>,
    bytes_max: NonZeroUsize,
    multiline: Option<&Multiline>,
) -> Vec<Bytes> {
    let mut splitter = lines::Splitter::new(bytes_max.get(), 0);
    let mut joiner = lines::Joiner::new(bytes_max.get(), 0);
    let mut messages = Vec::new();
    let mut lines = Vec::new();
    let mut take = |lines: &mut Vec<lines::Line>| match multiline {
        Some(rules) => joiner.feed(rules, std::mem::take(lines), &mut messages),
        None => messages.append(lines),
    };
    for chunk in chunks {
        splitter.feed(&chunk, &mut lines);
        take(&mut lines);
    }
    splitter.flush(&mut lines);
    take(&mut lines);
    joiner.flush(&mut messages);
    messages.into_iter().map(|line| line.raw).collect()
}

#[cfg(test)]
mod tests;
