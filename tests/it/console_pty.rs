//! A real server and a real terminal for the console's tests: the built program twice, a pseudo terminal, its screen.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::io::Write;
use std::net::TcpStream;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use portable_pty::CommandBuilder;
use portable_pty::MasterPty;
use portable_pty::PtySize;
use portable_pty::native_pty_system;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_longan");
/// How long anything may take on a busy machine; what is waited for is looked at every few milliseconds.
const PATIENCE: Duration = Duration::from_secs(40);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Two rules of the test's own: a medium and a critical one, grouped by the address.
const RULES: &str = "title: Visitor signed in
id: visitor-signed-in
status: test
description: A visitor signed in.
tags: [attack.initial-access, attack.t1078]
logsource:
    product: linux
detection:
    visitor:
        user.name: visitor
    condition: visitor
level: medium
longan:
    title_vi: Khách đăng nhập
    entity: source.ip
    response: [Call the visitor.]
    response_vi: [Gọi cho khách.]
---
title: Keymaster signed in
id: keymaster-signed-in
status: test
description: The keymaster signed in.
tags: [attack.initial-access, attack.t1078]
logsource:
    product: linux
detection:
    keymaster:
        user.name|startswith: keymaster
    condition: keymaster
level: critical
longan:
    title_vi: Chủ khóa đăng nhập
    entity: source.ip
    response: [Call the keymaster.]
    response_vi: [Gọi cho chủ khóa.]
";

/// Waits until `look` finds something; panics with `what` and what `last` tells when it never does.
pub(crate) fn wait<T>(what: &str, look: impl FnMut() -> Option<T>, last: impl Fn() -> String) -> T {
    wait_for(PATIENCE, what, look, last)
}

pub(crate) fn wait_for<T>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
    last: impl Fn() -> String,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}:\n{}", last());
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A running server on a folder of its own.
pub(crate) struct Served {
    folder: TempDir,
    server: Child,
    tcp: String,
}

impl Served {
    pub(crate) fn start() -> Served {
        Served::start_with("")
    }

    /// Starts one with rules beside its own.
    pub(crate) fn start_with(more_rules: &str) -> Served {
        let folder = TempDir::new().expect("a temporary folder");
        let rules = folder.path().join("rules");
        fs::create_dir(&rules).expect("a folder for rules");
        fs::write(rules.join("own.yml"), RULES).expect("a rule file");
        if !more_rules.is_empty() {
            fs::write(rules.join("more.yml"), more_rules).expect("a rule file");
        }
        let config = format!("[rules]\nfolder = {rules:?}\n");
        fs::write(folder.path().join("longan.toml"), config).expect("a configuration");
        let (server, tcp) = serve(folder.path());
        Served { folder, server, tcp }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Ends the server as a crash would.
    pub(crate) fn kill(&mut self) {
        self.server.kill().expect("the server runs");
        self.server.wait().expect("the server ends");
    }

    pub(crate) fn start_again(&mut self) {
        (self.server, self.tcp) = serve(self.folder.path());
    }

    /// Sends a sign-in of `user` from an address.
    pub(crate) fn sign_in(&self, user: &str, address: &str) {
        let now = jiff::Timestamp::now();
        let line =
            format!("<86>1 {now} srv-gate sshd 411 - - Accepted password for {user} from {address} port 4711 ssh2\n");
        self.send(line.as_bytes());
    }

    /// Sends bytes as they are over syslog's TCP.
    pub(crate) fn send(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(&self.tcp).expect("the server listens");
        stream.write_all(bytes).expect("the server reads");
    }

    /// Runs a command on the server's data; returns what it wrote to standard output.
    pub(crate) fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).arg("--data").arg(self.data()).stderr(Stdio::null());
        command.output().expect("the program runs").stdout
    }
}

impl Served {
    /// Waits until a search finds as many events as there must be.
    pub(crate) fn finds(&self, query: &str, count: &str) {
        self.finds_in(PATIENCE, query, count);
    }

