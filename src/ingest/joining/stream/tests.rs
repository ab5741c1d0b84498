//! What is joined, what never is, and that no piece is lost, repeated or kept for long.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::model::Origin;
use crate::model::Timestamp;

const WAIT: Duration = Duration::from_millis(1_000);

fn rules(names: &[&str]) -> StreamRules {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    StreamRules::of_presets(&names, &[], NonZeroUsize::new(4_096).expect("not zero"), WAIT)
}

fn frame(peer: u8, raw: &str) -> Frame {
    let peer = Some(([192, 0, 2, peer], 514).into());
    let origin = Origin { input: "t".to_owned(), peer, identity: None };
    let raw = Bytes::copy_from_slice(raw.as_bytes());
    Frame { received: Timestamp(0), origin: Arc::new(origin), truncated: false, raw }
}

/// Joins lines that come a moment after each other, by the numbers of their order.
fn joined(rules: StreamRules, lines: &[(u8, &str)]) -> Vec<Vec<usize>> {
    let mut joiner = StreamJoiner::new(Arc::new(rules));
    let (now, mut out) = (Instant::now(), Vec::new());
    for (nth, (peer, line)) in lines.iter().enumerate() {
        joiner.feed(frame(*peer, line), nth, now, &mut out);
    }
    joiner.release_all(&mut out);
    for joined in &out {
        let pieces: Vec<&str> = joined.tags.iter().map(|nth| lines[*nth].1).collect();
        assert_eq!(joined.frame.raw, pieces.join("\n"), "every piece is kept as it came");
    }
    let mut found: Vec<Vec<usize>> = out.into_iter().map(|joined| joined.tags).collect();
    found.sort();
    found
}

const TRACE: [&str; 6] = [
    "<11>Mar 14 09:26:53 app-1 tomcat[12]: 2026-03-14 09:26:53 ERROR boom",
    "<11>Mar 14 09:26:53 app-1 tomcat[12]: java.lang.IllegalStateException: no",
    "<11>Mar 14 09:26:53 app-1 tomcat[12]: #011at a.b(C.java:1)",
    "<11>Mar 14 09:26:53 app-1 tomcat[12]: at a.b(C.java:2)",
    "<11>Mar 14 09:26:53 app-1 tomcat[12]: Caused by: java.io.IOException: x",
    "<11>Mar 14 09:26:53 app-1 tomcat[12]: 2026-03-14 09:26:54 INFO fine",
];

#[test]
fn a_trace_is_one_frame_whatever_comes_between() {
    let mut lines: Vec<(u8, &str)> = TRACE.iter().map(|line| (1, *line)).collect();
    assert_eq!(joined(rules(&["java"]), &lines), [vec![0, 1, 2, 3, 4], vec![5]]);
    for (at, other) in [
        (2, (2, TRACE[0])),
        (3, (1, "<13>Mar 14 09:26:53 app-2 tomcat[12]: \tat x.y(Z.java:1)")),
        (4, (1, "<13>Mar 14 09:26:53 app-1 sshd[7]: Accepted")),
        (5, (1, "<13>Mar 14 09:26:53 app-1 tomcat[13]: other process")),
    ] {
        lines.insert(at, other);
    }
    assert_eq!(
        joined(rules(&["java"]), &lines),
        [vec![0, 1, 6, 7, 8], vec![2], vec![3], vec![4], vec![5], vec![9]],
        "other senders, hosts, programs and processes are not mixed in"
    );
}

#[test]
fn only_the_programs_named_wait() {
    let only = StreamRules { programs: vec!["tom*".to_owned()], ..rules(&["java"]) };
    let mut joiner = StreamJoiner::new(Arc::new(only));
    let (now, mut out) = (Instant::now(), Vec::new());
    joiner.feed(frame(1, "<13>Mar 14 09:26:53 app-1 sshd[7]: Accepted"), (), now, &mut out);
    assert_eq!((out.len(), joiner.due()), (1, None), "another program's line does not wait");
    joiner.feed(frame(1, TRACE[0]), (), now, &mut out);
    assert_eq!((out.len(), joiner.due()), (1, Some(now + WAIT)));
}

