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

/// Returns the CPU-seconds of the threads another process has now, each to the nanosecond once it sleeps.
///
/// # Errors
/// When there is no such process.
pub fn exact_seconds_of(pid: u32) -> anyhow::Result<f64> {
    let tasks = format!("/proc/{pid}/task");
    let mut nanoseconds = 0;
    for task in std::fs::read_dir(&tasks).with_context(|| format!("reading {tasks}"))? {
        // A thread may have ended since the folder was read.
        if let Ok(stat) = std::fs::read_to_string(task?.path().join("schedstat")) {
            nanoseconds += on_processor(&stat)?;
        }
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// Returns the CPU-seconds of another process' first thread so far, to the nanosecond once that thread sleeps.
///
/// # Errors
/// When there is no such process.
pub fn seconds_of_first_thread(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/task/{pid}/schedstat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    Ok(on_processor(&stat)? as f64 / 1e9)
}

/// Returns for how many seconds the threads of a process that bear a name wanted a processor and had none, so far.
///
/// # Errors
/// When there is no such process.
pub fn queued_seconds_of(pid: u32, name: &str) -> anyhow::Result<f64> {
    let tasks = format!("/proc/{pid}/task");
    let mut nanoseconds = 0;
    for task in std::fs::read_dir(&tasks).with_context(|| format!("reading {tasks}"))? {
        let folder = task?.path();
        let read = |file| std::fs::read_to_string(folder.join(file));
        // A thread may have ended since the folder was read.
        let (Ok(comm), Ok(stat)) = (read("comm"), read("schedstat")) else { continue };
        if comm.trim() == name {
            let queued = stat.split(' ').nth(1).and_then(|number| number.parse::<u64>().ok());
            nanoseconds += queued.context("a time in the queue")?;
        }
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// Reads the nanoseconds on a processor, the first of the numbers the scheduler tells.
fn on_processor(stat: &str) -> anyhow::Result<u64> {
    stat.split(' ').next().unwrap_or_default().parse().context("a time on the processor")
}

/// Returns how many threads wanted a processor, averaged over the last minute.
///
/// # Errors
/// When the system does not tell.
pub fn load() -> anyhow::Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg").context("reading /proc/loadavg")?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
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

    /// Returns the round that so many hundredths of all are not slower than.
    pub fn percentile(&self, hundredths: usize) -> f64 {
        let place = (self.0.len() * hundredths).div_ceil(100).saturating_sub(1);
        self.0.get(place).copied().unwrap_or(f64::NAN)
    }

    /// Returns the rounds, the shortest first.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().copied()
    }

    /// Returns how many rounds there were.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the longest round.
    pub fn longest(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

impl Extend<f64> for Times {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, seconds: I) {
        self.0.extend(seconds);
        self.0.sort_by(f64::total_cmp);
    }
}

impl FromIterator<f64> for Times {
    fn from_iter<I: IntoIterator<Item = f64>>(seconds: I) -> Times {
        let mut all: Vec<f64> = seconds.into_iter().collect();
        all.sort_by(f64::total_cmp);
        Times(all)
    }
}
