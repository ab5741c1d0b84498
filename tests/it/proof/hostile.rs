//! Ten thousand log lines that attack the terminal, while consoles walk over every screen and commands print: nothing of
//! them reaches the terminal but harmless text, nothing is lost, the console goes on and gives the terminal back.

use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use portable_pty::CommandBuilder;

use crate::console_pty::PROGRAM;
use crate::console_pty::Served;
use crate::console_pty::Terminal;
use crate::console_pty::wait;
use crate::proof::hostile_lines::HostileLines;
use crate::proof::life::is_given_back;
use crate::proof::output::Kind;
use crate::proof::output::Output;
use crate::proof::output::read;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const F5: &str = "\x1b[15~";
const F12: &str = "\x1b[24~";
const CTRL_U: &str = "\x15";

const LINES: usize = 10_000;
/// Lines sent over one connection.
const PIECE: usize = 100;
/// Reading and storing the lines takes a slow machine its time, and so does every program that is started.
const PATIENCE: Duration = Duration::from_secs(300);
/// What an analyst pastes into a note, a query, a name.
const PASTED: &str =
    "pasted \u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}6n\u{202e}\u{1b}P$qm\u{1b}\\ e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}";

/// Alerts about what the lines name themselves: the attack is the entity, the host, the user.
const RULES: &str = "title: Hostile command
id: hostile-command
status: test
description: A hostile command was run.
logsource:
    product: linux
detection:
    hostile:
        process.command_line|startswith: /bin/echo
    condition: hostile
level: high
longan:
    entity: process.command_line
---
title: Hostile user
id: hostile-user
status: test
description: A user with a hostile name signed in.
logsource:
    product: linux
detection:
    keymaster:
        user.name|startswith: keymaster
    condition: keymaster
level: critical
longan:
    entity: user.name
";

#[test]
fn ten_thousand_hostile_lines_are_text_and_nothing_else() {
    let served = Served::start_with(RULES);
    let mut console = Terminal::open(&served, "en", 160, 50);
    let mut small = Terminal::open(&served, "vi", 80, 24);
    let plain = Terminal::open_with(&served, &["console", "--plain"], &[], (200, 50));
    console.sees(&["LIVE"]);
    plain.sees(&["open"]);
    let mut lines = HostileLines::new();
    assert!(lines.round() * 2 < LINES, "every attack in every place, then in pairs");
    served.send(&lines.take(PIECE));
    served.finds_in(PATIENCE, "longan.input:syslog_tcp", &PIECE.to_string());
    thread::scope(|scope| {
        let sender = scope.spawn(|| (1..LINES / PIECE).for_each(|_| served.send(&lines.take(PIECE))));
        while !sender.is_finished() {
            walk(&mut console, &ENGLISH);
            walk(&mut small, &VIETNAMESE);
            small.resize(20, 5);
            small.resize(80, 24);
        }
    });
    served.finds_in(PATIENCE, "longan.input:syslog_tcp", &LINES.to_string());
    work(&served, &mut console, &mut lines);
    commands(&served);
    small.lives_on();
    for (terminal, key) in [(&mut console, "q"), (&mut small, "q")] {
        terminal.press(key);
    }
    let [output, small] = [console, small].map(screen_of);
    assert!(!output.notified.is_empty() && !small.notified.is_empty(), "critical alerts are told of");
    assert!(output.copied.iter().filter(|text| text.contains('␛')).count() >= 3, "{:?}", output.copied);
    plain.signal(Signal::SIGTERM);
    let (_, bytes) = plain.ended();
    let printed = read(&bytes, Kind::Lines).expect("lines of text only");
    assert!(printed.printed.contains(&'␛'));
}

/// Returns what a console that has ended wrote; the terminal was given back.
fn screen_of(console: Terminal) -> Output {
    let (is_fine, bytes) = console.ended();
    assert!(is_fine && is_given_back(&bytes));
    read(&bytes, Kind::Screen).expect("our own sequences only")
}

/// The screens by the titles of their panes, in the order of their keys.
const ENGLISH: [&str; 7] =
    ["─ Alerts (groups)", "─ Incidents", "Query>", "─ Rules", "─ Inputs", "─ Who did what", "─ Reports"];
const VIETNAMESE: [&str; 7] =
    ["─ Cảnh báo (nhóm)", "─ Sự cố", "Truy vấn>", "─ Luật", "─ Cổng vào", "─ Ai đã làm gì", "─ Báo cáo"];

/// Walks over all screens while they change, each time until the screen is there.
fn walk(console: &mut Terminal, titles: &[&str; 7]) {
    for (key, title) in ["1", "2", "3", "4", "5", "6", "7"].iter().zip(titles) {
        console.press(key);
        console.sees(&[title]);
        if *key == "3" {
            // The search begins in its query, where a digit is a digit.
            console.press(ENTER);
            console.points_at_rows(4..=45);
        }
        for key in ["j", "G", "k", "g", F5] {
            console.press(key);
        }
    }
    console.press("1");
    console.sees(&[titles[0]]);
}

/// Presses keys and waits for what they show.
fn shows(console: &mut Terminal, keys: &[&str], texts: &[&str]) {
    keys.iter().for_each(|key| console.press(key));
    console.sees(texts);
}

/// Presses a key that gives the cursor to another pane, and waits until it has it.
fn moves(console: &mut Terminal, key: &str) {
    let before = console.cursor();
    console.press(key);
    wait("the cursor elsewhere", || (console.cursor() != before).then_some(()), || console.text());
}

/// Leaves an overlay or a record: what it showed must be gone before the next key, or Escape joins it.
fn leaves(console: &mut Terminal, text: &str) {
    console.press(ESC);
    console.loses(text);
}

