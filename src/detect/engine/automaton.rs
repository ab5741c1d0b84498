//! One pass over a text that finds every literal in it, wherever it stands: Aho-Corasick, walked by hand.
//!
//! The library's own overlapping search comes back for every hit and starts prefilters that do not pay on short values;
//! walking the same tables in one loop took half the time on Windows events with all community rules.

use aho_corasick::Anchored;
use aho_corasick::MatchKind;
use aho_corasick::dfa;
use aho_corasick::nfa::contiguous;
use aho_corasick::nfa::noncontiguous;

/// Pattern bytes up to which the automaton is a table; past it the compact form keeps memory in bounds.
const TABLE_BYTES_MAX: usize = 48_000;

/// The automaton in the form that suits its size.
#[derive(Debug)]
pub(super) enum Automaton {
    /// One lookup a byte.
    Table(dfa::DFA),
    /// A few steps a byte, a tenth of the memory.
    Compact(contiguous::NFA),
    /// What always can be built.
    Plain(noncontiguous::NFA),
}

impl Automaton {
    /// Builds the automaton; `None` without literals. The index of each literal is what `scan` reports.
    pub(super) fn new(literals: &[&str]) -> Option<Automaton> {
        if literals.is_empty() {
            return None;
        }
        let plain = noncontiguous::Builder::new()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(literals)
            .expect("a file's size bounds its literals far below the automaton's limit of 2^31 states");
        let bytes: usize = literals.iter().map(|literal| literal.len()).sum();
        let table =
            || dfa::Builder::new().match_kind(MatchKind::Standard).prefilter(false).build_from_noncontiguous(&plain);
        let compact = || {
            contiguous::Builder::new().match_kind(MatchKind::Standard).prefilter(false).build_from_noncontiguous(&plain)
        };
        if bytes <= TABLE_BYTES_MAX
            && let Ok(table) = table()
        {
            return Some(Automaton::Table(table));
        }
        match compact() {
            Ok(compact) => Some(Automaton::Compact(compact)),
            Err(_) => Some(Automaton::Plain(plain)),
        }
    }

    /// Reports every literal that occurs in the text, as often as it does.
    #[inline]
    pub(super) fn scan(&self, text: &str, found: impl FnMut(u32)) {
        match self {
            Automaton::Table(table) => walk(table, text.as_bytes(), found),
            Automaton::Compact(compact) => walk(compact, text.as_bytes(), found),
            Automaton::Plain(plain) => walk(plain, text.as_bytes(), found),
        }
    }
}

#[inline]
fn walk<A: aho_corasick::automaton::Automaton>(automaton: &A, bytes: &[u8], mut found: impl FnMut(u32)) {
    let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
    for byte in bytes {
        state = automaton.next_state(Anchored::No, state, *byte);
        if automaton.is_special(state) && automaton.is_match(state) {
            for index in 0..automaton.match_len(state) {
                found(automaton.match_pattern(state, index).as_u32());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_wherever_they_stand() {
        let literals = ["he", "she", "hers", "x"];
        let automaton = Automaton::new(&literals).expect("has literals");
        let mut all = Vec::new();
        automaton.scan("ushers he", |literal| all.push(literals[literal as usize]));
        assert_eq!(all, ["she", "he", "hers", "he"]);
        assert!(Automaton::new(&[]).is_none());
    }

    #[test]
    fn large_sets_find_the_same() {
        let literals: Vec<String> = (0..9_000).map(|number| format!("literal-{number:05}")).collect();
        let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
        let automaton = Automaton::new(&literals).expect("has literals");
        assert!(matches!(automaton, Automaton::Compact(_)));
        let mut all = Vec::new();
        automaton.scan("a literal-00007 and literal-08999", |literal| all.push(literal));
        assert_eq!(all, [7, 8999]);
    }
}
