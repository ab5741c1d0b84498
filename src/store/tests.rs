//! The index against the definition of matching; crashes, replays, holds and retention.

mod clocks;
mod columns;
mod holds;
mod versions;
mod whole;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::model::Event;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::query;
use crate::query::Query;
use crate::store::tests::holds::span_hold;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);
const DAY_NS: i64 = 86_400_000_000_000;

/// What an event is made of, so that it can be made again.
#[derive(Debug, Clone)]
struct Seed {
    words: Vec<&'static str>,
    user: &'static str,
    host: Option<&'static str>,
    address: &'static str,
    port: i64,
    second: i64,
    day: i64,
    message: Option<&'static str>,
    long: bool,
}

impl Seed {
    fn line(&self) -> String {
        let plain = format!("{} {} {}", self.words.join(" "), self.user, self.address);
        if !self.long {
            return plain;
        }
        // As a line of JSON has them.
        let escaped = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n");
        let message = self.message.map(escaped).unwrap_or_default();
        format!("{plain} \"image\":\"{}\",\"m\":\"{message}\"", escaped(&self.image()))
    }

    fn image(&self) -> String {
        format!(r"C:\Users\{}\tool.exe", self.user)
    }

    fn event<'a>(&self, id: u64, line: &'a str) -> Event<'a> {
        let timestamp = Timestamp(NOW.0 - self.day * DAY_NS + self.second * 1_000_000_000);
        let mut event = Event::new(line, timestamp);
        event.id = EventId(id);
        event.ingested = Timestamp(NOW.0 + i64::try_from(id).expect("small"));
        event.parser = (self.port % 2 == 0).then_some("sample");
        event.set(ecs::USER_NAME, self.user);
        event.set(ecs::SOURCE_IP, self.address.parse::<std::net::IpAddr>().expect("address"));
        event.set(ecs::SOURCE_PORT, self.port);
        event.set(ecs::EVENT_TYPE, Value::List(vec![Value::from("start"), Value::from(self.words[0])]));
        if let Some(host) = self.host {
            event.set(ecs::HOST_NAME, host);
        }
        if let Some(message) = self.message {
            event.set(ecs::MESSAGE, message);
        }
        if self.long {
            event.set(Name::new("vendor.long"), format!("{}{}", "x".repeat(300), self.user));
            event.set(ecs::PROCESS_EXECUTABLE, self.image());
            event.set(ecs::PROCESS_NAME, "tool.exe".to_owned());
        }
        event
    }
}

fn seed() -> impl Strategy<Value = Seed> {
    let word = prop::sample::select(vec![
        "failed",
        "password",
        "login",
        "an.nguyen@gov.vn",
        "/var/log",
        "Hòa",
        "hoà",
        "đăng",
        "dang",
        "10.0.0.1:443",
        "x=1",
        "ERROR",
    ]);
    let user = prop::sample::select(vec!["root", "An.Nguyen", "admin", "Nguyễn", "nguyen", ""]);
    let host = prop::option::of(prop::sample::select(vec!["web-1", "web-2", "BASTION", "db"]));
    let address =
        prop::sample::select(vec!["10.0.0.1", "10.0.200.7", "192.168.1.9", "2001:db8::1", "fe80::5", "10.1.0.1"]);
    let message = prop::option::of(prop::sample::select(vec!["login failed", "Đăng nhập \"sai\"", "one\nlogin", "ok"]));
    let numbers = (0..6_i64, 0..5_i64, 0..3_i64);
    (prop::collection::vec(word, 1..4), user, host, address, numbers, message, any::<bool>()).prop_map(
        |(words, user, host, address, (port, second, day), message, long)| Seed {
            words,
            user,
            host,
            address,
            port,
            second,
            day,
            message,
            long,
        },
    )
}

