//! Which checkpoints still have to leave this machine, and when the next try is due. Pure: sending is done elsewhere.
//!
//! Whoever holds the key can write the history anew, and a checkpoint that was kept elsewhere tells. A newer checkpoint
//! covers all older ones, so a place that was away for a while is given the newest only.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::model::Timestamp;

/// Between two deliveries of one log to one place; checkpoints are signed about as often.
const EVERY: Duration = Duration::from_secs(60);
/// The wait after a first failure; it doubles.
const WAIT: Duration = Duration::from_secs(5);
/// No wait is longer.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// A place that keeps checkpoints, out of reach of whoever has this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A folder, such as one that another host exports: a file for each log and month, only ever added to.
    Folder(PathBuf),
    /// An HTTPS address that is given each checkpoint as the body of a `POST`.
    Url { url: String, ca: PathBuf, token: Option<PathBuf> },
    /// A syslog host, `HOST:PORT`: each checkpoint is one line.
    Syslog { address: String, is_tcp: bool },
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Folder(path) => write!(f, "{}", path.display()),
            Target::Url { url, .. } => write!(f, "{url}"),
            Target::Syslog { address, is_tcp } => write!(f, "syslog {address} {}", if *is_tcp { "tcp" } else { "udp" }),
        }
    }
}

/// Where checkpoints are sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Push {
    pub targets: Vec<Target>,
    /// A place that is so far behind raises an alert.
    pub late: Duration,
}

/// How one place stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The size of each log, by name, that the place was given last.
    sizes: BTreeMap<String, u64>,
    /// When it was given something last, and since when it lacks something (nanoseconds since 1970).
    pub given: Option<i64>,
    pub behind: Option<i64>,
    #[serde(skip)]
    failures: u32,
    #[serde(skip)]
    next_try: i64,
    /// Why the last try failed.
    #[serde(skip)]
    pub error: Option<String>,
}

impl Standing {
    /// Returns the logs, as places in `newest`, whose checkpoint is to be sent now; notes since when any is lacking.
    pub fn due(&mut self, now: Timestamp, newest: &[(&str, u64)]) -> Vec<usize> {
        // The checkpoint of an empty log proves nothing, and giving it would hold up the first that does.
        let is_lacking = |(name, size): &(&str, u64)| *size > 0 && self.sizes.get(*name) != Some(size);
        let lacking: Vec<usize> =
            newest.iter().enumerate().filter(|(_, log)| is_lacking(log)).map(|(place, _)| place).collect();
        if lacking.is_empty() {
            self.behind = None;
            return lacking;
        }
        self.behind.get_or_insert(now.0);
        if now.0 < self.next_try { Vec::new() } else { lacking }
    }

    /// Notes that a log's checkpoint arrived.
    pub fn arrived(&mut self, now: Timestamp, name: &str, size: u64) {
        self.sizes.insert(name.to_owned(), size);
        (self.given, self.behind) = (Some(now.0), None);
        (self.failures, self.error) = (0, None);
        self.next_try = now.plus(EVERY).0;
    }

    /// Notes that it could not be sent: the next try is later each time.
    pub fn failed(&mut self, now: Timestamp, reason: String) {
        self.failures = self.failures.saturating_add(1);
        let wait = WAIT.saturating_mul(1 << (self.failures - 1).min(10)).min(WAIT_MAX);
        self.next_try = now.plus(wait).0;
        self.error = Some(reason);
    }

    /// Returns for how long it lacks something, when that is too long.
    pub fn late_by(&self, now: Timestamp, late: Duration) -> Option<Duration> {
        let behind = u64::try_from(now.0.saturating_sub(self.behind?)).ok()?;
        Some(Duration::from_nanos(behind)).filter(|behind| *behind >= late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * SECOND)
    }

    #[test]
    fn only_what_is_new_is_sent_and_not_too_often() {
        let mut standing = Standing::default();
        let logs = [("evidence", 3), ("audit", 9)];
        assert_eq!(standing.due(at(0), &logs), [0, 1]);
        standing.arrived(at(1), "evidence", 3);
        assert_eq!(standing.due(at(2), &logs), Vec::<usize>::new(), "a minute passes first");
        assert_eq!(standing.due(at(61), &logs), [1]);
        standing.arrived(at(61), "audit", 9);
        assert_eq!(standing.due(at(200), &logs), Vec::<usize>::new());
        assert_eq!(standing.behind, None);
        assert_eq!(standing.due(at(200), &[("evidence", 2), ("audit", 9)]), [0], "a log that shrank is told as well");
    }

    #[test]
    fn failures_wait_longer_each_time_and_are_late_in_the_end() {
        let mut standing = Standing::default();
        let (mut now, mut tries) = (0, Vec::new());
        while now < 7_300 {
            if !standing.due(at(now), &[("evidence", 1)]).is_empty() {
                tries.push(now);
                standing.failed(at(now), "no route".to_owned());
            }
            now += 1;
        }
        assert_eq!(tries[..6], [0, 5, 15, 35, 75, 155]);
        assert!(tries.windows(2).all(|pair| pair[1] - pair[0] <= 600), "{tries:?}");
        let late = Duration::from_secs(7_200);
        assert_eq!(standing.late_by(at(7_199), late), None);
        assert_eq!(standing.late_by(at(7_200), late), Some(late));
        let kept = serde_json::to_string(&standing).expect("plain data");
        let again: Standing = serde_json::from_str(&kept).expect("its own form");
        assert_eq!(again.late_by(at(7_200), late), Some(late), "a restart forgets nothing");
        standing.arrived(at(7_300), "evidence", 1);
        assert_eq!((standing.late_by(at(90_000), late), standing.error), (None, None));
    }
}
