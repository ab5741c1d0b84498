//! What every event that a rule can match fulfils, as a query: the index finds those, and the rule judges only them.
//!
//! The query may admit too much, never too little. Whatever it cannot say exactly becomes wider: the field is there, or
//! every event.

use crate::detect::inspect::Inspector;
use crate::detect::sigma::detection::Expr;
use crate::detect::sigma::value::Part;
use crate::detect::sigma::value::Pattern;
use crate::detect::sigma::value::Predicate;
use crate::detect::sigma::value::RegexSpec;
use crate::detect::sigma::value::Test;
use crate::model::Field;
use crate::model::ecs;
use crate::query::Query;
use crate::query::ast;
use crate::query::glob::Glob;
use crate::query::glob::Piece;
use crate::query::keyword::normalize;

/// Alternatives the query may list; a rule with more is looked for by its other parts, or the fields being there.
const ALTERNATIVES_MAX: usize = 400;

/// Compiles what a rule (or one of the rules a correlation counts) cannot do without. `Query::everything()` when there is
/// no such thing: then every event must be looked at.
pub fn prefilter(inspector: &Inspector, rule: &str) -> Query {
    let leaves = inspector.leaves(rule);
    let exprs: Vec<ast::Expr> = leaves.iter().map(|(_, expr)| necessary(expr, true)).collect();
    Query::from_expr(any(exprs))
}

fn necessary(expr: &Expr, positive: bool) -> ast::Expr {
    let each = |parts: &[Expr]| parts.iter().map(|part| necessary(part, positive)).collect::<Vec<_>>();
    match expr {
        Expr::Not(inner) => necessary(inner, !positive),
        Expr::Test(predicate) if positive => of_predicate(predicate),
        // What must not be there says nothing that the index could find.
        Expr::Test(_) => ast::Expr::All,
        // What is negated turns around: not all = one not; not any = all not.
        Expr::All(parts) if positive => all(each(parts)),
        Expr::Any(parts) if !positive => all(each(parts)),
        Expr::All(parts) | Expr::Any(parts) => any(each(parts)),
    }
}

fn all(parts: Vec<ast::Expr>) -> ast::Expr {
    let mut kept: Vec<ast::Expr> = Vec::new();
    for part in parts {
        if part != ast::Expr::All && !kept.contains(&part) {
            kept.push(part);
        }
    }
    match kept.len() {
        0 => ast::Expr::All,
        1 => kept.swap_remove(0),
        _ => ast::Expr::And(kept),
    }
}

/// Joins alternatives; none at all is what no event fulfils.
fn any(parts: Vec<ast::Expr>) -> ast::Expr {
    if parts.contains(&ast::Expr::All) || parts.len() > ALTERNATIVES_MAX {
        return ast::Expr::All;
    }
    let mut kept: Vec<ast::Expr> = Vec::new();
    for part in parts {
        if !kept.contains(&part) {
            kept.push(part);
        }
    }
    if kept.len() == 1 { kept.swap_remove(0) } else { ast::Expr::Or(kept) }
}

fn of_predicate(predicate: &Predicate) -> ast::Expr {
    let Some(name) = predicate.field.as_deref() else { return of_keyword(&predicate.test) };
    // These are beside the fields, and every event has them.
    if matches!(Field::from_name(name), Some(ecs::TIMESTAMP | ecs::EVENT_INGESTED | ecs::LONGAN_ID)) {
        return ast::Expr::All;
    }
    let field = |test| ast::Expr::Field { name: name.to_owned(), test };
    match &predicate.test {
        // An explicitly empty value counts as being there, which the index does not know.
        Test::Null | Test::Exists => ast::Expr::All,
        Test::Never => ast::Expr::Or(Vec::new()),
        Test::Text { pattern, .. } => of_pattern(pattern).map_or(ast::Expr::All, field),
        Test::Regex(spec) => field(of_regex(spec).unwrap_or(ast::Test::Exists)),
        Test::Cidr(network) => {
            let network = network.to_string();
            let known = ast::Cidr::from_text(&network).filter(|_| !network.contains(':'));
            field(known.map_or(ast::Test::Exists, ast::Test::Cidr))
        }
        Test::Compare { .. } | Test::Time { .. } | Test::Field { .. } => field(ast::Test::Exists),
    }
}

