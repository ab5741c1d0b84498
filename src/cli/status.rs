//! `longan status`: how the running server and its inputs are doing, in one look or one JSON object.

use std::io;
use std::io::Write;

use serde::Serialize;

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
use crate::cli::retention::outlook;
use crate::model::SafeText;
use crate::wire::evidence::PushRow;
use crate::wire::source::InputRow;
use crate::wire::source::SourceRow;
use crate::wire::status::Status;

/// The arguments of `longan status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: OutputArgs,
    /// Tell each sender as well
    #[arg(long)]
    sources: bool,
}

/// The state of the server with the account of each input.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    status: Status,
    inputs: Vec<InputRow>,
    /// What is wrong with sources that are not muted, and with how many.
    unlike: Vec<(String, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Vec<SourceRow>>,
}

/// Runs the command.
///
/// # Errors
/// When the arguments or the output are at fault; a server that is away is an exit code.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    show(&args).or_else(exit_of)
}

fn show(args: &Args) -> anyhow::Result<Exit> {
    let client = args.place.server()?;
    let status = client.call(async |client| client.status().await)?;
    let list = client.call(async |client| client.sources().await)?;
    let unlike = unlike(&list.sources);
    let report = Report { status, inputs: list.inputs, unlike, sources: args.sources.then_some(list.sources) };
    to_stdout(|out| match args.output.format() {
        Format::Json => Ok(write_json(out, &report)?),
        Format::Table => Ok(write(out, &report, Language::of_environment())?),
    })?;
    Ok(Exit::Fine)
}

