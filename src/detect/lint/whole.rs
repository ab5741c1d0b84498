//! Checks across the files of a rule set.

use hashbrown::HashMap;

use super::Finding;
use super::Findings;
use super::lint;
use crate::detect::ruleset::Content;
use crate::detect::ruleset::RuleFile;
use crate::detect::sigma::document;
use crate::detect::sigma::document::Document;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::rule::RuleMeta;
use crate::diag::Located;

/// Looks through all rules of some content: each file by itself, then what only shows between them.
pub fn lint_all(content: &Content) -> Vec<Located<Finding>> {
    let mapping = crate::detect::mapping::Mapping::new(content.read_pipelines().0);
    let lists = content.read_lists();
    let lists = |name: &str| lists.get(name).cloned();
    let mut seen = Seen::default();
    let mut found = Vec::new();
    for file in &content.rules {
        found.extend(lint(file, &mapping, &lists));
        let mut between = Findings { file, found: Vec::new() };
        for document in document::read(&file.path, &file.text, &lists, &mut Problems::default()) {
            seen.compare(&document, file, &mut between);
        }
        super::ignore::apply_quietly(file, &mut between);
        found.extend(between.found);
    }
    found
}

/// What rules of earlier files were called and looked for.
#[derive(Default)]
struct Seen {
    titles: HashMap<String, String>,
    detections: HashMap<String, String>,
}

impl Seen {
    fn compare(&mut self, document: &Document, file: &RuleFile, findings: &mut Findings<'_>) {
        let meta = match document {
            Document::Rule(rule) => &rule.meta,
            Document::Correlation(correlation) => &correlation.meta,
            Document::Filter(_) => return,
        };
        let place = |meta: &RuleMeta| format!("{}:{}", file.path.display(), meta.position.line);
        match self.titles.get(&meta.title.to_lowercase()) {
            Some(before) => {
                findings.add("duplicate-title", meta.position, format!("the rule at {before} has the same title"));
            }
            None => drop(self.titles.insert(meta.title.to_lowercase(), place(meta))),
        }
        if let Document::Rule(rule) = document {
            let key = format!("{:?}{:?}", rule.meta.logsource, rule.expr);
            match self.detections.get(&key) {
                Some(before) => {
                    let text = format!("the rule at {before} looks for the same");
                    findings.add("duplicate-detection", meta.position, text);
                }
                None => drop(self.detections.insert(key, place(meta))),
            }
        }
    }
}
