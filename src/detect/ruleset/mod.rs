//! The rules in force: read, compiled, immutable. A change makes a new set, swapped in whole.

mod files;

pub use files::rule_files;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::detect::engine::MatchedPart;
use crate::detect::engine::Predicates;
use crate::detect::engine::Tree;
use crate::detect::engine::Triggers;
use crate::detect::engine::choose;
use crate::detect::engine::explain;
use crate::detect::sigma::document;
use crate::detect::sigma::document::Document;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::rule::Rule;
use crate::detect::sigma::rule::RuleLogSource;
use crate::detect::sigma::rule::RuleMeta;
use crate::diag::Located;
use crate::model::Event;
use crate::model::LogSource;

/// A file of rules that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    pub path: PathBuf,
    pub text: String,
}

/// A compiled condition.
#[derive(Debug)]
pub(in crate::detect) struct Program {
    pub(in crate::detect) tree: Tree,
    /// What must be met before the rule is looked at; `None` when it must be evaluated for every event.
    pub(in crate::detect) triggers: Option<Triggers>,
}

/// How rules are compiled.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// East of UTC, for the parts of times (`|hour`).
    pub utc_offset_seconds: i32,
    /// What stands for placeholders (`%name%`).
    pub lists: HashMap<String, Vec<String>>,
}

/// Rules, compiled together.
#[derive(Debug, Default)]
pub struct RuleSet {
    metas: Vec<Arc<RuleMeta>>,
    programs: Vec<Program>,
    predicates: Predicates,
    /// Rules by the log source they name.
    by_logsource: Vec<(RuleLogSource, Vec<u32>)>,
    utc_offset_seconds: i32,
}

impl RuleSet {
    /// Compiles files of rules. What is broken is reported and left out; the rest runs.
    pub fn compile(files: &[RuleFile], options: &Options) -> (RuleSet, Vec<Located<RuleError>>) {
        let mut refused = Vec::new();
        let mut rules = Vec::new();
        let lists = |name: &str| options.lists.get(name).cloned();
        for file in files {
            let mut problems = Problems::default();
            for document in document::read(&file.path, &file.text, &lists, &mut problems) {
                match document {
                    Document::Rule(rule) => rules.push(*rule),
                }
            }
            refused.extend(problems.located(&file.path));
        }
        let mut set = RuleSet { utc_offset_seconds: options.utc_offset_seconds, ..RuleSet::default() };
        set.add_all(rules, &mut refused);
        (set, refused)
    }

    fn add_all(&mut self, rules: Vec<Rule>, refused: &mut Vec<Located<RuleError>>) {
        let mut ids: HashMap<String, PathBuf> = HashMap::new();
        let mut by_logsource: HashMap<RuleLogSource, Vec<u32>> = HashMap::new();
        for rule in rules {
            if let Some(other) = ids.get(&rule.meta.id) {
                let error = RuleError::DuplicateId(rule.meta.id.clone(), other.display().to_string());
                refused.push(Located { path: rule.meta.path, position: rule.meta.position, error, hint: None });
                continue;
            }
            ids.insert(rule.meta.id.clone(), rule.meta.path.clone());
            let index = self.metas.len() as u32;
            let tree = self.predicates.intern(&rule.expr);
            let triggers = choose(&tree, &self.predicates);
            by_logsource.entry(rule.meta.logsource.clone()).or_default().push(index);
            self.programs.push(Program { tree, triggers });
            self.metas.push(Arc::new(rule.meta));
        }
        self.by_logsource = by_logsource.into_iter().collect();
    }

    /// Returns how many rules are in the set.
    pub fn len(&self) -> usize {
        self.metas.len()
    }

    /// Says whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.metas.is_empty()
    }

    /// Returns what a rule says about itself.
    pub fn rule(&self, index: usize) -> Option<&Arc<RuleMeta>> {
        self.metas.get(index)
    }

    /// Goes through the rules in their order.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<RuleMeta>> {
        self.metas.iter()
    }

    /// Returns how many distinct predicates the rules come to.
    pub fn predicate_count(&self) -> usize {
        self.predicates.len()
    }

    /// Goes through the rules that must be evaluated for every event of their log source.
    pub fn untriggered(&self) -> impl Iterator<Item = &Arc<RuleMeta>> {
        self.metas.iter().zip(&self.programs).filter(|(_, program)| program.triggers.is_none()).map(|(meta, _)| meta)
    }

    /// Says why a rule matched an event; empty when it does not.
    pub fn explain(&self, rule: usize, event: &Event<'_>) -> Vec<MatchedPart> {
        self.program(rule).map_or_else(Vec::new, |program| {
            explain(&program.tree, &self.predicates, event, self.utc_offset_seconds)
        })
    }

    /// Returns the rules that can apply to a log source, in their order.
    pub(in crate::detect) fn rules_for(&self, logsource: &LogSource) -> Vec<u32> {
        let mut rules: Vec<u32> = self
            .by_logsource
            .iter()
            .filter(|(rule, _)| {
                logsource.admits(rule.product.as_deref(), rule.service.as_deref(), rule.category.as_deref())
            })
            .flat_map(|(_, rules)| rules.iter().copied())
            .collect();
        rules.sort_unstable();
        rules
    }

    pub(in crate::detect) fn program(&self, rule: usize) -> Option<&Program> {
        self.programs.get(rule)
    }

    pub(in crate::detect) fn predicates(&self) -> &Predicates {
        &self.predicates
    }

    pub(in crate::detect) fn utc_offset_seconds(&self) -> i32 {
        self.utc_offset_seconds
    }
}

/// Reads the rule files below a folder; what cannot be read is reported.
pub fn read_folder(folder: &Path) -> (Vec<RuleFile>, Vec<Located<RuleError>>) {
    files::read_folder(folder)
}
