//! The terminal: taken and given back, also on panic; clipboard and bell.

use std::io;
use std::io::BufWriter;
use std::io::Stdout;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::Once;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossterm::cursor::Show;
use crossterm::event::DisableBracketedPaste;
use crossterm::event::DisableMouseCapture;
use crossterm::event::EnableBracketedPaste;
use crossterm::event::EnableMouseCapture;
use crossterm::execute;
use crossterm::terminal::Clear;
use crossterm::terminal::ClearType;
use crossterm::terminal::EnterAlternateScreen;
use crossterm::terminal::LeaveAlternateScreen;
use crossterm::terminal::disable_raw_mode;
use crossterm::terminal::enable_raw_mode;
use nix::sys::signal::Signal;
use nix::sys::signal::raise;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

use crate::console::model::Model;
use crate::console::view::view;
use crate::model::SafeText;

/// Room for a frame; a larger one is written in pieces.
const FRAME_BYTES: usize = 1 << 16;

/// What went wrong in another thread, told on the screen instead of written over it.
static TROUBLE: Mutex<Option<String>> = Mutex::new(None);

/// Whether the terminal has something to be given back.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while the console has it.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    /// A text the user's editor is to be opened on, once nothing else has the terminal.
    edit: Option<String>,
}

impl Screen {
    /// Takes the terminal and sees to it that a panic gives it back.
    pub(super) fn open() -> io::Result<Screen> {
        static HOOK: Once = Once::new();
        HOOK.call_once(give_back_on_panic);
        // A frame is one write, and the terminal never shows half of it.
        let out = BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        let opened = take().and_then(|()| Terminal::new(CrosstermBackend::new(out)));
        match opened {
            Ok(terminal) => Ok(Screen { terminal, edit: None }),
            Err(err) => {
                drop(restore());
                Err(err)
            }
        }
    }

    /// Remembers a text to be edited.
    pub(super) fn wish_edit(&mut self, text: String) {
        self.edit = Some(text);
    }

    /// Returns the text that is to be edited, once.
    pub(super) fn take_edit(&mut self) -> Option<String> {
        self.edit.take()
    }

    /// Gives the terminal back for another program.
    pub(super) fn leave(&mut self) -> io::Result<()> {
        restore()
    }

    /// Gives the terminal back, stops the process, and takes the terminal again when the process goes on.
    pub(super) fn pause(&mut self) -> io::Result<()> {
        restore()?;
        // Not the signal that asked for it: that one is listened for, and would not stop anything.
        raise(Signal::SIGSTOP)?;
        self.take_again()
    }

    /// Takes the terminal once more, whatever others did to it, and paints it whole with the next frame.
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        // The library believes that it still is as it was left; only giving it back makes it set everything anew.
        disable_raw_mode()?;
        take()?;
        self.forget()
    }

    /// Forgets what was painted, so that the next frame paints all of it.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        // Not `clear`: it asks the terminal where its cursor is, and waits for the answer among the keys.
        let (width, height) = self.size()?;
        self.terminal.resize(Rect::new(0, 0, width, height))
    }

    /// Returns what went wrong in another thread since this was asked last.
    pub(super) fn trouble() -> Option<String> {
        TROUBLE.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    pub(super) fn draw(&mut self, model: &Model) -> io::Result<()> {
        self.terminal.draw(|frame| view(model, frame)).map(|_| ())
    }

    /// Puts a text into the terminal's clipboard (OSC 52).
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        // The text is encoded, so nothing in it can end the sequence; it is safe already for whoever pastes it.
        let encoded = STANDARD.encode(text);
        write_raw(&format!("\x1b]52;c;{encoded}\x07"))
    }

    /// Rings the bell and asks the terminal for a notification (OSC 9).
    pub(super) fn notify(&mut self, text: &str) -> io::Result<()> {
        let safe = SafeText::new(text);
        write_raw(&format!("\x07\x1b]9;{}\x07", safe.as_str()))
    }
}

