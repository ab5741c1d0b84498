//! Exceptions and the rules screen by keys: what is asked, what is sent, and what is not without a second look.

use serde_json::json;

use crate::console::keys::key::Key;
use crate::console::look::text::Lang;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::overlay::Overlay;
use crate::console::model::rules::Panel;
use crate::console::msg::Answer;
use crate::console::msg::Cmd;
use crate::console::msg::Msg;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::tests::fixtures::answer;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::full;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::text_of;
use crate::console::tests::fixtures::typed;
use crate::console::tests::fixtures::wire;
use crate::console::update::update;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::ExceptionList;
use crate::wire::rule::ExceptionPreview;
use crate::wire::rule::ExceptionRequest;
use crate::wire::rule::RuleDetail;

pub(super) fn preview(true_positive: u64) -> ExceptionPreview {
    wire(json!({"days": 30, "matches": 50, "hidden": 41, "alerts": {"true_positive": true_positive}}))
}

pub(super) fn detail() -> RuleDetail {
    wire(json!({
        "id": "ssh-guess", "state": "live",
        "history": [{"at": "2026-08-12T07:00:00Z", "who": "an", "action": "shadow", "text": "thử"}],
        "versions": [{"hash": "00ff", "path": "rules/ssh.yml", "seen": "2026-08-11T07:00:00Z",
                      "text": "title: SSH password guessing\nid: ssh-guess\n"}]
    }))
}

pub(super) fn exceptions() -> ExceptionList {
    let row = |id: u64, in_force: bool| {
        json!({
            "id": id, "rule": "ssh-guess", "conditions": [{"field": "source.ip", "comparison": "cidr", "value": "10.0.0.0/8"}],
            "reason": "sao lưu hằng đêm", "author": "an", "created": "2026-08-01T00:00:00Z", "expires": "2026-08-19T00:00:00Z",
            "is_in_force": in_force, "revoked": null, "revoked_by": null, "revoked_why": null, "hidden": 41, "last_hidden": null,
            "events": []
        })
    };
    wire(json!({"exceptions": [row(2, false), row(1, true)]}))
}

pub(super) fn reported(model: &mut Model) {
    let report = wire(json!({"report": {
        "rule": "ssh-guess", "title": "SSH", "level": "high", "since": "", "until": "", "matches": 12, "alerts": 3,
        "days": [{"day": "2026-08-11", "matches": 10}, {"day": "2026-08-12", "matches": 2}],
        "entities": [{"field": "source.ip", "value": "203.0.113.7", "matches": 10, "past": {"false_positive": 2}}],
        "examples": [{"event": 7, "events": [7], "timestamp": "2026-08-12T07:00:00Z", "entity": "203.0.113.7",
                      "line": "Failed password for root"}],
        "past_of_rule": {"true_positive": 1}, "cost": {"events": 900, "events_read": 12, "elapsed_ms": 8, "in_order": true}
    }}));
    let generation = model.rules.trial.generation;
    update(model, Msg::Backtested { generation, message: Box::new(report) });
}

fn excepted(cmds: &[Cmd]) -> Option<ExceptionRequest> {
    requests(cmds).into_iter().find_map(|request| match request {
        Request::Except(request) => Some(request.clone()),
        _ => None,
    })
}

#[test]
fn an_exception_is_two_keys_and_a_reason() {
    let mut model = full(Lang::En, (80, 24));
    let cmds = typed(&mut model, "x");
    let asked = requests(&cmds);
    assert!(matches!(asked.first(), Some(Request::PreviewException(request)) if request.conditions.len() == 1));
    // A digit belongs to the reason, and Enter before the figures came waits for them.
    typed(&mut model, "backup of 9 o'clock");
    assert!(excepted(&press(&mut model, Key::Enter)).is_none());
    let cmds = answer(&mut model, Slot::ExceptionPreview, Answer::ExceptionPreview(preview(0)));
    let request = excepted(&cmds).expect("sent");
    assert_eq!((request.reason.as_str(), request.lasts.as_deref()), ("backup of 9 o'clock", Some("7d")));
    assert!(model.overlay.is_none());
    let row = exceptions().exceptions.remove(1);
    answer(&mut model, Slot::ExceptionAction, Answer::Excepted(Box::new(row)));
    assert!(model.toast.as_ref().is_some_and(|toast| toast.text.contains("EXC-1")));
}

#[test]
fn what_hides_true_positives_is_asked_twice() {
    let mut model = full(Lang::En, (80, 24));
    typed(&mut model, "x");
    answer(&mut model, Slot::ExceptionPreview, Answer::ExceptionPreview(preview(2)));
    assert!(excepted(&press(&mut model, Key::Enter)).is_none(), "without a reason nothing is sent");
    typed(&mut model, "scanner");
    assert!(excepted(&press(&mut model, Key::Enter)).is_none());
    assert!(text_of(&draw(&model)).contains("Hides 2 true positives"));
    assert!(excepted(&press(&mut model, Key::Enter)).is_some());
}

