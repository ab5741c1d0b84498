//! Sources over days of made time: what is told, when, once, and what is not.

use super::*;
use crate::model::Name;

static PACKS: std::sync::LazyLock<crate::parse::Packs> = std::sync::LazyLock::new(crate::parse::Packs::builtin);

const MINUTE: i64 = 60_000_000_000;
/// 5 January 1970, a Monday.
const MONDAY: i64 = 4 * 24 * 60;

fn at(minutes: i64) -> Timestamp {
    Timestamp((MONDAY + minutes) * MINUTE)
}

fn event(host: &str, minutes: i64) -> Event<'_> {
    let mut event = Event::new("x", at(minutes));
    event.set(ecs::HOST_NAME, host);
    event.parser = Some("sshd");
    event
}

/// Looks and lets the log say what was found; returns the texts.
fn look(sources: &mut Sources, now: Timestamp) -> Vec<String> {
    let (findings, _) = sources.look(now, 50);
    for finding in &findings {
        let line = format!("<132>1 2026-03-02T02:00:00Z soc longan 7 {} - {}", finding.message_id, finding.text);
        let hint = crate::parse::Hint { received: now, format: None, zone_offset_seconds: 0 };
        sources.note(OURSELVES, None, &PACKS.parse(&line, &hint));
    }
    findings.into_iter().map(|finding| finding.text).collect()
}

/// Lets a source send by the hour of the day for some days, looking every minute; returns what was told.
fn live(sources: &mut Sources, minutes: std::ops::Range<i64>, per_minute: impl Fn(i64) -> u32) -> Vec<String> {
    let mut told = Vec::new();
    for minute in minutes {
        for _ in 0..per_minute(minute) {
            sources.note("relp", None, &event("app", minute));
        }
        told.extend(look(sources, at(minute)));
    }
    told
}

const DAY: i64 = 24 * 60;

/// Busy in office hours of working days, one line every three hours else.
fn office(minute: i64) -> u32 {
    let (day, of_day) = (minute / DAY % 7, minute % DAY);
    if day < 5 && (8 * 60..17 * 60).contains(&of_day) { 10 } else { u32::from(of_day % 180 == 0) }
}

#[test]
fn a_source_that_fell_silent_is_told_first() {
    let mut sources = Sources::default();
    for minute in 0..30 {
        sources.note("syslog_udp", None, &event("fw-1", minute));
        sources.note("syslog_udp", None, &event("web-1", minute));
    }
    for minute in 30..60 {
        sources.note("syslog_udp", None, &event("web-1", minute));
    }
    let rows = sources.rows(at(60));
    let seen: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.events, row.is_silent)).collect();
    assert_eq!(seen, [("fw-1", 30, true), ("web-1", 60, false)]);
    assert_eq!(rows[0].silent_seconds, 31 * 60);
    assert_eq!((rows[0].per_minute.len(), rows[0].per_minute.iter().sum::<u32>()), (60, 29));
    assert_eq!(sources.silent_count(at(60)), 1);
}

#[test]
fn a_source_without_a_name_is_its_peer_and_their_number_is_bounded() {
    let mut sources = Sources::default();
    sources.configure(Limits { tracked_max: 100, ..Limits::default() }, Vec::new());
    let peer = "192.0.2.7:514".parse().ok();
    sources.note("relp", peer, &Event::new("x", at(0)));
    assert_eq!(sources.rows(at(0))[0].name, "192.0.2.7");
    for number in 0..110 {
        sources.note("relp", None, &event(&format!("h{number}"), 1));
    }
    assert_eq!(sources.rows(at(1)).len(), 100);
}

