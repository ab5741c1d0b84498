//! The literals of one field, so that one look at a value finds every predicate it meets.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::automaton::Automaton;
use super::grams::GRAM;
use super::grams::Grams;
use super::trie::Trie;
use crate::detect::sigma::value::Cidr;
use crate::detect::sigma::value::fold_into;
use crate::detect::sigma::value::masked;
use crate::model::Value;

/// A predicate of the plan, and whether meeting the literal decides it or only makes it worth deciding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect::engine) struct Output {
    pub(in crate::detect::engine) predicate: u32,
    pub(in crate::detect::engine) decided: bool,
}

/// Literals with the outputs of each; the same literal of several rules is one entry.
#[derive(Debug, Default)]
struct Literals {
    places: HashMap<String, u32>,
    outputs: Vec<Vec<Output>>,
}

impl Literals {
    fn add(&mut self, literal: &str, output: Output) {
        let next = self.outputs.len() as u32;
        let place = *self.places.entry_ref(literal).or_insert(next);
        if place == next {
            self.outputs.push(Vec::new());
        }
        if let Some(outputs) = self.outputs.get_mut(place as usize) {
            outputs.push(output);
        }
    }

    fn in_order(&self) -> Vec<&str> {
        let mut order: Vec<(u32, &str)> = self.places.iter().map(|(text, place)| (*place, text.as_str())).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, text)| text).collect()
    }
}

/// The outputs of each literal, back to back.
#[derive(Debug, Default)]
struct Outputs {
    starts: Vec<u32>,
    all: Vec<Output>,
}

impl Outputs {
    fn new(lists: Vec<Vec<Output>>) -> Outputs {
        let mut outputs = Outputs { starts: vec![0], all: Vec::new() };
        for mut list in lists {
            list.sort_unstable();
            list.dedup();
            outputs.all.extend(list);
            outputs.starts.push(outputs.all.len() as u32);
        }
        outputs
    }

    #[inline]
    fn of(&self, literal: u32) -> &[Output] {
        let at = literal as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(start), Some(end)) => self.all.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// Literals that may stand anywhere in a text.
///
/// One search for all that are long enough: what the shortest of them makes it look at is enough for the others.
#[derive(Debug)]
struct Anywhere {
    grams: Option<Grams>,
    /// Too short for groups.
    tiny: Option<Automaton>,
    tiny_numbers: Vec<u32>,
}

/// Literals from this length let a search step over bytes.
pub(in crate::detect::engine) const LONG: usize = GRAM + 3;

impl Anywhere {
    fn new(literals: &[&str]) -> Anywhere {
        let numbered = literals.iter().copied().zip(0..);
        let (grams, tiny): (Vec<_>, Vec<_>) = numbered.partition(|(literal, _)| literal.len() >= GRAM);
        let (tiny, tiny_numbers): (Vec<&str>, Vec<u32>) = tiny.into_iter().unzip();
        Anywhere { grams: Grams::new(&grams), tiny: Automaton::new(&tiny), tiny_numbers }
    }

    #[inline]
    fn scan(&self, text: &[u8], mut found: impl FnMut(u32)) {
        if let Some(grams) = &self.grams {
            grams.scan(text, &mut found);
        }
        if let Some(tiny) = &self.tiny {
            tiny.scan(text, |literal| found(self.tiny_numbers.get(literal as usize).copied().unwrap_or(u32::MAX)));
        }
    }
}

/// Stands for a text's length in a set of lengths; those from 127 share one bit.
fn length_bit(text: &str) -> u128 {
    1 << text.len().min(127)
}

/// Collects the literals of a field while a plan is built.
#[derive(Debug, Default)]
pub(in crate::detect::engine) struct FieldIndexBuilder {
    exact: Literals,
    prefix: Literals,
    suffix: Literals,
    anywhere: Literals,
    networks: HashMap<(u8, IpAddr), Vec<Output>>,
    /// Predicates that hold as soon as the field is there.
    pub(in crate::detect::engine) present: Vec<Output>,
}

impl FieldIndexBuilder {
    pub(in crate::detect::engine) fn add_exact(&mut self, folded: &str, output: Output) {
        self.exact.add(folded, output);
    }

    pub(in crate::detect::engine) fn add_prefix(&mut self, folded: &str, output: Output) {
        self.prefix.add(folded, output);
    }

    pub(in crate::detect::engine) fn add_suffix(&mut self, folded: &str, output: Output) {
        self.suffix.add(folded, output);
    }

    pub(in crate::detect::engine) fn add_anywhere(&mut self, folded: &str, output: Output) {
        self.anywhere.add(folded, output);
    }

    pub(in crate::detect::engine) fn add_network(&mut self, network: Cidr, output: Output) {
        self.networks.entry((network.prefix_bits(), network.network())).or_default().push(output);
    }

