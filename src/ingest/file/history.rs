//! Old log files, read once from beginning to end: plain, gzip or Zstandard.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::ingest::file::Multiline;
use crate::ingest::file::decompress;
use crate::ingest::file::decompress::Compression;
use crate::ingest::file::lines::Joiner;
use crate::ingest::file::lines::Line;
use crate::ingest::file::lines::Splitter;
use crate::ingest::intake::Frame;
use crate::model::Origin;
use crate::model::time::Clock;

const CHUNK_BYTES: usize = 256 * 1024;

/// How a file is read.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// The name of the input the frames carry.
    pub input: String,
    /// A longer line is cut and marked.
    pub frame_bytes_max: NonZeroUsize,
    pub multiline: Option<Multiline>,
}

/// The frames of one old file, in order; memory is bounded by the longest frame, not by the file.
pub struct History<'a> {
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
    progress: Box<dyn FnMut(u64) + 'a>,
    clock: &'a dyn Clock,
    origin: Arc<Origin>,
    multiline: Option<Multiline>,
    splitter: Splitter,
    joiner: Joiner,
    ready: VecDeque<Frame>,
    ended: bool,
    failure: Option<io::Error>,
}

/// Opens an old file. `progress` is told how many bytes of the file, as it lies on the disk, have been read so far.
///
/// # Errors
/// When the file cannot be opened. Damage inside a compressed file comes as an item, after all that could be read.
pub fn history<'a>(
    path: &Path,
    options: &HistoryOptions,
    clock: &'a dyn Clock,
    progress: impl FnMut(u64) + 'a,
) -> io::Result<History<'a>> {
    let (reader, read) = decompress::reader(File::open(path)?, Compression::of(path))?;
    let bytes_max = options.frame_bytes_max.get();
    Ok(History {
        reader,
        read,
        progress: Box::new(progress),
        clock,
        origin: Arc::new(Origin { input: options.input.clone(), peer: None, identity: None }),
        multiline: options.multiline.clone(),
        splitter: Splitter::new(bytes_max, 0),
        joiner: Joiner::new(bytes_max),
        ready: VecDeque::new(),
        ended: false,
        failure: None,
    })
}

impl History<'_> {
    fn read_chunk(&mut self) {
        let mut chunk = vec![0; CHUNK_BYTES];
        let outcome = loop {
            match self.reader.read(&mut chunk) {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        chunk.truncate(*outcome.as_ref().unwrap_or(&0));
        self.ended = !matches!(outcome, Ok(1..));
        self.failure = outcome.err();
        let mut lines = Vec::new();
        self.splitter.feed(&Bytes::from(chunk), &mut lines);
        if self.ended {
            self.splitter.flush(&mut lines);
        }
        let lines = self.join(lines);
        let received = self.clock.now();
        self.ready.extend(lines.into_iter().map(|line| Frame {
            received,
            origin: Arc::clone(&self.origin),
            truncated: line.truncated,
            raw: line.raw,
        }));
        (self.progress)(self.read.load(Ordering::Relaxed));
    }

    fn join(&mut self, lines: Vec<Line>) -> Vec<Line> {
        let Some(rules) = &self.multiline else { return lines };
        let mut joined = Vec::new();
        self.joiner.feed(rules, lines, &mut joined);
        if self.ended {
            self.joiner.flush(&mut joined);
        }
        joined
    }
}

impl Iterator for History<'_> {
    type Item = io::Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(Ok(frame));
            }
            if self.ended {
                // What came before the damage has been handed out.
                return self.failure.take().map(Err);
            }
            self.read_chunk();
        }
    }
}
