//! Files that are written, rotated and broken while they are followed.

mod event_logs;
mod old_files;
mod rotation;

use std::fs;
use std::fs::File;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ingest::file;
use crate::ingest::file::Config;
use crate::ingest::file::FileInputError;
use crate::ingest::file::Glob;
use crate::ingest::intake;
use crate::ingest::intake::NotStored;
use crate::ingest::intake::Place;
use crate::ingest::intake::Submission;
use crate::model::time::SystemClock;
use crate::telemetry::Registry;

/// What a stand-in for the WAL has stored.
#[derive(Debug, Default)]
struct Stored {
    lines: Vec<String>,
    truncated: usize,
    places: Vec<Place>,
    /// How many submissions are refused before the next is stored.
    refuse: usize,
}

/// A running file input in a folder of its own.
struct World {
    folder: tempfile::TempDir,
    stored: Arc<Mutex<Stored>>,
    registry: Registry,
}

struct Run {
    cancel: CancellationToken,
    input: JoinHandle<Result<(), FileInputError>>,
    sink: JoinHandle<()>,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().expect("folder");
        World { folder, stored: Arc::default(), registry: Registry::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, pattern: &str) -> Config {
        let glob: Glob = self.path(pattern).to_str().expect("UTF-8").parse().expect("good pattern");
        let poll = Duration::from_millis(20);
        let idle = Duration::from_secs(60);
        Config { poll, idle, ..Config::new(vec![glob]) }
    }

    /// Starts the input with the places of earlier runs.
    fn start(&self, config: Config) -> Run {
        let (intake, mut outlet) = intake::channel(8);
        let cancel = CancellationToken::new();
        let stored = Arc::clone(&self.stored);
        let sink = tokio::spawn(async move {
            while let Some(submission) = outlet.receiver.recv().await {
                store(&stored, submission);
            }
        });
        let places = self.stored.lock().expect("not poisoned").places.clone();
        let clock = Arc::new(SystemClock);
        let input = tokio::spawn(file::run(config, places, intake, self.registry.clone(), clock, cancel.clone()));
        Run { cancel, input, sink }
    }

    fn lines(&self) -> Vec<String> {
        self.stored.lock().expect("not poisoned").lines.clone()
    }

    /// Waits until so many lines are stored, and fails after a while.
    async fn wait_for(&self, count: usize) -> Vec<String> {
        self.wait_until(&format!("{count} lines"), || self.lines().len() >= count).await;
        // Whatever comes too much would come now.
        tokio::time::sleep(Duration::from_millis(60)).await;
        self.lines()
    }

    async fn wait_until(&self, what: &str, done: impl Fn() -> bool) {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < Duration::from_secs(20), "no {what}; stored: {:?}", self.lines());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn store(stored: &Mutex<Stored>, submission: Submission) {
    let mut stored = stored.lock().expect("not poisoned");
    let outcome = match stored.refuse.checked_sub(1) {
        Some(fewer) => {
            stored.refuse = fewer;
            Err(NotStored::DiskFull)
        }
        None => {
            assert_eq!(submission.frames.len(), submission.places.len(), "one place for each frame");
            stored.truncated += submission.frames.iter().filter(|frame| frame.truncated).count();
            let text = |raw: &[u8]| String::from_utf8_lossy(raw).into_owned();
            stored.lines.extend(submission.frames.iter().map(|frame| text(&frame.raw)));
            stored.places.extend(submission.places);
            Ok(())
        }
    };
    if let Some(receipt) = submission.receipt {
        drop(receipt.send(outcome));
    }
}

impl Run {
    async fn stop(self) {
        self.cancel.cancel();
        self.input.await.expect("no panic").expect("ends well");
        self.sink.await.expect("no panic");
    }

    /// As `kill -9`: nothing more is done, whatever was under way.
    async fn kill(self) {
        self.input.abort();
        drop(self.input.await);
        self.sink.await.expect("no panic");
    }
}

fn append(path: &Path, text: &str) {
    let mut file = File::options().append(true).create(true).open(path).expect("opens");
    file.write_all(text.as_bytes()).expect("written");
}

fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("line {number} of a log that is followed")).collect()
}

