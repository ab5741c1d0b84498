//! A model with fixed data, and short ways to press keys and give answers.

use jiff::tz::Offset;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use serde_json::json;

use crate::console::keys::key::Key;
use crate::console::look::text::Lang;
use crate::console::look::theme::ThemeName;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::msg::Answer;
use crate::console::msg::Cmd;
use crate::console::msg::EventObject;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::start;
use crate::console::update::update;
use crate::console::view::view;
use crate::wire::stream::StreamMessage;

/// Reads a wire type from the JSON the server would send.
pub(super) fn wire<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("a wire type")
}

pub(super) fn row(id: u64, level: &str, risk: u8, title: &str, entity: &str) -> serde_json::Value {
    json!({
        "id": id, "rule": format!("rule-{id}"), "title": title, "title_vi": null, "level": level, "risk": risk,
        "status": "new", "entity": entity, "entity_field": "source.ip", "host": "srv-1", "count": 41,
        "first": "2026-08-12T06:50:00Z", "last": "2026-08-12T07:01:09Z", "raised": "2026-08-12T07:01:10Z",
        "owner": null, "disposition": null, "revision": 10 + id, "tags": ["attack.t1110.001"], "events": [900 + id], "due": "2026-08-12T07:16:10Z"
    })
}

pub(super) fn rows() -> Vec<serde_json::Value> {
    let mut first = row(1, "critical", 96, "SSH password guessing, then success", "203.0.113.7");
    first["title_vi"] = json!("Dò mật khẩu SSH rồi thành công");
    let mut second = row(2, "critical", 91, "New administrator account", "srv-ad01");
    second["owner"] = json!("ha");
    second["status"] = json!("taken");
    second["due"] = json!(null);
    let mut third = row(3, "high", 74, "Internal port scan", "10.6.134.41");
    third["due"] = json!("2026-08-12T06:50:00Z");
    vec![
        first,
        second,
        third,
        row(4, "medium", 55, "Login outside working hours", "tranthib"),
        row(5, "low", 20, "Log source fell silent", "fw-huyen-03"),
    ]
}

pub(super) const RAW: &str = "<38>Aug 12 14:01:09 srv-1 sshd[815]: Accepted password for root from 203.0.113.7";

pub(super) fn detail(mut of: serde_json::Value) -> serde_json::Value {
    let start = RAW.find("Accepted password").expect("in the line");
    let more = json!({
        "description": "Many failed logins and one success from the same address.",
        "description_vi": "Nhiều lần đăng nhập sai rồi một lần đúng từ cùng địa chỉ.",
        "false_positives": ["A user who forgot the password"],
        "response": ["Confirm the login with its owner", "Block the address"],
        "response_vi": ["Xác nhận đăng nhập với chủ tài khoản", "Chặn địa chỉ"],
        "entities": [
            {"kind": "ip", "field": "source.ip", "value": "203.0.113.7"},
            {"kind": "user", "field": "user.name", "value": "root"},
            {"kind": "host", "field": "host.name", "value": "srv-1"}
        ],
        "evidence": [{"event": 901, "timestamp": "2026-08-12T07:01:09.020Z", "raw": RAW, "parts": [{
            "field": "message", "value": "Accepted password for root", "predicate": "contains 'Accepted password'",
            "raw_span": [start, start + "Accepted password".len()]
        }]}],
        "history": [{"at": "2026-08-12T07:01:10Z", "who": "longan", "action": "raised", "text": null}],
        "precedents": [{"id": 77, "closed": "2026-08-03T02:00:00Z", "disposition": "true_positive", "owner": "ha", "note": "blocked"}],
        "incident": null,
        "context": [
            {"field": "longan.asset.unit", "value": "Department of Health"}, {"field": "longan.asset.criticality", "value": "high"},
            {"field": "longan.threat.lists", "value": "botnet-c2"}
        ],
        "steps": [{"step": 1, "at": "2026-08-12T07:02:00Z", "who": "ha"}]
    });
    let (Some(all), serde_json::Value::Object(more)) = (of.as_object_mut(), more) else { unreachable!("objects") };
    all.extend(more);
    of
}

pub(super) fn event(id: u64, second: u32, message: &str) -> EventObject {
    wire(json!({
        "longan.id": id, "@timestamp": format!("2026-08-12T07:01:{second:02}.377Z"), "host.name": "srv-1",
        "user.name": "root", "source.ip": "203.0.113.7", "message": message, "event.original": message
    }))
}

pub(super) fn events() -> Vec<EventObject> {
    vec![
        event(901, 9, "Accepted password for root from 203.0.113.7 port 57190 ssh2"),
        event(900, 2, "Failed password for root from 203.0.113.7 port 57126 ssh2"),
    ]
}

/// A model that has been started, not answered.
pub(super) fn blank(lang: Lang, size: (u16, u16)) -> Model {
    let zone = TimeZone::fixed(Offset::constant(7));
    let now = "2026-08-12T07:03:27Z".parse().expect("a time");
    let mut model = Model::new(lang, ThemeName::Default, zone, now);
    model.size = size;
    start(&mut model);
    model
}

