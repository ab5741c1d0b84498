//! A condition as a tree of nodes, each true or false.

use serde::Serialize;

use super::test;
use super::test::TestReport;
use crate::detect::mapping::Mapping;
use crate::detect::sigma::detection::Expr;
use crate::detect::sigma::detection::Search;
use crate::detect::sigma::rule::RuleLogSource;
use crate::detect::sigma::value::CompareOp;
use crate::detect::sigma::value::Predicate;
use crate::model::Event;

/// How the parts of a node are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Join {
    /// All parts must hold.
    All,
    /// One part must hold.
    Any,
    /// The part must not hold.
    Not,
    /// A single test.
    Test,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// The search identifier, where the node is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub join: Join,
    pub holds: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<TestReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Node>,
}

/// What evaluating a node reads.
#[derive(Clone, Copy)]
pub(super) struct Ctx<'e> {
    pub(super) event: &'e Event<'e>,
    pub(super) mapping: &'e Mapping,
    pub(super) logsource: &'e RuleLogSource,
    pub(super) utc_offset_seconds: i32,
}

impl Node {
    pub(super) fn all(parts: Vec<Node>) -> Node {
        Node { name: None, join: Join::All, holds: parts.iter().all(|part| part.holds), test: None, parts }
    }

    #[must_use]
    pub(super) fn called(mut self, name: &str) -> Node {
        self.name = Some(name.to_owned());
        self
    }
}

/// Evaluates a condition; nodes that are a whole search carry its name. A rule's condition holds its searches laid in,
/// so that one is known again by being equal.
pub(super) fn of_condition(ctx: Ctx<'_>, expr: &Expr, searches: &[Search]) -> Node {
    if let Some(search) = searches.iter().find(|search| search.expr == *expr) {
        return of_expr(ctx, expr, &[]).called(&search.name);
    }
    of_expr(ctx, expr, searches)
}

fn of_expr(ctx: Ctx<'_>, expr: &Expr, searches: &[Search]) -> Node {
    let parts_of = |parts: &[Expr]| parts.iter().map(|part| of_condition(ctx, part, searches)).collect::<Vec<_>>();
    match expr {
        Expr::Test(predicate) => of_test(ctx, predicate),
        Expr::All(parts) => Node::all(parts_of(parts)),
        Expr::Any(parts) => {
            let parts = parts_of(parts);
            Node { name: None, join: Join::Any, holds: parts.iter().any(|part| part.holds), test: None, parts }
        }
        Expr::Not(inner) => {
            let inner = of_condition(ctx, inner, searches);
            Node { name: None, join: Join::Not, holds: !inner.holds, test: None, parts: vec![inner] }
        }
    }
}

fn of_test(ctx: Ctx<'_>, predicate: &Predicate) -> Node {
    let report = match predicate.field.as_deref() {
        None => test::of_keyword(ctx, predicate),
        Some(field) => test::of_field(ctx, field, predicate),
    };
    Node { name: None, join: Join::Test, holds: report.holds, test: Some(report), parts: Vec::new() }
}

pub(super) fn sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => "=",
        CompareOp::Less => "<",
        CompareOp::LessOrEqual => "<=",
        CompareOp::Greater => ">",
        CompareOp::GreaterOrEqual => ">=",
    }
}
