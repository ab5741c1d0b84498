//! Which techniques a set of rules looks for, how many of those rules are tested, and for how many the logs arrive.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;

use super::SPLIT_TACTIC;
use super::Tactic;
use super::Technique;
use super::successor;
use super::technique;
use super::technique_of_tag;
use super::techniques;

/// What counts of one rule.
#[derive(Debug, Clone, Copy)]
pub struct CoveredRule<'r> {
    pub id: &'r str,
    pub tags: &'r [String],
    /// It has cases.
    pub tested: bool,
    /// Logs of its log source arrive; `None` when nobody can say.
    pub arrives: Option<bool>,
}

/// How many rules there are of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Figures {
    pub rules: usize,
    /// Of them, those with cases.
    pub tested: usize,
    /// Of them, those whose log source arrives; `None` when nobody can say.
    pub arriving: Option<usize>,
    /// Of them, those that are both; `None` likewise.
    pub working: Option<usize>,
    /// Of them, those of which nobody can say whether their logs arrive.
    pub unknown: usize,
}

/// How well something is covered, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// A tested rule, and its logs arrive.
    Working,
    /// A tested rule, but none of which it is known that its logs arrive.
    Tested,
    /// Logs arrive for a rule, but that one has no cases.
    Arriving,
    /// A rule and nothing more.
    Written,
    /// No rule.
    Nothing,
}

impl Figures {
    /// Returns how well that is covered.
    pub fn mark(&self) -> Mark {
        match self {
            Figures { rules: 0, .. } => Mark::Nothing,
            Figures { working: Some(1..), .. } => Mark::Working,
            Figures { tested: 1.., .. } => Mark::Tested,
            Figures { arriving: Some(1..), .. } => Mark::Arriving,
            Figures { .. } => Mark::Written,
        }
    }

    fn count(&mut self, rule: &CoveredRule<'_>) {
        self.rules += 1;
        self.tested += usize::from(rule.tested);
        if let Some(arrives) = rule.arrives {
            *self.arriving.get_or_insert(0) += usize::from(arrives);
            *self.working.get_or_insert(0) += usize::from(arrives && rule.tested);
        }
        self.unknown += usize::from(rule.arrives.is_none());
    }
}

/// A technique or sub-technique, and the rules that look for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    pub figures: Figures,
    /// The ids of the rules; of a technique also those of its sub-techniques.
    pub rules: BTreeSet<String>,
}

/// The techniques of ATT&CK with the rules that look for them.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// By number: `1110`, `1110.003`.
    cells: BTreeMap<String, Cell>,
    /// All rules.
    pub rules: Figures,
    /// Rules that name no technique.
    pub untagged: BTreeSet<String>,
    /// Tags that name what ATT&CK does not have (any more), each with what took its place and the rules that name it.
    pub outdated: BTreeMap<String, (Option<&'static str>, BTreeSet<String>)>,
}

/// Techniques counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Sum {
    pub techniques: usize,
    /// Of them, those with a rule.
    pub covered: usize,
    /// Of them, those with a tested rule.
    pub tested: usize,
    /// Of them, those with a tested rule whose logs arrive.
    pub working: usize,
}

