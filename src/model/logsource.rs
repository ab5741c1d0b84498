//! The log source of an event, in Sigma's own words.

use serde::Deserialize;
use serde::Serialize;

/// What Sigma calls `logsource`: which rules can apply to an event (specification 2.1, "Log Source").
///
/// An event has at most one product, but may belong to several services and categories: a Sysmon process
/// creation is both `service: sysmon` and `category: process_creation`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSource {
    /// `windows`, `linux`, `fortigate`, `cisco`, …
    pub product: Option<String>,
    /// `sshd`, `sysmon`, `security`, …
    #[serde(deserialize_with = "one_or_many")]
    pub service: Vec<String>,
    /// `process_creation`, `webserver`, `firewall`, …
    #[serde(deserialize_with = "one_or_many")]
    pub category: Vec<String>,
}

/// The log source of an event no pack recognised: only rules without a `logsource` restriction apply.
pub static UNKNOWN: LogSource = LogSource { product: None, service: Vec::new(), category: Vec::new() };

impl LogSource {
    /// Says whether a rule written for this product, service and category applies to the event.
    pub fn admits(&self, product: Option<&str>, service: Option<&str>, category: Option<&str>) -> bool {
        let in_list = |list: &[String], want: &str| list.iter().any(|have| have.eq_ignore_ascii_case(want));
        product.is_none_or(|want| self.product.as_deref().is_some_and(|have| have.eq_ignore_ascii_case(want)))
            && service.is_none_or(|want| in_list(&self.service, want))
            && category.is_none_or(|want| in_list(&self.category, want))
    }
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        Nothing(()),
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::Nothing(()) => Vec::new(),
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_applies_when_all_it_names_is_there() {
        let sysmon: LogSource =
            serde_json::from_str(r#"{"product": "windows", "service": "sysmon", "category": ["process_creation"]}"#)
                .expect("well-formed");
        assert!(sysmon.admits(Some("windows"), None, Some("process_creation")));
        assert!(sysmon.admits(None, None, None));
        assert!(!sysmon.admits(Some("linux"), None, None));
        assert!(!UNKNOWN.admits(Some("windows"), None, None));
        assert!(UNKNOWN.admits(None, None, None));
    }
}