/// Gives the answer to the slot's latest question.
pub(super) fn answer(model: &mut Model, slot: Slot, answer: Answer) -> Vec<Cmd> {
    let generation = (0..10_000).find(|generation| model.is_current(slot, *generation)).expect("asked");
    update(model, Msg::Answer { slot, generation, result: Ok(answer) })
}

pub(super) fn stream(model: &mut Model, message: StreamMessage) -> Vec<Cmd> {
    let generation = model.stream_generation;
    update(model, Msg::Stream { generation, message: Box::new(message) })
}

/// A model with data on every screen.
pub(super) fn full(lang: Lang, size: (u16, u16)) -> Model {
    let mut model = blank(lang, size);
    answer(
        &mut model,
        Slot::Whoami,
        Answer::Whoami(wire(json!({"name": "an", "role": "analyst", "may_triage": true, "may_administer": false}))),
    );
    answer(&mut model, Slot::AlertWindow, Answer::Alerts(wire(json!({"rows": rows(), "total": 128, "revision": 50}))));
    answer(&mut model, Slot::AlertDetail, Answer::Alert(wire(detail(rows()[0].clone()))));
    stream(&mut model, StreamMessage::Hello { revision: 50, gap: false });
    stream(
        &mut model,
        wire(json!({
            "kind": "pulse", "revision": 51, "now": "2026-08-12T07:03:27Z", "events_per_second": 1200, "lag_ms": 400,
            "open_alerts": 128, "overdue_alerts": 3, "silent_sources": 2, "refusing": null
        })),
    );
    model.alerts.today = crate::console::model::alerts::Today { acknowledge: Some(252), resolve: Some(2280) };
    model.alerts.around.events = events().into_iter().rev().collect();
    model.alerts.around.histogram = Some(histogram());
    incidents(&mut model);
    model.sources.inputs = wire(json!([{
        "name": "udp", "kind": "syslog_udp", "place": "0.0.0.0:514", "received": 125000, "stored": 124990, "rejected": 0,
        "dropped": 10, "truncated": 0, "bytes": 1, "connections": 0, "acknowledges": false
    }]));
    model.sources.sources = wire(json!([
        {"name": "srv-1", "peer": null, "input": "udp", "events": 5000, "unparsed": 50, "parsers": ["sshd"],
         "last_seen": "", "silent_seconds": 3, "is_silent": false, "per_minute": [1, 5, 9, 2], "clock_skew_ms": -25200000,
         "conditions": ["clock", "unparsed"], "usual_per_hour": 21, "silent_after_seconds": 900, "unparsed_percent": 31,
         "clock_looks_like_zone": true,
         "shapes": [{"text": "vpnd: session <*> closed after <*> s", "count": 1850, "percent": 37, "examples": []}], "missing": 4},
        {"name": "fw-huyen-03", "peer": null, "input": "udp", "events": 9, "unparsed": 0, "parsers": ["fortigate"],
         "last_seen": "", "silent_seconds": 1900, "is_silent": true, "per_minute": [0, 0, 0, 0], "clock_skew_ms": null}
    ]));
    model.sources.is_loaded = true;
    model.sources.arrange();
    model.rules.rows = wire(json!([
        {"id": "ssh-guess", "title": "SSH password guessing", "title_vi": "Dò mật khẩu SSH", "level": "high",
         "status": "stable", "path": "rules/ssh.yml", "tags": ["attack.t1110"], "detections": 41, "state": "live",
         "noise": 412, "verdicts": {"true_positive": 1, "false_positive": 3}, "exceptions": 1, "cases": 7, "arrives": true},
        {"id": "own-try", "title": "A rule being tried", "title_vi": null, "level": "low", "status": "experimental",
         "path": "own/try.yml", "tags": ["attack.t1685", "attack.stealth"], "detections": 0, "state": "shadow",
         "noise": 9, "cases": 0, "arrives": false}
    ]));
    model.rules.is_loaded = true;
    model.rules.arrange();
    reports(&mut model);
    model.search.events = events();
    model.search.has_searched = true;
    model.search.summarize();
    model.search.histogram = Some(histogram());
    model
}

fn histogram() -> crate::wire::search::Histogram {
    wire(json!({
        "since": "2026-08-12T06:58:00Z", "until": "2026-08-12T07:08:00Z", "bucket_ms": 10000,
        "counts": [0, 1, 1, 2, 40, 80, 30, 1, 0, 0],
        "explain": {"partitions_searched": 1, "partitions_total": 9, "elapsed_us": 4000, "partial": null}
    }))
}

