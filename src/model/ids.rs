//! Identifiers as types of their own, so that one can never stand in for another.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

/// The id of an event: the sequence number the WAL gave its envelope; monotonic, unique for ever, starting at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

impl EventId {
    /// The id before the first: no event carries it.
    pub const ZERO: EventId = EventId(0);

    /// Returns the id that follows this one.
    pub fn next(self) -> EventId {
        EventId(self.0 + 1)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The id of an alert, shown and read as `ALR-<number>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub u64);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ALR-{}", self.0)
    }
}

impl FromStr for AlertId {
    type Err = ParseIntError;

    /// Reads `ALR-12`, `alr-12` or `12`.
    fn from_str(text: &str) -> Result<AlertId, ParseIntError> {
        let digits = text.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("ALR-")).map_or(text, |_| &text[4..]);
        digits.parse().map(AlertId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_id_reads_back_what_it_prints() {
        assert_eq!(AlertId(42).to_string().parse(), Ok(AlertId(42)));
        assert_eq!("alr-7".parse(), Ok(AlertId(7)));
        assert_eq!("7".parse(), Ok(AlertId(7)));
        assert!("ALR-".parse::<AlertId>().is_err());
        assert!("é€7".parse::<AlertId>().is_err());
    }
}
