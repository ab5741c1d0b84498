//! A stand-in for the header grammars until they are merged.

use crate::model::SyslogSeverity;
use crate::model::Timestamp;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;
use crate::parse::timestamp::Inferred;

/// Format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFormat {
    /// a
    Rfc5424,
    /// b
    Rfc3164,
    /// c
    Bare,
    /// d
    None,
}

/// Header.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// a
    pub pri: Option<(u8, SyslogSeverity)>,
    /// a
    pub timestamp: Option<Timestamp>,
    /// a
    pub inferred: Inferred,
    /// a
    pub hostname: Option<&'a str>,
    /// a
    pub app_name: Option<&'a str>,
    /// a
    pub procid: Option<&'a str>,
    /// a
    pub msgid: Option<&'a str>,
    /// a
    pub structured_data: Option<&'a str>,
    /// a
    pub format: HeaderFormat,
    /// a
    pub body: &'a str,
}

/// Reads.
pub fn read(text: &str, received: Timestamp, zone_offset_seconds: i32) -> Header<'_> {
    let mut header = Header {
        pri: None,
        timestamp: None,
        inferred: Inferred::default(),
        hostname: None,
        app_name: None,
        procid: None,
        msgid: None,
        structured_data: None,
        format: HeaderFormat::None,
        body: text,
    };
    let mut rest = text;
    if let Some((pri, after)) = text.strip_prefix('<').and_then(|t| t.split_once('>'))
        && let Ok(pri) = pri.parse::<u8>()
    {
        header.pri = Some((pri >> 3, SyslogSeverity::from_pri(pri)));
        header.format = HeaderFormat::Rfc3164;
        rest = after;
        header.body = after;
    }
    let Some(reading) = timestamp::detect(rest, Context { received, zone_offset_seconds }) else { return header };
    let Some(after) = rest.get(reading.consumed..).and_then(|r| r.strip_prefix(' ')) else { return header };
    let Some((host, after)) = after.split_once(' ') else { return header };
    let Some((tag, body)) = after.split_once(": ") else { return header };
    if tag.contains(' ') { return header; }
    header.timestamp = Some(reading.time);
    header.inferred = reading.inferred;
    header.format = HeaderFormat::Rfc3164;
    header.hostname = Some(host);
    header.body = body;
    match tag.split_once('[') {
        Some((app, pid)) => {
            header.app_name = Some(app);
            header.procid = Some(pid.trim_end_matches(']'));
        }
        None => header.app_name = Some(tag),
    }
    header
}
