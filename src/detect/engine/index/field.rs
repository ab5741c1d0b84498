//! The literals of one field, so that one look at a value finds every predicate it meets.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::automaton::Automaton;
use super::trie::Trie;
use crate::detect::sigma::value::Cidr;
use crate::detect::sigma::value::masked;

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

    /// Says whether every literal may stand anywhere in a text, and none contains the character.
    pub(in crate::detect::engine) fn only_anywhere_without(&self, separator: char) -> bool {
        let tied = [&self.exact, &self.prefix, &self.suffix];
        tied.iter().all(|literals| literals.outputs.is_empty())
            && self.networks.is_empty()
            && !self.anywhere.places.keys().any(|literal| literal.contains(separator))
    }

    /// Compiles the index.
    pub(in crate::detect::engine) fn build(mut self) -> FieldIndex {
        let anywhere = self.anywhere.in_order();
        let automaton = Automaton::new(&anywhere);
        let prefix = Trie::new(self.prefix.in_order().into_iter().map(str::as_bytes), false);
        let suffix = Trie::new(self.suffix.in_order().into_iter().map(str::as_bytes), true);
        let mut prefix_lengths: Vec<(u8, bool)> =
            self.networks.keys().map(|(bits, network)| (*bits, network.is_ipv4())).collect();
        prefix_lengths.sort_unstable();
        prefix_lengths.dedup();
        self.present.sort_unstable();
        self.present.dedup();
        let exact = self.exact.places.into_iter().map(|(text, place)| (text.into_boxed_str(), place)).collect();
        let reads_text = !self.exact.outputs.is_empty()
            || !self.prefix.outputs.is_empty()
            || !self.suffix.outputs.is_empty()
            || automaton.is_some();
        FieldIndex {
            exact,
            exact_outputs: Outputs::new(self.exact.outputs),
            prefix,
            prefix_outputs: Outputs::new(self.prefix.outputs),
            suffix,
            suffix_outputs: Outputs::new(self.suffix.outputs),
            anywhere_outputs: Outputs::new(self.anywhere.outputs),
            automaton,
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
    exact_outputs: Outputs,
    prefix: Trie,
    prefix_outputs: Outputs,
    suffix: Trie,
    suffix_outputs: Outputs,
    automaton: Option<Automaton>,
    anywhere_outputs: Outputs,
    networks: HashMap<(u8, IpAddr), Vec<Output>>,
    prefix_lengths: Vec<(u8, bool)>,
    pub(in crate::detect::engine) present: Vec<Output>,
    pub(in crate::detect::engine) reads_text: bool,
}

impl FieldIndex {
    /// Says whether the index holds networks, so that the value must be read as an address.
    pub(in crate::detect::engine) fn reads_address(&self) -> bool {
        !self.prefix_lengths.is_empty()
    }

    /// Reports every output whose literal the case-folded text meets. An output may be reported more than once.
    #[inline]
    pub(in crate::detect::engine) fn scan(&self, folded: &str, mut found: impl FnMut(Output)) {
        if !self.exact_outputs.all.is_empty()
            && let Some(place) = self.exact.get(folded)
        {
            self.exact_outputs.of(*place).iter().copied().for_each(&mut found);
        }
        self.prefix.walk(folded.bytes(), |literal| {
            self.prefix_outputs.of(literal).iter().copied().for_each(&mut found);
        });
        self.suffix.walk(folded.bytes().rev(), |literal| {
            self.suffix_outputs.of(literal).iter().copied().for_each(&mut found);
        });
        if let Some(automaton) = &self.automaton {
            automaton.scan(folded, |literal| {
                self.anywhere_outputs.of(literal).iter().copied().for_each(&mut found);
            });
        }
    }

    /// Reports every output whose network holds the address: one probe per distinct prefix length.
    pub(in crate::detect::engine) fn scan_address(&self, address: IpAddr, mut found: impl FnMut(Output)) {
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
