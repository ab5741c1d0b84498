//! The severities of the field. They never mix: every conversion is spelled out where it is made.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

/// The severity of a syslog header, 0 (emergency) to 7 (debug): RFC 5424 §6.2.1, table 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyslogSeverity(u8);

impl SyslogSeverity {
    /// Takes the low three bits of a PRI value.
    pub fn from_pri(pri: u8) -> SyslogSeverity {
        SyslogSeverity(pri & 7)
    }

    /// Returns the numerical code, 0 to 7.
    pub fn code(self) -> u8 {
        self.0
    }

    /// Returns the name used in ECS `log.syslog.severity.name`.
    pub fn as_str(self) -> &'static str {
        ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"][usize::from(self.0)]
    }
}

/// Returns the name of a syslog facility, 0 to 23 (RFC 5424 §6.2.1, table 1), as used in ECS `log.syslog.facility.name`.
pub fn facility_name(code: u8) -> Option<&'static str> {
    const NAMES: [&str; 24] = [
        "kern",
        "user",
        "mail",
        "daemon",
        "auth",
        "syslog",
        "lpr",
        "news",
        "uucp",
        "cron",
        "authpriv",
        "ftp",
        "ntp",
        "security",
        "console",
        "solaris-cron",
        "local0",
        "local1",
        "local2",
        "local3",
        "local4",
        "local5",
        "local6",
        "local7",
    ];
    NAMES.get(usize::from(code)).copied()
}

/// How serious a rule's author holds a match to be: Sigma specification 2.1, attribute `level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleLevel {
    /// For enrichment and statistics; raises no alert by itself.
    Informational,
    /// Notable, rarely an incident.
    Low,
    /// Worth a look; the level of a rule that names none.
    #[default]
    Medium,
    /// To be looked at soon.
    High,
    /// To be looked at now.
    Critical,
}

impl RuleLevel {
    /// All levels, lowest first.
    pub const ALL: [RuleLevel; 5] =
        [RuleLevel::Informational, RuleLevel::Low, RuleLevel::Medium, RuleLevel::High, RuleLevel::Critical];

    /// Returns the name Sigma gives the level.
    pub fn as_str(self) -> &'static str {
        match self {
            RuleLevel::Informational => "informational",
            RuleLevel::Low => "low",
            RuleLevel::Medium => "medium",
            RuleLevel::High => "high",
            RuleLevel::Critical => "critical",
        }
    }

    /// Returns the single letter by which the console shows the level without colour.
    pub fn letter(self) -> char {
        match self {
            RuleLevel::Informational => 'I',
            RuleLevel::Low => 'L',
            RuleLevel::Medium => 'M',
            RuleLevel::High => 'H',
            RuleLevel::Critical => 'C',
        }
    }
}

impl fmt::Display for RuleLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown level `{0}`")]
pub struct UnknownLevel(pub String);

impl FromStr for RuleLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<RuleLevel, UnknownLevel> {
        RuleLevel::ALL
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_read_back() {
        for level in RuleLevel::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
        }
        assert!(RuleLevel::Critical > RuleLevel::High);
        assert!("severe".parse::<RuleLevel>().is_err());
    }

    #[test]
    fn pri_splits_as_the_rfc_says() {
        assert_eq!(SyslogSeverity::from_pri(165).as_str(), "notice");
        assert_eq!(facility_name(165 >> 3), Some("local4"));
        assert_eq!(facility_name(24), None);
    }
}
