//! Which predicates a rule cannot do without: the rule is looked at only when one of them was met.

use super::predicates::PredicateId;
use super::predicates::Predicates;
use super::predicates::Tree;
use crate::detect::sigma::value::Shape;
use crate::detect::sigma::value::Test;

/// What can set a rule off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) enum Trigger {
    /// The predicate was met, or its literals were seen.
    Met(PredicateId),
    /// The predicate's field is there at all.
    Present(PredicateId),
}

/// A set of triggers of which one must fire before the rule can match, and how often that is expected.
#[derive(Debug, Clone)]
pub(in crate::detect) struct Triggers {
    pub(in crate::detect) any_of: Vec<Trigger>,
    pub(in crate::detect) cost: f64,
}

/// Chooses the rarest triggers; `None` when the rule can match with none of its predicates met.
pub(in crate::detect) fn choose(tree: &Tree, predicates: &Predicates) -> Option<Triggers> {
    necessary(tree, predicates, true)
}

fn necessary(tree: &Tree, predicates: &Predicates, positive: bool) -> Option<Triggers> {
    let each = |parts: &[Tree]| parts.iter().map(|part| necessary(part, predicates, positive)).collect::<Vec<_>>();
    match tree {
        Tree::Not(inner) => necessary(inner, predicates, !positive),
        Tree::Test(id) => positive.then(|| of_predicate(*id, predicates)).flatten(),
        // What is negated turns around: not all = one not; not any = all not.
        Tree::All(parts) if positive => rarest(each(parts)),
        Tree::Any(parts) if !positive => rarest(each(parts)),
        Tree::All(parts) | Tree::Any(parts) => union(each(parts)),
    }
}

fn rarest(parts: Vec<Option<Triggers>>) -> Option<Triggers> {
    parts.into_iter().flatten().min_by(|left, right| left.cost.total_cmp(&right.cost))
}

fn union(parts: Vec<Option<Triggers>>) -> Option<Triggers> {
    let mut joined = Triggers { any_of: Vec::new(), cost: 0.0 };
    for part in parts {
        let part = part?;
        joined.any_of.extend(part.any_of);
        joined.cost += part.cost;
    }
    Some(joined)
}

/// What a single predicate can set off, and how often that is expected; `None` when it can hold with nothing met.
pub(super) fn of_predicate(id: PredicateId, predicates: &Predicates) -> Option<Triggers> {
    let predicate = predicates.get(id);
    let (trigger, cost) = match &predicate.test {
        Test::Null => return None,
        Test::Never => return Some(Triggers { any_of: Vec::new(), cost: 0.0 }),
        Test::Text { pattern, cased } => {
            let length = pattern.longest_literal().map_or(0, str::len);
            let rarity = match pattern.shape() {
                Shape::Exact(_) => 0.6 * by_length(length),
                Shape::Prefix(_) | Shape::Suffix(_) | Shape::Glob => 1.2 * by_length(length),
                Shape::Contains(_) => 1.5 * by_length(length),
            };
            match pattern.shape() {
                Shape::Exact(_) if length > 0 || !cased => (Trigger::Met(id), rarity),
                _ if length == 0 => (Trigger::Present(id), PRESENT),
                _ => (Trigger::Met(id), rarity),
            }
        }
        Test::Regex(spec) => match super::index::required(spec) {
            Some(literals) => {
                let cost = literals.iter().map(|literal| 1.5 * by_length(literal.len())).sum::<f64>() + REGEX;
                (Trigger::Met(id), cost)
            }
            None => (Trigger::Present(id), PRESENT + REGEX),
        },
        Test::Cidr(network) => (Trigger::Met(id), if network.prefix_bits() < 16 { 0.5 } else { 0.1 }),
        Test::Exists | Test::Compare { .. } | Test::Time { .. } | Test::Field { .. } => (Trigger::Present(id), PRESENT),
    };
    let cost = cost * commonness(predicate.field.as_deref());
    Some(Triggers { any_of: vec![trigger], cost })
}

/// How often a field that a rule asks for is simply there, against a literal of average length being met at 0.01.
const PRESENT: f64 = 1.0;
/// Running an expression costs more than testing a bit.
const REGEX: f64 = 0.05;

fn by_length(length: usize) -> f64 {
    match length {
        0 => 0.8,
        1 => 0.5,
        2 => 0.3,
        3 => 0.15,
        4 => 0.08,
        5..=6 => 0.04,
        7..=10 => 0.015,
        _ => 0.01,
    }
}

/// Fields whose few values nearly every event of the source has.
fn commonness(field: Option<&str>) -> f64 {
    match field {
        Some("EventID" | "event.code" | "winlog.event_id" | "Channel" | "winlog.channel" | "Provider_Name") => 4.0,
        Some("winlog.provider_name" | "event.category" | "event.action" | "event.outcome" | "event.type") => 8.0,
        Some("event.dataset" | "event.module" | "event.provider" | "Level" | "IntegrityLevel" | "Initiated") => 8.0,
        Some("LogonType" | "winlog.logon.type" | "http.request.method" | "cs-method" | "process.name") => 3.0,
        Some("Image" | "ParentImage" | "SourceImage" | "TargetImage" | "process.executable") => 2.0,
        // Long values: reading them for every event costs more than a rarer test spares.
        Some("CallTrace" | "Hashes" | "winlog.event_data.CallTrace" | "winlog.event_data.Hashes") => 30.0,
        Some("ContextInfo" | "Payload" | "message" | "event.original") => 4.0,
        None => 2.0,
        _ => 1.0,
    }
}
