//! How a line was read, step by step: what `longan parsers explain` shows to whoever writes a pack.

use serde::Serialize;

use crate::parse::header::HeaderFormat;

/// One step on the way of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// The syslog header was read; `body` is what the packs see.
    Header { format: HeaderFormat, app_name: Option<String>, hostname: Option<String>, has_time: bool, body: String },
    /// Packs that may read the line, and what speaks for them: `program`, `prefix`, `literal`, `keys`.
    Candidates { by: &'static str, packs: Vec<String> },
    /// A pattern fits the body.
    Pattern { pack: String, path: String, line: u32, text: String },
    /// A pattern fits the value of a field.
    FieldPattern { field: String, pack: String, path: String, line: u32, text: String },
    /// A grammar read keys and values of the body, for a pack.
    Grammar { grammar: &'static str, pack: String, pairs: usize },
    /// Conditions of a `[[when]]` table hold; `number` counts the tables of the pack from 1.
    When { pack: String, number: usize },
    /// The pack knows the source, but none of its patterns fits.
    Uncovered { pack: String },
    /// A line within the line is read as if it had arrived alone.
    Within { text: String },
    /// Nothing recognised the line.
    Unrecognised,
}

/// The steps so far; nothing is noted, and nothing made, unless someone asked.
#[derive(Debug, Default)]
pub(in crate::parse::pack) struct Trace(Option<Vec<Step>>);

/// Steps of one line at most.
const STEPS_MAX: usize = 200;

impl Trace {
    /// Begins to note steps.
    pub(in crate::parse::pack) fn begin(&mut self) {
        self.0 = Some(Vec::new());
    }

    /// Notes a step, made only when somebody wants to see it.
    pub(in crate::parse::pack) fn note(&mut self, step: impl FnOnce() -> Step) {
        if let Some(steps) = &mut self.0
            && steps.len() < STEPS_MAX
        {
            steps.push(step());
        }
    }

    /// Returns the steps noted.
    pub(in crate::parse::pack) fn into_steps(self) -> Vec<Step> {
        self.0.unwrap_or_default()
    }
}
