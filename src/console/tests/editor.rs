//! The editor of rules by keys: typed, checked as it is typed, tried, saved, left, and never lost.

use serde_json::json;

use crate::console::keys::key::Key;
use crate::console::look::text::Lang;
use crate::console::model::Link;
use crate::console::model::Model;
use crate::console::model::overlay::Choice;
use crate::console::model::overlay::Overlay;
use crate::console::model::rules::Panel;
use crate::console::msg::Answer;
use crate::console::msg::Cmd;
use crate::console::msg::Failure;
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
use crate::wire::rule::CheckReport;

const RULE: &str = "title: SSH password guessing\nid: ssh-guess\nlogsource:\n    product: linux\ndetection:\n\
                    \ttab:\n        message|contains: 'Đăng nhập sai từ một máy lạ, lần thứ hai mươi trong mười phút, mà tên thì chưa ai từng dùng ở đây cả'\n\
                    condition: tab\n";

fn open(model: &mut Model, text: &str) -> Vec<Cmd> {
    if let Some(who) = &mut model.whoami {
        who.may_administer = true;
    }
    let cmds = typed(model, "4e");
    assert!(matches!(requests(&cmds).as_slice(), [.., Request::RuleSource(rule)] if rule == "ssh-guess"), "{cmds:?}");
    let source = json!({"id": "ssh-guess", "path": "linux/ssh.yml", "text": text, "version": "v1", "is_own": false});
    answer(model, Slot::RuleSource, Answer::RuleSource(wire(source)))
}

/// A model whose editor is open on a text.
pub(super) fn editing(text: &str) -> Model {
    let mut model = full(Lang::En, (80, 24));
    open(&mut model, text);
    model
}

fn wrong() -> CheckReport {
    wire(json!({"rules": [], "is_right": false, "problems": [
        {"line": 6, "column": 1, "severity": "error", "text": "a tab indents", "hint": "indent with blanks"},
        {"line": 7, "column": 9, "severity": "warning", "code": "long-value", "text": "a value this long is seldom met"},
        {"line": 8, "column": 12, "severity": "error", "text": "condition names `tab`, which the detection does not define"}
    ]}))
}

fn right() -> CheckReport {
    wire(json!({"rules": ["ssh-guess"], "is_right": true}))
}

/// The editor as the snapshots show it: something typed, something wrong.
pub(super) fn shown(model: &mut Model) {
    open(model, RULE);
    press(model, Key::Down);
    press(model, Key::End);
    typed(model, " # đội");
    woken(model);
    answer(model, Slot::RuleCheck, Answer::RuleChecked(wrong()));
    press(model, Key::Function(8));
    press(model, Key::Function(8));
}

fn woken(model: &mut Model) -> Vec<Cmd> {
    let revision = model.rules.draft.as_ref().expect("a draft").area.revision();
    update(model, Msg::Woken { revision })
}

fn text(model: &Model) -> String {
    model.rules.draft.as_ref().map(|draft| draft.area.text()).unwrap_or_default()
}

fn away() -> Failure {
    Failure { is_away: true, is_conflict: false, text: "gone".to_owned(), hint: None, column: None, owner: None }
}

