//! `longan doctor`: examines a set-up from the configuration to the sources, and says what is wrong and what to do.
//!
//! It changes nothing but for a file without a name that it writes in the data folder to time a sync, and for a moment it has
//! the ports of inputs that nobody serves.

mod content;
mod data;
mod finding;
mod secrets;
mod server;
mod system;

use std::io;
use std::io::Write;
use std::path::PathBuf;

use crate::cli::Exit;
use crate::cli::doctor::finding::Finding;
use crate::cli::doctor::finding::Findings;
use crate::cli::doctor::finding::Severity;
use crate::cli::doctor::finding::both;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::config::ConfigError;
use crate::config::Flags;
use crate::config::Settings;
use crate::config::load;
use crate::model::SafeText;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;

/// The arguments of `longan doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file; without one the defaults and the environment are all there is
    #[arg(long, value_name = "FILE", env = "LONGAN_CONFIG")]
    config: Option<PathBuf>,
    /// The data folder, as `start --data` would set it
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Print one JSON object a finding
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    output: OutputArgs,
    /// Tell what is fine, too
    #[arg(long)]
    all: bool,
}

/// Runs the command: 0 when nothing is wrong, 1 with a warning or an error, 3 when the configuration is wrong.
///
/// # Errors
/// When the output cannot be written.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let format = if args.json { Format::Json } else { args.output.format() };
    let mut flags = Flags::default();
    flags.set("data", args.data.as_ref().map(|data| data.display()));
    // A variable that is no text cannot be one of ours.
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut findings = Findings::new(Language::of_environment());
    let exit = match load(args.config.as_deref(), environment, &flags) {
        Err(err) => {
            misconfigured(&err, &mut findings);
            Exit::BadConfig
        }
        Ok(settings) => {
            let place = args.config.as_ref().map_or_else(|| "longan".to_owned(), |path| path.display().to_string());
            findings.add(Severity::Fine, "config", place, both("cấu hình đúng", "the configuration is right"));
            examine(&settings, &mut findings);
            if findings.worst() >= Severity::Warning { Exit::Findings } else { Exit::Fine }
        }
    };
    findings.sort();
    let told =
        findings.all.iter().filter(|found| args.all || format == Format::Json || found.severity > Severity::Fine);
    to_stdout(|out| match format {
        Format::Json => Ok(told.clone().try_for_each(|found| write_json(out, found))?),
        Format::Table => {
            told.clone().try_for_each(|found| write(out, found, findings.language))?;
            Ok(summary(out, &findings)?)
        }
    })?;
    Ok(exit)
}

fn misconfigured(err: &ConfigError, findings: &mut Findings) {
    let ConfigError::Invalid(problems) = err else {
        return findings.quote(Severity::Error, "config", "", format!("{:#}", anyhow::Error::msg(err.to_string())));
    };
    for problem in problems {
        let text = problem.to_string();
        // The place of a problem stands before it, as an editor wants it.
        let (place, what) = text.split_once(": ").unwrap_or(("", &text));
        findings.quote(Severity::Error, "config", place, what);
    }
}

/// Looks at everything, in the order in which a start needs it.
fn examine(settings: &Settings, findings: &mut Findings) {
    let now = SystemClock.now();
    data::examine(settings, findings);
    system::clock(now, system::synchronized(), findings);
    system::limits(settings, findings);
    secrets::examine(settings, now, findings);
    content::rules_and_packs(settings, findings);
    content::enrichment(settings, now, findings);
    content::stored(settings, findings);
    match server::examine(settings, findings) {
        Ok(true) => {}
        Ok(false) => system::ports(settings, findings),
        Err(err) => findings.quote(Severity::Warning, "server", settings.data.display(), format!("{err:#}")),
    }
}

fn write(out: &mut impl Write, found: &Finding, language: Language) -> io::Result<()> {
    let Finding { severity, area, place, what, hint } = found;
    let place = if place.is_empty() { (*area).to_owned() } else { format!("{area} {place}") };
    writeln!(out, "{}  {}: {}", severity.word(language), SafeText::new(&place), SafeText::new(what))?;
    if let Some(hint) = hint {
        let word = language.pick("gợi ý", "hint");
        hint.lines().try_for_each(|line| writeln!(out, "    {word}: {}", SafeText::new(line)))?;
    }
    Ok(())
}

fn summary(out: &mut impl Write, findings: &Findings) -> io::Result<()> {
    let count = |severity| findings.all.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings, all) = (count(Severity::Error), count(Severity::Warning), findings.all.len());
    match findings.language {
        Language::Vietnamese => writeln!(out, "{all} mục đã xem, {errors} lỗi, {warnings} cảnh báo"),
        Language::English => writeln!(out, "{all} things examined, {errors} errors, {warnings} warnings"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The defaults on a data folder.
    pub(super) fn settings(data: &Path) -> Settings {
        let mut flags = Flags::default();
        flags.set("data", Some(data.display()));
        load(None, [], &flags).expect("the defaults are right")
    }

    #[test]
    fn a_finding_is_one_line_with_its_hint_and_nothing_acts() {
        for (language, words) in [(Language::English, ["ERROR", "hint: "]), (Language::Vietnamese, ["LỖI", "gợi ý: "])]
        {
            let mut findings = Findings::new(language);
            let hint = both("làm\x1b[2J", "do\x1b[2J");
            findings.advise(Severity::Error, "data", "/x\x07", both("hỏng", "broken"), hint);
            let mut out = Vec::new();
            write(&mut out, &findings.all[0], language).expect("written");
            summary(&mut out, &findings).expect("written");
            let text = String::from_utf8(out).expect("text");
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
            assert!(!text.contains('\x1b') && !text.contains('\x07') && text.lines().count() == 3, "{text}");
        }
    }

    #[test]
    fn wrong_configuration_is_told_with_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("longan.toml");
        std::fs::write(&file, "[store]\nretention_days = 1\n[input.relp]\nmultiline = \"jawa\"\n").expect("written");
        let err = load(Some(&file), [], &Flags::default()).expect_err("two mistakes");
        let mut findings = Findings::new(Language::English);
        misconfigured(&err, &mut findings);
        assert_eq!((findings.all.len(), findings.worst()), (2, Severity::Error), "{findings:?}");
        assert!(findings.all[0].place.contains("longan.toml:"), "{findings:?}");
        assert!(findings.all.iter().any(|found| found.hint.as_deref() == Some("did you mean `java`?")), "{findings:?}");
    }

    #[test]
    fn a_new_set_up_is_examined_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = settings(&folder.path().join("data"));
        for input in [&mut settings.syslog_udp, &mut settings.syslog_tcp, &mut settings.relp] {
            input.as_mut().expect("on").address.set_port(0);
        }
        settings.http.as_mut().expect("on").address.set_port(0);
        let mut findings = Findings::new(Language::English);
        examine(&settings, &mut findings);
        for area in ["data", "clock", "system", "content", "store", "server", "ports"] {
            assert!(findings.all.iter().any(|found| found.area == area), "{area} in {findings:?}");
        }
        assert!(findings.all.iter().all(|found| found.severity < Severity::Error), "{findings:?}");
    }
}
