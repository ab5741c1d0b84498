//! The terminal: taken and given back, also on panic; clipboard and bell.

use std::io;
use std::io::Stdout;
use std::io::Write as _;
use std::sync::Once;

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
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use crate::console::model::Model;
use crate::console::view::view;
use crate::model::SafeText;

/// The terminal while the console has it.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    /// A text the user's editor is to be opened on, once nothing else has the terminal.
    edit: Option<String>,
}

impl Screen {
    /// Takes the terminal and sees to it that a panic gives it back.
    pub(super) fn open() -> io::Result<Screen> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                drop(restore());
                before(info);
            }));
        });
        let opened = take().and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
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

    /// Takes it again, whatever the other program left on it.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        take()?;
        self.terminal.clear()
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

/// Takes the terminal.
fn take() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableMouseCapture)
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

fn restore() -> io::Result<()> {
    let raw = disable_raw_mode();
    // Emptied first: a terminal that was resized meanwhile may carry rows of the other screen over into the first.
    let mut out = io::stdout();
    execute!(out, Clear(ClearType::All), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, Show)?;
    raw
}
