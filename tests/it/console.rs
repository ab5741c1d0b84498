//! The console as its users have it: the built program in a pseudo terminal, against a running server.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::console_pty::PROGRAM;
use crate::console_pty::Served;
use crate::console_pty::Terminal;
use crate::console_pty::wait;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const CTRL_U: &str = "\x15";
const F5: &str = "\x1b[15~";
const F12: &str = "\x1b[24~";

/// What the screen says, in the language of the console.
struct Words {
    lang: &'static str,
    medium: &'static str,
    critical: &'static str,
    why: &'static str,
    response: &'static str,
    took: &'static str,
    closed: &'static str,
    undone: &'static str,
    escalated: &'static str,
    needs_note: &'static str,
    around: &'static str,
    since_30_days: &'static str,
    waiting: &'static str,
    away: &'static str,
    live: &'static str,
    no_alerts: &'static str,
    spared: &'static str,
    list: &'static str,
    handover: &'static str,
    signed: &'static str,
}

const VIETNAMESE: Words = Words {
    lang: "vi",
    medium: "Khách đăng nhập",
    critical: "Chủ khóa đăng nhập",
    why: "VÌ SAO",
    response: "Gọi cho khách.",
    took: "Đã nhận ALR-",
    closed: "Đã đóng ALR-",
    undone: "Đã hoàn tác ALR-",
    escalated: "Đã leo thang ALR-",
    needs_note: "cần ghi chú",
    around: "Sự kiện quanh cảnh báo",
    since_30_days: "Từ: 30d",
    waiting: "+1 mới (F5)",
    away: "MẤT KẾT NỐI",
    live: "TRỰC TIẾP",
    no_alerts: "Không có cảnh báo nào",
    spared: "1 bị từ chối: ALR-",
    list: "Cảnh báo (nhóm)",
    handover: "BÀN GIAO CA TRỰC",
    signed: "đã ký bàn giao số",
};

const ENGLISH: Words = Words {
    lang: "en",
    medium: "Visitor signed in",
    critical: "Keymaster signed in",
    why: "WHY",
    response: "Call the visitor.",
    took: "Took ALR-",
    closed: "Closed ALR-",
    undone: "Undid ALR-",
    escalated: "Escalated ALR-",
    needs_note: "need a note",
    around: "Events around the alert",
    since_30_days: "Since: 30d",
    waiting: "+1 new (F5)",
    away: "SERVER AWAY",
    live: "LIVE",
    no_alerts: "No alert matches",
    spared: "1 refused: ALR-",
    list: "Alerts (groups)",
    handover: "SHIFT HANDOVER",
    signed: "is signed",
};

#[test]
fn triage_takes_the_keys_that_are_promised() {
    let served = Served::start();
    // Each console has addresses of its own, so that each starts with nothing to decide.
    for (words, (columns, rows), net) in [(VIETNAMESE, (80, 24), "203.0.113"), (ENGLISH, (160, 50), "198.51.100")] {
        let mut console = Terminal::open(&served, words.lang, columns, rows);
        triage(&served, &mut console, &words, net);
        console.press("q");
        let (is_fine, bytes) = console.ended();
        assert!(is_fine);
        assert!(ends_restored(&bytes), "the terminal is given back");
    }
}

