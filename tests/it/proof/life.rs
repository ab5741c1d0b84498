//! The console ended, paused, hung up, resized and bereft of its server while it is used: the terminal is always given back,
//! nothing is lost, nothing is told twice.

use std::io::Read as _;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use portable_pty::Child;
use portable_pty::CommandBuilder;
use portable_pty::MasterPty;
use portable_pty::PtySize;
use portable_pty::native_pty_system;

use crate::console_pty::PROGRAM;
use crate::console_pty::Served;
use crate::console_pty::Terminal;
use crate::console_pty::wait;
use crate::console_pty::wait_for;
use crate::proof::output::Kind;
use crate::proof::output::read;

const F5: &str = "\x1b[15~";
const ENTER: &str = "\r";
const ESC: &str = "\x1b";

/// What the terminal must hear last: no mouse, no marked pastes, its own screen, the cursor.
const GIVEN_BACK: [&str; 4] = ["\x1b[?1000l", "\x1b[?2004l", "\x1b[?1049l", "\x1b[?25h"];

pub(super) fn is_given_back(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some(taken) = text.rfind("\x1b[?1049h") else { return false };
    GIVEN_BACK.iter().all(|sequence| text.rfind(sequence).is_some_and(|at| at > taken))
}

#[test]
fn whoever_ends_it_the_terminal_is_given_back() {
    let served = Served::start();
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
        let mut console = Terminal::open(&served, "en", 80, 24);
        console.sees(&["LIVE"]);
        assert!(!console.is_cooked(), "the console reads keys, not lines");
        console.press("/");
        console.write("half a filter");
        console.sees(&["half a filter"]);
        console.signal(signal);
        wait("the terminal's own settings", || console.is_cooked().then_some(()), || console.text());
        let (is_fine, bytes) = console.ended();
        assert!(is_fine && is_given_back(&bytes), "{signal}: {:?}", String::from_utf8_lossy(&bytes));
        assert_eq!(read(&bytes, Kind::Screen).err(), None, "{signal}");
    }
}

#[test]
fn a_paused_console_leaves_the_terminal_and_comes_back() {
    let served = Served::start();
    served.sign_in("visitor", "203.0.113.70");
    let mut console = Terminal::open(&served, "en", 80, 24);
    console.sees(&["203.0.113.70", "LIVE"]);
    for _ in 0..2 {
        console.signal(Signal::SIGTSTP);
        wait("the console to stop", || (console.state() == Some('T')).then_some(()), || console.text());
        assert!(console.is_cooked() && is_given_back(&console.bytes()));
        assert!(!console.text().contains("203.0.113.70"), "the shell's screen is there again");
        console.signal(Signal::SIGCONT);
        console.sees(&["203.0.113.70", "LIVE"]);
        wait("keys instead of lines", || (!console.is_cooked()).then_some(()), || console.text());
        console.press("?");
        console.sees(&["Help: type"]);
        console.press(ESC);
        console.loses("Help: type");
    }
    // Stopped by what cannot be caught, and somebody else used the terminal meanwhile.
    console.signal(Signal::SIGSTOP);
    wait("the console to stop", || (console.state() == Some('T')).then_some(()), || console.text());
    let cleaned = Command::new("stty").arg("-F").arg(console.device()).arg("sane").status().expect("stty runs");
    assert!(cleaned.success() && console.is_cooked());
    console.signal(Signal::SIGCONT);
    wait("keys instead of lines", || (!console.is_cooked()).then_some(()), || console.text());
    console.press("2");
    console.sees(&[">2 Incidents"]);
    console.press("q");
    let (is_fine, bytes) = console.ended();
    assert!(is_fine && is_given_back(&bytes));
    assert_eq!(read(&bytes, Kind::Screen).err(), None);
}

/// Starts a console in a terminal that only this test reads, if anybody.
fn console_alone(served: &Served, rows: u16, cols: u16) -> (Box<dyn Child + Send + Sync>, Box<dyn MasterPty + Send>) {
    let pty = native_pty_system()
        .openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })
        .expect("a pseudo terminal");
    let mut command = CommandBuilder::new(PROGRAM);
    command.args(["console", "--data"]);
    command.arg(served.data());
    let child = pty.slave.spawn_command(command).expect("the console starts");
    (child, pty.master)
}

#[test]
fn a_console_whose_terminal_is_gone_ends() {
    let served = Served::start();
    let (mut child, master) = console_alone(&served, 24, 80);
    let mut reader = master.try_clone_reader().expect("a reader");
    let mut painted = Vec::new();
    let mut buffer = [0; 4096];
    // Read until it has painted: it is in the middle of its life.
    while !String::from_utf8_lossy(&painted).contains("SOC") {
        let count = reader.read(&mut buffer).expect("the console paints");
        painted.extend_from_slice(&buffer[..count]);
    }
    drop(reader);
    drop(master);
    // A program that another test started in just this moment may hold the terminal open as long as it lives.
    let patience = std::time::Duration::from_secs(240);
    wait_for(patience, "the console to end", || child.try_wait().ok().flatten(), String::new);
}

