//! What a regular expression cannot match without: literals of which one must occur, so that it need not run otherwise.

use regex_syntax::hir::Class;
use regex_syntax::hir::Hir;
use regex_syntax::hir::HirKind;

use crate::detect::sigma::value::RegexSpec;
use crate::detect::sigma::value::fold_char;
use crate::detect::sigma::value::folded;

/// A literal shorter than this occurs too often to spare anything.
const LENGTH_MIN: usize = 3;
/// More alternatives than this cost more in the automaton than they spare.
const ALTERNATIVES_MAX: usize = 64;

/// Returns case-folded literals of which every matching text has at least one; `None` when there are none worth it.
pub(in crate::detect::engine) fn required(spec: &RegexSpec) -> Option<Vec<String>> {
    let hir = regex_syntax::ParserBuilder::new()
        .case_insensitive(spec.ignore_case)
        .multi_line(spec.multi_line)
        .dot_matches_new_line(spec.dot_all)
        .build()
        .parse(&spec.pattern)
        .ok()?;
    let found = alternatives(&hir)?;
    (weakest(&found) >= LENGTH_MIN).then_some(found)
}

fn weakest(literals: &[String]) -> usize {
    literals.iter().map(String::len).min().unwrap_or(0)
}

/// The best set of literals for one node: among the parts of a sequence the one whose shortest literal is longest.
fn alternatives(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => text(&literal.0).map(|text| vec![text]),
        HirKind::Class(class) => single(class).map(|c| vec![c.to_string()]),
        HirKind::Capture(capture) => alternatives(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => alternatives(&repetition.sub),
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(alternatives(branch)?);
            }
            all.sort_unstable();
            all.dedup();
            (all.len() <= ALTERNATIVES_MAX).then_some(all)
        }
        HirKind::Concat(parts) => {
            let mut candidates: Vec<Vec<String>> = Vec::new();
            let mut run = String::new();
            for part in parts {
                match certain(part) {
                    Some(text) => run.push_str(&text),
                    None => {
                        candidates.push(vec![std::mem::take(&mut run)]);
                        candidates.extend(alternatives(part));
                    }
                }
            }
            candidates.push(vec![run]);
            candidates
                .into_iter()
                .max_by_key(|set| (weakest(set), usize::MAX - set.len()))
                .filter(|set| weakest(set) > 0)
        }
        _ => None,
    }
}

/// The text a node always matches, letter case aside.
fn certain(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => text(&literal.0),
        HirKind::Class(class) => single(class).map(String::from),
        HirKind::Capture(capture) => certain(&capture.sub),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(folded)
}

/// The one letter of a class that only offers its two cases, as `(?i)` makes them.
fn single(class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else { return None };
    let mut letter = None;
    for range in class.ranges() {
        for c in range.start()..=range.end() {
            let mut lower = fold_char(c);
            let (Some(first), None) = (lower.next(), lower.next()) else { return None };
            if *letter.get_or_insert(first) != first {
                return None;
            }
        }
    }
    letter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str, ignore_case: bool) -> Option<Vec<String>> {
        required(&RegexSpec { pattern: pattern.to_owned(), ignore_case, multi_line: false, dot_all: false })
    }

    #[test]
    fn the_best_literals_are_found() {
        let some = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(r"net\s+user", false), some(&["user"]));
        assert_eq!(of(r"(?i)\\Lib\\site-packages", false), some(&[r"\lib\site-packages"]));
        assert_eq!(of(r"(foo|barbaz)x+", false), some(&["barbaz", "foo"]));
        assert_eq!(of(r"(foo)?bar", false), some(&["bar"]));
        assert_eq!(of(r"UNION\s+SELECT", true), some(&["select"]));
    }

    #[test]
    fn nothing_certain_gives_nothing() {
        for pattern in [r"\d+", r"a|\d", r".{100,}", r"(abc)*", r"[a-z]{4}", ""] {
            assert_eq!(of(pattern, false), None, "{pattern}");
        }
    }
}