/// Does what an analyst does on every screen, and sees the attacks as signs there.
fn work(served: &Served, console: &mut Terminal, lines: &mut HostileLines) {
    let paste = format!("\x1b[200~{PASTED}\x1b[201~");
    shows(console, &["1", F5, "g"], &["─ Alerts (groups)", "Hostile user", "keymaster␛[", "RAW LINE"]);
    for _ in 0..40 {
        shows(console, &["j"], &["ENTITIES"]);
    }
    shows(console, &["g", "y"], &["Copied", "␛"]);
    shows(console, &["p"], &["Search for an entity", "␛"]);
    leaves(console, "Search for an entity");
    shows(console, &["x"], &["Except from", "␛"]);
    leaves(console, "Except from");
    shows(console, &["n", &paste], &["Add a note", "pasted [2J]0;owned6n⟨RLO⟩P"]);
    shows(console, &[ENTER], &["Noted"]);
    shows(console, &["e", ENTER], &["Escalated ALR-"]);
    moves(console, "r");
    shows(console, &[], &["Events around", "│!", "␛"]);
    shows(console, &["y"], &["Copied"]);
    // A note that came by another way has all of it.
    served.run(&["alerts", "note", "1", PASTED]);
    shows(console, &["2", F5], &["─ Incidents", "INC-1", "ENTITIES", "␛"]);
    shows(console, &["n", &paste, ENTER], &["Updated incident"]);
    // Found, narrowed, counted, and as it comes in.
    let count = String::from_utf8(served.run(&["search", "keymaster*", "--count"])).expect("a number");
    let found = format!("n={} ", count.trim());
    shows(console, &["3", "/", CTRL_U, "keymaster*", ENTER], &["Events 1/", "keymaster␛", &found]);
    shows(console, &["j", "y"], &["Copied"]);
    shows(console, &["b"], &["Fields in the", "user.name"]);
    moves(console, ESC);
    shows(console, &[ENTER], &["Fields of the event", "event.original", "␛"]);
    moves(console, ESC);
    shows(console, &["/", CTRL_U, "*", ENTER], &["Events 1/"]);
    shows(console, &["l"], &["LIVE TAIL"]);
    served.send(&lines.take(lines.round()));
    shows(console, &["G"], &["LIVE TAIL", "␛"]);
    shows(console, &["l"], &["Events"]);
    shows(console, &["4"], &["─ Rules"]);
    shows(console, &["5"], &["─ Log sources", "hostile-␛"]);
    shows(console, &["G", "k", ENTER], &["Last lines"]);
    moves(console, ESC);
    served.run(&["search", PASTED, "--count"]);
    shows(console, &["6", F5], &["─ Who did what", "GET /v1/search"]);
    shows(console, &["7"], &["─ Reports"]);
    shows(console, &[F12], &["SHIFT HANDOVER", "INC-1"]);
    leaves(console, "SHIFT HANDOVER");
    shows(console, &["?"], &["Help: type"]);
    leaves(console, "Help: type");
}

/// Runs commands in a terminal: they print the same attacks.
fn commands(served: &Served) {
    let table: [&[&str]; 24] = [
        &["search", "", "--limit", "2000"],
        &["search", "keymaster*", "--format", "json"],
        &["search", "keymaster*", "--format", "csv"],
        &["search", "", "--fields", "host.name,user.name,message"],
        &["search", "* | top 200 user.name"],
        &["search", "* | stats count() by host.name"],
        &["search", "* | timechart span=1m count() by process.name"],
        &["search", PASTED, "--explain"],
        &["search", "user.name:(\u{1b}[2J\u{9b}6n\u{202e}"],
        &["alerts", "list", "--limit", "500"],
        &["alerts", "list", "--format", "json", "--limit", "500"],
        &["alerts", "show", "1"],
        &["alerts", "show", "2", "--format", "json"],
        &["alerts", "list", "--status", PASTED],
        &["incidents", "list"],
        &["incidents", "show", "1"],
        &["incidents", "report", "1"],
        &["sources", "list"],
        &["sources", "list", "--format", "json"],
        &["status", "--sources"],
        &["audit"],
        &["report", "triage"],
        &["report", "handover"],
        &["searches", "list"],
    ];
    let mut findings = Vec::new();
    for arguments in table {
        let (_, bytes) = Terminal::open_with(served, arguments, &[], (120, 40)).ended_in(PATIENCE);
        if let Err(what) = read(&bytes, Kind::Lines) {
            findings.push(format!("{arguments:?}: {what}"));
        }
        assert!(bytes.len() > 20, "{arguments:?} prints something");
    }
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn commands_that_read_lines_print_them_as_text() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let mut lines = HostileLines::new();
    let mut findings = Vec::new();
    let mut run = |what: &str, command: CommandBuilder| {
        let (_, bytes) = Terminal::spawn(command, (120, 40)).ended_in(PATIENCE);
        assert!(bytes.len() > 20, "{what} prints something");
        findings.extend(read(&bytes, Kind::Lines).err().map(|err| format!("{what}: {err}")));
    };
    let all = lines.every_place();
    // From an argument, which holds no NUL and is UTF-8.
    let mut explain = CommandBuilder::new(PROGRAM);
    let line = all.concat();
    explain.args(["parsers", "explain", "--", &String::from_utf8_lossy(&line).replace('\0', "")]);
    run("parsers explain LINE", explain);
    // And from standard input, with line ends in the middle.
    let file = folder.path().join("lines");
    std::fs::write(&file, all.join(&b'\n')).expect("a file");
    for command in ["parsers explain --format json", "parse"] {
        let mut shell = CommandBuilder::new("sh");
        shell.args(["-c", &format!("exec {PROGRAM:?} {command} < {file:?}")]);
        run(command, shell);
    }
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}
