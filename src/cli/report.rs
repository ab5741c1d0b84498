//! `longan report`: the figures of a period, and the handovers of shifts.

use std::io;
use std::io::IsTerminal as _;
use std::io::Write;

use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::Table;
use crate::cli::output::local;
use crate::cli::output::span;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::exit_of;
use crate::model::SafeText;
use crate::wire::report::DraftRequest;
use crate::wire::report::HandoverFilter;
use crate::wire::report::Period;
use crate::wire::report::Spread;
use crate::wire::report::TriageReport;

/// The arguments of `longan report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// How much came up, how soon it was looked at and decided, and how it fell out
    Triage {
        /// From when, as 24h, 7d or 2026-01-31
        #[arg(long, default_value = "7d")]
        since: String,
        /// Up to when; now when absent
        #[arg(long)]
        until: Option<String>,
    },
    /// Draft the handover of the shift that ends now, and sign it
    Handover {
        /// What the next shift must know
        #[arg(long)]
        note: Option<String>,
        /// Sign it instead of only showing it
        #[arg(long)]
        sign: bool,
        /// vi or en; the language of the environment when absent
        #[arg(long, value_parser = ["vi", "en"])]
        language: Option<String>,
    },
    /// List signed handovers, the newest first
    Handovers {
        /// How many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
}

/// The longest bar.
const BAR_CELLS: u64 = 40;

/// Runs the command.
///
/// # Errors
/// When the arguments or the output are at fault; what the server refused is an exit code.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let format = args.output.format();
    let done = match args.command {
        Command::Triage { since, until } => triage(&args.place, Period { since: Some(since), until }, format),
        Command::Handover { note, sign, language } => handover(&args.place, note, sign, language, format),
        Command::Handovers { limit } => handovers(&args.place, limit, format),
    };
    done.or_else(exit_of)
}

fn triage(place: &Place, period: Period, format: Format) -> anyhow::Result<Exit> {
    let report = place.server()?.call(async |client| client.triage_report(&period).await)?;
    let language = Language::of_environment();
    to_stdout(|out| match format {
        Format::Json => Ok(write_json(out, &report)?),
        Format::Table => Ok(write_triage(out, &report, language)?),
    })?;
    Ok(Exit::Fine)
}

fn write_triage(out: &mut impl Write, report: &TriageReport, language: Language) -> io::Result<()> {
    writeln!(out, "{} - {}", local(&report.since), local(&report.until))?;
    writeln!(out)?;
    levels(report, language).write(out)?;
    write_days(out, report, language)?;
    let closed: u64 = report.dispositions.iter().map(|(_, count)| count).sum();
    if closed > 0 {
        writeln!(out, "\n{}:", language.pick("Kết luận", "Dispositions"))?;
        for (name, count) in report.dispositions.iter().filter(|(_, count)| *count > 0) {
            let share = (count * 100).checked_div(closed).unwrap_or(0);
            writeln!(out, "  {:<16} {count:>6}  {share:>3}%", SafeText::new(name))?;
        }
    }
    if !report.rules.is_empty() {
        writeln!(out)?;
        rules(report, language).write(out)?;
    }
    if !report.analysts.is_empty() {
        writeln!(out)?;
        analysts(report, language).write(out)?;
    }
    Ok(())
}

fn levels(report: &TriageReport, language: Language) -> Table {
    let mut table = Table::new(language.pick(
        ["Mức", "Phát sinh", "Chưa xem", "Đã đóng", "Nhận: TB", "trung vị", "p90", "Đóng: TB", "trung vị", "p90"],
        [
            "Level",
            "Raised",
            "Untouched",
            "Closed",
            "Acknowledge: mean",
            "median",
            "p90",
            "Resolve: mean",
            "median",
            "p90",
        ],
    ));
    let told = |spread: Option<Spread>, part: fn(&Spread) -> u64| {
        spread.map_or_else(|| "-".to_owned(), |spread| span(part(&spread)))
    };
    for level in &report.levels {
        let (acknowledge, resolve) = (level.to_acknowledge, level.to_resolve);
        table.push([
            level.level.clone(),
            level.raised.to_string(),
            level.untouched.to_string(),
            level.closed.to_string(),
            told(acknowledge, |spread| spread.mean),
            told(acknowledge, |spread| spread.median),
            told(acknowledge, |spread| spread.p90),
            told(resolve, |spread| spread.mean),
            told(resolve, |spread| spread.median),
            told(resolve, |spread| spread.p90),
        ]);
    }
    table
}

fn write_days(out: &mut impl Write, report: &TriageReport, language: Language) -> io::Result<()> {
    let most = report.days.iter().map(|day| day.raised.iter().sum::<u64>()).max().unwrap_or(0);
    if most == 0 {
        return Ok(());
    }
    writeln!(out, "\n{}:", language.pick("Mỗi ngày (UTC)", "A day (UTC)"))?;
    for day in &report.days {
        let count: u64 = day.raised.iter().sum();
        // What is more than nothing has at least one cell.
        let cells = usize::try_from((count * BAR_CELLS).div_ceil(most)).unwrap_or(0);
        writeln!(out, "  {}  {count:>6}  {}", SafeText::new(&day.day), "█".repeat(cells))?;
    }
    Ok(())
}

