//! What the console is told from outside: to end, to pause, that it goes on. However it is told, the terminal is given back.

use std::io;

use nix::sys::signal::Signal as Number;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// What a signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The terminal is gone, or somebody wishes the end.
    End,
    /// Stop and leave the terminal to others.
    Pause,
    /// Running again: whoever had the terminal meanwhile left something on it.
    Resume,
}

/// The signals the console listens for.
pub(super) struct Signals {
    end: [Signal; 4],
    pause: Signal,
    resume: Signal,
}

impl Signals {
    /// Begins to listen; from then on none of them ends or stops the process by itself. Needs a runtime's context.
    pub(super) fn install() -> io::Result<Signals> {
        let numbered = |number: Number| signal(SignalKind::from_raw(number as i32));
        Ok(Signals {
            end: [
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::quit())?,
            ],
            pause: numbered(Number::SIGTSTP)?,
            resume: numbered(Number::SIGCONT)?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Told {
        let [terminate, hangup, interrupt, quit] = &mut self.end;
        tokio::select! {
            _ = terminate.recv() => Told::End,
            _ = hangup.recv() => Told::End,
            _ = interrupt.recv() => Told::End,
            _ = quit.recv() => Told::End,
            _ = self.pause.recv() => Told::Pause,
            _ = self.resume.recv() => Told::Resume,
        }
    }
}
