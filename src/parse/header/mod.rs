//! Syslog headers: RFC 5424 to the letter, RFC 3164 and everything devices send in its stead.
//!
//! Reading never fails: a line without a header is all body. Everything borrows from the line.

mod bsd;
mod cisco;
mod host;
mod rfc5424;
pub mod structured_data;
mod tag;

#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;

pub use crate::parse::timestamp::Inferred;

use serde::Serialize;

use crate::model::SyslogSeverity;
use crate::model::Timestamp;
use crate::parse::timestamp::Context;

/// Which kind of header a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderFormat {
    /// RFC 5424, without a deviation.
    Rfc5424,
    /// RFC 3164 or a cousin of it: a time, a host or a program name was found.
    Rfc3164,
    /// A PRI, and nothing else of a header.
    Bare,
    /// No header.
    #[default]
    None,
}

/// The parts of a syslog header; text borrows from the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header<'a> {
    /// Facility and severity.
    pub pri: Option<(u8, SyslogSeverity)>,
    /// The version of RFC 5424, also where the rest is not quite that standard.
    pub version: Option<u16>,
    pub timestamp: Option<Timestamp>,
    pub inferred: Inferred,
    /// The host the line claims to come from.
    pub hostname: Option<&'a str>,
    pub app_name: Option<&'a str>,
    pub procid: Option<&'a str>,
    pub msgid: Option<&'a str>,
    /// The structured data as it stands in the line; [`structured_data::read`] reads it.
    pub structured_data: Option<&'a str>,
    /// The sequence number Cisco devices put first.
    pub sequence: Option<&'a str>,
    pub format: HeaderFormat,
    /// What follows the header.
    pub body: &'a str,
}

/// Reads the header of a line. What the time leaves out is inferred from when the line was received, and the input's zone.
pub fn read(text: &str, received: Timestamp, zone_offset_seconds: i32) -> Header<'_> {
    let context = Context { received, zone_offset_seconds };
    match text.as_bytes().first() {
        Some(b'<') => rfc5424::read(text).unwrap_or_else(|| bsd::read(text, context)),
        Some(b'{' | b'[') | None => Header { body: text, ..Header::default() },
        Some(_) => bsd::read(text, context),
    }
}
