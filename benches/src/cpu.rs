//! CPU time of the calling thread: on a shared machine wall time says more about the neighbours than about us.

use std::time::Duration;

use nix::time::ClockId;
use nix::time::clock_gettime;

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
