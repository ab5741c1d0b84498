//! What an operator may write differently: the deadlines of incidents, and the templates of reports.
//!
//! Each form is a file; those compiled in are replaced, one by one, by files of the same name in a folder. Templates are
//! Jinja (as `minijinja` reads it) that makes Markdown. Every value put into one is escaped, so that nothing that came
//! out of a log can be markup, a table cell's border, or HTML.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use minijinja::Environment;
use minijinja::Output;
use minijinja::State;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Deserialize;
use serde::Serialize;

use crate::diag::Located;
use crate::diag::Position;
use crate::incident::ClockRule;
use crate::model::SafeText;
use crate::model::Timestamp;

/// The file of the deadlines.
const CLOCKS: &str = "clocks.toml";
/// Each form with what is compiled in.
const BUILT_IN: [(&str, &str); 5] = [
    (CLOCKS, include_str!("forms/clocks.toml")),
    ("closing_report.vi.md", include_str!("forms/closing_report.vi.md")),
    ("closing_report.en.md", include_str!("forms/closing_report.en.md")),
    ("handover.vi.md", include_str!("forms/handover.vi.md")),
    ("handover.en.md", include_str!("forms/handover.en.md")),
];
/// A form is read up to here.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// A report is made up to here.
const REPORT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Deadlines an incident may start with.
const CLOCKS_MAX: usize = 20;

/// Which template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    ClosingReport,
    Handover,
}

/// Which language a report is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    Vietnamese,
    English,
}

/// The checked forms.
#[derive(Debug, Clone)]
pub struct Forms {
    clocks: Vec<ClockRule>,
    templates: BTreeMap<&'static str, (PathBuf, String)>,
    zone_offset_seconds: i32,
}

/// Why no report could be made of a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    #[error("{0}")]
    Template(Located<String>),
    #[error("the report is longer than {REPORT_BYTES_MAX} bytes")]
    TooLong,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClocks {
    clock: Vec<ClockRule>,
}

impl Forms {
    /// Returns the forms compiled in, times told in a zone.
    pub fn built_in(zone_offset_seconds: i32) -> Forms {
        Forms::load(None, zone_offset_seconds).expect("the forms compiled in are tested")
    }

