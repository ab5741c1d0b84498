//! How a call can fail: the server is away, it refused, or its answer was not understood.

use std::io;
use std::time::Duration;

use crate::wire::problem::Problem;

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nothing answers there, or the connection broke: trying again later makes sense.
    #[error("no server answers at `{place}`")]
    Away {
        place: String,
        #[source]
        source: io::Error,
    },
    /// Nothing came within the time allowed: trying again later makes sense.
    #[error("no answer from `{place}` within {} s", waited.as_secs())]
    Slow { place: String, waited: Duration },
    /// The server understood and said no.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// What came was no answer of this API.
    #[error("the answer of `{place}` was not understood: {reason}")]
    Protocol { place: String, reason: String },
}

impl ClientError {
    /// Says whether the server may simply be away, so that the same call may succeed later.
    pub fn is_away(&self) -> bool {
        matches!(self, ClientError::Away { .. } | ClientError::Slow { .. })
    }

    /// Returns the server's own words when it refused.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            ClientError::Refused(problem) => Some(problem),
            _ => None,
        }
    }
}
