//! Backtests over folders written by the running pipeline: the same matches as live.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::detect::cases::CaseFile;
use crate::detect::cases::STARTS;
use crate::model::EventId;
use crate::normalize::Config;
use crate::normalize::Normalizer;
use crate::parse::Hint;
use crate::parse::Packs;
use crate::store::HotWriter;
use crate::store::Store;

const ZONE: i32 = 7 * 3600;

/// Detection ids by rule.
type Found = BTreeMap<String, Vec<String>>;

/// Sends the lines of every case through the packs; each event is judged live and stored.
fn live(content: &detect::Content, writer: &mut HotWriter) -> Found {
    let (packs, _) = Packs::load(None);
    let normalizer = Normalizer::new(Config { zone_offset_seconds: ZONE, ..Config::default() });
    let mut detector = Detector::new(Arc::new(content.compile(ZONE).0));
    let mut found = Vec::new();
    let mut ids: Found = BTreeMap::new();
    let (mut number, mut received) = (0_u64, STARTS);
    for file in &content.cases {
        let Ok(file) = CaseFile::read(&file.path, &file.text) else { continue };
        for line in file.cases.iter().flat_map(|case| &case.lines) {
            for repetition in 0..line.repeat.min(40) {
                number += 1;
                let text = line.numbered(repetition);
                let hint = Hint { received, format: line.parser.as_deref(), zone_offset_seconds: ZONE };
                let mut event = packs.parse(&text, &hint);
                normalizer.normalize(&mut event, None);
                event.id = EventId(number);
                event.timestamp = received;
                detector.process(&event, &mut found);
                writer.add(&event);
                received = received.plus(line.every);
            }
            received = received.plus(line.pause);
        }
        writer.cut().expect("cut");
    }
    for detection in found {
        ids.entry(detection.rule.id.clone()).or_default().push(detection.id);
    }
    ids
}

fn request(rule: &str) -> BacktestRequest {
    BacktestRequest { rule: rule.to_owned(), since: Some("2026-01-01".to_owned()), ..BacktestRequest::default() }
}

#[test]
fn a_backtest_finds_what_was_found_live() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = Store::open(folder.path(), crate::store::Config::default()).expect("a store");
    let mut writer = store.writer().expect("a writer");
    let content = detect::Content::builtin();
    let live = live(&content, &mut writer);
    assert!(live.len() > 60, "only {} rules fired", live.len());
    writer.seal_and_wait().expect("sealed");
    let history = History { searcher: store.searcher(), folder: None };
    let mut read = 0;
    // Each rule is compiled anew: every third is enough, and any change of the content moves the choice.
    let chosen: Vec<_> = live.iter().step_by(3).collect();
    for (rule, wanted) in &chosen {
        let backtest = Backtest::prepare(content.clone(), &request(rule), STARTS, ZONE).expect("it stands");
        let mut ids = Vec::new();
        let cost = backtest
            .run(&history, &Options::default(), &mut |_| {}, &mut |detection, _| ids.push(detection.id.clone()))
            .expect("readable");
        assert!(cost.in_order && cost.partial.is_none());
        assert_eq!(&&ids, wanted, "{rule}, asking the index for {:?}", cost.prefilter);
        read += cost.events_read;
    }
    let all = store.searcher().event_count() * chosen.len() as u64;
    assert!(read * 4 < all, "the index spares little: {read} of {all} were read");
}

#[test]
fn a_report_says_days_entities_and_verdicts() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = Store::open(folder.path(), crate::store::Config::default()).expect("a store");
    let mut writer = store.writer().expect("a writer");
    let text = "title: T\nid: t\nlogsource: {}\nlongan: {entity: user.name}\ndetection: {s: {event.action: x}, condition: s}\n";
    for number in 1..=5_u64 {
        let mut event = Event::new("line", STARTS.plus(std::time::Duration::from_secs(number * 86_400)));
        event.id = EventId(number);
        event.set(crate::model::ecs::EVENT_ACTION, if number == 3 { "y" } else { "X" });
        event.set(crate::model::ecs::USER_NAME, if number == 1 { "an" } else { "ha" });
        writer.add(&event);
    }
    writer.cut().expect("cut");
    let request = BacktestRequest { text: Some(text.to_owned()), ..request("t") };
    let backtest = Backtest::prepare(detect::Content::builtin(), &request, STARTS, ZONE).expect("it stands");
    let history = History { searcher: store.searcher(), folder: None };
    let report = backtest.report(&history, Past::Nowhere, &Options::default(), &mut |_| {}).expect("readable");
    assert_eq!((report.matches, report.alerts), (4, 2));
    assert_eq!(report.days.iter().map(|day| day.matches).collect::<Vec<_>>(), [1, 1, 0, 1, 1]);
    assert_eq!((report.entities[0].value.as_str(), report.entities[0].matches), ("ha", 3));
    assert_eq!(report.examples[0].event, 5);
    assert_eq!((report.cost.events, report.cost.events_read), (5, 4));
}

