//! From text to fields: syslog headers, structured formats, times, character sets. Pure: no I/O, no clock.

pub mod header;
pub mod timestamp;

/// What a grammar answers to a text that is not of its kind; it has handed nothing out then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not of this kind")]
pub struct NotThis;