    /// Waits longer: for what takes a slow machine its time.
    pub(crate) fn finds_in(&self, patience: Duration, query: &str, count: &str) {
        let last = RefCell::new(String::new());
        let look = || {
            last.replace(String::from_utf8_lossy(&self.run(&["search", query, "--count"])).trim().to_owned());
            (*last.borrow() == count).then_some(())
        };
        wait_for(patience, &format!("{count} events of {query}"), look, || last.borrow().clone());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // A test that failed may have ended it already.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn serve(folder: &Path) -> (Child, String) {
    let data = folder.join("data");
    let endpoints = data.join("endpoints.json");
    // What a killed server left must not be taken for the new one's.
    drop(fs::remove_file(&endpoints));
    let log = fs::File::create(folder.join("server.log")).expect("a log file");
    let server = Command::new(PROGRAM)
        .args(["start", "--headless", "--syslog-tcp", "127.0.0.1:0", "--syslog-udp", "off"])
        .args(["--relp", "off", "--http", "off", "--data"])
        .arg(&data)
        .arg("--config")
        .arg(folder.join("longan.toml"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the server starts");
    let look = || {
        let text = fs::read_to_string(&endpoints).ok()?;
        let known: Value = serde_json::from_str(&text).ok()?;
        known.get("syslog_tcp")?.as_str().map(str::to_owned)
    };
    let tcp = wait("the server", look, || fs::read_to_string(folder.join("server.log")).unwrap_or_default());
    (server, tcp)
}

/// A console in a terminal.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    seen: Arc<Mutex<Seen>>,
    reader: Option<JoinHandle<()>>,
    pressed: usize,
}

struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

impl Terminal {
    /// Opens the console on a server.
    pub(crate) fn open(served: &Served, lang: &str, columns: u16, rows: u16) -> Terminal {
        Terminal::open_with(served, &["console", "--lang", lang], &[], (columns, rows))
    }

    /// Runs any command on a server's data in a terminal.
    pub(crate) fn open_with(
        served: &Served,
        arguments: &[&str],
        environment: &[(&str, &str)],
        (columns, rows): (u16, u16),
    ) -> Terminal {
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(arguments);
        command.arg("--data");
        command.arg(served.data());
        // What the console writes goes where it was started.
        command.cwd(served.data());
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        environment.iter().for_each(|(name, value)| command.env(name, value));
        Terminal::spawn(command, (columns, rows))
    }

    /// Runs a command in a terminal.
    pub(crate) fn spawn(command: CommandBuilder, (columns, rows): (u16, u16)) -> Terminal {
        let pty = native_pty_system().openpty(size(columns, rows)).expect("a pseudo terminal");
        let child = pty.slave.spawn_command(command).expect("the console starts");
        // Only the console holds the other end now, so that reading ends with it.
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        let keys = pty.master.take_writer().expect("a writer");
        let parser = vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0);
        let seen = Arc::new(Mutex::new(Seen { parser, bytes: Vec::new() }));
        let shared = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            let mut ahead = Vec::new();
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let mut seen = shared.lock().expect("no panic while held");
                let read = buffer.get(..count).expect("no more than there is room for");
                ahead.extend_from_slice(read);
                let shown = showable(&mut ahead);
                seen.parser.process(&shown);
                seen.bytes.extend_from_slice(read);
            }
        });
        Terminal { master: pty.master, keys, child, seen, reader: Some(reader), pressed: 0 }
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("the console runs");
    }

    /// Returns the state of the process as the system names it: `T` when it is stopped; `None` when it has gone.
    pub(crate) fn state(&self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).ok()?;
        stat.rsplit_once(") ").and_then(|(_, fields)| fields.chars().next())
    }

    fn pid(&self) -> i32 {
        self.child.process_id().and_then(|pid| i32::try_from(pid).ok()).expect("a process id")
    }

    /// Says whether the terminal gathers lines and echoes keys, as a shell expects it.
    pub(crate) fn is_cooked(&self) -> bool {
        const ECHO_AND_LINES: u32 = 0o12;
        self.master.get_termios().expect("a terminal's settings").local_flags.bits() & ECHO_AND_LINES == ECHO_AND_LINES
    }

    /// Returns the device the console draws on.
    pub(crate) fn device(&self) -> PathBuf {
        self.master.tty_name().expect("a terminal has a name")
    }

    /// Waits until nothing has been written for a while.
    pub(crate) fn settles(&self) {
        const STILL: Duration = Duration::from_millis(120);
        let mut last = (self.written(), Instant::now());
        let look = || {
            let written = self.written();
            if written != last.0 {
                last = (written, Instant::now());
            }
            (last.1.elapsed() > STILL).then_some(())
        };
        wait("the console to be still", look, || self.text());
    }

    fn written(&self) -> usize {
        self.seen.lock().expect("no panic while held").bytes.len()
    }

    /// Presses one key.
    pub(crate) fn press(&mut self, key: &str) {
        self.pressed += 1;
        self.keys.write_all(key.as_bytes()).and_then(|()| self.keys.flush()).expect("the console reads keys");
    }

    /// Sends what may be several keys in one piece, as an input method or a paste does.
    pub(crate) fn write_at_once(&mut self, keys: &str) {
        self.press(keys);
    }

    /// Types a text, one key after the other.
    pub(crate) fn write(&mut self, text: &str) {
        for c in text.chars() {
            self.press(c.encode_utf8(&mut [0; 4]));
        }
    }

    /// Returns how many keys were pressed since this was asked last.
    pub(crate) fn keys_pressed(&mut self) -> usize {
        std::mem::take(&mut self.pressed)
    }

    /// Returns the screen's text.
    pub(crate) fn text(&self) -> String {
        self.seen.lock().expect("no panic while held").parser.screen().contents()
    }

    /// Returns the texts on the screen that stand on another ground than the rest of their row: what is marked.
    pub(crate) fn styled(&self) -> String {
        let seen = self.seen.lock().expect("no panic while held");
        let screen = seen.parser.screen();
        let (rows, columns) = screen.size();
        let mut text = String::new();
        for row in 0..rows.get() {
            for column in 0..columns.get() {
                let Some(cell) = screen.cell(row, column) else { continue };
                let is_marked = cell.inverse() || cell.bgcolor() != vt100::Color::Default || cell.underline();
                text.push_str(if is_marked { cell.contents() } else { "\u{0}" });
            }
            text.push('\n');
        }
        text.split('\u{0}').filter(|part| !part.trim().is_empty()).fold(String::new(), |mut all, part| {
            writeln!(all, "{part}").expect("a string takes everything");
            all
        })
    }

    /// Waits until all of `texts` are on the screen.
    pub(crate) fn sees(&self, texts: &[&str]) {
        let look = || {
            let screen = self.text();
            texts.iter().all(|text| screen.contains(text)).then_some(())
        };
        wait(&format!("{texts:?}"), look, || self.text());
    }

    /// Waits until the clock on the screen has gone on twice: a new size is surely taken in then. A key that reaches the
    /// terminal library in the same moment as a change of size waits there for the next key.
    pub(crate) fn lives_on(&self) {
        for _ in 0..2 {
            let before = self.text();
            wait("the clock to go on", || (self.text() != before).then_some(()), || self.text());
        }
    }

    /// Returns row and column of the terminal's cursor, which stands on what has the focus.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.seen.lock().expect("no panic while held").parser.screen().cursor_position()
    }

    /// Waits until the terminal's cursor stands in these rows of the second column: on a row of a list.
    pub(crate) fn points_at_rows(&self, rows: RangeInclusive<u16>) {
        let look = || {
            let (row, column) = self.cursor();
            (rows.contains(&row) && column == 1).then_some(())
        };
        wait(&format!("the cursor in {rows:?}"), look, || self.text());
    }

    /// Waits until a text is no longer on the screen.
    pub(crate) fn loses(&self, text: &str) {
        wait(&format!("{text:?} to go"), || (!self.text().contains(text)).then_some(()), || self.text());
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        // The emulator first: what the console draws for the new size finds it ready.
        let mut seen = self.seen.lock().expect("no panic while held");
        seen.parser.set_size(at_least_one(rows), at_least_one(columns));
        self.master.resize(size(columns, rows)).expect("the terminal takes a size");
    }

    /// Returns all bytes the console has written.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.seen.lock().expect("no panic while held").bytes.clone()
    }

    /// Waits for the console to end by itself; returns whether it succeeded and all it wrote.
    pub(crate) fn ended(self) -> (bool, Vec<u8>) {
        self.ended_in(PATIENCE)
    }

    /// Waits longer: for what takes a slow machine its time.
    pub(crate) fn ended_in(mut self, patience: Duration) -> (bool, Vec<u8>) {
        let status = wait_for(patience, "the console to end", || self.child.try_wait().ok().flatten(), String::new);
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends with the terminal");
        }
        (status.success(), self.bytes())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed leaves it running.
        drop(self.child.kill());
    }
}

/// Takes what the emulator can be given. It prints nothing for U+FFFD, where terminals print a sign of one column, and all
/// behind it on the row would be out of place.
fn showable(ahead: &mut Vec<u8>) -> Vec<u8> {
    const REPLACEMENT: &[u8] = b"\xef\xbf\xbd";
    let held = (1..REPLACEMENT.len()).rev().find(|count| ahead.ends_with(&REPLACEMENT[..*count])).unwrap_or(0);
    let mut rest: Vec<u8> = ahead.drain(..ahead.len() - held).collect();
    let mut shown = Vec::with_capacity(rest.len());
    while let Some(at) = rest.windows(REPLACEMENT.len()).position(|window| window == REPLACEMENT) {
        shown.extend(rest.drain(..at));
        shown.push(b'?');
        rest.drain(..REPLACEMENT.len());
    }
    shown.append(&mut rest);
    shown
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn at_least_one(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has a size")
}
