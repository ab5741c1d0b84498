//! Imports into a running server leave room for what arrives live: when the server falls behind, they slow down.

use std::time::Duration;
use std::time::Instant;

use crate::cli::place::Place;
use crate::client::blocking::BlockingClient;

/// How often the server is asked how it is doing.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Live events may wait so long until a search finds them; the usual is half of it.
const LAG_MS_MAX: u64 = 1_000;
/// Below this it never goes: an import that stands still helps nobody.
const RATE_MIN: f64 = 2_000.0;
/// Beyond this nothing holds it back.
const RATE_MAX: f64 = 1_000_000.0;
const RATE_FIRST: f64 = 20_000.0;

/// Lines a second, found out as it goes.
pub(super) struct Pace {
    client: Option<BlockingClient>,
    rate: f64,
    /// What the operator set: nothing adapts then.
    is_fixed: bool,
    looked: Instant,
    due: Instant,
}

impl Pace {
    /// Asks the server of a place; one that does not answer holds nothing back.
    pub(super) fn with(place: &Place, fixed: Option<u32>) -> Pace {
        let now = Instant::now();
        let rate = fixed.map_or(RATE_FIRST, f64::from);
        Pace { client: place.server().ok(), rate, is_fixed: fixed.is_some(), looked: now, due: now }
    }

    /// Returns how long to wait after so many lines.
    pub(super) fn after(&mut self, lines: usize) -> Duration {
        let now = Instant::now();
        if !self.is_fixed && now.duration_since(self.looked) >= LOOK_EVERY {
            self.looked = now;
            let status = self.client.as_ref().and_then(|client| client.call(async |client| client.status().await).ok());
            if let Some(status) = status {
                self.rate = adapted(self.rate, status.lag_ms);
            }
        }
        if self.client.is_none() && !self.is_fixed {
            return Duration::ZERO;
        }
        self.due = self.due.max(now) + Duration::from_secs_f64(lines as f64 / self.rate);
        self.due.duration_since(now)
    }
}

/// Halves when live events wait too long, grows by a quarter when they do not.
fn adapted(rate: f64, lag_ms: u64) -> f64 {
    let next = if lag_ms > LAG_MS_MAX { rate / 2.0 } else { rate * 1.25 };
    next.clamp(RATE_MIN, RATE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_slows_down_at_once_and_speeds_up_slowly() {
        assert_eq!(adapted(20_000.0, 1_500), 10_000.0);
        assert_eq!(adapted(20_000.0, 450), 25_000.0);
        assert_eq!((adapted(2_000.0, 9_000), adapted(1_000_000.0, 0)), (RATE_MIN, RATE_MAX));
    }
}
