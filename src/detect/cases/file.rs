//! A case file: TOML beside the rule it is about, named `<rule>.cases.toml`.

use std::borrow::Cow;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::detect::sigma::error::RuleError;
use crate::diag::Located;
use crate::diag::Position;
use crate::diag::position_of;

/// Lines one case may come to, repetitions counted.
const LINES_MAX: usize = 100_000;

/// The cases of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFile {
    pub path: PathBuf,
    /// The rule's id or name; without it, the rules of the `.yml` file of the same name.
    pub rule: Option<String>,
    pub cases: Vec<Case>,
}

/// Lines that together must, or must not, set the rule off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub name: String,
    pub at: Position,
    pub must_match: bool,
    /// How often exactly, where the case says so.
    pub expected: Option<usize>,
    pub parser: Option<String>,
    pub lines: Vec<Line>,
}

/// One raw line, or several that only differ by a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub parser: Option<String>,
    pub repeat: usize,
    /// Between repetitions.
    pub every: Duration,
    /// After the last one.
    pub pause: Duration,
}

impl Line {
    /// Returns the text of a repetition: `{n}` stands for its number, counted from 1.
    pub fn numbered(&self, repetition: usize) -> Cow<'_, str> {
        if self.text.contains("{n}") {
            Cow::Owned(self.text.replace("{n}", &(repetition + 1).to_string()))
        } else {
            Cow::Borrowed(&self.text)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    rule: Option<String>,
    parser: Option<String>,
    #[serde(default, rename = "match")]
    matching: Vec<Spanned<RawCase>>,
    #[serde(default)]
    no_match: Vec<Spanned<RawCase>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    name: Option<String>,
    parser: Option<String>,
    line: Option<String>,
    #[serde(default)]
    lines: Vec<RawLine>,
    repeat: Option<usize>,
    every: Option<String>,
    times: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawLine {
    Text(String),
    Whole {
        line: String,
        parser: Option<String>,
        #[serde(default = "once")]
        repeat: usize,
        every: Option<String>,
        pause: Option<String>,
    },
}

fn once() -> usize {
    1
}

impl CaseFile {
    /// Reads a case file.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn read(path: &Path, text: &str) -> Result<CaseFile, Vec<Located<RuleError>>> {
        let raw: RawFile = toml::from_str(text).map_err(|err| {
            let offset = err.span().map_or(0, |span| span.start);
            vec![Located::at_offset(path, text, offset, RuleError::Case(err.message().to_owned()))]
        })?;
        let mut cases = Vec::new();
        let mut problems = Vec::new();
        let matching = raw.matching.into_iter().map(|case| (case, true));
        let others = raw.no_match.into_iter().map(|case| (case, false));
        for (number, (case, must_match)) in matching.chain(others).enumerate() {
            let offset = case.span().start;
            match convert(case.into_inner(), must_match, number, raw.parser.as_deref()) {
                Ok(case) => cases.push(Case { at: position_of(text, offset), ..case }),
                Err(message) => problems.push(Located::at_offset(path, text, offset, RuleError::Case(message))),
            }
        }
        if cases.is_empty() && problems.is_empty() {
            let error = RuleError::Case("there is no `[[match]]` and no `[[no_match]]`".to_owned());
            problems.push(Located::at_start(path, error));
        }
        if problems.is_empty() { Ok(CaseFile { path: path.to_owned(), rule: raw.rule, cases }) } else { Err(problems) }
    }

    /// Returns the rule file the cases stand beside.
    pub fn rule_path(&self) -> PathBuf {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.path.with_file_name(format!("{}.yml", name.trim_end_matches(".cases.toml")))
    }
}

fn convert(raw: RawCase, must_match: bool, number: usize, parser: Option<&str>) -> Result<Case, String> {
    let mut lines = Vec::new();
    if let Some(text) = raw.line {
        let every = duration(raw.every.as_deref())?;
        lines.push(Line { text, parser: None, repeat: raw.repeat.unwrap_or(1), every, pause: Duration::ZERO });
    }
    for line in raw.lines {
        lines.push(match line {
            RawLine::Text(text) => Line { text, parser: None, repeat: 1, every: Duration::ZERO, pause: Duration::ZERO },
            RawLine::Whole { line, parser, repeat, every, pause } => Line {
                text: line,
                parser,
                repeat,
                every: duration(every.as_deref())?,
                pause: duration(pause.as_deref())?,
            },
        });
    }
    if lines.is_empty() {
        return Err("a case needs `line` or `lines`".to_owned());
    }
    let total = lines.iter().fold(0_usize, |total, line| total.saturating_add(line.repeat));
    if total > LINES_MAX {
        return Err(format!("a case may have {LINES_MAX} lines, this one has {total}"));
    }
    Ok(Case {
        name: raw.name.unwrap_or_else(|| format!("case {}", number + 1)),
        at: Position::START,
        must_match,
        expected: raw.times,
        parser: raw.parser.or_else(|| parser.map(str::to_owned)),
        lines,
    })
}

fn duration(text: Option<&str>) -> Result<Duration, String> {
    let Some(text) = text else { return Ok(Duration::ZERO) };
    let wrong = || format!("`{text}` is no duration; write a number and ms, s, m or h, such as `2s`");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: u64 = digits.trim().parse().map_err(|_| wrong())?;
    let millis = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    count.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_read_with_their_lines() {
        let text = "parser = \"sshd\"\n[[match]]\nname = \"a\"\nline = 'x {n}'\nrepeat = 3\nevery = \"2s\"\n[[no_match]]\nlines = ['y', { line = 'z', pause = \"5m\" }]\ntimes = 0\n";
        let file = CaseFile::read(Path::new("a/ssh.cases.toml"), text).expect("well-formed");
        assert_eq!(file.rule_path(), Path::new("a/ssh.yml"));
        assert_eq!(file.cases[0].lines[0].numbered(2), "x 3");
        assert_eq!((file.cases[0].must_match, file.cases[0].at.line), (true, 2));
        assert_eq!(file.cases[1].lines[1].pause, Duration::from_secs(300));
        assert_eq!(file.cases[1].parser.as_deref(), Some("sshd"));
    }

    #[test]
    fn mistakes_are_placed() {
        for (text, line, want) in [
            ("", 1, "no `[[match]]`"),
            ("[[match]]\nname = \"x\"\n", 1, "needs `line`"),
            ("[[match]]\nline = 'x'\nevery = \"5\"\n", 1, "no duration"),
            ("[[match]]\nlin = 'x'\n", 2, "unknown field"),
            ("[[match]]\nline = 'x'\nrepeat = 1000000\n", 1, "100000 lines"),
        ] {
            let problems = CaseFile::read(Path::new("x.cases.toml"), text).expect_err("refused");
            assert_eq!(problems[0].position.line, line, "{text}");
            assert!(problems[0].to_string().contains(want), "{} / {want}", problems[0]);
        }
    }
}
