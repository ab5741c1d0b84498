//! The WAL thread between a queue of submissions and the processing stage.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use super::events;
use super::frame;
use super::open;
use crate::ingest::Intake;
use crate::ingest::intake;
use crate::ingest::intake::NotStored;
use crate::model::Envelope;
use crate::telemetry::Registry;
use crate::wal::Wal;
use crate::wal::disk::sim::SimDisk;
use crate::wal::writer;
use crate::wal::writer::Handles;
use crate::wal::writer::Limits;
use crate::wal::writer::WriterError;

struct Running {
    intake: Intake,
    forwarded: mpsc::Receiver<Vec<Envelope>>,
    release: Arc<AtomicU64>,
    registry: Registry,
    thread: JoinHandle<Result<Wal, WriterError>>,
}

fn start(disk: &SimDisk) -> Running {
    let (wal, _) = open(disk);
    let (intake, outlet) = intake::channel(64);
    let (forward, forwarded) = mpsc::sync_channel(1024);
    let release = Arc::new(AtomicU64::new(0));
    let registry = Registry::default();
    let limits = Limits { recheck: Duration::from_millis(5), ..Limits::default() };
    let handles = Handles { forward, release: Arc::clone(&release), registry: registry.clone(), limits };
    let thread = thread::spawn(move || writer::run(wal, outlet, handles));
    Running { intake, forwarded, release, registry, thread }
}

#[test]
fn everything_handed_in_is_synced_forwarded_and_counted() {
    let disk = SimDisk::new(1);
    let Running { intake, forwarded, registry, thread, .. } = start(&disk);
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let intake = intake.clone();
            thread::spawn(move || {
                for number in 0..200 {
                    let receipt = intake.submit_blocking(vec![frame(format!("{sender} {number}"))]).expect("accepted");
                    receipt.wait().expect("stored");
                }
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| sender.join().expect("no panic"));
    drop(intake);
    let wal = thread.join().expect("no panic").expect("ends well");
    let forwarded: Vec<u64> = forwarded.iter().flatten().map(|envelope| envelope.id.0).collect();
    assert_eq!(forwarded, (1..=800).collect::<Vec<u64>>());
    assert_eq!(events(&wal, 0).len(), 800);
    assert_eq!(registry.counter("longan_input_stored_total", &[("input", "test")]).get(), 800);
    let syncs = registry.counter("longan_wal_syncs_total", &[]).get();
    assert!(syncs > 0 && syncs <= 800, "{syncs} syncs");
    drop(wal);
    disk.restart();
    assert_eq!(events(&open(&disk).0, 0).len(), 800, "all of it was synced");
}

#[test]
fn what_is_durable_elsewhere_is_released() {
    let disk = SimDisk::new(1);
    let Running { intake, forwarded: _forwarded, release, registry, thread } = start(&disk);
    let store = |text: &str| {
        let receipt = intake.submit_blocking(vec![frame(text.repeat(100))]).expect("accepted");
        receipt.wait().expect("stored");
    };
    (0..100).for_each(|_| store("abc"));
    release.store(100, std::sync::atomic::Ordering::Release);
    store("last");
    drop(intake);
    let wal = thread.join().expect("no panic").expect("ends well");
    assert!(wal.segment_count() <= 2, "{} segments left", wal.segment_count());
    assert_eq!(registry.gauge("longan_wal_segments", &[]).get(), wal.segment_count() as i64);
}

#[test]
fn a_full_disk_refuses_and_accepts_again() {
    let disk = SimDisk::new(1);
    let Running { intake, forwarded: _forwarded, registry, thread, .. } = start(&disk);
    disk.set_capacity(10);
    let receipt = intake.submit_blocking(vec![frame("no room")]).expect("queued");
    assert_eq!(receipt.wait(), Err(NotStored::DiskFull));
    assert_eq!(intake.deliver_blocking(vec![frame("refused at the door")]), Err(NotStored::DiskFull));
    disk.set_capacity(u64::MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    runtime.block_on(intake.accepting()).expect("accepts again");
    intake.submit_blocking(vec![frame("room")]).expect("queued").wait().expect("stored");
    drop(intake);
    let wal = thread.join().expect("no panic").expect("ends well");
    assert_eq!(events(&wal, 0).into_iter().map(|event| event.1).collect::<Vec<_>>(), ["room"]);
    assert_eq!(registry.counter("longan_input_rejected_total", &[("input", "test")]).get(), 1);
}

#[test]
fn what_no_sender_can_be_told_of_waits_for_room() {
    let disk = SimDisk::new(1);
    let Running { intake, forwarded, registry, thread, .. } = start(&disk);
    disk.set_capacity(10);
    intake.deliver_blocking(vec![frame("held"), frame("back")]).expect("queued");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    runtime.block_on(async {
        while intake.refusal().is_none() {
            tokio::task::yield_now().await;
        }
        disk.set_capacity(u64::MAX);
        intake.accepting().await.expect("accepts again");
    });
    intake.submit_blocking(vec![frame("room")]).expect("queued").wait().expect("stored");
    drop(intake);
    let wal = thread.join().expect("no panic").expect("ends well");
    assert_eq!(events(&wal, 0).into_iter().map(|event| event.1).collect::<Vec<_>>(), ["held", "back", "room"]);
    let counted = |name| registry.counter(name, &[("input", "test")]).get();
    assert_eq!((counted("longan_input_stored_total"), counted("longan_input_dropped_total")), (3, 0));
    assert_eq!(counted("longan_input_rejected_total"), 0);
    assert_eq!(forwarded.iter().flatten().count(), 3);
}

#[test]
fn what_stays_without_room_until_the_end_is_counted_as_lost() {
    let disk = SimDisk::new(1);
    let Running { intake, registry, thread, .. } = start(&disk);
    disk.set_capacity(10);
    intake.deliver_blocking(vec![frame("held")]).expect("queued");
    drop(intake);
    thread.join().expect("no panic").expect("ends well");
    assert_eq!(registry.counter("longan_input_dropped_total", &[("input", "test")]).get(), 1);
}

#[test]
fn a_failing_disk_ends_the_thread_and_shuts_the_door() {
    let disk = SimDisk::new(1);
    let Running { intake, forwarded, thread, .. } = start(&disk);
    intake.submit_blocking(vec![frame("good")]).expect("queued").wait().expect("stored");
    disk.fail_next_sync();
    let told = intake.submit_blocking(vec![frame("bad")]).expect("queued").wait();
    assert!(matches!(told, Err(NotStored::LogFailed(_))), "{told:?}");
    let err = thread.join().expect("no panic").expect_err("failed");
    assert_eq!(err.to_string(), "the write-ahead log stopped: cannot sync: simulated sync error");
    assert!(matches!(intake.refusal(), Some(NotStored::LogFailed(_))), "{:?}", intake.refusal());
    assert_eq!(forwarded.iter().flatten().count(), 1, "what was not synced is not processed");
}

#[test]
fn without_a_processing_stage_nothing_more_is_taken() {
    let disk = SimDisk::new(1);
    let Running { intake, forwarded, thread, .. } = start(&disk);
    drop(forwarded);
    intake.submit_blocking(vec![frame("stored all the same")]).expect("queued").wait().expect("stored");
    assert!(matches!(thread.join().expect("no panic"), Err(WriterError::ProcessingEnded)));
    assert_eq!(intake.deliver_blocking(vec![frame("late")]), Err(NotStored::Closed));
    assert_eq!(events(&open(&disk).0, 0).len(), 1);
}