fn text_of(range: std::ops::Range<usize>) -> String {
    numbered(range).iter().map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn lines_come_as_they_are_written() {
    let world = World::new();
    append(&world.path("a.log"), "one\ntw");
    append(&world.path("b.txt"), "not asked for\n");
    let run = world.start(world.config("*.log"));
    assert_eq!(world.wait_for(1).await, ["one"]);
    append(&world.path("a.log"), "o\r\nthree\n");
    assert_eq!(world.wait_for(3).await, ["one", "two", "three"]);
    append(&world.path("c.log"), "a new file\n");
    assert_eq!(world.wait_for(4).await.last().map(String::as_str), Some("a new file"));
    run.stop().await;
    let input = format!("file:{}", world.path("a.log").display());
    assert_eq!(world.registry.counter("longan_input_received_total", &[("input", &input)]).get(), 3);
}

#[tokio::test]
async fn an_unfinished_line_is_taken_when_nothing_follows() {
    let world = World::new();
    append(&world.path("a.log"), "one\nno line break");
    let run = world.start(Config { idle: Duration::from_millis(50), ..world.config("a.log") });
    assert_eq!(world.wait_for(2).await, ["one", "no line break"]);
    append(&world.path("a.log"), " at first\n");
    assert_eq!(world.wait_for(3).await.last().map(String::as_str), Some(" at first"));
    run.stop().await;
}

#[tokio::test]
async fn a_file_can_be_followed_from_its_end() {
    let world = World::new();
    append(&world.path("a.log"), "old\n");
    let run = world.start(Config { start: file::Start::End, ..world.config("*.log") });
    world.wait_until("followed file", || world.registry.gauge("longan_files_followed", &[]).get() == 1).await;
    append(&world.path("a.log"), "new\n");
    append(&world.path("b.log"), "came later\n");
    let mut lines = world.wait_for(2).await;
    lines.sort();
    assert_eq!(lines, ["came later", "new"]);
    run.stop().await;
}

#[tokio::test]
async fn traces_are_joined() {
    let world = World::new();
    let start = regex::bytes::Regex::new("^[0-9]").expect("good");
    let multiline =
        file::Multiline { joining: file::Joining::Start(start), lines_max: NonZeroUsize::new(50).expect("not zero") };
    let config = Config { multiline: Some(multiline), idle: Duration::from_millis(100), ..world.config("a.log") };
    append(&world.path("a.log"), "1 boom\n\tat a\n\tat b\n2 fine\n");
    let run = world.start(config);
    assert_eq!(world.wait_for(2).await, ["1 boom\n\tat a\n\tat b", "2 fine"]);
    run.stop().await;
}

#[tokio::test]
async fn what_was_refused_is_read_again() {
    let world = World::new();
    world.stored.lock().expect("not poisoned").refuse = 3;
    append(&world.path("a.log"), &text_of(0..5000));
    let run = world.start(world.config("*.log"));
    assert_eq!(world.wait_for(5000).await, numbered(0..5000));
    run.stop().await;
}

#[tokio::test]
async fn a_restart_neither_loses_nor_repeats() {
    let world = World::new();
    let mut written = 0;
    for life in 0..12 {
        append(&world.path("a.log"), &text_of(written..written + 3000));
        written += 3000;
        let run = world.start(world.config("*.log"));
        if life % 2 == 0 {
            // At any moment: between reading, storing and being told.
            tokio::time::sleep(Duration::from_micros(700 * life)).await;
            run.kill().await;
        } else {
            world.wait_for(written - 2000).await;
            run.stop().await;
        }
    }
    let run = world.start(world.config("*.log"));
    assert_eq!(world.wait_for(written).await, numbered(0..written));
    run.stop().await;
}

#[tokio::test]
async fn a_line_of_100_megabytes_is_cut_and_the_next_one_is_whole() {
    let world = World::new();
    let mut file = File::create(world.path("a.log")).expect("created");
    for _ in 0..100 {
        file.write_all(&vec![b'x'; 1024 * 1024]).expect("written");
    }
    file.write_all(b"\nnext\n").expect("written");
    let run = world.start(world.config("a.log"));
    let lines = world.wait_for(2).await;
    assert_eq!((lines[0].len(), lines[1].as_str()), (64 * 1024, "next"));
    assert_eq!(world.stored.lock().expect("not poisoned").truncated, 1);
    run.stop().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_reported_and_tried_again() {
    let world = World::new();
    append(&world.path("a.log"), "one\n");
    append(&world.path("b.log"), "two\n");
    let files_max = NonZeroUsize::new(1).expect("not zero");
    let rotated = Duration::from_millis(30);
    let run = world.start(Config { files_max, rotated, ..world.config("*.log") });
    assert_eq!(world.wait_for(1).await, ["one"]);
    assert_eq!(world.registry.gauge("longan_files_unreadable", &[]).get(), 1);
    fs::remove_file(world.path("a.log")).expect("removed");
    assert_eq!(world.wait_for(2).await, ["one", "two"]);
    world.wait_until("recovery", || world.registry.gauge("longan_files_unreadable", &[]).get() == 0).await;
    run.stop().await;
}

#[tokio::test]
async fn what_is_no_file_is_passed_over_until_it_is_one() {
    let world = World::new();
    // A link that leads nowhere yet, a folder, and a pipe that nobody writes to.
    std::os::unix::fs::symlink(world.path("b"), world.path("a.log")).expect("linked");
    fs::create_dir(world.path("folder.log")).expect("created");
    nix::unistd::mkfifo(&world.path("pipe.log"), nix::sys::stat::Mode::S_IRWXU).expect("created");
    let run = world.start(world.config("*.log"));
    tokio::time::sleep(Duration::from_millis(60)).await;
    append(&world.path("b"), "there now\n");
    assert_eq!(world.wait_for(1).await, ["there now"]);
    run.stop().await;
}
