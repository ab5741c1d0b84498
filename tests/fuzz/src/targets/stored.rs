//! What lies on disk: stored records and the write-ahead log.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use longan::ingest::intake::Frame;
use longan::model::Event;
use longan::model::EventId;
use longan::model::Origin;
use longan::model::Timestamp;
use longan::store;
use longan::wal::Config;
use longan::wal::Wal;
use longan::wal::disk::Disk;
use longan::wal::disk::sim::SimDisk;
use longan::wal::read_only;

use super::RECEIVED;
use super::choice;
use super::event::columns;
use super::event::describe;

/// An event is the same after it was stored and read back, and so are exact bytes beside it.
pub(super) fn same_after_storing(event: &Event<'_>) {
    let mut bytes = Vec::new();
    store::encode_record(event, Some(b"\xff exact"), &mut bytes);
    let read = store::decode_record(&bytes, columns(event)).expect("a record that was written is read");
    assert_eq!(read.event.raw, event.raw);
    assert_eq!(read.exact, Some(&b"\xff exact"[..]));
    assert_eq!(describe(&read.event), describe(event), "stored and read back");
}

/// Any bytes as a record; what can be read is written and read the same.
pub(super) fn record(data: &[u8]) {
    let event = Event::new("", RECEIVED);
    let Some(read) = store::decode_record(data, columns(&event)) else { return };
    assert!(read.event.fields.len() <= data.len());
    let mut bytes = Vec::new();
    store::encode_record(&read.event, read.exact, &mut bytes);
    let again = store::decode_record(&bytes, columns(&event)).expect("a record that was written is read");
    assert_eq!(describe(&read.event), describe(&again.event));
    assert_eq!(read.exact, again.exact);
}

/// A log of a few frames, damaged as the input says, opened again: nothing is made up, what is not damaged is found, ids
/// go up, and writing goes on above all of them.
pub(super) fn wal(data: &[u8]) {
    let Some((count, data)) = choice(data) else { return };
    let Some((mode, data)) = choice(data) else { return };
    let disk = Arc::new(SimDisk::new(u64::from(count)));
    let config = Config { segment_bytes: 400, reserve_bytes: 0 };
    let written = write(&disk, config, usize::from(count % 12), data);
    damage(&disk, mode, data);

    let shared: Arc<dyn Disk> = disk.clone();
    let looked: Vec<_> = read_only(Arc::clone(&shared), EventId(0)).expect("a simulated disk lists").collect();
    let (mut wal, _) = Wal::open(shared, config, EventId(0)).expect("damage is no reason not to open");
    let mut last = EventId(0);
    let mut found = 0;
    for envelope in wal.replay(EventId(0)).flatten() {
        assert!(envelope.id > last, "ids go up");
        last = envelope.id;
        found += 1;
        assert_eq!(written.get(&envelope.id), Some(&(envelope.raw, envelope.received)), "nothing is made up");
    }
    assert!(mode % 4 != 0 || found == written.len(), "an undamaged log is whole: {found} of {}", written.len());
    assert!(looked.iter().flatten().count() >= found, "reading alone finds no less than opening");
    let next = wal.append([frame(b"after", 99)]).expect("a simulated disk has room");
    // Of records that are gone without a trace, synced ones, nothing can know the ids.
    let is_new = |id: EventId| id > last && (mode % 4 == 3 || !written.contains_key(&id));
    assert!(next.iter().all(|envelope| is_new(envelope.id)));
}

fn frame(raw: &[u8], second: i64) -> Frame {
    let origin = Origin { input: "fuzz".to_owned(), peer: None, identity: None };
    let received = Timestamp::from_seconds(second, 0);
    Frame { received, origin: Arc::new(origin), truncated: false, raw: Bytes::copy_from_slice(raw) }
}

fn write(disk: &Arc<SimDisk>, config: Config, count: usize, data: &[u8]) -> BTreeMap<EventId, (Bytes, Timestamp)> {
    let shared: Arc<dyn Disk> = disk.clone();
    let (mut wal, _) = Wal::open(shared, config, EventId(0)).expect("an empty folder opens");
    let mut written = BTreeMap::new();
    for number in 0..count {
        let raw = data.get(number..data.len().min(number * 7 + 3)).unwrap_or_default();
        for envelope in wal.append([frame(raw, number as i64)]).expect("a simulated disk has room") {
            written.insert(envelope.id, (envelope.raw, envelope.received));
        }
        wal.sync().expect("a simulated disk syncs");
    }
    written
}

/// Flips bits, writes foreign bytes over a stretch, or cuts a file, as the input says.
fn damage(disk: &Arc<SimDisk>, mode: u8, data: &[u8]) {
    let mut names = disk.list().expect("a simulated disk lists");
    names.sort();
    let place = |at: usize| data.get(at).copied().map_or(0, usize::from) * 2 + usize::from(mode >> 2 & 1);
    let Some(name) = names.get(usize::from(mode >> 3) % names.len().max(1)) else { return };
    match mode % 4 {
        0 => {}
        1 => {
            for at in 0..data.len().min(8) {
                disk.flip(name, place(at), at as u32);
            }
        }
        2 => {
            let mut file = disk.open(name).expect("it is listed");
            let room = file.length().unwrap_or_default().saturating_sub(place(0) as u64) as usize;
            file.write_at(place(0) as u64, data.get(..data.len().min(room)).unwrap_or_default()).expect("it has room");
        }
        _ => {
            let mut file = disk.open(name).expect("it is listed");
            let length = file.length().unwrap_or_default().min(place(0) as u64);
            file.cut(length).expect("it can be cut");
        }
    }
}
