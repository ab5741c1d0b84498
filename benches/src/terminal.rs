//! The real console in a real pseudo terminal, watched from outside: what it painted, when, and what that cost.

use std::io::Read as _;
use std::io::Write;
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use portable_pty::CommandBuilder;
use portable_pty::MasterPty;
use portable_pty::PtySize;
use portable_pty::native_pty_system;

use crate::cpu;

/// How long a paint may be waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Nothing written for so long means that nothing more is on its way.
const QUIET: Duration = Duration::from_millis(25);
/// Every frame ends with the cursor hidden, or shown and put in its place; nothing else says so.
const FRAME_END: &[u8] = b"\x1b[?25";
/// A cursor is put in its place by fewer bytes.
const PLACE_MAX: usize = 12;

/// The thread that reads what is painted, by its name; and those of the console that a key passes.
const READER: &str = "reading";
const DRAWING: &str = "longan";

/// A console in a terminal.
pub struct Terminal {
    keys: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    shared: Arc<Shared>,
    started: Instant,
    pid: u32,
    _master: Box<dyn MasterPty + Send>,
}

struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

/// What has come out of the terminal so far.
struct Seen {
    parser: vt100::Parser,
    bytes: u64,
    frames: u64,
    /// How much of [`FRAME_END`] the last bytes were.
    matched: usize,
    /// What came since the cursor was shown or hidden, when that is not more than its place.
    place: Option<Vec<u8>>,
    first_frame: Option<Instant>,
    read_at: Instant,
    /// CPU-seconds of the drawing thread at the end of each frame, while wanted.
    samples: Option<Vec<f64>>,
}

/// What one key cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// CPU-seconds of the drawing thread.
    pub seconds: f64,
    pub frames: u64,
    pub bytes: u64,
}

/// How long a key took until it was painted.
#[derive(Debug, Clone, Copy)]
pub struct Waited {
    pub wall: f64,
    /// Of it, the seconds in which the threads on its way wanted a processor that others had.
    pub queued: f64,
}