#[test]
fn the_whole_program_in_one_terminal_ends_in_order() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(["start", "--lang", "en", "--syslog-udp", "off", "--syslog-tcp", "127.0.0.1:0", "--relp", "off"]);
        command.args(["--http", "off", "--data"]);
        command.arg(&data);
        command.env("TERM", "xterm-256color");
        let program = Terminal::spawn(command, (80, 24));
        program.sees(&["LIVE"]);
        // The server goes on whatever becomes of the terminal's job control.
        program.signal(Signal::SIGTSTP);
        program.lives_on();
        program.signal(signal);
        let (is_fine, bytes) = program.ended();
        assert!(is_fine && is_given_back(&bytes), "{signal}: {}", String::from_utf8_lossy(&bytes));
        assert!(std::fs::metadata(data.join("endpoints.json")).is_err(), "{signal}: the server said that it has gone");
    }
}

#[test]
fn any_size_under_use() {
    let served = Served::start();
    for last in 1..=5 {
        served.sign_in("visitor", &format!("203.0.113.{last}"));
    }
    let mut console = Terminal::open(&served, "vi", 80, 24);
    console.sees(&["203.0.113.1", "203.0.113.5"]);
    let keys =
        ["j", "G", "k", ENTER, "j", ESC, "r", ESC, "3", "*", ENTER, "j", "1", ":", "x", ESC, "c", "1", ESC, "5", "1"];
    let sizes = [(20, 5), (80, 24), (1, 1), (300, 100), (2, 40), (400, 2), (39, 9), (160, 50), (20, 5), (80, 24)];
    for (last, size) in (6..).zip(sizes) {
        console.resize(size.0, size.1);
        // Alerts come and keys are pressed while the size changes.
        served.sign_in("visitor", &format!("203.0.113.{last}"));
        for key in keys {
            console.press(key);
            if key == ESC {
                // Escape and a letter read at once are one key: the letter with Alt.
                console.settles();
            }
        }
    }
    console.lives_on();
    console.press(ESC);
    console.settles();
    console.press("1");
    console.press(F5);
    console.press("g");
    console.sees(&["Cảnh báo (nhóm)", "/15", "VÌ SAO"]);
    console.press("q");
    let (is_fine, bytes) = console.ended();
    assert!(is_fine && is_given_back(&bytes));
    assert_eq!(read(&bytes, Kind::Screen).err(), None);
}

#[test]
fn a_server_killed_twice_loses_and_doubles_nothing() {
    let mut served = Served::start();
    let mut console = Terminal::open(&served, "en", 160, 50);
    console.sees(&["LIVE"]);
    let mut sent = 0;
    let mut sign_in = |served: &Served, count: usize| {
        for _ in 0..count {
            sent += 1;
            served.sign_in("visitor", &format!("198.51.100.{sent}"));
        }
        // What plain TCP has not handed over when the server is killed, nobody has promised to keep.
        served.finds("user.name:visitor", &sent.to_string());
        sent
    };
    let shown = sign_in(&served, 3);
    console.press(F5);
    console.sees(&[&format!("/{shown} ")]);
    for round in 0..2 {
        let before = sign_in(&served, 4);
        console.sees(&[&format!("+{} new", before - if round == 0 { 3 } else { 12 })]);
        console.press("n");
        console.write(&format!("draft {round}"));
        served.kill();
        console.sees(&["SERVER AWAY", "read-only", "data as of", &format!("draft {round}")]);
        // Read-only: sent, refused, kept.
        console.press(ENTER);
        console.sees(&[&format!("draft {round}"), "SERVER AWAY"]);
        served.start_again();
        console.loses("SERVER AWAY");
        // What came before and after the crash waits together, each once; the list has not moved.
        let after = sign_in(&served, 5);
        console.sees(&[&format!("+{} new", after - if round == 0 { 3 } else { 12 }), &format!("draft {round}")]);
        console.press(ENTER);
        console.loses(&format!("draft {round}"));
        console.press(F5);
        console.sees(&[&format!("/{after} ")]);
        console.loses(" new (F5)");
        console.settles();
        for number in 1..=after {
            let address = format!("198.51.100.{number} ");
            // The list is the left part of its rows.
            let text = console.text();
            let listed = text.lines().map(|line| line.chars().take(100).collect::<String>());
            let rows = listed.filter(|row| row.contains("Visitor") && row.contains(&address)).count();
            assert_eq!(rows, 1, "{address}:\n{}", console.text());
        }
    }
    let rows = String::from_utf8(served.run(&["alerts", "list", "--format", "json"])).expect("UTF-8");
    assert_eq!(rows.lines().count(), sent);
    console.press("q");
    let (is_fine, bytes) = console.ended();
    assert!(is_fine && is_given_back(&bytes));
}

#[test]
fn a_reader_that_reads_no_more_does_not_keep_the_console() {
    // Nobody reads what is painted: the terminal's buffer is full and every write waits. A signal must still end it.
    let served = Served::start();
    let (mut child, master) = console_alone(&served, 100, 300);
    let pid = child.process_id().and_then(|pid| i32::try_from(pid).ok()).expect("a process id");
    let mut keys = master.take_writer().expect("a writer");
    for _ in 0..200 {
        keys.write_all(b"\x0c").expect("the terminal takes keys");
    }
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("the console runs");
    // The terminal reads again, as one does that was only scrolled back.
    let mut reader = master.try_clone_reader().expect("a reader");
    let drain = std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while matches!(reader.read(&mut buffer), Ok(1..)) {}
    });
    wait("the console to end", || child.try_wait().ok().flatten(), String::new);
    drop((keys, master));
    drain.join().expect("the reader ends with the terminal");
}