const QUERIES: [&str; 61] = [
    "*",
    "failed",
    "hoa",
    "hòa",
    "dang nhap",
    "\"dang nhap\"",
    "\"failed password\"",
    "gov.vn",
    "an.ng*",
    "*ail*",
    "10.0.0.1",
    "10.0.*.1",
    "2001:db8:0::1",
    "user.name:root",
    "user.name:NGUYEN",
    "user.name:nguyễn",
    "user.name:*n*",
    "user.name:\"\"",
    "user.name:/^a/",
    "user.name:[b TO o]",
    "host.name:web-?",
    "-host.name:web*",
    "_exists_:host.name",
    "NOT _exists_:host.name",
    "source.ip:10.0.0.0/16",
    "source.ip:10.0.0.0/9",
    "source.ip:2001::/16",
    "source.ip:[10.0.0.0 TO 10.0.255.255]",
    "source.port:>=3",
    "source.port:{1 TO 4}",
    "event.type:failed OR event.type:password",
    "message:failed",
    "message:/failed$/",
    "/[0-9]+\\.0\\.0/",
    "NOT /failed/",
    "/ailed p/",
    "/d root 10\\./",
    "/FAILED|hòa/i",
    "/^[a-z]+ .*10/",
    "/ [0-9.]+$/",
    "/sai/",
    "message:/^Đăng/",
    "/an\\.nguyen@gov\\.vn [A-Z]/",
    "event.original:*root*",
    "event.original:/7$/",
    "\"gov.vn root\"",
    "\"10.0.0.1 443\"",
    "vendor.long:xxxx*root",
    "vendor.long:*root",
    "-vendor.long:*admin",
    "longan.parser:sample failed",
    "process.executable:*\\\\root\\\\*",
    "process.executable:/rs.an.*exe$/",
    "process.name:tool.exe",
    "message:/e\\nlogin/ OR message:/p \"s/",
    "\"one login\" OR nlogin",
    "@timestamp:2023-11-14",
    "@timestamp:>=2023-11-14T22:13:22",
    "event.ingested:<=2023-11-14T22:13:20.000000003",
    "longan.id:[3 TO 9] AND NOT longan.id:5",
    "(failed OR login) AND NOT (user.name:root OR source.port:0) AND source.ip:10.0.0.0/8",
];

fn quick_config() -> Config {
    Config { compaction_fan_in: 3, ..Config::default() }
}

fn all(limit: usize) -> Options {
    Options { limit, ..Options::default() }
}

fn parse(text: &str) -> Query {
    query::parse(text, NOW).unwrap_or_else(|err| panic!("`{text}`: {err}"))
}

fn ids(searcher: &Searcher, text: &str) -> Vec<u64> {
    let result = searcher.search(&parse(text), &all(10_000)).expect("searched");
    assert_eq!(result.explain.partial, None);
    result.hits.iter().map(|hit| hit.id.0).collect()
}

fn add(writer: &mut HotWriter, seeds: &[Seed], first_id: u64) {
    for (seed, id) in seeds.iter().zip(first_id..) {
        writer.add(&seed.event(id, &seed.line()));
    }
}