#[test]
fn a_scope_of_nothing_cannot_be_excepted() {
    let mut model = full(Lang::En, (80, 24));
    typed(&mut model, "x");
    press(&mut model, Key::Tab);
    typed(&mut model, "why");
    assert!(excepted(&press(&mut model, Key::Enter)).is_none());
    // An answer about the scope of before changes nothing.
    answer(&mut model, Slot::ExceptionPreview, Answer::ExceptionPreview(preview(0)));
    assert!(excepted(&press(&mut model, Key::Enter)).is_none());
    let cmds = press(&mut model, Key::BackTab);
    assert!(matches!(requests(&cmds).first(), Some(Request::PreviewException(request))
        if request.conditions[0].comparison == "cidr"));
    press(&mut model, Key::Esc);
    assert!(model.overlay.is_none());
}

#[test]
fn an_auditor_excepts_nothing() {
    let mut model = full(Lang::En, (80, 24));
    if let Some(who) = &mut model.whoami {
        (who.may_triage, who.may_administer) = (false, false);
    }
    assert!(typed(&mut model, "x").is_empty() && model.overlay.is_none());
    typed(&mut model, "4");
    typed(&mut model, "s");
    assert!(model.overlay.is_none(), "nor does one change a state");
}

#[test]
fn a_state_is_changed_with_a_reason() {
    let mut model = full(Lang::En, (80, 24));
    if let Some(who) = &mut model.whoami {
        who.may_administer = true;
    }
    typed(&mut model, "4s2");
    assert!(requests(&press(&mut model, Key::Enter)).is_empty(), "a reason is needed");
    let cmds = typed(&mut model, "too loud\n");
    let sent = requests(&cmds);
    assert!(
        matches!(sent.first(), Some(Request::SetRuleState(rule, request))
        if rule == "ssh-guess" && request.state == "shadow" && request.reason == "too loud"),
        "{sent:?}"
    );
    let detail = RuleDetail { state: "shadow".to_owned(), ..detail() };
    answer(&mut model, Slot::RuleAction, Answer::RuleState(Box::new(detail)));
    assert_eq!(model.rules.focused().map(|row| row.state.as_str()), Some("shadow"));
}

#[test]
fn an_exception_is_revoked_from_the_list() {
    let mut model = full(Lang::En, (80, 24));
    typed(&mut model, "4x");
    answer(&mut model, Slot::Exceptions, Answer::Exceptions(exceptions()));
    assert_eq!(model.rules.focused_exception().map(|row| row.id), Some(1), "what is in force comes first");
    typed(&mut model, "z");
    let cmds = typed(&mut model, "over\n");
    assert!(matches!(requests(&cmds).first(), Some(Request::RevokeException(1, request)) if request.reason == "over"));
    press(&mut model, Key::Down);
    typed(&mut model, "z");
    assert!(!matches!(model.overlay, Some(Overlay::Line { .. })), "what is over cannot be revoked");
}

#[test]
fn a_backtest_shows_its_report_and_leaving_ends_it() {
    let mut model = full(Lang::En, (80, 24));
    typed(&mut model, "4");
    let cmds = press(&mut model, Key::Ctrl('b'));
    assert!(matches!(&cmds[..], [Cmd::Backtest { request: Some(request), .. }] if request.rule == "ssh-guess"));
    let generation = model.rules.trial.generation;
    let progress =
        wire::<BacktestMessage>(json!({"progress": {"pieces_done": 1, "pieces": 9, "events_done": 5, "events": 50}}));
    update(&mut model, Msg::Backtested { generation, message: Box::new(progress) });
    assert!(text_of(&draw(&model)).contains("1/9 pieces"));
    let cmds = press(&mut model, Key::Esc);
    assert!(matches!(&cmds[..], [Cmd::Backtest { request: None, .. }]), "{cmds:?}");
    reported(&mut model);
    assert_eq!(model.rules.panel, Panel::Rule);
    let late = model.rules.trial.report.take().is_some();
    update(&mut model, Msg::BacktestEnded { generation, failure: None });
    assert!(late && model.screen == Screen::Rules);
    press(&mut model, Key::Ctrl('b'));
    reported(&mut model);
    let text = text_of(&draw(&model));
    assert!(text.contains("12 matches, 3 alerts") && text.contains("203.0.113.7"), "{text}");
    assert!(press(&mut model, Key::Esc).is_empty(), "what is done needs no ending");
}
