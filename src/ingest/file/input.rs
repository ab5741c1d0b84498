//! The file input's task: looks, reads, submits, and remembers a place only when it is stored.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::ingest::Intake;
use crate::ingest::file::Config;
use crate::ingest::file::Start;
use crate::ingest::file::decompress::Compression;
use crate::ingest::file::follower::Batch;
use crate::ingest::file::follower::Follower;
use crate::ingest::file::follower::Opened;
use crate::ingest::file::glob::Found;
use crate::ingest::file::identity::FileId;
use crate::ingest::file::watch::Watch;
use crate::ingest::intake::NotStored;
use crate::ingest::intake::Place;
use crate::model::Origin;
use crate::model::time::Clock;
use crate::telemetry::Counter;
use crate::telemetry::Gauge;
use crate::telemetry::Registry;

/// How much one look reads of all files together.
const LOOK_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How many places of truncated files are kept to recognise their copies.
const SUPERSEDED_MAX: usize = 256;
/// Looks that find little are at least so far apart: a busy file must not wake us for every line.
const PAUSE: Duration = Duration::from_millis(20);

/// Why the input ended by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileInputError {
    /// The WAL takes nothing any more.
    #[error("file input stopped")]
    NotStored(#[from] NotStored),
    /// Looking at the files panicked.
    #[error("file input failed while reading")]
    Reader(#[source] tokio::task::JoinError),
}

/// Follows the files until cancelled. `places` is what the WAL remembered of earlier runs.
///
/// # Errors
/// When the WAL has failed or ended.
pub async fn run(
    config: Config,
    places: Vec<Place>,
    intake: Intake,
    registry: Registry,
    clock: Arc<dyn Clock>,
    cancel: CancellationToken,
) -> Result<(), FileInputError> {
    let (poll, mut watch) = (config.poll, Watch::new());
    let mut files = Box::new(Files::new(config, places, registry, clock));
    while !cancel.is_cancelled() {
        let looked;
        (files, looked) = tokio::task::spawn_blocking(move || {
            let looked = files.look();
            (files, looked)
        })
        .await
        .map_err(FileInputError::Reader)?;
        watch.folders(&looked.folders);
        let more = looked.batches.iter().any(|(_, batch)| batch.more);
        let idle = looked.batches.is_empty();
        submit(&mut files, looked.batches, &intake, &cancel).await?;
        if !more {
            let wake = async {
                watch.changed.notified().await;
                if idle {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            };
            tokio::select! {
                () = wake => {}
                () = tokio::time::sleep(poll) => {}
                () = cancel.cancelled() => {}
            }
        }
    }
    Ok(())
}

/// Hands in all batches at once, then waits for each receipt; a file whose batch was not stored goes back.
async fn submit(
    files: &mut Files,
    batches: Vec<(FileId, Batch)>,
    intake: &Intake,
    cancel: &CancellationToken,
) -> Result<(), FileInputError> {
    let mut waiting = Vec::with_capacity(batches.len());
    let mut refused = None;
    for (id, Batch { frames, places, superseded, .. }) in batches {
        let Some(last) = places.last().copied() else {
            files.stored(id, None, superseded);
            continue;
        };
        let count = frames.len() as u64;
        match intake.submit_placed(frames, places).await {
            Ok(receipt) => {
                files.count_received(id, count);
                waiting.push((id, last, superseded, receipt));
            }
            Err(err) => {
                files.rewind(id, superseded);
                refused = Some(err);
            }
        }
    }
    for (id, last, superseded, receipt) in waiting {
        match receipt.synced().await {
            Ok(()) => files.stored(id, Some(last), superseded),
            Err(err) => {
                files.rewind(id, superseded);
                refused = Some(err);
            }
        }
    }
    match refused {
        None => Ok(()),
        // The lines stay where they are: in their files.
        Some(NotStored::DiskFull) => tokio::select! {
            accepting = intake.accepting() => Ok(accepting?),
            () = cancel.cancelled() => Ok(()),
        },
        Some(err) => Err(err.into()),
    }
}

#[derive(Debug, Default)]
struct Looked {
    batches: Vec<(FileId, Batch)>,
    folders: Vec<PathBuf>,
}

/// All followed files.
struct Files {
    config: Config,
    followers: BTreeMap<FileId, Follower>,
    /// The latest stored place of each file.
    known: HashMap<FileId, Place>,
    superseded: VecDeque<Place>,
    /// Paths that could not be opened or read: told once.
    unreadable: HashSet<PathBuf>,
    first_look: bool,
    /// Where the next look begins, so that a file that never ends cannot starve the others.
    next: Option<FileId>,
    registry: Registry,
    clock: Arc<dyn Clock>,
    followed: Gauge,
    unreadable_count: Gauge,
    behind: Gauge,
}

impl Files {
    fn new(config: Config, places: Vec<Place>, registry: Registry, clock: Arc<dyn Clock>) -> Files {
        Files {
            followed: registry.gauge("longan_files_followed", &[]),
            unreadable_count: registry.gauge("longan_files_unreadable", &[]),
            behind: registry.gauge("longan_files_behind_bytes", &[]),
            config,
            followers: BTreeMap::new(),
            known: places.into_iter().map(|place| (FileId::of_place(&place), place)).collect(),
            superseded: VecDeque::new(),
            unreadable: HashSet::new(),
            first_look: true,
            next: None,
            registry,
            clock,
        }
    }

    /// Finds files that came or went, and reads a part of each.
    fn look(&mut self) -> Looked {
        let mut found = Found::default();
        self.config.globs.clone().iter().for_each(|glob| glob.search(&mut found));
        found.files.sort();
        found.files.dedup();
        found.folders.sort();
        found.folders.dedup();
        let mut failed = HashSet::new();
        for (path, err) in &found.unreadable {
            self.tell_unreadable(path, err, &mut failed);
        }
        self.match_up(&found, &mut failed);
        let batches = self.read_some(&mut failed);
        self.unreadable = failed;
        self.first_look = false;
        self.followed.set(self.followers.len() as i64);
        self.unreadable_count.set(self.unreadable.len() as i64);
        let behind: u64 = self.followers.values().map(Follower::behind_bytes).sum();
        self.behind.set(i64::try_from(behind).unwrap_or(i64::MAX));
        Looked { batches, folders: found.folders }
    }

    fn match_up(&mut self, found: &Found, failed: &mut HashSet<PathBuf>) {
        let mut present = HashSet::new();
        for path in &found.files {
            if Compression::of(path) != Compression::None && !self.config.history {
                continue;
            }
            // The name may be gone again already, and pipes and sockets are not for following.
            let Ok(metadata) = path.metadata() else { continue };
            if metadata.is_file() {
                let id = FileId::of(&metadata);
                present.insert(id);
                self.follow(id, path, path, failed);
            }
        }
        if self.first_look {
            self.follow_rotated(found, &present, failed);
        }
        for (id, follower) in &mut self.followers {
            if present.contains(id) {
                follower.detached = None;
            } else {
                follower.detached.get_or_insert_with(Instant::now);
            }
        }
        // A finished file of a pattern stays, so that it is not opened again; one that is gone is let go.
        self.followers.retain(|id, follower| !follower.finished || present.contains(id));
    }

    /// Finds files that were renamed while we were not running: their last lines have not been read.
    fn follow_rotated(&mut self, found: &Found, present: &HashSet<FileId>, failed: &mut HashSet<PathBuf>) {
        for folder in &found.folders {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for path in entries.flatten().map(|entry| entry.path()) {
                let Ok(metadata) = path.metadata() else { continue };
                let id = FileId::of(&metadata);
                let is_new = metadata.is_file() && !present.contains(&id) && self.known.contains_key(&id);
                if let Some(original) = original_of(&path, &found.files).filter(|_| is_new) {
                    self.follow(id, &path, original, failed);
                }
            }
        }
    }

    fn follow(&mut self, id: FileId, path: &Path, original: &Path, failed: &mut HashSet<PathBuf>) {
        if let Some(follower) = self.followers.get_mut(&id) {
            if follower.path != path {
                follower.path = path.to_owned();
            }
            return;
        }
        if self.followers.len() >= self.config.files_max.get() {
            let err = io::Error::other("too many files are followed already");
            return self.tell_unreadable(path, &err, failed);
        }
        match self.open(path, original) {
            Ok(Opened::Follower(follower)) => {
                self.followers.insert(follower.id, *follower);
            }
            Ok(Opened::NotYet) => {}
            Err(err) => self.tell_unreadable(path, &err, failed),
        }
    }

    fn open(&mut self, path: &Path, original: &Path) -> io::Result<Opened> {
        // Should the name be a pipe by now, opening must not wait for its writer.
        let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
        let file = File::options().read(true).custom_flags(flags).open(path)?;
        let known: Vec<Place> = self.known.values().chain(&self.superseded).copied().collect();
        let at_end = self.first_look && self.config.start == Start::End;
        let input = input_name(original);
        let received = self.registry.counter("longan_input_received_total", &[("input", &input)]);
        let origin = Arc::new(Origin { input, peer: None, identity: None });
        Follower::open(file, path, (origin, received), &known, at_end, &self.config)
    }

    /// Tells a failure once, and again only after it had gone away.
    fn tell_unreadable(&self, path: &Path, err: &io::Error, failed: &mut HashSet<PathBuf>) {
        if failed.insert(path.to_owned()) && !self.unreadable.contains(path) {
            warn!(path = %path.display(), error = %err, "file or folder cannot be read, trying again");
        }
    }

    fn read_some(&mut self, failed: &mut HashSet<PathBuf>) -> Vec<(FileId, Batch)> {
        let now = self.clock.now();
        let (mut batches, mut bytes) = (Vec::new(), 0);
        let mut order: Vec<FileId> = self.followers.keys().copied().collect();
        let first = order.partition_point(|id| self.next.is_some_and(|next| *id < next));
        let first = first.min(order.len());
        order.rotate_left(first);
        self.next = None;
        for id in order {
            if bytes >= LOOK_BYTES_MAX {
                self.next = Some(id);
                break;
            }
            let Some(follower) = self.followers.get_mut(&id) else { continue };
            let path = follower.path.clone();
            match follower.read(&self.config, now) {
                Ok(batch) => {
                    bytes += batch.frames.iter().map(|frame| frame.raw.len()).sum::<usize>();
                    if batch.more || batch.superseded.is_some() || !batch.frames.is_empty() {
                        batches.push((id, batch));
                    }
                }
                Err(err) => self.tell_unreadable(&path, &err, failed),
            }
        }
        batches
    }

    fn count_received(&self, id: FileId, frames: u64) {
        if let Some(follower) = self.followers.get(&id) {
            Counter::add(&follower.received, frames);
        }
    }

    fn stored(&mut self, id: FileId, last: Option<Place>, superseded: Option<Place>) {
        if let Some(before) = superseded {
            self.known.remove(&id);
            self.superseded.push_back(last.unwrap_or(before));
            self.superseded.truncate(SUPERSEDED_MAX);
        } else if let Some(place) = last {
            self.known.insert(id, place);
        }
        if let (Some(follower), Some(place)) = (self.followers.get_mut(&id), last) {
            follower.stored(place, superseded.is_some());
        }
    }

    fn rewind(&mut self, id: FileId, superseded: Option<Place>) {
        // What a truncation cut off cannot be read again; the file begins anew.
        if superseded.is_none()
            && let Some(follower) = self.followers.get_mut(&id)
            && let Err(err) = follower.rewind()
        {
            warn!(path = %follower.path.display(), error = %err, "file cannot be read again, it is opened anew");
            self.followers.remove(&id);
        }
    }
}

/// Returns which followed file this one was before it was rotated: its name goes on with a dot or dash.
fn original_of<'a>(path: &Path, files: &'a [PathBuf]) -> Option<&'a Path> {
    let name = path.file_name()?.to_str()?;
    let is_original = |file: &&PathBuf| {
        let rest = file.file_name().and_then(|original| name.strip_prefix(original.to_str()?));
        file.parent() == path.parent() && rest.is_some_and(|rest| rest.starts_with(['.', '-']))
    };
    files.iter().find(is_original).map(PathBuf::as_path)
}

/// Builds the input's name from the path: its end, where it is too long to be kept whole.
fn input_name(path: &Path) -> String {
    let path = path.to_string_lossy();
    let mut start = path.len().saturating_sub(240);
    while !path.is_char_boundary(start) {
        start += 1;
    }
    let (cut, end) = (if start > 0 { "…" } else { "" }, path.get(start..).unwrap_or_default());
    format!("file:{cut}{end}")
}
