//! From files to a rule set: filters narrow rules, fields are mapped, references of correlations are found.

use std::path::PathBuf;
use std::sync::Arc;

use hashbrown::HashMap;

use super::CompiledCorrelation;
use super::Options;
use super::Program;
use super::RuleFile;
use super::RuleSet;
use crate::detect::engine::choose;
use crate::detect::sigma::correlation::Correlation;
use crate::detect::sigma::document;
use crate::detect::sigma::document::Document;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::filter::Filter;
use crate::detect::sigma::rule::Rule;
use crate::detect::sigma::rule::RuleLogSource;
use crate::detect::sigma::rule::RuleMeta;
use crate::diag::Located;

/// What a correlation refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Rule(usize),
    Correlation(usize),
}

#[derive(Default)]
struct Read {
    rules: Vec<Rule>,
    correlations: Vec<Correlation>,
    filters: Vec<Filter>,
    refused: Vec<Located<RuleError>>,
}

pub(super) fn compile(files: &[RuleFile], options: &Options) -> (RuleSet, Vec<Located<RuleError>>) {
    let mut read = read_all(files, options);
    refuse_duplicates(&mut read);
    apply_filters(&mut read);
    let mut set = RuleSet { utc_offset_seconds: options.utc_offset_seconds, ..RuleSet::default() };
    let targets = targets_of(&read);
    // Which rules a correlation needs must be known before the rules' own standing is settled.
    let resolved = resolve(&read.correlations, &targets, &mut read.refused);
    for (correlation, references) in &resolved {
        for target in references {
            if let (Target::Rule(rule), false) = (target, correlation.generate)
                && let Some(rule) = read.rules.get_mut(*rule)
            {
                rule.meta.silent = true;
            }
        }
    }
    add_rules(&mut set, std::mem::take(&mut read.rules), options);
    add_correlations(&mut set, resolved, options);
    (set, read.refused)
}

fn read_all(files: &[RuleFile], options: &Options) -> Read {
    let mut read = Read::default();
    let lists = |name: &str| options.lists.get(name).cloned();
    for file in files {
        let mut problems = Problems::default();
        for document in document::read(&file.path, &file.text, &lists, &mut problems) {
            match document {
                Document::Rule(rule) => read.rules.push(*rule),
                Document::Correlation(correlation) => read.correlations.push(*correlation),
                Document::Filter(filter) => read.filters.push(*filter),
            }
        }
        read.refused.extend(problems.located(&file.path));
    }
    read
}

fn refuse_duplicates(read: &mut Read) {
    let mut seen: HashMap<String, PathBuf> = HashMap::new();
    let mut refused = Vec::new();
    let mut is_first = |meta: &RuleMeta| match seen.get(&meta.id) {
        None => {
            seen.insert(meta.id.clone(), meta.path.clone());
            true
        }
        Some(other) => {
            let error = RuleError::DuplicateId(meta.id.clone(), other.display().to_string());
            refused.push(Located { path: meta.path.clone(), position: meta.position, error, hint: None });
            false
        }
    };
    read.rules.retain(|rule| is_first(&rule.meta));
    read.correlations.retain(|correlation| is_first(&correlation.meta));
    read.refused.extend(refused);
}

fn apply_filters(read: &mut Read) {
    for filter in &read.filters {
        let mut narrowed = false;
        for rule in read.rules.iter_mut().filter(|rule| filter.applies_to(rule)) {
            filter.narrow(rule);
            narrowed = true;
        }
        if !narrowed {
            let named = filter.rules.join(", ");
            let error = RuleError::UnknownRule(if named.is_empty() { "any".to_owned() } else { named });
            let (path, position) = (filter.meta.path.clone(), filter.meta.position);
            read.refused.push(Located { path, position, error, hint: None });
        }
    }
}

fn targets_of(read: &Read) -> HashMap<String, Target> {
    let mut targets = HashMap::new();
    let mut enter = |meta: &RuleMeta, target| {
        targets.insert(meta.id.clone(), target);
        if let Some(name) = &meta.name {
            targets.entry(name.clone()).or_insert(target);
        }
    };
    read.rules.iter().enumerate().for_each(|(index, rule)| enter(&rule.meta, Target::Rule(index)));
    for (index, correlation) in read.correlations.iter().enumerate() {
        enter(&correlation.meta, Target::Correlation(index));
    }
    targets
}

type Resolved = Vec<(Correlation, Vec<Target>)>;

/// Finds what each correlation refers to. One whose rules are not all there is refused, and with it those that need it.
fn resolve(
    correlations: &[Correlation],
    targets: &HashMap<String, Target>,
    refused: &mut Vec<Located<RuleError>>,
) -> Resolved {
    let mut kept: Vec<Option<Vec<Target>>> = Vec::with_capacity(correlations.len());
    for correlation in correlations {
        let mut complete = true;
        let mut references = Vec::new();
        for (name, position) in &correlation.rules {
            match targets.get(name) {
                Some(target) => references.push(*target),
                None => {
                    let hint = crate::diag::closest(name, targets.keys().map(String::as_str));
                    let problem = Located {
                        path: correlation.meta.path.clone(),
                        position: *position,
                        error: RuleError::UnknownRule(name.clone()),
                        hint: hint.map(|hint| format!("did you mean `{hint}`?")),
                    };
                    refused.push(problem);
                    complete = false;
                }
            }
        }
        kept.push(complete.then_some(references));
    }
    drop_cycles_and_orphans(correlations, &mut kept, refused);
    renumbered(correlations, kept)
}

