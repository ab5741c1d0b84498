//! The API's client, used by the console and the command line: typed calls over a Unix socket or TLS.
//!
//! It knows the wire types and nothing of the server. Every answer, line and wait has a limit; every failure says whether the
//! server is away, has refused, or was not understood.

pub mod blocking;
mod calls;
mod endpoint;
mod error;
mod evidence;
mod note;
mod query;
mod records;
mod rules;
mod saved;
mod transport;

#[cfg(test)]
mod tests;

pub use calls::Client;
pub use endpoint::Endpoint;
pub use endpoint::EndpointError;
pub use endpoint::RemoteOptions;
pub use error::ClientError;
pub use note::NoteBox;
pub use records::Records;
