//! `longan enrich`: check threat lists and the other files events are enriched with, and look a value up; no server needed.

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::Table;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::config::Flags;
use crate::config::Settings;
use crate::config::load;
use crate::model::SafeText;
use crate::model::Timestamp;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;
use crate::normalize::assets;
use crate::normalize::assets::Assets;
use crate::normalize::enrich;
use crate::normalize::enrich::Geo;

/// The arguments of `longan enrich`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file that names the lists
    #[arg(long, value_name = "FILE", env = "LONGAN_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// A list, or a folder of lists, instead of the configured ones; may be given several times
    #[arg(long, value_name = "PATH", global = true)]
    list: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read every file and report all problems, each with its place
    Check,
    /// Show what is known of an address, domain, URL, hash or host name
    Lookup {
        /// What to look up
        value: String,
    },
}

/// Runs the command.
///
/// # Errors
/// When the configuration or the output is at fault.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let settings = match load(args.config.as_deref(), environment, &Flags::default()) {
        Ok(settings) => settings,
        Err(err) => {
            eprintln!("longan: {}", SafeText::new(&err.to_string()));
            return Ok(Exit::BadConfig);
        }
    };
    let files: Vec<PathBuf> = if args.list.is_empty() {
        settings.enrich.threats.as_deref().map(enrich::files).unwrap_or_default()
    } else {
        args.list.iter().flat_map(|path| if path.is_dir() { enrich::files(path) } else { vec![path.clone()] }).collect()
    };
    match args.command {
        Command::Check => check(&settings, &files, args.output.format()),
        Command::Lookup { value } => look_up(&settings, &files, value.trim(), args.output.format()),
    }
}

/// The other files: what is in them, and what is wrong.
fn others(settings: &Settings) -> (Assets, enrich::Units, Geo, Vec<String>) {
    let mut problems = Vec::new();
    let loaded = settings.assets.as_deref().map_or_else(|| Ok(Assets::default()), assets::load);
    let assets = loaded.unwrap_or_else(|found| {
        problems.extend(found.iter().map(ToString::to_string));
        Assets::default()
    });
    let units = settings.enrich.units.as_deref();
    let loaded = units
        .map_or_else(|| Ok(enrich::Units::default()), |path| enrich::load_units(path, settings.zone_offset_seconds));
    let units = loaded.unwrap_or_else(|found| {
        problems.extend(found.iter().map(ToString::to_string));
        enrich::Units::default()
    });
    let mut geo = Geo::default();
    if let Some(path) = &settings.enrich.places
        && let Err(err) = geo.open_places(path)
    {
        problems.push(format!("{}:1:1: no database of addresses: {err}", path.display()));
    }
    if let Some(path) = &settings.enrich.operators
        && let Err(err) = geo.open_operators(path)
    {
        problems.push(format!("{}:1:1: no database of addresses: {err}", path.display()));
    }
    (assets, units, geo, problems)
}

#[derive(Serialize)]
struct ListReport {
    list: String,
    path: String,
    indicators: usize,
    expired: usize,
    problems: usize,
}

fn tell_problems(problems: &[String]) {
    problems.iter().flat_map(|problem| problem.lines()).for_each(|line| eprintln!("{}", SafeText::new(line)));
}

fn check(settings: &Settings, files: &[PathBuf], format: Format) -> anyhow::Result<Exit> {
    let (threats, summaries, problems) = enrich::load_lists(files, SystemClock.now());
    let (assets, units, _, more) = others(settings);
    let problems: Vec<String> = more.into_iter().chain(problems.iter().map(ToString::to_string)).collect();
    let language = Language::of_environment();
    let mut table = Table::new(language.pick(
        ["Danh sách", "Tệp", "Chỉ dấu", "Hết hạn", "Lỗi"],
        ["List", "File", "Indicators", "Expired", "Problems"],
    ));
    to_stdout(|out| {
        for summary in &summaries {
            let path = summary.path.display().to_string();
            let report = ListReport {
                list: summary.name.clone(),
                path: path.clone(),
                indicators: summary.indicators,
                expired: summary.expired,
                problems: summary.problems,
            };
            match format {
                Format::Json => write_json(out, &report)?,
                Format::Table => table.push([
                    report.list,
                    path,
                    report.indicators.to_string(),
                    report.expired.to_string(),
                    report.problems.to_string(),
                ]),
            }
        }
        if format == Format::Table {
            for problem in problems.iter().flat_map(|problem| problem.lines()) {
                writeln!(out, "{}", SafeText::new(problem))?;
            }
            table.write(out)?;
            let (count, kib) = (threats.count(), threats.bytes() / 1024);
            match language {
                Language::Vietnamese => {
                    writeln!(out, "{count} chỉ dấu, {kib} KiB; {} tài sản, {} đơn vị", assets.count(), units.count())?;
                }
                Language::English => {
                    writeln!(out, "{count} indicators, {kib} KiB; {} assets, {} units", assets.count(), units.count())?;
                }
            }
        }
        Ok(())
    })?;
    if format == Format::Json {
        tell_problems(&problems);
    }
    Ok(if problems.is_empty() { Exit::Fine } else { Exit::BadInput })
}

