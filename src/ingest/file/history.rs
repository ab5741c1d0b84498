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
use sha2::Digest as _;
use sha2::Sha256;

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
    ready: VecDeque<(Frame, u64)>,
    /// Where the frame handed out last ends, in the uncompressed content.
    end: u64,
    digest: Digest,
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
        joiner: Joiner::in_order(bytes_max),
        ready: VecDeque::new(),
        end: 0,
        digest: Digest::default(),
        ended: false,
        failure: None,
    })
}

/// The hash of the content as far as it was asked for; what was read beyond waits.
#[derive(Default)]
struct Digest {
    hash: Sha256,
    hashed: u64,
    waiting: VecDeque<Bytes>,
}

impl Digest {
    /// Returns the hash of everything before `end`, which never goes back.
    fn up_to(&mut self, end: u64) -> [u8; 32] {
        while let Some(mut chunk) = self.waiting.pop_front() {
            let wanted = usize::try_from(end.saturating_sub(self.hashed)).unwrap_or(usize::MAX);
            let part = chunk.split_to(wanted.min(chunk.len()));
            self.hash.update(&part);
            self.hashed += part.len() as u64;
            if !chunk.is_empty() {
                self.waiting.push_front(chunk);
                break;
            }
        }
        self.hash.clone().finalize().into()
    }
}

impl History<'_> {
    /// Passes over the beginning, up to `end`, and returns its hash; `None` when the content is shorter. Only before the
    /// first frame is taken, and never back.
    ///
    /// # Errors
    /// When the file cannot be read so far.
    pub fn skip_to(&mut self, end: u64) -> io::Result<Option<[u8; 32]>> {
        let mut buffer = vec![0; CHUNK_BYTES];
        while self.digest.hashed < end {
            let left = usize::try_from(end - self.digest.hashed).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let read = decompress::read_full(&mut *self.reader, buffer.get_mut(..left).unwrap_or_default())?;
            if read == 0 {
                return Ok(None);
            }
            self.digest.hash.update(buffer.get(..read).unwrap_or_default());
            self.digest.hashed += read as u64;
            (self.progress)(self.read.load(Ordering::Relaxed));
        }
        self.splitter = Splitter::new(self.splitter.bytes_max(), end);
        self.end = end;
        Ok(Some(self.digest.hash.clone().finalize().into()))
    }

    /// Returns where the frame handed out last ends in the uncompressed content.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Returns the hash of the content up to the end of the frame handed out last.
    pub fn digest(&mut self) -> [u8; 32] {
        self.digest.up_to(self.end)
    }

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
        let chunk = Bytes::from(chunk);
        self.digest.waiting.push_back(chunk.clone());
        self.splitter.feed(&chunk, &mut lines);
        if self.ended {
            self.splitter.flush(&mut lines);
        }
        let lines = self.join(lines);
        let received = self.clock.now();
        self.ready.extend(lines.into_iter().map(|line| {
            let origin = Arc::clone(&self.origin);
            (Frame { received, origin, truncated: line.truncated, raw: line.raw }, line.end)
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
            if let Some((frame, end)) = self.ready.pop_front() {
                self.end = end;
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
