//! `longan sources`: who sends and what of it is unlike itself; muting a source for a maintenance window.

use std::io;
use std::io::Write;

use anyhow::Context as _;

use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::Table;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::exit_of;
use crate::client::blocking::BlockingClient;
use crate::wire::source::SourceAction;
use crate::wire::source::SourceCommand;
use crate::wire::source::SourceRow;

/// The arguments of `longan sources`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

/// What to do with sources.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the sources, what is wrong first
    List {
        /// Only those with a condition: silent, gaps, clock, unparsed, drop, surge
        #[arg(long, value_name = "CONDITION")]
        condition: Option<String>,
    },
    /// Tell nothing of a source for a while; who said so and why is kept in the log
    Mute {
        #[command(flatten)]
        which: Which,
        /// For how long, such as 30m, 4h or 2d; 90d at most
        #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
        length: u64,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// End a mute before its time
    Unmute {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The source, as `sources list` names it
    name: String,
    /// Its input; needed only when the name comes in through several
    #[arg(long)]
    input: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the arguments or the output are at fault; a server that is away is an exit code.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    act(args).or_else(exit_of)
}

fn act(args: Args) -> anyhow::Result<Exit> {
    let client = args.place.server()?;
    let rows = match args.command {
        Command::List { condition } => {
            let mut rows = client.call(async |client| client.sources().await)?.sources;
            rows.retain(|row| condition.as_ref().is_none_or(|wanted| row.conditions.contains(wanted)));
            rows.sort_by_key(|row| (row.muted.is_some() || row.conditions.is_empty(), !row.is_silent));
            rows
        }
        Command::Mute { which, length, reason } => {
            vec![command(&client, which, SourceAction::Mute { seconds: length, reason })?]
        }
        Command::Unmute { which } => vec![command(&client, which, SourceAction::Unmute)?],
    };
    to_stdout(|out| match args.output.format() {
        Format::Json => Ok(rows.iter().try_for_each(|row| write_json(out, row))?),
        Format::Table => Ok(write(out, &rows, Language::of_environment())?),
    })?;
    Ok(if rows.is_empty() { Exit::Findings } else { Exit::Fine })
}

fn command(client: &BlockingClient, mut which: Which, action: SourceAction) -> anyhow::Result<SourceRow> {
    let input = match which.input {
        Some(input) => input,
        None => {
            let list = client.call(async |client| client.sources().await)?;
            let rows = named(list.sources, &which.name)?;
            if let Some(row) = rows.first() {
                which.name.clone_from(&row.name);
            }
            let mut inputs = rows.into_iter().map(|row| row.input);
            let input = inputs.next().with_context(|| format!("no source `{}`", which.name))?;
            let others: Vec<String> = inputs.collect();
            anyhow::ensure!(
                others.is_empty(),
                "`{}` comes in through {input} and {}: name the `--input`",
                which.name,
                others.join(", ")
            );
            input
        }
    };
    let command = SourceCommand { input, name: which.name, action };
    Ok(client.call(async |client| client.act_on_source(&command).await)?)
}

/// Finds a source by its name, or by the last part of it, such as `web.log` of `/var/log/web.log`, where only one has that.
///
/// # Errors
/// When none or several are called so.
pub(super) fn named(mut rows: Vec<SourceRow>, name: &str) -> anyhow::Result<Vec<SourceRow>> {
    let whole = whole_name(rows.iter().map(|row| row.name.as_str()), name)?;
    rows.retain(|row| row.name == whole);
    Ok(rows)
}

fn whole_name<'n>(names: impl Iterator<Item = &'n str>, name: &str) -> anyhow::Result<String> {
    let mut names: Vec<&str> = names.collect();
    if !names.contains(&name) {
        names.retain(|have| have.rsplit(['/', ':']).next() == Some(name));
        names.sort_unstable();
        names.dedup();
        anyhow::ensure!(names.len() < 2, "`{name}` may be {}: name one whole", names.join(" or "));
        let one = names.first().with_context(|| format!("no source `{name}` (`longan sources list` names them)"))?;
        return Ok((*one).to_owned());
    }
    Ok(name.to_owned())
}

