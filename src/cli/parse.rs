//! `longan parse`: lines on standard input, one normalized event a line on standard output; no server needed.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Read;
use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use anyhow::Context;
use serde::Deserialize;

use crate::cli::Exit;
use crate::model::Event;
use crate::model::time::Clock;
use crate::model::time::SystemClock;
use crate::model::write_safe_json;
use crate::normalize::Config;
use crate::normalize::Normalizer;
use crate::parse::Hint;
use crate::parse::Packs;

/// The arguments of `longan parse`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read every line as this format (the name of a pack) instead of finding out
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<String>,
    /// Take each input line as `{"raw": "…"}` or `{"raw_hex": "…"}`
    #[arg(long)]
    ndjson: bool,
    /// Take times without a zone as written at this offset from UTC
    #[arg(long, value_name = "±HH:MM", default_value = "+00:00", value_parser = parse_zone, allow_hyphen_values = true)]
    zone: i32,
    /// Lay the packs of this folder over the built-in ones
    #[arg(long, value_name = "DIR")]
    parsers: Option<PathBuf>,
}

/// What a line of `--ndjson` holds.
#[derive(Debug, Deserialize)]
struct Wrapped {
    raw: Option<String>,
    raw_hex: Option<String>,
}

/// A line longer than this is read up to here; the rest of it is skipped.
const LINE_BYTES_MAX: u64 = 1 << 20;
const BUFFER_BYTES: usize = 1 << 18;

/// Runs the command.
///
/// # Errors
/// When the input cannot be read, is not what `--ndjson` promises, or the output is closed.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let (packs, problems) = Packs::load(args.parsers.as_deref());
    for problem in &problems {
        eprintln!("{problem}");
    }
    if let Some(format) = args.format.as_deref().filter(|format| !packs.contains(format)) {
        let names: Vec<String> = packs.summaries().into_iter().map(|pack| pack.name).collect();
        let hint = crate::diag::closest(format, names.iter().map(String::as_str));
        let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        anyhow::bail!("no format `{format}`{hint} (`longan parsers list` names them)");
    }
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, io::stdin().lock());
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    match read_all(&args, &packs, &mut reader, &mut writer).and_then(|()| writer.flush().context("writing events")) {
        Err(err) if is_closed_pipe(&err) => Ok(Exit::Fine),
        Err(err) => Err(err),
        Ok(()) => Ok(Exit::Fine),
    }
}

fn read_all(args: &Args, packs: &Packs, reader: &mut impl BufRead, writer: &mut impl Write) -> anyhow::Result<()> {
    let normalizer = Normalizer::new(Config { zone_offset_seconds: args.zone, ..Config::default() });
    let mut line = Vec::with_capacity(BUFFER_BYTES);
    let mut number = 0_u64;
    while next_line(reader, &mut line).context("reading lines")? {
        number += 1;
        let text = if args.ndjson {
            unwrap_line(&line).with_context(|| format!("line {number} of the input"))?
        } else {
            String::from_utf8_lossy(&line).into_owned()
        };
        let hint = Hint { received: SystemClock.now(), format: args.format.as_deref(), zone_offset_seconds: args.zone };
        let mut event = packs.parse(&text, &hint);
        normalizer.normalize(&mut event, None);
        write_safe_json(&mut *writer, &event).context("writing events")?;
        writer.write_all(b"\n").context("writing events")?;
    }
    Ok(())
}

/// Normalizes as a server without a configuration does, for samples.
pub(super) fn normalize(event: &mut Event<'_>) {
    static NORMALIZER: LazyLock<Normalizer> = LazyLock::new(Normalizer::default);
    NORMALIZER.normalize(event, None);
}

/// Reads one line without its end; a line over the limit is cut there.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', line)?;
    if read == 0 {
        return Ok(false);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if read as u64 == LINE_BYTES_MAX {
        reader.skip_until(b'\n')?;
    }
    Ok(true)
}

fn unwrap_line(line: &[u8]) -> anyhow::Result<String> {
    let wrapped: Wrapped = serde_json::from_slice(line).context("not a JSON object with `raw` or `raw_hex`")?;
    match (wrapped.raw, wrapped.raw_hex) {
        (Some(raw), _) => Ok(raw),
        (None, Some(hex)) => Ok(String::from_utf8_lossy(&unhex(&hex)?).into_owned()),
        (None, None) => anyhow::bail!("neither `raw` nor `raw_hex`"),
    }
}

fn unhex(hex: &str) -> anyhow::Result<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).with_context(|| format!("`{hex}` is not hexadecimal"));
    anyhow::ensure!(hex.len().is_multiple_of(2), "an odd number of hexadecimal digits");
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    for pair in hex.as_bytes().chunks_exact(2) {
        if let [high, low] = pair {
            bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
        }
    }
    Ok(bytes)
}

/// Reads `+07:00`, `-0330`, `Z` as seconds east of UTC.
pub(super) fn parse_zone(text: &str) -> Result<i32, String> {
    let problem = || format!("`{text}` is no offset such as `+07:00`");
    if matches!(text, "Z" | "z" | "UTC") {
        return Ok(0);
    }
    let sign = match text.chars().next() {
        Some('+') => 1,
        Some('-') => -1,
        _ => return Err(problem()),
    };
    let digits: String = text.chars().skip(1).filter(|c| *c != ':').collect();
    let number: i32 = digits.parse().map_err(|_| problem())?;
    let (hours, minutes) = match digits.len() {
        1 | 2 => (number, 0),
        4 => (number / 100, number % 100),
        _ => return Err(problem()),
    };
    if hours > 14 || minutes > 59 { Err(problem()) } else { Ok(sign * (hours * 3600 + minutes * 60)) }
}

pub(super) fn is_closed_pipe(err: &anyhow::Error) -> bool {
    err.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_object_per_line_in_order() {
        let args = Args { format: None, ndjson: false, zone: 0, parsers: None };
        let mut output = Vec::new();
        let input = b"first\r\n\n\xff\xfe\nlast";
        read_all(&args, &Packs::builtin(), &mut &input[..], &mut output).expect("reads");
        let lines: Vec<serde_json::Value> = output
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("JSON"))
            .collect();
        let originals: Vec<&str> = lines.iter().filter_map(|line| line.get("event.original")?.as_str()).collect();
        assert_eq!(originals, ["first", "", "\u{fffd}\u{fffd}", "last"]);
        assert_eq!(lines[0]["longan.parse.error"], "unrecognised");
    }

    #[test]
    fn wrapped_lines_are_unwrapped() {
        assert_eq!(unwrap_line(br#"{"raw": "a\nb"}"#).expect("reads"), "a\nb");
        assert_eq!(unwrap_line(br#"{"raw_hex": "6162"}"#).expect("reads"), "ab");
        assert!(unwrap_line(br#"{"raw_hex": "6"}"#).is_err());
        assert!(unwrap_line(b"{}").is_err());
    }

    #[test]
    fn zones_are_read() {
        assert_eq!(parse_zone("+07:00"), Ok(25_200));
        assert_eq!(parse_zone("-0330"), Ok(-12_600));
        assert!(parse_zone("7").is_err());
        assert!(parse_zone("+99:00").is_err());
    }
}
