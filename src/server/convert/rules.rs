//! Rules between the stores and the wire.

use crate::alert::store::verdicts::Verdicts;
use crate::wire::rule as wire;

/// Turns counts of verdicts into what the API tells.
pub fn verdicts(verdicts: Verdicts) -> wire::Verdicts {
    wire::Verdicts {
        true_positive: verdicts.true_positive,
        false_positive: verdicts.false_positive,
        benign_positive: verdicts.benign_positive,
        other: verdicts.other,
        open: verdicts.open,
    }
}
