//! The server goes away and comes back.

use std::time::Duration;

use crate::console::model::Link;
use crate::console::model::Screen;
use crate::console::model::overlay::Overlay;
use crate::console::msg::Cmd;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::on;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::row;
use crate::console::tests::fixtures::stream;
use crate::console::tests::fixtures::text_of;
use crate::console::tests::fixtures::typed;
use crate::console::tests::fixtures::wire;
use crate::console::update::update;
use crate::wire::stream::StreamMessage;

fn end(model: &mut crate::console::model::Model) -> Duration {
    let generation = model.stream_generation;
    let cmds = update(model, Msg::StreamEnded { generation, failure: None });
    let [Cmd::Follow { revision, after, .. }] = cmds[..] else { panic!("{cmds:?}") };
    assert_eq!(revision, Some(model.revision), "resumes from the last revision");
    after
}

#[test]
fn away_is_shown_and_waits_grow_to_a_limit() {
    let mut model = on(Screen::Alerts);
    let waits: Vec<Duration> = (0..12).map(|_| end(&mut model)).collect();
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
    assert_eq!((waits[0], waits[11]), (Duration::from_millis(250), Duration::from_secs(10)));
    let later = model.now.checked_add(jiff::SignedDuration::from_secs(12)).expect("in range");
    update(&mut model, Msg::Tick(later));
    let text = text_of(&draw(&model));
    assert!(text.contains("SERVER AWAY 12s") && text.contains("14:03:27"), "{text}");
    let stale = Msg::StreamEnded { generation: 1, failure: None };
    assert!(update(&mut model, stale).is_empty(), "an older stream's end means nothing");
}

#[test]
fn while_away_nothing_is_sent_and_what_was_typed_is_kept() {
    let mut model = on(Screen::Alerts);
    end(&mut model);
    assert!(requests(&typed(&mut model, "a")).is_empty());
    assert!(requests(&typed(&mut model, "c3 kept\n")).is_empty());
    assert!(
        matches!(&model.overlay, Some(Overlay::Close(form)) if form.note.text() == " kept" && form.problem.is_some())
    );
    stream(&mut model, StreamMessage::Hello { revision: 51, gap: false });
    assert_eq!(model.link, Link::Live);
    assert!(matches!(requests(&typed(&mut model, "\n"))[..], [Request::Act(1, _)]));
}

#[test]
fn back_without_a_gap_nothing_is_read_anew_with_one_all_is() {
    let mut model = on(Screen::Alerts);
    end(&mut model);
    let cmds = stream(&mut model, StreamMessage::Hello { revision: 90, gap: false });
    assert!(!requests(&cmds).iter().any(|request| matches!(request, Request::Alerts(_))));
    assert_eq!(model.revision, 51, "what was missed is still to come");
    let new = wire(row(70, "high", 80, "missed", "x"));
    stream(&mut model, StreamMessage::Alert { revision: 60, is_new: true, row: new });
    assert_eq!((model.revision, model.alerts.waiting.len()), (60, 1));
    end(&mut model);
    let cmds = stream(&mut model, StreamMessage::Hello { revision: 5, gap: true });
    assert!(requests(&cmds).iter().any(|request| matches!(request, Request::Alerts(_))));
    assert_eq!(model.revision, 5, "a server with a new history");
}

#[test]
fn what_was_there_before_is_no_news() {
    let mut model = on(Screen::Alerts);
    model.revision = 0;
    let follows = |cmd: &Cmd| matches!(cmd, Cmd::Follow { revision: None, .. });
    assert!(crate::console::update::start(&mut model).iter().any(follows), "from now on");
    // What came between the list and the stream is in neither: the list is read again.
    let cmds = stream(&mut model, StreamMessage::Hello { revision: 90, gap: false });
    assert!(requests(&cmds).iter().any(|request| matches!(request, Request::Alerts(_))));
    assert_eq!((model.revision, model.alerts.waiting.len()), (90, 0));
    end(&mut model);
}

#[test]
fn critical_alerts_ring_at_most_twice_a_minute() {
    let mut model = on(Screen::Alerts);
    let raise = |model: &mut crate::console::model::Model, id, level| {
        let new = wire(row(id, level, 99, "a\u{1b}b", "x"));
        stream(model, StreamMessage::Alert { revision: id, is_new: true, row: new })
    };
    assert!(raise(&mut model, 100, "high").is_empty());
    let cmds = raise(&mut model, 101, "critical");
    assert_eq!(cmds, [Cmd::Notify("a␛b: x".to_owned())]);
    assert!(raise(&mut model, 102, "critical").is_empty());
    model.now = model.now.checked_add(jiff::SignedDuration::from_secs(31)).expect("in range");
    assert_eq!(raise(&mut model, 103, "critical").len(), 1);
    model.now = model.now.checked_add(jiff::SignedDuration::from_secs(31)).expect("in range");
    let endless = wire(row(104, "critical", 99, "a", &"x".repeat(1 << 16)));
    let cmds = stream(&mut model, StreamMessage::Alert { revision: 104, is_new: true, row: endless });
    assert!(matches!(&cmds[..], [Cmd::Notify(text)] if text.chars().count() == 200));
}
