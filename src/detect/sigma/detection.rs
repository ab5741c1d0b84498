//! The `detection` of a rule as one boolean expression over predicates.

use crate::detect::sigma::condition::Condition;
use crate::detect::sigma::condition::selects;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::value::Modifier;
use crate::detect::sigma::value::Predicate;
use crate::detect::sigma::value::Test;
use crate::detect::sigma::value::Values;
use crate::detect::sigma::value::apply;
use crate::detect::sigma::yaml::Kind;
use crate::detect::sigma::yaml::Node;
use crate::diag::Position;
use crate::diag::closest;

/// A boolean expression over predicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    Test(Predicate),
    /// True when empty.
    All(Vec<Expr>),
    /// False when empty.
    Any(Vec<Expr>),
    Not(Box<Expr>),
}

impl Expr {
    /// Joins alternatives; one alone stays as it is.
    pub fn any(mut parts: Vec<Expr>) -> Expr {
        if parts.len() == 1 { parts.swap_remove(0) } else { Expr::Any(parts) }
    }

    /// Joins what must hold together; one alone stays as it is.
    pub fn all(mut parts: Vec<Expr>) -> Expr {
        if parts.len() == 1 { parts.swap_remove(0) } else { Expr::All(parts) }
    }

    /// Negates.
    #[must_use]
    pub fn negated(self) -> Expr {
        Expr::Not(Box::new(self))
    }

    /// Calls `visit` with every predicate, in the order written.
    pub fn for_each_test<'e>(&'e self, visit: &mut impl FnMut(&'e Predicate)) {
        match self {
            Expr::Test(predicate) => visit(predicate),
            Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| part.for_each_test(visit)),
            Expr::Not(inner) => inner.for_each_test(visit),
        }
    }
}

/// A named search of a detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    pub name: String,
    pub at: Position,
    pub expr: Expr,
    /// A condition names it.
    pub used: bool,
}

/// Where placeholders are looked up.
pub type Lists<'l> = &'l dyn Fn(&str) -> Option<Vec<String>>;

/// A detection read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    pub searches: Vec<Search>,
    /// One per condition; the rule matches when one of them does.
    pub expr: Expr,
}

/// Keys of a rule's detection that are no search identifiers.
pub const OF_A_RULE: &[&str] = &["condition", "timeframe"];
/// Keys of a filter's body that are no search identifiers; there `rules` says which rules it narrows.
pub const OF_A_FILTER: &[&str] = &["condition", "timeframe", "rules"];

/// Reads a `detection` (or the body of a filter), of which some keys are reserved.
pub fn read(node: &Node, reserved: &[&str], lists: Lists<'_>, problems: &mut Problems) -> Option<Detection> {
    let Kind::Map(entries) = &node.kind else {
        problems
            .add(node.at, RuleError::WrongType { key: "detection".into(), expected: "a map", found: node.kind_name() });
        return None;
    };
    let before = problems.0.len();
    let mut searches = Vec::new();
    for (key, value) in entries.iter().filter(|(key, _)| !reserved.contains(&key.text.as_str())) {
        if let Some(expr) = read_search(&key.text, value, lists, problems) {
            searches.push(Search { name: key.text.clone(), at: key.at, expr, used: false });
        }
    }
    // A search that was refused would be reported again as undefined.
    let complete = problems.0.len() == before;
    let Some(condition) = node.get("condition") else {
        problems.add(node.at, RuleError::Missing("condition"));
        return None;
    };
    let mut alternatives = Vec::new();
    for item in condition.items() {
        let Some(text) = item.as_str() else {
            problems.add(
                item.at,
                RuleError::WrongType { key: "condition".into(), expected: "text", found: item.kind_name() },
            );
            continue;
        };
        match Condition::parse(text) {
            Ok(condition) if complete => alternatives.extend(resolve(&condition, &mut searches, item.at, problems)),
            Ok(_) => {}
            Err((offset, error)) => problems.add(shifted(item.at, text, offset), error),
        }
    }
    (complete && problems.0.len() == before).then(|| Detection { searches, expr: Expr::any(alternatives) })
}

/// Moves a position into a text that begins there; a text of several lines keeps its start.
fn shifted(at: Position, text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or_default();
    if text.contains('\n') {
        return at;
    }
    let columns = u32::try_from(before.chars().count()).unwrap_or(0);
    Position { line: at.line, column: at.column.saturating_add(columns) }
}