fn plain(second: i64) -> Seed {
    Seed {
        words: vec!["login"],
        user: "root",
        host: None,
        address: "10.0.0.1",
        port: 1,
        second,
        day: 0,
        message: None,
        long: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_the_definition_says(
        seeds in prop::collection::vec(seed(), 1..60),
        steps in prop::collection::vec((1..12_usize, 0..5_u8), 1..12),
    ) {
        let folder = tempfile::tempdir().expect("folder");
        let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
        let mut writer = store.writer().expect("writer");
        let mut added = 0;
        let mut steps = steps.iter().cycle();
        while added < seeds.len() {
            let (count, action) = steps.next().expect("endless");
            let end = (added + count).min(seeds.len());
            add(&mut writer, &seeds[added..end], added as u64 + 1);
            match action {
                0 | 1 => writer.cut().expect("cut"),
                2 => writer.seal().expect("seal"),
                3 => writer.seal_and_wait().expect("seal"),
                _ => {
                    writer.seal_and_wait().expect("seal");
                    store.archive(Timestamp(NOW.0 - DAY_NS * ((count % 3) as i64 - 1)), &mut |_| true).expect("archived");
                }
            }
            added = end;
        }
        writer.cut().expect("cut");
        let lines: Vec<String> = seeds.iter().map(Seed::line).collect();
        let mut events: Vec<Event<'_>> =
            seeds.iter().zip(&lines).zip(1..).map(|((seed, line), id)| seed.event(id, line)).collect();
        events.sort_by_key(|event| std::cmp::Reverse((event.timestamp, event.id)));
        let searcher = store.searcher();
        for text in QUERIES {
            let query = parse(text);
            let expected: Vec<u64> = events.iter().filter(|event| query.matches(event)).map(|event| event.id.0).collect();
            prop_assert_eq!(ids(&searcher, text), expected.clone(), "`{}`", text);
            let count = searcher.count(&query, &Options::default()).expect("counted");
            prop_assert_eq!(count.count, expected.len() as u64, "count of `{}`", text);
            let since = Timestamp(NOW.0 - 4 * DAY_NS);
            let until = Timestamp(NOW.0 + DAY_NS);
            let histogram = searcher.histogram(&query, since, until, 7, &Options::default()).expect("counted");
            prop_assert_eq!(histogram.counts.iter().sum::<u64>(), expected.len() as u64, "histogram of `{}`", text);
            let mut paged = Vec::new();
            let mut options = all(3);
            loop {
                let page = searcher.search(&query, &options).expect("searched");
                paged.extend(page.hits.iter().map(|hit| hit.id.0));
                let Some(next) = page.next else { break };
                options.cursor = Some(next);
            }
            prop_assert_eq!(paged, expected, "pages of `{}`", text);
        }
        for text in PIPES {
            prop_assert_eq!(piped(&searcher, text), piped_plainly(&events, text), "`{}`", text);
        }
        for event in &events {
            let hit = searcher.get(event.id).expect("read").expect("found");
            prop_assert_eq!(serde_json::Value::Object(hit.event), serde_json::to_value(event).expect("json"));
        }
    }
}

/// What a pipeline gives over the store must be what it gives over the events themselves, whatever their tier.
const PIPES: [&str; 15] = [
    "* | stats count() as n, dc(user.name) as u, min(source.ip), max(@timestamp), sum(source.port) by host.name",
    "failed OR login | top 3 user.name, event.type",
    "source.ip:10.0.0.0/8 | timechart span=1h count() by user.name",
    "* | dedup user.name | fields longan.id, user.name",
    "* | where source.port >= 2 | head 7 | fields longan.id, event.original, longan.parser",
    "-failed | sort -source.port, longan.id | head 9 | fields longan.id, vendor.long",
    "/[0-9]+/ | fieldsummary",
    "* | stats count() as n by source.ip, source.port",
    "* | stats count(), median(source.port) as m by longan.parser, message",
    "/o/ | timechart span=1s count(), dc(user.name) as u",
    "failed | stats count(), values(event.type) as t, avg(source.port) as a by user.name",
    "* | where user.name = \"root\" or hour(@timestamp) = 22 | stats count(), max(event.ingested) as i by event.type",
    "* | eval who = lower(user.name) | rare 4 who, missing.field",
    "\"password root\" | stats count(), max(longan.id), min(event.original)",
    "* | stats count() by missing.field, user.name",
];

fn piped(searcher: &Searcher, text: &str) -> query::pipes::run::Table {
    let search = query::parse_search(text, NOW).unwrap_or_else(|err| panic!("`{text}`: {err}"));
    let mut runner = query::pipes::run::EventRunner::new(&search.stages, &pipe_limits());
    searcher.run(&search.filter, &Options::default(), &mut runner).expect("read");
    runner.finish()
}

fn pipe_limits() -> query::pipes::run::Limits {
    query::pipes::run::Limits { bytes_max: 64 << 20, rows_max: 10_000, now: NOW, since: NOW, until: NOW }
}

fn piped_plainly(events: &[Event<'_>], text: &str) -> query::pipes::run::Table {
    let search = query::parse_search(text, NOW).expect("read before");
    let mut runner = query::pipes::run::EventRunner::new(&search.stages, &pipe_limits());
    let _all = events.iter().filter(|event| search.filter.matches(event)).all(|event| runner.push(event));
    runner.finish()
}

#[test]
fn sealed_events_survive_and_the_rest_is_replayed_once() {
    let folder = tempfile::tempdir().expect("folder");
    let seeds: Vec<Seed> = (0..10).map(plain).collect();
    {
        let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
        let mut writer = store.writer().expect("writer");
        add(&mut writer, &seeds[..4], 1);
        writer.seal_and_wait().expect("sealed");
        assert_eq!(store.checkpoint(), EventId(4));
        add(&mut writer, &seeds[4..7], 5);
        writer.cut().expect("cut");
        assert_eq!(ids(&store.searcher(), "*"), [7, 6, 5, 4, 3, 2, 1]);
        let reader = Store::open_read_only(folder.path(), quick_config()).expect("beside the writer").0;
        assert_eq!(ids(&reader.searcher(), "*"), [4, 3, 2, 1]);
        assert!(matches!(reader.writer(), Err(StoreError::ReadOnly)));
        assert!(matches!(Store::open(folder.path(), quick_config()), Err(StoreError::Locked(_))));
    }
    let (store, report) = Store::open(folder.path(), quick_config()).expect("open again");
    assert_eq!((report.events, report.damaged.len()), (4, 0));
    let mut writer = store.writer().expect("writer");
    // The WAL replays from somewhere before the checkpoint.
    add(&mut writer, &seeds[2..], 3);
    add(&mut writer, &seeds[2..], 3);
    writer.cut().expect("cut");
    assert_eq!(ids(&store.searcher(), "*"), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

#[test]
fn a_crash_at_any_step_of_a_seal_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let seeds: Vec<Seed> = (0..8).map(|second| Seed { day: second % 2, ..plain(second) }).collect();
    let before = folder.path().join("before");
    let after = folder.path().join("after");
    {
        let (store, _) = Store::open(&before, quick_config()).expect("open");
        let mut writer = store.writer().expect("writer");
        add(&mut writer, &seeds[..4], 1);
        writer.seal_and_wait().expect("sealed");
    }
    copy_folder(&before, &after);
    {
        let (store, _) = Store::open(&after, quick_config()).expect("open");
        let mut writer = store.writer().expect("writer");
        add(&mut writer, &seeds[4..], 5);
        writer.seal_and_wait().expect("sealed");
    }
    let old_names: Vec<_> =
        fs::read_dir(before.join("partitions")).expect("dir").map(|e| e.expect("e").file_name()).collect();
    let new_names: Vec<_> = fs::read_dir(after.join("partitions"))
        .expect("dir")
        .map(|entry| entry.expect("entry").file_name())
        .filter(|name| !old_names.contains(name))
        .collect();
    assert_eq!(new_names.len(), 2, "one partition a day");
    // Steps: an unfinished folder; a finished one; all finished; the new manifest beside the old; then the new one.
    for step in 0..5 {
        let crashed = folder.path().join(format!("crashed-{step}"));
        copy_folder(&before, &crashed);
        let partitions = crashed.join("partitions");
        match step {
            0 => {
                copy_folder(&after.join("partitions").join(&new_names[0]), &partitions.join("new-3"));
                fs::remove_file(partitions.join("new-3").join("meta.json")).expect("torn");
            }
            1 => copy_folder(&after.join("partitions").join(&new_names[0]), &partitions.join(&new_names[0])),
            _ => new_names
                .iter()
                .for_each(|name| copy_folder(&after.join("partitions").join(name), &partitions.join(name))),
        }
        if step == 3 {
            fs::write(crashed.join("manifest.json.new"), b"{\"format\":").expect("torn");
        }
        if step == 4 {
            fs::copy(after.join("manifest.json"), crashed.join("manifest.json")).expect("renamed");
        }
        let (store, report) = Store::open(&crashed, quick_config()).expect("open");
        assert_eq!(report.leftovers_removed, [1, 1, 2, 2, 0][step], "step {step}");
        let mut writer = store.writer().expect("writer");
        add(&mut writer, &seeds, 1);
        writer.seal_and_wait().expect("sealed");
        let mut found = ids(&store.searcher(), "login");
        found.sort_unstable();
        assert_eq!(found, [1, 2, 3, 4, 5, 6, 7, 8], "step {step}");
    }
}

#[test]
fn a_damaged_partition_is_reported_and_the_rest_opens() {
    let folder = tempfile::tempdir().expect("folder");
    {
        let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
        let mut writer = store.writer().expect("writer");
        add(&mut writer, &[plain(1), Seed { day: 1, ..plain(2) }], 1);
        writer.seal_and_wait().expect("sealed");
        let info = &store.partitions()[0];
        fs::remove_file(info.folder.join("meta.json")).expect("removed");
    }
    let (store, report) = Store::open(folder.path(), quick_config()).expect("opens");
    assert_eq!((report.partitions, report.damaged.len()), (1, 1));
    assert_eq!(ids(&store.searcher(), "*"), [2]);
    assert_eq!(store.checkpoint(), EventId(2));
    drop(store);
    fs::remove_file(folder.path().join("manifest.json")).expect("removed");
    assert!(matches!(Store::open(folder.path(), quick_config()), Err(StoreError::ManifestMissing(_))));
    fs::write(folder.path().join("manifest.json"), "{").expect("written");
    assert!(matches!(Store::open(folder.path(), quick_config()), Err(StoreError::Manifest { .. })));
}

#[test]
fn small_partitions_are_merged_and_old_folders_go() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    let held = store.searcher();
    for id in 1..=9 {
        add(&mut writer, &[plain(i64::try_from(id).expect("small"))], id);
        writer.seal_and_wait().expect("sealed");
    }
    assert!(store.partitions().len() < 5, "{:?}", store.partitions());
    assert_eq!(ids(&store.searcher(), "*"), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(held.event_count(), 0, "an old snapshot stays as it was");
    let folders = fs::read_dir(folder.path().join("partitions")).expect("readable").count();
    assert_eq!(folders, store.partitions().len());
}

#[test]
fn many_small_cuts_become_few_splits() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    for id in 1..=100 {
        add(&mut writer, &[plain(i64::try_from(id).expect("small"))], id);
        writer.cut().expect("cut");
        assert_eq!(store.searcher().event_count(), id);
    }
    writer.sealer_wait();
    assert!(store.shared.view().hot.len() < 40);
    assert_eq!(ids(&store.searcher(), "*").len(), 100);
}

#[test]
fn retention_counts_from_receipt_and_respects_holds() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    let level_2 = RetentionClass::new("Level 2");
    let line = plain(0).line();
    for (id, class, event_day, received_day) in
        [(1, &level_2, 0, 0), (2, &RetentionClass::default(), 0, 0), (3, &level_2, 1, 1), (4, &level_2, -400, 60)]
    {
        let mut event = plain(0).event(id, &line);
        event.timestamp = Timestamp(event_day * DAY_NS);
        event.ingested = Timestamp(received_day * DAY_NS);
        writer.add_to(class, &event, line.as_bytes());
    }
    writer.seal_and_wait().expect("sealed");
    let retention = Retention { default_days: Some(365), days: BTreeMap::from([(level_2.clone(), 30)]) };
    let hold = store.place_hold(span_hold(DAY_NS, 2 * DAY_NS), Timestamp(0)).expect("held");
    let snapshot = store.searcher();
    let gone = store.retain(Timestamp(61 * DAY_NS), &retention).expect("retained");
    assert_eq!(gone.iter().map(|tombstone| tombstone.first_id.0).collect::<Vec<_>>(), [1]);
    assert_eq!(gone[0].class, level_2);
    assert_eq!(gone[0].why, "class level_2 is kept 30 days from receipt");
    let mut left = ids(&store.searcher(), "*");
    left.sort_unstable();
    assert_eq!(left, [2, 3, 4]);
    assert_eq!(snapshot.event_count(), 4);
    assert_eq!(ids(&snapshot, "login").len(), 4, "who is reading still can");
    drop(snapshot);
    assert_eq!(fs::read_dir(folder.path().join("partitions")).expect("readable").count(), 3);
    assert_eq!(store.tombstones(), gone);
    store.lift_hold(hold.number, "an", "the case is closed", Timestamp(61 * DAY_NS)).expect("lifted");
    assert_eq!(store.retain(Timestamp(61 * DAY_NS), &retention).expect("retained").len(), 1);
}

#[test]
fn bytes_that_are_no_text_come_back_exactly() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    let raw = b"caf\xe9 \0\xff";
    let line = String::from_utf8_lossy(raw);
    let mut event = Event::new(&line, NOW);
    event.id = EventId(1);
    writer.add_with_raw(&event, raw);
    writer.seal_and_wait().expect("sealed");
    let hit = store.searcher().get(EventId(1)).expect("read").expect("found");
    assert_eq!(hit.raw.as_deref(), Some(&raw[..]));
    assert_eq!(hit.event["event.original"], *line);
}

