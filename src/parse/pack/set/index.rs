//! Finds the packs a line may belong to: by program, by how the content begins, by its keys, by what it contains.

use aho_corasick::AhoCorasick;
use aho_corasick::AhoCorasickKind;
use smallvec::SmallVec;

use crate::model::Value;
use crate::parse::keys::Key;
use crate::parse::pack::file::PackFile;
use crate::parse::pack::file::Recognise;
use crate::parse::pack::set::compiled::FastMap;
use crate::parse::pack::set::compiled::PackId;
use crate::parse::pack::set::glob;

/// Candidates for one line; few by nature.
pub(in crate::parse::pack) type Candidates = SmallVec<[PackId; 4]>;

/// A condition of a `[[recognise]]` table beyond the one it is found by.
#[derive(Debug, Clone, Default)]
struct Claim {
    pack: PackId,
    app_name: Vec<String>,
    prefix: Vec<String>,
    contains: Vec<String>,
    keys: Vec<String>,
    equals: Vec<(String, Vec<String>)>,
}

/// The way from a line to its packs.
#[derive(Debug, Default)]
pub(in crate::parse::pack) struct Index {
    claims: Vec<Claim>,
    /// Exact program names, lower case, to claims.
    by_app_name: FastMap<Vec<u16>>,
    /// Program names with `*`.
    by_app_glob: Vec<(String, u16)>,
    /// Content prefixes, by their first byte, longest first.
    by_prefix: Vec<Vec<(String, u16)>>,
    /// Keys of structured content to the claims they anchor.
    by_key: FastMap<Vec<u16>>,
    /// One automaton over all required literals.
    literals: Option<AhoCorasick>,
    literal_claims: Vec<u16>,
}

/// What is known of a line's content while packs are looked for.
#[derive(Clone, Copy)]
pub(in crate::parse::pack) struct Content<'c, 'v> {
    pub(in crate::parse::pack) app_name: Option<&'c str>,
    pub(in crate::parse::pack) body: &'c str,
    pub(in crate::parse::pack) pairs: &'c [(Key<'v>, Value<'v>)],
}

