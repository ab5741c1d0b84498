//! Syslog over UDP, TCP and TLS. None of them can acknowledge: what a sender does not know is delivered may be lost
//! between it and us, so what must not be lost comes by RELP or HTTP.

mod boundary;
pub mod framing;
pub mod tcp;
pub mod udp;

use std::num::NonZeroUsize;

pub(crate) use boundary::strip_trailer;

/// The frame limit unless the operator says otherwise: RFC 5424 §6.1 asks for 2 KiB, Windows events need 32 and more.
pub const FRAME_BYTES_DEFAULT: NonZeroUsize = match NonZeroUsize::new(64 * 1024) {
    Some(bytes) => bytes,
    None => NonZeroUsize::MIN,
};

/// The largest frame limit that may be configured.
pub const FRAME_BYTES_MAX: NonZeroUsize = match NonZeroUsize::new(1024 * 1024) {
    Some(bytes) => bytes,
    None => NonZeroUsize::MIN,
};