fn triage(served: &Served, console: &mut Terminal, words: &Words, net: &str) {
    let [first, second, third] = [7, 8, 9].map(|last| format!("{net}.{last}"));
    console.sees(&[words.no_alerts, words.live]);
    // An empty list has nothing that could move: the first alert is simply there.
    served.sign_in("visitor", &first);
    console.sees(&[words.medium, &first, words.why]);
    // The next waits until it is asked for.
    served.sign_in("visitor", &second);
    console.sees(&[words.waiting]);
    assert!(!console.text().contains(&second), "the list moved unasked:\n{}", console.text());
    console.press(F5);
    console.sees(&[&second]);
    console.loses(words.waiting);
    console.keys_pressed();

    // Take and open.
    console.press("a");
    leave(console, words, ENTER);
    assert_eq!(console.keys_pressed(), 2);
    console.sees(&[words.took]);
    console.sees(&["user.name", "visitor", "T1078", words.response, "[p1]", "port 4711 ssh2"]);
    assert!(console.styled().contains("visitor"), "what matched is marked in the raw line:\n{}", console.styled());
    back(console, words);

    // Related events: the same machine, five minutes. What an alert is about is searchable a moment later.
    served.finds(&format!("source.ip:{second}"), "1");
    console.keys_pressed();
    leave(console, words, "r");
    assert_eq!(console.keys_pressed(), 1);
    console.sees(&[words.around, "+-5m", "srv-gate", &format!("from {first}"), &format!("from {second}")]);
    back(console, words);

    // History of the entity.
    console.keys_pressed();
    console.press("p");
    console.press("1");
    assert_eq!(console.keys_pressed(), 2);
    console.sees(&[words.since_30_days, "Accepted password"]);
    console.press("1");

    // Close.
    console.sees(&[words.medium]);
    console.keys_pressed();
    console.press("c");
    console.press("1");
    console.press(ENTER);
    assert_eq!(console.keys_pressed(), 3);
    console.sees(&[words.closed]);
    console.press("u");
    console.sees(&[words.undone]);

    // Escalate.
    console.keys_pressed();
    console.press("e");
    console.press(ENTER);
    assert_eq!(console.keys_pressed(), 2);
    console.sees(&[words.escalated]);
    console.press("2");
    console.sees(&["INC-", words.medium, &format!("{net}.")]);
    console.press("1");

    // A critical one is not closed without a note.
    served.sign_in("keymaster", &third);
    console.sees(&[words.waiting]);
    console.press(F5);
    console.sees(&[words.critical, &third]);
    console.press("g");
    console.points_at_rows(4..=4);
    console.press("c");
    console.press("3");
    console.press(ENTER);
    console.sees(&[words.needs_note]);
    console.write("đã gọi");
    console.press(ENTER);
    console.sees(&[words.closed]);
    console.loses(words.critical);

    // What is left is closed at once: all in the filter.
    console.keys_pressed();
    console.press("*");
    console.press("c");
    console.press("4");
    console.press(ENTER);
    assert_eq!(console.keys_pressed(), 4);
    // What is part of an incident is left to it, until somebody decides on it by itself.
    console.sees(&[words.spared]);
    console.press("c");
    console.press("3");
    console.press(ENTER);
    console.sees(&[words.no_alerts]);

    // Sign the generated handover: it is shown, then signed.
    console.keys_pressed();
    console.press(F12);
    console.sees(&[words.handover]);
    console.press(ENTER);
    assert_eq!(console.keys_pressed(), 2);
    console.sees(&[words.signed]);
}

#[test]
fn two_consoles_in_conflict_see_each_other() {
    let served = Served::start();
    served.sign_in("visitor", "203.0.113.60");
    let [mut an, mut ha] = [VIETNAMESE, ENGLISH].map(|words| {
        let console = Terminal::open(&served, words.lang, 80, 24);
        console.sees(&[words.medium, "203.0.113.60", words.live]);
        console
    });
    // Who opens an alert is seen by the other at once, and no longer when it is closed.
    an.press(ENTER);
    an.sees(&[VIETNAMESE.why, "user.name"]);
    ha.sees(&[">M @", "is looking"]);
    an.press(ESC);
    ha.loses("is looking");
    // One declares an incident; it arrives at the other, who corrects its title while the first does the same.
    an.press("e");
    an.press(ENTER);
    an.sees(&[VIETNAMESE.escalated]);
    for console in [&mut an, &mut ha] {
        console.press("2");
        console.press(F5);
        console.sees(&["INC-1", "203.0.113.60"]);
        console.press("e");
    }
    an.write(" chieu nay");
    ha.write(" tonight");
    an.press(ENTER);
    // What is typed is on the screen at once; who was first is decided where both are kept.
    let kept = || String::from_utf8_lossy(&served.run(&["incidents", "list", "--format", "json"])).into_owned();
    wait("the first title", || kept().contains("chieu nay").then_some(()), kept);
    an.sees(&["INC-1", "chieu nay"]);
    ha.press(ENTER);
    // The loser is told what stands there now, and what was typed is not lost.
    ha.sees(&["chieu nay", "tonight"]);
    ha.press(ESC);
    ha.press(F5);
    ha.sees(&["chieu nay"]);
    ha.loses("tonight");
    for console in [&mut an, &mut ha] {
        console.press("q");
    }
    for console in [an, ha] {
        let (is_fine, bytes) = console.ended();
        assert!(is_fine && ends_restored(&bytes));
    }
}

