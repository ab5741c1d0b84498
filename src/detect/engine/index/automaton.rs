//! One pass over a text that finds every literal in it, wherever it stands: Aho-Corasick, walked by hand.
//!
//! The library's own overlapping search comes back for every hit and starts prefilters that do not pay on short values;
//! walking the same tables in one loop took half the time on Windows events with all community rules.

use aho_corasick::Anchored;
use aho_corasick::MatchKind;
use aho_corasick::automaton;
use aho_corasick::automaton::StateID;
use aho_corasick::dfa;
use aho_corasick::nfa::contiguous;
use aho_corasick::nfa::noncontiguous;
use aho_corasick::packed;

use super::trie::Trie;

/// Pattern bytes up to which the automaton is a table; past it the compact form keeps memory in bounds.
const TABLE_BYTES_MAX: usize = 48_000;

/// Literals up to which a vectorised search says faster that there are none.
const SIEVE_LITERALS_MAX: usize = 64;
/// Shorter literals pass the sieve too often.
const SIEVE_LENGTH_MIN: usize = 3;

/// Hits after which a text is so full of literals that the automaton is faster.
const SIEVE_HITS_MAX: usize = 32;

/// Finds literals in texts.
#[derive(Debug)]
pub(super) struct Automaton {
    /// Finds the first literal several times faster than the automaton, where there are few of them; most texts have none.
    sieve: Option<Sieve>,
    form: Form,
}

/// A vectorised search for places where a literal begins, and the literals by their beginnings.
#[derive(Debug)]
struct Sieve {
    searcher: packed::Searcher,
    literals: Trie,
}

/// The automaton in the form that suits its size.
#[derive(Debug)]
enum Form {
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
        Some(Automaton { sieve: sieve(literals), form: form(literals) })
    }

    /// Reports every literal that occurs in the text, as often as it does.
    #[inline]
    pub(super) fn scan(&self, text: &str, mut found: impl FnMut(u32)) {
        let mut bytes = text.as_bytes();
        if let Some(sieve) = &self.sieve {
            // The search names one literal of those that begin at a place; the trie finds the others.
            for _ in 0..SIEVE_HITS_MAX {
                let Some(hit) = sieve.searcher.find(bytes) else { return };
                let rest = bytes.get(hit.start()..).unwrap_or_default();
                sieve.literals.walk(rest.iter().copied(), &mut found);
                bytes = rest.get(1..).unwrap_or_default();
            }
        }
        match &self.form {
            Form::Table(table) => walk(table, bytes, found),
            Form::Compact(compact) => walk(compact, bytes, found),
            Form::Plain(plain) => walk(plain, bytes, found),
        }
    }
}

fn sieve(literals: &[&str]) -> Option<Sieve> {
    let suits =
        literals.len() <= SIEVE_LITERALS_MAX && literals.iter().all(|literal| literal.len() >= SIEVE_LENGTH_MIN);
    if !suits {
        return None;
    }
    let config = packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).clone();
    let searcher = config.builder().extend(literals).build()?;
    Some(Sieve { searcher, literals: Trie::new(literals.iter().map(|literal| literal.as_bytes()), false) })
}

fn form(literals: &[&str]) -> Form {
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
        return Form::Table(table);
    }
    match compact() {
        Ok(compact) => Form::Compact(compact),
        Err(_) => Form::Plain(plain),
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
        state = automaton.next_state(Anchored::No, state, *byte);
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
        automaton.scan("ushers he", |literal| all.push(literals[literal as usize]));
        assert_eq!(all, ["she", "he", "hers", "he"]);
        assert!(Automaton::new(&[]).is_none());
    }

    #[test]
    fn texts_full_of_literals_are_searched_to_their_end() {
        let literals = ["aba", "bab", "abab", "zzz"];
        let automaton = Automaton::new(&literals).expect("has literals");
        assert!(automaton.sieve.is_some());
        let text = format!("{}zzz", "ab".repeat(100));
        let mut counts = [0; 4];
        automaton.scan(&text, |literal| counts[literal as usize] += 1);
        assert_eq!(counts, [99, 99, 99, 1]);
    }

    #[test]
    fn large_sets_find_the_same() {
        let literals: Vec<String> = (0..9_000).map(|number| format!("literal-{number:05}")).collect();
        let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
        let automaton = Automaton::new(&literals).expect("has literals");
        assert!(matches!(automaton.form, Form::Compact(_)));
        let mut all = Vec::new();
        automaton.scan("a literal-00007 and literal-08999", |literal| all.push(literal));
        assert_eq!(all, [7, 8999]);
    }
}