#[test]
fn pieces_that_postgresql_numbered_are_one_frame_and_other_lines_do_not_wait() {
    let lines = [
        "<131>Mar 14 09:26:53 db-1 postgres[7]: [5-1] ERROR:  relation \"x\" does not exist at character 15",
        "<131>Mar 14 09:26:53 db-1 postgres[7]: [5-2] STATEMENT:  select 1",
        "<131>Mar 14 09:26:53 db-1 postgres[7]: [5-3] #011from x;",
        "<131>Mar 14 09:26:53 db-1 postgres[8]: [5-1] LOG:  other session",
        "<131>Mar 14 09:26:53 db-1 postgres[7]: [6-1] LOG:  next",
        "<131>Mar 14 09:26:53 db-1 postgres[9]: [2-2] a piece whose first is gone",
    ]
    .map(|line| (1, line));
    let numbered = StreamRules { continuations: Vec::new(), ..rules(&["postgresql"]) };
    assert_eq!(joined(numbered.clone(), &lines), [vec![0, 1, 2], vec![3], vec![4], vec![5]]);
    let mut joiner = StreamJoiner::new(Arc::new(numbered));
    let mut out = Vec::new();
    joiner.feed(frame(1, TRACE[0]), (), Instant::now(), &mut out);
    assert_eq!((out.len(), joiner.due()), (1, None));
}

const EVENT: [&str; 6] = [
    "type=SYSCALL msg=audit(1773480413.587:2998): arch=c000003e syscall=59 success=yes",
    "type=EXECVE msg=audit(1773480413.587:2998): argc=1 a0=\"id\"",
    "type=CWD msg=audit(1773480413.587:2998): cwd=\"/root\"",
    "type=PATH msg=audit(1773480413.587:2998): item=0 name=\"/usr/bin/id\"",
    "type=PROCTITLE msg=audit(1773480413.587:2998): proctitle=\"id\"",
    "type=EOE msg=audit(1773480413.587:2998): ",
];

#[test]
fn records_of_an_audit_event_are_one_frame_in_any_interleaving() {
    let other: Vec<String> = EVENT.iter().map(|line| line.replace(":2998)", ":2999)")).collect();
    let mut lines = Vec::new();
    for (one, two) in EVENT.iter().zip(&other) {
        lines.push((1, *one));
        lines.push((1, two.as_str()));
    }
    lines.push((1, "type=USER_LOGIN msg=audit(1773480413.589:71): pid=900 msg='res=failed'"));
    assert_eq!(joined(rules(&["auditd"]), &lines), [vec![0, 2, 4, 6, 8, 10], vec![1, 3, 5, 7, 9, 11], vec![12]]);
}

#[test]
fn an_audit_event_is_complete_with_its_end_and_soon_after_its_last_record() {
    let mut joiner = StreamJoiner::new(Arc::new(rules(&["auditd"])));
    let (now, mut out) = (Instant::now(), Vec::new());
    for (nth, line) in EVENT.iter().take(5).enumerate() {
        joiner.feed(frame(1, line), nth, now, &mut out);
    }
    assert_eq!((out.len(), joiner.due()), (0, Some(now + WAIT / 10)));
    joiner.feed(frame(1, EVENT[5]), 5, now, &mut out);
    assert_eq!((out.len(), joiner.due()), (1, None));
    assert_eq!(out[0].tags, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn nothing_waits_for_long() {
    let mut joiner = StreamJoiner::new(Arc::new(rules(&["java"])));
    let (begin, mut out) = (Instant::now(), Vec::new());
    joiner.feed(frame(1, TRACE[0]), 0, begin, &mut out);
    joiner.release_due(begin + WAIT - Duration::from_millis(1), &mut out);
    assert!(out.is_empty());
    // A piece just before the end of the wait prolongs it, five times as long in all.
    for nth in 1..10_u32 {
        let now = begin + (WAIT - Duration::from_millis(1)) * nth;
        joiner.release_due(now, &mut out);
        joiner.feed(frame(1, TRACE[2]), nth, now, &mut out);
    }
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].tags, [0, 1, 2, 3, 4, 5]);
    joiner.release_due(begin + WAIT * 20, &mut out);
    assert_eq!((out.len(), joiner.due()), (2, None));
}