#[test]
fn a_rule_is_typed_checked_tried_and_saved() {
    let mut model = full(Lang::En, (80, 24));
    let cmds = open(&mut model, "title: a\n");
    assert!(matches!(requests(&cmds).first(), Some(Request::CheckRule(request)) if request.text == "title: a\n"));
    press(&mut model, Key::Ctrl('s'));
    assert!(model.overlay.is_none(), "nothing was changed");
    let cmds = typed(&mut model, "# 1 q\n");
    assert!(cmds.iter().all(|cmd| matches!(cmd, Cmd::Wake { .. })), "letters are letters: {cmds:?}");
    assert_eq!(text(&model), "# 1 q\ntitle: a\n");
    assert!(update(&mut model, Msg::Woken { revision: 1 }).is_empty(), "more was typed since");
    let cmds = woken(&mut model);
    assert!(matches!(requests(&cmds).first(), Some(Request::CheckRule(request)) if request.text.starts_with("# 1 q")));
    answer(&mut model, Slot::RuleCheck, Answer::RuleChecked(wrong()));
    assert!(text_of(&draw(&model)).contains("6:1  error: a tab indents  (indent with blanks)"));
    press(&mut model, Key::Ctrl('s'));
    assert!(model.overlay.is_none(), "what is wrong is not saved");
    press(&mut model, Key::Backspace);
    // Saving waits for the check of what was typed last.
    let cmds = press(&mut model, Key::Ctrl('s'));
    assert!(matches!(requests(&cmds).as_slice(), [Request::CheckRule(_)]), "{cmds:?}");
    answer(&mut model, Slot::RuleCheck, Answer::RuleChecked(right()));
    assert!(matches!(model.overlay, Some(Overlay::Line { .. })), "a live rule would raise nothing any more: asked");
    press(&mut model, Key::Esc);
    let cmds = press(&mut model, Key::Ctrl('t'));
    let changed = text(&model);
    assert!(
        matches!(requests(&cmds).first(), Some(Request::TestRule(request)) if request.text.as_ref() == Some(&changed))
    );
    let tests = wire(json!({"rule": "ssh-guess", "cases": [
        {"name": "twenty", "line": 3, "must_match": true, "passed": true, "detections": 1, "parser": "sshd"},
        {"name": "nineteen", "line": 9, "must_match": false, "passed": false, "detections": 1, "parser": "sshd"}]}));
    answer(&mut model, Slot::RuleTest, Answer::RuleTested(tests));
    assert!(text_of(&draw(&model)).contains("1 passed, 1 failed"));
    press(&mut model, Key::Esc);
    assert_eq!(model.rules.panel, Panel::Editor, "back to the text");
    let cmds = press(&mut model, Key::Ctrl('b'));
    assert!(
        matches!(&cmds[..], [Cmd::Backtest { request: Some(request), .. }] if request.text.as_ref() == Some(&changed))
    );
    crate::console::tests::rules::reported(&mut model);
    // The rule is in shadow already: one key saves it, with what is known of it as the reason.
    for row in &mut model.rules.rows {
        row.state = "shadow".to_owned();
    }
    let cmds = press(&mut model, Key::Ctrl('s'));
    let sent = requests(&cmds);
    assert!(
        matches!(sent.first(), Some(Request::SaveRule(request)) if request.version.as_deref() == Some("v1")
            && request.state.as_deref() == Some("shadow") && request.text == changed
            && request.reason == "edited in the console: +1 -1 lines; cases 1/2; backtest of 30 days: 12 matches"),
        "{sent:?}"
    );
    let saved = wire(json!({"id": "ssh-guess", "path": "linux/ssh.yml", "text": changed, "version": "v2"}));
    let cmds = answer(&mut model, Slot::RuleSave, Answer::RuleSaved(saved));
    assert!(model.rules.draft.is_none() && requests(&cmds).contains(&&Request::Rules));
}

#[test]
fn what_is_typed_while_it_is_saved_stays() {
    let mut model = editing("title: a\n");
    model.rules.rows[0].state = "shadow".to_owned();
    typed(&mut model, "x");
    press(&mut model, Key::Ctrl('s'));
    answer(&mut model, Slot::RuleCheck, Answer::RuleChecked(right()));
    typed(&mut model, "y");
    let saved = wire(json!({"id": "ssh-guess", "path": "linux/ssh.yml", "text": "xtitle: a\n", "version": "v2"}));
    answer(&mut model, Slot::RuleSave, Answer::RuleSaved(saved));
    let draft = model.rules.draft.as_ref().expect("still there");
    assert_eq!((text(&model).as_str(), draft.source.version.as_str()), ("xytitle: a\n", "v2"));
}

#[test]
fn changes_are_never_dropped_unasked() {
    let mut model = editing("title: a\n");
    press(&mut model, Key::Esc);
    assert!(model.rules.draft.is_none() && model.rules.panel == Panel::Rule, "nothing was changed");
    let mut model = editing("title: a\n");
    typed(&mut model, "x");
    press(&mut model, Key::Ctrl('q'));
    assert!(!model.must_quit);
    press(&mut model, Key::Esc);
    assert!(matches!(model.overlay, Some(Overlay::Choice(Choice::LeaveEditor))));
    press(&mut model, Key::Esc);
    assert!(model.overlay.is_none() && model.is_editing(), "goes on");
    typed(&mut model, "y");
    press(&mut model, Key::Esc);
    press(&mut model, Key::Char('3'));
    assert!(!model.is_editing() && text(&model) == "xytitle: a\n", "kept for later");
    typed(&mut model, "q");
    assert!(!model.must_quit);
    // Another rule is not edited over it; the same one goes on.
    typed(&mut model, "j");
    assert!(requests(&typed(&mut model, "e")).is_empty());
    typed(&mut model, "ke");
    assert!(model.is_editing() && text(&model) == "xytitle: a\n");
    press(&mut model, Key::Esc);
    press(&mut model, Key::Char('2'));
    assert!(model.rules.draft.is_none() && !model.is_editing());
    typed(&mut model, "q");
    assert!(model.must_quit);
}

#[test]
fn a_draft_outlives_the_server_and_is_checked_when_it_is_back() {
    let mut model = editing("title: a\n");
    let (since, generation) = (model.now, model.stream_generation);
    update(&mut model, Msg::StreamEnded { generation, failure: Some(away()) });
    typed(&mut model, "x");
    assert!(requests(&woken(&mut model)).is_empty(), "nobody is there to ask");
    assert!(text_of(&draw(&model)).contains("not checked: the server is away"));
    press(&mut model, Key::Ctrl('s'));
    assert_eq!(text(&model), "xtitle: a\n");
    model.link = Link::Live;
    let later = since + jiff::SignedDuration::from_secs(2);
    let cmds = update(&mut model, Msg::Tick(later));
    assert!(requests(&cmds).iter().any(|request| matches!(request, Request::CheckRule(_))), "{cmds:?}");
    // An answer that never came is asked for again.
    let generation = (0..100).find(|generation| model.is_current(Slot::RuleCheck, *generation)).expect("asked");
    update(&mut model, Msg::Answer { slot: Slot::RuleCheck, generation, result: Err(away()) });
    let cmds = update(&mut model, Msg::Tick(later));
    assert!(requests(&cmds).iter().any(|request| matches!(request, Request::CheckRule(_))), "{cmds:?}");
}

