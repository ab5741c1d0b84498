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
use crate::cli::sources::named;
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

/// Lines of a file that no pack reads, kept to tell choices from values.
const UNREAD_MAX: usize = 5_000;

impl Found {
    /// Says whether a line has the words of the shape, `<*>` standing for anything.
    fn fits(&self, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().collect();
        let shape = self.text.split_once(": ").map_or(self.text.as_str(), |(_, rest)| rest);
        let shape: Vec<&str> = shape.split_whitespace().collect();
        // What stands before the shape is the header.
        let Some(from) = words.len().checked_sub(shape.len()) else { return false };
        shape.iter().zip(&words[from..]).all(|(wanted, word)| wanted.contains("<*>") || wanted == word)
    }
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> anyhow::Result<Exit> {
    let (found, unread) = match &args.source {
        Some(source) => match of_source(args, source) {
            Ok(found) => (found, Vec::new()),
            Err(err) => return exit_of(err),
        },
        None => of_file(args)?,
    };
    for (number, shape) in found.iter().take(LISTED_MAX).enumerate() {
        let mark = if number + 1 == args.shape { '>' } else { ' ' };
        eprintln!("{mark}{} {:>8}  {}", number + 1, shape.count, SafeText::new(&shape.text));
    }
    let Some(chosen) = args.shape.checked_sub(1).and_then(|place| found.get(place)) else {
        match found.len() {
            0 => eprintln!("every line is read by a pack already"),
            1 => eprintln!("there is no shape {}: there is one", args.shape),
            count => eprintln!("there is no shape {}: there are {count}", args.shape),
        }
        return Ok(Exit::Findings);
    };
    let more: Vec<String> = unread.into_iter().filter(|line| chosen.fits(line)).collect();
    match draft::draft(&args.name, &chosen.lines, &more) {
        Some(draft) => {
            out.write_all(draft.text.as_bytes()).context("writing the draft")?;
            let (read, looked_at) = match more.len() {
                0 => (draft.read, chosen.lines.len()),
                count => (draft.read_of_more, count),
            };
            let all: u64 = found.iter().map(|shape| shape.count).sum();
            eprintln!(
                "save it as {}.toml; it reads {read} of {looked_at} lines looked at; {} of {all} unread lines have this shape",
                args.name, chosen.count
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
    let rows = named(list.sources, name)?;
    let shapes = rows.into_iter().flat_map(|row| row.shapes);
    let mut found: Vec<Found> =
        shapes.map(|shape| Found { text: shape.text, count: shape.count, lines: shape.examples }).collect();
    found.sort_by_key(|shape| std::cmp::Reverse(shape.count));
    Ok(found)
}

/// Returns the shapes with the first of the lines that no pack reads.
fn of_file(args: &Args) -> anyhow::Result<(Vec<Found>, Vec<String>)> {
    let reader: Box<dyn io::Read> = match &args.file {
        Some(path) => Box::new(File::open(path).with_context(|| format!("opening `{}`", path.display()))?),
        None => Box::new(io::stdin()),
    };
    let own = args.place.settings()?.parsers.folder;
    let (packs, _) = Packs::load(own.as_deref().filter(|folder| folder.is_dir()));
    let mut shapes = Shapes::default();
    let mut unread = Vec::new();
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
            if unread.len() < UNREAD_MAX {
                unread.push(text.to_owned());
            }
        }
    }
    let found = shapes.commonest().into_iter();
    let found = found.map(|shape| Found { text: shape.text(), count: shape.count, lines: shape.examples.clone() });
    Ok((found.collect(), unread))
}

/// A name that is good for a file and for fields.
fn name(text: &str) -> Result<String, String> {
    let is_good = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 40
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_good { Ok(text.to_owned()) } else { Err("small letters, digits and `_`, beginning with a letter".to_owned()) }
}
