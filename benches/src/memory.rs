//! Memory a process holds, and the same asked of a process of its own: one contestant must not pay for the other.

use std::process::Command;
use std::process::Stdio;

use anyhow::Context as _;

/// Returns the bytes of memory this process holds now.
///
/// # Errors
/// When the system does not tell.
pub fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the memory held")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().context("the memory held")?;
    Ok(kibibytes * 1024)
}

/// Runs this program once more with arguments added and reads the numbers it prints.
///
/// # Errors
/// When it cannot be run, fails, or prints anything else.
pub fn ask_again(added: &[&str]) -> anyhow::Result<Vec<u64>> {
    let own = std::env::current_exe().context("this program's own place")?;
    let output = Command::new(own)
        .args(std::env::args_os().skip(1))
        .args(added)
        .stderr(Stdio::null())
        .output()
        .context("running this program once more")?;
    anyhow::ensure!(output.status.success(), "this program, run once more, failed");
    let text = String::from_utf8(output.stdout).context("the numbers printed")?;
    text.split_whitespace().map(|number| number.parse().context("a number printed")).collect()
}