#[test]
fn nights_and_weekends_are_quiet_and_an_office_hour_without_lines_is_not() {
    let mut sources = Sources::default();
    look(&mut sources, at(-1));
    live(&mut sources, 0..7 * DAY, office);
    let quiet = live(&mut sources, 7 * DAY..21 * DAY + 9 * 60, office);
    assert_eq!(quiet, Vec::<String>::new(), "two weeks as the first");
    let row = sources.row("relp", "app", at(21 * DAY + 9 * 60)).expect("there");
    assert_eq!((row.usual_per_hour, row.is_learning, row.conditions.len()), (Some(600), false, 0));
    // Monday 09:00: it stops.
    let told = live(&mut sources, 21 * DAY + 9 * 60..21 * DAY + 12 * 60, |_| 0);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("source app of input relp is silent for "), "{told:?}");
    let seconds: i64 = told[0].split(' ').rev().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    assert!(seconds < 3_600, "{seconds}");
    let back = live(&mut sources, 21 * DAY + 12 * 60..21 * DAY + 12 * 60 + 2, |_| 10);
    assert_eq!(back[0], "source app of input relp sends again");
}

#[test]
fn a_rate_is_judged_against_its_own_hour() {
    let mut sources = Sources::default();
    look(&mut sources, at(-1));
    live(&mut sources, 0..14 * DAY, office);
    let (night, day) = (14 * DAY + 2 * 60, 14 * DAY + 10 * 60);
    let told = live(&mut sources, 14 * DAY..night, office);
    assert!(told.is_empty(), "{told:?}");
    // As much as in office hours, but at two in the morning.
    let told = live(&mut sources, night..night + 30, |_| 10);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(" in 15 min, usually "), "{told:?}");
    let told = live(&mut sources, night + 30..day, office);
    assert_eq!(told, ["source app of input relp sends as usual"]);
    let told = live(&mut sources, day..day + 40, |minute| u32::from(minute % 2 == 0));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("source app of input relp sends only "), "{told:?}");
}

#[test]
fn a_restart_and_a_replay_tell_nothing_twice() {
    let mut sources = Sources::default();
    look(&mut sources, at(-1));
    live(&mut sources, 0..120, |_| 10);
    let kept = sources.snapshot();
    let told = live(&mut sources, 120..200, |_| 0);
    assert_eq!(told.len(), 1, "{told:?}");
    // From the state before it was told, with the log replayed after it.
    let mut restarted = Sources::default();
    assert_eq!(restarted.restore(&kept).expect("readable"), 1);
    let line = format!("<132>1 2026-03-02T02:00:00Z soc longan 7 source-silent - {}", told[0]);
    let hint = crate::parse::Hint { received: at(150), format: None, zone_offset_seconds: 0 };
    restarted.note(OURSELVES, None, &PACKS.parse(&line, &hint));
    assert_eq!(live(&mut restarted, 200..300, |_| 0), Vec::<String>::new());
    assert_eq!(live(&mut restarted, 300..301, |_| 1), ["source app of input relp sends again"]);
    assert!(restarted.restore(b"{}").is_err());
}

