//! A rule file as a list of documents: `action: global`, `reset` and `repeat` laid out into whole rules.

use std::path::Path;

use crate::detect::sigma::correlation;
use crate::detect::sigma::correlation::Correlation;
use crate::detect::sigma::detection::Lists;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::filter;
use crate::detect::sigma::filter::Filter;
use crate::detect::sigma::rule;
use crate::detect::sigma::rule::Rule;
use crate::detect::sigma::yaml;
use crate::detect::sigma::yaml::Kind;
use crate::detect::sigma::yaml::Node;

/// Bytes a rule file may have; the largest in use by the community has 60 KB.
pub const FILE_BYTES_MAX: usize = 2 << 20;

/// One whole document of a rule file.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    Rule(Box<Rule>),
    Correlation(Box<Correlation>),
    Filter(Box<Filter>),
}

/// Reads every rule of a file. What is broken is among the problems; the rest is returned.
pub fn read(path: &Path, text: &str, lists: Lists<'_>, problems: &mut Problems) -> Vec<Document> {
    if text.len() > FILE_BYTES_MAX {
        problems.add(crate::diag::Position::START, RuleError::TooLarge(text.len(), FILE_BYTES_MAX));
        return Vec::new();
    }
    let nodes = yaml::documents(text.trim_start_matches('\u{feff}'), problems);
    laid_out(nodes, problems).iter().filter_map(|node| read_one(node, path, lists, problems)).collect()
}

fn read_one(node: &Node, path: &Path, lists: Lists<'_>, problems: &mut Problems) -> Option<Document> {
    let before = problems.0.len();
    let has = |key| node.get(key).is_some();
    let document = if has("correlation") {
        correlation::read(node, path, problems).map(|read| Document::Correlation(Box::new(read)))
    } else if has("filter") {
        filter::read(node, path, lists, problems).map(|read| Document::Filter(Box::new(read)))
    } else if has("detection") || has("logsource") {
        rule::read(node, path, lists, problems).map(|rule| Document::Rule(Box::new(rule)))
    } else {
        problems.add(node.at, RuleError::NoRule);
        None
    };
    document.filter(|_| problems.0.len() == before)
}

/// Merges global attributes into the documents that follow, and repeated ones into their predecessor.
fn laid_out(nodes: Vec<Node>, problems: &mut Problems) -> Vec<Node> {
    let mut global: Option<Node> = None;
    let mut previous: Option<Node> = None;
    let mut rules = Vec::with_capacity(nodes.len());
    for mut node in nodes {
        let Kind::Map(entries) = &mut node.kind else {
            if node.kind != Kind::Null {
                problems.add(node.at, RuleError::NotAMap(node.kind_name()));
            }
            continue;
        };
        let place = entries.iter().position(|(key, _)| key.text == "action");
        let action = place.map(|place| entries.remove(place).1);
        match action.as_ref().map(|action| action.scalar_text().unwrap_or_default()).as_deref() {
            Some("global") => {
                global = Some(global.map_or_else(|| node.clone(), |global| global.merged_with(&node)));
            }
            Some("reset") => global = None,
            Some("repeat") => {
                let Some(before) = &previous else {
                    problems.add(node.at, RuleError::UnknownAction("repeat without a rule before it".to_owned()));
                    continue;
                };
                let repeated = before.merged_with(&node);
                previous = Some(repeated.clone());
                rules.push(repeated);
            }
            Some(other) => {
                let at = action.as_ref().map_or(node.at, |action| action.at);
                problems.add_with_hint(at, RuleError::UnknownAction(other.to_owned()), "global, reset or repeat");
            }
            None => {
                let whole = global.as_ref().map_or_else(|| node.clone(), |global| global.merged_with(&node));
                previous = Some(whole.clone());
                rules.push(whole);
            }
        }
    }
    rules
}
