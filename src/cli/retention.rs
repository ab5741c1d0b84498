//! `longan retention`: how long events are kept, legal holds over it, what was deleted, when the disk is full.

use std::io;
use std::io::Write;

use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::Table;
use crate::cli::output::local;
use crate::cli::output::size;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::exit_of;
use crate::model::SafeText;
use crate::wire::retention::ClassRow;
use crate::wire::retention::DeletedList;
use crate::wire::retention::DeletedRequest;
use crate::wire::retention::HoldRequest;
use crate::wire::retention::HoldRow;
use crate::wire::retention::LiftRequest;
use crate::wire::retention::Outlook;
use crate::wire::retention::RetentionView;
use crate::wire::retention::TierFigures;

/// The arguments of `longan retention`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the classes, what they take in each tier, the holds, and when the disk is full
    Show,
    /// Hold events: nothing a query, a source or a span of time names is deleted until the hold ends
    Hold {
        /// The events meant, as in a search; with none, every event of the source and span
        query: Option<String>,
        /// Only of this source: a host name or an address
        #[arg(long)]
        source: Option<String>,
        /// Only from here on, by the time of the event
        #[arg(long)]
        since: Option<String>,
        /// Only up to here
        #[arg(long)]
        until: Option<String>,
        /// End by itself then: a time, or a span from now on such as `180d`
        #[arg(long)]
        expires: Option<String>,
        /// Why: the case, and who asked for it
        #[arg(long)]
        why: String,
    },
    /// Lift a hold; it stays listed
    Lift {
        /// The number of the hold
        number: u64,
        /// Why it is not needed any more
        #[arg(long)]
        why: String,
    },
    /// List what was deleted, when and why, the last first
    Deleted {
        /// So many at most
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
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
    let (format, language) = (args.output.format(), Language::of_environment());
    match args.command {
        Command::Show => {
            let view = client.call(async |client| client.retention().await)?;
            to_stdout(|out| match format {
                Format::Json => Ok(write_json(out, &view)?),
                Format::Table => Ok(write(out, &view, language)?),
            })?;
        }
        Command::Hold { query, source, since, until, expires, why } => {
            let request = HoldRequest { query, source, since, until, expires, why };
            let hold = client.call(async |client| client.hold(&request).await)?;
            show_holds(&[hold], format, language)?;
        }
        Command::Lift { number, why } => {
            let hold = client.call(async |client| client.lift_hold(number, &LiftRequest { why: why.clone() }).await)?;
            show_holds(&[hold], format, language)?;
        }
        Command::Deleted { limit } => {
            let request = DeletedRequest { limit: Some(limit) };
            let list = client.call(async |client| client.deleted(&request).await)?;
            to_stdout(|out| match format {
                Format::Json => Ok(list.partitions.iter().try_for_each(|row| write_json(out, row))?),
                Format::Table => Ok(write_deleted(out, &list, language)?),
            })?;
        }
    }
    Ok(Exit::Fine)
}

fn show_holds(holds: &[HoldRow], format: Format, language: Language) -> anyhow::Result<()> {
    to_stdout(|out| match format {
        Format::Json => Ok(holds.iter().try_for_each(|hold| write_json(out, hold))?),
        Format::Table => Ok(write_holds(out, holds, language)?),
    })
}

fn write(out: &mut impl Write, view: &RetentionView, language: Language) -> io::Result<()> {
    let mut table = Table::new(language.pick(
        [
            "Lớp",
            "Cấp độ",
            "Giữ",
            "Lưu trữ sau",
            "Trong bộ nhớ",
            "Đã niêm",
            "Lưu trữ",
            "Cũ nhất",
            "Xoá tiếp theo",
            "Gồm",
        ],
        ["Class", "Level", "Kept", "Archived", "Hot", "Sealed", "Archive", "Oldest", "Next deletion", "Of"],
    ));
    for class in &view.classes {
        let day = |time: &Option<String>| time.as_deref().and_then(|time| time.get(..10)).unwrap_or("-").to_owned();
        let days = |days: u32| format!("{days} {}", language.pick("ngày", "days"));
        table.push([
            class.name.clone(),
            class.level.map_or_else(|| "-".to_owned(), |level| level.to_string()),
            days(class.days),
            class.archive_days.map_or_else(|| language.pick("không", "never").to_owned(), days),
            figures(class.hot),
            figures(class.sealed),
            figures(class.archive),
            day(&class.oldest),
            day(&class.next_deletion),
            members(class, language),
        ]);
    }
    table.write(out)?;
    let (partitions, events) = (view.deleted_partitions, view.deleted_events);
    writeln!(
        out,
        "\n{}",
        match language {
            Language::Vietnamese =>
                format!("Đã xoá: {partitions} phân vùng, {events} sự kiện (`longan retention deleted`)"),
            Language::English =>
                format!("Deleted: {partitions} partitions, {events} events (`longan retention deleted`)"),
        }
    )?;
    writeln!(out, "{}: {}", language.pick("Đĩa", "Disk"), outlook(view.outlook.as_ref(), language))?;
    if !view.holds.is_empty() {
        writeln!(out)?;
        write_holds(out, &view.holds, language)?;
    }
    Ok(())
}

