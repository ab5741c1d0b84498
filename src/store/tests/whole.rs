//! Everything comes back: streamed in order, and out of the archive to the byte.

use super::*;

#[test]
fn streaming_goes_through_everything_in_order() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    let seeds: Vec<Seed> = (0..2_500).map(|second| plain(second % 3)).collect();
    add(&mut writer, &seeds, 1);
    writer.cut().expect("cut");
    let mut ranks = Vec::new();
    let explain = store
        .searcher()
        .for_each(&parse("*"), &Options::default(), &mut |hit| {
            ranks.push(std::cmp::Reverse((hit.timestamp, hit.id)));
            true
        })
        .expect("streamed");
    assert_eq!(explain.partial, None);
    assert_eq!(ranks.len(), 2_500);
    assert!(ranks.is_sorted());
    assert!(explain.elapsed < Duration::from_secs(60));
}

#[test]
fn an_archive_keeps_every_byte_and_tells_when_one_is_wrong() {
    let folder = tempfile::tempdir().expect("folder");
    let words = ["login", "failed", "đăng", "/var/log", "10.0.0.1:443"];
    let seeds: Vec<Seed> = (0..40)
        .map(|second| Seed {
            words: vec![words[second as usize % 5]],
            host: Some("web-1"),
            port: second,
            ..plain(second)
        })
        .collect();
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    for (seed, id) in seeds.iter().zip(1..) {
        // Every seventh event has other bytes than its line: they are kept too.
        let line = seed.line();
        let bytes = if id % 7 == 0 { format!("{line}\u{0}").into_bytes() } else { line.clone().into_bytes() };
        writer.add_with_raw(&seed.event(id, &line), &bytes);
    }
    writer.seal_and_wait().expect("sealed");
    let hits = |store: &Store| store.searcher().search(&parse("*"), &all(100)).expect("searched").hits;
    let before = hits(&store);
    assert_eq!(store.archive(Timestamp(NOW.0 + DAY_NS), &mut |_| false).expect("stopped"), 0);
    assert_eq!(store.archive(Timestamp(NOW.0 + DAY_NS), &mut |_| true).expect("archived"), 1);
    assert_eq!(store.archive(Timestamp(NOW.0 + DAY_NS), &mut |_| true).expect("done already"), 0);
    assert_eq!(hits(&store), before);
    let partitions = store.partitions();
    assert_eq!(partitions.len(), 1);
    let file = partitions[0].folder.join(archive::FILE);
    drop((writer, store));
    let good = fs::read(&file).expect("the archive");
    let (store, report) = Store::open(folder.path(), quick_config()).expect("open again");
    assert_eq!((report.partitions, report.damaged.len(), report.leftovers_removed), (1, 0, 0));
    assert_eq!(hits(&store), before);
    drop(store);
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(&file, &bad).expect("flipped");
        let (store, report) = Store::open_read_only(folder.path(), quick_config()).expect("opens");
        let is_told = !report.damaged.is_empty() || store.searcher().search(&parse("*"), &all(100)).is_err();
        assert!(is_told, "byte {at}");
    }
}