#[derive(Serialize, Default)]
struct Known {
    value: String,
    threats: Vec<KnownThreat>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other: Vec<(String, String)>,
}

#[derive(Serialize)]
struct KnownThreat {
    list: String,
    kind: String,
    confidence: Option<u8>,
    expires: Option<String>,
    is_expired: bool,
    note: String,
}

fn look_up(settings: &Settings, files: &[PathBuf], value: &str, format: Format) -> anyhow::Result<Exit> {
    let now = SystemClock.now();
    let (threats, _, _) = enrich::load_lists(files, now);
    let (assets, units, geo, problems) = others(settings);
    tell_problems(&problems);
    let mut known = Known { value: value.to_owned(), ..Known::default() };
    known.threats.extend(threats.look_up(value).into_iter().map(|hit| KnownThreat {
        list: hit.list.to_owned(),
        kind: hit.kind.as_str().to_owned(),
        confidence: hit.confidence,
        expires: hit.expires.map(|seconds| Timestamp::from_seconds(seconds, 0).to_string()),
        is_expired: hit.expires.is_some_and(|seconds| seconds <= now.seconds()),
        note: hit.note.to_owned(),
    }));
    let mut tell = |name: &str, value: &str| {
        if !value.is_empty() {
            known.other.push((name.to_owned(), value.to_owned()));
        }
    };
    let address: Option<IpAddr> = value.parse().ok();
    let asset = address.map_or_else(|| assets.by_name(value), |address| assets.by_address(address));
    if let Some(asset) = asset {
        // An asset of which nothing else is written is known all the same.
        tell("asset", value);
        let unit = units.at(&asset.unit, now);
        tell("longan.asset.unit", unit.map_or(&asset.unit, |unit| &unit.name));
        tell("longan.asset.system", &asset.system);
        tell("longan.asset.criticality", &asset.criticality);
        tell("longan.asset.owner", &asset.owner);
    }
    if let Some(place) = address.map(|address| geo.of(address)) {
        tell("geo.country_iso_code", place.country.unwrap_or_default());
        tell("geo.city_name", place.city.unwrap_or_default());
        tell("as.number", &place.number.map(|number| number.to_string()).unwrap_or_default());
        tell("as.organization.name", place.organization.unwrap_or_default());
    }
    let is_known = !known.threats.is_empty() || !known.other.is_empty();
    if !is_known && settings.assets.is_none() {
        let language = Language::of_environment();
        let told = language.pick(
            "cấu hình không nêu tệp tài sản nào (`assets.file`; `--config TỆP` hay LONGAN_CONFIG cho biết cấu hình)",
            "the configuration names no file of assets (`assets.file`; `--config FILE` or LONGAN_CONFIG says which configuration)",
        );
        eprintln!("{told}");
    }
    to_stdout(|out| match format {
        Format::Json => Ok(write_json(out, &known)?),
        Format::Table => Ok(tell_people(out, &known)?),
    })?;
    Ok(if is_known { Exit::Fine } else { Exit::Findings })
}

fn tell_people(out: &mut impl Write, known: &Known) -> std::io::Result<()> {
    let language = Language::of_environment();
    if known.threats.is_empty() {
        writeln!(out, "{}", language.pick("không có trong danh sách nào", "on no list"))?;
    }
    for threat in &known.threats {
        let over = if threat.is_expired { language.pick(" (đã hết hạn)", " (over)") } else { "" };
        let confidence = threat.confidence.map(|confidence| format!(", {confidence}/100")).unwrap_or_default();
        let expires = threat.expires.as_deref().map(|expires| format!(", -> {expires}{over}")).unwrap_or_default();
        let line = format!("TI {}: {}{confidence}{expires}  {}", threat.list, threat.kind, threat.note);
        writeln!(out, "{}", SafeText::new(line.trim_end()))?;
    }
    for (name, value) in &known.other {
        writeln!(out, "{name}: {}", SafeText::new(value))?;
    }
    Ok(())
}
