//! Filters: exceptions kept apart from the rules they narrow (Sigma filters specification 2.1).

use std::path::Path;

use crate::detect::sigma::detection;
use crate::detect::sigma::detection::Expr;
use crate::detect::sigma::detection::Lists;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::rule;
use crate::detect::sigma::rule::Rule;
use crate::detect::sigma::rule::RuleLogSource;
use crate::detect::sigma::rule::RuleMeta;
use crate::detect::sigma::yaml::Node;

/// A filter read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub meta: RuleMeta,
    /// Ids or names of the rules narrowed; empty for every rule of the log source.
    pub rules: Vec<String>,
    /// What must hold besides the rule's own condition.
    pub expr: Expr,
}

/// Reads a filter document.
pub fn read(node: &Node, path: &Path, lists: Lists<'_>, problems: &mut Problems) -> Option<Filter> {
    let mut meta = rule::read_meta(node, path, problems);
    meta.logsource = node
        .get("logsource")
        .map_or_else(RuleLogSource::default, |logsource| rule::read_logsource(logsource, problems));
    let body = node.get("filter")?;
    let rules = match body.get("rules") {
        Some(any) if any.as_str() == Some("any") => Vec::new(),
        Some(rules) => rules.items().iter().filter_map(Node::scalar_text).collect(),
        None => {
            problems.add_with_hint(body.at, RuleError::Filter("`rules` is missing".to_owned()), "a list, or `any`");
            return None;
        }
    };
    let detection = detection::read(body, detection::OF_A_FILTER, lists, problems)?;
    Some(Filter { meta, rules, expr: detection.expr })
}

impl Filter {
    /// Says whether the filter is about the rule.
    pub fn applies_to(&self, rule: &Rule) -> bool {
        let meta = &rule.meta;
        let named = |name: &String| *name == meta.id || Some(name) == meta.name.as_ref();
        let same = |want: &Option<String>, have: &Option<String>| want.is_none() || want == have;
        (self.rules.is_empty() || self.rules.iter().any(named))
            && same(&self.meta.logsource.product, &meta.logsource.product)
            && same(&self.meta.logsource.service, &meta.logsource.service)
            && same(&self.meta.logsource.category, &meta.logsource.category)
    }

    /// Narrows a rule.
    pub fn narrow(&self, rule: &mut Rule) {
        let own = std::mem::replace(&mut rule.expr, Expr::All(Vec::new()));
        rule.expr = Expr::All(vec![own, self.expr.clone()]);
        rule.meta.content_hash = rule.meta.content_hash.rotate_left(1) ^ self.meta.content_hash;
    }
}