fn write_raw(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nothing more can be done for a terminal that does not take this.
        drop(restore());
    }
}

/// A panic of the thread that draws gives the terminal back before it is told; one of another thread must not write over
/// the screen, nor end the console's hold on it.
fn give_back_on_panic() {
    let drawing = thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if thread::current().id() == drawing {
            drop(restore());
            before(info);
        } else {
            tracing::error!(panic = %info, "a thread beside the console failed");
            *TROUBLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.to_string());
        }
    }));
}

fn take() -> io::Result<()> {
    IS_TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableMouseCapture)
}

fn restore() -> io::Result<()> {
    // A panic gives it back before it is told, and ends the screen after: what was told must not be cleared then.
    if !IS_TAKEN.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let raw = disable_raw_mode();
    // Emptied first: a terminal that was resized meanwhile may carry rows of the other screen over into the first.
    let mut out = io::stdout();
    execute!(out, Clear(ClearType::All), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, Show)?;
    raw
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use portable_pty::CommandBuilder;
    use portable_pty::PtySize;
    use portable_pty::native_pty_system;

    use super::*;

    /// Set for the child: what it shall do in the terminal.
    const ROLE: &str = "LONGAN_TEST_ROLE_IN_TERMINAL";

    /// This test in a terminal of its own, as the child that takes the terminal and panics.
    #[test]
    fn a_panic_gives_the_terminal_back_and_then_tells() {
        if let Ok(role) = std::env::var(ROLE) {
            return panic_in(&role);
        }
        for (role, is_told) in [("drawing", true), ("beside", false)] {
            let (written, is_cooked) = run_in_terminal(role);
            let taken = written.find("\x1b[?1049h").expect("the terminal was taken");
            let given_back = written.find("\x1b[?1049l").expect("the terminal was given back");
            assert!(taken < given_back && written.rfind("\x1b[?25h").is_some_and(|at| at > given_back), "{written:?}");
            assert_eq!(written.matches("\x1b[?1049l").count(), 1, "once, or what was told is cleared: {written:?}");
            assert!(is_cooked, "{role}: keys are echoed again");
            let told = written.find("the test's own panic");
            assert_eq!(told.is_some(), is_told, "{role}: {written:?}");
            assert!(told.is_none_or(|at| at > given_back), "{role}: told on the console's own screen: {written:?}");
        }
    }

    fn panic_in(role: &str) {
        let mut screen = Screen::open().expect("a terminal");
        screen.terminal.draw(|frame| frame.render_widget("painted", frame.area())).expect("it paints");
        let fail = || panic!("the test's own panic");
        if role == "drawing" {
            fail();
        }
        thread::spawn(fail).join().expect_err("it panics");
        let trouble = Screen::trouble().expect("it is remembered");
        assert!(trouble.contains("own panic") && Screen::trouble().is_none());
    }

    /// Runs this test as a child in a terminal; returns what it wrote and whether the terminal has its own settings again.
    fn run_in_terminal(role: &str) -> (String, bool) {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo terminal");
        let mut command = CommandBuilder::new(std::env::current_exe().expect("this test"));
        let name =
            format!("{}::a_panic_gives_the_terminal_back_and_then_tells", module_path!().replace("longan::", ""));
        command.args(["--exact", &name, "--nocapture"]);
        command.env(ROLE, role);
        let mut child = pty.slave.spawn_command(command).expect("it starts");
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        // This end of the terminal keeps what was written until it is read, even when the child has ended.
        let written = thread::spawn(move || {
            let mut written = Vec::new();
            // The end of a terminal is told as an error.
            drop(reader.read_to_end(&mut written));
            String::from_utf8_lossy(&written).into_owned()
        });
        child.wait().expect("it ends");
        const ECHO_AND_LINES: u32 = 0o12;
        let settings = pty.master.get_termios().expect("a terminal's settings").local_flags.bits();
        drop(pty.slave);
        (written.join().expect("read"), settings & ECHO_AND_LINES == ECHO_AND_LINES)
    }
}