    /// Reads the forms: those of the folder before those compiled in.
    ///
    /// # Errors
    /// All that is wrong with the files of the folder, each with its place.
    pub fn load(folder: Option<&Path>, zone_offset_seconds: i32) -> Result<Forms, Vec<Located<String>>> {
        let mut forms = Forms { clocks: Vec::new(), templates: BTreeMap::new(), zone_offset_seconds };
        let mut problems = Vec::new();
        for (name, built_in) in BUILT_IN {
            let (path, text) = match read(folder, name) {
                Ok(Some(found)) => found,
                Ok(None) => (PathBuf::from(name), built_in.to_owned()),
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let checked = if name == CLOCKS {
                clocks(&path, &text).map(|clocks| forms.clocks = clocks)
            } else {
                let checked = Environment::new().add_template("form", &text).map_err(|err| located(&path, &err));
                checked.map(|()| drop(forms.templates.insert(name, (path, text))))
            };
            problems.extend(checked.err());
        }
        if problems.is_empty() { Ok(forms) } else { Err(problems) }
    }

    /// Returns the zone times are told in, seconds east of UTC.
    pub fn zone_offset_seconds(&self) -> i32 {
        self.zone_offset_seconds
    }

    /// Returns the deadlines of a new incident.
    pub fn clocks(&self) -> &[ClockRule] {
        &self.clocks
    }

    /// Fills a template; the answer is Markdown.
    ///
    /// # Errors
    /// When the template asks for what cannot be done, at its line; when what it makes is too long.
    pub fn render(&self, form: Form, language: Language, values: &impl Serialize) -> Result<String, FormError> {
        let name = match (form, language) {
            (Form::ClosingReport, Language::Vietnamese) => "closing_report.vi.md",
            (Form::ClosingReport, Language::English) => "closing_report.en.md",
            (Form::Handover, Language::Vietnamese) => "handover.vi.md",
            (Form::Handover, Language::English) => "handover.en.md",
        };
        let (path, text) = self.templates.get(name).expect("each is there: loading fails otherwise");
        let mut environment = Environment::new();
        let zone = self.zone_offset_seconds;
        environment.set_formatter(put_escaped);
        environment.add_filter("time", move |text: String| local_time(&text, zone));
        let template = environment.template_from_str(text).map_err(|err| FormError::Template(located(path, &err)))?;
        let mut made = Bounded { bytes: Vec::new() };
        match template.render_captured_to(Value::from(Serde(values)), &mut made) {
            Ok(_) => Ok(String::from_utf8_lossy(&made.bytes).into_owned()),
            Err(err) if made.bytes.len() >= REPORT_BYTES_MAX => {
                tracing::warn!(%err, form = name, "a report is longer than allowed");
                Err(FormError::TooLong)
            }
            Err(err) => Err(FormError::Template(located(path, &err))),
        }
    }
}

/// Takes bytes up to the limit of a report.
struct Bounded {
    bytes: Vec<u8>,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = REPORT_BYTES_MAX.saturating_sub(self.bytes.len());
        if room == 0 && !bytes.is_empty() {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.bytes.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes a page of a report, with no markup but its own.
pub fn html(title: &str, markdown: &str) -> String {
    let options = pulldown_cmark::Options::ENABLE_TABLES;
    let mut body = String::new();
    pulldown_cmark::html::push_html(&mut body, pulldown_cmark::Parser::new_ext(markdown, options));
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{title}</title>\n<style>\n\
         body {{ font-family: 'Times New Roman', serif; max-width: 60em; margin: 2em auto; }}\n\
         table {{ border-collapse: collapse; }} td, th {{ border: 1px solid #777; padding: 0.2em 0.5em; }}\n\
         </style></head>\n<body>\n{body}</body></html>\n"
    )
}

fn read(folder: Option<&Path>, name: &str) -> Result<Option<(PathBuf, String)>, Located<String>> {
    let Some(path) = folder.map(|folder| folder.join(name)) else { return Ok(None) };
    let refused = |problem: String| Located::at_start(&path, problem);
    match fs::metadata(&path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(refused(err.to_string())),
        Ok(found) if found.len() > FILE_BYTES_MAX => {
            return Err(refused(format!("the file is larger than {FILE_BYTES_MAX} bytes")));
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(&path).map_err(|err| refused(err.to_string()))?;
    Ok(Some((path, text)))
}

fn clocks(path: &Path, text: &str) -> Result<Vec<ClockRule>, Located<String>> {
    let raw: RawClocks = toml::from_str(text).map_err(|err| {
        let offset = err.span().map_or(0, |span| span.start);
        Located::at_offset(path, text, offset, err.message().to_owned())
    })?;
    if raw.clock.len() > CLOCKS_MAX {
        return Err(Located::at_start(path, format!("more than {CLOCKS_MAX} deadlines")));
    }
    for (index, clock) in raw.clock.iter().enumerate() {
        let is_twice = raw.clock.iter().take(index).any(|earlier| earlier.name == clock.name);
        if clock.name.trim().is_empty() || is_twice {
            let problem = format!("deadline {}: its name `{}` is empty or given twice", index + 1, clock.name);
            return Err(Located::at_start(path, problem));
        }
    }
    Ok(raw.clock)
}

fn located(path: &Path, err: &minijinja::Error) -> Located<String> {
    let line = err.line().and_then(|line| u32::try_from(line).ok()).unwrap_or(1);
    let problem = err.detail().map_or_else(|| err.kind().to_string(), |detail| format!("{}: {detail}", err.kind()));
    Located { position: Position { line, column: 1 }, ..Located::at_start(path, problem) }
}

/// Writes a value as text that Markdown takes as nothing but text.
fn put_escaped(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    if value.is_undefined() || value.is_none() {
        return Ok(());
    }
    let text = value.to_string();
    out.write_str(&escaped(&text)).map_err(minijinja::Error::from)
}

fn escaped(text: &str) -> String {
    let one_line = text.replace(['\r', '\n'], " ");
    let safe = SafeText::new(&one_line);
    let mut made = String::with_capacity(safe.as_str().len());
    let mut chars = safe.as_str().chars().enumerate().peekable();
    while let Some((index, c)) = chars.next() {
        let ends_a_word = chars.peek().is_none_or(|(_, next)| *next == ' ');
        let begins_a_block = index == 0 && matches!(c, '-' | '+' | '=' | '0'..='9');
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '&' | '~' | '#' | '$' => {
                made.push('\\');
                made.push(c);
            }
            // A digit cannot be escaped; what makes it a list is the point or bracket after it.
            c if begins_a_block && !c.is_ascii_digit() => {
                made.push('\\');
                made.push(c);
            }
            '.' | ')' if ends_a_word && made.bytes().all(|byte| byte.is_ascii_digit()) && !made.is_empty() => {
                made.push('\\');
                made.push(c);
            }
            c => made.push(c),
        }
    }
    made
}

/// Writes a time of the API (RFC 3339) as people of the zone read it; what is no time stays as it is.
fn local_time(text: &str, zone_offset_seconds: i32) -> String {
    let Some(moment) = crate::query::time::parse_date(text) else { return text.to_owned() };
    let shifted = Timestamp(moment.start.0.saturating_add(i64::from(zone_offset_seconds) * 1_000_000_000));
    let civil = shifted.to_civil();
    format!(
        "{:02}:{:02}:{:02} {:02}/{:02}/{}",
        civil.hour, civil.minute, civil.second, civil.day, civil.month, civil.year
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Values {
        since: &'static str,
        author: &'static str,
        note: String,
        silent_sources: Vec<&'static str>,
    }

    fn values(note: &str) -> Values {
        Values { since: "2026-11-24T01:00:00Z", author: "an", note: note.to_owned(), silent_sources: vec!["fw-01"] }
    }

    #[test]
    fn a_handover_is_told_in_both_languages_and_in_local_time() {
        let forms = Forms::built_in(7 * 3600);
        let vietnamese = forms.render(Form::Handover, Language::Vietnamese, &values("")).unwrap();
        assert!(vietnamese.contains("Từ 08:00:00 24/11/2026 đến"), "{vietnamese}");
        assert!(vietnamese.contains("- fw-01") && vietnamese.contains("Không có."), "{vietnamese}");
        let english = forms.render(Form::Handover, Language::English, &values("x")).unwrap();
        assert!(english.contains("handed over by an"), "{english}");
    }

    #[test]
    fn nothing_that_is_put_in_becomes_markup() {
        let forms = Forms::built_in(0);
        let hostile = "<script>x</script> [a](http://x) | `c` **b** &lt;\n# H\x1b[2J";
        let markdown = forms.render(Form::Handover, Language::English, &values(hostile)).unwrap();
        let page = html("<T>", &markdown);
        for forbidden in ["<script", "<a ", "<strong>b", "<code>", "\x1b", "<h1>H", "<title><T>"] {
            assert!(!page.contains(forbidden), "{forbidden} in {page}");
        }
        assert!(page.contains("&lt;script&gt;x&lt;/script&gt;"), "{page}");
        for (text, expected) in
            [("1. x", "1\\. x"), ("- x", "\\- x"), ("10.0.0.1", "10.0.0.1"), ("7.", "7\\."), ("a.b", "a.b")]
        {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn files_of_the_folder_come_first_and_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(CLOCKS, "[[clock]]\nname = \"gửi Cục\"\nhours = 4\n");
        write("handover.vi.md", "{{ author }}: {{ since | time }}");
        let forms = Forms::load(Some(folder.path()), 0).unwrap();
        assert_eq!(forms.clocks(), [ClockRule { name: "gửi Cục".to_owned(), hours: 4 }]);
        let made = forms.render(Form::Handover, Language::Vietnamese, &values("")).unwrap();
        assert_eq!(made, "an: 01:00:00 24/11/2026");

        write(CLOCKS, "[[clock]]\nname = \"a\"\nhours = \"four\"\n");
        write("handover.vi.md", "fine\n{{ author \n");
        let problems = Forms::load(Some(folder.path()), 0).unwrap_err();
        let places: Vec<(String, u32)> = problems
            .iter()
            .map(|problem| (problem.path.file_name().unwrap().to_string_lossy().into_owned(), problem.position.line))
            .collect();
        assert_eq!(places.first(), Some(&(CLOCKS.to_owned(), 3)), "{problems:?}");
        assert_eq!(places.len(), 2, "{problems:?}");
    }

    #[test]
    fn a_template_that_runs_away_ends() {
        let folder = tempfile::tempdir().unwrap();
        let endless = "{% for a in range(99999) %}{% for b in range(99999) %}xxxxxxxxxxxxxxxx{% endfor %}{% endfor %}";
        fs::write(folder.path().join("handover.en.md"), endless).unwrap();
        let forms = Forms::load(Some(folder.path()), 0).unwrap();
        assert_eq!(forms.render(Form::Handover, Language::English, &values("")), Err(FormError::TooLong));
    }

    #[test]
    fn the_deadlines_compiled_in_are_those_of_the_regulations() {
        let hours: Vec<u32> = Forms::built_in(0).clocks().iter().map(|clock| clock.hours).collect();
        assert_eq!(hours, [0, 24, 72, 72]);
    }
}