#[test]
fn there_are_limits_of_lines_bytes_and_frames() {
    let few = StreamRules { lines_max: NonZeroUsize::new(2).expect("not zero"), ..rules(&["indented"]) };
    let lines = ["<1>x: a", "<1>x:  b", "<1>x:  c", "<1>x:  d"].map(|line| (1, line));
    let of_program = |line: &(u8, &'static str)| (line.0, line.1.replace("<1>", "<13>Mar 14 09:26:53 h "));
    let lines: Vec<(u8, String)> = lines.iter().map(of_program).collect();
    let lines: Vec<(u8, &str)> = lines.iter().map(|(peer, line)| (*peer, line.as_str())).collect();
    assert_eq!(joined(few, &lines), [vec![0, 1], vec![2, 3]]);
    let short = StreamRules { bytes_max: NonZeroUsize::new(70).expect("not zero"), ..rules(&["indented"]) };
    assert_eq!(joined(short, &lines), [vec![0, 1], vec![2, 3]]);

    let mut joiner = StreamJoiner::new(Arc::new(rules(&["indented"])));
    let (now, mut out) = (Instant::now(), Vec::new());
    for nth in 0..WAITING_MAX + 10 {
        joiner.feed(frame(1, &format!("<13>Mar 14 09:26:53 h{nth} x: a")), nth, now, &mut out);
    }
    assert_eq!(out.iter().map(|joined| joined.tags[0]).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    assert!(joiner.order.len() <= 2 * WAITING_MAX + 16);
    let long = "y".repeat(4_000);
    for nth in 0..1_000 {
        joiner.feed(frame(2, &format!("<13>Mar 14 09:26:53 h{nth} x: {long}")), nth, now, &mut out);
        assert!(joiner.bytes <= WAITING_BYTES_MAX);
    }
}

#[test]
fn a_frame_that_was_cut_takes_nothing_in() {
    let mut joiner = StreamJoiner::new(Arc::new(rules(&["java"])));
    let (now, mut out) = (Instant::now(), Vec::new());
    joiner.feed(frame(1, TRACE[0]), 0, now, &mut out);
    joiner.feed(Frame { truncated: true, ..frame(1, TRACE[2]) }, 1, now, &mut out);
    joiner.feed(frame(1, TRACE[3]), 2, now, &mut out);
    joiner.release_all(&mut out);
    assert_eq!(out.iter().map(|joined| joined.tags.clone()).collect::<Vec<_>>(), [[0], [1], [2]]);
}

proptest! {
    /// Whatever comes in whatever order and time: every piece comes out once, in the order of its sender.
    #[test]
    fn every_piece_comes_out_once(picks in proptest::collection::vec((0usize..14, 0u8..3, 0u64..1_500), 0..200)) {
        let many: Vec<&str> = TRACE.into_iter().chain(EVENT).chain(["plain", "\tindented"]).collect();
        let all = rules(&["java", "postgresql", "auditd", "indented"]);
        let mut joiner = StreamJoiner::new(Arc::new(all));
        let (mut now, mut out) = (Instant::now(), Vec::new());
        for (nth, (pick, peer, pause)) in picks.iter().enumerate() {
            now += Duration::from_millis(*pause);
            joiner.release_due(now, &mut out);
            joiner.feed(frame(*peer, many[*pick]), nth, now, &mut out);
            prop_assert!(joiner.due().is_none_or(|due| due <= now + WAIT));
        }
        joiner.release_all(&mut out);
        let mut tags: Vec<usize> = out.iter().flat_map(|joined| joined.tags.clone()).collect();
        tags.sort_unstable();
        prop_assert_eq!(tags, (0..picks.len()).collect::<Vec<_>>());
        for joined in &out {
            prop_assert!(joined.tags.is_sorted());
            let pieces: Vec<&str> = joined.tags.iter().map(|nth| many[picks[*nth].0]).collect();
            prop_assert_eq!(&joined.frame.raw, &pieces.join("\n"));
        }
    }
}
