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
    /// For a correlation that is so when it is for one of the rules it counts; for one of events that belong together,
    /// when it is for all of them.
    pub fn arriving(&self, seen: &[LogSource]) -> HashMap<String, bool> {
        let admits = |meta: &RuleMeta| {
            let wants = &meta.logsource;
            seen.iter().any(|source| {
                source.admits(wants.product.as_deref(), wants.service.as_deref(), wants.category.as_deref())
            })
        };
        let mut found: HashMap<String, bool> = self.metas.iter().map(|meta| (meta.id.clone(), admits(meta))).collect();
        let mut names: HashMap<String, bool> =
            self.metas.iter().filter_map(|meta| Some((meta.name.clone()?, admits(meta)))).collect();
        for _ in 0..DEPTH_MAX {
            for correlation in &self.correlations {
                let mut rules = correlation
                    .source
                    .rules
                    .iter()
                    .map(|(rule, _)| found.get(rule).or_else(|| names.get(rule)).copied().unwrap_or(false));
                let arrives = match correlation.source.kind {
                    CorrelationKind::Temporal | CorrelationKind::TemporalOrdered => rules.all(|arrives| arrives),
                    _ => rules.any(|arrives| arrives),
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
        ]
        .concat();
        let (set, problems) = RuleSet::compile(&[RuleFile { path: PathBuf::from("x.yml"), text }], &Options::default());
        assert!(problems.is_empty(), "{problems:?}");
        let seen = [LogSource { product: Some("linux".to_owned()), ..LogSource::default() }];
        let arriving = set.arriving(&seen);
        for (rule, wanted) in [("here", true), ("nowhere", false), ("any", true), ("all", false), ("chained", true)] {
            assert_eq!(arriving.get(rule), Some(&wanted), "{rule}");
        }
        assert!(set.arriving(&[]).values().all(|arrives| !arrives));
    }
}