#[test]
fn problems_are_gone_through_and_marked() {
    let mut model = editing(RULE);
    answer(&mut model, Slot::RuleCheck, Answer::RuleChecked(wrong()));
    let line = |model: &Model| model.rules.draft.as_ref().map(|draft| draft.area.cursor().line + 1);
    for wanted in [6, 7, 8, 6] {
        press(&mut model, Key::Function(8));
        assert_eq!(line(&model), Some(wanted));
    }
    let screen = text_of(&draw(&model));
    assert!(screen.contains("!6 →   tab:") && screen.contains("~7 "), "{screen}");
    model.ascii = true;
    assert!(text_of(&draw(&model)).contains("!6 >   tab:"));
    // A problem of a text that is gone leads to what is nearest.
    press(&mut model, Key::Ctrl('u'));
    update(&mut model, Msg::Edited(Ok("x".to_owned())));
    press(&mut model, Key::Function(8));
    draw(&model);
    assert_eq!(line(&model), Some(1));
}

#[test]
fn an_error_is_shown_before_the_notes_above_it() {
    let mut model = editing("title: a\n");
    let note = |line: u32| json!({"line": line, "column": 1, "severity": "info", "text": format!("note {line}")});
    let mut problems: Vec<serde_json::Value> = (1..20).map(note).collect();
    problems.push(json!({"line": 1, "column": 3, "severity": "error", "text": "no condition"}));
    let report = wire(json!({"rules": [], "is_right": false, "problems": problems}));
    answer(&mut model, Slot::RuleCheck, Answer::RuleChecked(report));
    assert!(text_of(&draw(&model)).contains(">1:3  error: no condition"));
}

#[test]
fn ones_own_editor_is_one_step() {
    let mut model = editing("title: a\n");
    typed(&mut model, "x");
    let cmds = press(&mut model, Key::Function(4));
    assert!(matches!(&cmds[..], [Cmd::Edit(text)] if text == "xtitle: a\n"));
    let cmds = update(&mut model, Msg::Edited(Ok("title: b\r\n".to_owned())));
    assert!(matches!(requests(&cmds).first(), Some(Request::CheckRule(request)) if request.text == "title: b\r\n"));
    press(&mut model, Key::Ctrl('z'));
    assert_eq!(model.rules.draft.as_ref().map(|draft| draft.area.lines().join("|")).as_deref(), Some("xtitle: a|"));
    update(&mut model, Msg::Edited(Err("vi: not found".to_owned())));
    assert!(model.toast.as_ref().is_some_and(|toast| toast.text.contains("vi: not found")));
    // From the list, it is opened at once.
    let mut model = full(Lang::En, (80, 24));
    if let Some(who) = &mut model.whoami {
        who.may_administer = true;
    }
    typed(&mut model, "4E");
    let source = json!({"id": "ssh-guess", "path": "linux/ssh.yml", "text": "title: a", "version": "v1"});
    let cmds = answer(&mut model, Slot::RuleSource, Answer::RuleSource(wire(source)));
    assert!(matches!(&cmds[..], [Cmd::Edit(text)] if text == "title: a"));
}

#[test]
fn a_long_rule_with_anything_in_it_is_drawn_at_every_size() {
    let hostile = "\u{1b}[2J\t漢字\u{202e}e\u{301}\u{301}\u{301}\u{301}\u{301}👩\u{200d}👧\0 ";
    let text = format!("{}\r\n{}", hostile.repeat(3000), "    a: 'một giá trị'\r\n".repeat(5000));
    assert!(text.len() > 200_000);
    let mut model = editing(&text);
    for (width, height) in [(80, 24), (160, 50), (40, 10), (41, 11), (39, 9), (1, 1), (300, 100), (60, 12)] {
        update(&mut model, Msg::Resize(width, height));
        for key in [Key::End, Key::Left, Key::Char('đ'), Key::PageDown, Key::Home, Key::PageUp, Key::Tab, Key::Delete]
        {
            press(&mut model, key);
            let screen = text_of(&draw(&model));
            assert!(!screen.contains(['\u{1b}', '\u{202e}', '\u{200d}', '\0']), "{width}x{height}");
        }
        for (x, y) in [(0, 0), (10, 5), (width - 1, height - 1)] {
            update(&mut model, Msg::Click(x, y));
        }
        update(&mut model, Msg::Wheel(3));
    }
    let untouched = editing(&text);
    assert_eq!(untouched.rules.draft.as_ref().map(|draft| draft.area.text()), Some(text), "byte for byte as it came");
}