/// A correlation stands only on rules and on correlations that stand: whatever is left over refers to a refused one, or,
/// round a circle, to itself.
fn drop_cycles_and_orphans(
    correlations: &[Correlation],
    kept: &mut [Option<Vec<Target>>],
    refused: &mut Vec<Located<RuleError>>,
) {
    let mut stands = vec![false; kept.len()];
    loop {
        let mut changed = false;
        for index in 0..kept.len() {
            let Some(Some(references)) = kept.get(index) else { continue };
            let all = references.iter().all(|target| match target {
                Target::Rule(_) => true,
                Target::Correlation(other) => stands.get(*other).copied().unwrap_or(false),
            });
            if all
                && let Some(standing) = stands.get_mut(index)
                && !*standing
            {
                *standing = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for ((correlation, references), standing) in correlations.iter().zip(kept.iter_mut()).zip(stands) {
        if references.is_some() && !standing {
            let text = "refers, directly or in a circle, to a correlation that cannot run".to_owned();
            let (path, position) = (correlation.meta.path.clone(), correlation.meta.position);
            refused.push(Located { path, position, error: RuleError::Correlation(text), hint: None });
            *references = None;
        }
    }
}

fn renumbered(correlations: &[Correlation], kept: Vec<Option<Vec<Target>>>) -> Resolved {
    let mut next = 0;
    let numbers: Vec<Option<usize>> = kept
        .iter()
        .map(|references| {
            references.as_ref().map(|_| {
                next += 1;
                next - 1
            })
        })
        .collect();
    let renumber = |target: Target| match target {
        Target::Correlation(old) => numbers.get(old).copied().flatten().map(Target::Correlation),
        rule @ Target::Rule(_) => Some(rule),
    };
    let whole = correlations.iter().cloned().zip(kept);
    whole
        .filter_map(|(correlation, references)| {
            Some((correlation, references?.into_iter().filter_map(renumber).collect()))
        })
        .collect()
}

fn add_rules(set: &mut RuleSet, rules: Vec<Rule>, options: &Options) {
    let mut by_logsource: HashMap<RuleLogSource, Vec<u32>> = HashMap::new();
    for rule in rules {
        let index = set.metas.len() as u32;
        let expr = options.mapping.apply(&rule.meta.logsource, &rule.expr);
        let tree = set.predicates.intern(&expr);
        let triggers = choose(&tree, &set.predicates);
        by_logsource.entry(rule.meta.logsource.clone()).or_default().push(index);
        set.programs.push(Program { tree, triggers });
        set.metas.push(Arc::new(rule.meta));
    }
    set.by_logsource = by_logsource.into_iter().collect();
}

fn add_correlations(set: &mut RuleSet, resolved: Resolved, options: &Options) {
    set.rule_watchers = vec![Vec::new(); set.metas.len()];
    set.correlation_watchers = vec![Vec::new(); resolved.len()];
    let mut silent = vec![false; resolved.len()];
    for (correlation, references) in &resolved {
        for target in references {
            if let (Target::Correlation(inner), false) = (target, correlation.generate)
                && let Some(flag) = silent.get_mut(*inner)
            {
                *flag = true;
            }
        }
    }
    for (index, ((correlation, references), silent)) in resolved.into_iter().zip(silent).enumerate() {
        for (position, target) in (0_u16..).zip(&references) {
            let watchers = match target {
                Target::Rule(rule) => set.rule_watchers.get_mut(*rule),
                Target::Correlation(inner) => set.correlation_watchers.get_mut(*inner),
            };
            if let Some(watchers) = watchers {
                watchers.push((index, position));
            }
        }
        let compiled = compile_correlation(set, correlation, &references, silent, options);
        set.correlations.push(Arc::new(compiled));
    }
}

fn compile_correlation(
    set: &RuleSet,
    correlation: Correlation,
    references: &[Target],
    silent: bool,
    options: &Options,
) -> CompiledCorrelation {
    let in_each_rule = |name: &String| -> Vec<String> {
        let named = references.iter().zip(&correlation.rules);
        named.map(|(target, (rule, _))| field_in(set, &correlation, name, *target, rule, options)).collect()
    };
    let group_fields = correlation.group_by.iter().map(in_each_rule).collect();
    let value_fields = correlation.fields.iter().map(in_each_rule).collect();
    let mut state_hash = correlation.meta.content_hash;
    for target in references {
        // The inner correlation's own hash is enough: its state is kept apart.
        if let Target::Rule(rule) = target
            && let Some(meta) = set.metas.get(*rule)
        {
            state_hash = state_hash.rotate_left(5) ^ meta.content_hash;
        }
    }
    let mut meta = correlation.meta.clone();
    meta.silent = silent;
    CompiledCorrelation { meta: Arc::new(meta), source: correlation, group_fields, value_fields, state_hash }
}

/// Returns the field that a name of the correlation stands for in one of its rules.
fn field_in(
    set: &RuleSet,
    correlation: &Correlation,
    name: &str,
    target: Target,
    rule: &str,
    options: &Options,
) -> String {
    let Target::Rule(index) = target else { return name.to_owned() };
    let Some(meta) = set.metas.get(index) else { return name.to_owned() };
    let alias = correlation.aliases.iter().find(|alias| alias.name == name);
    let is_rule = |have: &str| have == rule || have == meta.id || Some(have) == meta.name.as_deref();
    let field = alias.and_then(|alias| alias.fields.iter().find(|(have, _)| is_rule(have)));
    let field = field.map_or(name, |(_, field)| field);
    options.mapping.targets(&meta.logsource, field).into_iter().next().unwrap_or_else(|| field.to_owned())
}