#[test]
fn a_search_ends_when_told() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = Store::open(folder.path(), Config { result_bytes_max: 100, ..quick_config() }).expect("open");
    let mut writer = store.writer().expect("writer");
    let seeds: Vec<Seed> = (0..50).map(plain).collect();
    add(&mut writer, &seeds, 1);
    writer.cut().expect("cut");
    let searcher = store.searcher();
    let late = Options { deadline: Some(Instant::now()), ..all(10) };
    assert_eq!(searcher.search(&parse("*"), &late).expect("searched").explain.partial.as_deref(), Some("deadline"));
    let cancelled = Options { cancel: Some(Arc::new(AtomicBool::new(true))), ..all(10) };
    let explain = searcher.count(&parse("login"), &cancelled).expect("counted").explain;
    assert_eq!(explain.partial.as_deref(), Some("cancelled"));
    let page = searcher.search(&parse("*"), &all(50)).expect("searched");
    assert_eq!(page.explain.partial.as_deref(), Some("memory limit"));
    assert!(!page.hits.is_empty() && page.hits.len() < 50);
    let mut seen = 0;
    let mut options = all(50);
    while let Some(next) = {
        let page = searcher.search(&parse("*"), &options).expect("searched");
        seen += page.hits.len();
        page.next
    } {
        options.cursor = Some(next);
    }
    assert_eq!(seen, 50, "a page cut short by memory goes on where it ended");
}

#[test]
fn searches_during_seals_see_every_event_once() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    let is_done = Arc::new(AtomicBool::new(false));
    let watcher = std::thread::spawn({
        let (store, is_done) = (store.clone(), Arc::clone(&is_done));
        move || {
            let mut last = 0;
            while !is_done.load(std::sync::atomic::Ordering::Acquire) {
                let found = ids(&store.searcher(), "login");
                let mut unique = found.clone();
                unique.sort_unstable();
                unique.dedup();
                assert_eq!(unique.len(), found.len(), "an event was seen twice");
                assert!(found.len() >= last, "events vanished");
                assert_eq!(unique.last().copied().unwrap_or(0), found.len() as u64, "an event was missing");
                last = found.len();
            }
        }
    });
    for id in 1..=120 {
        add(&mut writer, &[plain(i64::try_from(id % 7).expect("small"))], id);
        writer.cut().expect("cut");
        if id % 5 == 0 {
            writer.seal().expect("seal");
        }
    }
    writer.seal_and_wait().expect("sealed");
    is_done.store(true, std::sync::atomic::Ordering::Release);
    watcher.join().expect("no assertion failed");
    assert_eq!(store.checkpoint(), EventId(120));
}