#[test]
fn a_time_without_us_is_no_silence_of_others() {
    let mut sources = Sources::default();
    look(&mut sources, at(-1));
    live(&mut sources, 0..120, |_| 10);
    // Stopped for a day; back, and the sources with it.
    let told = live(&mut sources, 120 + DAY..130 + DAY, |minute| u32::from(minute > 122 + DAY));
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn unread_lines_a_wrong_clock_and_gaps_are_told() {
    let mut sources = Sources::default();
    look(&mut sources, at(-1));
    for number in 0..400_i64 {
        let received = Timestamp(at(0).0 + number * 2_000_000_000);
        let mut event = Event::new("x", received);
        event.set(ecs::HOST_NAME, "rt-1");
        event.timestamp = received.minus(std::time::Duration::from_secs(7 * 3600));
        event.parser = (number % 2 == 0).then_some("cisco_ios");
        let counted = if number < 200 { number } else { number + 5 };
        event.push(Name::new("log.syslog.structured_data.meta.sequenceId"), counted.to_string());
        sources.note("syslog_udp", None, &event);
    }
    let mut told = look(&mut sources, at(14));
    told.sort();
    assert_eq!(
        told,
        [
            "source rt-1 of input syslog_udp has 50 of 100 lines unread",
            "source rt-1 of input syslog_udp has its clock off by -25200 s",
            "source rt-1 of input syslog_udp skipped 5 messages, 5 in all",
        ]
    );
    assert_eq!(look(&mut sources, at(15)), Vec::<String>::new());
    let row = sources.row("syslog_udp", "rt-1", at(15)).expect("there");
    assert_eq!(row.conditions, ["gaps", "clock", "unparsed"]);
    assert!(row.clock_looks_like_zone);
    assert_eq!((row.missing, row.unparsed_percent), (5, Some(50)));
}

#[test]
fn a_muted_source_is_not_told_of_until_the_mute_ends() {
    let mut sources = Sources::default();
    look(&mut sources, at(-1));
    live(&mut sources, 0..120, |_| 10);
    let finding = condition::muted("relp", "app", at(300), "an", "a\nnew disk");
    assert!(finding.text.ends_with(" by an: a new disk"), "{finding:?}");
    let line = format!("<134>1 2026-03-02T02:00:00Z soc longan 7 {} - {}", finding.message_id, finding.text);
    let hint = crate::parse::Hint { received: at(120), format: None, zone_offset_seconds: 0 };
    sources.note(OURSELVES, None, &PACKS.parse(&line, &hint));
    // The same line from anywhere else mutes nothing.
    let row = sources.row("relp", "app", at(121)).expect("there");
    assert_eq!(row.muted.map(|mute| (mute.by, mute.reason)), Some(("an".to_owned(), "a new disk".to_owned())));
    assert_eq!(live(&mut sources, 120..299, |_| 0), Vec::<String>::new());
    assert_eq!(sources.silent_count(at(200)), 0);
    assert_eq!(live(&mut sources, 299..310, |_| 0).len(), 1, "told once it is over");
    sources.mute("relp", "app", Some((at(400), "an", "again")));
    assert_eq!(sources.silent_count(at(310)), 0);
    sources.mute("relp", "app", None);
    assert_eq!(sources.silent_count(at(310)), 1);
}

#[test]
fn a_name_with_spaces_is_read_back() {
    let mut sources = Sources::default();
    look(&mut sources, at(-1));
    for minute in 0..60 {
        sources.note("relp", None, &event("my app", minute));
    }
    for minute in 60..120 {
        sources.look(at(minute), 0);
    }
    let (findings, left_out) = sources.look(at(120), 0);
    assert_eq!((findings.len(), left_out), (0, 0), "left out counts as told");
    assert!(sources.find_told("relp", "my_app").is_some());
}

#[test]
fn nothing_is_told_of_a_source_while_its_window_of_maintenance_is_open() {
    let mut sources = Sources::default();
    let mut days = [false; 7];
    days[0] = true;
    let window =
        Maintenance { sources: vec!["fw-*".to_owned()], days, from: 20, to: 120, reason: "firmware".to_owned() };
    sources.configure(Limits::default(), vec![window]);
    look(&mut sources, at(-1));
    for minute in 0..30 {
        sources.note("syslog_udp", None, &event("fw-1", minute));
        sources.note("syslog_udp", None, &event("web-1", minute));
        look(&mut sources, at(minute));
    }
    let told: Vec<String> = (30..=90).flat_map(|minute| look(&mut sources, at(minute))).collect();
    assert!(told.len() == 1 && told[0].contains("web-1"), "{told:?}");
    assert_eq!(sources.silent_count(at(90)), 1);
    let muted = |sources: &Sources, minute| sources.row("syslog_udp", "fw-1", at(minute)).expect("known").muted;
    let row = muted(&sources, 90).expect("muted");
    assert_eq!((row.by.as_str(), row.reason.as_str(), row.until), (MAINTENANCE, "firmware", at(120).to_string()));
    let told: Vec<String> = (91..=240).flat_map(|minute| look(&mut sources, at(minute))).collect();
    assert!(told.iter().any(|text| text.contains("fw-1")), "still silent when it is over: {told:?}");
    assert_eq!(muted(&sources, 121), None);
}
