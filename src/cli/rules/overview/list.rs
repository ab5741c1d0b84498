//! `longan rules list`: the rules of a folder, or our own.

use std::io::Write as _;

use serde::Serialize;

use crate::cli::Exit;
use crate::cli::rules::Format;
use crate::cli::rules::source::Source;
use crate::model::SafeText;

/// List the rules
#[derive(Debug, clap::Args)]
pub(in crate::cli::rules) struct Args {
    #[command(flatten)]
    source: Source,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    title_vi: Option<&'a str>,
    level: &'a str,
    status: &'a str,
    tags: &'a [String],
    path: String,
}

pub(in crate::cli::rules) fn run(args: &Args) -> anyhow::Result<Exit> {
    let (content, unread) = args.source.read()?;
    let (set, refused) = content.compile(0);
    unread.iter().chain(&refused).for_each(|problem| eprintln!("{problem}"));
    let mut out = std::io::stdout().lock();
    for meta in set.rules() {
        match args.format {
            Format::Json => {
                let row = Row {
                    id: &meta.id,
                    title: &meta.title,
                    title_vi: meta.title_vi.as_deref(),
                    level: meta.level.as_str(),
                    status: meta.status.as_str(),
                    tags: &meta.tags,
                    path: meta.path.display().to_string(),
                };
                serde_json::to_writer(&mut out, &row)?;
                out.write_all(b"\n")?;
            }
            Format::Text => {
                writeln!(out, "{:<13} {:<12} {}", meta.level, meta.status.as_str(), SafeText::new(&meta.title))?;
            }
        }
    }
    Ok(if refused.is_empty() && unread.is_empty() { Exit::Fine } else { Exit::Findings })
}
