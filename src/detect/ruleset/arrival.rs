//! For which rules logs arrive: what a rule's log source names, held against the log sources that were seen.

use hashbrown::HashMap;

use super::RuleSet;
use crate::detect::sigma::correlation::CorrelationKind;
use crate::detect::sigma::rule::RuleMeta;
use crate::model::LogSource;

/// Correlations of correlations are followed this deep.
const DEPTH_MAX: usize = 8;

impl RuleSet {
    /// Says for each rule, by its id, whether events of its log source are among those that were seen.
    ///
    /// `None` when nobody can say: a rule whose `logsource` is but a `definition` takes every event, and what it needs is
    /// told in words. For a correlation that is so when it is for one of the rules it counts; for one of events that
    /// belong together, when it is for all of them.
    pub fn arriving(&self, seen: &[LogSource]) -> HashMap<String, Option<bool>> {
        let admits = |meta: &RuleMeta| {
            let wants = &meta.logsource;
            if !seen.is_empty() && wants.product.is_none() && wants.service.is_none() && wants.category.is_none() {
                return None;
            }
            Some(seen.iter().any(|source| {
                source.admits(wants.product.as_deref(), wants.service.as_deref(), wants.category.as_deref())
            }))
        };
        let mut found: HashMap<String, Option<bool>> =
            self.metas.iter().map(|meta| (meta.id.clone(), admits(meta))).collect();
        let mut names: HashMap<String, Option<bool>> =
            self.metas.iter().filter_map(|meta| Some((meta.name.clone()?, admits(meta)))).collect();
        for _ in 0..DEPTH_MAX {
            for correlation in &self.correlations {
                let of_rule = |(rule, _): &(String, _)| {
                    found.get(rule).or_else(|| names.get(rule)).copied().unwrap_or(Some(false))
                };
                let rules: Vec<Option<bool>> = correlation.source.rules.iter().map(of_rule).collect();
                // What decides alone: one that is missing where all are needed, one that is there where one is enough.
                let deciding =
                    !matches!(correlation.source.kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered);
                let arrives = match rules.contains(&Some(deciding)) {
                    true => Some(deciding),
                    false if rules.contains(&None) => None,
                    false => Some(!deciding),
                };
                names.extend(correlation.meta.name.clone().map(|name| (name, arrives)));
                found.insert(correlation.meta.id.clone(), arrives);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::detect::Options;
    use crate::detect::RuleFile;

    #[test]
    fn a_correlation_follows_its_rules() {
        let rule = |name: &str, product: &str| {
            format!(
                "title: {name}\nid: {name}\nname: n_{name}\nlogsource: {{product: {product}}}\ndetection: {{s: {{user.name: x}}, \
                 condition: s}}\n---\n"
            )
        };
        let correlation = |name: &str, kind: &str, rules: &str| {
            let condition = if kind == "temporal" { "" } else { ", condition: {gte: 2}" };
            format!(
                "title: {name}\nid: {name}\ncorrelation: {{type: {kind}, rules: [{rules}], group-by: [user.name], timespan: 5m{condition}}}\n---\n"
            )
        };
        let text = [
            correlation("chained", "event_count", "any"),
            rule("here", "linux"),
            rule("nowhere", "windows"),
            correlation("any", "event_count", "n_here, nowhere"),
            correlation("all", "temporal", "here, nowhere"),
            rule("somewhere", "x").replace("product: x", "definition: whatever our own program writes"),
            correlation("both", "temporal", "here, somewhere"),
            correlation("none", "temporal", "nowhere, somewhere"),
            correlation("either", "event_count", "nowhere, somewhere"),
        ]
        .concat();
        let (set, problems) = RuleSet::compile(&[RuleFile { path: PathBuf::from("x.yml"), text }], &Options::default());
        assert!(problems.is_empty(), "{problems:?}");
        let seen = [LogSource { product: Some("linux".to_owned()), ..LogSource::default() }];
        let arriving = set.arriving(&seen);
        for (rule, wanted) in [
            ("here", Some(true)),
            ("nowhere", Some(false)),
            ("any", Some(true)),
            ("all", Some(false)),
            ("chained", Some(true)),
            ("somewhere", None),
            ("both", None),
            ("none", Some(false)),
            ("either", None),
        ] {
            assert_eq!(arriving.get(rule), Some(&wanted), "{rule}");
        }
        assert!(set.arriving(&[]).values().all(|arrives| *arrives == Some(false)));
    }
}