fn resolve(condition: &Condition, searches: &mut [Search], at: Position, problems: &mut Problems) -> Option<Expr> {
    let join = |parts: &[Condition], searches: &mut [Search], problems: &mut Problems| -> Option<Vec<Expr>> {
        let resolved: Vec<Option<Expr>> = parts.iter().map(|part| resolve(part, searches, at, problems)).collect();
        resolved.into_iter().collect()
    };
    match condition {
        Condition::Search(name) => match searches.iter_mut().find(|search| search.name == *name) {
            Some(search) => {
                search.used = true;
                Some(search.expr.clone())
            }
            None => {
                let hint = closest(name, searches.iter().map(|search| search.name.as_str()));
                let error = RuleError::UndefinedIdentifier(name.clone());
                match hint {
                    Some(hint) => problems.add_with_hint(at, error, format!("did you mean `{hint}`?")),
                    None => problems.add(at, error),
                }
                None
            }
        },
        Condition::AnyOf(pattern) | Condition::AllOf(pattern) => {
            let mut chosen = Vec::new();
            for search in searches.iter_mut().filter(|search| selects(pattern, &search.name)) {
                search.used = true;
                chosen.push(search.expr.clone());
            }
            if chosen.is_empty() {
                problems.add(at, RuleError::EmptySelector(pattern.clone()));
                return None;
            }
            Some(if matches!(condition, Condition::AnyOf(_)) { Expr::any(chosen) } else { Expr::all(chosen) })
        }
        Condition::Not(inner) => resolve(inner, searches, at, problems).map(Expr::negated),
        Condition::And(parts) => join(parts, searches, problems).map(Expr::all),
        Condition::Or(parts) => join(parts, searches, problems).map(Expr::any),
    }
}

/// Reads one search: a map (all fields), a list of maps or keywords (any), or one keyword.
fn read_search(name: &str, node: &Node, lists: Lists<'_>, problems: &mut Problems) -> Option<Expr> {
    match &node.kind {
        Kind::Map(entries) => {
            if entries.is_empty() {
                problems.add(node.at, RuleError::EmptySearch(name.to_owned()));
                return None;
            }
            let parts: Vec<Option<Expr>> =
                entries.iter().map(|(key, value)| read_field(&key.text, key.at, value, lists, problems)).collect();
            parts.into_iter().collect::<Option<Vec<Expr>>>().map(Expr::all)
        }
        Kind::List(items) => {
            if items.is_empty() {
                problems.add(node.at, RuleError::EmptySearch(name.to_owned()));
                return None;
            }
            let parts: Vec<Option<Expr>> = items.iter().map(|item| read_search(name, item, lists, problems)).collect();
            parts.into_iter().collect::<Option<Vec<Expr>>>().map(Expr::any)
        }
        Kind::Null => {
            problems.add(node.at, RuleError::EmptySearch(name.to_owned()));
            None
        }
        _ => read_field("", node.at, node, lists, problems),
    }
}

fn read_field(key: &str, at: Position, node: &Node, lists: Lists<'_>, problems: &mut Problems) -> Option<Expr> {
    let mut words = key.split('|');
    let field = words.next().filter(|field| !field.is_empty());
    let mut modifiers = Vec::new();
    let mut known = true;
    for word in words {
        match Modifier::from_name(word) {
            Ok(modifier) => modifiers.push(modifier),
            Err((error, hint)) => {
                let column = at.column.saturating_add(u32::try_from(key.find(word).unwrap_or(0)).unwrap_or(0));
                let at = Position { line: at.line, column };
                match hint {
                    Some(hint) => problems.add_with_hint(at, error, hint),
                    None => problems.add(at, error),
                }
                known = false;
            }
        }
    }
    if !known {
        return None;
    }
    let items = node.items();
    if items.is_empty() {
        problems.add(node.at, RuleError::NoValues(key.to_owned()));
        return None;
    }
    match apply(&modifiers, items, lists) {
        Ok(values) => Some(expression(field, values)),
        Err((index, error)) => {
            problems.add(items.get(index).map_or(node.at, |item| item.at), error);
            None
        }
    }
}

fn expression(field: Option<&str>, values: Values) -> Expr {
    let predicate = |test| Expr::Test(Predicate { field: field.map(Into::into), test });
    let test = |test| match (field, test) {
        // A keyword is looked for anywhere in the event.
        (None, Test::Text { mut pattern, cased }) => {
            pattern.open_start();
            pattern.open_end();
            predicate(Test::Text { pattern, cased })
        }
        (_, test) => predicate(test),
    };
    let mut groups: Vec<Expr> =
        values.groups.into_iter().map(|group| Expr::any(group.into_iter().map(test).collect())).collect();
    if values.absent {
        groups.push(predicate(Test::Exists).negated());
    }
    let joined = if values.all { Expr::all(groups) } else { Expr::any(groups) };
    if values.negated { joined.negated() } else { joined }
}