fn reports(model: &mut Model) {
    let level = |level: &str, raised: u64| {
        json!({
            "level": level, "raised": raised, "untouched": 1, "closed": raised / 2,
            "to_acknowledge": {"mean": 252, "median": 200, "p90": 900}, "to_resolve": null
        })
    };
    model.reports.triage = Some(wire(json!({
        "since": "2026-08-05T07:03:27Z", "until": "2026-08-12T07:03:27Z",
        "levels": [level("critical", 3), level("high", 41), level("medium", 88)],
        "days": [{"day": "2026-08-10", "raised": [1, 20, 30]}, {"day": "2026-08-11", "raised": [2, 21, 58]}],
        "dispositions": [["false_positive", 12], ["true_positive", 30], ["test", 0]],
        "rules": [{"rule": "ssh-guess", "title": "SSH password guessing", "title_vi": "Dò mật khẩu SSH", "raised": 60,
                   "true_positives": 20, "false_positives": 3}],
        "analysts": [{"name": "ha", "taken": 40, "escalated": 2, "closed": 38}]
    })));
    model.reports.handovers = wire(json!([{
        "id": 4, "since": "2026-08-11T19:00:00Z", "signed": "2026-08-12T01:00:00Z", "who": "ha", "text": "# x",
        "digest": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
    }]));
}

pub(super) fn handover() -> crate::wire::report::HandoverDraft {
    wire(json!({
        "since": "2026-08-12T01:00:00Z", "until": "2026-08-12T07:03:27Z",
        "text": "# SHIFT HANDOVER\n\n## Gravest open alerts\n\n- ALR-1 (critical) SSH\u{1b}[2J: 203.0.113.7\n"
    }))
}

fn incidents(model: &mut Model) {
    let incident = json!({
        "id": 7, "title": "Intrusion on srv-1", "level": "critical", "phase": "containment", "owner": "an",
        "known": "2026-08-12T05:00:00Z", "alerts": 1, "revision": 3, "next_due": "2026-08-12T05:00:00Z"
    });
    answer(model, Slot::IncidentList, Answer::Incidents(wire(json!({"rows": [incident], "total": 1}))));
    let mut whole = incident;
    let more = json!({
        "alert_rows": [rows()[0]], "entities": [{"kind": "host", "field": "host.name", "value": "srv-1"}],
        "timeline": [{"at": "2026-08-12T05:00:00Z", "who": "an", "action": "declared", "text": "from ALR-1"}],
        "clocks": [
            {"name": "first_notice", "due": "2026-08-13T05:00:00Z", "met": null},
            {"name": "immediate", "due": "2026-08-12T06:00:00Z", "met": null},
            {"name": "72 h", "due": "2026-08-15T05:00:00Z", "met": "2026-08-12T05:30:00Z"},
            {"name": "at once", "due": "2026-08-12T05:00:00Z", "met": null}
        ],
        "tasks": [
            {"place": 1, "text": "chặn IP", "added_by": "an", "done": "2026-08-12T05:10:00Z", "done_by": "ha"},
            {"place": 2, "text": "đổi mật khẩu", "added_by": "an", "done": null, "done_by": null}
        ],
        "evidence": [{
            "place": 1, "query": "longan.id:901", "note": "ALR-1", "events": 1, "digest": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
            "bytes": 40960, "added": "2026-08-12T05:12:00Z", "added_by": "an"
        }],
        "observables": [
            {"kind": "ip", "value": "198.51.100.9", "note": "C2", "added": "2026-08-12T05:11:00Z", "added_by": "an"}
        ]
    });
    let (Some(all), serde_json::Value::Object(more)) = (whole.as_object_mut(), more) else { unreachable!("objects") };
    all.extend(more);
    answer(model, Slot::IncidentDetail, Answer::Incident(wire(whole)));
}

pub(super) fn on(screen: Screen) -> Model {
    let mut model = full(Lang::En, (80, 24));
    model.screen = screen;
    model
}

pub(super) fn press(model: &mut Model, key: Key) -> Vec<Cmd> {
    update(model, Msg::Key(key))
}

/// Presses the keys of a text, `\n` being Enter and `\u{8}` Backspace.
pub(super) fn typed(model: &mut Model, text: &str) -> Vec<Cmd> {
    let key = |c| match c {
        '\n' => Key::Enter,
        '\u{8}' => Key::Backspace,
        c => Key::Char(c),
    };
    text.chars().flat_map(|c| press(model, key(c))).collect()
}

/// Returns the requests among commands.
pub(super) fn requests(cmds: &[Cmd]) -> Vec<&Request> {
    fn request(cmd: &Cmd) -> Option<&Request> {
        match cmd {
            Cmd::Ask { request, .. } => Some(request),
            _ => None,
        }
    }
    cmds.iter().filter_map(request).collect()
}

pub(super) fn draw(model: &Model) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).expect("a terminal in memory");
    terminal.draw(|frame| view(model, frame)).expect("drawn");
    terminal.backend().buffer().clone()
}

/// Returns what is underlined: the parts of a line that matched.
pub(super) fn underlined(buffer: &Buffer) -> String {
    let cells = buffer.content().iter().filter(|cell| cell.modifier.contains(Modifier::UNDERLINED));
    cells.map(ratatui::buffer::Cell::symbol).collect()
}

pub(super) fn text_of(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let rows = buffer.content().chunks(width);
    let row = |cells: &[ratatui::buffer::Cell]| {
        let mut text = String::new();
        let mut skip = 0;
        for cell in cells {
            if skip == 0 {
                text.push_str(cell.symbol());
                skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1);
            }
            skip -= 1;
        }
        text.trim_end().to_owned()
    };
    rows.map(row).collect::<Vec<_>>().join("\n")
}