#[test]
fn what_cannot_be_run_is_refused_with_a_hint() {
    let prepare = |request: &BacktestRequest| Backtest::prepare(detect::Content::builtin(), request, STARTS, ZONE);
    let unknown = prepare(&request("ssh-brute-forc")).expect_err("no such rule");
    assert_eq!((unknown.status, unknown.hint.as_deref()), (404, Some("did you mean `ssh-brute-force`?")));
    let broken = BacktestRequest { text: Some("title: x\nid: t\n".to_owned()), ..request("t") };
    assert_eq!(prepare(&broken).expect_err("no rule").status, 400);
    let timeless = BacktestRequest { since: Some("soon".to_owned()), ..request("ssh-brute-force") };
    assert_eq!(prepare(&timeless).expect_err("no time").status, 400);
    assert!(Path::new("rules").is_dir());
}

/// Five failures within two minutes, then a login: as a rule writer writes it.
const THEN: &str = "title: F\nid: bt-f\nlogsource: {}\ndetection: {s: {event.outcome: failure}, condition: s}\n---\n\
    title: L\nid: bt-l\nlogsource: {}\ndetection: {s: {event.outcome: success}, condition: s}\n---\n\
    title: Many\nid: bt-many\ncorrelation: {type: event_count, rules: [bt-f], group-by: [user.name], timespan: 2m, condition: {gte: 5}}\n---\n\
    title: Then\nid: bt-then\ncorrelation: {type: temporal_ordered, rules: [bt-many, bt-l], group-by: [user.name], timespan: 10m}\n";

/// When an attempt arrives: one every seven seconds, with an hour of silence in the midst.
fn arrival(number: u64) -> std::time::Duration {
    std::time::Duration::from_secs(number * 7 + if number < 1_200 { 0 } else { 3_600 })
}

/// Failures and logins of three users, some of them dated up to a quarter of an hour after their arrival.
fn attempts(count: u64) -> impl Iterator<Item = Event<'static>> {
    let mut random = fastrand::Rng::with_seed(7);
    (1..=count).map(move |number| {
        let arrived = STARTS.plus(arrival(number));
        let mut event = Event::new("line", arrived);
        event.id = EventId(number);
        let ahead = if number % 400 < 200 { random.u64(0..900) } else { 0 };
        event.timestamp = arrived.plus(std::time::Duration::from_secs(ahead));
        event.set(crate::model::ecs::EVENT_OUTCOME, if random.u8(..6) == 0 { "success" } else { "failure" });
        event.set(crate::model::ecs::USER_NAME, ["an", "ha", "le"][random.usize(..3)]);
        event
    })
}

#[test]
fn a_chain_of_correlations_is_the_same_live_over_a_restart_and_in_a_backtest() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = Store::open(folder.path(), crate::store::Config::default()).expect("a store");
    let mut writer = store.writer().expect("a writer");
    let mut content = detect::Content::default();
    detect::inspect::lay_over(&mut content, "then.yml".as_ref(), THEN);
    let (set, problems) = content.compile(ZONE);
    assert!(problems.is_empty(), "{problems:?}");
    let set = Arc::new(set);
    let mut detector = Detector::new(Arc::clone(&set));
    let mut found = Vec::new();
    for event in attempts(3_000) {
        if event.id.0 % 333 == 0 {
            let written = detector.snapshot();
            detector = Detector::new(Arc::clone(&set));
            detector.restore(&written).expect("its own");
            writer.cut().expect("cut");
        }
        detector.process(&event, &mut found);
        writer.add(&event);
    }
    writer.seal_and_wait().expect("sealed");
    let live: Vec<_> = found.iter().filter(|one| one.rule.id == "bt-then").collect();
    assert!(live.len() > 20, "{}", live.len());
    let history = History { searcher: store.searcher(), folder: None };
    // All of it, and from a moment on at which a burst is under way that began shortly before.
    for since in [Timestamp(0), STARTS.plus(arrival(1_290))] {
        let request = BacktestRequest { since: Some(since.to_string()), ..request("bt-then") };
        let backtest = Backtest::prepare(content.clone(), &request, STARTS, ZONE).expect("it stands");
        let mut ids = Vec::new();
        let cost = backtest
            .run(&history, &Options::default(), &mut |_| {}, &mut |detection, _| ids.push(detection.event_id))
            .expect("readable");
        let is_wanted =
            |one: &&&Detection| attempts(3_000).any(|event| event.id == one.event_id && event.timestamp >= since);
        let wanted: Vec<EventId> = live.iter().filter(is_wanted).map(|one| one.event_id).collect();
        assert_eq!(ids, wanted, "since {since}");
        assert!(cost.ahead > 100, "{}", cost.ahead);
    }
}
