//! One pass over a text that finds every short literal in it: Aho-Corasick, walked by hand.
//!
//! The library's own overlapping search comes back for every hit and starts prefilters that do not pay on short values;
//! walking the same tables in one loop takes half the time. For literals long enough, `grams` is faster still.

use aho_corasick::Anchored;
use aho_corasick::MatchKind;
use aho_corasick::automaton;
use aho_corasick::automaton::StateID;
use aho_corasick::dfa;
use aho_corasick::nfa::contiguous;
use aho_corasick::nfa::noncontiguous;

/// Pattern bytes up to which the automaton is a table; past it the compact form keeps memory in bounds.
const TABLE_BYTES_MAX: usize = 48_000;

/// Finds literals in texts, in the form that suits their number.
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
        Some(form(literals))
    }

    /// Reports every literal that occurs in the text, as often as it does. The text is ASCII of any case, or folded.
    #[inline]
    pub(super) fn scan(&self, text: &[u8], found: impl FnMut(u32)) {
        match self {
            Automaton::Table(table) => walk(table, text, found),
            Automaton::Compact(compact) => walk(compact, text, found),
            Automaton::Plain(plain) => walk(plain, text, found),
        }
    }
}

fn form(literals: &[&str]) -> Automaton {
    let plain = noncontiguous::Builder::new()
        .match_kind(MatchKind::Standard)
        .prefilter(false)
        .build(literals)
        .expect("a file's size bounds its literals far below the automaton's limit of 2^31 states");
    let bytes: usize = literals.iter().map(|literal| literal.len()).sum();
    let table =
        || dfa::Builder::new().match_kind(MatchKind::Standard).prefilter(false).build_from_noncontiguous(&plain);
    let compact =
        || contiguous::Builder::new().match_kind(MatchKind::Standard).prefilter(false).build_from_noncontiguous(&plain);
    if bytes <= TABLE_BYTES_MAX
        && let Ok(table) = table()
    {
        return Automaton::Table(table);
    }
    match compact() {
        Ok(compact) => Automaton::Compact(compact),
        Err(_) => Automaton::Plain(plain),
    }
}

#[inline]
fn walk<A: automaton::Automaton>(automaton: &A, bytes: &[u8], mut found: impl FnMut(u32)) {
    let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
    let mut rest = bytes;
    loop {
        (state, rest) = advance(automaton, state, rest);
        if automaton.is_match(state) {
            for index in 0..automaton.match_len(state) {
                found(automaton.match_pattern(state, index).as_u32());
            }
        }
        if rest.is_empty() {
            return;
        }
    }
}

/// Runs to the next state that means something, or to the end. A loop of its own keeps the state in a register.
#[inline(never)]
fn advance<'b, A: automaton::Automaton>(automaton: &A, mut state: StateID, bytes: &'b [u8]) -> (StateID, &'b [u8]) {
    for (at, byte) in bytes.iter().enumerate() {
        state = automaton.next_state(Anchored::No, state, byte.to_ascii_lowercase());
        if automaton.is_special(state) {
            return (state, bytes.get(at + 1..).unwrap_or_default());
        }
    }
    // The state at the end was reported when it was entered, so that the start state stands in for it.
    (automaton.start_state(Anchored::No).unwrap_or(state), &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_wherever_they_stand() {
        let literals = ["he", "she", "hers", "x"];
        let automaton = Automaton::new(&literals).expect("has literals");
        let mut all = Vec::new();
        automaton.scan(b"usHers he", |literal| all.push(literals[literal as usize]));
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
        automaton.scan(b"a literal-00007 and literal-08999", |literal| all.push(literal));
        assert_eq!(all, [7, 8999]);
    }
}
