//! From text to fields: syslog headers, structured formats, times, character sets. Pure: no I/O, no clock.

pub mod charset;
pub mod header;
pub mod structure;
pub mod timestamp;
pub mod windows;
