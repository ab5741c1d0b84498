//! Compressed old files, followed once and imported.

use std::cell::Cell;
use std::fs;
use std::fs::File;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::World;
use super::append;
use super::numbered;
use super::text_of;
use crate::ingest::file::Config;
use crate::ingest::file::HistoryOptions;
use crate::ingest::file::history;
use crate::model::Timestamp;
use crate::model::time::ManualClock;

fn gzip(path: &Path, text: &str) {
    let mut encoder = GzEncoder::new(File::create(path).expect("created"), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("written");
    encoder.finish().expect("finished");
}

#[tokio::test]
async fn compressed_files_are_read_once_and_only_when_asked_for() {
    let world = World::new();
    gzip(&world.path("a.log.2.gz"), &text_of(0..2000));
    let packed = zstd::encode_all(text_of(2000..2100).as_bytes(), 3).expect("packed");
    fs::write(world.path("a.log.3.zst"), packed).expect("written");
    append(&world.path("a.log"), &text_of(2100..2110));
    let run = world.start(world.config("a.log*"));
    assert_eq!(world.wait_for(10).await.len(), 10);
    run.stop().await;
    for _ in 0..3 {
        let run = world.start(Config { history: true, ..world.config("a.log*") });
        let mut lines = world.wait_for(2110).await;
        lines.sort();
        let mut expected = numbered(0..2110);
        expected.sort();
        assert_eq!(lines, expected);
        run.stop().await;
    }
}

#[tokio::test]
async fn a_followed_file_that_is_compressed_is_not_read_twice() {
    let world = World::new();
    append(&world.path("a.log"), &text_of(0..500));
    let config = || Config { history: true, ..world.config("a.log*") };
    let run = world.start(config());
    world.wait_for(500).await;
    gzip(&world.path("a.log.1.gz"), &text_of(0..510));
    fs::remove_file(world.path("a.log")).expect("removed");
    assert_eq!(world.wait_for(510).await, numbered(0..510), "only what had not been read");
    run.stop().await;
}

#[test]
fn an_import_reads_every_kind_and_tells_its_progress() {
    let world = World::new();
    append(&world.path("plain"), &text_of(0..3000));
    gzip(&world.path("packed.gz"), &text_of(0..3000));
    let packed = zstd::encode_all(text_of(0..3000).as_bytes(), 3).expect("packed");
    fs::write(world.path("packed.zst"), packed).expect("written");
    let options = HistoryOptions {
        input: "import".to_owned(),
        frame_bytes_max: NonZeroUsize::new(1000).expect("not zero"),
        multiline: None,
    };
    let clock = ManualClock::at(Timestamp(5));
    for name in ["plain", "packed.gz", "packed.zst"] {
        let progress = Cell::new(0);
        let path = world.path(name);
        let frames = history(&path, &options, &clock, |bytes| progress.set(bytes)).expect("opens");
        let raw = |frame: &[u8]| String::from_utf8_lossy(frame).into_owned();
        let lines: Vec<String> = frames.map(|frame| raw(&frame.expect("good").raw)).collect();
        assert_eq!(lines, numbered(0..3000), "{name}");
        assert_eq!(progress.get(), fs::metadata(&path).expect("there").len(), "{name}");
    }
}

#[test]
fn damage_is_told_after_what_could_be_read() {
    let world = World::new();
    let path = world.path("cut.gz");
    gzip(&path, &text_of(0..20_000));
    let bytes = fs::read(&path).expect("read");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("cut");
    let options = HistoryOptions {
        input: "import".to_owned(),
        frame_bytes_max: NonZeroUsize::new(1000).expect("not zero"),
        multiline: None,
    };
    let clock = ManualClock::default();
    let items: Vec<_> = history(&path, &options, &clock, |_| {}).expect("opens").collect();
    assert!(items.len() > 1000, "{} items", items.len());
    let (last, good) = items.split_last().expect("some");
    assert!(last.is_err() && good.iter().all(Result::is_ok));
}