/// A keyword stands somewhere in the line.
fn of_keyword(test: &Test) -> ast::Expr {
    let Test::Text { pattern, .. } = test else { return ast::Expr::All };
    let longest = pattern.longest_literal().filter(|text| text.is_ascii() && text.len() >= 2);
    let compiled = longest.and_then(|text| ast::Pattern::new(&regex::escape(text), true).ok());
    compiled.map_or(ast::Expr::All, ast::Expr::Pattern)
}

/// The pattern over values as the index has them; `None` where even that the field is there would be too much.
fn of_pattern(pattern: &Pattern) -> Option<ast::Test> {
    let longest = pattern.longest_literal()?;
    if let Some(text) = pattern.as_literal() {
        return Some(ast::Test::Equals(normalize(text).into_owned()));
    }
    if !pattern.parts().iter().all(is_ascii) || longest.is_empty() {
        return Some(ast::Test::Exists);
    }
    let mut pieces = Vec::new();
    for part in pattern.parts() {
        match part {
            Part::Literal(text) => pieces.extend(normalize(text).chars().map(Piece::Literal)),
            // One letter may be several once normalized.
            Part::Any | Part::One => pieces.push(Piece::AnyRun),
        }
    }
    Some(ast::Test::Glob(Glob::new(pieces)))
}

fn is_ascii(part: &Part) -> bool {
    !matches!(part, Part::Literal(text) if !text.is_ascii())
}

/// The expression with letter case set aside, because the index has values in lower case. One that excludes letters
/// could lose something by that.
fn of_regex(spec: &RegexSpec) -> Option<ast::Test> {
    let excludes = ["[^", "\\P", "\\p", "\\D", "\\W", "(?", "[[", "&&", "--", "~~", "\\x", "\\u", "\\B", "\\b"];
    let is_plain = spec.pattern.is_ascii() && !excludes.iter().any(|part| spec.pattern.contains(part));
    let flags = match (spec.multi_line, spec.dot_all) {
        (false, false) => "",
        (true, false) => "(?m)",
        (false, true) => "(?s)",
        (true, true) => "(?ms)",
    };
    let pattern = format!("{flags}{}", spec.pattern);
    ast::Pattern::new(&pattern, true).ok().filter(|_| is_plain).map(ast::Test::Pattern)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::detect::ruleset::Content;
    use crate::detect::ruleset::RuleFile;

    fn query(detection: &str) -> String {
        let text = format!("title: R\nid: r\nlogsource: {{}}\ndetection:\n  {detection}\n");
        let file = RuleFile { path: PathBuf::from("x.yml"), text };
        let content = Content { rules: vec![file], ..Content::default() };
        prefilter(&Inspector::new(&content, 0), "r").to_string()
    }

    #[test]
    fn what_is_necessary_becomes_a_query_and_nothing_else() {
        for (detection, want) in [
            ("a: {user.name: Root}\n  condition: a", "user.name:\"root\""),
            ("a: {'user.name|contains': Ro}\n  condition: a", "user.name:*ro*"),
            ("a: {user.name: [x, y]}\n  condition: a", "user.name:\"x\" OR user.name:\"y\""),
            ("a: {user.name: x}\n  b: {host.name: h}\n  condition: a and not b", "user.name:\"x\""),
            ("a: {user.name: x}\n  b: {host.name: h}\n  condition: a and b", "user.name:\"x\" AND host.name:\"h\""),
            ("a: {user.name: x}\n  condition: not a", "*"),
            ("a: {user.name: x}\n  b: {host.name: null}\n  condition: a or b", "*"),
            ("a: {'@timestamp|hour|gte': 18}\n  condition: a", "*"),
            ("a: {'source.ip|cidr': 10.0.0.0/8}\n  condition: a", "source.ip:10.0.0.0/8"),
            ("a: {'user.name|re': 'r[o]+t'}\n  condition: a", "user.name:/r[o]+t/i"),
            ("a: {'user.name|re': '[^a]b'}\n  condition: a", "_exists_:user.name"),
            ("a: {'user.name|contains': 'Đ'}\n  condition: a", "_exists_:user.name"),
            ("a: ['Failed for']\n  condition: a", "/Failed for/i"),
        ] {
            let have = query(detection);
            assert_eq!(have, want, "{detection}");
        }
    }
}
