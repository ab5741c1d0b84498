//! Which log sources events came from, in Sigma's words, and when last: what tells the rules that can match from those that
//! wait for logs nobody sends.

use std::collections::HashMap;

use crate::model::LogSource;
use crate::model::Timestamp;

/// Log sources remembered: packs decide what there is, not senders.
const KNOWN_MAX: usize = 1_000;
/// The time of the last event is exact to this.
const GRAIN_NANOS: i64 = 60_000_000_000;

/// The log sources that were seen.
#[derive(Debug, Default)]
pub(super) struct LogSources {
    last: HashMap<LogSource, Timestamp>,
    /// What came last: mostly it comes again, and comparing is cheaper than hashing.
    recent: Option<(LogSource, Timestamp)>,
}

impl LogSources {
    /// Takes over what was written down.
    pub(super) fn of(rows: impl Iterator<Item = (LogSource, Timestamp)>) -> LogSources {
        LogSources { last: rows.take(KNOWN_MAX).collect(), recent: None }
    }

    /// Notes an event.
    pub(super) fn note(&mut self, source: &LogSource, now: Timestamp) {
        if let Some((recent, at)) = &self.recent
            && recent == source
            && now.0.saturating_sub(at.0) < GRAIN_NANOS
        {
            return;
        }
        let is_full = self.last.len() >= KNOWN_MAX;
        match self.last.get_mut(source) {
            Some(last) if now.0.saturating_sub(last.0) < GRAIN_NANOS => return,
            Some(last) => *last = now,
            None if is_full => return,
            None => drop(self.last.insert(source.clone(), now)),
        }
        self.recent = Some((source.clone(), now));
    }

    /// Returns all of them.
    pub(super) fn rows(&self) -> Vec<(&LogSource, Timestamp)> {
        self.last.iter().map(|(source, at)| (source, *at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_once_with_its_last_minute() {
        let source = |product: &str| LogSource { product: Some(product.to_owned()), ..LogSource::default() };
        let mut seen = LogSources::default();
        for (product, at) in [("linux", 0), ("linux", 1), ("windows", 2), ("linux", GRAIN_NANOS + 5)] {
            seen.note(&source(product), Timestamp(at));
        }
        let mut rows: Vec<_> = seen.rows().into_iter().map(|(source, at)| (source.product.clone(), at.0)).collect();
        rows.sort();
        assert_eq!(rows, [(Some("linux".to_owned()), GRAIN_NANOS + 5), (Some("windows".to_owned()), 2)]);
        for number in 0..2 * KNOWN_MAX {
            seen.note(&source(&number.to_string()), Timestamp(9));
        }
        assert_eq!(seen.rows().len(), KNOWN_MAX);
    }
}
