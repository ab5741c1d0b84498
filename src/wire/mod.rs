//! The API's own types: what goes over the socket as JSON, apart from model types so that a storage change is never an API change.
//!
//! Times are RFC 3339 in UTC; ids are numbers; every list is a window with a total. Unknown members are ignored by
//! clients, so members may be added but never change their meaning. All text in them is as received: whoever shows it
//! wraps it in `SafeText`.

pub mod alert;
pub mod audit;
pub mod evidence;
pub mod export;
pub mod incident;
pub mod presence;
pub mod problem;
pub mod report;
pub mod retention;
pub mod rule;
pub mod saved;
pub mod search;
pub mod source;
pub mod status;
pub mod stream;
pub mod why;

/// The prefix of every path of this version of the API.
pub const API_PREFIX: &str = "/v1";