impl Coverage {
    /// Counts a set of rules. A technique that was revoked counts as what took its place.
    pub fn of<'r>(rules: impl IntoIterator<Item = CoveredRule<'r>>) -> Coverage {
        let mut coverage = Coverage::default();
        for rule in rules {
            coverage.add(&rule);
        }
        coverage
    }

    fn add(&mut self, rule: &CoveredRule<'_>) {
        self.rules.count(rule);
        let mut named = BTreeSet::new();
        for tag in rule.tags {
            if let Some(place) = outdated(tag) {
                self.outdated
                    .entry(tag.to_lowercase())
                    .or_insert((place, BTreeSet::new()))
                    .1
                    .insert(rule.id.to_owned());
            }
            let Some((number, sub)) = technique_of_tag(tag) else { continue };
            let written = sub.map_or_else(|| number.clone(), |sub| format!("{number}.{sub}"));
            let id = successor(&written).map_or(written, str::to_owned);
            let (number, _) = id.split_once('.').unwrap_or((&id, ""));
            if technique(number).is_some() {
                named.insert(number.to_owned());
                named.insert(id);
            }
        }
        if named.is_empty() {
            self.untagged.insert(rule.id.to_owned());
        }
        for id in named {
            let cell = self.cells.entry(id).or_default();
            if cell.rules.insert(rule.id.to_owned()) {
                cell.figures.count(rule);
            }
        }
    }

    /// Returns the figures of a technique or sub-technique.
    pub fn figures(&self, id: &str) -> Figures {
        self.cells.get(id).map_or_else(Figures::default, |cell| cell.figures)
    }

    /// Returns the rules of a technique or sub-technique.
    pub fn cell(&self, id: &str) -> Option<&Cell> {
        self.cells.get(id)
    }

    /// Goes through what is covered: techniques, and behind each its sub-techniques.
    pub fn cells(&self) -> impl Iterator<Item = (&str, &Cell)> {
        self.cells.iter().map(|(id, cell)| (id.as_str(), cell))
    }

    /// Goes through the techniques of a tactic, those that are covered first.
    pub fn column(&self, tactic: &Tactic) -> Vec<(Technique, Figures)> {
        let figures = |technique: Technique| (technique, self.figures(technique.number));
        let serving = techniques().filter(|technique| technique.serves(tactic));
        let (covered, gaps): (Vec<_>, Vec<_>) = serving.map(figures).partition(|(_, figures)| figures.rules > 0);
        covered.into_iter().chain(gaps).collect()
    }

    /// Counts the techniques of a tactic, or all of them.
    pub fn sum(&self, tactic: Option<&Tactic>) -> Sum {
        let mut sum = Sum::default();
        for technique in techniques().filter(|technique| tactic.is_none_or(|tactic| technique.serves(tactic))) {
            let figures = self.figures(technique.number);
            sum.techniques += 1;
            sum.covered += usize::from(figures.rules > 0);
            sum.tested += usize::from(figures.tested > 0);
            sum.working += usize::from(figures.working.is_some_and(|working| working > 0));
        }
        sum
    }

    /// Says whether it is known of any rule whether its logs arrive.
    pub fn knows_arrivals(&self) -> bool {
        self.rules.arriving.is_some()
    }
}

/// Returns what took the place of a tag that is out of date; `None` for a tag that stands, or is not about ATT&CK.
fn outdated(tag: &str) -> Option<Option<&'static str>> {
    let lower = tag.to_lowercase();
    let name = lower.strip_prefix("attack.")?;
    if name.replace('_', "-") == SPLIT_TACTIC {
        return Some(Some("stealth, defense-impairment"));
    }
    let (number, sub) = technique_of_tag(tag)?;
    let id = sub.map_or_else(|| number.clone(), |sub| format!("{number}.{sub}"));
    match successor(&id) {
        Some(place) => Some(Some(place)),
        None => technique(&number).is_none().then_some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::attack::TACTICS;

    fn tags(tags: &str) -> Vec<String> {
        tags.split(' ').map(|tag| format!("attack.{tag}")).collect()
    }

    #[test]
    fn a_technique_has_the_rules_of_its_sub_techniques_once() {
        let (both, sub, old, none) =
            (tags("t1110 t1110.003"), tags("t1110.001 credential-access"), tags("t1562.001"), tags("t9999"));
        let rule = |id, tags, tested, arrives| CoveredRule { id, tags, tested, arrives };
        let coverage = Coverage::of([
            rule("a", &both[..], true, Some(false)),
            rule("b", &sub[..], false, Some(true)),
            rule("c", &old[..], true, Some(true)),
            rule("d", &none[..], true, Some(true)),
        ]);
        assert_eq!(
            coverage.figures("1110"),
            Figures { rules: 2, tested: 1, arriving: Some(1), working: Some(0), unknown: 0 },
            "{coverage:?}"
        );
        assert_eq!(coverage.figures("1110").mark(), Mark::Tested);
        assert_eq!(coverage.figures("1110.001").mark(), Mark::Arriving);
        assert_eq!(coverage.figures("1685").mark(), Mark::Working);
        assert_eq!(coverage.figures("1562").mark(), Mark::Nothing);
        assert!(coverage.untagged.contains("d"));
        let outdated: Vec<_> = coverage.outdated.iter().map(|(tag, (place, _))| (tag.as_str(), *place)).collect();
        assert_eq!(outdated, [("attack.t1562.001", Some("1685")), ("attack.t9999", None)]);
        let column = coverage.column(&TACTICS[8]);
        assert_eq!((column[0].0.number, column.len()), ("1110", 17));
        assert_eq!(coverage.sum(Some(&TACTICS[8])), Sum { techniques: 17, covered: 1, tested: 1, working: 0 });
        assert_eq!(coverage.sum(None).covered, 2);
    }

    #[test]
    fn without_a_server_nothing_is_said_of_arrivals() {
        let own = tags("t1110 defense-evasion");
        let rule = CoveredRule { id: "a", tags: &own, tested: true, arrives: None };
        let coverage = Coverage::of([rule]);
        assert!(!coverage.knows_arrivals());
        assert_eq!(coverage.figures("1110").mark(), Mark::Tested);
        assert!(coverage.outdated.contains_key("attack.defense-evasion"));
    }
}