/// Counts the conditions of sources that are not muted.
fn unlike(sources: &[SourceRow]) -> Vec<(String, u64)> {
    let mut counts = std::collections::BTreeMap::new();
    let told = sources.iter().filter(|source| source.muted.is_none());
    for condition in told.flat_map(|source| &source.conditions) {
        *counts.entry(condition.clone()).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// Says how the places stand that keep checkpoints elsewhere.
fn pushes(pushes: &[PushRow], language: Language) -> String {
    let told = |push: &PushRow| {
        let place = SafeText::new(&push.place).to_string();
        match (&push.behind_since, &push.error) {
            (None, _) => place,
            (Some(since), error) => {
                let error = error.as_deref().map(|error| format!(": {}", SafeText::new(error))).unwrap_or_default();
                format!("{place} ({} {}{error})", language.pick("THIẾU từ", "LACKING since"), local(since))
            }
        }
    };
    let places: Vec<String> = pushes.iter().map(told).collect();
    if places.is_empty() { language.pick("chưa nơi nào", "nowhere").to_owned() } else { places.join(", ") }
}

fn write(out: &mut impl Write, report: &Report, language: Language) -> io::Result<()> {
    let status = &report.status;
    let refusing = status.refusing.as_deref().map(|reason| {
        let reason = SafeText::new(reason);
        format!("{}: {reason}", language.pick("TỪ CHỐI nhận", "REFUSING input"))
    });
    let state = refusing.unwrap_or_else(|| language.pick("đang nhận", "receiving").to_owned());
    let levels = status.alerts_by_level.iter().filter(|(_, count)| *count > 0);
    let levels: Vec<String> = levels.map(|(level, count)| format!("{level} {count}")).collect();
    let lines = [
        (
            language.pick("Phiên bản", "Version"),
            format!("{}, {} {}", status.version, language.pick("chạy từ", "running since"), local(&status.started)),
        ),
        (language.pick("Trạng thái", "State"), state),
        (
            language.pick("Sự kiện", "Events"),
            match language {
                Language::Vietnamese => format!(
                    "{} đã lưu, {}/giây, trễ {} ms, mới nhất #{}, tìm được đến #{}",
                    status.events_stored,
                    status.events_per_second,
                    status.lag_ms,
                    status.last_event,
                    status.last_searchable
                ),
                Language::English => format!(
                    "{} stored, {}/s, lag {} ms, newest #{}, searchable to #{}",
                    status.events_stored,
                    status.events_per_second,
                    status.lag_ms,
                    status.last_event,
                    status.last_searchable
                ),
            },
        ),
        (language.pick("Cảnh báo mở", "Open alerts"), format!("{}  {}", status.open_alerts, levels.join(", "))),
        (language.pick("Mốc gửi ra ngoài", "Checkpoints kept at"), pushes(&status.pushes, language)),
        (language.pick("Luật, bộ đọc", "Rules, packs"), format!("{}, {}", status.rules_loaded, status.packs_loaded)),
        (
            language.pick("Đĩa", "Disk"),
            match language {
                Language::Vietnamese => {
                    format!("dùng {}, còn {}", size(status.disk_used_bytes), size(status.disk_free_bytes))
                }
                Language::English => {
                    format!("{} used, {} free", size(status.disk_used_bytes), size(status.disk_free_bytes))
                }
            },
        ),
        (language.pick("Đĩa sẽ", "Disk outlook"), outlook(status.outlook.as_ref(), language)),
        (language.pick("Bộ nhớ", "Memory"), size(status.memory_bytes)),
    ];
    for (name, value) in lines {
        writeln!(out, "{name}: {}", value.trim_end())?;
    }
    if !status.problems.is_empty() {
        writeln!(out, "{}:", language.pick("Vấn đề", "Problems"))?;
    }
    for problem in &status.problems {
        // A hint stands on a line of its own.
        for line in problem.lines() {
            writeln!(out, "  {}", SafeText::new(line))?;
        }
    }
    writeln!(out)?;
    inputs(report, language).write(out)?;
    let unlike = report.unlike.iter().map(|(condition, count)| format!("{condition} {count}")).collect::<Vec<_>>();
    if !unlike.is_empty() {
        let hint = language.pick("xem `longan sources list`", "see `longan sources list`");
        writeln!(
            out,
            "\n{}: {} ({hint})",
            language.pick("Nguồn bất thường", "Sources unlike themselves"),
            unlike.join(", ")
        )?;
    }
    if let Some(sources) = &report.sources {
        writeln!(out)?;
        crate::cli::sources::write(out, sources, language)?;
    }
    Ok(())
}

fn inputs(report: &Report, language: Language) -> Table {
    let mut table = Table::new(language.pick(
        ["Đầu vào", "Nơi", "Nhận", "Lưu", "Từ chối", "Mất", "Cắt", "Kết nối"],
        ["Input", "Place", "Received", "Stored", "Rejected", "Dropped", "Truncated", "Connections"],
    ));
    for input in &report.inputs {
        let counts = [input.received, input.stored, input.rejected, input.dropped, input.truncated, input.connections];
        let [received, stored, rejected, dropped, truncated, connections] = counts.map(|count| count.to_string());
        let (name, place) = (input.name.clone(), input.place.clone());
        table.push([name, place, received, stored, rejected, dropped, truncated, connections]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(refusing: Option<&str>) -> Report {
        let status = Status {
            version: "0.1.0".to_owned(),
            started: "2026-01-01T00:00:00Z".to_owned(),
            now: "2026-01-01T01:00:00Z".to_owned(),
            refusing: refusing.map(str::to_owned),
            events_stored: 12,
            last_event: 12,
            last_searchable: 11,
            events_per_second: 3,
            lag_ms: 250,
            open_alerts: 2,
            alerts_by_level: vec![("critical".to_owned(), 2), ("high".to_owned(), 0)],
            rules_loaded: 40,
            problems: vec!["rules/\x1b[31mx.yml:1:2: bad".to_owned()],
            packs_loaded: 20,
            pushes: vec![PushRow {
                place: "/keep\x1b[2J".to_owned(),
                behind_since: Some("2026-01-01T00:00:00Z".to_owned()),
                error: Some("no route".to_owned()),
                ..PushRow::default()
            }],
            disk_used_bytes: 3 << 30,
            disk_free_bytes: 5 << 40,
            memory_bytes: 80 << 20,
            outlook: None,
        };
        Report { status, inputs: Vec::new(), unlike: vec![("silent".to_owned(), 2)], sources: Some(Vec::new()) }
    }

    #[test]
    fn a_person_sees_what_matters_and_nothing_acts() {
        let mut out = Vec::new();
        write(&mut out, &report(Some("disk \x07full")), Language::English).unwrap();
        let text = String::from_utf8(out).unwrap();
        for wanted in [
            "REFUSING input: disk ",
            "searchable to #11",
            "2  critical 2\n",
            "3.0 GiB used, 5.0 TiB free",
            "80.0 MiB",
            "unlike themselves: silent 2",
        ] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
        assert!(!text.contains('\x1b') && !text.contains('\x07'));
        let mut out = Vec::new();
        write(&mut out, &report(None), Language::Vietnamese).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("Trạng thái: đang nhận"));
    }

    #[test]
    fn a_script_gets_one_flat_object() {
        let value = serde_json::to_value(report(None)).unwrap();
        assert_eq!((value["last_searchable"].as_u64(), value["rules_loaded"].as_u64()), (Some(11), Some(40)));
        assert_eq!((&value["refusing"], value["inputs"].as_array().map(Vec::len)), (&serde_json::Value::Null, Some(0)));
    }
}
