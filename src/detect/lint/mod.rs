//! What is not wrong with a rule but will be regretted: findings of `rules check`, each with a code to look up.
//!
//! The checks read the YAML tree, so that a rule that is refused for one mistake still shows all its others; those that need
//! the meaning of the rule run only where it could be read.

mod correlation;
mod detection;
mod head;
mod ignore;
mod logic;
mod table;
mod value;
mod whole;

use std::fmt;

use serde::Serialize;

use crate::detect::attack;
use crate::detect::mapping::Mapping;
use crate::detect::ruleset::RuleFile;
use crate::detect::sigma::detection::Lists;
use crate::detect::sigma::document;
use crate::detect::sigma::document::Document;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::yaml;
use crate::detect::sigma::yaml::Node;
use crate::diag::Located;
use crate::diag::Position;

pub use table::CHECKS;
pub use table::Check;
pub use whole::lint_all;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; the exit code does not count it.
    Info,
    /// Will be regretted.
    Warning,
    /// The rule cannot do what it says.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One finding: what it is called, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} [{code}]")]
pub struct Finding {
    pub code: &'static str,
    pub severity: Severity,
    pub text: String,
}

/// Looks through the rules of one file.
pub fn lint(file: &RuleFile, mapping: &Mapping, lists: Lists<'_>) -> Vec<Located<Finding>> {
    let mut findings = Findings { file, found: Vec::new() };
    let nodes = yaml::documents(file.text.trim_start_matches('\u{feff}'), &mut Problems::default());
    for node in with_globals(nodes) {
        head::about(&node, &mut findings);
        if let Some(detection) = node.get("detection") {
            detection::about(detection, &mut findings);
        }
        if let Some(filter) = node.get("filter") {
            detection::about(filter, &mut findings);
        }
    }
    for document in document::read(&file.path, &file.text, lists, &mut Problems::default()) {
        match document {
            Document::Rule(rule) => logic::about(&rule, mapping, &mut findings),
            Document::Correlation(correlation) => correlation::about(&correlation, mapping, &mut findings),
            Document::Filter(filter) => correlation::about_filter(&filter, &mut findings),
        }
    }
    ignore::apply(file, &mut findings);
    findings.found.sort_by_key(|finding| (finding.position, finding.error.code));
    findings.found
}

/// Lays what is said for all rules of a file into each of them.
fn with_globals(nodes: Vec<Node>) -> Vec<Node> {
    let mut global: Option<Node> = None;
    let mut whole = Vec::new();
    for node in nodes {
        match node.get("action").and_then(Node::as_str) {
            Some("global") => global = Some(node),
            Some("reset") => global = None,
            _ => whole.push(global.as_ref().map_or_else(|| node.clone(), |global| global.merged_with(&node))),
        }
    }
    whole.retain(|node| !node.entries().is_empty());
    whole
}

/// What was found in a file so far.
struct Findings<'f> {
    file: &'f RuleFile,
    found: Vec<Located<Finding>>,
}

impl Findings<'_> {
    fn add(&mut self, code: &'static str, position: Position, text: impl Into<String>) {
        self.push(code, position, text.into(), None);
    }

    fn hint(&mut self, code: &'static str, position: Position, text: impl Into<String>, hint: impl Into<String>) {
        self.push(code, position, text.into(), Some(hint.into()));
    }

    fn push(&mut self, code: &'static str, position: Position, text: String, hint: Option<String>) {
        let severity = table::find(code).map_or(Severity::Warning, |check| check.severity);
        debug_assert!(table::find(code).is_some(), "`{code}` is not in the table");
        let error = Finding { code, severity, text };
        let finding = Located { path: self.file.path.clone(), position, error, hint };
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
    }
}

/// Says whether a tag names something of ATT&CK; `None` when it is not about techniques or tactics.
fn attack_tag(name: &str) -> AttackTag {
    let digits = |rest: &str, count: usize| rest.len() == count && rest.bytes().all(|byte| byte.is_ascii_digit());
    if attack::is_tactic(name) {
        return AttackTag::Tactic;
    }
    if name.replace('_', "-") == attack::SPLIT_TACTIC {
        return AttackTag::SplitTactic;
    }
    if let Some(rest) = name.strip_prefix('t').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        if let Some(place) = attack::successor(rest) {
            return AttackTag::Revoked(place);
        }
        let (number, sub) = rest.split_once('.').unwrap_or((rest, "001"));
        return match digits(number, 4) && digits(sub, 3) {
            false => AttackTag::IllFormed,
            true if attack::technique(number).is_some() => AttackTag::Technique,
            true => AttackTag::UnknownTechnique,
        };
    }
    match name.split_at_checked(1) {
        Some(("g" | "s" | "c" | "m", rest)) if digits(rest, 4) => AttackTag::Other,
        Some(("d", rest)) if rest.starts_with(['s', 'c']) => AttackTag::Other,
        _ => AttackTag::UnknownTactic,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AttackTag {
    Tactic,
    Technique,
    /// A technique that was revoked, and what took its place.
    Revoked(&'static str),
    /// The tactic that was split in two.
    SplitTactic,
    IllFormed,
    UnknownTechnique,
    UnknownTactic,
    /// A group, software, campaign, mitigation or data source.
    Other,
}

#[cfg(test)]
mod tests;
