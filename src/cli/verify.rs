//! `longan verify`: checks a data folder, or one exported bundle, against its evidence. Needs no server, and changes nothing.

use std::fs;
use std::io;
use std::io::IsTerminal as _;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::to_stdout;
use crate::client::NoteBox;
use crate::evidence::bundle;
use crate::evidence::key::read_verifiers;
use crate::evidence::log::note::Verifier;
use crate::evidence::log::notes_in;
use crate::evidence::verify::Finding;
use crate::evidence::verify::Options;
use crate::evidence::verify::Progress;
use crate::evidence::verify::Report;
use crate::model::SafeText;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;
use crate::model::write_safe_json;
use crate::pipeline::api::verify_data;

/// The arguments of `longan verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A bundle that `longan export` made: it is checked alone, and no data folder is looked at
    #[arg(value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// The data folder to check; a server may run on it
    #[arg(long, env = "LONGAN_DATA", default_value = "longan-data", value_name = "FOLDER")]
    data: PathBuf,
    /// The key that signatures must be of: the text of it, or a file kept elsewhere with it and those before it
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// What was kept elsewhere: a file with checkpoints (a copy, or lines of a syslog host), a folder of such files, or an
    /// https address that gives them. What was signed then must be there, unchanged
    #[arg(long, value_name = "FILE|FOLDER|URL", visible_alias = "checkpoint")]
    against: Vec<String>,
    /// The certificates to trust at an address, PEM
    #[arg(long, value_name = "FILE")]
    against_ca: Option<PathBuf>,
    /// A file with the token for it
    #[arg(long, value_name = "FILE")]
    against_token_file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
///
/// # Errors
/// When the arguments are wrong or files cannot be read.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let keys = args.key.as_deref().map(known_keys).transpose()?.unwrap_or_default();
    match &args.bundle {
        None => verify_folder(&args, keys.last().cloned()),
        Some(path) => verify_bundle(&args, path, &keys),
    }
}

/// Reads a key given as text, or a file with keys, the newest last.
fn known_keys(text: &str) -> anyhow::Result<Vec<Verifier>> {
    if let Ok(key) = Verifier::parse(text) {
        return Ok(vec![key]);
    }
    let path = Path::new(text);
    let read = fs::read_to_string(path).with_context(|| format!("`{text}` is neither a key nor a file with one"))?;
    let keys = read_verifiers(&read).with_context(|| format!("the key in `{text}`"))?;
    anyhow::ensure!(!keys.is_empty(), "`{text}` holds no key");
    Ok(keys)
}

fn verify_folder(args: &Args, key: Option<Verifier>) -> anyhow::Result<Exit> {
    anyhow::ensure!(args.data.is_dir(), "no such data folder `{}`", args.data.display());
    let mut checkpoints = Vec::new();
    for place in &args.against {
        let read = if place.starts_with("https://") { read_url(args, place) } else { read_files(Path::new(place)) };
        let found = read.with_context(|| format!("reading checkpoints from `{place}`"))?;
        anyhow::ensure!(!found.is_empty(), "`{place}` holds no checkpoint");
        checkpoints.extend(found);
    }
    let bar = progress_bar();
    let mut progress = |progress: Progress| {
        bar.set_length(progress.records_total);
        bar.set_position(progress.records);
        true
    };
    let options = Options { key, checkpoints };
    let report = verify_data(&args.data, &options, SystemClock.now(), &mut progress)?;
    bar.finish_and_clear();
    print(args, &report)
}

/// Reads what an address gives.
fn read_url(args: &Args, url: &str) -> anyhow::Result<Vec<String>> {
    let ca = args.against_ca.as_deref().context("an address needs `--against-ca FILE`, the certificates to trust")?;
    let address = NoteBox::new(url, ca, args.against_token_file.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(notes_in(&runtime.block_on(address.read())?))
}

/// Reads a file, or every file of a folder; what holds no checkpoint there is passed over.
fn read_files(path: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        files.retain(|path| path.is_file());
        files.sort();
    }
    let mut found = Vec::new();
    for file in files {
        let text = fs::read(&file).with_context(|| format!("reading `{}`", file.display()))?;
        found.extend(notes_in(&String::from_utf8_lossy(&text)));
    }
    Ok(found)
}

