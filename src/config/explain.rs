//! Where each value came from.

use serde::Serialize;

/// One value of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key as the file would spell it, such as `input.syslog_udp.address`.
    pub key: String,
    pub value: String,
    /// `default`, `FILE:line`, `environment NAME` or `flag --name`.
    pub origin: String,
}