    /// Compiles the index.
    pub(in crate::detect::engine) fn build(mut self) -> FieldIndex {
        let anywhere = Anywhere::new(&self.anywhere.in_order());
        let prefix = Trie::new(self.prefix.in_order().into_iter().map(str::as_bytes), false);
        let suffix = Trie::new(self.suffix.in_order().into_iter().map(str::as_bytes), true);
        let mut prefix_lengths: Vec<(u8, bool)> =
            self.networks.keys().map(|(bits, network)| (*bits, network.is_ipv4())).collect();
        prefix_lengths.sort_unstable();
        prefix_lengths.dedup();
        self.present.sort_unstable();
        self.present.dedup();
        let all = [&self.exact, &self.prefix, &self.suffix, &self.anywhere];
        let lengths = all.into_iter().flat_map(|literals| literals.places.keys().map(String::len));
        let shortest = lengths.min().unwrap_or(0);
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let reads_numbers = all.into_iter().flat_map(|literals| literals.places.keys()).any(|text| digits(text));
        let exact_lengths = self.exact.places.keys().fold(0, |lengths, text| lengths | length_bit(text));
        let reads_text = !self.exact.outputs.is_empty()
            || !self.prefix.outputs.is_empty()
            || !self.suffix.outputs.is_empty()
            || !self.anywhere.outputs.is_empty();
        let exact = self.exact.places.into_iter().map(|(text, place)| (text.into_boxed_str(), place)).collect();
        FieldIndex {
            exact,
            exact_lengths,
            shortest,
            reads_numbers,
            exact_outputs: Outputs::new(self.exact.outputs),
            prefix,
            prefix_outputs: Outputs::new(self.prefix.outputs),
            suffix,
            suffix_outputs: Outputs::new(self.suffix.outputs),
            anywhere_outputs: Outputs::new(self.anywhere.outputs),
            anywhere,
            networks: self.networks,
            prefix_lengths,
            present: self.present,
            reads_text,
        }
    }
}

/// The compiled index of one field.
#[derive(Debug)]
pub(in crate::detect::engine) struct FieldIndex {
    exact: HashMap<Box<str>, u32, foldhash::fast::FixedState>,
    exact_lengths: u128,
    /// The length of the shortest literal.
    shortest: usize,
    /// Some literal may occur in a whole number.
    pub(in crate::detect::engine) reads_numbers: bool,
    exact_outputs: Outputs,
    prefix: Trie,
    prefix_outputs: Outputs,
    suffix: Trie,
    suffix_outputs: Outputs,
    anywhere: Anywhere,
    anywhere_outputs: Outputs,
    networks: HashMap<(u8, IpAddr), Vec<Output>>,
    prefix_lengths: Vec<(u8, bool)>,
    pub(in crate::detect::engine) present: Vec<Output>,
    reads_text: bool,
}

impl FieldIndex {
    /// Says whether a value can meet anything here.
    #[inline]
    pub(in crate::detect::engine) fn reads(&self) -> bool {
        self.reads_text || self.reads_address()
    }

    /// Says whether the index holds networks, so that the value must be read as an address.
    fn reads_address(&self) -> bool {
        !self.prefix_lengths.is_empty()
    }

    /// Reports every output whose literal the text meets, letter case aside. An output may be reported more than once.
    ///
    /// Most texts are ASCII, where case is set aside byte by byte on the way; others are folded into `folded` first.
    #[inline]
    pub(in crate::detect::engine) fn scan(&self, text: &str, folded: &mut String, mut found: impl FnMut(Output)) {
        if !self.reads_text {
            return;
        }
        if self.is_too_short(text) {
            return;
        }
        if text.is_ascii() {
            if self.exact_lengths & length_bit(text) != 0 {
                folded.clear();
                fold_into(text, folded);
                self.find_exact(folded, &mut found);
            }
            self.scan_bytes(text.as_bytes(), found);
        } else {
            folded.clear();
            fold_into(text, folded);
            self.find_exact(folded, &mut found);
            self.scan_bytes(folded.as_bytes(), found);
        }
    }

    /// Says whether not even the shortest literal has room. (A character's small form may be longer than itself.)
    #[inline]
    pub(in crate::detect::engine) fn is_too_short(&self, text: &str) -> bool {
        text.len() < self.shortest && text.is_ascii()
    }

    #[inline]
    fn find_exact(&self, folded: &str, found: impl FnMut(Output)) {
        if let Some(place) = self.exact.get(folded) {
            self.exact_outputs.of(*place).iter().copied().for_each(found);
        }
    }

    #[inline]
    fn scan_bytes(&self, text: &[u8], mut found: impl FnMut(Output)) {
        let bytes = text.iter().map(u8::to_ascii_lowercase);
        self.prefix.walk(bytes.clone(), |literal| {
            self.prefix_outputs.of(literal).iter().copied().for_each(&mut found);
        });
        self.suffix.walk(bytes.rev(), |literal| {
            self.suffix_outputs.of(literal).iter().copied().for_each(&mut found);
        });
        self.anywhere.scan(text, |literal| {
            self.anywhere_outputs.of(literal).iter().copied().for_each(&mut found);
        });
    }

    /// Reports every output whose network holds the value, if that is an address: one probe per distinct prefix length.
    #[inline]
    pub(in crate::detect::engine) fn scan_address(&self, value: &Value<'_>, mut found: impl FnMut(Output)) {
        if !self.reads_address() {
            return;
        }
        let Some(address) = value.as_ip() else { return };
        let address = address.to_canonical();
        for (bits, is_v4) in &self.prefix_lengths {
            if *is_v4 == address.is_ipv4()
                && let Some(network) = masked(address, *bits)
                && let Some(outputs) = self.networks.get(&(*bits, network))
            {
                outputs.iter().copied().for_each(&mut found);
            }
        }
    }
}