#[test]
fn a_case_is_worked_on_from_its_alert_to_its_report() {
    let served = Served::start();
    served.sign_in("visitor", "203.0.113.61");
    let [mut an, mut ha] = [ENGLISH, VIETNAMESE].map(|words| {
        let console = Terminal::open(&served, words.lang, 160, 50);
        console.sees(&[words.medium, "203.0.113.61", words.live, "SLA"]);
        console
    });
    // A step of the response: two keys, and the other sees it done, by whom.
    an.keys_pressed();
    an.write("t1");
    assert_eq!(an.keys_pressed(), 2);
    an.sees(&["[x] 1 Call the visitor."]);
    ha.sees(&["[x] 1 Gọi cho khách."]);
    // Evidence needs an incident; what is attached proves itself.
    an.press("v");
    an.sees(&["It belongs to no incident"]);
    an.press("e");
    an.press(ENTER);
    an.sees(&[ENGLISH.escalated]);
    served.finds("source.ip:203.0.113.61", "1");
    an.sees(&["INCIDENT INC-1"]);
    an.press("v");
    an.sees(&["Updated incident INC-1"]);
    an.press("2");
    an.sees(&["EVIDENCE", "longan.id:", "sha256"]);
    let [bundle, report, list] = ["case.tar", "case.html", "list.csv"].map(|name| served.data().join(name));
    an.write("W1");
    write_to(&mut an, &bundle);
    let verified = Command::new(PROGRAM).arg("verify").arg(&bundle).output().expect("it runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    // Closing wants a reason; the report tells all of it.
    an.write("s6");
    an.sees(&["Why it goes to"]);
    an.write("khach that");
    an.press(ENTER);
    an.sees(&["closed"]);
    an.press("w");
    write_to(&mut an, &report);
    let text = fs::read_to_string(&report).expect("the report");
    assert!(text.contains("khach that") && text.contains("Evidence attached"), "{text}");
    an.press("1");
    an.press("/");
    an.write("is:all");
    an.press(ENTER);
    an.sees(&["203.0.113.61"]);
    an.press("w");
    write_to(&mut an, &list);
    let text = fs::read_to_string(&list).expect("the list");
    assert!(text.starts_with("id,level,") && text.contains(",closed,Visitor signed in,203.0.113.61,"), "{text}");
    for console in [&mut an, &mut ha] {
        console.press("q");
    }
    for console in [an, ha] {
        let (is_fine, bytes) = console.ended();
        assert!(is_fine && ends_restored(&bytes));
    }
}

/// Types a file's name in the place of what is offered, and waits until it is written.
fn write_to(console: &mut Terminal, path: &Path) {
    console.sees(&["Write to a file"]);
    console.press(CTRL_U);
    let path = path.to_str().expect("a path of letters");
    console.write(path);
    console.press(ENTER);
    console.sees(&[&format!("Wrote {path} (")]);
}

#[test]
fn the_console_outlives_its_server_and_any_size() {
    let mut served = Served::start();
    served.sign_in("visitor", "203.0.113.40");
    let words = VIETNAMESE;
    let mut console = Terminal::open(&served, words.lang, 80, 24);
    console.sees(&[words.medium, words.why, words.live]);

    // Too small for anything but a sum, then one pane, then whole again.
    console.resize(20, 5);
    console.sees(&["SOC 1"]);
    console.loses(words.why);
    for key in ["j", "G", "5", "4", "2", "1", "g"] {
        console.press(key);
    }
    console.resize(60, 20);
    console.sees(&[words.medium]);
    console.lives_on();
    console.press(ENTER);
    console.sees(&[words.medium, words.why, "[p1]"]);
    console.press(ESC);
    console.resize(80, 24);
    console.sees(&[words.medium, words.why, "203.0.113.40"]);
    console.lives_on();

    // The server is killed: what is known stays, nothing can be changed, what is typed is kept.
    served.kill();
    console.sees(&[words.away, words.medium]);
    console.press("n");
    console.write("gọi lại lúc 8 giờ");
    console.press(ENTER);
    console.sees(&["gọi lại lúc 8 giờ", words.medium]);
    // It comes back: the console finds it by itself, and the draft can be sent.
    served.start_again();
    console.loses(words.away);
    console.sees(&[words.live, "gọi lại lúc 8 giờ"]);
    console.press(ENTER);
    console.sees(&["Đã ghi chú ALR-"]);
    // Live again: what comes now arrives.
    served.sign_in("visitor", "203.0.113.41");
    console.sees(&[words.waiting]);
    console.press(F5);
    console.sees(&["203.0.113.41"]);
    console.press("q");
    let (is_fine, bytes) = console.ended();
    assert!(is_fine && ends_restored(&bytes));
}

#[test]
fn nothing_in_a_log_line_reaches_the_terminal() {
    let served = Served::start();
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[31mred\u{9b}5n\u{202e}back\u{200b}\r\u{8}\u{1b}P1$r\u{1b}\\";
    served.sign_in(&format!("keymaster{hostile}"), "203.0.113.50");
    for (words, (columns, rows)) in [(VIETNAMESE, (80, 24)), (ENGLISH, (160, 50))] {
        let mut console = Terminal::open(&served, words.lang, columns, rows);
        console.sees(&[words.critical]);
        console.press(ENTER);
        console.sees(&["␛[2J", "owned", "⟨RLO⟩"]);
        console.press("r");
        console.sees(&[words.around, "␛[2J"]);
        console.press(ENTER);
        console.sees(&["host.name:\"srv-gate\"", "␛[2J"]);
        console.press(ENTER);
        console.sees(&["@timestamp", "longan.id"]);
        console.press("G");
        console.sees(&["event.original", "related.user", "keymaster␛[2J␛]0;owned"]);
        console.press("y");
        console.press("5");
        console.sees(&["srv-gate"]);
        console.press("q");
        let (is_fine, bytes) = console.ended();
        assert!(is_fine && ends_restored(&bytes));
        let text = String::from_utf8(bytes).expect("the console writes UTF-8 only");
        for forbidden in ["\u{1b}[2J\u{1b}]0", "\u{1b}]0;", "\u{1b}P", "\u{9b}", "\u{202e}", "\u{200b}", "\u{8}"] {
            assert!(!text.contains(forbidden), "{forbidden:?} reached the terminal");
        }
    }
}

/// Leaves the list by a key: another pane has its place, or has the cursor.
fn leave(console: &mut Terminal, words: &Words, key: &str) {
    let before = console.cursor();
    console.press(key);
    let look = || (console.cursor() != before || !console.text().contains(words.list)).then_some(());
    wait("another pane", look, || console.text());
}

/// Goes back to the list: its title is there, the cursor on one of its rows.
fn back(console: &mut Terminal, words: &Words) {
    console.press(ESC);
    console.sees(&[words.list]);
    console.points_at_rows(4..=12);
}

/// Says whether the last words to the terminal gave it back: the other screen left, the cursor shown.
fn ends_restored(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let after = text.rsplit_once("\x1b[?1049l").map(|(_, after)| after);
    after.is_some_and(|after| after.contains("\x1b[?25h")) && !text.ends_with("\x1b[?1049h")
}
