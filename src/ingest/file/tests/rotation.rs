//! Every kind of rotation while lines are being written.

use std::fs;
use std::fs::File;
use std::io::Write;
use std::time::Duration;

use super::World;
use super::append;
use super::numbered;
use super::text_of;
use crate::ingest::file::Config;

#[tokio::test]
async fn by_renaming_while_the_writer_goes_on() {
    for pattern in ["a.log", "a.log*"] {
        let world = World::new();
        let run = world.start(world.config(pattern));
        let path = world.path("a.log");
        let mut writer = File::create(&path).expect("created");
        for round in 0..20 {
            let at = round * 100;
            writer.write_all(text_of(at..at + 50).as_bytes()).expect("written");
            // A file that comes and goes between two looks can only be missed.
            world.wait_for(at + 50).await;
            for older in (1..5).rev() {
                drop(fs::rename(world.path(&format!("a.log.{older}")), world.path(&format!("a.log.{}", older + 1))));
            }
            fs::rename(&path, world.path("a.log.1")).expect("renamed");
            // As a web server does until it is told to reopen.
            writer.write_all(text_of(at + 50..at + 100).as_bytes()).expect("written");
            writer = File::create(&path).expect("created");
        }
        let mut lines = world.wait_for(2000).await;
        lines.sort();
        let mut expected = numbered(0..2000);
        expected.sort();
        assert_eq!(lines, expected, "{pattern}");
        run.stop().await;
    }
}

#[tokio::test]
async fn by_copying_and_truncating() {
    for pattern in ["a.log", "a.log*"] {
        let world = World::new();
        let run = world.start(world.config(pattern));
        for round in 0..10 {
            append(&world.path("a.log"), &text_of(round * 100..round * 100 + 100));
            world.wait_for(round * 100 + 100).await;
            fs::copy(world.path("a.log"), world.path(&format!("a.log.{round}"))).expect("copied");
            File::create(world.path("a.log")).expect("truncated");
            // Longer than before at once: the length alone would not tell.
            if round == 9 {
                append(&world.path("a.log"), &text_of(1000..1500));
            }
        }
        assert_eq!(world.wait_for(1500).await, numbered(0..1500), "{pattern}");
        run.stop().await;
    }
}

#[tokio::test]
async fn by_deleting_and_creating() {
    let world = World::new();
    let run = world.start(world.config("a.log"));
    for round in 0..10 {
        append(&world.path("a.log"), &text_of(round * 10..round * 10 + 10));
        world.wait_for(round * 11 + 10 - usize::from(round > 0)).await;
        // What is still written to the deleted file is read too.
        let mut deleted = File::options().append(true).open(world.path("a.log")).expect("opens");
        fs::remove_file(world.path("a.log")).expect("removed");
        deleted.write_all(format!("farewell {round}\n").as_bytes()).expect("written");
    }
    let lines = world.wait_for(110).await;
    let (farewells, rest): (Vec<String>, Vec<String>) =
        lines.into_iter().partition(|line| line.starts_with("farewell"));
    assert_eq!((farewells.len(), rest), (10, numbered(0..100)));
    run.stop().await;
}

#[tokio::test]
async fn a_deleted_file_is_let_go_after_a_while() {
    let world = World::new();
    append(&world.path("a.log"), "one\nunfinished");
    let run = world.start(Config { rotated: Duration::from_millis(50), ..world.config("a.log") });
    world.wait_for(1).await;
    fs::remove_file(world.path("a.log")).expect("removed");
    assert_eq!(world.wait_for(2).await, ["one", "unfinished"]);
    world.wait_until("end", || world.registry.gauge("longan_files_followed", &[]).get() == 0).await;
    run.stop().await;
}

#[tokio::test]
async fn while_nobody_was_looking() {
    let world = World::new();
    append(&world.path("a.log"), &text_of(0..100));
    let run = world.start(world.config("a.log"));
    world.wait_for(100).await;
    run.stop().await;
    append(&world.path("a.log"), &text_of(100..150));
    fs::rename(world.path("a.log"), world.path("a.log.1")).expect("renamed");
    append(&world.path("a.log"), &text_of(150..200));
    append(&world.path("a.log.old"), "of somebody else\n");
    let run = world.start(world.config("a.log"));
    let mut lines = world.wait_for(200).await;
    lines.sort();
    let mut expected = numbered(0..200);
    expected.sort();
    assert_eq!(lines, expected);
    run.stop().await;
}

#[tokio::test]
async fn a_truncated_file_is_read_from_its_start_after_a_restart() {
    let world = World::new();
    append(&world.path("a.log"), &text_of(0..100));
    let run = world.start(world.config("a.log"));
    world.wait_for(100).await;
    run.stop().await;
    fs::write(world.path("a.log"), text_of(100..300)).expect("rewritten");
    let run = world.start(world.config("a.log"));
    assert_eq!(world.wait_for(300).await, numbered(0..300));
    run.stop().await;
}