fn members(class: &ClassRow, language: Language) -> String {
    let all: Vec<&str> = class.inputs.iter().chain(&class.systems).map(String::as_str).collect();
    match all.is_empty() {
        true if class.level.is_none() => {
            language.pick("không còn trong cấu hình", "not configured any more").to_owned()
        }
        true => language.pick("mọi thứ còn lại", "everything else").to_owned(),
        false => all.join(", "),
    }
}

fn figures(figures: TierFigures) -> String {
    if figures.events == 0 { "-".to_owned() } else { format!("{} ({})", size(figures.bytes), figures.events) }
}

/// Says when the disk is full; also part of `longan status`.
pub(super) fn outlook(outlook: Option<&Outlook>, language: Language) -> String {
    let Some(outlook) = outlook else {
        return language
            .pick("đang đo tốc độ tăng (cần một giờ)", "growth is being measured (takes an hour)")
            .to_owned();
    };
    let (sign, bytes) = if outlook.bytes_a_day < 0 {
        ("-", outlook.bytes_a_day.unsigned_abs())
    } else {
        ("+", outlook.bytes_a_day.unsigned_abs())
    };
    let growth = format!("{sign}{}", size(bytes));
    match (&outlook.full, outlook.days_left) {
        (Some(full), Some(days)) => {
            let day = full.get(..10).unwrap_or(full);
            match language {
                Language::Vietnamese => format!("{growth} mỗi ngày, đầy vào khoảng {day} (còn {days} ngày)"),
                Language::English => format!("{growth} a day, full about {day} (in {days} days)"),
            }
        }
        _ => match language {
            Language::Vietnamese => format!("{growth} mỗi ngày, không đầy trong năm năm tới"),
            Language::English => format!("{growth} a day, not full within five years"),
        },
    }
}

fn write_holds(out: &mut impl Write, holds: &[HoldRow], language: Language) -> io::Result<()> {
    let mut table = Table::new(language.pick(
        ["Giữ", "Trạng thái", "Truy vấn", "Từ", "Đến", "Hết hạn", "Bởi", "Lúc", "Lý do"],
        ["Hold", "State", "Query", "From", "To", "Expires", "By", "Placed", "Why"],
    ));
    for hold in holds {
        let time = |time: &Option<String>| time.as_deref().map_or_else(|| "-".to_owned(), local);
        let state = match (&hold.lifted_by, hold.is_in_force) {
            (Some(by), _) => {
                let why = hold.lifted_why.as_deref().unwrap_or_default();
                format!("{} {by}: {why}", language.pick("gỡ bởi", "lifted by"))
            }
            (None, true) => language.pick("hiệu lực", "in force").to_owned(),
            (None, false) => language.pick("hết hạn", "expired").to_owned(),
        };
        let query = if hold.query.is_empty() { "*".to_owned() } else { SafeText::new(&hold.query).to_string() };
        table.push([
            hold.number.to_string(),
            state,
            query,
            time(&hold.since),
            time(&hold.until),
            time(&hold.expires),
            hold.by.clone(),
            local(&hold.placed),
            hold.why.clone(),
        ]);
    }
    table.write(out)
}

fn write_deleted(out: &mut impl Write, list: &DeletedList, language: Language) -> io::Result<()> {
    let mut table = Table::new(language.pick(
        ["Phân vùng", "Xoá lúc", "Vì sao", "Sự kiện", "Kích thước", "Số đầu", "Số cuối", "Nhận đến"],
        ["Partition", "Deleted", "Why", "Events", "Size", "First id", "Last id", "Received until"],
    ));
    for row in &list.partitions {
        table.push([
            row.partition.clone(),
            local(&row.deleted),
            row.why.clone(),
            row.events.to_string(),
            size(row.bytes),
            row.first_id.to_string(),
            row.last_id.to_string(),
            local(&row.received),
        ]);
    }
    table.write(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_a_full_disk_is_told_in_both_languages() {
        let near = Outlook {
            bytes_a_day: 3 << 30,
            full: Some("2026-05-01T03:00:00.000Z".to_owned()),
            days_left: Some(12),
            ..Outlook::default()
        };
        assert_eq!(outlook(Some(&near), Language::English), "+3.0 GiB a day, full about 2026-05-01 (in 12 days)");
        let told = outlook(Some(&near), Language::Vietnamese);
        assert_eq!(told, "+3.0 GiB mỗi ngày, đầy vào khoảng 2026-05-01 (còn 12 ngày)");
        let never = Outlook { bytes_a_day: -1024, ..Outlook::default() };
        assert_eq!(outlook(Some(&never), Language::English), "-1.0 KiB a day, not full within five years");
        assert!(outlook(None, Language::English).contains("being measured"));
    }

    #[test]
    fn what_stands_in_a_hold_does_not_act() {
        let hold = HoldRow {
            number: 1,
            query: "a\x1b[31m".to_owned(),
            why: "x\x07".to_owned(),
            placed: "2026-01-01T00:00:00Z".to_owned(),
            lifted_by: Some("an".to_owned()),
            lifted_why: Some("closed".to_owned()),
            ..HoldRow::default()
        };
        let mut out = Vec::new();
        write_holds(&mut out, &[hold], Language::English).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("lifted by an: closed"), "{text}");
        assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text}");
    }
}