/// Writes sources for people; also part of `longan status --sources`.
pub(super) fn write(out: &mut impl Write, rows: &[SourceRow], language: Language) -> io::Result<()> {
    let mut table = Table::new(language.pick(
        [
            "Nguồn",
            "Đầu vào",
            "Trạng thái",
            "Sự kiện",
            "Giờ qua",
            "Thường lệ",
            "Chưa đọc",
            "Lệch giờ",
            "Thiếu",
            "Lần cuối",
            "Bộ đọc",
        ],
        [
            "Source",
            "Input",
            "State",
            "Events",
            "Last hour",
            "Usual",
            "Unread",
            "Clock",
            "Missing",
            "Last seen",
            "Packs",
        ],
    ));
    for row in rows {
        let hour: u64 = row.per_minute.iter().map(|count| u64::from(*count)).sum();
        let dash = || "-".to_owned();
        table.push([
            row.name.clone(),
            row.input.clone(),
            state(row, language),
            row.events.to_string(),
            hour.to_string(),
            row.usual_per_hour.map_or_else(dash, |usual| usual.to_string()),
            row.unparsed_percent.map_or_else(dash, |percent| format!("{percent}%")),
            row.clock_skew_ms.map_or_else(dash, |skew| format!("{} s", skew / 1000)),
            row.missing.to_string(),
            row.last_seen.clone(),
            row.parsers.join(" "),
        ]);
    }
    table.write(out)
}

fn state(row: &SourceRow, language: Language) -> String {
    if let Some(mute) = &row.muted {
        let (until, by, reason) = (&mute.until, &mute.by, &mute.reason);
        return match language {
            Language::Vietnamese => format!("tắt báo đến {until} bởi {by}: {reason}"),
            Language::English => format!("muted until {until} by {by}: {reason}"),
        };
    }
    let word = |condition: &String| {
        let words = match condition.as_str() {
            "silent" => ("im lặng", "silent"),
            "gaps" => ("mất số", "gaps"),
            "clock" if row.clock_looks_like_zone => ("sai múi giờ", "clock (zone?)"),
            "clock" => ("sai giờ", "clock"),
            "unparsed" => ("khó đọc", "unread"),
            "drop" => ("ít hẳn", "drop"),
            "surge" => ("tăng vọt", "surge"),
            _ => return condition.clone(),
        };
        language.pick(words.0, words.1).to_owned()
    };
    let words: Vec<String> = row.conditions.iter().map(word).collect();
    match (words.is_empty(), row.is_learning) {
        (false, _) => words.join(", "),
        (true, true) => language.pick("đang học", "learning").to_owned(),
        (true, false) => language.pick("bình thường", "as usual").to_owned(),
    }
}

/// Reads `30m`, `4h`, `2d`.
fn seconds(text: &str) -> Result<u64, String> {
    let problem = || format!("`{text}` is no length of time such as 30m, 4h or 2d");
    let unit = match text.chars().last() {
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => return Err(problem()),
    };
    let number: u64 = text.get(..text.len() - 1).and_then(|number| number.parse().ok()).ok_or_else(problem)?;
    let within = |seconds: &u64| (60..=90 * 86_400).contains(seconds);
    number.checked_mul(unit).filter(within).ok_or_else(|| format!("`{text}` is not between 1 minute and 90 days (90d)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_or_refused() {
        assert_eq!((seconds("30m"), seconds("4h"), seconds("90d")), (Ok(1_800), Ok(14_400), Ok(7_776_000)));
        for wrong in ["", "m", "4", "0h", "91d", "-1d", "é"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert!(seconds("400d").is_err_and(|told| told.contains("90 days")));
    }

    #[test]
    fn a_source_is_found_by_the_last_part_of_its_name() {
        let names = ["/srv/a/hotich.log", "/srv/b/web.log", "/srv/c/web.log", "web.log.1"];
        let name = |wanted: &str| whole_name(names.into_iter(), wanted);
        assert_eq!(name("hotich.log").expect("one"), "/srv/a/hotich.log");
        assert_eq!(name("/srv/b/web.log").expect("whole"), "/srv/b/web.log");
        assert!(name("web.log").is_err_and(|told| told.to_string().contains("/srv/b/web.log or /srv/c/web.log")));
        assert!(name("nothing").is_err());
    }
}