impl Index {
    /// Builds the index of a set of packs, in the order of their numbers.
    pub(in crate::parse::pack) fn new<'f>(packs: impl Iterator<Item = &'f PackFile>) -> Index {
        let mut index = Index { by_prefix: vec![Vec::new(); 256], ..Index::default() };
        let mut literals: Vec<String> = Vec::new();
        for (pack, file) in packs.enumerate() {
            for recognise in &file.recognise {
                index.add(pack as PackId, recognise, &mut literals);
            }
        }
        for prefixes in &mut index.by_prefix {
            prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        }
        if !literals.is_empty() {
            index.literals = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(&literals).ok();
        }
        index
    }

    /// Files a claim under the strongest of its conditions; the others are checked when it is found.
    fn add(&mut self, pack: PackId, recognise: &Recognise, literals: &mut Vec<String>) {
        let Ok(number) = u16::try_from(self.claims.len()) else { return };
        self.claims.push(Claim {
            pack,
            app_name: recognise.app_name.clone(),
            prefix: recognise.prefix.clone(),
            contains: recognise.contains.clone(),
            keys: recognise.keys.clone(),
            equals: recognise.equals.clone(),
        });
        let anchor = recognise.equals.first().map(|(key, _)| key).or(recognise.keys.first());
        if let Some(key) = anchor {
            self.by_key.entry(key.as_str().into()).or_default().push(number);
        } else if !recognise.app_name.is_empty() {
            for app_name in &recognise.app_name {
                if app_name.contains('*') {
                    self.by_app_glob.push((app_name.clone(), number));
                } else {
                    self.by_app_name.entry(app_name.to_lowercase().into()).or_default().push(number);
                }
            }
        } else if !recognise.prefix.is_empty() {
            for prefix in &recognise.prefix {
                let first = prefix.as_bytes().first().copied().unwrap_or(0);
                if let Some(prefixes) = self.by_prefix.get_mut(usize::from(first)) {
                    prefixes.push((prefix.clone(), number));
                }
            }
        } else {
            // Any one of the literals is enough, so each is a way to the claim.
            for literal in &recognise.contains {
                literals.push(literal.clone());
                self.literal_claims.push(number);
            }
        }
    }

    /// Returns the packs that claim a program.
    pub(in crate::parse::pack) fn by_app_name(&self, content: Content<'_, '_>) -> Candidates {
        let mut found = Candidates::new();
        let Some(app_name) = content.app_name else { return found };
        let mut lower: SmallVec<[u8; 48]> = SmallVec::from_slice(app_name.as_bytes());
        lower.make_ascii_lowercase();
        let exact = std::str::from_utf8(&lower).ok().and_then(|name| self.by_app_name.get(name));
        for number in exact.into_iter().flatten() {
            self.admit(*number, content, &mut found);
        }
        for (pattern, number) in &self.by_app_glob {
            if glob::fits(pattern, app_name) {
                self.admit(*number, content, &mut found);
            }
        }
        found
    }

    /// Returns the packs that claim how the content begins, longest prefix first.
    pub(in crate::parse::pack) fn by_prefix(&self, content: Content<'_, '_>) -> Candidates {
        let mut found = Candidates::new();
        let first = content.body.as_bytes().first().copied().unwrap_or(0);
        for (prefix, number) in self.by_prefix.get(usize::from(first)).into_iter().flatten() {
            if content.body.starts_with(prefix.as_str()) {
                self.admit(*number, content, &mut found);
            }
        }
        found
    }

    /// Returns the claims a key is the anchor of.
    pub(in crate::parse::pack) fn anchored_by(&self, key: &str) -> &[u16] {
        self.by_key.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the pack that claims the keys of structured content; of several, the one that asks for most.
    pub(in crate::parse::pack) fn by_keys(&self, content: Content<'_, '_>) -> Option<PackId> {
        let mut best: Option<(usize, PackId)> = None;
        for (key, _) in content.pairs {
            for number in &key.facts().claims().recognised_by {
                let Some(claim) = self.claims.get(usize::from(*number)) else { continue };
                let asked =
                    claim.keys.len() + 2 * claim.equals.len() + claim.prefix.len().min(1) + claim.app_name.len().min(1);
                if best.is_none_or(|(most, _)| asked > most) && claim.holds(content) {
                    best = Some((asked, claim.pack));
                }
            }
        }
        best.map(|(_, pack)| pack)
    }

    /// Returns the packs of which a required literal stands in the content.
    pub(in crate::parse::pack) fn by_literal(&self, content: Content<'_, '_>) -> Candidates {
        let mut found = Candidates::new();
        let Some(automaton) = &self.literals else { return found };
        for hit in automaton.find_overlapping_iter(content.body).take(64) {
            if let Some(number) = self.literal_claims.get(hit.pattern().as_usize()) {
                self.admit(*number, content, &mut found);
            }
        }
        found
    }

    fn admit(&self, number: u16, content: Content<'_, '_>, found: &mut Candidates) {
        if let Some(claim) = self.claims.get(usize::from(number))
            && !found.contains(&claim.pack)
            && claim.holds(content)
        {
            found.push(claim.pack);
        }
    }
}

impl Claim {
    fn holds(&self, content: Content<'_, '_>) -> bool {
        let any = |list: &[String], fits: &dyn Fn(&str) -> bool| list.is_empty() || list.iter().any(|item| fits(item));
        let value = |key: &str| content.pairs.iter().find(|(have, _)| **have == *key).map(|(_, value)| value);
        any(&self.app_name, &|want| content.app_name.is_some_and(|have| glob::fits(want, have)))
            && any(&self.prefix, &|want| content.body.starts_with(want))
            && any(&self.contains, &|want| content.body.contains(want))
            && self.keys.iter().all(|key| value(key).is_some())
            && self.equals.iter().all(|(key, wanted)| {
                value(key).is_some_and(|have| wanted.iter().any(|want| glob::fits(want, &have.to_text())))
            })
    }
}
