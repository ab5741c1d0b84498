//! Messages that arrive in several pieces: which pieces belong together, and how long one waits for the next.
//!
//! A stack trace of Java, a statement of PostgreSQL, an event of the Linux audit daemon: their writers make a line of each
//! piece. Followed files join them in the order of the file (`file::lines`); streams, where the lines of many programs
//! alternate, join them here by sender and program. Every piece is kept byte for byte, a line feed between.

pub mod audit;
pub mod head;
mod stream;

use std::num::NonZeroUsize;
use std::time::Duration;

use regex::bytes::Regex;

pub use stream::Joined;
pub use stream::StreamJoiner;

/// How lines that belong together become one frame.
#[derive(Debug, Clone)]
pub struct Multiline {
    pub joining: Joining,
    /// A frame of so many lines is complete.
    pub lines_max: NonZeroUsize,
}

/// Which line belongs to the one before.
#[derive(Debug, Clone)]
pub enum Joining {
    /// A line that matches begins a new frame; others are joined to the one before.
    Start(Regex),
    /// A line that matches is joined to the one before.
    Continuation(Regex),
    /// Lines that a container runtime cut are put together again: CRI (`P` and `F`) and Docker's json-file.
    Container,
    /// Records of the Linux audit daemon with the same time and serial number are one event.
    Audit,
}

/// Ready-made rules by name: what the traces of Java and the statements of PostgreSQL look like. rsyslog writes a tab as `#011`.
const PRESETS: [(&str, &str); 3] = [
    ("indented", r"^(?:[ \t]|#011)"),
    (
        "java",
        r"^(?:[ \t]|#011|at [\w.$<>/]+\(|Caused by: |Suppressed: |\.\.\. [0-9]+ more|[a-z][\w$]*(?:\.[\w$]+)+(?:Exception|Error|Throwable)(?:: |$))",
    ),
    ("postgresql", r"^(?:\t|#011)"),
];

/// The ready-made rules that look at more than how a line begins.
const CONTAINER: &str = "container";
const AUDITD: &str = "auditd";

impl Joining {
    /// The names of the ready-made rules.
    pub const PRESETS: [&str; 5] = [PRESETS[0].0, PRESETS[1].0, PRESETS[2].0, CONTAINER, AUDITD];

    /// Returns a ready-made rule.
    pub fn preset(name: &str) -> Option<Joining> {
        match name {
            CONTAINER => Some(Joining::Container),
            AUDITD => Some(Joining::Audit),
            _ => {
                let (_, pattern) = PRESETS.iter().find(|(known, _)| *known == name)?;
                Regex::new(pattern).ok().map(Joining::Continuation)
            }
        }
    }

    pub(in crate::ingest) fn belongs(&self, line: &[u8]) -> bool {
        match self {
            Joining::Start(start) => !start.is_match(line),
            Joining::Continuation(continuation) => continuation.is_match(line),
            // Decided on more than this line: see `file::container` and `audit`.
            Joining::Container | Joining::Audit => false,
        }
    }
}

/// What is joined of an input that is a stream.
#[derive(Debug, Clone)]
pub struct StreamRules {
    /// Lines that begin so belong to the one before of the same sender and program.
    pub continuations: Vec<Joining>,
    /// PostgreSQL's own numbering, `[7-2]`: the second piece of message 7.
    pub numbered: bool,
    /// Records of the Linux audit daemon.
    pub audit: bool,
    /// Programs whose lines `continuations` look at, `*` for anything, in small letters; empty is all of them. Their lines wait.
    pub programs: Vec<String>,
    /// A frame of so many lines is complete.
    pub lines_max: NonZeroUsize,
    /// A longer frame is not made: the line begins another.
    pub bytes_max: NonZeroUsize,
    /// A frame is complete when nothing was added for so long; after five times as long in any case.
    pub wait: Duration,
}

impl StreamRules {
    /// The names of what can be joined in a stream.
    pub const PRESETS: [&str; 4] = [PRESETS[0].0, PRESETS[1].0, PRESETS[2].0, AUDITD];

    /// Makes the rules of a list of ready-made ones, all of [`StreamRules::PRESETS`].
    pub fn of_presets(names: &[String], programs: &[String], bytes_max: NonZeroUsize, wait: Duration) -> StreamRules {
        let names = || names.iter().map(String::as_str);
        StreamRules {
            // A statement of PostgreSQL is known by its numbers or by its tabs.
            continuations: names().filter_map(Joining::preset).filter(|rule| !matches!(rule, Joining::Audit)).collect(),
            numbered: names().any(|name| name == PRESETS[2].0),
            audit: names().any(|name| name == AUDITD),
            programs: programs.iter().map(|program| program.to_lowercase()).collect(),
            lines_max: LINES_MAX,
            bytes_max,
            wait,
        }
    }

    /// Says whether the lines of a program are looked at.
    fn covers(&self, program: &[u8]) -> bool {
        let fits = |glob: &str| match glob.split_once('*') {
            None => program.eq_ignore_ascii_case(glob.as_bytes()),
            Some((front, back)) => {
                let (front, back) = (front.as_bytes(), back.as_bytes());
                program.len() >= front.len() + back.len()
                    && program.get(..front.len()).is_some_and(|part| part.eq_ignore_ascii_case(front))
                    && program.get(program.len() - back.len()..).is_some_and(|part| part.eq_ignore_ascii_case(back))
            }
        };
        self.programs.is_empty() || self.programs.iter().any(|glob| fits(glob))
    }
}

/// Lines of one event at most.
pub const LINES_MAX: NonZeroUsize = match NonZeroUsize::new(500) {
    Some(lines) => lines,
    None => NonZeroUsize::MIN,
};