fn rules(report: &TriageReport, language: Language) -> Table {
    let mut table = Table::new(
        language.pick(["Luật", "Cảnh báo", "Đúng", "Sai"], ["Rule", "Alerts", "True positives", "False positives"]),
    );
    for rule in &report.rules {
        let title = language.pick(rule.title_vi.as_ref().unwrap_or(&rule.title), &rule.title);
        let counts = [rule.raised, rule.true_positives, rule.false_positives].map(|count| count.to_string());
        let [raised, right, wrong] = counts;
        table.push([title.clone(), raised, right, wrong]);
    }
    table
}

fn analysts(report: &TriageReport, language: Language) -> Table {
    let mut table =
        Table::new(language.pick(["Người", "Nhận", "Leo thang", "Đóng"], ["Analyst", "Taken", "Escalated", "Closed"]));
    for analyst in &report.analysts {
        let [taken, escalated, closed] =
            [analyst.taken, analyst.escalated, analyst.closed].map(|count| count.to_string());
        table.push([analyst.name.clone(), taken, escalated, closed]);
    }
    table
}

fn handover(
    place: &Place,
    note: Option<String>,
    sign: bool,
    language: Option<String>,
    format: Format,
) -> anyhow::Result<Exit> {
    let language = language.unwrap_or_else(|| Language::of_environment().pick("vi", "en").to_owned());
    let client = place.server()?;
    let wanted = DraftRequest { language: Some(language), note };
    let draft = client.call(async |client| client.draft_handover(&wanted).await)?;
    let signed = if sign { Some(client.call(async |client| client.sign_handover(&draft).await)?) } else { None };
    to_stdout(|out| match (format, &signed) {
        (Format::Json, Some(signed)) => Ok(write_json(out, signed)?),
        (Format::Json, None) => Ok(write_json(out, &draft)?),
        (Format::Table, _) => {
            write_text(out, &draft.text)?;
            if let Some(signed) = &signed {
                writeln!(out, "\n#{} {} {}", signed.id, local(&signed.signed), SafeText::new(&signed.who))?;
                writeln!(out, "sha256 {}", SafeText::new(&signed.digest))?;
            }
            Ok(())
        }
    })?;
    if !sign && io::stderr().is_terminal() {
        let hint = Language::of_environment().pick("thêm --sign để ký", "add --sign to sign it");
        eprintln!("longan: {hint}");
    }
    Ok(Exit::Fine)
}

fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| writeln!(out, "{}", SafeText::new(line)))
}

fn handovers(place: &Place, limit: u32, format: Format) -> anyhow::Result<Exit> {
    let filter = HandoverFilter { offset: 0, limit: Some(limit) };
    let list = place.server()?.call(async |client| client.handovers(&filter).await)?.handovers;
    let mut table = Table::new(
        Language::of_environment()
            .pick(["Số", "Ký lúc", "Người ký", "Từ", "SHA-256"], ["No.", "Signed", "By", "Since", "SHA-256"]),
    );
    let is_empty = list.is_empty();
    to_stdout(|out| {
        for kept in list {
            match format {
                Format::Json => write_json(out, &kept)?,
                Format::Table => {
                    let digest = kept.digest.get(..16).unwrap_or_default().to_owned();
                    table.push([kept.id.to_string(), local(&kept.signed), kept.who, local(&kept.since), digest]);
                }
            }
        }
        if format == Format::Table {
            table.write(out)?;
        }
        Ok(())
    })?;
    Ok(if is_empty { Exit::Findings } else { Exit::Fine })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::report::DayReport;
    use crate::wire::report::LevelReport;

    #[test]
    fn a_period_is_told_with_bars_and_without_division_by_nothing() {
        let level = |name: &str, raised| LevelReport {
            level: name.to_owned(),
            raised,
            untouched: 0,
            closed: raised,
            to_acknowledge: Some(Spread { mean: 240, median: 200, p90: 900 }),
            to_resolve: None,
        };
        let mut report = TriageReport {
            since: "x".to_owned(),
            until: "y".to_owned(),
            levels: vec![level("high", 4)],
            days: vec![
                DayReport { day: "2026-01-30".to_owned(), raised: vec![1] },
                DayReport { day: "2026-01-31".to_owned(), raised: vec![3] },
            ],
            dispositions: vec![("true_positive".to_owned(), 3), ("test".to_owned(), 1)],
            rules: Vec::new(),
            analysts: Vec::new(),
        };
        let told = |report: &TriageReport| {
            let mut out = Vec::new();
            write_triage(&mut out, report, Language::English).expect("written");
            String::from_utf8(out).expect("text")
        };
        let text = told(&report);
        for wanted in ["4m 00s", "15m 00s", "true_positive         3   75%", &format!("3  {}\n", "█".repeat(40))] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
        assert!(text.contains(&format!("1  {}\n", "█".repeat(14))), "{text}");
        report.days.clear();
        report.dispositions.clear();
        assert!(!told(&report).contains('%'));
    }
}