fn print(args: &Args, report: &Report) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    to_stdout(|out| match args.output.format() {
        Format::Json => write_report_json(out, report),
        Format::Table => Ok(write_report(out, report, language)?),
    })?;
    Ok(if report.is_right() { Exit::Fine } else { Exit::Findings })
}

/// Checks a bundle by the keys that are known; an older one than the newest may have signed it.
fn verify_bundle(args: &Args, path: &Path, keys: &[Verifier]) -> anyhow::Result<Exit> {
    let archive = fs::read(path).with_context(|| format!("reading the bundle `{}`", path.display()))?;
    let newest = bundle::check(&archive, keys.last());
    let older = keys.iter().rev().skip(1).filter(|_| !newest.is_right());
    let report = older.map(|key| bundle::check(&archive, Some(key))).find(Report::is_right).unwrap_or(newest);
    print(args, &report)
}

/// A bar on a terminal, nothing elsewhere.
pub(super) fn progress_bar() -> indicatif::ProgressBar {
    if io::stderr().is_terminal() { indicatif::ProgressBar::new(0) } else { indicatif::ProgressBar::hidden() }
}

#[derive(Serialize)]
struct Told<'r> {
    is_right: bool,
    #[serde(flatten)]
    report: &'r Report,
}

fn write_report_json(out: &mut impl Write, report: &Report) -> anyhow::Result<()> {
    write_safe_json(&mut *out, &Told { is_right: report.is_right(), report })?;
    Ok(out.write_all(b"\n")?)
}

fn write_report(out: &mut impl Write, report: &Report, language: Language) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}", told(finding, language))?;
    }
    let notes = match language {
        Language::Vietnamese => &report.notes_vi,
        Language::English => &report.notes,
    };
    for note in notes {
        writeln!(out, "{} {}", language.pick("ghi chú:", "note:"), SafeText::new(note))?;
    }
    let Report { partitions, records, units, deleted_units, unsealed, .. } = report;
    match language {
        Language::Vietnamese => writeln!(
            out,
            "{records} bản ghi trong {partitions} phân vùng, {units} đơn vị niêm phong đã so với gốc Merkle, {deleted_units} đã xoá theo thời hạn, {unsealed} chưa niêm phong"
        )?,
        Language::English => writeln!(
            out,
            "{records} records in {partitions} partitions, {units} sealed units compared with their Merkle roots, {deleted_units} deleted by retention, {unsealed} not sealed yet"
        )?,
    }
    for log in &report.logs {
        let (origin, key) = (SafeText::new(&log.origin), SafeText::new(&log.key));
        match language {
            Language::Vietnamese => {
                writeln!(out, "nhật ký {origin}: {} mục, đã ký {} mục, khoá {key}", log.entries, log.signed)?;
            }
            Language::English => {
                writeln!(out, "log {origin}: {} entries, {} signed for, key {key}", log.entries, log.signed)?;
            }
        }
    }
    let verdict = match (report.is_right(), language) {
        (true, Language::Vietnamese) => "NGUYÊN VẸN: mọi thứ đúng như khi được ký".to_owned(),
        (true, Language::English) => "INTACT: everything is as it was signed".to_owned(),
        (false, Language::Vietnamese) => format!("KHÔNG NGUYÊN VẸN: {} điểm sai", report.findings.len()),
        (false, Language::English) => format!("NOT INTACT: {} findings", report.findings.len()),
    };
    writeln!(out, "{verdict}")
}

/// One finding as a line.
pub(super) fn told(finding: &Finding, language: Language) -> String {
    let mut line = SafeText::new(&finding.place).to_string();
    if let Some(offset) = finding.offset {
        line.push_str(&format!(", {} {offset}", language.pick("byte thứ", "byte")));
    }
    match finding.records {
        Some((first, last)) if first == last => {
            line.push_str(&format!(", {} {first}", language.pick("bản ghi", "record")));
        }
        Some((first, last)) => line.push_str(&format!(
            ", {} {first} {} {last}",
            language.pick("bản ghi", "records"),
            language.pick("đến", "to")
        )),
        None => {}
    }
    format!("{line}: {}", SafeText::new(language.pick(&finding.what_vi, &finding.what)))
}
