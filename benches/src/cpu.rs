//! CPU time, of the calling thread or of a process: on a shared machine wall time says more about the neighbours than about us.

use std::time::Duration;

use anyhow::Context as _;
use nix::time::ClockId;
use nix::time::clock_gettime;
use nix::unistd::SysconfVar;
use nix::unistd::sysconf;

/// A stopwatch that stands still while the thread is not running.
#[derive(Debug)]
pub struct Stopwatch(Duration);

impl Stopwatch {
    /// Starts one.
    pub fn start() -> Stopwatch {
        Stopwatch(now())
    }

    /// Returns the CPU-seconds since the start.
    pub fn seconds(&self) -> f64 {
        now().saturating_sub(self.0).as_secs_f64()
    }
}

/// Returns the CPU-seconds of all threads of this process so far.
///
/// # Errors
/// When the system does not tell.
pub fn process_seconds() -> anyhow::Result<f64> {
    Ok(Duration::from(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?).as_secs_f64())
}

/// Returns the CPU-seconds of another process so far.
///
/// # Errors
/// When there is no such process.
pub fn seconds_of(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th fields after it.
    let (_, fields) = stat.rsplit_once(") ").context("a process' state")?;
    let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    let per_second = sysconf(SysconfVar::CLK_TCK)?.context("the length of a tick")?;
    Ok(ticks as f64 / per_second as f64)
}

/// Returns the CPU-seconds of one thread of another process so far, by the name it gave itself.
///
/// # Errors
/// When there is no such thread.
pub fn seconds_of_thread(pid: u32, name: &str) -> anyhow::Result<f64> {
    let tasks = format!("/proc/{pid}/task");
    for task in std::fs::read_dir(&tasks).with_context(|| format!("reading {tasks}"))? {
        let folder = task?.path();
        let Ok(text) = std::fs::read_to_string(folder.join("comm")) else { continue };
        if text.trim() == name {
            let thread: u32 = folder.file_name().and_then(|id| id.to_str()?.parse().ok()).context("a thread's id")?;
            return seconds_of(thread);
        }
    }
    anyhow::bail!("process {pid} has no thread `{name}`")
}

/// Returns the most memory another process has had resident so far, in bytes.
///
/// # Errors
/// When there is no such process.
pub fn peak_memory(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("a peak of memory")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().context("a peak of memory")?;
    Ok(kibibytes * 1024)
}

fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// The times of one contestant over the rounds.
///
/// What disturbs a measurement only ever adds to it, so that the best round is the nearest to the truth; the median
/// shows how much was disturbed.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// Adds a round.
    pub fn add(&mut self, seconds: f64) {
        self.0.push(seconds);
        self.0.sort_by(f64::total_cmp);
    }

    /// Returns the shortest round.
    pub fn best(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// Returns the round in the middle.
    pub fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }
}