impl Terminal {
    /// Opens the console on the server of a data folder.
    ///
    /// # Errors
    /// When there is no terminal or no program.
    pub fn open(program: &Path, data: &Path, (columns, rows): (u16, u16)) -> anyhow::Result<Terminal> {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).context("a pseudo terminal")?;
        let mut command = CommandBuilder::new(program);
        command.args(["console", "--lang", "vi", "--data"]);
        command.arg(data);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        let started = Instant::now();
        let child = pty.slave.spawn_command(command).context("the console")?;
        drop(pty.slave);
        let pid = child.process_id().context("the console's process id")?;
        let reader = pty.master.try_clone_reader().context("a reader")?;
        let keys = pty.master.take_writer().context("a writer")?;
        let at_least_one = |number| NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN);
        let seen = Seen {
            parser: vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0),
            bytes: 0,
            frames: 0,
            matched: 0,
            place: None,
            first_frame: None,
            read_at: started,
            samples: None,
        };
        let shared = Arc::new(Shared { seen: Mutex::new(seen), changed: Condvar::new() });
        let for_reader = Arc::clone(&shared);
        let reading = thread::Builder::new().name(READER.to_owned());
        reading.spawn(move || read_all(reader, &for_reader, pid)).context("a thread")?;
        Ok(Terminal { keys, child, shared, started, pid, _master: pty.master })
    }

    /// Returns the console's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until what is on the screen satisfies; returns when that was read.
    ///
    /// # Errors
    /// When it never does.
    pub fn wait(&self, what: &str, is_there: impl Fn(&vt100::Screen) -> bool) -> anyhow::Result<Instant> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // In the middle of a frame the cursor is where something is painted, and the screen half of each.
        while !(seen.is_whole() && is_there(seen.parser.screen())) {
            let left = deadline.saturating_duration_since(Instant::now());
            anyhow::ensure!(!left.is_zero(), "waited in vain for {what}:\n{}", seen.parser.screen().contents());
            (seen, _) = self.shared.changed.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(seen.read_at)
    }

    /// Waits for the first frame; returns the time since the start of the process.
    ///
    /// # Errors
    /// When none comes.
    pub fn first_paint(&self) -> anyhow::Result<Duration> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(at) = seen.first_frame {
                return Ok(at - self.started);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            anyhow::ensure!(!left.is_zero(), "the console paints nothing");
            (seen, _) = self.shared.changed.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Returns the time since the start of the process.
    pub fn since_start(&self, at: Instant) -> Duration {
        at - self.started
    }

    /// Returns the screen's text.
    pub fn text(&self) -> String {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).parser.screen().contents()
    }

    /// Presses a key; returns how long it took until the screen satisfied.
    ///
    /// # Errors
    /// When it never does.
    pub fn key(&mut self, key: &str, is_painted: impl Fn(&vt100::Screen) -> bool) -> anyhow::Result<Waited> {
        let before = self.queued()?;
        let pressed = Instant::now();
        self.press(key)?;
        let painted = self.wait(&format!("what {key:?} paints"), is_painted)?;
        let wall = painted.saturating_duration_since(pressed).as_secs_f64();
        Ok(Waited { wall, queued: (self.queued()? - before).min(wall) })
    }

    fn queued(&self) -> anyhow::Result<f64> {
        let own = cpu::queued_seconds_of(std::process::id(), READER)?;
        Ok(own + cpu::queued_seconds_of(self.pid, DRAWING)?)
    }

    /// Presses a key.
    ///
    /// # Errors
    /// When the console reads no more.
    pub fn press(&mut self, key: &str) -> anyhow::Result<()> {
        self.keys.write_all(key.as_bytes()).and_then(|()| self.keys.flush()).context("pressing a key")
    }

    /// Presses a key and waits until all that follows from it is painted; returns what that cost the drawing thread.
    ///
    /// # Errors
    /// When the process has gone.
    pub fn cost(&mut self, key: &str) -> anyhow::Result<Cost> {
        let before = self.now()?;
        self.press(key)?;
        let deadline = Instant::now() + PATIENCE;
        let mut last = before;
        loop {
            thread::sleep(QUIET);
            let now = self.now()?;
            if now.frames > before.frames && now.frames == last.frames && now.seconds - last.seconds < 20e-6 {
                break;
            }
            anyhow::ensure!(Instant::now() < deadline, "no frame after {key:?}:\n{}", self.text());
            last = now;
        }
        Ok(Cost {
            seconds: last.seconds - before.seconds,
            frames: last.frames - before.frames,
            bytes: last.bytes - before.bytes,
        })
    }

    /// Begins to note what each frame costs.
    pub fn sample(&self) {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).samples = Some(Vec::new());
    }

    /// Returns what each frame since then cost the drawing thread, in CPU-seconds.
    pub fn sampled(&self) -> Vec<f64> {
        let samples = self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).samples.take();
        samples.unwrap_or_default().windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Ends the console by its key.
    ///
    /// # Errors
    /// When it does not end.
    pub fn quit(mut self) -> anyhow::Result<()> {
        self.press("\x03")?;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            anyhow::ensure!(Instant::now() < deadline, "the console does not end:\n{}", self.text());
            thread::sleep(QUIET);
        }
        Ok(())
    }

    fn now(&self) -> anyhow::Result<Cost> {
        let seconds = cpu::seconds_of_first_thread(self.pid)?;
        let seen = self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Cost { seconds, frames: seen.frames, bytes: seen.bytes })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read_all(mut reader: Box<dyn std::io::Read + Send>, shared: &Shared, pid: u32) {
    let mut buffer = [0; 1 << 16];
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        let read_at = Instant::now();
        let Some(read) = buffer.get(..count) else { return };
        let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.take(read, read_at, pid);
        drop(seen);
        shared.changed.notify_all();
    }
}

impl Seen {
    /// Says whether nothing has come since a whole frame.
    fn is_whole(&self) -> bool {
        let is_place = |place: &[u8]| {
            place
                .strip_prefix(b"\x1b[")
                .and_then(|rest| rest.strip_suffix(b"H"))
                .is_some_and(|numbers| numbers.iter().all(|byte| byte.is_ascii_digit() || *byte == b';'))
        };
        let is_shown = !self.parser.screen().hide_cursor();
        self.place.as_deref().is_some_and(|place| if is_shown { is_place(place) } else { place.is_empty() })
    }

    fn take(&mut self, read: &[u8], read_at: Instant, pid: u32) {
        self.parser.process(read);
        self.bytes += read.len() as u64;
        self.read_at = read_at;
        let mut frames = 0;
        for byte in read {
            if self.matched == FRAME_END.len() {
                let is_end = matches!(byte, b'h' | b'l');
                frames += u64::from(is_end);
                self.matched = 0;
                self.place = is_end.then(Vec::new);
                continue;
            }
            if let Some(place) = &mut self.place {
                place.push(*byte);
                if place.len() > PLACE_MAX {
                    self.place = None;
                }
            }
            let expected = FRAME_END.get(self.matched);
            self.matched = if expected == Some(byte) { self.matched + 1 } else { usize::from(*byte == FRAME_END[0]) };
        }
        self.frames += frames;
        if frames > 0 {
            self.first_frame.get_or_insert(read_at);
        }
        if let Some(samples) = self.samples.as_mut().filter(|_| frames > 0) {
            let now = cpu::seconds_of_first_thread(pid).unwrap_or(f64::NAN);
            let before = samples.last().copied().unwrap_or(now);
            // Frames read at once share what they cost.
            samples.extend((1..=frames).map(|part| before + (now - before) * part as f64 / frames as f64));
        }
    }
}
