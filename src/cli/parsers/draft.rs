//! `longan parsers draft`: a pack to begin with, from a file of lines or from what a running server could not read of a source.

use std::fs::File;
use std::io;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::Exit;
use crate::cli::place::Place;
use crate::cli::place::exit_of;
use crate::model::SafeText;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;
use crate::parse::Hint;
use crate::parse::Packs;
use crate::pipeline::shapes::Shapes;
use crate::pipeline::shapes::draft;

/// So much of a file is enough to see its shapes.
const BYTES_MAX: u64 = 64 << 20;
/// Shapes that are listed.
const LISTED_MAX: usize = 9;

/// The arguments of `longan parsers draft`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file of lines; standard input when neither it nor `--source` is given
    file: Option<PathBuf>,
    /// A source of the running server, as `longan sources list` names it
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    source: Option<String>,
    /// Which of the shapes, the commonest being 1
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    shape: usize,
    /// The name of the pack, also the name its file must have
    #[arg(long, default_value = "draft", value_parser = name)]
    name: String,
    #[command(flatten)]
    place: Place,
}

/// Lines of one shape, with what they have in common and how many there are.
struct Found {
    text: String,
    count: u64,
    lines: Vec<String>,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> anyhow::Result<Exit> {
    let found = match &args.source {
        Some(source) => match of_source(args, source) {
            Ok(found) => found,
            Err(err) => return exit_of(err),
        },
        None => of_file(args)?,
    };
    for (number, shape) in found.iter().take(LISTED_MAX).enumerate() {
        let mark = if number + 1 == args.shape { '>' } else { ' ' };
        eprintln!("{mark}{} {:>8}  {}", number + 1, shape.count, SafeText::new(&shape.text));
    }
    let Some(chosen) = args.shape.checked_sub(1).and_then(|place| found.get(place)) else {
        eprintln!("every line is read by a pack already, or there is no such shape");
        return Ok(Exit::Findings);
    };
    match draft::draft(&args.name, &chosen.lines) {
        Some(draft) => {
            out.write_all(draft.text.as_bytes()).context("writing the draft")?;
            eprintln!(
                "save it as {}.toml; it reads {} of {} lines looked at",
                args.name,
                draft.read,
                chosen.lines.len()
            );
            Ok(Exit::Fine)
        }
        None => {
            eprintln!("these lines have too little in common to be known by; try another `--shape`");
            Ok(Exit::Findings)
        }
    }
}

fn of_source(args: &Args, name: &str) -> anyhow::Result<Vec<Found>> {
    let client = args.place.server()?;
    let list = client.call(async |client| client.sources().await)?;
    let rows: Vec<_> = list.sources.into_iter().filter(|row| row.name == name).collect();
    anyhow::ensure!(!rows.is_empty(), "no source `{name}` (`longan sources list` names them)");
    let shapes = rows.into_iter().flat_map(|row| row.shapes);
    let mut found: Vec<Found> =
        shapes.map(|shape| Found { text: shape.text, count: shape.count, lines: shape.examples }).collect();
    found.sort_by_key(|shape| std::cmp::Reverse(shape.count));
    Ok(found)
}

fn of_file(args: &Args) -> anyhow::Result<Vec<Found>> {
    let reader: Box<dyn io::Read> = match &args.file {
        Some(path) => Box::new(File::open(path).with_context(|| format!("opening `{}`", path.display()))?),
        None => Box::new(io::stdin()),
    };
    let packs = Packs::builtin();
    let mut shapes = Shapes::default();
    let mut lines = BufReader::new(reader.take(BYTES_MAX));
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).context("reading lines")? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        if text.trim().is_empty() {
            continue;
        }
        let event = packs.parse(text, &Hint { received: SystemClock.now(), format: None, zone_offset_seconds: 0 });
        if event.parser.is_none() {
            shapes.note(&event, true);
        }
    }
    let found = shapes.commonest().into_iter();
    Ok(found.map(|shape| Found { text: shape.text(), count: shape.count, lines: shape.examples.clone() }).collect())
}

/// A name that is good for a file and for fields.
fn name(text: &str) -> Result<String, String> {
    let is_good = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 40
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_good { Ok(text.to_owned()) } else { Err("small letters, digits and `_`, beginning with a letter".to_owned()) }
}
