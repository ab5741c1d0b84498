//! Log lines of a file, or the traffic of our own demo.

use std::path::Path;

use anyhow::Context as _;
use longan::model::Timestamp;
use longan::pipeline::demo::Everyday;

/// The same every time.
const SEED: u64 = 20_261_124;
/// 2026-11-23 17:00 UTC, midnight where the demo plays.
const FIRST: Timestamp = Timestamp(1_795_453_200_000_000_000);

/// Reads a file of lines; bytes that are no UTF-8 are replaced, as an input would.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> anyhow::Result<Vec<String>> {
    let bytes = std::fs::read(path).with_context(|| format!("no such file of lines `{}`", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Writes lines of the demo's everyday traffic, each scene as often as its weight says, a hundred a second.
///
/// # Errors
/// When the demo's scenes cannot be read.
pub fn of_demo(count: usize) -> anyhow::Result<Vec<String>> {
    Ok(play(Everyday::new(SEED)?, count))
}

/// The same, only what travels as syslog: what a reader of syslog headers can be asked about.
///
/// # Errors
/// When the demo's scenes cannot be read.
pub fn of_demo_syslog(count: usize) -> anyhow::Result<Vec<String>> {
    Ok(play(Everyday::syslog(SEED)?, count))
}

/// Returns when the line of a number is written.
pub fn time(number: usize) -> Timestamp {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    Timestamp(FIRST.0.saturating_add(number.saturating_mul(10_000_000)))
}

fn play(mut everyday: Everyday, count: usize) -> Vec<String> {
    (0..count).map(|number| everyday.line(time(number))).collect()
}
