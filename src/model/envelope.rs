//! What an input hands on: raw bytes as received and what we ourselves observed about their arrival.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::model::EventId;
use crate::model::Timestamp;

/// Where bytes came from, as we observed it: shared by all frames of a connection or file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// The configured name of the input, such as `syslog_tcp` or `file:/var/log/nginx/access.log`; 255 bytes at most.
    pub input: String,
    /// The address the bytes came from, where there is one.
    pub peer: Option<SocketAddr>,
    /// Who the peer proved to be (TLS client certificate subject, token name); 255 bytes at most.
    pub identity: Option<String>,
}

/// One delimited message with what we know of its arrival. The payload is kept byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The event id; `EventId::ZERO` until the WAL has assigned one.
    pub id: EventId,
    /// When the input had read the whole frame.
    pub received: Timestamp,
    /// Where it came from.
    pub origin: Arc<Origin>,
    /// True when the frame was longer than the input's limit and `raw` is only its beginning.
    pub truncated: bool,
    /// The bytes as received, without the framing.
    pub raw: Bytes,
}
